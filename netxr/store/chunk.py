"""A stored chunk, read and decoded in the thread that asks for it.

zarr-python sends every read through one event loop, so that threads which read side by side wait for each other. What
netxr wrote, it can read without: a chunk is a file, compressed by Blosc, with a checksum at its end.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import google_crc32c
import numpy as np
from numcodecs import blosc
from numpy.typing import NDArray

from netxr.store.metadata import Document

CODECS: Final = ("bytes", "blosc", "crc32c")
CHECKSUM_BYTES: Final = 4
DECODED_BY: Final = {"_FillValue", "scale_factor", "add_offset"}


def is_plain(document: Document, dtype: np.dtype[Any], encoding: Mapping[str, Any]) -> bool:
    """Return whether the chunks of an array hold its values as they are read.

    Parameters
    ----------
    document : mapping
        Its metadata.
    dtype : dtype
        Type of the values that a reader gets.
    encoding : mapping
        What xarray decodes them by.
    """
    codecs = document.get("codecs", ())
    if tuple(codec["name"] for codec in codecs) != CODECS or DECODED_BY & set(encoding):
        return False
    little = codecs[0].get("configuration", {}).get("endian", "little") == "little"
    return little and dtype.kind in "biufc" and document["data_type"] == dtype.name and dtype.isnative


def read_chunk(path: Path, document: Document) -> NDArray[Any]:
    """Return a whole chunk of a plain array.

    Raises
    ------
    OSError
        If there is no such file.
    ValueError
        If its checksum does not match.
    RuntimeError
        If it cannot be decompressed.
    """
    stored = path.read_bytes()
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
    inside: list[Any] = []
    for each, i, length in zip(part, index, chunk.shape, strict=True):
        start = i * length
        inside.append(
            slice(each.start - start, each.stop - start, each.step) if isinstance(each, slice) else each - start
        )
    values: NDArray[Any] = chunk[tuple(inside)]
    return values if values.size == chunk.size else values.copy()
