import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress

import numpy as np
import pandas as pd
import pytest
import xarray as xr
import zarr
from scipy.signal import lfilter

import netxr
from tests.cli.shell import document, output, run
from tests.runs import names


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ([], {"method": "lagged_correlation", "lags": (1,), "dim": "time", "sources": None, "missing": "raise"}),
        (["--lag", 0], {"lags": (0,)}),
        (["--lag", 2, "--lag", 0], {"lags": (2, 0)}),
        (["--method", "correlation"], {"method": "correlation"}),
        (["--pool-trials"], {"dim": ("time", "trial")}),
        (["--source", 3], {"sources": [3]}),
        ([], {"memory": None}),
        (["--missing", "drop"], {"missing": "drop"}),
        (["--missing", "pairwise"], {"missing": "pairwise"}),
        (["--memory", "1GiB"], {"memory": "1GiB"}),
    ],
)
def test_estimate_passes_each_flag_on(called, store, flags, expected):
    calls = called("estimate")
    output("estimate", store, *flags)
    ((_, passed),) = calls
    assert passed.items() >= expected.items()


def test_lags_in_time(called, tmp_path):
    np.savez(tmp_path / "run.npz", X=np.random.default_rng(0).normal(size=(50, 3)))
    calls = called("estimate")
    flags = ["--dims", "time,neuron", "--sampling-interval", 0.01, "--lag", "-1", "--lag", "20ms"]
    output("estimate", tmp_path / "run.npz", *flags)
    assert calls[0][1]["lags"] == (-1, 2)


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["--dims", "time,neuron"], {"dims": ("time", "neuron"), "name": None}),
        (["--dims", "time,neuron", "--name", "X"], {"name": "X"}),
        (["--dims", "time, neuron", "--sampling-interval", 0.5], {"sampling_interval": 0.5}),
    ],
)
def test_estimate_loads_as_it_is_told(called, tmp_path, flags, expected):
    np.savez(tmp_path / "run.npz", X=np.random.default_rng(0).normal(size=(50, 3)))
    calls = called("load_activity")
    output("estimate", tmp_path / "run.npz", *flags)
    ((_, passed),) = calls
    assert passed.items() >= expected.items()


def test_estimate_clips_before_it_correlates(called, store):
    calls = called("estimate")
    output("estimate", store, "--clip", "0.2", "0.6")
    ((activity,), _), *_ = calls
    assert activity.min() == 0.2
    assert activity.max() == 0.6
    assert activity.attrs["sampling_interval"] == 1


def test_estimate_saves_what_the_library_gives(store, estimate):
    saved = netxr.open(estimate).compute()
    R = netxr.lagged_correlation(netxr.open(store).activity, lags=[0, 1]).compute()
    np.testing.assert_array_equal(saved.lagged_correlation, R)
    A = netxr.open(store).connectivity
    xr.testing.assert_equal(saved.pearson, netxr.compare(A, R, diagonal=False, permutations=9).pearson)
    xr.testing.assert_equal(saved.connectivity, A.compute())
    assert saved.attrs["seed"] == 3
    assert saved.pearson.attrs["diagonal"] is False


def test_estimate_groups_recording_and_truth(store):
    got = document("estimate", store, "--groups", 4, "--diagonal", "--pool-trials", "--permutations", 0)
    coarse = netxr.coarsen(netxr.open(store).compute(), groups=4)
    R = netxr.lagged_correlation(coarse.activity, lags=[1], dim=("time", "trial"))
    expected = netxr.compare(coarse.connectivity, R, diagonal=True, permutations=0).pearson.item()
    assert got["neurons"] == 4
    assert got["scores"][0]["pearson"] == pytest.approx(expected, abs=1e-12)


def test_estimate_scores_both_ways(store):
    got = document("estimate", store, "--no-diagonal", "--permutations", 0, "--lag", 0, "--lag", 1)
    data = netxr.open(store).compute()
    off = ~np.eye(8, dtype=bool)
    R = netxr.lagged_correlation(data.activity, lag=1).values
    rows = {(row["lag"], row["trial"]): row for row in got["scores"]}
    for trial in (0, 1):
        for key, A in (("pearson", data.connectivity.values), ("pearson_transposed", data.connectivity.values.T)):
            expected = np.corrcoef(A[off], R[trial][off])[0, 1]
            assert rows[1, trial][key] == pytest.approx(expected, abs=1e-12)
        assert rows[0, trial]["pearson"] == pytest.approx(rows[0, trial]["pearson_transposed"], abs=1e-12)
    assert got["diagonal"] is False
    assert got["overlap"]["n_neurons_shared"] == 8


def test_estimate_names_the_strongest_pair(tmp_path):
    noise = np.random.default_rng(1).normal(size=(3, 500))
    noise[2, 1:] += 3 * noise[0, :-1]
    np.savetxt(tmp_path / "run.csv", noise.T, delimiter=",", header="a,b,c", comments="")
    got = document("estimate", tmp_path / "run.csv", "--dims", "time,neuron")
    first = got["strongest"][0]
    assert (first["from"], first["to"]) == ("a", "c")
    assert first["R"] > 0.9
    assert all(row["from"] != row["to"] for row in got["strongest"])


def test_estimate_lists_pairs_without_direction_once_and_at_the_lag_that_they_are_of(store):
    both = [word for name in ("lagged_correlation", "partial_correlation") for word in ("--method", name)]
    flags = [*both, "--lag", 1, "--lag", 5, "--no-diagonal"]
    got = document("estimate", store, *flags)
    data = netxr.open(store)
    partial = netxr.partial_correlation(data.activity).values
    rows = [row for row in got["strongest"] if row["estimator"] == "partial_correlation"]
    pairs = sorted(((abs(one), j, i) for R in partial for (i, j), one in np.ndenumerate(R) if i > j), reverse=True)
    assert [(abs(row["R"]), row["from"], row["to"]) for row in rows] == pairs[: len(rows)]
    assert {row["lag"] for row in rows} == {0}
    lags = {(row["estimator"], row["lag"]) for row in got["scores"]}
    assert lags == {("lagged_correlation", 1), ("lagged_correlation", 5), ("partial_correlation", 0)}
    assert "partial correlation at 0" in output("estimate", store, *flags)
    at_zero = document("estimate", store, "--lag", 0)["strongest"]
    assert len({(frozenset((row["from"], row["to"])), row["trial"]) for row in at_zero}) == len(at_zero) == 10


def test_estimate_takes_a_plain_truth_in_the_order_of_a_labelled_recording(tmp_path):
    noise = np.random.default_rng(1).normal(size=(3, 500))
    noise[2, 1:] += 3 * noise[0, :-1]
    np.savetxt(tmp_path / "run.csv", noise.T, delimiter=",", header="a,b,c", comments="")
    np.save(tmp_path / "A.npy", np.array([[0, 0, 1.0], [0, 0, 0], [0, 0, 0]]))
    flags = ["--dims", "time,neuron", "--truth", tmp_path / "A.npy", "--no-diagonal", "--permutations", 0]
    right = document("estimate", tmp_path / "run.csv", *flags, "--rows", "source")["scores"][0]
    wrong = document("estimate", tmp_path / "run.csv", *flags, "--rows", "target")["scores"][0]
    assert right["pearson"] == wrong["pearson_transposed"]
    assert right["pearson"] > 0.9 > 0.1 > wrong["pearson"]


def test_estimate_of_some_sources_scores_those(store):
    got = document("estimate", store, "--source", 2, "--source", 5, "--no-diagonal", "--pool-trials")
    assert got["scores"][0]["n_pairs"] == 14
    assert got["scores"][0]["mantel"] is None


def test_estimate_counts_what_is_undefined(tmp_path):
    samples = np.random.default_rng(0).normal(size=(3, 50))
    samples[1] = 4.0
    np.save(tmp_path / "run.npy", samples)
    told = document("estimate", tmp_path / "run.npy", "--dims", "neuron,time")
    assert (told["undefined"], told["undefined_neurons"]) == (5, [1])
    text = "; 5 entries undefined, as none is of a neuron that does not vary: 1"
    assert text in output("estimate", tmp_path / "run.npy", "--dims", "neuron,time").splitlines()[0]


@pytest.mark.parametrize(
    ("flags", "code", "says"),
    [
        ([], 2, "of shape (3, 50)"),
        ([], 2, "--dims neuron,time"),
        (["--dims", "neuron,trial"], 2, "dims"),
        (["--dims", "neuron,time", "--truth", "A.csv", "--rows", "target"], 2, "--diagonal or --no-diagonal"),
        (["--dims", "neuron,time", "--truth", "A.csv", "--diagonal"], 2, "--rows target"),
        (["--dims", "neuron,time", "--rows", "target"], 2, "--truth"),
        (["--dims", "neuron,time", "--diagonal"], 2, "has none"),
        (["--dims", "neuron,time", "--lag", 49], 2, "from 0 to 48"),
        (["--dims", "neuron,time", "--source", "z"], 2, "'z'"),
        (["--dims", "neuron,time", "--groups", 2], 2, "divides"),
        (["--dims", "neuron,time", "--truth", "gone.csv", "--rows", "target", "--diagonal"], 4, "no such file"),
        (["--dims", "neuron,time", "--out", "A.csv"], 3, "exists"),
        (["--dims", "neuron,time", "--clip", "5", "5"], 2, "5 is not below 5"),
        (["--dims", "neuron,time", "--clip", "nan", "5"], 2, "LOW must be below HIGH"),
        (["--dims", "neuron,time", "--out", "no/such/folder.zarr"], 2, "folder"),
    ],
)
def test_estimate_refuses(tmp_path, monkeypatch, flags, code, says):
    monkeypatch.chdir(tmp_path)
    np.save("run.npy", np.random.default_rng(0).normal(size=(3, 50)))
    np.savetxt("A.csv", np.eye(3), delimiter=",")
    result = run("estimate", "run.npy", *flags)
    assert result.exit_code == code
    assert says in result.stderr
    assert names(tmp_path) == ["A.csv", "run.npy"]


def test_estimate_refuses_a_negative_number_of_permutations_before_it_reads(called, store):
    calls = called("load_activity")
    assert run("estimate", store, "--diagonal", "--permutations", -1).exit_code == 2
    assert calls == []


@pytest.mark.parametrize("size", [3, 5])
def test_estimate_says_that_the_truth_is_of_another_size(tmp_path, size):
    np.save(tmp_path / "A.npy", np.eye(size))
    np.save(tmp_path / "run.npy", np.random.default_rng(0).normal(size=(4, 50)))
    flags = ["--dims", "neuron,time", "--truth", tmp_path / "A.npy", "--rows", "target", "--diagonal"]
    result = run("estimate", tmp_path / "run.npy", *flags)
    assert result.exit_code == 2
    assert f"the truth is {size} x {size} and the recording has 4 neurons" in " ".join(result.stderr.split())


def test_estimate_says_what_to_do_about_missing_samples(tmp_path):
    samples = np.random.default_rng(0).normal(size=(3, 50))
    samples[1, 7:49:2] = np.nan
    np.save(tmp_path / "run.npy", samples)
    result = run("estimate", tmp_path / "run.npy", "--dims", "neuron,time")
    assert result.exit_code == 2
    assert "--missing drop" in result.stderr
    assert "--missing pairwise" in result.stderr
    flags = [tmp_path / "run.npy", "--dims", "neuron,time", "--lag", 0, "--missing"]
    pair = {"from": 0, "to": 2, "lag": 0}
    found = {how: document("estimate", *flags, how) for how in ("drop", "pairwise")}
    whole = np.isfinite(samples[1])
    expected = {"drop": np.corrcoef(samples[[0, 2]][:, whole])[0, 1], "pairwise": np.corrcoef(samples[[0, 2]])[0, 1]}
    for how, got in found.items():
        assert got["undefined"] == 0
        (row,) = (row for row in got["strongest"] if row.items() >= pair.items())
        assert row["R"] == pytest.approx(expected[how], abs=1e-12)


def test_estimate_offers_scores_where_the_truth_is_there(store):
    assert "add --diagonal or --no-diagonal" in output("estimate", store)
    assert "add --diagonal" not in output("estimate", store, "--quiet")


def test_estimate_quiet_prints_only_tables(store):
    lines = output("estimate", store, "--no-diagonal", "--permutations", 0, "--quiet").splitlines()
    assert lines[0].split() == ["from", "to", "lag", "trial", "R"]
    assert lines[11].split() == ["lag", "score", "mean", "standard", "deviation", "defined", "trials"]
    assert lines[12].split()[:2] == ["1", "pearson"]
    blank = lines.index("")
    assert lines[blank + 1].split()[:4] == ["lag", "trial", "pearson", "pearson_transposed"]
    assert len(lines) == blank + 4


def test_estimate_says_whether_the_diagonal_is_in(store):
    assert "diagonal left out" in output("estimate", store, "--no-diagonal", "--permutations", 0)
    assert "diagonal included" in output("estimate", store, "--diagonal", "--permutations", 0)


def test_trials_have_a_mean_a_deviation_and_a_number(store, tmp_path):
    netxr.save(netxr.open(store).isel(neuron=[0, 1, 2], target=[0, 1, 2], source=[0, 1, 2]).load(), tmp_path / "s.zarr")
    got = document("estimate", tmp_path / "s.zarr", "--no-diagonal", "--permutations", 0, "--lag", 1, "--lag", 2)
    for lag in (1, 2):
        each = [row for row in got["scores"] if row["lag"] == lag]
        for name in ("pearson", "pearson_transposed", "roc_auc", "symmetry"):
            (row,) = (row for row in got["over_trials"] if (row["lag"], row["score"]) == (lag, name))
            values = np.array([one[name] for one in each], float)
            values = values[np.isfinite(values)]
            assert (row["defined"], row["trials"]) == (len(values), 2)
            if len(values):
                assert row["mean"] == pytest.approx(values.mean(), abs=1e-12)
                assert row["standard deviation"] == pytest.approx(values.std(), abs=1e-12)
    assert "over_trials" not in document("estimate", store, "--no-diagonal", "--pool-trials")


def test_several_methods_come_from_one_read(called, store, tmp_path):
    calls = called("estimate")
    flags = ["--method", "lagged_correlation", "--method", "correlation", "--pool-trials", "--no-diagonal"]
    got = document("estimate", store, *flags, "--permutations", 0, "--out", tmp_path / "both.zarr")
    assert len(calls) == 1
    assert got["method"] == ["lagged_correlation", "correlation"]
    saved, activity = netxr.open(tmp_path / "both.zarr").compute(), netxr.open(store).activity
    for name, row in zip(got["method"], got["scores"], strict=True):
        R = netxr.estimate(activity, method=name, dim=("time", "trial")).compute()
        np.testing.assert_allclose(saved[name].squeeze(), R, atol=1e-12)
        assert saved[name].attrs["estimator"] == row["estimator"] == name
        off = ~np.eye(8, dtype=bool)
        A = netxr.open(store).connectivity.values
        assert row["pearson"] == pytest.approx(np.corrcoef(A[off], R.values[off])[0, 1], abs=1e-12)
    assert "lag" not in saved.correlation.dims


@pytest.mark.slow
def test_several_methods_have_a_page_and_a_picture(store, tmp_path):
    flags = ["--method", "lagged_correlation", "--method", "correlation", "--pool-trials"]
    assert output("estimate", store, *flags, "--out", tmp_path / "both.zarr")
    assert output("report", tmp_path / "both.zarr", "--out", tmp_path / "both.html")
    assert output("plot", tmp_path / "both.zarr", tmp_path / "both.png")


def test_a_slow_recording_is_said_to_tell_no_direction_and_the_cures_work(store, tmp_path):
    run_ = netxr.open(store).load()
    slow = lfilter([1], [1, -0.9999], run_.activity.transpose("neuron", "trial", "time").values).transpose(0, 2, 1)
    netxr.save(run_.assign(activity=run_.activity.copy(data=slow)), tmp_path / "slow.zarr")
    text = output("estimate", tmp_path / "slow.zarr", "--pool-trials")
    assert "tells next to nothing of direction" in text
    assert "--high-pass CUTOFF or --difference" in text
    R = netxr.lagged_correlation(netxr.open(tmp_path / "slow.zarr").activity, dim=("time", "trial")).compute().values
    off = ~np.eye(8, dtype=bool)
    right = np.corrcoef(R[off], R.T[off])[0, 1]
    assert document("estimate", tmp_path / "slow.zarr", "--pool-trials")["symmetry"] == pytest.approx(right, abs=1e-9)
    for flags in (["--difference"], ["--high-pass", 0.2]):
        assert "next to nothing" not in output("estimate", tmp_path / "slow.zarr", "--pool-trials", *flags)
    assert "next to nothing" not in output("estimate", tmp_path / "slow.zarr", "--pool-trials", "--lag", 0)
    assert "its transpose" not in output("estimate", tmp_path / "slow.zarr", "--method", "correlation")


def test_preprocessing_comes_in_its_order_and_is_recorded(store, tmp_path):
    flags = ["--clip", 0.2, 0.6, "--high-pass", 0.1, "--difference", "--out", tmp_path / "e.zarr"]
    output("estimate", store, *flags)
    saved = netxr.open(tmp_path / "e.zarr").compute()
    x = netxr.open(store).activity.clip(0.2, 0.6, keep_attrs=True)
    expected = netxr.lagged_correlation(netxr.difference(netxr.high_pass(x, cutoff=0.1)), lags=[1]).compute()
    np.testing.assert_allclose(saved.lagged_correlation, expected, atol=1e-12)
    assert "high_pass" in saved.lagged_correlation.attrs["preprocessing"]


@pytest.mark.parametrize("ending", [".csv", ".tsv"])
def test_a_table_is_a_table(tmp_path, ending):
    samples = np.random.default_rng(1).normal(size=(100, 3))
    X = netxr.as_activity(samples, dims=("time", "neuron"), neurons=["=1+1", "b", "-2"])
    netxr.save(X.to_dataset(name="activity"), tmp_path / "x.zarr")
    out = tmp_path / f"R{ending}"
    output("estimate", tmp_path / "x.zarr", "--lag", 0, "--lag", 1, "--out", out)
    found = pd.read_csv(out, sep="," if ending == ".csv" else "\t", dtype={"target": str, "source": str})
    assert list(found) == ["lag", "target", "source", "lagged_correlation"]
    assert len(found) == 18
    R = netxr.lagged_correlation(X, lags=[0, 1])
    np.testing.assert_allclose(found.lagged_correlation, R.values.ravel(), atol=1e-12)
    assert sorted(set(found.target)) == ["'=1+1", "-2", "b"]  # a number is no formula
    output("estimate", tmp_path / "x.zarr", "--strongest", 1, "--out", tmp_path / f"P{ending}")
    pairs = pd.read_csv(tmp_path / f"P{ending}", sep="," if ending == ".csv" else "\t")
    assert len(pairs) == 3
    assert {"target", "source", "lag", "lagged_correlation"} <= set(pairs)
    assert run("estimate", tmp_path / "x.zarr", "--out", out).exit_code == 3


@pytest.mark.parametrize(
    ("command", "name"), [("estimate", "R.npy"), ("simulate", "run.csv"), ("sweep", "s.xlsx"), ("import", "r.nwb")]
)
def test_no_store_pretends_to_be_a_file(store, tmp_path, command, name):
    small = {"simulate": ["--neurons", 4, "--steps", 20], "sweep": ["--neurons", 4, "--steps", 20]}
    arguments = {"estimate": [store, "--out", tmp_path / name], "import": [store, tmp_path / name]}
    result = run(command, *arguments.get(command, [tmp_path / name, *small.get(command, [])]))
    assert result.exit_code == 2
    assert "expected the name of a Zarr folder" in result.stderr
    assert names(tmp_path) == []
    with pytest.raises(netxr.InvalidInput, match="Zarr folder"):
        netxr.save(xr.Dataset(), tmp_path / name)


def test_more_neurons_than_samples_is_remarked_with_the_dims_to_try(tmp_path):
    np.save(tmp_path / "run.npy", np.random.default_rng(0).normal(size=(60, 20)))
    told = run("estimate", tmp_path / "run.npy", "--dims", "neuron,time").stderr
    assert "more neurons (60) than samples (20)" in told
    assert "--dims time,neuron" in told
    assert "remark" not in run("estimate", tmp_path / "run.npy", "--dims", "time,neuron").stderr
    result = run("estimate", tmp_path / "run.npy", "--dims", "neuron,time", "--memory", "1MiB")
    assert "axes may be swapped" in result.stderr
    assert "2GiB" not in result.stderr


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    """A recording of 1,500 neurons, whose matrix is larger than itself."""
    path = tmp_path_factory.mktemp("wide") / "wide.zarr"
    samples = np.random.default_rng(0).normal(size=(1500, 60))
    netxr.save(netxr.as_activity(samples, dims=("neuron", "time")).to_dataset(name="activity"), path)
    return path


def least(*flags):
    """The budget that an error asks for."""
    result = run("estimate", *flags, "--memory", "1MiB")
    assert result.exit_code == 2
    assert result.stderr.startswith("netxr: error: --memory: got 1 MiB; expected at least ")
    return re.search(r"at least (\d+ \w+)", result.stderr)[1].replace(" ", "")


def test_estimate_says_what_it_will_take_before_it_reads(store, tmp_path):
    told = run("estimate", store, "--memory", "1GiB").stderr
    assert told == f"Plan: {netxr.plan(netxr.open(store).activity, lags=[1], memory='1GiB')}\n"
    told = run("estimate", store, "--memory", "1GiB", "--strongest", 1).stderr
    assert told == f"Plan: {netxr.plan(netxr.open(store).activity, lags=[1], memory='1GiB', stored=True)}\n"
    assert run("estimate", store, "--quiet").stderr == run("estimate", store, "--json").stderr == ""
    np.savez(tmp_path / "run.npz", np.random.default_rng(0).normal(size=(3, 50)))
    assert run("estimate", tmp_path / "run.npz", "--dims", "neuron,time").stderr == ""


def test_a_budget_that_is_too_small_is_an_error_before_anything_is_read(called, store, tmp_path):
    calls = called("estimate")
    for flags in (["--strongest", 2], ["--out", tmp_path / "e.zarr"], []):
        result = run("estimate", store, "--memory", "2MiB", *flags)
        assert result.exit_code == 2
        assert re.search(r"memory: got 2 MiB; expected at least \d+ MiB for 8 x 8 pairs", result.stderr)
        assert "On the command line: --memory AMOUNT" in result.stderr
        assert "axes may be swapped" not in result.stderr
    assert run("estimate", store, "--memory", "plenty").exit_code == 2
    assert calls == []
    assert names(tmp_path) == []


def test_a_matrix_beyond_the_budget_is_written_block_by_block(called, wide, tmp_path):
    calls = called("estimate")
    budget = least(wide, "--out", tmp_path / "e.zarr")
    assert run("estimate", wide, "--memory", budget).exit_code == 2  # it is not to be saved, so it would be held
    assert calls == []
    text = output("estimate", wide, "--memory", budget, "--out", tmp_path / "e.zarr")
    ((_, passed),) = calls
    assert passed["store"] == tmp_path / "e.zarr"
    assert passed["memory"] == budget
    assert "written block by block, and is not described here" in text
    assert "Strongest" not in text
    X = netxr.open(wide).activity.values
    R = netxr.open(tmp_path / "e.zarr").lagged_correlation
    assert R.dims == ("lag", "target", "source")
    expected = np.corrcoef(X[:, 1:], X[:, :-1])[:1500, 1500:]
    np.testing.assert_allclose(R.isel(lag=0), expected, rtol=0, atol=1e-12)
    assert "estimates: lagged_correlation" in output("info", tmp_path / "e.zarr")


def test_what_is_written_block_by_block_is_not_read_again(wide, tmp_path):
    budget = least(wide, "--out", tmp_path / "e.zarr")
    got = document("estimate", wide, "--memory", budget, "--out", tmp_path / "e.zarr")
    about = {"method": "lagged_correlation", "neurons": 1500, "samples": 60, "trials": 1, "lags": [1]}
    assert got == about | {"out": str(tmp_path / "e.zarr")}


def test_a_matrix_that_is_to_be_scored_has_to_fit_into_the_budget(wide, tmp_path):
    budget = least(wide, "--out", tmp_path / "e.zarr")
    np.save(tmp_path / "A.npy", np.zeros((1500, 1500)))
    flags = ["--truth", tmp_path / "A.npy", "--rows", "target", "--diagonal", "--out", tmp_path / "e.zarr"]
    result = run("estimate", wide, "--memory", budget, *flags)
    assert result.exit_code == 2
    assert "memory: got" in result.stderr
    assert names(tmp_path) == ["A.npy"]


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["--strongest", 2], {"k": 2, "threshold": None, "lags": (1,), "dim": "time", "missing": "raise"}),
        (["--above", 0.5], {"k": None, "threshold": 0.5, "sources": None, "memory": None}),
        (["--strongest", 1, "--above", 0.1], {"k": 1, "threshold": 0.1}),
        (["--above", 0, "--lag", 0, "--lag", 2], {"threshold": 0.0, "lags": (0, 2)}),
        (["--above", 0.5, "--pool-trials", "--source", 3], {"dim": ("time", "trial"), "sources": [3]}),
        (["--above", 0.5, "--missing", "drop", "--memory", "1GiB"], {"missing": "drop", "memory": "1GiB"}),
    ],
)
def test_estimate_passes_flags_of_pairs_on(called, store, flags, expected):
    calls = called("strongest_pairs")
    output("estimate", store, *flags)
    ((_, passed),) = calls
    assert passed.items() >= expected.items()


def test_estimate_lists_the_strongest_pairs(store, tmp_path):
    got = document("estimate", store, "--strongest", 2, "--lag", 0, "--lag", 1)
    X = netxr.open(store).activity.values
    expected = set()
    for trial in (0, 1):
        for lag in (0, 1):
            for to in range(8):
                r = [np.corrcoef(X[to, lag:, trial], X[j, : 400 - lag, trial])[0, 1] for j in range(8)]
                best = sorted((j for j in range(8) if j != to), key=lambda j: -abs(r[j]))[:2]
                expected |= {(j, to, lag, trial, round(r[j], 9)) for j in best}
    rows = got["strongest"]
    assert list(rows[0]) == ["from", "to", "lag", "trial", "R"]
    assert {(*list(row.values())[:4], round(row["R"], 9)) for row in rows} == expected
    assert got["pairs"] == len(rows) == 64
    magnitudes = [abs(row["R"]) for row in rows]
    assert magnitudes == sorted(magnitudes, reverse=True)


def test_estimate_saves_the_list_of_pairs_and_prints_its_head(store, tmp_path):
    text = output("estimate", store, "--strongest", 2, "--out", tmp_path / "p.zarr")
    saved = netxr.open(tmp_path / "p.zarr").compute()
    xr.testing.assert_equal(saved, netxr.strongest_pairs(netxr.open(store).activity, k=2))
    assert "pairs listed: 32" in text
    lines = text.splitlines()
    head = lines.index("Strongest pairs of different neurons:") + 1
    assert lines[head].split() == ["from", "to", "lag", "trial", "R"]
    assert lines[head + 11] == f"Saved to {tmp_path / 'p.zarr'}"
    assert "add --diagonal" not in text
    described = output("info", tmp_path / "p.zarr")
    assert "edge 32" in described
    assert "estimates: lagged_correlation" in described


@pytest.mark.parametrize("method", ["partial_correlation", "regression_t", "granger"])
def test_estimate_lists_the_strongest_pairs_of_any_estimate(store, tmp_path, method):
    flags = ["--method", method, "--strongest", 2, "--above", 0.01]
    got = document("estimate", store, *flags, "--out", tmp_path / "p.zarr")
    R = netxr.estimate(netxr.open(store).activity, method=method, lags=[1]).compute()
    expected = netxr.strongest_pairs(R, k=2, threshold=0.01)
    xr.testing.assert_allclose(netxr.open(tmp_path / "p.zarr").compute(), expected)
    assert got["pairs"] == expected.sizes["edge"] > 0
    assert got["method"] == method


def test_pairs_have_the_labels_of_their_neurons(tmp_path):
    noise = np.random.default_rng(1).normal(size=(3, 500))
    noise[2, 1:] += 3 * noise[0, :-1]
    np.savetxt(tmp_path / "run.csv", noise.T, delimiter=",", header="a,b,c", comments="")
    lines = output("estimate", tmp_path / "run.csv", "--dims", "time,neuron", "--above", 0.5, "--quiet").splitlines()
    assert [line.split()[:3] for line in lines] == [["from", "to", "lag"], ["a", "c", "1"]]


def test_no_pair_may_be_that_strong(store, tmp_path):
    text = output("estimate", store, "--above", 0.99, "--out", tmp_path / "p.zarr")
    assert "pairs listed: 0" in text
    assert "Strongest" not in text
    assert netxr.open(tmp_path / "p.zarr").sizes["edge"] == 0


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--strongest", 0], "x>=1"),
        (["--above", -1], "x>=0"),
        (["--above", 1.5], "a magnitude of correlation, 0 to 1"),
        (["--above", "nan"], "--above: got nan"),
        (["--strongest", 2, "--diagonal"], "no matrix to score"),
        (["--above", 0.5, "--truth", "A.npy", "--rows", "target", "--no-diagonal"], "no matrix to score"),
        (["--missing", "ignore"], "pairwise"),
    ],
)
def test_estimate_refuses_before_it_computes(called, store, flags, says):
    calls = called("strongest_pairs")
    result = run("estimate", store, *flags)
    assert result.exit_code == 2
    assert says in " ".join(result.stderr.split())
    assert not any(0 <= passed["threshold"] <= 1 for _, passed in calls)


@pytest.mark.skipif(sys.platform == "win32", reason="signals and terminals of Unix")
@pytest.mark.slow
@pytest.mark.parametrize("in_blocks", [True, False])
def test_ctrl_c_in_an_estimate_ends_the_line_and_leaves_nothing(tmp_path, in_blocks):
    import pty

    n, n_steps = (1000, 100_000) if in_blocks else (200, 10**8)
    shape, chunks = (n, n_steps), (n, 2000 if in_blocks else 50_000)
    group = zarr.create_group(tmp_path / "long.zarr")  # all of it is fill value: it takes no room on disk
    group.create_array(
        "activity", shape=shape, chunks=chunks, dtype="f4", fill_value=0.5, dimension_names=("neuron", "time")
    )
    flags = [tmp_path / "long.zarr", *(f"--lag={lag}" for lag in range(30 if in_blocks else 1))]
    flags += ["--out", tmp_path / "out.zarr"]
    if in_blocks:
        flags += ["--memory", least(*flags)]
    terminal, slave = pty.openpty()
    command = [sys.executable, "-c", "from netxr.cli import main; main()", "estimate", *map(str, flags)]
    with subprocess.Popen(command, stderr=slave) as process:  # noqa: S603 - our own program
        os.close(slave)
        told = b""
        while b"0%" not in told:
            told += os.read(terminal, 1000)
        while in_blocks and names(tmp_path) == ["long.zarr"]:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        with suppress(OSError):  # of Linux, when the other side is closed
            while more := os.read(terminal, 1000):
                told += more
        assert process.wait(timeout=60) == 130
    os.close(terminal)
    plan, bar, error = told.decode().splitlines()[0], *told.decode().splitlines()[-2:]
    assert plan.startswith("Plan: reads ")
    assert ("target rows" in plan) == in_blocks
    assert "Estimating" in bar
    assert error == "netxr: error: interrupted; no unfinished output is left"
    assert names(tmp_path) == ["long.zarr"]
