"""Zarr stores of other tools, against what was written by xarray and zarr themselves."""

import shutil

import numpy as np
import pytest
import xarray as xr
import zarr
from click.testing import CliRunner

import netxr
from netxr.cli import main
from netxr.errors import InvalidInput, UnreadableFile

SAMPLES = np.random.default_rng(0).random((4, 60)).astype("f4")
CELLS = [3, 4, 22, 28]
OURS = {"unit_id": "neuron", "frame": "time"}


def run_in_shell(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def minian(tmp_path):
    """Traces, spikes and footprints of the same cells, as Minian keeps them."""
    variables = {"C": (("unit_id", "frame"), SAMPLES), "S": (("unit_id", "frame"), SAMPLES * 2)}
    footprints = {"A": (("unit_id", "height", "width"), np.zeros((4, 5, 5)))}
    dataset = xr.Dataset(variables | footprints, coords={"unit_id": CELLS, "frame": np.arange(60)})
    dataset.to_zarr(tmp_path / "minian.zarr", zarr_format=2)
    return tmp_path / "minian.zarr"


@pytest.fixture
def plain(tmp_path):
    """Arrays in groups, without names for their axes, as NWB has them."""
    group = zarr.open_group(tmp_path / "plain.zarr", mode="w", zarr_format=2)
    group.create_array("acquisition/series/data", data=SAMPLES.T, chunks=(16, 4))
    group.create_array("units/id", data=np.arange(4))
    return tmp_path / "plain.zarr"


@pytest.mark.parametrize("dims", [OURS, ("neuron", "time")])
def test_dims_of_another_tool_are_told(minian, dims):
    opened = netxr.open(minian, dims=dims, name="S", sampling_interval=0.05).activity
    np.testing.assert_array_equal(opened.values, SAMPLES * 2)
    assert opened.neuron.values.tolist() == CELLS
    assert opened.attrs["sampling_interval"] == 0.05
    assert opened.chunks is not None
    np.testing.assert_array_equal(netxr.load_activity(minian, dims=dims, name="C").values, SAMPLES)
    assert set(netxr.open(minian).dims) == {"unit_id", "frame", "height", "width"}


def test_what_is_no_recording_is_refused_with_what_is_there(minian, tmp_path):
    for options, match in (
        ({}, r"dims: got \{\}.*A \(unit_id, height, width\), C \(unit_id, frame\), S"),
        ({"dims": OURS}, r"name: got None; expected one variable.*C \(unit_id, frame\)"),
        ({"dims": ("neuron", "time")}, r"name: got None; expected a variable with 2 axes.*C \(unit_id, frame\)"),
        ({"dims": {"cell": "neuron"}}, r"which has unit_id, frame, height, width|which has unit_id"),
        ({"dims": OURS, "name": "C", "units": "mV"}, "units: got a value; expected none"),
        ({"signal": "spks"}, "signal: got 'spks'; expected no such option: a Zarr store takes name, group, dims"),
    ):
        with pytest.raises(InvalidInput, match=match):
            netxr.load_recording(minian, **options)
    done = run_in_shell("import", minian, tmp_path / "out.zarr")
    assert done.exit_code != 0
    assert "C (unit_id, frame)" in done.output
    assert not (tmp_path / "out.zarr").exists()


def test_a_store_of_another_tool_is_imported(minian, tmp_path):
    done = run_in_shell("import", minian, tmp_path / "out.zarr", "--name", "C", "--dims", "unit_id=neuron,frame=time")
    assert done.exit_code == 0, done.output
    imported = netxr.open(tmp_path / "out.zarr").activity
    np.testing.assert_array_equal(imported.values, SAMPLES)
    assert imported.neuron.values.tolist() == CELLS


def test_arrays_without_dims_are_chosen_by_their_place(plain, tmp_path):
    dims = ("time", "neuron")
    for options in ({}, {"name": "acquisition/series/data"}, {"group": "acquisition", "name": "series/data"}):
        opened = netxr.open(plain, dims=dims, sampling_interval=0.1, **options).activity
        np.testing.assert_array_equal(opened.values, SAMPLES)
        assert opened.attrs["sampling_interval"] == 0.1
    np.testing.assert_array_equal(netxr.load_activity(plain, dims=dims).values, SAMPLES)
    listed = r"acquisition/series/data \(60 x 4\), units/id \(4\)"
    with pytest.raises(UnreadableFile, match=f"arrays lie deeper, or have no dims: {listed}.*name=.*group="):
        netxr.load_recording(plain)
    with pytest.raises(UnreadableFile, match=r"acquisition/series: .*have no dims: data \(60 x 4\)"):
        netxr.open(plain, group="acquisition/series")
    with pytest.raises(InvalidInput, match="expected the name of an array of numbers"):
        netxr.open(plain, dims=dims, name="acquisition/data")
    done = run_in_shell("import", plain, tmp_path / "out.zarr")
    assert done.exit_code != 0
    assert not (tmp_path / "out.zarr").exists()


def test_a_store_of_groups_alone_is_no_recording(tmp_path):
    zarr.open_group(tmp_path / "week.zarr", mode="w").create_group("empty")
    with pytest.raises(UnreadableFile, match="a Zarr group without an array"):
        netxr.load_recording(tmp_path / "week.zarr")
    run = netxr.simulate(netxr.random_connectivity(4, seed=1), n_steps=50, seed=1)
    netxr.save(run, tmp_path / "week.zarr" / "monday")
    done = run_in_shell("import", tmp_path / "week.zarr", tmp_path / "out.zarr")
    assert done.exit_code != 0
    assert "monday/activity (4 x 50 x 1)" in done.output
    assert run_in_shell("import", tmp_path / "week.zarr", tmp_path / "out.zarr", "--group", "monday").exit_code == 0
    np.testing.assert_array_equal(netxr.open(tmp_path / "out.zarr").activity.values, run.activity.values)


@pytest.mark.parametrize("folder", [None, "run.zarr"])
def test_a_store_in_an_archive_is_opened(tmp_path, folder):
    run = netxr.simulate(netxr.random_connectivity(4, seed=1), n_steps=50, seed=1)
    netxr.save(run, tmp_path / "run.zarr")
    root = tmp_path if folder else tmp_path / "run.zarr"
    path = shutil.make_archive(str(tmp_path / "run"), "zip", root, folder or ".")
    xr.testing.assert_equal(netxr.open(path).load(), run)
    np.testing.assert_array_equal(netxr.load_activity(path).values, run.activity.values)
    assert run_in_shell("import", path, tmp_path / "out.zarr").exit_code == 0
    np.testing.assert_array_equal(netxr.open(tmp_path / "out.zarr").activity.values, run.activity.values)
    assert netxr.open(tmp_path / "out.zarr").attrs["source_format"] == "zarr"


def test_an_archive_of_a_store_of_another_tool(minian):
    path = shutil.make_archive(str(minian), "zip", minian)
    np.testing.assert_array_equal(netxr.open(path, dims=OURS, name="C").activity.values, SAMPLES)
