"""How many samples it takes to find a network that is known."""

import numpy as np
import pytest

import netxr
from netxr.errors import InvalidInput
from tests.runs import labelled


@pytest.mark.parametrize(("n", "expected"), [(6, 2_100), (25, 14_000), (50, 41_000), (100, 143_000), (256, 880_000)])
def test_reference(n, expected):
    A = netxr.random_connectivity(n, seed=42, rng="legacy")
    assert netxr.samples_needed(A, score=0.9, diagonal=True) == pytest.approx(expected, rel=0.03)


def test_law_by_hand():
    """Weak coupling: gains are .2066, so one edge of w in four off the diagonal takes s^2 / T = (1 / .2066)^2 / T."""
    w = 1e-4
    A = np.zeros((4, 4))
    A[[0, 1, 2], [1, 2, 3]] = w
    p = 3 / 12
    expected = 0.8**2 / (1 - 0.8**2) / (p * (1 - p) * (w * 0.20662) ** 2)
    assert netxr.samples_needed(labelled(A), score=0.8) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize(("n", "within"), [(25, 0.03), pytest.param(100, 0.01, marks=pytest.mark.slow)])
def test_so_many_samples_have_the_score(n, within):
    scores = []
    for seed in range(3):
        A = netxr.random_connectivity(n, seed=seed)
        run = netxr.simulate(A, n_steps=netxr.samples_needed(A) + 100, seed=seed)
        fit = netxr.regression(run.activity.isel(trial=0, time=slice(100, None))).coefficient
        scores.append(netxr.compare(A, fit, diagonal=False, permutations=0).pearson.item())
    assert np.mean(scores) == pytest.approx(0.9, abs=within)


def test_labels_and_order_of_dims_do_not_matter():
    A = netxr.random_connectivity(10, seed=1)
    assert netxr.samples_needed(A.T) == netxr.samples_needed(A)


@pytest.mark.parametrize(
    ("A", "options", "match"),
    [
        (np.zeros((3, 3)), {}, "connectivity: got the same weight for all pairs"),
        (np.eye(3), {}, "connectivity: got the same weight for all pairs"),
        (np.ones((1, 1)), {}, "the same weight for all pairs"),
        (np.full((3, 3), np.nan), {}, "weights that are NaN"),
        (np.tri(3), {"score": 1.0}, "score: got 1.0; expected a correlation between 0 and 1"),
        (np.tri(3), {"diagonal": "no"}, "diagonal: got 'no'"),
        (-60 * np.tri(3), {}, "activity does not settle"),
    ],
)
def test_what_has_no_answer(A, options, match):
    with pytest.raises(InvalidInput, match=match):
        netxr.samples_needed(labelled(A), **options)


def test_neurons_that_stay_at_0_or_1_have_no_answer():
    A = netxr.random_connectivity(60, sparsity=0.9, weights="normal", spectral_radius=24, seed=1)
    with pytest.raises(InvalidInput, match="neurons stay at 0 or 1; expected weaker ones"):
        netxr.samples_needed(A)


def test_one_network_at_a_time():
    A = netxr.random_connectivity(5, seed=1).expand_dims(trial=2)
    with pytest.raises(InvalidInput, match=r"\.isel\(trial=0\)"):
        netxr.samples_needed(A)
