"""A step of preprocessing: takes the activity out of what was given, and puts it back with what was done to it."""

from collections.abc import Mapping
from typing import Any, Final, TypeVar

import numpy as np
import xarray as xr

from netxr import names as n
from netxr.arguments import is_number
from netxr.errors import InvalidInput
from netxr.schema import check_activity

Recording = TypeVar("Recording", xr.DataArray, xr.Dataset)
"""Activity, or a Dataset that holds it."""

CLOCK: Final = (n.SAMPLING_INTERVAL, n.SAMPLING_INTERVAL_UNITS, n.START_TIME)
"""Attributes that say when the samples were taken."""


def activity_of(data: object) -> xr.DataArray:
    """Return the activity, (neuron, time[, trial]); what only its Dataset says of its clock is among its attributes.

    Raises
    ------
    InvalidInput
        If there is none, or it is no recording.
    """
    if not isinstance(data, xr.Dataset):
        activity = check_activity(data, argument="data")
    elif n.ACTIVITY not in data:
        known = ", ".join(map(str, data.data_vars)) or "no variable"
        raise InvalidInput("data", got=f"a Dataset with {known}", expected=f"one with the variable {n.ACTIVITY!r}")
    else:
        activity = check_activity(data[n.ACTIVITY], argument=f"data.{n.ACTIVITY}")
        clock = {name: data.attrs[name] for name in CLOCK if name in data.attrs}
        activity = activity.assign_attrs(clock | activity.attrs)
    return activity.transpose(n.NEURON, n.TIME, ..., missing_dims="ignore")


def put_back(data: Recording, activity: xr.DataArray, *, step: str, **attrs: Any) -> Recording:
    """Return `data` with this activity in the place of its own, which says what was done.

    Parameters
    ----------
    data : DataArray or Dataset
        Where the activity comes from; all else in a Dataset is kept.
    activity : DataArray
        With the attributes that it had before the step.
    step : str
        What was done, in one line.
    **attrs : Any
        Attributes that the step changes.

    Raises
    ------
    InvalidInput
        If the step changes the length of a dim that another variable of the Dataset has as well.
    """
    before = activity.attrs.get(n.PREPROCESSING)
    done = activity.copy(deep=False)
    done.attrs = activity.attrs | attrs | {n.PREPROCESSING: f"{before}\n{step}" if before else step}
    done.encoding = {}  # how the file held the samples before
    if isinstance(data, xr.DataArray):
        return done
    changed = {dim for dim, size in done.sizes.items() if size != data.sizes[dim]}
    along = [name for name, variable in data.variables.items() if changed & set(variable.dims)]
    stuck = [str(name) for name in along if name != n.ACTIVITY and name not in data[n.ACTIVITY].coords]
    if stuck:
        raise InvalidInput(
            "data",
            got=f"a Dataset whose {', '.join(stuck)} has the dim {', '.join(map(str, changed))} too",
            expected="only activity along a dim that changes its length",
            fix=f"Leave the others out with .drop_vars({stuck}).",
        )
    kept = data.drop_vars(along).assign({n.ACTIVITY: done})[list(data.data_vars)]
    return kept.assign_attrs({name: attrs[name] for name in attrs if name in data.attrs})


def take(data: Recording, positions: Mapping[Any, Any], *, step: str, **attrs: Any) -> Recording:
    """Return the entries at these positions along dims, of all that a Dataset has along them."""
    chosen: Recording = data.isel(positions)
    return put_back(chosen, activity_of(chosen), step=step, **attrs)


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


def float_type(activity: xr.DataArray) -> np.dtype[Any]:
    """Return the dtype of a result that is no whole number: that of the samples, float64 for integers."""
    return activity.dtype if activity.dtype.kind == "f" else np.dtype(np.float64)
