"""Matrices that are larger than memory, some target rows at a time: a task makes its rows and hands them on.

The tasks share nothing but the recording. Where that fits into the budget it is read once and held; otherwise each
task reads it anew, and has as many rows as the budget allows.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

import numpy as np
from dask.base import tokenize
from dask.delayed import Delayed, delayed
from numpy.typing import NDArray

from netxr.blocks.progress import Part, report, reported
from netxr.blocks.streams import streams
from netxr.kernels.blas import one_blas_thread
from netxr.kernels.frame_blocks import FrameBlock, first_of
from netxr.kernels.lagged_sums import LaggedSums, Pass, pool_sums
from netxr.kernels.moments import correlation, correlation_of_pairs, moments_of
from netxr.kernels.running_sums import sides_of_block, sums_of_block
from netxr.moments.lagged import reduction
from netxr.moments.plans import RowPlan
from netxr.schema.variables import Trial

T = TypeVar("T")

RowBlocks = Iterator[tuple[slice, NDArray[np.float64]]]
"""Pairs of target rows and their correlations, (lag, row, source)."""

STOP: Final = "stopped"
"""A file of this name in the folder that is written to tells tasks under way to give up."""


class Stopped(Exception):
    """The run that a task belongs to has been given up."""


def row_tasks(
    trials: Sequence[Trial],
    todo: Pass,
    *,
    plan: RowPlan,
    use: Callable[[RowBlocks], T],
    folder: Path | None,
    part: Part,
) -> list[Delayed]:
    """Return lazy tasks that make the correlations of all trials together, each for some target rows.

    Parameters
    ----------
    trials : sequence of Trial
        Samples (neuron, time) of each, all NumPy or all dask.
    todo : Pass
        What is accumulated, for all targets.
    plan : RowPlan
        How many rows a task has.
    use : callable
        Takes the rows of a task block by block; what it returns is the result of the task.
    folder : path, optional
        A file `STOP` in it makes all tasks give up, as does its end.
    part : Part
        The matrix as a part of its run.
    """
    names = [trial.name for trial in trials]
    # An array in memory is none of the token: to hash it would take as long as a read, and the folder is unique.
    token = tokenize(todo, plan, use, folder, names, *(getattr(trial.samples, "name", None) for trial in trials))
    sources = [_source(trial.samples, key=f"recording-{token}-{k}") for k, trial in enumerate(trials)]
    shift = delayed(_pilot, pure=True)(*sources[0], dask_key_name=f"provisional-mean-{token}")
    n = len(trials[0].samples)
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
            replace(todo, targets=(start, min(start + plan.rows, n))),
            plan.workers * plan.processes > 1,
            plan.rows_at_a_time,
            use,
            folder,
            part._replace(name=f"{part.name} from row {start}"),
            dask_key_name=f"rows-{token}-{start}",
        )
        for start in range(0, n, plan.rows)
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


class Held(NamedTuple):
    """All samples of a trial, and the sums over them that all tasks share."""

    block: FrameBlock
    sides: LaggedSums


def _held(n_steps: int, name: str, shift: NDArray[Any], todo: Pass, folder: Path | None, *source: Any) -> Held:
    """Return all samples of a source as one block."""
    block = FrameBlock(todo, shift, place=name, offset=0, room=n_steps)
    for frames in _blocks(_pieces(*source), todo.block, folder):
        block.take(frames)
    return Held(block, sides_of_block(block, todo=todo))


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
) -> T:
    """Accumulate the products of some target rows, and hand their correlations on."""
    with one_blas_thread() if one_thread else nullcontext():
        pooled: list[LaggedSums] = []
        for source, name in zip(sources, names, strict=True):
            sums = _sums(source, shift, todo, name, folder, part._replace(name=f"{part.name}, {name}"))
            pooled = [pool_sums([*pooled, sums], in_place=True)]
        del sums
        moments = moments_of(pooled.pop(), todo=todo)
        return use(_correlations(moments, todo, rows_at_a_time, folder))


def _sums(
    source: Sequence[Any], shift: NDArray[Any], todo: Pass, name: str, folder: Path | None, part: Part
) -> LaggedSums:
    """Return the sums over one trial, held or read anew."""
    steps = reduction(todo)
    _give_up_if_stopped(folder)
    if isinstance(source[0], Held):
        sums = sums_of_block(*source[0], todo=todo, place=name, going_on=partial(_going_on, folder, part))
        report(part, source[0].block.filled)
    else:
        blocks = _blocks(reported(_pieces(*source), part), todo.block, folder)
        sums = steps.partial(blocks, 0, shift=shift, place=name)
    return steps.close(sums)


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
        comoment = moments.comoment[:, rows]
        sumsq_source = moments.sumsq_source[:, rows] if by_pair else moments.sumsq_source
        r = (correlation_of_pairs if by_pair else correlation)(comoment, moments.sumsq_target[:, rows], sumsq_source)
        yield slice(first + start, first + start + r.shape[1]), r


def _going_on(folder: Path | None, part: Part, done: int) -> None:
    """Tell how many frames of a part are done, and raise if the run has been given up."""
    _give_up_if_stopped(folder)
    report(part, done)


def _give_up_if_stopped(folder: Path | None) -> None:
    """Raise if the run has been given up: it is marked so, or its folder is gone."""
    if folder is not None and ((folder / STOP).exists() or not folder.exists()):
        raise Stopped
