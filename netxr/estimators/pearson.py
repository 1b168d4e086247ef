"""Pearson's correlation of samples that lie some lags apart, as a function of their moments."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import xarray as xr

from netxr import names as n
from netxr.kernels.moments import correlation
from netxr.schema.variables import labels_of

ABOUT: Final = {
    n.ESTIMATOR: n.LAGGED_CORRELATION,
    n.LONG_NAME: "lagged correlation",
    n.REFERENCE: "Neuromatch Academy, W3D5 Network Causality, Tutorial 2: Correlations",
}
"""Attributes of a lagged correlation."""


def correlation_at(moments: xr.Dataset, lag: int | Sequence[int]) -> xr.DataArray:
    """Return the correlation at a lag, or at several, that moments amount to, ([lag, ][trial, ]target, source)."""
    held = moments[[n.COMOMENT, n.SUMSQ_TARGET, n.SUMSQ_SOURCE]]
    if labels_of(moments, n.LAG).tolist() != lag:  # to pick all lags would copy them
        held = held.sel({n.LAG: lag})
    by_pair = n.SOURCE in held[n.SUMSQ_TARGET].dims
    estimate: xr.DataArray = xr.apply_ufunc(
        correlation,
        held[n.COMOMENT],
        held[n.SUMSQ_TARGET],
        held[n.SUMSQ_SOURCE],
        input_core_dims=[[n.TARGET, n.SOURCE]] * 3 if by_pair else [[n.TARGET, n.SOURCE], [n.TARGET], [n.SOURCE]],
        output_core_dims=[[n.TARGET, n.SOURCE]],
        kwargs={"by_pair": by_pair},
        dask="parallelized",
        dask_gufunc_kwargs={"allow_rechunk": True},
        output_dtypes=[np.float64],
    )
    return estimate
