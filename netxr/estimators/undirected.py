"""Whether an estimate tells which way a connection goes."""

from typing import Final

import numpy as np
import xarray as xr

from netxr import names as n
from netxr.estimators.table import estimator_of
from netxr.schema.variables import labels_of

ROUNDING: Final = 1e-9
"""By how much an entry and the one across the diagonal may differ where both are the same but for rounding."""

BLOCK: Final = 2**19
"""Entries of a matrix that are compared with their transpose together."""


def is_undirected(estimate: xr.DataArray) -> bool:
    """Return whether a matrix (target, source) in memory is an estimate that is its own transpose, up to rounding.

    Correlation at lag 0 is. A truth is no estimate: two neurons that act on each other are two connections.

    Examples
    --------
    >>> is_undirected(xr.DataArray([[1, 0.4], [0.4, 1]], dims=("target", "source"), name="correlation"))
    True
    """
    same_neurons = np.array_equal(labels_of(estimate, n.TARGET), labels_of(estimate, n.SOURCE))
    if estimator_of(estimate) is None or not same_neurons:
        return False
    matrix = estimate.variable.transpose(n.TARGET, n.SOURCE).values
    n_rows = max(1, BLOCK // max(1, len(matrix)))
    some = (slice(first, first + n_rows) for first in range(0, len(matrix), n_rows))
    return all(
        np.allclose(matrix[rows], matrix[:, rows].T, rtol=ROUNDING, atol=ROUNDING, equal_nan=True) for rows in some
    )
