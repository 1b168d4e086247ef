"""Spikes of one neuron, by their times, counted in bins and smoothed.

Bin 0 begins at `start`; there are `rate` bins in a unit of time. A bin holds its start, and not its end.
"""

from math import ceil, floor
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

SLACK: Final = 1e-6
"""What a span may fall short of whole bins, as a share of one: rounding, not an end within a bin."""


def bins_in(start: float, stop: float, rate: float) -> int:
    """Return how many whole bins there are in a span; none in one that is not finite.

    Examples
    --------
    >>> bins_in(0.0, 0.3, rate=10), bins_in(0.0, 0.39, rate=10)
    (3, 3)
    """
    return floor((stop - start) * rate + SLACK) if np.isfinite(stop - start) else 0


def counts(times: NDArray[Any], bins: slice, *, start: float, rate: float) -> NDArray[np.int64]:
    """Return how many spikes of a neuron fall into each of some bins, by their times, in any order.

    A spike on an edge is in the bin that begins there.

    Examples
    --------
    >>> counts(np.array([1.0, 1.05, 1.1, 1.35]), slice(0, 3), start=1.0, rate=10).tolist()
    [2, 1, 0]
    """
    places = np.floor((times - start) * rate + SLACK)  # (0.7 - 0.1) * 10 is less than 6
    within = places[(places >= bins.start) & (places < bins.stop)].astype(np.int64) - bins.start
    return np.bincount(within, minlength=bins.stop - bins.start)


TRUNCATE: Final = 4.0
"""Standard deviations beyond which a spike counts no more."""


def smoothed(times: NDArray[Any], bins: slice, *, start: float, rate: float, width: float) -> NDArray[np.float64]:
    """Return the spikes a unit of time in each of some bins, counts smoothed by a Gaussian.

    `width` is its standard deviation in bins. Spikes outside of the bins count as well, so that a part of a recording
    is what it is within the whole.

    Examples
    --------
    >>> smoothed(np.array([2.5]), slice(1, 4), start=0.0, rate=1, width=0.5).round(2).tolist()
    [0.11, 0.79, 0.11]
    """
    halo = ceil(TRUNCATE * width)
    counted = counts(times, slice(bins.start - halo, bins.stop + halo), start=start, rate=rate)
    filtered = gaussian_filter1d(counted * rate, width, mode="constant", truncate=TRUNCATE, output=np.float64)
    return np.asarray(filtered[halo : len(filtered) - halo])
