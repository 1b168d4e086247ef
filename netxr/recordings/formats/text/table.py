"""Tables of numbers in text files, with or without a first line of labels.

The first lines are looked at here; the numbers below them are read by pandas. Where pandas finds no number in a cell,
or a line is too short, the lines are read again, one by one, to say what is wrong and where.
"""

import re
from array import array
from collections.abc import Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from netxr.errors import UnreadableFile
from netxr.recordings.formats.text.cells import (
    MISSING,
    TRUTH,
    dates_in,
    has_decimal_comma,
    is_plain,
    is_word,
    numbers_in,
    shown,
)
from netxr.recordings.formats.text.labels import UNITS, are_labels, are_states, column, may_be_labels, name_rows
from netxr.recordings.formats.text.lines import DELIMITERS, delimiter_of, n_cells_of, opened, rows_of
from netxr.schema.words import reads_as_number

__all__ = ["DELIMITERS", "EXACT", "Apart", "Table", "read_table", "shown"]

EXACT: Final = {} if tuple(map(int, pd.__version__.split(".")[:2])) >= (3, 1) else {"float_precision": "round_trip"}
"""What has pandas read numbers to the last digit: 3.1 does so by itself, and warns of the option."""

LOOKED_AT: Final = 100
"""Rows that show what the columns hold."""

WIDE: Final = 1000
"""Columns from which on pandas, which looks at each on its own, takes longer than numpy, which knows numbers alone."""


class Apart(NamedTuple):
    """A column without numbers: its label, its place among all columns, and its dates, durations or words."""

    label: str
    place: int
    entries: NDArray[Any]


class Table(NamedTuple):
    """What a plain file holds."""

    values: Any
    """Its numbers: a NumPy array, or a dask array where the format is read lazily."""
    labels: list[str] | None = None
    """Of the columns of numbers."""
    doubtful: bool = False
    """Whether the first row of numbers may as well be labels."""
    times: NDArray[Any] | None = None
    """Times of the rows; their column is not among the numbers."""
    times_units: str | None = None
    """Unit of the times, where the label of their column says it."""
    apart: tuple[Apart, ...] = ()
    """Columns without numbers."""
    states: list[str] | None = None
    """What a second line of labels says of each column of numbers."""
    are_units: bool = False
    """Whether that is their units."""


class Head(NamedTuple):
    """What the first lines say: labels, states, the first rows of numbers, and how many lines come before these."""

    labels: list[str] | None
    states: list[str] | None
    rows: list[list[str]]
    skip: int
    are_units: bool = False


def read_table(path: Path, *, header: bool | None = None) -> Table:
    """Read the rows and columns of a text file, and the labels of the columns where the first line is no numbers.

    Cells are separated by tabs, semicolons, commas or blanks, the first of these that the first line shows. Lines that
    begin with # are skipped, and so is what follows a # behind numbers. An empty cell, NA or an error of a spreadsheet
    is NaN, and so is a blank line within a table of one column; true is 1, and false 0. Where the first line may be
    labels or numbers, `header` says whether it is labels.

    Raises UnreadableFile if there are no numbers, a row is longer or shorter than the others, or a cell is no
    number, with its place; if every line ends in a separator and no column has a label.
    """
    delimiter = delimiter_of(path)
    head = _head(path, delimiter, header)
    width = len(head.rows[0])
    if head.labels is not None and len(head.labels) == width - 1 and name_rows(column(head.rows, 0)):
        head = head._replace(labels=["", *head.labels])  # as R writes it, without a cell above the names of rows
    if head.labels is not None and len(head.labels) != width:
        fix = "Label every column, also one that numbers or times the rows; close every quote."
        reason = f"its first line has {len(head.labels)} labels, the rows have {width} cells"
        raise UnreadableFile(path, reason, fix=fix)
    if head.labels is None:
        _check_separators(path, delimiter, head.rows)
    columns = _columns(path, delimiter, head)
    numbered = [k for k, one in enumerate(columns) if one.dtype.kind == "f"]
    labels = head.labels or [""] * width
    values = np.column_stack([columns[k] for k in numbered]) if numbered else np.empty((len(columns[0]), 0))
    return Table(
        values,
        None if head.labels is None else [labels[k] for k in numbered],
        header is None and head.labels is None and may_be_labels(head.rows),
        apart=tuple(Apart(labels[k], k, one) for k, one in enumerate(columns) if one.dtype.kind != "f"),
        states=None if head.states is None else [head.states[k] for k in numbered],
        are_units=head.are_units,
    )


def _head(path: Path, delimiter: str | None, header: bool | None) -> Head:
    """Return what the first lines say."""
    with closing(rows_of(path, delimiter)) as rows:
        found = list(islice(rows, LOOKED_AT + 2))
    if not found:
        raise UnreadableFile(path, "no numbers in it")
    number, (first, *body) = found[0][0], [cells for _, cells in found]
    if not (are_labels(first, body) if header is None else header):
        return Head(None, None, [first, *body], number - 1)
    states = body[0] if are_states(first, body) else None
    if states is not None and first[0] and (unit := states[0].strip(" ()[]")).lower() in UNITS:
        return Head([f"{first[0]} ({unit})", *first[1:]], states, body[1:], found[1][0], are_units=True)
    if states is not None:  # whichever of both lines says it: times, or names
        return Head([first[0] or states[0], *first[1:]], ["", *states[1:]], body[1:], found[1][0])
    if not body:
        raise UnreadableFile(path, "no numbers in it")
    return Head(first, None, body, number)


def _check_separators(path: Path, delimiter: str | None, rows: Sequence[Sequence[str]]) -> None:
    """Raise if separators end every line, or look like decimal commas of a single column."""
    is_empty = len(rows[0]) > 1 and not any(row[-1] for row in rows)
    if is_empty and not any(cells[-1] for _, cells in rows_of(path, delimiter)):
        raise UnreadableFile(path, "its last column is empty", fix="Remove the separator at the end of every line.")
    halves = [row for row in rows if len(row) == 2 and all(cell.lstrip("+-").isdigit() for cell in row)]
    # Whole numbers are not written with zeros before them, nor zero with a sign: these are halves of one number.
    found = next((row for row in halves if row[0] == "-0" or re.match("0[0-9]", row[1])), None)
    if delimiter == "," and len(halves) == len(rows) and found is not None:
        fix = "Write decimal points, or separate the cells by semicolons or tabs."
        raise UnreadableFile(path, f"its commas look like decimal commas of one column ({','.join(found)})", fix=fix)


# --- the numbers ------------------------------------------------------------------------


def _columns(path: Path, delimiter: str | None, head: Head) -> list[NDArray[Any]]:
    """Return the columns of all rows: numbers, NaN for an empty cell; dates; or words."""
    if len(head.rows[0]) >= WIDE and (found := _plain_numbers(path, delimiter, head.skip)) is not None:
        return list(found.T)
    comma = delimiter != "," and has_decimal_comma(cell for row in head.rows for cell in row)
    odd = [
        k
        for k, cells in enumerate(zip(*(row for row in head.rows if len(row) == len(head.rows[0])), strict=True))
        if not all(is_plain(cell.replace(",", ".") if comma else cell) for cell in cells)
    ]
    numbers, texts = _read(path, delimiter, head, odd, "," if comma else ".")
    columns: list[NDArray[Any]] = list(numbers.T)
    for k, cells in texts.items():
        columns.insert(k, _column(path, delimiter, head.skip, k, cells))
    return columns


def _plain_numbers(path: Path, delimiter: str | None, skip: int) -> NDArray[np.float64] | None:
    """Return the numbers of a table that holds nothing else, but for cells that are missing; None of others."""
    try:
        with opened(path) as file:
            return np.loadtxt(file, delimiter=delimiter, comments=None, skiprows=skip, ndmin=2)
    except ValueError:  # the first cell that is no number
        return None if delimiter is None else _numbers_with_gaps(path, delimiter, skip)


def _numbers_with_gaps(path: Path, delimiter: str, skip: int) -> NDArray[np.float64] | None:
    """Return the same where cells are missing."""
    gap = re.compile(rf"(?:^|(?<={delimiter})) *(?:{'|'.join(map(re.escape, MISSING))})? *(?={delimiter}|$)")
    try:
        with opened(path) as file:
            filled = (gap.sub("nan", line) if line.strip() else line for line in file)
            return np.loadtxt(filled, delimiter=delimiter, comments=None, skiprows=skip, ndmin=2)
    except ValueError:
        return None


def _read(
    path: Path, delimiter: str | None, head: Head, odd: list[int], decimal: str
) -> tuple[NDArray[np.float64], dict[int, list[str]]]:
    """Return the numbers of the columns that hold nothing else, and the cells of the odd ones."""
    width = len(head.rows[0])
    plain = [k for k in range(width) if k not in odd]
    try:
        with opened(path) as file:
            for _ in range(head.skip):
                file.readline()
            table = pd.read_csv(
                file,
                sep=delimiter or r"\s+",
                header=None,
                dtype=dict.fromkeys(plain, np.float64) | dict.fromkeys(odd, str),
                decimal=decimal,
                skipinitialspace=True,
                na_values={k: list(MISSING) for k in plain} if odd else list(MISSING),
                keep_default_na=False,
                **EXACT,
            )
        numbers = np.ascontiguousarray(table[plain].to_numpy(dtype=np.float64))
        texts = {k: table[k].fillna("").str.strip().tolist() for k in odd}
    except ValueError:  # a cell that is no number, a line that is too long, a remark
        return _one_by_one(path, delimiter, head.skip, odd, decimal)
    if width > 1 and not odd and not np.isnan(numbers[:, -1]).any():
        return numbers, texts
    # pandas fills up lines that are too short, and leaves out blank ones, which count in a table of one column.
    n_rows = (
        _n_rows(path, delimiter, head.skip) if width > 1 else sum(1 for _ in rows_of(path, delimiter, skip=head.skip))
    )
    if n_rows == len(table):
        return numbers, texts
    return _one_by_one(path, delimiter, head.skip, odd, decimal)


def _one_by_one(
    path: Path, delimiter: str | None, skip: int, odd: list[int], decimal: str
) -> tuple[NDArray[np.float64], dict[int, list[str]]]:
    """Return the same as Python reads it. Raises UnreadableFile where the table stops being one."""
    numbers, texts, width, n_rows = array("d"), {k: list[str]() for k in odd}, 0, 0
    for number, cells in rows_of(path, delimiter, skip=skip):
        width, n_rows = width or len(cells), n_rows + 1
        if len(cells) != width:
            raise _uneven(path, number, len(cells), width)
        for k, cell in enumerate(cells):
            if k in texts:
                texts[k].append(cell)
                continue
            known = TRUTH.get(cell, cell.replace(decimal, "."))
            if not is_plain(known):
                raise _no_number(path, cell, number, k)
            numbers.append(float("nan" if known in MISSING else known))
    return np.frombuffer(numbers).reshape(n_rows, width - len(odd)), texts


def _n_rows(path: Path, delimiter: str | None, skip: int) -> int:
    """Return how many rows there are, or raise UnreadableFile if one has more or fewer cells than the first."""
    width = n_rows = 0
    for number, count in n_cells_of(path, delimiter, skip=skip):
        width, n_rows = width or count, n_rows + 1
        if count != width:
            raise _uneven(path, number, count, width)
    return n_rows


def _uneven(path: Path, number: int, count: int, width: int) -> UnreadableFile:
    """Return the error for a line that is longer or shorter than those before it."""
    return UnreadableFile(path, f"line {number} has {count} cells, the lines before it {width}")


def _column(path: Path, delimiter: str | None, skip: int, k: int, cells: list[str]) -> NDArray[Any]:
    """Return a column that holds other cells than plain numbers, or raise UnreadableFile with the first bad one."""
    found = numbers_in(cells)
    if not isinstance(found, int):
        return found
    dates = dates_in(cells)
    if dates is not None:
        return dates
    if all(is_word(cell) for cell in cells if cell) and len(cells) > 1:
        return np.array(cells, dtype=object)
    number = next(islice(rows_of(path, delimiter, skip=skip), found, None))[0]
    raise _no_number(path, cells[found], number, k, first=found == 0 and is_word(cells[0]))


def _no_number(path: Path, cell: str, number: int, k: int, *, first: bool = False) -> UnreadableFile:
    """Return the error for a cell that is no number, with its place."""
    comma, fix = "", "Keep one line of labels above the numbers." if first and number > 1 else ""
    if reads_as_number(cell.replace(",", ".")):
        comma = ": a decimal comma? Write decimal points"
    elif reads_as_number(cell.replace(",", "")):
        comma = ": commas within? Write numbers without them"
    return UnreadableFile(path, f"{shown(cell)!r} in line {number}, column {k + 1} is no number{comma}", fix=fix)
