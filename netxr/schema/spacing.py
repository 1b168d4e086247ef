"""Steps from one time to the next: whether times are even, and where they are not."""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

LARGEST_JITTER: Final = 0.1
"""Largest difference of a step from the usual one, as a share: noise of a clock, but no lost frame."""

LARGEST_TICK: Final = 0.45
"""Largest tick of a clock that still tells a lost frame from its own rounding, in sampling intervals."""

LARGEST_DRIFT: Final = 0.5
"""Largest distance of a sample from its place on the even grid, in sampling intervals."""

SAY_GAPS: Final = "Say gaps='segments' (--gaps segments) to take the stretches between gaps as trials of one recording"
"""What can be done where times are not even."""

PIECE: Final = 2**18
"""Times that are in memory at once."""


class Steps(NamedTuple):
    """From each sample to the next."""

    usual: float
    """The usual step, in the unit of the times: at least half of all are as long, or longer."""
    breaks: NDArray[np.int64]
    """The samples that do not follow the one before them by a usual step."""
    first: str
    """The first of them in words; the first of all where times descend."""

    @property
    def wrong(self) -> str:
        """A predicate that says where the times are not even, "" if they are."""
        if not len(self.breaks):
            return f"descends: {self.first}" if self.usual < 0 else ""
        others = f", and {len(self.breaks) - 1:,} more such places" if len(self.breaks) > 1 else ""
        return f"is not even: {self.first}, where most steps are {self.usual:.6g}{others}"


def steps_in(times: Any) -> Steps:
    """Return the usual step of times (time,), two or more in any unit, and where samples come after another one.

    A step may be off by a tenth, which is the noise of a clock, or by one tick of a decimal clock: times that were
    rounded to milliseconds are even. Those in an opened file are read in pieces.

    Examples
    --------
    >>> steps_in(np.array([0.0, 0.1, 0.2, 0.5, 0.6])).breaks.tolist()
    [3]
    >>> steps_in(np.array([0.000, 0.003, 0.007, 0.010, 0.013])).wrong  # 300 Hz, by a clock of milliseconds
    ''
    """
    origin, beginning = times[0], np.asarray(times[: PIECE + 1])
    usual = float(np.quantile(np.diff(_since(beginning, origin)), 0.5, method="lower"))
    largest = max(LARGEST_JITTER * abs(usual), _tick(beginning, abs(usual)))
    breaks, first = [np.empty(0, np.int64)], ""
    for start in range(0, len(times) - 1, PIECE):
        piece = np.asarray(times[start : start + PIECE + 1])
        steps = np.diff(_since(piece, origin))
        off = ~(np.abs(steps - usual) <= largest) | (steps * usual <= 0)  # NaN is off too
        places = np.flatnonzero(off)
        if len(places) and not first:
            k = int(places[0])
            first = f"{piece[k]} is followed by {piece[k + 1]} (sample {start + k + 1})"
        breaks.append(places + start + 1)
    return Steps(usual, np.concatenate(breaks), first or f"{beginning[0]} is followed by {beginning[1]} (sample 1)")


def interval_in(times: Any) -> tuple[float, str]:
    """Return the time from one sample to the next, or what is wrong with the times (time,).

    The digits of the interval end where rounding begins. What is wrong is empty where the times are even; else a
    predicate with the first sample that is off its place. Times in an opened file are read in pieces.

    Examples
    --------
    >>> interval_in(np.array([0.1, 0.2, 0.3]))
    (0.1, '')
    >>> interval_in(np.array([0.1, 0.2, 0.4, 0.5]))[1]
    'is not even: 0.2 is followed by 0.4 (sample 2), where most steps are 0.1'
    """
    if len(times) < 2:
        return np.nan, f"holds {len(times)} time, from which no interval follows"
    interval = float(times[len(times) - 1] - times[0]) / (len(times) - 1)
    if not np.isfinite(interval):
        return np.nan, "begins or ends with a time that is not finite"
    if wrong := steps_in(times).wrong:
        return np.nan, wrong
    for start in range(0, len(times), PIECE):
        piece = np.asarray(times[start : start + PIECE])
        off = np.abs(_since(piece, times[0]) - interval * (start + np.arange(len(piece)))) > LARGEST_DRIFT * interval
        if off.any():
            k = int(off.argmax())
            return np.nan, f"is not even: {piece[k]} (sample {start + k}) is off the grid of step {interval:.6g}"
    return float(f"{interval:.12g}"), ""


def _since(times: NDArray[Any], origin: Any) -> NDArray[np.float64]:
    """Return times since one of them: whole numbers since 1970 need all their digits so far."""
    return np.asarray(times - origin, dtype=np.float64)


def _tick(times: NDArray[Any], usual: float) -> float:
    """Return the tick of the clock by which times were rounded, where it is a good part of the usual step; else 0."""
    interval = abs(float(times[-1] - times[0])) / (len(times) - 1)
    if not 0 < interval < np.inf or not usual:
        return 0.0
    digit = 10.0 ** np.ceil(np.log10(LARGEST_JITTER * usual))
    counted = times / digit
    rounding = np.finfo(times.dtype).eps if times.dtype.kind == "f" else np.finfo(np.float64).eps
    is_counted = (np.abs(counted - np.rint(counted)) <= 4 * rounding * np.abs(counted)).all()
    with np.errstate(over="ignore"):
        single = times.astype(np.float32)
    if times.dtype == np.float64 and not is_counted and (single == times).all():
        times = single  # they were rounded to it before
    stored = float(np.spacing(np.abs(times).max())) if times.dtype.kind == "f" else 0.0
    tick = max(stored, (1 + 1e-6) * digit if is_counted else 0.0)
    return tick + 2 * stored if tick <= LARGEST_TICK * interval else 0.0
