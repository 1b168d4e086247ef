"""Tests of correlations and reliabilities in a run that is appended to."""

import numpy as np
import pytest
import xarray as xr

import netxr
from netxr.errors import InvalidInput
from netxr.report.sure import sure_parts

TESTED = ("p_value", "lower", "upper")


def recording(n_steps=900, trials=3):
    x = np.random.default_rng(0).normal(size=(5, n_steps, trials))
    for t in range(1, n_steps):
        x[:, t] += 0.5 * x[:, t - 1]
    return netxr.as_activity(x, dims=("neuron", "time", "trial")).assign_coords(trial=np.arange(trials))


def assert_equal_to(store, fresh):
    found = netxr.open(store).compute()
    for name, values in fresh.data_vars.items():
        assert "outdated" not in found[name].attrs, name
        np.testing.assert_allclose(found[name], values, rtol=0, atol=1e-12, err_msg=name)
        assert found[name].attrs.get("made_by") == values.attrs.get("made_by")


def assert_outdated(store, names):
    found = netxr.open(store)
    for name in names:
        assert found[name].attrs["outdated"].startswith("made before"), name


def test_a_saved_test_is_listed_as_one_estimate(tmp_path):
    x = recording(n_steps=200)
    netxr.save(netxr.correlation_test(x), tmp_path / "test.zarr")
    netxr.save(netxr.regression(x, lags=1), tmp_path / "regression.zarr")
    assert netxr.catalog(tmp_path).set_index("name").estimates.to_dict() == {
        "test.zarr": "lagged_correlation",
        "regression.zarr": "",
    }


@pytest.mark.crossed(1)
@pytest.mark.parametrize("null", ["autocorrelation", "shift", "samples"])
@pytest.mark.parametrize("beside", [[], [0, 1, 2]])
def test_further_trials_are_tested_alike(tmp_path, null, beside):
    x, store = recording(), tmp_path / "run.zarr"
    first = x.isel(trial=[0, 1])
    moments = netxr.lagged_moments(first, lags=beside) if beside else xr.Dataset()
    netxr.save(first.to_dataset(name="activity").merge(moments), store)
    netxr.add(netxr.correlation_test(first, null=null), store)
    netxr.add(netxr.reliability(first), store)
    netxr.append(x.isel(trial=[2]).to_dataset(name="activity"), store, dim="trial")
    assert_equal_to(store, netxr.correlation_test(x, null=null).merge(netxr.reliability(x)))


@pytest.mark.crossed(1)
@pytest.mark.parametrize(
    ("null", "lags"), [("autocorrelation", range(40)), ("shift", [1, *range(40, 700, 40)]), ("samples", [0, 1])]
)
@pytest.mark.parametrize("dim", ["time", "trial"])
def test_tests_follow_from_moments_that_hold_what_they_need(tmp_path, null, lags, dim):
    x, store = recording(), tmp_path / "run.zarr"
    first, rest = x.isel({dim: slice(0, -1)}), x.isel({dim: slice(-1, None)})
    if dim == "time":
        first, rest = x.isel(time=slice(0, 800)), x.isel(time=slice(800, None))
    moments = netxr.lagged_moments(first, lags=lags)
    netxr.save(first.to_dataset(name="activity").merge(moments), store)
    netxr.add(netxr.correlation_test(moments, null=null), store)
    netxr.append(rest.to_dataset(name="activity"), store, dim=dim)
    assert_equal_to(store, netxr.correlation_test(netxr.lagged_moments(x, lags=lags), null=null))


def test_what_would_take_all_samples_again_says_that_it_is_outdated(tmp_path):
    x = recording()
    first, rest = x.isel(time=slice(0, 800)), x.isel(time=slice(800, None)).to_dataset(name="activity")
    tested, reliable = netxr.correlation_test(first), netxr.reliability(first)
    for store, beside in (("a.zarr", xr.Dataset()), ("b.zarr", netxr.lagged_moments(first, lags=[0, 1, 2]))):
        netxr.save(first.to_dataset(name="activity").merge(beside), tmp_path / store)
        netxr.add(tested, tmp_path / store)
        netxr.add(reliable, tmp_path / store)
        netxr.append(rest, tmp_path / store, dim="time")
        assert_outdated(tmp_path / store, [*TESTED, "effective_samples", *reliable.data_vars])
        np.testing.assert_array_equal(netxr.open(tmp_path / store).p_value, tested.p_value)
    kept = netxr.open(tmp_path / "b.zarr")
    assert_outdated(tmp_path / "b.zarr", ["lagged_correlation"])  # it stays with its test
    np.testing.assert_array_equal(kept.lagged_correlation, tested.lagged_correlation)
    np.testing.assert_allclose(kept.comoment, netxr.lagged_moments(x, lags=[0, 1, 2]).comoment)
    with pytest.raises(InvalidInput, match=r"made before 100 .* netxr\.add\(netxr\.correlation_test\(run\.activity\)"):
        netxr.edges(kept)
    _reliability, edges = sure_parts(kept, most_neurons=9)
    assert "netxr.correlation_test(run.activity), store, replace=True" in edges.text
    assert "edges at a false discovery rate" not in edges.text
    netxr.add(netxr.correlation_test(kept.activity), tmp_path / "b.zarr", replace=True)
    assert_equal_to(tmp_path / "b.zarr", netxr.correlation_test(x))


def test_an_autocorrelation_that_was_given_is_asked_for_again(tmp_path):
    x = recording()
    first, rest = x.isel(trial=[0, 1]), x.isel(trial=[2])
    flat = netxr.autocorrelation(x, lags=range(1, 30))
    netxr.save(first.to_dataset(name="activity"), tmp_path / "run.zarr")
    netxr.add(netxr.correlation_test(first, autocorrelation=flat.isel(trial=[0, 1])), tmp_path / "run.zarr")
    with pytest.raises(InvalidInput, match="data: got no effective_samples, lower, p_value"):
        netxr.append(rest.to_dataset(name="activity"), tmp_path / "run.zarr", dim="trial")
    mine = netxr.correlation_test(rest, autocorrelation=flat.isel(trial=[2]))
    netxr.append(rest.to_dataset(name="activity").merge(mine), tmp_path / "run.zarr", dim="trial")
    whole = netxr.correlation_test(x, autocorrelation=flat)
    np.testing.assert_allclose(netxr.open(tmp_path / "run.zarr").p_value, whole.p_value, atol=1e-12)


def test_a_recoverability_beside_reliability_keeps_its_sentence_and_is_outdated_by_further_samples(tmp_path):
    x, store = recording(trials=1), tmp_path / "run.zarr"
    first, rest = x.isel(time=slice(0, 800)), x.isel(time=slice(800, None)).to_dataset(name="activity")
    foretold, reliable = netxr.recoverability(first), netxr.reliability(first)
    netxr.save(first.to_dataset(name="activity"), store)
    netxr.add(foretold, store)
    netxr.add(reliable, store)
    xr.testing.assert_allclose(netxr.open(store).reliability_of_estimate, foretold.reliability_of_estimate)
    xr.testing.assert_allclose(netxr.open(store).reliability, reliable.reliability)
    assert netxr.open(store).score.sentence == foretold.sentence
    assert next(sure_parts(netxr.open(store), most_neurons=9)).rows[0]["reliability"] != "undefined"
    netxr.append(rest, store, dim="time")
    assert_outdated(store, foretold.data_vars)


def test_further_trials_have_a_recoverability_of_their_own(tmp_path):
    x, store = recording(trials=2), tmp_path / "run.zarr"
    first, rest = x.isel(trial=[0]), x.isel(trial=[1])
    netxr.save(first.to_dataset(name="activity"), store)
    netxr.add(netxr.recoverability(first), store)
    netxr.append(rest.to_dataset(name="activity"), store, dim="trial")
    assert_equal_to(store, netxr.recoverability(x))
    both = f"{netxr.recoverability(first).sentence} Of 1 further trials: {netxr.recoverability(rest).sentence}"
    assert netxr.open(store).score.sentence == both


def test_test_regression_and_jackknife_stand_side_by_side(tmp_path):
    x, store = recording(trials=1).isel(trial=0, drop=True), tmp_path / "run.zarr"
    first, rest = x.isel(time=slice(0, 800)), x.isel(time=slice(800, None))
    errors = netxr.jackknife(netxr.lagged_moments(first, blocks=10), netxr.lagged_correlation)
    tested, fitted = netxr.correlation_test(first), netxr.regression(first).drop_vars("p_value")
    netxr.save(first.to_dataset(name="activity"), store)
    netxr.add(tested, store)
    netxr.add(fitted, store)
    netxr.add(errors.drop_vars("lagged_correlation"), store)
    found = netxr.open(store)
    np.testing.assert_array_equal(found.standard_error, fitted.standard_error)
    np.testing.assert_array_equal(found.lower, tested.lower)
    np.testing.assert_array_equal(found.lagged_correlation_lower, errors.lagged_correlation_lower)
    netxr.append(rest.to_dataset(name="activity"), store, dim="time")
    assert_outdated(store, [*TESTED, "lagged_correlation_standard_error", "lagged_correlation_lower"])
