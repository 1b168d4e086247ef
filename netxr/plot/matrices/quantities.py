"""What the weights of a matrix are: what its colour bar calls them, and where that begins and ends."""

from typing import Any, Final, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from netxr import names as n
from netxr.estimators.table import DEFAULT, estimator_of, name_in_words
from netxr.plot.spans import Range

STRENGTH: Final = "Connectivity strength"

INSIDE: Final = 0.995
"""Share of the weights within the colour range."""

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
    """Return the ends of the colour bar of some cells: symmetric about 0, unless no cell can be below it.

    A few outliers would leave all other cells pale, and zeros are no weights.

    Examples
    --------
    >>> colour_limits(Quantity(), np.arange(-1000.0, 101.0)), colour_limits(Quantity(from_zero=True), np.array([0, 3]))
    ((-995.0, 995.0), (0.0, 3.0))
    """
    if quantity.limits:
        return quantity.limits
    weights = np.concatenate([each[np.isfinite(each) & (each != 0)] for each in cells])
    high = float(np.quantile(np.abs(weights), INSIDE, method="higher")) if len(weights) else 1.0
    is_above = quantity.from_zero and not (weights < 0).any()
    return (0.0, high) if is_above else (-high, high)
