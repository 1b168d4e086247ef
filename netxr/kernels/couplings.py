"""What a regression tells of the couplings of a network, and what is to be believed of them.

A coupling is counted in standard deviations of the target's own noise for a unit of the source: then it is what drives
the target, whatever the target's gain. Index letters: i target, j source.
"""

from typing import NamedTuple

import numpy as np

from netxr.kernels.edge_mixture import FEWEST, Mixture, edge_mixture, effects_of_edges, memberships, posterior
from netxr.kernels.lagged_sums import Floats
from netxr.kernels.least_squares import Fit


class Couplings(NamedTuple):
    """Couplings as a regression finds them; NaN of neurons that do not vary, and of a neuron with itself."""

    found: Floats
    """Couplings, (i, j)."""
    error: Floats
    """Their standard errors, which are the same for all targets: a source that hardly varies tells little, (i, j)."""


class Belief(NamedTuple):
    """What is to be believed of couplings."""

    mean: Floats
    square: Floats
    """Expected couplings, and their expected squares, (i, j)."""


def couplings(fit: Fit, *, n_targets: int) -> Couplings:
    """Return couplings from a regression, in which the spread of the samples is their root of summed squares."""
    with np.errstate(divide="ignore", invalid="ignore"):  # nothing is left of a target that is wholly explained
        noise = np.sqrt(fit.residual * n_targets / fit.df)
        spread = fit.design_scale / np.sqrt(n_targets)
        found = fit.standardised / noise[:, None] / spread
        error = np.broadcast_to(np.sqrt(np.diagonal(fit.inverse) / n_targets) / spread, found.shape)
    unknown = ~np.isfinite(found) | np.eye(len(found), dtype=bool)
    return Couplings(np.where(unknown, np.nan, found), np.where(unknown, np.nan, error))


def mixture_of(seen: Couplings) -> Mixture:
    """Return pairs without an edge and pairs with one; of few pairs, which cannot be told apart, all have one."""
    known = np.isfinite(seen.found)
    null_share = 0.9 if known.size >= FEWEST else 0.0
    return edge_mixture(seen.found[known], seen.error[known], null_share=null_share)


def believed(seen: Couplings, mixture: Mixture) -> Belief:
    """Return what is to be believed of couplings that come from a mixture."""
    return Belief(*posterior(seen.found, mixture, seen.error))


def likeliest(seen: Couplings, mixture: Mixture) -> Floats:
    """Return couplings of which as many are none as a mixture says: those that are least likely to have an edge."""
    known = np.isfinite(seen.found)
    found, error = seen.found[known], seen.error[known]
    none = memberships(found, mixture, error)[0]
    each = effects_of_edges(found, mixture, error)
    each[np.argsort(none, kind="stable")[round(float((1 - none).sum())) :]] = 0
    whole = np.full(seen.found.shape, np.nan)
    whole[known] = each
    return whole


def expected_correlation(estimate: Floats, belief: Belief) -> float:
    """Return how an estimate is to be expected to correlate with couplings, over the pairs of which both are known.

    What the estimate and the couplings have in common is expected to be what it has in common with the expected ones.
    Their variance is that of the expected ones and of what is not known of each.

    Examples
    --------
    >>> certain = np.array([[0.0, 1.0], [3.0, 0.0]])
    >>> expected_correlation(certain, Belief(certain, certain**2))
    1.0
    >>> round(expected_correlation(certain, Belief(certain, certain**2 + 1.5)), 3)  # as much is unknown as is known
    0.707
    """
    known = np.isfinite(estimate) & np.isfinite(belief.mean)
    one, mean, square = estimate[known], belief.mean[known], belief.square[known]
    off = one - one.mean()
    variance = square.mean() - mean.mean() ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        return float((off * mean).mean() / np.sqrt((off**2).mean() * variance))
