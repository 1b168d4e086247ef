import itertools
import re
from unittest.mock import create_autospec

import dask.array as da
import numpy as np
import pytest
import xarray as xr
from click.testing import CliRunner

import netxr
from netxr.cli import main
from tests.conftest import SHARED
from tests.marks import slow
from tests.report.test_page import Page, fetches
from tests.runs import contents

DATA = SHARED / "data"


def seen(path):
    return Page(path.read_text("utf-8")).seen


def titles(path):
    return re.findall(r"<h2>(.*?)</h2>", path.read_text("utf-8"))


@pytest.fixture(scope="module")
def run():
    return netxr.simulate(netxr.random_connectivity(6, sparsity=0.7, seed=3), n_steps=300, trials=2, seed=5)


@pytest.fixture(scope="module")
def stored(run, tmp_path_factory):
    store = tmp_path_factory.mktemp("runs") / "<b>run.zarr"
    netxr.save(run, store)
    return store


@pytest.fixture(scope="module")
def as_saved(stored):
    return contents(stored)


@pytest.fixture(scope="module")
def told():
    """How far the report said that it was."""
    return []


@pytest.fixture(scope="module")
def page(stored, as_saved, told, tmp_path_factory):
    path = tmp_path_factory.mktemp("pages") / "run.html"
    assert netxr.report_run(stored, path, progress=lambda done, total: told.append((done, total))) == path
    return path


def test_a_page_of_a_simulation_has_all_its_sections(stored, page):
    assert titles(page) == [
        "Facts",
        "Activity of some neurons",
        "Activity of all neurons",
        "True and estimated connectivity",
        "Connectivity as a graph",
        "How the estimate agrees with the truth",
        "Direction",
        "How sure: reliability",
        "How sure: edges",
        "Scores of R against A, over trials",
        "Scores of R against A, trial by trial",
        "Where it comes from",
        "History",
        "How to make it again, in Python",
        "How to make it again, in the shell",
    ]
    R = netxr.lagged_correlation(netxr.open(stored).activity, lag=1)
    assert f"R and its transpose correlate at up to {float(netxr.symmetry(R).max()):.3f}." in seen(page)
    assert "R is the lagged correlation at lag 1, made for this report." in seen(page)
    assert "The figures are of trial 0, the first of 2." in seen(page)


def test_it_says_how_sure_r_is(run, page):
    text, cells = seen(page), re.findall(r"<td[^>]*>(.*?)</td>", page.read_text("utf-8"))
    for value in netxr.reliability(run).reliability.values:
        assert f"{value:.3f}" in cells
    found = netxr.edges(netxr.correlation_test(run))
    edges = f"{found.sizes['edge']} edge{'' if found.sizes['edge'] == 1 else 's'}"
    assert f"60 pairs tested: {edges} at a false discovery rate of 0.05" in text
    for p in found.p_value.values[:20]:
        assert f"{p:.2g}" in cells
    assert "allowing for autocorrelation, tested for this page" in text
    assert {"slope", "rmse", "mcc", "f1", "roc auc excitatory"} <= set(cells) | set(
        re.findall(r"<th[^>]*>(.*?)</th>", page.read_text("utf-8"))
    )
    assert "roc auc inhibitory" not in page.read_text("utf-8")  # all weights are positive


def test_how_sure_is_of_frames_without_nan_and_says_what_is_too_slow(run, tmp_path):
    activity = run.activity.isel(trial=0, drop=True).copy()
    slow = activity.cumsum("time") - activity.cumsum("time").mean("time")
    activity[1] = slow[1]
    activity[2, 40] = np.nan
    moments = netxr.lagged_moments(activity, lags=[1], blocks=20, missing="drop")
    with pytest.warns(UserWarning, match="not yet zero at lag"):
        path = netxr.report_run(activity.to_dataset(), tmp_path / "run.html")
    assert f"{netxr.reliability(moments).reliability.item():.3f}" in path.read_text("utf-8")
    assert "1 neurons change so slowly that their p-values are too low" in seen(path)


def test_tests_that_are_saved_are_listed_unless_they_are_outdated(run, tmp_path):
    one = run.isel(trial=0)
    tested, one = netxr.regression(one), one[["connectivity"]]
    text = seen(netxr.report_run(one.merge(tested), tmp_path / "run.html"))
    n_edges = netxr.edges(tested).sizes["edge"]
    assert f"30 pairs tested: {n_edges} edge" in text
    assert "tested for this page" not in text
    tested.p_value.attrs["outdated"] = "made before 5 samples were appended along time"
    text = seen(netxr.report_run(one.merge(tested), tmp_path / "outdated.html"))
    assert "made before 5 samples were appended along time" in text
    assert "netxr.add(netxr.regression(run.activity), store, replace=True)" in text
    assert "30 pairs tested" not in text


def test_it_opens_without_a_network_and_takes_names_for_text(page):
    assert fetches(page.read_text("utf-8")) == []
    assert "<b>run" not in page.read_text("utf-8")
    assert "Report of <b>run.zarr" in seen(page)
    assert page.stat().st_size < 8e6


def test_scores_are_those_of_all_trials(run, page):
    R = netxr.lagged_correlation(run.activity, lag=1)
    text = page.read_text("utf-8")
    cells, each = (re.findall(r"<td[^>]*>(.*?)</td>", part) for part in text.split("trial by trial</h2>"))
    for word, diagonal in (("with", True), ("without", False)):
        expected = netxr.compare(run.connectivity, R, diagonal=diagonal, permutations=0)
        place = cells.index(word)
        mean, std = float(expected.pearson.mean()), float(expected.pearson.std())
        assert cells[place + 1 : place + 6] == ["pearson", f"{mean:.3f}", f"{std:.3f}", "2", "2"]
        for trial in (0, 1):
            place = next(k for k, pair in enumerate(itertools.pairwise(each)) if pair == (word, str(trial)))
            assert each[place + 2] == f"{float(expected.pearson[trial]):.3f}"
            assert each[place + 3] == f"{float(expected.spearman[trial]):.3f}"


def test_the_lines_in_the_page_make_the_run_again(run, page, stored, monkeypatch):
    lines = re.search(r"import netxr.*?simulate\(.*?\)\n?", seen(page), flags=re.DOTALL).group()
    assert repr(str(stored)) in lines
    reported = create_autospec(netxr.report_run)  # the page at hand is what it makes
    monkeypatch.setattr(netxr, "report_run", reported)
    found = {}
    exec(lines, found)  # noqa: S102 - our own lines
    np.testing.assert_array_equal(found["again"].activity, run.activity)
    ((of, name), _) = reported.call_args
    np.testing.assert_array_equal(of.activity, run.activity)
    assert name == "report.html"
    expected = netxr.compare(run.connectivity, netxr.lagged_correlation(run.activity), diagonal=False)
    assert found["scores"].pearson.values.tolist() == pytest.approx(expected.pearson.values.tolist())


def test_the_run_is_left_as_it_is(stored, as_saved, page):
    assert page.exists()
    assert contents(stored) == as_saved
    with pytest.raises(netxr.InvalidInput, match=r"path: got .*; expected a file outside the run"):
        netxr.report_run(stored, stored / "run.html")


def test_a_dataset_in_memory_has_a_page_of_its_own(run, tmp_path):
    lagged = run.assign(lagged_correlation=netxr.lagged_correlation(run.activity, lags=[0, 1, 2]))
    lagged = lagged.assign(netxr.compare(lagged.connectivity, lagged.lagged_correlation, diagonal=False)[["pearson"]])
    path = netxr.report_run(lagged, tmp_path / "run.html")
    assert "Estimate over lag" in titles(path)
    assert "in the shell" not in seen(path)
    assert "made for this report" not in seen(path)
    assert "R at lag 1" in seen(path)
    cells = re.findall(r"<td[^>]*>(.*?)</td>", path.read_text("utf-8"))
    assert f"{float(lagged.pearson.sel(lag=2, trial=1)):.3f}" in cells


@pytest.mark.parametrize("left", [["connectivity"], *slow(["activity"])])
def test_what_a_run_has_not_is_left_out(run, left, tmp_path):
    path = netxr.report_run(run[left].isel(trial=0, missing_dims="ignore"), tmp_path / "run.html")
    assert "Scores of R against A" not in titles(path)
    assert "Connectivity" in titles(path)
    assert ("Activity of all neurons" in titles(path)) == (left == ["activity"])


def test_without_a_truth_it_says_how_well_estimators_would_find_one(run, page, tmp_path):
    activity = run[["activity"]].isel(trial=0)
    foretold = netxr.report_run(activity, tmp_path / "long.html")
    short = netxr.report_run(activity.isel(time=slice(30)), tmp_path / "short.html")
    for path, is_foretold in ((foretold, True), (short, False), (page, False)):
        assert ("How well estimators would find this network" in titles(path)) == is_foretold
        assert ("As far as the recording itself tells" in seen(path)) == is_foretold


def test_gaps_are_left_out_and_short_or_large_runs_say_why_there_is_no_estimate(run, page, tmp_path):
    gaps = run[["activity"]].where(xr.DataArray(np.arange(300) != 7, dims="time"))
    holed = seen(netxr.report_run(gaps, tmp_path / "gaps.html"))
    assert 'lag=1, missing="drop")' in holed
    assert "Of 299 samples, 2" in holed  # the sample itself, and the one whose past it is
    assert "are left out" in holed
    assert "are left out" not in seen(page)
    short = run[["activity"]].isel(time=slice(1))
    assert "none could be made: data: got a single sample" in seen(netxr.report_run(short, tmp_path / "short.html"))
    many = netxr.as_activity(da.zeros((1001, 5)), dims=("neuron", "time")).to_dataset(name="activity")
    path = netxr.report_run(many, tmp_path / "many.html")
    assert "Make one with netxr estimate, in bounded memory" in seen(path)


@pytest.mark.slow
def test_only_what_depends_on_the_lag_has_one(run, tmp_path):
    moments = netxr.lagged_moments(run.activity, lags=[0, 1])
    both = run.assign({name: netxr.estimate(moments, method=name) for name in ("granger", "partial_correlation")})
    netxr.report_run(both, tmp_path / "page.html")
    text = " ".join(seen(tmp_path / "page.html").split())
    assert "Granger causality, 2 trials x 6 targets x 6 sources, 0 entries undefined, lags 1" in text
    assert "partial correlation, 2 trials x 6 targets x 6 sources, 0 entries undefined " in text


def test_estimates_come_from_moments_where_there_are_some(run, tmp_path):
    moments = netxr.lagged_moments(run.activity, lags=[0, 1], dim=("time", "trial"))
    path = netxr.report_run(moments, tmp_path / "moments.html")
    assert 'netxr.estimate(run, method="lagged_correlation", lag=1)' in seen(path)
    assert "Connectivity" in titles(path)


def test_a_sweep_of_estimators_and_lengths_says_where_it_is_good_enough(tmp_path):
    asked = {"n_neurons": 8, "sparsity": 0.5, "spectral_radius": [0.5, 0.8], "n_steps": [60, 300], "trials": 2}
    scores = netxr.sweep(**asked, method=["lagged_correlation", "regression"])
    path = netxr.report_run(scores, tmp_path / "sweep.html")
    both = "Score over spectral radius and number of steps"
    each = ["Score over spectral radius", "Score over number of steps"]
    assert titles(path)[1:5] == ["Where it is good enough", both, *each]


def test_a_sweep_has_a_curve_for_each_parameter_that_varies(tmp_path):
    scores = netxr.sweep(n_neurons=[5, 10], sparsity=[0.5, 0.9], n_steps=100, trials=2)
    path = netxr.report_run(scores, tmp_path / "sweep.html")
    assert [title for title in titles(path) if title.startswith("Score over")] == [
        "Score over number of neurons and sparsity",
        "Score over number of neurons",
        "Score over sparsity",
    ]
    assert "At sparsity 0.5." in seen(path)
    cells = re.findall(r"<td[^>]*>(.*?)</td>", path.read_text("utf-8"))
    assert f"{float(scores.pearson_mean.sel(n_neurons=10, sparsity=0.5).squeeze()):.3f}" in cells


@pytest.mark.slow
@pytest.mark.skipif(not DATA.exists(), reason="no recordings beside the repository")
def test_a_recording_of_suite2p_has_a_page(tmp_path):
    with pytest.warns(UserWarning, match="not yet zero at lag"):  # it is short, and calcium is slow
        path = netxr.report_run(DATA / "suite2p", tmp_path / "suite2p.html")
    assert "219" in seen(path)
    assert "Connectivity" in titles(path)


def test_nothing_is_overwritten_and_what_cannot_be_reported_is_refused(run, tmp_path):
    (tmp_path / "mine.html").write_text("mine")
    with pytest.raises(netxr.OutputExists):
        netxr.report_run(run, tmp_path / "mine.html")
    with pytest.raises(netxr.InvalidInput, match=r"path: got .*folder that exists"):
        netxr.report_run(run, tmp_path / "no" / "run.html")
    with pytest.raises(netxr.InvalidInput, match="run: got a Dataset with x; expected one with activity"):
        netxr.report_run(xr.Dataset({"x": 1}), tmp_path / "x.html")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.html"]


def test_progress_goes_over_the_sections(page, told):
    n_sections = page.read_text("utf-8").count("<h2")
    assert told == [(k, n_sections) for k in range(1, n_sections + 1)]


def test_the_command_names_the_page_after_the_run(run, tmp_path, monkeypatch):
    (tmp_path / "runs").mkdir()
    stored = tmp_path / "runs" / "<b>run.zarr"
    netxr.save(run[["connectivity"]], stored)
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["report", str(stored)])
    assert (done.exit_code, done.output) == (0, f"Wrote the report of {stored} to <b>run.html\n")
    assert (tmp_path / "<b>run.html").exists()
    again = CliRunner().invoke(main, ["report", str(stored)])
    assert again.exit_code == 3
    assert CliRunner().invoke(main, ["report", str(tmp_path / "none.zarr")]).exit_code == 4
    named = CliRunner().invoke(main, ["report", str(stored), str(tmp_path / "named.html")])
    assert (named.exit_code, (tmp_path / "named.html").exists()) == (0, True)
    twice = CliRunner().invoke(
        main, ["report", str(stored), str(tmp_path / "a.html"), "--out", str(tmp_path / "b.html")]
    )
    assert twice.exit_code == 2
    assert "give one of them" in twice.output
