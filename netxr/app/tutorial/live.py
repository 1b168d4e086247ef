"""Heatmaps that follow a slider: drawn once by netxr.plot and HoloViews, then given new data.

HoloViews takes some tenths of a second to draw one, most of it for what does not change.
"""

from typing import Any, Final

import holoviews as hv
import panel as pn

from netxr.app.frame.panes import FLAT, fitted
from netxr.app.frame.theme import live_pane, paint_live

ASPECT: Final = 0.95
LOOK: Final[dict[str, Any]] = {
    **{"frame_width": None, "frame_height": None, "responsive": True, "aspect": ASPECT, "title": ""},
    **{"colorbar_position": "bottom", "clabel": "", "colorbar_opts": FLAT},
    **{"toolbar": None, "default_tools": []},
}
"""It fills the width, its colour bar below it; without tools the wheel scrolls the page."""


class LiveMatrix:
    """A heatmap of `netxr.plot.matrix` in a pane that can show other ones."""

    def __init__(self, **look: Any) -> None:
        self.pane = pn.Column(**look)
        self._plot: Any = None
        self._kept: dict[str, Any] = {}

    def show(self, heatmap: Any) -> None:
        """Show another heatmap; that of a big matrix, which zooms by itself, is redrawn."""
        if isinstance(heatmap, hv.DynamicMap):
            self.pane[:], self._plot = [fitted(heatmap, aspect=ASPECT)], None
            return
        options = hv.Store.lookup_options("bokeh", heatmap, "plot").kwargs
        kept = {name: options[name] for name in KEPT}
        if self._plot is None or kept != self._kept:
            self._plot = _drawn(heatmap.opts(**LOOK, backend="bokeh"))
            pane = live_pane(self._plot)
            pane.sizing_mode = "scale_width"
            self.pane[:], self._kept = [pane], kept
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
