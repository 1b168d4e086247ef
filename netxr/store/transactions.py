"""Changes to a saved dataset, all at once: longer arrays, new or replaced ones, and attributes."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from os.path import lexists
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import xarray as xr
import zarr
from zarr.abc.buffer import Buffer
from zarr.abc.store import Store
from zarr.storage import MemoryStore

from netxr import names as n
from netxr.errors import OutputExists, UnreadableFile
from netxr.schema.arguments import check_group, check_path
from netxr.schema.outputs import space_needed
from netxr.store.commits import commit, forget_kept, repair, reserve, writing
from netxr.store.growing import GrowingArray
from netxr.store.keys import Terms, chunks_to_come, under_new_keys
from netxr.store.layout import STORABLE_KINDS, encoding, has_blank, plain_attributes
from netxr.store.locks import remove_abandoned, unfinished_beside
from netxr.store.metadata import DOCUMENT, ROOT, Document, documents, grown, written
from netxr.store.staging import PathLike
from netxr.store.versions import is_repository
from netxr.store.writing import Writable, consolidate_store, create_arrays, stand_in, stored_array

COORDINATES: Final = "coordinates"
"""The attribute in which xarray lists coordinates."""

LISTED: Final = (COORDINATES, n.IS_COORDINATE)
"""Attributes of an array that stay when its values are replaced."""


class Transaction(Protocol):
    """Changes to a dataset, which count at the end."""

    def grow(self, name: str, dim: str, size: int) -> Writable:
        """Return an array to write to, longer along `dim`; a chunk that will be filled up has to be sound."""

    def put(self, variables: Mapping[str, xr.Variable]) -> dict[str, Writable]:
        """Return an array for the values of each variable, new or in place of one."""

    def update_attributes(self, attrs: Mapping[str, Any], *, name: str = ROOT) -> None:
        """Set attributes of an array, or of the dataset; others stay."""

    def declare_coordinates(self, names: Iterable[str]) -> None:
        """List arrays as coordinates."""


@contextmanager
def transaction(place: PathLike | Store, *, group: str | None = None) -> Iterator[Transaction]:
    """Change a dataset on disk: all at once on a clean exit, nothing on any other.

    In a Zarr store that is no folder, such as that of an icechunk session, changes are made at once; the store commits
    them or not. Raises UnreadableFile if there is nothing, or no group of Zarr's version 3; if its metadata are
    damaged. Raises StoreBusy, InvalidInput, DiskFull if another process writes to it, nothing may be written there, or
    there is no room.
    """
    if isinstance(place, Store):
        yield _StoreTransaction(place, check_group(group))
        consolidate_store(place)
        return
    folder = (check_path("store", place) / check_group(group)).absolute()
    if not (folder / DOCUMENT).exists():
        raise _unchangeable(place, folder)
    with space_needed(folder), writing(folder) as mark:
        changes = _FolderTransaction(folder)
        try:
            yield changes
            if changes.changed:
                commit(folder, changes.known, changes.changed, mark, changes.terms)
        except BaseException:
            if mark.is_there():  # else another writer is at work
                changes.undo()
            raise


def _unchangeable(place: PathLike, folder: Path) -> UnreadableFile:
    """Return the error about a place that is no group, or a group that cannot be changed."""
    if is_repository(place):
        fix = f"Change it with netxr.versioned({str(place)!r}, message=...) as store."
        return UnreadableFile(place, "a repository of versions, which only a transaction changes", fix=fix)
    if not folder.is_dir():
        return UnreadableFile(folder, "there is no such folder", fix="Make a store first, with netxr.save.")
    fix = "Save what it holds as a new store: netxr.save(netxr.open(old), new)."
    return UnreadableFile(folder, "no Zarr group of version 3, which alone can be changed", fix=fix)


class _FolderTransaction:
    """Changes to a folder: chunks are written where no reader looks, documents at the end."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.known = folder, documents(folder)
        self.changed: dict[str, Document] = {}
        self.grown: dict[str, GrowingArray] = {}
        self.new: dict[str, GrowingArray] = {}

    @property
    def terms(self) -> Terms:
        """What chunks that were written add to the sums of their arrays."""
        return {name: array.terms for name, array in (self.grown | self.new).items()}

    def grow(self, name: str, dim: str, size: int) -> GrowingArray:
        """Return an array to write to beyond its present end."""
        document = grown(self._document(name), dim, size)
        self.grown[name] = GrowingArray(self.folder, name, self.known[name], document)
        self.changed[name] = document
        return self.grown[name]

    def put(self, variables: Mapping[str, xr.Variable]) -> dict[str, Writable]:
        """Return arrays to write to; the names of their chunks are not in use."""
        self.changed |= {name: self._placed(name, one) for name, one in _documents_of(variables).items()}
        self.new |= {name: GrowingArray(self.folder, name, None, self.changed[name]) for name in variables}
        return {name: self.new[name] for name in variables}

    def _placed(self, name: str, document: Document) -> Document:
        """Return the metadata of a new array, so that its chunks lie where none are; keep its name."""
        if name in self.known:
            present = self.known[name]
            if len(document["shape"]) != len(present["shape"]) and written(self.known, name).kept:
                forget_kept(self.folder, name)  # their names might be those of the new ones
                self.known = documents(self.folder)
            keys = under_new_keys(present | {"shape": document["shape"]})["chunk_key_encoding"]
            listed = {key: value for key, value in present["attributes"].items() if key in LISTED}
            return document | {"chunk_key_encoding": keys, "attributes": document["attributes"] | listed}
        if lexists(self.folder / name):  # a group, or what another program has put there
            raise OutputExists(self.folder / name)
        reserve(self.folder, name)
        return document

    def update_attributes(self, attrs: Mapping[str, Any], *, name: str = ROOT) -> None:
        """Keep attributes for the commit."""
        document = self._document(name)
        new = document.get("attributes", {}) | plain_attributes(attrs, "attrs")
        self.changed[name] = document | {"attributes": new}

    def declare_coordinates(self, names: Iterable[str]) -> None:
        """Keep names of coordinates for the commit."""
        plain, blank = _by_name(names)
        for name in blank:
            self.update_attributes({n.IS_COORDINATE: 1}, name=name)
        root = self._document(ROOT)
        listed = {*root["attributes"].get(COORDINATES, "").split(), *plain}
        self.changed[ROOT] = root | {"attributes": root["attributes"] | {COORDINATES: " ".join(sorted(listed))}}

    def undo(self) -> None:
        """Remove what was written for changes that were not committed."""
        with suppress(OSError):  # the next writer does it
            repair(self.folder)
            remove_abandoned(unfinished_beside(self.folder))
            present = documents(self.folder)
            for name in self.grown:
                for key in chunks_to_come(present[name], self.changed[name]):
                    (self.folder / name / key).unlink(missing_ok=True)

    def _document(self, name: str) -> Document:
        """Return metadata as they will be."""
        return self.changed[name] if name in self.changed else self.known[name]


class _StoreTransaction:
    """Changes to a Zarr store, made at once."""

    def __init__(self, store: Store, group: str) -> None:
        self.store, self.path = store, group
        self.group = zarr.open_group(store, path=group, mode="r+", use_consolidated=False)

    def grow(self, name: str, dim: str, size: int) -> "zarr.Array[Any]":
        """Return a longer array."""
        array = self._array(name)
        names = array.metadata.dimension_names or ()  # type: ignore[union-attr]
        array.resize(tuple(size if each == dim else length for each, length in zip(names, array.shape, strict=True)))
        return array

    def put(self, variables: Mapping[str, xr.Variable]) -> dict[str, Writable]:
        """Return new arrays, also in place of others."""
        blank = [name for name in variables if name in self.group and self.group[name].attrs.get(n.IS_COORDINATE)]
        for name in variables:
            if name in self.group:
                del self.group[name]
        lazy = {name: stand_in(one) if one.dtype.kind in STORABLE_KINDS else one for name, one in variables.items()}
        create_arrays(xr.Dataset(lazy), self.store, self.path or None)
        self.declare_coordinates(blank)
        return {name: self._array(name) for name in variables}

    def update_attributes(self, attrs: Mapping[str, Any], *, name: str = ROOT) -> None:
        """Set attributes."""
        node = self.group if name == ROOT else self.group[name]
        node.attrs.update(plain_attributes(attrs, "attrs"))

    def declare_coordinates(self, names: Iterable[str]) -> None:
        """List coordinates."""
        plain, blank = _by_name(names)
        for name in blank:
            self.update_attributes({n.IS_COORDINATE: 1}, name=name)
        known = str(self.group.attrs.get(COORDINATES, "")).split()
        self.group.attrs[COORDINATES] = " ".join(sorted({*known, *plain}))

    def _array(self, name: str) -> "zarr.Array[Any]":
        """Return an array to write to."""
        return stored_array(self.store, f"{self.path}/{name}" if self.path else name)


def _by_name(names: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the names of coordinates that can be listed, and those with a blank, which say it themselves."""
    each = list(names)
    return [name for name in each if not has_blank(name)], [name for name in each if has_blank(name)]


def _documents_of(variables: Mapping[str, xr.Variable]) -> dict[str, Document]:
    """Return the metadata of arrays that hold variables: those of ones without entries, but for the shape."""
    # Of text xarray looks at the entries: its dims are as long as they are, and others have none.
    texts = [name for name, one in variables.items() if one.dtype.kind not in STORABLE_KINDS]
    bare = {
        name: xr.Variable(one.dims, np.empty((0,) * one.ndim, one.dtype), one.attrs)
        for name, one in variables.items()
        if name not in texts
    }
    found: dict[str, Buffer] = {}
    for each in ([bare] if bare else []) + [{name: variables[name]} for name in texts]:
        create_arrays(
            xr.Dataset(each), MemoryStore(found), encodings={name: encoding(variables[name]) for name in each}
        )
    made = {name: json.loads(found[f"{name}/{DOCUMENT}"].to_bytes()) for name in variables}
    return {name: document | {"shape": list(variables[name].shape)} for name, document in made.items()}
