"""Lagged second moments of a recording: the one pass over the data from which every linear estimate follows."""

from collections.abc import Hashable, Sequence
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
from dask.base import tokenize

from netxr import names as n
from netxr.kernels.lagged_sums import Pass
from netxr.moments.one_pass import dims_of, lazy_moments, moments_at_once
from netxr.moments.planning import Precision, is_lazy, planned_pass, prepare
from netxr.schema.clock import activity_of
from netxr.schema.provenance import provenance
from netxr.schema.trials import Trial, trials_of
from netxr.schema.variables import labels_of


def lagged_moments(
    activity: xr.DataArray | xr.Dataset,
    *,
    lags: Sequence[int] = (0, 1),
    dim: str | Sequence[str] = n.TIME,
    sources: Hashable | Sequence[Hashable] | None = None,
    precision: Precision | None = None,
    missing: n.Missing = "raise",
    memory: int | str | None = None,
) -> xr.Dataset:
    """Accumulate all pairs of samples that lie `lags` apart: counts, means, squares and co-moments.

    Lag l pairs x_i(t + l), the target, with x_j(t), the source, for all t with both inside one trial. Every
    lag has its own means and squares, over exactly the samples that its pairs hold. One read serves all lags.

    Parameters
    ----------
    activity : DataArray or Dataset
        Samples (neuron, time[, trial]), in any order of dims and any chunking, or a Dataset that holds them. NumPy is
        read at once, dask stays lazy.
    lags : sequence of int
        Lags in samples, 0 and above.
    dim : str or sequence of str
        What to accumulate over: "time" keeps trials apart, ("time", "trial") pools them.
    sources : label or sequence of labels, optional
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
    activity = activity_of(activity, argument="activity")
    todo = prepare(activity, lags=lags, dim=dim, sources=sources, precision=precision, missing=missing)
    return accumulate(activity, todo, memory=memory)


def accumulate(activity: xr.DataArray, todo: Pass, *, memory: int | str | None, chunk: int = 0) -> xr.Dataset:
    """Return the lagged moments of a recording, and the squares of groups if `todo` has some, (lag[, trial], group).

    Parameters
    ----------
    activity, todo
        The recording, and what is accumulated of it.
    memory, chunk
        As in `planned_pass`.
    """
    todo, plan = planned_pass(activity, todo, memory=memory, chunk=chunk)
    groups = trial_groups(activity, todo)
    if is_lazy(activity):
        run = tokenize(activity.data.name, todo, plan)
        parts = [lazy_moments(group, todo, plan=plan, run=run) for group in groups]
    else:
        parts = [moments_at_once(group, todo, plan=plan) for group in groups]
    keeps_trials = keeps_trials_apart(activity, todo)
    variables = {}
    for name, dims in dims_of(todo).items():
        arrays, axis = [part[name] for part in parts], int(dims[0] == n.LAG)
        stacked = _stack(arrays, axis) if keeps_trials else arrays[0]
        variables[name] = ((*dims[:axis], n.TRIAL, *dims[axis:]) if keeps_trials else dims, stacked)
    coords = coords_of(activity, todo)
    if n.EDGE_ACTIVITY in variables:
        coords |= {n.NEURON: labels_of(activity, n.NEURON)} | _along(activity, n.NEURON)
    return xr.Dataset(variables, coords, attrs_of(activity, todo))


def keeps_trials_apart(activity: xr.DataArray, todo: Pass) -> bool:
    """Return whether each trial has moments of its own."""
    return n.TRIAL in activity.dims and n.TRIAL not in todo.dim


def trial_groups(activity: xr.DataArray, todo: Pass) -> list[list[Trial]]:
    """Return the trials whose moments are pooled, group by group."""
    trials = trials_of(activity)
    return [[trial] for trial in trials] if keeps_trials_apart(activity, todo) else [trials]


def coords_of(activity: xr.DataArray, todo: Pass) -> dict[str, Any]:
    """Return the labels of what a pass yields: lags, targets, sources, and trials that are kept apart."""
    neurons = labels_of(activity, n.NEURON)
    labels = {n.LAG: np.array(todo.lags), n.TARGET: neurons, n.SOURCE: neurons[todo.columns]}
    return labels | (_along(activity, n.TRIAL) if keeps_trials_apart(activity, todo) else {})


def _along(activity: xr.DataArray, dim: str) -> dict[str, Any]:
    """Return the coordinates along a dim."""
    return {str(name): coord for name, coord in activity.coords.items() if coord.dims == (dim,)}


def attrs_of(activity: xr.DataArray, todo: Pass) -> dict[str, Any]:
    """Return the attributes of what a pass yields: those of the activity, and how it was made."""
    made = {n.POOLED: list(todo.dim), n.PRECISION: todo.precision.name, n.MISSING: todo.missing}
    return activity.attrs | provenance(**made)


def _stack(arrays: Sequence[Any], axis: int) -> Any:
    """Stack the arrays of several trials; that of one is not copied."""
    if len(arrays) == 1:
        return arrays[0][(slice(None),) * axis + (None,)]
    return (da if isinstance(arrays[0], da.Array) else np).stack(arrays, axis=axis)
