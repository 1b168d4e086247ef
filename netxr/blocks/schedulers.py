"""Which dask scheduler is in force: threads of this process, or a cluster."""

import os
import sys
from contextlib import suppress
from typing import Any, NamedTuple

import dask
from dask.system import CPU_COUNT


class Slots(NamedTuple):
    """What a scheduler has: processes, tasks that each of them runs side by side, and its memory limit."""

    processes: int
    threads: int
    memory_limit: int | None


def cores() -> int:
    """Return how many processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cluster() -> Any:
    """Return the client of the cluster that computations go to, or None."""
    if "distributed" not in sys.modules:
        return None
    if dask.config.get("scheduler", None) not in (None, "distributed", "dask.distributed"):
        return None
    with suppress(ValueError):  # there is no client
        return sys.modules["distributed"].get_client()
    return None


def slots() -> Slots:
    """Return what the scheduler in force has."""
    client = cluster()
    if client is None:
        return Slots(1, dask.config.get("num_workers", None) or CPU_COUNT, None)
    workers = client.scheduler_info(n_workers=-1)["workers"].values()
    limits = [worker["memory_limit"] for worker in workers if worker["memory_limit"]]
    threads = max((worker["nthreads"] for worker in workers), default=1)
    return Slots(max(1, len(workers)), threads, min(limits, default=None))
