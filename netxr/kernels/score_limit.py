"""Where a score ends with ever more samples, from what it is at a few lengths: arrays in, arrays out."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]


def limit_of(scores: NDArray[Any], lengths: NDArray[Any]) -> tuple[Floats, Floats]:
    """Fit score = limit / sqrt(1 + c / length), and return limit and c, (...) of scores (..., length).

    An estimate that is the sum of what it ends at and of independent noise, whose variance falls with the length,
    correlates with anything like this. So 1 / score**2 is linear in 1 / length, and is fitted by least squares, each
    length with the weight at which errors of all scores count alike. The limit is 1 at most, and c is not negative.

    Only scores above 0 enter. Both are NaN where fewer than two lengths have one; but 0 and NaN where all that are
    defined are 0 or less.
    """
    enters = scores > 0
    y = np.where(enters, scores, 1.0) ** -2.0
    weights = np.where(enters, scores, 0.0) ** 6
    x = np.broadcast_to(1 / np.asarray(lengths, np.float64), y.shape)
    with np.errstate(divide="ignore", invalid="ignore"):
        total = weights.sum(-1)
        mean_x, mean_y = (weights * x).sum(-1) / total, (weights * y).sum(-1) / total
        off = x - mean_x[..., None]
        slope = (weights * off * y).sum(-1) / (weights * off**2).sum(-1)
        slope = np.maximum(slope, 0.0)
        first = mean_y - slope * mean_x
        beyond = first < 1
        slope = np.where(beyond, (weights * x * (y - 1)).sum(-1) / (weights * x**2).sum(-1), slope)
        first = np.where(beyond, 1.0, first)
        limit, c = first**-0.5, slope / first
    known = enters.sum(-1) > 1
    hopeless = ~enters.any(-1) & np.isfinite(scores).any(-1)
    return np.where(known, limit, np.where(hopeless, 0.0, np.nan)), np.where(known, c, np.nan)
