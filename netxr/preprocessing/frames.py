"""Bad frames: found, marked as missing, interpolated, or dropped; counted and recorded each time."""

from itertools import pairwise
from typing import Any, Final

import dask.array as da
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from netxr import names as n
from netxr.blocks.trials import stack_trials
from netxr.errors import InvalidInput
from netxr.kernels.trends import as_samples
from netxr.preprocessing.put_back import by_segment, put_back, take
from netxr.schema.arguments import array_of, check_flag
from netxr.schema.clock import Recording, activity_of
from netxr.schema.variables import float_type, labels_of, trials_of


def bad_frames(data: xr.DataArray | xr.Dataset) -> xr.DataArray:
    """Find the frames in which some neuron is NaN or infinite.

    Parameters
    ----------
    data : DataArray or Dataset
        Activity (neuron, time[, trial]), or a Dataset that holds it.

    Returns
    -------
    DataArray of bool, (time[, trial])
        True where a frame is bad; lazy if `data` is. Compute it before giving it to `mask_frames` and the like.

    Raises
    ------
    InvalidInput
        If `data` is no recording.

    Examples
    --------
    >>> import numpy as np, netxr
    >>> x = netxr.as_activity([[1.0, np.nan, 3.0], [4.0, 5.0, 6.0]], dims=("neuron", "time"))
    >>> bad_frames(x).values.tolist()
    [False, True, False]
    """
    activity = activity_of(data)
    finite: xr.DataArray = xr.apply_ufunc(np.isfinite, activity, dask="allowed")
    return (~finite.all(n.NEURON)).rename(n.BAD_FRAMES).drop_attrs(deep=False)


def mask_frames(data: Recording, *, frames: Any) -> Recording:
    """Mark bad frames as missing: their samples become NaN, in all neurons.

    `lagged_correlation` and `lagged_moments` with missing="drop" leave them out with every pair of samples that they
    are in, and count no pair across them. Later steps keep them NaN, but for `high_pass`, which cannot start from
    NaN: interpolate the frames, filter, and mask them then.

    Parameters
    ----------
    data : DataArray or Dataset
        Activity (neuron, time[, trial]), or a Dataset that holds it; dask stays lazy.
    frames : sequence of int, or of bool, or DataArray of bool
        Numbers of the bad frames, from 0; or True for each bad one of all; or a DataArray of bool (time[, trial]),
        in memory, as from `bad_frames`. Without trial dim they are bad in all trials.

    Returns
    -------
    DataArray or Dataset
        The samples; floating-point ones in their dtype, integers as float64. The attribute `preprocessing` says how
        many frames, and which (up to a thousand ranges).

    Raises
    ------
    InvalidInput
        If `frames` does not fit the recording, or is lazy.

    Examples
    --------
    >>> import numpy as np, netxr
    >>> x = netxr.as_activity(np.ones((2, 5)), dims=("neuron", "time"))
    >>> masked = mask_frames(x, frames=[1, 2, 4])
    >>> masked.isel(neuron=0).values.tolist(), masked.preprocessing
    ([1.0, nan, nan, 1.0, nan], 'mask_frames 3 of 5: 1-2, 4')
    """
    activity = activity_of(data)
    bad = flags_of(activity, frames)
    marked = activity.astype(float_type(activity), copy=False).where(~bad)
    return put_back(data, activity.copy(data=marked.data), step=f"mask_frames {in_words(bad)}")


def interpolate_frames(data: Recording, *, frames: Any, gaps: n.Gaps = "raise") -> Recording:
    """Replace bad frames by the straight line between the good ones before and after them, neuron by neuron.

    Interpolated frames look like samples to every later step, and correlate with their neighbours: for lagged
    correlations, mask them rather, or mask them again after a filter that needed them filled.

    Parameters
    ----------
    data : DataArray or Dataset
        Activity (neuron, time[, trial]), or a Dataset that holds it; dask stays lazy. Chunks become at least as long
        as the longest run of bad frames across a border of chunks.
    frames : sequence of int, or of bool, or DataArray of bool
        As in `mask_frames`.
    gaps : {"raise", "segments"}
        What to do where times are not even: an error, or take each stretch between gaps on its own.

    Returns
    -------
    DataArray or Dataset
        The samples; floating-point ones in their dtype, integers as float64. At the ends of a trial, the nearest good
        frame is repeated. NaN in a good frame stays, and spreads to the bad ones beside it.

    Raises
    ------
    InvalidInput
        If `frames` does not fit the recording, is lazy, or leaves no good frame in a trial or segment; if times are
        not even.

    Examples
    --------
    >>> import numpy as np, netxr
    >>> x = netxr.as_activity([[0.0, 99.0, 99.0, 3.0, 99.0]], dims=("neuron", "time"))
    >>> interpolate_frames(x, frames=[1, 2, 4]).values.tolist()
    [[0.0, 1.0, 2.0, 3.0, 3.0]]
    """
    activity = activity_of(data)
    bad = flags_of(activity, frames)
    filled = by_segment(_interpolated, activity.assign_coords({n.BAD_FRAMES: bad}), gaps=gaps)
    return put_back(data, filled.drop_vars(n.BAD_FRAMES), step=f"interpolate_frames {in_words(bad)}")


def drop_frames(data: Recording, *, frames: Any, join: bool = False) -> Recording:
    """Cut bad frames off the ends of a recording, or, where asked for, out of it.

    What is left after frames were cut out of the middle looks as if it had been recorded without a break, so that a
    lagged correlation pairs samples across the cut that do not lie a lag apart. `mask_frames` makes no such pairs.

    Parameters
    ----------
    data : DataArray or Dataset
        Activity (neuron, time[, trial]), or a Dataset that holds it; dask stays lazy.
    frames : sequence of int, or of bool, or DataArray of bool
        As in `mask_frames`; the same in all trials.
    join : bool
        Whether frames may be cut out of the middle, and what is left be joined.

    Returns
    -------
    DataArray or Dataset
        With fewer frames. The attribute `start_time` says when the first of them was taken, as the coordinate `time`
        does; frames that were joined have no times any more.

    Raises
    ------
    InvalidInput
        If `frames` does not fit the recording, is lazy, differs between trials, leaves nothing, or holds some in the
        middle without `join`.

    Examples
    --------
    >>> import numpy as np, netxr
    >>> x = netxr.as_activity([[9.0, 1.0, 2.0, 9.0]], dims=("neuron", "time"), sampling_interval=0.5)
    >>> rest = drop_frames(x, frames=[0, 3])
    >>> rest.values.tolist(), rest.start_time, rest.preprocessing
    ([[1.0, 2.0]], 0.5, 'drop_frames 2 of 4: 0, 3')
    """
    check_flag("join", join)
    activity = activity_of(data)
    bad = flags_of(activity, frames)
    if n.TRIAL in bad.dims and not (bad == bad.isel({n.TRIAL: 0})).all():
        fix = "Mark them as missing with mask_frames."
        raise InvalidInput("frames", got="other frames in other trials", expected="the same in all", fix=fix)
    kept = np.flatnonzero(~bad.values.reshape(activity.sizes[n.TIME], -1)[:, 0])
    if not len(kept):
        raise InvalidInput("frames", got="all frames", expected="some that are left")
    first, last = int(kept[0]), int(kept[-1]) + 1
    at_ends = len(kept) == last - first
    if not at_ends and not join:
        inside = np.setdiff1d(np.arange(first, last), kept)
        raise InvalidInput(
            "frames",
            got=f"{len(inside)} in the middle: {ranges(inside)[:80]}",
            expected="frames at the ends",
            fix="Mark them as missing with mask_frames; or say join=True, and have pairs across the cuts.",
        )
    step = f"drop_frames {in_words(bad)}{'' if at_ends else ', the rest joined'}"
    return take(data, {n.TIME: slice(first, last) if at_ends else kept}, step=step)


def _interpolated(activity: xr.DataArray) -> xr.DataArray:
    """Return an activity with its bad frames, a coordinate (time[, trial]), interpolated."""
    bad = activity[n.BAD_FRAMES].transpose(n.TIME, ...)
    if bad.all(n.TIME).any():
        raise InvalidInput("frames", got="all frames of a trial or segment", expected="some that are good, to go by")
    by_trial = bad.values.reshape(activity.sizes[n.TIME], -1).T
    each = [
        _filled(trial.samples, by_trial[k if len(by_trial) > 1 else 0]) for k, trial in enumerate(trials_of(activity))
    ]
    return activity.copy(data=stack_trials(each, like=activity))


def _filled(samples: Any, bad: NDArray[np.bool_]) -> Any:
    """Return the samples of a trial (neuron, time), bad frames interpolated."""
    if not isinstance(samples, da.Array):
        return _fill(samples, bad[None])
    flags = da.from_array(bad[None], chunks=((1,), samples.chunks[1]))  # type: ignore[no-untyped-call]
    needed = _frames_needed(bad, np.cumsum(samples.chunks[1])[:-1])
    dtype = samples.dtype if samples.dtype.kind == "f" else np.dtype(np.float64)
    meta = np.empty((0, 0), dtype)
    if not needed:
        return da.map_blocks(_fill, samples, flags, dtype=dtype, meta=meta)  # type: ignore[no-untyped-call]
    depth = {0: 0, 1: needed}
    return da.map_overlap(  # type: ignore[no-untyped-call]
        _fill, samples, flags, depth=depth, boundary="none", dtype=dtype, meta=meta
    )


def _frames_needed(bad: NDArray[np.bool_], cuts: NDArray[Any]) -> int:
    """Return how many frames a chunk needs of its neighbours, so that bad frames at its ends have good ones around.

    Examples
    --------
    >>> _frames_needed(np.array([0, 0, 1, 1, 1, 0], dtype=bool), np.array([3]))
    3
    >>> _frames_needed(np.array([0, 0, 1, 1, 1, 0], dtype=bool), np.array([1]))
    0
    """
    edges = np.flatnonzero(np.diff(bad, prepend=False, append=False)).reshape(-1, 2)
    first_cut = np.searchsorted(cuts, edges[:, 0], side="left")
    crossed = first_cut < np.searchsorted(cuts, edges[:, 1], side="right")
    lengths = (edges[:, 1] - edges[:, 0])[crossed]
    return int(lengths.max(initial=0))


def _fill(samples: NDArray[Any], bad: NDArray[np.bool_]) -> NDArray[Any]:
    """Return samples (neuron, time), bad frames (1, time) on the line between the good ones around them."""
    good, wrong = np.flatnonzero(~bad[0]), np.flatnonzero(bad[0])
    filled = as_samples(samples.astype(np.float64), samples)
    if len(good) and len(wrong):
        after = np.searchsorted(good, wrong)
        before, after = good[np.maximum(after - 1, 0)], good[np.minimum(after, len(good) - 1)]
        before = np.where(before > wrong, after, before)
        share = (wrong - before) / np.maximum(after - before, 1)
        from_before, from_after = samples[:, before].astype(np.float64), samples[:, after].astype(np.float64)
        filled[:, wrong] = np.where(before == after, from_after, from_before * (1 - share) + from_after * share)
    return filled


MOST_RANGES: Final = 1000
"""An attribute lists no more: it is read each time that its store is opened."""


def flags_of(activity: xr.DataArray, frames: Any) -> xr.DataArray:
    """Return which frames are bad, (time[, trial]).

    Raises InvalidInput if `frames` does not fit the recording, or is lazy.
    """
    n_steps = activity.sizes[n.TIME]
    if isinstance(getattr(frames, "data", frames), da.Array):
        fix = "Compute it before: frames=bad.compute()."
        raise InvalidInput("frames", got="a lazy array", expected="frames that are known", fix=fix)
    if isinstance(frames, xr.DataArray):
        return _labelled(activity, frames)
    expected = f"different frame numbers, 0 to {n_steps - 1}, or {n_steps} times True or False"
    given = array_of("frames", frames, expected=expected)
    if given.ndim == 1 and given.dtype == bool and len(given) == n_steps:
        return xr.DataArray(given, dims=n.TIME)
    numbers = given.astype(np.int64) if given.dtype.kind in "iu" or given.shape == (0,) else given
    right = numbers.ndim == 1 and numbers.dtype == np.int64 and ((numbers >= 0) & (numbers < n_steps)).all()
    if not right or len(np.unique(numbers)) < len(numbers):
        raise InvalidInput(
            "frames",
            got=f"{type(frames).__name__} of {given.dtype}, shape {given.shape}",
            expected=expected,
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


def in_words(bad: xr.DataArray) -> str:
    """Say how many frames are bad, and which."""
    if n.TRIAL not in bad.dims:
        numbers = np.flatnonzero(bad.values)
        return f"{len(numbers)} of {bad.sizes[n.TIME]}" + (f": {ranges(numbers)}" if len(numbers) else "")
    return "; ".join(
        f"in trial {one[n.TRIAL].item()} {in_words(one.drop_vars(n.TRIAL))}" for one in bad.transpose(n.TRIAL, n.TIME)
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
