"""Which frames are bad: given as numbers, as True and False, or labelled; and told in few words."""

from itertools import pairwise
from typing import Any, Final

import dask.array as da
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.schema.variables import labels_of

MOST_RANGES: Final = 1000
"""An attribute lists no more: it is read each time that its store is opened."""


def flags_of(activity: xr.DataArray, frames: Any) -> xr.DataArray:
    """Return which frames are bad, (time[, trial]).

    Raises
    ------
    InvalidInput
        If `frames` does not fit the recording, or is lazy.
    """
    n_steps = activity.sizes[n.TIME]
    if isinstance(getattr(frames, "data", frames), da.Array):
        fix = "Compute it before: frames=bad.compute()."
        raise InvalidInput("frames", got="a lazy array", expected="frames that are known", fix=fix)
    if isinstance(frames, xr.DataArray):
        return _labelled(activity, frames)
    given = np.asarray(frames)
    if given.ndim == 1 and given.dtype == bool and len(given) == n_steps:
        return xr.DataArray(given, dims=n.TIME)
    numbers = given.astype(np.int64) if given.dtype.kind in "iu" or given.shape == (0,) else given
    right = numbers.ndim == 1 and numbers.dtype == np.int64 and ((numbers >= 0) & (numbers < n_steps)).all()
    if not right or len(np.unique(numbers)) < len(numbers):
        raise InvalidInput(
            "frames",
            got=f"{type(frames).__name__} of {given.dtype}, shape {given.shape}",
            expected=f"different frame numbers, 0 to {n_steps - 1}, or {n_steps} times True or False",
            fix="Turn zeros and ones for all frames into .astype(bool).",
        )
    bad = np.zeros(n_steps, dtype=bool)
    bad[numbers] = True
    return xr.DataArray(bad, dims=n.TIME)


def _labelled(activity: xr.DataArray, frames: xr.DataArray) -> xr.DataArray:
    """Return labelled flags of frames, (time[, trial]), if they are flags of this activity's frames."""
    dims = tuple(dim for dim in (n.TIME, n.TRIAL) if dim in frames.dims and dim in activity.dims)
    fits = (
        set(dims) == set(frames.dims)
        and n.TIME in dims
        and all(np.array_equal(labels_of(frames, dim), labels_of(activity, dim)) for dim in dims)
    )
    if not fits or frames.dtype != bool:
        raise InvalidInput(
            "frames",
            got=f"{frames.dtype} with dims {dict(frames.sizes)}",
            expected=f"bool, with time of {activity.sizes[n.TIME]} frames[, and the trials], "
            "labelled like the activity",
        )
    return xr.DataArray(frames.transpose(*dims).values, dims=dims, coords={d: labels_of(activity, d) for d in dims[1:]})


def told(bad: xr.DataArray) -> str:
    """Say how many frames are bad, and which."""
    if n.TRIAL not in bad.dims:
        numbers = np.flatnonzero(bad.values)
        return f"{len(numbers)} of {bad.sizes[n.TIME]}" + (f": {ranges(numbers)}" if len(numbers) else "")
    return "; ".join(
        f"in trial {one[n.TRIAL].item()} {told(one.drop_vars(n.TRIAL))}" for one in bad.transpose(n.TRIAL, n.TIME)
    )


def ranges(numbers: NDArray[Any]) -> str:
    """Write rising numbers as ranges.

    Examples
    --------
    >>> ranges(np.array([3, 4, 5, 9]))
    '3-5, 9'
    """
    cuts = np.flatnonzero(np.diff(numbers) > 1) + 1
    runs = [numbers[a:b] for a, b in pairwise([0, *cuts.tolist(), len(numbers)])]
    shown = ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs[:MOST_RANGES])
    return shown + (f", and {len(runs) - MOST_RANGES} ranges more" if len(runs) > MOST_RANGES else "")
