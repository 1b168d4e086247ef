"""The strongest pairs of an estimate, as a table."""

from typing import Any, Final

import numpy as np
import xarray as xr

from netxr import names as n
from netxr.estimators.undirected import is_undirected
from netxr.schema.variables import labels_of

MOST_ROWS: Final = 500
"""Of the table: the strongest pairs."""


ENDS: Final = {True: {n.SOURCE: "From", n.TARGET: "To"}, False: {n.SOURCE: "Between", n.TARGET: "and"}}
"""What both ends of a pair are called, with a direction and without."""


def strongest_of(R: xr.DataArray, *, most: int = MOST_ROWS) -> Any:
    """Return the strongest pairs of different neurons, the strongest first, as a table of source, target and R.

    Of an estimate without direction, a pair is listed once.

    Examples
    --------
    >>> import netxr
    >>> R = netxr.as_connectivity([[9.0, 0.2], [-0.5, 9.0]], rows="target", neurons=["a", "b"]).rename("R")
    >>> strongest_of(R).values.tolist()
    [['a', 'b', -0.5], ['b', 'a', 0.2]]
    """
    values = np.where(labels_of(R, n.TARGET)[:, None] == labels_of(R, n.SOURCE), np.nan, R.values)
    values = np.where(np.tri(len(values)) > 0, values, np.nan) if is_undirected(R) else values
    strength = np.abs(np.where(np.isfinite(values), values, 0.0)).ravel()
    places = np.argsort(-strength, kind="stable")[:most]
    places = places[strength[places] > 0]
    targets, sources = np.unravel_index(places, values.shape)
    edges = {n.SOURCE: labels_of(R, n.SOURCE)[sources], n.TARGET: labels_of(R, n.TARGET)[targets]}
    return xr.Dataset(
        {name: ("edge", column) for name, column in edges.items()} | {n.EFFECT: ("edge", values.ravel()[places])}
    ).to_dataframe()
