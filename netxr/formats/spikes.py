"""Spike times counted in bins: bin k holds those from start + k / rate up to, and without, start + (k + 1) / rate."""

from math import floor
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from netxr.schema.arguments import is_number

SLACK: Final = 1e-6
"""What a span may fall short of whole bins, as a share of one: rounding, not an end within a bin."""


def is_rate(rate: Any) -> bool:
    """Return whether `rate` is a number of bins a second."""
    return is_number(rate) and 0 < rate < np.inf


def bins_in(start: float, stop: float, rate: float) -> int:
    """Return how many whole bins there are in a span, in seconds; none in one that is not finite.

    Examples
    --------
    >>> bins_in(0.0, 0.3, rate=10), bins_in(0.0, 0.39, rate=10)
    (3, 3)
    """
    return floor((stop - start) * rate + SLACK) if np.isfinite(stop - start) else 0


def counts(times: NDArray[Any], bins: slice, *, start: float, rate: float) -> NDArray[np.int64]:
    """Return how many spikes of one unit are in each of some bins.

    Parameters
    ----------
    times : array, (spike,)
        When they were, in seconds, in any order.
    bins : slice
        Which bins.
    start : float
        Start of bin 0, in seconds.
    rate : float
        Bins a second.

    Examples
    --------
    >>> counts(np.array([1.0, 1.05, 1.1, 1.35]), slice(0, 3), start=1.0, rate=10).tolist()
    [2, 1, 0]
    """
    places = np.floor((times - start) * rate)
    within = places[(places >= bins.start) & (places < bins.stop)].astype(np.int64) - bins.start
    return np.bincount(within, minlength=bins.stop - bins.start)
