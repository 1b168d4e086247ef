"""Moments of consecutive blocks of a recording: each block is read once, and a chunk for each block that it is in."""

import itertools
from collections.abc import Callable
from functools import reduce
from typing import Any, Final

import dask.array as da
import numpy as np
import xarray as xr
from dask.base import is_dask_collection
from dask.delayed import delayed

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.moments.inputs import apart, together
from netxr.moments.merge import EDGES, merged
from netxr.schema.arguments import check_count
from netxr.schema.variables import check_moments

SAME: Final[dict[str, Any]] = {"data_vars": "all", "coords": "minimal", "compat": "override", "join": "override"}


def moments_in_blocks(
    activity: xr.DataArray, accumulated: Callable[[xr.DataArray, int, int], xr.Dataset], *, blocks: int, max_lag: int
) -> xr.Dataset:
    """Return the moments of each of some blocks of about equal length, along a leading dim `block`.

    A pair of samples belongs to the block of its target. So the source of a pair may lie in the block before, and all
    blocks merged are the whole. The edge frames of every block but the first are the last ones of the block before it,
    which no lag has as targets, and its own last ones. So trials are apart; where frames are dropped, there are no
    edge frames.
    """
    n_steps = activity.sizes[n.TIME]
    least = max(2 * max_lag, max_lag + 2)
    if check_count("blocks", blocks) * least > n_steps:
        fix = "Ask for fewer blocks, or shorter lags."
        expected = f"blocks of {least} samples or more, for lags up to {max_lag}"
        raise InvalidInput("blocks", got=f"{blocks} blocks of {n_steps} samples in all", expected=expected, fix=fix)
    starts = np.linspace(0, n_steps, blocks + 1).astype(int)
    leads = [0] + [max_lag] * (blocks - 1)  # the frames before a block, which are sources of its pairs
    spans = [slice(a - lead, b) for lead, (a, b) in zip(leads, itertools.pairwise(starts), strict=True)]
    parts = [
        accumulated(activity.isel({n.TIME: span}), lead, span.start) for lead, span in zip(leads, spans, strict=True)
    ]
    labels = {name: coord for name, coord in parts[0].coords.items() if name != n.LAG}
    parts = [part.drop_vars(labels) for part in parts]  # the same in all: to compare them takes longer than to compute
    joined = xr.concat(parts, n.BLOCK, combine_attrs="override", **SAME)
    joined[n.COUNT].attrs.pop(n.FRAMES)  # blocks differ in their number
    return joined.assign_coords(labels | {n.BLOCK: np.arange(blocks)} | _times(activity, starts))


def merge_blocks(moments: xr.Dataset, *, width: int) -> xr.Dataset:
    """Merge neighbouring blocks of moments into windows that overlap.

    Parameters
    ----------
    moments : Dataset
        Lagged moments with a dim `block`, as `lagged_moments` makes them; lazy or not.
    width : int
        Blocks in a window; a window begins at each block that has as many after it.

    Returns
    -------
    Dataset
        Moments over `block`, one window each, without a further read; `block_time` is the middle of a window, where
        samples have times. Those of a window of all blocks are the moments of the whole recording.

    Raises
    ------
    InvalidInput
        If there are no blocks, or fewer than the width.

    Examples
    --------
    >>> import netxr
    >>> run = netxr.sample("rate_network")
    >>> moments = netxr.lagged_moments(run, blocks=4)
    >>> merge_blocks(moments, width=2).sizes["block"]
    3
    """
    check_moments(moments)
    if n.BLOCK not in moments.dims:
        fix = "Make them with netxr.lagged_moments(..., blocks=...)."
        raise InvalidInput("moments", got="moments without blocks", expected=f"a dim {n.BLOCK!r}", fix=fix)
    n_blocks = moments.sizes[n.BLOCK]
    if check_count("width", width) > n_blocks:
        raise InvalidInput("width", got=str(width), expected=f"1 to {n_blocks}, as many as there are blocks")
    both = together(moments)
    single = [both.isel({n.BLOCK: k}, drop=True) for k in range(n_blocks)]
    windows = [_in_one_task(_window, *single[k : k + width]) for k in range(n_blocks - width + 1)]
    joined = apart(xr.concat(windows, n.BLOCK, combine_attrs="override", **SAME), moments)
    labels = moments[n.BLOCK].values[: len(windows)]
    times = {}
    if n.BLOCK_TIME in moments.coords:
        middle = np.lib.stride_tricks.sliding_window_view(moments[n.BLOCK_TIME].values, width).mean(-1)
        times = {n.BLOCK_TIME: (n.BLOCK, middle, moments[n.BLOCK_TIME].attrs)}
    return joined.assign_coords({n.BLOCK: labels} | times)


def _in_one_task(function: Callable[..., xr.Dataset], *parts: xr.Dataset) -> xr.Dataset:
    """Return what a function makes of moments that is shaped like the first of them.

    Where they are lazy it is one task: its many small steps would each be one, and take far longer to hand out than
    to do.
    """
    first = parts[0]
    if not is_dask_collection(first):
        return function(*parts)
    arrays = delayed(_arrays_of, pure=True)(function, *parts)
    lazy = {
        name: da.from_delayed(arrays[name], value.shape, value.dtype)  # type: ignore[no-untyped-call]
        for name, value in first.data_vars.items()
    }
    return first.copy(data=lazy)


def _arrays_of(function: Callable[..., xr.Dataset], *parts: xr.Dataset) -> dict[Any, Any]:
    """Return the arrays of what a function makes of moments."""
    return {name: value.values for name, value in function(*parts).items()}


def _window(*blocks: xr.Dataset) -> xr.Dataset:
    """Return the moments of consecutive blocks together."""
    names = list(EDGES)
    first, last = blocks[0], blocks[-1]
    whole = reduce(merged, (block.drop_vars(names, errors="ignore") for block in blocks))
    if n.EDGE_ACTIVITY not in first:  # where frames are left out
        return whole
    half = first.sizes[n.EDGE_FRAME] // 2
    sides = first[names].isel({n.EDGE_FRAME: slice(0, half)}), last[names].isel({n.EDGE_FRAME: slice(half, None)})
    return whole.assign(xr.concat(sides, n.EDGE_FRAME, data_vars="minimal", coords="minimal", compat="override"))


def _times(activity: xr.DataArray, starts: Any) -> dict[str, Any]:
    """Return the middle of each block as a coordinate, where samples have times that are numbers."""
    if n.TIME not in activity.coords or activity[n.TIME].dtype.kind not in "fiu":
        return {}
    first, last = (activity[n.TIME].isel({n.TIME: at}).values for at in (starts[:-1], starts[1:] - 1))
    return {n.BLOCK_TIME: (n.BLOCK, (first + last) / 2, activity[n.TIME].attrs)}
