"""The linear network that the tutorial's model is to a regression."""

import numpy as np
import pytest
import scipy.integrate
import scipy.stats
from scipy.special import expit

import netxr
from netxr.kernels.linear_response import linear_response


def test_a_neuron_without_input_by_an_integral():
    def mean_of(function):
        return scipy.integrate.quad(lambda e: function(expit(e)) * scipy.stats.norm.pdf(e), -12, 12)[0]

    found = linear_response(np.zeros((1, 1)))
    assert found.gain[0] == pytest.approx(mean_of(lambda x: x * (1 - x)), rel=1e-9)
    assert found.noise[0] == pytest.approx(mean_of(lambda x: (x - 0.5) ** 2), rel=1e-9)


def test_against_a_long_simulation():
    A = netxr.random_connectivity(8, sparsity=0.7, seed=1)
    x = netxr.simulate(A, n_steps=50_000, seed=1).isel(trial=0).activity[:, 100:]
    fit = netxr.regression(x)
    found = linear_response(A.values)
    np.testing.assert_allclose(fit.coefficient, found.gain[:, None] * A.values, atol=4.5 * fit.standard_error.max())
    np.testing.assert_allclose(fit.residual_variance, found.noise, rtol=0.04)
    np.testing.assert_allclose(np.cov(x), found.covariance, atol=0.002)


def test_what_is_explained_and_what_is_left_are_the_variance_under_strong_coupling():
    A = netxr.random_connectivity(40, coupling=8.0, weights="normal", seed=1)
    x = netxr.simulate(A, n_steps=20_000, seed=1).isel(trial=0).activity[:, 100:]
    fit, found = netxr.regression(x), linear_response(A.values)
    variance = x.var("time").values
    assert (fit.residual_variance < 0.8 * variance).sum() > 10  # so much is explained
    np.testing.assert_allclose(np.diagonal(found.covariance), variance, rtol=0.1)
    np.testing.assert_allclose(found.noise, fit.residual_variance, rtol=0.1)


def test_activity_that_swings_for_ever_has_none():
    """Two neurons that inhibit themselves so strongly that each is on and off by turns."""
    assert linear_response(np.full((2, 2), -60.0)) is None
