"""p-values of correlations between samples that depend on those before them, and false discovery rates.

Index letters: i target, j source, k lag of an autocorrelation.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, erfc, ndtri, stdtr

from netxr.errors import InvalidInput
from netxr.kernels.lagged_sums import Floats

LINE: Final = float(ndtri(0.975))
"""Of white noise, one autocorrelation in twenty is farther from zero than this over the root of the samples."""

MANY: Final = 1000
"""Degrees of freedom from which the tails of t follow from those of the normal distribution."""

FARTHEST: Final = 2000.0
"""Squared normal deviates of which the tails are zero."""

FEWEST: Final = 4
"""Effective samples from which a correlation has an interval."""


def effective_samples(target: Floats, source: Floats, n_samples: int | NDArray[np.int64]) -> Floats:
    """Return how many independent samples say as much of a correlation, (i, j).

    N / (1 + 2 sum_k (1 - k / N) r_i(k) r_j(k)): Bartlett 1946, https://www.jstor.org/stable/2983611. Each r ends before
    its first value that white noise might have.

    Parameters
    ----------
    target, source : ndarray, (k, i) and (k, j)
        Autocorrelations at lags 1, 2, ...; NaN where a neuron does not vary.
    n_samples : int or ndarray, (i, j)
        Pairs of samples of each correlation.
    """
    counts = of_each_neuron(n_samples)
    kept = [until_white(r, count) for r, count in zip((target, source), counts, strict=True)]
    return np.asarray(n_samples / variance_inflation(kept[0], kept[1], n_samples))


def variance_inflation(target: Floats, source: Floats, n_samples: int | NDArray[np.int64]) -> Floats:
    """Return the factor by which dependent samples make a correlation less sure, (i, j), at least 1 / N.

    Both autocorrelations are those of `until_white`, at lags 1, 2, ....
    """
    n_lags = max(1, *(int(np.count_nonzero(r.any(axis=1))) for r in (target, source)))  # beyond, all are zero
    first, second, n_pairs = 2 * target[:n_lags], source[:n_lags], np.maximum(n_samples, 1)
    lags = np.arange(1, n_lags + 1)[:, None]
    if np.ndim(n_samples):
        inflation = first.T @ second - (lags * first).T @ second / n_pairs
    else:
        inflation = (first * (1 - lags / n_samples)).T @ second
    inflation += 1
    return np.asarray(np.maximum(inflation, 1 / n_pairs, out=inflation))


def until_white(autocorrelation: Floats, n_samples: int | NDArray[np.int64]) -> Floats:
    """Return autocorrelations, (k, i), with zeros from the first value that white noise might have; NaN stays."""
    return np.where(is_kept(autocorrelation, n_samples) | np.isnan(autocorrelation), autocorrelation, 0)


def of_each_neuron(n_samples: int | NDArray[np.int64]) -> tuple[Any, Any]:
    """Return how many samples there are of each target and of each source: as many as of its pair with the most."""
    return (np.max(n_samples, axis=1), np.max(n_samples, axis=0)) if np.ndim(n_samples) else (n_samples, n_samples)


def is_kept(autocorrelation: Floats, n_samples: int | NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which lags are before the first one whose autocorrelation white noise might have, (k, i)."""
    line = LINE / np.sqrt(np.maximum(n_samples, 1))
    return np.asarray(np.logical_and.accumulate(np.abs(autocorrelation) >= line, axis=0))


def correlation_p_value(r: Floats, n_effective: Floats) -> Floats:
    """Return how often a correlation of so many independent samples is as far from zero; NaN for fewer than 4."""
    df = np.where(n_effective >= FEWEST, n_effective - 2, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = _normal_tail(-np.log1p(-np.square(r)), df)
        few = np.nonzero(df < MANY)
        some, df = np.square(r[few]), df[few]
        p[few] = 2 * stdtr(df, -np.sqrt(some * df / (1 - some)))
    return p


def _normal_tail(log_odds: Floats, df: Floats) -> Floats:
    """Return both tails of t from those of the normal distribution, for log(1 + t^2 / df) and many degrees of freedom.

    Hill 1970, Algorithm 395, doi:10.1145/355598.355599: eleven digits, many times faster than an incomplete beta.
    """
    a = df - 0.5
    b = 48 * a**2
    y = np.minimum(a * log_odds, FARTHEST)
    z = ((((-0.4 * y - 3.3) * y - 24) * y - 85.5) / (0.8 * y**2 + 100 + b) + y + 3) / b + 1
    return np.asarray(erfc(z * np.sqrt(y / 2)))


def correlation_interval(r: Floats, deviation: Floats, *, quantile: float | Floats = LINE) -> tuple[Floats, Floats]:
    """Return both ends of an interval around a correlation, whose Fisher z has that standard deviation."""
    reach = np.tanh(quantile * deviation)
    both = r * reach
    with np.errstate(divide="ignore", invalid="ignore"):
        return (r - reach) / (1 - both), (r + reach) / (1 + both)


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
