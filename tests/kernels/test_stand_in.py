"""The network that stands for one that was recorded, and what its endless activity comes to."""

import numpy as np
import pytest
import scipy.linalg

from netxr.kernels.normal_equations import NormalEquations
from netxr.kernels.stand_in import noise_covariance, stand_in, stationary_covariance


def couplings(n, radius, *, seed=0, share=0.3):
    """Sparse couplings of both signs, and a covariance of noise."""
    rng = np.random.default_rng(seed)
    B = (rng.random((n, n)) < share) * rng.normal(size=(n, n)) + np.diag(np.full(n, 0.1))
    mixed = rng.normal(size=(n, 2 * n))
    return B * radius / np.abs(np.linalg.eigvals(B)).max(), mixed @ mixed.T / (2 * n)


def equations_of(B, S, n_samples, *, seed=None):
    """The normal equations of endless activity, or of as many samples that were drawn."""
    if seed is None:
        C = scipy.linalg.solve_discrete_lyapunov(B, S)
        gram, cross = C * n_samples, B @ C * n_samples
        square = np.diagonal(gram).copy()
    else:
        x = np.random.default_rng(seed).multivariate_normal(np.zeros(len(B)), S, size=n_samples + 1)
        for t in range(1, len(x)):
            x[t] += B @ x[t - 1]
        gram, cross, square = x[:-1].T @ x[:-1], x[1:].T @ x[:-1], np.square(x[1:]).sum(0)
    return NormalEquations(gram, cross, square, np.zeros(len(B)), np.zeros(len(B)), n_samples)


# --- endless activity ------------------------------------------------------------------------


def test_two_neurons_by_hand():
    """x' = e of variance 1, y' = x / 2 + e: C_xx = 1, C_yy = 5 / 4, and they are not correlated at the same time."""
    found = stationary_covariance(np.array([[0, 0], [0.5, 0]]), np.eye(2))
    np.testing.assert_allclose(found, [[1, 0], [0, 1.25]])


@pytest.mark.parametrize(("n", "radius"), [(1, 0.5), (2, 0.9), (30, 0.3), (30, 0.97), (60, 0.999)])
def test_covariance_against_scipy(n, radius):
    B, S = couplings(n, radius)
    expected = scipy.linalg.solve_discrete_lyapunov(B, S)
    found = stationary_covariance(B, S)
    np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-8 * np.abs(expected).max())
    np.testing.assert_array_equal(found, found.T)


@pytest.mark.parametrize("radius", [1.0, 1.01, 3.0])
def test_activity_that_grows_without_end_has_no_covariance(radius):
    assert stationary_covariance(*couplings(20, radius)) is None


# --- noise -----------------------------------------------------------------------------------


def test_chance_correlations_of_noise_are_shrunk_and_shared_noise_is_not():
    rng = np.random.default_rng(0)
    e = rng.normal(size=(400, 40))
    chance, shared = np.cov(e.T), np.cov((e + rng.normal(size=(400, 1))).T)
    off = ~np.eye(40, dtype=bool)
    found = noise_covariance(chance, np.diagonal(chance), df=399)
    assert np.square(found[off]).sum() < 0.02 * np.square(chance[off]).sum()
    np.testing.assert_allclose(noise_covariance(shared, np.diagonal(shared), df=399), shared, atol=0.02)


# --- freed of noise --------------------------------------------------------------------------


def test_endless_samples_give_back_the_network():
    B, S = couplings(30, 0.8, seed=1)
    found = stand_in(equations_of(B, S, 10**10))
    np.testing.assert_allclose(found.coupling * np.outer(found.scale, 1 / found.scale), B, atol=1e-4)
    C = scipy.linalg.solve_discrete_lyapunov(B, S)
    np.testing.assert_allclose(found.covariance * np.outer(found.scale, found.scale) / 10**10, C, rtol=1e-3, atol=1e-3)
    in_noise = B / np.sqrt(np.diagonal(S))[:, None]
    np.testing.assert_allclose(found.weight * 10**5, in_noise, atol=1e-3 * np.abs(in_noise).max())
    assert found.radius == 0


def test_couplings_of_few_samples_are_nearer_to_the_truth_than_those_that_are_fitted():
    B, _ = couplings(40, 0.8, seed=2, share=0.05)
    equations = equations_of(B, np.eye(40), 800, seed=3)
    fitted = np.linalg.solve(equations.gram, equations.cross.T).T
    found = stand_in(equations)
    own = found.coupling * np.outer(found.scale, 1 / found.scale)
    off = ~np.eye(40, dtype=bool)
    assert np.square(own - B)[off].mean() < 0.4 * np.square(fitted - B)[off].mean()


def test_few_pairs_all_have_an_edge():
    equations = equations_of(*couplings(22, 0.5), 500, seed=1)
    few = stand_in(equations)
    assert few.mixture.share[0] == 0
    assert (few.coupling != 0).all()
    many = stand_in(equations_of(*couplings(23, 0.5), 500, seed=1))
    assert many.mixture.share[0] > 0
    assert (many.coupling == 0).any()


def test_a_neuron_that_does_not_vary_is_undefined():
    equations = equations_of(*couplings(25, 0.5), 500, seed=1)
    for one in (equations.gram, equations.cross, equations.square, equations.gram.T, equations.cross.T):
        one[3] = 0
    found = stand_in(equations)
    for matrix in (found.coupling, found.covariance, found.weight):
        assert np.isnan(matrix[3]).all()
        assert np.isnan(matrix[:, 3]).all()
        assert np.isfinite(np.delete(np.delete(matrix, 3, 0), 3, 1)).all()


def test_a_fit_that_grows_without_end_is_shrunk():
    """From samples of which each is larger than the one before."""
    B, _ = couplings(25, 1.1)
    grown = np.diagonal(B @ B.T) + 1
    found = stand_in(NormalEquations(np.eye(25) * 1e8, B * 1e8, grown * 1e8, np.zeros(25), np.zeros(25), 10**8))
    assert found.radius == pytest.approx(1.1, abs=1e-3)
    assert np.abs(np.linalg.eigvals(found.coupling)).max() == pytest.approx(0.99)
    left = found.covariance - found.coupling @ found.covariance @ found.coupling.T
    np.testing.assert_allclose(np.diagonal(left), 1, atol=1e-3)
