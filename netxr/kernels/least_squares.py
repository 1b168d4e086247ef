"""Least squares from normal equations: coefficients of all targets, and what follows, from one factorisation.

Everything is in units of standard deviations, so that neurons of any scale are alike. Index letters as in
`normal_equations`; i target, d column of the design.
"""

from typing import Final, NamedTuple

import numpy as np
import scipy.linalg

from netxr.errors import DependentSources, InvalidInput
from netxr.kernels.lagged_sums import Floats
from netxr.kernels.moments import make_symmetric
from netxr.kernels.normal_equations import NormalEquations

WORST_CONDITION: Final = 1e12
"""A design whose condition number is larger leaves its coefficients no digit that could be trusted."""

SHRUNK: Final = 'netxr.partial_correlation with shrinkage="oas", or netxr.regression with a penalty'
"""What does with fewer samples, and with neurons that depend on one another."""


class Fit(NamedTuple):
    """Least squares of every target; NaN where a target or a column of the design does not vary."""

    standardised: Floats
    """Coefficients, in standard deviations of the target for one of the source, (i, d)."""
    inverse: Floats
    """Inverse of the correlation matrix of the design, (d, d)."""
    residual: Floats
    """Share of the target's variance that is left, (i)."""
    target_scale: Floats
    design_scale: Floats
    """Roots of the summed squares, by which everything was divided, (i) and (d)."""
    df: int
    """Targets less parameters."""
    condition_number: float
    """Of that correlation matrix, in the 1-norm."""

    @property
    def coefficient(self) -> Floats:
        """Coefficients in units of the target for one of the source, (i, d)."""
        found = self.standardised / self.design_scale
        found *= self.target_scale[:, None]
        return np.asarray(found)

    @property
    def standard_error(self) -> Floats:
        """Standard errors of the standardised coefficients, (i, d)."""
        return np.outer(np.sqrt(self.residual / self.df), np.sqrt(np.diagonal(self.inverse)))

    @property
    def t(self) -> Floats:
        """Coefficients in units of their standard errors, (i, d)."""
        error = self.standard_error
        with np.errstate(divide="ignore", invalid="ignore"):  # nothing is left of a target that is wholly explained
            return np.divide(self.standardised, error, out=error)

    @property
    def partial_correlation(self) -> Floats:
        """Correlation of target and source when all other columns of the design are held fixed, (i, d)."""
        found = np.outer(self.residual, np.diagonal(self.inverse))
        with np.errstate(divide="ignore", invalid="ignore"):
            for part, b in zip(found, self.standardised, strict=True):
                np.divide(b, np.sqrt(np.square(b) + part), out=part)
        return found


def least_squares(equations: NormalEquations, *, n_parameters: int | None = None, shrinkage: float = 0) -> Fit:
    """Fit every target by least squares; what is found takes the memory of the equations' matrices.

    A target has as many parameters as the design has columns, and a mean, if `n_parameters` does not say how many;
    those of inputs that were taken out count on top. Shrinkage from 0 to 1 is how far the covariance of the design is
    moved towards a multiple of the identity. Raises InvalidInput if there are no more targets than parameters, or the
    design is singular.
    """
    gram, cross, square = equations.gram, equations.cross, equations.square
    n_design, n_targets = len(gram), equations.n_targets
    n_parameters = (n_design + 1 if n_parameters is None else n_parameters) + equations.n_held
    if n_targets <= n_parameters and not shrinkage:
        raise _too_few(n_targets, n_parameters)
    inverse, design_scale, condition = inverse_correlation(gram, shrinkage=shrinkage, in_place=True)
    target_scale = np.sqrt(np.where(square > 0, square, np.nan))
    kept = np.flatnonzero(np.isfinite(design_scale))
    shares = _divided(cross, target_scale, design_scale)
    if len(kept) == n_design:
        found = shares @ inverse
        explained = np.einsum("id,id->i", found, shares)
    else:
        found = np.full(shares.shape, np.nan)
        found[:, kept] = shares[:, kept] @ inverse[np.ix_(kept, kept)]
        explained = np.einsum("id,id->i", found[:, kept], shares[:, kept])
    residual = np.where(square > 0, np.maximum(1 - explained, 0), np.nan)
    df = n_targets - n_parameters + n_design - len(kept)
    return Fit(found, inverse, residual, target_scale, design_scale, df, condition)


def _too_few(n_targets: int, n_parameters: int) -> InvalidInput:
    """Return the error about fewer samples than parameters."""
    return InvalidInput(
        "data",
        got=f"{n_targets} samples of each target for {n_parameters} parameters",
        expected=f"at least {n_parameters + 1}",
        fix=f"Record longer or name fewer lags, or use {SHRUNK}.",
    )


def inverse_correlation(
    square: Floats, *, shrinkage: float = 0, in_place: bool = False
) -> tuple[Floats, Floats, float]:
    """Return the inverse of the correlation matrix of summed products (d, d), their scale (d), and a condition number.

    Both are NaN where a column does not vary. With `shrinkage` from 0 to 1, the covariance of the others is moved by so
    much towards a multiple of the identity before. The inverse takes the memory of the products if it may, `in_place`.
    """
    square = square if in_place else square.copy()
    diagonal = np.diagonal(square)
    kept = np.flatnonzero(diagonal > 0)
    if shrinkage and len(kept):
        towards = shrinkage * diagonal[kept].mean()
        square *= 1 - shrinkage
        square[kept, kept] += towards
    scale = np.sqrt(np.where(diagonal > 0, diagonal, np.nan))
    correlation = _divided(square, scale, scale)
    if len(kept) == len(scale):
        inverse, condition = _inverse(correlation)
        return inverse, scale, condition
    within = np.ix_(kept, kept)
    correlation[within], condition = _inverse(correlation[within])
    return correlation, scale, condition


def _divided(matrix: Floats, rows: Floats, columns: Floats) -> Floats:
    """Return a matrix divided by a scale of its rows and one of its columns, in its own memory."""
    matrix /= rows[:, None]
    matrix /= columns
    return matrix


def oas_shrinkage(covariance: Floats, n_samples: int) -> float:
    """Return how far to move a covariance matrix towards a multiple of the identity.

    Oracle approximating shrinkage of Chen et al. 2010, doi:10.1109/TSP.2010.2053029, equation 23, as scikit-learn has
    it: without the terms 2 / n, which matter for few neurons only. Columns that do not vary do not count.
    """
    size = max(int((np.diagonal(covariance) > 0).sum()), 1)
    mean_square, square_mean = float(np.square(covariance).sum()) / size**2, float(np.trace(covariance) / size) ** 2
    excess = (n_samples + 1) * (mean_square - square_mean / size)
    return min(1.0, (mean_square + square_mean) / excess) if excess > 0 else 1.0


def partial_correlations(inverse: Floats) -> Floats:
    """Return the correlation of each pair with all others held fixed, from the inverse of a correlation matrix."""
    scale = np.sqrt(np.diagonal(inverse))
    found = -inverse / np.outer(scale, scale)
    found[np.diag_indices_from(found)] = np.where(np.isfinite(scale), 1, np.nan)
    return np.asarray(found)


def _inverse(correlation: Floats) -> tuple[Floats, float]:
    """Return the inverse of a correlation matrix, which takes its memory, and its condition number."""
    if not len(correlation):  # of which LAPACK complains on the terminal
        return correlation, np.inf
    norm = float(np.abs(correlation).sum(0).max(initial=0))
    # To LAPACK, which goes by columns, the upper triangle is the lower one.
    factor, failed = scipy.linalg.lapack.dpotrf(correlation.T, lower=True, clean=False, overwrite_a=True)
    reciprocal = 0.0 if failed else float(scipy.linalg.lapack.dpocon(factor, norm, uplo="L")[0])
    condition = 1 / reciprocal if reciprocal > 0 else np.inf
    _check_condition(condition)
    inverse = scipy.linalg.lapack.dpotri(factor, lower=True, overwrite_c=True)[0].T
    make_symmetric(inverse, np.diagonal(inverse).copy())
    return inverse, condition


def that_follow(square: Floats) -> list[int]:
    """Return the columns of summed products (d, d) that others add up to: without them there are none.

    By a Cholesky factorisation that takes the column first of which most is left once those before it are known.

    Examples
    --------
    >>> samples = np.array([[1.0, 0, 1], [0, 2, 2], [3, 1, 4], [1, 1, 2]])  # the first two add up to the third
    >>> that_follow(samples.T @ samples)
    [2]
    """
    kept = np.flatnonzero(np.diagonal(square) > 0)
    scale = np.sqrt(np.diagonal(square)[kept])
    correlation = square[np.ix_(kept, kept)] / np.outer(scale, scale)
    _, order, rank, _ = scipy.linalg.lapack.dpstrf(correlation, tol=1 / WORST_CONDITION)
    return sorted(kept[order[rank:] - 1].tolist())


def _check_condition(condition: float) -> None:
    """Raise if a design is so close to singular that its coefficients have no digit that could be trusted."""
    if condition > WORST_CONDITION:
        raise DependentSources(
            "data",
            got=f"sources that depend on one another (condition number {condition:.1e})",
            expected=f"a condition number below {WORST_CONDITION:.0e}",
            fix=f"Leave out neurons that others add up to, and inputs that neurons add up to, or use {SHRUNK}.",
        )


def granger_f(fit: Fit, *, n_lags: int) -> Floats:
    """Return the F of leaving out all lags of a source, (i, j): b' (K_jj)^-1 b / (p s^2), K the inverse of the design.

    The columns of the design are lag by lag, all sources of each.
    """
    n_targets, n_sources = len(fit.residual), len(fit.inverse) // n_lags
    own = np.einsum("ajbj->jab", fit.inverse.reshape(n_lags, n_sources, n_lags, n_sources))
    b = fit.standardised.reshape(n_targets, n_lags, n_sources)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.einsum("iaj,jab,ibj->ij", b, np.linalg.inv(own), b)
        found /= n_lags * fit.residual[:, None] / fit.df
    return np.asarray(found)


def pairwise_granger_f(equations: NormalEquations, *, n_lags: int) -> tuple[Floats, int, float]:
    """Return the F of leaving out all lags of a source when only the target's own past is held fixed, (i, j).

    NaN on the diagonal, and where a neuron does not vary. Its degrees of freedom follow, and the condition number of
    the two neurons that depend most on one another. Raises InvalidInput if they are the same.
    """
    gram, cross, square = equations.gram, equations.cross, equations.square
    n_neurons, n_parameters = len(square), 2 * n_lags + 1 + equations.n_held
    df = equations.n_targets - n_parameters
    if df < 1:
        raise _too_few(equations.n_targets, n_parameters)
    between = gram.reshape(n_lags, n_neurons, n_lags, n_neurons).transpose(1, 3, 0, 2)  # (i, j, a, b)
    onto = cross.reshape(n_neurons, n_lags, n_neurons).transpose(0, 2, 1)  # (i, j, a)
    index = np.arange(n_neurons)
    varies = (square > 0) & (np.diagonal(gram).reshape(n_lags, n_neurons) > 0).all(0)
    found = np.full((n_neurons, n_neurons), np.nan)
    most, pair = 0.0, np.array([], int)
    for i in np.flatnonzero(varies):
        others = index[(index != i) & varies]
        own, own_onto = between[i, i], onto[i, i]
        # What the target's own past explains is taken out of source and target.
        explained = _solved(own, np.concatenate([own_onto[:, None], *between[i, others]], 1))
        left = square[i] - own_onto @ explained[:, 0]
        into = explained[:, 1:].reshape(n_lags, len(others), n_lags).transpose(1, 0, 2)
        mixed = between[i, others]
        source = between[others, others] - np.einsum("jab,jac->jbc", mixed, into)
        effect = onto[i, others] - np.einsum("jab,a->jb", mixed, explained[:, 0])
        inverse = _solved(source, np.eye(n_lags))
        gain = np.einsum("jb,jbc,jc->j", effect, inverse, effect)
        inflated = np.abs(np.einsum("jbb,jbb->jb", inverse, between[others, others])).max(1, initial=0)
        if inflated.max(initial=0) > most:
            most, pair = inflated.max(), np.array([i, others[inflated.argmax()]])
        with np.errstate(divide="ignore", invalid="ignore"):
            found[i, others] = (gain / n_lags) / ((left - gain) / df)
    columns = np.add.outer(n_neurons * np.arange(n_lags), pair).ravel()
    scale = np.sqrt(np.diagonal(gram)[columns])
    condition = float(np.linalg.cond(gram[np.ix_(columns, columns)] / np.outer(scale, scale), 1)) if len(pair) else 1.0
    _check_condition(condition)
    return found, df, condition


def _solved(matrices: Floats, right: Floats) -> Floats:
    """Return the solutions of linear equations, or raise InvalidInput if they are singular."""
    try:
        return np.asarray(np.linalg.solve(matrices, right))
    except np.linalg.LinAlgError:
        _check_condition(np.inf)
        raise
