"""Output that appears whole or not at all: Zarr folders that are written beside their place, then renamed."""

import errno
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from os import PathLike as OsPathLike
from pathlib import Path

from netxr.compat import wait_for_others
from netxr.errors import OutputExists, StoreBusy
from netxr.schema.arguments import check_store_name, check_vacant
from netxr.schema.outputs import space_needed
from netxr.store.commits import consolidate, update_copies
from netxr.store.keys import NO_TERMS, Terms
from netxr.store.locks import HAS_LOCKS, locked, remove_abandoned, unfinished_beside, unfinished_name

PathLike = str | OsPathLike[str]


@contextmanager
def staging(path: PathLike) -> Iterator[Path]:
    """Yield a hidden folder beside `path` that becomes `path` on a clean exit and is removed on any other.

    What killed writers left beside `path` is removed. What the caller renamed with `appear` stays. Raises OutputExists
    if there is something at `path`. Raises InvalidInput if its parent folder is missing, or closed to the writer.
    Raises DiskFull if there is no room.
    """
    final = check_store_name("store", path)
    with space_needed(final), ExitStack() as held:
        check_vacant("store", final)
        left = unfinished_beside(final)
        check_vacant("store", final)  # if a store has appeared meanwhile, its writer is using these files
        remove_abandoned(left)
        unfinished = unfinished_name(final)
        try:  # from here on a user who gives up leaves no folder
            _make(unfinished, held)
            yield unfinished
            if unfinished.exists():
                appear(unfinished, final)
        except BaseException:
            _remove(unfinished)
            raise


def _make(folder: Path, held: ExitStack) -> None:
    """Make a folder and lock it."""
    while True:
        folder.mkdir(exist_ok=True)
        if not HAS_LOCKS:  # then no writer removes abandoned folders
            return
        with suppress(StoreBusy, FileNotFoundError):  # before it is locked, another writer may remove it as abandoned
            held.enter_context(locked(folder))
            if folder.exists():
                return


def appear(unfinished: Path, final: Path, terms: Terms = NO_TERMS) -> None:
    """Give a finished folder its name; it is an error if that is taken.

    What chunks add to the sums of their arrays is among the `terms`, or read.
    """
    check_vacant("store", final)
    consolidate(unfinished, terms)
    try:
        unfinished.rename(final)
    except OSError as error:
        if error.errno in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):  # another writer was a moment faster
            raise OutputExists(final) from None
        raise
    update_copies(final.parent)


def _remove(folder: Path, *, attempts: int = 100, pause: float = 0.2) -> None:
    """Remove `folder`, once Zarr has ended, and again while blocks that were being written bring parts of it back."""
    wait_for_others(attempts * pause)
    with suppress(OSError):  # there is something in it
        folder.rmdir()
    for _ in range(attempts):
        if not folder.exists():
            return
        shutil.rmtree(folder, ignore_errors=True)
        time.sleep(pause)
