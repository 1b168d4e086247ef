"""Two groups of t values, pairs without an edge and pairs with one: how likely each pair is to have one."""

from typing import Final, NamedTuple

import numpy as np

from netxr.kernels.lagged_sums import Floats

FEWEST: Final = 500
"""Pairs from which the two groups can be told apart."""

ROUNDS: Final = 2_000

CLOSE: Final = 1e-7
"""The change of every parameter in a round at which the search ends."""

BINS: Final = 2**12
"""Bins into which more t values than this are counted while the parameters are searched for."""

PARAMETERS: Final = 3
"""Share, mean and variance of each part with edges."""


class Mixture(NamedTuple):
    """Shares, means and variances of the normal distributions that t comes from: no edge, up, down."""

    share: Floats  # (3)
    mean: Floats  # (3)
    variance: Floats  # (3)


def edge_mixture(t: Floats, *, null_share: float) -> Mixture:
    """Return the mixture that fits t values best, by expectation and maximisation.

    Pairs without an edge are N(0, 1). Those with one have a positive or a negative mean, and a variance of at least 1,
    for their effects differ. Edges go up, or down, or both, whichever has the highest Bayesian information criterion:
    a part that is not needed would take pairs without an edge. `null_share` is the share of these at the beginning.
    """
    values, weights = _counted(t)
    rest = 1 - null_share
    starts = [(null_share, rest, 0), (null_share, 0, rest), (null_share, rest / 2, rest / 2)]
    found = [_fitted(values, weights, np.array(share)) for share in starts]
    costs = [PARAMETERS * np.log(t.size) / 2 * np.count_nonzero(share[1:]) for share in starts]
    criteria = [_log_likelihood(values, weights, one) - cost for one, cost in zip(found, costs, strict=True)]
    return found[int(np.argmax(criteria))]


def memberships(t: Floats, mixture: Mixture) -> Floats:
    """Return how likely each t is to come from each part of a mixture, (3, ...)."""
    exponent = _log_parts(t, mixture)
    exponent -= exponent.max(0)
    likely = np.exp(exponent, out=exponent)
    likely /= likely.sum(0)
    return np.asarray(likely)


def posterior_mean(t: Floats, mixture: Mixture) -> Floats:
    """Return what t values come to without their noise, which is N(0, 1): nothing for a pair without an edge.

    Examples
    --------
    >>> half_of_each = Mixture(np.array([0.5, 0.5, 0]), np.array([0.0, 3.0, -2.0]), np.array([1.0, 2.0, 1.0]))
    >>> posterior_mean(np.array([-5.0, 9.0]), half_of_each).round(2).tolist()
    [-0.02, 6.0]
    """
    mean, variance = (np.reshape(each, (3,) + (1,) * t.ndim) for each in mixture[1:])
    effects = mean + (variance - 1) / variance * (t - mean)
    return np.asarray((memberships(t, mixture) * effects)[1:].sum(0))


def _fitted(values: Floats, weights: Floats, share: Floats) -> Mixture:
    """Return the mixture that fits best; a part whose share is zero keeps it."""
    found = Mixture(share, np.array([0.0, 2.0, -2.0]), np.ones(3))
    for _ in range(ROUNDS):
        counts = memberships(values, found) * weights
        total = counts.sum(1)
        some = np.maximum(total, np.finfo(float).tiny)
        mean = np.clip((counts @ values) / some, [0, 0, -np.inf], [0, np.inf, 0])
        spread = (counts @ np.square(values) - 2 * mean * (counts @ values)) / some + np.square(mean)
        variance = np.array([1.0, max(spread[1], 1.0), max(spread[2], 1.0)])
        before, found = found, Mixture(total / total.sum(), mean, variance)
        if np.abs(np.subtract(found, before)).max() < CLOSE:
            break
    return found


def _log_parts(t: Floats, mixture: Mixture) -> Floats:
    """Return the log of share times density of each part at each t, but for a constant, (3, ...)."""
    share, mean, variance = (np.reshape(each, (3,) + (1,) * t.ndim) for each in mixture)
    with np.errstate(divide="ignore"):  # a part may have no share
        return np.asarray(np.log(share) - np.log(variance) / 2 - np.square(t - mean) / variance / 2)


def _log_likelihood(values: Floats, weights: Floats, mixture: Mixture) -> float:
    """Return the log likelihood of t values, but for a constant."""
    return float(np.logaddexp.reduce(_log_parts(values, mixture)) @ weights)


def _counted(t: Floats) -> tuple[Floats, Floats]:
    """Return t values and how often each is there: themselves where they are few, else the means of narrow bins."""
    if t.size <= BINS:
        return t, np.ones(t.size)
    count, edges = np.histogram(t, BINS)
    total = np.histogram(t, edges, weights=t)[0]
    return total[count > 0] / count[count > 0], count[count > 0].astype(np.float64)
