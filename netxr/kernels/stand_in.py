"""A network that stands for the one that was recorded: its likeliest couplings, and what activity they make for ever.

Index letters: i target, j source. Samples are in standard deviations, so that neurons of any scale are alike.
"""

from typing import Final, NamedTuple

import numpy as np

from netxr.kernels.couplings import couplings, likeliest, mixture_of
from netxr.kernels.edge_mixture import Mixture
from netxr.kernels.lagged_sums import Floats
from netxr.kernels.least_squares import least_squares
from netxr.kernels.moments import make_symmetric
from netxr.kernels.normal_equations import NormalEquations

DOUBLINGS: Final = 20
"""Up to a million steps, after which activity of any network fades whose spectral radius is .99998 or less."""

CLOSE: Final = 1e-10
"""Share of a covariance, below which what further steps add does not count."""

LARGEST: Final = 1e8
"""Of powers of a coupling matrix: one that fades stays far below."""

MOST_RADIUS: Final = 0.99
"""Spectral radius that couplings are shrunk to where activity would grow without end."""


class StandIn(NamedTuple):
    """A linear network x(t + lag) = B x(t) + e(t); NaN of neurons that do not vary."""

    coupling: Floats
    """B, in standard deviations of the target for one of the source, (i, j)."""
    covariance: Floats
    """Of x at any one time, in the same units, (i, j)."""
    weight: Floats
    """B in standard deviations of the target's own noise e for a unit of the source, (i, j)."""
    scale: Floats
    """Standard deviations of the samples, up to a factor that all share, (i)."""
    mixture: Mixture
    """Of all couplings: which of them there are."""
    radius: float
    """Spectral radius of the couplings that were fitted, if it is 1 or more and they had to be shrunk, else 0."""


def stand_in(equations: NormalEquations) -> StandIn:
    """Return the network that a regression on the past, freed from noise, amounts to.

    It has as many edges as a mixture says that fits all couplings, the likeliest; self-connections stay as they are
    fitted. The noise of the network is what the regression leaves.
    """
    gram = equations.gram.copy()
    fit = least_squares(equations)
    kept = np.flatnonzero(np.isfinite(fit.target_scale) & np.isfinite(fit.design_scale))
    within, scale = np.ix_(kept, kept), fit.design_scale[kept]
    change = fit.target_scale[kept] / scale  # of a neuron as a target: 1 but for the ends of the recording
    fitted = change[:, None] * fit.standardised[within]
    correlation = gram[within] / np.outer(scale, scale)
    variance = np.square(change) * fit.residual[kept] * equations.n_targets / fit.df
    noise = noise_covariance(correlation - fitted @ correlation @ fitted.T, variance, df=fit.df)
    seen = couplings(fit, n_targets=equations.n_targets)
    mixture = mixture_of(seen)
    own = likeliest(seen, mixture)[within]
    own *= np.outer(np.sqrt(variance), scale) / np.sqrt(equations.n_targets)
    coupling = np.where(np.isfinite(own), own, fitted)
    covariance, radius = stationary_covariance(coupling, noise), 0.0
    if covariance is None:
        radius = float(np.abs(np.linalg.eigvals(coupling)).max())
        coupling *= MOST_RADIUS / max(radius, 1)
        covariance = stationary_covariance(coupling, noise)
    found = np.full((3, *fit.standardised.shape), np.nan)
    weight = coupling / np.sqrt(np.diagonal(noise))[:, None] / scale
    for each, one in zip(found, (coupling, covariance, weight), strict=True):
        each[within] = one
    return StandIn(found[0], found[1], found[2], fit.design_scale, mixture, radius)


def noise_covariance(left: Floats, variance: Floats, *, df: int) -> Floats:
    """Return the covariance of noise that has this variance, from summed products of what regressions leave.

    Correlations are shrunk towards zero by the share of their squares that they would have without any (Schaefer &
    Strimmer 2005, doi:10.2202/1544-6115.1175).

    Examples
    --------
    >>> noise_covariance(np.array([[2.0, 1.0], [1.0, 2.0]]), np.array([1.0, 4.0]), df=16)  # r^2 is 4 / 16
    array([[1.  , 0.75],
           [0.75, 4.  ]])
    """
    own = np.diagonal(left)
    scale = np.sqrt(np.where(own > 0, own, np.inf))  # below zero where samples grow: correlations are not known
    found = np.clip(left / scale[:, None] / scale, -1, 1)
    np.fill_diagonal(found, 0)
    expected = len(left) * (len(left) - 1) / df
    found *= max(0.0, 1 - expected / max(float(np.square(found).sum()), expected))
    np.fill_diagonal(found, 1)
    return np.asarray(found * np.sqrt(np.outer(variance, variance)))


def stationary_covariance(coupling: Floats, noise: Floats) -> Floats | None:
    """Return the covariance C = B C B' + S of x(t + 1) = B x(t) + e(t), S that of e; None if it grows without end.

    Each round doubles the number of steps that are summed up: C + (B^k) C (B^k)', k = 1, 2, 4, ...

    Examples
    --------
    >>> stationary_covariance(np.array([[0.5]]), np.array([[3.0]])).round(6)
    array([[4.]])
    """
    found, power = noise.copy(), coupling
    for _ in range(DOUBLINGS):
        further = power @ found @ power.T
        found += further
        if np.linalg.norm(further) <= CLOSE * np.linalg.norm(found):
            make_symmetric(found, np.diagonal(found).copy())
            return found
        if not np.abs(further).max() < LARGEST**2:
            return None
        power = power @ power
    return None
