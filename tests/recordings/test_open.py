import os

import numpy as np
import pytest
import xarray as xr
import zarr

import netxr
from netxr.errors import InvalidInput, UnreadableFile


def a_run():
    return netxr.simulate(netxr.random_connectivity(4, seed=1), n_steps=50, seed=1)


def test_stores_open_as_they_were_saved(tmp_path):
    run = a_run()
    netxr.save(run, tmp_path / "run.zarr")
    for source in (tmp_path / "run.zarr", str(tmp_path / "run.zarr"), zarr.storage.LocalStore(tmp_path / "run.zarr")):
        opened = netxr.open(source)
        assert opened.activity.chunks is not None
        xr.testing.assert_equal(opened.load(), run)


def test_files_open_as_recordings(tmp_path):
    samples = np.random.default_rng(0).normal(size=(50, 3))
    np.save(tmp_path / "x.npy", samples)
    opened = netxr.open(tmp_path / "x.npy", dims=("time", "neuron"), sampling_interval=0.1)
    np.testing.assert_array_equal(opened.activity.values, samples.T)
    assert opened.activity.attrs["sampling_interval"] == 0.1


def test_arrays_open_as_recordings():
    run = a_run()
    xr.testing.assert_identical(netxr.open(run), run)
    opened = netxr.open(np.zeros((3, 9)), dims=("neuron", "time"))
    assert opened.activity.sizes == {"neuron": 3, "time": 9}


def test_a_group_of_a_folder_is_a_folder_in_it(tmp_path):
    (tmp_path / "week").mkdir()
    netxr.save(a_run(), tmp_path / "week" / "monday")
    xr.testing.assert_identical(
        netxr.open(tmp_path / "week", group="monday").load(), netxr.open(tmp_path / "week" / "monday").load()
    )
    with pytest.raises(UnreadableFile, match=r"tuesday: there is no such file or folder\. Stores in .*week: monday"):
        netxr.open(tmp_path / "week", group="tuesday")


@pytest.mark.parametrize("group", ["..", "a/../..", "/etc", "a//b", "", "a\\b", ".", 3])
def test_a_group_is_within_its_store(tmp_path, group):
    netxr.save(a_run(), tmp_path / "run.zarr")
    with pytest.raises(InvalidInput, match=r"group: got .*; expected the name of a group within the store"):
        netxr.open(tmp_path / "run.zarr", group=group)
    with pytest.raises(InvalidInput, match=r"group: got .*; expected the name of a group within the store"):
        netxr.save(a_run(), zarr.storage.MemoryStore(), group=group)


def test_groups_of_a_zarr_store():
    store, runs = zarr.storage.MemoryStore(), {"monday": a_run(), "week/tuesday": a_run().isel(time=slice(0, 9))}
    for name, run in runs.items():
        netxr.save(run, store, group=name)
    for name, run in runs.items():
        xr.testing.assert_equal(netxr.open(store, group=name).load(), run)
    with pytest.raises(UnreadableFile, match=r"there is no group 'sunday'\. Groups in it: monday, week"):
        netxr.open(store, group="sunday")
    with pytest.raises(netxr.OutputExists, match="monday"):
        netxr.save(a_run(), store, group="monday")


def test_what_is_missing_is_an_error_that_lists_what_there_is(tmp_path):
    netxr.save(a_run(), tmp_path / "run.zarr")
    with pytest.raises(UnreadableFile, match=r"rum\.zarr: there is no such file or folder\. Stores in .*: run\.zarr\."):
        netxr.open(tmp_path / "rum.zarr")


def test_options_of_files_are_none_of_stores(tmp_path):
    netxr.save(a_run(), tmp_path / "run.zarr")
    with pytest.raises(InvalidInput, match=r"dims: got \('time', 'neuron'\) for .*run.zarr; expected none: it has"):
        netxr.open(tmp_path / "run.zarr", dims=("time", "neuron"))
    np.save(tmp_path / "x.npy", np.zeros((3, 4)))
    with pytest.raises(InvalidInput, match=r"group: got 'a'"):
        netxr.open(np.zeros((3, 4)), group="a", dims=("time", "neuron"))


def test_opening_reads_no_sample(tmp_path):
    netxr.save(a_run(), tmp_path / "run.zarr")
    for chunk in (tmp_path / "run.zarr" / "activity" / "c").rglob("*"):
        if chunk.is_file():
            chunk.write_bytes(b"damaged")
    opened = netxr.open(tmp_path / "run.zarr")
    with pytest.raises(UnreadableFile, match=r"run\.zarr: activity\[0:4, 0:50, 0:1\] cannot be read.*netxr verify"):
        opened.activity.compute()


def test_what_is_missing_or_no_file_is_told_whatever_the_options(tmp_path):
    netxr.save(a_run(), tmp_path / "run.zarr")
    with pytest.raises(UnreadableFile, match=r"x\.npy: there is no such file or folder\. Stores in .*: run\.zarr"):
        netxr.open(tmp_path / "x.npy", dims=("time", "neuron"))
    os.mkfifo(tmp_path / "pipe.npy")
    with pytest.raises(UnreadableFile, match=r"pipe\.npy: neither a file nor a folder"):
        netxr.open(tmp_path / "pipe.npy", dims=("time", "neuron"))
    with pytest.raises(UnreadableFile, match="neither a file nor a folder"):
        netxr.open("/dev/zero", format="text", dims=("time", "neuron"))
