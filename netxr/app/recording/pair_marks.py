"""The selected pair in two figures: a frame around its cell of the matrix, and its edge over all others of the network.

Each of them also takes clicks: on a cell, and on an edge.
"""

from collections.abc import Callable, Hashable
from typing import Any, Final, NamedTuple

import holoviews as hv
import numpy as np
import xarray as xr
from bokeh.events import Tap
from bokeh.models import ColumnDataSource
from numpy.typing import NDArray

from netxr import names as n
from netxr.app.frame.theme import TOKENS, theme_at_work
from netxr.estimators.undirected import is_undirected
from netxr.plot.matrices.arrow_marks import bent, clear_of_nodes, drawn_ways
from netxr.schema.variables import labels_of

Choose = Callable[[Hashable, Hashable], object]
"""Called with the target and source that a click selects."""

NEAR: Final = 12.0
"""Pixels within which a click belongs to an edge."""

HEAD: Final = 13
"""Side of the head of the selected edge in pixels."""

NODE: Final = 8.0
"""Pixels from the middle of a neuron to the tip of an arrow."""

ABOVE: Final = -16
"""Pixels from the middle of a neuron to that of its name."""

MOST_FRAMED: Final = 30
FRAME: Final = 12
"""Neurons up to which the frame is as large as a cell; of more, its side in pixels."""

HIGH: Final = 376
"""Pixels of a network in height, about, by which its pixels are counted."""


def colour(name: str) -> str:
    """Return a colour of the page at work."""
    return str(getattr(TOKENS[name], theme_at_work()))


def is_drawn(figure: Any, name: str) -> bool:
    """Return whether something of a name is drawn in a figure of bokeh, which it would look for in all of its parts."""
    return any(one.name == name for one in figure.renderers)


class SelectedCell:
    """The frame around the selected cell, with a line to each axis; labels are in the order in which they are drawn."""

    def __init__(self, labels: list[Hashable], choose: Choose) -> None:
        self._labels, self._choose = labels, choose
        self._places = {label: place for place, label in enumerate(labels)}
        self.source = ColumnDataSource({"x": [], "y": [], "left": [], "below": [], "start": [], "end": []})

    def show(self, target: Hashable, source: Hashable) -> None:
        """Mark the cell of another pair."""
        x, y = self._places[source], self._places[target]
        ends = {"left": [-0.5], "below": [len(self._labels) - 0.5], "start": [x - 0.5], "end": [y + 0.5]}
        self.source.data = {"x": [x], "y": [y]} | ends

    def hook(self, plot: Any, _element: Any) -> None:
        """Draw it over the matrix, and listen to clicks on cells."""
        figure, look = plot.state, {"source": self.source, "line_color": colour("accent")}
        if not is_drawn(figure, "selected"):
            frame = {"fill_alpha": 0, "line_width": 2, "name": "selected"}
            if len(self._labels) > MOST_FRAMED:
                figure.scatter("x", "y", marker="square", size=FRAME, **frame, **look)
            else:
                figure.rect("x", "y", 1, 1, **frame, **look)
            figure.segment("left", "y", "start", "y", **look)
            figure.segment("x", "end", "x", "below", **look)
            figure.on_event(Tap, self.tapped)

    def tapped(self, event: Any) -> None:
        """Select the pair of a cell that was clicked; a neuron with itself is none."""
        column, row = round(event.x), round(event.y)
        if 0 <= column < len(self._labels) and 0 <= row < len(self._labels) and row != column:
            self._choose(self._labels[row], self._labels[column])


class Edges(NamedTuple):
    """Pieces of the edges that a network draws: (piece, 2) of x and y, and (target, source) of each."""

    starts: NDArray[np.float64]
    ends: NDArray[np.float64]
    pairs: list[tuple[Hashable, Hashable]]

    def nearest(self, point: NDArray[np.float64]) -> tuple[float, tuple[Hashable, Hashable]]:
        """Return how far the nearest edge is from a point, and which one it is.

        Examples
        --------
        >>> edges = Edges(np.zeros((2, 2)), np.array([[1.0, 0.0], [0.0, 1.0]]), [("a", "b"), ("c", "b")])
        >>> edges.nearest(np.array([0.1, 0.5]))
        (0.1, ('c', 'b'))
        """
        along = self.ends - self.starts
        squared = np.maximum(np.square(along).sum(axis=1), np.finfo(np.float64).tiny)
        share = np.clip(((point - self.starts) * along).sum(axis=1) / squared, 0.0, 1.0)
        away = np.linalg.norm(self.starts + share[:, np.newaxis] * along - point, axis=1)
        return float(away.min()), self.pairs[int(away.argmin())]


class SelectedEdge:
    """The selected edge in the network, with a casing, and the names of both neurons.

    The network is as netxr.plot.network draws it from R (target, source), in memory.
    """

    def __init__(self, network: hv.Overlay, R: xr.DataArray, choose: Choose) -> None:
        self._choose = choose
        self.source = ColumnDataSource({"xs": [], "ys": [], "x1": [], "y1": [], "angle": [], "colour": [], "size": []})
        self.ends = ColumnDataSource({"x": [], "y": [], "name": [], "name_x": [], "name_y": [], "above": []})
        self.follow(network, R)

    def follow(self, network: hv.Overlay, R: xr.DataArray) -> None:
        """Mark edges of another network of the same neurons."""
        self._R, self._head = R, 0 if is_undirected(R) else HEAD
        labels = labels_of(R, n.SOURCE).tolist()
        nodes = network.Points.II
        self._nodes = dict(zip(labels, np.column_stack([nodes["x"], nodes["y"]]), strict=True))
        written = network.Labels.I
        self._names = dict(zip(written["label"], zip(written["x"], written["y"], strict=True), strict=True))
        self._edges = _edges_of(network, {str(label): label for label in labels})
        low, high = hv.Store.lookup_options("bokeh", network, "plot").kwargs["ylim"]
        self._pixel = (high - low) / HIGH

    def show(self, target: Hashable, source: Hashable) -> None:
        """Mark the edge of another pair, which need not be among those that are drawn."""
        start, end = self._nodes[source], self._nodes[target]
        first, last = clear_of_nodes(start[np.newaxis], end[np.newaxis], NODE * self._pixel)
        points = bent(first, last)[0]
        sign = "positive" if self._R.sel({n.TARGET: target, n.SOURCE: source}).item() >= 0 else "negative"
        along = points[-1] - points[-2]
        angle = float(np.arctan2(along[1], along[0]) - np.pi / 2)
        line = {"xs": [points[:, 0]], "ys": [points[:, 1]], "x1": [points[-1, 0]], "y1": [points[-1, 1]]}
        self.source.data = line | {"angle": [angle], "colour": [colour(sign)], "size": [self._head]}
        names = [str(source), str(target)]
        x, y = zip(start, end, strict=True)
        # A name that the network writes is written over, at its place, and not once more beside its neuron.
        name_x, name_y = zip(
            *(self._names.get(one, node) for one, node in zip(names, (start, end), strict=True)), strict=True
        )
        above = [0 if one in self._names else ABOVE for one in names]
        places = {"name_x": list(name_x), "name_y": list(name_y), "above": above}
        self.ends.data = {"x": list(x), "y": list(y), "name": names} | places

    def hook(self, plot: Any, _element: Any) -> None:
        """Draw it over the network, and listen to clicks on edges."""
        figure = plot.state
        if is_drawn(figure, "selected"):
            return
        line = {"source": self.source, "line_cap": "round"}
        figure.multi_line("xs", "ys", line_color=colour("surface"), line_width=7, **line)
        figure.multi_line("xs", "ys", line_color="colour", line_width=3.5, name="selected", **line)
        head = {"angle": "angle", "fill_color": "colour", "line_color": colour("surface")}
        figure.scatter("x1", "y1", marker="triangle", size="size", source=self.source, **head)
        figure.scatter("x", "y", size=9, source=self.ends, fill_color=colour("accent"), line_color=colour("surface"))
        words = {"text_font_size": "12px", "text_font_style": "bold", "text_align": "center", "y_offset": "above"}
        words |= {"text_baseline": "middle"}
        ground = {"background_fill_color": colour("surface"), "background_fill_alpha": 1.0}
        figure.text("name_x", "name_y", "name", source=self.ends, text_color=colour("ink"), **words, **ground)
        figure.on_event(Tap, self.tapped)

    def tapped(self, event: Any) -> None:
        """Select the pair of the edge that was clicked."""
        if self._edges.pairs:
            away, pair = self._edges.nearest(np.array([event.x, event.y]))
            if away <= NEAR * self._pixel:
                self._choose(*pair)


def _edges_of(network: hv.Overlay, named: dict[str, Hashable]) -> Edges:
    """Return the edges that a network draws, by the labels that its neurons have as text."""
    shafts = network.Segments.I
    points = drawn_ways(shafts)
    ends = zip(shafts["to"], shafts["from"], strict=True)
    pairs = [(named[str(to)], named[str(source)]) for to, source in ends for _ in range(points.shape[1] - 1)]
    return Edges(points[:, :-1].reshape(-1, 2), points[:, 1:].reshape(-1, 2), pairs)
