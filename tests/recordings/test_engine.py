import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import netxr
from netxr.errors import UnreadableFile
from netxr.recordings.engine import NetxrBackend


@pytest.fixture
def store(tmp_path):
    run = netxr.simulate(netxr.random_connectivity(3, seed=1), n_steps=40, seed=1)
    netxr.save(run, tmp_path / "run.zarr")
    return tmp_path / "run.zarr"


def test_the_package_says_that_it_is_an_engine():
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))["project"]
    home = project["entry-points"]["xarray.backends"]["netxr"]
    assert EntryPoint("netxr", home, "xarray.backends").load() is NetxrBackend


@pytest.mark.parametrize("chunks", [None, {}, "auto"])
def test_a_store_is_opened_as_netxr_opens_it(store, chunks):
    opened = xr.open_dataset(store, engine=NetxrBackend, chunks=chunks)
    xr.testing.assert_identical(opened, netxr.open(store))
    assert isinstance(opened.xindexes["time"], xr.indexes.RangeIndex)
    part = opened.activity.sel(time=slice(10, 20), method="nearest")
    np.testing.assert_array_equal(part, netxr.open(store).activity[:, 10:20])


def test_files_of_other_tools_are_opened_with_their_options(tmp_path):
    np.save(tmp_path / "x.npy", np.arange(12.0).reshape(4, 3))
    options = {"dims": ("time", "neuron"), "sampling_interval": 0.5}
    opened = xr.open_dataset(tmp_path / "x.npy", engine=NetxrBackend, chunks={}, **options)
    assert opened.time.values.tolist() == [0, 0.5, 1, 1.5]
    assert opened.activity.sel(neuron=1).values.tolist() == [1, 4, 7, 10]


def test_variables_are_left_out(store):
    assert "activity" not in xr.open_dataset(store, engine=NetxrBackend, drop_variables="activity")
    assert "trial" not in xr.open_dataset(store, engine=NetxrBackend, drop_variables=["trial", "none"]).coords


def test_what_is_not_there_is_said(tmp_path):
    with pytest.raises(UnreadableFile, match="there is no such file or folder"):
        xr.open_dataset(tmp_path / "none.zarr", engine=NetxrBackend)


def test_files_that_other_engines_know_are_left_to_them():
    guess = NetxrBackend().guess_can_open
    assert guess("session.nwb")
    assert guess(Path("session.NWB"))
    assert not any(map(guess, ["run.zarr", "run.nc", "x.npy", "x.h5", object(), b"CDF"]))
