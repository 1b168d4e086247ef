"""What estimates come to in a recording without end."""

import numpy as np
import pytest

import netxr
from netxr import names as n
from netxr.kernels.edge_mixture import Mixture
from netxr.kernels.stand_in import StandIn
from netxr.significance.limit import limits, network_of, population_moments
from tests.runs import labelled

NO_EDGES = Mixture(np.array([1.0, 0, 0]), np.zeros(3), np.zeros(3))


def network(B, C, noise):
    """A network in units of one standard deviation."""
    weight = B / np.sqrt(noise)[:, None]
    return StandIn(B, C, weight, np.ones(len(B)), NO_EDGES, 0.0)


@pytest.fixture
def chain():
    """x drives y by .5, y drives z by .5, noise of variance 1: C is worked out by hand."""
    B = np.array([[0, 0, 0], [0.5, 0, 0], [0, 0.5, 0]])
    C = np.diag([1, 1.25, 1 + 0.25 * 1.25])
    return network(B, C, np.ones(3))


def like(n_neurons, lags):
    x = netxr.as_activity(np.random.default_rng(0).normal(size=(n_neurons, 30)), dims=("neuron", "time"))
    return netxr.lagged_moments(x, lags=lags)


def test_moments_by_hand(chain):
    found = population_moments(chain, lag=2, like=like(3, [0, 1, 2, 4]))
    covariance = found.comoment / found["count"]
    np.testing.assert_allclose(covariance.sel(lag=0), chain.covariance)
    np.testing.assert_allclose(covariance.sel(lag=1), 0)
    np.testing.assert_allclose(covariance.sel(lag=2), [[0, 0, 0], [0.5, 0, 0], [0, 0.625, 0]])
    np.testing.assert_allclose(covariance.sel(lag=4), [[0, 0, 0], [0, 0, 0], [0.25, 0, 0]])


def test_estimates_by_hand(chain):
    moments = population_moments(chain, lag=1, like=like(3, [0, 1]))
    r = netxr.lagged_correlation(moments)
    np.testing.assert_allclose(r, [[0, 0, 0], [0.5 / 1.25**0.5, 0, 0], [0, 0.625 / (1.25 * 1.3125) ** 0.5, 0]])
    np.testing.assert_allclose(netxr.regression(moments).coefficient, chain.coupling, atol=1e-12)


def test_score_of_every_estimator_of_the_table():
    """A weak network: correlation and regression find it wholly, what tells no direction or sign does not."""
    rng = np.random.default_rng(1)
    B = (rng.random((25, 25)) < 0.1) * rng.normal(size=(25, 25)) * 0.01
    weak = network(B, np.eye(25), np.ones(25))
    methods = netxr.methods().estimator.values.tolist()[:6]
    found = limits(weak, methods, lag=1, like=like(25, [0, 1]))
    assert found.dims == ("estimator",)
    for name in ("lagged_correlation", "regression", "regression_t"):
        assert found.sel(estimator=name) == pytest.approx(1, abs=1e-3)
    assert abs(found.sel(estimator="granger")) < 0.9


def test_a_truth_is_in_units_of_the_targets_own_noise():
    """Gains of targets differ by ten: the standardised coefficients are those of equal gains."""
    rng = np.random.default_rng(2)
    B = (rng.random((25, 25)) < 0.1) * rng.normal(size=(25, 25)) * 0.01
    gain = rng.uniform(1, 10, 25)
    unequal = network(gain[:, None] * B, np.diag(gain**2), gain**2)
    truth = labelled(unequal.weight)
    found = limits(unequal, ["regression_t"], lag=1, like=like(25, [0, 1]))
    t = netxr.estimate(population_moments(unequal, lag=1, like=like(25, [0, 1])), method="regression_t")
    expected = netxr.compare(truth, t, diagonal=False, permutations=0).pearson
    assert found.item() == pytest.approx(expected.item(), rel=1e-9)
    np.testing.assert_allclose(unequal.weight, B)


def test_long_recordings_come_near_their_network():
    rng = np.random.default_rng(3)
    B = (rng.random((25, 25)) < 0.1) * rng.normal(size=(25, 25))
    B *= 0.9 / np.abs(np.linalg.eigvals(B)).max()
    x = rng.normal(size=(40_000, 25))
    for t in range(1, len(x)):
        x[t] += B @ x[t - 1]
    moments = netxr.lagged_moments(netxr.as_activity(x[500:].T, dims=("neuron", "time")))
    found = limits(network_of(moments, lag=1), ["lagged_correlation"], lag=1, like=moments).item()
    r = netxr.lagged_correlation(moments)
    assert found == pytest.approx(
        netxr.compare(labelled(B), r, diagonal=False, permutations=0).pearson.item(), abs=0.02
    )
    assert n.LAG not in r.dims
