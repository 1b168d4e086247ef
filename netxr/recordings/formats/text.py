"""Tables of numbers in text files, with or without a first line of labels."""

import csv
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from netxr import names as n
from netxr.errors import UnreadableFile
from netxr.schema.words import reads_as_number

DELIMITERS: Final = "\t;,"
"""What parts cells, first choice first; blanks do where the first line has none of them."""

NumberedLines = list[tuple[int, str]]
NumberedRows = list[tuple[int, list[str]]]


class Table(NamedTuple):
    """What a plain file holds: numbers, the labels of its columns, and whether the first row looks like their count.

    The numbers are a NumPy array, or a dask array where the format is read lazily. A column that holds the times of
    the rows is not among them.
    """

    values: Any
    labels: list[str] | None = None
    counts_columns: bool = False
    times: npt.NDArray[Any] | None = None


def read_table(path: Path) -> Table:
    """Read the rows and columns of a text file, and the labels of the columns where the first line is no numbers.

    Cells are separated by tabs, semicolons, commas or blanks, the first of these that the first line shows. What
    follows a # is skipped. An empty cell is NaN, except where blanks part the cells.

    Raises
    ------
    UnreadableFile
        If there are no numbers, a row is longer or shorter than the others, or a cell is no number, with its place;
        if every line ends in a separator and no column has a label, or the first row numbers the columns beside a
        column without a name.
    """
    lines, delimiter = _lines(_text(path))
    first = _cells(lines[0][1], delimiter) if lines else []
    labels = first if _are_labels(first) else None
    rows = lines if labels is None else lines[1:]
    if not rows:
        raise UnreadableFile(path, "no numbers in it")
    counts = _count_columns(first) and len(rows) > 1
    if counts and not first[0]:
        fix = "Remove both; DataFrame.to_csv(header=False, index=False) writes neither."
        raise UnreadableFile(path, "its first row and first column look like column and row numbers", fix=fix)
    try:
        values = np.loadtxt([line for _, line in rows], delimiter=delimiter, ndmin=2)
    except ValueError:  # far slower, but knows empty cells and quotes, and says what is wrong where
        values = _parse(path, [(number, _cells(line, delimiter)) for number, line in rows], labels)
    if labels is not None and len(labels) != values.shape[1]:
        fix = "Label every column, also one that numbers or times the rows; close every quote."
        reason = f"its first line has {len(labels)} labels, the rows have {values.shape[1]} cells"
        raise UnreadableFile(path, reason, fix=fix)
    return Table(values, labels, counts)


def time_column(labels: Sequence[str]) -> int | None:
    """Return which column holds the times of the rows: the first one that is called so.

    Examples
    --------
    >>> time_column(["a", "Time", "b"])
    1
    """
    return next((column for column, label in enumerate(labels) if label.lower() == n.TIME), None)


def shown(cell: str) -> str:
    """Return a cell as a message shows it, cut where it is long."""
    return cell if len(cell) <= 40 else f"{cell[:37]}..."


def _text(path: Path) -> str:
    """Return what is in a text file."""
    content = path.read_bytes()
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        fix = "Save it as text in UTF-8, if it is a table."
        raise UnreadableFile(path, f"byte {error.start}, in line {line}, is no text in UTF-8", fix=fix) from error


def _lines(text: str) -> tuple[NumberedLines, str | None]:
    """Return the lines that hold cells, with their numbers from 1, and what parts the cells."""
    numbered = list(enumerate(text.split("\n"), start=1))
    filled = [(number, line) for number, line in numbered if line.partition("#")[0].strip()]
    # A separator within quotes belongs to a label.
    first = re.sub(r'"[^"]*"', "", filled[0][1].partition("#")[0]) if filled else ""
    delimiter = next((mark for mark in DELIMITERS if mark in first), None)
    if delimiter == "\t":  # a line of tabs alone is a row of empty cells, not a blank line
        filled = [
            (number, line)
            for number, line in numbered
            if line.partition("#")[0].strip() or ("\t" in line and "#" not in line)
        ]
    return filled, delimiter


def _cells(line: str, delimiter: str | None) -> list[str]:
    """Return the cells of one line, without quotes and blanks around them."""
    cells = line.partition("#")[0]
    if delimiter is None:
        return cells.split()
    return [cell.strip() for cell in next(csv.reader([cells], delimiter=delimiter))]


def _are_labels(cells: list[str]) -> bool:
    """Say whether the first line is words; a number with a decimal comma is none."""
    words = [cell for cell in cells if cell]
    return bool(words) and not any(reads_as_number(cell.replace(",", ".")) for cell in words)


def _count_columns(cells: list[str]) -> bool:
    """Say whether the first line counts its columns from 0 or 1, as tables without names are often written."""
    counted = cells[1:] if cells and not cells[0] else cells
    return len(cells) > 1 and any(
        counted == [str(column) for column in range(start, start + len(counted))] for start in (0, 1)
    )


def _parse(path: Path, rows: NumberedRows, labels: list[str] | None) -> npt.NDArray[np.float64]:
    """Return the numbers of all cells, NaN for an empty one."""
    _check_rows(path, rows)
    if labels is None and not any(cells[-1] for _, cells in rows):
        raise UnreadableFile(path, "its last column is empty", fix="Remove the separator at the end of every line.")
    return np.array([[float(cell or "nan") for cell in cells] for _, cells in rows])


def _check_rows(path: Path, rows: NumberedRows) -> None:
    """Raise where a table stops being one."""
    width = len(rows[0][1])
    for number, cells in rows:
        for column, cell in enumerate(cells, start=1):
            if cell and not reads_as_number(cell):
                comma = ": a decimal comma? Write decimal points" if reads_as_number(cell.replace(",", ".")) else ""
                raise UnreadableFile(path, f"{shown(cell)!r} in line {number}, column {column} is no number{comma}")
        if len(cells) != width:
            raise UnreadableFile(path, f"line {number} has {len(cells)} cells, the lines before it {width}")
