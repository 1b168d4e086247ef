"""Where neurons and names stand in a graph: on one circle, on a ring for each group, or where their edges pull them."""

from itertools import pairwise
from typing import Any, Final, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from netxr import names as n
from netxr.compat import optional
from netxr.errors import InvalidInput
from netxr.plot.grouping import GroupOrder
from netxr.plot.loading import loaded
from netxr.plot.matrices.arrows import Arrows
from netxr.plot.style import FRAME
from netxr.plot.ticks import shorten, tick_step
from netxr.schema.variables import labels_of

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

SPREAD: Final = 4.0
"""Size of marks as a fraction of full size, times the root of the number of neurons, where they fill a square."""

ABOVE: Final = 0.13
"""Of a node that is not on a circle, its name."""

ALMOST: Final = 1 + 1e-9
"""What a number may be beyond a limit by rounding."""

MICROMETRES: Final = {"um": "µm", "micrometer": "µm", "micrometers": "µm", "micrometre": "µm", "micron": "µm"}
"""Other words for a unit."""

RINGS_FILL: Final = 0.65
"""Radii of the two rings that are closest, as a fraction of the distance of their middles."""


class ScaleBar(NamedTuple):
    """How long a length in the field is in radii of the circle, and what it is called: "100 µm"."""

    length: float
    text: str


class Places(NamedTuple):
    """Where everything stands, in radii of the circle."""

    nodes: NDArray[np.float64]
    """(neuron, 2): x and y."""
    room: float
    """Size of marks, as a fraction of full size."""
    labels: list[str]
    """Names that are written: of groups, or of as many neurons as fit without overlap."""
    label_places: NDArray[np.float64]
    """(label, 2): x and y of their middles."""
    height: float = 1.0
    """How far the nodes reach up and down from the middle."""
    scale: ScaleBar | None = None
    """Where the nodes stand at places whose unit is known."""


def circle_places(names: NDArray[Any], order: GroupOrder) -> Places:
    """Put the neurons on one circle, the first at the right, the others counter-clockwise.

    With groups there are gaps between them, and their names are written instead of the neurons' own.
    """
    count, gap = len(names), max(1.0, BETWEEN_GROUPS * len(names)) * bool(len(order.borders))
    around = count + gap * len(order.names)

    def angles(places: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the angle of each place, gaps included."""
        return 2 * np.pi * (places + gap * np.searchsorted(order.borders, places)) / around

    nodes = np.empty((count, 2))
    nodes[order.positions] = _on_circle(angles(np.arange(count, dtype=np.float64)))
    written = order.names or list(enumerate(names[order.positions]))
    middles = np.array([place for place, _ in written], dtype=np.float64)
    return _labelled(nodes, count, [name for _, name in written], NAMES_AT * _on_circle(angles(middles)))


def ring_places(order: GroupOrder) -> Places:
    """Put each group on a ring of its own, and the rings on a large circle, with the names of the groups."""
    count = len(order.positions)
    ends = np.append(np.ceil(order.borders), count).astype(int)
    sizes = np.diff(ends, prepend=0)
    middles, radii = _rings(sizes)
    group = np.repeat(np.arange(len(sizes)), sizes)
    angles = 2 * np.pi * (np.arange(count) - (ends - sizes)[group]) / sizes[group]
    nodes = np.empty((count, 2))
    nodes[order.positions] = middles[group] + radii[group, np.newaxis] * _on_circle(angles)
    outwards = middles / np.maximum(np.linalg.norm(middles, axis=1, keepdims=True), np.finfo(np.float64).tiny)
    outwards[~outwards.any(axis=1)] = 1.0, 0.0  # the only group is in the middle
    names_at = middles + outwards * (radii[:, np.newaxis] + NAMES_AT - 1)
    crowd = float(np.max(sizes / np.where(sizes > 1, radii, 1.0)))  # neurons on a circle of radius 1, as dense as here
    return _labelled(nodes, crowd, [name for _, name in order.names], names_at)


def spread_places(at: NDArray[np.float64], names: NDArray[Any], order: GroupOrder, *, unit: str = "") -> Places:
    """Put the neurons where they are, (neuron, 2): as far apart as fits, with the proportions kept.

    Names stand above them as far as there is room, those of groups above the highest of each. With the `unit` of the
    places there is a scale bar.

    Examples
    --------
    >>> from netxr.plot.grouping import order_of
    >>> places = spread_places(np.array([[0.0, 0.0], [40.0, 20.0]]), np.array(["a", "b"]), order_of(np.arange(2), None))
    >>> places.nodes.tolist()
    [[-1.0, -0.5], [1.0, 0.5]]
    """
    low, high = at.min(axis=0), at.max(axis=0)
    widest = float((high - low).max())
    nodes = (2 * at - (low + high)) / (widest or 1.0)
    scale = scale_bar(widest, unit) if unit and widest else None
    room = float(np.clip(SPREAD / np.sqrt(len(names)), LEAST_ROOM, 1.0))
    height = float(np.abs(nodes[:, 1]).max())
    if order.names:
        ends = [0, *np.ceil(order.borders).astype(int), len(names)]
        groups = [nodes[order.positions[first:end]] for first, end in pairwise(ends)]
        above = np.array([(group[:, 0].mean(), group[:, 1].max()) for group in groups])
        texts = [name for _, name in order.names]
    else:
        texts = names.tolist() if len(names) <= ROOMY else []
        above = nodes[: len(texts)]
    short = [shorten(text, most=MOST_LETTERS) for text in texts]
    return Places(nodes, room, short, above + np.array([0.0, ABOVE]), height, scale)


def scale_bar(widest: float, unit: str) -> ScaleBar:
    """Return a round length of at most a quarter of the widest side of a field, which has two radii.

    Examples
    --------
    >>> scale_bar(500.0, "um")
    ScaleBar(length=0.4, text='100 µm')
    """
    power = 10.0 ** np.floor(np.log10(widest / 4))
    length = power * next(step for step in (5, 2, 1) if step * power <= widest / 4 * ALMOST)
    return ScaleBar(float(2 * length / widest), f"{length:g} {MICROMETRES.get(unit, unit)}")


def field_of(data: xr.DataArray | xr.Dataset) -> xr.Dataset | None:
    """Return where the neurons of a recording lie, if it says so."""
    there = all(name in data.coords and data[name].dims == (n.NEURON,) for name in (n.X, n.Y))
    return data.coords.to_dataset()[[n.X, n.Y]] if there else None


def unit_of(positions: xr.DataArray | xr.Dataset) -> str:
    """Return the unit of the places of neurons, if both coordinates have the same."""
    x, y = (str(positions[name].attrs.get(n.UNITS, "")) for name in (n.X, n.Y))
    return x if x == y else ""


def field_places(positions: Any, labels: NDArray[Any]) -> NDArray[np.float64]:
    """Return x and y of these neurons in the field of view, y upwards: (neuron, 2).

    Raises InvalidInput if `positions` does not say where each of them lies.
    """
    field = field_of(positions) if isinstance(positions, xr.DataArray | xr.Dataset) else None
    expected = f"a recording with the coordinates {n.X} and {n.Y} on {n.NEURON}"
    if field is None:
        fix = f"Add them with activity.assign_coords({n.X}=('{n.NEURON}', [...]), {n.Y}=('{n.NEURON}', [...]))."
        raise InvalidInput("positions", got=type(positions).__name__ + " without", expected=expected, fix=fix)
    columns = [loaded(field[name], argument="positions").values.astype(np.float64) for name in (n.X, n.Y)]
    rows = dict(zip(labels_of(field, n.NEURON).tolist(), zip(*columns, strict=True), strict=True))
    places = np.array([rows.get(label, (np.nan, np.nan)) for label in labels.tolist()])
    unknown = ~np.isfinite(places).all(axis=1)
    if unknown.any():
        got = f"no place of {unknown.sum():,} of {len(labels):,} neurons, such as {labels[unknown].tolist()[0]!r}"
        raise InvalidInput("positions", got=got, expected=f"{n.X} and {n.Y} of every neuron that is drawn")
    return places * (1.0, -1.0)


def pulled_places(arrows: Arrows, n_neurons: int) -> NDArray[np.float64]:
    """Return x and y of neurons that their edges pull together, as NetworkX puts them (Fruchterman & Reingold 1991).

    Raises MissingExtra if NetworkX is not installed.
    """
    networkx = optional("networkx", what="layout='spring'", extra="graph")
    graph = networkx.Graph()
    graph.add_nodes_from(range(n_neurons))
    ends = zip(arrows.sources.tolist(), arrows.targets.tolist(), np.abs(arrows.weights).tolist(), strict=True)
    graph.add_weighted_edges_from(ends)
    places = networkx.spring_layout(graph, seed=0)
    return np.array([places[k] for k in range(n_neurons)], dtype=np.float64)


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
