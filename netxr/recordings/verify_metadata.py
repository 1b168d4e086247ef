"""What can be wrong with a store, by its metadata and its labels: no sample is read."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.codecs import Crc32cCodec

from netxr import names as n
from netxr.errors import one_line
from netxr.recordings.contents import Node, Nodes
from netxr.schema.provenance import CURRENT_SCHEMA
from netxr.store.metadata import (
    CHECKSUM,
    DOCUMENT,
    ROOT,
    Document,
    documents,
    lie_alike,
    on_disk,
    read_document,
    taken_in,
    was_edited,
    with_checksum,
    written,
)
from netxr.store.metadata import COPY as COPIED

MOST_VALUES: Final = 10_000_000
"""Entries above which an array is left to the check of its chunks."""

COPY: Final = "Put back a copy of it, or make the store again."
SAVE_AGAIN: Final = "Save it under another name: netxr.save(netxr.open(...), ...)."

MEANT: Final = "zarr.consolidate_metadata says so"

UNLABELLED: Final = (n.TIME, n.EDGE_FRAME)
"""Dims whose entries are known by position, not by label: there are as many as samples."""


class Problem(NamedTuple):
    """Something that is wrong with a store, or worth knowing of it."""

    place: str
    """Group, array or file within the store; empty for the store itself."""
    wrong: str
    fix: str = ""
    """What to do about it."""
    harmless: bool = False
    """Whether all committed data are there and right nevertheless."""

    def __str__(self) -> str:
        """Say it in a line."""
        return f"{self.place or 'the store'}: {self.wrong}." + (f" {self.fix}" if self.fix else "")


class Stored(NamedTuple):
    """An array of a store, open for reading."""

    name: str
    """Its name in its group."""
    path: str
    """Its path in the store."""
    array: "zarr.Array[Any]"
    sizes: Mapping[str, int]
    group: Mapping[str, Any]
    """Attributes of its group."""

    @property
    def has_checksums(self) -> bool:
        """Whether it was written by netxr with every chunk and a checksum of each."""
        return any(isinstance(codec, Crc32cCodec) for codec in self.array.compressors)


def join(path: str, name: str) -> str:
    """Return the path of a member of a group."""
    return f"{path}/{name}" if path else name


def open_array(group: zarr.Group, path: str, name: str, node: Node, about: Node) -> Stored | Problem:
    """Return an array of the group at `path`, or why it cannot be opened."""
    try:
        array = group[name]
        if not isinstance(array, zarr.Array):
            raise TypeError("a group")
        stored = Stored(name, join(path, name), array, node.sizes or {}, about.attrs)
        len(stored.array.chunks), stored.has_checksums  # of some metadata, Zarr finds only now that they are damaged
    except Exception as error:  # whatever damaged metadata make Zarr stumble over
        return Problem(join(path, name), f"Zarr cannot open it ({one_line(error)})", COPY)
    return stored


def of_documents(folder: Path, path: str) -> Iterator[Problem]:
    """Yield the documents of arrays that are not like the copy of them in the document of their group."""
    here = folder / path
    root = read_document(here) if (here / DOCUMENT).exists() else {}
    if not root.get(COPIED):
        return
    if CHECKSUM in root[COPIED] and with_checksum(root) != root:
        wrong = f"its {DOCUMENT} was edited since netxr wrote it: types, dims, units or scales may be wrong"
        yield Problem(path, wrong, f"Put back a copy of it; if the edit is right, {MEANT}.")
    known, found = documents(here), on_disk(here)
    for name, document in found.items():
        if was_edited(known, name, document):
            yield _edited(join(path, name), known, name, document)
    fix = f"Its copy in the {DOCUMENT} of the group counts, and the next writer puts it there."
    for name in known.keys() - {ROOT}:
        if name not in found:
            wrong = f"its {DOCUMENT} is {'damaged' if (here / name / DOCUMENT).exists() else 'missing'}"
            yield Problem(join(path, name), wrong, fix)
        elif found[name] == known[name] or was_edited(known, name, found[name]):
            continue
        elif not (written(known, name).last or lie_alike(found[name], known[name])):
            wrong = f"laid out otherwise by its {DOCUMENT} than by the copy of it, and neither is known to be newer"
            either = "The next change by netxr keeps the values of the copy; zarr.consolidate_metadata the others."
            yield Problem(join(path, name), wrong, either)
        else:
            yield Problem(join(path, name), f"its {DOCUMENT} is older: a commit was cut off", fix, harmless=True)


def _edited(place: str, known: Mapping[str, Document], name: str, document: Document) -> Problem:
    """Return the problem of an array of which another program has written the document, or an old copy of it."""
    wrong = f"another program has {'changed' if name in known else 'added'} it since the last commit"
    fix = "What netxr opens is from before; the next change to the store takes this in."
    if taken_in(known, name, document) != document:
        wrong += f", as it was before that: its {DOCUMENT} gives another shape or layout"
        fix = "What was committed counts; the next change to the store takes in the attributes alone."
    elif name in known and document["shape"] != known[name]["shape"] and not written(known, name).last:
        wrong = f"longer than in the copy of its {DOCUMENT}, which another program has replaced by an older one"
        fix = "netxr opens the shorter one; the next change to the store, or zarr.consolidate_metadata, mends it."
        return Problem(place, wrong, fix)
    return Problem(place, wrong, fix, harmless=True)


def of_metadata(path: str, group: Node, members: Nodes) -> Iterator[Problem]:
    """Yield what is wrong by the documents of a group and its arrays."""
    for name, node in members.items():
        if node.wrong:
            yield Problem(join(path, name), node.wrong, COPY)
        if n.OUTDATED in node.attrs:
            wrong = f"outdated: {node.attrs[n.OUTDATED]!s:.200}"
            yield Problem(join(path, name), wrong, "Estimate it again.", harmless=True)
    schema = group.attrs.get(n.SCHEMA_VERSION, CURRENT_SCHEMA)
    if not isinstance(schema, int):
        yield Problem(path, f"{n.SCHEMA_VERSION} is {schema!r:.80}, not a number", COPY)
    elif schema < CURRENT_SCHEMA:
        wrong = f"written in version {schema} of the layout, which is read as it is; it has no checksums"
        yield Problem(path, wrong, SAVE_AGAIN, harmless=True)
    if n.UNFINISHED in group.attrs:
        yield Problem(path, f"unfinished: {group.attrs[n.UNFINISHED]!s:.200}", harmless=True)
    yield from _of_sizes(path, members)


def _of_sizes(path: str, members: Nodes) -> Iterator[Problem]:
    """Yield the dims that have another length in one array than in another, or that other arrays are named like."""
    lengths: dict[str, dict[int, list[str]]] = {}
    for name, node in members.items():
        for dim, size in (node.sizes or {}).items():
            lengths.setdefault(dim, {}).setdefault(size, []).append(name)
    for dim, names in lengths.items():
        if len(names) > 1:
            each = " and ".join(f"{size} in {', '.join(arrays)}" for size, arrays in names.items())
            yield Problem(path, f"{dim} is of different length: {each}", COPY)
        if dim in members and dim not in (members[dim].sizes or {dim: 0}):
            yield Problem(join(path, dim), f"named like the dim {dim}, which it does not have", COPY)


def of_layout(path: str, arrays: Mapping[str, Stored]) -> Iterator[Problem]:
    """Yield where the arrays of a group of netxr do not lie as netxr writes them."""
    ours = {name: stored for name, stored in arrays.items() if n.SCHEMA_VERSION in stored.group}
    for name, stored in ours.items():
        names = getattr(stored.array.metadata, "dimension_names", None) or ()
        if len(names) != stored.array.ndim or None in names:
            yield Problem(stored.path, "its dims have no names", COPY)
        if name == n.ACTIVITY:
            yield from _of_activity(stored)
    bare = [name for name, stored in ours.items() if not stored.has_checksums]
    if bare and n.FINISHED not in arrays and ours[bare[0]].group[n.SCHEMA_VERSION] == CURRENT_SCHEMA:
        wrong = f"no checksums in {', '.join(bare)}: damage may go unseen"
        yield Problem(path, wrong, SAVE_AGAIN, harmless=True)


def _of_activity(stored: Stored) -> Iterator[Problem]:
    """Yield where dims or chunks of a recording are others than all neurons by some time by one trial."""
    dims, chunks = tuple(stored.sizes), dict(zip(stored.sizes, stored.array.chunks, strict=False))
    if dims not in ((n.NEURON, n.TIME), (n.NEURON, n.TIME, n.TRIAL)):
        yield Problem(stored.path, f"its dims are {', '.join(dims)}", f"Right are {n.NEURON}, {n.TIME}[, {n.TRIAL}].")
    elif chunks[n.NEURON] < stored.sizes[n.NEURON] or chunks.get(n.TRIAL, 1) > 1:
        wrong = f"it lies in chunks of {chunks}, not of all neurons and one trial, and reads more slowly"
        yield Problem(stored.path, wrong, SAVE_AGAIN, harmless=True)


def of_labels(path: str, arrays: Mapping[str, Stored]) -> Iterator[Problem]:
    """Yield labels that repeat, and neurons that are labelled differently in the arrays of a group."""
    labels = {}
    for dim, stored in arrays.items():
        if tuple(stored.sizes) == (dim,) and dim not in UNLABELLED and (values := _values(stored)) is not None:
            labels[dim] = values.tolist()
    for dim, entries in labels.items():
        twice = len(entries) - len(set(entries))
        if twice:
            fix = f"Save it again with other labels: .assign_coords({dim}=...)."
            yield Problem(join(path, dim), f"{twice} of {len(entries)} labels repeat others", fix)
    if n.CONNECTIVITY in arrays and {n.TARGET, n.SOURCE} <= set(labels) and labels[n.TARGET] != labels[n.SOURCE]:
        yield Problem(join(path, n.CONNECTIVITY), "its targets and sources are labelled differently", COPY)
    for dim in (n.TARGET, n.SOURCE) if n.NEURON in labels else ():
        unknown = len(set(labels.get(dim, ())) - set(labels[n.NEURON]))
        if unknown:
            none = unknown == len(set(labels[dim]))
            wrong = f"{unknown} of {len(labels[dim])} labels are of no neuron of the recording"
            yield Problem(join(path, dim), wrong, "Relabel, if they are meant to be.", harmless=not none)


def of_moments(arrays: Mapping[str, Stored]) -> Iterator[Problem]:
    """Yield moments that count other samples than the activity beside them has."""
    if not {n.ACTIVITY, n.COMOMENT, n.COUNT, n.LAG} <= set(arrays):
        return
    count, lags = _values(arrays[n.COUNT]), _values(arrays[n.LAG])
    sizes, stored = arrays[n.ACTIVITY].sizes, arrays[n.COUNT]
    if count is None or lags is None or next(iter(stored.sizes), None) != n.LAG or len(count) != lags.size:
        return
    trials = 1 if n.TRIAL in stored.sizes else sizes.get(n.TRIAL, 1)
    offered = (sizes.get(n.TIME, 0) - lags.astype(np.float64)) * trials
    counted = count.reshape(lags.size, -1)
    all_of_them = n.EDGE_ACTIVITY in arrays or stored.group.get(n.MISSING) == "raise"
    if (counted > offered[:, None]).any() or (all_of_them and (counted < offered[:, None]).any()):
        wrong = f"the moments are of other samples than the {sizes.get(n.TIME)} of a trial that the activity has"
        yield Problem(stored.path, wrong, "Make them again with netxr.lagged_moments.")


def of_sweep(path: str, arrays: Mapping[str, Stored]) -> Iterator[Problem]:
    """Yield that cells of a sweep are missing."""
    finished = _values(arrays[n.FINISHED]) if n.FINISHED in arrays else None
    todo = 0 if finished is None else finished.size - int(np.count_nonzero(finished))
    if finished is not None and todo:
        wrong = f"unfinished: {todo} of {finished.size} cells of the sweep are to be computed"
        yield Problem(path, wrong, "The same sweep to the same path ends it.", harmless=True)


def _values(stored: Stored) -> NDArray[Any] | None:
    """Return an array of labels or counts; None if it is too large to be looked at as a whole."""
    if stored.array.size > MOST_VALUES:
        return None
    try:
        return np.asarray(stored.array[...])
    except Exception:  # its chunks are sound, but a writer may have come in between
        return None
