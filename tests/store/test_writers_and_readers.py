"""Several processes at one store: readers see what was committed, and a second writer gets an error."""

import json
import os
import shutil
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import zarr

import netxr
from netxr.errors import OutputExists, StoreBusy, UnreadableFile
from netxr.store import locks, metadata, staging
from netxr.store.locks import locked, unfinished_beside, unfinished_name
from netxr.store.metadata import COPY, DOCUMENT, read_document
from tests.store.crowd import ENOUGH, LAGS, NETWORK, TRIALS, begin, crowd, samples
from tests.store.stores import check_open, check_tidy, cut_off

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="locks of Unix")

SECONDS = 60 if os.environ.get("NETXR_BENCHMARK") == "full" else 2


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "work" / "run.zarr"
    path.parent.mkdir()
    begin(path, 30)
    return path


@pytest.mark.slow
@pytest.mark.parametrize("moments", [True, False])
def test_readers_see_what_was_committed(path, moments):
    """With moments, many documents change at once; without, few do, but ten times as often."""
    shutil.rmtree(path)
    begin(path, 30, moments=moments)
    writer, *readers = crowd("appending", *["reading"] * 4, path=path, seconds=SECONDS)
    print(writer, readers)
    assert not [each["error"] for each in (writer, *readers) if "error" in each]
    assert writer["busy"] == 0
    assert len(writer["pieces"]) >= ENOUGH
    assert all(reader["opened"] >= ENOUGH and reader["length"] > 30 for reader in readers)
    now = check_open(path)
    assert now.sizes["time"] == 30 + sum(writer["pieces"])
    xr.testing.assert_equal(now.activity, samples(0, now.sizes["time"]).transpose(*now.activity.dims))
    check_tidy(path)


@pytest.mark.slow
def test_two_writers_append_in_turns_or_get_an_error(path):
    """Each appends samples of its own, numbered on from where it began: the store is a shuffle of their pieces."""
    writers = crowd("appending", "appending", path=path, seconds=SECONDS)
    assert not [each["error"] for each in writers if "error" in each]
    assert all(writer["pieces"] for writer in writers)
    assert sum(writer["busy"] for writer in writers) > 0
    now = check_open(path)
    activity = now.activity.transpose("time", "neuron", "trial").values
    wrote = np.rint(activity[:, 0, 0] / 100).astype(int)
    for me, writer in enumerate(writers):
        mine = activity[30:][wrote[30:] == me]
        expected = samples(writer["begun"], sum(writer["pieces"]), writer=me)
        np.testing.assert_array_equal(mine, expected.values)
    n = 30 + sum(sum(writer["pieces"]) for writer in writers)
    assert now["count"].values.tolist() == [(n - lag) * len(TRIALS) for lag in LAGS]
    expected = netxr.lagged_moments(now.activity, lags=LAGS, dim=["time", "trial"]).compute()
    np.testing.assert_allclose(now.comoment, expected.comoment, rtol=1e-9, atol=1e-6)
    check_tidy(path)


@pytest.mark.slow
@pytest.mark.parametrize("role", ["saving", "simulating"])
def test_one_of_two_makes_a_store(tmp_path, role):
    outcomes = crowd(role, role, role, path=tmp_path / "run.zarr", seconds=2)
    for each in zip(*outcomes, strict=True):
        assert Counter(each)["done"] == 1, each
        assert set(each) <= {"done", "OutputExists", *(["StoreBusy"] if role == "simulating" else [])}
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [f"run.zarr-{k}" for k in range(10)]
    for k in range(10):
        run = check_open(tmp_path / f"run.zarr-{k}")
        if role == "simulating":
            expected = netxr.simulate(NETWORK, n_steps=640, seed=1)
            xr.testing.assert_equal(run.activity, expected.activity)


def test_a_store_that_is_written_to_is_busy(path):
    with locked(path):
        before = sorted((file, file.stat().st_mtime_ns) for file in path.rglob("*"))
        with pytest.raises(StoreBusy, match=r"run\.zarr: it is being written to by another process. Wait until"):
            netxr.append(samples(30, 5), path, dim="time")
        with pytest.raises(StoreBusy):
            netxr.add(xr.Dataset({"score": 1.0}), path)
        assert check_open(path).sizes["time"] == 30
        assert sorted((file, file.stat().st_mtime_ns) for file in path.rglob("*")) == before


def test_a_folder_that_is_being_made_is_not_taken_for_abandoned(tmp_path, monkeypatch):
    """Another writer comes between the making of a hidden folder and its lock."""
    final, taken = tmp_path / "run.zarr", []

    def late(folder):
        if not taken:
            taken.append(folder)
            locks.remove_abandoned(unfinished_beside(final))
        return locked(folder)

    monkeypatch.setattr(staging, "locked", late)
    netxr.save(samples(0, 5).to_dataset(), final)
    assert taken
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.zarr"]


def test_metadata_on_their_way_are_not_taken_for_abandoned(tmp_path, monkeypatch):
    """Another writer's store appears while what is beside it is listed, and its next commit begins."""
    final = tmp_path / "run.zarr"
    document = unfinished_name(final)

    def listed(path):
        path.mkdir()
        (path / DOCUMENT).write_text("{}")
        document.write_text("{}")
        return unfinished_beside(path)

    monkeypatch.setattr(staging, "unfinished_beside", listed)
    with pytest.raises(OutputExists):
        netxr.save(samples(0, 5).to_dataset(), final)
    assert document.exists()


def test_what_was_replaced_after_it_was_opened_is_not_mixed_with_what_came(path):
    """Chunks of the old values go away, or take new values: both are said."""
    old = netxr.open(path).comoment.compute()
    opened = netxr.open(path)
    for k in range(1, 5):
        netxr.add(netxr.open(path)[["comoment"]].compute() + 1, path, replace=True)
        np.testing.assert_array_equal(netxr.open(path).comoment, old + k)
        if k == 1:
            np.testing.assert_array_equal(opened.comoment, old)
        else:
            with pytest.raises(
                UnreadableFile, match=r"comoment was replaced after the store was opened. Open it again"
            ):
                opened.comoment.compute()
        xr.testing.assert_equal(opened.activity.compute(), samples(0, 30).transpose(*opened.activity.dims))


def test_samples_of_a_run_that_has_grown_are_read_on(path):
    opened = netxr.open(path)
    for start in (30, 37, 51):
        netxr.append(samples(start, 14 if start > 30 else 7), path, dim="time")
    xr.testing.assert_equal(opened.activity.compute(), samples(0, 30).transpose(*opened.activity.dims))


def test_the_first_commit_to_an_old_store_while_it_is_opened(path, monkeypatch):
    """Its documents are read one by one: old ones and new ones must not be mixed."""
    root = read_document(path)
    del root[COPY]
    (path / DOCUMENT).write_text(json.dumps(root))
    calls = []

    def watched(folder):
        if folder == path / "comoment" and not calls:
            calls.append(folder)
            netxr.append(samples(30, 5), path, dim="time")
        return read_document(folder)

    monkeypatch.setattr(metadata, "read_document", watched)
    now = netxr.open(path)
    assert calls
    assert now.sizes["time"] == 35
    assert now["count"].values.tolist() == [(35 - lag) * len(TRIALS) for lag in LAGS]


def test_what_was_replaced_in_a_commit_that_was_cut_off_has_a_name_of_its_own(path, monkeypatch):
    """Opened before and after it, in one computation: no clock tells them apart."""
    before = netxr.open(path)
    with monkeypatch.context() as patch:
        cut_off(patch)
        netxr.add(before[["comoment"]].compute() + 1, path, replace=True)
    after = netxr.open(path)
    np.testing.assert_array_equal(after.comoment - before.comoment, 1)
    assert netxr.open(path).comoment.data.name == after.comoment.data.name
    assert after.activity.data.name == before.activity.data.name


def test_another_store_in_the_place_of_one_that_is_held_open(path):
    held = netxr.open(path)
    shutil.rmtree(path)
    begin(path, 30)
    os.utime(path / DOCUMENT, ns=(0, 0))
    with pytest.raises(UnreadableFile, match=r"was replaced after the store was opened\. Open it again"):
        held.activity.compute()
    assert netxr.open(path).activity.data.name != held.activity.data.name


def test_no_clock_tells_whether_a_store_is_the_same(path, monkeypatch):
    """Its files have the times, sizes and inodes of those that were there before, as a system may have it."""
    held = netxr.open(path)
    held.activity[:, :5].compute()
    before = (path / DOCUMENT).stat()
    document = (path / DOCUMENT).read_bytes()
    shutil.rmtree(path)
    begin(path, 30)
    assert len((path / DOCUMENT).read_bytes()) == len(document)
    stat = Path.stat

    def alike(file, **options):
        return before if file.name == DOCUMENT else stat(file, **options)

    monkeypatch.setattr(Path, "stat", alike)
    with pytest.raises(UnreadableFile, match=r"was replaced after the store was opened\. Open it again"):
        held.activity[:, :5].compute()


def test_a_store_of_another_program_that_became_shorter_is_noticed(tmp_path):
    path = tmp_path / "theirs.zarr"
    xr.Dataset({"a": ("x", np.arange(6.0))}).to_zarr(path, consolidated=False)
    held = netxr.open(path)
    zarr.open_array(path / "a", mode="r+").resize((2,))
    with pytest.raises(UnreadableFile, match=r"a was replaced after the store was opened"):
        held.a.compute()


def test_a_change_by_another_program_is_no_replacement(path):
    """Zarr leaves names of commits out where it writes the attributes of a group."""
    held = netxr.open(path)
    group = zarr.open_group(path, mode="r+")
    for changed in (group["activity"], group):
        changed.attrs["note"] = 1
        np.testing.assert_array_equal(held.activity[:, 5:9], samples(0, 30).transpose(*held.activity.dims)[:, 5:9])
    netxr.append(samples(30, 5), path, dim="time")
    assert netxr.open(path).sizes["time"] == 35


@pytest.mark.parametrize("by", ["netxr", "xarray"])
def test_a_replacement_in_a_store_without_a_copy_is_noticed_by_who_holds_it_open(path, by):
    root = read_document(path)
    del root[COPY]
    (path / DOCUMENT).write_text(json.dumps(root))
    held, comoment = netxr.open(path), netxr.open(path)[["comoment"]].compute()
    held.comoment[0].compute()
    for _ in range(2):
        if by == "netxr":
            netxr.add(comoment + 1, path, replace=True)
        else:
            shutil.rmtree(path / "comoment")
            coded = (comoment + 1).drop_vars(comoment.coords).drop_encoding()
            coded.to_zarr(path, mode="a", consolidated=False)
    with pytest.raises(UnreadableFile, match=r"was replaced after the store was opened\. Open it again"):
        held.comoment.compute()
    held.activity.compute()
