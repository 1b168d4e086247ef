"""Output that appears whole or not at all: Zarr folders that are written beside their place, then renamed."""

import errno
import fcntl
import os
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from os import PathLike as OsPathLike
from os import path as os_path
from pathlib import Path
from typing import Final
from uuid import uuid4

from netxr.errors import DiskFull, InvalidInput, OutputExists, StoreBusy
from netxr.schema.arguments import check_path
from netxr.store.metadata import DOCUMENT

PathLike = str | OsPathLike[str]


@contextmanager
def staging(path: PathLike) -> Iterator[Path]:
    """Yield a hidden folder beside `path` that becomes `path` on a clean exit and goes away on any other.

    What writers that were killed left beside `path` is removed. What the caller lets appear earlier stays.

    Raises
    ------
    OutputExists
        If there is something at `path`.
    InvalidInput
        If its parent folder is missing, or closed to the writer.
    DiskFull
        If there is no room.
    """
    final = check_path("path", path)
    _check_vacant(final)
    with space_needed(final), ExitStack() as held:
        if not final.parent.is_dir():
            raise InvalidInput(
                "path", got=str(path), expected="a place in a folder that exists", fix=f"Make {final.parent}."
            )
        left = unfinished_beside(final)
        _check_vacant(final)  # of a store that has appeared meanwhile, they might be metadata on their way
        remove_abandoned(left)
        unfinished = _new_folder(final, held)
        try:
            yield unfinished
            if unfinished.exists():  # it may have appeared before
                appear(unfinished, final)
        except BaseException:
            _remove(unfinished)
            raise


def _new_folder(final: Path, held: ExitStack) -> Path:
    """Make a hidden folder beside `final` and lock it."""
    while True:
        unfinished = unfinished_name(final)
        unfinished.mkdir()
        # Before it was locked, another writer may have taken it for one that was abandoned.
        with suppress(StoreBusy, FileNotFoundError):
            held.enter_context(locked(unfinished))
            if unfinished.exists():
                return unfinished


def remove_abandoned(entries: Iterable[Path]) -> None:
    """Remove what writers that are gone left beside a store; the caller holds its lock, if there is such a store."""
    for entry in entries:
        with suppress(StoreBusy, FileNotFoundError):
            if entry.is_dir():
                with locked(entry):
                    shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink()


def appear(unfinished: Path, final: Path) -> None:
    """Give a finished folder its name.

    Raises
    ------
    OutputExists
        If there is something at `final`.
    """
    _check_vacant(final)
    try:
        unfinished.rename(final)
    except OSError as error:
        if error.errno in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):  # another writer was a moment faster
            raise OutputExists(final) from None
        raise


def _check_vacant(path: Path) -> None:
    """Raise if there is anything at `path`, even a link to nowhere."""
    if os_path.lexists(path):
        raise OutputExists(path)


def _remove(folder: Path, *, attempts: int = 100, pause: float = 0.2) -> None:
    """Remove `folder`, again while a block that was being written when an exception came brings parts of it back."""
    for _ in range(attempts):
        if not folder.exists():
            return
        shutil.rmtree(folder, ignore_errors=True)
        time.sleep(pause)


STAGING_PREFIX: Final = ".staging-"
"""How the names of unfinished folders and files begin; they stand beside what they will be."""


OUT_OF_SPACE: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


FORBIDDEN: Final = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENAMETOOLONG)


@contextmanager
def locked(folder: Path, *, wait: bool = False) -> Iterator[None]:
    """Hold the right to write to a folder; it ends with the process, however that ends.

    Raises
    ------
    StoreBusy
        If another writer holds it, and it is not to be waited for.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise StoreBusy(folder) from None
        yield
    finally:
        os.close(handle)


@contextmanager
def space_needed(path: Path) -> Iterator[None]:
    """Turn the system's error on a full or a closed disk into one that says what became of the store at `path`.

    Raises
    ------
    DiskFull
        If the disk, the quota or the largest file that is allowed was reached.
    InvalidInput
        If nothing may be written there.
    """
    try:
        yield
    except OSError as error:
        if error.errno in OUT_OF_SPACE:
            raise DiskFull(path, str(error.strerror)) from error
        if error.errno not in FORBIDDEN:
            raise
        expected = f"a place that can be written to ({error.strerror})"
        fix = "Choose another, or get the right to write there."
        raise InvalidInput("path", got=str(path), expected=expected, fix=fix) from error


def unfinished_name(path: Path) -> Path:
    """Return a new hidden name beside `path`, or where that is in a store, beside the store."""
    folder, begin = _beside(path)
    return folder / f"{begin}{uuid4().hex}"


def unfinished_beside(path: Path) -> list[Path]:
    """Return what stands under such names."""
    folder, begin = _beside(path)
    length = len(begin) + len(uuid4().hex)
    return [entry for entry in folder.iterdir() if entry.name.startswith(begin) and len(entry.name) == length]


def _beside(path: Path) -> tuple[Path, str]:
    """Return the folder in which the store of `path` stands, and how hidden names that belong to `path` begin.

    Whatever else lies in the folder of a group is taken for a damaged member of it.
    """
    place = path.resolve()  # a link may lead to another disk, from which nothing can be renamed
    name = place.name
    while (place.parent / DOCUMENT).exists():
        place = place.parent
        name = f"{place.name}+{name}"
    return place.parent, f"{STAGING_PREFIX}{name}-"
