"""The course of each neuron over a trial: sums over its frames, and the polynomial that follows from them.

Index letters: n neuron, t frame, k and l powers. NaN and infinity are left out of every sum.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.polynomial.legendre import legvander
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Course(NamedTuple):
    """Sums over frames, of samples about one of them."""

    origin: Floats  # (n)
    gram: Floats  # (n, k, l), of the polynomials
    moment: Floats  # (n, k), of polynomials and samples
    square: Floats  # (n), of samples


def sum_course(pieces: Iterable[NDArray[Any]], offset: int, *, order: int, n_steps: int) -> Course:
    """Return the sums over consecutive pieces, (n, t) each, that begin at frame `offset`.

    The trial has `n_steps` frames, and `order` is the highest power of the polynomials.
    """
    sums = []
    for piece in pieces:
        basis = polynomials(np.arange(offset, offset + piece.shape[1]), order=order, n_steps=n_steps)
        sums.append(_sum_piece(piece, basis))
        if len(sums) == 2:
            sums = [join_courses(sums)]
        offset += piece.shape[1]
    return sums[0]


def _sum_piece(piece: NDArray[Any], basis: Floats) -> Course:
    """Return the sums over a piece (n, t), with the polynomials of its frames (t, k)."""
    there = np.isfinite(piece)
    # About a sample of its own, a neuron that does not vary is exactly 0.
    origin = np.zeros(len(piece))
    if piece.shape[1]:
        first = there.argmax(axis=1)[:, None]
        found = np.take_along_axis(there, first, axis=1)
        origin = np.where(found, np.take_along_axis(piece, first, axis=1), 0)[:, 0].astype(np.float64)
    samples = piece - origin[:, None]
    products = basis[:, :, None] * basis[:, None, :]
    if there.all():
        gram = np.broadcast_to(products.sum(axis=0), (len(piece), *products.shape[1:]))
    else:
        samples[~there] = 0
        gram = np.tensordot(there.astype(np.float64), products, axes=1)
    return Course(origin, gram, samples @ basis, np.einsum("nt,nt->n", samples, samples))


def join_courses(parts: Sequence[Course]) -> Course:
    """Return the sums over several segments of a trial, about the origin of the first that has samples."""
    counts = np.stack([part.gram[:, 0, 0] for part in parts])
    first = (counts > 0).argmax(axis=0)
    origin = np.stack([part.origin for part in parts])[first, np.arange(len(first))]
    moved = [_about(origin, part) for part in parts]
    return Course(origin, *(sum(column) for column in list(zip(*moved, strict=True))[1:]))


def _about(origin: Floats, course: Course) -> Course:
    """Return the sums of the same samples about another origin."""
    shift = course.origin - origin
    ones = course.gram[:, :, 0]  # sums of the polynomials, since the first of them is 1
    square = course.square + shift * (2 * course.moment[:, 0] + shift * ones[:, 0])
    return Course(origin, course.gram, course.moment + shift[:, None] * ones, square)


def trend(course: Course) -> Floats:
    """Return the polynomial that fits best, (n, 1 + k): the origin, then a coefficient for each power."""
    inverse = np.linalg.pinv(course.gram, hermitian=True)
    return np.column_stack([course.origin, np.einsum("nkl,nl->nk", inverse, course.moment)])


def mean_and_deviation(course: Course) -> Floats:
    """Return the mean and the population deviation, (n, 2); the deviation of what does not vary is 1."""
    count, total = course.gram[:, 0, 0], course.moment[:, 0]
    mean = total / np.maximum(count, 1)
    variance = np.maximum(course.square / np.maximum(count, 1) - mean**2, 0)
    return np.column_stack([course.origin + mean, np.sqrt(np.where(variance > 0, variance, 1))])


def without_trend(samples: NDArray[Any], frames: NDArray[Any], fitted: Floats, *, n_steps: int) -> NDArray[Any]:
    """Return samples less the polynomial: samples (n, t, ...), frames (t, ...), fitted (n, 1, ..., 1 + k)."""
    basis = polynomials(frames, order=fitted.shape[-1] - 2, n_steps=n_steps)
    left = samples - fitted[..., 0]
    for power in range(basis.shape[-1]):
        left -= fitted[..., power + 1] * basis[..., power]
    return as_samples(left, samples)


def standardised(samples: NDArray[Any], scale: Floats) -> NDArray[Any]:
    """Return samples in deviations from their mean: samples (n, t, ...), scale (n, 1, ..., 2)."""
    scores = samples - scale[..., 0]
    scores /= scale[..., 1]
    return as_samples(scores, samples)


def as_samples(values: Floats, samples: NDArray[Any]) -> NDArray[Any]:
    """Return values in the dtype of the samples that they come from, float64 for integers."""
    return values.astype(samples.dtype, copy=False) if samples.dtype.kind == "f" else values


def polynomials(frames: NDArray[Any], *, order: int, n_steps: int) -> Floats:
    """Return Legendre polynomials over a trial of `n_steps` frames, (..., k)."""
    return np.asarray(legvander(2 * frames / max(n_steps - 1, 1) - 1, order))
