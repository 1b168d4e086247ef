"""What the weights of a matrix are: what its colour bar calls them, and where that begins and ends."""

from typing import Any, Final, NamedTuple

import xarray as xr
from numpy.typing import NDArray

from netxr import names as n
from netxr.estimators.table import DEFAULT, estimator_of, name_in_words
from netxr.plot.spans import Range
from netxr.plot.style import symmetric_limit

STRENGTH: Final = "Connectivity Strength"

BETWEEN: Final = {
    n.PROBABILITY: (0.0, 1.0),
    n.P_VALUE: (0.0, 1.0),
    n.EDGE_PROBABILITY: (-1.0, 1.0),
    n.SIGNED: (-1.0, 1.0),
}
"""Least and largest of what is a probability, or the difference of two."""


class Quantity(NamedTuple):
    """What the weights of a matrix are: their name, the ends of their scale if known, and whether none is below 0."""

    name: str = STRENGTH
    limits: Range | None = None
    from_zero: bool = False


def quantity_of(weights: xr.DataArray) -> Quantity:
    """Return what the weights of a matrix are.

    Examples
    --------
    >>> quantity_of(xr.DataArray(name="granger", attrs={"estimator": "granger", "long_name": "Granger causality"}))
    Quantity(name='Granger causality', limits=None, from_zero=True)
    """
    entry = estimator_of(weights)
    # The tutorial's own matrices are called what it calls them.
    is_named = {n.ESTIMATOR, n.MADE_BY} & set(weights.attrs) and (entry is None or entry.name != DEFAULT)
    text = name_in_words(weights) if is_named else STRENGTH
    unsigned = weights.name == n.F or (entry is not None and not entry.signed)
    return Quantity(f"{text[:1].upper()}{text[1:]}", BETWEEN.get(str(weights.name)), unsigned)


def colour_limits(quantity: Quantity, *cells: NDArray[Any]) -> Range:
    """Return the ends of the colour bar of some cells: symmetric about 0, unless no cell can be below it."""
    if quantity.limits:
        return quantity.limits
    low, high = symmetric_limit(*cells)
    is_above = quantity.from_zero and not any((each < 0).any() for each in cells)
    return (0.0, high) if is_above else (low, high)
