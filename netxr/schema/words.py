"""Numbers in words: how many there are, how much memory, a score."""

import math
from collections.abc import Sequence
from typing import Final

UNDEFINED: Final = "undefined"
"""NaN as text."""

MOST_LISTED: Final = 20
"""Entries of a list that are named."""


def counted(number: int, what: str) -> str:
    """Return how many there are, in words."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def text_of(n_bytes: float) -> str:
    """Return an amount of memory as people write it.

    Examples
    --------
    >>> text_of(3_300_000_000)
    '3.07 GiB'
    """
    unit = max(0, min(4, int(math.log2(max(n_bytes, 1)) // 10)))
    amount = n_bytes / 1024**unit
    return f"{amount:{'.3g' if amount < 999.5 else '.0f'}} {['B', 'KiB', 'MiB', 'GiB', 'TiB'][unit]}"


def number(value: float, *, decimals: int = 3) -> str:
    """Return a number as text; NaN is an undefined one, and what rounds to zero has no sign.

    Examples
    --------
    >>> number(0.97, decimals=1), number(-0.001, decimals=2), number(math.nan)
    ('1.0', '0.00', 'undefined')
    """
    return UNDEFINED if math.isnan(value) else f"{round(value, decimals) + 0.0:.{decimals}f}"


def entry_text(value: object) -> str:
    """Return an entry of a list as text, however small a number it is."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def listed(entries: Sequence[object]) -> str:
    """Return the entries of a list as text, of many the first ones.

    Examples
    --------
    >>> listed(["a", 0.5]), len(listed(range(100)).split(", "))
    ('a, 0.5', 20)
    """
    more = f" and {len(entries) - MOST_LISTED:,} more" if len(entries) > MOST_LISTED else ""
    return ", ".join(map(entry_text, entries[:MOST_LISTED])) + more


def reads_as_number(text: str) -> bool:
    """Return whether a text is one number.

    Examples
    --------
    >>> reads_as_number("-2e-16"), reads_as_number("1 mV"), reads_as_number("1_000")
    (True, False, False)
    """
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text
