"""New files, whole or not at all, and what the system says of places where nothing can be written."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from os import strerror
from pathlib import Path
from typing import Final

from netxr.errors import DiskFull, InvalidInput, OutputExists

OUT_OF_SPACE: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
FORBIDDEN: Final = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENAMETOOLONG)
"""Errors of the system about a full disk, and about a place where this user may not write."""


@contextmanager
def space_needed(path: Path, *, argument: str = "store") -> Iterator[None]:
    """Turn the system's errors about a full disk or a forbidden place into DiskFull and InvalidInput."""
    try:
        yield
    except OSError as error:
        if error.errno in OUT_OF_SPACE:
            raise DiskFull(path, str(error.strerror)) from error
        if error.errno not in FORBIDDEN:
            raise
        raise forbidden(path, argument, error.errno) from error


def forbidden(path: Path, argument: str, code: int = errno.EACCES) -> InvalidInput:
    """Return the error about a place where this user may not write."""
    expected = f"a place that can be written to ({strerror(code)})"
    fix = "Choose another, or get the right to write there."
    return InvalidInput(argument, got=str(path), expected=expected, fix=fix)


def write_new(path: Path, content: bytes, *, argument: str = "path") -> Path:
    """Write a file that must not exist yet, and return its path; of one that does not fit on the disk nothing stays."""
    with space_needed(path, argument=argument):
        try:
            file = path.open("xb")
        except FileExistsError:
            raise OutputExists(path) from None
        try:
            with file:
                file.write(content)
        except BaseException:
            with suppress(OSError):
                path.unlink()
            raise
    return path
