"""Where neurons and names stand in a graph: on one circle, or on a ring for each group."""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from netxr.plot.grouping import GroupOrder
from netxr.plot.style import FRAME
from netxr.plot.ticks import shorten, tick_step

SPAN: Final = 2.5
"""Height of the drawing in radii of the circle."""

PIXEL: Final = SPAN / FRAME
"""One bokeh pixel in radii of the circle."""

ROOMY: Final = 24
"""Neurons on the circle up to which there is room for marks of full size."""

LEAST_ROOM: Final = 0.1
"""Size of the smallest marks as a fraction of full size: nodes of more than a pixel."""

MOST_LETTERS: Final = 8
"""Of a name beside its node."""

LETTER: Final = 6.0
"""Width of a letter of a name, in pixels."""

NAMES_AT: Final = 1.15
"""Radius of the circle of names."""

BETWEEN_GROUPS: Final = 0.02
"""Gap between two groups on the circle, as a fraction of all neurons."""

RINGS_FILL: Final = 0.65
"""Radii of the two rings that are closest, as a fraction of the distance of their middles."""


class Places(NamedTuple):
    """Where everything stands, in radii of the circle.

    Parameters
    ----------
    nodes : array
        (neuron, 2): x and y.
    room : float
        Size of marks, as a fraction of full size.
    labels : list of str
        Names that are written: of groups, or of as many neurons as fit without overlap.
    label_places : array
        (label, 2): x and y of their middles.
    """

    nodes: NDArray[np.float64]
    room: float
    labels: list[str]
    label_places: NDArray[np.float64]


def circle_places(names: NDArray[Any], order: GroupOrder) -> Places:
    """Put the neurons on one circle, the first at the right, the others counter-clockwise.

    With groups there are gaps between them, and their names are written instead of the neurons' own.

    Parameters
    ----------
    names : array
        (neuron,)
    order : GroupOrder
        As `order_of` has it.

    Returns
    -------
    Places
        With the nodes in the order of `names`.
    """
    n, gap = len(names), max(1.0, BETWEEN_GROUPS * len(names)) * bool(len(order.borders))
    around = n + gap * len(order.names)

    def angles(places: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the angle of each place, gaps included."""
        return 2 * np.pi * (places + gap * np.searchsorted(order.borders, places)) / around

    nodes = np.empty((n, 2))
    nodes[order.positions] = _on_circle(angles(np.arange(n, dtype=np.float64)))
    written = order.names or list(enumerate(names[order.positions]))
    middles = np.array([place for place, _ in written], dtype=np.float64)
    return _labelled(nodes, n, [name for _, name in written], NAMES_AT * _on_circle(angles(middles)))


def ring_places(order: GroupOrder) -> Places:
    """Put each group on a ring of its own, and the rings on a large circle, with the names of the groups.

    Parameters
    ----------
    order : GroupOrder
        As `order_of` has it, with one group at least.

    Returns
    -------
    Places
        With the nodes in the order of the neurons.
    """
    n = len(order.positions)
    ends = np.append(np.ceil(order.borders), n).astype(int)
    sizes = np.diff(ends, prepend=0)
    middles, radii = _rings(sizes)
    group = np.repeat(np.arange(len(sizes)), sizes)
    angles = 2 * np.pi * (np.arange(n) - (ends - sizes)[group]) / sizes[group]
    nodes = np.empty((n, 2))
    nodes[order.positions] = middles[group] + radii[group, np.newaxis] * _on_circle(angles)
    outwards = middles / np.maximum(np.linalg.norm(middles, axis=1, keepdims=True), np.finfo(np.float64).tiny)
    outwards[~outwards.any(axis=1)] = 1.0, 0.0  # the only group is in the middle
    names_at = middles + outwards * (radii[:, np.newaxis] + NAMES_AT - 1)
    crowd = float(np.max(sizes / np.where(sizes > 1, radii, 1.0)))  # neurons on a circle of radius 1, as dense as here
    return _labelled(nodes, crowd, [name for _, name in order.names], names_at)


def _rings(sizes: NDArray[np.int_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the middle and the radius of the ring of each group, whose area is proportional to its neurons.

    A single neuron stands in the middle of its ring.
    """
    if len(sizes) == 1:
        return np.zeros((1, 2)), np.array([1.0 if sizes[0] > 1 else 0.0])
    shares = np.sqrt(sizes)
    ends = np.cumsum(shares)
    angles = 2 * np.pi * (ends - shares / 2) / ends[-1]
    middles = _on_circle(angles - angles[0])
    radii = shares * RINGS_FILL * min(_reach(middles, shares, step) for step in range(1, len(sizes) // 2 + 1))
    whole = 1 + radii.max()
    return middles / whole, np.where(sizes > 1, radii, 0.0) / whole


def _reach(middles: NDArray[np.float64], shares: NDArray[np.float64], step: int) -> float:
    """Return the multiple of `shares` at which rings that are `step` apart just touch."""
    apart = np.linalg.norm(middles - np.roll(middles, step, axis=0), axis=1)
    return float(np.min(apart / (shares + np.roll(shares, step))))


def _on_circle(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (x, y) for each angle, on the circle of radius 1."""
    return np.column_stack([np.cos(angles), np.sin(angles)])


def _labelled(nodes: NDArray[np.float64], crowd: float, names: list[Any], names_at: NDArray[np.float64]) -> Places:
    """Return the places with as many of the names as fit without overlap."""
    texts = [shorten(name, most=MOST_LETTERS) for name in names]
    letters = np.array([len(text) for text in texts])
    x, y = names_at.T
    x = x * (1 + PIXEL * LETTER / 2 * (letters - 1))  # the longer a name, the further out is its middle
    most = int(2 * np.pi * NAMES_AT / (PIXEL * LETTER * (letters.max() + 1)))
    shown = slice(None, None, tick_step(len(texts), most))
    room = float(np.clip(ROOMY / crowd, LEAST_ROOM, 1.0))
    return Places(nodes, room, texts[shown], np.column_stack([x, y])[shown])
