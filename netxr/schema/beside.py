"""What was recorded beside the activity, a stimulus or behaviour, and which of its frames are meant: checks on both."""

from typing import Any

import dask.array as da
import numpy as np
import xarray as xr

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.schema.arguments import array_of
from netxr.schema.axis import axis_of
from netxr.schema.variables import INPUTS_SPEC, check_variable, labels_of

CLOSE = 1e-3
"""By which part of an interval two times may differ, and be the same."""


def inputs_of(inputs: Any, activity: xr.DataArray) -> xr.DataArray:
    """Return inputs as (input, time[, trial]), each with a label, if they are as long as a recording, and of its times.

    An array may have any of (time), (input, time) and (input, time, trial) as its axes; one without trials is the same
    in each. No sample is read. Raises InvalidInput if they do not fit.
    """
    labelled = _labelled("inputs", inputs, [(n.TIME,), (n.INPUT, n.TIME), (n.INPUT, n.TIME, n.TRIAL)])
    labelled = labelled if n.INPUT in labelled.dims else labelled.expand_dims(n.INPUT)
    checked = check_variable(labelled, INPUTS_SPEC, argument="inputs").transpose(n.INPUT, n.TIME, ...)
    fitting = _of_its_trials("inputs", checked, activity)
    return fitting.assign_coords({n.INPUT: labels_of(fitting, n.INPUT)})


def mask_of(where: Any, activity: xr.DataArray) -> xr.DataArray:
    """Return a mask as (time[, trial]), if it is as long as a recording, and of its times.

    Raises InvalidInput if it does not fit, or is not of booleans.
    """
    labelled = _labelled("where", where, [(n.TIME,), (n.TIME, n.TRIAL)])
    if labelled.dtype != bool or not {n.TIME} <= {*labelled.dims} <= {n.TIME, n.TRIAL}:
        got = f"dtype {labelled.dtype}, dims {tuple(map(str, labelled.dims))}"
        raise InvalidInput("where", got=got, expected=f"booleans, ({n.TIME}[, {n.TRIAL}])", fix="Compare: where > 0.")
    return _of_its_trials("where", labelled, activity).transpose(n.TIME, ...)


def _labelled(argument: str, given: Any, dims: list[tuple[str, ...]]) -> xr.DataArray:
    """Return an array with the names of its axes, which depend on how many it has; a DataArray as it is."""
    if isinstance(given, xr.DataArray):
        return given
    expected = " or ".join(f"({', '.join(axes)})" for axes in dims)
    try:
        array = given if isinstance(given, da.Array) else array_of(argument, given, expected="a DataArray or array")
        return xr.DataArray(array, dims={len(axes): axes for axes in dims}[array.ndim])
    except (KeyError, TypeError, ValueError) as error:
        got = f"{type(given).__name__} of shape {np.shape(given)}" if hasattr(given, "shape") else type(given).__name__
        raise InvalidInput(argument, got=got, expected=f"a DataArray or array, {expected}") from error


def _of_its_trials(argument: str, given: xr.DataArray, activity: xr.DataArray) -> xr.DataArray:
    """Return what has as many samples and trials as a recording, at the same times, without a label of one trial.

    Raises InvalidInput if it does not fit.
    """
    if n.TRIAL not in activity.dims and given.sizes.get(n.TRIAL) == 1:
        given = given.isel({n.TRIAL: 0})
    for dim in (n.TIME, n.TRIAL):
        size = activity.sizes.get(dim, 1)
        if dim in given.dims and given.sizes[dim] != size:
            got = f"{given.sizes[dim]:,} along {dim}"
            raise InvalidInput(argument, got=got, expected=f"{size:,}, as the activity has")
    trials = [np.ravel(each[n.TRIAL].values).tolist() for each in (given, activity) if n.TRIAL in each.coords]
    if len(trials) == 2 and trials[0] != trials[1]:
        got, expected = f"trials {trials[0]!r:.60}", f"those of the activity, {trials[1]!r:.60}, in their order"
        fix = f"What is the same in all trials has no such label: .drop_vars({n.TRIAL!r})."
        raise InvalidInput(argument, got=got, expected=expected, fix="" if n.TRIAL in given.dims else fix)
    if n.TIME in given.coords and n.TIME in activity.coords and not _same_times(given, activity):
        first, last = ([each[n.TIME][k].values[()] for k in (0, -1)] for each in (given, activity))
        raise InvalidInput(
            argument,
            got=f"times from {first[0]} to {first[1]}",
            expected=f"those of the activity, from {last[0]} to {last[1]}",
            fix=f"Take what was recorded with the samples; where only the times are wrong, .drop_vars({n.TIME!r}).",
        )

    return given if n.TRIAL in given.dims else given.drop_vars(n.TRIAL, errors="ignore")


def _same_times(given: xr.DataArray, activity: xr.DataArray) -> bool:
    """Return whether both have the same times, but for rounding."""
    axes = [axis_of(each) for each in (given, activity)]
    if axes[0] is not None and axes[1] is not None:
        here, there = (np.array([axis.start, axis.start + axis.size * axis.step]) for axis in axes if axis is not None)
        return bool((np.abs(here - there) <= CLOSE * abs(axes[1].step)).all())
    here, there = (each[n.TIME].values for each in (given, activity))
    if {here.dtype.kind, there.dtype.kind} <= {*"fiu"}:
        step = np.abs(np.diff(there)).min(initial=np.inf)
        return bool((np.abs(here - there.astype(float)) <= CLOSE * step).all())
    return np.array_equal(here, there)
