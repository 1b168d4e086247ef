"""Tables in NWB files: the ids of their rows, and the plain columns beside them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from netxr import names as n
from netxr.errors import UnreadableFile
from netxr.recordings.formats.hdf5 import is_array
from netxr.schema.variables import NUMBER_KINDS

TAKEN: Final = frozenset((n.ACTIVITY, n.GROUP, n.NEURON, n.TIME, n.TRIAL))
"""Names that a column cannot have in a recording: they mean something else there."""

CELL_COLUMN: Final = "iscell"
"""As suite2p has it: a flag and its probability, two columns in one."""

Columns = dict[str, NDArray[Any]]


def labels_and_columns(path: Path, table: Any, rows: NDArray[Any] | None = None) -> tuple[NDArray[Any], Columns]:
    """Return the ids of the given rows of an opened table (of all if none are given), and its plain columns.

    Columns of lists, references and matrices are left out. Raises UnreadableFile if a row is not there, or two have
    the same id.
    """
    ids = np.asarray(table["id"][()])
    chosen = np.arange(len(ids)) if rows is None else np.asarray(rows).astype(np.int64)
    if chosen.ndim != 1 or (chosen.size and not 0 <= chosen.min() <= chosen.max() < len(ids)):
        raise UnreadableFile(path, f"rows of {table.name} are referred to that are not among its {len(ids)}")
    labels = ids[chosen]
    values, counts = np.unique(labels, return_counts=True)
    if (counts > 1).any():
        fix = "Read the array alone with format='hdf5' and label it with neurons=."
        raise UnreadableFile(path, f"{table.name}/id has {values[counts > 1][0]} more than once", fix=fix)
    columns = {name: _values(node, name) for name, node in table.items() if _is_plain(table, name, node, len(ids))}
    if CELL_COLUMN in columns and table[CELL_COLUMN].ndim == 2:
        columns[n.ISCELL_PROBABILITY] = table[CELL_COLUMN][:, 1]
    return labels, {name: values[chosen] for name, values in columns.items()}


def bounds_of(path: Path, table: Any, column: str, n_rows: int) -> NDArray[np.int64]:
    """Return where the entries of each row in a column of lists begin, and where the last ones end.

    Raises UnreadableFile if its index does not fit.
    """
    place, n_entries = f"{table.name.strip('/')}/{column}", len(table[column])
    # Stored as the smallest unsigned integers that hold it, in which differences would wrap around.
    ends = np.asarray(table[f"{column}_index"][()]).astype(np.int64)
    bounds = np.concatenate([np.zeros(1, dtype=np.int64), ends.ravel()])
    if ends.shape != (n_rows,) or not n_rows or (np.diff(bounds) < 0).any() or bounds[-1] > n_entries:
        reason = f"{place}_index does not divide {n_entries} {column.replace('_', ' ')} among {n_rows} rows"
        raise UnreadableFile(path, reason, fix="The table is damaged.")
    return bounds


def _is_plain(table: Any, name: str, node: Any, n_rows: int) -> bool:
    """Say whether a column has one number or text for each row."""
    indexed = f"{name}_index" in table or name.endswith("_index")
    if name == "id" or name in TAKEN or indexed or not is_array(node):
        return False
    if name == CELL_COLUMN and node.shape == (n_rows, 2):
        return node.dtype.kind in NUMBER_KINDS
    return node.shape == (n_rows,) and (node.dtype.kind in NUMBER_KINDS or is_text(node.dtype))


def is_text(dtype: np.dtype[Any]) -> bool:
    """Say whether entries are text: objects may be references or lists as well."""
    known: Mapping[str, Any] = dtype.metadata or {}
    return dtype.kind == "S" or known.get("vlen") in (str, bytes)


def _values(node: Any, name: str) -> NDArray[Any]:
    """Return a plain column, text as Python strings."""
    if is_text(node.dtype):
        return np.asarray(node.asstr(errors="replace")[()], dtype=object)
    values: NDArray[Any] = node[()]
    values = values.astype(values.dtype.newbyteorder("="), copy=False)
    return values[:, 0] != 0 if name == CELL_COLUMN and values.ndim == 2 else values
