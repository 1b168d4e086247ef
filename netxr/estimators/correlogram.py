"""Cross-correlograms of spike trains, and how far a lag stands out from those around it."""

from collections.abc import Sequence
from typing import Any, Final, Literal

import numpy as np
import xarray as xr

from netxr import names as n
from netxr.estimators.apply import compared, estimate_by
from netxr.estimators.correlation import correlation_at
from netxr.estimators.estimator import Estimator
from netxr.estimators.fit import call_of
from netxr.kernels.correlogram import REACH, excess, p_value_of_excess
from netxr.moments.lagged import lagged_moments
from netxr.moments.prepare import check_lags, lags_of
from netxr.schema.arguments import check_choice
from netxr.schema.clock import activity_of
from netxr.schema.variables import check_moments, holds_moments

Unit = Literal["count", "rate"]


def cross_correlogram(
    data: xr.DataArray | xr.Dataset,
    *,
    lags: Sequence[int | str],
    unit: Unit = "count",
    dim: str | Sequence[str] = n.TIME,
    gaps: n.Gaps = "raise",
    memory: int | str | None = None,
) -> xr.DataArray:
    """Count how often each target has a spike at each lag from a spike of each source.

    A lag offers fewer pairs of samples the longer it is; counts are what as many pairs as at lag 0 would have had, so
    that a flat correlogram stays flat towards its borders.

    Parameters
    ----------
    data : DataArray or Dataset
        Counts of spikes (neuron, time[, trial]), as `spike_counts` returns them; a Dataset that holds them; or lagged
        moments, lag 0 among them, which need no further read.
    lags : sequence of int or str
        Lags in samples, or in time such as "20ms". At a negative lag the target comes first.
    unit : {"count", "rate"}
        Pairs of spikes; or spikes of the target per unit of time around a spike of the source, which is the rate of the
        target where neither acts on the other.
    dim, gaps, memory
        As in `lagged_moments`; of activity only.

    Returns
    -------
    DataArray
        (lag, [trial, ]target, source), float64; lazy if `data` is. At lag 0, a neuron with itself has the sum of its
        squared counts. The rate around a source without spikes is NaN.

    Raises
    ------
    InvalidInput
        As `lagged_correlation` does; if moments do not hold lag 0.

    References
    ----------
    Stark & Abeles 2009, doi:10.1016/j.jneumeth.2008.12.029, on what shapes correlograms beside edges.

    Examples
    --------
    >>> import netxr
    >>> x = netxr.spike_counts([[0, 4, 8], [1, 5, 9]], sampling_interval=1, span=(0, 12))
    >>> found = cross_correlogram(x, lags=[-1, 0, 1])
    >>> found.sel(target=1, source=0).values.round(3).tolist()  # the second neuron, around spikes of the first
    [0.0, 0.0, 3.273]
    """
    check_choice("unit", unit, ("count", "rate"))
    wanted, argument = lags_of(1, lags, data)
    if holds_moments(data):
        moments = check_moments(data, argument="data")
    else:
        activity = activity_of(data)
        checked = check_lags(wanted, n_steps=activity.sizes[n.TIME], argument=argument, signed=True)
        moments = lagged_moments(activity, lags=sorted({0, *map(abs, checked)}), dim=dim, gaps=gaps, memory=memory)
    options: dict[str, Any] = {"sources": None, "memory": None, "store": None}
    found = compared(estimate_by([PAIRS], moments, lag=1, lags=wanted, **options), PAIRS.name)
    del found.attrs[n.ESTIMATOR]  # it is no estimate of connectivity
    made_by = call_of(n.CROSS_CORRELOGRAM, lags=wanted, unit=unit)
    if unit == "count":
        return found.assign_attrs({n.MADE_BY: made_by, n.UNITS: "pairs of spikes"})
    at_once = moments.sel({n.LAG: 0}, drop=True)
    interval, of_time = (moments.attrs.get(name) for name in (n.SAMPLING_INTERVAL, n.SAMPLING_INTERVAL_UNITS))
    spikes = at_once[n.COUNT] * at_once[n.MEAN_SOURCE]
    rate = found / spikes.where(spikes > 0) / (interval or 1)
    units = f"1/{(of_time or 's') if interval else 'step'}"
    return (
        rate.transpose(*found.dims).rename(found.name).assign_attrs(found.attrs | {n.MADE_BY: made_by, n.UNITS: units})
    )


def _pairs_at(moments: xr.Dataset, lag: int) -> xr.DataArray:
    """Return the pairs of spikes at a lag, as if it offered as many pairs of samples as lag 0."""
    at = moments.sel({n.LAG: lag}, drop=True)
    pairs: xr.DataArray = at[n.COMOMENT] + at[n.COUNT] * at[n.MEAN_TARGET] * at[n.MEAN_SOURCE]
    return (pairs * (moments[n.COUNT].sel({n.LAG: 0}, drop=True) / at[n.COUNT])).drop_attrs()


PAIRS: Final = Estimator(
    name=n.CROSS_CORRELOGRAM,
    function=_pairs_at,
    long_name="cross-correlogram",
    lags=lambda lag: (0, lag) if lag else (0,),
    all_sources=True,
)


ROUNDING: Final = 0.01
"""By how much a number of pairs may miss a whole one."""


def _excess_at(moments: xr.Dataset, lag: int) -> xr.Dataset:
    """Return the excess of the correlation at a lag, and its p-value, ([trial, ]target, source)."""
    lags = list(range(lag + REACH + 1))
    at = moments.sel({n.LAG: lags})
    count, mean = at[n.COUNT], at[n.MEAN_TARGET]
    pairs = at[n.COMOMENT] + count * mean * at[n.MEAN_SOURCE]
    whole = {n.LAG: -1, n.TARGET: -1, n.SOURCE: -1}
    fano = (at[n.SUMSQ_TARGET] / count / mean.where(mean > 0)).sel({n.LAG: lag})
    matrix = [n.TARGET, n.SOURCE]
    found, p_value = xr.apply_ufunc(
        _excess,
        *(one.chunk(whole) if one.chunks else one for one in (correlation_at(moments, lags), pairs)),
        count,
        fano.chunk({n.TARGET: -1}) if fano.chunks else fano,
        input_core_dims=[[n.LAG, *matrix], [n.LAG, *matrix], [n.LAG], [n.TARGET]],
        output_core_dims=[matrix, matrix],
        kwargs={"lag": lag},
        dask="parallelized",
        output_dtypes=[np.float64, np.float64],
    )
    about = {n.LONG_NAME: "p-value of the excess", n.REFERENCE: EXCESS.reference}
    return xr.Dataset({n.CORRELOGRAM_EXCESS: found, n.P_VALUE: p_value.assign_attrs(about)})


def _excess(R: Any, pairs: Any, count: Any, fano: Any, *, lag: int) -> tuple[Any, Any]:
    """Return the excess of correlations (..., lag, target, source) at a lag, and its p-value, for counts alone."""
    are_counts = (np.abs(pairs - np.rint(pairs)) < ROUNDING).all(axis=(-3, -2, -1))[..., None, None]
    scaled = pairs * (count[..., lag, None] / count)[..., None, None]
    return excess(R, lag), np.where(are_counts, p_value_of_excess(scaled, R, fano, lag), np.nan)


EXCESS: Final = Estimator(
    name=n.CORRELOGRAM_EXCESS,
    function=_excess_at,
    long_name="excess of the correlogram",
    reference="Stark & Abeles 2009, doi:10.1016/j.jneumeth.2008.12.029",
    assumes="each source acts on its targets at the lag, and what else brings them together is spread over many lags",
    lags=lambda lag: tuple(range(lag + REACH + 1)),
    all_sources=True,
)
