"""Lagged second moments: counts, means, summed squares and co-moments at each lag, and what they amount to.

Index letters: i target neuron, j source neuron, r lag, e edge frame.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from netxr.errors import InvalidInput
from netxr.kernels.lagged_sums import Floats, LaggedSums

FLOAT32_RANGE: Final = 400
"""Squares about the provisional mean may be this many times the squared deviations, for an error below 1e-6."""


class LaggedMoments(NamedTuple):
    """What every linear estimator needs: pairs, means and summed squares of both sides, and co-moments."""

    n_pairs: NDArray[np.int64]  # (r)
    mean_target: Floats  # (r, i)
    mean_source: Floats  # (r, j)
    sumsq_target: Floats  # (r, i)
    sumsq_source: Floats  # (r, j)
    comoment: Floats  # (r, i, j)


def moments_of(
    sums: LaggedSums, *, shift: NDArray[Any], sources: Sequence[int] | slice, precision: np.dtype[Any]
) -> LaggedMoments:
    """Return means, summed squares and co-moments about the true means of each lag's own pairs.

    The co-moments take the place of ``sums.product`` in memory.

    Raises
    ------
    InvalidInput
        If float32 products cannot resolve them, because samples lie too far from the provisional mean.
    """
    count = sums.n_frames - sums.not_target.sum(axis=1)
    sum_target, sumsq_target = _side_sums(sums.total, sums.square, sums.edges, sums.not_target, count)
    sum_source, sumsq_source = _side_sums(sums.total, sums.square, sums.edges, sums.not_source, count)
    if precision == np.float32:
        _check_resolved(sums.square, sumsq_target, sumsq_source)
    sum_source, sumsq_source = sum_source[:, sources], sumsq_source[:, sources]
    mean_target, mean_source = _divide(sum_target, count), _divide(sum_source, count)
    for comoment, total, mean in zip(sums.product, sum_target, mean_source, strict=True):
        comoment -= np.outer(total, mean)
    return LaggedMoments(
        count, mean_target + shift, mean_source + shift[sources], sumsq_target, sumsq_source, sums.product
    )


def _check_resolved(square: Floats, *sides: Floats) -> None:
    """Raise if squares about the provisional mean drown the deviations that are left of them, (r, i)."""
    lost = np.any([(side > 0) & (side * FLOAT32_RANGE < square) for side in sides], axis=(0, 1))
    if lost.any():
        raise InvalidInput(
            "precision",
            got=f"float32 products, and {lost.sum()} neurons (the first is number {np.argmax(lost)}, from 0) with "
            f"frames more than {FLOAT32_RANGE**0.5:.0f} deviations away from the others",
            expected="samples that float32 can resolve",
            fix='Ask for precision="float64".',
        )


def _side_sums(
    total: Floats, square: Floats, edges: Floats, left_out: NDArray[np.bool_], count: NDArray[np.int64]
) -> tuple[Floats, Floats]:
    """Return the sum and the summed squared deviations of each neuron over the frames that each lag keeps, (r, i)."""
    kept = total - left_out @ edges.T
    deviations = square - left_out @ np.square(edges).T - kept * _divide(kept, count)
    # What is left of a constant after these subtractions is rounding: a share of what was subtracted that grows
    # with the number of frames, since a constant is rounded the same way each time that it is added.
    n_frames = count + left_out.sum(axis=1)
    rounding = np.finfo(np.float64).eps * np.maximum(16, n_frames)[:, None] * square
    return kept, np.where(deviations > rounding, deviations, 0.0)


def sumsq_of_side(same_time: Floats, edges: Floats, left_out: NDArray[np.bool_], count: NDArray[np.int64]) -> Floats:
    """Return the summed squared deviations over the frames that each lag keeps, (r, i), from the moments at lag 0.

    Parameters
    ----------
    same_time : ndarray, (i, i)
        Co-moment at lag 0, about the mean over all frames.
    edges : ndarray, (i, e)
        Edge frames, about the same mean.
    left_out : ndarray of bool, (r, e)
        Which of them each lag leaves out.
    count : ndarray of int, (r)
        Frames that each lag keeps.
    """
    square = np.diagonal(same_time)
    return _side_sums(np.zeros(len(square)), square, edges, left_out, count)[1]


def correlation(comoment: Floats, sumsq_target: Floats, sumsq_source: Floats) -> Floats:
    """Return Pearson's r, (..., i, j) from (..., i, j), (..., i) and (..., j); NaN where a side does not vary."""
    r = np.sqrt(sumsq_target)[..., :, None] * np.sqrt(sumsq_source)[..., None, :]
    r[r == 0] = np.nan
    np.divide(comoment, r, out=r)
    return np.asarray(np.clip(r, -1, 1, out=r))


def _divide(sums: Floats, count: NDArray[np.int64]) -> Floats:
    """Return (r, i) sums divided by (r) counts, NaN where there was nothing to count."""
    return sums / np.where(count > 0, count, np.nan)[:, None]
