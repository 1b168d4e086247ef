"""Scores of how alike two matrices are: arrays in, numbers out, NaN where a score is undefined.

Elementwise scores take the finite values of the same pairs of neurons in both matrices, flat and in the same order.
Whole-matrix scores take two finite square matrices, row = target, column = source. Truth comes first, estimate second.
"""

from collections.abc import Callable
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Flags: TypeAlias = npt.NDArray[np.bool_]
Counts: TypeAlias = npt.NDArray[np.int64]

Notify: TypeAlias = Callable[[int], object]

TIE: Final = 1e-12
"""Correlations closer than this are the same number, summed in another order."""

ENTRIES: Final = 2**15
"""Entries of a matrix that are added up together, few enough for the processor's cache."""


def pearson(truth: Floats, estimate: Floats) -> float:
    """Return the correlation coefficient; undefined where either is constant."""
    if is_constant(truth) or is_constant(estimate):
        return np.nan
    return float(np.clip(standardised(truth) @ standardised(estimate), -1.0, 1.0))


def spearman(truth: Floats, estimate: Floats) -> float:
    """Return the correlation of ranks, ties sharing their average rank; undefined where either is constant."""
    return pearson(average_ranks(truth), average_ranks(estimate))


def kappa(truth: Floats, estimate: Floats) -> float:
    """Return Cohen's kappa of edge and estimate above its median; undefined where all or none are edges."""
    edge = truth != 0
    if is_constant(edge):
        return np.nan
    above = estimate > np.median(estimate)
    n_pairs, n_edge, n_above = edge.size, int(edge.sum()), int(above.sum())
    agreed = n_pairs * int((edge == above).sum())
    by_chance = n_edge * n_above + (n_pairs - n_edge) * (n_pairs - n_above)
    return float((agreed - by_chance) / (n_pairs**2 - by_chance))


def strength(truth: Floats, estimate: Floats) -> Floats:
    """Return by what pairs are ranked to find edges: the estimate, by magnitude where the truth has both signs."""
    return np.abs(estimate) if truth.size and truth.min() < 0 < truth.max() else estimate


def roc_auc(truth: Floats, estimate: Floats) -> float:
    """Return the chance of an edge above a non-edge, ties half; undefined where all or none are edges."""
    return edge_roc_auc(truth != 0, estimate)


def average_precision(truth: Floats, estimate: Floats) -> float:
    """Return precision averaged over steps of recall, ties in one step; undefined where all or none are edges."""
    edge = truth != 0
    return np.nan if is_constant(edge) else mean_precision(*found_above(edge, estimate))


def edge_roc_auc(edge: Flags, estimate: Floats) -> float:
    """Return the chance of some pairs above all others, ties half; undefined where all or none are among them."""
    return np.nan if is_constant(edge) else area_under_roc(*found_above(edge, estimate))


def slope(truth: Floats, estimate: Floats) -> float:
    """Return by how much the estimate grows with the weight; undefined where all weights are equal."""
    if is_constant(truth):
        return np.nan
    off = truth - truth.mean()
    return float(off @ estimate / (off @ off))


def rmse(truth: Floats, estimate: Floats) -> float:
    """Return the root of the mean squared difference; undefined where there is no pair."""
    return float(np.sqrt(np.mean(np.square(estimate - truth)))) if truth.size else np.nan


def mean_without_edge(truth: Floats, estimate: Floats) -> float:
    """Return the mean estimate of pairs without an edge; undefined where there is none."""
    return float(estimate[truth == 0].mean()) if (truth == 0).any() else np.nan


def edges_called(truth: Floats, estimate: Floats) -> tuple[float, float, float]:
    """Return a threshold that as many pairs reach as there are edges, and Matthews' correlation and F1 above it.

    Undefined where all or no pairs have an edge. Where ties are as high as the threshold, all of them reach it.
    """
    edge = truth != 0
    if is_constant(edge):
        return np.nan, np.nan, np.nan
    n_edges = int(edge.sum())
    threshold = float(np.partition(estimate, -n_edges)[-n_edges])
    called = estimate >= threshold
    n_called, both = int(called.sum()), int((called & edge).sum())
    without, uncalled = edge.size - n_edges, edge.size - n_called
    spread = float(n_edges) * n_called * without * uncalled
    agreed = float(both * edge.size - n_edges * n_called)
    return threshold, agreed / np.sqrt(spread) if spread else 0.0, 2 * both / (n_edges + n_called)


def found_above(edge: Flags, estimate: Floats) -> tuple[Counts, Counts]:
    """Return how many edges, and how many pairs, are above a threshold that falls past one estimate after the other.

    Equal estimates pass it together, so there is one entry for each different estimate, the highest first.
    """
    order = np.argsort(-estimate)
    ordered = estimate[order]
    last_of_tie = np.append(np.flatnonzero(ordered[1:] != ordered[:-1]), edge.size - 1)
    return np.cumsum(edge[order])[last_of_tie], last_of_tie + 1


def area_under_roc(found: Counts, above: Counts) -> float:
    """Return the area under the ROC curve, whose points are joined by lines; whole numbers until the last division."""
    wrong = above - found
    twice = np.diff(wrong, prepend=0) @ (found + np.append(0, found[:-1]))
    return float(twice / (2 * found[-1] * wrong[-1]))


def mean_precision(found: Counts, above: Counts) -> float:
    """Return precision averaged over steps of recall."""
    return float((found / above) @ (np.diff(found, prepend=0) / found[-1]))


def mantel(
    truth: Floats,
    estimate: Floats,
    *,
    diagonal: bool,
    permutations: int,
    seed: int,
    entries: int = ENTRIES,
    notify: Notify = lambda _done: None,
) -> tuple[float, float]:
    """Return the correlation of two square matrices, and how often a permutation of neurons reaches it.

    A permutation moves rows and columns together, so mean and spread of the entries stay as they are and only the sum
    of products changes. It keeps the diagonal on the diagonal, which is included or not as `diagonal` says. The sum is
    taken over entries of the truth that differ from its median, in a sparse network the edges: as the estimate has mean
    0, a constant off the truth changes no sum. `notify` is called with how many permutations are done.
    """
    n_neurons = len(truth)
    pairs = np.full((n_neurons, n_neurons), diagonal) | ~np.eye(n_neurons, dtype=bool)
    if is_constant(truth[pairs]) or is_constant(estimate[pairs]):
        return np.nan, np.nan
    x, y = np.zeros_like(truth), np.zeros_like(estimate)
    x[pairs], y[pairs] = standardised(truth[pairs]), standardised(estimate[pairs])
    statistic = float(np.clip(np.vdot(x, y), -1.0, 1.0))
    if permutations == 0:
        return statistic, np.nan
    x[pairs] -= np.median(x[pairs])
    rows, columns = np.nonzero(x)
    flat, rng, reached = y.ravel(), np.random.default_rng(seed), 0
    # Some entries at a time, which stay in the processor's cache. Not @: its threads wait for one another longer.
    parts = [(rows[k : k + entries], columns[k : k + entries]) for k in range(0, len(rows), entries)]
    weighed = [(*part, x[part]) for part in parts]
    for done in range(1, permutations + 1):
        order = rng.permutation(n_neurons)
        sums = [np.sum(weights * flat[order[i] * n_neurons + order[j]]) for i, j, weights in weighed]
        reached += bool(np.sum(sums) >= statistic - TIE)
        notify(done)
    return statistic, (1 + reached) / (1 + permutations)


def rv(truth: Floats, estimate: Floats) -> float:
    """Return the RV coefficient of the column-centred matrices; undefined where every column of either is constant."""
    x, y = _column_centred(truth), _column_centred(estimate)
    if not (x.any() and y.any()):
        return np.nan
    cross, own_x, own_y = (np.linalg.norm(product) for product in (x.T @ y, x.T @ x, y.T @ y))
    return min(float(cross**2 / (own_x * own_y)), 1.0)


def whole_neurons(defined: Flags, pairs: Flags) -> npt.NDArray[np.intp]:
    """Return the neurons left when those with no defined row or no defined column go; none if a gap remains.

    `pairs` says which entries are asked for, `defined` which of them are there; both (n, n).
    """
    kept = np.flatnonzero(defined.any(axis=0) & defined.any(axis=1))
    gaps = (pairs & ~defined)[np.ix_(kept, kept)]
    return kept[:0] if gaps.any() else kept


def average_ranks(values: Floats) -> Floats:
    """Return the rank of each value, 1 for the lowest; ties share the average of their ranks."""
    # scipy.stats has this too, and takes longer to import than everything else that a score needs.
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(count) - (count - 1) / 2)[place])


def is_constant(values: npt.NDArray[np.generic]) -> bool:
    """Say whether all values are the same: by comparing them, since the mean of equal numbers can miss them."""
    return values.size == 0 or bool(values.min() == values.max())


def standardised(values: Floats) -> Floats:
    """Shift and scale values that are not constant to mean 0 and length 1."""
    scaled = _near_one(values)
    centred = scaled - scaled.mean()
    return np.asarray(centred / np.linalg.norm(centred))


def _column_centred(matrix: Floats) -> Floats:
    """Subtract each column's mean; a constant column becomes exactly 0."""
    if is_constant(matrix):
        return np.zeros_like(matrix)
    scaled = _near_one(matrix)
    varies = scaled.min(axis=0) < scaled.max(axis=0)
    return np.asarray((scaled - scaled.mean(axis=0)) * varies)


def _near_one(values: Floats) -> Floats:
    """Scale by the power of two that brings the largest to 1/2 .. 1: exact, and squares stay in range."""
    _, exponent = np.frexp(np.abs(values).max())
    return np.asarray(np.ldexp(values, -exponent))
