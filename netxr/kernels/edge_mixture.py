"""Two groups of effects, pairs without an edge and pairs with one: how likely each pair is to have one.

Effects are found with a normal error. They may be t values, whose error is 1; or they have errors of their own, and
then it is the effects that are alike among pairs with an edge, not how well each of them is known.
"""

from typing import Final, NamedTuple

import numpy as np

from netxr.kernels.lagged_sums import Floats

FEWEST: Final = 500
"""Pairs from which the two groups can be told apart."""

TRIED: Final = 100
"""Rounds of expectation and maximisation, after which it is known which parts there are."""

ROUNDS: Final = 500
"""Of three estimates of the parameters each."""

FARTHEST: Final = 1e6
"""So many steps ahead at most, also where the way does not bend."""

CLOSE: Final = 1e-12
"""What a round adds to the log likelihood of each effect at which the search ends."""

BINS: Final = 2**12
"""Bins into which more effects than this are counted while the parameters are searched for."""

CLASSES: Final = 16
"""Of errors that differ: within a class each error is taken to be the same while the parameters are searched for."""

PARAMETERS: Final = 3
"""Share, mean and variance of each part with edges."""


class Mixture(NamedTuple):
    """Shares, means and variances of the normal distributions that effects come from: no edge, up, down."""

    share: Floats  # (3)
    mean: Floats  # (3)
    variance: Floats  # (3)


def edge_mixture(found: Floats, error: Floats | float = 1.0, *, null_share: float) -> Mixture:
    """Return the mixture that fits effects best that were found with an error, by expectation and maximisation.

    Pairs without an edge have none. Those with one have effects with a positive or a negative mean, and any variance.
    Edges go up, or down, or both, whichever has the highest Bayesian information criterion: a part that is not needed
    would take pairs without an edge. `null_share` is the share of these at the beginning.
    """
    usual = float(np.median(error))
    values, square, weights = _counted(found / usual, np.broadcast_to(np.square(error / usual), found.shape))
    rest = 1 - null_share
    starts = [(null_share, rest, 0), (null_share, 0, rest), (null_share, rest / 2, rest / 2)]
    fits = [_tried(values, square, weights, np.array(share)) for share in starts]
    costs = [PARAMETERS * np.log(found.size) / 2 * np.count_nonzero(share[1:]) for share in starts]
    criteria = [_round(values, square, weights, one)[0] - cost for one, cost in zip(fits, costs, strict=True)]
    best = _fitted(values, square, weights, fits[int(np.argmax(criteria))])
    return Mixture(best.share, best.mean * usual, best.variance * usual**2)


def memberships(found: Floats, mixture: Mixture, error: Floats | float = 1.0) -> Floats:
    """Return how likely each effect is to come from each part of a mixture, (3, ...)."""
    return _shares_of(_log_parts(found, np.square(error), mixture))


def posterior(found: Floats, mixture: Mixture, error: Floats | float = 1.0) -> tuple[Floats, Floats]:
    """Return the means of effects, and of their squares, in the light of what was found.

    Examples
    --------
    >>> half_of_each = Mixture(np.array([0.5, 0.5, 0]), np.array([0.0, 3.0, -2.0]), np.array([0.0, 1.0, 0.0]))
    >>> mean, square = posterior(np.array([-5.0, 9.0]), half_of_each)
    >>> mean.round(2).tolist(), square.round(2).tolist()
    ([-0.02, 6.0], [0.03, 36.5])
    """
    each, left = _effects(found, mixture, error)
    likely = memberships(found, mixture, error)[1:]
    return np.asarray((likely * each).sum(0)), np.asarray((likely * (np.square(each) + left)).sum(0))


def effects_of_edges(found: Floats, mixture: Mixture, error: Floats | float = 1.0) -> Floats:
    """Return the means of effects in the light of what was found, where there is an edge."""
    each, _ = _effects(found, mixture, error)
    return np.asarray((_shares_of(_log_parts(found, np.square(error), mixture)[1:]) * each).sum(0))


def _effects(found: Floats, mixture: Mixture, error: Floats | float) -> tuple[Floats, Floats]:
    """Return mean and variance of each effect if it comes from each part with edges, (2, ...)."""
    mean, variance = (np.reshape(each, (3,) + (1,) * found.ndim)[1:] for each in mixture[1:])
    share = variance / (variance + np.square(error))
    return mean + share * (found - mean), np.asarray(share * np.square(error))


def _tried(values: Floats, square: Floats, weights: Floats, share: Floats) -> Mixture:
    """Return a mixture that fits, squared errors given; a part whose share is zero keeps it."""
    found = Mixture(share, np.array([0.0, 2.0, -2.0]), np.zeros(3))
    for _ in range(TRIED):
        _, found = _round(values, square, weights, found)
    return found


def _fitted(values: Floats, square: Floats, weights: Floats, found: Mixture) -> Mixture:
    """Return the mixture that fits best, from one that is near it.

    Two rounds tell a direction and how it bends; where both lead is tried as well, and taken if it fits better than
    what they began with (SQUAREM: Varadhan & Roland 2008, doi:10.1111/j.1467-9469.2007.00585.x, steplength S3).
    """
    last = -np.inf
    for _ in range(ROUNDS):
        likelihood, first = _round(values, square, weights, found)
        _, second = _round(values, square, weights, first)
        if abs(likelihood - last) < CLOSE * weights.sum():
            return second
        reached, beyond = _round(values, square, weights, _ahead(found, first, second))
        found, last = beyond if reached > likelihood else second, likelihood
    return found


def _round(values: Floats, square: Floats, weights: Floats, found: Mixture) -> tuple[float, Mixture]:
    """Return the log likelihood of a mixture, but for a constant, and the mixture that follows from its memberships."""
    exponent = _log_parts(values, square, found)
    most = exponent.max(0)
    likely = np.exp(exponent - most)
    whole = likely.sum(0)
    counts = likely * (weights / whole)
    total = counts.sum(1)
    # Each counts by how well it is known: not at all for the part without edges, whose parameters are fixed.
    known = counts[1:] / (found.variance[1:, None] + square)
    some = np.maximum(known.sum(1), np.finfo(float).tiny)
    mean = np.clip((known @ values) / some, [0, -np.inf], [np.inf, 0])
    known /= found.variance[1:, None] + square
    some = np.maximum(known.sum(1), np.finfo(float).tiny)
    left = np.square(values - mean[:, None]) - square
    variance = np.maximum((known * left).sum(1) / some, 0)
    following = Mixture(total / total.sum(), np.array([0, *mean]), np.array([0, *variance]))
    return float((most + np.log(whole)) @ weights), following


def _ahead(found: Mixture, first: Mixture, second: Mixture) -> Mixture:
    """Return where a mixture and the two that follow it lead, within what a mixture may be."""
    step = np.subtract(first, found)
    bend = np.subtract(second, first) - step
    far, bent = float(np.linalg.norm(step)), float(np.linalg.norm(bend))
    length = max(far / max(bent, far / FARTHEST, float(np.finfo(float).tiny)), 1.0)
    share, mean, variance = np.array(found) + 2 * length * step + length**2 * bend
    share = np.maximum(share, second.share / 10)  # at zero it would stay there
    low, high = [0, 0, -np.inf], [0, np.inf, 0]
    return Mixture(share / share.sum(), np.clip(mean, low, high), np.maximum(variance, 0))


def _log_parts(found: Floats, square: Floats | float, mixture: Mixture) -> Floats:
    """Return the log of share times density of each part at each effect, but for a constant, (3, ...)."""
    share, mean, variance = (np.reshape(each, (3,) + (1,) * found.ndim) for each in mixture)
    variance = variance + square
    with np.errstate(divide="ignore"):  # a part may have no share
        return np.asarray(np.log(share) - np.log(variance) / 2 - np.square(found - mean) / variance / 2)


def _shares_of(exponent: Floats) -> Floats:
    """Return the exponential of the log of parts, as shares of their sum, in the same memory."""
    exponent -= exponent.max(0)
    likely = np.exp(exponent, out=exponent)
    likely /= likely.sum(0)
    return np.asarray(likely)


def _counted(found: Floats, square: Floats) -> tuple[Floats, Floats, Floats]:
    """Return effects, squared errors, and how often each is there: means of narrow bins where they are many."""
    if found.size <= BINS:
        return found, square, np.ones(found.size)
    if np.ptp(square):
        parts = np.array_split(np.argsort(square), CLASSES)
        each = [_of_class(found[part], float(square[part].mean()), BINS // CLASSES) for part in parts]
        values, squares, weights = (np.concatenate(one) for one in zip(*each, strict=True))
        return values, squares, weights
    return _of_class(found, float(square[0]), BINS)


def _of_class(found: Floats, square: float, bins: int) -> tuple[Floats, Floats, Floats]:
    """Return effects with the same error as the means of bins, with their squared errors and counts."""
    count, edges = np.histogram(found, bins)
    total = np.histogram(found, edges, weights=found)[0]
    there = np.flatnonzero(count)
    return total[there] / count[there], np.full(len(there), square), count[there].astype(np.float64)
