"""Heatmaps that follow a slider: drawn once by netxr.plot and HoloViews, then given new data.

HoloViews takes some tenths of a second to draw one, most of it for what does not change.
"""

from typing import Any, Final

import holoviews as hv
import panel as pn

from netxr.app.frame.live import give
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
            give(self._plot, heatmap)
            paint_live(self._plot)


KEPT: Final = ("title", "frame_width", "frame_height", "xrotation", "clipping_colors", "hover_tooltips")
"""If one of these options changes, the heatmap is redrawn."""


def _drawn(figure: Any) -> Any:
    """Draw a figure by a renderer that has no theme, which it would give to the whole page."""
    return hv.renderer("bokeh").instance(theme=None).get_plot(figure)
