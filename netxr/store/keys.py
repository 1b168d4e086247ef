"""Names of chunks: which file of an array holds which part of it."""

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Final

from netxr.store.metadata import Document

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


def chunks_to_come(present: Document, later: Document) -> Iterator[str]:
    """Yield the names of the chunks that an array gains when it becomes longer."""
    lengths = present["chunk_grid"]["configuration"]["chunk_shape"]
    for index in product(*(range(-(-size // length)) for size, length in zip(later["shape"], lengths, strict=True))):
        if any(i * length >= size for i, length, size in zip(index, lengths, present["shape"], strict=True)):
            yield chunk_key(present, index)


def _separator(document: Document) -> str:
    """Return the separator of the numbers in the name of a chunk."""
    encoding = document["chunk_key_encoding"]
    usual = "/" if encoding["name"] == "default" else "."
    return str(encoding.get("configuration", {}).get("separator", usual))
