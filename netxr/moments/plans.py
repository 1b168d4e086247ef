"""How a pass is split so that it stays within a budget of memory, and what it will take."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import ceil, log
from typing import Any, Final

import numpy as np

from netxr.blocks.segments import SPLIT_EVERY
from netxr.moments.budget import OVERHEAD, Work, available, gather_bytes, product_bytes, too_small, ways
from netxr.schema.words import counted, text_of

SEGMENT_FRAMES: Final = 1024
"""Frames below which a trial is not worth a further segment."""

SEGMENTS_A_WORKER: Final = (8, 2, 1)
"""Segments for each task that runs at a time: more keep all of them busy to the end, and lose less with a worker."""

SEGMENT_CHUNKS: Final = 32
"""Chunks below which a segment costs too much: it reads the first chunk of the recording as well."""

PRODUCT_RATE: Final = 1e11
"""Operations a second of a float32 product on one core of an AMD EPYC (Zen 5)."""

READ_RATE: Final = 4e8
"""Bytes a second of samples that one worker reads and decompresses from a local disk."""

SUM_FRAMES: Final = 60
"""Adding a product to its sum takes as long as the products of so many frames."""

SPECTRAL_SHARE: Final = 5.0
"""Products at many lags cost about as much as at this number of lags, by way of Fourier segments."""


@dataclass(frozen=True)
class Plan:
    """How a pass is split, and what it will take.

    Parameters
    ----------
    work : Work
        What is accumulated.
    processes : int
        Processes that share the pass.
    workers : int
        Tasks that run side by side in one of them.
    blas_threads : int
        Threads of a product.
    cores : int
        Processor cores that a process may use.
    segments : int
        Segments of a trial that may be accumulated side by side.
    """

    work: Work
    processes: int
    workers: int
    blas_threads: int
    cores: int
    segments: int

    @property
    def seconds(self) -> float:
        """About how long it takes at the rates of the machine that it was measured on."""
        return seconds_of(self, reads=1)

    @property
    def peak_bytes(self) -> int:
        """The most memory that the pass takes in one process, on top of what the process holds already."""
        work, sums = self.work, self.work.sums
        task = gather_bytes(work) + product_bytes(work) + 3 * work.chunk + sums
        # Sums of finished segments wait for those beside them.
        waiting = (SPLIT_EVERY - 1) * ceil(log(self.segments, SPLIT_EVERY))
        finished = min(max(0, self.segments - self.workers * self.processes), waiting) * sums
        # Moments of trials that are kept apart, or sums of trials that wait to be pooled.
        levels = ceil(log(work.n_trials, SPLIT_EVERY))
        others = (work.results - 1) * sums if work.results > 1 else levels * (SPLIT_EVERY - 1) * sums
        crossing = work.n_targets * work.n_sources * work.precision.itemsize
        combining = (min(self.segments, SPLIT_EVERY) + 2) * sums + crossing
        labelled = (3 if work.results > 1 else 2) * work.results * sums
        return OVERHEAD + max(self.workers * task + finished + others, combining + others, labelled)

    @property
    def in_turn(self) -> bool:
        """Whether tasks that the scheduler would run side by side have to wait for one another."""
        return self.workers == self.processes == 1 and self.work.n_trials > 1

    def __str__(self) -> str:
        """Say what it takes in a line."""
        return described(self, reads=1, tasks=counted(self.workers, "task"))


def plan_pass(
    work: Work, *, memory: int | None, processes: int, threads: int, cores: int, cluster: bool = False
) -> Plan:
    """Return the fastest plan that stays within a budget.

    Parameters
    ----------
    work : Work
        What is to be accumulated.
    memory : int, optional
        Bytes that the pass may take in one process; by default half of what is free.
    processes, threads : int
        Processes of the scheduler, and tasks that each runs side by side.
    cores : int
        Processor cores of one machine.
    cluster : bool
        Whether nothing keeps a process from running as many tasks as it has threads.

    Raises
    ------
    InvalidInput
        If no plan stays within the budget; it says what the smallest one needs.
    """
    budget = available() if memory is None else memory
    plans = list(_plans(work, processes, threads, cores, cluster=cluster or processes > 1))
    for plan in plans:
        if plan.peak_bytes <= budget:
            return plan
    least = min(plan.peak_bytes for plan in plans)
    raise too_small(
        budget,
        memory,
        least,
        work,
        fix="Ask for fewer lags or sources, or let the estimate be written to disk block by block with store=.",
    )


def _plans(work: Work, processes: int, threads: int, cores: int, *, cluster: bool) -> Iterator[Plan]:
    """Yield ways to split a pass, the fastest first."""
    *fast, slow = ways(work)
    n_chunks = work.stored // max(1, work.chunk * work.n_trials)
    most = int(np.clip(work.n_steps // SEGMENT_FRAMES, 1, max(1, threads * processes, n_chunks // SEGMENT_CHUNKS)))
    for n in [threads] if cluster else _side_by_side(work, threads):
        blas_threads = 1 if processes > 1 else max(1, cores // n)
        several = SEGMENTS_A_WORKER if n == threads and n * processes > 1 else (1,)
        slots = n * processes
        # As many for each slot: one that is left over would keep the others waiting.
        segments = [most if most < slots else min(most // slots, k) * slots for k in several]
        for way in fast:
            yield from (Plan(way, processes, n, blas_threads, cores, some) for some in segments)
    yield Plan(slow, processes, n, blas_threads, cores, 1)


def _side_by_side(work: Work, threads: int) -> list[int]:
    """Return how many tasks may run side by side: as many as the scheduler will, unless something bounds them.

    One trial has no more tasks than segments; those of several trials wait for one another if there is to be one.
    """
    return list(range(threads, 0, -1)) if work.n_trials == 1 else sorted({threads, 1}, reverse=True)


def seconds_of(plan: Any, *, reads: int) -> float:
    """Return how long a plan takes: products on all cores, and reading by all workers."""
    rate = PRODUCT_RATE * 4 / plan.work.precision.itemsize
    share = 1 + SUM_FRAMES / plan.work.block if plan.work.fourier is None else SPECTRAL_SHARE / len(plan.work.lags)
    readers = plan.processes * min(plan.workers, plan.cores)
    products = share * plan.work.flops / (rate * plan.processes * min(plan.workers * plan.blas_threads, plan.cores))
    return float(products + reads * plan.work.stored / (READ_RATE * readers))


def described(plan: Any, *, reads: int, tasks: str) -> str:
    """Return in a line what a plan takes."""
    mantissa, exponent = f"{plan.work.flops:.1e}".split("e")
    where = f" in each of {plan.processes} processes" if plan.processes > 1 else ""
    return (
        f"reads {text_of(plan.work.stored)} {'once' if reads == 1 else f'{reads:,} times'}; "
        f"{mantissa}e{int(exponent)} operations{'' if plan.work.fourier is None else ', fewer by Fourier segments'}; "
        f"at most {text_of(plan.peak_bytes)} of memory{where}; "
        f"{tasks} at a time with {counted(plan.blas_threads, 'BLAS thread')} each"
    )


HELD_BLOCK: Final = 8192
"""Frames that are multiplied at a time where the recording is held: as many as float32 sums allow."""

ROWS_BYTES: Final = 2**23
"""Rows of an estimate that are made and written at a time: a chunk of the store."""

MATRIX_ROWS: Final = 1024
"""Rows below which products are too slow for splitting a matrix further."""

TASKS_A_WORKER: Final = 10
"""Tasks of a worker where more of them cost little: the last ones of two workers end at about the same time."""


@dataclass(frozen=True)
class RowPlan:
    """How a matrix is made some target rows at a time, and what that takes.

    Parameters
    ----------
    work : Work
        What is accumulated, for all targets.
    processes, workers, blas_threads, cores : int
        As in `Plan`.
    rows : int
        Targets of a task.
    rows_at_a_time : int
        Rows that are estimated, and written, at a time.
    held : bool
        Whether the recording is held in memory, and so is read once.
    """

    work: Work
    processes: int
    workers: int
    blas_threads: int
    cores: int
    rows: int
    rows_at_a_time: int
    held: bool

    @property
    def tasks(self) -> int:
        """Tasks for one matrix."""
        return ceil(self.work.n_targets / self.rows)

    @property
    def reads(self) -> int:
        """How often the recording is read."""
        return 1 if self.held else self.tasks

    @property
    def peak_bytes(self) -> int:
        """The most memory that it takes in one process, on top of what the process holds already."""
        work = replace(self.work, n_targets=min(self.rows, self.work.n_targets))
        # Correlations of a few rows, what they are made of, the same as they are stored, and compressed.
        estimate = 6 * 8 * len(work.lags) * min(self.rows_at_a_time, work.n_targets) * work.n_sources
        pooled = work.n_trials > 1 and work.results == 1
        task = product_bytes(work) + (2 if pooled else 1) * work.sums + estimate
        if not self.held:
            return OVERHEAD + self.workers * (task + gather_bytes(work) + 3 * work.chunk)
        # Trials of the matrices that tasks are at, and one that is read.
        trials = work.n_trials if work.results == 1 else min(self.workers + 1, work.results)
        held = trials * work.frame_bytes * (work.n_steps + work.max_lag)
        return OVERHEAD + held + 3 * work.chunk + self.workers * task

    def __str__(self) -> str:
        """Say what it takes in a line."""
        return described(self, reads=self.reads, tasks=f"{counted(self.workers, 'task')} of {self.rows:,} target rows")

    @property
    def seconds(self) -> float:
        """About how long it takes at the rates of the machine that it was measured on."""
        return seconds_of(self, reads=self.reads)


def plan_rows(
    work: Work, *, memory: int | None, processes: int, threads: int, cores: int, cluster: bool = False
) -> RowPlan:
    """Return the fastest plan within a budget that makes a matrix some target rows at a time.

    Parameters
    ----------
    work : Work
        What is to be accumulated, for all targets.
    memory : int, optional
        Bytes that it may take in one process; by default half of what is free.
    processes, threads, cores, cluster
        As in `plan_pass`.

    Raises
    ------
    InvalidInput
        If no plan stays within the budget.
    """
    budget = available() if memory is None else memory
    row_bytes = len(work.lags) * work.n_sources * work.precision.itemsize
    at_a_time = int(np.clip(ROWS_BYTES // row_bytes, 1, work.n_targets))
    reading = ways(work)
    holding = [way for way in reading if way.fourier is not None] or [
        replace(work, block=min(work.n_steps, HELD_BLOCK))
    ]
    smallest = [
        RowPlan(way, processes, n, 1 if processes > 1 else max(1, cores // n), cores, step, step, held)
        for step in (at_a_time, ceil(at_a_time / 8))
        for n in ([threads] if cluster or processes > 1 else range(threads, 0, -1))
        for held, way in [*((True, way) for way in holding), *((False, way) for way in reading)]
    ]
    fitting = [_with_more_rows(plan, budget) for plan in smallest if plan.peak_bytes <= budget]
    if not fitting:
        least = min(plan.peak_bytes for plan in smallest)
        raise too_small(budget, memory, least, work, fix="Ask for fewer lags or sources.")
    return min(fitting, key=lambda plan: plan.seconds)


def _with_more_rows(plan: RowPlan, budget: int) -> RowPlan:
    """Return a plan with as many rows a task as the budget allows, and work for all workers to the end."""
    work, step = plan.work, plan.rows_at_a_time
    room = int((budget - plan.peak_bytes) * work.n_targets // (plan.workers * work.sums))
    # Where the recording is held, more tasks cost little, and the last ones end at about the same time.
    tasks = min(TASKS_A_WORKER, ceil(work.n_targets / MATRIX_ROWS)) if plan.held else 1
    tasks = max(tasks, ceil(work.n_targets / (plan.rows + room) / (plan.workers * plan.processes)))
    rows = ceil(work.n_targets / (tasks * plan.workers * plan.processes) / step) * step
    while rows > step and replace(plan, rows=rows).peak_bytes > budget:
        rows -= step
    return replace(plan, rows=min(work.n_targets, rows))
