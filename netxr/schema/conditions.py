"""Trials of one condition: those with the same value of a coordinate, such as the stimulus."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.schema.arguments import said


def conditions_of(activity: xr.DataArray, by: object, *, argument: str = "by") -> dict[object, NDArray[np.int64]]:
    """Return the values of a coordinate on trial, in order, and which trials have each.

    Raises InvalidInput if it is no coordinate on trial, or a trial lacks a value.

    Examples
    --------
    >>> x = xr.DataArray([[[5, 7, 6]]], {"tone": ("trial", ["low", "high", "low"])}, ("neuron", "time", "trial"))
    >>> {value: trials.tolist() for value, trials in conditions_of(x, "tone").items()}
    {'high': [1], 'low': [0, 2]}
    """
    known = [str(name) for name, coord in activity.coords.items() if coord.dims == (n.TRIAL,)]
    if not isinstance(by, str) or by not in known:
        expected = f"a coordinate on trial; there are: {', '.join(known) or 'none'}"
        raise InvalidInput(argument, got=said(by), expected=expected)
    values = activity[by]
    if values.isnull().any():
        fix = "Leave such trials out, with netxr.select."
        got = f"{by!r}, which {int(values.isnull().sum())} of {values.size} trials lack"
        raise InvalidInput(argument, got=got, expected="a value for each trial", fix=fix)
    different, places = np.unique(values.values, return_inverse=True)
    return {value: np.flatnonzero(places == k) for k, value in enumerate(different.tolist())}
