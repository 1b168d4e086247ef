"""What inputs explain is taken out of the moments of neurons, by a Schur complement.

What is left is as if neurons had been regressed on the inputs before (Frisch & Waugh 1933, doi:10.2307/1907330): so
coefficients, their errors and partial correlations are those of a regression with the inputs as further columns.
Index letters as in `normal_equations`; g column of the inputs, w direction in which they vary.
"""

from typing import Final

import numpy as np

from netxr.errors import InvalidInput
from netxr.kernels.lagged_sums import Floats
from netxr.kernels.least_squares import WORST_CONDITION
from netxr.kernels.normal_equations import NormalEquations

LEAST: Final = 1 / WORST_CONDITION
"""Share of the variance of a neuron; if inputs leave less, they leave nothing."""

INPUTS: Final = "inputs that depend on one another, at the lags that count"
ALIKE: Final = "Leave out inputs that others add up to, or that are others some samples later."


def held_fixed(equations: NormalEquations) -> NormalEquations:
    """Return the normal equations of what the inputs leave of the targets and of the other columns.

    Raises InvalidInput if inputs depend on one another.
    """
    if not equations.n_given:
        return equations
    gram, cross, square = equations.gram, equations.cross, equations.square
    n = len(gram) - equations.n_given
    directions = _directions(gram[n:, n:], equations.n_targets)
    targets, design = cross[:, n:] @ directions, gram[:n, n:] @ directions
    explained = np.einsum("iw,iw->i", targets, targets)
    left = _left(gram[:n, :n], design)
    rest = np.where(explained < (1 - LEAST) * square, square - explained, 0)
    between = _less(cross[:, :n], targets, design)
    between[rest <= 0] = between[:, np.diagonal(left) <= 0] = 0
    return equations._replace(
        gram=left,
        cross=between,
        square=rest,
        mean_design=equations.mean_design[:n],
        n_given=0,
        n_held=directions.shape[1],
    )


def held_fixed_at_once(products: Floats, n_given: int, n_samples: int) -> tuple[Floats, int]:
    """Return what inputs, the last columns, leave of summed products of deviations, and how many of them vary."""
    if not n_given:
        return products, 0
    n = len(products) - n_given
    directions = _directions(products[n:, n:], n_samples)
    return _left(products[:n, :n], products[:n, n:] @ directions), directions.shape[1]


def with_given(equations: NormalEquations, coefficients: Floats) -> Floats:
    """Return coefficients, (i, d), with those of the inputs behind them, which fit what the others leave."""
    if not equations.n_given:
        return coefficients
    n = coefficients.shape[1]
    directions = whitening(equations.gram[n:, n:])
    left = equations.cross[:, n:] - coefficients @ equations.gram[:n, n:]
    return np.hstack([coefficients, left @ directions @ directions.T])


def _directions(products: Floats, n_samples: int) -> Floats:
    """Return the directions in which inputs vary, (g, w), if there are more samples than inputs."""
    n_varying = int((np.diagonal(products) > 0).sum())
    if n_samples <= n_varying:
        raise InvalidInput(
            "given",
            got=f"{n_samples} samples of each target for {n_varying} parameters of inputs, at all lags that count",
            expected=f"at least {n_varying + 1}",
            fix="Record longer, or hold fewer inputs fixed, or at fewer lags.",
        )
    return whitening(products)


def whitening(products: Floats, *, argument: str = "given", got: str = INPUTS, fix: str = ALIKE) -> Floats:
    """Return the matrix W, (g, w), with which W W' is the inverse of summed products of deviations, (g, g).

    A column that does not vary has zeros. Raises InvalidInput if columns depend on one another; the message is about
    the `argument` that they came by, and says what was `got` and how to `fix` it.
    """
    diagonal = np.diagonal(products)
    kept = np.flatnonzero(diagonal > 0)
    scale = np.sqrt(diagonal[kept])
    shares, directions = np.linalg.eigh(products[np.ix_(kept, kept)] / np.outer(scale, scale))
    if len(kept) and shares[0] * WORST_CONDITION < shares[-1]:
        condition = shares[-1] / shares[0] if shares[0] > 0 else np.inf
        raise InvalidInput(
            argument,
            got=f"{got} (condition number {condition:.1e})",
            expected=f"a condition number below {WORST_CONDITION:.0e}",
            fix=fix,
        )
    found = np.zeros((len(products), len(kept)))
    found[kept] = directions / np.sqrt(shares) / scale[:, None]
    return found


def _left(products: Floats, explained: Floats) -> Floats:
    """Return what directions, (d, w), leave of summed products, (d, d); where that is next to nothing, nothing."""
    left = _less(products, explained, explained)
    own, whole = np.diagonal(left), np.diagonal(products)
    gone = ~(own > LEAST * whole)
    left[gone] = left[:, gone] = 0
    return left


def _less(products: Floats, targets: Floats, design: Floats) -> Floats:
    """Return summed products, (i, d), without what directions, (i, w) and (d, w), explain of them."""
    explained = np.asarray(targets @ design.T)
    return np.subtract(products, explained, out=explained)
