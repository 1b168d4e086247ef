"""Figures: pure functions of small labelled datasets in memory, HoloViews objects out.

The same object draws on the bokeh and the matplotlib backend, whichever is current. Figures combine with ``+`` and
``*``, and ``.opts`` restyles them.
"""

from netxr.plot.curves import score_curve
from netxr.plot.files import save
from netxr.plot.graphs import network
from netxr.plot.heatmaps import matrix
from netxr.plot.pairs import compare, facets, overview
from netxr.plot.recordings import traces
from netxr.plot.style import symmetric_limit
from netxr.plot.tutorial import tutorial_figures

__all__ = [
    "compare",
    "facets",
    "matrix",
    "network",
    "overview",
    "save",
    "score_curve",
    "symmetric_limit",
    "traces",
    "tutorial_figures",
]
