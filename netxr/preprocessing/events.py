"""Events as a caller gives them: times alone, or a table of times and of what is known of each event."""

from collections.abc import Container
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.schema.arguments import array_of

ONSETS: Final = (n.ONSET, n.START_TIME)
"""What a table may call the times of its events: as in BIDS, or as in NWB."""

TIMES: Final = "times of events, one or more, in one dimension"


def events_of(onsets: Any, *, taken: Container[Any]) -> tuple[NDArray[Any], dict[str, Any]]:
    """Return the times of events, (trial,), and the coordinates on trial that go with them.

    `taken` are names that mean something else in the recording. Raises InvalidInput if there are no times, or a column
    has such a name.
    """
    if isinstance(onsets, pd.DataFrame):
        onsets = _of_frame(onsets)
    beside: Any = {}
    if isinstance(onsets, xr.Dataset):
        onset = next((name for name in ONSETS if name in onsets.variables), None)
        if onset is None:
            got = f"a table with {', '.join(map(str, onsets.variables)) or 'no column'}"
            raise InvalidInput("onsets", got=got, expected=f"a column {' or '.join(map(repr, ONSETS))}")
        beside, onsets = onsets.variables, onsets.variables[onset]
    elif isinstance(onsets, xr.DataArray):
        beside, onsets = onsets.coords, onsets.variable
    times = np.asarray(array_of("onsets", onsets, expected=TIMES))
    if times.ndim != 1 or not times.size or times.dtype.kind not in "fiuM":
        raise InvalidInput("onsets", got=f"{times.dtype} of shape {times.shape}", expected=TIMES)
    dims = getattr(onsets, "dims", ())
    own = {str(name): one.values for name, one in beside.items() if one.dims == dims and name not in ONSETS}
    if dims != (n.TRIAL,):
        own.pop(str(dims[0]) if dims else "", None)
    _check_names(own, taken)
    return times, {name: (n.TRIAL, _storable(values)) for name, values in own.items()}


def _of_frame(table: pd.DataFrame) -> xr.Dataset:
    """Return a table whose rows are trials: labelled by its column `trial`, or by its index."""
    labels = table.get(n.TRIAL, table.index)
    columns = {str(name): (n.TRIAL, np.asarray(table[name])) for name in table.columns if name != n.TRIAL}
    is_label = isinstance(labels, pd.Series | pd.Index) and not isinstance(labels, pd.MultiIndex) and labels.is_unique
    return xr.Dataset(columns, {n.TRIAL: np.asarray(labels)} if is_label else None)


def _check_names(columns: dict[str, Any], taken: Container[Any]) -> None:
    """Raise if a column has the name of something else."""
    for name in columns:
        if name in (n.NEURON, n.TIME, n.ACTIVITY, n.GROUP) or (name in taken and name != n.TRIAL):
            fix = f"Rename it, or leave it out with .drop(columns={name!r})."
            raise InvalidInput("onsets", got=f"a column {name!r}", expected="names that the recording has not", fix=fix)


def _storable(values: NDArray[Any]) -> NDArray[Any]:
    """Return labels of trials; text of variable length, which stores hold."""
    return values.astype(object) if values.dtype.kind in "US" else values
