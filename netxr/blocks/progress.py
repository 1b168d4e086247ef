"""How far a pass over a recording has come: told by its tasks, wherever they run, and heard by who asked."""

import sys
import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import Lock
from typing import Any, Final, NamedTuple

from numpy.typing import NDArray

from netxr.blocks.schedulers import cluster
from netxr.errors import InvalidInput

Report = Callable[[int, int], object]
"""Called with how many frames are done and how many there are."""

TOPIC: Final = "netxr-progress"
"""The topic of a cluster's messages about it."""

PAUSE_SECONDS: Final = 0.1
"""A part tells no more often than this, but for its end."""

_heard_here: list[Callable[..., object]] = []
"""Who asked in this process."""


class Part(NamedTuple):
    """A part of a run that is done by one task.

    Parameters
    ----------
    run : str
        The run.
    name : str
        The part.
    total : int
        Frames that all parts of the run go through.
    """

    run: str
    name: str
    total: int


def told(pieces: Iterable[NDArray[Any]], part: Part) -> Iterator[NDArray[Any]]:
    """Yield pieces (..., time), and tell how many frames of the part are done."""
    done, last = 0, time.monotonic()
    for piece in pieces:
        yield piece
        done += piece.shape[-1]
        if time.monotonic() - last > PAUSE_SECONDS:
            tell(part, done)
            last = time.monotonic()
    tell(part, done)


def tell(part: Part, done: int) -> None:
    """Tell how many frames of a part are done, to this process and to the cluster whose worker it is."""
    _hear([*part, done])
    if "distributed" in sys.modules:
        with suppress(ValueError):  # this is no worker
            sys.modules["distributed"].get_worker().log_event(TOPIC, [*part, done])


@contextmanager
def progress(report: Report) -> Iterator[None]:
    """Tell how far lazy results have come that are computed within, with threads and on a cluster alike.

    Parameters
    ----------
    report : callable
        Called with (frames done, frames in all), from one thread at a time; a frame that several tasks go through
        counts once for each. What is done again after a worker was lost does not count twice.

    Raises
    ------
    InvalidInput
        If `report` is no function.

    Examples
    --------
    >>> import netxr
    >>> run = netxr.simulate(netxr.random_connectivity(5, seed=1), n_steps=100, seed=1)
    >>> lazy = netxr.lagged_correlation(run.activity.chunk(time=50))
    >>> with netxr.progress(lambda done, total: print(f"{done} of {total}")):
    ...     R = lazy.compute(scheduler="synchronous")
    100 of 100
    """
    if not callable(report):
        raise InvalidInput("report", got=repr(report), expected="a function of (frames done, frames in all)")
    hear, client = _hearer(report), cluster()
    _heard_here.append(hear)
    try:
        if client is not None:
            client.subscribe_topic(TOPIC, lambda event: _hear(event[1]))  # a client has one handler of a topic
        yield
    finally:
        _heard_here.remove(hear)
        if client is not None and not _heard_here:
            client.unsubscribe_topic(TOPIC)


def _hear(message: Sequence[Any]) -> None:
    """Pass on what a part tells to all who asked in this process."""
    for hear in _heard_here.copy():  # who asked may leave meanwhile
        hear(*message)


def _hearer(report: Report) -> Callable[[str, str, int, int], None]:
    """Return a function that adds up what parts tell, and reports it."""
    done: dict[tuple[str, str], int] = {}
    totals: dict[Hashable, int] = {}
    lock = Lock()

    def hear(run: str, name: str, total: int, frames: int) -> None:
        with lock:
            if frames > done.get((run, name), 0):
                done[run, name], totals[run] = frames, total
                report(sum(done.values()), sum(totals.values()))

    return hear
