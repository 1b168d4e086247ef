"""Timing of contestants side by side: interleaved, best of several rounds, ratios printed."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

FULL = os.environ.get("NETXR_BENCHMARK") == "full"
"""Whether to run at full size; otherwise sizes are small, for correctness only."""

SETTLE = 0.2 if FULL else 0.0
"""Seconds before each run: the BLAS threads of the one before spin on for a while, and would take a core from it."""


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


def show(title: str, costs: Mapping[str, Cost], *, ratios: Mapping[str, tuple[str, str, str]]) -> None:
    """Print costs, and ratios: label -> (numerator, denominator, target)."""
    print(f"\n{title}{'' if FULL else '  (small: for correctness only)'}")
    for name, cost in costs.items():
        print(f"  {name:<42} {cost.wall:9.4f} s   cpu {cost.cpu:9.4f} s")
    for label, (above, below, target) in ratios.items():
        wall, cpu = (getattr(costs[above], k) / getattr(costs[below], k) for k in ("wall", "cpu"))
        print(f"  {label:<42} {wall:8.2f}     cpu {cpu:8.2f}     wanted {target}")


PEAK = """
import json, sys, threading, time
import numpy as np, psutil
{prepare}
process = psutil.Process()
base = peak = process.memory_info().rss
running = True
def watch():
    global peak
    while running:
        peak = max(peak, process.memory_info().rss)
        time.sleep(0.001)
watcher = threading.Thread(target=watch)
watcher.start()
{task}
running = False
watcher.join()
print(json.dumps((peak - base) / 1e6))
"""


def peak_megabytes(*, prepare: str, task: str) -> float:
    """Memory that a task takes on top of what `prepare` left, in a process of its own: nothing freed is used again."""
    code = PEAK.format(prepare=prepare, task=task)
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    return float(json.loads(done.stdout))
