"""What a regression tells of couplings, and what is to be believed of them."""

import numpy as np
import pytest
import scipy.integrate
import scipy.stats

from netxr.kernels.couplings import Belief, Couplings, believed, couplings, expected_correlation, likeliest, mixture_of
from netxr.kernels.edge_mixture import Mixture, edge_mixture, posterior
from netxr.kernels.least_squares import least_squares
from netxr.kernels.normal_equations import NormalEquations

MIXTURE = Mixture(np.array([0.7, 0.3, 0.0]), np.array([0.0, 2.0, -2.0]), np.array([0.0, 2.0, 0.0]))
"""Of theta, 0 with .7 or N(2, 2) with .3."""


@pytest.mark.parametrize("error", [1.0, 0.4, 3.0])
def test_posterior_against_an_integral(error):
    prior, noise = scipy.stats.norm(2, 2**0.5), scipy.stats.norm(0, error)
    for x in (-1.0, 0.5, 3.0):
        moments = [
            scipy.integrate.quad(
                lambda theta, k=k, x=x: theta**k * prior.pdf(theta) * noise.pdf(x - theta), -12, 14, points=[x]
            )[0]
            for k in range(3)
        ]
        total = 0.3 * moments[0] + 0.7 * noise.pdf(x)
        mean, square = posterior(np.array([x]), MIXTURE, np.array([error]))
        assert mean[0] == pytest.approx(0.3 * moments[1] / total, rel=1e-6)
        assert square[0] == pytest.approx(0.3 * moments[2] / total, rel=1e-6)


def drawn(n_pairs, *, seed=0):
    """Effects that are 0, or N(3, 1) with one in ten, their errors from .1 to 10, and what is found of them."""
    rng = np.random.default_rng(seed)
    effects = np.where(rng.random(n_pairs) < 0.1, rng.normal(3, 1, n_pairs), 0)
    errors = np.exp(rng.uniform(np.log(0.1), np.log(10), n_pairs))
    return effects, errors, effects + errors * rng.normal(size=n_pairs)


@pytest.mark.parametrize("n_pairs", [4000, 60_000])
def test_a_mixture_of_effects_whose_errors_differ(n_pairs):
    """More pairs than bins, too: then errors are in classes."""
    _, errors, found = drawn(n_pairs)
    mixture = edge_mixture(found, errors, null_share=0.9)
    assert mixture.share[1] == pytest.approx(0.1, abs=0.02)
    assert mixture.mean[1] == pytest.approx(3, abs=0.2)
    assert mixture.variance[1] == pytest.approx(1, abs=0.4)
    scaled = edge_mixture(1e-6 * found, 1e-6 * errors, null_share=0.9)
    np.testing.assert_allclose(scaled.mean, 1e-6 * mixture.mean, rtol=1e-6)
    np.testing.assert_allclose(scaled.variance, 1e-12 * mixture.variance, rtol=1e-6)


def test_what_is_believed_is_unbiased_however_large_the_errors():
    """Those with a large error are expected about as strong as all are, not as strong as they were found."""
    effects, errors, found = drawn(20_000, seed=1)
    mean, square = posterior(found, edge_mixture(found, errors, null_share=0.9), errors)
    for part in (errors < 0.3, (errors > 0.3) & (errors < 2), errors > 2):
        assert mean[part].mean() == pytest.approx(effects[part].mean(), abs=0.03)
        assert square[part].mean() == pytest.approx(np.square(effects[part]).mean(), abs=0.2)


def test_couplings_by_an_independent_regression():
    rng = np.random.default_rng(2)
    x = rng.normal(size=(401, 4)) * [1, 2, 0.1, 5]
    past, now = x[:-1] - x[:-1].mean(0), x[1:] - x[1:].mean(0)
    equations = NormalEquations(past.T @ past, now.T @ past, np.square(now).sum(0), np.zeros(4), np.zeros(4), 400)
    seen = couplings(least_squares(equations), n_targets=400)
    slope = np.linalg.lstsq(past, now, rcond=None)[0].T
    noise = np.sqrt(np.square(now - past @ slope.T).sum(0) / (400 - 5))
    error = np.sqrt(np.diagonal(np.linalg.inv(past.T @ past)))
    off = ~np.eye(4, dtype=bool)
    np.testing.assert_allclose(seen.found[off], (slope / noise[:, None])[off], rtol=1e-9)
    np.testing.assert_allclose(seen.error[off], np.broadcast_to(error, (4, 4))[off], rtol=1e-9)
    assert np.isnan(np.diagonal(seen.found)).all()


def test_the_likeliest_edges_are_as_many_as_there_are():
    effects, errors, found = drawn(40 * 40, seed=3)
    seen = Couplings(*(one.reshape(40, 40).copy() for one in (found, errors)))
    np.fill_diagonal(seen.found, np.nan)
    mixture = mixture_of(seen)
    network = likeliest(seen, mixture)
    off = ~np.eye(40, dtype=bool)
    assert np.isnan(np.diagonal(network)).all()
    assert np.count_nonzero(network[off]) == pytest.approx(np.count_nonzero(effects.reshape(40, 40)[off]), rel=0.1)
    well_known = off & (seen.error < 0.3)
    right = (network != 0) == (effects.reshape(40, 40) != 0)
    assert right[well_known].mean() > 0.98


def test_expected_correlation_is_that_of_a_truth_with_what_was_found():
    effects, errors, found = drawn(20_000, seed=4)
    seen = Couplings(found[None], errors[None])
    belief = believed(seen, edge_mixture(found, errors, null_share=0.9))
    for estimate in (found, found / errors, np.square(found / errors), np.sign(found)):
        expected = np.corrcoef(estimate, effects)[0, 1]
        assert expected_correlation(estimate[None], belief) == pytest.approx(expected, abs=0.02)
    gap = np.where(np.arange(20_000) < 5000, np.nan, found)
    later = Belief(*(one[:, 5000:] for one in belief))
    assert expected_correlation(gap[None], belief) == expected_correlation(found[None, 5000:], later)
