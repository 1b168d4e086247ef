"""One BLAS thread at a time, where blocks or trials already keep the cores busy or bits must repeat."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import Any

from threadpoolctl import ThreadpoolController

_lock = Lock()
_limits: list[Any] = []


@cache
def _controller() -> ThreadpoolController:
    """Return the switch of the BLAS thread pools; looking for them takes milliseconds, so it is done once."""
    return ThreadpoolController()


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Limit BLAS to one thread, until the last of those who asked for it at the same time is done.

    The pools are the process's own: threads that each set and restore the limit would restore one another's.
    """
    with _lock:
        _limits.append(None if _limits else _controller().limit(limits=1, user_api="blas"))
    try:
        yield
    finally:
        with _lock:
            if len(_limits) == 1:
                _limits[0].restore_original_limits()
            # The entry that holds the original limits stays until the last one leaves.
            _limits.pop()
