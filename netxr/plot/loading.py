"""What figures are made of, in memory: what is lazy is read if that is little."""

import logging
from dataclasses import replace
from math import prod
from typing import Any, Final

import numpy as np
import xarray as xr
from dask.base import is_dask_collection

from netxr import names as n
from netxr.blocks.schedulers import computed
from netxr.errors import InvalidInput
from netxr.schema.variables import CONNECTIVITY_SPEC, check_variable
from netxr.schema.words import text_of

MOST_READ: Final = 256 * 2**20
"""Most bytes that are read for a figure: less than a second's work."""

MOST_TASKS: Final = 2_000
"""Most tasks of dask that are run for a figure."""

MATRIX_SPEC: Final = replace(CONNECTIVITY_SPEC, optional_dims=())

log = logging.getLogger(__name__)


def loaded(data: Any, *, argument: str) -> Any:
    """Return `data` in memory: what is lazy is computed where that is little work, and the log says what was read.

    Raises InvalidInput if more than 256 MiB or 2,000 tasks are behind it.
    """
    if not is_dask_collection(data):
        return data
    n_bytes, n_tasks = _behind(data)
    if n_bytes > MOST_READ or n_tasks > MOST_TASKS:
        raise InvalidInput(
            argument,
            got=f"a lazy array of shape {tuple(data.shape)} with {text_of(n_bytes)} and {n_tasks:,} tasks behind it",
            expected=f"values in memory, or lazy ones with at most {text_of(MOST_READ)} and {MOST_TASKS:,} tasks",
            fix="Reduce or select first, then load with .compute().",
        )
    log.info("%s: read %s", argument, text_of(n_bytes))
    return computed(data)[0]


def _behind(data: Any) -> tuple[int, int]:
    """Return how many bytes the arrays have that a lazy one is made of, itself among them, and how many tasks."""
    graph = dict(data.__dask_graph__())
    values = [getattr(value, "value", value) for value in graph.values()]
    sources = [value for value in values if hasattr(value, "shape") and hasattr(value, "dtype")]
    sizes = [prod(value.shape) * np.dtype(value.dtype).itemsize for value in [*sources, data]]
    return max(sum(sizes[:-1]), sizes[-1]), len(graph)


def loaded_matrix(weights: object, *, argument: str = "weights") -> xr.DataArray:
    """Return `weights` as one (target, source) matrix in memory, not copied; a single source becomes one column.

    Raises InvalidInput if it is no DataArray, is large and lazy, or has a further dim of more than one entry.
    """
    matrix = weights
    if isinstance(matrix, xr.DataArray):
        others = [dim for dim in matrix.dims if dim not in MATRIX_SPEC.dims and matrix.sizes[dim] == 1]
        matrix = matrix.squeeze(others)
        if n.TARGET in matrix.dims and n.SOURCE not in matrix.dims:
            matrix = matrix.expand_dims(n.SOURCE)
    checked = check_variable(matrix, MATRIX_SPEC, argument=argument)
    in_memory: xr.DataArray = loaded(checked, argument=argument)
    return in_memory.transpose(n.TARGET, n.SOURCE)
