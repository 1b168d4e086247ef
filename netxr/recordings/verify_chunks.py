"""What can be wrong with the chunks of a store: files that are missing, damaged, or of no array.

The files are listed by the system; what they hold is decoded by Zarr, one at a time.
"""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from math import prod
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from netxr import names as n
from netxr.compat import wait_for
from netxr.errors import one_line
from netxr.recordings.verify_metadata import COPY, MEANT, Problem, Stored
from netxr.store.checksums import sum_of
from netxr.store.metadata import COPY as COPIED
from netxr.store.metadata import documents, read_document, written

Progress = Callable[[int, int], object]

Index = tuple[int, ...]
"""Where a chunk is in the grid of its array."""

DOCUMENTS: Final = frozenset({"zarr.json", ".zarray", ".zattrs"})

CHUNK: Final = re.compile(r"c(?:[/.]\d+)*|\d+(?:\.\d+)*")
"""Names that netxr may give a chunk: some before its values are replaced, others thereafter."""

MOST_LISTED: Final = 100
"""Missing chunks of an array that are listed one by one."""


class Files(NamedTuple):
    """Files in the folder of an array."""

    chunks: frozenset[Index]
    """Which chunks are there."""
    others: list[str]
    """All others, but for those that hold what the chunks held before they were replaced under another name."""


def of_chunks(arrays: Sequence[Stored], folder: Path | None, progress: Progress | None) -> Iterator[Problem]:
    """Yield what is wrong with the chunks of arrays in a folder, or in another kind of store."""
    todo: list[tuple[Stored, int, Iterable[Index]]] = []
    for stored in arrays:
        if folder is None:
            todo.append((stored, prod(_grid(stored)), _all_chunks(stored)))
        else:
            files = _files(stored, folder / stored.path)
            yield from _of_files(stored, files)
            todo.append((stored, len(files.chunks), sorted(files.chunks)))
    total, done = sum(n for _, n, _ in todo), 0
    for stored, _, chunks in todo:
        for index in chunks:
            if folder is None and stored.has_checksums and not _is_there(stored, index):
                yield _missing(stored, index)
            else:
                yield from _of_chunk(stored, index)
            done += 1
            if progress is not None:
                progress(done, total)


def of_places(folder: Path, path: str, arrays: Mapping[str, Stored]) -> Iterator[Problem]:
    """Yield the arrays of a group in a folder whose chunks are sound, but not those that were committed there."""
    known = documents(folder / path) if read_document(folder / path).get(COPIED) else {}
    for name, stored in arrays.items():
        expected = written(known, name)
        if not expected.chunks or sum_of(folder / stored.path, known[name]) == expected.chunks:
            continue
        if written(documents(folder / path), name) == expected:  # else a writer came in between
            wrong = "its chunks are sound, but not those that belong there: some were swapped, copied or written anew"
            yield Problem(stored.path, wrong, f"{COPY} If another program was meant to write them, {MEANT}.")


def _of_files(stored: Stored, files: Files) -> Iterator[Problem]:
    """Yield chunks that are missing, and files that are no chunks."""
    if files.others:
        wrong = f"files that are none of its chunks: {len(files.others)}, such as {files.others[0]}"
        fix = "They are not read: a write that was cut off left them, or one that is under way is to use them."
        yield Problem(stored.path, wrong, fix, harmless=True)
    n_missing = prod(_grid(stored)) - len(files.chunks)
    if not n_missing:
        return
    lost = (index for index in _all_chunks(stored) if index not in files.chunks)
    if not stored.has_checksums:
        yield from _not_written(stored, n_missing, next(lost))
        return
    for index in islice(lost, MOST_LISTED):
        yield _missing(stored, index)
    if n_missing > MOST_LISTED:
        yield Problem(stored.path, f"{n_missing - MOST_LISTED} further chunks are missing", COPY)


def _not_written(stored: Stored, n_missing: int, first: Index) -> Iterator[Problem]:
    """Yield that chunks are missing of an array in which that may be meant: for them, Zarr reads its fill value."""
    is_of_sweep = n.N_NEURONS in stored.sizes  # its chunks are written as cells are finished
    if stored.name == n.ACTIVITY or (n.SCHEMA_VERSION in stored.group and not is_of_sweep):
        unwritten = f"{n_missing} of {prod(_grid(stored))} chunks are not written"
        wrong = f"{unwritten}, and read as {stored.array.fill_value}; the first: {_entries(stored, first)}"
        fix = "They may be lost, or may never have held anything else."
        yield Problem(stored.path, wrong, fix, harmless=stored.name != n.ACTIVITY)


def _missing(stored: Stored, index: Index) -> Problem:
    """Return that a chunk is missing."""
    return Problem(_key(stored, index), f"missing: {_entries(stored, index)}", COPY)


def _is_there(stored: Stored, index: Index) -> bool:
    """Return whether a store that is no folder has a chunk."""
    return bool(wait_for((stored.array.store_path / stored.array.metadata.encode_chunk_key(index)).exists()))


def _of_chunk(stored: Stored, index: Index) -> Iterator[Problem]:
    """Yield that a chunk cannot be read, or is empty."""
    try:
        values: NDArray[Any] = np.asarray(stored.array[_region(stored, index)])
    except Exception as error:  # whatever a damaged chunk makes the codecs stumble over
        yield Problem(_key(stored, index), f"damaged: {_entries(stored, index)} ({one_line(error)})", COPY)
        return
    if stored.name == n.ACTIVITY and values.dtype.kind == "f" and values.size and np.isnan(values).all():
        fix = "Frames may have been left out on purpose."
        yield Problem(_key(stored, index), f"nothing but NaN: {_entries(stored, index)}", fix, harmless=True)


def _files(stored: Stored, folder: Path) -> Files:
    """Return which files there are in the folder of an array."""
    grid = _grid(stored)
    chunks, others = set(), []
    for name in _names_in(folder):
        index = _index(name, len(grid))
        if index is None or any(i >= n for i, n in zip(index, grid, strict=True)):
            others.append(name)
        elif stored.array.metadata.encode_chunk_key(index) == name:
            chunks.add(index)
        else:
            others.append(name)
    in_use = _begin(stored.array.metadata.encode_chunk_key((0,) * len(grid)))
    others = [name for name in others if not (CHUNK.fullmatch(name) and _begin(name) != in_use)]
    return Files(frozenset(chunks), sorted(others))


def _begin(name: str) -> str:
    """Return how names of chunks begin that are alike, numbers as 0."""
    return re.sub(r"\d+", "0", name.partition("/")[0])


def _names_in(folder: Path) -> Iterator[str]:
    """Yield the files in the folder of an array that hold no metadata."""
    for place, _, names in os.walk(folder):
        within = Path(place).relative_to(folder)
        for name in names:
            path = (within / name).as_posix()
            if path not in DOCUMENTS:
                yield path


def _index(name: str, ndim: int) -> Index | None:
    """Return where the chunk of a file is, whatever parts its name; None if it is no chunk's."""
    parts = [part for part in re.split(r"[/.]", name.removeprefix("c")) if part]
    if ndim == 0:
        return () if parts in ([], ["0"]) else None
    return tuple(map(int, parts)) if len(parts) == ndim and all(map(str.isdecimal, parts)) else None


def _grid(stored: Stored) -> Index:
    """Return how many files an array has along each dim."""
    return tuple(-(-n // step) for n, step in zip(stored.array.shape, _steps(stored), strict=True))


def _steps(stored: Stored) -> Index:
    """Return the entries in a file along each dim."""
    return stored.array.shards or stored.array.chunks


def _all_chunks(stored: Stored) -> Iterator[Index]:
    """Yield the chunks that there should be, one after the other: a damaged shape may promise any number of them."""
    grid = _grid(stored)
    return (tuple(map(int, np.unravel_index(k, grid))) for k in range(prod(grid)))


def _region(stored: Stored, index: Index) -> tuple[slice, ...]:
    """Return which entries a chunk holds."""
    ends = zip(index, _steps(stored), stored.array.shape, strict=True)
    return tuple(slice(i * step, min((i + 1) * step, n)) for i, step, n in ends)


def _key(stored: Stored, index: Index) -> str:
    """Return the path of a chunk's file in the store."""
    return f"{stored.path}/{stored.array.metadata.encode_chunk_key(index)}"


def _entries(stored: Stored, index: Index) -> str:
    """Say which entries a chunk holds, by their positions along the dims that chunks split."""
    cut = [
        f"{dim} {part.start}" + (f" to {part.stop - 1}" if part.stop - part.start > 1 else "")
        for (dim, size), part in zip(stored.sizes.items(), _region(stored, index), strict=False)
        if part.stop - part.start < size
    ]
    return ", ".join(cut) or "all of it"
