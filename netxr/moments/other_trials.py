"""Sources of another trial: how neurons correlate that share no more than what all trials have in common."""

from dataclasses import replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.kernels.lagged_sums import Pass, block_frames
from netxr.schema.arguments import check_seed


def partners(n_trials: int, seed: int) -> NDArray[np.int64]:
    """Return for each trial the number of another one; each is the other of one.

    Examples
    --------
    >>> partners(4, seed=1).tolist()
    [1, 2, 3, 0]
    """
    order = np.random.default_rng(seed).permutation(n_trials)
    found = np.empty_like(order)
    found[order] = np.roll(order, -1)
    return found


def with_other_trials(activity: xr.DataArray, todo: Pass, *, seed: object) -> tuple[xr.DataArray, Pass]:
    """Return activity with that of another trial as further neurons, and a pass in which these are the sources.

    Raises
    ------
    InvalidInput
        If there are fewer than two trials, or the seed is none.
    """
    n_trials, n_neurons = activity.sizes.get(n.TRIAL, 1), activity.sizes[n.NEURON]
    if n_trials < 2:
        got = f"activity with dims {tuple(map(str, activity.dims))}, of trials: {n_trials}"
        fix = "Cut a recording into trials with netxr.cut_trials, or compare with shifts in time."
        raise InvalidInput("shuffle_trials", got=got, expected="two trials or more", fix=fix)
    other = activity.isel({n.TRIAL: partners(n_trials, check_seed(seed, rng="modern", argument="shuffle_trials"))})
    if n.TRIAL in activity.coords:
        other = other.assign_coords({n.TRIAL: activity[n.TRIAL]})
    rows = xr.concat([activity, other], n.NEURON, coords="minimal", compat="override", join="override")
    chosen = range(n_neurons) if todo.sources is None else todo.sources
    return rows.assign_attrs(activity.attrs), replace(
        todo,
        block=block_frames(2 * n_neurons, todo.max_lag, todo.precision),
        targets=(0, n_neurons),
        sources=tuple(n_neurons + place for place in chosen),
    )
