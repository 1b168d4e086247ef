"""Tables of numbers in text files, with or without a first line of labels."""

import csv
from pathlib import Path

import numpy as np
import numpy.typing as npt

from netxr.errors import UnreadableFile

NumberedLines = list[tuple[int, str]]


def read_table(path: Path) -> tuple[npt.NDArray[np.float64], list[str] | None]:
    """Read the rows and columns of a text file, and the labels of the columns where the first line is no numbers.

    Cells are parted by tabs, commas or blanks, whichever the first line shows; what follows a # is skipped.

    Raises
    ------
    UnreadableFile
        If there are no numbers, a row is longer or shorter than the others, or a cell is no number, with its place.
    """
    lines = path.read_text(encoding="utf-8-sig").split("\n")
    numbered = [(number, line) for number, line in enumerate(lines, start=1) if line.partition("#")[0].strip()]
    delimiter = next((mark for mark in "\t," if numbered and mark in numbered[0][1]), None)
    labels = _labels(numbered, delimiter)
    rows = numbered if labels is None else numbered[1:]
    if not rows:
        raise UnreadableFile(path, "no numbers in it")
    try:
        values = np.loadtxt([line for _, line in rows], delimiter=delimiter, ndmin=2)
    except ValueError as error:
        raise UnreadableFile(path, _first_fault(rows, delimiter) or str(error)) from error
    return values, labels


def _labels(numbered: NumberedLines, delimiter: str | None) -> list[str] | None:
    """Return the cells of the first line, if none of them is a number."""
    cells = _cells(numbered[0][1], delimiter) if numbered else []
    return None if not cells or any(_is_number(cell) for cell in cells) else cells


def _cells(line: str, delimiter: str | None) -> list[str]:
    """Return the cells of one line, without quotes and blanks around them."""
    cells = line.partition("#")[0]
    if delimiter is None:
        return cells.split()
    return [cell.strip() for cell in next(csv.reader([cells], delimiter=delimiter))]


def _is_number(cell: str) -> bool:
    """Say whether `cell` reads as a number."""
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell


def _first_fault(rows: NumberedLines, delimiter: str | None) -> str | None:
    """Say where a table stops being one."""
    width = len(_cells(rows[0][1], delimiter))
    for number, line in rows:
        cells = _cells(line, delimiter)
        for column, cell in enumerate(cells, start=1):
            if not _is_number(cell):
                return f"{cell!r} in line {number}, column {column} is no number"
        if len(cells) != width:
            return f"line {number} has {len(cells)} cells, the lines before it {width}"
    return None
