"""Tables of numbers in text files, with or without a first line of labels.

The first line is looked at here; the numbers below it are read by pandas. Where pandas finds no number in a cell, or
may have filled up a short line, the lines are read again, one by one, to say what is wrong and where.
"""

import csv
import re
from array import array
from collections.abc import Generator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from netxr import names as n
from netxr.errors import UnreadableFile
from netxr.schema.words import reads_as_number

DELIMITERS: Final = "\t;,"
"""What separates cells, first choice first; blanks do where the first line has none of them."""

NAN: Final = ["", *(sign + word for sign in ("", "+", "-") for word in ("nan", "NaN", "NAN"))]
"""Cells that hold NaN for pandas; other spellings are read line by line."""

TRUTH: Final = {
    word: str(value) for value, name in enumerate(("false", "true")) for word in (name, name.title(), name.upper())
}
"""Cells of a column of conditions, as pandas reads them."""

EXACT: Final = {} if tuple(map(int, pd.__version__.split(".")[:2])) >= (3, 1) else {"float_precision": "round_trip"}
"""What has pandas read numbers to the last digit: 3.1 does so by itself, and warns of the option."""

Rows = Generator[tuple[int, list[str]], None, None]
"""Number of a line, from 1, and its cells."""


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
    follows a # is skipped. An empty cell is NaN, except where blanks separate the cells; true is 1, and false 0.

    Raises UnreadableFile if there are no numbers, a row is longer or shorter than the others, or a cell is no
    number, with its place; if every line ends in a separator and no column has a label, or the first row numbers
    the columns beside a column without a name.
    """
    delimiter = _delimiter(path)
    with closing(_rows(path, delimiter)) as rows:
        number, first = next(rows, (0, list[str]()))
        labels = first if _are_labels(first) else None
        second = next(rows, None)
    if not first or (labels is not None and second is None):
        raise UnreadableFile(path, "no numbers in it")
    counts = _count_columns(first) and second is not None
    if counts and not first[0]:
        fix = "Remove both; DataFrame.to_csv(header=False, index=False) writes neither."
        raise UnreadableFile(path, "its first row and first column look like column and row numbers", fix=fix)
    values = _numbers(path, delimiter, number if labels is not None else number - 1)
    if labels is None and np.isnan(values[:, -1]).all() and not any(cells[-1] for _, cells in _rows(path, delimiter)):
        raise UnreadableFile(path, "its last column is empty", fix="Remove the separator at the end of every line.")
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


def _lines(path: Path) -> Generator[tuple[int, str], None, None]:
    """Yield the lines of a text file with their numbers."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            yield from enumerate(file, start=1)
    except UnicodeDecodeError:
        raise _no_text(path) from None


def _no_text(path: Path) -> UnreadableFile:
    """Return the error that says where a file is no text."""
    content = path.read_bytes()
    good = content.decode(errors="ignore")
    try:
        content.decode()
    except UnicodeDecodeError as error:
        good = content[: error.start].decode()
        line = len(good.replace("\r\n", "\n").replace("\r", "\n").split("\n"))
    fix = "Save it as text in UTF-8, if it is a table."
    return UnreadableFile(path, f"byte {len(good.encode())}, in line {line}, is no text in UTF-8", fix=fix)


def _delimiter(path: Path) -> str | None:
    """Return what separates the cells of the first line that has some; within quotes it belongs to a label."""
    with closing(_lines(path)) as lines:
        first = next((text for _, line in lines if (text := line.partition("#")[0]).strip()), "")
    unquoted = re.sub(r'"[^"]*"', "", first)
    return next((mark for mark in DELIMITERS if mark in unquoted), None)


def _rows(path: Path, delimiter: str | None, *, skip: int = 0) -> Rows:
    """Yield the cells of each line that has some, without quotes and blanks around them, behind the first `skip`."""
    for number, line in _lines(path):
        text, comment, _ = line.partition("#")
        # A line of tabs alone is a row of empty cells, not a blank line.
        if number <= skip or not (text.strip() or (delimiter == "\t" and "\t" in text and not comment)):
            continue
        if delimiter is None:
            yield number, text.split()
        else:
            cells = next(csv.reader([text], delimiter=delimiter)) if '"' in text else text.split(delimiter)
            yield number, [cell.strip() for cell in cells]


def _are_labels(cells: list[str]) -> bool:
    """Say whether the first line is words; a number with a decimal comma is none."""
    words = [cell for cell in cells if cell]
    return bool(words) and not any(_is_number(cell.replace(",", ".")) for cell in words)


def _count_columns(cells: list[str]) -> bool:
    """Say whether the first line counts its columns from 0 or 1, as tables without names are often written."""
    counted = cells[1:] if cells and not cells[0] else cells
    return len(cells) > 1 and any(
        counted == [str(column) for column in range(start, start + len(counted))] for start in (0, 1)
    )


def _is_number(cell: str) -> bool:
    """Return whether a cell holds a number, or says true or false."""
    return cell in TRUTH or reads_as_number(cell)


def _numbers(path: Path, delimiter: str | None, skip: int) -> npt.NDArray[np.float64]:
    """Return the numbers of all lines behind the first `skip`, NaN for an empty cell."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            for _ in range(skip):
                file.readline()
            table = pd.read_csv(
                file,
                sep=delimiter or r"\s+",
                header=None,
                dtype=np.float64,
                comment="#",
                skipinitialspace=True,
                na_values=NAN,
                keep_default_na=False,
                **EXACT,
            )
        values = np.ascontiguousarray(table.to_numpy())
    except ValueError:  # a cell that is no number, or a line that is too long
        return _one_by_one(path, _rows(path, delimiter, skip=skip))
    if not np.isnan(values[:, -1]).any():
        return values
    # pandas fills up lines that are too short, and makes a row of a remark behind a tab.
    n_rows = sum(1 for _ in _even(path, _rows(path, delimiter, skip=skip)))
    return values if n_rows == len(values) else _one_by_one(path, _rows(path, delimiter, skip=skip))


def _one_by_one(path: Path, rows: Rows) -> npt.NDArray[np.float64]:
    """Return the numbers of rows as Python reads them. Raises UnreadableFile where the table stops being one."""
    numbers, width = array("d"), 0
    for number, cells in _even(path, rows):
        width = len(cells)
        for column, cell in enumerate(cells, start=1):
            if cell and not _is_number(cell):
                comma = ": a decimal comma? Write decimal points" if reads_as_number(cell.replace(",", ".")) else ""
                raise UnreadableFile(path, f"{shown(cell)!r} in line {number}, column {column} is no number{comma}")
        numbers.extend(float(TRUTH.get(cell, cell or "nan")) for cell in cells)
    return np.frombuffer(numbers).reshape(-1, width)


def _even(path: Path, rows: Rows) -> Rows:
    """Yield rows, which all have as many cells as the first, or raise UnreadableFile if one has more or fewer."""
    width = 0
    for number, cells in rows:
        width = width or len(cells)
        if len(cells) != width:
            raise UnreadableFile(path, f"line {number} has {len(cells)} cells, the lines before it {width}")
        yield number, cells
