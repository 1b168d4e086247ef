"""Whether a store is sound: its metadata, its labels, and every chunk of it, one after the other."""

from collections.abc import Callable, Iterator
from itertools import chain
from os import PathLike
from pathlib import Path, PurePosixPath
from typing import Any

import zarr
from zarr.abc.store import Store

from netxr import names as n
from netxr.errors import NetxrError, UnreadableFile, one_line
from netxr.recordings.contents import Nodes, groups, local_folder, nodes_in, nodes_of, opened
from netxr.recordings.verify_chunks import Progress, of_chunks, of_places
from netxr.recordings.verify_metadata import (
    COPY,
    Problem,
    Stored,
    join,
    of_documents,
    of_labels,
    of_layout,
    of_metadata,
    of_moments,
    of_sweep,
    open_array,
)
from netxr.schema.arguments import check_listener
from netxr.schema.provenance import CURRENT_SCHEMA
from netxr.store.dataset import open as open_store
from netxr.store.files import Folder
from netxr.store.locks import left_beside
from netxr.store.metadata import DOCUMENT, ROOT
from netxr.store.writers import is_gone, is_running

__all__ = ["Problem", "verify"]


def verify(store: str | PathLike[str] | Store, *, progress: Progress | None = None) -> tuple[Problem, ...]:
    """Check that a store is whole and undamaged: metadata, labels, and every chunk, read one after the other.

    Nothing is written, and no more than one chunk is in memory at a time.

    Parameters
    ----------
    store : path-like or Zarr store
        A folder, a URL or a store object of Zarr; with all groups in it.
    progress : callable, optional
        Called with (chunks read, chunks in all).

    Returns
    -------
    tuple of Problem
        What is wrong, each a named tuple of `place`, `wrong`, `fix` and `harmless`; empty for a sound store. What is
        harmless concerns no committed data: leftovers of a writer that was cut off, a simulation that has not ended,
        an older version of the layout, chunks of nothing but NaN.

    Raises
    ------
    UnreadableFile
        If there is nothing at `store`, or a URL or store object holds no Zarr group.
    InvalidInput
        If `store` is neither a path nor a store, or `progress` no function.

    Examples
    --------
    >>> import tempfile, netxr
    >>> run = netxr.simulate(netxr.random_connectivity(5, seed=1), n_steps=100, seed=1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     netxr.save(run, folder + "/run.zarr")
    ...     sound = verify(folder + "/run.zarr")
    ...     _ = Path(folder, "run.zarr/activity/c/0/0/0").write_bytes(b"damaged")
    ...     sound, [problem.place for problem in verify(folder + "/run.zarr")]
    ((), ['activity/c/0/0/0'])
    """
    if progress is not None:
        check_listener("progress", progress, what="chunks read, chunks in all")
    folder = local_folder(store, argument="store")
    if folder is None:
        group = opened(store)
        return tuple(_of_store(nodes_of(group), lambda path: group[path] if path else group, None, progress))
    if not folder.exists():
        raise UnreadableFile(folder, "there is no such folder")
    nodes = nodes_in(folder)
    problems = [*_of_folder(folder, nodes, progress), *_beside(folder)]
    if all(problem.harmless for problem in problems):
        problems += _unopenable(folder, nodes)
    if problems and nodes_in(folder) != nodes:
        fix = "Verify it again when the writer has ended."
        problems.append(Problem("", "it was written to while it was read", fix, harmless=True))
    return tuple(problems)


def _of_folder(folder: Path, nodes: Nodes, progress: Progress | None) -> Iterator[Problem]:
    """Yield what is wrong with the store in a folder."""
    root = nodes[ROOT]
    if root.wrong or root.sizes is not None:
        fix = "Name a store, or a group in one; put back a copy of its zarr.json if it was one."
        yield Problem("", f"no Zarr group: {root.wrong or 'one array, not a group of them'}", fix)
        return
    yield from _of_store(nodes, lambda path: _group_in(folder / path), folder, progress)


def _group_in(folder: Path) -> zarr.Group:
    """Return a group on disk by its copy of the metadata; where that cannot be used, each array says why."""
    try:
        return zarr.open_group(Folder(folder, read_only=True), mode="r")
    except Exception:
        return zarr.open_group(Folder(folder, read_only=True), mode="r", use_consolidated=False)


def _of_store(
    nodes: Nodes, opened_at: Callable[[str], Any], folder: Path | None, progress: Progress | None
) -> Iterator[Problem]:
    """Yield what is wrong with a store, the groups of which are opened by their paths."""
    newer = nodes[ROOT].attrs.get(n.SCHEMA_VERSION)
    if isinstance(newer, int) and newer > CURRENT_SCHEMA:
        known = f"this netxr knows versions up to {CURRENT_SCHEMA}"
        yield Problem("", f"written in version {newer} of the layout, and {known}", "Upgrade netxr.")
        return
    found: dict[str, dict[str, Stored]] = {}
    for path, about, members in groups(nodes):
        yield from of_metadata(path, about, members)
        not_committed = [] if folder is None else list(of_documents(folder, path))
        yield from not_committed
        try:
            group = opened_at(path)
        except Exception as error:  # whatever damaged metadata make Zarr stumble over
            yield Problem(path, f"Zarr cannot open it ({one_line(error)})", COPY)
            continue
        added = {problem.place for problem in not_committed if problem.harmless}
        tried = [
            open_array(group, path, name, node, about)
            for name, node in members.items()
            if node.sizes is not None and (join(path, name) not in added or name in group)
        ]
        yield from (array for array in tried if isinstance(array, Problem))
        found[path] = {array.name: array for array in tried if isinstance(array, Stored)}
        yield from of_layout(path, found[path])
    of_files = list(of_chunks([array for arrays in found.values() for array in arrays.values()], folder, progress))
    yield from of_files
    places = [PurePosixPath(problem.place) for problem in of_files if not problem.harmless]
    lost = {str(place) for of_file in places for place in (of_file, *of_file.parents)}
    for path, arrays in found.items():
        whole = {name: array for name, array in arrays.items() if array.path not in lost}
        yield from chain(of_labels(path, whole), of_moments(whole), of_sweep(path, whole))
        if folder is not None and (folder / path / DOCUMENT).exists():
            yield from of_places(folder, path, whole)


def _unopenable(folder: Path, nodes: Nodes) -> Iterator[Problem]:
    """Yield the groups that nevertheless cannot be opened, as when their attributes are damaged."""
    for path, _, _ in groups(nodes):
        try:
            open_store(folder / path)
        except NetxrError as error:
            yield Problem(path, f"it cannot be opened ({one_line(error)})", COPY)


def _beside(folder: Path) -> Iterator[Problem]:
    """Yield what writers that are gone left beside a store."""
    for entry, writer in left_beside(folder).items():
        if is_gone(writer):
            wrong = f"left by a writer that was cut off, beside the store in {entry.parent}"
            yield Problem(entry.name, wrong, "The next writer removes it.", harmless=True)
        elif not is_running(writer):
            wrong = f"of a writer on another machine, beside the store in {entry.parent}"
            yield Problem(entry.name, wrong, "Remove it if that writer was cut off.", harmless=True)
