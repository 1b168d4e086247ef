"""What must be true of a store, whatever happened to who wrote it."""

import json
import warnings

import xarray as xr

import netxr
from netxr import names as n
from netxr.recordings.verify import verify
from netxr.store.commits import DOCUMENT, PLACEHOLDER
from netxr.store.staging import STAGING_PREFIX


def content(dataset):
    """A dataset without the times of its history."""
    attrs = {name: value for name, value in dataset.attrs.items() if name not in (n.CREATED, n.COMMIT_UNDER_WAY)}
    attrs[n.HISTORY] = [line.partition(" ")[2] for line in attrs[n.HISTORY].splitlines()]
    return dataset.load().drop_attrs(deep=False).assign_attrs(attrs)


def check_open(path):
    """Open a store in every way there is, with one result, and verify it."""
    dataset = content(netxr.open(path))
    xr.testing.assert_identical(content(plainly(path)), dataset)
    if n.COMMIT_UNDER_WAY not in attributes(path):
        xr.testing.assert_identical(content(plainly(path, consolidated=False)), dataset)
    assert [problem for problem in verify(path) if not problem.harmless] == []
    return dataset


def plainly(path, **options):
    """Open a store without netxr."""
    with warnings.catch_warnings(action="ignore"):  # that the metadata are not consolidated
        return xr.open_zarr(path, **options).load()


def attributes(path):
    return json.loads((path / DOCUMENT).read_bytes())["attributes"]


def check_tidy(path):
    """Nothing is left of a writer that died."""
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    documents = [json.loads(document.read_bytes()) for document in path.glob(f"**/{DOCUMENT}")]
    assert not [document for document in documents if document["attributes"] == PLACEHOLDER]
    assert not [document for document in documents if "consolidated_metadata" in document]
    assert not [entry for entry in path.iterdir() if entry.is_dir() and not (entry / DOCUMENT).exists()]
    assert not [problem for problem in verify(path) if STAGING_PREFIX in problem.place or "commit" in problem.wrong]
