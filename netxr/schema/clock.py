"""When samples were taken: the clock of a recording, its axis of time, and the activity with its clock."""

import re
from collections.abc import Mapping
from typing import Any, Final, TypeVar

import numpy as np
import pandas as pd
import xarray as xr

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.schema.arguments import check_choice, is_number
from netxr.schema.axis import SLACK, axis_of, even_times
from netxr.schema.spacing import LARGEST_JITTER, SAY_GAPS, Steps, interval_in, steps_in
from netxr.schema.variables import check_activity

Recording = TypeVar("Recording", xr.DataArray, xr.Dataset)
"""Activity, or a Dataset that holds it."""

CLOCK: Final = (n.SAMPLING_INTERVAL, n.SAMPLING_INTERVAL_UNITS, n.START_TIME)
"""Attributes that say when the samples were taken."""

SECONDS: Final = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9, "min": 60.0}
"""Units of time whose numbers can be compared."""

WORDS: Final[Mapping[Any, str]] = {
    "seconds": "s",
    "milliseconds": "ms",
    "microseconds": "us",
    "nanoseconds": "ns",
    "minutes": "min",
}
"""Units in full."""

CLOCK_NUMBERS: Final = (n.SAMPLING_INTERVAL, n.START_TIME)

SEGMENTS: Final = "segments"
"""Of `gaps`: the stretches between gaps are trials of one recording."""

BY_ATTRIBUTE: Final = f".assign_attrs({n.GAPS}={SEGMENTS!r})"
"""How a recording says so, also where a function has no such argument."""

NAMED_TIME: Final = re.compile(r"-?\d*\.?\d+ ?(us|µs|ms|s|min|h|(micro|milli)?seconds?|minutes?|hours?)")
"""A duration, such as "20ms"."""

WHOLE: Final = 1e-6
"""Share of a sample by which a duration may miss a whole number of them, or of these where they are many."""


def activity_of(data: object, *, argument: str = "data") -> xr.DataArray:
    """Return the activity, (neuron, time[, trial]); its attributes say all that is known of its clock.

    Raises InvalidInput if there is none, or it is no recording.
    """
    if not isinstance(data, xr.Dataset):
        activity = check_activity(data, argument=argument)
    elif n.ACTIVITY not in data:
        known = ", ".join(map(str, data.data_vars)) or "no variable"
        raise InvalidInput(argument, got=f"a Dataset with {known}", expected=f"one with the variable {n.ACTIVITY!r}")
    else:
        activity = check_activity(data[n.ACTIVITY], argument=f"{argument}.{n.ACTIVITY}")
    of_estimate = [name for name in (n.LAG, n.TARGET, n.SOURCE) if name in activity.coords]  # beside it
    own = activity.drop_vars(of_estimate)
    own = own if own.dims[:2] == (n.NEURON, n.TIME) else own.transpose(n.NEURON, n.TIME, ...)
    return own.assign_attrs(_attributes(data))


def cuts_of(
    activity: xr.DataArray | xr.Dataset, *, gaps: n.Gaps = "raise", argument: str = "data", can_say: bool = True
) -> tuple[int, ...]:
    """Return the samples with which a stretch of even times begins behind a gap.

    Raises InvalidInput if there are any, and neither `gaps` nor the recording says that stretches are segments, or if
    times descend. `can_say` is whether the caller can say `gaps`.

    Examples
    --------
    >>> x = xr.DataArray(np.zeros((1, 5)), {"time": [0.0, 0.1, 0.5, 0.6, 0.7]}, ("neuron", "time"))
    >>> cuts_of(x, gaps="segments")
    (2,)
    """
    check_choice("gaps", gaps, n.GAP_CHOICES)
    steps = _steps_of(activity)
    if steps is None or not steps.wrong:
        return ()
    if SEGMENTS not in (gaps, activity.attrs.get(n.GAPS)) or steps.usual <= 0:
        raise _uneven(argument, steps, can_say=can_say)
    return tuple(steps.breaks.tolist())


def clock_of(
    data: xr.DataArray | xr.Dataset, *, gaps: n.Gaps | None = None, argument: str = "data"
) -> tuple[float, str, float]:
    """Return the sampling interval, its unit, and the time of the first sample; 1 step each where nothing is said.

    The coordinate `time` says it, which xarray keeps in step with the samples; where there is none, or it only counts
    them, the attributes. Of segments, `gaps` being "segments", it is that within each.

    Raises InvalidInput if an attribute is no number, or times are not even, or are none and there is no sampling
    interval.
    """
    cuts_of(data, gaps="raise" if gaps is None else gaps, argument=argument, can_say=gaps is not None)
    attrs = _attributes(data)
    if n.SAMPLING_INTERVAL not in attrs and n.TIME in data.coords:
        attrs = attrs | _shown(data, attrs, counts=False)
        if n.SAMPLING_INTERVAL not in attrs:
            got = f"a coordinate {n.TIME!r} that holds {data[n.TIME].dtype}, {data[n.TIME].size} of them"
            expected = f"times of two samples or more, or {n.SAMPLING_INTERVAL!r} among the attributes"
            fix = f"Remove it with .drop_vars({n.TIME!r}), and say .assign_attrs({n.SAMPLING_INTERVAL}=...)."
            raise InvalidInput(argument, got=got, expected=expected, fix=fix)
    interval, start = attrs.get(n.SAMPLING_INTERVAL, 1.0), attrs.get(n.START_TIME, 0.0)
    for name, value, least in ((n.SAMPLING_INTERVAL, interval, 0.0), (n.START_TIME, start, -np.inf)):
        if not is_number(value) or not least < value < np.inf:
            expected = "a number above 0" if least == 0 else "a number"
            fix = f"Set it with .assign_attrs({name}=...)."
            raise InvalidInput(f"{argument}.attrs[{name!r}]", got=repr(value), expected=expected, fix=fix)
    default = "s" if n.SAMPLING_INTERVAL in attrs else "step"
    return float(interval), str(attrs.get(n.SAMPLING_INTERVAL_UNITS, default)), float(start)


def in_samples(lags: Any, data: object, *, argument: str) -> Any:
    """Return lags with those that are named in time, such as "20ms", as numbers of samples; all others as they are.

    The sampling interval is that of activity, a Dataset that holds it, or moments. Raises InvalidInput if a text names
    no time, the time is no whole number of samples, or the samples have no times.

    Examples
    --------
    >>> x = xr.DataArray([[5, 7, 6]], dims=("neuron", "time"), attrs={"sampling_interval": 0.01})
    >>> in_samples(["20ms", 3, "-0.01s"], x, argument="lags")
    [2, 3, -1]
    """
    if isinstance(lags, list | tuple):
        return [in_samples(lag, data, argument=argument) for lag in lags]
    if not isinstance(lags, str) or not isinstance(data, xr.DataArray | xr.Dataset):
        return lags
    time = _seconds_of(lags, argument=argument)
    interval, unit, _ = clock_of(data, gaps=SEGMENTS)
    second = second_in(unit)
    if second is None:
        fix = f"Give samples; or say .assign_attrs({n.SAMPLING_INTERVAL}=..., {n.SAMPLING_INTERVAL_UNITS}='s')."
        got, expected = f"{lags!r}, of samples counted in {unit!r}", "a number of samples"
        raise InvalidInput(argument, got=got, expected=expected, fix=fix)
    exact = time / (interval * second)
    nearest = round(exact)
    if abs(exact - nearest) > WHOLE * max(1, abs(nearest)):
        got = f"{lags!r}, which is {exact:.6g} samples of {interval:g} {unit}"
        fix = f"The nearest is '{nearest * interval * second * 1000:.9g}ms', of {nearest} samples."
        raise InvalidInput(argument, got=got, expected="a whole number of samples", fix=fix)
    return nearest


def in_units(span: Any, data: xr.DataArray, *, argument: str, expected: str) -> Any:
    """Return a span named in time, such as "200ms", as a number in the unit of the clock; all others as they are.

    Raises InvalidInput if a text names no time, the time is no whole number of samples, or the samples have no times.

    Examples
    --------
    >>> x = xr.DataArray([[5, 7, 6]], dims=("neuron", "time"), attrs={"sampling_interval": 0.01})
    >>> in_units("200ms", x, argument="after", expected="a span"), in_units(0.5, x, argument="after", expected="a span")
    (0.2, 0.5)
    """
    if not isinstance(span, str):
        return span
    if not NAMED_TIME.fullmatch(span.strip()):
        raise InvalidInput(argument, got=repr(span), expected=expected)
    return in_samples(span, data, argument=argument) * clock_of(data, gaps=SEGMENTS)[0]


def second_in(unit: Any) -> float | None:
    """Return how many seconds a unit of time is; None of one that is no time, such as "step".

    Examples
    --------
    >>> second_in("ms"), second_in("minutes"), second_in("step")
    (0.001, 60.0, None)
    """
    return SECONDS.get(WORDS.get(unit, unit))


def _seconds_of(text: str, *, argument: str) -> float:
    """Return the seconds of a duration such as "20ms"."""
    expected = "a number of samples, or a time such as '20ms'"
    if not NAMED_TIME.fullmatch(text.strip()):
        raise InvalidInput(argument, got=repr(text), expected=expected)
    try:
        return float(pd.Timedelta(text).total_seconds())
    except ValueError:
        raise InvalidInput(argument, got=repr(text), expected=expected) from None


def _uneven(argument: str, steps: Steps, *, can_say: bool) -> InvalidInput:
    """Return the error of times that are not even; where `gaps` can be said, with that among the ways out."""
    if steps.usual < 0 and not len(steps.breaks):
        fix = f"Turn the recording round with .isel({n.TIME}=slice(None, None, -1))."
    else:
        fix = (
            f"{f'{SAY_GAPS}, as an argument or by {BY_ATTRIBUTE}; or take' if can_say else 'Take'} one stretch with "
            f".isel({n.TIME}=slice(...)), or "
            f"interpolate with .interp({n.TIME}=...). Where only the times are wrong, remove them with "
            f".drop_vars({n.TIME!r})."
        )
    got = f"a coordinate {n.TIME!r} that {steps.wrong}"
    return InvalidInput(argument, got=got, expected="even times, since samples are counted as time", fix=fix)


def _steps_of(data: xr.DataArray | xr.Dataset) -> Steps | None:
    """Return the steps of the coordinate `time`; None where it holds no times, or only one."""
    if n.TIME not in data.coords:
        return None
    axis = axis_of(data)
    if axis is not None:
        few = axis.start + axis.step * np.arange(2.0)
        return steps_in(few) if axis.size > 1 else None
    times = _times_of(data)
    return None if times is None else steps_in(times)


def times_of_segments(activity: xr.DataArray) -> Any:
    """Return the times of all samples of a recording with gaps, (time,), in the unit of its clock.

    Examples
    --------
    >>> x = xr.DataArray(np.zeros((1, 4)), {"time": [5.0, 5.5, 9.0, 9.5]}, ("neuron", "time"))
    >>> times_of_segments(x).tolist()
    [5.0, 5.5, 9.0, 9.5]
    """
    interval, _, start = clock_of(activity, gaps=SEGMENTS)
    times = _times_of(activity)
    scale = interval / steps_in(times).usual
    return start + (times - times[0]) * (1 if abs(scale - 1) < LARGEST_JITTER else scale)


def _times_of(data: xr.DataArray | xr.Dataset) -> Any:
    """Return the coordinate `time` as numbers, (time,), dates and durations in seconds; None where it is no clock."""
    if n.TIME not in data.coords or data[n.TIME].dims != (n.TIME,) or data.sizes[n.TIME] < 2:
        return None
    times = data[n.TIME].values
    if times.dtype.kind in "mM":
        return (times - (times[:1] if times.dtype.kind == "M" else np.timedelta64(0, "s"))) / np.timedelta64(1, "s")
    return times if times.dtype.kind in "fiu" else None


def with_axis(data: Recording) -> Recording:
    """Return a recording whose samples have times, where their interval is known and they have none yet.

    Examples
    --------
    >>> x = xr.DataArray([[5, 7, 6]], dims=("neuron", "time"), attrs={"sampling_interval": 0.5, "start_time": 10})
    >>> with_axis(x).time.values.tolist()
    [10.0, 10.5, 11.0]
    """
    if n.TIME not in data.dims or n.TIME in data.coords or n.SAMPLING_INTERVAL not in _attributes(data):
        return data
    try:
        interval, units, start = clock_of(data)
    except InvalidInput:  # whoever needs the clock says what is wrong with it
        return data
    return data.assign_coords(even_times(start, interval, data.sizes[n.TIME], {n.UNITS: units}))


def in_step(data: xr.Dataset) -> xr.Dataset:
    """Return a recording whose attributes say of its clock what its times say, which go on where samples are chosen.

    Examples
    --------
    >>> x = xr.DataArray(np.zeros((1, 4)), {"time": [0.0, 0.5, 1.0, 1.5]}, ("neuron", "time"))
    >>> half = x.assign_attrs(sampling_interval=0.5).to_dataset(name="activity").isel(time=slice(1, None, 2))
    >>> in_step(half).activity.attrs
    {'sampling_interval': 1.0, 'start_time': 0.5}
    """
    if n.ACTIVITY not in data or n.TIME not in data.coords:
        return data
    activity, known = data[n.ACTIVITY], _attributes(data)
    said = {n.SAMPLING_INTERVAL_UNITS: "s", n.START_TIME: 0.0} | data.attrs | activity.attrs
    shown = {name: known[name] for name in CLOCK if name in known and known[name] != said.get(name)}
    if n.SAMPLING_INTERVAL not in said or not shown or not 0 < _number(known[n.SAMPLING_INTERVAL]) < np.inf:
        return data
    if _in_seconds(said) == _in_seconds(known) is not None:  # the same in another unit
        return data
    of_activity, of_root = (shown if {*CLOCK} & {*attrs} else {} for attrs in (activity.attrs, data.attrs))
    return data.assign({n.ACTIVITY: activity.assign_attrs(of_activity)}).assign_attrs(of_root)


def with_clock(recording: xr.Dataset) -> xr.Dataset:
    """Return a recording with an axis of time, and its clock in the attributes of both Dataset and activity."""
    if n.ACTIVITY not in recording:
        return recording
    recording = in_step(recording)
    activity = recording[n.ACTIVITY]
    known = {name: value for name, value in (recording.attrs | activity.attrs).items() if name in CLOCK}
    return with_axis(recording.assign({n.ACTIVITY: activity.assign_attrs(known)}).assign_attrs(known))


def on_axis(data: xr.Dataset) -> xr.Dataset:
    """Return a recording whose times are an axis of start and interval, where that says the same."""
    if n.TIME not in data.dims or n.TIME not in data.coords or axis_of(data) is not None:
        return data
    if n.ACTIVITY not in data or data[n.TIME].dtype.kind not in "fiu":
        return data
    times, attrs = data[n.TIME], _attributes(data)
    interval, wrong = interval_in(times.values)
    unit = attrs.get(n.SAMPLING_INTERVAL_UNITS, "s")
    agree = attrs.get(n.SAMPLING_INTERVAL) == interval and times.attrs.get(n.UNITS, unit) == unit
    grid = even_times(float(times[0]), interval, times.size, {n.UNITS: unit} | times.attrs)
    if wrong or not agree or not (np.abs(times.values - grid[n.TIME].values) <= SLACK * interval).all():
        return data
    return data.drop_vars(n.TIME).assign_coords(grid)


def without_axis(data: xr.Dataset) -> xr.Dataset:
    """Return a recording whose attributes say when its samples were taken in the place of an axis of time."""
    return data if axis_of(data) is None else without_times(data)


def without_times(data: xr.Dataset) -> xr.Dataset:
    """Return a recording whose attributes alone say when its samples were taken, in the place of even times.

    Dates and other labels stay. Raises InvalidInput if times are not even.
    """
    if n.TIME not in data.coords or data[n.TIME].dims != (n.TIME,) or data[n.TIME].dtype.kind not in "fium":
        return data
    cuts_of(data, can_say=False)
    attrs = _attributes(data)
    rest = data.drop_vars(n.TIME)
    return rest.assign({n.ACTIVITY: rest[n.ACTIVITY].assign_attrs(attrs)}) if n.ACTIVITY in rest else rest


def _attributes(data: Any) -> dict[str, Any]:
    """Return the attributes of the activity, with what its Dataset and its times say of the clock."""
    activity = data[n.ACTIVITY] if isinstance(data, xr.Dataset) and n.ACTIVITY in data else data
    attrs = {name: data.attrs[name] for name in CLOCK if name in data.attrs} | activity.attrs
    if n.TIME not in activity.coords:
        return attrs
    axis = axis_of(activity)
    if axis is None:
        return attrs | _shown(activity, attrs)
    said = {n.SAMPLING_INTERVAL: axis.step, n.START_TIME: axis.start}
    if n.UNITS in (of_axis := activity[n.TIME].attrs):
        said[n.SAMPLING_INTERVAL_UNITS] = of_axis[n.UNITS]
    return attrs | {name: value for name, value in said.items() if attrs.get(name, 0.0) != value}


def _shown(activity: xr.DataArray | xr.Dataset, attrs: dict[str, Any], *, counts: bool = True) -> dict[str, Any]:
    """Return what times show of the clock where the attributes say nothing or something else.

    Whole numbers without a unit may count samples, and say nothing then.
    """
    times = _times_of(activity)
    if times is None:
        return {}
    coordinate, said = activity[n.TIME], attrs.get(n.SAMPLING_INTERVAL)
    kind, unit = coordinate.dtype.kind, coordinate.attrs.get(n.UNITS)
    unit = "s" if kind in "mM" else None if unit is None else str(unit).partition(" since ")[0]
    if counts and kind in "iu" and unit is None:
        return {}
    steps = steps_in(times)
    interval = steps.usual if len(steps.breaks) else float(f"{(times[-1] - times[0]) / (len(times) - 1):.12g}")
    own = str(attrs.get(n.SAMPLING_INTERVAL_UNITS, "s")) if said is not None else unit or "s"
    scale = _scale(unit, own, interval, said, len(times))
    shown: dict[str, Any] = {}
    if scale is None:
        shown, scale = {n.SAMPLING_INTERVAL: interval, n.SAMPLING_INTERVAL_UNITS: unit or own}, 1.0
    start = float(times[0]) * scale
    if kind != "M" and not abs(start - _number(attrs.get(n.START_TIME, 0.0))) <= LARGEST_JITTER * abs(interval) * scale:
        shown[n.START_TIME] = start
    return shown


def _scale(unit: str | None, own: str, interval: float, said: Any, n_times: int) -> float | None:
    """Return how many of the attributes' units of time one of the coordinate's is, if their intervals agree; else None.

    They agree where a grid of the one stays beside that of the other to the end. The unit of times that have none may
    be any.
    """
    if said is None:
        return None
    known = SECONDS.get(unit or own)
    fitting = [1.0] if unit in (None, own) else []
    if own in SECONDS and (known is not None or unit is None):
        fitting += [one / SECONDS[own] for name, one in SECONDS.items() if unit in (None, name)]
    slack = max(SLACK, LARGEST_JITTER / (n_times - 1)) * abs(interval)
    return next((scale for scale in fitting if abs(_number(said) / scale - interval) <= slack), None)


def _in_seconds(clock: Mapping[Any, Any]) -> tuple[float, float] | None:
    """Return interval and start in seconds, to nine digits; None for a unit that has none."""
    said = clock.get(n.SAMPLING_INTERVAL_UNITS, "s")
    unit = second_in(said)
    if unit is None:
        return None
    interval, start = (float(f"{_number(clock.get(name, 0.0)) * unit:.9g}") for name in CLOCK_NUMBERS)
    return interval, start


def _number(value: Any) -> float:
    """Return an attribute if it is a number, else NaN: who needs the clock says what is wrong with it."""
    return float(value) if is_number(value) else np.nan
