"""Figures that follow a slider: made once by netxr.plot and HoloViews, then given new data.

To draw a graph anew takes HoloViews some tenths of a second, most of it for what stays the same. Its elements say
which columns and options they are drawn by, and these are all that differ from one setting to the next.
"""

from typing import Any, Final

import holoviews as hv
import numpy as np
import panel as pn

import netxr.plot
from netxr.arrays import as_connectivity

SMALL: Final[dict[str, Any]] = {"toolbar": None, "default_tools": [], "framewise": True}
"""Of a heatmap that needs no zoom: the wheel scrolls the page, and the axes follow the size of the matrix."""


PATTERN: Final = as_connectivity([[0, 1, 2], [3, 0, 4], [5, 6, 0]], rows="target", neurons=[10, 11, 12])
"""A graph in which everything varies: HoloViews has no column for what is the same throughout."""


class LiveGraph:
    """A graph of `netxr.plot.network` in a pane that is given other graphs, of up to a hundred numbered neurons."""

    def __init__(self, **look: Any) -> None:
        self._plot = hv.renderer("bokeh").get_plot(netxr.plot.network(PATTERN))
        self._plot.state.toolbar_location = None
        self.pane = pn.pane.Bokeh(self._plot.state, **look)

    def show(self, graph: hv.Overlay) -> None:
        """Show a graph, by the columns that it is drawn by and the size of its marks."""
        for drawn, part in zip(self._plot.subplots.values(), graph, strict=True):
            style = hv.Store.lookup_options("bokeh", part, "style").kwargs
            source, glyph = drawn.handles["source"], drawn.handles["glyph"]
            source.data = {name: _column(name, part, style) for name in source.data}
            if "size" in style:
                glyph.size = style["size"]


class LiveMatrix:
    """A heatmap of `netxr.plot.matrix`, in a pane that is given other ones."""

    def __init__(self, **look: Any) -> None:
        self.pane = pn.pane.HoloViews(None, **look)
        self._pipe = hv.streams.Pipe(data=None)
        self._is_big = False

    def show(self, heatmap: Any) -> None:
        """Show a heatmap; one of a big matrix zooms by itself, and is drawn anew."""
        is_big = isinstance(heatmap, hv.DynamicMap)
        drawn = heatmap if is_big else heatmap.opts(**SMALL, backend="bokeh")
        if is_big:
            self.pane.object, self._is_big = drawn, True
        elif self.pane.object is None or self._is_big:
            self._pipe.update(data=drawn)
            self.pane.object, self._is_big = hv.DynamicMap(lambda data: data, streams=[self._pipe]), False
        else:
            self._pipe.send(drawn)


def _column(name: str, part: Any, style: dict[str, Any]) -> Any:
    """Return the column that an element is drawn by: an option that varies along its data, or a dim."""
    option = style.get(name)
    if isinstance(option, hv.dim):
        return option.apply(part)
    is_dim = isinstance(option, str) and part.get_dimension(option) is not None
    values = part.dimension_values(option if is_dim else name)
    return np.deg2rad(values) if name == "angle" else values  # HoloViews is told degrees, bokeh radians
