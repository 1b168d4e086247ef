"""How alike an estimate and its transpose are: an estimate that is its own transpose says nothing of direction."""

from typing import Final

import numpy as np
import xarray as xr

from netxr import names as n
from netxr.kernels import scores
from netxr.schema.variables import CONNECTIVITY_SPEC, check_variable, labels_of

SLOW: Final = 0.9
"""Where an estimate and its transpose correlate higher than this, it hardly tells which way a connection goes."""

CURE: Final = "Take what is slow off the activity first (netxr.high_pass, netxr.difference), or deconvolve it."

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
        scores.symmetry if is_square else lambda _matrix: np.nan,
        estimate.drop_vars([name for name, one in estimate.coords.items() if {n.TARGET, n.SOURCE} & set(one.dims)]),
        input_core_dims=[[n.TARGET, n.SOURCE]],
        vectorize=True,
        dask="parallelized",
        output_dtypes=[np.float64],
        dask_gufunc_kwargs={"allow_rechunk": True},
    )
    return found.rename(n.SYMMETRY).assign_attrs(ABOUT)


def highest(found: xr.DataArray) -> float:
    """Return the highest of several symmetries in memory, but for lag 0, where there is another lag.

    Examples
    --------
    >>> highest(xr.DataArray([1.0, 0.2, 0.4], {"lag": [0, 1, 2]}))
    0.4
    """
    at_lags = found[n.LAG].values != 0 if n.LAG in found.dims else np.array(False)
    values = (found.isel({n.LAG: at_lags}) if at_lags.any() else found).values
    return float(np.max(values, initial=-np.inf, where=np.isfinite(values))) if np.isfinite(values).any() else np.nan


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
