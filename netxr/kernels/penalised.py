"""Regression with a penalty on its coefficients, from normal equations, all targets at once.

The objectives are those of scikit-learn. With N targets: ridge |y - Xb|^2 + alpha |b|^2; elastic net
|y - Xb|^2 / (2 N) + alpha (l1 |b|_1 + (1 - l1) |b|^2 / 2), of which lasso is the case l1 = 1. Index letters as in
`least_squares`.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from netxr.errors import InvalidInput
from netxr.kernels.blas import one_blas_thread
from netxr.kernels.lagged_sums import Floats
from netxr.kernels.normal_equations import NormalEquations

CLOSE: Final = 1e-9
"""The largest change of a coefficient in a round, in standard deviations, at which descent ends."""

SLOW: Final = 0.3
"""A round that changes a target by more than this share of the change before it is slow: the target is settled."""

MOST_ROUNDS: Final = 20_000

ROUNDING: Final = 1e-15
"""Slope that rounding may leave for each round, as a share of the strongest penalty of use."""

TRACE: Final = 1e-13
"""Ridge, as a share of the trace, with which columns that depend on one another are solved."""

COLUMNS: Final = 64
"""Columns that descent goes through between two matrix products."""

N_ALPHAS: Final = 21
"""Strengths that cross-validation tries, from the largest that is of use to 1/100 of it."""


def ridge(equations: NormalEquations, alphas: Sequence[float]) -> Iterator[Floats]:
    """Yield the coefficients of ridge regression, (i, d), for each strength, from one factorisation."""
    variances, directions = scipy.linalg.eigh(equations.gram)
    along = equations.cross @ directions
    for alpha in alphas:
        yield along / (np.maximum(variances, 0) + alpha) @ directions.T


def elastic_net(
    equations: NormalEquations, alphas: Sequence[float], *, l1_ratio: float, positive: bool
) -> Iterator[Floats]:
    """Yield the coefficients of the elastic net, (i, d), for each strength; each begins where the one before ended.

    Coordinate descent (Friedman, Hastie & Tibshirani 2010, doi:10.18637/jss.v033.i01). Where it is slow, each
    target is settled for the signs that it has reached, which ends it if they are right.
    """
    n = equations.n_targets
    gram, cross = equations.gram / n, equations.cross / n
    found = np.zeros_like(cross)
    for alpha in alphas:
        with one_blas_thread():  # its products are small: threads would wait for one another
            found = _descent(gram, cross, found, alpha * l1_ratio, alpha * (1 - l1_ratio), positive=positive)
        yield found


def strengths(equations: NormalEquations, *, l1_ratio: float | None) -> NDArray[np.float64]:
    """Return the strengths that cross-validation tries, largest first.

    The largest is the one at which the elastic net has no coefficient left, and at which ridge (`l1_ratio` None) halves
    the strongest direction.
    """
    if l1_ratio is None:
        largest = float(scipy.linalg.eigvalsh(equations.gram, subset_by_index=[len(equations.gram) - 1] * 2)[0])
    else:
        largest = float(np.abs(equations.cross).max()) / equations.n_targets / max(l1_ratio, 1e-3)
    return largest * np.logspace(0, -2, N_ALPHAS)


def squared_errors(equations: NormalEquations, fitted: NormalEquations, coefficients: Floats) -> float:
    """Return the summed squared errors of coefficients on other samples than those to which they were fitted."""
    moved = equations.mean_target - fitted.mean_target - coefficients @ (equations.mean_design - fitted.mean_design)
    left = equations.square - 2 * np.einsum("id,id->i", coefficients, equations.cross)
    left += np.einsum("id,id->i", coefficients @ equations.gram, coefficients)
    return float((left + equations.n_targets * moved**2).sum())


def _descent(gram: Floats, cross: Floats, start: Floats, l1: float, l2: float, *, positive: bool) -> Floats:
    """Return the coefficients, (i, d), that minimise b G b' / 2 - b c' + l1 |b|_1 + l2 |b|^2 / 2 for each target."""
    scale = np.sqrt(np.diagonal(gram))
    found, open_ = start.copy(), np.arange(len(cross))
    largest, before = np.abs(cross).max(1, initial=0), np.full(len(cross), np.inf)
    for round_ in range(1, MOST_ROUNDS + 1):
        part, moves = _round(gram, cross[open_], found[open_], l1, l2, positive=positive)
        found[open_] = part
        change = (moves * scale).max(1)
        goes_on = change >= CLOSE * np.sqrt(np.abs(part * scale).max(1) + CLOSE)
        slow = goes_on & (change > SLOW * before[open_])
        before[open_] = change
        for i in open_[slow]:
            _settle(gram, cross[i], found[i], l1, l2)
        left = _violation(gram, cross[open_[slow]], found[open_[slow]], l1, l2, positive=positive)
        # What rounding leaves depends on the columns: the more rounds, the less is asked.
        goes_on[slow] = left > 1e-10 * l1 + ROUNDING * round_ * largest[open_[slow]]
        open_ = open_[goes_on]
        if not len(open_):
            return found
    raise InvalidInput(
        "data",
        got=f"columns so alike that descent does not end at alpha={l1 + l2:g}",
        expected="means that are not far larger than the deviations",
        fix="Use intercept=True, or subtract the mean of each neuron.",
    )


def _round(
    gram: Floats, cross: Floats, start: Floats, l1: float, l2: float, *, positive: bool
) -> tuple[Floats, Floats]:
    """Go through all columns once, and return the coefficients and by how much each has changed."""
    begun = np.ascontiguousarray(start.T)  # a column of all targets is in a row of memory
    found, slope = begun.copy(), cross.T - gram @ begun
    least = -np.inf if positive else -l1
    for first in range(0, len(found), COLUMNS):
        columns = slice(first, first + COLUMNS)
        within, part = gram[columns, columns], slope[columns].copy()
        for j, old in enumerate(begun[columns]):
            own = within[j, j]
            if own <= 0:
                continue
            pull = part[j] + own * old
            new = pull - np.minimum(np.maximum(pull, least), l1)
            new /= own + l2
            step = new - old
            if step.any():
                part[j + 1 :] -= np.multiply.outer(within[j, j + 1 :], step)
                found[first + j] = new
        slope -= gram[:, columns] @ (found[columns] - begun[columns])
    return found.T, np.abs(found - begun).T


def _settle(gram: Floats, cross: Floats, found: Floats, l1: float, l2: float) -> None:
    """Move one target to the minimum among coefficients of the signs that it has; each that reaches zero stays there.

    Steps are Newton's, as far as no sign changes (Lee et al. 2006, "Efficient sparse coding algorithms", NIPS 19).
    Where columns depend on one another a trace of ridge is added, which keeps each step downhill and leads to fewer.
    """
    while len(chosen := np.flatnonzero(found)):
        now = found[chosen]
        within = gram[np.ix_(chosen, chosen)] + l2 * np.eye(len(chosen))
        slope = cross[chosen] - within @ now - l1 * np.sign(now)
        step, failed = scipy.linalg.lapack.dposv(within, slope)[1:]
        if failed:
            within[np.diag_indices_from(within)] += TRACE * within.trace()
            step, failed = scipy.linalg.lapack.dposv(within, slope)[1:]
        shares = np.where(step * now < 0, -now / np.where(step, step, 1), np.inf)
        first = int(shares.argmin())
        if failed or shares[first] > 1:
            found[chosen] += 0 if failed else step
            return
        found[chosen] += shares[first] * step
        found[chosen[first]] = 0


def _violation(gram: Floats, cross: Floats, found: Floats, l1: float, l2: float, *, positive: bool) -> Floats:
    """Return how far each target is from the conditions of a minimum (Karush, Kuhn & Tucker), in units of `cross`."""
    slope = cross - found @ gram - l2 * found
    outside = slope - l1 if positive else np.abs(slope) - l1
    return np.asarray(np.where(found, np.abs(slope - l1 * np.sign(found)), outside).max(1, initial=0))
