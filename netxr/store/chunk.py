"""A stored chunk, read and decoded in the thread that asks for it.

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

from netxr.store.files import read_file
from netxr.store.metadata import Document

CODECS: Final = ("bytes", "blosc", "crc32c")
CHECKSUM_BYTES: Final = 4
DECODED_BY: Final = {"_FillValue", "scale_factor", "add_offset"}


def is_plain(document: Document, dtype: np.dtype[Any], encoding: Mapping[str, Any]) -> bool:
    """Return whether the chunks of an array hold values of `dtype` that xarray's `encoding` does not decode."""
    codecs = document.get("codecs", ())
    if tuple(codec["name"] for codec in codecs) != CODECS or DECODED_BY & set(encoding):
        return False
    little = codecs[0].get("configuration", {}).get("endian", "little") == "little"
    return little and dtype.kind in "biufc" and document["data_type"] == dtype.name and dtype.isnative


def read_chunk(path: Path, document: Document) -> NDArray[Any]:
    """Return a whole chunk of a plain array.

    Raises
    ------
    OSError, ValueError, RuntimeError
        If there is no such file, its checksum does not match, or it cannot be decompressed.
    """
    stored = read_file(path)
    compressed, checksum = stored[:-CHECKSUM_BYTES], stored[-CHECKSUM_BYTES:]
    if google_crc32c.value(compressed).to_bytes(CHECKSUM_BYTES, "little") != checksum:
        raise ValueError("its checksum does not match")
    values = np.empty(
        document["chunk_grid"]["configuration"]["chunk_shape"], f"<{np.dtype(document['data_type']).str[1:]}"
    )
    blosc.decompress(compressed, values)
    return values


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
