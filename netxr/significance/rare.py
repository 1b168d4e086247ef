"""Counts of neurons that are so rarely active that their correlations are far from normal."""

import warnings
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from netxr import names as n
from netxr.kernels.lagged_sums import Floats
from netxr.schema.variables import holds_moments

TOGETHER: Final = 5.0
"""Frames in which two neurons are expected to be active together, below which p-values are too low."""

POISSON: Final = (0.5, 1.5)
"""Variance over mean of counts of rare events: 1, or a little less where there is at most one in a frame."""

PAIRS: Final = (n.TARGET, n.SOURCE)


def said_of_rare(p_value: xr.DataArray, data: Any, moments: xr.Dataset, *, lag: int) -> xr.DataArray:
    """Return p-values of counts that warn, once they are computed, of pairs that are hardly ever active together.

    Counts are activity of whole numbers whose variance is about their mean. The correlation of two of them has a
    kurtosis of 3 plus about 1 over the frames in which both are expected to be active.
    """
    activity = data[n.ACTIVITY] if isinstance(data, xr.Dataset) and n.ACTIVITY in data else data
    at_lag = moments.sel({n.LAG: abs(lag)}, drop=True)
    if holds_moments(data) or activity.dtype.kind not in "iub" or n.TARGET in at_lag[n.COUNT].dims:
        return p_value
    of_sides = [n.MEAN_TARGET, n.SUMSQ_TARGET, n.MEAN_SOURCE, n.SUMSQ_SOURCE]
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


def _looked_at(p: Floats, count: Any, *of_sides: Floats) -> Floats:
    """Return p-values, after a warning if some are of counts that are hardly ever above zero together."""
    means = [_rate(of_sides[k], of_sides[k + 1] / max(count, 1)) for k in (0, 2)]
    rare: NDArray[np.bool_] = count * np.outer(*means) < TOGETHER
    if rare.any():
        text = (
            f"In {rare.sum():,} of {rare.size:,} pairs both neurons are expected to be active in fewer than "
            f"{TOGETHER:g} frames: their p-values are too low, and edges among them may be by chance. Fix: count in "
            "longer bins, or leave out what is hardly ever active."
        )
        warnings.warn(text, UserWarning, stacklevel=2)
    return p


def _rate(mean: Floats, variance: Floats) -> Floats:
    """Return the mean of what looks like counts of rare events, NaN of all else."""
    with np.errstate(divide="ignore", invalid="ignore"):
        fano = variance / mean
    return np.where((mean > 0) & (POISSON[0] <= fano) & (fano <= POISSON[1]), mean, np.nan)
