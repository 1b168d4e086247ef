import dask.array as da
import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

import netxr
from netxr.errors import InvalidInput
from tests.oracles import trials_of
from tests.strategies import chunked, recordings


def even(n_steps):
    return xr.DataArray(np.arange(n_steps) % 2 == 0, dims="time")


# --- by hand -------------------------------------------------------------------------------


def test_means_after_one_state_and_after_the_other_by_hand():
    """After 1 comes 5 and 3, after 0 comes 1: the difference is 3."""
    found = netxr.perturbation_effect(
        netxr.as_activity([[1, 0, 0, 0, 1, 0], [0, 5, 0, 1, 0, 3]], dims=("neuron", "time")), where=even(6)
    )
    assert found.values[1, 0] == pytest.approx(3)
    assert np.isnan(found.values[:, 1]).all()  # it was not perturbed


def test_a_frame_before_the_end_of_a_trial_has_no_target():
    x = netxr.as_activity([[0, 2, 1, 4, 9]], dims=("neuron", "time"))
    where = xr.DataArray([True, False, True, False, True], dims="time")
    assert netxr.perturbation_effect(x, where=where).item() == pytest.approx(2)


def test_one_unit_more_of_the_source():
    """Perturbed to any number: the slope, here of 0 2 1 before 1 5 3."""
    x = netxr.as_activity([[0, 1, 2, 5, 1, 3]], dims=("neuron", "time"))
    assert netxr.perturbation_effect(x, where=even(6)).item() == pytest.approx(2)


# --- against independent code ----------------------------------------------------------------


@given(recordings(max_neurons=3, dtypes=("float64",)), st.sampled_from([0, 1, 3]), st.data())
def test_any_recording_against_slopes(recording, lag, data):
    n_steps = recording.sizes["time"]
    marked = np.random.default_rng(n_steps).random(n_steps) < 0.5
    marked[:3] = True
    where = xr.DataArray(marked, dims="time")
    found = netxr.perturbation_effect(recording, lag=lag, where=where)
    lazy = netxr.perturbation_effect(data.draw(chunked(recording)), lag=lag, where=where)
    assert isinstance(lazy.data, da.Array)
    xr.testing.assert_allclose(lazy.compute(scheduler="synchronous"), found)
    kept = marked[: n_steps - lag]
    for k, trial in enumerate(trials_of(recording)):
        one = found.isel(trial=k) if "trial" in found.dims else found
        source, target = (each[:, kept].astype(float) for each in (trial[:, : n_steps - lag], trial[:, lag:]))
        right = [[np.cov(y, x)[0, 1] / np.var(x, ddof=1) for x in source] for y in target]
        np.testing.assert_allclose(one, right, rtol=1e-8, atol=1e-10)


def test_six_perturbed_neurons():
    """The tutorial's model, perturbed at every even step; A by the stream's first numbers, the run by them anew."""
    A = netxr.random_connectivity(6, seed=42, rng="legacy").values
    random, x = np.random.RandomState(42), np.zeros((6, 5000))
    for t in range(4999):
        if t % 2 == 0:
            x[:, t] = random.choice([0, 1], 6)
        x[:, t + 1] = expit(A @ x[:, t] + random.standard_normal(6))
    found = netxr.perturbation_effect(netxr.as_activity(x, dims=("neuron", "time")), where=even(5000)).values
    assert np.corrcoef(A[:, 1], found[:, 1])[0, 1] == pytest.approx(0.9946, abs=1e-4)
    assert np.corrcoef(A.ravel(), found.ravel())[0, 1] == pytest.approx(0.988, abs=1e-3)


# --- relations and refusals ------------------------------------------------------------------


def test_moments_of_marked_frames_need_no_further_read():
    x = netxr.as_activity(np.random.default_rng(0).normal(size=(3, 60)), dims=("neuron", "time"))
    moments = netxr.lagged_moments(x, lags=[1, 2], where=even(60))
    found = netxr.perturbation_effect(moments, lag=2)
    xr.testing.assert_allclose(found, netxr.perturbation_effect(x, lag=2, where=even(60)))
    assert found.name == "perturbation_effect"
    assert found.attrs["made_by"] == "netxr.perturbation_effect(lag=2)"


def test_arguments_that_do_not_fit():
    x = netxr.as_activity(np.random.default_rng(0).normal(size=(3, 60)), dims=("neuron", "time"))
    with pytest.raises(InvalidInput, match="where: got None"):
        netxr.perturbation_effect(x)
    with pytest.raises(InvalidInput, match=r"moments of all frames; .* where="):
        netxr.perturbation_effect(netxr.lagged_moments(x))
    moments = netxr.lagged_moments(x, where=even(60))
    with pytest.raises(InvalidInput, match=r"lag: got 2; expected a lag that the moments hold: \[0, 1\]"):
        netxr.perturbation_effect(moments, lag=2)
    with pytest.raises(InvalidInput, match="where: got it beside moments"):
        netxr.perturbation_effect(moments, where=even(60))
    with pytest.raises(InvalidInput, match="lag: got -1"):
        netxr.perturbation_effect(x, lag=-1, where=even(60))
    with pytest.raises(InvalidInput, match="marked frames"):
        netxr.regression(moments)
