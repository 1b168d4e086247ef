"""Moments at several coarse levels from one pass over the samples."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse
import xarray as xr
from numpy.typing import NDArray

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.kernels.groups import membership
from netxr.kernels.lagged_sums import Pass
from netxr.moments.coarse import Groups, average_over, average_run, group_labels, label_groups, symmetric_at_zero
from netxr.moments.one_pass import accumulate
from netxr.moments.prepare import Precision, check_lags, chunk_bytes, prepare
from netxr.schema.clock import activity_of, in_samples
from netxr.schema.variables import labels_of


class Level(NamedTuple):
    """Groups in the place of neurons."""

    labels: NDArray[Any]  # (group)
    sizes: NDArray[np.int64]  # (group)
    weights: NDArray[np.float64]  # (group, neuron)


def coarse_moments(
    data: xr.DataArray | xr.Dataset,
    *,
    levels: Mapping[str, Groups | None],
    lags: Sequence[int | str] = (0, 1),
    dim: str | Sequence[str] = n.TIME,
    precision: Precision | None = None,
    missing: n.Missing = "raise",
    gaps: n.Gaps = "raise",
    memory: int | str | None = None,
) -> dict[str, xr.Dataset]:
    """Accumulate lagged moments of the neurons and of groups of them, at any number of levels, in one pass.

    Where the groups of all levels together are few, samples are averaged first and only groups are multiplied;
    otherwise, or where moments of the neurons are wanted too, the co-moments of groups follow from those of neurons.

    Parameters
    ----------
    data : DataArray or Dataset
        Samples (neuron, time[, trial]), NumPy or dask, or a Dataset that holds them.
    levels : mapping of str to groups or None
        Name of each level and its groups, as in `assign_groups`; None for the neurons themselves.
    lags, dim, precision, missing, gaps, memory
        As in `lagged_moments`; `missing` may be "raise", or "drop" for frames in which any neuron has no sample.

    Returns
    -------
    dict of str to Dataset
        Lagged moments at each level, equal to those of `coarsen(data, groups=...)` up to rounding. Lazy if
        `data` is: compute all of them together, ``dask.compute(result)[0]``, for a single read.

    Raises
    ------
    InvalidInput
        If there is no level, groups do not fit the neurons, or an argument is unknown.
    NonFiniteActivity
        If a sample is NaN or infinite and `missing` is "raise".

    Examples
    --------
    >>> import netxr
    >>> run = netxr.simulate(netxr.random_connectivity(12, seed=1), n_steps=100, seed=1)
    >>> moments = coarse_moments(run.activity, levels={"fine": None, "fourths": 4, "halves": 2}, lags=[1])
    >>> [netxr.lagged_correlation(level).sizes["target"] for level in moments.values()]
    [12, 4, 2]
    """
    if not isinstance(levels, Mapping) or not levels:
        raise InvalidInput("levels", got=repr(levels), expected="a mapping from names to groups, or None for neurons")
    if isinstance(missing, str) and missing == "pairwise":
        raise InvalidInput(
            "missing",
            got="'pairwise'",
            expected="'raise' or 'drop'",
            fix="An average over a group has no sample where one of its neurons has none: coarse-grain the activity.",
        )
    activity = activity_of(data)
    checked = check_lags(in_samples(lags, activity, argument="lags"), n_steps=activity.sizes[n.TIME])
    todo = prepare(activity, lags=checked, dim=dim, sources=None, precision=precision, missing=missing, gaps=gaps)
    neurons = labels_of(activity, n.NEURON)
    coarse = {
        name: Level(*membership(group_labels(groups, neurons))) for name, groups in levels.items() if groups is not None
    }
    n_neurons, n_groups = len(neurons), sum(len(level.labels) for level in coarse.values())
    if len(coarse) == len(levels) and missing == "raise" and n_groups * (n_groups + n_neurons) < n_neurons * n_neurons:
        return _samples_first(activity, coarse, todo, memory)
    found = _products_first(activity, coarse, todo, memory)
    return {name: found[name if name in coarse else None] for name in levels}


def _products_first(
    activity: xr.DataArray, levels: Mapping[str, Level], todo: Pass, memory: int | str | None
) -> dict[str | None, xr.Dataset]:
    """Return the moments of the neurons, under None, and of all levels: averages of products of neurons."""
    stacked = np.concatenate([level.weights for level in levels.values()] or [np.empty((0, activity.sizes[n.NEURON]))])
    groups = scipy.sparse.csr_array(stacked.astype(todo.precision))
    moments = accumulate(activity, replace(todo, groups=groups), memory=memory)
    fine = moments.drop_dims(n.GROUP)
    found: dict[str | None, xr.Dataset] = {None: fine}
    sides = average_run(fine.drop_vars([n.SUMSQ_TARGET, n.SUMSQ_SOURCE, n.COMOMENT]), stacked)
    by_target = average_over(fine[n.COMOMENT], stacked, axes=[n.TARGET])  # of all levels: it is the larger part
    for (name, level), rows in zip(levels.items(), _rows(levels), strict=True):
        coarse = _of_groups(sides, rows)
        coarse[n.COMOMENT] = average_over(by_target.isel({n.TARGET: rows}), level.weights, axes=[n.SOURCE])
        own = moments.isel({n.GROUP: rows})
        coarse[n.SUMSQ_TARGET] = own[n.GROUP_SUMSQ_TARGET].rename({n.GROUP: n.TARGET})
        coarse[n.SUMSQ_SOURCE] = own[n.GROUP_SUMSQ_SOURCE].rename({n.GROUP: n.SOURCE})
        found[name] = label_groups(symmetric_at_zero(coarse), level.labels, level.sizes)
    return found


def _samples_first(
    activity: xr.DataArray, levels: Mapping[str, Level], todo: Pass, memory: int | str | None
) -> dict[str, xr.Dataset]:
    """Return the moments of all levels: products of averaged samples, for the groups of all levels side by side."""
    stacked = np.concatenate([level.weights for level in levels.values()])
    moments = accumulate(average_over(activity, stacked), todo, memory=memory, chunk=chunk_bytes(activity))
    return {
        name: label_groups(_of_groups(moments, rows), *level[:2])
        for (name, level), rows in zip(levels.items(), _rows(levels), strict=True)
    }


def _of_groups(moments: xr.Dataset, rows: slice) -> xr.Dataset:
    """Return the moments of some of the groups."""
    return moments.isel(dict.fromkeys((n.TARGET, n.SOURCE, n.NEURON), rows), missing_dims="ignore")


def _rows(levels: Mapping[str, Level]) -> list[slice]:
    """Return where the groups of each level stand among those of all."""
    ends = np.cumsum([0, *(len(level.labels) for level in levels.values())]).tolist()
    return [slice(start, stop) for start, stop in itertools.pairwise(ends)]
