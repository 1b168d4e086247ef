"""One BLAS thread at a time, where blocks or trials already keep the cores busy or bits must repeat."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import Any

from threadpoolctl import ThreadpoolController

from netxr.compat import limit_blas_threads

_lock = Lock()
_former: list[list[int]] = []


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Limit BLAS to one thread, until the last of those who asked for it at the same time is done.

    The pools are the process's own: threads that each set and restore the limit would restore one another's.
    """
    with _lock:
        _former.append([] if _former else [_limit(library, 1) for library in _libraries()])
    try:
        yield
    finally:
        with _lock:
            if len(_former) == 1:
                for library, threads in zip(_libraries(), _former[0], strict=True):
                    _limit(library, threads)
            # The entry that holds the former limits stays until the last one leaves.
            _former.pop()


@cache
def _libraries() -> list[Any]:
    """Return the switches of the BLAS libraries; looking for them takes milliseconds, so it is done once."""
    return list(ThreadpoolController().select(user_api="blas").lib_controllers)


def _limit(library: Any, threads: int) -> int:
    """Limit a library to `threads` and return its former limit."""
    former = int(library.num_threads)
    limit_blas_threads(library, threads)
    return former
