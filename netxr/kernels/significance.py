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

WHITE_LAGS: Final = 10
"""The fewest lags from which it is told that an autocorrelation has ended."""

FEWEST: Final = 4
"""Effective samples from which a correlation has an interval."""


def effective_samples(target: Floats, source: Floats, n_samples: int | NDArray[np.int64]) -> Floats:
    """Return how many independent samples say as much of a correlation, (i, j), as `n_samples` do.

    N / (1 + 2 sum_k (1 - k / N) r_i(k) r_j(k)): Bartlett 1946, https://www.jstor.org/stable/2983611. Autocorrelations r
    at lags 1, 2, ..., (k, i) and (k, j), are NaN where a neuron does not vary; each ends where `white_from` says.
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
    """Return autocorrelations, (k, i), with zeros from where they are those of white noise; NaN stays."""
    lags = np.arange(len(autocorrelation)).reshape(-1, *(1,) * (autocorrelation.ndim - 1))
    is_kept = lags < white_from(autocorrelation, n_samples)
    return np.where(is_kept | np.isnan(autocorrelation), autocorrelation, 0)


def of_each_neuron(n_samples: int | NDArray[np.int64]) -> tuple[Any, Any]:
    """Return how many samples there are of each target and of each source: as many as of its pair with the most."""
    return (np.max(n_samples, axis=1), np.max(n_samples, axis=0)) if np.ndim(n_samples) else (n_samples, n_samples)


def white_from(autocorrelation: Floats, n_samples: int | NDArray[np.int64]) -> NDArray[np.intp]:
    """Return how many lags are before those at which an autocorrelation, (k, i), is that of white noise, (i).

    From there on nine in ten values are within 1.96 / sqrt(N) of zero, the first among them, over as many lags as there
    are before and 10 at least. One value near zero would not do: what oscillates, or went through a high-pass filter,
    crosses zero, and comes back.
    """
    far = _is_far(autocorrelation, n_samples)
    first = np.arange(len(far))
    end = np.minimum(first + np.maximum(WHITE_LAGS, first + 1), len(far))
    n_far = np.cumsum(np.concatenate([np.zeros_like(far[:1]), far]), axis=0, dtype=np.int64)
    most = ((end - first) // 10).reshape(-1, *(1,) * (far.ndim - 1))
    is_white = ~far & (n_far[end] - n_far[first] <= most)
    return np.where(is_white.any(axis=0), is_white.argmax(axis=0), len(far))


def is_cut_off(autocorrelation: Floats, n_samples: int | NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which autocorrelations, (k, i), are not yet zero at their last lags, (i).

    They never were, or are there, in their root mean square, half as large as the largest of the first ones.
    """
    n_lags = len(autocorrelation)
    never = np.asarray(_is_far(autocorrelation, n_samples).all(axis=0))
    if n_lags < 4 * WHITE_LAGS:
        return never
    tenth = max(WHITE_LAGS, n_lags // 10)
    largest = np.abs(autocorrelation[:tenth]).max(axis=0)
    last = np.sqrt(np.square(autocorrelation[-tenth:]).mean(axis=0))
    return np.asarray(never | (last >= np.maximum(largest / 2, _line(n_samples))))


def _is_far(autocorrelation: Floats, n_samples: int | NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which values are as far from zero as one in twenty of white noise; NaN is none."""
    return np.asarray(np.abs(autocorrelation) >= _line(n_samples))


def _line(n_samples: int | NDArray[np.int64]) -> Any:
    """Return how far from zero one autocorrelation of white noise in twenty is."""
    return LINE / np.sqrt(np.maximum(n_samples, 1))


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
