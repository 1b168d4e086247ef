"""Figures: pure functions of small labelled datasets in memory, HoloViews objects out.

Matrices, activity and scores have a folder each, `panels` puts figures together, and the files beside them are shared.
Begin with `matrices.heatmaps`. A figure draws on bokeh and on matplotlib; ``+`` and ``*`` combine figures, and
``.opts`` restyles them. In a Jupyter notebook they show by themselves: HoloViews' extension loads with this room.
"""

from netxr.compat import show_in_notebook
from netxr.plot.activity.raster import raster
from netxr.plot.activity.traces import traces
from netxr.plot.files import save
from netxr.plot.matrices.compare_over import compare_over
from netxr.plot.matrices.graphs import network
from netxr.plot.matrices.grids import facets
from netxr.plot.matrices.heatmaps import matrix
from netxr.plot.matrices.side_by_side import compare, overview
from netxr.plot.panels.choosing import Selection
from netxr.plot.panels.dashboards import dashboard
from netxr.plot.panels.linking import linked
from netxr.plot.panels.tutorial import tutorial_figures
from netxr.plot.scores.agreements import agreement
from netxr.plot.scores.curves import score_curve
from netxr.plot.scores.good_enough import good_enough
from netxr.plot.scores.lag_curves import lags
from netxr.plot.scores.maps import map as map  # noqa: A004 - netxr.plot.map is its name in public
from netxr.plot.scores.window_curves import windows
from netxr.plot.style import symmetric_limit

__all__ = [
    "Selection",
    "agreement",
    "compare",
    "compare_over",
    "dashboard",
    "facets",
    "good_enough",
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
    "windows",
]

show_in_notebook()
