import os
import shutil
import time
import tracemalloc
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import netxr
from netxr.app.frame.folder import Folder
from tests.app.hostile import hostile_stores
from tests.app.pages import OpenPage


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a run and an estimate, a link out of it, and a store that links one of its arrays out."""
    outside = tmp_path_factory.mktemp("folder")
    root = outside / "stores"
    root.mkdir()
    run = netxr.simulate(netxr.random_connectivity(4, sparsity=0.5, seed=1), n_steps=50, seed=1)
    netxr.save(run, outside / "secret.zarr")
    netxr.save(run, root / "run.zarr")
    netxr.save(run[["connectivity"]], root / "truth.zarr")
    netxr.save(run, root / "half.zarr")
    (root / "half.zarr" / "activity").rename(outside / "activity")
    (root / "half.zarr" / "activity").symlink_to(outside / "activity")
    (root / "link.zarr").symlink_to(outside / "secret.zarr")
    (root / "near.zarr").symlink_to(root / "run.zarr")
    (root / "notes.txt").write_text("no store")
    return Folder(root)


def test_the_catalogue_is_what_can_be_opened(folder):
    assert folder.names() == ["near.zarr", "run.zarr", "truth.zarr"]
    assert folder.names("connectivity") == ["truth.zarr"]
    assert folder.open("run.zarr").sizes["neuron"] == 4
    assert list(folder.catalog()["name"]) == folder.names()


@pytest.fixture
def listings(monkeypatch):
    """What has been listed."""
    found, catalog = [], netxr.catalog
    monkeypatch.setattr(netxr, "catalog", lambda source: found.append(source) or catalog(source))
    return found


@pytest.mark.parametrize("tab", ["recording", "recording&recording=run.zarr", "compare", "map"])
def test_a_page_lists_its_folder_once_when_it_opens(folder, pages, listings, tab):
    folder.look_again()
    pages.append(OpenPage(f"?tab={tab}", folder=folder))
    assert not pages[0].wait().messages
    assert listings == [folder.root]


def test_what_is_made_meanwhile_is_found_when_it_is_asked_for_and_listed_soon(folder, monkeypatch, listings):
    folder.look_again()
    shutil.copytree(folder.root / "run.zarr", folder.root / "new.zarr")
    assert "new.zarr" not in folder.names()
    assert len(listings) == 1
    assert folder.open("new.zarr").sizes["neuron"] == 4
    assert "new.zarr" in folder.names()
    shutil.rmtree(folder.root / "new.zarr")
    now = time.monotonic()
    monkeypatch.setattr("time.monotonic", lambda: now + 2.1)
    assert "new.zarr" not in folder.names()


@pytest.mark.parametrize(
    "name",
    [
        *(
            "../secret.zarr",
            "link.zarr",
            "half.zarr",
            "half.zarr/activity",
            "run.zarr/../../secret.zarr",
            ".",
            "..",
            "",
        ),
        *("/etc/passwd", "run.zarr\0", "run.zarr/", "./run.zarr", "run.zarr/.", "notes.txt", "RUN.ZARR", "//run.zarr"),
        *("file:///etc/passwd", "s3://bucket/run.zarr", "~/x", "run.zarr/activity", "x" * 5000),
    ],
)
def test_no_other_name_is_opened(folder, name):
    with pytest.raises(netxr.InvalidInput) as told:
        folder.open(name)
    assert "a name that is not in the list" in str(told.value)
    assert "secret" not in str(told.value)
    assert str(folder.root) not in str(told.value)


@given(
    st.lists(st.sampled_from(["..", ".", "run.zarr", "secret.zarr", "link.zarr", "", "\0", "etc", "/"])).map("/".join)
)
def test_no_path_leads_out(folder, name):
    if name not in folder.names():
        with pytest.raises(netxr.InvalidInput):
            folder.path_of(name)
    else:
        assert folder.path_of(name).resolve().is_relative_to(folder.root)


def test_a_link_however_deep_in_a_store_leads_nowhere_else(folder, tmp_path):
    netxr.save(folder.open("run.zarr").load(), tmp_path / "run.zarr")
    chunk = next(file for file in (tmp_path / "run.zarr" / "activity" / "c").rglob("*") if file.is_file())
    within = tmp_path / "samples"
    chunk.rename(within)
    chunk.symlink_to(within)
    assert Folder(tmp_path).open("run.zarr").activity.isnull().sum() == 0
    for target in (folder.root.parent / "secret.zarr" / "zarr.json", within.parent):
        chunk.unlink()
        chunk.symlink_to(target)
        with pytest.raises(netxr.InvalidInput, match="may not be read"):
            Folder(tmp_path).open("run.zarr")


def test_one_store_is_a_folder_of_itself(folder):
    alone = Folder(folder.root / "run.zarr")
    assert alone.names() == ["."]
    assert alone.open(".").sizes["neuron"] == 4
    with pytest.raises(netxr.InvalidInput):
        alone.open("../truth.zarr")


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(netxr.UnreadableFile, match="there is no such folder"):
        Folder(tmp_path / "none")


def test_a_store_that_is_gone_is_named(folder):
    with pytest.raises(netxr.InvalidInput, match=r"got gone-1.zarr, a name that is not in the list"):
        folder.open("gone-1.zarr")


def test_what_is_removed_meanwhile_is_not_there(tmp_path):
    netxr.save(netxr.random_connectivity(3).to_dataset(name="connectivity"), tmp_path / "a.zarr")
    folder = Folder(tmp_path)
    (tmp_path / "a.zarr").rename(tmp_path.with_suffix(".moved"))
    with pytest.raises(netxr.InvalidInput, match="the folder has no store"):
        folder.open("a.zarr")


@pytest.mark.parametrize("inside", ["", "activity/c"])
def test_a_store_that_may_not_be_listed_hides_no_other(folder, tmp_path, monkeypatch, inside):
    shutil.copytree(folder.root / "run.zarr", tmp_path / "run.zarr")
    shutil.copytree(folder.root / "run.zarr", tmp_path / "shut.zarr")
    shut = tmp_path / "shut.zarr" / inside

    def listing(of, path):
        if Path(path) == shut:
            raise PermissionError(13, "Permission denied", str(path))
        return of(path)

    for name in ("listdir", "scandir"):
        monkeypatch.setattr(os, name, partial(listing, getattr(os, name)))
    found = Folder(tmp_path)
    assert found.open("run.zarr").sizes["neuron"] == 4
    with pytest.raises(netxr.InvalidInput, match="may not be read"):
        found.path_of("shut.zarr")


def test_hostile_stores_hide_no_other_and_take_no_memory(folder, tmp_path):
    broken = hostile_stores(tmp_path, folder.open("run.zarr").load())
    tracemalloc.start()
    listed = Folder(tmp_path).catalog().set_index("name").kind.to_dict()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert listed == {"good.zarr": "run", "labels.zarr": "run"} | dict.fromkeys(broken, "broken")
    assert peak < 2**24
    assert Folder(tmp_path).open("good.zarr").sizes["neuron"] == 4
    for name in ("labels.zarr", *broken):
        with pytest.raises(netxr.UnreadableFile):
            Folder(tmp_path).open(name)
    for name in ("bomb.npz", "pipe.npz"):
        with pytest.raises(netxr.InvalidInput, match="not in the list"):
            Folder(tmp_path).open(name)
