"""The connections that are left at a false discovery rate."""

import numpy as np
import pytest
import xarray as xr
from scipy import stats

import netxr
from netxr.errors import InvalidInput
from netxr.report.sure import sure_parts
from tests.runs import labelled


def result(r, p, labels=None):
    return xr.Dataset({"lagged_correlation": labelled(r, labels), "p_value": labelled(p, labels)})


def test_by_hand():
    found = netxr.edges(result([[1, 0.2], [-0.6, 1]], [[0, 0.02], [0.001, 0]], ["a", "b"]), q=0.05)
    table = found.to_dataframe()
    assert table.target.tolist() == ["b", "a"]
    assert table.source.tolist() == ["a", "b"]
    assert table.effect.tolist() == [-0.6, 0.2]
    assert table.q_value.tolist() == [0.002, 0.02]
    assert found.attrs["n_pairs"] == 2
    strict = netxr.edges(result([[1, 0.2], [-0.6, 1]], [[0, 0.02], [0.001, 0]]), q=0.01)
    assert strict.sizes["edge"] == 1
    none = netxr.edges(result(np.eye(2), np.ones((2, 2))))
    assert none.sizes["edge"] == 0


@pytest.mark.parametrize("test", [netxr.correlation_test, netxr.regression, netxr.granger])
def test_of_every_test(test):
    A = netxr.random_connectivity(10, seed=1)
    run = netxr.simulate(A, n_steps=5000, seed=1)
    found = netxr.edges(test(run.assign(activity=run.activity.chunk(time=1000))))
    assert (A.sel(target=found.target, source=found.source) > 0).mean() > 0.9
    assert set(found.trial.values.tolist()) == {0}
    assert (np.abs(found.effect.values[:-1]) >= np.abs(found.effect.values[1:])).all()
    assert (found.target != found.source).all()


def test_several_lags_are_one_family():
    run = netxr.simulate(netxr.random_connectivity(8, seed=1), n_steps=3000, seed=1).isel(trial=0)
    fitted = netxr.regression(run, lags=2)
    found = netxr.edges(fitted, q=0.01)
    q = netxr.false_discovery(fitted.p_value)
    assert found.sizes["edge"] == (q <= 0.01).sum()
    at = {dim: found[dim] for dim in ("lag", "target", "source")}
    np.testing.assert_array_equal(found.effect, fitted.standardised.sel(at))


def test_p_values_find_the_estimate_that_they_are_about():
    run = netxr.simulate(netxr.random_connectivity(8, seed=1), n_steps=2000, seed=1).isel(trial=0)
    fitted, caused = netxr.regression(run), netxr.granger(run)
    beside = netxr.estimate(run, method="lagged_correlation")
    found = netxr.edges(xr.merge([fitted, beside.drop_vars("lag")]), q=0.5)
    pairs = {dim: found[dim] for dim in ("target", "source")}
    np.testing.assert_array_equal(found.effect, fitted.standardised.sel(pairs))
    other = netxr.edges(beside.drop_vars("lag").to_dataset().assign(caused), q=0.5)
    np.testing.assert_array_equal(other.effect, caused.granger.sel({dim: other[dim] for dim in pairs}))
    assert found.attrs["made_by"] == fitted.p_value.attrs["made_by"]
    third = beside.rename("strength").to_dataset().assign(p_value=fitted.p_value.drop_attrs())
    third.p_value.attrs["result_of"] = "strength"
    of_third = netxr.edges(third, q=0.5)
    np.testing.assert_array_equal(of_third.effect, beside.sel({dim: of_third[dim] for dim in pairs}))


def test_intervals_of_a_regression_are_those_of_its_errors():
    x = np.random.default_rng(0).normal(size=(4, 300))
    x[1, 1:] += x[0, :-1]
    fitted = netxr.regression(netxr.as_activity(x, dims=("neuron", "time")))
    found = netxr.edges(fitted).isel(edge=0)
    at = {"target": found.target, "source": found.source}
    reach = stats.t.ppf(0.975, fitted.df) * fitted.standard_error.sel(at) / fitted.coefficient.sel(at)
    expected = fitted.standardised.sel(at).item() * (1 + np.array([-1, 1]) * reach.item())
    np.testing.assert_allclose([found.lower, found.upper], expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("given", "options", "told"),
    [
        (xr.Dataset({"p_value": labelled(np.ones((2, 2)))}), {}, "data: got .'p_value'.*correlation_test"),
        ([1], {}, "data: got list"),
        (result(np.eye(2), np.eye(2)), {"q": 1.5}, "q: got 1.5"),
        (result(np.eye(2), np.eye(2)), {"method": "holm"}, "method: got 'holm'"),
    ],
)
def test_what_cannot_be(given, options, told):
    with pytest.raises(InvalidInput, match=told):
        netxr.edges(given, **options)


def test_values_of_another_estimator_are_not_tested_as_correlations():
    run = netxr.simulate(netxr.random_connectivity(6, seed=1), n_steps=300, seed=1)
    for values in (netxr.estimate(run, method="regression_t"), netxr.regression(run).t):
        for options in ({}, {"null": "samples"}, {"autocorrelation": netxr.autocorrelation(run, lags=[1, 2])}):
            with pytest.raises(InvalidInput, match=r"data: got values of regression.*expected lagged correlations"):
                netxr.edges(values, **options)


def test_a_test_that_was_saved_still_says_what_is_too_slow(tmp_path):
    x = np.random.default_rng(0).normal(size=(6, 900))
    x[[1, 4]] = x[[1, 4]].cumsum(axis=1)
    run = netxr.as_activity(x, dims=("neuron", "time")).to_dataset()
    short = netxr.autocorrelation(run, lags=range(1, 21))
    netxr.save(run, tmp_path / "run.zarr")
    told = "of 2 of 6 neurons is not yet zero at lag 20"
    with pytest.warns(UserWarning, match=told):
        netxr.add(netxr.correlation_test(run, autocorrelation=short), tmp_path / "run.zarr")
    opened = netxr.open(tmp_path / "run.zarr")
    with pytest.warns(UserWarning, match=told):
        found = netxr.edges(opened, q=0.2)
    assert found.attrs["n_slow"] == 2
    assert "slow" not in found.variables
    with pytest.warns(UserWarning, match=told):
        of_activity = netxr.edges(run.activity, autocorrelation=short, q=0.2)
    assert of_activity.attrs["n_slow"] == 2
    with pytest.warns(UserWarning, match=told):
        _reliability, listed = sure_parts(opened, most_neurons=6)
    assert "2 neurons change so slowly that their p-values are too low" in listed.text
