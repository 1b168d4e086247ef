"""An estimator of another package, five lines and an entry point, everywhere that netxr's own are."""

import numpy as np
import pytest
import xarray as xr

import netxr
from netxr.app.recording.settings import method_choices
from netxr.estimators.table import BUILT_IN
from tests.cli.shell import run as shell

NAME = "third_covariance"
SPLIT = slice(0, 200), slice(200, None)


@pytest.fixture(scope="module")
def run():
    A = netxr.random_connectivity(5, sparsity=0.5, seed=1)
    return netxr.simulate(A, n_steps=300, trials=2, seed=1)


def covariance(activity, lag):
    """What the third estimator is, by the definition."""
    x = activity.transpose("trial", "neuron", "time").values
    n_steps = x.shape[-1]
    pairs = [(one[:, lag:], one[:, : n_steps - lag]) for one in x]
    return np.stack([np.cov(to, from_, bias=True)[: len(to), len(to) :] for to, from_ in pairs])


def test_in_estimate_beside_others(third, run):
    found = netxr.estimate(run, method=["lagged_correlation", NAME], lags=[0, 2])
    for lag in (0, 2):
        expected = covariance(run.activity, lag)
        np.testing.assert_allclose(found.sel(estimator=NAME, lag=lag), expected, atol=1e-12)
    assert netxr.estimate(run, method=NAME).attrs["reference"] == "doi:10.0000/third"


def test_in_a_sweep(third, tmp_path):
    asked = {"n_neurons": [4, 6], "n_steps": 200, "lag": [0, 1], "trials": 2, "seed": 3}
    scores = netxr.sweep(**asked, method=NAME, store=tmp_path / "s.zarr")
    assert scores.attrs["estimator"] == NAME
    for k, n_neurons in enumerate(asked["n_neurons"]):
        networks = [netxr.random_connectivity(n_neurons, seed=3 + trial) for trial in range(2)]
        A = xr.concat(networks, xr.Variable("trial", [0, 1]), combine_attrs="override")
        activity = netxr.simulate(A, n_steps=200, seed=3).activity
        for lag in (0, 1):
            pairs = zip(networks, covariance(activity, lag), strict=True)
            expected = [np.corrcoef(truth.values.ravel(), R.ravel())[0, 1] for truth, R in pairs]
            np.testing.assert_allclose(scores.pearson[k, 0, 0, 0].sel(lag=lag), expected, atol=1e-10)
    with pytest.raises(netxr.InvalidInput, match=r"method: got 'correlation'; expected 'third_covariance', as in the"):
        netxr.sweep(**asked, method="correlation", store=tmp_path / "s.zarr")


@pytest.fixture(scope="module")
def grown(third, run, tmp_path_factory):
    """A stored run with two estimates of its moments, to which samples and trials were appended."""
    path, first = tmp_path_factory.mktemp("grown") / "run.zarr", run.isel(time=slice(0, 200))
    moments = netxr.lagged_moments(first.activity, lags=[0, 1])
    both = [netxr.estimate(moments, method=name, lags=[0, 1]) for name in (NAME, "lagged_correlation")]
    netxr.save(xr.merge([first, moments, *both], compat="override", combine_attrs="override"), path)
    netxr.append(run.activity[:, 200:], path, dim="time")
    further = run.activity.assign_coords(trial=[7, 8])
    netxr.append(further, path, dim="trial")
    return path


def test_in_a_run_that_is_appended_to(grown, run):
    stored = netxr.open(grown).load()
    assert not [name for name, one in stored.items() if "outdated" in one.attrs]
    for lag in (0, 1):
        expected = np.tile(covariance(run.activity, lag), (2, 1, 1))
        np.testing.assert_allclose(stored[NAME].sel(lag=lag), expected, atol=1e-12)
    assert stored[NAME].attrs["estimator"] == NAME
    assert netxr.catalog(grown).estimates.item() == f"lagged_correlation, {NAME}"


def test_in_its_report(grown, tmp_path):
    pytest.importorskip("holoviews")
    matrices = netxr.open(grown)[["connectivity", NAME, "lagged_correlation"]]
    page = netxr.report_run(matrices, tmp_path / "run.html").read_text("utf-8")
    assert "True and estimated connectivity: third covariance" in page


@pytest.mark.slow
def test_in_its_report_where_it_is_alone(grown, tmp_path):
    pytest.importorskip("holoviews")
    alone = netxr.report_run(netxr.open(grown).drop_vars("lagged_correlation"), tmp_path / "one.html").read_text(
        "utf-8"
    )
    assert f"scores = netxr.compare(run.connectivity, run.{NAME}, diagonal=False)" in alone


def test_an_estimate_whose_package_is_gone_says_that_it_is_outdated(run, tmp_path):
    path, first = tmp_path / "run.zarr", run.isel(time=slice(0, 200))
    moments = netxr.lagged_moments(first.activity)
    R = netxr.estimate(moments, method="correlation").assign_attrs(estimator="gone").rename("gone")
    netxr.save(xr.merge([first, moments, R], compat="override", combine_attrs="override"), path)
    netxr.append(run.activity[:, 200:], path, dim="time")
    assert "outdated" in netxr.open(path).gone.attrs
    assert netxr.catalog(path).estimates.item() == "gone (outdated)"


def test_in_the_shell(third, run, tmp_path):
    netxr.save(run, tmp_path / "run.zarr")
    out = tmp_path / "estimate.zarr"
    told = shell("estimate", tmp_path / "run.zarr", "--method", NAME, "--diagonal", "--out", out)
    assert told.exit_code == 0, told.stderr
    assert told.stdout.startswith("Third covariance R at lag 1: 5 neurons, 300 samples, trials: 2")
    np.testing.assert_allclose(netxr.open(out)[NAME].squeeze("lag"), covariance(run.activity, 1), atol=1e-12)
    compared = shell("compare", tmp_path / "run.zarr", out, "--diagonal", "--json")
    assert compared.exit_code == 0, compared.stderr
    drawn = shell("plot", out, tmp_path / "R.svg")
    assert drawn.exit_code == 0, drawn.stderr
    for name, message in (
        ("grangers", "expected one of lagged_correlation, correlation, "),
        ("third_broken", "third-party"),
    ):
        failed = shell("estimate", tmp_path / "run.zarr", "--method", name)
        assert failed.exit_code == 2
        assert message in failed.stderr
        assert failed.stderr.startswith("netxr: error: --method: ")


def test_in_the_list_of_the_app(third):
    choices = method_choices()
    assert choices["third covariance"] == NAME
    assert list(choices.values())[:2] == ["lagged_correlation", "correlation"]
    assert "third_broken" not in choices.values()


@pytest.fixture
def with_p(monkeypatch):
    """An estimator that returns something beside its estimate."""

    def function(moments, lag):
        R = moments.comoment.sel(lag=lag) / moments["count"].sel(lag=lag)
        return xr.Dataset({"with_p": R, "p": R**2})

    entry = netxr.Estimator("with_p", function, long_name="with p")
    monkeypatch.setitem(BUILT_IN, "with_p", entry)
    return entry


@pytest.mark.parametrize("dim", ["time", "trial"])
def test_what_stands_beside_an_estimate_follows_it(with_p, run, tmp_path, dim):
    first, later = (run.isel({dim: part}) for part in ((slice(0, 1), slice(1, 2)) if dim == "trial" else SPLIT))
    moments = netxr.lagged_moments(first.activity, lags=[0, 1])
    netxr.save(first.assign(moments), tmp_path / "run.zarr")
    netxr.add(netxr.estimate(moments, method="with_p", lags=[0, 1]), tmp_path / "run.zarr")
    netxr.append(later, tmp_path / "run.zarr", dim=dim)
    found = netxr.open(tmp_path / "run.zarr").compute()
    right = np.stack([covariance(run.activity, lag) for lag in (0, 1)])
    np.testing.assert_allclose(found.with_p.transpose("lag", "trial", "target", "source"), right, atol=1e-12)
    np.testing.assert_allclose(found.p.transpose("lag", "trial", "target", "source"), right**2, atol=1e-12)
    assert not [name for name, one in found.items() if "outdated" in one.attrs]


def test_what_cannot_follow_is_marked_with_its_estimate(with_p, run, tmp_path):
    first = run.isel(time=SPLIT[0])
    both = netxr.estimate(first, method="with_p")
    netxr.save(first.assign(both), tmp_path / "run.zarr")
    netxr.append(run.isel(time=SPLIT[1]), tmp_path / "run.zarr", dim="time")
    found = netxr.open(tmp_path / "run.zarr")
    assert {name for name, one in found.items() if "outdated" in one.attrs} == {"with_p", "p"}
