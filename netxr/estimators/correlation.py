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
from netxr.moments.lagged import accumulate
from netxr.moments.planning import Precision, check_lags, is_label, lags_of, positions_of, prepare
from netxr.schema.arguments import is_whole
from netxr.schema.clock import activity_of
from netxr.schema.variables import check_moments, labels_of


def lagged_correlation(
    data: xr.DataArray | xr.Dataset,
    *,
    lag: int = 1,
    lags: Sequence[int] | None = None,
    dim: str | Sequence[str] = n.TIME,
    sources: Hashable | Sequence[Hashable] | None = None,
    precision: Precision | None = None,
    missing: n.Missing = "raise",
    memory: int | str | None = None,
    store: str | PathLike[str] | None = None,
) -> xr.DataArray:
    """Correlate each neuron with each other neuron's activity `lag` samples before.

    R[i, j] is Pearson's correlation of x_i(t + lag) with x_j(t): row = target, column = source, as in the
    connectivity. Each side has its own mean and standard deviation over its own samples, as in the tutorial on
    correlations of Neuromatch Academy (W3D5, Network Causality).

    Parameters
    ----------
    data : DataArray or Dataset
        Activity (neuron, time[, trial]), NumPy or dask; a Dataset that holds it; or lagged moments, which need no
        further read. A Dataset with both is taken for its moments.
    lag : int
        Samples by which the target is read after the source. At a negative lag the source is read after the target:
        R at lag -k is R at lag k with its sides swapped.
    lags : sequence of int, optional
        Several lags in the place of `lag`; they give a leading `lag` dim.
    dim : str or sequence of str
        What to correlate over: "time" keeps trials apart, ("time", "trial") pools their pairs of samples.
    sources : label or sequence of labels, optional
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
        of the products, and lazily opened. A neuron that does not vary has NaN in its row and column.

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
    wanted, argument = lags_of(lag, lags)
    if isinstance(data, xr.Dataset) and (n.COMOMENT in data or n.ACTIVITY not in data):
        if (dim, precision, missing, memory, store) != (n.TIME, None, "raise", None, None):
            raise InvalidInput(
                "dim, precision, missing, memory, store",
                got=repr((dim, precision, missing, memory, store)),
                expected="nothing beside moments, which were made with their own",
                fix="Say it to netxr.lagged_moments.",
            )
        estimate = _at_lags(check_moments(data, argument="data"), wanted, sources, argument=argument)
    else:
        activity = activity_of(data)
        options: dict[str, Any] = {"dim": dim, "precision": precision, "missing": missing}
        if store is None:
            signed = check_lags(wanted, n_steps=activity.sizes[n.TIME], argument=argument, signed=True)
            lengths = list(dict.fromkeys(map(abs, signed)))
            own = sources if min(signed) >= 0 else None
            todo = prepare(activity, lags=lengths, sources=own, **options)
            moments = accumulate(activity, todo, memory=memory)
            estimate = _at_lags(moments, signed, None if own is not None else sources, argument=argument)
        else:
            options |= {"sources": sources, "argument": argument}
            estimate = store_correlation(activity, lags=wanted, memory=memory, store=store, **options)
    if lags is None:
        estimate = estimate.isel({n.LAG: 0})
    return estimate.isel({n.SOURCE: 0}) if is_label(sources) else estimate


def _at_lags(moments: xr.Dataset, lags: Sequence[int], sources: Any, *, argument: str) -> xr.DataArray:
    """Return the correlations at some lags, of some sources: at a negative one, those at the lag with sides swapped.

    Raises
    ------
    InvalidInput
        If the moments do not hold such a lag, or such a source; `argument` is what the message calls the lags.
    """
    known = labels_of(moments, n.LAG).tolist()
    expected = f"lags that the moments hold: {known}, or minus those"
    if not lags or not all(is_whole(lag) and abs(lag) in known for lag in lags) or len(set(lags)) < len(lags):
        raise InvalidInput(argument, got=repr(list(lags)), expected=expected)
    positions = positions_of(labels_of(moments, n.SOURCE), sources)
    chosen = slice(None) if positions is None else list(positions)
    places = [known.index(abs(lag)) for lag in lags]
    if min(lags) >= 0:
        held = moments if positions is None else moments.isel({n.SOURCE: chosen})
        # To pick all lags would copy them.
        return _of_moments(held if places == list(range(len(known))) else held.isel({n.LAG: places}))
    if not np.array_equal(labels_of(moments, n.TARGET), labels_of(moments, n.SOURCE)):
        raise InvalidInput(argument, got=repr(list(lags)), expected="lags from 0, for moments of some sources")
    each = _of_moments(moments.isel({n.LAG: list(dict.fromkeys(places))}))
    rows = [each.sel({n.LAG: [abs(lag)]}) for lag in lags]
    signed = [_swapped(one) if lag < 0 else one for lag, one in zip(lags, rows, strict=True)]
    labelled = [one.assign_coords({n.LAG: [lag]}) for lag, one in zip(lags, signed, strict=True)]
    joined = xr.concat(labelled, n.LAG, coords="minimal", compat="override", join="override", combine_attrs="override")
    return joined.isel({n.SOURCE: chosen})


def _swapped(estimate: xr.DataArray) -> xr.DataArray:
    """Return an estimate with its targets as sources, and its sources as targets."""
    return estimate.copy(data=estimate.transpose(..., n.SOURCE, n.TARGET).data)


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
