import pytest
import xarray as xr

import netxr
from tests.cli.shell import document, output, run


def test_info_describes_a_run(store, estimate):
    text = output("info", store)
    assert "neuron 8, time 400, trial 2" in text
    assert "true connectivity: known; estimates: none" in text
    about = document("info", estimate)
    assert about["estimates"] == ["lagged_correlation"]
    first = about["variables"][0]
    assert first["variable"] == "lagged_correlation"
    assert first["dims"] == {"lag": 2, "trial": 2, "target": 8, "source": 8}
    assert first["chunks"] == [1, 1, 8, 8]
    assert about["attributes"]["seed"] == 3


def test_info_keeps_the_digits_of_small_settings(tmp_path):
    netxr.save(xr.Dataset(attrs={"step": 2.5e-5, "missing": float("nan")}), tmp_path / "a.zarr")
    lines = [line.split() for line in output("info", tmp_path / "a.zarr").splitlines()]
    assert ["step", "2.5e-05"] in lines
    assert ["missing", "nan"] in lines


def test_info_reads_no_samples(store, monkeypatch):
    monkeypatch.setattr(xr.Dataset, "compute", lambda *_: pytest.fail("computed"))
    monkeypatch.setattr(xr.DataArray, "compute", lambda *_: pytest.fail("computed"))
    assert "activity" in output("info", store)


def test_info_lists_the_stores_in_a_store(tmp_path, store):
    netxr.save(xr.Dataset(), tmp_path / "root.zarr")
    netxr.save(netxr.open(store), tmp_path / "root.zarr" / "one")
    (group,) = document("info", tmp_path / "root.zarr")["groups"]
    assert group["group"] == "one"
    assert "neuron 8" in group["sizes"]
    assert "one" in output("info", tmp_path / "root.zarr")


def test_info_of_nothing_names_what_is_there(store):
    result = run("info", store.with_name("rum.zarr"))
    assert result.exit_code == 4
    assert "run.zarr" in result.stderr
