"""Who may write: locks that end with their process, and hidden names of unfinished work."""

import errno
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from netxr.errors import CannotLock, StoreBusy
from netxr.store.metadata import DOCUMENT
from netxr.store.writers import NAME_LENGTH, Mark, is_gone, new_name, writer_of


def _module(name: str) -> Any:
    """Return a module that some platforms lack, None on those."""
    try:
        return import_module(name)
    except ImportError:
        return None


FCNTL: Final = _module("fcntl")
MSVCRT: Final = _module("msvcrt")
"""Locks of Unix and of Windows."""

HAS_LOCKS: Final = bool(FCNTL or MSVCRT)

STAGING_PREFIX: Final = ".staging-"
"""How names of unfinished folders and files begin; they are beside what they will be."""

LONGEST: Final = 180
"""Bytes of a name that hidden ones repeat; names of files may have 255."""

HELD: Final = (errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK)
NO_LOCKS_HERE: Final = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EBADF, errno.EINVAL)
"""Errors of the system: another writer has the lock; the file system has no locks."""


@contextmanager
def locked(folder: Path, *, wait: bool = False) -> Iterator[None]:
    """Lock a folder; the lock ends with the process. Unix locks the folder itself, Windows a hidden file beside it.

    Raises StoreBusy, CannotLock if another writer has the lock and `wait` is false; if this Python or the file system
    has no locks.
    """
    if FCNTL:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    elif MSVCRT:
        handle = os.open(_lock_file(folder), os.O_RDWR | os.O_CREAT)
    else:
        fix = "Save a new store, which needs no lock: netxr.save(dataset, path)."
        raise CannotLock(folder, "this Python has neither the module fcntl nor msvcrt", fix=fix)
    process = os.getpid()
    try:
        _lock(handle, folder, wait=wait)
        yield
    finally:
        _release(handle, folder, is_owner=process == os.getpid())


@contextmanager
def alone(folder: Path) -> Iterator[Mark]:
    """Lock a folder, and leave a mark beside it for machines on which the lock does not count.

    Raises StoreBusy if another writer has the lock, or its mark is there.
    """
    with locked(folder), marked(folder) as mark:
        yield mark


@contextmanager
def marked(store: Path) -> Iterator[Mark]:
    """Leave a mark beside a store, or beside where it will be; it is an error if that of another writer is there."""
    mark = Mark(store, _hidden(store, "writer"), unfinished_name(store))
    try:
        mark.make()
        yield mark
    finally:
        mark.remove()


def _lock(handle: int, folder: Path, *, wait: bool) -> None:
    """Take a lock."""
    try:
        if FCNTL:
            FCNTL.flock(handle, FCNTL.LOCK_EX | (0 if wait else FCNTL.LOCK_NB))
        else:
            MSVCRT.locking(handle, MSVCRT.LK_LOCK if wait else MSVCRT.LK_NBLCK, 1)
    except OSError as error:
        if error.errno in HELD:
            raise StoreBusy(folder) from None
        if error.errno in NO_LOCKS_HERE:
            fix = "Write to a local disk, and copy the finished store."
            raise CannotLock(folder, f"its file system has no locks: {error.strerror}", fix=fix) from error
        raise


def _release(handle: int, folder: Path, *, is_owner: bool) -> None:
    """Give a lock back, if it was taken; processes that were forked meanwhile neither keep it nor give it back."""
    with suppress(OSError):
        if not is_owner:
            pass
        elif FCNTL:
            FCNTL.flock(handle, FCNTL.LOCK_UN)
        else:
            MSVCRT.locking(handle, MSVCRT.LK_UNLCK, 1)
    os.close(handle)
    if not FCNTL:
        with suppress(OSError):  # Windows removes no file that another writer has open
            _lock_file(folder).unlink()


def _lock_file(folder: Path) -> Path:
    """Return the file that is locked where folders cannot be locked."""
    return _hidden(folder, "lock")


def unfinished_name(path: Path) -> Path:
    """Return a new hidden name beside `path`, or if that is in a store, beside the store; it tells who made it."""
    return _hidden(path, new_name())


def unfinished_beside(path: Path) -> list[Path]:
    """Return what has such a name."""
    first = _hidden(path, "")
    length = len(first.name) + NAME_LENGTH
    return [one for one in first.parent.iterdir() if one.name.startswith(first.name) and len(one.name) == length]


def left_beside(path: Path) -> dict[Path, str]:
    """Return what has such a name, and the mark of a writer, with the names of those who made them."""
    mark = _hidden(path, "writer")
    marks = {mark: writer_of(mark)} if mark.exists() else {}
    return {entry: entry.name[-NAME_LENGTH:] for entry in unfinished_beside(path)} | marks


def remove_abandoned(entries: Iterable[Path]) -> None:
    """Remove what dead writers left beside a store; the caller holds its lock, if there is a store."""
    for entry in entries if HAS_LOCKS else ():
        with suppress(StoreBusy, OSError):  # it may be another user's
            if not entry.is_dir():
                entry.unlink()
            elif is_gone(entry.name[-NAME_LENGTH:]):
                with locked(entry):
                    shutil.rmtree(entry, ignore_errors=True)


def _hidden(path: Path, end: str) -> Path:
    """Return a hidden name that belongs to `path`, beside the store around it.

    In the folder of a group, it would look like a damaged array.
    """
    place = path.resolve()  # a link may lead to another disk, from which nothing can be renamed
    name = place.name
    while (place.parent / DOCUMENT).exists():
        place = place.parent
        name = f"{place.name}+{name}"
    if len(os.fsencode(name)) > LONGEST:
        name = f"{name[: LONGEST // 8]}~{blake2b(os.fsencode(name), digest_size=16).hexdigest()}"
    return place.parent / f"{STAGING_PREFIX}{name}-{end}"
