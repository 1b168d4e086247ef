"""How alike estimates from two halves of the samples are."""

import numpy as np
import pytest
import xarray as xr

import netxr
from netxr.errors import InvalidInput
from tests.runs import nothing_computes


def run_of(n=12, n_steps=2000, **options):
    return netxr.simulate(netxr.random_connectivity(n, seed=1), n_steps=n_steps, seed=1, **options)


def off_diagonal(matrix):
    return matrix[~np.eye(len(matrix), dtype=bool)]


def test_two_trials_by_hand():
    trials = run_of(trials=2).activity
    moments = netxr.lagged_moments(trials)
    halves = [netxr.lagged_correlation(trials.isel(trial=k)).values for k in range(2)]
    r = np.corrcoef(*map(off_diagonal, halves))[0, 1]
    found = netxr.reliability(moments)
    assert found.halves.item() == pytest.approx(r, rel=1e-9)
    assert found.reliability.item() == pytest.approx(2 * r / (1 + r), rel=1e-9)
    others = [1, 2, *range(3, 12)]
    of_first = np.corrcoef(*(np.r_[half[0, others], half[others, 0]] for half in halves))[0, 1]
    assert found.reliability_of_neuron.values[0] == pytest.approx(2 * of_first / (1 + of_first), rel=1e-9)


def test_odd_and_even_blocks():
    x = run_of().activity.isel(trial=0)
    starts = np.linspace(0, 2000, 21).astype(int)
    halves = []
    for parity in (0, 1):
        pairs = [k for k in range(1, 2000) if (np.searchsorted(starts, k, "right") - 1) % 2 == parity]
        both = np.corrcoef(x.values[:, pairs], x.values[:, np.array(pairs) - 1])
        halves.append(off_diagonal(both[:12, 12:]))
    found = netxr.reliability(x)
    assert found.halves.item() == pytest.approx(np.corrcoef(*halves)[0, 1], rel=1e-8)
    assert found.reliability.attrs["made_by"] == "netxr.reliability(method='lagged_correlation', lag=1)"


@pytest.mark.parametrize(("method", "lags"), [("regression", [0, 1]), ("partial_correlation", [0])])
def test_of_any_estimator_and_lazily(method, lags):
    x = run_of().activity.isel(trial=0)
    with nothing_computes():
        found = netxr.reliability(netxr.lagged_moments(x.chunk(time=900), lags=lags, blocks=4), method=method)
    assert found.reliability.chunks is not None
    expected = netxr.reliability(netxr.lagged_moments(x, lags=lags, blocks=4), method=method)
    xr.testing.assert_allclose(found.compute(), expected)


def test_it_grows_with_the_samples_and_bounds_the_score():
    A = netxr.random_connectivity(25, sparsity=0.9, seed=1)
    seen = []
    for n_steps in (1000, 10_000):
        run = netxr.simulate(A, n_steps=n_steps, seed=1).isel(trial=0)
        score = netxr.compare(A, netxr.lagged_correlation(run), diagonal=False, permutations=0).pearson.item()
        seen.append((netxr.reliability(run).reliability.item() ** 0.5, score))
    assert seen[0][0] < seen[1][0]
    for bound, score in seen:
        assert score == pytest.approx(bound, abs=0.1)  # correlation is hardly biased in this model


def test_constant_estimates_have_none():
    x = netxr.as_activity(np.zeros((3, 100)), dims=("neuron", "time"))
    assert np.isnan(netxr.reliability(x).reliability)


def test_one_trial_without_blocks():
    with pytest.raises(InvalidInput, match=r"data: got moments without blocks, of trials: 1; .*blocks=20"):
        netxr.reliability(netxr.lagged_moments(run_of()))


def test_activity_goes_before_moments_without_blocks():
    run = run_of(n=5, n_steps=400, trials=2)
    both = run.merge(netxr.lagged_moments(run.activity))
    xr.testing.assert_identical(netxr.reliability(both), netxr.reliability(run))


def test_halves_are_of_as_many_trials():
    trials = run_of(n=5, n_steps=200, trials=3).activity
    two, three = (netxr.lagged_moments(trials.isel(trial=slice(k))) for k in (2, 3))
    assert netxr.reliability(three).halves == netxr.reliability(two).halves
