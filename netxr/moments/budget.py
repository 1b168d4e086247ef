"""How a pass is split so that it stays within a budget of memory, and what it will take: numbers in, numbers out.

Projections count what a pass allocates: they are upper bounds, held against measured peaks by the tests.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from math import ceil, log
from typing import Any, Final

import numpy as np
import psutil

from netxr.blocks.segments import SPLIT_EVERY
from netxr.errors import InvalidInput
from netxr.kernels.block_sums import PRODUCT_COLUMNS, PRODUCT_ROWS
from netxr.kernels.lag_spectrum import segment_length, spectrum_bytes
from netxr.moments.duration import seconds_of
from netxr.moments.factorisation import for_regression
from netxr.schema.words import counted, text_of

DEFAULT_SHARE: Final = 0.5
"""Share of the memory that is free which a pass may take where no budget is given."""

OVERHEAD: Final = 112 * 2**20
"""Bytes for libraries that load on first use, threads, and what the allocator does not give back at once."""

BLOCK_BYTES: Final = 2**24
"""Bytes of a block, where there is room: long enough that adding a product to its sum costs little beside it."""

SHORTEST_BLOCK: Final = 256
"""Frames below which products are too slow to be worth the memory that they save."""

SPECTRAL_BLOCKS: Final = (16384, 8192, 4096)
"""Frames of a block that goes through Fourier segments: the longer, the less it costs to come back from them."""


@dataclass(frozen=True)
class Work:
    """How much there is to accumulate, in numbers, and how many frames are multiplied at a time."""

    n_neurons: int
    n_targets: int
    n_sources: int
    """Rows of a frame, and of them the targets and sources."""
    n_steps: int
    n_trials: int
    """Frames of a trial, and trials."""
    lags: tuple[int, ...]
    precision: np.dtype[Any]
    stored: int
    chunk: int
    """Bytes of all samples as they are stored, and of the largest chunk as it comes, with all neurons."""
    layers: int = 1
    products: int = 1
    """Layers of a block, and products of them for each lag."""
    results: int = 1
    """Separate sets of moments: one a trial that is kept apart."""
    block: int = 1
    """Frames that are multiplied at a time."""
    fourier: int | None = None
    """Frames of a Fourier segment; without it there is one product a lag."""

    @property
    def max_lag(self) -> int:
        """The longest lag."""
        return max(self.lags)

    @property
    def frame_bytes(self) -> int:
        """Bytes of a frame within a block."""
        return self.layers * self.n_neurons * self.precision.itemsize

    @property
    def sums(self) -> int:
        """Bytes of the sums over products."""
        return 8 * len(self.lags) * self.products * self.n_targets * self.n_sources

    @property
    def flops(self) -> float:
        """Operations of the products, a lag at a time."""
        frames = self.n_steps * self.n_trials
        return 2.0 * frames * len(self.lags) * self.products * self.n_targets * self.n_sources


def ways(work: Work) -> list[Work]:
    """Return ways to multiply frames, the fastest first and the one that needs least memory last."""
    most = max(work.n_steps, SHORTEST_BLOCK)
    best = max(min(max(BLOCK_BYTES // work.frame_bytes, 2048), most), 4 * work.max_lag)
    spectral = []
    for n_frames in {min(length, most): None for length in SPECTRAL_BLOCKS if len(work.lags) > 1}:
        fourier = segment_length(
            work.n_targets, work.n_sources, lags=work.lags, n_frames=n_frames, precision=work.precision
        )
        if fourier is not None:
            hop = fourier - (work.max_lag - min(work.lags))
            spectral.append(replace(work, block=max(hop, n_frames // hop * hop), fourier=fourier))
    blocks = (best, max(best // 4, work.max_lag, 1), max(min(best // 4, SHORTEST_BLOCK), work.max_lag, 1))
    return [*spectral, *(replace(work, block=block, fourier=None) for block in blocks)]


def gather_bytes(work: Work) -> int:
    """Return the bytes of a block, and of the frames at both ends of a segment."""
    return work.frame_bytes * (work.block + 6 * work.max_lag)


def product_bytes(work: Work) -> int:
    """Return the bytes of a product on its way to the sum."""
    if work.fourier is None:
        return min(work.n_targets, PRODUCT_ROWS) * min(work.n_sources, PRODUCT_COLUMNS) * work.precision.itemsize
    return spectrum_bytes(
        work.fourier, work.n_targets, work.n_sources, lags=work.lags, n_frames=work.block, precision=work.precision
    )


def available() -> int:
    """Return the bytes that a pass may take where no budget is given."""
    return int(DEFAULT_SHARE * psutil.virtual_memory().available)


def _too_small(budget: int, memory: int | None, least: int, work: Work, *, fix: str) -> InvalidInput:
    """Return the error for a budget that no plan stays within; what it asks for can be given back as a budget."""
    unit, name = (2**30, "GiB") if least > 100 * 2**30 else (2**20, "MiB")
    swapped = "More neurons than samples: the axes may be swapped. " if work.n_targets > work.n_steps else ""
    pairs = f"{work.n_targets:,} x {work.n_sources:,} pairs of neurons at {len(work.lags)} lags"
    return InvalidInput(
        "memory",
        got=f"{text_of(budget)}{' (half of what is free)' if memory is None else ''}",
        expected=f"at least {ceil(least / unit)} {name} for {pairs}, from chunks of {text_of(work.chunk)}",
        fix=swapped + fix,
    )


# --- a pass for all targets ------------------------------------------------------------

SEGMENT_FRAMES: Final = 1024
"""Frames below which a trial is not worth a further segment."""

SEGMENTS_A_WORKER: Final = (8, 2, 1)
"""Segments for each task that runs at a time: more keep all of them busy to the end, and lose less with a worker."""

SEGMENT_CHUNKS: Final = 32
"""Chunks below which a segment costs too much: it reads the first chunk of the recording as well."""


@dataclass(frozen=True)
class Plan:
    """How a pass is split, and what it will take."""

    work: Work
    processes: int
    """Processes that share the pass."""
    workers: int
    """Tasks that run side by side in one of them."""
    blas_threads: int
    """Threads of a product."""
    cores: int
    """Processor cores that a process may use."""
    segments: int
    """Segments of a trial that may be accumulated side by side."""

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
        crossing = 8 * (work.n_targets * work.n_sources + 2 * work.layers * work.n_neurons * work.max_lag)
        combining = (min(self.segments, SPLIT_EVERY) + 2) * sums + crossing
        labelled = (3 if work.results > 1 else 2) * work.results * sums
        return OVERHEAD + max(self.workers * task + finished + others, combining + others, labelled)

    @property
    def in_turn(self) -> bool:
        """Whether tasks that the scheduler would run side by side have to wait for one another."""
        return self.workers == self.processes == 1 and self.work.n_trials > 1

    @property
    def seconds(self) -> float:
        """About how long it takes at the rates of the machine that they were measured on."""
        return seconds_of(self, reads=1)

    def __str__(self) -> str:
        """Say what it takes in a line."""
        return _described(self, reads=1, tasks=counted(self.workers, "task")) + for_regression(self.work, self.cores)


def plan_pass(
    work: Work, *, memory: int | None, processes: int, threads: int, cores: int, cluster: bool = False
) -> Plan:
    """Return the fastest plan that stays within a budget of bytes a process; by default half of what is free.

    The scheduler has `processes`, each of which runs as many `threads` of tasks side by side; `cores` are those of one
    machine. On a `cluster`, nothing keeps a process from running as many tasks as it has threads. Raises InvalidInput
    if no plan stays within the budget; it says what the smallest one needs.
    """
    budget = available() if memory is None else memory
    peaks = []
    for plan in _plans(work, processes, threads, cores, cluster=cluster or processes > 1):
        if plan.peak_bytes <= budget:
            return plan
        peaks.append(plan.peak_bytes)
    fix = "Ask for fewer lags or sources, or let the estimate be written to disk block by block with store=."
    raise _too_small(budget, memory, min(peaks), work, fix=fix)


def _plans(work: Work, processes: int, threads: int, cores: int, *, cluster: bool) -> Iterator[Plan]:
    """Yield ways to split a pass, the fastest first."""
    *fast, slow = ways(work)
    n_chunks = work.stored // max(1, work.chunk * work.n_trials)
    most = int(np.clip(work.n_steps // SEGMENT_FRAMES, 1, max(1, threads * processes, n_chunks // SEGMENT_CHUNKS)))
    # One trial has no more tasks than segments; tasks of several trials wait for one another if there is to be one.
    fewer = range(threads, 0, -1) if work.n_trials == 1 else sorted({threads, 1}, reverse=True)
    for n in [threads] if cluster else fewer:
        blas_threads = 1 if processes > 1 else max(1, cores // n)
        several = SEGMENTS_A_WORKER if n == threads and n * processes > 1 else (1,)
        slots = n * processes
        # As many for each slot: one that is left over would keep the others waiting.
        segments = [most if most < slots else min(most // slots, k) * slots for k in several]
        for way in fast:
            yield from (Plan(way, processes, n, blas_threads, cores, some) for some in segments)
    yield Plan(slow, processes, n, blas_threads, cores, 1)


def _described(plan: Any, *, reads: int, tasks: str) -> str:
    """Return in a line what a plan takes."""
    mantissa, exponent = f"{plan.work.flops:.1e}".split("e")
    where = f" in each of {plan.processes} processes" if plan.processes > 1 else ""
    return (
        f"reads {text_of(plan.work.stored)} {'once' if reads == 1 else f'{reads:,} times'}; "
        f"{mantissa}e{int(exponent)} operations{'' if plan.work.fourier is None else ', fewer by Fourier segments'}; "
        f"at most {text_of(plan.peak_bytes)} of memory{where}; "
        f"{tasks} at a time with {counted(plan.blas_threads, 'BLAS thread')} each"
    )


# --- some target rows at a time --------------------------------------------------------

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
    """How a matrix is made some target rows at a time, and what that takes."""

    work: Work
    """What is accumulated, for all targets."""
    processes: int
    workers: int
    blas_threads: int
    cores: int
    """As in `Plan`."""
    rows: int
    """Targets of a task, at most."""
    rows_at_a_time: int
    """Rows that are estimated, and written, at a time."""
    held: bool
    """Whether the recording is held in memory, and so is read once."""

    @property
    def tasks(self) -> int:
        """Tasks for one matrix."""
        return ceil(self.work.n_targets / self.rows)

    @property
    def shares(self) -> list[tuple[int, int]]:
        """First target and end of each task: whole chunks of the store, as evenly shared as they can be."""
        step = min(self.rows, self.rows_at_a_time)
        n_chunks = ceil(self.work.n_targets / step)
        ends = [k * n_chunks // self.tasks * step for k in range(self.tasks)]
        return list(pairwise([*ends, self.work.n_targets]))

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
        return _described(self, reads=self.reads, tasks=f"{counted(self.workers, 'task')} of {self.rows:,} target rows")

    @property
    def seconds(self) -> float:
        """About how long it takes at the rates of the machine that it was measured on: products, and reading."""
        return seconds_of(self, reads=self.reads)


def plan_rows(
    work: Work, *, memory: int | None, processes: int, threads: int, cores: int, cluster: bool = False
) -> RowPlan:
    """Return the fastest plan within a budget that makes a matrix some target rows at a time; all as in `plan_pass`."""
    budget = available() if memory is None else memory
    row_bytes = len(work.lags) * work.n_sources * work.precision.itemsize
    at_a_time = int(np.clip(ROWS_BYTES // row_bytes, 1, work.n_targets))
    reading = ways(work)
    direct = replace(work, block=min(work.n_steps, HELD_BLOCK))
    holding = [way for way in reading if way.fourier is not None] or [direct]
    smallest = [
        RowPlan(way, processes, n, 1 if processes > 1 else max(1, cores // n), cores, step, step, held)
        for step in (at_a_time, ceil(at_a_time / 8))
        for n in ([threads] if cluster or processes > 1 else range(threads, 0, -1))
        for held, way in [*((True, way) for way in holding), *((False, way) for way in reading)]
    ]
    fitting = [_with_more_rows(plan, budget) for plan in smallest if plan.peak_bytes <= budget]
    if not fitting:
        least = min(plan.peak_bytes for plan in smallest)
        raise _too_small(budget, memory, least, work, fix="Ask for fewer lags or sources.")
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
