"""Tests of pairs, lists of edges and reliability in the shell."""

import numpy as np
import pandas as pd
import pytest

import netxr
from netxr.cli import sure
from tests.cli.shell import document, output, run


@pytest.fixture(scope="module")
def coupled(tmp_path_factory):
    """A run of 6 neurons, 3,000 samples, 2 trials, in which neuron 0 drives 1 and 2."""
    x = np.random.default_rng(1).normal(size=(6, 3000, 2))
    x[1:3, 1:] += 0.3 * x[0, :-1]
    path = tmp_path_factory.mktemp("coupled") / "run.zarr"
    netxr.save(netxr.as_activity(x, dims=("neuron", "time", "trial")).to_dataset(), path)
    return path


def test_edges_are_printed_and_saved(coupled, tmp_path):
    text = output("estimate", coupled, "--test", "--q", 0.01, "--edges", tmp_path / "e.csv")
    assert "Tested 60 pairs, allowing for autocorrelation: 4 edges at a false discovery rate of 0.01" in text
    assert f"Edges saved to {tmp_path / 'e.csv'}" in text
    table = pd.read_csv(tmp_path / "e.csv")
    expected = netxr.edges(netxr.correlation_test(netxr.open(coupled)), q=0.01).to_dataframe()
    for name in ("source", "target", "trial", "lag", "effect", "lower", "upper", "p_value", "q_value"):
        np.testing.assert_allclose(table[name], expected[name], rtol=1e-9)
    assert run("estimate", coupled, "--test", "--edges", tmp_path / "e.csv").exit_code == 3
    output("estimate", coupled, "--test", "--edges", tmp_path / "e.zarr", "--quiet")
    assert netxr.open(tmp_path / "e.zarr").sizes["edge"] >= 4


@pytest.mark.parametrize(
    ("flags", "of_library"),
    [
        (["--null", "samples"], lambda x: netxr.correlation_test(x, null="samples")),
        (["--null", "shift", "--lag", 2], lambda x: netxr.correlation_test(x, lag=2, null="shift")),
        (["--memory", "1GiB"], netxr.correlation_test),
        (["--method", "regression"], netxr.regression),
        (["--method", "granger", "--lag", 2], lambda x: netxr.granger(x, lags=2)),
    ],
)
def test_numbers_are_those_of_the_library(coupled, flags, of_library):
    found = document("estimate", coupled, "--test", "--q", 0.2, *flags)
    expected = netxr.edges(of_library(netxr.open(coupled).activity.compute()), q=0.2)
    assert found["test"]["edges"] == expected.sizes["edge"]
    assert found["test"]["tested"] == 60
    assert found["test"]["q"] == 0.2
    assert [row["R"] for row in found["strongest"]] == pytest.approx(expected.effect.values[:10].tolist())
    assert [row["p_value"] for row in found["strongest"]] == pytest.approx(expected.p_value.values[:10].tolist())
    assert ("lower" in found["strongest"][0]) == ("granger" not in flags)


def test_what_is_saved_says_how_it_was_made(coupled, tmp_path):
    flags = ["--test", "--reliability", "--method", "regression", "--out", tmp_path / "r.zarr"]
    found = document("estimate", coupled, *flags)
    saved = netxr.open(tmp_path / "r.zarr")
    assert saved.p_value.attrs["made_by"] == "netxr.regression(lags=1, intercept=True)"
    assert saved.reliability.attrs["made_by"] == "netxr.reliability(method='regression', lag=1)"
    assert [row["reliability"] for row in found["reliability"]] == pytest.approx(saved.reliability.values.tolist())
    np.testing.assert_allclose(saved.regression, netxr.estimate(netxr.open(coupled), method="regression"))
    assert netxr.edges(saved).sizes["edge"] == found["test"]["edges"]
    output("estimate", coupled, "--test", "--out", tmp_path / "c.zarr")
    made_by = netxr.open(tmp_path / "c.zarr").p_value.attrs["made_by"]
    assert made_by == netxr.correlation_test(netxr.open(coupled)).p_value.attrs["made_by"]


def test_a_plain_file_with_holes(tmp_path):
    x = np.random.default_rng(0).normal(size=(2000, 3))
    x[1:, 1] += 0.3 * x[:-1, 0]
    x[7, 2] = np.nan
    np.savetxt(tmp_path / "x.csv", x, delimiter=",", header="a,b,c", comments="")
    flags = ["estimate", tmp_path / "x.csv", "--dims", "time,neuron", "--test", "--missing"]
    (edge,) = document(*flags, "drop")["strongest"]
    assert (edge["from"], edge["to"]) == ("a", "b")
    (edge,) = document(*flags, "pairwise")["strongest"]
    assert (edge["from"], edge["to"]) == ("a", "b")
    assert "use --missing drop" in run(*flags, "pairwise", "--method", "regression").stderr
    (row,) = document(*flags, "drop", "--reliability")["reliability"]
    parts = netxr.lagged_moments(netxr.as_activity(x.T, dims=("neuron", "time")), lags=[1], blocks=20, missing="drop")
    assert row["reliability"] == pytest.approx(netxr.reliability(parts).reliability.item())
    assert "use --missing drop" in run(*flags[:-2], "--reliability", "--missing", "pairwise").stderr


def test_where_r_does_not_fit_edges_are_found_some_rows_at_a_time(coupled, called, monkeypatch):
    monkeypatch.setattr(sure, "available", lambda: 1000)
    calls = called("edges")
    found = document("estimate", coupled, "--test")
    assert "undefined" not in found
    assert found["test"]["edges"] >= 4
    ((activity, *_), options) = calls[0]
    assert activity.dims == ("neuron", "time", "trial")
    assert options["null"] == "autocorrelation"
    assert document("estimate", coupled, "--test", "--null", "shift")["test"]["edges"] >= 4
    told = run("estimate", coupled, "--test", "--source", 1).stderr
    assert "Leave out --out, the scores, --source" in told


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--q", 0.1], "--null, --q and --edges go with --test"),
        (["--test", "--q", 1], "--q"),
        (["--test", "--lag", 1, "--lag", 2], "name one --method and one --lag"),
        (["--test", "--method", "regression", "--method", "granger"], "name one --method and one --lag"),
        (["--test", "--strongest", 3], "leave out --strongest"),
        (["--test", "--method", "partial_correlation"], "which has no p-values"),
        (["--reliability", "--pool-trials"], "leave out --pool-trials"),
        (["--test", "--edges", "e.txt"], "ends in .csv, .tsv or .zarr"),
        (["--test", "--edges", "e.zarr", "--out", "e.zarr"], "the same file"),
    ],
)
def test_errors_before_any_work(coupled, called, tmp_path, monkeypatch, flags, told):
    monkeypatch.chdir(tmp_path)
    calls = called("load_activity")
    result = run("estimate", coupled, *flags)
    assert result.exit_code == 2
    assert told in result.stderr
    assert not calls
    assert not list(tmp_path.iterdir())


def test_a_warning_is_a_line_of_the_shell(tmp_path):
    x = np.random.default_rng(0).normal(size=(3, 200)).cumsum(1)
    np.savetxt(tmp_path / "drifts.csv", x, delimiter=",")
    found = run("estimate", tmp_path / "drifts.csv", "--dims", "neuron,time", "--test")
    assert found.exit_code == 0
    (line,) = (each for each in found.stderr.splitlines() if "not yet zero" in each)
    assert line.startswith("Warning: The autocorrelation of ")
    assert "Fix, in Python: give longer lags" in line
    assert "UserWarning" not in found.stderr
