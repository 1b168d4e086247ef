"""The strongest pairs of an estimate, as a table."""

from typing import Any, Final

import numpy as np
import xarray as xr

from netxr import names as n
from netxr.schema.variables import labels_of

MOST_ROWS: Final = 500
"""Of the table: the strongest pairs."""


def strongest_of(R: xr.DataArray, *, most: int = MOST_ROWS) -> Any:
    """Return the strongest pairs of different neurons, the strongest first, as a table of source, target and R.

    Examples
    --------
    >>> import netxr
    >>> R = netxr.as_connectivity([[9.0, 0.2], [-0.5, 9.0]], rows="target", neurons=["a", "b"]).rename("R")
    >>> strongest_of(R).values.tolist()
    [['a', 'b', -0.5], ['b', 'a', 0.2]]
    """
    values = np.where(labels_of(R, n.TARGET)[:, None] == labels_of(R, n.SOURCE), np.nan, R.values)
    strength = np.abs(np.where(np.isfinite(values), values, 0.0)).ravel()
    places = np.argsort(-strength, kind="stable")[:most]
    places = places[strength[places] > 0]
    targets, sources = np.unravel_index(places, values.shape)
    edges = {n.SOURCE: labels_of(R, n.SOURCE)[sources], n.TARGET: labels_of(R, n.TARGET)[targets]}
    return xr.Dataset(
        {name: ("edge", column) for name, column in edges.items()} | {n.EFFECT: ("edge", values.ravel()[places])}
    ).to_dataframe()
