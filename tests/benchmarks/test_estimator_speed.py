"""Estimates from moments: against a loop over targets, against one inverse, and the memory on top of the moments."""

import tracemalloc

import numpy as np
import pytest
from sklearn.linear_model import Lasso, Ridge

import netxr
from tests.benchmarks.timing import FULL, best_of, show

pytestmark = pytest.mark.benchmark

N, N_STEPS = (200, 20_000) if FULL else (40, 4_000)
ALPHA = 0.003
LARGE = 1_000


@pytest.fixture(scope="module")
def large():
    """Moments of many neurons."""
    samples = np.random.default_rng(0).normal(size=(LARGE, LARGE + LARGE // 2))
    return netxr.lagged_moments(netxr.as_activity(samples, dims=("neuron", "time")), lags=[0, 1])


def test_penalised_regressions_against_a_loop_over_targets():
    matrix = netxr.random_connectivity(N, seed=0)
    recording = netxr.z_score(netxr.simulate(matrix, n_steps=N_STEPS, seed=0).activity.isel(trial=0))
    x = np.ascontiguousarray(recording.values.T)
    design, targets = x[:-1], x[1:]
    moments = netxr.lagged_moments(recording, lags=[0, 1])
    found = {}

    def keeping(name, task):
        return lambda: found.update({name: np.asarray(task())})

    def by_netxr(data, penalty):
        return lambda: netxr.regression(data, penalty=penalty, alpha=ALPHA).coefficient

    tasks = {
        "lasso": by_netxr(recording, "lasso"),
        "ridge": by_netxr(recording, "ridge"),
        "ridge from moments": by_netxr(moments, "ridge"),
        "lasso, loop": lambda: [Lasso(ALPHA).fit(design, y).coef_ for y in targets.T],
        "ridge, loop": lambda: [Ridge(ALPHA).fit(design, y).coef_ for y in targets.T],
        "ridge, all targets": lambda: Ridge(ALPHA).fit(design, targets).coef_,
    }
    costs = best_of(1, {name: keeping(name, task) for name, task in tasks.items()})
    floors = {
        ("lasso, loop", "lasso"): 30,
        ("ridge, loop", "ridge"): 30,
        ("ridge, all targets", "ridge from moments"): 1,
    }
    ratios = {f"{above} / {below}": (above, below, f">= {floor}") for (above, below), floor in floors.items()}
    show(f"penalised regressions, {N} neurons x {N_STEPS} samples", costs, ratios=ratios)
    np.testing.assert_allclose(found["ridge"], found["ridge, loop"], atol=1e-7)
    converged = Lasso(ALPHA, tol=1e-14, max_iter=10**5).fit(design, targets[:, 0]).coef_
    np.testing.assert_allclose(found["lasso"][0], converged, atol=1e-7)
    for (above, below), floor in floors.items():
        assert not FULL or costs[above].cpu >= floor * costs[below].cpu


def test_regression_and_granger_take_less_than_ten_inverses(large):
    covariance = large.comoment.sel(lag=0).values
    tasks = {
        "inverse": lambda: np.linalg.inv(covariance),
        "regression": lambda: netxr.regression(large),
        "granger": lambda: netxr.granger(large),
    }
    costs = best_of(5 if FULL else 2, tasks)
    costs["both"] = costs["regression"] + costs["granger"]
    ratios = {"both / inverse": ("both", "inverse", "<= 10")}
    show(f"tests with p-values, {LARGE} neurons", costs, ratios=ratios)
    assert not FULL or costs["both"].cpu <= 10 * costs["inverse"].cpu


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_pass_with_linked_targets_against_the_plain_one(dtype):
    n, n_steps = (600, 20_000) if FULL else (60, 3_000)
    samples = np.random.default_rng(0).uniform(0.01, 0.99, (n, n_steps)).astype(dtype)
    recording = netxr.as_activity(samples, dims=("neuron", "time"))
    tasks = {
        "plain": lambda: netxr.lagged_moments(recording, lags=[0, 1]),
        "linked": lambda: netxr.lagged_moments(recording, lags=[0, 1], link="logit"),
    }
    costs = best_of(5 if FULL else 1, tasks)
    show(
        f"a pass, {n} neurons x {n_steps} samples, {dtype}",
        costs,
        ratios={"linked / plain": ("linked", "plain", "<= 2.2")},
    )
    assert not FULL or costs["linked"].cpu <= 2.2 * costs["plain"].cpu


@pytest.mark.parametrize(
    "estimate",
    [
        netxr.regression,
        lambda moments: netxr.regression(moments, intercept=False),
        netxr.granger,
        lambda moments: netxr.partial_correlation(moments, lag=1),
    ],
    ids=["regression", "no intercept", "granger", "partial correlation"],
)
def test_the_peak_beyond_moments_is_eight_matrices(large, estimate):
    tracemalloc.start()
    try:
        estimate(large)
        peak = tracemalloc.get_traced_memory()[1] / (8 * LARGE**2)
    finally:
        tracemalloc.stop()
    print(f"\npeak on top of the moments: {peak:.2f} matrices (wanted <= 8)")
    assert peak <= 8.1  # vectors come on top
