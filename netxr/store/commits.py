"""Changes to a store that happen as a whole or not at all: the protocol of writers.

Readers see of a Zarr array what its metadata say. So new chunks are written beyond the shape in the metadata, or under
other names. Then the document of the group is replaced, with a copy of those of its arrays: this is the commit. The
documents of the arrays follow, for programs that read them one by one. A writer that dies before the commit has changed
nothing; one that dies after it has changed everything, and the next writer does the rest.
"""

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Final

import zarr
from zarr.storage import LocalStore, StorePath

from netxr.compat import array_of_all_chunks
from netxr.errors import DiskFull, NetxrError, StoreBusy
from netxr.schema.outputs import space_needed
from netxr.store.checksums import sum_after, sum_of
from netxr.store.interrupts import to_the_end
from netxr.store.keys import NO_TERMS, Index, Terms, chunk_key, chunk_lengths, under_old_keys
from netxr.store.locks import STAGING_PREFIX, alone, remove_abandoned, unfinished_beside, unfinished_name
from netxr.store.metadata import (
    COPY,
    DOCUMENT,
    PLACEHOLDER,
    ROOT,
    Document,
    copied_in,
    documents,
    forgotten,
    groups_in,
    is_longer,
    on_disk,
    read_document,
    settled,
    taken_in,
    was_edited,
    with_checksum,
    with_commit,
    with_copy,
    written,
)
from netxr.store.writers import Mark

CHUNK: Final = re.compile(r"c|(?:c\.)?\d+(?:\.\d+)*(?:\.[0-9a-f]+\.partial)?")
"""Names of chunks, of folders of chunks, and of unfinished chunks in the folder of an array."""


PARTIAL: Final = re.compile(r"(?:^|[/.])[c\d]+\.[0-9a-f]+\.partial$")
"""What Zarr calls a chunk that it has not written to its end."""


@contextmanager
def writing(folder: Path) -> Iterator[Mark]:
    """Lock a store, and repair it; it is an error if another writer has the lock."""
    try:
        with alone(folder) as mark:
            repair(folder, after_a_crash=mark.after_a_crash)
            remove_abandoned(unfinished_beside(folder))
            yield mark
    finally:
        update_copies(folder)


def commit(
    folder: Path,
    seen: Mapping[str, Document],
    changed: Mapping[str, Document],
    mark: Mark,
    terms: Terms = NO_TERMS,
) -> None:
    """Let changed documents count, all at once; the caller holds the lock, with its mark, and has `seen` all of them.

    What chunks that were written add to the sum of their array is among the `terms`, or read.
    Raises StoreBusy or DiskFull if another writer came in between, or there is no room: then nothing has changed.
    """
    to_the_end(partial(_commit, folder, seen, changed, mark, terms))


def _commit(
    folder: Path,
    seen: Mapping[str, Document],
    changed: Mapping[str, Document],
    mark: Mark,
    terms: Terms,
) -> None:
    """Do what `commit` says."""
    arrays = {name: one for name, one in changed.items() if name != ROOT}
    sums = {name: _sum_after(folder, seen, name, one, terms.get(name, {})) for name, one in arrays.items()}
    known = documents(folder)
    by_netxr = any(written(known, name).last for name in known)  # other programs leave the names of commits out
    if not mark.is_there() or (by_netxr and known != seen):
        fix = "Nothing of this change was kept: do it again."
        raise StoreBusy(folder, "another writer has taken its lock away, or changed it, since this one began", fix=fix)
    known = with_commit(known, changed, sums)
    _replace_root(folder, known)
    with suppress(DiskFull):  # the change is made: the next writer does the rest
        for name, document in arrays.items():
            _replace(folder, name, document)
        _replace_root(folder, settled(known))


def _sum_after(
    folder: Path, seen: Mapping[str, Document], name: str, document: Document, terms: Mapping[Index, int]
) -> str:
    """Return the sum over the chunks of an array once a document of it counts."""
    if is_longer(seen, name, document):
        return sum_after(folder / name, seen[name], written(seen, name).chunks, document, terms)
    is_new = name not in seen or seen[name]["chunk_key_encoding"] != document["chunk_key_encoding"]
    return sum_of(folder / name, document, terms if is_new else {})  # else they are what chunks add to their own terms


def repair(folder: Path, *, after_a_crash: bool = False) -> None:
    """Finish what other writers have left; the caller holds the lock.

    Documents of arrays follow the last commit; those that another program has changed or added are taken into the copy,
    but never so that an array loses what was committed.
    Arrays that never were committed are removed, values that were replaced but for the last ones, and after a crash
    chunks that were not committed.
    """
    known, found = documents(folder), on_disk(folder)
    edited = {name: taken_in(known, name, one) for name, one in found.items() if was_edited(known, name, one)}
    for name, document in (known | edited).items():
        if name != ROOT and found.get(name) != document:
            _replace(folder, name, document)
    as_long = [name for name, one in edited.items() if name in known and one["shape"] == known[name]["shape"]]
    known_sums = {name: written(known, name).chunks for name in as_long}
    single = [name for name, one in known.items() if name != ROOT and not one["shape"]]  # of them only two have a name
    now = forgotten(settled(with_commit(known, edited, known_sums)), single)
    if edited or any(written(known, name) != written(now, name) for name in known):
        _replace_root(folder, now)  # readers must know before values that were replaced are removed
    for name in now.keys() - {ROOT}:
        _remove_unused(folder / name, now[name], is_kept=bool(written(now, name).kept))
        if after_a_crash and now[name]["chunk_grid"]["name"] == "regular":
            _remove_uncommitted(folder / name, now[name])
    for name in found.keys() - now.keys():
        if found[name].get("attributes") == PLACEHOLDER:
            unfinished = unfinished_name(folder)  # a folder that is half removed would look like a damaged array
            (folder / name).rename(unfinished)
            shutil.rmtree(unfinished)


def forget_kept(folder: Path, name: str) -> None:
    """Remove the values that an array had before the present ones."""
    known = forgotten(documents(folder), [name])
    _replace_root(folder, known)
    _remove_unused(folder / name, known[name], is_kept=False)


def update_copies(folder: Path) -> None:
    """Update the copies of groups in the document of a group, and of the groups around it.

    Groups have writers of their own. Where one holds the lock, it does this when it ends.
    """
    while (folder / DOCUMENT).exists():
        with suppress(NetxrError, OSError):  # the next writer does it
            while _is_behind(folder):
                with alone(folder):
                    _replace_root(folder, documents(folder))
        folder = folder.parent


def consolidate(folder: Path, terms: Terms = NO_TERMS) -> None:
    """Write the copy into the document of a new group that nobody reads yet; `terms` are those of `commit`."""
    if (folder / DOCUMENT).exists():
        known = documents(folder)
        new = {name: one for name, one in known.items() if not written(known, name).values}
        sums = {name: sum_of(folder / name, one, terms.get(name, {})) for name, one in new.items() if name != ROOT}
        _replace_root(folder, settled(with_commit(known, new, sums)))


def reserve(folder: Path, name: str) -> None:
    """Make the folder of a new array, which is an empty group until the commit."""
    new = unfinished_name(folder)
    new.mkdir()
    document = {"zarr_format": 3, "node_type": "group", "attributes": PLACEHOLDER}
    (new / DOCUMENT).write_text(json.dumps(document), encoding="utf-8")
    new.rename(folder / name)


def array_to_be(folder: Path, name: str, document: Document) -> "zarr.Array[Any]":
    """Return an array to write to, as it will be once `document` is committed."""
    path = StorePath(LocalStore(folder), name)
    array: zarr.Array[Any] = array_of_all_chunks(document, path)
    return array


def _is_behind(folder: Path) -> bool:
    """Return whether groups in a group differ from the copy of them in its document."""
    root = read_document(folder)
    if root.get(COPY) is None:
        return False
    known = copied_in(root)
    return root != with_checksum(with_copy(known, groups_in(folder, known)))


def _remove_unused(array: Path, document: Document, *, is_kept: bool) -> None:
    """Remove chunks that have other names than `document` gives them, or gave them before if those are kept."""
    names = [_begin_of_names(one) for one in ([document, under_old_keys(document)] if is_kept else [document])]
    for entry in array.iterdir():
        if (re.sub(r"\d+", "0", entry.name), entry.is_dir()) in names or not CHUNK.fullmatch(entry.name):
            continue
        if entry.is_dir():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _begin_of_names(document: Document) -> tuple[str, bool]:
    """Return how the names of an array's chunks begin, numbers as 0, and whether that is a folder."""
    first, _, within = chunk_key(document, [0] * len(document["shape"])).partition("/")
    return first, bool(within)


def _remove_uncommitted(array: Path, document: Document) -> None:
    """Remove chunks that an array does not have, and those of which the writing was cut off."""
    for file in [file for file in array.rglob("*") if file.is_file()]:
        name = file.relative_to(array).as_posix()
        index = [int(number) for number in re.findall(r"\d+", name)]
        is_chunk = len(index) == len(document["shape"]) and name == chunk_key(document, index)
        sizes = zip(index, chunk_lengths(document), document["shape"], strict=False)
        if PARTIAL.search(name) or (is_chunk and any(i * length >= size for i, length, size in sizes)):
            file.unlink()


def _replace_root(folder: Path, known: Mapping[str, Document]) -> None:
    """Put the document of a group in its place, with a copy of all others."""
    _replace(folder, ROOT, with_checksum(with_copy(known, groups_in(folder, known))))


def _replace(folder: Path, name: str, document: Document) -> None:
    """Put a document in its place in one step."""
    text, place = json.dumps(document), folder / name / DOCUMENT
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
