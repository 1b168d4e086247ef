"""Datasets of other tools become runs: their dims and variables get the names that netxr has for them."""

from collections.abc import Mapping
from typing import Any, Final

import xarray as xr

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.recordings.formats.times import check_interval, interval_of, say_seconds, say_which_interval
from netxr.schema.arguments import check_choice
from netxr.schema.clock import SECONDS, SEGMENTS, cuts_of
from netxr.schema.spacing import interval_in

RECORDING_DIMS: Final = frozenset((n.NEURON, n.TIME, n.TRIAL))

OWN_DIMS: Final = RECORDING_DIMS | {
    *(n.TARGET, n.SOURCE, n.LAG, n.EDGE_FRAME, n.EDGE),
    *(n.N_NEURONS, n.SPARSITY, n.N_STEPS, n.N_GROUPS),
}
"""Dims of the datasets that netxr makes."""


def as_run(path: object, dataset: xr.Dataset, name: str | None, dims: Mapping[str, str]) -> xr.Dataset:
    """Return a dataset with the dims of netxr, and the variable that is meant as its activity.

    Raises InvalidInput if `name` or `dims` is not in it, or its dims are not those of netxr, with those that there are.
    """
    if not isinstance(dims, Mapping) or not set(dims) <= set(dataset.dims):
        expected = f"a mapping from dims of {path}, which has {', '.join(map(str, dataset.dims))}"
        raise InvalidInput("dims", got=repr(dims), expected=expected, fix=f"E.g. dims={{'cell': {n.NEURON!r}}}.")
    taken = {*dataset.dims, *dataset.variables} - set(dims)
    if len(set(dims.values())) < len(dims) or taken & set(dims.values()):
        has = ", ".join(sorted(map(str, taken)))
        expected = f"a name of its own for each dim{has and f', and none that {path} has: {has}'}"
        raise InvalidInput("dims", got=repr(dims), expected=expected)
    if name is not None and name not in dataset.data_vars:
        expected = f"a variable of {path}, which has {listed(dataset)}"
        raise InvalidInput("name", got=repr(name), expected=expected)
    renamed = dataset.rename(dims)
    fitting = [str(key) for key, one in renamed.data_vars.items() if _fits(one)]
    if name is None and (len(fitting) == 1 or n.ACTIVITY in fitting):
        name = n.ACTIVITY if n.ACTIVITY in fitting else fitting[0]
    if name is not None and name in fitting:
        others = renamed if name == n.ACTIVITY else renamed.drop_vars(n.ACTIVITY, errors="ignore")
        return others.rename({name: n.ACTIVITY}).transpose(n.NEURON, n.TIME, n.TRIAL, ..., missing_dims="ignore")
    if name is None and not fitting and _are_own(renamed):
        return renamed
    argument = "name" if fitting else "dims"
    expected = f"one variable with dims {n.NEURON}, {n.TIME}[, {n.TRIAL}]; {path} has {listed(dataset)}"
    fix = f"Say dims={{'cell': {n.NEURON!r}, 'frame': {n.TIME!r}}} with its own dims, and name= where several fit."
    raise InvalidInput(argument, got=repr(dims if argument == "dims" else name), expected=expected, fix=fix)


def dims_by_order(source: object, dataset: xr.Dataset, name: str | None, axes: tuple[Any, ...]) -> dict[str, str]:
    """Return what each dim of a variable is, by the order of its axes; those of a run of netxr are known."""
    if is_run(dataset):
        raise InvalidInput("dims", got=f"{axes} for {source}", expected="none: it has the dims of netxr")
    fitting = [one for key, one in dataset.data_vars.items() if name in (None, key) and one.ndim == len(axes)]
    if len(fitting) != 1:
        expected = f"a variable with {len(axes)} axes; {source} has {listed(dataset)}"
        raise InvalidInput("name", got=repr(name), expected=expected)
    return dict(zip(map(str, fitting[0].dims), axes, strict=True))


def is_run(dataset: xr.Dataset) -> bool:
    """Say whether the dims of a dataset are those of a run of netxr: a recording, or its results."""
    return _are_own(dataset) or any(_fits(one) for one in dataset.data_vars.values())


def _are_own(dataset: xr.Dataset) -> bool:
    """Say whether a dataset has variables, and no dims but those that netxr makes."""
    return bool(dataset.data_vars) and set(dataset.dims) <= OWN_DIMS


def _fits(variable: xr.DataArray) -> bool:
    """Say whether the dims of a variable are those of an activity."""
    return {n.NEURON, n.TIME} <= set(variable.dims) <= RECORDING_DIMS


def listed(dataset: xr.Dataset) -> str:
    """Return the variables of a dataset with their dims, for a message."""
    return ", ".join(f"{key} ({', '.join(map(str, one.dims))})" for key, one in dataset.data_vars.items()) or "none"


def timed(path: object, recording: xr.Dataset, sampling_interval: float | None, gaps: n.Gaps = "raise") -> xr.Dataset:
    """Return a recording with the sampling interval that its times show, if it has none and they have a unit.

    With gaps="segments", the activity says that the stretches between gaps in its times are segments.
    """
    check_choice("gaps", gaps, n.GAP_CHOICES)
    activity = recording[n.ACTIVITY]
    if sampling_interval is not None:
        said: dict[str, Any] = {n.SAMPLING_INTERVAL: check_interval(sampling_interval), n.SAMPLING_INTERVAL_UNITS: "s"}
        if n.TIME in activity.coords:
            _say_which(path, activity[n.TIME], sampling_interval)
        return recording.assign({n.ACTIVITY: activity.assign_attrs(said)}).drop_vars(n.TIME, errors="ignore")
    gaps = activity.attrs.get(n.GAPS, gaps)  # as a recording that netxr has written says it
    if gaps == SEGMENTS and cuts_of(activity, gaps=gaps, argument=str(path)):
        return recording.assign({n.ACTIVITY: activity.assign_attrs({n.GAPS: SEGMENTS})})
    if (
        n.SAMPLING_INTERVAL in activity.attrs | recording.attrs
        or n.TIME not in activity.coords
        or activity[n.TIME].size < 2
    ):
        return recording
    times = activity[n.TIME]
    if times.dtype.kind not in "fiu":
        return recording
    interval = interval_of(times.values, path, f"its coordinate {n.TIME!r}")
    unit = str(times.attrs.get(n.UNITS, "")).partition(" ")[0]
    if not unit:
        fix = "Say it in the attribute 'units' of the times, or give sampling_interval= in seconds."
        say_seconds(interval, path, f"its coordinate {n.TIME!r}", fix=fix)
    said = {n.SAMPLING_INTERVAL: interval, n.SAMPLING_INTERVAL_UNITS: unit} if unit else {}
    return recording.assign({n.ACTIVITY: activity.assign_attrs(said)})


def _say_which(path: object, times: xr.DataArray, said: float) -> None:
    """Warn where times are not even, or show another interval than the one that is said, in seconds."""
    if times.dtype.kind in "fiu" and times.size > 1:
        interval, wrong = interval_in(times.values)
        scale = SECONDS.get(str(times.attrs.get(n.UNITS)), float("nan"))
        say_which_interval(said, interval * scale, path, f"its coordinate {n.TIME!r}", wrong=wrong)
