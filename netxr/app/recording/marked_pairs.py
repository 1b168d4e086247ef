"""Which connections are marked, as a text that can be typed and that the address holds."""

from itertools import product
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from netxr.app.frame.state import LONGEST
from netxr.app.recording.choice import labels_named
from netxr.errors import InvalidInput
from netxr.plot import Selection

FROM: Final = "<-"
"""Stands between targets and sources."""


def marked(labels: NDArray[Any], text: str) -> dict[str, list[Any]]:
    """Return what a text marks, as the parameters of a `Selection`.

    Examples
    --------
    >>> labels = np.array(["a", "b", "c"])
    >>> marked(labels, "a, c")
    {'neurons': ['a', 'c'], 'targets': [], 'sources': []}
    >>> marked(labels, "a <- b:c")
    {'neurons': [], 'targets': ['a'], 'sources': ['b', 'c']}
    """
    known = labels.tolist()
    nothing: dict[str, list[Any]] = {"neurons": [], "targets": [], "sources": []}
    if not text.strip():
        return nothing
    targets, is_block, sources = text.partition(FROM)
    if is_block:
        sides = {"targets": targets, "sources": sources}
        return nothing | {side: labels_named(known, said, argument=side) for side, said in sides.items()}
    return nothing | {"neurons": labels_named(known, text, argument="marked")}


def pairs_named(labels: NDArray[Any], text: str) -> list[tuple[Any, Any]] | None:
    """Return the pairs (target, source) in a text; None where it names none.

    Examples
    --------
    >>> pairs_named(np.array(["a", "b", "c"]), "a <- b:c")
    [('a', 'b'), ('a', 'c')]
    """
    if not text.strip():
        return None
    if FROM not in text:
        raise InvalidInput("pairs", got=repr(text), expected=f'targets {FROM} sources, such as "a {FROM} b"')
    named = marked(labels, text)
    return list(product(named["targets"], named["sources"]))


def text_of(labels: NDArray[Any], selection: Selection) -> str:
    """Return the text for what is marked; an empty one if it would be too long for an address.

    Examples
    --------
    >>> text_of(np.arange(9), Selection(targets=[1, 2, 3, 8], sources=[0]))
    '1:3, 8 <- 0'
    """
    if selection.neurons:
        text = _runs(labels, selection.neurons)
    elif selection.targets and selection.sources:
        text = f"{_runs(labels, selection.targets)} {FROM} {_runs(labels, selection.sources)}"
    else:
        text = ""
    return text if len(text) <= LONGEST else ""


def _runs(labels: NDArray[Any], chosen: list[Any]) -> str:
    """Return neurons as text, neighbours as a range."""
    wanted = set(chosen)
    places = np.flatnonzero([label in wanted for label in labels.tolist()])
    runs = np.split(places, np.flatnonzero(np.diff(places) > 1) + 1)
    return ", ".join(f"{labels[run[0]]}" if len(run) == 1 else f"{labels[run[0]]}:{labels[run[-1]]}" for run in runs)
