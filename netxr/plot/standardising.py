"""Matrices on one scale: in deviations from their means."""

from typing import Any

import numpy as np
import xarray as xr


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
