"""Figures: pure functions of small labelled datasets in memory, HoloViews objects out.

The same object draws on the bokeh and the matplotlib backend, whichever is current. Figures combine with ``+`` and
``*``, and ``.opts`` restyles them.
"""

from netxr.plot.agreements import agreement
from netxr.plot.choosing import Selection
from netxr.plot.curves import score_curve
from netxr.plot.dashboards import dashboard
from netxr.plot.files import save
from netxr.plot.graphs import network
from netxr.plot.grids import facets
from netxr.plot.heatmaps import matrix
from netxr.plot.lag_curves import lags
from netxr.plot.linking import linked
from netxr.plot.maps import map as map  # noqa: A004 - netxr.plot.map is its name in public
from netxr.plot.over import compare_over
from netxr.plot.pairs import compare, overview
from netxr.plot.rasters import raster
from netxr.plot.recordings import traces
from netxr.plot.style import symmetric_limit
from netxr.plot.tutorial import tutorial_figures

__all__ = [
    "Selection",
    "agreement",
    "compare",
    "compare_over",
    "dashboard",
    "facets",
    "lags",
    "linked",
    "map",
    "matrix",
    "network",
    "overview",
    "raster",
    "save",
    "score_curve",
    "symmetric_limit",
    "traces",
    "tutorial_figures",
]
