"""Stored arrays that are new or become longer: a chunk is decoded at most once, and is summed as it is written."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netxr.errors import UnreadableFile
from netxr.store.checksums import term
from netxr.store.chunk import check_chunk, is_plain, read_chunk
from netxr.store.commits import array_to_be
from netxr.store.keys import Index, chunk_key, chunk_lengths, grown_chunks, is_beyond
from netxr.store.metadata import Document


class GrowingArray:
    """What is written to an array that will be longer by `document` than `before`, by the metadata that count, or new.

    Raises UnreadableFile if a chunk that will be filled up is damaged, or missing, which Zarr would take for empty.

    Attributes
    ----------
    chunks : tuple of int
        Entries in a chunk along each dim.
    terms : dict
        What chunks that were written, by their places, add to the sum of the array. Writers in other processes keep
        theirs to themselves.
    """

    def __init__(self, folder: Path, name: str, before: Document | None, document: Document) -> None:
        nothing = document | {"shape": [0] * len(document["shape"])}
        self.folder, self.before, self.document = folder / name, before or nothing, document
        self.array = array_to_be(folder, name, document)
        self.chunks = self.array.chunks
        self.is_plain = is_plain(document, self.array.dtype, {})
        self.terms: dict[Index, int] = {}
        for index in grown_chunks(before, document) if before else ():
            if not is_beyond(self.before, index):
                self._check(folder, index)

    def __setitem__(self, part: Any, values: Any) -> None:
        """Write values to a part of the array."""
        index = self._chunk_of(part, values)
        if index is None:
            self.array[part] = values
            return
        whole, old = np.asarray(values, dtype=self.array.dtype), 0
        if not is_beyond(self.before, index):
            held = read_chunk(self.folder / chunk_key(self.document, index), self.document)
            old = term(self.folder, self.before, index, lambda: held)
            whole = self._filled_up(held, index, part, whole)
        self.array[self._region(index)] = whole
        self.terms[index] = term(self.folder, self.document, index, lambda: whole) - old

    def _check(self, folder: Path, index: Index) -> None:
        """Raise if a chunk is missing or damaged."""
        try:
            check_chunk(self.folder, self.before, index)
        except Exception as error:  # codecs raise anything on a damaged chunk
            gone = isinstance(error, FileNotFoundError)
            wrong = "is missing" if gone else f"cannot be read ({type(error).__name__}: {error})"
            fix = "Put it back from a copy of the store; netxr verify lists all that are missing or damaged."
            where = f"chunk {self.folder.name}/{chunk_key(self.before, index)}"
            raise UnreadableFile(folder, f"{where} {wrong}", fix=fix) from error

    def _chunk_of(self, part: Any, values: Any) -> Index | None:
        """Return the chunk of which a part is all that is new, if it is numbers as they are stored."""
        slices = isinstance(part, tuple) and all(isinstance(each, slice) and each.step is None for each in part)
        if not (self.is_plain and slices and part and isinstance(values, np.ndarray)):
            return None
        index = tuple(each.start // length for each, length in zip(part, self.chunks, strict=True))
        new = zip(self._region(index), self.before["shape"], self.document["shape"], strict=True)
        expected = tuple(slice(max(each.start, old) if n > old else each.start, each.stop) for each, old, n in new)
        return index if part == expected else None

    def _region(self, index: Index) -> tuple[slice, ...]:
        """Return which entries of the array a chunk holds."""
        ends = zip(index, chunk_lengths(self.document), self.document["shape"], strict=True)
        return tuple(slice(i * length, min((i + 1) * length, n)) for i, length, n in ends)

    def _filled_up(self, held: NDArray[Any], index: Index, part: Any, values: NDArray[Any]) -> NDArray[Any]:
        """Return all entries of a chunk, of which it holds the first already."""
        region = self._region(index)
        whole: NDArray[Any] = held[tuple(slice(each.stop - each.start) for each in region)]
        ends = zip(part, region, strict=True)
        whole[tuple(slice(each.start - all_.start, each.stop - all_.start) for each, all_ in ends)] = values
        return whole
