"""Moments of consecutive blocks of a recording, from one read; tasks that meet in a chunk both read it."""

import itertools
import operator
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import reduce
from typing import Any, Final

import dask.array as da
import numpy as np
import xarray as xr
from dask.base import is_dask_collection, tokenize
from dask.delayed import delayed
from dask.utils import SerializableLock
from numpy.typing import NDArray

from netxr import names as n
from netxr.blocks.progress import Part, reported
from netxr.blocks.schedulers import cores, slots
from netxr.blocks.segments import in_segments
from netxr.errors import InvalidInput
from netxr.kernels.blas import one_blas_thread
from netxr.kernels.lagged_sums import Pass
from netxr.kernels.stretches import sums_of_stretches
from netxr.moments.budget import Plan
from netxr.moments.inputs import apart, together
from netxr.moments.merge import EDGES, merged
from netxr.moments.one_pass import Arrays, arrays_of, dtype_of, labelled, lazy_array, shapes_of
from netxr.moments.prepare import is_lazy, planned_pass
from netxr.schema.arguments import check_count
from netxr.schema.variables import Trial, check_moments, trials_of

SAME: Final[dict[str, Any]] = {"data_vars": "all", "coords": "minimal", "compat": "override", "join": "override"}

TASK_BYTES: Final = 2**26
"""Moments that a task makes, or those of one block."""

TASKS: Final = 4
"""Tasks of each worker, or fewer where there are not as many blocks."""


def moments_in_blocks(activity: xr.DataArray, todo: Pass, *, blocks: int, memory: int | str | None) -> xr.Dataset:
    """Return the moments of each of some blocks of about equal length, along a leading dim `block`.

    A pair of samples belongs to the block of its target. So the source of a pair may lie in the block before, and all
    blocks merged are the whole. The edge frames of every block but the first are the last ones of the block before it,
    which no lag has as targets, and its own last ones. So trials are apart; where frames are dropped, there are no edge
    frames. `memory` is what the pass of a block may take. Raises InvalidInput if blocks are too short for the lags.
    """
    n_steps, max_lag = activity.sizes[n.TIME], todo.max_lag
    least = max(2 * max_lag, max_lag + 2)
    if check_count("blocks", blocks) * least > n_steps:
        fix = "Ask for fewer blocks, or shorter lags."
        expected = f"blocks of {least} samples or more, for lags up to {max_lag}"
        raise InvalidInput("blocks", got=f"{blocks} blocks of {n_steps} samples in all", expected=expected, fix=fix)
    starts = np.linspace(0, n_steps, blocks + 1).astype(int)
    # Before each block are the frames that are sources of its pairs.
    spans = [slice(max(0, int(first) - max_lag), int(last)) for first, last in itertools.pairwise(starts)]
    longest = max(spans, key=lambda span: span.stop - span.start)
    todo, plan = planned_pass(activity.isel({n.TIME: longest}), todo, memory=memory)
    if is_lazy(activity):
        run = tokenize(activity.data.name, todo, plan, blocks)
        parts = [_lazily(trial, todo, spans, plan=plan, run=run) for trial in trials_of(activity)]
    else:
        parts = [_at_once(trial, todo, spans) for trial in trials_of(activity)]
    found = labelled(activity, todo, parts, leading=(n.BLOCK,))
    found[n.COUNT].attrs.pop(n.FRAMES)  # blocks differ in their number
    return found.assign_coords({n.BLOCK: np.arange(blocks)} | _times(activity, starts))


def _at_once(trial: Trial, todo: Pass, spans: Sequence[slice]) -> Arrays:
    """Return the moments of blocks of a trial that is in memory, some consecutive ones in each thread."""
    found = _room(len(trial.samples), todo, spans)
    workers = min(cores(), len(spans))
    cuts = np.linspace(0, len(spans), workers + 1).astype(int)

    def fill(first: int, last: int) -> None:
        """Write the moments of some blocks to their places."""
        own, some = {name: array[first:last] for name, array in found.items()}, spans[first:last]
        _fill(own, iter([trial.samples[:, some[0].start :]]), some, todo=todo, place=trial.name)

    with one_blas_thread(), ThreadPoolExecutor(workers) as pool:
        list(pool.map(fill, cuts[:-1], cuts[1:]))
    return found


def _lazily(trial: Trial, todo: Pass, spans: Sequence[slice], *, plan: Plan, run: str) -> Arrays:
    """Return the lazy moments of blocks of a trial, some consecutive ones in each task."""
    samples = trial.samples.rechunk({1: tuple(filter(None, trial.samples.chunks[1]))})
    at_a_time = int(np.clip(TASK_BYTES // plan.work.sums, 1, -(-len(spans) // (TASKS * plan.workers * plan.processes))))
    groups = [spans[first : first + at_a_time] for first in range(0, len(spans), at_a_time)]
    wholes = [slice(some[0].start, some[-1].stop) for some in groups]
    n_frames = plan.work.n_trials * sum(whole.stop - whole.start for whole in wholes)
    in_turn = plan.processes == 1 and plan.workers < slots().threads
    each: dict[str, list[da.Array]] = defaultdict(list)
    for some, whole in zip(groups, wholes, strict=True):
        done = in_segments(
            _moments_of_blocks,
            operator.itemgetter(0),
            samples[:, whole],
            segments=1,
            one_thread=plan.workers * plan.processes > 1,
            key=f"blocks-{run}-{trial.name}-{whole.start}",
            lock=SerializableLock(run) if in_turn else None,
            spans=some,
            todo=todo,
            place=trial.name,
            n_neurons=len(samples),
            part=Part(run, f"{trial.name} from {whole.start}", n_frames),
        )
        for name, shape in _shapes(len(samples), todo, some).items():
            each[name].append(lazy_array(done[name], shape, name))  # type: ignore[index]
    return {name: da.concatenate(arrays) for name, arrays in each.items()}  # type: ignore[no-untyped-call]


def _moments_of_blocks(
    pieces: Iterator[NDArray[Any]],
    _offset: int,
    *,
    spans: Sequence[slice],
    todo: Pass,
    part: Part,
    place: str,
    n_neurons: int,
) -> Arrays:
    """Return the moments of some consecutive blocks."""
    found = _room(n_neurons, todo, spans)
    _fill(found, reported(pieces, part), spans, todo=todo, place=place)
    return found


def _fill(found: Arrays, pieces: Iterator[NDArray[Any]], spans: Sequence[slice], *, todo: Pass, place: str) -> None:
    """Write the moments of some consecutive blocks, whose frames are taken once, to their places.

    Co-moments are made there.
    """
    products = found[n.COMOMENT][:, :, np.newaxis]
    for k, sums in enumerate(sums_of_stretches(pieces, spans, products, place=place, todo=todo)):
        for name, value in arrays_of(sums, todo=todo).items():
            if name != n.COMOMENT:
                found[name][k] = value


def _room(n_neurons: int, todo: Pass, spans: Sequence[slice]) -> dict[str, NDArray[Any]]:
    """Return room for the moments of some blocks, all zero."""
    return {name: np.zeros(shape, dtype_of(name)) for name, shape in _shapes(n_neurons, todo, spans).items()}


def _shapes(n_neurons: int, todo: Pass, spans: Sequence[slice]) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the moments of some blocks."""
    each = shapes_of(todo, n_neurons, [2 * todo.max_lag])  # blocks have all edge frames
    return {name: (len(spans), *shape) for name, shape in each.items()}


def merge_blocks(moments: xr.Dataset, *, width: int) -> xr.Dataset:
    """Merge neighbouring blocks of moments into windows that overlap.

    Parameters
    ----------
    moments : Dataset
        Lagged moments with a dim `block`, as `lagged_moments` makes them; lazy or not.
    width : int
        Blocks in a window; a window begins at each block that has as many after it.

    Returns
    -------
    Dataset
        Moments over `block`, one window each, without a further read; `block_time` is the middle of a window, where
        samples have times. Those of a window of all blocks are the moments of the whole recording.

    Raises
    ------
    InvalidInput
        If there are no blocks, or fewer than the width.

    Examples
    --------
    >>> import netxr
    >>> run = netxr.sample("rate_network")
    >>> moments = netxr.lagged_moments(run, blocks=4)
    >>> merge_blocks(moments, width=2).sizes["block"]
    3
    """
    check_moments(moments)
    if n.BLOCK not in moments.dims:
        fix = "Make them with netxr.lagged_moments(..., blocks=...)."
        raise InvalidInput("moments", got="moments without blocks", expected=f"a dim {n.BLOCK!r}", fix=fix)
    n_blocks = moments.sizes[n.BLOCK]
    if check_count("width", width) > n_blocks:
        raise InvalidInput("width", got=str(width), expected=f"1 to {n_blocks}, as many as there are blocks")
    both = together(moments)
    single = [both.isel({n.BLOCK: k}, drop=True) for k in range(n_blocks)]
    windows = [_in_one_task(_window, *single[k : k + width]) for k in range(n_blocks - width + 1)]
    joined = apart(xr.concat(windows, n.BLOCK, combine_attrs="override", **SAME), moments)
    labels = moments[n.BLOCK].values[: len(windows)]
    times = {}
    if n.BLOCK_TIME in moments.coords:
        middle = np.lib.stride_tricks.sliding_window_view(moments[n.BLOCK_TIME].values, width).mean(-1)
        times = {n.BLOCK_TIME: (n.BLOCK, middle, moments[n.BLOCK_TIME].attrs)}
    return joined.assign_coords({n.BLOCK: labels} | times)


def _in_one_task(function: Callable[..., xr.Dataset], *parts: xr.Dataset) -> xr.Dataset:
    """Return what a function makes of moments that is shaped like the first of them.

    Where they are lazy it is one task: its many small steps would each be one, and take far longer to hand out than
    to do.
    """
    first = parts[0]
    if not is_dask_collection(first):
        return function(*parts)
    arrays = delayed(_arrays_of, pure=True)(function, *parts)
    lazy = {
        name: da.from_delayed(arrays[name], value.shape, value.dtype)  # type: ignore[no-untyped-call]
        for name, value in first.data_vars.items()
    }
    return first.copy(data=lazy)


def _arrays_of(function: Callable[..., xr.Dataset], *parts: xr.Dataset) -> dict[Any, Any]:
    """Return the arrays of what a function makes of moments."""
    return {name: value.values for name, value in function(*parts).items()}


def _window(*blocks: xr.Dataset) -> xr.Dataset:
    """Return the moments of consecutive blocks together."""
    names = list(EDGES)
    first, last = blocks[0], blocks[-1]
    whole = reduce(merged, (block.drop_vars(names, errors="ignore") for block in blocks))
    if n.EDGE_ACTIVITY not in first:  # where frames are left out
        return whole
    half = first.sizes[n.EDGE_FRAME] // 2
    sides = first[names].isel({n.EDGE_FRAME: slice(0, half)}), last[names].isel({n.EDGE_FRAME: slice(half, None)})
    return whole.assign(xr.concat(sides, n.EDGE_FRAME, data_vars="minimal", coords="minimal", compat="override"))


def _times(activity: xr.DataArray, starts: Any) -> dict[str, Any]:
    """Return the middle of each block as a coordinate, where samples have times that are numbers."""
    if n.TIME not in activity.coords or activity[n.TIME].dtype.kind not in "fiu":
        return {}
    first, last = (activity[n.TIME].isel({n.TIME: at}).values for at in (starts[:-1], starts[1:] - 1))
    return {n.BLOCK_TIME: (n.BLOCK, (first + last) / 2, activity[n.TIME].attrs)}
