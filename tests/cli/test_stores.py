import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import netxr
from tests.cli.shell import document, output, run


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    A = netxr.random_connectivity(4, sparsity=0.5, seed=1)
    simulated = netxr.simulate(A, n_steps=30, trials=2, seed=7)
    netxr.save(simulated, folder / "run.zarr")
    estimates = netxr.lagged_correlation(simulated.activity, lags=[0, 1]).to_dataset(name="lagged_correlation")
    netxr.save(estimates.assign_attrs(simulated.attrs), folder / "estimate.zarr")
    return folder


@pytest.fixture
def folder(kept, tmp_path):
    return Path(shutil.copytree(kept, tmp_path / "runs"))


# --- catalog ------------------------------------------------------------------------


def test_catalog_is_a_table(folder):
    lines = [line.split() for line in output("catalog", folder).splitlines()]
    assert lines[0] == ["name", "kind", "size", "neurons", "samples", "trials", "holds", "created"]
    created = netxr.open(folder / "run.zarr").attrs["created"][:10]
    assert lines[2] == ["run.zarr", "run", "2.11", "KiB", "4", "30", "2", "A", created]
    assert lines[1][:2] == ["estimate.zarr", "estimate"]
    assert lines[1][5:8] == ["-", "2", "R"]
    assert len(lines) == 3


def test_catalog_names_folders_whose_stores_it_does_not_list(tmp_path):
    run = netxr.simulate(netxr.random_connectivity(5, seed=1), n_steps=10, seed=1)
    (tmp_path / "day one").mkdir()
    for name in ("day one/a.zarr", "day one/b.zarr", "here.zarr"):
        netxr.save(run, tmp_path / name)
    (tmp_path / "figures").mkdir()
    said = output("catalog", tmp_path)
    assert f"day one/: 2 stores, not listed: netxr catalog '{tmp_path / 'day one'}'" in said
    assert "figures" not in said
    assert "not listed" not in output("catalog", tmp_path / "day one")
    assert "not listed" not in output("catalog", tmp_path / "here.zarr")


def test_catalog_takes_at_most_100_columns(folder):
    shutil.copytree(folder / "run.zarr", folder / f"a_run_of_{80 * 'x'}.zarr")
    assert max(map(len, output("catalog", folder).splitlines())) <= 100


def test_catalog_as_json(folder):
    document = json.loads(output("catalog", folder, "--json"))
    frame = netxr.catalog(folder)
    assert [row["name"] for row in document["stores"]] == frame.name.to_list()
    assert list(document["stores"][0]) == list(frame.columns)
    assert document["stores"][0]["samples"] is None
    assert document["stores"][1]["samples"] == 30
    assert document["stores"][1]["seed"] == 7


@pytest.mark.parametrize("seed", [2**64 - 1, [3, 4]])
def test_catalog_takes_any_seed(tmp_path, seed):
    netxr.save(xr.Dataset({"x": 1}, attrs={"seed": seed}), tmp_path / "a.zarr")
    assert "a.zarr" in output("catalog", tmp_path)
    assert json.loads(output("catalog", tmp_path, "--json"))["stores"][0]["seed"] == seed


def test_catalog_tells_what_is_broken_or_unfinished_below(folder):
    netxr.save(xr.Dataset({"x": 1}, attrs={"unfinished": "a simulation of 500 steps"}), folder / "part.zarr")
    (folder / "run.zarr" / "zarr.json").write_text("{")
    remarks = output("catalog", folder).split("\n\n")[1].splitlines()
    assert remarks[0] == "part.zarr: unfinished: a simulation of 500 steps"
    assert remarks[1].startswith("run.zarr: its metadata are no JSON")


def test_catalog_of_nothing(tmp_path):
    assert output("catalog", tmp_path) == f"There is no store in {tmp_path}.\n"
    assert json.loads(output("catalog", tmp_path, "--json"))["stores"] == []
    result = run("catalog", tmp_path / "nothing")
    assert result.exit_code == 4
    assert "no such folder" in result.stderr


# --- verify -------------------------------------------------------------------------


def test_verify_says_sound(folder):
    assert output("verify", folder / "run.zarr") == f"{folder / 'run.zarr'}: sound\n"
    document = json.loads(output("verify", folder / "run.zarr", "--json"))
    assert document == {"store": str(folder / "run.zarr"), "sound": True, "problems": []}


def test_verify_lists_problems_and_exits_with_1(folder):
    store = folder / "run.zarr"
    (store / "activity" / "c" / "0" / "0" / "1").unlink()
    (store / "activity" / "left").write_text("x")
    (store / "connectivity" / "c" / "0" / "0").write_bytes(b"x")
    result = run("verify", store)
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert lines[0].startswith("activity/c/0/0/1: missing: trial 1. ")
    assert lines[1].startswith("connectivity/c/0/0: damaged: all of it (")
    assert lines[2].startswith("remark: activity: files that are none of its chunks: 1, such as left")
    assert lines[3:] == [f"{store}: 2 problems"]
    assert result.stderr == ""
    document = json.loads(run("verify", store, "--json").stdout)
    assert not document["sound"]
    assert [problem["harmless"] for problem in document["problems"]] == [True, False, False]
    assert [str(problem) for problem in netxr.verify(store) if not problem.harmless] == lines[:2]


def test_verify_takes_what_is_harmless_for_sound(folder):
    (folder / "run.zarr" / "activity" / "left").write_text("x")
    assert "remark: " in output("verify", folder / "run.zarr")
    assert output("verify", folder / "run.zarr", "--quiet") == f"{folder / 'run.zarr'}: sound\n"


def test_verify_of_nothing(tmp_path):
    result = run("verify", tmp_path / "nothing.zarr")
    assert result.exit_code == 4
    assert "no such folder" in result.stderr


# --- info ---------------------------------------------------------------------------


def test_info_tells_where_a_run_comes_from(folder):
    text = output("info", folder / "run.zarr")
    attrs = netxr.open(folder / "run.zarr").attrs
    lines = [line.split(maxsplit=1) for line in text.splitlines() if line]
    for name in ("created", "created_by", "netxr_version", "numpy_version", "history", "model", "seed"):
        assert [name, str(attrs[name])] in lines
    assert "moments: none" in text
    names = [line[0] for line in lines]
    assert names.index("model") < names.index("created") < names.index("history")


def test_info_gives_each_event_a_line(tmp_path):
    told = {"history": "monday: saved\ntuesday: appended", "source_file": "day1.nwb", "steps": ["detrended", "binned"]}
    netxr.save(xr.Dataset({"x": 1}, attrs=told | {"created": "2026-11-23T00:00:00Z"}), tmp_path / "a.zarr")
    lines = output("info", tmp_path / "a.zarr").splitlines()
    for first, second in (("saved", "tuesday: appended"), ("detrended", "binned")):
        at = next(k for k, line in enumerate(lines) if line.endswith(first))
        assert lines[at + 1].strip() == second
        assert lines[at + 1].index(second[0]) == lines[at].index("monday" if first == "saved" else "detrended")


def test_info_tells_estimates_moments_and_lags(folder, tmp_path):
    text = output("info", folder / "estimate.zarr")
    assert "estimates: lagged_correlation; moments: none; lags: 0, 1" in text
    netxr.save(netxr.lagged_moments(netxr.open(folder / "run.zarr").activity, lags=[0, 3]), tmp_path / "m.zarr")
    assert "moments: there; lags: 0, 3" in output("info", tmp_path / "m.zarr")
    document = json.loads(output("info", tmp_path / "m.zarr", "--json"))
    assert document["moments"] is True
    assert document["lags"] == [0, 3]


def test_info_tells_preprocessing_and_outdated_estimates(folder, tmp_path):
    whole = netxr.open(folder / "run.zarr").load()
    whole.activity.attrs["preprocessing"] = "detrend\nz-score"
    whole["lagged_correlation"] = netxr.lagged_correlation(whole.activity, lag=1)
    whole.lagged_correlation.attrs["outdated"] = "40 samples came later"
    netxr.save(whole, tmp_path / "a.zarr")
    text = output("info", tmp_path / "a.zarr")
    assert "estimates: lagged_correlation; lagged_correlation is outdated: 40 samples came later;" in text
    lines = text.splitlines()
    at = next(k for k, line in enumerate(lines) if line.startswith("preprocessing"))
    assert [lines[at].split()[1], lines[at + 1].strip()] == ["detrend", "z-score"]


def test_info_begins_with_what_is_unfinished(tmp_path):
    netxr.save(xr.Dataset({"x": 1}, attrs={"unfinished": "a simulation of 500 steps"}), tmp_path / "a.zarr")
    assert output("info", tmp_path / "a.zarr").splitlines()[0] == "unfinished: a simulation of 500 steps"


def test_info_lists_a_broken_store_in_a_store(folder):
    inner = Path(shutil.copytree(folder / "run.zarr", folder / "run.zarr" / "inner"))
    document = json.loads((inner / "zarr.json").read_text())
    (inner / "zarr.json").write_text("{")
    assert "(broken: its metadata are no JSON" in output("info", folder / "run.zarr")
    # Without a copy in the document of the group, those of its arrays count.
    del document["consolidated_metadata"]
    (inner / "zarr.json").write_text(json.dumps(document))
    (inner / "activity" / "zarr.json").write_text("{")
    assert "activity (broken: its metadata are no JSON" in output("info", folder / "run.zarr")


# --- damage ---------------------------------------------------------------------------


def test_damage_ends_every_command_in_a_line(kept, tmp_path):
    rng = np.random.default_rng(3)
    names = [path.relative_to(kept) for path in sorted(kept.rglob("*")) if path.is_file()]
    names.sort(key=lambda name: name.name != "zarr.json")
    documents = [name for name in names if name.name == "zarr.json"]
    for case in range(30):
        folder = Path(shutil.copytree(kept, tmp_path / str(case)))
        path = folder / (documents if case % 3 else names)[rng.integers(len(documents if case % 3 else names))]
        sound = path.read_bytes()
        at = int(rng.integers(len(sound)))
        path.write_bytes(sound[:at] + rng.bytes(1) + (sound[at + 1 :] if case % 2 else b""))
        store = folder / path.relative_to(folder).parts[0]
        for command, place in (("catalog", folder), ("info", store), ("verify", store)):
            result = run(command, place)
            assert result.exit_code in (0, 1, 4), (command, path)
            assert result.exception is None or isinstance(result.exception, SystemExit), (command, path)
        shutil.rmtree(folder)


def test_import_says_the_unit_of_the_interval(tmp_path):
    np.save(tmp_path / "x.npy", np.ones((3, 20)))
    flags = ["--dims", "neuron,time", "--sampling-interval", 33.3, "--interval-units", "ms"]
    text = output("import", tmp_path / "x.npy", tmp_path / "x.zarr", *flags)
    assert {"sampling_interval 33.3", "sampling_interval_units ms"} <= {
        " ".join(one.split()) for one in text.splitlines()
    }


def test_import_says_which_neurons_the_file_marks_as_none(tmp_path):
    plane = tmp_path / "plane0"
    plane.mkdir()
    np.save(plane / "F.npy", np.ones((4, 30), np.float32))
    np.save(plane / "iscell.npy", np.array([[1, 0.9], [0, 0.2], [1, 0.7], [0, 0.6]]))
    text = "2 of 4 neurons have iscell = False; to keep the others alone: --option cells=true."
    assert text in output("import", plane, tmp_path / "all.zarr")
    assert "iscell =" not in output("import", plane, tmp_path / "cells.zarr", "--option", "cells=true")
    assert "iscell =" not in output("import", plane, tmp_path / "quiet.zarr", "--quiet")
    again = output("import", tmp_path / "all.zarr", tmp_path / "again.zarr")
    assert (
        '2 of 4 neurons have iscell = False; to keep the others alone: netxr.select(run, where={"iscell": True}).'
        in again
    )
    kept = netxr.select(netxr.open(tmp_path / "again.zarr"), where={"iscell": True})
    assert kept.neuron.values.tolist() == [0, 2]


def test_import_says_which_cells_a_table_of_traces_marks_as_none(tmp_path):
    rows = "".join(f"{k / 10:.1f}, {k % 3}, {k % 4}, {k % 7}\n" for k in range(40))
    (tmp_path / "x.csv").write_text(f" , C0, C1, C2\nTime(s)/Cell Status, accepted, undecided, rejected\n{rows}")
    said = output("import", tmp_path / "x.csv", tmp_path / "x.zarr", "--dims", "time,neuron")
    assert "2 of 3 neurons have state = undecided or rejected; to keep the others alone: netxr.select(run, " in said
    assert netxr.select(netxr.open(tmp_path / "x.zarr"), where={"state": "accepted"}).neuron.values.tolist() == ["C0"]


def test_import_says_how_many_samples_are_missing_and_what_to_do(tmp_path):
    (tmp_path / "x.csv").write_text(
        "a,b\n" + "".join(f"{k * k % 7},{'' if k in (3, 7) else k % 5}\n" for k in range(40))
    )
    flags = ["import", tmp_path / "x.csv", tmp_path / "x.zarr", "--dims", "time,neuron"]
    assert "2 samples of 1 of 2 neurons are missing (NaN or infinite): b. netxr estimate --missing" in output(*flags)
    assert document(*flags[:2], tmp_path / "y.zarr", *flags[3:])["missing_samples"] == 2


def test_info_of_a_folder_of_stores_names_the_catalog(folder):
    told = run("info", folder)
    assert told.exit_code == 4
    assert "netxr catalog) lists the stores in a folder" in told.stderr


@pytest.mark.parametrize("command", ["estimate", "recoverability", "plot", "report"])
def test_what_is_made_of_an_unfinished_simulation_says_so(tmp_path, command):
    path = tmp_path / "part.zarr"
    made = netxr.simulate(netxr.random_connectivity(4, seed=1), n_steps=100, seed=1)
    netxr.save(made.assign_attrs(unfinished="a simulation of 900 steps"), path)
    out = {"plot": [tmp_path / "a.png"], "report": [tmp_path / "a.html"]}.get(command, [])
    assert f"Warning: {path} is unfinished: a simulation of 900 steps.\n" in run(command, path, *out, "--quiet").stderr
