"""Tables of trials, epochs and other intervals in NWB files."""

from pathlib import Path
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from netxr import names as n
from netxr.errors import InvalidInput, UnreadableFile
from netxr.recordings.formats.hdf5 import is_array, nodes_of, opened
from netxr.recordings.formats.nwb.tables import is_text, labels_and_columns

TRIALS: Final = "intervals/trials"
"""Where NWB has the table of trials."""


def read(path: Path, name: str | None = None) -> xr.Dataset:
    """Return a table of intervals: its ids along `trial`, `onset`, and its other columns of numbers or text.

    Raises InvalidInput if no table has that name, or none is named and there are several and none of trials;
    UnreadableFile if it is damaged.
    """
    with opened(path) as file:
        tables = tables_in(file)
        place = _choose(path, list(tables), name)
        table = tables[place]
        labels, columns = labels_and_columns(path, table)
        if n.START_TIME not in columns:
            raise UnreadableFile(path, f"{place}/{n.START_TIME} is not one number for each of {len(labels)} rows")
        columns |= {key: _joined(path, table, key, len(labels)) for key in table if _is_list_of_text(table, key)}
    listed = {n.ONSET: columns.pop(n.START_TIME)} | columns
    attrs = {n.SOURCE_FILE: path.name, n.SOURCE_ARRAY: place}
    return xr.Dataset({key: (n.TRIAL, values) for key, values in listed.items()}, {n.TRIAL: labels}, attrs)


def tables_in(file: Any) -> dict[str, Any]:
    """Return the tables of intervals of a file by their path."""
    return {place: node for place, node in nodes_of(file).items() if _is_table(node)}


def _is_table(node: Any) -> bool:
    """Say whether a group is a table of intervals: whatever extension it is of, it has starts."""
    return not is_array(node) and is_array(node.get("id")) and is_array(node.get(n.START_TIME))


def _choose(path: Path, places: list[str], name: str | None) -> str:
    """Return the path of the table that is meant: by its path or the end of it; unnamed, the trials or the only one."""
    wanted = (TRIALS if TRIALS in places else "") if name is None else str(name).strip("/")
    fitting = [place for place in places if f"/{place}".endswith(f"/{wanted}" if wanted else "")]
    if len(fitting) == 1:
        return fitting[0]
    there = f"{path} has {', '.join(places) or 'none'}"
    raise InvalidInput("name", got=repr(name), expected=f"a table of trials or other intervals; {there}")


def _is_list_of_text(table: Any, name: str) -> bool:
    """Say whether a column has any number of words for each row, as tags of epochs."""
    return is_array(table.get(f"{name}_index")) and is_array(table[name]) and is_text(table[name].dtype)


def _joined(path: Path, table: Any, name: str, n_rows: int) -> NDArray[Any]:
    """Return the words of each row as one text."""
    words, ends = table[name].asstr(errors="replace")[()], table[f"{name}_index"][()].astype(np.int64)
    if ends.shape != (n_rows,) or (np.diff(ends, prepend=0) < 0).any() or (n_rows and ends[-1] > len(words)):
        reason = f"{table.name}/{name}_index does not divide {len(words)} words among {n_rows} rows"
        raise UnreadableFile(path, reason, fix="The table is damaged.")
    joined = np.empty(n_rows, object)
    joined[:] = [", ".join(row) for row in np.split(words, ends)[:n_rows]]
    return joined
