"""When samples were taken: the clock of a recording, its axis of time, and the activity with its clock."""

from typing import Any, Final, TypeVar

import numpy as np
import xarray as xr

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.schema.arguments import is_number
from netxr.schema.axis import SLACK, axis_of, even_times, interval_in
from netxr.schema.variables import check_activity

Recording = TypeVar("Recording", xr.DataArray, xr.Dataset)
"""Activity, or a Dataset that holds it."""

CLOCK: Final = (n.SAMPLING_INTERVAL, n.SAMPLING_INTERVAL_UNITS, n.START_TIME)
"""Attributes that say when the samples were taken."""


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
    return activity.assign_attrs(_attributes(data)).transpose(n.NEURON, n.TIME, ..., missing_dims="ignore")


def clock_of(data: xr.DataArray | xr.Dataset, *, argument: str = "data") -> tuple[float, str, float]:
    """Return the sampling interval, its unit, and the time of the first sample; 1 step each where nothing is said.

    The attributes say it; where they do not, the coordinate `time`.

    Raises InvalidInput if an attribute is no number, or there are times that are not even, and no sampling
    interval.
    """
    attrs = _attributes(data)
    if n.SAMPLING_INTERVAL not in attrs and n.TIME in data.coords:
        attrs = attrs | _clock_from(data[n.TIME], argument)
    interval, start = attrs.get(n.SAMPLING_INTERVAL, 1.0), attrs.get(n.START_TIME, 0.0)
    for name, value, least in ((n.SAMPLING_INTERVAL, interval, 0.0), (n.START_TIME, start, -np.inf)):
        if not is_number(value) or not least < value < np.inf:
            expected = "a number above 0" if least == 0 else "a number"
            fix = f"Set it with .assign_attrs({name}=...)."
            raise InvalidInput(f"{argument}.attrs[{name!r}]", got=repr(value), expected=expected, fix=fix)
    default = "s" if n.SAMPLING_INTERVAL in attrs else "step"
    return float(interval), str(attrs.get(n.SAMPLING_INTERVAL_UNITS, default)), float(start)


def _clock_from(times: xr.DataArray, argument: str) -> dict[str, Any]:
    """Return the clock that the times of the samples show, or raise InvalidInput if they are not even."""
    values = times.values
    if values.dtype.kind in "mM":
        values = (values - values[:1]) / np.timedelta64(1, "s")
    interval, wrong = interval_in(values) if values.dtype.kind in "fiu" else (np.nan, f"holds {values.dtype}")
    if wrong:
        fix = (
            "Cut the recording where the times are not even, and analyse each part; where only the times are wrong, "
            f"remove them with .drop_vars({n.TIME!r}) and say .assign_attrs({n.SAMPLING_INTERVAL}=...)."
        )
        expected = f"even times, or {n.SAMPLING_INTERVAL!r} among the attributes"
        raise InvalidInput(argument, got=f"a coordinate {n.TIME!r} that {wrong}", expected=expected, fix=fix)
    units = {n.SAMPLING_INTERVAL_UNITS: times.attrs[n.UNITS]} if n.UNITS in times.attrs else {}
    return {n.SAMPLING_INTERVAL: interval, n.START_TIME: float(values[0]), **units}


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
    """Return a recording whose attributes alone say when its samples were taken, where they are evenly spaced."""
    if axis_of(data) is None:
        return data
    attrs = _attributes(data)
    rest = data.drop_vars(n.TIME)
    return rest.assign({n.ACTIVITY: rest[n.ACTIVITY].assign_attrs(attrs)}) if n.ACTIVITY in rest else rest


def _attributes(data: Any) -> dict[str, Any]:
    """Return the attributes of the activity, with what its Dataset and its axis say of the clock."""
    activity = data[n.ACTIVITY] if isinstance(data, xr.Dataset) and n.ACTIVITY in data else data
    attrs = {name: data.attrs[name] for name in CLOCK if name in data.attrs} | activity.attrs
    axis = axis_of(activity)
    if axis is None:
        return attrs
    said = {n.SAMPLING_INTERVAL: axis.step, n.START_TIME: axis.start}
    if n.UNITS in (of_axis := activity[n.TIME].attrs):
        said[n.SAMPLING_INTERVAL_UNITS] = of_axis[n.UNITS]
    return attrs | {name: value for name, value in said.items() if attrs.get(name, 0.0) != value}
