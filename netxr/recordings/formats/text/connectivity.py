"""Connectivity in text and Parquet as people have it: a matrix with names of rows or columns, or a list of edges."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from netxr.compat import optional
from netxr.errors import UnreadableFile
from netxr.recordings.formats.guards import readable_as
from netxr.recordings.formats.text.cells import MISSING, is_word, shown
from netxr.recordings.formats.text.lines import DELIMITERS, cells_of, lines, opened, without_remark
from netxr.recordings.formats.text.table import EXACT
from netxr.schema.tables import end_columns
from netxr.schema.words import reads_as_number


class Shape(NamedTuple):
    """What a text file shows before its numbers are read."""

    delimiter: str | None
    """What separates the cells; None for blanks."""
    skipped: list[int]
    """Which lines, from 0, are remarks or blank."""
    head: list[str]
    second: list[str]
    """The cells of the first two other lines."""
    head_at: int
    """Which line the first one is."""
    n_rows: int
    """How many there are."""
    uneven: str
    """Which line has more or fewer cells than the second; empty where none has."""


def read_named(path: Path) -> pd.DataFrame | None:
    """Return a text file whose rows or columns have names, or that lists edges, as a table; None for numbers alone.

    The first line may name the columns, the first cell of each row the row. Names that are whole numbers are taken for
    numbers, and need an empty cell or a word before them in the first line.

    Raises UnreadableFile if a row is longer or shorter than the others, or a cell is no number.
    """
    try:
        shape = _shape_of(path)
    except UnreadableFile:  # who reads plain numbers says it
        return None
    if not shape.second:
        is_empty = all(end_columns(shape.head))
        return pd.DataFrame({name: np.empty(0) for name in shape.head}) if is_empty else None
    if len(shape.second) == len(shape.head) + 1:  # as R writes it, without a cell above the names of rows
        shape = shape._replace(head=["", *shape.head])
    has_head, has_names = _has_head(shape), is_word(shape.second[0])
    if not has_head and not has_names:
        return None
    if len(shape.head) != len(shape.second):
        reason = f"its first line has {len(shape.head)} cells, the next {len(shape.second)}"
        raise UnreadableFile(path, reason, fix="Name every column, or none.")
    if shape.uneven:
        raise UnreadableFile(path, shape.uneven)
    ends = [k for found in end_columns(shape.head) for k in found] if all(end_columns(shape.head)) else []
    if has_head and ends:
        return _read(path, shape, has_head=True, text=ends)
    if has_head:
        is_corner = shape.head[0] == "" or not any(map(is_word, shape.head[1:]))
        has_names = has_names or is_corner or len(shape.head) == shape.n_rows
    table = _read(path, shape, has_head=has_head, text=[0] if has_names else [])
    if has_names:
        table = table.set_index(table.columns[0]).rename_axis(None)
    return _of_numbers(path, table if has_head else table.set_axis(range(table.shape[1]), axis=1))


def read_parquet(path: Path) -> pd.DataFrame | None:
    """Return the table of a Parquet file that lists edges or has names of rows; None for a plain one."""
    parquet = optional("pyarrow.parquet", what=f"Reading {path}, a Parquet file,", extra="parquet")
    with readable_as("Parquet", path):
        names = parquet.read_schema(path).names
        is_plain = not all(end_columns(names)) and not any(name.startswith("__index_level_") for name in names)
        return None if is_plain else pd.read_parquet(path, engine="pyarrow")


def lists_edges(path: Path, kind: str) -> bool:
    """Return whether a file lists edges, by the names of its columns; of `kind` "text" or "parquet"."""
    if kind == "parquet":
        parquet = optional("pyarrow.parquet", what=f"Reading {path}, a Parquet file,", extra="parquet")
        with readable_as("Parquet", path):
            return all(end_columns(parquet.read_schema(path).names))
    head = next((line for _, line in lines(path) if without_remark(line).strip()), "")
    return all(end_columns(cells_of(head, _delimiter(head))))


def read_labels(path: Path) -> list[Any]:
    """Return the labels in a text file: one a line, or all in one; whole numbers are taken for numbers.

    Raises UnreadableFile if there is none, or a line of several has more than one.
    """
    rows = [cells_of(line, _delimiter(line) or "\t") for _, line in lines(path) if without_remark(line).strip()]
    if not rows or (len(rows) > 1 and any(len(row) > 1 for row in rows)):
        fix = "Write one label a line, or all in one line."
        raise UnreadableFile(path, "a table, not labels" if rows else "no label in it", fix=fix)
    return as_labels([label for row in rows for label in row])


def as_labels(texts: Sequence[str]) -> list[Any]:
    """Return names as labels: numbers if all are whole ones, else text.

    Examples
    --------
    >>> as_labels(["3", "12"]), as_labels(["3", "012"])
    ([3, 12], ['3', '012'])
    """
    known = {text: re.fullmatch(r"0|-?[1-9][0-9]{0,17}", text or "") for text in dict.fromkeys(texts)}
    return [int(text) for text in texts] if all(known.values()) else list(texts)


# --- lines ------------------------------------------------------------------------------


def _shape_of(path: Path) -> Shape:
    """Return what the lines of a text file show."""
    skipped: list[int] = []
    first: list[tuple[int, str]] = []
    delimiter, second, n_rows, uneven = None, list[str](), 0, ""
    for number, line in lines(path):
        if not without_remark(line).strip():
            skipped.append(number - 1)
            continue
        n_rows += 1
        if n_rows <= 2:
            first.append((number - 1, line))
        if n_rows == 2:
            delimiter = _delimiter(first[0][1], line)
            second = cells_of(line, delimiter)
        if n_rows > 2 and not uneven and (count := _count(line, delimiter)) != len(second):
            uneven = f"line {number} has {count} cells, the lines before it {len(second)}"
    head_at, head = first[0] if first else (0, "")
    delimiter = _delimiter(head) if n_rows == 1 else delimiter
    return Shape(delimiter, skipped, cells_of(head, delimiter), second, head_at, n_rows, uneven)


def _delimiter(*lines: str) -> str | None:
    """Return what separates the cells of lines: what all have, as often if that can be; in quotes it is of a label."""
    unquoted = [re.sub(r'"[^"]*"', "", line) for line in lines]
    counts = {mark: [line.count(mark) for line in unquoted] for mark in DELIMITERS}
    there = [mark for mark, found in counts.items() if all(found)] or [mark for mark in DELIMITERS if counts[mark][0]]
    return next((mark for mark in there if len(set(counts[mark])) == 1), there[0] if there else None)


def _count(line: str, delimiter: str | None) -> int:
    """Return how many cells a line has."""
    return line.count(delimiter) + 1 if delimiter and '"' not in line else len(cells_of(line, delimiter))


def _has_head(shape: Shape) -> bool:
    """Return whether the first line names the columns."""
    head = shape.head
    if head[0] == "" or any(map(is_word, head[1:])):
        return True
    if is_word(head[0]):  # the name of a row, unless there is one row too many for that
        return len(head) == 1 or not is_word(shape.second[0]) or shape.n_rows == len(head)
    return False


# --- numbers ----------------------------------------------------------------------------


def _read(path: Path, shape: Shape, *, has_head: bool, text: Sequence[int]) -> pd.DataFrame:
    """Return the rows of a text file under their names; the columns `text` hold labels."""
    width = len(shape.second)
    with readable_as("a table", path), opened(path) as file:
        table = pd.read_csv(
            file,
            sep=shape.delimiter or r"\s+",
            header=None,
            names=range(width),
            skiprows=[*shape.skipped, *([shape.head_at] if has_head else [])],
            dtype=dict.fromkeys(text, str),
            na_values={k: list(MISSING) for k in range(width) if k not in text},
            keep_default_na=False,
            skipinitialspace=True,
            **EXACT,
        )
    if text:  # of edges, both ends alike
        table = table.replace({k: {"": None} for k in text}) if len(text) > 1 else table
        labels = as_labels(table[list(text)].to_numpy().T.ravel().tolist())
        for k, column in zip(text, np.array_split(np.array(labels, dtype=object), len(text)), strict=True):
            table[k] = pd.Series(column).infer_objects()
    if not has_head:
        return table
    others = [name for k, name in enumerate(shape.head) if k not in text]
    named = dict(zip((k for k in range(width) if k not in text), as_labels(others), strict=True))
    return table.set_axis([named.get(k, shape.head[k]) for k in range(width)], axis=1)


def _of_numbers(path: Path, table: pd.DataFrame) -> pd.DataFrame:
    """Return a matrix if all of its cells are numbers, or raise UnreadableFile with the first that is none."""
    for column in [k for k, dtype in enumerate(table.dtypes) if not pd.api.types.is_numeric_dtype(dtype)]:
        cells = table.iloc[:, column].astype(str).tolist()
        row, cell = next((k, cell) for k, cell in enumerate(cells) if not reads_as_number(cell))
        where = f"row {table.index[row]!r}, column {table.columns[column]!r}"
        comma = ": a decimal comma? Write decimal points" if reads_as_number(cell.replace(",", ".")) else ""
        raise UnreadableFile(path, f"{shown(cell)!r} in {where} is no number{comma}")
    return table
