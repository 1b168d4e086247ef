"""Two matrices on one scale: aligned on the neurons that both have, in deviations from their means."""

from typing import Any

import numpy as np
import xarray as xr

from netxr.names import SOURCE, TARGET
from netxr.overlaps import overlap_of, taken


def shared_entries(A: xr.DataArray, R: xr.DataArray) -> tuple[xr.DataArray, xr.DataArray, str]:
    """Return both on the targets and sources that both have, with the labels of A, and how many are left out.

    Raises
    ------
    InvalidInput
        If there are none, or one of the two has no labels and another size.
    """
    overlaps = {dim: overlap_of(A, R, dim, arguments=("A", "R")) for dim in (TARGET, SOURCE)}
    A = taken(A, {dim: overlap.in_truth for dim, overlap in overlaps.items()})
    R = taken(R, {dim: overlap.in_estimate for dim, overlap in overlaps.items()})
    left_out = [len(overlap.only_truth) + len(overlap.only_estimate) for overlap in overlaps.values()]
    return A, A.copy(data=R.transpose(*A.dims).values), _left_out_text(*left_out)


def _left_out_text(targets: int, sources: int) -> str:
    """Say how many neurons are in one of the two matrices only; nothing where there are none."""
    counts = {"neuron": targets} if targets == sources else {"target": targets, "source": sources}
    words = " and ".join(f"{n} {name}{'s' * (n > 1)}" for name, n in counts.items() if n)
    return f"{words} left out, in one of the two only" if words else ""


def standardise(matrix: xr.DataArray) -> xr.DataArray:
    """Return a matrix with mean 0 and deviation 1 over its finite entries; NaN where they are all the same."""
    values = matrix.values.astype(np.result_type(matrix.dtype, np.float32))
    finite = np.isfinite(values)
    low, high = values.min(initial=np.inf, where=finite), values.max(initial=-np.inf, where=finite)
    if not low < high:
        return matrix.copy(data=np.full_like(values, np.nan))
    values[~finite] = np.nan
    values /= max(-low, high)  # so that no square is too large or too small for a float
    centre: Any = values.mean(dtype=np.float64, where=finite)
    values -= centre
    values /= np.sqrt(np.square(values).mean(dtype=np.float64, where=finite))
    return matrix.copy(data=values)
