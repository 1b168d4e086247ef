"""Metadata documents of Zarr version 3: which of them count, what is wrong with them, what follows from them."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from hashlib import blake2b
from math import prod
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import uuid4

from netxr import names as n
from netxr.errors import UnreadableFile
from netxr.store.files import read_file
from netxr.store.layout import COMPACT_ATTRIBUTES, DECODED_BY, RESERVED_ATTRIBUTES

DOCUMENT: Final = "zarr.json"
"""Metadata of a Zarr group or array."""

ROOT: Final = ""
"""Name of the group itself among its arrays."""

COPY: Final = "consolidated_metadata"
"""Key of the copy of all other documents in that of a group; the copy counts."""

WRITTEN: Final = "netxr"
"""Key, in that copy and in the document of a group in memory, of the commits that wrote each array."""

DIMS_V2: Final = "_ARRAY_DIMENSIONS"
"""The attribute in which xarray keeps the dims of an array of Zarr version 2."""

DECODING: Final = RESERVED_ATTRIBUTES | DECODED_BY | COMPACT_ATTRIBUTES | {DIMS_V2}
"""Attributes that say how stored values are to be read."""

CHECKSUM: Final = "checksum"
"""Key, in that copy, of a checksum of the document of the group with all that is in it."""

PLACEHOLDER: Final = {"netxr": "an array that is being written"}
"""Attributes of the group that stands where an array will be."""

MOST: Final = 2**56
"""An array of more entries than this has a damaged shape."""

MOST_CHUNKS: Final = 2**24
MOST_ALONG_AXES: Final = 2**20
"""An array in more chunks than this, in all or summed over its axes, is damaged; the latter take memory when opened."""

MANY_LABELS: Final = 2**22
MOST_PACKED: Final = 2**15
"""No codec packs more entries into a byte; where they are few, that does not matter."""

MOST_BYTES: Final = 2**25
"""A document that is longer than this is damaged."""

NEEDED: Final = ("data_type", "chunk_grid", "chunk_key_encoding", "fill_value", "codecs")
"""Keys of the document of an array beside its shape; without one, Zarr leaves the array out."""

Document = dict[str, Any]


class Written(NamedTuple):
    """The commits that wrote an array, by name."""

    values: str = ""
    """The one that wrote its values; later ones only made it longer."""
    last: str = ""
    """The last one."""
    kept: str = ""
    """The one before `values`, as long as readers that have its chunks open can still read them."""
    follows: bool = False
    """Whether the array's own document has still to follow the last one."""
    chunks: str = ""
    """The sum over its chunks; empty if it is not known."""


def read_document(folder: Path) -> Document:
    """Return the document of a group or an array.

    Raises UnreadableFile, FileNotFoundError if it cannot be read or is damaged; if there is none.
    """
    file = folder / DOCUMENT
    try:
        document = json.loads(read_file(file, most=MOST_BYTES))
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


def documents(folder: Path) -> dict[str, Document]:
    """Return the metadata of a group and of its arrays, by name: one read of the copy is one state.

    Only groups that older releases or other programs wrote have no copy.
    """
    while True:
        root = read_document(folder)
        if root.get(COPY) is not None:
            return copied_in(root)
        found = {entry.parent.name: entry.parent for entry in sorted(folder.glob(f"[!.]*/{DOCUMENT}"))}
        known = {name: read_document(place) for name, place in found.items()}
        _check_none_is_lost(folder, root)
        if read_document(folder) == root:  # else the first commit has just been made
            return {ROOT: root, **_arrays(known)}


def copied_in(root: Document) -> dict[str, Document]:
    """Return the metadata of a group and of its arrays, by name, from its document with a copy of the others."""
    alone = {key: value for key, value in root.items() if key != COPY}
    return {ROOT: alone | {WRITTEN: root[COPY].get(WRITTEN, {})}, **arrays_in(root)}


def _check_none_is_lost(folder: Path, root: Document) -> None:
    """Raise if a store of netxr, without a copy of the documents, has the chunks of an array but not its document."""
    for chunks in folder.glob("[!.]*/c") if n.SCHEMA_VERSION in root.get("attributes", {}) else ():
        if not (chunks.parent / DOCUMENT).exists():
            raise UnreadableFile(chunks.parent / DOCUMENT, "it is missing", fix="Put back a copy of it.")


def arrays_in(root: Document) -> dict[str, Document]:
    """Return the documents of arrays, by name, that are copied in the document of a group."""
    copy = root.get(COPY) or {"metadata": {}}
    return _arrays({name: document for name, document in copy["metadata"].items() if "/" not in name})


def with_copy(known: Mapping[str, Document], groups: Mapping[str, Document] = {}) -> Document:
    """Return the document of a group with a copy of those of its arrays, and of the groups in it by their paths."""
    members = {name: document for name, document in known.items() if name != ROOT} | dict(groups)
    # Zarr wants the members of a group after the group, without others between them.
    in_order = {path: members[path] for path in sorted(members, key=lambda path: (path.count("/"), path))}
    copy = {"kind": "inline", "must_understand": False, "metadata": in_order, WRITTEN: known[ROOT].get(WRITTEN, {})}
    return {key: value for key, value in known[ROOT].items() if key != WRITTEN} | {COPY: copy}


def with_checksum(root: Document) -> Document:
    """Return the document of a group, which has a copy of others, with a checksum of all of it."""
    copy = {key: value for key, value in root[COPY].items() if key != CHECKSUM}
    text = json.dumps(root | {COPY: copy}, sort_keys=True)
    return root | {COPY: copy | {CHECKSUM: blake2b(text.encode(), digest_size=16).hexdigest()}}


def written(known: Mapping[str, Document], name: str) -> Written:
    """Return which commits wrote an array; empty names where netxr did not."""
    ids = known.get(ROOT, {}).get(WRITTEN)
    found = ids.get(name) if isinstance(ids, dict) else None
    n_facts = len(Written._fields)
    return Written(*found) if isinstance(found, list) and len(found) in (n_facts - 1, n_facts) else Written()


def with_commit(
    known: Mapping[str, Document], changed: Mapping[str, Document], sums: Mapping[str, str]
) -> dict[str, Document]:
    """Return the documents of a group and its arrays after a commit of those that have changed, with new `sums`."""
    commit, new = uuid4().hex, {**known, **changed}
    ids = {name: written(known, name) for name in new if name != ROOT}
    for name in changed.keys() & ids:
        before = ids[name]
        values, kept = (
            (before.values, before.kept) if is_longer(known, name, changed[name]) else (commit, before.values)
        )
        if kept and len(known[name]["shape"]) != len(changed[name]["shape"]):
            kept = ""  # the names of its chunks do not follow from those of the new ones
        ids[name] = Written(values, commit, kept, True, sums.get(name, ""))
    return _with_ids(new, ids)


def is_longer(known: Mapping[str, Document], name: str, document: Document) -> bool:
    """Return whether a document leaves the values of an array where they are, and may make it longer."""
    return bool(written(known, name).values) and known[name]["chunk_key_encoding"] == document["chunk_key_encoding"]


def settled(known: Mapping[str, Document]) -> dict[str, Document]:
    """Return the documents of a group and its arrays after those of the arrays have followed a commit."""
    return _with_ids(known, {name: written(known, name)._replace(follows=False) for name in known if name != ROOT})


def forgotten(known: Mapping[str, Document], names: Collection[str]) -> dict[str, Document]:
    """Return the same documents, in which the values that some arrays had before are no longer kept."""
    ids = {name: written(known, name) for name in known if name != ROOT}
    return _with_ids(known, {name: one._replace(kept="") if name in names else one for name, one in ids.items()})


def _with_ids(known: Mapping[str, Document], ids: Mapping[str, Written]) -> dict[str, Document]:
    """Return documents that name the commits which wrote each array."""
    return {**known, ROOT: known[ROOT] | {WRITTEN: {name: list(written) for name, written in ids.items()}}}


def was_edited(known: Mapping[str, Document], name: str, document: Document) -> bool:
    """Return whether another program changed or added an array; else a commit was cut off."""
    if document["node_type"] != "array" or document == known.get(name):
        return False
    ids = written(known, name)
    if ids.last or name not in known:
        return not ids.follows
    # Another program wrote the copy and names no commits: the document counts unless that loses samples.
    return holds_all(document, known[name])


def taken_in(known: Mapping[str, Document], name: str, document: Document) -> Document:
    """Return what a document that another program wrote makes of an array.

    It may have been written through a handle from before the last commit. So of one that is shorter than the copy, or
    lies otherwise, only the attributes are taken.
    """
    copy = known.get(name)
    if copy is None or holds_all(document, copy):
        return document
    attrs = document.get("attributes", {})
    if not lie_alike(document, copy):  # values that were replaced are decoded by attributes of their own
        here = {key: value for key, value in copy.get("attributes", {}).items() if key in DECODING}
        attrs = {key: value for key, value in attrs.items() if key not in DECODING} | here
    return copy | {"attributes": attrs}


def holds_all(document: Document, copy: Document) -> bool:
    """Return whether a document is of an array that lies like the one in the copy, and is at least as long."""
    return lie_alike(document, copy) and all(a >= b for a, b in zip(document["shape"], copy["shape"], strict=True))


def lie_alike(a: Document, b: Document) -> bool:
    """Return whether two documents are of arrays of the same dims and type, in the same files, but for their length."""
    keys = ("chunk_key_encoding", "chunk_grid", "data_type", "codecs")
    return len(a["shape"]) == len(b["shape"]) and all(a.get(key) == b.get(key) for key in keys)


def on_disk(folder: Path) -> dict[str, Document]:
    """Return the documents in the folders of a group, by name, without those that cannot be read."""
    found = {}
    for entry in folder.glob(f"[!.]*/{DOCUMENT}"):
        with suppress(UnreadableFile, FileNotFoundError):
            found[entry.parent.name] = read_document(entry.parent)
    return found


def groups_in(folder: Path, arrays: Mapping[str, Document]) -> dict[str, Document]:
    """Return the metadata of the groups in a group and of all that they hold, by path."""
    found: dict[str, Document] = {}
    for entry in sorted(folder.glob(f"[!.]*/{DOCUMENT}")):
        name, place = entry.parent.name, entry.parent
        if name in arrays or place.is_symlink():  # a link may lead to a group above
            continue
        with suppress(UnreadableFile, OSError):  # opening it raises
            known = documents(place)
            if known[ROOT]["node_type"] == "group" and known[ROOT].get("attributes") != PLACEHOLDER:
                inside = {f"{name}/{path}": one for path, one in (known | groups_in(place, known)).items() if path}
                found |= {name: with_copy({ROOT: known[ROOT]})} | inside
    return found


def _arrays(known: Mapping[str, Document]) -> dict[str, Document]:
    """Return those documents that are of arrays."""
    return {name: document for name, document in known.items() if document["node_type"] == "array"}


def _is_name(name: str) -> bool:
    """Return whether a member of a group can have this name."""
    return bool(name) and "\\" not in name and name[0] != "."


def wrong_in(document: object) -> str:
    """Return what is wrong with a document, or with the copy of others in it; nothing if it is sound."""
    return _wrong_in_node(document) or _wrong_in_copy(document)


def _wrong_in_copy(root: Any) -> str:
    """Return what is wrong with the copy of other documents in one."""
    copy = root.get(COPY)
    if copy is None:
        return ""
    members = copy.get("metadata") if isinstance(copy, dict) else None
    if not isinstance(members, dict):
        return "its copy of the metadata is no JSON object"
    for path, document in members.items():
        wrong = _wrong_in_node(document) if all(map(_is_name, path.split("/"))) else "no name of a member"
        if wrong:
            return f"in its copy of the metadata, {path!r}: {wrong}"
    return ""


def _wrong_in_node(document: object) -> str:
    """Return what is wrong with a document by itself."""
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
    wrong = _wrong_in_chunks(document, len(shape)) if document.get("zarr_format") == 3 else ""
    return wrong or _wrong_in_number(document)


def _wrong_in_chunks(document: Document, n_dims: int) -> str:
    """Return what is wrong with the chunks of an array of version 3."""
    missing = [key for key in NEEDED if key not in document]
    if missing:
        return f"its metadata lack {', '.join(missing)}"
    grid, encoding = document["chunk_grid"], document["chunk_key_encoding"]
    if (
        not isinstance(encoding, dict)
        or "name" not in encoding
        or not isinstance(encoding.get("configuration", {}), dict)
    ):
        return f"its names of chunks are {encoding!r:.80}"
    codecs = document["codecs"]
    if not isinstance(codecs, list) or not all(
        isinstance(one, dict) and isinstance(one.get("name"), str) for one in codecs
    ):
        return f"its codecs are {codecs!r:.80}"
    if not isinstance(grid, dict) or not isinstance(grid.get("configuration"), dict):
        return f"its chunks are {grid!r:.80}"
    lengths = grid["configuration"].get("chunk_shape")
    whole = isinstance(lengths, list) and len(lengths) == n_dims and _are_whole(lengths, 1) and prod(lengths) <= MOST
    if grid.get("name") == "regular" and not whole:
        return f"its chunks are of shape {lengths!r:.80}"
    return ""


def _wrong_in_number(document: Document) -> str:
    """Return what is wrong with the number of chunks of an array whose shape is sound."""
    shape = document["shape"]
    grids = [grid for grid in _grids(document) if isinstance(grid, list) and len(grid) == len(shape)]
    return next(filter(None, (too_many_chunks(shape, grid) for grid in grids if _are_whole(grid, 1))), "")


def too_many_chunks(shape: Sequence[int], lengths: Sequence[int]) -> str:
    """Return what is wrong with an array of a shape in chunks of certain lengths, nothing if they are not too many."""
    numbers = [-(-size // length) for size, length in zip(shape, lengths, strict=True)]
    wrong = sum(numbers) > MOST_ALONG_AXES or prod(numbers) > MOST_CHUNKS
    return f"it is cut into {' x '.join(map(str, numbers))} chunks" if wrong else ""


def too_many_labels(shape: Sequence[int], stored: Callable[[], int]) -> str:
    """Return what is wrong with labels that are too many for the bytes that are stored of them, which are counted."""
    if len(shape) != 1 or shape[0] <= MANY_LABELS:
        return ""
    n_bytes = stored()
    return f"of {shape[0]:,} entries, {n_bytes:,} bytes are there" if shape[0] > MOST_PACKED * n_bytes else ""


def _grids(document: Document) -> list[Any]:
    """Return the lengths of chunks that a document names, those of chunks within shards among them."""
    found: list[Any] = []
    parts: list[Any] = [document]
    while parts:
        part = parts.pop()
        if isinstance(part, list):
            parts += part
        elif isinstance(part, dict):
            found += [part[key] for key in ("chunks", "chunk_shape") if key in part]
            parts += [part[key] for key in ("chunk_grid", "configuration", "codecs") if key in part]
    return found


def _are_whole(numbers: list[Any], least: int) -> bool:
    """Return whether all are whole numbers of at least `least`."""
    return all(type(n) is int and n >= least for n in numbers)


def _damaged(file: Path, wrong: str) -> UnreadableFile:
    """Return the error about a damaged document."""
    fix = "Put back a copy of it; netxr verify lists what is damaged."
    return UnreadableFile(file, f"its metadata are damaged ({wrong})", fix=fix)


# --- what follows from what they say ------------------------------------------


def sizes(document: Document) -> dict[str, int]:
    """Return the dims of an array with their sizes."""
    return dict(zip(document["dimension_names"] or (), document["shape"], strict=True))


def grown(document: Document, dim: str, size: int) -> Document:
    """Return the metadata of an array as it will be with `size` entries along `dim`."""
    return document | {"shape": [size if each == dim else n for each, n in sizes(document).items()]}
