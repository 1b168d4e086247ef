"""Stored arrays as dask arrays: a dask chunk is a stored one, or many tiny ones; a missing or damaged one is said."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import product
from math import prod
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import dask.array as da
import numpy as np
import xarray as xr
from dask.base import tokenize
from numpy.typing import NDArray

from netxr import names as n
from netxr.errors import UnreadableFile
from netxr.store.chunk import is_plain, read_chunk, within
from netxr.store.files import read_file
from netxr.store.keys import chunk_key
from netxr.store.metadata import DOCUMENT, Document, documents, holds_all, written

ALL_CHUNKS_ARE_THERE = "crc32c"
"""An array with this codec was written by netxr, which writes every chunk of it."""

MOST_BLOCKS: Final = 2**12
"""Most tasks for an array whose chunks are tiny."""

TINY: Final = 2**15
"""Bytes of a chunk that takes longer to plan than to read."""


def lazily(
    dataset: xr.Dataset, place: str, *, folder: Path | None = None, known: Mapping[str, Document] | None = None
) -> xr.Dataset:
    """Return a dataset that xarray opened without dask, with its chunks as dask chunks, tiny ones together.

    Errors call the store `place`. Where it is a `folder`, `known` is the metadata of the group and its arrays, by name.
    """
    lazy = {}
    for name, variable in dataset.variables.items():
        stored = _StoredArray(variable, place, str(name), folder, known or {})
        if name in dataset.xindexes or not variable.ndim:
            stored.check_files((slice(None),) * variable.ndim)  # xarray has read these
            continue
        chunks = variable.encoding.get("preferred_chunks", {})
        shape = [min(chunks.get(dim, size), size) or 1 for dim, size in variable.sizes.items()]
        array = da.from_array(  # type: ignore[no-untyped-call]
            stored,
            chunks=_blocks(shape, variable),
            name=_token(stored),
            meta=np.empty((0,) * variable.ndim, stored.dtype),
        )
        lazy[name] = variable.copy(data=array)
    return dataset.assign(lazy)


def _blocks(chunk: Sequence[int], variable: xr.Variable) -> tuple[int, ...]:
    """Return the shape of dask's blocks: a stored chunk, or many together if they are many and tiny.

    A task takes about 1 kB; a million tasks for single samples would take a hundred times as much as the samples.
    """
    lengths = list(chunk)
    numbers = [-(-size // length) for size, length in zip(variable.shape, lengths, strict=True)]
    if prod(numbers) <= MOST_BLOCKS:
        return tuple(lengths)
    while prod(lengths) * variable.dtype.itemsize < TINY and max(numbers) > 1:
        axis = numbers.index(max(numbers))
        lengths[axis] = min(2 * lengths[axis], variable.shape[axis])
        numbers[axis] = -(-variable.shape[axis] // lengths[axis])
    return tuple(lengths)


class _StoredArray:
    """What dask slices: a stored array whose errors name the store, the array and the chunk."""

    def __init__(
        self, variable: xr.Variable, place: str, name: str, folder: Path | None, known: Mapping[str, Document]
    ) -> None:
        self.variable, self.place, self.name, self.folder = variable, place, name, folder
        self.document, self.written = known.get(name), written(known, name)
        self.is_complete = self.document is not None and _is_complete(self.document)
        self.checked: tuple[bytes, ...] = ()
        self.shape, self.ndim = variable.shape, variable.ndim
        # JSON holds scales in double precision, so xarray takes codes of float32 samples for float64.
        self.dtype = np.dtype(variable.attrs.get(n.COMPACT_DTYPE, variable.dtype))
        self.is_plain = self.document is not None and is_plain(self.document, self.dtype, variable.encoding)

    def __getitem__(self, part: Any) -> NDArray[Any]:
        """Return a part as an array in memory."""
        try:
            values = self._read(part)
        except Exception as error:  # codecs raise anything on a damaged chunk
            with suppress(OSError):  # the folder may be unreadable too
                self._check_there(part)
            raise UnreadableFile(
                self.place,
                f"{self.name}[{_shown(part)}] cannot be read ({type(error).__name__}: {error})",
                fix="netxr verify lists every damaged chunk; put back a copy of the store.",
            ) from error
        self._check_there(part)
        return values

    def _read(self, part: Any) -> NDArray[Any]:
        """Return a part without checking that it is all there, read in this thread if it lies in one plain chunk."""
        if self.folder is not None and self.document is not None and self.is_plain:
            indices = list(chunks_of(self.document, part))
            if len(indices) == 1:
                chunk = read_chunk(self.folder / self.name / chunk_key(self.document, indices[0]), self.document)
                return within(chunk, indices[0], part)
        return np.asarray(self.variable[part].values, dtype=self.dtype)

    def _check_there(self, part: Any) -> None:
        """Raise if a chunk is missing, or if values were replaced since."""
        if self.folder is None:
            return
        if not self.folder.exists():
            raise self._gone()
        if self.document is not None:
            try:
                self._check_not_replaced(self.folder, self.document)
            except FileNotFoundError as error:  # it went a moment after it was looked for
                raise self._gone() from error
        self.check_files(part)

    def _gone(self) -> UnreadableFile:
        """Return the error about a store that is no longer there."""
        return UnreadableFile(self.place, "it went away while it was read", fix="Put it back, and run again.")

    def check_files(self, part: Any) -> None:
        """Raise if a chunk is missing, or no file: Zarr reads it as NaN, zero or empty text."""
        if self.folder is None or self.document is None:
            return
        for index in chunks_of(self.document, part) if self.is_complete else ():
            chunk = self.folder / self.name / chunk_key(self.document, index)
            if not chunk.is_file():
                wrong = "no file, but a folder" if chunk.is_dir() else "missing"
                fix = "Put it back from a copy of the store; netxr verify lists all that are missing."
                raise UnreadableFile(self.place, f"chunk {chunk.relative_to(self.folder)} is {wrong}", fix=fix)

    def _check_not_replaced(self, folder: Path, document: Document) -> None:
        """Raise if the chunks that were read may hold other values than when the store was opened."""
        now = self._bytes_that_count(folder)
        if now == self.checked:  # they are the same documents, which are not looked at again
            return
        known = documents(folder)
        if self.name not in known:  # the rest of its folder goes as well
            raise self._gone()
        commits = written(known, self.name)
        if commits.last:
            replaced = self.written.values not in (commits.values, commits.kept)
        else:  # other programs name no commits
            replaced = not holds_all(known[self.name], document)
        if replaced:
            reason = f"{self.name} was replaced after the store was opened"
            raise UnreadableFile(self.place, reason, fix="Open it again.")
        self.checked = now

    def _bytes_that_count(self, folder: Path) -> tuple[bytes, ...]:
        """Return the documents that say what the array is: that of the group, and its own where netxr made no copy."""
        root, own = read_file(folder / DOCUMENT), folder / self.name / DOCUMENT
        return (root,) if self.written.last or not own.exists() else (root, read_file(own))


def chunks_of(document: Document, part: Any) -> Iterator[tuple[int, ...]]:
    """Yield which chunks hold a part of an array, given as a slice for each of its axes."""
    lengths = document["chunk_grid"]["configuration"]["chunk_shape"]
    ranges = []
    for each, size, length in zip(part, document["shape"], lengths, strict=True):
        start, stop, _ = each.indices(size) if isinstance(each, slice) else (int(each), int(each) + 1, 1)
        ranges.append(range(start // length, -(-stop // length)))
    return product(*ranges)


def _is_complete(document: Document) -> bool:
    """Return whether every chunk of an array was written."""
    return any(codec["name"] == ALL_CHUNKS_ARE_THERE for codec in document.get("codecs", ()))


def _token(stored: _StoredArray) -> str:
    """Return the same name for the same committed state of an array, else a new one."""
    if stored.document is None or not stored.written.values:
        return f"open-{stored.name}-{uuid4().hex}"
    state = tokenize(str(stored.folder), stored.name, stored.written[:2], stored.document)
    return f"open-{stored.name}-{state}"


def _shown(part: Any) -> str:
    """Return a part of an array as text."""
    return ", ".join(f"{each.start}:{each.stop}" if isinstance(each, slice) else str(each) for each in part)
