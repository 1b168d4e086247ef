"""What a Zarr store says of itself: its metadata documents, read without opening an array.

On a local disk the documents are read as JSON, which takes tens of microseconds each; a damaged one is described as
such beside its neighbours.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping
from math import prod
from pathlib import Path
from typing import Any, Final, NamedTuple

import zarr
from zarr.abc.store import Store

from netxr.errors import NetxrError, UnreadableFile
from netxr.schema.arguments import check_path
from netxr.store.files import read_file
from netxr.store.metadata import DIMS_V2, DOCUMENT, MOST_BYTES, PLACEHOLDER, ROOT, arrays_in, too_many_labels, wrong_in
from netxr.store.remote import is_url, store_of, without_scheme
from netxr.store.versions import is_repository

BITS: Final = re.compile(r"(?:u?int|float|complex)(\d+)")
BYTES_V2: Final = re.compile(r"[<>|][a-zA-Z](\d+)")

Json = dict[str, Any]


class Node(NamedTuple):
    """A group or an array as its metadata describe it."""

    attrs: Mapping[str, Any] = {}
    sizes: Mapping[str, int] | None = None
    """Dims of an array with their sizes; None for a group."""
    nbytes: int = 0
    """What the numbers of an array take in memory; text and groups count nothing."""
    wrong: str = ""
    """Why it cannot be read, if it cannot."""


Nodes = dict[str, Node]
"""Groups and arrays by their path in the store, with `metadata.ROOT` for the store itself."""


def local_folder(source: object, *, argument: str = "source") -> Path | None:
    """Return `source` as a path; None if it is a URL, a store object of Zarr, or a repository of versions.

    Raises InvalidInput if it is none of them.
    """
    source = without_scheme(source)
    if isinstance(source, Store) or is_url(source) or is_repository(source):
        return None
    return check_path(argument, source)


def opened(source: Any) -> zarr.Group:
    """Return the group at a URL, in a store object of Zarr, or in the newest version of a repository, for reading.

    Raises UnreadableFile if there is none that can be read, MissingExtra if the package that reads it is missing.
    """
    try:
        return zarr.open_group(store_of(source), mode="r")
    except NetxrError:
        raise
    except Exception as error:  # whatever the library behind the store raises
        raise UnreadableFile(source, f"not a readable Zarr group ({type(error).__name__}: {error})") from error


def looks_like_store(folder: Path) -> bool:
    """Return whether a folder holds the metadata of a Zarr group or array, or is called a store."""
    return folder.suffix == ".zarr" or any((folder / name).exists() for name in (DOCUMENT, ".zgroup", ".zarray"))


def nodes_elsewhere(source: Any) -> Nodes:
    """Return what a store says of itself that is no folder; what is wrong with it where it cannot be opened."""
    try:
        return nodes_of(opened(source))
    except NetxrError as error:
        return {ROOT: Node(wrong=str(error))}


def nodes_at(source: Any) -> Nodes:
    """Return what the store in a folder, at a URL or in a store object says of itself."""
    folder = local_folder(source)
    return nodes_of(opened(source)) if folder is None else nodes_in(folder)


def nodes_in(folder: Path) -> Nodes:
    """Return what the store in a local folder says of itself."""
    documents = dict(_documents(os.fspath(folder), ROOT, frozenset()))
    nodes = {path: _node(document) for path, document in sorted(documents.items())}
    return {path: _believable(node, folder / path) for path, node in nodes.items()}


def nodes_of(group: zarr.Group) -> Nodes:
    """Return what an opened store says of itself."""
    members = {name: member.metadata.to_dict() for name, member in group.members(max_depth=None)}
    documents = {ROOT: group.metadata.to_dict(), **members}
    # Plain lists in the place of tuples and of what else Zarr keeps.
    return {name: _node(json.loads(json.dumps(document, default=str))) for name, document in sorted(documents.items())}


def groups(nodes: Nodes) -> Iterator[tuple[str, Node, Nodes]]:
    """Yield the path of each group, what it says, and what its arrays and its unreadable members say, by name."""
    inside: dict[str, Nodes] = {path: {} for path, node in nodes.items() if node.sizes is None and not node.wrong}
    for path, node in nodes.items():
        parent, _, name = path.rpartition("/")
        if path and parent in inside and path not in inside:
            inside[parent][name] = node
    for path, members in inside.items():
        yield path, nodes[path], members


def _documents(folder: str, path: str, above: frozenset[tuple[int, int]]) -> Iterator[tuple[str, Json | str]]:
    """Yield the documents of a group and of what it holds; text says what is wrong with one."""
    document = _document(folder)
    if isinstance(document, dict) and document.get("attributes") == PLACEHOLDER:
        return
    yield path, document
    if isinstance(document, str) or document.get("node_type") != "group" or wrong_in(document):
        return
    arrays = arrays_in(document)
    yield from ((f"{path}/{name}" if path else name, array) for name, array in arrays.items())
    try:
        about = os.stat(folder)  # noqa: PTH116 - paths as text: objects of pathlib would take half of the time
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if entry.is_dir() and not entry.name.startswith(".")]
    except OSError as error:
        yield path, f"its folder cannot be listed ({error.strerror})"
        return
    here = (about.st_dev, about.st_ino)
    others = [name for name in names if name not in arrays]
    for name in others if here not in above else ():  # a link may lead back to a group that it lies in
        yield from _documents(f"{folder}/{name}", f"{path}/{name}" if path else name, above | {here})


def _document(folder: str) -> Json | str:
    """Return the metadata of one group or array in the form of Zarr version 3, or what is wrong with them."""
    try:
        document = _read(folder, DOCUMENT)
        if document is not None:
            return document
        for name, kind in ((".zarray", "array"), (".zgroup", "group")):
            document = _read(folder, name)
            if document is not None:
                return {**document, "node_type": kind, "attributes": _read(folder, ".zattrs") or {}}
    except OSError as error:
        return f"its metadata cannot be read ({error.strerror})"
    except (ValueError, TypeError, RecursionError) as error:
        return f"its metadata are no JSON ({error})"
    return f"a folder without {DOCUMENT}"


def _read(folder: str, name: str) -> Json | None:
    """Return a document, None where there is none."""
    try:
        document = json.loads(read_file(f"{folder}/{name}", most=MOST_BYTES))
    except FileNotFoundError:
        return None
    if not isinstance(document, dict):
        raise TypeError("not an object of names and values")
    return document


def _believable(node: Node, array: Path) -> Node:
    """Return what an array in a folder says, unless it promises labels that are too many for what is there of them."""

    def stored() -> int:
        """Return the bytes of its files."""
        return sum(file.stat().st_size for file in array.rglob("*") if file.is_file())

    wrong = too_many_labels(list((node.sizes or {}).values()), stored)
    return Node(wrong=wrong) if wrong else node


def _node(document: object) -> Node:
    """Return what a document says."""
    wrong = document if isinstance(document, str) else wrong_in(document)
    if wrong or not isinstance(document, dict):
        return Node(wrong=wrong)
    attrs = document.get("attributes", {})
    if document["node_type"] == "group":
        return Node(attrs)
    shape = document["shape"]
    names = document.get("dimension_names") or attrs.get(DIMS_V2) or [None] * len(shape)
    dims = [f"dim_{k}" if name is None else str(name) for k, name in enumerate(names)]
    itemsize = _itemsize(document.get("data_type", document.get("dtype")))
    return Node(attrs, dict(zip(dims, shape, strict=True)), itemsize * prod(shape))


def _field(document: object, *names: str) -> Any:
    """Return an entry of an entry, None where there is none."""
    for name in names:
        document = document.get(name) if isinstance(document, dict) else None
    return document


def _itemsize(dtype: object) -> int:
    """Return the bytes of one number of a stored type; 0 for text and what else has no fixed size."""
    if isinstance(dtype, dict):
        length = _field(dtype, "configuration", "length_bytes")
        return length if isinstance(length, int) else 8
    if dtype == "bool":
        return 1
    text = str(dtype)
    if bits := BITS.fullmatch(text):
        return int(bits[1]) // 8
    length_v2 = BYTES_V2.fullmatch(text)
    return int(length_v2[1]) if length_v2 and text[1] not in "OU" else 0
