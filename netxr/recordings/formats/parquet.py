"""Parquet files: columns are neurons, and groups of rows are read when they are asked for."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from netxr import names as n
from netxr.compat import optional
from netxr.errors import InvalidInput, UnreadableFile
from netxr.recordings.formats.guards import readable_as
from netxr.recordings.formats.lazy import Box, lazy_array
from netxr.recordings.formats.text.table import Table
from netxr.schema.variables import NUMBER_KINDS

NAMELESS_INDEX: Final = "__index_level_"
"""How pandas begins the name of a column that was an index without one."""


def read(path: Path, name: str | None = None) -> Table:
    """Return the columns of a Parquet file, as the type that holds all of them; rows are read when they are needed.

    A gap among floats is NaN. Labels are those of the columns, unless they only number them. A column that is called
    time is read at once. Raises UnreadableFile if the file is damaged, has no rows, or a column that is no number.
    """
    if name is not None:
        raise InvalidInput("name", got=repr(name), expected="none for a Parquet file, which holds one table")
    with _opened(path) as file:
        labels = [str(label) for label in file.schema_arrow.names]
        _check_labels(path, labels)
        lengths = _lengths(file)
        k = _time_column(file)
        times = None if k is None else _times(path, file, labels.pop(k))
        dtypes = [_dtype(path, file.schema_arrow.field(label)) for label in labels]
    if not labels or not sum(lengths):
        raise UnreadableFile(path, f"a table of {sum(lengths)} rows and {len(labels)} columns of samples")
    shape, group = (sum(lengths), len(labels)), (max(lengths), len(labels))
    values = lazy_array(_box, path, "", shape=shape, dtype=np.result_type(*dtypes), own_chunks=group)
    only_numbers = k is None and labels == [str(column) for column in range(len(labels))]
    return Table(values, None if only_numbers else labels, times=times)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Open a file, as a ``pyarrow.parquet.ParquetFile``; all that pyarrow raises meanwhile is an error of ours."""
    parquet = optional("pyarrow.parquet", what=f"Reading {path}, a Parquet file,", extra="parquet")
    with readable_as("Parquet", path), parquet.ParquetFile(path) as file:
        yield file


def _lengths(file: Any) -> list[int]:
    """Return how many rows each group has."""
    return [file.metadata.row_group(group).num_rows for group in range(file.metadata.num_row_groups)]


def _check_labels(path: Path, labels: list[str]) -> None:
    """Raise if two columns have the same name, by which they are read."""
    twice, count = Counter(labels).most_common(1)[0] if labels else ("", 0)
    if count > 1:
        raise UnreadableFile(path, f"{count} of its columns are called {twice!r}", fix="Rename them.")


def _time_column(file: Any) -> int | None:
    """Return which column holds the times of the rows: one that is called time, else the only one of dates."""
    fields = list(file.schema_arrow)
    named = [k for k, field in enumerate(fields) if field.name.lower() == n.TIME]
    dated = [k for k, field in enumerate(fields) if str(field.type).startswith(("timestamp", "duration"))]
    return named[0] if named else dated[0] if len(dated) == 1 else None


def _times(path: Path, file: Any, label: str) -> NDArray[Any]:
    """Return the column that holds the times of the rows."""
    times: NDArray[Any] = file.read(columns=[label]).column(0).to_numpy()
    if times.dtype.kind not in f"{NUMBER_KINDS}mM":
        fix = "Save times as numbers, dates or durations, or remove that column."
        raise UnreadableFile(path, f"its column {label!r} holds {file.schema_arrow.field(label).type}", fix=fix)
    return times


def _dtype(path: Path, field: Any) -> np.dtype[Any]:
    """Return the type of a column."""
    if field.name.startswith(NAMELESS_INDEX):
        fix = "Save with index=False, or call the index time if it holds the times."
        raise UnreadableFile(path, f"its column {field.name!r} is an index of pandas without a name", fix=fix)
    try:
        dtype: np.dtype[Any] = np.dtype(field.type.to_pandas_dtype())
    except NotImplementedError:  # categories, records and the like
        dtype = np.dtype(object)
    if dtype.kind not in NUMBER_KINDS:
        fix = "Remove that column."
        raise UnreadableFile(path, f"its column {field.name!r} holds {field.type}, not numbers", fix=fix)
    return dtype


def _box(path: Path, name: str, box: Box) -> NDArray[Any]:
    """Return some rows of some columns, from the groups that hold them."""
    rows, columns = box
    with _opened(path) as file:
        labels = [str(label) for label in file.schema_arrow.names]
        if (k := _time_column(file)) is not None:
            del labels[k]
        ends = np.cumsum(_lengths(file))
        first, last = np.searchsorted(ends, [rows.start, rows.stop - 1], side="right")
        table = file.read_row_groups(list(range(first, last + 1)), columns=labels[columns], use_threads=False)
    for label, column in zip(table.column_names, table.columns, strict=True):
        if column.null_count and np.dtype(column.type.to_pandas_dtype()).kind != "f":
            fix = "Save it as floats, among which a gap is NaN."
            raise UnreadableFile(path, f"its column {label!r} has gaps among {column.type}", fix=fix)
    begin = rows.start - (ends[first - 1] if first else 0)
    samples = np.column_stack([column.to_numpy() for column in table.columns])
    return samples[begin : begin + rows.stop - rows.start]
