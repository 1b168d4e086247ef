"""Correlations of more pairs of neurons than memory holds: written to disk as they are made, or only the strongest.

A task makes some target rows, and hands them on. The tasks share nothing but the recording: where that fits into the
budget it is read once and held; otherwise each task reads it anew, and has as many rows as the budget allows.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from itertools import islice
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple, TypeVar

import numpy as np
import xarray as xr
import zarr
from dask.base import tokenize
from dask.delayed import Delayed, delayed
from numpy.typing import NDArray

from netxr import names as n
from netxr.blocks.progress import Part, report, reported
from netxr.blocks.schedulers import cluster, computed
from netxr.blocks.segments import streams
from netxr.kernels.ahead import one_ahead
from netxr.kernels.blas import one_blas_thread
from netxr.kernels.held import Held, held, sums_of_held
from netxr.kernels.lagged_sums import LaggedSums, Pass, close_trial, pool_sums
from netxr.kernels.moments import correlation, moments_of
from netxr.kernels.running_sums import FrameBlock, first_of, sums_of
from netxr.moments.budget import RowPlan
from netxr.moments.one_pass import attrs_of, coords_of, keeps_trials_apart, trial_groups
from netxr.moments.prepare import check_lags, check_left, planned_rows, prepare
from netxr.schema.arguments import check_path
from netxr.schema.variables import Trial
from netxr.store.dataset import open as open_store
from netxr.store.writing import streamed_variable

T = TypeVar("T")

RowBlocks = Iterator[tuple[slice, NDArray[np.float64]]]
"""Pairs of target rows and their correlations, (lag, row, source)."""

ABOUT: Final = {
    n.ESTIMATOR: n.LAGGED_CORRELATION,
    n.LONG_NAME: "lagged correlation",
    n.REFERENCE: "Neuromatch Academy, W3D5 Network Causality, Tutorial 2: Correlations",
}
"""Attributes of a lagged correlation."""

STOP: Final = "stopped"
"""A file of this name in the folder that is written to tells tasks under way to give up."""


class Stopped(Exception):
    """The run that a task belongs to has been given up."""


def store_correlation(
    activity: xr.DataArray, *, lags: Sequence[int], memory: int | str | None, store: str | PathLike[str], **wanted: Any
) -> xr.DataArray:
    """Write lagged correlations to a Zarr folder, some rows at a time, and return them lazily opened.

    Parameters are those of `lagged_correlation`. What is stored has the precision of the products.
    """
    check_path("store", store)
    runs, plan = planned_runs(activity, lags=lags, memory=memory, **wanted)
    todo = runs[0].todo
    coords = coords_of(activity, todo) | {n.LAG: list(lags)}
    dims = (n.LAG, *((n.TRIAL,) if keeps_trials_apart(activity, todo) else ()), n.TARGET, n.SOURCE)
    lengths = {n.LAG: len(lags), n.TRIAL: activity.sizes.get(n.TRIAL, 1)}
    sizes: dict[str, int] = {dim: lengths[dim] if dim in lengths else len(coords[dim]) for dim in dims}
    attrs = attrs_of(activity, todo)
    with streamed_variable(
        store,
        xr.Dataset(coords=coords, attrs=attrs),
        name=n.LAGGED_CORRELATION,
        sizes=sizes,
        chunks=dict.fromkeys(sizes, 1) | {n.TARGET: plan.rows_at_a_time, n.SOURCE: sizes[n.SOURCE]},
        dtype=todo.precision,
        attrs=attrs | ABOUT | _frames(activity, todo),
    ) as (stored, folder):
        for run in runs:
            tasks = []
            for k, trials in enumerate(run.matrices):
                use = partial(_write, stored, run.places, (k,) if n.TRIAL in sizes else ())
                part = part_of(plan, f"{k} {run.direction}", folder, runs=len(runs))
                alone = len(run.matrices) == 1
                tasks += row_tasks(trials, run.todo, plan=plan, use=use, folder=folder, part=part, alone=alone)
            run_tasks(tasks, plan, folder)
    return open_store(store)[n.LAGGED_CORRELATION]


def _frames(activity: xr.DataArray, todo: Pass) -> dict[str, int]:
    """Return of how many samples a neuron the correlations of a trial are, where that is known beforehand."""
    is_known = todo.missing == "raise" and not todo.cuts
    is_apart = keeps_trials_apart(activity, todo) or activity.sizes.get(n.TRIAL, 1) == 1
    return {n.FRAMES: activity.sizes[n.TIME]} if is_known and is_apart else {}


class Run(NamedTuple):
    """The matrices at lags of one sign, which are made together."""

    direction: str  # in which trials are read
    places: list[int]  # of these lags among all
    todo: Pass
    matrices: list[list[Trial]]


def planned_runs(
    activity: xr.DataArray,
    *,
    lags: Sequence[int],
    argument: str,
    memory: int | str | None,
    **wanted: Any,
) -> tuple[list[Run], RowPlan]:
    """Return what is to be accumulated, and how it is shared: at negative lags, trials are read backwards.

    A pair of frames at lag -k is a pair at lag k of the same trial backwards.
    """
    signed = check_lags(lags, n_steps=activity.sizes[n.TIME], argument=argument, signed=True)
    lengths = list(dict.fromkeys(map(abs, signed)))
    todo, plan = planned_rows(activity, prepare(activity, lags=lengths, **wanted), memory=memory)
    runs = []
    for direction in ("forwards", "backwards"):
        places = [place for place, lag in enumerate(signed) if (lag < 0) == (direction == "backwards")]
        if places:
            own = replace(todo, lags=tuple(abs(signed[place]) for place in places))
            groups = trial_groups(activity, own)
            if direction == "backwards":
                groups = [[Trial(f"{name}, read backwards", x[:, ::-1]) for name, x in group] for group in groups]
            runs.append(Run(direction, places, own, groups))
    return runs, plan


def walked(
    runs: Sequence[Run], plan: RowPlan, use: Callable[[Run, int], Callable[[RowBlocks], T]]
) -> Iterator[tuple[Run, list[list[T]]]]:
    """Make all matrices some rows at a time, and yield what is made of their rows.

    For each run, that is a list for each matrix, task by task. `runs` and `plan` are as `planned_runs` returns them.
    `use` takes a run and the number of one of its matrices, and returns what takes the rows of a task block by block.
    """
    for run in runs:
        with TemporaryDirectory() as scratch:
            folder = Path(scratch)
            seen = None if cluster() else folder  # by tasks: a folder of this machine is none of other machines
            parts = [part_of(plan, str(k), folder, runs=1) for k in range(len(run.matrices))]
            alone = len(parts) == 1
            tasks = [
                row_tasks(trials, run.todo, plan=plan, use=use(run, k), folder=seen, part=part, alone=alone)
                for k, (trials, part) in enumerate(zip(run.matrices, parts, strict=True))
            ]
            found = iter(run_tasks([task for own in tasks for task in own], plan, folder))
        yield run, [list(islice(found, len(own))) for own in tasks]


def part_of(plan: RowPlan, matrix: str, folder: Path, *, runs: int) -> Part:
    """Return a matrix as a part of what fills a folder."""
    return Part(str(folder), matrix, runs * plan.tasks * plan.work.n_steps * plan.work.n_trials)


def run_tasks(tasks: Sequence[Delayed], plan: RowPlan, folder: Path) -> list[Any]:
    """Run all tasks; when one fails or the user gives up, those under way are told, and waited for."""
    with ThreadPoolExecutor(plan.workers) as pool:
        try:
            return list(computed(*tasks, pool=pool))
        except BaseException:
            (folder / STOP).touch()
            raise


def _write(stored: "zarr.Array[Any]", lags: Sequence[int], trial: tuple[int, ...], blocks: RowBlocks) -> None:
    """Write rows to the store as they are made."""
    for rows, r in blocks:
        for lag, matrix in zip(lags, r, strict=True):
            single = [slice(k, k + 1) for k in (lag, *trial)]  # of the shape of chunks, it is not copied into them
            stored[*single, rows] = matrix.astype(stored.dtype)[(np.newaxis,) * len(single)]


# --- tasks -----------------------------------------------------------------------------


def row_tasks(
    trials: Sequence[Trial],
    todo: Pass,
    *,
    plan: RowPlan,
    use: Callable[[RowBlocks], T],
    folder: Path | None,
    part: Part,
    alone: bool = False,
) -> list[Delayed]:
    """Return lazy tasks that make the correlations of all trials together, each for some target rows.

    Samples (neuron, time) of the trials are all NumPy or all dask; `plan` says how many rows a task has. What `use`
    returns, which takes the rows of a task block by block, is the result of the task. A file `STOP` in the folder makes
    all tasks give up, as does its end. If the matrix is `alone`, it is an error if no frame is left of it; as a `part`
    of its run it reports progress.
    """
    names = [trial.name for trial in trials]
    # An array in memory is none of the token: to hash it would take as long as a read, and the folder is unique.
    token = tokenize(todo, plan, use, folder, names, *(getattr(trial.samples, "name", None) for trial in trials))
    sources = [_source(trial.samples, key=f"recording-{token}-{k}") for k, trial in enumerate(trials)]
    shift = delayed(_pilot, pure=True)(*sources[0], dask_key_name=f"provisional-mean-{token}")
    if plan.held:
        hold = delayed(_held, pure=True)
        sources = [
            [hold(trial.samples.shape[1], trial.name, shift, todo, folder, *source, dask_key_name=f"held-{token}-{k}")]
            for k, (trial, source) in enumerate(zip(trials, sources, strict=True))
        ]
    task = delayed(_rows, pure=True)
    return [
        task(
            sources,
            names,
            shift,
            replace(todo, targets=(start, end)),
            plan.workers * plan.processes > 1,
            plan.rows_at_a_time,
            use,
            folder,
            part._replace(name=f"{part.name} from row {start}"),
            alone,
            dask_key_name=f"rows-{token}-{start}",
        )
        for start, end in plan.shares
    ]


def _source(samples: Any, *, key: str) -> list[Any]:
    """Return samples as arguments of a task: an array in memory, or a stream and its inputs."""
    if isinstance(samples, np.ndarray):
        return [delayed(samples, name=f"{key}-array", traverse=False)]
    ((stream, inputs),) = streams(samples.rechunk({0: -1}), [0, len(samples.chunks[1])])
    return [delayed(stream, name=f"{key}-stream", traverse=False), *inputs]


def _pieces(source: Any, *inputs: Any) -> Iterator[NDArray[Any]]:
    """Yield the samples of a source, in order."""
    return iter([source]) if isinstance(source, np.ndarray) else source.blocks(inputs)


def _pilot(*source: Any) -> NDArray[Any]:
    """Return the provisional mean, from the first piece that holds any frame."""
    return first_of(_pieces(*source))[0]


def _held(n_steps: int, name: str, shift: NDArray[Any], todo: Pass, folder: Path | None, *source: Any) -> Held:
    """Return all samples of a source as one block."""
    block = FrameBlock(todo, shift, place=name, offset=0, room=n_steps)
    for frames in one_ahead(_blocks(_pieces(*source), todo.block, folder)):
        block.take(frames)
    return held(block, todo=todo)


def _rows(
    sources: Sequence[Any],
    names: Sequence[str],
    shift: NDArray[Any],
    todo: Pass,
    one_thread: bool,
    rows_at_a_time: int,
    use: Callable[[RowBlocks], T],
    folder: Path | None,
    part: Part,
    alone: bool,
) -> T:
    """Accumulate the products of some target rows, and hand their correlations on."""
    with one_blas_thread() if one_thread else nullcontext():
        pooled: list[LaggedSums] = []
        for source, name in zip(sources, names, strict=True):
            sums = _sums(source, shift, todo, name, folder, part._replace(name=f"{part.name}, {name}"))
            pooled = [pool_sums([*pooled, sums], in_place=True)]
        del sums
        moments = moments_of(pooled.pop(), todo=todo)
        if alone and todo.missing == "drop":
            check_left(moments.n_pairs)
        return use(_correlations(moments, todo, rows_at_a_time, folder))


def _sums(
    source: Sequence[Any], shift: NDArray[Any], todo: Pass, name: str, folder: Path | None, part: Part
) -> LaggedSums:
    """Return the sums over one trial, held or read anew."""
    _give_up_if_stopped(folder)
    if isinstance(source[0], Held):
        sums = sums_of_held(source[0], todo=todo, place=name, going_on=partial(_going_on, folder, part))
        report(part, source[0].block.filled)
    else:
        blocks = _blocks(reported(_pieces(*source), part), todo.block, folder)
        sums = sums_of(blocks, 0, shift=shift, place=name, todo=todo)
    return close_trial(sums, todo=todo)


def _blocks(pieces: Iterator[NDArray[Any]], length: int, folder: Path | None) -> Iterator[NDArray[Any]]:
    """Yield some frames at a time, as long as the run has not been given up."""
    for piece in pieces:
        for start in range(0, piece.shape[1], length):
            _give_up_if_stopped(folder)
            yield piece[:, start : start + length]


def _correlations(moments: Any, todo: Pass, rows_at_a_time: int, folder: Path | None) -> RowBlocks:
    """Yield the correlations of a few rows at a time, and where they stand among all targets."""
    first = todo.rows.start or 0
    by_pair = todo.missing == "pairwise"
    for start in range(0, moments.comoment.shape[1], rows_at_a_time):
        _give_up_if_stopped(folder)
        rows = slice(start, start + rows_at_a_time)
        r = moments.comoment[:, rows]
        sumsq_source = moments.sumsq_source[:, rows] if by_pair else moments.sumsq_source
        correlation(r, moments.sumsq_target[:, rows], sumsq_source, by_pair=by_pair, out=r)
        yield slice(first + start, first + start + r.shape[1]), r


def _going_on(folder: Path | None, part: Part, done: int) -> None:
    """Tell how many frames of a part are done, and raise if the run has been given up."""
    _give_up_if_stopped(folder)
    report(part, done)


def _give_up_if_stopped(folder: Path | None) -> None:
    """Raise if the run has been given up: it is marked so, or its folder is gone."""
    if folder is not None and ((folder / STOP).exists() or not folder.exists()):
        raise Stopped
