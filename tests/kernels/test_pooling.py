"""Moments of parts together, and without one of them."""

import numpy as np
import pytest

from netxr import names as n
from netxr.kernels.pooling import added, without


def moments_of(target, source):
    """Moments of pairs of samples (neuron, time), at one lag."""
    y, x = (side - side.mean(1, keepdims=True) for side in (target, source))
    return {
        n.COUNT: np.array([target.shape[1]]),
        n.MEAN_TARGET: target.mean(1)[None],
        n.MEAN_SOURCE: source.mean(1)[None],
        n.COMOMENT: (y @ x.T)[None],
        n.SUMSQ_TARGET: np.square(y).sum(1)[None],
        n.SUMSQ_SOURCE: np.square(x).sum(1)[None],
    }


@pytest.fixture(scope="module")
def samples():
    """Targets and sources of four parts of different lengths, each far from the others."""
    rng = np.random.default_rng(0)
    return [rng.normal(k, 1, (2, 3, length)) for k, length in enumerate((5, 9, 2, 30))]


def joined(samples):
    return moments_of(*np.concatenate(samples, -1))


def assert_alike(found, expected):
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-12, atol=1e-12, err_msg=name)


def stacked(samples):
    each = [moments_of(*one) for one in samples]
    return {name: np.stack([one[name] for one in each]) for name in each[0]}


def test_parts_together_are_as_one(samples):
    assert_alike(added(stacked(samples)), joined(samples))


def test_without_a_part_there_are_the_others(samples):
    whole = joined(samples)
    for k, part in enumerate(samples):
        assert_alike(without(whole, moments_of(*part)), joined(samples[:k] + samples[k + 1 :]))


def test_without_the_only_part_in_which_a_neuron_varies_it_does_not_vary(samples):
    """Rounding leaves 0 exactly: else a neuron that is still would count as one that varies."""
    samples = [one.copy() for one in samples]
    for k, part in enumerate(samples):
        part[:, 1] = 0.3 + 0.1 * (np.arange(part.shape[-1]) % 3) if k == 3 else 1 / 3
    found = without(joined(samples), moments_of(*samples[3]))
    for name in (n.SUMSQ_TARGET, n.SUMSQ_SOURCE):
        assert found[name][0, 1] == 0 < found[name][0, 0]
    assert (found[n.COMOMENT][0, 1] == 0).all()
    assert (found[n.COMOMENT][0, :, 1] == 0).all()
    assert_alike(found, joined(samples[:3]))
