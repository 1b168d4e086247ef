"""How a pass is cut up so that it stays within a budget of memory, and what it will take."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, log
from typing import Any, Final

import numpy as np

from netxr.blocks.lanes import SPLIT_EVERY
from netxr.budget import OVERHEAD, Cut, Work, available, cuts, gather_bytes, product_bytes, too_small
from netxr.schema.words import counted, text_of

LANE_FRAMES: Final = 1024
"""Frames below which a trial is not worth a further lane."""

LANES_A_WORKER: Final = (8, 2, 1)
"""Lanes for each task that runs at a time: more keep all of them busy to the end, and lose less with a worker."""

LANE_CHUNKS: Final = 32
"""Chunks below which a lane costs too much: it reads the first chunk of the recording as well."""

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
    """How a pass is cut up, and what it will take.

    Parameters
    ----------
    work : Work
        What is summed up.
    processes : int
        Processes that share the pass.
    workers : int
        Tasks that run side by side in one of them.
    blas_threads : int
        Threads of a product.
    cores : int
        Processor cores that a process may use.
    lanes : int
        Stretches of a trial that may be summed up side by side.
    cut : Cut
        How frames are multiplied.
    """

    work: Work
    processes: int
    workers: int
    blas_threads: int
    cores: int
    lanes: int
    cut: Cut

    @property
    def seconds(self) -> float:
        """About how long it takes at the rates of the machine that it was measured on."""
        return seconds_of(self, reads=1)

    @property
    def peak_bytes(self) -> int:
        """The most memory that the pass takes in one process, on top of what the process holds already."""
        work, sums = self.work, self.work.sums
        task = gather_bytes(work, self.cut) + product_bytes(work, self.cut) + 3 * work.chunk + sums
        # Sums of finished lanes wait for those beside them.
        waiting = (SPLIT_EVERY - 1) * ceil(log(self.lanes, SPLIT_EVERY))
        finished = min(max(0, self.lanes - self.workers * self.processes), waiting) * sums
        # Moments of trials that are kept apart, or sums of trials that wait to be pooled.
        levels = ceil(log(work.n_trials, SPLIT_EVERY))
        others = (work.results - 1) * sums if work.results > 1 else levels * (SPLIT_EVERY - 1) * sums
        crossing = work.n_targets * work.n_sources * work.precision.itemsize
        combining = (min(self.lanes, SPLIT_EVERY) + 2) * sums + crossing
        labelled = (3 if work.results > 1 else 2) * work.results * sums
        return OVERHEAD + max(self.workers * task + finished + others, combining + others, labelled)

    @property
    def in_turn(self) -> bool:
        """Whether tasks that the scheduler would run side by side have to wait for one another."""
        return self.workers == self.processes == 1 and self.work.n_trials > 1

    def __str__(self) -> str:
        """Say what it takes in a line."""
        return told(self, reads=1, tasks=counted(self.workers, "task"))


def plan_pass(
    work: Work, *, memory: int | None, processes: int, threads: int, cores: int, cluster: bool = False
) -> Plan:
    """Return the fastest plan that stays within a budget.

    Parameters
    ----------
    work : Work
        What is to be summed up.
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
    """Yield ways to cut up a pass, the fastest first."""
    ways = cuts(work)
    n_chunks = work.stored // max(1, work.chunk * work.n_trials)
    most = int(np.clip(work.n_steps // LANE_FRAMES, 1, max(1, threads * processes, n_chunks // LANE_CHUNKS)))
    for n in [threads] if cluster else _side_by_side(work, threads):
        blas_threads = 1 if processes > 1 else max(1, cores // n)
        several = LANES_A_WORKER if n == threads and n * processes > 1 else (1,)
        lanes = [min(most, k * n * processes) for k in several]
        for cut in ways[:-1]:
            yield from (Plan(work, processes, n, blas_threads, cores, some, cut) for some in lanes)
    yield Plan(work, processes, n, blas_threads, cores, 1, ways[-1])


def _side_by_side(work: Work, threads: int) -> list[int]:
    """Return how many tasks may run side by side: as many as the scheduler will, unless something bounds them.

    One trial has no more tasks than lanes; those of several trials wait for one another if there is to be one.
    """
    return list(range(threads, 0, -1)) if work.n_trials == 1 else sorted({threads, 1}, reverse=True)


def seconds_of(plan: Any, *, reads: int) -> float:
    """Return how long a plan takes: products on all cores, and reading by all workers."""
    rate = PRODUCT_RATE * 4 / plan.work.precision.itemsize
    share = 1 + SUM_FRAMES / plan.cut.block if plan.cut.segment is None else SPECTRAL_SHARE / len(plan.work.lags)
    readers = plan.processes * min(plan.workers, plan.cores)
    products = share * plan.work.flops / (rate * plan.processes * min(plan.workers * plan.blas_threads, plan.cores))
    return float(products + reads * plan.work.stored / (READ_RATE * readers))


def told(plan: Any, *, reads: int, tasks: str) -> str:
    """Return in a line what a plan takes."""
    mantissa, exponent = f"{plan.work.flops:.1e}".split("e")
    where = f" in each of {plan.processes} processes" if plan.processes > 1 else ""
    return (
        f"reads {text_of(plan.work.stored)} {'once' if reads == 1 else f'{reads:,} times'}; "
        f"{mantissa}e{int(exponent)} operations{'' if plan.cut.segment is None else ', fewer by Fourier segments'}; "
        f"at most {text_of(plan.peak_bytes)} of memory{where}; "
        f"{tasks} at a time with {counted(plan.blas_threads, 'BLAS thread')} each"
    )
