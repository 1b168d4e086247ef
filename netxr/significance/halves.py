"""Moments of the odd and of the even blocks of a recording, and of all without two neighbours at a time."""

from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

import numpy as np
import xarray as xr

from netxr import names as n
from netxr.estimators.fit import CORE
from netxr.kernels.pooling import added, without

OWN: Final = CORE | {n.SUMSQ_SOURCE: (n.LAG, n.SOURCE)}
"""What moments consist of, and its dims."""

EDGES: Final = tuple(name for name, dims in CORE.items() if n.EDGE_FRAME in dims)
"""Of that, what is about samples near the ends of parts, which stay side by side."""


class Halves(NamedTuple):
    """Moments of the odd and of the even parts of a recording, and of all."""

    first: xr.Dataset
    second: xr.Dataset
    both: xr.Dataset


def halves(moments: xr.Dataset, dim: str) -> Halves:
    """Return the moments of odd, of even and of all parts along a dim.

    A last part without a partner is left out. Moments are in memory, and have no further dim.
    """
    even = moments.sizes[dim] // 2 * 2
    each = (slice(0, even, 2), slice(1, even, 2), slice(0, even))
    return Halves(*(_pooling(moments.isel({dim: which}), dim)([]) for which in each))


def without_neighbours(moments: xr.Dataset, dim: str) -> Iterator[xr.Dataset]:
    """Yield the moments of all parts along a dim but two neighbours, for each two."""
    n_pairs = moments.sizes[dim] // 2
    pooled = _pooling(moments.isel({dim: slice(0, 2 * n_pairs)}), dim)
    yield from (pooled([2 * k, 2 * k + 1]) for k in range(n_pairs))


def _pooling(moments: xr.Dataset, dim: str) -> Callable[[list[int]], xr.Dataset]:
    """Return what gives the moments of all parts along a dim together, but those that are left out."""
    parts = {name: moments[name].transpose(dim, *dims).values for name, dims in OWN.items()}
    whole, places = added(parts), np.arange(moments.sizes[dim])
    labels = {name: coord for name, coord in moments.coords.items() if dim not in coord.dims}

    def pooled(left_out: list[int]) -> xr.Dataset:
        """Return the moments of the others."""
        found: dict[str, Any] = dict(whole)
        for place in left_out:
            found = without(found, {name: part[place] for name, part in parts.items()})
        kept = np.delete(places, left_out)
        found |= {name: np.concatenate(parts[name][kept], -1) for name in EDGES}
        return xr.Dataset({name: (dims, found[name]) for name, dims in OWN.items()}, labels)

    return pooled
