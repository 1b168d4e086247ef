"""Times of samples, which have to be even: lags count samples."""

from math import floor
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from netxr.errors import InvalidInput, UnreadableFile
from netxr.schema.arguments import is_number
from netxr.schema.axis import interval_in

FIX: Final = "Resample to even times, or leave the times out and say sampling_interval= if the samples are even."


def interval_of(times: Any, path: object, place: str) -> float:
    """Return the time from one sample to the next, in the unit of `times`; its digits end where rounding begins.

    `place` is what the times are in the file, the subject of a sentence. Raises UnreadableFile if the times are not
    even, with the first sample that is off its place, or do not ascend.

    Examples
    --------
    >>> interval_of(np.array([0.1, 0.2, 0.3]), "run.csv", "its column 'time'")
    0.1
    """
    interval, wrong = interval_in(times)
    if wrong:
        raise UnreadableFile(path, f"{place} {wrong}", fix=FIX)
    return interval


def check_interval(sampling_interval: Any) -> float:
    """Return a sampling interval in seconds, or raise InvalidInput if it is no positive number."""
    if not is_number(sampling_interval) or not 0 < sampling_interval < np.inf:
        raise InvalidInput("sampling_interval", got=repr(sampling_interval), expected="a positive number, in seconds")
    return float(sampling_interval)


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
    """Return how many spikes of one unit fall into each of some bins, by their times in seconds, in any order.

    Bin 0 begins at `start`, in seconds; there are `rate` bins a second. A spike on an edge is in the bin that begins
    there.

    Examples
    --------
    >>> counts(np.array([1.0, 1.05, 1.1, 1.35]), slice(0, 3), start=1.0, rate=10).tolist()
    [2, 1, 0]
    """
    places = np.floor((times - start) * rate + SLACK)  # (0.7 - 0.1) * 10 is less than 6
    within = places[(places >= bins.start) & (places < bins.stop)].astype(np.int64) - bins.start
    return np.bincount(within, minlength=bins.stop - bins.start)
