"""The order in which neurons are drawn: group by group, with the borders and names of the groups."""

from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.kernels.groups import is_grouped
from netxr.moments.coarse import group_labels
from netxr.plot.loading import loaded
from netxr.schema.variables import labels_of

NO_GROUP = "no group"
"""What neurons in no group are called."""


class GroupOrder(NamedTuple):
    """Where neurons and groups are drawn."""

    positions: NDArray[np.intp]
    """(place,): which neuron stands at each place."""
    borders: NDArray[np.float64]
    """Between two groups, in places: 2.5 is between places 2 and 3."""
    names: list[tuple[float, str]]
    """The place of each group's middle, and its name."""


def order_of(labels: NDArray[Any], groups: Any) -> GroupOrder:
    """Return in which order to draw neurons so that each group is together.

    Groups (neuron,), aligned by label, stand in the order in which they first appear; a negative number, NaN or "" is
    no group. Neurons keep their order within a group. Those in no group, or missing from `groups`, come last. None
    leaves the neurons as they are, without borders and names.

    Examples
    --------
    >>> groups = xr.DataArray(["V1", "V2", "V1"], dims="neuron", coords={"neuron": ["a", "b", "c"]})
    >>> order = order_of(np.array(["b", "c", "a"]), groups)
    >>> order.positions.tolist(), order.borders.tolist(), order.names
    ([1, 2, 0], [1.5], [(0.5, 'V1'), (2.0, 'V2')])
    """
    if groups is None:
        return GroupOrder(np.arange(len(labels)), np.empty(0), [])
    neurons, names, ranks = _ranks(groups)
    rank_of = dict(zip(neurons, ranks, strict=True))
    known = [label in rank_of for label in labels.tolist()]
    if not any(known):
        raise InvalidInput(
            "groups",
            got=f"groups of other neurons, such as {neurons[0]!r}",
            expected=f"groups of the neurons that are drawn, such as {labels.tolist()[0]!r}",
        )
    rank = np.array([rank_of.get(label, len(names) - 1) for label in labels.tolist()])
    positions = np.argsort(rank, kind="stable")
    present, starts = np.unique(rank[positions], return_index=True)
    ends = np.append(starts[1:], len(labels))
    return GroupOrder(
        positions,
        starts[1:].astype(np.float64) - 0.5,
        [(float(first + end - 1) / 2, names[which]) for which, first, end in zip(present, starts, ends, strict=True)],
    )


def groups_of(data: xr.DataArray | xr.Dataset) -> xr.DataArray | None:
    """Return the groups of the neurons, if any neuron is in one."""
    there = n.GROUP in data.coords and data[n.GROUP].dims == (n.NEURON,) and is_grouped(data[n.GROUP].values).any()
    return data[n.GROUP] if there else None


def _ranks(groups: Any) -> tuple[list[Any], list[str], list[int]]:
    """Return the neurons of `groups`, the names of all groups with "no group" at the end, and each neuron's group."""
    if not isinstance(groups, xr.DataArray) or groups.dims != (n.NEURON,):
        got = f"a DataArray {tuple(map(str, groups.dims))}" if isinstance(groups, xr.DataArray) else repr(groups)
        raise InvalidInput(
            "groups",
            got=got if len(got) < 80 else type(groups).__name__,
            expected=f"a DataArray ({n.NEURON},), aligned by label",
            fix="Make it with netxr.assign_groups(activity, groups=...).group.",
        )
    neurons = labels_of(groups, n.NEURON)
    if len(set(neurons.tolist())) < len(neurons):
        raise InvalidInput("groups", got=f"{n.NEURON} labels that repeat", expected="one group for each neuron")
    labels = group_labels(loaded(groups, argument="groups").values, neurons)
    grouped = is_grouped(labels)
    names = [*dict.fromkeys(labels[grouped].tolist())]
    rank_of = {name: rank for rank, name in enumerate(names)}
    ranks = [rank_of.get(label, len(names)) for label in labels.tolist()]
    return neurons.tolist(), [*map(str, names), NO_GROUP], ranks
