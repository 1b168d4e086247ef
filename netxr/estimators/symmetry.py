"""How alike an estimate and its transpose are: an estimate that is its own transpose says nothing of direction."""

from collections.abc import Iterable
from math import isfinite
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from netxr import names as n
from netxr.kernels.scores import TIE
from netxr.schema.variables import CONNECTIVITY_SPEC, check_variable, labels_of

SLOW: Final = 0.9
"""Where an estimate and its transpose correlate higher than this, it hardly tells which way a connection goes."""

CURE: Final = "Take what is slow off the activity first (netxr.high_pass, netxr.difference), or deconvolve it."

BLOCK: Final = 2**19
"""Entries of a matrix that are compared with their transpose together: rows enough to read columns by."""

FEW: Final = 2**12
"""Entries from which a provisional mean is taken."""

ABOUT: Final = {
    n.LONG_NAME: "correlation of the estimate with its transpose, without the diagonal",
    n.UNDEFINED_WHERE: "the estimate is the same for all pairs, or targets and sources are not the same neurons",
}


def symmetry(estimate: xr.DataArray) -> xr.DataArray:
    """Say how alike an estimate and its transpose are: 1 where it tells no direction at all.

    It is the correlation of R[i, j] with R[j, i] over all pairs of different neurons that are defined both ways. At lag
    0, and for an estimator that tells no direction, it is 1. On signals that change slowly, such as calcium or BOLD, R
    at lag 1 comes close to that, whatever the network: filter them (`high_pass`), take differences, or deconvolve.

    Parameters
    ----------
    estimate : DataArray
        (target, source), with any further dims (lag, trial, ...); NumPy or dask.

    Returns
    -------
    DataArray
        Over the further dims, -1 to 1, float64, lazy if the estimate is. NaN where the estimate does not vary, or
        targets and sources are not the same neurons.

    Raises
    ------
    InvalidInput
        If it is no estimate.

    Examples
    --------
    >>> import netxr
    >>> R = netxr.as_connectivity([[1, 0.4, 0.1], [0.3, 1, 0.2], [0.1, 0.1, 1]], rows="target")
    >>> round(symmetry(R).item(), 3)
    0.75
    """
    extra = getattr(estimate, "dims", ())
    check_variable(estimate, CONNECTIVITY_SPEC, argument="estimate", extra_dims=extra)
    is_square = np.array_equal(labels_of(estimate, n.TARGET), labels_of(estimate, n.SOURCE))
    found: xr.DataArray = xr.apply_ufunc(
        symmetry_of if is_square else lambda _matrix: np.nan,
        estimate.drop_vars([name for name, one in estimate.coords.items() if {n.TARGET, n.SOURCE} & set(one.dims)]),
        input_core_dims=[[n.TARGET, n.SOURCE]],
        vectorize=True,
        dask="parallelized",
        output_dtypes=[np.float64],
        dask_gufunc_kwargs={"allow_rechunk": True},
    )
    return found.rename(n.SYMMETRY).assign_attrs(ABOUT)


def symmetry_of(matrix: NDArray[Any], *, block: int = BLOCK) -> float:
    """Return the correlation of a square matrix with its transpose, over different neurons and defined pairs.

    Both sides have the same mean and spread, so it is 1 less the squared difference over twice the variance. Taken some
    rows at a time, without a copy of the matrix; undefined where nothing varies.
    """
    n_rows = max(1, block // max(1, len(matrix)))
    first = matrix[:n_rows][np.isfinite(matrix[:n_rows])].astype(np.float64)
    shift = (
        np.median(first[:: -(-first.size // FEW)]) if first.size else 0.0
    )  # provisional, so that nothing cancels and squares stay in range
    scale = np.abs(first - shift).max(initial=0.0) or 1.0
    count, total, squares, apart = 0, 0.0, 0.0, 0.0
    for start in range(0, len(matrix), n_rows):
        sides = matrix[start : start + n_rows], matrix[:, start : start + n_rows].T
        x, y = ((side - shift) / scale for side in sides)
        pairs = np.isfinite(x) & np.isfinite(y)
        np.fill_diagonal(pairs[:, start:], val=False)
        if pairs.sum() < pairs.size - len(pairs):
            x, y = (np.where(pairs, side, 0.0) for side in (x, y))
        for side in (x, y):
            np.fill_diagonal(side[:, start:], 0.0)
        # Not by BLAS: its threads would be in the way of what follows for a while.
        count, total, squares = count + int(pairs.sum()), total + x.sum(), squares + np.einsum("ij,ij->", x, x)
        y -= x
        apart += np.einsum("ij,ij->", y, y)
    variance = squares - total**2 / max(1, count)
    return float(np.clip(1 - apart / (2 * variance), -1.0, 1.0)) if variance > TIE * squares else np.nan


def highest_of(estimate: xr.DataArray) -> float:
    """Return the highest symmetry of an estimate in memory, ([..., ]target, source), as `highest` does of all.

    Examples
    --------
    >>> highest_of(xr.DataArray([[1, 0.4, 0.1], [0.3, 1, 0.2], [0.1, 0.1, 1]], dims=("target", "source"))).__round__(3)
    0.75
    """
    if not np.array_equal(labels_of(estimate, n.TARGET), labels_of(estimate, n.SOURCE)):
        return np.nan
    matrices = _but_lag_0(estimate).variable.transpose(..., n.TARGET, n.SOURCE).values
    return _highest([symmetry_of(matrix) for matrix in matrices.reshape(-1, *matrices.shape[-2:])])


def highest(found: xr.DataArray) -> float:
    """Return the highest of several symmetries in memory, but for lag 0, where there is another lag.

    Examples
    --------
    >>> highest(xr.DataArray([1.0, 0.2, 0.4], {"lag": [0, 1, 2]}))
    0.4
    """
    return _highest(_but_lag_0(found).values.ravel().tolist())


def _but_lag_0(data: xr.DataArray) -> xr.DataArray:
    """Return what is at other lags than 0, if there are any."""
    if n.LAG not in data.dims or all(at_lags := data[n.LAG].values != 0) or not any(at_lags):
        return data
    return data.isel({n.LAG: at_lags})


def _highest(values: Iterable[float]) -> float:
    """Return the highest value that is defined."""
    return max((value for value in values if isfinite(value)), default=np.nan)


def direction_text(found: xr.DataArray, *, cure: str = CURE) -> str:
    """Say how alike an estimate and its transpose are, and what to do where it is too much.

    Examples
    --------
    >>> direction_text(xr.DataArray(0.25))
    'R and its transpose correlate at 0.250.'
    """
    value = highest(found)
    if np.isnan(value):
        return ""
    most = "up to " * (found.size > 1)
    text = f"R and its transpose correlate at {most}{value:.3f}"
    tells = found.coords.get(n.LAG, xr.DataArray(1)).values.any()
    return f"{text}: R tells next to nothing of direction. {cure}" if tells and value > SLOW else f"{text}."
