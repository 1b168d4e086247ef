"""Which connections of a matrix are drawn, as arrows or as lines: all, or the strongest inputs of each neuron."""

from collections.abc import Iterator
from functools import partial
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

MOST_ARROWS: Final = 10_000
"""Most arrows that are drawn: more of them only blacken the picture."""

BLOCK: Final = 2**21
"""Entries looked at together, so that a large matrix is never copied as a whole."""

Strengths: TypeAlias = Iterator[tuple[int, NDArray[np.float64], int]]
"""Where in the flat matrix each block of rows begins, its strengths, and how many connections it has.

A strength is 0 where there is no connection, or one that is not among the strongest inputs.
"""


class Arrows(NamedTuple):
    """The arrows that are drawn, the weakest first; `n_all` counts all connections, drawn or not.

    Without direction, an arrow is a pair of neurons, and either of them may be its source.
    """

    sources: NDArray[np.intp]
    targets: NDArray[np.intp]
    weights: NDArray[np.float64]
    n_all: int
    directed: bool = True

    @property
    def strengths(self) -> NDArray[np.float64]:
        """Magnitudes as shares of the largest, (arrow)."""
        magnitudes = np.abs(self.weights)
        return np.asarray(magnitudes / magnitudes.max(initial=np.finfo(np.float64).tiny))


def strongest_arrows(
    weights: NDArray[Any], *, negative: bool, inputs: int | None = None, most: int = MOST_ARROWS, block: int = BLOCK
) -> Arrows:
    """Return the strongest connections between different neurons, at most so many that end at one neuron, and in all.

    Weights are (target, source); what is not finite is no connection. Negative ones count by their magnitude, or not at
    all. `block` entries are looked at together. If only some of equally strong ones can be drawn, chance decides,
    always in the same way. Otherwise, in a matrix of equal weights, the first neurons would get all arrows.

    Examples
    --------
    >>> arrows = strongest_arrows(np.array([[9.0, -2.0], [1.0, 0.0]]), negative=True)
    >>> arrows.sources.tolist(), arrows.targets.tolist(), arrows.weights.tolist()
    ([0, 1], [1, 0], [1.0, -2.0])
    """
    n = len(weights)
    strengths = partial(_strengths, weights, negative=negative, inputs=inputs, n_rows=max(1, block // n))
    weakest, n_all = _weakest_drawn(strengths(), most)
    places = _places_from(strengths(), weakest, most)
    targets, sources = np.divmod(places, n)
    drawn = weights[targets, sources].astype(np.float64)
    order = np.argsort(np.abs(drawn), kind="stable")
    return Arrows(sources[order], targets[order], drawn[order], n_all)


def each_pair_once(arrows: Arrows) -> Arrows:
    """Return the arrows of a matrix that is its own transpose as pairs; the later neuron is called the source.

    Examples
    --------
    >>> pairs = each_pair_once(strongest_arrows(np.array([[1.0, 0.4], [0.4, 1.0]]), negative=False))
    >>> pairs.sources.tolist(), pairs.targets.tolist(), pairs.n_all
    ([1], [0], 1)
    """
    ends = np.sort([arrows.targets, arrows.sources], axis=0)
    (targets, sources), first = np.unique(ends, axis=1, return_index=True)
    order = np.argsort(first)
    return Arrows(sources[order], targets[order], arrows.weights[first[order]], arrows.n_all // 2, directed=False)


def _strengths(weights: NDArray[Any], *, negative: bool, inputs: int | None, n_rows: int) -> Strengths:
    """Yield strengths some rows at a time."""
    n, rng = len(weights), np.random.default_rng(1)
    for first in range(0, n, n_rows):
        block = weights[first : first + n_rows].astype(np.float64)
        strength = np.abs(block) if negative else np.maximum(block, 0.0)
        strength[~np.isfinite(strength)] = 0.0
        rows = np.arange(len(strength))
        strength[rows, first + rows] = 0.0
        n_all = int(np.count_nonzero(strength))
        if inputs is not None and inputs < n:
            _keep_strongest(strength, inputs, rng)
        yield first * n, strength.ravel(), n_all


def _keep_strongest(strength: NDArray[np.float64], inputs: int, rng: np.random.Generator) -> None:
    """Set all but the strongest inputs of each row to 0; of the weakest that are kept, as many as fit."""
    weakest = np.partition(strength, -inputs, axis=1)[:, -inputs, np.newaxis]
    room = inputs - np.count_nonzero(strength > weakest, axis=1)
    rows, columns = np.nonzero((strength == weakest) & (weakest > 0))
    by_chance = np.lexsort((rng.random(len(rows)), rows))
    place_in_row = np.arange(len(rows)) - np.searchsorted(rows, rows)
    too_many = by_chance[place_in_row >= room[rows]]
    strength[strength < weakest] = 0.0
    strength[rows[too_many], columns[too_many]] = 0.0


def _weakest_drawn(strengths: Strengths, most: int) -> tuple[float, int]:
    """Return the strength of the weakest connection that is drawn, and how many connections there are."""
    strongest, n_all = np.empty(0), 0
    for _, strength, n_edges in strengths:
        n_all += n_edges
        enough = strongest.min() if len(strongest) == most else 0.0
        strongest = np.concatenate([strongest, strength[strength > enough]])
        if len(strongest) > most:
            strongest = np.partition(strongest, -most)[-most:]
    return float(strongest.min(initial=np.inf)), n_all


def _places_from(strengths: Strengths, weakest: float, most: int) -> NDArray[np.intp]:
    """Return where in the flat matrix the strongest connections are, ascending; of the weakest, as many as fit."""
    rng = np.random.default_rng(0)
    stronger, weak, lots = [np.empty(0, np.intp)], np.empty(0, np.intp), np.empty(0)
    for first, strength, _ in strengths:
        stronger.append(first + np.flatnonzero(strength > weakest))
        found = first + np.flatnonzero(strength == weakest)
        weak, lots = np.concatenate([weak, found]), np.concatenate([lots, rng.random(len(found))])
        if len(weak) > most:
            lucky = np.argpartition(lots, most)[:most]
            weak, lots = weak[lucky], lots[lucky]
    room = most - sum(map(len, stronger))
    return np.sort(np.concatenate([*stronger, weak[np.argsort(lots)[:room]]]))
