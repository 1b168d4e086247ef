"""Lagged second moments of a recording: the one pass over the data from which every linear estimate follows."""

from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import Any, Final

import dask.array as da
import numpy as np
import xarray as xr
from dask.base import tokenize

from netxr import names as n
from netxr.kernels.lagged_sums import Pass
from netxr.moments.one_pass import Summary, lazy_moments, moments_at_once
from netxr.moments.planning import Precision, check_dim, pass_plan, prepare
from netxr.schema.provenance import provenance
from netxr.schema.trials import trials_of
from netxr.schema.variables import labels_of

MOMENT_DIMS: Final = {
    n.COUNT: (n.LAG,),
    n.MEAN_TARGET: (n.LAG, n.TARGET),
    n.MEAN_SOURCE: (n.LAG, n.SOURCE),
    n.SUMSQ_TARGET: (n.LAG, n.TARGET),
    n.SUMSQ_SOURCE: (n.LAG, n.SOURCE),
    n.COMOMENT: (n.LAG, n.TARGET, n.SOURCE),
}
GROUP_DIMS: Final = {n.GROUP_SUMSQ_TARGET: (n.LAG, n.GROUP), n.GROUP_SUMSQ_SOURCE: (n.LAG, n.GROUP)}
EDGE_DIMS: Final = {
    n.EDGE_ACTIVITY: (n.NEURON, n.EDGE_FRAME),
    n.NOT_TARGET: (n.LAG, n.EDGE_FRAME),
    n.NOT_SOURCE: (n.LAG, n.EDGE_FRAME),
}


def lagged_moments(
    activity: xr.DataArray,
    *,
    lags: Sequence[int] = (0, 1),
    dim: str | Sequence[str] = n.TIME,
    source: Hashable | Sequence[Hashable] | None = None,
    precision: Precision | None = None,
    missing: n.Missing = "raise",
    memory: int | str | None = None,
) -> xr.Dataset:
    """Sum up all pairs of samples that lie `lags` apart: counts, means, squares and co-moments.

    Lag l pairs x_i(t + l), the target, with x_j(t), the source, for all t with both inside one trial. Every
    lag has its own means and squares, over exactly the samples that its pairs hold. One read serves all lags.

    Parameters
    ----------
    activity : DataArray, (neuron, time[, trial])
        Samples, in any order of dims and any chunking; NumPy is summed at once, dask stays lazy.
    lags : sequence of int
        Lags in samples, 0 and above.
    dim : str or sequence of str
        What to sum over: "time" keeps trials apart, ("time", "trial") pools them.
    source : label or sequence of labels, optional
        Neurons to take as sources; all if not given. A single label leaves a `source` axis of length 1.
    precision : {"float32", "float64"}, optional
        Of the products within a block of samples; sums over blocks are float64. By default as precise as the
        samples: float32 for float32 (an error in the correlation below 1e-6, or an InvalidInput where samples
        reach too far from each other for that), else float64.
    missing : {"raise", "drop", "pairwise"}
        What to do with NaN and infinity: an error that says how many and where; or drop the frames that hold
        one, with every pair that they are in; or leave out the samples alone, so that each pair of neurons has
        moments over the frames in which both are there (six products in the place of one).
    memory : int or str, optional
        What the pass may take, in bytes or as text such as "2GiB": of one process, on top of what it holds already.
        By default half of what is free. See `plan`.

    Returns
    -------
    Dataset
        `count` (lag), `mean_target` and `sumsq_target` (lag, target), `mean_source` and `sumsq_source`
        (lag, source), `comoment` (lag, target, source), all float64, with `trial` after `lag` where it is kept;
        with missing="pairwise", all of them (lag, target, source). With missing="raise" and all sources, also the few
        samples near the ends of trials that some lags leave out (`edge_activity`, `not_target`, `not_source`), from
        which moments are coarse-grained exactly.

    Raises
    ------
    InvalidInput
        If the activity is no recording, a trial is too short for a lag, or an argument is unknown.
    NonFiniteActivity
        If a sample is NaN or infinite and `missing` is "raise"; for dask arrays, when computed.

    Notes
    -----
    Before any product, one provisional mean a neuron is subtracted, so that float32 does not cancel
    (Chan, Golub & LeVeque 1983, doi:10.2307/2683386).

    Examples
    --------
    >>> import netxr
    >>> run = netxr.simulate(netxr.random_connectivity(5, seed=1), n_steps=100, seed=1)
    >>> moments = lagged_moments(run.activity, lags=[0, 1, 2])
    >>> moments["count"].squeeze("trial").values.tolist()
    [100, 99, 98]
    """
    todo = prepare(activity, lags=lags, dim=dim, source=source, precision=precision, missing=missing)
    return sum_up(activity, todo, dim=dim, memory=memory)


def sum_up(
    activity: xr.DataArray,
    todo: Pass,
    *,
    dim: str | Sequence[str],
    memory: int | str | None,
    chunk: int = 0,
) -> xr.Dataset:
    """Return the lagged moments of a recording, and the squares of groups if `todo` has some, (lag[, trial], group)."""
    plan = pass_plan(activity, todo, dim=dim, memory=memory, chunk=chunk)
    pooled = check_dim(dim, activity)
    keeps_trials = n.TRIAL in activity.dims and n.TRIAL not in pooled
    trials = trials_of(activity)
    groups = [[trial] for trial in trials] if keeps_trials else [trials]
    lazy = isinstance(activity.data, da.Array)
    if lazy or plan.cut.segment is not None or plan.cut.block < todo.block:
        todo = replace(todo, **plan.cut._asdict())
    if lazy:
        run = tokenize(activity.data.name, todo, plan, pooled)
        parts = [lazy_moments(group, todo, plan=plan, run=run) for group in groups]
    else:
        parts = [moments_at_once(group, todo, plan=plan) for group in groups]
    made = {n.POOLED: list(pooled), n.PRECISION: todo.precision.name, n.MISSING: todo.missing}
    return _label(parts, activity, todo=todo, keeps_trials=keeps_trials).assign_attrs(
        activity.attrs | provenance(**made)
    )


def _label(parts: Sequence[Summary], activity: xr.DataArray, *, todo: Pass, keeps_trials: bool) -> xr.Dataset:
    """Return the moments with dims, labels and coordinates of the activity."""
    columns: dict[str, Any] = dict(zip(MOMENT_DIMS, zip(*(part.moments for part in parts), strict=True), strict=True))
    by_pair = todo.missing == "pairwise"
    dims: dict[str, tuple[str, ...]] = {
        name: (n.LAG, n.TARGET, n.SOURCE) if by_pair else own for name, own in MOMENT_DIMS.items()
    }
    if todo.missing == "raise" and todo.sources is None:
        columns |= zip(EDGE_DIMS, zip(*(part.edges for part in parts), strict=True), strict=True)
        dims |= EDGE_DIMS
    if todo.groups is not None:
        columns |= zip(GROUP_DIMS, zip(*(part.groups for part in parts), strict=True), strict=True)
        dims |= GROUP_DIMS
    variables = {}
    for name, arrays in columns.items():
        axis = int(dims[name][0] == n.LAG) if keeps_trials else 0
        stacked = _stack(arrays, axis) if keeps_trials else arrays[0]
        with_trial = (*dims[name][:axis], n.TRIAL, *dims[name][axis:]) if keeps_trials else dims[name]
        variables[name] = (with_trial, stacked)
    neurons = labels_of(activity, n.NEURON)
    coords: dict[str, Any] = {n.LAG: list(todo.lags), n.TARGET: neurons, n.SOURCE: neurons[todo.columns]}
    if n.EDGE_ACTIVITY in variables:
        on_neuron = {str(name): coord for name, coord in activity.coords.items() if coord.dims == (n.NEURON,)}
        coords.update({n.NEURON: neurons, **on_neuron})
    if keeps_trials:
        coords |= {str(name): coord for name, coord in activity.coords.items() if coord.dims == (n.TRIAL,)}
    return xr.Dataset(variables, coords)


def _stack(arrays: Sequence[Any], axis: int) -> Any:
    """Stack the arrays of several trials; that of one is not copied."""
    if len(arrays) == 1:
        return arrays[0][(slice(None),) * axis + (None,)]
    return (da if isinstance(arrays[0], da.Array) else np).stack(arrays, axis=axis)
