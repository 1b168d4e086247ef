"""Metadata documents of Zarr version 3: what each has to say before anything is read or written by it."""

import json
from collections.abc import Iterator, Sequence
from itertools import product
from math import prod
from pathlib import Path
from typing import Any, Final

from netxr.errors import UnreadableFile

DOCUMENT: Final = "zarr.json"
"""Metadata of a Zarr group or array."""

DIMS_V2: Final = "_ARRAY_DIMENSIONS"
"""The attribute in which xarray keeps the dims of an array of Zarr version 2."""

MOST: Final = 2**56
"""Entries of an array beyond which its shape is taken for damaged."""

NEEDED: Final = ("data_type", "chunk_grid", "chunk_key_encoding", "fill_value", "codecs")
"""What an array says beside its shape; of one that does not, Zarr reads the group as if it had no such array."""

Document = dict[str, Any]


def read_document(folder: Path) -> Document:
    """Return the document of a group or an array.

    Raises
    ------
    UnreadableFile
        If it cannot be read, is no JSON, or describes neither.
    FileNotFoundError
        If there is none.
    """
    file = folder / DOCUMENT
    try:
        document = json.loads(file.read_bytes())
    except FileNotFoundError:
        raise
    except OSError as error:
        raise UnreadableFile(file, f"it cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise _damaged(file, f"no JSON: {error}") from error
    if wrong := wrong_in(document):
        raise _damaged(file, wrong)
    found: Document = document
    return found


def copies_in(root: Document, folder: Path) -> dict[str, Document]:
    """Return the copy of the documents of its arrays that the root of a store carries, by name.

    Raises
    ------
    UnreadableFile
        If it is damaged, or names anything that is no member of the group.
    """
    copy = root["consolidated_metadata"]
    known = copy.get("metadata") if isinstance(copy, dict) else None
    if not isinstance(known, dict):
        raise _damaged(folder / DOCUMENT, "its copy of the metadata is no JSON object")
    for name, document in known.items():
        wrong = "no name of a member" if not name or set(name) & set("/\\") or name[0] == "." else wrong_in(document)
        if wrong:
            raise _damaged(folder / DOCUMENT, f"in its copy of the metadata, {name!r}: {wrong}")
    return known


def wrong_in(document: object) -> str:
    """Return what is wrong with a document, nothing where it can be used."""
    if not isinstance(document, dict) or document.get("node_type") not in ("group", "array"):
        return "its metadata are neither of a Zarr group nor of an array"
    attrs = document.get("attributes", {})
    if not isinstance(attrs, dict):
        return "its attributes are no JSON object"
    if document["node_type"] == "group":
        return ""
    shape = document.get("shape")
    if not isinstance(shape, list) or not _are_whole(shape, 0) or prod(shape) > MOST:
        return f"its shape is {shape!r:.80}"
    names = document.get("dimension_names") or attrs.get(DIMS_V2) or [None] * len(shape)
    if not isinstance(names, list) or len(names) != len(shape):
        return f"its names of dims are {names!r:.80}, its shape {shape!r:.80}"
    return _wrong_in_chunks(document, len(shape)) if document.get("zarr_format") == 3 else ""


def _wrong_in_chunks(document: Document, n_dims: int) -> str:
    """Return what is wrong with how an array of version 3 is said to lie in chunks."""
    missing = [key for key in NEEDED if key not in document]
    if missing:
        return f"its metadata lack {', '.join(missing)}"
    grid, encoding = document["chunk_grid"], document["chunk_key_encoding"]
    if not isinstance(encoding, dict) or "name" not in encoding:
        return f"its names of chunks are {encoding!r:.80}"
    if not isinstance(grid, dict) or not isinstance(grid.get("configuration"), dict):
        return f"its chunks are {grid!r:.80}"
    lengths = grid["configuration"].get("chunk_shape")
    whole = isinstance(lengths, list) and len(lengths) == n_dims and _are_whole(lengths, 1) and prod(lengths) <= MOST
    if grid.get("name") == "regular" and not whole:
        return f"its chunks are of shape {lengths!r:.80}"
    return ""


def _are_whole(numbers: list[Any], least: int) -> bool:
    """Return whether these are whole numbers, `least` or above."""
    return all(type(n) is int and n >= least for n in numbers)


def _damaged(file: Path, wrong: str) -> UnreadableFile:
    """Return the error about a damaged document."""
    fix = "Put back a copy of it; netxr verify lists what is damaged."
    return UnreadableFile(file, f"its metadata are damaged ({wrong})", fix=fix)


def sizes(document: Document) -> dict[str, int]:
    """Return the dims of an array with their sizes."""
    return dict(zip(document["dimension_names"] or (), document["shape"], strict=True))


def grown(document: Document, dim: str, size: int) -> Document:
    """Return the metadata of an array as it will be with `size` entries along `dim`."""
    return document | {"shape": [size if each == dim else n for each, n in sizes(document).items()]}


def under_new_keys(document: Document) -> Document:
    """Return metadata whose chunks have other names, so that all values can be replaced in one commit."""
    present = document["chunk_key_encoding"]
    if document["shape"]:
        other = {"name": "default", "configuration": {"separator": "." if _separator(document) == "/" else "/"}}
    else:  # the one chunk of a single value has the same name under either separator
        other = {"name": "v2" if present["name"] == "default" else "default", "configuration": {"separator": "/"}}
    return document | {"chunk_key_encoding": other}


def chunk_key(document: Document, index: Sequence[int]) -> str:
    """Return the name of the file of a chunk, within the folder of its array."""
    prefix = ["c"] if document["chunk_key_encoding"]["name"] == "default" else []
    return _separator(document).join([*prefix, *map(str, index)]) or "0"


def chunks_to_come(present: Document, later: Document) -> Iterator[str]:
    """Yield the names of the chunks that an array has once it has grown, and has not yet."""
    lengths = present["chunk_grid"]["configuration"]["chunk_shape"]
    for index in product(*(range(-(-size // length)) for size, length in zip(later["shape"], lengths, strict=True))):
        if any(i * length >= size for i, length, size in zip(index, lengths, present["shape"], strict=True)):
            yield chunk_key(present, index)


def _separator(document: Document) -> str:
    """Return what parts the numbers in the name of a chunk."""
    encoding = document["chunk_key_encoding"]
    usual = "/" if encoding["name"] == "default" else "."
    return str(encoding.get("configuration", {}).get("separator", usual))
