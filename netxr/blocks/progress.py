"""The progress of a pass over a recording: its tasks report it wherever they run, and listeners are notified."""

import sys
import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from threading import Lock
from typing import Any, Final, NamedTuple

from numpy.typing import NDArray

from netxr.blocks.schedulers import cluster
from netxr.schema.arguments import check_listener

Report = Callable[[int, int], object]
"""Called with how many frames are done and how many there are."""

TOPIC: Final = "netxr-progress"
"""The topic of a cluster's messages about it."""

PAUSE_SECONDS: Final = 0.1
"""A part reports no more often than this, but for its end."""

_listeners: list[Callable[..., object]] = []
"""Those of this process."""


class Part(NamedTuple):
    """A part of a run that is done by one task."""

    run: str
    name: str
    total: int
    """Frames that all parts of the run go through."""


def reported(pieces: Iterable[NDArray[Any]], part: Part) -> Iterator[NDArray[Any]]:
    """Yield pieces (..., time), and report how many frames of the part are done."""
    done, last = 0, time.monotonic()
    for piece in pieces:
        yield piece
        done += piece.shape[-1]
        if time.monotonic() - last > PAUSE_SECONDS:
            report(part, done)
            last = time.monotonic()
    report(part, done)


def report(part: Part, done: int) -> None:
    """Report how many frames of a part are done, to this process and to the cluster whose worker it is."""
    _notify([*part, done])
    if "distributed" in sys.modules:
        with suppress(ValueError):  # this is no worker
            sys.modules["distributed"].get_worker().log_event(TOPIC, [*part, done])


@contextmanager
def progress(listener: Report) -> Iterator[None]:
    """Report how far lazy results have come that are computed within, with threads and on a cluster alike.

    Parameters
    ----------
    listener : callable
        Called with (frames done, frames in all), from one thread at a time; a frame that several tasks go through
        counts once for each. What is done again after a worker was lost does not count twice.

    Raises
    ------
    InvalidInput
        If `listener` is no function.

    Examples
    --------
    >>> import netxr
    >>> run = netxr.simulate(netxr.random_connectivity(5, seed=1), n_steps=100, seed=1)
    >>> lazy = netxr.lagged_correlation(run.activity.chunk(time=50))
    >>> with netxr.progress(lambda done, total: print(f"{done} of {total}")):
    ...     R = lazy.compute(scheduler="synchronous")
    100 of 100

    A bar of tqdm, ``bar = tqdm.tqdm()``, goes along with
    ``netxr.progress(lambda done, total: setattr(bar, "total", total) or bar.update(done - bar.n))``.
    """
    check_listener("listener", listener)
    own, client = _adding_up(listener), cluster()
    _listeners.append(own)
    try:
        if client is not None:
            client.subscribe_topic(TOPIC, lambda event: _notify(event[1]))  # a client has one handler of a topic
        yield
    finally:
        _listeners.remove(own)
        if client is not None and not _listeners:
            client.unsubscribe_topic(TOPIC)


def notified(report: Report | None) -> AbstractContextManager[None]:
    """Return the context in which what a caller gave as `progress` is notified; of None, one in which nothing is."""
    if report is None:
        return nullcontext()
    check_listener("progress", report)
    return progress(report)


def _notify(message: Sequence[Any]) -> None:
    """Pass the report of a part on to all listeners of this process."""
    for listener in _listeners.copy():  # one may leave meanwhile
        listener(*message)


def _adding_up(listen: Report) -> Callable[[str, str, int, int], None]:
    """Return a listener that adds up what parts report, and passes it on as one."""
    done: dict[tuple[str, str], int] = {}
    totals: dict[Hashable, int] = {}
    lock = Lock()

    def listener(run: str, name: str, total: int, frames: int) -> None:
        """Take the report of one part; one that tells nothing new is left out."""
        with lock:
            if frames > done.get((run, name), 0):
                done[run, name], totals[run] = frames, total
                listen(sum(done.values()), sum(totals.values()))

    return listener
