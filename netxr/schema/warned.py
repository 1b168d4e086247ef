"""Warnings, which go to who listens: the filters of Python are of all threads, and a page hears of its own import."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

_HEARD: Final[ContextVar[list[str] | None]] = ContextVar("heard", default=None)
"""What was warned of in this thread, where somebody listens."""


@contextmanager
def warnings_heard() -> Iterator[list[str]]:
    """Yield a list of what `warn` is called with meanwhile in this thread, each once; the others stay warnings."""
    heard: list[str] = []
    before = _HEARD.set(heard)
    try:
        yield heard
    finally:
        _HEARD.reset(before)


def warn(text: str, *, stacklevel: int) -> None:
    """Tell who listens in this thread, or warn (UserWarning), at a level above the caller as in `warnings.warn`."""
    heard = _HEARD.get()
    if heard is None:
        warnings.warn(text, UserWarning, stacklevel=stacklevel + 1)
    elif text not in heard:
        heard.append(text)
