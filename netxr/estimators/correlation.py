"""Estimates of connectivity: small functions of lagged moments."""

from collections.abc import Hashable, Sequence
from os import PathLike
from typing import Any

import numpy as np
import xarray as xr

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.estimators.rows import store_correlation
from netxr.kernels.moments import correlation, correlation_of_pairs
from netxr.moments.lagged import lagged_moments
from netxr.moments.planning import Precision, check_lags, is_label, positions_of
from netxr.schema.arguments import check_whole_numbers
from netxr.schema.variables import check_activity, check_moments, labels_of


def lagged_correlation(
    data: xr.DataArray | xr.Dataset,
    *,
    lag: int | Sequence[int] = 1,
    dim: str | Sequence[str] = n.TIME,
    source: Hashable | Sequence[Hashable] | None = None,
    precision: Precision | None = None,
    missing: n.Missing = "raise",
    memory: int | str | None = None,
    store: str | PathLike[str] | None = None,
) -> xr.DataArray:
    """Correlate each neuron with each other neuron's activity `lag` samples before.

    R[i, j] is Pearson's correlation of x_i(t + lag) with x_j(t): row = target, column = source, as in the
    connectivity. Each side has its own mean and deviation over its own samples, as in the tutorial on
    correlations of Neuromatch Academy (W3D5, Network Causality).

    Parameters
    ----------
    data : DataArray or Dataset
        Activity (neuron, time[, trial]), NumPy or dask; or the lagged moments of one, which need no further read.
    lag : int or sequence of int
        Samples by which the target is read after the source, 0 and above. A sequence gives a leading `lag` dim.
    dim : str or sequence of str
        What to correlate over: "time" keeps trials apart, ("time", "trial") pools their pairs of samples.
    source : label or sequence of labels, optional
        Neurons to take as sources; all if not given. A single label drops the `source` dim.
    precision : {"float32", "float64"}, optional
        Of the products within a block of samples: by default that of the samples. For activity only.
    missing : {"raise", "drop", "pairwise"}
        What to do with NaN and infinity: an error, or drop the frames that hold one, or leave out these samples
        alone, pair of neurons by pair. For activity only.
    memory : int or str, optional
        What the pass may take, in bytes or as text such as "2GiB"; by default half of what is free. For activity only.
    store : path-like, optional
        Zarr folder to make. Correlations are made and written some rows at a time, in the precision of the products,
        so that there may be more of them than memory holds; it runs at once, and the result is opened lazily.
        For activity only.

    Returns
    -------
    DataArray
        Correlations ([lag, ][trial, ]target[, source]): float64, and lazy if `data` is; with `store`, in the precision
        of the products, and lazily opened. A neuron that does not
        vary has NaN in its row and column.

    Raises
    ------
    InvalidInput
        If `data` is neither, does not hold the lag, or is too short for it.
    NonFiniteActivity
        If a sample is NaN or infinite and `missing` is "raise".

    Examples
    --------
    >>> import netxr
    >>> run = netxr.simulate(netxr.random_connectivity(5, seed=1), n_steps=100, seed=1)
    >>> netxr.lagged_correlation(run.activity, lag=1).sizes
    Frozen({'trial': 1, 'target': 5, 'source': 5})
    """
    lags = [lag] if isinstance(lag, (int, np.integer)) else lag
    if isinstance(data, xr.Dataset):
        if (dim, precision, missing, memory, store) != (n.TIME, None, "raise", None, None):
            raise InvalidInput(
                "dim, precision, missing, memory, store",
                got=repr((dim, precision, missing, memory, store)),
                expected="nothing beside moments, which were summed up with their own",
                fix="Say it to netxr.lagged_moments.",
            )
        estimate = _of_moments(_select(check_moments(data, argument="data"), lags, source))
    else:
        check_lags(lags, n_steps=check_activity(data, argument="data").sizes[n.TIME], argument="lag")
        wanted: dict[str, Any] = {"dim": dim, "source": source, "precision": precision, "missing": missing}
        if store is None:
            estimate = _of_moments(lagged_moments(data, lags=lags, memory=memory, **wanted))
        else:
            estimate = store_correlation(data, lags=lags, memory=memory, store=store, **wanted)
    if lags is not lag:
        estimate = estimate.isel({n.LAG: 0})
    return estimate.isel({n.SOURCE: 0}) if is_label(source) else estimate


def _of_moments(moments: xr.Dataset) -> xr.DataArray:
    """Return the correlations that moments amount to."""
    by_pair = n.SOURCE in moments[n.SUMSQ_TARGET].dims
    estimate: xr.DataArray = xr.apply_ufunc(
        correlation_of_pairs if by_pair else correlation,
        moments[n.COMOMENT],
        moments[n.SUMSQ_TARGET],
        moments[n.SUMSQ_SOURCE],
        input_core_dims=[[n.TARGET, n.SOURCE]] * 3 if by_pair else [[n.TARGET, n.SOURCE], [n.TARGET], [n.SOURCE]],
        output_core_dims=[[n.TARGET, n.SOURCE]],
        dask="parallelized",
        dask_gufunc_kwargs={"allow_rechunk": True},
        output_dtypes=[np.float64],
    ).rename(n.LAGGED_CORRELATION)
    return estimate.assign_attrs(moments.attrs | {n.ESTIMATOR: n.LAGGED_CORRELATION, n.LONG_NAME: "lagged correlation"})


def _select(moments: xr.Dataset, lags: Sequence[int], source: Hashable | Sequence[Hashable] | None) -> xr.Dataset:
    """Return the moments of the lags and sources asked for."""
    known = labels_of(moments, n.LAG).tolist()
    expected = f"lags that the moments hold: {known}"
    wanted = check_whole_numbers("lag", lags, largest=max(known), expected=expected)
    if not set(wanted) <= set(known):
        raise InvalidInput("lag", got=repr(wanted), expected=expected)
    chosen = moments.isel({n.LAG: [known.index(lag) for lag in wanted]})
    positions = positions_of(labels_of(moments, n.SOURCE), source)
    return chosen if positions is None else chosen.isel({n.SOURCE: list(positions)})
