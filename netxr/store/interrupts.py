"""What Ctrl-C has to wait for."""

import signal
import threading
from collections.abc import Callable
from typing import Any


def to_the_end(work: Callable[[], None]) -> None:
    """Do what is not to be left half done: Ctrl-C, which only the main thread gets, waits until it has ended."""
    former = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or former is None:
        work()
        return
    interrupts: list[Any] = []
    signal.signal(signal.SIGINT, lambda *about: interrupts.append(about))
    try:
        work()
    finally:
        signal.signal(signal.SIGINT, former)
    if interrupts and callable(former):
        former(*interrupts[0])
