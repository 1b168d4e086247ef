"""Times of samples, which have to be even: lags count samples."""

from typing import Any, Final, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from netxr import names as n
from netxr.errors import InvalidInput, UnreadableFile
from netxr.schema.arguments import is_number
from netxr.schema.clock import SEGMENTS
from netxr.schema.spacing import SAY_GAPS, interval_in, steps_in
from netxr.schema.warned import warn

FIX: Final = (
    f"{SAY_GAPS}; or resample to even times, or leave the times out and say sampling_interval= if the samples are even."
)

AGREE: Final = 1e-3
"""By which share the interval that the caller says may differ from that of the file: it was rounded."""


class Clock(NamedTuple):
    """When samples were taken, in the unit of their times."""

    interval: float
    """From one sample to the next."""
    start: float
    """When the first one was."""
    times: NDArray[Any] | None = None
    """Of each sample, where they are not even, (time,)."""

    def put_on(self, activity: xr.DataArray) -> xr.DataArray:
        """Return an activity with its times and the word on gaps, where times are not even."""
        if self.times is None:
            return activity
        units = {n.UNITS: activity.attrs.get(n.SAMPLING_INTERVAL_UNITS, "s")}
        timed = activity.drop_vars(n.TIME, errors="ignore").assign_coords({n.TIME: (n.TIME, self.times, units)})
        return timed.assign_attrs({n.GAPS: SEGMENTS})


def clock_from(times: Any, path: object, place: str, *, said: float | None, gaps: n.Gaps) -> Clock:
    """Return the clock of samples at some times; `said` is the interval that goes before theirs.

    `place` is what the times are in the file, the subject of a sentence. Raises UnreadableFile if the times are not
    even, unless stretches between gaps are wanted as segments, or an interval is said: then a warning says it.
    """
    if said is not None:
        shown, wrong = interval_in(times)
        say_which_interval(said, shown, path, place, wrong=wrong)
        return Clock(said, float(times[0]))
    if gaps == SEGMENTS and len(times) > 1 and len((steps := steps_in(times)).breaks):
        held = np.asarray(times[:])
        back = np.flatnonzero(~(np.diff(held) > 0))
        if len(back):
            k = int(back[0])
            reason = f"{place} goes back: {held[k]} is followed by {held[k + 1]} (sample {k + 1})"
            raise UnreadableFile(path, reason, fix="Segments follow one another in time: load them apart.")
        return Clock(steps.usual, float(held[0]), held)
    return Clock(interval_of(times, path, place), float(times[0]))


def say_which_interval(said: float, shown: float, path: object, place: str, *, wrong: str = "") -> None:
    """Warn where a file shows another sampling interval than the one that is said, and goes before it."""
    if wrong or (0 < shown < np.inf and abs(said - shown) > AGREE * shown):
        text = (
            f"{path}: {place} {wrong or f'has an interval of {shown:g}'}, and sampling_interval={said:g} replaces it."
        )
        warn(text, stacklevel=3)


def say_seconds(interval: float, path: object, place: str, *, fix: str) -> None:
    """Warn where times without a unit, taken for seconds, are further apart than samples mostly are."""
    if interval > 1:
        text = f"{path}: {place} names no unit, and its steps of {interval:g} are taken for seconds. {fix}"
        warn(text, stacklevel=3)


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
        fix = "Sort the samples by time first." if wrong.startswith("descends") else FIX
        raise UnreadableFile(path, f"{place} {wrong}", fix=fix)
    return interval


def check_interval(sampling_interval: Any) -> float:
    """Return a sampling interval in seconds, or raise InvalidInput if it is no positive number."""
    if not is_number(sampling_interval) or not 0 < sampling_interval < np.inf:
        raise InvalidInput("sampling_interval", got=repr(sampling_interval), expected="a positive number, in seconds")
    return float(sampling_interval)


def is_rate(rate: Any) -> bool:
    """Return whether `rate` is a number of bins a second."""
    return is_number(rate) and 0 < rate < np.inf
