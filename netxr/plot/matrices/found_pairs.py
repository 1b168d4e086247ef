"""Which pairs of a matrix are found at a false discovery rate, and the words for it in a title."""

from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.estimators.undirected import is_undirected
from netxr.plot.loading import loaded_matrix
from netxr.schema.variables import labels_of
from netxr.significance.false_discovery import check_rate, false_discovery, same_neuron


class FoundPairs(NamedTuple):
    """Which pairs of a matrix (target, source) are found, and how many they are of how many, in words.

    The diagonal is not tested. Of an estimate that is the same both ways, each pair counts once.
    """

    found: NDArray[np.bool_]
    text: str


def found_pairs(weights: xr.DataArray, p_value: Any, *, q: float) -> FoundPairs:
    """Return the pairs of a (target, source) matrix that are found among all that have a p-value.

    Raises InvalidInput if `q` is no share, or p-values are lazy, no p-values, or not of all neurons of the matrix.

    Examples
    --------
    >>> p = xr.DataArray([[0.1, 0.001], [0.9, 0.1]], dims=("target", "source"))
    >>> found_pairs(p, p, q=0.05).text
    '1 of 2 pairs at q ≤ 0.05'
    """
    check_rate(q)
    tested = loaded_matrix(p_value, argument="p_value")
    rates = on_pairs_of(weights, false_discovery(tested), argument="p_value", what="p-values").values
    found = rates <= q
    n_tested = np.count_nonzero(np.isfinite(rates))
    n_missing = rates.size - n_tested - np.count_nonzero(same_neuron(weights))
    ways = 2 if is_undirected(weights) else 1
    missing = f", {n_missing // ways:,} without a p-value" if n_missing else ""
    return FoundPairs(found, f"{found.sum() // ways:,} of {n_tested // ways:,} pairs at q ≤ {q:g}{missing}")


def on_pairs_of(weights: xr.DataArray, tested: xr.DataArray, *, argument: str, what: str) -> xr.DataArray:
    """Return what a test says of the pairs of a matrix, (target, source), or raise InvalidInput if it lacks any."""
    return tested.isel({dim: _places(weights, tested, dim, argument, what) for dim in (n.TARGET, n.SOURCE)})


def _places(weights: xr.DataArray, tested: xr.DataArray, dim: str, argument: str, what: str) -> list[int]:
    """Return where the neurons of one side of a matrix are among those of a test."""
    known = {label: place for place, label in enumerate(labels_of(tested, dim).tolist())}
    labels = labels_of(weights, dim).tolist()
    missing = [label for label in labels if label not in known]
    if missing:
        got = f"none of {len(missing):,} of the {len(labels):,} {dim}s, such as {missing[0]!r}"
        fix = f"Take estimate and {what} from one result, such as that of netxr.correlation_test."
        raise InvalidInput(argument, got=got, expected=f"{what} of all neurons that are drawn", fix=fix)
    return [known[label] for label in labels]
