"""Where the edges of a random network are: in blocks, by distance, by in-degree, by rank.

Each function returns which entries are edges, (target, source), on average a share `density` of all: blocks
may be given theirs. Self-connections are entries like others.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from netxr.errors import InvalidInput
from netxr.schema.arguments import array_of, is_number, said

Edges = NDArray[np.bool_]

LENGTH: Final = 0.1
"""Usual distance by which the odds of an edge fall to 1 / e, as a share of the ring."""

EXPONENT: Final = 3.0
"""Usual exponent of the distribution of degrees."""


def in_blocks(
    n_neurons: int,
    density: float,
    random: np.random.Generator,
    *,
    groups: NDArray[Any] | None = None,
    densities: Any | None = None,
) -> Edges:
    """Draw edges whose odds depend on the groups of target and source (Holland, Laskey & Leinhardt 1983)."""
    if groups is None:
        raise InvalidInput("groups", got="None", expected=f"the groups of the {n_neurons} neurons, or how many")
    labels, block = np.unique(groups, return_inverse=True)
    shape = (len(labels), len(labels))
    pairs = block[:, None], block
    if densities is None:
        return _by_odds(random.standard_exponential(shape)[pairs], density, random)
    expected = f"a probability, 0 to 1, for each of {shape[0]} x {shape[0]} pairs of groups, and one above 0"
    odds = array_of("densities", densities, expected=expected, dtype=np.float64)
    if odds.shape != shape or not ((odds >= 0) & (odds <= 1)).all() or not odds.any():
        raise InvalidInput("densities", got=said(densities), expected=expected)
    return np.asarray(random.random((n_neurons, n_neurons)) < odds[pairs])


def by_distance(n_neurons: int, density: float, random: np.random.Generator, *, length: float = LENGTH) -> Edges:
    """Draw edges whose odds fall exponentially with the distance on a ring (Ercsey-Ravasz et al. 2013).

    At no distance they would be highest; self-connections are a share `density` instead.
    """
    if not is_number(length) or not 0 < length < np.inf:
        raise InvalidInput("length", got=said(length), expected="a share of the ring, above 0")
    places = np.arange(n_neurons) / n_neurons
    apart = np.abs(places[:, None] - places)
    odds, others = np.exp(-np.minimum(apart, 1 - apart) / length), ~np.eye(n_neurons, dtype=bool)
    edges = random.random(odds.shape) < density
    edges[others] = _by_odds(odds[others], density, random)
    return np.asarray(edges)


def by_in_degree(n_neurons: int, density: float, random: np.random.Generator) -> Edges:
    """Draw as many sources for every target, each set of them equally likely (Brunel 2000)."""
    ranks = random.random((n_neurons, n_neurons)).argsort(axis=1).argsort(axis=1)
    return np.asarray(ranks < round(density * n_neurons))


def scale_free(n_neurons: int, density: float, random: np.random.Generator, *, exponent: float = EXPONENT) -> Edges:
    """Draw edges whose odds are the product of a power of two ranks, in and out (Goh, Kahng & Kim 2001)."""
    if not is_number(exponent) or not 2 < exponent < np.inf:
        raise InvalidInput("exponent", got=said(exponent), expected="an exponent of the degrees, above 2")
    weights = np.arange(1.0, n_neurons + 1) ** (-1 / (exponent - 1))
    return _by_odds(np.outer(random.permutation(weights), random.permutation(weights)), density, random)


STRUCTURES: Final[Mapping[str, tuple[Callable[..., Edges], tuple[str, ...]]]] = {
    "blocks": (in_blocks, ("groups", "densities")),
    "distance": (by_distance, ("length",)),
    "in_degree": (by_in_degree, ()),
    "scale_free": (scale_free, ("exponent",)),
}
"""How edges are drawn, and the options of each."""


def _by_odds(odds: NDArray[np.float64], density: float, random: np.random.Generator) -> Edges:
    """Draw each entry by itself, with a probability in proportion to its odds where that is below 1."""
    n_edges, falling = density * odds.size, np.sort(odds, axis=None)[::-1]
    if n_edges > np.count_nonzero(falling):
        share = np.count_nonzero(falling) / odds.size
        expected = f"at least {1 - share:.3g}, since only {share:.3g} of the entries can be an edge"
        raise InvalidInput("sparsity", got=f"{1 - density:g}", expected=expected)
    # With the k largest odds at probability 1, the others share what is left; k is the first at which none exceeds 1.
    left = np.cumsum(falling[::-1])[::-1]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        factors = (n_edges - np.arange(odds.size)) / left
        fits = factors * falling <= 1
    factor = factors[fits.argmax()] if fits.any() else np.inf
    with np.errstate(invalid="ignore"):
        return np.asarray(random.random(odds.shape) < odds * factor)
