"""Whether the first lines of a text table are labels: told by their cells, and by those below."""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np

from netxr.recordings.formats.text.cells import MISSING, is_number, is_plain, is_word
from netxr.schema.spacing import LARGEST_JITTER
from netxr.schema.words import reads_as_number

Cells = Sequence[str]

NAME: Final = re.compile(r"[0-9]+")
"""A number that may be the name of a neuron."""

CORNER: Final = re.compile(r"neurons?|cells?|rois?|units?|ids?|names?|labels?|channels?|regions?", re.IGNORECASE)
"""What stands above the names of rows."""

UNITS: Final = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), "s"),
    **dict.fromkeys(("ms", "msec", "msecs", "millisecond", "milliseconds"), "ms"),
    **dict.fromkeys(("us", "µs", "μs", "microsecond", "microseconds"), "us"),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), "min"),
}
"""Units of times, as they are written."""

FEW: Final = 10
"""Rows below that show in what range the samples lie."""


def are_labels(first: Cells, body: Sequence[Cells]) -> bool:
    """Say whether a first line is labels for certain, by its cells and those of the lines below it."""
    words = [k for k, cell in enumerate(first) if is_word(cell)]
    others = [cell for k, cell in enumerate(first) if k not in words]
    if not words:
        return not first[0] and bool(body) and _is_below_nothing(first[1:], column(body, 0))
    if not any(re.search(r"\w", first[k]) for k in words):  # marks such as - for a gap
        return False
    if not any(others):
        return True
    if any(is_word(cell) for k in words for cell in column(body, k)):  # names of rows, with a label above them or not
        return is_corner(first[words[0]]) or ascend(others)
    return bool(body) and (_are_names(others) or ascend(others))


def _is_below_nothing(first: Cells, names: Cells) -> bool:
    """Say whether cells without one above them name rows: pandas writes no name above its own index."""
    return ascend(first) or (_are_names(first) and (counts(names) or any(map(is_word, names))))


def ascend(cells: Cells) -> bool:
    """Say whether numbers ascend evenly, as times and counts do.

    Examples
    --------
    >>> ascend(["0.0", "0.1", "0.2"]), ascend(["0", "1", "3"])
    (True, False)
    """
    if len(cells) < 3 or not all(map(reads_as_number, cells)):
        return False
    steps = np.diff([float(cell) for cell in cells])
    return bool(steps[0] > 0 and np.allclose(steps, steps[0], rtol=LARGEST_JITTER, atol=0))


def name_rows(cells: Cells) -> bool:
    """Say whether the first cells of rows name or count them."""
    return counts(cells) or all(map(is_word, cells))


def is_corner(cell: str) -> bool:
    """Say whether a label stands above the names of rows: it says so, or is empty."""
    return not cell or CORNER.fullmatch(cell) is not None


def are_states(first: Cells, body: Sequence[Cells]) -> bool:
    """Say whether the line below the labels says more of the columns, in words."""
    if len(body) < 2 or len(first) < 2 or len(body[0]) != len(first):
        return False
    return all(map(is_word, body[0][1:])) and all(map(is_plain, body[1][1:])) and not is_number(body[0][0] or first[0])


def may_be_labels(rows: Sequence[Cells]) -> bool:
    """Say whether a first row of numbers may be the names of columns: different whole numbers, unlike those below.

    Unlike: they count the columns, or some number below is none that is whole, or the first row ascends and lies
    outside the range of each column.
    """
    first, body = rows[0], rows[1:]
    names = [cell for cell in first if cell]
    if len(first) < 2 or not body or not _are_names(names):
        return False
    below = [cell.lstrip("+-") for row in body for cell in row if cell not in MISSING]
    if counts(names) or not all(map(NAME.fullmatch, below)):
        return True
    ascending = all(int(one) < int(other) for one, other in pairwise(names))
    return ascending and len(body) >= FEW and all(_is_outside(cell, column(body, k)) for k, cell in enumerate(first))


def counts(cells: Cells) -> bool:
    """Say whether cells count from 0 or 1.

    Examples
    --------
    >>> counts(["1", "2", "3"]), counts(["0", "2"])
    (True, False)
    """
    return any(list(cells) == [str(k) for k in range(start, start + len(cells))] for start in (0, 1))


def column(rows: Sequence[Cells], k: int) -> list[str]:
    """Return one cell of each row that has it."""
    return [row[k] for row in rows if k < len(row)]


def _are_names(cells: Cells) -> bool:
    """Say whether cells may be names of neurons: whole numbers, each a different one."""
    return all(map(NAME.fullmatch, cells)) and len(set(cells)) == len(cells)


def _is_outside(cell: str, below: Cells) -> bool:
    """Say whether a number lies outside the range of those below it."""
    numbers = [float(one) for one in below if one not in MISSING]
    return bool(numbers) and bool(cell) and not min(numbers) <= float(cell) <= max(numbers)
