"""Two matrices on one scale: aligned on the neurons that both have, in deviations from their means."""

from typing import Any

import numpy as np
import xarray as xr

from netxr.errors import InvalidInput
from netxr.names import SOURCE, TARGET
from netxr.schema import labels_of


def shared_entries(A: xr.DataArray, R: xr.DataArray) -> tuple[xr.DataArray, xr.DataArray, str]:
    """Return both on the targets and sources that both have, in the order of A, and how many are left out.

    Raises
    ------
    InvalidInput
        If there are none, or one of the two has no labels and another size.
    """
    left_out = []
    for dim in (TARGET, SOURCE):
        ours, theirs = labels_of(A, dim).tolist(), labels_of(R, dim).tolist()
        _check_labelled(A, R, dim)
        place_of = {label: place for place, label in enumerate(theirs)}
        kept = [place for place, label in enumerate(ours) if label in place_of]
        if not kept:
            raise InvalidInput(
                "R",
                got=f"labels along {dim} such as {theirs[0]!r}",
                expected=f"some of those of A, such as {ours[0]!r}",
                fix=f"Give both the same labels with .assign_coords({dim}=...).",
            )
        labels = labels_of(A, dim)[kept]
        A = A.isel({dim: kept}).assign_coords({dim: labels})
        R = R.isel({dim: [place_of[ours[place]] for place in kept]}).assign_coords({dim: labels})
        left_out.append(len(ours) + len(theirs) - 2 * len(kept))
    return A, R, _left_out_text(*left_out)


def _check_labelled(A: xr.DataArray, R: xr.DataArray, dim: str) -> None:
    """Raise if entries of one matrix would be taken for entries of the other by their number only."""
    for argument, one, other in (("A", A, R), ("R", R, A)):
        if dim not in one.coords and not np.array_equal(labels_of(one, dim), labels_of(other, dim)):
            raise InvalidInput(
                argument,
                got=f"{dim} without labels",
                expected="labels, so that no entry is taken for another",
                fix=f"Label it with .assign_coords({dim}=...).",
            )


def _left_out_text(targets: int, sources: int) -> str:
    """Say how many neurons are in one of the two matrices only; nothing where there are none."""
    if targets == sources == 0:
        return ""
    if targets == sources:
        return f"{targets} neuron{'s' * (targets > 1)} left out, in one of the two only"
    return f"{targets} targets and {sources} sources left out, in one of the two only"


def standardise(matrix: xr.DataArray) -> xr.DataArray:
    """Return a matrix with mean 0 and deviation 1 over its finite entries; NaN where they are all the same."""
    values = matrix.values.astype(np.result_type(matrix.dtype, np.float32))
    finite = np.isfinite(values)
    if not finite.any() or np.ptp(values[finite]) == 0:
        return matrix.copy(data=np.full_like(values, np.nan))
    values[~finite] = np.nan
    values /= np.nanmax(np.abs(values))  # so that no square is too large or too small for a float
    centre: Any = values.mean(dtype=np.float64, where=finite)
    values -= centre
    values /= np.sqrt(np.square(values).mean(dtype=np.float64, where=finite))
    return matrix.copy(data=values)
