"""Sources of another trial: by hand, against plain correlations, and as a null for what trials have in common."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import netxr
from netxr.errors import InvalidInput
from netxr.moments.other_trials import partners
from tests.oracles import naive_moments, trials_of
from tests.runs import activity, nothing_computes


def test_by_hand():
    """Of trials 1, 2, 4 and 1, 0, 5, each is the other's source: at lag 1 targets 2, 4 go with sources 1, 0."""
    x = netxr.as_activity(np.array([[[1.0, 2, 4]], [[1.0, 0, 5]]]), dims=("trial", "neuron", "time"))
    moments = netxr.lagged_moments(x, lags=[1], shuffle_trials=3)
    assert moments.mean_target.squeeze().values.tolist() == [3, 2.5]
    assert moments.mean_source.squeeze().values.tolist() == [0.5, 1.5]
    assert moments.comoment.squeeze().values.tolist() == [-1, 2.5]


@given(st.integers(2, 9), st.integers(0, 100))
def test_each_trial_has_another_one(n_trials, seed):
    found = partners([np.arange(n_trials)], seed)
    assert sorted(found) == list(range(n_trials))
    assert (found != np.arange(n_trials)).all()


@pytest.mark.parametrize("chunks", [None, {"time": 13, "trial": 1}, {"neuron": 1}])
@pytest.mark.parametrize("sources", [None, ["c", "a"]])
def test_as_plain_pairs(chunks, sources):
    x = activity(n=4, trials=3)
    given = x if chunks is None else x.chunk(chunks)
    with nothing_computes():
        moments = netxr.lagged_moments(given, lags=[0, 3], shuffle_trials=5, sources=sources)
    assert moments.attrs["shuffle_trials"] == 5
    moments = moments.compute()
    at = slice(None) if sources is None else [2, 0]
    trials = trials_of(x)
    for trial, other in enumerate(partners([np.arange(3)], 5)):
        for lag in (0, 3):
            right = naive_moments([np.concatenate([trials[trial], trials[other]])], lag)
            found = moments.sel(lag=lag).isel(trial=trial)
            np.testing.assert_allclose(found.comoment, right.comoment[:4, 4:][:, at], atol=1e-12)
            np.testing.assert_allclose(found.sumsq_source, right.sumsq_source[4:][at], atol=1e-12)
            np.testing.assert_allclose(found.mean_target, right.mean_target[:4], atol=1e-12)
    np.testing.assert_array_equal(moments.source, x.neuron[at])
    np.testing.assert_array_equal(moments.trial, x.trial)
    pooled = netxr.lagged_moments(given, lags=[0, 3], shuffle_trials=5, sources=sources, dim=("time", "trial"))
    assert pooled["count"].values.tolist() == [240, 231]


def test_what_trials_have_in_common_remains():
    """A stimulus that is the same in all trials correlates neurons across trials; noise does not."""
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(2, 500, 30))
    driven = xr.DataArray(noise + 2 * rng.normal(size=(500, 1)), dims=("neuron", "time", "trial"))
    alone = xr.DataArray(noise, dims=driven.dims)
    both = [
        netxr.lagged_correlation(netxr.lagged_moments(x, lags=[0], shuffle_trials=1), lag=0) for x in (driven, alone)
    ]
    assert both[0].mean() == pytest.approx(4 / 5, abs=0.05)
    assert abs(both[1].mean()) < 0.01


def test_the_other_trial_is_of_the_same_stimulus():
    """Neurons that answer stimuli alike correlate across trials of one stimulus, and not across all."""
    rng = np.random.default_rng(0)
    tone = np.arange(40) % 4
    response = rng.normal(size=(1, 200, 4))[..., tone]
    x = xr.DataArray(response + rng.normal(size=(2, 200, 40)), {"tone": ("trial", tone)}, ("neuron", "time", "trial"))
    options = {"lags": [0], "dim": ("time", "trial"), "shuffle_trials": 1}
    within = netxr.lagged_moments(x, **options, shuffle_by="tone")
    assert within.attrs["shuffle_by"] == "tone"
    assert netxr.lagged_correlation(within, lag=0).mean() == pytest.approx(1 / 2, abs=0.05)
    assert abs(netxr.lagged_correlation(netxr.lagged_moments(x, **options), lag=0).mean()) < 0.2
    other = partners([np.flatnonzero(tone == k) for k in range(4)], 1)
    assert (tone[other] == tone).all()
    assert (other != np.arange(40)).all()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"shuffle_trials": 1.5}, "shuffle_trials: got 1.5; expected a whole number"),
        ({"shuffle_by": "trial"}, "shuffle_by: got 'trial'; expected None"),
        ({"shuffle_trials": 1, "shuffle_by": "trial"}, "shuffle_by: got 'trial', of which 5 has a single trial"),
        ({"shuffle_trials": 1, "shuffle_by": "tone"}, "shuffle_by: got 'tone'; expected a coordinate on trial"),
        ({"shuffle_trials": 1, "blocks": 2}, "shuffle_trials: got 1; expected None, with a link"),
        ({"shuffle_trials": 1, "link": "logit"}, "shuffle_trials: got 1; expected None, with a link"),
    ],
)
def test_what_does_not_go_together(options, told):
    with pytest.raises(InvalidInput, match=told):
        netxr.lagged_moments(activity(), **options)


def test_one_trial_has_no_other():
    for x in (activity(trials=1), activity().isel(trial=0)):
        with pytest.raises(InvalidInput, match=r"shuffle_trials: got activity .* trials: 1; expected two trials"):
            netxr.lagged_moments(x, shuffle_trials=1)


@pytest.mark.parametrize("estimate", [netxr.regression, netxr.granger, netxr.partial_correlation])
def test_they_are_no_moments_for_regressions(estimate):
    moments = netxr.lagged_moments(activity(n_steps=200), shuffle_trials=1)
    with pytest.raises(InvalidInput, match="moments whose sources are of another trial"):
        estimate(moments)


def test_they_hold_no_autocorrelation():
    x = activity(n_steps=200)
    moments = netxr.lagged_moments(x, lags=range(20), shuffle_trials=1)
    for function in (netxr.correlation_test, lambda held: netxr.autocorrelation(held, lags=[0, 1])):
        with pytest.raises(InvalidInput, match="moments whose sources are of another trial"):
            function(moments)
    flat = netxr.autocorrelation(x, lags=range(1, 20))
    found = netxr.correlation_test(moments, autocorrelation=flat)
    right = netxr.correlation_test(netxr.lagged_moments(x, lags=range(20)), autocorrelation=flat)
    np.testing.assert_allclose(found.effective_samples, right.effective_samples)
