"""Work off the event loop: one long computation at a time, with progress, cancel and a bounded queue."""

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

MOST_WAITING: Final = 8
"""Computations that may wait for the one under way: more would keep whoever asks waiting for too long."""

TELL_SECONDS: Final = 0.1
"""Progress is passed on no more often than this."""

log = logging.getLogger(__name__)


class Cancelled(Exception):
    """Raised within a computation that nobody waits for any more."""


class TooManyWaiting(NetxrError):
    """A computation that is not taken on, because the queue is full."""

    def __init__(self, n_waiting: int) -> None:
        super().__init__(f"{n_waiting} computations are waiting already. Try again in a moment.")


class Job:
    """One computation: where its function finds out that it is cancelled, and tells how far it is.

    Parameters
    ----------
    tell : callable
        Called with (done, in all), in the thread of the computation and no more than ten times a second.
    """

    def __init__(self, tell: Callable[[int, int], object]) -> None:
        self._tell = tell
        self._stop = Event()
        self._last = 0.0
        self.future: Future[Any] = Future()

    @property
    def cancelled(self) -> bool:
        """Whether nobody waits for the result any more."""
        return self._stop.is_set()

    def cancel(self) -> None:
        """End the computation at its next step, or before it begins."""
        self._stop.set()
        self.future.cancel()

    def step(self, done: int = 0, total: int = 0) -> None:
        """Tell how far the computation is: to be called between its steps, or given to netxr as `progress`.

        Raises
        ------
        Cancelled
            If nobody waits for it any more.
        """
        if self.cancelled:
            raise Cancelled
        now = time.monotonic()
        if total and (now - self._last > TELL_SECONDS or done == total):
            self._last = now
            self._tell(done, total)

    def compute(self, lazy: xr.DataArray | xr.Dataset) -> Any:
        """Return a lazy result in memory, telling how far it is; where the job is cancelled, all threads stop."""
        # The pool ends while they are still listened to: what other threads read is stopped at their next piece.
        with netxr.progress(self.step), ThreadPoolExecutor(cores()) as pool:
            try:
                return lazy.compute(scheduler="threads", pool=pool)
            except BaseException:
                self.cancel()
                pool.shutdown(wait=False, cancel_futures=True)
                raise


class Desk:
    """Takes computations on for all sessions of a server: long ones one after the other, short ones beside them."""

    def __init__(self) -> None:
        self._long, self._short = ThreadPoolExecutor(1, "netxr-long"), ThreadPoolExecutor(1, "netxr-short")
        self._taken = {True: 0, False: 0}
        self._jobs: set[Job] = set()
        self._lock = Lock()

    def start(
        self,
        job: Job,
        work: Callable[[Job], Any],
        *,
        then: Callable[[Any], object],
        failed: Callable[[BaseException], object],
        short: bool = False,
    ) -> None:
        """Take a computation on.

        Parameters
        ----------
        job : Job
            To cancel it by.
        work : callable
            Called with the job in another thread; returns the result.
        then, failed : callable
            Called with the result, or with the error (`Cancelled` included), in any thread.
        short : bool
            Whether it takes well under a second: such work does not wait for long computations.

        Raises
        ------
        TooManyWaiting
            If too many are waiting.
        """
        with self._lock:
            if self._taken[short] > MOST_WAITING:
                raise TooManyWaiting(MOST_WAITING)
            self._taken[short] += 1
            self._jobs.add(job)
        pool = self._short if short else self._long
        job.future = pool.submit(_run, job, work)
        job.future.add_done_callback(partial(self._ended, job, short, then, failed))

    def _ended(
        self,
        job: Job,
        short: bool,
        then: Callable[[Any], object],
        failed: Callable[[BaseException], object],
        future: Future[Any],
    ) -> None:
        """Pass on how a computation ended."""
        with self._lock:
            self._taken[short] -= 1
            self._jobs.discard(job)
        error = Cancelled() if future.cancelled() else future.exception()
        if error is None:
            then(future.result())
        else:
            failed(error)

    def close(self) -> None:
        """Take on nothing more, and cancel what is under way."""
        with self._lock:
            jobs = list(self._jobs)
        for job in jobs:
            job.cancel()
        for pool in (self._long, self._short):
            pool.shutdown(wait=False, cancel_futures=True)


def _run(job: Job, work: Callable[[Job], Any]) -> Any:
    """Do the work of a job unless it was cancelled meanwhile, before or after."""
    job.step()
    result = work(job)
    job.step()
    return result


def message_of(error: BaseException) -> str:
    """Return what a page says of an error; what nobody foresaw goes to the log with its traceback.

    Examples
    --------
    >>> message_of(NetxrError("run.zarr: there is no such folder."))
    'run.zarr: there is no such folder.'
    """
    if isinstance(error, NetxrError):
        return " ".join(str(error).split())
    if isinstance(error, MemoryError):
        return "There is not enough memory for that. Ask for less, or start netxr app with another --memory."
    log.error("unexpected error", exc_info=error)
    return f"Unexpected error ({type(error).__name__}). The terminal that netxr app was started in says more."
