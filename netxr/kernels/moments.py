"""Lagged second moments: counts, means, summed squares and co-moments at each lag, and what they amount to.

Index letters: i target neuron, j source neuron, r lag, e edge frame.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from netxr.errors import InvalidInput
from netxr.kernels.lagged_sums import Floats, LaggedSums, Pass

FLOAT32_RANGE: Final = 400
"""Squares about the provisional mean may be this many times the squared deviations, for an error below 1e-6."""


FAR_AWAY: Final = f"with frames more than {FLOAT32_RANGE**0.5:.0f} standard deviations away from the others"

PART_ENTRIES: Final = 2**17
"""Entries of a matrix that are worked on at a time, so that what is in between stays in a cache."""


SYMMETRIC_ROWS: Final = 64
"""Rows of a matrix that are made symmetric at a time."""

BELOW: Final = np.tri(SYMMETRIC_ROWS, k=-1, dtype=bool)
"""What is below the diagonal of so many rows."""


class LaggedMoments(NamedTuple):
    """What every linear estimator needs: pairs, means and summed squares of both sides, and co-moments.

    Where missing samples are left out pair by pair, everything is (r, i, j); without pairs of neurons, j is 1.
    """

    n_pairs: NDArray[np.int64]  # (r)
    mean_target: Floats  # (r, i)
    mean_source: Floats  # (r, j)
    sumsq_target: Floats  # (r, i)
    sumsq_source: Floats  # (r, j)
    comoment: Floats  # (r, i, j)


def moments_of(sums: LaggedSums, *, todo: Pass) -> LaggedMoments:
    """Return means, summed squares and co-moments about the true means of each lag's own pairs.

    The co-moments take the place of ``sums.product`` in memory. Raises InvalidInput if float32 products cannot resolve
    them, because samples lie too far from the provisional mean.
    """
    shift = sums.shift
    if todo.missing == "pairwise":
        return _moments_of_pairs(sums.product, shift=shift, todo=todo)
    (sum_target, sumsq_target), (sum_source, sumsq_source) = (
        _side(powers, sums, todo=todo) for powers in (sums.of_target, sums.of_source)
    )
    sum_target, sumsq_target = sum_target[:, todo.rows], sumsq_target[:, todo.rows]
    sum_source, sumsq_source = sum_source[:, todo.columns], sumsq_source[:, todo.columns]
    mean_target, mean_source = (_quotient(total, sums.n_pairs[:, None]) for total in (sum_target, sum_source))
    comoments = sums.product[:, 0]
    for r, comoment in enumerate(comoments):
        if not todo.pairs:
            comoment[:, 0] -= sum_target[r] * mean_source[r]
            comoment[:, 0] = comoment[:, 0] if todo.lags[r] else sumsq_target[r]
            continue
        height = max(1, PART_ENTRIES // comoment.shape[1])
        for first in range(0, len(comoment), height):
            rows = slice(first, first + height)
            if todo.lags[r] == 0:  # the same for both orders of a pair
                comoment[rows] -= _quotient(np.outer(sum_target[r, rows], sum_source[r]), sums.n_pairs[r])
            else:
                comoment[rows] -= np.outer(sum_target[r, rows], mean_source[r])
        if todo.lags[r] == 0:
            _at_same_time(comoment, sumsq_target[r], len(shift), todo)
    return LaggedMoments(
        sums.n_pairs,
        mean_target + shift[todo.rows],
        mean_source + shift[todo.columns],
        sumsq_target,
        sumsq_source,
        comoments,
    )


def _side(powers: Floats, sums: LaggedSums, *, todo: Pass) -> tuple[Floats, Floats]:
    """Return sums and summed squared deviations of targets or of sources, (r, i) each, from (2, r, n)."""
    n = len(sums.shift) - todo.marked
    square = powers[1, :, :n] if todo.marked else sums.total[1, :n]
    total, deviations = _deviations(powers[..., :n], sums.n_pairs, sums.n_frames, square)
    if todo.precision == np.float32:
        _check_resolved(square, deviations)
    return total, deviations


def _at_same_time(comoment: Floats, sumsq: Floats, n_neurons: int, todo: Pass) -> None:
    """Put summed squares, (i), on the diagonal of co-moments at lag 0, and make them symmetric where they can be."""
    neurons = np.arange(n_neurons)
    targets, sources = neurons[todo.rows], neurons[todo.columns]
    if np.array_equal(targets[: len(sources)], sources):
        both = slice(0, len(sources))
        make_symmetric(comoment[both], sumsq[both])
        return
    _, i, j = np.intersect1d(targets, sources, assume_unique=True, return_indices=True)
    comoment[i, j] = sumsq[i]


def make_symmetric(matrix: Floats, diagonal: Floats) -> None:
    """Replace what is below the diagonal of a matrix, (i, i), by what is above it, and the diagonal, in place."""
    for first in range(0, len(matrix), SYMMETRIC_ROWS):
        rows = slice(first, first + SYMMETRIC_ROWS)
        matrix[rows, :first] = matrix[:first, rows].T
        own = matrix[rows, rows]
        np.copyto(own, own.T, where=BELOW[: len(own), : len(own)])
    np.fill_diagonal(matrix, diagonal)


def squares_of_groups(sums: LaggedSums, *, todo: Pass) -> tuple[Floats, Floats]:
    """Return the summed squared deviations of the groups behind the neurons, as targets and as sources, (r, g) each.

    Raises InvalidInput if float32 products cannot resolve them, because neurons of a group cancel each other.
    """
    n_neurons = len(sums.shift)
    square = sums.total[1, n_neurons:]
    of_target, of_source = (
        _deviations(side[..., n_neurons:], sums.n_pairs, sums.n_frames, square)[1]
        for side in (sums.of_target, sums.of_source)
    )
    if todo.groups is not None and todo.precision == np.float32:
        apart = todo.groups.multiply(todo.groups) @ sums.total[1, :n_neurons]
        for side in (of_target, of_source):
            _check_resolved(apart, side, what="groups", why="whose neurons cancel each other")
    return of_target, of_source


def _moments_of_pairs(product: Floats, *, shift: NDArray[Any], todo: Pass) -> LaggedMoments:
    """Return moments of which each pair of neurons has its own, over the frames in which both are there, (r, i, j).

    The products are those of `PRODUCTS`: of the samples, and of what says where they are.
    """
    comoment, count, sum_target, sum_source, square_target, square_source = product.swapaxes(0, 1)
    mean_target, mean_source = _quotient(sum_target, count), _quotient(sum_source, count)
    comoment -= np.where(count > 0, sum_target * mean_source, 0)
    sides = []
    for square, total, mean in ((square_target, sum_target, mean_target), (square_source, sum_source, mean_source)):
        deviations = square - np.where(count > 0, total * mean, 0)
        sides.append(np.where(deviations > _rounding(square, count), deviations, 0.0))
        if todo.precision == np.float32:
            _check_resolved(square, sides[-1])
    for r in np.flatnonzero(np.array(todo.lags) == 0):
        if not todo.pairs:
            comoment[r] = sides[1][r] = sides[0][r]
        elif todo.targets is None and todo.sources is None:
            sides[1][r] = sides[0][r].T
            make_symmetric(comoment[r], np.diagonal(sides[0][r]))
    return LaggedMoments(
        np.rint(count).astype(np.int64),
        mean_target + shift[todo.rows, None],
        mean_source + (shift[todo.columns] if todo.pairs else shift[:, None]),
        sides[0],
        sides[1],
        comoment,
    )


def _check_resolved(square: Floats, left: Floats, *, what: str = "neurons", why: str = FAR_AWAY) -> None:
    """Raise if squares about the provisional mean drown the deviations that are left of them, (r, i, ...)."""
    lost = (left > 0) & (left * FLOAT32_RANGE < square)
    if lost.any():
        rows = np.unique(np.nonzero(lost)[1])
        raise InvalidInput(
            "precision",
            got=f"float32 products, and {len(rows)} {what} (the first is number {rows[0]}, from 0) {why}",
            expected="samples that float32 can resolve",
            fix='Ask for precision="float64" where it is an argument; else give the samples with .astype("float64").',
        )


def _deviations(powers: Floats, count: NDArray[np.int64], n_frames: int, square: Floats) -> tuple[Floats, Floats]:
    """Return sums and summed squared deviations, (r, i) each.

    `powers` (2, r, i) are sums of samples and of squares over the frames that each lag keeps, `count` (r) says how many
    of `n_frames` these are, and `square`, (i) or (r, i), is the sum of squares over all frames, which those of a lag
    were taken from.
    """
    total, kept = powers
    deviations = kept - total * _quotient(total, count[:, None])
    return total, np.where(deviations > _rounding(square, n_frames), deviations, 0.0)


def _rounding(square: Floats, n_frames: int | Floats) -> Floats:
    """Return what may be left of a constant by rounding once its squared mean was subtracted from its squares.

    It is a share of what was subtracted, which grows with the number of frames, since a constant is rounded the
    same way each time that it is added.
    """
    return np.asarray(np.finfo(np.float64).eps * np.maximum(16, n_frames) * square)


def sumsq_of_side(same_time: Floats, edges: Floats, left_out: NDArray[np.bool_], count: NDArray[np.int64]) -> Floats:
    """Return the summed squared deviations over the frames that each lag keeps, (r, i), from the moments at lag 0.

    `same_time` (i, i) is the co-moment at lag 0, about the mean over all frames, and `edges` (i, e) are the edge frames
    about the same mean. `left_out` (r, e) says which of them each lag leaves out, `count` (r) how many frames it keeps.
    """
    square = np.diagonal(same_time)
    kept = np.stack([-(left_out @ edges.T), square - left_out @ np.square(edges).T])
    return _deviations(kept, count, int(count[0] + left_out[0].sum()), square)[1]


def correlation(
    comoment: Floats, sumsq_target: Floats, sumsq_source: Floats, *, by_pair: bool = False, out: Floats | None = None
) -> Floats:
    """Return Pearson's r, (..., i, j) from (..., i, j), (..., i) and (..., j); NaN where a side does not vary.

    If `by_pair`, each pair has squares of its own, (..., i, j). The result takes `out`, which may be `comoment`.
    """
    r = np.empty(comoment.shape) if out is None else out
    squares = [sumsq_target, sumsq_source] if by_pair else [sumsq_target[..., :, None], sumsq_source[..., None, :]]
    targets, sources = (np.broadcast_to(np.sqrt(square), r.shape) for square in squares)
    squares = [np.broadcast_to(square, r.shape) for square in squares]
    height = max(1, PART_ENTRIES * r.shape[-2] // max(1, r.size))
    for first in range(0, r.shape[-2], height):
        rows = np.s_[..., first : first + height, :]
        norm = targets[rows] * sources[rows]
        norm[norm == 0] = np.nan
        # A root squared may miss its number: of a neuron with itself, or its like, r is 1.
        alike = comoment[rows] == squares[0][rows]
        alike &= comoment[rows] == squares[1][rows]
        np.copyto(norm, comoment[rows], where=alike & (norm > 0))
        np.divide(comoment[rows], norm, out=norm)
        np.clip(norm, -1, 1, out=r[rows])
    return r


def _quotient(sums: Floats, count: NDArray[Any]) -> Floats:
    """Return sums divided by counts, NaN where there was nothing to count."""
    return np.asarray(sums / np.where(count > 0, count, np.nan))
