"""How much the app computes for a page."""

from typing import Final

from netxr.errors import InvalidInput
from netxr.schema.words import text_of

MOST_NEURONS: Final = 10_000
"""Neurons whose matrix is drawn."""


MATRICES: Final = 6
"""How many matrices a lag takes at most, from the sums to the figure."""


def check_size(n: int, n_lags: int, *, memory: int) -> None:
    """Raise, before an estimate of n neurons is made, if its matrices are too large to hold or draw."""
    needed = 8 * MATRICES * n_lags * n**2
    fix = "Choose fewer of them, or average them into groups."
    if n > MOST_NEURONS:
        raise InvalidInput("neurons", got=f"{n:,} of them", expected=f"at most {MOST_NEURONS:,} in a matrix", fix=fix)
    if needed > memory:
        raise InvalidInput(
            "neurons, lags",
            got=f"{n:,} neurons at {n_lags:,} lags, whose matrices take {text_of(needed)}",
            expected=f"at most {text_of(memory)}",
            fix=f"{fix} Or start netxr app with another --memory.",
        )
