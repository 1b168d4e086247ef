"""Sources of another trial: how neurons correlate that share no more than what all trials have in common."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.kernels.lagged_sums import Pass, block_frames
from netxr.schema.arguments import check_seed
from netxr.schema.conditions import conditions_of


def partners(conditions: Sequence[NDArray[np.int64]], seed: int) -> NDArray[np.int64]:
    """Return for each trial the number of another one of its condition; each is the other of one.

    Examples
    --------
    >>> partners([np.arange(4)], seed=1).tolist()
    [1, 2, 3, 0]
    >>> partners([np.array([0, 2]), np.array([1, 3])], seed=1).tolist()
    [2, 3, 0, 1]
    """
    rng = np.random.default_rng(seed)
    found = np.empty(sum(map(len, conditions)), np.int64)
    for trials in conditions:
        order = rng.permutation(trials)
        found[order] = np.roll(order, -1)
    return found


def with_other_trials(activity: xr.DataArray, todo: Pass, *, seed: object, by: str | None) -> tuple[xr.DataArray, Pass]:
    """Return activity with that of another trial as further neurons, and a pass in which these are the sources.

    Raises InvalidInput if there are fewer than two trials of a condition, or the seed is none.
    """
    n_trials, n_neurons = activity.sizes.get(n.TRIAL, 1), activity.sizes[n.NEURON]
    if n_trials < 2:
        got = f"activity with dims {tuple(map(str, activity.dims))}, of trials: {n_trials}"
        fix = "Cut a recording into trials with netxr.cut_trials, or compare with shifts in time."
        raise InvalidInput("shuffle_trials", got=got, expected="two trials or more", fix=fix)
    alike = [np.arange(n_trials)] if by is None else _conditions(activity, by)
    other = activity.isel({n.TRIAL: partners(alike, check_seed(seed, rng="modern", argument="shuffle_trials"))})
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


def _conditions(activity: xr.DataArray, by: str) -> list[NDArray[np.int64]]:
    """Return the trials of each condition, of which there have to be two or more."""
    found = conditions_of(activity, by, argument="shuffle_by")
    alone = [value for value, trials in found.items() if len(trials) < 2]
    if alone:
        got, expected = f"{by!r}, of which {alone[0]!r} has a single trial", "two trials or more of each value"
        raise InvalidInput("shuffle_by", got=got, expected=expected, fix="Leave it out, with netxr.select.")
    return list(found.values())
