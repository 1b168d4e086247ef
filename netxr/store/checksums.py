"""Which chunk belongs where: a sum over an array that every chunk changes, by what it holds and by its place.

A checksum in a chunk says whether it is damaged, not whether it is another's. A commit adds to the sum for the chunks
that it wrote: the checksum of one that lies within the array; of one that reaches beyond, that of the values within.
"""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache, partial
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import google_crc32c
from numpy.typing import NDArray

from netxr.store.chunk import CHECKSUM_BYTES, decoded, has_checksums
from netxr.store.keys import Index, chunk_key, chunk_lengths, grid, grown_chunks, is_beyond, is_within
from netxr.store.metadata import Document, read_document

DIGEST_BYTES: Final = 8
MODULUS: Final = 2 ** (8 * DIGEST_BYTES)

ENOUGH: Final = 2**16
"""Values by which a chunk that reaches beyond the array is told from others."""


def sum_of(array: Path, document: Document, terms: Mapping[Index, int] = {}) -> str:
    """Return the sum over all chunks of an array, as text; none for an array without checksums.

    Chunks of which it is not among the `terms` what they add are read.
    """
    if not has_checksums(document):
        return ""
    every = ((index, partial(decoded, array, document, index)) for index in grid(document))
    return _as_text(sum(terms[i] if i in terms else term(array, document, i, chunk) for i, chunk in every))


def sum_after(array: Path, before: Document, present: str, document: Document, terms: Mapping[Index, int]) -> str:
    """Return the sum over an array that has become longer, from that of `before` and what new chunks add to it.

    Chunks of which that is not among the `terms` are read.
    """
    if not present:
        return ""
    total = int(present, 16)
    for index in grown_chunks(before, document):
        if index in terms:
            total += terms[index]
            continue
        chunk = cache(partial(decoded, array, document, index))  # of one that was filled up, both parts are needed
        total += term(array, document, index, chunk)
        if not is_beyond(before, index):
            total -= term(array, before, index, chunk)
    return _as_text(total)


def terms_at_end(array: Path, values: NDArray[Any]) -> dict[Index, int]:
    """Return what chunks that reach beyond the end of an array add to its sum, of which `values` are all."""
    document = read_document(array)
    beyond = [index for index in grid(document) if not is_within(document, index)]
    regions = {
        i: tuple(slice(k * n, (k + 1) * n) for k, n in zip(i, chunk_lengths(document), strict=True)) for i in beyond
    }
    return {index: term(array, document, index, partial(values.__getitem__, regions[index])) for index in beyond}


def term(array: Path, document: Document, index: Index, chunk: Callable[[], NDArray[Any]]) -> int:
    """Return what one chunk, as it is decoded, adds to the sum; nothing if it is missing."""
    with suppress(FileNotFoundError):
        within = is_within(document, index)
        held = _checksum(array / chunk_key(document, index)) if within else _crc(_part(chunk(), document, index))
        return int.from_bytes(blake2b(f"{index} {held.hex()}".encode(), digest_size=DIGEST_BYTES).digest())
    return 0


def _checksum(chunk: Path) -> bytes:
    """Return the last bytes of a chunk."""
    with chunk.open("rb") as file:
        file.seek(-CHECKSUM_BYTES, 2)
        return file.read()


def _part(chunk: NDArray[Any], document: Document, index: Index) -> NDArray[Any]:
    """Return values of a chunk that are within the array: all of them, or some of very many."""
    sizes = zip(index, chunk_lengths(document), document["shape"], strict=True)
    part = chunk[tuple(slice(size - i * length) for i, length, size in sizes)]
    some: NDArray[Any] = part[:: max(1, min(len(part), part.size // ENOUGH))]
    return some.reshape(-1)[:: max(1, some.size // ENOUGH)]


def _crc(values: NDArray[Any]) -> bytes:
    """Return a checksum of values."""
    plain = json.dumps(values.tolist()).encode() if values.dtype.kind in "OUT" else values.tobytes()
    return int(google_crc32c.value(plain)).to_bytes(CHECKSUM_BYTES)


def _as_text(total: int) -> str:
    """Return a sum as hexadecimal digits."""
    return f"{total % MODULUS:0{2 * DIGEST_BYTES}x}"
