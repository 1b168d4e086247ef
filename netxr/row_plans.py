"""How a matrix is made some target rows at a time so that it stays within a budget of memory, and what it will take."""

from dataclasses import dataclass, replace
from math import ceil
from typing import Final

import numpy as np

from netxr.budget import OVERHEAD, Cut, Work, available, cuts, gather_bytes, product_bytes, too_small
from netxr.plans import seconds_of, told
from netxr.schema.words import counted

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
        What is summed up, for all targets.
    processes, workers, blas_threads, cores : int
        As in `Plan`.
    rows : int
        Targets of a task.
    rows_at_a_time : int
        Rows that are estimated, and written, at a time.
    cut : Cut
        How frames are multiplied.
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
    cut: Cut
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
        task = product_bytes(work, self.cut) + (2 if pooled else 1) * work.sums + estimate
        if not self.held:
            return OVERHEAD + self.workers * (task + gather_bytes(work, self.cut) + 3 * work.chunk)
        # Trials of the matrices that tasks are at, and one that is read.
        trials = work.n_trials if work.results == 1 else min(self.workers + 1, work.results)
        held = trials * work.frame_bytes * (work.n_steps + work.reach)
        return OVERHEAD + held + 3 * work.chunk + self.workers * task

    def __str__(self) -> str:
        """Say what it takes in a line."""
        return told(self, reads=self.reads, tasks=f"{counted(self.workers, 'task')} of {self.rows:,} target rows")

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
        What is to be summed up, for all targets.
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
    ways = cuts(work)
    held_ways = [way for way in ways if way.segment is not None] or [Cut(min(work.n_steps, HELD_BLOCK))]
    smallest = [
        RowPlan(work, processes, n, 1 if processes > 1 else max(1, cores // n), cores, step, step, cut, held)
        for step in (at_a_time, ceil(at_a_time / 8))
        for n in ([threads] if cluster or processes > 1 else range(threads, 0, -1))
        for held, cut in [*((True, cut) for cut in held_ways), *((False, cut) for cut in ways)]
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
