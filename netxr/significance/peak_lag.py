"""At which lag an estimate is strongest."""

from typing import Any, Final

import numpy as np
import xarray as xr

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.schema.variables import CONNECTIVITY_SPEC, check_variable

TIE: Final = 1e-9
"""Estimates closer than this, as a share of the peak, are equal up to rounding."""

ABOUT: Final = {
    n.PEAK: "estimate at its peak",
    n.PEAK_LAG: "lag of the peak",
    n.N_PEAKS: "lags at which the estimate is as far from zero as at its peak",
}


def peak_lag(estimate: xr.DataArray) -> xr.Dataset:
    """Find the lag at which each pair of neurons is strongest.

    Parameters
    ----------
    estimate : DataArray
        (lag, [trial, ]target, source): several lags of an estimate, negative ones too. NumPy or dask.

    Returns
    -------
    Dataset
        `peak`, the estimate that is farthest from zero, with its sign; `peak_lag`, its lag in samples, of several that
        tie the one nearest to 0; `n_peaks`, how many tie: all of them where the curve is flat. Where the sampling
        interval is known, `peak_time` is the lag in its unit. Dims and labels of `estimate` but `lag`; lazy if it is;
        NaN (and 0 peaks) where the estimate is undefined at all lags.

    Raises
    ------
    InvalidInput
        If there is no `lag` dim with labels, or it is no estimate.

    Examples
    --------
    >>> import netxr, numpy as np
    >>> x = np.random.default_rng(1).normal(size=(2, 500))
    >>> x[1, 3:] += x[0, :-3]  # neuron 0 drives neuron 1 three samples later
    >>> R = netxr.lagged_correlation(netxr.as_activity(x, dims=("neuron", "time")), lags=range(-5, 6))
    >>> peak_lag(R).peak_lag.values.tolist()
    [[0.0, -3.0], [3.0, 0.0]]
    """
    extra = getattr(estimate, "dims", ())
    check_variable(estimate, CONNECTIVITY_SPEC, argument="estimate", extra_dims=extra)
    if n.LAG not in estimate.dims or n.LAG not in estimate.coords:
        got, fix = f"dims {tuple(map(str, estimate.dims))}", "Estimate several lags with lags=[...]."
        raise InvalidInput("estimate", got=got, expected=f"a labelled dim {n.LAG!r}", fix=fix)
    # Of equal ones, the first: so the nearest to 0 comes first, and of two as near, the positive one.
    lags = sorted(estimate[n.LAG].values.tolist(), key=lambda lag: (abs(lag), lag < 0))
    ordered = estimate.sel({n.LAG: lags})
    core = ordered.chunk({n.LAG: -1}) if ordered.chunks else ordered
    found = xr.apply_ufunc(
        _peaks,
        core,
        input_core_dims=[[n.LAG]],
        output_core_dims=[[], [], []],
        kwargs={"lags": np.array(lags)},
        dask="parallelized",
        output_dtypes=[np.float64, np.float64, np.int64],
    )
    results = dict(zip(ABOUT, found, strict=True))
    attrs = {name: value for name, value in estimate.attrs.items() if name != n.LONG_NAME}
    units: dict[str, Any] = {n.PEAK: {}, n.PEAK_LAG: {n.UNITS: "samples"}, n.N_PEAKS: {}}
    labelled = {
        name: one.assign_attrs((attrs if name == n.PEAK else {}) | units[name] | {n.LONG_NAME: ABOUT[name]})
        for name, one in results.items()
    }
    interval, unit = (estimate.attrs.get(name) for name in (n.SAMPLING_INTERVAL, n.SAMPLING_INTERVAL_UNITS))
    if interval is not None:
        time = labelled[n.PEAK_LAG].drop_attrs() * interval
        labelled[n.PEAK_TIME] = time.assign_attrs({n.LONG_NAME: ABOUT[n.PEAK_LAG]} | ({n.UNITS: unit} if unit else {}))
    return xr.Dataset(labelled)


def _peaks(values: Any, *, lags: Any) -> tuple[Any, Any, Any]:
    """Return the largest of values (..., lag) by magnitude, its lag, and how many are as large."""
    size = np.where(np.isfinite(values), np.abs(values), -1)
    top = size.max(axis=-1, keepdims=True)
    as_large = (size >= top * (1 - TIE)) & (size >= 0)
    first = as_large.argmax(axis=-1)
    defined = top[..., 0] >= 0
    peak = np.take_along_axis(values, first[..., None], axis=-1)[..., 0]
    return np.where(defined, peak, np.nan), np.where(defined, lags[first], np.nan), as_large.sum(axis=-1)
