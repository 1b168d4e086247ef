"""Versions of a store: local icechunk repositories, with transactions, snapshots and tags.

A repository is a folder in which every commit is a snapshot that can be opened again. On a local disk, icechunk loses
commits silently if several processes commit at once; so commits and tags wait here for a lock on the folder.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final

import pandas as pd
import zarr
from zarr.abc.store import Store

from netxr.compat import optional
from netxr.errors import DiskFull, InvalidInput, StoreBusy, UnreadableFile, first_line
from netxr.schema.arguments import check_path
from netxr.schema.outputs import OUT_OF_SPACE
from netxr.store.locks import locked
from netxr.store.staging import PathLike, staging

__all__ = ["tag", "versioned", "versions"]

BRANCH: Final = "main"
"""The one branch that is written to and opened."""

OS_ERROR: Final = re.compile(r"\(os error (\d+)\)")
"""An error of the system, in messages of icechunk."""


@contextmanager
def versioned(store: PathLike, *, message: str) -> Iterator[Store]:
    """Change a repository of versions: all at once on a clean exit, nothing on any other.

    What `netxr.save`, `append` and `add` write to the store within the block becomes one new version. Until then, and
    if the process dies, readers see the version before. Other processes may write at the same time; one that changed
    the same arrays gets an error.

    Parameters
    ----------
    store : path-like
        Folder of a local icechunk repository; it is made if there is none.
    message : str
        Describes the new version in `netxr.versions`.

    Yields
    ------
    zarr Store
        The newest version, to be changed.

    Raises
    ------
    StoreBusy
        If another writer changed the same arrays since the block began; nothing of the block is kept.
    OutputExists
        If there is something else at `store`.
    UnreadableFile
        If the repository is damaged, or of a format that the installed icechunk does not know.
    DiskFull
        If there is no room; the version before is as it was.
    MissingExtra
        If icechunk is not installed.

    Examples
    --------
    >>> import netxr
    >>> run = netxr.simulate(netxr.random_connectivity(5, seed=1), n_steps=100, seed=1)
    >>> with netxr.versioned("runs.icechunk", message="Monday") as store:  # doctest: +SKIP
    ...     netxr.save(run, store)
    """
    folder = check_path("store", store)
    if not isinstance(message, str) or not message.strip():
        raise InvalidInput("message", got=repr(message), expected="text that says what the new version is")
    with _readable_errors(folder) as icechunk:
        if not is_repository(folder):
            _create(folder)
        session = _repository(folder).writable_session(BRANCH)
        yield session.store
        if session.has_uncommitted_changes:
            with locked(folder, wait=True):
                session.commit(message, rebase_with=icechunk.ConflictDetector())


def versions(store: PathLike) -> pd.DataFrame:
    """List the versions of a repository, the newest first.

    Parameters
    ----------
    store : path-like
        Folder of a local icechunk repository.

    Returns
    -------
    DataFrame
        A row a version: `version` (its identifier, which `netxr.open` takes), `when` (UTC), `message`, and `tags`
        (text, separated by commas).

    Raises
    ------
    UnreadableFile
        If there is no repository that can be read.
    MissingExtra
        If icechunk is not installed.
    """
    folder = check_path("store", store)
    with _readable_errors(folder):
        repository = _repository(folder)
        tags: dict[str, list[str]] = {}
        for name in sorted(repository.list_tags()):
            tags.setdefault(repository.lookup_tag(name), []).append(name)
        rows = [
            (one.id, one.written_at, one.message, ", ".join(tags.get(one.id, ())))
            for one in repository.ancestry(branch=BRANCH)
            if one.parent_id is not None  # before the first commit there was nothing
        ]
    return pd.DataFrame(rows, columns=["version", "when", "message", "tags"])


def tag(store: PathLike, name: str, *, version: str | None = None) -> None:
    """Give a version of a repository a name that stays.

    Parameters
    ----------
    store : path-like
        Folder of a local icechunk repository.
    name : str
        The name, which no version has had.
    version : str, optional
        Identifier or other tag of the version; the newest if not given.

    Raises
    ------
    InvalidInput
        If the name is taken, or cannot be one.
    UnreadableFile
        If there is no such version, or no repository that can be read.
    MissingExtra
        If icechunk is not installed.
    """
    folder = check_path("store", store)
    if not isinstance(name, str) or not name.strip() or "/" in name:
        raise InvalidInput("name", got=repr(name), expected="text without a slash")
    with _readable_errors(folder) as icechunk:
        repository = _repository(folder)
        snapshot = _session(repository, folder, version).snapshot_id
        with locked(folder, wait=True):
            try:
                repository.create_tag(name, snapshot_id=snapshot)
            except icechunk.IcechunkError as error:
                fix = f"Tags stay what they are: choose another name. ({first_line(error)})"
                raise InvalidInput("name", got=repr(name), expected="one that was never used", fix=fix) from error


def is_repository(path: object) -> bool:
    """Return whether a path leads to a local icechunk repository, by the names in it."""
    if not isinstance(path, str | os.PathLike):
        return False
    folder = Path(path)
    try:
        return (folder / "snapshots").is_dir() and ((folder / "refs").is_dir() or (folder / "repo").is_file())
    except OSError as error:
        raise UnreadableFile(folder, f"it cannot be reached ({error.strerror})") from error


def snapshot_store(path: PathLike, version: str | None = None) -> Store:
    """Return a version of a repository, the newest if none is named, as a Zarr store to read from."""
    folder = Path(path)
    with _readable_errors(folder):
        repository = _repository(folder)
        session = _session(repository, folder, version)
        repository.lookup_snapshot(session.snapshot_id)  # Zarr takes one that is damaged for an empty store
        store: Store = session.store
    return store


# --- icechunk -----------------------------------------------------------------


@cache
def _icechunk() -> Any:
    """Return the package, silent unless the user's environment says otherwise."""
    icechunk = optional("icechunk", what="A repository of versions", extra="icechunk")
    if "ICECHUNK_LOG" not in os.environ:
        # It warns on the standard output of concurrent commits, which the lock here prevents.
        icechunk.set_logs_filter("error")
    return icechunk


def _repository(folder: Path) -> Any:
    """Return an opened repository."""
    if not is_repository(folder):
        reason = "no icechunk repository" if folder.exists() else "there is no such folder"
        raise UnreadableFile(folder, reason, fix="netxr.versioned makes one.")
    icechunk = _icechunk()
    return icechunk.Repository.open(icechunk.local_filesystem_storage(str(folder.absolute())))


def _create(folder: Path) -> None:
    """Make a repository, unless another process has just made it."""
    if not folder.absolute().parent.is_dir():
        fix = f"Make {folder.parent}."
        raise InvalidInput("store", got=str(folder), expected="a place in a folder that exists", fix=fix)
    icechunk = _icechunk()
    with locked(folder.absolute().parent, wait=True):
        if is_repository(folder):
            return
        with staging(folder) as unfinished:
            repository = icechunk.Repository.create(icechunk.local_filesystem_storage(str(unfinished.absolute())))
            session = repository.writable_session(BRANCH)
            # Otherwise each writer of a group would make the root, which is a conflict.
            zarr.open_group(session.store, mode="w", zarr_format=3)
            session.commit("New repository")


def _session(repository: Any, folder: Path, version: str | None) -> Any:
    """Return a version of a repository for reading."""
    if version is None:
        return repository.readonly_session(BRANCH)
    tags = sorted(repository.list_tags())
    if version in tags:
        return repository.readonly_session(tag=version)
    try:
        return repository.readonly_session(snapshot_id=version)
    except (_icechunk().IcechunkError, TypeError) as error:
        listed = f"Tags: {', '.join(tags)}." if tags else "It has no tags."
        fix = f"{listed} netxr.versions lists the identifiers."
        raise UnreadableFile(folder, f"there is no version {version!r}", fix=fix) from error


@contextmanager
def _readable_errors(folder: Path) -> Iterator[Any]:
    """Yield icechunk, and turn its errors into those of netxr."""
    icechunk = _icechunk()
    try:
        yield icechunk
    except (icechunk.ConflictError, icechunk.RebaseFailedError) as error:
        reason = f"another writer has changed the same arrays since this one began ({first_line(error)})"
        raise StoreBusy(folder, reason, fix="Nothing of this change was kept: do it again.") from error
    except icechunk.IcechunkError as error:
        number = OS_ERROR.search(str(error))
        if number and int(number[1]) in OUT_OF_SPACE:
            raise DiskFull(folder, os.strerror(int(number[1]))) from error
        raise UnreadableFile(folder, f"icechunk cannot go on ({first_line(error)})") from error
