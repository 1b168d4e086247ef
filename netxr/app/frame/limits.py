"""How much the app computes for a page."""

from typing import Final

from netxr.errors import InvalidInput
from netxr.schema.words import text_of

MOST_NEURONS: Final = 10_000
"""Neurons whose matrix is drawn."""


MATRICES: Final = 6
"""How many matrices a lag takes at most, from the sums to the figure."""


def axes_text(n: int, n_samples: int | None) -> str:
    """Say what to do if the axes of a recording are swapped, where it has more neurons than samples.

    Examples
    --------
    >>> axes_text(5000, 100)
    ' There are more neurons than samples (100): if the axes are swapped, import it again with netxr import --dims.'
    >>> axes_text(100, 5000)
    ''
    """
    if n_samples is None or n <= n_samples:
        return ""
    return (
        f" There are more neurons than samples ({n_samples:,}): if the axes are swapped, import it again with "
        "netxr import --dims."
    )


def check_size(n: int, n_lags: int, *, memory: int, n_samples: int | None = None, blocks: int = 0) -> None:
    """Raise, before an estimate of n neurons is made, if its matrices are too large to hold or draw.

    `blocks` is of how many blocks the moments are held apart, if they are.
    """
    needed = 8 * (MATRICES + 2 * blocks) * n_lags * n**2
    in_blocks = f" in {blocks:,} blocks" if blocks else ""
    fix = f"Choose fewer of them, or average them into groups.{axes_text(n, n_samples)}"
    if n > MOST_NEURONS:
        raise InvalidInput("neurons", got=f"{n:,} of them", expected=f"at most {MOST_NEURONS:,} in a matrix", fix=fix)
    if needed > memory:
        raise InvalidInput(
            "neurons, lags",
            got=f"{n:,} neurons at {n_lags:,} lags{in_blocks}, whose matrices take {text_of(needed)}",
            expected=f"at most {text_of(memory)}",
            fix=f"{fix} Or start netxr app with another --memory.",
        )
