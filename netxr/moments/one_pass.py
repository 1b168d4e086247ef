"""The one pass over a recording: its steps, how they are taken over samples in memory and over lazy ones, and labels.

Begin with `accumulate`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final, NamedTuple

import dask.array as da
import numpy as np
import xarray as xr
from dask.base import tokenize
from dask.delayed import Delayed, delayed
from dask.utils import SerializableLock
from numpy.typing import NDArray

from netxr import names as n
from netxr.blocks.progress import Part, reported
from netxr.blocks.segments import Stream, in_segments, in_threads, streams, tree
from netxr.kernels.lagged_sums import LaggedSums, Pass, close_trial, join_sums, pool_sums
from netxr.kernels.moments import moments_of, squares_of_groups
from netxr.kernels.running_sums import first_of, sums_of_each
from netxr.moments.budget import Plan, gather_bytes, product_bytes
from netxr.moments.prepare import is_lazy, planned_pass
from netxr.schema.clock import SEGMENTS
from netxr.schema.provenance import provenance
from netxr.schema.variables import Trial, labels_of, segments_of, trials_of

MOMENT_DIMS: Final = {
    n.COUNT: (n.LAG,),
    n.MEAN_TARGET: (n.LAG, n.TARGET),
    n.MEAN_SOURCE: (n.LAG, n.SOURCE),
    n.SUMSQ_TARGET: (n.LAG, n.TARGET),
    n.SUMSQ_SOURCE: (n.LAG, n.SOURCE),
    n.COMOMENT: (n.LAG, n.TARGET, n.SOURCE),
}
EDGE_DIMS: Final = {
    n.EDGE_ACTIVITY: (n.NEURON, n.EDGE_FRAME),
    n.NOT_TARGET: (n.LAG, n.EDGE_FRAME),
    n.NOT_SOURCE: (n.LAG, n.EDGE_FRAME),
}
GROUP_DIMS: Final = {n.GROUP_SUMSQ_TARGET: (n.LAG, n.GROUP), n.GROUP_SUMSQ_SOURCE: (n.LAG, n.GROUP)}
DTYPES: Final = {n.COUNT: "i8", n.NOT_TARGET: "?", n.NOT_SOURCE: "?"}
"""Of all that is not float64."""

Sums = Sequence[LaggedSums]
"""Those of each pass that shares a read."""

Arrays = Mapping[str, Any]
"""Arrays by the name of the variable that they become."""


def accumulate(activity: xr.DataArray, todo: Pass, *, memory: int | str | None, chunk: int = 0) -> xr.Dataset:
    """Return the lagged moments of a recording, and the squares of groups if `todo` has some, (lag[, trial], group)."""
    return accumulate_each(activity, [todo], memory=memory, chunk=chunk)[0]


def accumulate_each(
    activity: xr.DataArray, todos: Sequence[Pass], *, memory: int | str | None, chunk: int = 0
) -> list[xr.Dataset]:
    """Return what `accumulate` does for each of several passes, from one read: they differ in lags and pairs alone.

    The first of them is planned, and the others take little memory beside it.
    """
    first, plan = planned_pass(activity, todos[0], memory=memory, chunk=chunk)
    todos = [first, *todos[1:]]
    groups = trial_groups(activity, first)
    if is_lazy(activity):
        run = tokenize(activity.data.name, todos, plan)
        parts = [lazy_moments(group, todos, plan=plan, run=run) for group in groups]
    else:
        parts = [moments_at_once(group, todos, plan=plan) for group in groups]
    return [labelled(activity, todo, own) for todo, own in zip(todos, zip(*parts, strict=True), strict=True)]


def labelled(
    activity: xr.DataArray, todo: Pass, parts: Sequence[Arrays], *, leading: tuple[str, ...] = ()
) -> xr.Dataset:
    """Return the moments of groups of trials as a Dataset with the labels of the activity.

    Arrays have the dims of the pass, behind those that lead.
    """
    keeps_trials = keeps_trials_apart(activity, todo)
    variables: dict[str, Any] = {}
    for name, own in dims_of(todo).items():
        dims, axis = (*leading, *own), len(leading) + (own[0] == n.LAG)
        arrays = [part[name] for part in parts]
        stacked = _stack(arrays, axis) if keeps_trials else arrays[0]
        variables[name] = ((*dims[:axis], n.TRIAL, *dims[axis:]) if keeps_trials else dims, stacked)
    n_trials = 1 if keeps_trials else activity.sizes.get(n.TRIAL, 1)
    variables[n.COUNT] = (*variables[n.COUNT], {n.FRAMES: n_trials * activity.sizes[n.TIME]})
    coords = coords_of(activity, todo)
    if n.EDGE_ACTIVITY in variables:
        coords |= {n.NEURON: labels_of(activity, n.NEURON)} | _along(activity, n.NEURON)
    return xr.Dataset(variables, coords, attrs_of(activity, todo))


# --- the steps of a pass ----------------------------------------------------------------


def dims_of(todo: Pass) -> dict[str, tuple[str, ...]]:
    """Return the variables that a pass yields for trials together, and their dims."""
    by_pair = todo.missing == "pairwise"
    dims: dict[str, tuple[str, ...]] = {
        name: MOMENT_DIMS[n.COMOMENT] if by_pair else own for name, own in MOMENT_DIMS.items()
    }
    if not todo.pairs:
        return {name: (n.LAG, n.TARGET) if n.TARGET in own or n.SOURCE in own else own for name, own in dims.items()}
    if todo.missing == "raise" and not todo.marked and (todo.sources is None or todo.linked):
        dims |= EDGE_DIMS
    return dims if todo.groups is None else dims | GROUP_DIMS


class Reduction(NamedTuple):
    """The steps from samples to moments: here is all that a pass does, and in which order."""

    partial: Callable[..., Sums]  # pieces of a segment, where it begins -> its sums
    combine: Callable[[Sequence[Sums]], Sums]  # sums of consecutive segments -> of both together
    close: Callable[[Sums], Sums]  # sums of a trial from end to end -> with its ends as edge frames
    pool: Callable[..., Sums]  # sums of trials -> of all together, in_place: in the memory of the first
    finish: Callable[[Sums], list[Arrays]]  # sums of all that is reduced -> moments


def reduction(todos: Sequence[Pass]) -> Reduction:
    """Return the steps of passes that share a read."""
    return Reduction(
        partial=partial(sums_of_each, todos=todos),
        combine=partial(_combine, todos=todos),
        close=partial(_close, todos=todos),
        pool=_pool,
        finish=partial(_finish, todos=todos),
    )


def _combine(parts: Sequence[Sums], *, todos: Sequence[Pass]) -> Sums:
    """Return the sums over consecutive segments of a trial together."""
    return [join_sums(own, todo=todo) for own, todo in zip(zip(*parts, strict=True), todos, strict=True)]


def _close(sums: Sums, *, todos: Sequence[Pass]) -> Sums:
    """Return the sums over a whole trial."""
    return [close_trial(own, todo=todo) for own, todo in zip(sums, todos, strict=True)]


def _pool(parts: Sequence[Sums], *, in_place: bool = False) -> Sums:
    """Return the sums over several trials together."""
    return [pool_sums(own, in_place=in_place) for own in zip(*parts, strict=True)]


def _finish(sums: Sums, *, todos: Sequence[Pass]) -> list[Arrays]:
    """Return the moments of each pass; they take the place of the sums in memory."""
    return [arrays_of(own, todo=todo) for own, todo in zip(sums, todos, strict=True)]


def arrays_of(sums: LaggedSums, *, todo: Pass) -> Arrays:
    """Return the moments that sums over whole trials amount to."""
    edges = sums.edges
    groups = squares_of_groups(sums, todo=todo)
    ends = edges.samples + sums.shift[:, None], edges.not_target, edges.not_source
    moments: Any = moments_of(sums, todo=todo)
    if not todo.pairs:
        moments = [one[..., 0] if one.ndim == 3 else one for one in moments]
    found = dict(zip(MOMENT_DIMS, moments, strict=True))
    found |= dict(zip(EDGE_DIMS, ends, strict=True)) | dict(zip(GROUP_DIMS, groups, strict=True))
    return {name: found[name] for name in dims_of(todo)}


# --- samples in memory -----------------------------------------------------------------


def moments_at_once(trials: Sequence[Trial], todos: Sequence[Pass], *, plan: Plan) -> list[Arrays]:
    """Return the moments of trials together, whose samples are in memory, (neuron, time) each, for each pass."""
    steps, block = reduction(todos), todos[0].block
    shift, _ = first_of(iter([trials[0].samples]))
    work = replace(plan.work, block=block, fourier=todos[0].fourier)
    pooled: list[Sums] = []
    for trial in trials:
        sums = in_threads(
            partial(steps.partial, shift=shift, place=trial.name),
            steps.combine,
            trial.samples,
            shortest=block,
            worker_bytes=gather_bytes(work) + product_bytes(work) + work.sums,
        )
        pooled = [steps.pool([*pooled, steps.close(sums)], in_place=True)]
    return steps.finish(pooled[0])


# --- lazy samples ----------------------------------------------------------------------


def lazy_moments(trials: Sequence[Trial], todos: Sequence[Pass], *, plan: Plan, run: str) -> list[Arrays]:
    """Return the moments of trials together, whose samples are dask arrays, (neuron, time) each; part of a run."""
    steps = reduction(todos)
    trials = [Trial(name, samples.rechunk({1: tuple(filter(None, samples.chunks[1]))})) for name, samples in trials]
    first = trials[0].samples[:, : trials[0].samples.chunks[1][0]].rechunk(-1)
    token = tokenize(todos, plan, *(trial.samples.name for trial in trials))
    # Each segment makes this block anew: if all waited for one task, a cluster would run them where that one was.
    ((pilot, inputs),) = streams(first, [0, 1])
    n_frames = plan.work.n_steps * plan.work.n_trials
    sums = [
        delayed(steps.close, pure=True)(
            in_segments(
                _sums_of_segment,
                steps.combine,
                trial.samples,
                segments=plan.segments,
                one_thread=plan.workers * plan.processes > 1,
                key=f"lagged-sums-{token}-{k}",
                lock=SerializableLock(run) if plan.in_turn else None,
                pilot=pilot,
                inputs=inputs,
                todos=todos,
                place=trial.name,
                is_first=k == 0,
                part=Part(run, trial.name, n_frames),
            ),
            dask_key_name=f"whole-trial-{token}-{k}",
        )
        for k, trial in enumerate(trials)
    ]
    pooled = tree(steps.pool, sums, key=f"pooled-trials-{token}")
    done = delayed(_finish_copy, pure=True)(pooled, todos, dask_key_name=f"moments-{token}")
    return [_as_arrays(done[k], todo, trials) for k, todo in enumerate(todos)]


def _sums_of_segment(
    pieces: Iterator[NDArray[Any]],
    offset: int,
    *,
    pilot: Stream,
    inputs: Sequence[Any],
    todos: Sequence[Pass],
    place: str,
    is_first: bool,
    part: Part,
) -> Sums:
    """Return the sums over a segment, about the provisional mean of the recording's first block, as all others."""
    pieces = reported(pieces, part._replace(name=f"{part.name} from {offset}"))
    own = is_first and offset == 0
    shift, pieces = first_of(pieces) if own else (first_of(pilot.blocks(inputs))[0], pieces)
    return sums_of_each(pieces, offset, shift=shift, place=place, todos=todos)


def _finish_copy(sums: Sums, todos: Sequence[Pass]) -> list[Arrays]:
    """Finish a copy: what a scheduler holds, it may hand out again."""
    return _finish([own._replace(product=own.product.copy()) for own in sums], todos=todos)


def _as_arrays(done: Delayed, todo: Pass, trials: Sequence[Trial]) -> Arrays:
    """Return lazy moments as dask arrays."""
    shapes = shapes_of(todo, len(trials[0].samples), [trial.samples.shape[1] for trial in trials])
    return {name: lazy_array(done[name], shape, name) for name, shape in shapes.items()}  # type: ignore[index]


def shapes_of(todo: Pass, n_neurons: int, lengths: Sequence[int]) -> dict[str, tuple[int, ...]]:
    """Return the shapes of what a pass yields for trials of such lengths together."""
    index = np.arange(n_neurons)
    sizes = {
        n.LAG: len(todo.lags),
        n.NEURON: n_neurons,
        n.TARGET: index[todo.rows].size,
        n.SOURCE: index[todo.columns].size,
        n.GROUP: todo.n_groups,
        n.EDGE_FRAME: sum(min(2 * todo.max_lag, length) for length in lengths),
    }
    return {name: tuple(sizes[dim] for dim in dims) for name, dims in dims_of(todo).items()}


def dtype_of(name: str) -> np.dtype[Any]:
    """Return the dtype of a variable of moments."""
    return np.dtype(DTYPES.get(name, "f8"))


def lazy_array(value: Any, shape: tuple[int, ...], name: str) -> da.Array:
    """Return a delayed array of moments as a dask array."""
    array: da.Array = da.from_delayed(value, shape, dtype_of(name), name=f"{value.key}-array")  # type: ignore[no-untyped-call]
    return array


# --- labels ----------------------------------------------------------------------------


def keeps_trials_apart(activity: xr.DataArray, todo: Pass) -> bool:
    """Return whether each trial has moments of its own."""
    return n.TRIAL in activity.dims and n.TRIAL not in todo.dim


def trial_groups(activity: xr.DataArray, todo: Pass) -> list[list[Trial]]:
    """Return the trials whose moments are pooled, group by group; the segments of a trial are trials of their own."""
    trials = [segments_of(trial, todo.cuts) for trial in trials_of(activity)]
    return trials if keeps_trials_apart(activity, todo) else [[one for segments in trials for one in segments]]


def coords_of(activity: xr.DataArray, todo: Pass) -> dict[str, Any]:
    """Return the labels of what a pass yields: lags, targets, sources, and trials that are kept apart."""
    neurons = labels_of(activity, n.NEURON)
    labels = {n.LAG: np.array(todo.lags), n.TARGET: neurons[todo.rows], n.SOURCE: neurons[todo.columns]}
    return labels | (_along(activity, n.TRIAL) if keeps_trials_apart(activity, todo) else {})


def _along(activity: xr.DataArray, dim: str) -> dict[str, Any]:
    """Return the coordinates along a dim."""
    return {str(name): coord for name, coord in activity.coords.items() if coord.dims == (dim,)}


def attrs_of(activity: xr.DataArray, todo: Pass) -> dict[str, Any]:
    """Return the attributes of what a pass yields: those of the activity, and how it was made."""
    made = {n.POOLED: list(todo.dim), n.PRECISION: todo.precision.name, n.MISSING: todo.missing}
    own = {name: value for name, value in activity.attrs.items() if name != n.GAPS}
    return own | provenance(**made) | ({n.GAPS: SEGMENTS} if todo.cuts else {})


def _stack(arrays: Sequence[Any], axis: int) -> Any:
    """Stack the arrays of several trials; that of one is not copied."""
    if len(arrays) == 1:
        return arrays[0][(slice(None),) * axis + (None,)]
    return (da if isinstance(arrays[0], da.Array) else np).stack(arrays, axis=axis)
