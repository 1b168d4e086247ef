"""When samples were taken: the clock of a recording, and the activity with its clock."""

from typing import Final

import numpy as np
import xarray as xr

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.schema.arguments import is_number
from netxr.schema.variables import check_activity

CLOCK: Final = (n.SAMPLING_INTERVAL, n.SAMPLING_INTERVAL_UNITS, n.START_TIME)
"""Attributes that say when the samples were taken."""


def activity_of(data: object, *, argument: str = "data") -> xr.DataArray:
    """Return the activity, (neuron, time[, trial]); what only its Dataset says of its clock is among its attributes.

    Parameters
    ----------
    data : object
        What the caller passed.
    argument : str
        Name of the caller's argument, for the message.

    Raises
    ------
    InvalidInput
        If there is none, or it is no recording.
    """
    if not isinstance(data, xr.Dataset):
        activity = check_activity(data, argument=argument)
    elif n.ACTIVITY not in data:
        known = ", ".join(map(str, data.data_vars)) or "no variable"
        raise InvalidInput(argument, got=f"a Dataset with {known}", expected=f"one with the variable {n.ACTIVITY!r}")
    else:
        activity = check_activity(data[n.ACTIVITY], argument=f"{argument}.{n.ACTIVITY}")
        clock = {name: data.attrs[name] for name in CLOCK if name in data.attrs}
        activity = activity.assign_attrs(clock | activity.attrs)
    return activity.transpose(n.NEURON, n.TIME, ..., missing_dims="ignore")


def clock_of(activity: xr.DataArray) -> tuple[float, str, float]:
    """Return the sampling interval, its unit, and the time of the first sample; 1 step each where nothing is said.

    Raises
    ------
    InvalidInput
        If an attribute is no number, or there are times but no sampling interval.
    """
    attrs = activity.attrs
    if n.SAMPLING_INTERVAL not in attrs and n.TIME in activity.coords:
        fix = f"Say how far the samples lie apart with .assign_attrs({n.SAMPLING_INTERVAL}=...)."
        raise InvalidInput("data", got="times, but no sampling interval", expected=f"{n.SAMPLING_INTERVAL!r}", fix=fix)
    interval, start = attrs.get(n.SAMPLING_INTERVAL, 1.0), attrs.get(n.START_TIME, 0.0)
    for name, value, least in ((n.SAMPLING_INTERVAL, interval, 0.0), (n.START_TIME, start, -np.inf)):
        if not is_number(value) or not least < value < np.inf:
            expected = "a number above 0" if least == 0 else "a number"
            raise InvalidInput(f"data.attrs[{name!r}]", got=repr(value), expected=expected)
    default = "s" if n.SAMPLING_INTERVAL in attrs else "step"
    return float(interval), str(attrs.get(n.SAMPLING_INTERVAL_UNITS, default)), float(start)
