"""What must be true of a store, whatever happened to who wrote it."""

import json
import shutil

import xarray as xr

import netxr
from netxr import names as n
from netxr.errors import DiskFull
from netxr.recordings.verify import verify
from netxr.schema.clock import with_axis
from netxr.store import commits
from netxr.store.layout import unfolded
from netxr.store.locks import STAGING_PREFIX, marked, unfinished_name
from netxr.store.metadata import COPY, DOCUMENT, PLACEHOLDER, documents, with_checksum
from netxr.store.writers import DIGITS


def content(dataset):
    """A dataset without the times of its history."""
    attrs = {name: value for name, value in dataset.attrs.items() if name != n.CREATED}
    attrs[n.HISTORY] = [line.partition(" ")[2] for line in attrs[n.HISTORY].splitlines()]
    return dataset.load().drop_attrs(deep=False).assign_attrs(attrs)


def check_open(path):
    """Open a store in every way there is, with one result, and verify it."""
    dataset = content(netxr.open(path))
    xr.testing.assert_identical(content(with_axis(unfolded(xr.open_zarr(path)))), dataset)
    if not behind(path):
        alone = xr.open_zarr(path, consolidated=False)
        xr.testing.assert_identical(content(with_axis(unfolded(alone))), dataset)
    assert [problem for problem in verify(path) if not problem.harmless] == []
    return dataset


def fresh(before, path):
    """Put the folder of a store back to what it was."""
    shutil.rmtree(path.parent, ignore_errors=True)
    shutil.copytree(before, path.parent)


def behind(path):
    """Arrays of which the document is not as the store's own says: a commit was cut off."""
    copy = json.loads((path / DOCUMENT).read_bytes())[COPY]["metadata"]
    arrays = {name: document for name, document in copy.items() if document["node_type"] == "array"}
    return [name for name, document in arrays.items() if json.loads((path / name / DOCUMENT).read_bytes()) != document]


def cut_off(patch):
    """Let every commit end as soon as it is made, before the documents of arrays follow."""
    replace = commits._replace

    def only_the_root(folder, name, document):
        if name:
            raise DiskFull(folder, "No space left on device")
        replace(folder, name, document)

    patch.setattr(commits, "_replace", only_the_root)


def let_count(path, changed):
    """Commit documents, as a writer that has just come."""
    with marked(path) as mark:
        commits.commit(path, documents(path), changed, mark)


def left_by_the_dead(path):
    """A hidden name beside a store, of a writer that has ended."""
    name = unfinished_name(path)
    began = name.name[-2 * DIGITS : -DIGITS]
    return name.with_name(name.name.replace(began, f"{int(began, 16) ^ 1:0{DIGITS}x}"))


def edit(document, **changes):
    """Change entries of the document of an array or a group, and the copy of it in that of its group."""
    changed = json.loads(document.read_text()) | changes
    document.write_text(json.dumps(with_checksum(changed) if changed.get(COPY) else changed))
    above = document.parent.parent / DOCUMENT
    root = json.loads(above.read_text()) if above.exists() else {}
    if root.get(COPY):
        root[COPY]["metadata"][document.parent.name] = changed
        above.write_text(json.dumps(with_checksum(root)))


def check_tidy(path):
    """Nothing is left of a writer that died."""
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    documents = [json.loads(document.read_bytes()) for document in path.glob(f"**/{DOCUMENT}")]
    assert not [document for document in documents if document["attributes"] == PLACEHOLDER]
    assert behind(path) == []
    assert not [entry for entry in path.iterdir() if entry.is_dir() and not (entry / DOCUMENT).exists()]
    assert not [problem for problem in verify(path) if STAGING_PREFIX in problem.place or "commit" in problem.wrong]
