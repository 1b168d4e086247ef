"""What a cell of a text table holds: a number, a gap, true or false, a date, or words."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from netxr.schema.words import reads_as_number

NAN: Final = ("", *(sign + word for sign in ("", "+", "-") for word in ("nan", "NaN", "NAN")))
"""Cells that hold NaN."""

ERRORS: Final = ("#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!")
"""What a spreadsheet writes where it has no result."""

MISSING: Final = (*NAN, "NA", "N/A", "n/a", "<NA>", "NULL", "null", "None", *ERRORS)
"""Cells without a number, which are NaN."""

TRUTH: Final = {
    word: str(value) for value, name in enumerate(("false", "true")) for word in (name, name.title(), name.upper())
}
"""Cells of a column of conditions."""

COMMA: Final = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?")
"""A number with a decimal comma."""

THOUSANDS: Final = re.compile(r"[+-]?\d{1,3}(,\d{3})+")
"""A number whose commas may as well set off thousands."""


def is_plain(cell: str) -> bool:
    """Return whether a cell holds a number as programs write it, or none at all."""
    return cell in MISSING or reads_as_number(cell)


def is_number(cell: str) -> bool:
    """Return whether a cell holds a number, none at all, or says true or false."""
    return is_plain(cell) or cell in TRUTH


def is_word(cell: str) -> bool:
    """Return whether a cell holds something that is no number, however it is written."""
    return not any(map(is_number, (cell, cell.replace(",", "."), cell.replace(",", ""))))


def has_decimal_comma(cells: Iterable[str]) -> bool:
    """Return whether numbers among cells have decimal commas: no point in any, and not all look like thousands."""
    there = list(cells)
    commas = [cell for cell in there if "," in cell and not is_word(cell)]
    return (
        bool(commas)
        and not any("." in cell for cell in there)
        and all(map(COMMA.fullmatch, commas))
        and not all(map(THOUSANDS.fullmatch, commas))
    )


def numbers_in(cells: Sequence[str]) -> NDArray[np.float64] | int:
    """Return the numbers of a column, NaN for a cell without one; if one is no number, the place of the first."""
    known = [cell.replace(",", ".") for cell in cells] if has_decimal_comma(cells) else cells
    wrong = next((place for place, cell in enumerate(known) if not is_number(cell)), None)
    if wrong is not None:
        return wrong
    return np.array(["nan" if cell in MISSING else TRUTH.get(cell, cell) for cell in known], dtype=np.float64)


def dates_in(cells: Sequence[str]) -> NDArray[Any] | None:
    """Return dates such as 2026-11-29 17:58:56.5 or times of day such as 17:58:56.5; None if one cell is neither.

    Other ways to write a date are not told apart: 1/2/2026 is in January in one country, and in February in others.
    """
    for pattern, read in ((r"\d{4}-\d\d-\d\d.*", _as_dates), (r"\d+:\d\d:\d\d([.,]\d+)?", pd.to_timedelta)):
        if all(re.fullmatch(pattern, cell) for cell in cells):
            try:
                return np.asarray(read([cell.replace(",", ".") for cell in cells]).to_numpy())
            except (ValueError, OverflowError):
                return None
    return None


def _as_dates(cells: list[str]) -> Any:
    """Return dates, those with a zone in UTC."""
    return pd.to_datetime(cells, format="ISO8601", utc=True).tz_localize(None)


def shown(cell: str) -> str:
    """Return a cell as a message shows it, cut where it is long."""
    return cell if len(cell) <= 40 else f"{cell[:37]}..."
