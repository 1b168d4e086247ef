"""Figures that follow a slider: drawn once by netxr.plot and HoloViews, then given new data.

HoloViews takes some tenths of a second to draw a graph, most of it for what does not change. Only the columns and
options of its elements differ from one setting of a slider to the next.
"""

from typing import Any, Final

import holoviews as hv
import numpy as np
import panel as pn

import netxr.plot
from netxr.app.frame.theme import in_theme, live_pane, paint_live
from netxr.schema.arrays import as_connectivity

PATTERN: Final = as_connectivity([[0, 1, 2], [3, 0, 4], [5, 6, 0]], rows="target", neurons=[10, 11, 12])
"""A graph in which every property varies: HoloViews makes no column for a constant one."""


class LiveGraph:
    """A graph of `netxr.plot.network` in a pane that can show other graphs, of up to a hundred numbered neurons."""

    def __init__(self, **look: Any) -> None:
        self._plot = _drawn(netxr.plot.network(PATTERN))
        self._plot.state.toolbar_location = None
        self._plot.state.title.text_font_size = "9pt"  # what it leaves out is said in the width of a small figure
        self.pane = pn.Column(**look)

    def show(self, graph: hv.Overlay) -> None:
        """Show another graph: replace its columns of data, the size of its marks, and what it leaves out."""
        for drawn, part in zip(self._plot.subplots.values(), graph, strict=True):
            style = hv.Store.lookup_options("bokeh", part, "style").kwargs
            source, glyph = drawn.handles["source"], drawn.handles["glyph"]
            source.data = {name: _column(name, part, style) for name in source.data}
            if "size" in style:
                glyph.size = style["size"]
        self._plot.state.title.text = hv.Store.lookup_options("bokeh", graph, "plot").kwargs["title"].format()
        if self.pane:
            paint_live(self._plot)
        else:
            self.pane.append(live_pane(self._plot))


class LiveMatrix:
    """A heatmap of `netxr.plot.matrix` in a pane that can show other ones."""

    def __init__(self, **look: Any) -> None:
        self.pane = pn.Column(**look)
        self._plot: Any = None
        self._kept: dict[str, Any] = {}

    def show(self, heatmap: Any) -> None:
        """Show another heatmap; that of a big matrix, which zooms by itself, is redrawn."""
        if isinstance(heatmap, hv.DynamicMap):
            self.pane[:], self._plot = [pn.pane.HoloViews(in_theme(heatmap))], None
            return
        options = hv.Store.lookup_options("bokeh", heatmap, "plot").kwargs
        kept = {name: options[name] for name in KEPT}
        if self._plot is None or kept != self._kept:
            # Without tools the wheel scrolls the page.
            self._plot = _drawn(heatmap.opts(toolbar=None, default_tools=[], backend="bokeh"))
            self.pane[:], self._kept = [live_pane(self._plot)], kept
        else:
            _give(self._plot, heatmap, options)
            paint_live(self._plot)


KEPT: Final = ("title", "frame_width", "frame_height", "xrotation", "clipping_colors", "hover_tooltips")
"""If one of these options changes, the heatmap is redrawn."""


def _drawn(figure: Any) -> Any:
    """Draw a figure by a renderer that has no theme, which it would give to the whole page."""
    return hv.renderer("bokeh").instance(theme=None).get_plot(figure)


def _give(plot: Any, heatmap: hv.Image, options: dict[str, Any]) -> None:
    """Give a drawn heatmap another matrix, with its colour range, axes and labels."""
    parts = plot.handles
    left, bottom, right, top = heatmap.bounds.lbrt()
    cells = [heatmap.dimension_values(2, flat=False)]
    parts["source"].data = {"image": cells, "x": [left], "y": [bottom], "dw": [right - left], "dh": [top - bottom]}
    parts["color_mapper"].update(low=options["clim"][0], high=options["clim"][1])
    parts["x_range"].update(start=left, end=right, reset_start=left, reset_end=right)
    parts["y_range"].update(start=top, end=bottom, reset_start=top, reset_end=bottom)
    for axis in "xy":
        ticks = options[f"{axis}ticks"]
        parts[f"{axis}axis"].ticker.ticks = [position for position, _ in ticks]
        parts[f"{axis}axis"].major_label_overrides = dict(ticks)
    for hook in options["hooks"]:
        hook(plot, heatmap)


def _column(name: str, part: Any, style: dict[str, Any]) -> Any:
    """Return a column of an element: an option that varies along its data, or a dim."""
    option = style.get(name)
    if isinstance(option, hv.dim):
        return option.apply(part)
    is_dim = isinstance(option, str) and part.get_dimension(option) is not None
    values = part.dimension_values(option if is_dim else name)
    return np.deg2rad(values) if name == "angle" else values  # degrees in HoloViews, radians in bokeh
