"""The lagged correlation, which the tutorial estimates connectivity by, from activity or from moments."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from os import PathLike
from typing import Any, Final

import numpy as np
import xarray as xr

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.estimators.apply import UNSAID, compared, estimate_by
from netxr.estimators.estimator import Estimator
from netxr.estimators.fit import LINKED, MATRIX, Fitted, at_once, call_of, fit, without_inputs
from netxr.estimators.given import Given, given_in, moments_beside, samples_of, with_inputs
from netxr.estimators.rows import ABOUT, store_correlation
from netxr.kernels.moments import correlation
from netxr.kernels.normal_equations import NormalEquations
from netxr.moments.prepare import Precision, check_lags, lags_of
from netxr.schema.clock import activity_of
from netxr.schema.variables import check_moments, holds_moments, labels_of


def correlation_at(moments: xr.Dataset, lag: int | Sequence[int]) -> xr.DataArray:
    """Return the correlation at a lag, or at several, that moments amount to, ([lag, ][trial, ]target, source)."""
    comoment = moments[n.COMOMENT]
    squares = [moments[name].variable for name in (n.SUMSQ_TARGET, n.SUMSQ_SOURCE)]
    held = labels_of(moments, n.LAG).tolist()
    if held != lag:  # to pick all lags would copy them
        at = {n.LAG: [held.index(one) for one in lag] if isinstance(lag, Sequence) else held.index(lag)}
        comoment, *squares = comoment.isel(at), *(square.isel(at) for square in squares)
    by_pair = n.SOURCE in squares[0].dims
    # Without labels, which are all alike: to align them takes longer than to correlate a few neurons.
    estimate = xr.apply_ufunc(
        correlation,
        comoment.variable,
        *squares,
        input_core_dims=[[n.TARGET, n.SOURCE]] * 3 if by_pair else [[n.TARGET, n.SOURCE], [n.TARGET], [n.SOURCE]],
        output_core_dims=[[n.TARGET, n.SOURCE]],
        kwargs={"by_pair": by_pair},
        dask="parallelized",
        dask_gufunc_kwargs={"allow_rechunk": True},
        output_dtypes=[np.float64],
    )
    labelled: xr.DataArray = comoment.copy(deep=False, data=estimate.transpose(*comoment.dims).data)
    labelled.attrs = estimate.attrs
    return labelled


LAGGED: Final = Estimator(
    name=n.LAGGED_CORRELATION,
    function=correlation_at,
    long_name=ABOUT[n.LONG_NAME],
    reference=ABOUT[n.REFERENCE],
    assumes="each source acts on its targets after the lag, and no two sources go together for another reason",
    lags_at_once=True,
    by_rows=store_correlation,
)

AT_ONCE: Final = Estimator(
    name=n.CORRELATION,
    function=lambda moments, _lag: correlation_at(moments, 0),
    long_name="zero-lag correlation",
    reference="Pearson 1895, doi:10.1098/rspl.1895.0041",
    assumes="neurons that are connected go together within one sample, and no others do",
    lags=lambda _lag: (0,),
    directed=False,
)


def lagged_correlation(
    data: xr.DataArray | xr.Dataset,
    *,
    lag: int | str = 1,
    lags: Sequence[int | str] | None = None,
    dim: str | Sequence[str] = n.TIME,
    sources: Hashable | Sequence[Hashable] | None = None,
    precision: Precision | None = None,
    missing: n.Missing = "raise",
    gaps: n.Gaps = "raise",
    memory: int | str | None = None,
    store: str | PathLike[str] | None = None,
    given: Given = None,
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
    lag : int or str
        Samples, or time such as "20ms", by which the target is read after the source. At a negative lag the source is
        read after the target: R at lag -k is R at lag k with its sides swapped.
    lags : sequence of int or str, optional
        Several lags in the place of `lag`; they give a leading `lag` dim.
    dim : str or sequence of str
        What to correlate over: "time" keeps trials apart, ("time", "trial") pools their pairs of samples.
    sources : label or sequence of labels, optional
        Neurons to take as sources; all if not given. A single label drops the `source` dim.
    precision : {"float32", "float64"}, optional
        Of the products within a block of samples: by default that of the samples. For activity only.
    missing : {"raise", "drop", "pairwise"}
        What to do with NaN and infinity: an error, or drop the frames that hold one, or leave out these samples
        alone, pair of neurons by pair. For activity only; with `given`, frames can be dropped at lag 0 alone.
    gaps : {"raise", "segments"}
        What to do where times are not even: an error, or take the stretches between gaps as trials that are pooled.
        For activity only.
    memory : int or str, optional
        What the pass may take, in bytes or as text such as "2GiB"; by default half of what is free. For activity only.
    store : path-like, optional
        Zarr folder to make. Correlations are made and written some rows at a time, in the precision of the products,
        so that there may be more of them than memory holds; it runs at once, and the result is opened lazily.
        For activity only.
    given : DataArray, label or sequence of labels, optional
        Inputs that are held fixed, such as a stimulus, motion or the global signal: samples (input, time[, trial])
        beside activity, or labels of inputs that moments of all neurons hold. What those at the time of the target and
        at the time of the source explain is taken out of both (Frisch & Waugh 1933, doi:10.2307/1907330).

    Returns
    -------
    DataArray
        Correlations ([lag, ][trial, ]target[, source]): float64, and lazy if `data` is; with `store`, in the precision
        of the products, and lazily opened. A neuron that does not vary has NaN in its row and column, and so has
        one of which the inputs leave nothing.

    Raises
    ------
    InvalidInput
        If `data` is neither, does not hold the lag, or is too short for it; if inputs depend on one another, or moments
        do not hold what is needed for them.
    NonFiniteActivity
        If a sample is NaN or infinite and `missing` is "raise".

    Examples
    --------
    >>> import netxr
    >>> run = netxr.sample("rate_network")
    >>> netxr.lagged_correlation(run.activity, lag=1).sizes
    Frozen({'target': 25, 'source': 25})
    """
    options: dict[str, Any] = {"dim": dim, "precision": precision, "missing": missing, "gaps": gaps}
    options |= {"memory": memory, "store": store}
    at: dict[str, Any] = {"lag": lag, "lags": lags}
    if given is None:
        return compared(estimate_by([LAGGED], data, **at, sources=sources, **options), LAGGED.name)
    if holds_moments(data):
        moments = with_inputs(check_moments(data, argument="data"), given, argument="given")
    else:
        moments, options = _with_inputs(data, given, **at, **options), dict(UNSAID)
    entry = replace(LAGGED, **HELD_FIXED)
    found = compared(estimate_by([entry], moments, **at, sources=sources, **options), entry.name)
    del found.attrs[n.ESTIMATOR]  # the table's holds nothing fixed
    wanted, argument = lags_of(lag, lags, data)
    said = {argument: wanted if argument == "lags" else wanted[0]}
    return found.assign_attrs({n.MADE_BY: call_of(n.LAGGED_CORRELATION, **said, **given_in(moments))})


def _with_inputs(data: Any, given: Any, *, lag: Any, lags: Any, store: Any, **options: Any) -> xr.Dataset:
    """Return the moments of activity and of inputs from which their correlation follows."""
    samples_of(given, argument="given")
    activity = activity_of(data)
    if store is not None:
        fix = "Estimate without store, and keep the result with netxr.save."
        raise InvalidInput("store", got=repr(store), expected="none where inputs are given", fix=fix)
    wanted, argument = lags_of(lag, lags, data)
    checked = check_lags(wanted, n_steps=activity.sizes[n.TIME], argument=argument, signed=True)
    return moments_beside(activity, lags=sorted({0, *map(abs, checked)}), given=given, argument="given", **options)


def _correlation_at(moments: xr.Dataset, lag: int) -> xr.DataArray:
    """Return the correlation at a lag of what the inputs that moments hold leave, ([trial, ]target, source)."""
    if lag == 0:
        return at_once(moments, lambda left, *_: correlation(left, np.diagonal(left), np.diagonal(left)))
    of_samples = moments.drop_vars(LINKED, errors="ignore")
    function = partial(_of_the_rest, precision=moments.attrs.get(n.PRECISION))
    return fit(of_samples, Fitted(function, [lag], {n.LAGGED_CORRELATION: MATRIX}))[n.LAGGED_CORRELATION]


def _of_the_rest(equations: NormalEquations, *, precision: str | None) -> tuple[Any]:
    """Return the correlation of targets and sources of which inputs were taken out."""
    left = without_inputs(equations, precision)
    return (correlation(left.cross, left.square, np.diagonal(left.gram)),)


HELD_FIXED: Final[Mapping[str, Any]] = {
    "function": _correlation_at,
    "lags": lambda lag: (0, lag) if lag else (0,),
    "all_sources": True,
    "lags_at_once": False,
    "by_rows": None,
}
"""What differs of the estimator where inputs are held fixed."""
