"""A stored chunk, read, checked and decoded in the thread that asks for it.

zarr-python sends every read through one event loop, so threads that read at the same time wait for each other. A chunk
that netxr wrote is a file, compressed by Blosc, with a checksum at its end: it can be read directly.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import google_crc32c
import numpy as np
from numcodecs import blosc
from numpy.typing import NDArray
from zarr.storage import LocalStore, StorePath

from netxr.compat import array_of_all_chunks
from netxr.store.files import read_file
from netxr.store.keys import Index, chunk_key, chunk_lengths
from netxr.store.metadata import Document

CODECS: Final = ("bytes", "blosc", "crc32c")
CHECKSUM_BYTES: Final = 4
WITH_ITS_CHECKSUM: Final = 0x48674BC7
"""The checksum of any bytes behind which their own checksum stands, the lowest byte first."""

DECODED_BY: Final = {"_FillValue", "scale_factor", "add_offset"}


def is_plain(document: Document, dtype: np.dtype[Any], encoding: Mapping[str, Any]) -> bool:
    """Return whether the chunks of an array hold values of `dtype` that xarray's `encoding` does not decode."""
    if _codecs(document) != CODECS or DECODED_BY & set(encoding):
        return False
    little = document["codecs"][0].get("configuration", {}).get("endian", "little") == "little"
    return little and dtype.kind in "biufc" and document["data_type"] == dtype.name and dtype.isnative


def read_chunk(path: Path, document: Document) -> NDArray[Any]:
    """Return a whole chunk of a plain array.

    Raises OSError, ValueError, RuntimeError if there is no such file, its checksum does not match, or it cannot be
    decompressed.
    """
    values = np.empty(chunk_lengths(document), f"<{np.dtype(document['data_type']).str[1:]}")
    blosc.decompress(_checked(path), values)
    return values


def check_chunk(array: Path, document: Document, index: Index) -> None:
    """Raise what `read_chunk` would about a chunk of any array; one with a checksum is not decoded."""
    if has_checksums(document):
        _checked(array / chunk_key(document, index))
    else:
        decoded(array, document, index)


def has_checksums(document: Document) -> bool:
    """Return whether every chunk ends in its checksum."""
    return _codecs(document)[-1:] == CODECS[-1:]


def decoded(array: Path, document: Document, index: Index) -> NDArray[Any]:
    """Return the values of a chunk of any array, at least those within the array."""
    if _codecs(document) == CODECS and is_plain(document, np.dtype(document["data_type"]), {}):
        return read_chunk(array / chunk_key(document, index), document)
    region = tuple(slice(i * n, (i + 1) * n) for i, n in zip(index, chunk_lengths(document), strict=True))
    stored = array_of_all_chunks(document, StorePath(LocalStore(array.parent, read_only=True), array.name))
    return np.asarray(stored[region])


def _checked(path: Path) -> memoryview:
    """Return what is in a chunk before the checksum at its end, which matches; nothing is copied."""
    stored = read_file(path)
    if google_crc32c.value(stored) != WITH_ITS_CHECKSUM:
        raise ValueError("its checksum does not match")
    return memoryview(stored)[:-CHECKSUM_BYTES]


def _codecs(document: Document) -> tuple[str, ...]:
    """Return the names of an array's codecs."""
    return tuple(codec["name"] for codec in document.get("codecs", ()))


def within(chunk: NDArray[Any], index: tuple[int, ...], part: Any) -> NDArray[Any]:
    """Return a part of an array, given as a slice or number for each of its axes, from the one chunk that holds it.

    Examples
    --------
    >>> within(np.arange(4.0), (2,), (slice(9, 11),)).tolist()
    [1.0, 2.0]
    """
    starts = (i * length for i, length in zip(index, chunk.shape, strict=True))
    inside = tuple(
        slice(each.start - first, each.stop - first, each.step) if isinstance(each, slice) else each - first
        for each, first in zip(part, starts, strict=True)
    )
    values: NDArray[Any] = chunk[inside]
    return values if values.size == chunk.size else values.copy()
