"""P-values of matrices of t and of F, of which each test makes as many as there are pairs of neurons.

With w^2 = df log(1 + p F / df), the p-value is exp(-w^2 / 2) times what changes slowly with w. Where there are many,
that is found exactly for some w, and for all others from a cubic spline through them: ten digits, many times faster.
"""

from typing import Final

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.special import fdtrc, stdtr

from netxr.kernels.lagged_sums import Floats

FEW: Final = 2**13
"""Entries that are found one by one."""

PART: Final = 2**14
"""Entries that are worked on at a time, so that what is in between stays in a cache."""

STEPS: Final = 128
"""Exact values for each unit of w."""

MOST: Final = 40
"""The largest w: p-values end before."""

LEAST: Final = 1e-290
"""Smaller p-values lose digits, and are found one by one."""


def p_value_of_t(t: Floats, df: int) -> Floats:
    """Return how often a t of `df` degrees of freedom is as far from zero."""
    return _found(np.square(t), 1, df)


def p_value_of_f(f: Floats, n_lags: int, df: int) -> Floats:
    """Return how often an F of `n_lags` and `df` degrees of freedom is as large."""
    return _found(np.maximum(f, 0), n_lags, df)  # rounding may leave less than nothing


def _found(f: Floats, n_lags: int, df: int) -> Floats:
    """Return the p-values of F, which take its memory where there are many."""
    if f.size <= FEW:
        return _exact(f, n_lags, df)
    cubic = _cubic(n_lags, df)
    entries = f.reshape(-1)
    for first in range(0, len(entries), PART):
        part = entries[first : first + PART]
        square = df * np.log1p(part * (n_lags / df))
        w = np.sqrt(square)
        far = ~(w * STEPS < cubic.shape[1])
        w[far] = 0
        place = (w * STEPS).astype(np.intp)
        w -= place / STEPS
        a, b, c, d = (row[place] for row in cubic)
        likely = np.exp(((a * w + b) * w + c) * w + d - square / 2)
        likely[far] = _exact(part[far], n_lags, df)
        part[:] = likely
    return f


def _exact(f: Floats, n_lags: int, df: int) -> Floats:
    """Return the p-values of F, those of one lag as the ones of t: of some versions of SciPy they have more digits."""
    return np.asarray(2 * stdtr(df, -np.sqrt(f)) if n_lags == 1 else fdtrc(n_lags, df, f))


def _cubic(n_lags: int, df: int) -> Floats:
    """Return the coefficients of the spline, (4, w), highest power first."""
    w = np.arange(MOST * STEPS + 1) / STEPS
    with np.errstate(over="ignore"):
        exact = _exact(np.expm1(w**2 / df) * (df / n_lags), n_lags, df)
    kept = exact > LEAST
    return np.asarray(CubicSpline(w[kept], np.log(exact[kept]) + w[kept] ** 2 / 2).c)
