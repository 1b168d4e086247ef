"""By hand:
- spikes of the first neuron at 0, 4 and 8, of the second at 1, 5 and 9, in 12 bins: three pairs at lag 1, which offers
  11 pairs of bins in the place of 12, so 36 / 11;
- those of the first with itself at lag 4: two of 8 pairs of bins, so 3; at lag 0, three;
- as a rate in bins of 0.5, three spikes of the first: 36 / 11 / 3 / 0.5 a unit of time.
"""

import dask.array as da
import numpy as np
import pytest
import xarray as xr

import netxr
from netxr import cross_correlogram
from netxr.errors import InvalidInput
from netxr.kernels.correlogram import HOLLOW, REACH, WIDTH
from tests.marks import slow
from tests.oracles import naive_correlation
from tests.runs import activity, nothing_computes


def by_hand(interval=1.0):
    times = np.array([[0, 4, 8], [1, 5, 9]]) * interval
    return netxr.spike_counts(times, sampling_interval=interval, span=(0, 12 * interval))


def spikes(n=4, n_steps=3000, trials=2, seed=0):
    counts = np.random.default_rng(seed).poisson(0.2, (n, n_steps, trials))
    counts[1, 2:] += counts[0, :-2] * (np.random.default_rng(1).random((n_steps - 2, trials)) < 0.3)
    return xr.DataArray(counts, {"neuron": list("abcdefgh")[:n]}, ("neuron", "time", "trial"))


def test_by_hand():
    found = cross_correlogram(by_hand(), lags=[-1, 0, 1, 4])
    assert found.sel(lag=1, target=1, source=0).values == pytest.approx(36 / 11)
    assert found.sel(lag=-1, target=0, source=1).values == pytest.approx(36 / 11)
    assert found.sel(lag=[0, 4], target=0, source=0).values == pytest.approx([3, 3])
    assert found.sel(lag=-1, target=1, source=0).values == pytest.approx(0, abs=1e-12)
    rate = cross_correlogram(by_hand(0.5), lags=[1], unit="rate")
    assert rate.sel(lag=1, target=1, source=0).values == pytest.approx(36 / 11 / 3 / 0.5)
    assert (rate.units, found.units) == ("1/s", "pairs of spikes")
    assert found.made_by == "netxr.cross_correlogram(lags=[-1, 0, 1, 4], unit='count')"
    assert "estimator" not in found.attrs


@pytest.mark.parametrize("pooled", [True, *slow(False)])
def test_pairs_are_those_of_a_plain_count(pooled):
    x = spikes()
    lags = [-7, 0, 3, 20]
    found = cross_correlogram(x, lags=lags, dim=("time", "trial") if pooled else "time")
    rates = cross_correlogram(x, lags=lags, dim=("time", "trial") if pooled else "time", unit="rate")
    pairs = np.empty((4, 2, 4, 4))
    for k, trial, i, j in np.ndindex(pairs.shape):
        target, source = x.values[i, :, trial], x.values[j, :, trial]
        counted = np.correlate(target, source, "full")[2999 + lags[k]]
        pairs[k, trial, i, j] = counted * 3000 / (3000 - abs(lags[k]))
    totals = x.values.sum(1).T[None, :, None, :]
    expected = (pairs.sum(1), (pairs.sum(1) / totals.sum(1))) if pooled else (pairs, pairs / totals)
    np.testing.assert_allclose(found, expected[0], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(rates, expected[1], rtol=1e-9, atol=1e-9)
    assert rates.dims == found.dims


def test_a_flat_correlogram_is_flat_up_to_its_borders():
    x = netxr.as_activity(np.ones((2, 100)), dims=("neuron", "time"))
    found = cross_correlogram(x, lags=range(-90, 91))
    np.testing.assert_allclose(found, 100)


def test_from_moments_and_lazily():
    x = spikes()
    whole = cross_correlogram(x, lags=[-2, 2], unit="rate")
    moments = netxr.lagged_moments(x, lags=[0, 2])
    xr.testing.assert_allclose(cross_correlogram(moments, lags=[-2, 2], unit="rate"), whole, rtol=1e-12)
    with nothing_computes():
        lazily = cross_correlogram(x.chunk(time=500), lags=[-2, 2], unit="rate")
    assert isinstance(lazily.data, da.Array)
    xr.testing.assert_allclose(lazily.compute(), whole, rtol=1e-12)
    silent = xr.concat([x, 0 * x[:1].assign_coords(neuron=["z"])], "neuron")
    rate = cross_correlogram(silent, lags=[1], unit="rate")
    assert rate.sel(source="z").isnull().all()
    assert (rate.sel(target="z", source="a") == 0).all()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"lags": [1], "unit": "hertz"}, "unit: got 'hertz'"),
        ({"lags": []}, "lags: got"),
        ({"lags": [1, 1]}, "lags: got"),
        ({"lags": [5000]}, "lags: got"),
        ({"data": netxr.lagged_moments(spikes(), lags=[1]), "lags": [1]}, "moments at lags"),
    ],
)
def test_bad_input(given, told):
    with pytest.raises(InvalidInput, match=told):
        cross_correlogram(given.pop("data", spikes()), **given)


# --- what stands out at a lag ------------------------------------------------------------------


@pytest.mark.parametrize("lag", [1, 3, -2, 40])
def test_the_excess_is_that_over_a_hollow_gaussian(lag):
    x = activity(n=3, n_steps=150, trials=1).isel(trial=0)
    found = netxr.estimate(x, method="correlogram_excess", lag=lag)
    weights = {k: np.exp(-(k**2) / (2 * WIDTH**2)) * (1 if k else 1 - HOLLOW) for k in range(-REACH, REACH + 1)}

    def at_lag(at):
        return naive_correlation([x.values], at) if at >= 0 else naive_correlation([x.values], -at).T

    smooth = sum(weight * at_lag(lag + k) for k, weight in weights.items()) / sum(weights.values())
    np.testing.assert_allclose(found.correlogram_excess, at_lag(lag) - smooth, rtol=0, atol=1e-12)
    assert found.correlogram_excess.attrs["estimator"] == "correlogram_excess"
    assert np.isnan(np.diagonal(found.p_value)).all()


def drifting(n, n_steps, *, seed):
    """Spikes of neurons that share a slow drift of their rate, and nothing else."""
    rng = np.random.default_rng(seed)
    drift = np.sin(np.arange(n_steps) / 150) + np.sin(np.arange(n_steps) / 87)
    return (rng.random((n, n_steps)) < 0.05 * np.exp(0.7 * drift)).astype(float)


def test_a_slow_drift_that_all_share_is_no_edge():
    x = netxr.as_activity(drifting(40, 8000, seed=1), dims=("neuron", "time"))
    p_value = netxr.estimate(x, method="correlogram_excess", lag=2).p_value.values
    share = (p_value[~np.eye(40, dtype=bool)] < 0.05).mean()
    assert share == pytest.approx(0.05, abs=0.015)
    R = netxr.lagged_correlation(x, lag=2).values[~np.eye(40, dtype=bool)]
    assert R.mean() * np.sqrt(8000) > 1.96  # which a correlation takes for an edge


@pytest.mark.parametrize(("rate", "again"), [(0.004, 0.0), (0.05, 0.0), (0.05, 0.5), (0.02, 0.9), (0.3, -0.9)])
def test_p_values_hold_where_neurons_remember(rate, again):
    """A spike is followed by another one at the next step, or keeps the neuron from having one."""
    rng = np.random.default_rng(2)
    counts = np.zeros((50, 8000))
    for t in range(1, 8000):
        chance = np.where(counts[:, t - 1] > 0, again if again > 0 else rate * (1 + again), rate)
        counts[:, t] = rng.random(50) < chance
    found = netxr.estimate(netxr.as_activity(counts, dims=("neuron", "time")), method="correlogram_excess", lag=1)
    p_value = found.p_value.values[~np.eye(50, dtype=bool)]
    assert (p_value < 0.05).mean() == pytest.approx(0.05, abs=0.015)


def test_what_is_no_count_has_no_p_value():
    found = netxr.estimate(activity(n_steps=200), method="correlogram_excess", lag=1)
    assert found.p_value.isnull().all()
    assert found.correlogram_excess.notnull().all()


def test_an_edge_under_a_drift_is_found_at_its_lag():
    counts = drifting(10, 8000, seed=3)
    rng = np.random.default_rng(4)
    counts[7, 3:] = np.maximum(counts[7, 3:], counts[2, :-3] * (rng.random(7997) < 0.3))
    x = netxr.as_activity(counts, dims=("neuron", "time"))
    found = netxr.estimate(x, method="correlogram_excess", lag=3)
    edges = netxr.edges(found, q=0.001)
    assert (edges.target.values.tolist(), edges.source.values.tolist()) == ([7], [2])
    over_lags = netxr.estimate(x, method="correlogram_excess", lags=range(1, 8)).correlogram_excess
    assert netxr.peak_lag(over_lags).peak_lag.values[7, 2] == 3


def test_trials_chunks_and_scores():
    x = spikes(trials=3)
    whole = netxr.estimate(x, method="correlogram_excess", lag=2)
    assert whole.correlogram_excess.dims == ("trial", "target", "source")
    with nothing_computes():
        lazily = netxr.estimate(x.chunk(time=700), method="correlogram_excess", lag=2)
    xr.testing.assert_allclose(lazily.compute(), whole, rtol=1e-9)
    both = netxr.estimate(x, method=["lagged_correlation", "correlogram_excess"], lag=2)
    np.testing.assert_allclose(both.sel(estimator="correlogram_excess"), whole.correlogram_excess, atol=1e-12)
    assert netxr.methods().directed.sel(estimator="correlogram_excess")
    with pytest.raises(InvalidInput, match="trials of 30 samples; expected 33 or more"):
        netxr.estimate(x.isel(time=slice(30)), method="correlogram_excess")


def test_a_trial_too_short_for_the_lags_around_one_is_said_to_be():
    """Around lag 1, lags up to 31 are read, and two pairs of samples at each."""
    short = spikes(n_steps=32)
    wanted = "data: got trials of 32 samples; expected 33 or more, for lags up to 31, which correlogram_excess"
    for method in ("correlogram_excess", ["lagged_correlation", "correlogram_excess"]):
        with pytest.raises(InvalidInput, match=wanted):
            netxr.estimate(short, method=method, lag=1)
    with pytest.raises(InvalidInput, match=wanted):
        netxr.reliability(short, method="correlogram_excess")
    netxr.estimate(spikes(n_steps=33), method="correlogram_excess", lag=1)
