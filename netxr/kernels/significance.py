"""p-values of correlations between samples that depend on those before them, and false discovery rates.

Index letters: i target, j source, k lag of an autocorrelation.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, ndtri, stdtr

from netxr.errors import InvalidInput
from netxr.kernels.lagged_sums import Floats

LINE: Final = float(ndtri(0.975))
"""Of white noise, one autocorrelation in twenty is farther from zero than this over the root of the samples."""

FEWEST: Final = 4
"""Effective samples from which a correlation has an interval."""


def effective_samples(target: Floats, source: Floats, lags: NDArray[np.int64], n_samples: int) -> Floats:
    """Return how many independent samples say as much of a correlation, (i, j).

    N / (1 + 2 sum_k (1 - k / N) r_i(k) r_j(k)): Bartlett 1946, https://www.jstor.org/stable/2983611. Each r ends before
    its first value that white noise might have.

    Parameters
    ----------
    target, source : ndarray, (k, i) and (k, j)
        Autocorrelations at lags 1, 2, ...; NaN where a neuron does not vary.
    lags : ndarray, (k)
        These lags.
    n_samples : int
        Pairs of samples of each correlation.
    """
    kept = [np.where(is_kept(r, n_samples) | np.isnan(r), r, 0) for r in (target, source)]
    weights = 1 - lags / n_samples
    inflation = 1 + 2 * (kept[0] * weights[:, None]).T @ kept[1]
    return np.asarray(n_samples / np.maximum(inflation, 1 / n_samples))


def is_kept(autocorrelation: Floats, n_samples: int) -> NDArray[np.bool_]:
    """Return which lags are before the first one whose autocorrelation white noise might have, (k, i)."""
    return np.asarray(np.logical_and.accumulate(np.abs(autocorrelation) >= LINE / np.sqrt(n_samples), axis=0))


def correlation_p_value(r: Floats, n_effective: Floats) -> Floats:
    """Return how often a correlation of so many independent samples is as far from zero; NaN for fewer than 4."""
    df = np.where(n_effective >= FEWEST, n_effective - 2, np.nan)
    with np.errstate(divide="ignore"):
        t = np.abs(r) * np.sqrt(df / (1 - np.square(r)))
    return np.asarray(2 * stdtr(df, -t))


def correlation_interval(r: Floats, deviation: Floats, *, quantile: float | Floats = LINE) -> tuple[Floats, Floats]:
    """Return both ends of an interval around a correlation, whose Fisher z has that standard deviation."""
    with np.errstate(divide="ignore"):
        z = np.arctanh(r)
    return np.tanh(z - quantile * deviation), np.tanh(z + quantile * deviation)


def q_values(p: Floats, *, dependent: bool = False) -> Floats:
    """Return false discovery rates of p-values of any shape: the least m p / rank of any as high; NaN stays."""
    found = np.full(p.shape, np.nan)
    defined = np.isfinite(p)
    values = p[defined]
    if values.size and not 0 <= values.min() <= values.max() <= 1:
        got = f"values from {values.min():.3g} to {values.max():.3g}"
        fix = "Give p-values, such as p_value of netxr.correlation_test."
        raise InvalidInput("p_value", got=got, expected="0 to 1", fix=fix)
    found[defined] = lowest_q_values(values, number_of_tests(values.size, dependent=dependent))
    return found


def number_of_tests(m: int, *, dependent: bool) -> float:
    """Return what the step-up rule multiplies p-values by: m, or m (1 + 1/2 + ... + 1/m) for any dependence."""
    return float(m * (digamma(m + 1) + np.euler_gamma) if dependent and m else m)


def lowest_q_values(p: Floats, factor: float) -> Floats:
    """Return the false discovery rates of the lowest p-values of a family, of which no further one is discovered."""
    order = np.argsort(p)
    rates = np.minimum.accumulate((p[order] * factor / np.arange(1, p.size + 1))[::-1])[::-1]
    sorted_back = np.empty(p.size)
    sorted_back[order] = np.minimum(rates, 1)
    return sorted_back
