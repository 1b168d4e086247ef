"""Counts of neurons that are so rarely active that their correlations are far from normal."""

import warnings
from dataclasses import replace
from typing import Any, Final

import numpy as np
import xarray as xr

from netxr import names as n
from netxr.kernels.lagged_sums import Floats
from netxr.moments.one_pass import accumulate
from netxr.moments.prepare import prepare
from netxr.schema.variables import holds_moments

TOGETHER: Final = 5.0
"""Frames in which two neurons are expected to be active together, below which p-values are too low."""

POISSON: Final = (0.5, 1.5)
"""Variance over mean of counts of rare events: 1, or a little less where there is at most one in a frame."""

ROUNDING: Final = 1e-3
"""How far sums of whole numbers may be from one; of other numbers, hardly any sum and sum of squares are as close."""

FIRST: Final = 1000
"""Frames by which samples are told from counts before all are read for it."""

PAIRS: Final = (n.TARGET, n.SOURCE)

SIDES: Final = (n.MEAN_TARGET, n.SUMSQ_TARGET, n.MEAN_SOURCE, n.SUMSQ_SOURCE)
"""What is asked of the moments."""


def said_of_rare(p_value: xr.DataArray, data: Any, moments: xr.Dataset, *, lag: int) -> xr.DataArray:
    """Return p-values of counts that warn, once they are computed, of pairs that are hardly ever active together.

    Counts are activity of whole numbers, of any dtype, whose variance is about their mean. The correlation of two of
    them has a kurtosis of 3 plus about 1 over the frames in which both are expected to be active.
    """
    at_lag = moments.sel({n.LAG: abs(lag)}, drop=True)
    if holds_moments(data) or n.TARGET in at_lag[n.COUNT].dims:
        return p_value
    of_sides = SIDES
    if lag < 0:  # the moments hold both sides the other way round
        at_lag, of_sides = at_lag.rename({n.TARGET: n.SOURCE, n.SOURCE: n.TARGET}), of_sides[2:] + of_sides[:2]
    looked_at: xr.DataArray = xr.apply_ufunc(
        _looked_at,
        p_value,
        at_lag[n.COUNT],
        *(at_lag[name] for name in of_sides),
        input_core_dims=[PAIRS, (), *[(n.TARGET,)] * 2, *[(n.SOURCE,)] * 2],
        output_core_dims=[PAIRS],
        vectorize=True,
        dask="parallelized",
        dask_gufunc_kwargs={"allow_rechunk": True},
        output_dtypes=[p_value.dtype],
        keep_attrs="override",
    )
    return looked_at.transpose(*p_value.dims)


def warn_of_rare(activity: xr.DataArray, *, lag: int, memory: int | str | None, **options: Any) -> None:
    """Warn of the same where p-values are made some rows at a time: by a read that makes no pairs."""
    first = activity.isel({n.TIME: slice(FIRST)})
    if activity.dtype.kind == "f" and not (first == np.rint(first)).all():
        return
    todo = prepare(activity, lags=[abs(lag)], sources=None, precision="float64", **options)
    own = accumulate(activity, replace(todo, pairs=False), memory=memory).isel({n.LAG: 0})
    if n.TRIAL not in own[n.MEAN_TARGET].dims:
        own = own.expand_dims(n.TRIAL)
    held = own[[n.COUNT, *SIDES]].transpose(n.TRIAL, ...).compute()
    for count, *of_sides in zip(held[n.COUNT].values, *(held[name].values for name in SIDES), strict=True):
        _warn(count, *of_sides)


def _looked_at(p: Floats, count: Any, *of_sides: Floats) -> Floats:
    """Return p-values, after a warning if some are of counts that are hardly ever above zero together."""
    _warn(count, *of_sides)
    return p


def _warn(count: Any, *of_sides: Floats) -> None:
    """Warn if some counts, by the means and sums of squares of both sides, are hardly ever above zero together."""
    targets, sources = (_rate(of_sides[k], of_sides[k + 1], max(count, 1)) for k in (0, 2))
    enough = TOGETHER / (max(count, 1) * targets[targets > 0])
    n_rare, n_all = int(np.searchsorted(np.sort(sources[sources > 0]), enough).sum()), targets.size * sources.size
    if n_rare:
        text = (
            f"In {n_rare:,} of {n_all:,} pairs both neurons are expected to be active in fewer than "
            f"{TOGETHER:g} frames: their p-values are too low, and edges among them may be by chance. Fix: count in "
            "longer bins, or leave out what is hardly ever active."
        )
        warnings.warn(text, UserWarning, stacklevel=3)


def _rate(mean: Floats, sumsq: Floats, count: Any) -> Floats:
    """Return the mean of what looks like counts of rare events, NaN of all else."""
    total = count * mean
    sums = np.stack([total, sumsq + total * mean])
    is_whole = (np.abs(sums - np.rint(sums)) <= ROUNDING).all(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        fano = sumsq / total
    return np.where(is_whole & (mean > 0) & (POISSON[0] <= fano) & (fano <= POISSON[1]), mean, np.nan)
