"""Files of a store that are read: a pipe or a device in the place of one would be waited for, or read, for ever."""

import errno
import os
import stat
from pathlib import Path
from typing import Any, BinaryIO, Final

from zarr.storage import LocalStore

NO_WAITING: Final = getattr(os, "O_NONBLOCK", 0)
"""With it, the system opens a pipe at once; Windows has no pipes among its files."""


def only_file(path: str, flags: int) -> int:
    """Open a file, as the `opener` of Python's ``open``; raise OSError if anything else is there."""
    handle = os.open(path, flags | NO_WAITING)
    mode = os.fstat(handle).st_mode
    if not stat.S_ISREG(mode):
        os.close(handle)
        raise OSError(errno.EISDIR if stat.S_ISDIR(mode) else errno.EINVAL, "it is no file", path)
    return handle


def open_file(path: str | Path) -> BinaryIO:
    """Open a file for reading bytes; raise OSError if there is none, or it is no file."""
    return open(path, "rb", opener=only_file)


def read_file(path: str | Path, *, most: int = -1) -> bytes:
    """Return what is in a file; raise OSError if there is none, it is no file, or holds more than `most` bytes."""
    with open_file(path) as file:
        if 0 <= most < os.fstat(file.fileno()).st_size:
            raise OSError(errno.EFBIG, f"it holds more than {most:,} bytes", str(path))
        return file.read()


class Folder(LocalStore):
    """A folder that Zarr reads from: what is no file in it is an error."""

    async def get(self, key: str, *how: Any, **others: Any) -> Any:
        """Return what is in a file, None where there is none."""
        try:
            mode = (self.root / key).stat().st_mode
        except OSError:  # LocalStore tells what is missing from what cannot be read
            return await super().get(key, *how, **others)
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            raise OSError(errno.EINVAL, "it is no file", str(self.root / key))
        return await super().get(key, *how, **others)
