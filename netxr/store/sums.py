"""Which chunk belongs where: a sum over an array that every chunk changes, by what it holds and by its place.

A checksum in a chunk says whether it is damaged, not whether it is another's. A commit adds to the sum for the chunks
that it wrote: the checksum of one that lies within the array; of one that reaches beyond, that of the values within.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import cache, partial
from hashlib import blake2b
from itertools import product
from pathlib import Path
from typing import Any, Final

import google_crc32c
import numpy as np
from numpy.typing import NDArray
from zarr.storage import LocalStore, StorePath

from netxr.compat import array_of_all_chunks
from netxr.store.chunk import CHECKSUM_BYTES, CODECS, is_plain, read_chunk
from netxr.store.keys import chunk_key, chunk_lengths
from netxr.store.metadata import Document

DIGEST_BYTES: Final = 8
MODULUS: Final = 2 ** (8 * DIGEST_BYTES)

ENOUGH: Final = 2**16
"""Values by which a chunk that reaches beyond the array is told from others."""

Index = tuple[int, ...]


def sum_of(array: Path, document: Document) -> str:
    """Return the sum over all chunks of an array, as text; none for an array without checksums."""
    if not _has_checksums(document):
        return ""
    every = ((index, partial(_decoded, array, document, index)) for index in _grid(document))
    return _as_text(sum(_term(array, document, index, chunk) for index, chunk in every))


def sum_after(array: Path, before: Document, present: str, document: Document) -> str:
    """Return the sum over an array that has become longer, from that of `before` and the chunks that are new."""
    if not present:
        return ""
    total = int(present, 16)
    for index in _grown(before, document):
        chunk = cache(partial(_decoded, array, document, index))  # of one that was filled up, both parts are needed
        total += _term(array, document, index, chunk)
        if not _is_beyond(before, index):
            total -= _term(array, before, index, chunk)
    return _as_text(total)


def _grown(before: Document, document: Document) -> Iterator[Index]:
    """Yield the chunks that hold more than before, of an array that is longer along some dims."""
    sizes = list(zip(before["shape"], document["shape"], chunk_lengths(document), strict=True))
    for axis, (old, new, length) in enumerate(sizes):
        if new > old:
            ranges = [range(-(-size // each)) for _, size, each in sizes]
            ranges[axis] = range(old // length, -(-new // length))
            yield from product(*ranges)


def _has_checksums(document: Document) -> bool:
    """Return whether every chunk ends in its checksum."""
    return bool(document["codecs"]) and document["codecs"][-1]["name"] == CODECS[-1]


def _grid(document: Document) -> Iterator[Index]:
    """Yield where the chunks of an array are."""
    sizes = zip(document["shape"], chunk_lengths(document), strict=True)
    return product(*(range(-(-size // length)) for size, length in sizes))


def _is_within(document: Document, index: Index) -> bool:
    """Return whether no part of a chunk is beyond the end of the array."""
    sizes = zip(index, chunk_lengths(document), document["shape"], strict=True)
    return all((i + 1) * length <= size for i, length, size in sizes)


def _is_beyond(document: Document, index: Index) -> bool:
    """Return whether all of a chunk is beyond the end of the array."""
    sizes = zip(index, chunk_lengths(document), document["shape"], strict=True)
    return any(i * length >= size for i, length, size in sizes)


def _term(array: Path, document: Document, index: Index, chunk: Callable[[], NDArray[Any]]) -> int:
    """Return what one chunk, as it is decoded, adds to the sum; nothing if it is missing."""
    with suppress(FileNotFoundError):
        within = _is_within(document, index)
        held = _checksum(array / chunk_key(document, index)) if within else _crc(_part(chunk(), document, index))
        return int.from_bytes(blake2b(f"{index} {held.hex()}".encode(), digest_size=DIGEST_BYTES).digest())
    return 0


def _checksum(chunk: Path) -> bytes:
    """Return the last bytes of a chunk."""
    with chunk.open("rb") as file:
        file.seek(-CHECKSUM_BYTES, 2)
        return file.read()


def _decoded(array: Path, document: Document, index: Index) -> NDArray[Any]:
    """Return the values of a chunk, at least those within the array."""
    if _codecs(document) == CODECS and is_plain(document, np.dtype(document["data_type"]), {}):
        return read_chunk(array / chunk_key(document, index), document)
    region = tuple(slice(i * n, (i + 1) * n) for i, n in zip(index, chunk_lengths(document), strict=True))
    stored = array_of_all_chunks(document, StorePath(LocalStore(array.parent, read_only=True), array.name))
    return np.asarray(stored[region])


def _part(chunk: NDArray[Any], document: Document, index: Index) -> NDArray[Any]:
    """Return values of a chunk that are within the array: all of them, or some of very many."""
    sizes = zip(index, chunk_lengths(document), document["shape"], strict=True)
    part = chunk[tuple(slice(size - i * length) for i, length, size in sizes)]
    some: NDArray[Any] = part[:: max(1, min(len(part), part.size // ENOUGH))]
    return some.reshape(-1)[:: max(1, some.size // ENOUGH)]


def _codecs(document: Document) -> Sequence[str]:
    """Return the names of an array's codecs."""
    return tuple(codec["name"] for codec in document["codecs"])


def _crc(values: NDArray[Any]) -> bytes:
    """Return a checksum of values."""
    plain = json.dumps(values.tolist()).encode() if values.dtype.kind in "OUT" else values.tobytes()
    return int(google_crc32c.value(plain)).to_bytes(CHECKSUM_BYTES)


def _as_text(total: int) -> str:
    """Return a sum as hexadecimal digits."""
    return f"{total % MODULUS:0{2 * DIGEST_BYTES}x}"
