"""Coarse-graining: groups in the place of neurons, for activity, connectivity and moments alike."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.kernels.groups import equal_groups, group_average, is_grouped, membership
from netxr.kernels.moments import make_symmetric, sumsq_of_side
from netxr.schema.arguments import array_of, is_whole, said
from netxr.schema.variables import check_lengths, check_moments, holds_moments, labels_of

Labelled = TypeVar("Labelled", xr.DataArray, xr.Dataset)
Groups = int | Sequence[Any] | Mapping[Any, Any] | NDArray[Any] | xr.DataArray

AXES = (n.NEURON, n.TARGET, n.SOURCE)


def assign_groups(data: Labelled, *, groups: Groups) -> Labelled:
    """Say which group each neuron is in, as a coordinate `group` on `neuron`.

    Parameters
    ----------
    data : DataArray or Dataset
        With a dim `neuron`.
    groups : int, sequence, mapping or DataArray
        How many consecutive groups of equal size; or one group label a neuron, in order; or a mapping from
        neuron label to group label; or a DataArray (neuron), aligned by label. Labels are numbers or text; a
        negative number, NaN, None or "" stands for no group, as does a neuron that a mapping leaves out.

    Returns
    -------
    DataArray or Dataset
        `data` with the coordinate; labels of numbers where all are, -1 for none, else text, "" for none.

    Raises
    ------
    InvalidInput
        If the groups do not fit the neurons, or leave every neuron out.

    Examples
    --------
    >>> import numpy as np, netxr
    >>> activity = netxr.as_activity(np.zeros((4, 10)), dims=("neuron", "time"), neurons=["a", "b", "c", "d"])
    >>> assign_groups(activity, groups={"a": "V1", "b": "V1", "d": "V2"}).group.values.tolist()
    ['V1', 'V1', '', 'V2']
    """
    if n.NEURON not in _neuron_axes(data):
        raise InvalidInput("data", got=f"dims {tuple(map(str, data.dims))}", expected=f"a dim {n.NEURON!r}")
    return data.assign_coords({n.GROUP: (n.NEURON, group_labels(groups, labels_of(data, n.NEURON)))})


def coarsen(data: Labelled, *, groups: Groups | None = None) -> Labelled:
    """Average neurons into groups, each of which then stands in the place of a neuron.

    The activity of a group is the mean over its neurons; the weight between two groups is the mean over all
    pairs of their neurons, self-connections included; moments are those of the averaged activity. So estimating
    and coarse-graining may be done in either order:
    ``lagged_correlation(coarsen(activity))`` equals ``lagged_correlation(coarsen(lagged_moments(activity)))``.

    Parameters
    ----------
    data : DataArray or Dataset
        Activity (neuron, time[, trial]), connectivity (target, source[, trial]), a Dataset of both, or lagged
        moments of all sources, lag 0 among them. dask stays lazy.
    groups : int, sequence, mapping or DataArray, optional
        As in `assign_groups`; by default the coordinate `group` of `data`. Neurons in no group are left out.

    Returns
    -------
    DataArray or Dataset
        The same dims; `neuron`, `target` and `source` carry the group labels in order of first appearance, and a
        coordinate `group_size` on the first of them; averages are float64. Variables without a neuron axis are kept.

    Raises
    ------
    InvalidInput
        If the groups do not fit, or `data` holds something that cannot be averaged, such as an estimate.

    Examples
    --------
    >>> import netxr
    >>> run = netxr.simulate(netxr.random_connectivity(12, seed=1), n_steps=100, seed=1)
    >>> coarse = coarsen(run, groups=4)
    >>> coarse.activity.sizes["neuron"], coarse.connectivity.shape
    (4, (4, 4))
    """
    axes = _neuron_axes(data)
    neurons = labels_of(data, axes[0])
    for axis in axes[1:]:
        if not np.array_equal(labels_of(data, axis), neurons):
            raise InvalidInput("data", got=f"other labels on {axis} than on {axes[0]}", expected="the same neurons")
    if groups is None and n.GROUP not in data.coords:
        raise InvalidInput(
            "groups", got="None, and no coordinate `group`", expected="groups, in one place or the other"
        )
    labels, sizes, weights = membership(group_labels(data[n.GROUP].values if groups is None else groups, neurons))
    if isinstance(data, xr.DataArray):
        return label_groups(average_over(data, weights), labels, sizes)
    marked = n.COUNT in data and n.WHERE in data[n.COUNT].attrs
    if n.COMOMENT_LINKED in data or n.COMOMENT_INPUT in data or n.BLOCK in data.dims or marked:
        fix = "Average the activity, or accumulate moments without link=, inputs=, where= and blocks=."
        got = "moments of linked targets, of inputs, of marked frames, or in blocks"
        raise InvalidInput("data", got=got, expected="moments that follow from those of neurons", fix=fix)
    average = _average_moments if n.COMOMENT in data and holds_moments(data) else average_run
    return label_groups(average(data, weights), labels, sizes)


def _neuron_axes(data: object) -> list[str]:
    """Return the dims of `data` that neurons lie along."""
    if not isinstance(data, (xr.DataArray, xr.Dataset)):
        fix = "Give a plain array its labels with netxr.as_activity or netxr.as_connectivity."
        raise InvalidInput("data", got=type(data).__name__, expected="a DataArray or Dataset", fix=fix)
    axes = [axis for axis in AXES if axis in data.dims]
    check_lengths(data, argument="data")
    if not axes:
        raise InvalidInput("data", got=f"dims {tuple(map(str, data.dims))}", expected=f"one of {', '.join(AXES)}")
    return axes


def group_labels(groups: Groups, neurons: NDArray[Any]) -> NDArray[Any]:
    """Return the group of each neuron, (neuron): whole numbers with -1 for none, or text with "" for none.

    Raises InvalidInput if the groups do not fit the neurons, or leave every neuron out.
    """
    n_neurons = len(neurons)
    if isinstance(groups, (int, np.integer)):
        if not is_whole(groups) or groups < 1 or n_neurons % groups:
            divisors = [k for k in range(1, n_neurons + 1) if n_neurons % k == 0]
            raise InvalidInput(
                "groups",
                got=said(groups),
                expected=f"a number that divides the {n_neurons} neurons: {', '.join(map(str, divisors))}",
                fix="Give each neuron's group for groups of unequal size.",
            )
        return equal_groups(n_neurons, int(groups))
    if isinstance(groups, xr.DataArray) and groups.dims == (n.NEURON,) and n.NEURON in groups.coords:
        groups = dict(zip(groups[n.NEURON].values.tolist(), groups.values.tolist(), strict=True))
    if isinstance(groups, Mapping):
        strange = [label for label in groups if label not in neurons.tolist()]
        if strange:
            raise InvalidInput("groups", got=f"a group for {strange[0]!r}", expected="labels of neurons as keys")
        groups = [groups.get(label) for label in neurons.tolist()]
    given = array_of("groups", groups, expected=f"one group for each of the {n_neurons} neurons", dtype=object)
    if given.shape != (n_neurons,):
        raise InvalidInput(
            "groups", got=f"shape {given.shape}", expected=f"one group for each of the {n_neurons} neurons"
        )
    grouped = is_grouped(given)
    if not grouped.any():
        raise InvalidInput("groups", got="no neuron in any group", expected="at least one in a group")
    kinds = {isinstance(label, str) for label in given[grouped]}
    whole = kinds == {False} and all(label == int(label) for label in given[grouped])
    if kinds != {True} and not whole:
        raise InvalidInput("groups", got="labels of several kinds", expected="all whole numbers, or all text")
    return np.where(grouped, given, -1).astype(np.int64) if whole else np.where(grouped, given, "")


def average_over(data: xr.DataArray, weights: NDArray[np.float64], *, axes: Sequence[str] = AXES) -> xr.DataArray:
    """Average over the groups along neuron axes; these keep their names and lose their labels."""
    if n.ESTIMATOR in data.attrs:
        raise InvalidInput(
            "data",
            got=f"an estimate ({data.attrs[n.ESTIMATOR]})",
            expected="activity, connectivity or moments",
            fix="An average of correlations is no correlation of averages: coarse-grain first, then estimate.",
        )
    average = data.drop_vars([name for name, coord in data.coords.items() if set(coord.dims) & set(axes)])
    for axis in [axis for axis in axes if axis in data.dims]:
        average = xr.apply_ufunc(
            group_average,
            average,
            kwargs={"weights": weights},
            input_core_dims=[[axis]],
            output_core_dims=[[n.GROUP]],
            dask="parallelized",
            dask_gufunc_kwargs={"allow_rechunk": True, "output_sizes": {n.GROUP: len(weights)}},
            output_dtypes=[np.float64],
            keep_attrs=True,
        ).rename({n.GROUP: axis})
    return average.transpose(*data.dims)


def average_run(run: xr.Dataset, weights: NDArray[np.float64]) -> xr.Dataset:
    """Average every variable of a run that has a neuron axis."""
    scores = [str(name) for name, value in run.data_vars.items() if n.UNDEFINED_WHERE in value.attrs]
    if scores:
        raise InvalidInput(
            "data",
            got=f"scores of the finer level ({', '.join(scores)})",
            expected="activity, connectivity or moments",
            fix="Leave them out with .drop_vars, and compare again.",
        )
    kept = run.drop_vars([name for name, coord in run.coords.items() if set(coord.dims) & set(AXES)])
    averages = {
        name: average_over(value, weights) for name, value in run.data_vars.items() if set(value.dims) & set(AXES)
    }
    return kept.drop_vars(list(averages)).assign(averages)


def _average_moments(moments: xr.Dataset, weights: NDArray[np.float64]) -> xr.Dataset:
    """Return the moments of the averaged activity."""
    check_moments(moments, argument="data")
    at_zero = np.flatnonzero(labels_of(moments, n.LAG) == 0)
    if n.EDGE_ACTIVITY not in moments or not len(at_zero):
        raise InvalidInput(
            "data",
            got="moments of some sources, without lag 0, or with dropped frames",
            expected="moments of all sources and frames, lag 0 among the lags",
            fix="Coarse-grain the activity instead, or accumulate again with lags=[0, ...].",
        )
    coarse = average_run(moments.drop_vars([n.SUMSQ_TARGET, n.SUMSQ_SOURCE]), weights)
    same_time = coarse[n.COMOMENT].isel({n.LAG: at_zero[0]}, drop=True)
    # About the mean over all frames, the frames that a lag keeps sum to minus those that it leaves out.
    overall = coarse[n.MEAN_TARGET].isel({n.LAG: at_zero[0]}, drop=True).rename({n.TARGET: n.NEURON})
    for name, axis, left_out in ((n.SUMSQ_TARGET, n.TARGET, n.NOT_TARGET), (n.SUMSQ_SOURCE, n.SOURCE, n.NOT_SOURCE)):
        coarse[name] = xr.apply_ufunc(
            sumsq_of_side,
            same_time,
            coarse[n.EDGE_ACTIVITY] - overall,
            coarse[left_out],
            coarse[n.COUNT],
            input_core_dims=[[n.TARGET, n.SOURCE], [n.NEURON, n.EDGE_FRAME], [n.LAG, n.EDGE_FRAME], [n.LAG]],
            output_core_dims=[[n.LAG, axis]],
            vectorize=True,
            dask="parallelized",
            dask_gufunc_kwargs={"allow_rechunk": True, "output_sizes": {axis: len(weights)}},
            output_dtypes=[np.float64],
        ).transpose(n.LAG, ..., axis)
    return symmetric_at_zero(coarse)


def symmetric_at_zero(moments: xr.Dataset) -> xr.Dataset:
    """Return moments whose co-moments at lag 0 are symmetric, with summed squares on the diagonal, to the last bit."""
    comoment = moments[n.COMOMENT]
    if 0 not in labels_of(moments, n.LAG):
        return moments
    symmetric = xr.apply_ufunc(
        _symmetric_at_zero,
        comoment,
        moments[n.SUMSQ_TARGET],
        comoment[n.LAG],
        input_core_dims=[[n.TARGET, n.SOURCE], [n.TARGET], []],
        output_core_dims=[[n.TARGET, n.SOURCE]],
        vectorize=True,
        dask="parallelized",
        dask_gufunc_kwargs={"allow_rechunk": True},
        output_dtypes=[np.float64],
        keep_attrs=True,
    )
    return moments.assign({n.COMOMENT: symmetric.transpose(*comoment.dims)})


def _symmetric_at_zero(comoment: NDArray[Any], sumsq: NDArray[Any], lag: int) -> NDArray[Any]:
    """Return co-moments, (target, source), symmetric if `lag` is 0."""
    if lag == 0:
        comoment = comoment.copy()
        make_symmetric(comoment, sumsq)
    return comoment


def label_groups(coarse: Labelled, labels: NDArray[Any], sizes: NDArray[np.int64]) -> Labelled:
    """Label every neuron axis with the groups, and say how many neurons stand behind each."""
    axes = [axis for axis in AXES if axis in coarse.dims]
    return coarse.assign_coords(dict.fromkeys(axes, labels) | {n.GROUP_SIZE: (axes[0], sizes)})
