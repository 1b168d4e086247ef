"""By hand:
- trials 1, 3 and 8 at one time, the first two of one stimulus and the third of its own with another trial 4: less their
  means, -1, 1, 2 and -2;
- the means of both stimuli, 2 and 6;
- and of all four, 4.
"""

import dask.array as da
import numpy as np
import pytest
import xarray as xr

import netxr
from netxr import minus_trial_mean, trial_mean
from netxr.errors import InvalidInput
from tests.preprocessing.steps import recording
from tests.runs import nothing_computes


@pytest.fixture
def four_trials():
    stimulus = {"stimulus": ("trial", ["left", "right", "left", "right"])}
    return xr.DataArray([[[1, 8, 3, 4]]], {"trial": [2, 4, 6, 8]} | stimulus, ("neuron", "time", "trial"))


def test_mean_by_hand(four_trials):
    assert minus_trial_mean(four_trials, by="stimulus").values.tolist() == [[[-1.0, 2.0, 1.0, -2.0]]]
    assert minus_trial_mean(four_trials).values.tolist() == [[[-3.0, 4.0, -1.0, 0.0]]]
    means = trial_mean(four_trials, by="stimulus")
    assert means.values.tolist() == [[[2.0, 6.0]]]
    assert means.stimulus.values.tolist() == ["left", "right"]
    assert trial_mean(four_trials).values.tolist() == [[[4.0]]]


@pytest.mark.parametrize("by", [None, "stimulus"])
def test_mean_is_that_of_a_plain_loop(by):
    whole = recording(trials=6).assign_coords(stimulus=("trial", list("abcabc")))
    found = minus_trial_mean(whole, by=by)
    for k in range(6):
        alike = [m for m in range(6) if by is None or m % 3 == k % 3]
        expected = whole.values[..., k] - sum(whole.values[..., m] for m in alike) / len(alike)
        np.testing.assert_allclose(found.isel(trial=k), expected, rtol=0, atol=1e-12)
    assert found.preprocessing == "minus_trial_mean of 6 trials" + (" by stimulus" if by else "")
    assert found.coords.keys() == whole.coords.keys()
    chunked = whole.chunk(time=7, trial=4).assign_coords(stimulus=whole.stimulus)
    with nothing_computes():
        lazily = minus_trial_mean(chunked, by=by)
    np.testing.assert_allclose(lazily, found, rtol=0, atol=1e-12)


@pytest.mark.parametrize("by", [None, "stimulus"])
def test_a_mean_and_what_is_left_add_up(by):
    whole = recording(trials=6).assign_coords(stimulus=("trial", list("abcabc")))
    with nothing_computes():
        lazily = trial_mean(whole.chunk(time=7, trial=4).assign_coords(stimulus=whole.stimulus), by=by)
    assert isinstance(lazily.data, da.Array)
    means = lazily.compute()
    assert means.trial.values.tolist() == ([0] if by is None else [0, 1, 2])
    assert means.preprocessing == "trial_mean of 6 trials" + (" by stimulus" if by else "")
    assert set(means.coords) == {"neuron", "trial", "depth"} | ({by} if by else set())
    again = means.isel(trial=[0] * 6 if by is None else [0, 1, 2, 0, 1, 2]).values
    np.testing.assert_allclose(again + minus_trial_mean(whole, by=by).values, whole.values, rtol=0, atol=1e-12)
    run = whole.to_dataset(name="activity").assign(connectivity=(("target", "source"), np.eye(3)))
    xr.testing.assert_identical(trial_mean(run, by=by).activity, trial_mean(whole, by=by))


def orthonormal(n_rows, n_columns):
    """Rows of mean 0 whose products are 0, and 1 with themselves."""
    rows = np.random.default_rng(0).normal(size=(n_rows, n_columns))
    return np.linalg.qr((rows - rows.mean(1, keepdims=True)).T)[0].T


@pytest.mark.parametrize("of_signals", [0, 1])
def test_signal_and_noise_correlations_part(of_signals):
    """Both neurons answer tones alike and have noise of their own, or the reverse; each tone comes twice."""
    signals, noise = orthonormal(2, 150).reshape(2, 50, 3), orthonormal(2, 150).reshape(2, 50, 3)
    shared, own = (signals, noise) if of_signals else (noise, signals)
    shared = shared[[0, 0]]
    signals, noise = (shared, own) if of_signals else (own, shared)
    tone = np.array([0, 1, 2, 2, 0, 1])
    x = signals[..., tone] + noise[..., tone] * np.array([1, 1, 1, -1, -1, -1])
    trials = xr.DataArray(x, {"tone": ("trial", tone)}, ("neuron", "time", "trial"))
    parts = {"signal": trial_mean(trials, by="tone"), "noise": minus_trial_mean(trials, by="tone")}
    found = {
        name: netxr.lagged_correlation(one, lag=0, dim=("time", "trial")).values[0, 1] for name, one in parts.items()
    }
    assert found == pytest.approx({"signal": of_signals, "noise": 1 - of_signals}, abs=1e-12)


def test_noise_correlation_is_that_without_the_stimulus():
    rng = np.random.default_rng(0)
    signal, noise = rng.normal(size=(1, 50, 1)), rng.normal(size=(2, 50, 40))
    x = netxr.as_activity(3 * signal + noise, dims=("neuron", "time", "trial"))
    r = netxr.lagged_correlation(minus_trial_mean(x), lag=0, dim=("time", "trial"))
    rest = noise - noise.mean(-1, keepdims=True)
    expected = np.corrcoef(rest.reshape(2, -1))[0, 1]
    assert r.values[0, 1] == pytest.approx(expected, abs=1e-3)
    assert netxr.lagged_correlation(x, lag=0, dim=("time", "trial")).values[0, 1] > 0.8


@pytest.mark.parametrize(
    ("change", "by", "message"),
    [
        (lambda x: x.isel(trial=0), None, "without trials"),
        (lambda x: x.isel(trial=[0]), None, "a single trial of it, 2"),
        (lambda x: x.isel(trial=[0, 1, 2]), "stimulus", "a single trial with the same stimulus, 4"),
        (lambda x: x, "sound", "there are: trial, stimulus"),
        (lambda x: x, 3, "a coordinate on trial"),
        (lambda x: x.assign_coords(tone=("trial", [1, np.nan, 1, np.nan])), "tone", "which 2 of 4 trials lack"),
    ],
)
def test_means_that_cannot_be(four_trials, change, by, message):
    with pytest.raises(InvalidInput, match=message):
        minus_trial_mean(change(four_trials), by=by)
