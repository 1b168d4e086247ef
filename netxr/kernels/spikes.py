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


def observed_bins(intervals: NDArray[Any], *, start: float, rate: float) -> NDArray[np.int64]:
    """Return which bins lie wholly within intervals (interval, 2), as the first and the one after the last of each run.

    Intervals may overlap, be in any order, and meet within a bin.

    Examples
    --------
    >>> observed_bins(np.array([[1.0, 1.15], [1.15, 1.25], [1.28, 1.5]]), start=1.0, rate=10).tolist()
    [[0, 2], [3, 5]]
    """
    ordered = intervals[np.argsort(intervals[:, 0])]
    ends = np.maximum.accumulate(ordered[:, 1])
    after = np.flatnonzero(ordered[1:, 0] > ends[:-1] + SLACK / rate)  # runs that something is missing after
    firsts = np.ceil((np.append(ordered[:1, 0], ordered[after + 1, 0]) - start) * rate - SLACK)
    stops = np.floor((np.append(ends[after], ends[-1:]) - start) * rate + SLACK)
    runs = np.column_stack([firsts, stops]).clip(0, 2.0**53).astype(np.int64)
    return runs[runs[:, 0] < runs[:, 1]]


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
