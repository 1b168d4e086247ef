"""Computations in the background: one long one at a time, with progress, cancelling and a bounded queue."""

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from threading import Event, Lock
from typing import Any, Final

import xarray as xr

import netxr
from netxr.blocks.schedulers import cores
from netxr.errors import NetxrError
from netxr.kernels.blas import one_blas_thread

LONG, SHORT, QUIET = "long", "short", "quiet"
"""The queues."""

MOST_WAITING: Final = 8
"""Most computations that may wait for the running one; with more, users would wait too long."""

PROGRESS_SECONDS: Final = 0.1
"""Least time between two reports of progress."""

log = logging.getLogger(__name__)


class Cancelled(Exception):
    """Raised in a computation whose result is no longer wanted."""


class TooManyWaiting(NetxrError):
    """A computation is refused because the queue is full."""

    def __init__(self, n_waiting: int) -> None:
        super().__init__(f"{n_waiting} computations are already waiting. Try again in a moment.")


class Job:
    """One computation, by which its function learns that it is cancelled, and reports progress.

    `notify` is called with (done, total) in the thread of the computation, at most ten times a second.
    """

    def __init__(self, notify: Callable[[int, int], object]) -> None:
        self._notify = notify
        self._stop = Event()
        self._last = 0.0
        self.future: Future[Any] = Future()

    @property
    def cancelled(self) -> bool:
        """Whether the result is no longer wanted."""
        return self._stop.is_set()

    def cancel(self) -> None:
        """End the computation at its next step, or before it begins."""
        self._stop.set()
        self.future.cancel()

    def step(self, done: int = 0, total: int = 0) -> None:
        """Report progress: called between the steps of a computation, or passed to netxr as `progress`.

        Raises Cancelled if the result is no longer wanted.
        """
        if self.cancelled:
            raise Cancelled
        now = time.monotonic()
        if total and (now - self._last > PROGRESS_SECONDS or done == total):
            self._last = now
            self._notify(done, total)

    def compute(self, lazy: xr.DataArray | xr.Dataset) -> Any:
        """Compute a lazy result with progress; if the job is cancelled, all threads stop."""
        failed = Event()

        def step(done: int, total: int) -> None:
            """Report progress, and stop the other threads where one has failed: the job itself may go on."""
            if failed.is_set():
                raise Cancelled
            self.step(done, total)

        # The pool ends inside the progress context, so that other threads still learn of the end at their next block.
        with netxr.progress(step), ThreadPoolExecutor(cores()) as pool:
            try:
                return lazy.compute(scheduler="threads", pool=pool)
            except BaseException:
                failed.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise


class JobQueue:
    """Runs the computations of all pages of a server: those of each queue one after the other, beside the others."""

    def __init__(self) -> None:
        self._pools = {queue: ThreadPoolExecutor(1, f"netxr-{queue}") for queue in (LONG, SHORT, QUIET)}
        self._taken = dict.fromkeys(self._pools, 0)
        self._jobs: set[Job] = set()
        self._lock = Lock()

    def start(
        self,
        job: Job,
        work: Callable[[Job], Any],
        *,
        then: Callable[[Any], object],
        failed: Callable[[BaseException], object],
        among: str = LONG,
    ) -> None:
        """Start a computation, or let it wait for its turn among those of its queue.

        `work` is called with the job, which cancels it, in another thread, then `then` with its result, or `failed`
        with the error, `Cancelled` included, in any thread. Short ones, of well under a second, do not wait for long
        ones, nor for quiet ones, which come in addition to a result. All take one BLAS thread: in small products
        several would wait for one another, and the page for them; of large ones blocks keep the cores busy. Raises
        TooManyWaiting if too many are waiting.
        """
        with self._lock:
            if self._taken[among] > MOST_WAITING:
                raise TooManyWaiting(MOST_WAITING)
            self._taken[among] += 1
            self._jobs.add(job)
        job.future = self._pools[among].submit(_run, job, work)
        job.future.add_done_callback(partial(self._ended, job, among, then, failed))

    def _ended(
        self,
        job: Job,
        among: str,
        then: Callable[[Any], object],
        failed: Callable[[BaseException], object],
        future: Future[Any],
    ) -> None:
        """Pass on how a computation ended."""
        with self._lock:
            self._taken[among] -= 1
            self._jobs.discard(job)
        error = Cancelled() if future.cancelled() else future.exception()
        if error is None:
            then(future.result())
        else:
            failed(error)

    def close(self) -> None:
        """Accept no more computations, and cancel those that are running or waiting."""
        with self._lock:
            jobs = list(self._jobs)
        for job in jobs:
            job.cancel()
        for pool in self._pools.values():
            pool.shutdown(wait=False, cancel_futures=True)


def _run(job: Job, work: Callable[[Job], Any]) -> Any:
    """Do the work of a job, unless it is cancelled before or meanwhile."""
    job.step()
    with one_blas_thread():
        result = work(job)
    job.step()
    return result


def message_of(error: BaseException) -> str:
    """Return what a page says about an error; an unexpected one is logged with its traceback.

    Examples
    --------
    >>> message_of(NetxrError("run.zarr: there is no such folder."))
    'run.zarr: there is no such folder.'
    """
    if isinstance(error, NetxrError):
        return " ".join(str(error).split())
    if isinstance(error, MemoryError):
        return "There is not enough memory for that. Ask for less, or start netxr app with a larger --memory."
    log.error("unexpected error", exc_info=error)
    return f"Unexpected error ({type(error).__name__}). See the terminal in which netxr app was started."
