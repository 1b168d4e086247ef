"""Changes to a store that happen as a whole or not at all, by one writer at a time.

What a reader sees of a Zarr array is what its metadata say. So new chunks are written beyond the shape that the
metadata give, or under keys that they do not use, and then the metadata are replaced. Where several documents change
together, the root comes first, with a copy of all of them and a mark that the copy counts; the others follow; then
the root is replaced without copy and mark. A writer that dies before has changed nothing; one that dies after has
changed everything, and the next writer ends its work.
"""

import json
import re
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import zarr
from zarr.storage import LocalStore, StorePath

from netxr import names as n
from netxr.errors import DiskFull
from netxr.store.metadata import DOCUMENT, Document, chunk_key, copies_in, read_document
from netxr.store.staging import STAGING_PREFIX, space_needed, unfinished_name

ROOT: Final = ""
"""Name of the group itself among its arrays."""

PLACEHOLDER: Final = {"netxr": "an array that is being written"}
"""Attributes of the group that stands where an array will be."""

CHUNK: Final = re.compile(r"c|(?:c\.)?\d+(?:\.\d+)*(?:\.[0-9a-f]+\.partial)?")
"""Names of what lies in the folder of an array beside its metadata: chunks, folders of them, and unfinished ones."""


def documents(folder: Path) -> dict[str, Document]:
    """Return the metadata of a group and its arrays, by name; those that count where a commit was cut off."""
    root = read_document(folder)
    if is_under_way(root):
        plain = {key: value for key, value in root.items() if key != "consolidated_metadata"}
        attributes = {key: value for key, value in root["attributes"].items() if key != n.COMMIT_UNDER_WAY}
        return {ROOT: plain | {"attributes": attributes}, **copies_in(root, folder)}
    found = {ROOT: root}
    for entry in sorted(folder.glob(f"[!.]*/{DOCUMENT}")):
        with suppress(FileNotFoundError):  # a writer has just removed an array that never was committed
            found[entry.parent.name] = read_document(entry.parent)
    return found


def is_under_way(root: Document) -> bool:
    """Return whether the root of a store says that its copy of the metadata counts."""
    return bool(root.get("attributes", {}).get(n.COMMIT_UNDER_WAY)) and "consolidated_metadata" in root


def commit(folder: Path, changed: Mapping[str, Document]) -> None:
    """Make metadata documents the ones that count, all at once; the caller holds the lock.

    Raises
    ------
    DiskFull
        If there is no room; then nothing has changed.
    """
    if len(changed) == 1:
        ((name, document),) = changed.items()
        return _replace(folder, name, document)
    new = documents(folder) | dict(changed)
    root = new.pop(ROOT)
    marked = root | {
        "attributes": root.get("attributes", {}) | {n.COMMIT_UNDER_WAY: True},
        "consolidated_metadata": {"kind": "inline", "must_understand": False, "metadata": new},
    }
    _replace(folder, ROOT, marked)
    with suppress(DiskFull):  # what was to change has changed: the next writer does the rest
        finish_commit(folder)
    return None


def repair(folder: Path) -> None:
    """Bring a store in order that another writer may have left in the middle; the caller holds the lock.

    A commit that was cut off is ended. Arrays that never were committed go away, and values that were replaced.
    """
    finish_commit(folder)
    for name, document in documents(folder).items():
        if document.get("attributes") == PLACEHOLDER:
            unfinished = unfinished_name(folder)  # a folder that is half removed would be a damaged array
            (folder / name).rename(unfinished)
            shutil.rmtree(unfinished)
        elif document["node_type"] == "array":
            _remove_unused(folder / name, document)


def reserve(folder: Path, name: str) -> None:
    """Make room for a new array, which readers take for an empty group until it is committed."""
    new = unfinished_name(folder)
    new.mkdir()
    document = {"zarr_format": 3, "node_type": "group", "attributes": PLACEHOLDER}
    (new / DOCUMENT).write_text(json.dumps(document), encoding="utf-8")
    new.rename(folder / name)


def finish_commit(folder: Path) -> None:
    """End the work of a commit that was cut off, if there is one; the caller holds the lock."""
    if not is_under_way(read_document(folder)):
        return
    new = documents(folder)
    for name, document in new.items():
        # Groups have writers of their own, and may have changed since.
        if document["node_type"] == "array" and not (_there(folder, name) and read_document(folder / name) == document):
            _replace(folder, name, document)
    _replace(folder, ROOT, new[ROOT])


def array_to_be(folder: Path, name: str, document: Document) -> "zarr.Array[Any]":
    """Return an array to write to as it will be once `document` is committed; the one on disk stays as it is."""
    path = StorePath(LocalStore(folder), name)
    return zarr.Array(zarr.AsyncArray(document, path, config={"write_empty_chunks": True}))  # type: ignore[call-overload]


def _remove_unused(array: Path, document: Document) -> None:
    """Remove chunks that have other names than `document` gives them."""
    first, _, within = chunk_key(document, [0] * len(document["shape"])).partition("/")
    for entry in array.iterdir():
        in_use = re.sub(r"\d+", "0", entry.name) == first and entry.is_dir() == bool(within)
        if in_use or not CHUNK.fullmatch(entry.name):
            continue
        if entry.is_dir():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _there(folder: Path, name: str) -> bool:
    """Return whether a group has a document of that name."""
    return (folder / name / DOCUMENT).exists()


def _replace(folder: Path, name: str, document: Document) -> None:
    """Put a document in its place in one step."""
    text, place = json.dumps(document, indent=2), folder / name / DOCUMENT
    if folder.name.startswith(STAGING_PREFIX):  # nobody reads it yet
        place.write_text(text, encoding="utf-8")
        return
    new = unfinished_name(folder)
    try:
        with space_needed(folder):
            new.write_text(text, encoding="utf-8")
            place.parent.mkdir(exist_ok=True)
            new.replace(place)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
