"""Moments of parts of a recording together, and without one of them, by their names; what sums is (..., lag, ...)."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from netxr import names as n

Moments = Mapping[str, NDArray[Any]]

PRODUCTS: Final = {
    n.COMOMENT: (n.MEAN_TARGET, n.MEAN_SOURCE),
    n.SUMSQ_TARGET: (n.MEAN_TARGET, n.MEAN_TARGET),
    n.SUMSQ_SOURCE: (n.MEAN_SOURCE, n.MEAN_SOURCE),
}
"""Summed products of deviations, and the means that these are from."""


ROUNDING: Final = 16 * np.finfo(np.float64).eps
"""Share of a sum of squares that rounding may leave where a part takes all of it."""


def added(parts: Moments) -> dict[str, NDArray[Any]]:
    """Return the moments of parts, which are along the first axis, together.

    Each part has its own means (Chan, Golub & LeVeque 1983, doi:10.2307/2683386).
    """
    count = parts[n.COUNT]
    found = {n.COUNT: count.sum(0)}
    for name in (n.MEAN_TARGET, n.MEAN_SOURCE):
        found[name] = (count[..., None] * parts[name]).sum(0) / found[n.COUNT][:, None]
    off = {name: parts[name] - found[name] for name in (n.MEAN_TARGET, n.MEAN_SOURCE)}
    for name, (over, under) in PRODUCTS.items():
        within = parts[name].sum(0)
        weighted = count[..., None] * off[over]
        if name == n.COMOMENT:
            within += np.einsum("kri,krj->rij", weighted, off[under], optimize=True)
        else:
            within += (weighted * off[under]).sum(0)
        found[name] = within
    return found


def without(whole: Moments, part: Moments) -> dict[str, NDArray[Any]]:
    """Return the moments of what is left without a part; of neurons that vary in that part alone, squares are 0."""
    count = whole[n.COUNT] - part[n.COUNT]
    found = {n.COUNT: count}
    share = (part[n.COUNT] / count)[:, None]
    off = {name: whole[name] - part[name] for name in (n.MEAN_TARGET, n.MEAN_SOURCE)}
    for name, difference in off.items():
        found[name] = whole[name] + share * difference
    weight = (whole[n.COUNT] * part[n.COUNT] / count)[:, None]
    for name, (over, under) in PRODUCTS.items():
        weighted = weight * off[over]
        across = weighted[..., None] * off[under][:, None] if name == n.COMOMENT else weighted * off[under]
        found[name] = whole[name] - part[name] - across
    for name, products in (
        (n.SUMSQ_TARGET, found[n.COMOMENT]),
        (n.SUMSQ_SOURCE, found[n.COMOMENT].swapaxes(-1, -2)),
    ):
        still = found[name] <= ROUNDING * whole[name]
        found[name][still], products[still] = 0, 0
    return found
