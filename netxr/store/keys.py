"""Names of chunks: which file of an array holds which part of it."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Final

from netxr.store.metadata import Document

Index = tuple[int, ...]

Terms = Mapping[str, Mapping[Index, int]]
"""What chunks add to the sums of their arrays, by the names of those."""

NO_TERMS: Final[Terms] = {}

KEYS: Final = (("default", "/"), ("default", "."), ("v2", "."))
"""Names that chunks have in turn: those that are in use, those before, for whoever still reads them, and free ones."""


def under_new_keys(document: Document) -> Document:
    """Return metadata that give chunks other names, so that all values can be replaced in one commit."""
    return _under_keys(document, 1)


def under_old_keys(document: Document) -> Document:
    """Return metadata that give chunks the names that they had before the last replacement, if the dims are as many."""
    return _under_keys(document, -1)


def _under_keys(document: Document, step: int) -> Document:
    """Return metadata with the names of chunks that are some steps on."""
    present, separator = document["chunk_key_encoding"]["name"], _separator(document)
    if document["shape"]:
        number = 2 if present == "v2" else "/.".index(separator)
        name, separator = KEYS[(number + step) % len(KEYS)]
    else:  # the chunk of a single value has no separator in its name
        name, separator = ("v2" if present == "default" else "default"), "/"
    return document | {"chunk_key_encoding": {"name": name, "configuration": {"separator": separator}}}


def chunk_lengths(document: Document) -> list[int]:
    """Return the entries in a chunk along each dim."""
    lengths: list[int] = document["chunk_grid"]["configuration"]["chunk_shape"]
    return lengths


def chunk_key(document: Document, index: Sequence[int]) -> str:
    """Return the name of the file of a chunk, within the folder of its array."""
    prefix = ["c"] if document["chunk_key_encoding"]["name"] == "default" else []
    return _separator(document).join([*prefix, *map(str, index)]) or "0"


def grid(document: Document) -> Iterator[Index]:
    """Yield where the chunks of an array are."""
    sizes = zip(document["shape"], chunk_lengths(document), strict=True)
    return product(*(range(-(-size // length)) for size, length in sizes))


def grown_chunks(present: Document, later: Document) -> Iterator[Index]:
    """Yield where the chunks are that hold more once an array is longer along some dims."""
    sizes = list(zip(present["shape"], later["shape"], chunk_lengths(later), strict=True))
    for axis, (old, new, length) in enumerate(sizes):
        if new > old:
            ranges = [range(-(-size // each)) for _, size, each in sizes]
            ranges[axis] = range(old // length, -(-new // length))
            yield from product(*ranges)


def chunks_to_come(present: Document, later: Document) -> Iterator[str]:
    """Yield the names of the chunks that an array gains when it becomes longer."""
    return (chunk_key(present, index) for index in grown_chunks(present, later) if is_beyond(present, index))


def is_within(document: Document, index: Index) -> bool:
    """Return whether no part of a chunk is beyond the end of the array."""
    sizes = zip(index, chunk_lengths(document), document["shape"], strict=True)
    return all((i + 1) * length <= size for i, length, size in sizes)


def is_beyond(document: Document, index: Index) -> bool:
    """Return whether all of a chunk is beyond the end of the array."""
    sizes = zip(index, chunk_lengths(document), document["shape"], strict=True)
    return any(i * length >= size for i, length, size in sizes)


def _separator(document: Document) -> str:
    """Return the separator of the numbers in the name of a chunk."""
    encoding = document["chunk_key_encoding"]
    usual = "/" if encoding["name"] == "default" else "."
    return str(encoding.get("configuration", {}).get("separator", usual))
