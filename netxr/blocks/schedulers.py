"""Which dask scheduler is in force, threads of this process or a cluster, and how lazy results are computed by it."""

import asyncio
import os
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from threading import Event, Thread
from time import monotonic
from typing import Any, Final, NamedTuple, TypeVar

import dask
from dask.base import is_dask_collection
from dask.system import CPU_COUNT

from netxr.errors import WorkersLost
from netxr.kernels.blas import one_blas_thread

MOST_SECONDS_ALONE: Final = 20
"""A cluster that had workers and has none for so long will have none again."""

LOOK_SECONDS: Final = 2
"""How often that is looked at."""

CANCELLED: Final = (CancelledError, asyncio.CancelledError)


Item = TypeVar("Item")
Result = TypeVar("Result")


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


def computed(*lazy: Any, pool: ThreadPoolExecutor | None = None) -> tuple[Any, ...]:
    """Compute lazy results together, by the scheduler in force; no setting of dask is changed.

    What dask cannot compute is handed back. Where no cluster does the work, the threads of `pool` share it, or those of
    dask. Raises WorkersLost if the workers of a cluster die with the work, none is left, or the cluster ends.
    """
    client = cluster()
    if client is not None and any(map(is_dask_collection, lazy)) and not _is_task():
        return _on_cluster(client, lazy)
    results: tuple[Any, ...] = dask.base.compute(*lazy, pool=pool)  # type: ignore[no-untyped-call]
    return results


def as_ready(
    function: Callable[[Item], Result], items: Sequence[Item], *, workers: int
) -> Generator[tuple[Item, Result]]:
    """Yield items with what a function makes of each, as it is ready: on the cluster in force, or in threads.

    Items are different and hashable; on a cluster the function has to be picklable. Without one there are as many
    threads as `workers`, none for 1, with one BLAS thread each. Closing it waits for the threads under way, and drops
    the rest. Raises WorkersLost if the workers of a cluster die with the work, none is left, or the cluster ends.
    """
    client = cluster()
    if client is not None and not _is_task():
        yield from _ready_on_cluster(client, function, items)
    elif workers == 1:
        yield from ((item, function(item)) for item in items)
    else:
        with one_blas_thread(), ThreadPoolExecutor(workers) as pool:
            under_way = {pool.submit(function, item): item for item in items}
            try:
                for future in as_completed(under_way):
                    yield under_way[future], future.result()
            finally:
                pool.shutdown(cancel_futures=True)


def _ready_on_cluster(
    client: Any, function: Callable[[Item], Result], items: Sequence[Item]
) -> Generator[tuple[Item, Result]]:
    """Yield items with what a function makes of each on a cluster, and stop waiting when no worker is left."""
    futures = {client.submit(function, item, pure=False): item for item in items}
    with _watched(client, list(futures)):
        for future in sys.modules["distributed"].as_completed(futures):
            yield futures[future], future.result()


def _is_task() -> bool:
    """Return whether this is a task on a worker, which must not hold its place while it waits for others."""
    with suppress(ValueError):
        return bool(sys.modules["distributed"].get_worker())
    return False


def _on_cluster(client: Any, lazy: tuple[Any, ...]) -> tuple[Any, ...]:
    """Compute on a cluster, and stop waiting when no worker is left."""
    futures = client.compute(list(lazy))
    with _watched(client, futures):
        return tuple(client.gather(futures))


@contextmanager
def _watched(client: Any, futures: list[Any]) -> Iterator[None]:
    """Cancel futures of a cluster that has no worker left, and all of them in the end; say what became of it."""
    ended, alone = Event(), Event()
    Thread(target=_watch, args=(client, futures, ended, alone), daemon=True).start()
    try:
        yield
    except CANCELLED as error:
        what = f"none was there for {MOST_SECONDS_ALONE} s" if alone.is_set() else f"the run was cancelled ({error})"
        raise WorkersLost(what, fix="Start a cluster that keeps its workers, and run it again.") from error
    except Exception as error:
        if type(error).__name__ == "KilledWorker":
            raise WorkersLost(str(error)) from error
        raise
    finally:
        ended.set()
        with suppress(Exception):  # the cluster may be gone
            client.cancel(futures)


def _watch(client: Any, futures: Any, ended: Event, alone: Event) -> None:
    """Cancel futures when a cluster that had workers has none for too long."""
    last = None  # time at which there was one
    while not ended.is_set():
        with suppress(Exception):  # a scheduler that is gone cancels by itself
            if client.scheduler_info(n_workers=-1)["workers"]:
                last = monotonic()
            elif last is not None and monotonic() - last > MOST_SECONDS_ALONE:
                alone.set()
                client.cancel(futures)
                return
        ended.wait(LOOK_SECONDS)
