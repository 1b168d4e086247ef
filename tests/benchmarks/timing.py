"""Timing of contestants side by side: interleaved, best of several rounds, ratios printed."""

import json
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from tests.runs import printed_by

FULL = os.environ.get("NETXR_BENCHMARK") == "full"
"""Whether to run at full size; otherwise sizes are small, for correctness only."""

SETTLE = 0.2 if FULL else 0.0
"""Seconds before each run: the BLAS threads of the one before spin on for a while, and would take a core from it."""


CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Cost(NamedTuple):
    """Seconds on the clock, and seconds of processor time of all threads."""

    wall: float
    cpu: float

    def __add__(self, other: Any) -> "Cost":
        return Cost(self.wall + other.wall, self.cpu + other.cpu)

    def __rmul__(self, factor: Any) -> "Cost":
        return Cost(factor * self.wall, factor * self.cpu)


def cost_of(task: Callable[[], object]) -> Cost:
    """What one run of a task takes."""
    wall, cpu = time.perf_counter(), _cpu_seconds()
    task()
    return Cost(time.perf_counter() - wall, _cpu_seconds() - cpu)


def _cpu_seconds() -> float:
    """Processor time of all threads so far, and of processes that were started and have ended."""
    spent = os.times()
    return time.process_time() + spent.children_user + spent.children_system


def best_of(rounds: int, contestants: Mapping[str, Callable[[], object]]) -> dict[str, Cost]:
    """The fastest of several rounds for each contestant; they take turns, so that a slow spell meets all."""
    costs: dict[str, list[Cost]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, task in contestants.items():
            time.sleep(SETTLE)
            costs[name].append(cost_of(task))
    return {name: Cost(min(c.wall for c in own), min(c.cpu for c in own)) for name, own in costs.items()}


class Spent(NamedTuple):
    """What a task in a process of its own took, the memory on top of what it started with, and what it returned."""

    wall: float
    cpu: float
    megabytes: float
    result: Any = None


def measured(task: Callable[[], object]) -> Spent:
    """Run a task and watch the memory of the process meanwhile."""
    process, done = psutil.Process(), threading.Event()
    resident = [process.memory_info().rss]

    def watch() -> None:
        while not done.wait(0.001):
            resident.append(process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    result = None

    def run() -> None:
        nonlocal result
        result = task()

    try:
        cost = cost_of(run)
        resident.append(process.memory_info().rss)
    finally:
        done.set()
        watcher.join()
    return Spent(*cost, (max(resident) - resident[0]) / 1e6, result)


Prepared = Sequence[Any]
"""(prepare, *arguments): `prepare` is importable, and returns the task to be measured when called."""


def apart(prepare: Callable[..., Callable[[], object]], *arguments: Any) -> Spent:
    """Measure a task in a new process, which gives all its memory back at its end; in this one at small size."""
    if not FULL:
        return _prepare_and_measure(prepare, arguments)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_prepare_and_measure, prepare, arguments).result()


def _prepare_and_measure(prepare: Callable[..., Callable[[], object]], arguments: Sequence[Any]) -> Spent:
    return measured(prepare(*arguments))


def best_apart(rounds: int, contestants: Mapping[str, Prepared]) -> dict[str, Spent]:
    """The fastest of several rounds for each contestant, in turns; the highest memory; the last result."""
    runs: dict[str, list[Spent]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, prepared in contestants.items():
            runs[name].append(apart(*prepared))
    return {
        name: Spent(min(s.wall for s in own), min(s.cpu for s in own), max(s.megabytes for s in own), own[-1].result)
        for name, own in runs.items()
    }


def show(title: str, costs: Mapping[str, Cost | Spent], *, ratios: Mapping[str, tuple[str, str, str]]) -> None:
    """Print costs, and ratios: label -> (numerator, denominator, target)."""
    print(f"\n{title}{'' if FULL else '  (small: for correctness only)'}")
    for name, cost in costs.items():
        memory = f"   {cost.megabytes:9.1f} MB" if isinstance(cost, Spent) else ""
        print(f"  {name:<42} {cost.wall:9.4f} s   cpu {cost.cpu:9.4f} s{memory}")
    for label, (above, below, target) in ratios.items():
        wall, cpu = (getattr(costs[above], k) / getattr(costs[below], k) for k in ("wall", "cpu"))
        memory = f"memory {_memory_ratio(costs[above], costs[below]):8.2f}     " if "memory" in target else ""
        print(f"  {label:<42} {wall:8.2f}     cpu {cpu:8.2f}     {memory}wanted {target}")


def _memory_ratio(above: Cost | Spent, below: Cost | Spent) -> float:
    if isinstance(above, Spent) and isinstance(below, Spent) and below.megabytes:
        return above.megabytes / below.megabytes
    return float("nan")


PEAK = """
import json
import numpy as np
from tests.benchmarks.timing import measured
{prepare}
print(json.dumps(measured(lambda: {task}).megabytes))
"""


def peak_megabytes(*, prepare: str, task: str) -> float:
    """Memory that a task takes on top of what `prepare` left, in a process of its own: nothing freed is used again."""
    code = PEAK.format(prepare=prepare, task=task)
    return float(json.loads(printed_by(code, folder=Path(__file__).parents[2])))
