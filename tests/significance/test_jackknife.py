"""Standard errors by leaving out one part at a time."""

from itertools import pairwise

import numpy as np
import pytest
import xarray as xr
from scipy import stats

import netxr
from netxr.errors import InvalidInput
from tests.runs import nothing_computes


def white(n_steps, n=3, seed=0):
    return netxr.as_activity(np.random.default_rng(seed).normal(size=(n, n_steps)), dims=("neuron", "time"))


def mean_of_first(moments):
    return moments.mean_target.sel(lag=0).isel(target=0)


# --- by hand -----------------------------------------------------------------------------------


def test_of_a_mean_it_is_the_textbook_error():
    x = white(40)
    found = netxr.jackknife(netxr.lagged_moments(x, lags=[0], blocks=4), mean_of_first)
    means = x[0].values.reshape(4, 10).mean(1)
    error = means.std(ddof=1) / 2
    assert found.mean_target_standard_error.item() == pytest.approx(error, rel=1e-12)
    expected = stats.t.interval(0.95, 3, loc=means.mean(), scale=error)
    np.testing.assert_allclose([found.mean_target_lower, found.mean_target_upper], expected, rtol=1e-12)


def test_of_three_blocks_that_are_alike_it_is_zero():
    x = netxr.as_activity(np.tile([[0.0, 1, 2, 5], [3, 1, 4, 1]], 3), dims=("neuron", "time"))
    found = netxr.jackknife(netxr.lagged_moments(x, lags=[0], blocks=3), lambda m: netxr.lagged_correlation(m, lag=0))
    assert found.lagged_correlation_standard_error.max() < 1e-12


# --- against a plain loop ----------------------------------------------------------------------


def by_loop(x, starts, function):
    """Moments of all samples whose targets are in no block but one, one block after the other."""
    found = []
    for k in range(len(starts) - 1):
        parts = []
        for start, stop in pairwise(starts):
            if start != starts[k]:
                parts.append((x[:, max(start, 1) : stop], x[:, max(start, 1) - 1 : stop - 1]))
        target, source = (np.concatenate(side, 1) for side in zip(*parts, strict=True))
        found.append(function(target, source))
    found = np.array(found)
    k = len(found)
    return np.sqrt((k - 1) / k * ((found - found.mean(0)) ** 2).sum(0))


def correlate(target, source):
    n = len(target)
    return np.corrcoef(target, source)[:n, n:]


def least_squares(target, source):
    design = np.vstack([source, np.ones(source.shape[1])])
    return np.linalg.lstsq(design.T, target.T, rcond=None)[0][:-1].T


@pytest.mark.parametrize(
    ("ours", "plain"),
    [
        (lambda m: netxr.lagged_correlation(m, lag=1), correlate),
        (lambda m: netxr.regression(m).coefficient, least_squares),
    ],
)
def test_as_a_loop_over_blocks(ours, plain):
    x = white(130, n=4)
    found = netxr.jackknife(netxr.lagged_moments(x.chunk(time=50), lags=[0, 1], blocks=4), ours)
    expected = by_loop(x.values, np.linspace(0, 130, 5).astype(int), plain)
    name = next(iter(found))
    np.testing.assert_allclose(found[f"{name}_standard_error"], expected, rtol=1e-9)


def test_trials_are_left_out_where_there_are_no_blocks():
    trials = xr.concat([white(50, seed=k) for k in range(5)], "trial")
    found = netxr.jackknife(netxr.lagged_moments(trials, lags=[0]), mean_of_first)
    means = trials[:, 0].mean("time")
    assert found.mean_target_standard_error.item() == pytest.approx(means.std(ddof=1).item() / 5**0.5, rel=1e-12)


def test_scores_follow_their_names_and_lazy_moments_stay_lazy():
    run = netxr.simulate(netxr.random_connectivity(6, seed=1), n_steps=600, seed=1).isel(trial=0)

    def agreement(moments):
        scores = netxr.compare(run.connectivity, netxr.lagged_correlation(moments), diagonal=True, permutations=0)
        return scores[["pearson", "roc_auc"]]

    moments = netxr.lagged_moments(run.activity.chunk(time=100), blocks=5)
    with nothing_computes():
        lazy = netxr.jackknife(moments, agreement)
    found = lazy.compute()
    assert {"pearson", "pearson_standard_error", "pearson_lower", "roc_auc_upper"} <= set(found.data_vars)
    assert (found.pearson_lower < found.pearson) & (found.pearson < found.pearson_upper)
    assert found.pearson.item() == pytest.approx(agreement(netxr.lagged_moments(run.activity)).pearson.item())


# --- what it is worth --------------------------------------------------------------------------


@pytest.mark.slow
def test_errors_of_scores_and_coverage_of_entries():
    A = netxr.random_connectivity(50, sparsity=0.9, seed=42, rng="legacy")
    runs = [netxr.simulate(A, n_steps=5000, seed=seed).isel(trial=0) for seed in range(60)]

    def score(moments):
        R = netxr.lagged_correlation(moments)
        return netxr.compare(A, R, diagonal=True, permutations=0).pearson

    whole = [netxr.lagged_moments(run, lags=[1]) for run in runs]
    errors, intervals = [], []
    for run in runs[:12]:
        moments = netxr.lagged_moments(run, lags=[1], blocks=20)
        of_score, of_entries = netxr.jackknife(moments, score), netxr.jackknife(moments, netxr.lagged_correlation)
        errors.append(of_score.pearson_standard_error.item())
        intervals.append((of_entries.lagged_correlation_lower.values, of_entries.lagged_correlation_upper.values))
    assert np.mean(errors) == pytest.approx(np.std([score(one) for one in whole], ddof=1), rel=0.25)
    assert np.mean(errors) == pytest.approx(0.013, abs=0.002)
    truth = np.mean([netxr.lagged_correlation(one) for one in whole], axis=0)
    covered = np.mean([(lower <= truth) & (truth <= upper) for lower, upper in intervals])
    assert 0.93 <= covered <= 0.97


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (lambda: netxr.lagged_moments(white(50), blocks=2), "data: got moments in 2 blocks; expected 3 or more"),
        (lambda: netxr.lagged_moments(white(50)), "data: got moments without blocks, of trials: 1; .*blocks=20"),
        (lambda: white(50), "data: got a DataArray without moments"),
    ],
)
def test_too_few_parts(data, told):
    with pytest.raises(InvalidInput, match=told):
        netxr.jackknife(data(), mean_of_first)


def test_what_is_computed_is_a_function():
    with pytest.raises(InvalidInput, match="function: got 'pearson'"):
        netxr.jackknife(netxr.lagged_moments(white(50), blocks=3), "pearson")


def test_what_inputs_explain_can_be_taken_out():
    x, rng = white(120, n=3), np.random.default_rng(1)
    z = xr.DataArray(rng.normal(size=(1, 120)), {"input": ["light"]}, ("input", "time"))
    moments = netxr.lagged_moments(x, lags=[0, 1], inputs=z, blocks=4)

    def held_fixed(moments):
        return netxr.regression(moments, given="light").coefficient

    found = netxr.jackknife(moments, held_fixed)
    xr.testing.assert_allclose(found.coefficient, held_fixed(netxr.lagged_moments(x, lags=[0, 1], inputs=z)))
    assert (found.coefficient_standard_error > 0).all()


def test_moments_beside_activity_of_several_trials():
    run = netxr.simulate(netxr.random_connectivity(4, seed=1), n_steps=80, seed=1, trials=3)
    both = run.merge(netxr.lagged_moments(run.activity))
    alone = netxr.jackknife(netxr.lagged_moments(run.activity), netxr.lagged_correlation)
    xr.testing.assert_allclose(netxr.jackknife(both, netxr.lagged_correlation), alone)


def test_what_a_function_returns_is_said():
    with pytest.raises(InvalidInput, match=r"function: got one that returns None"):
        netxr.jackknife(netxr.lagged_moments(white(50), blocks=3), lambda _moments: None)
