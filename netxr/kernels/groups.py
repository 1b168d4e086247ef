"""Averages over groups as products with a membership matrix.

Index letters: g group, i neuron. Membership (g, i) holds 1 / size where neuron i is in group g, else 0, so that
a group's activity is ``membership @ activity`` and a coarse matrix ``membership @ matrix @ membership.T``. Each neuron
is in few groups, so that a sparse product is the faster one.
"""

from typing import Any, Final

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

PART_VALUES: Final = 2**17
"""Values that are averaged at a time, few enough for a cache."""


def equal_groups(n_neurons: int, n_groups: int) -> NDArray[np.int64]:
    """Return the group of each neuron for consecutive groups of equal size, (i)."""
    return np.repeat(np.arange(n_groups), n_neurons // n_groups)


def is_grouped(groups: NDArray[Any]) -> NDArray[np.bool_]:
    """Return whether each neuron is in a group, (i): negative numbers, NaN, None and "" stand for none."""
    if groups.dtype.kind in "iuf":
        return np.asarray(groups >= 0)  # false for NaN as well
    return np.array([not _is_missing(group) for group in groups], bool)


def _is_missing(group: Any) -> bool:
    """Return whether a label of mixed or text type stands for no group."""
    return group is None or group == "" or group != group or (not isinstance(group, str) and group < 0)


def membership(groups: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64], NDArray[np.float64]]:
    """Return the group labels in order of first appearance (g), their sizes (g), and the membership matrix (g, i)."""
    grouped = is_grouped(groups)
    labels, first, inverse = np.unique(groups[grouped], return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    sizes = np.bincount(inverse, minlength=len(labels))[order]
    weights = np.zeros((len(labels), len(groups)))
    weights[rank[inverse], np.flatnonzero(grouped)] = 1 / sizes[rank[inverse]]
    return labels[order], sizes, weights


def group_average(values: NDArray[Any], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Average the last axis over groups, (..., i) -> (..., g), in float64, a part at a time.

    A value that is not finite makes NaN of its own group and of no other.
    """
    n_groups, n_neurons = weights.shape
    share, rows = scipy.sparse.csr_array(weights), values.reshape(-1, n_neurons)
    average = np.empty((len(rows), n_groups))
    step = max(1, PART_VALUES // n_neurons)
    for first in range(0, len(rows), step):
        average[first : first + step] = (share @ rows[first : first + step].T).T
    average[~np.isfinite(average)] = np.nan
    return average.reshape(*values.shape[:-1], n_groups)
