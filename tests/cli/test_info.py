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


def test_info_of_a_sweep_says_parameters_and_cells(tmp_path):
    path = tmp_path / "sweep.zarr"
    made = netxr.sweep(n_neurons=[4, 6], sparsity=[0.5, 0.8], n_steps=60, trials=2, store=path)
    lines = [line.split(maxsplit=1) for line in output("info", path).splitlines()]
    assert lines[0] == ["sweep:", "4 of 4 cells are done"]
    assert ["n_neurons", "4, 6"] in lines
    assert ["sparsity", "0.5, 0.8"] in lines
    about = document("info", path)["sweep"]
    assert (about["cells"], about["finished"]) == (4, 4)
    assert about["parameters"]["sparsity"] == [0.5, 0.8]
    xr.testing.assert_equal(eval(about["call"], {"netxr": netxr}), made.compute())  # noqa: S307 - our own words
    assert document("info", tmp_path / "sweep.zarr" / "")["sweep"] == about


def test_info_of_an_unfinished_sweep_says_how_far_it_is(tmp_path):
    def stop(done, total):
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        netxr.sweep(
            n_neurons=[4, 6, 8],
            n_steps=60,
            trials=2,
            method=["lagged_correlation", "regression"],
            store=tmp_path / "s.zarr",
            progress=stop,
        )
    text = output("info", tmp_path / "s.zarr")
    assert text.startswith("sweep: 1 of 3 cells are done")
    assert "lagged_correlation, regression" in text


def test_info_of_a_run_has_no_sweep(store):
    assert document("info", store)["sweep"] is None
