"""The cards of an estimate beside the truth, and of how the two agree."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import holoviews as hv
import numpy as np
import panel as pn
import xarray as xr
from bokeh.models import CustomLabelingPolicy
from bokeh.models.widgets.tables import NumberFormatter

from netxr import names as n
from netxr.app.frame.panes import THIN, card, figure_card, fitted, squared, stretched, untitled, upright
from netxr.app.frame.tables import table
from netxr.app.recording.strongest import ENDS, strongest_of
from netxr.estimators.undirected import is_undirected
from netxr.plot.scores.agreements import PANELS
from netxr.plot.spans import span_in_view
from netxr.plot.style import FRAME

MATRICES: Final = ("Truth A", "Estimate R")
TITLES: Final = dict(zip(PANELS, ("R against A", "With and without an edge", "ROC", "Precision"), strict=True))
"""Titles of cards, those of figures that have longer ones by these."""

EVERY_OTHER: Final = "const all = [...indices]; return all.filter((one) => all.length <= 10 || one % 2 === 0);"
"""Which of the names of traces are written: 20 are closer than they are high."""

LOW: Final = 210
HIGH: Final = 276
"""Heights of figures in pixels, below squares with a colour bar and without: both rows fit on a screen of 900."""

ROWS: Final = 6
"""Of the table that are shown at a time."""

TRUTH, BACK = "truth", "back"
"""Columns of what A has of a pair, and of its reverse."""


def beside_cards(figure: hv.Layout, A: xr.DataArray, R: xr.DataArray) -> list[Any]:
    """Return the cards of both matrices, and of what is linked with them: the graph of A, R against A, and traces.

    Beside matrices that nothing is linked with stand their strongest pairs.
    """
    first, second, *linked = figure
    step = span_in_view(len(A), None, FRAME).step
    note = f"means of {step} x {step} pairs" if step > 1 else ""
    panes = [upright(one) for one in (first, second)]
    cells = [figure_card(title, one, note=note) for title, one in zip(MATRICES, panes, strict=True)]
    if not linked:
        return [_thirds(*cells, _strongest(A, R))]
    graph, scatter, traces = linked
    plain = graph.opts(hv.opts.Segments(colorbar=False, backend="bokeh"))
    policy = {"yaxis.major_label_policy": CustomLabelingPolicy(code=EVERY_OTHER)}
    named = traces.opts(backend_opts=policy, title="", backend="bokeh")
    held = hv.Store.lookup_options("bokeh", graph[()], "plot").kwargs
    aspect = float(np.ptp(held["xlim"]) / np.ptp(held["ylim"]))
    about = " ".join(held["title"].splitlines()[1:])
    low, ring = partial(stretched, height=LOW, basis=None), fitted(plain, aspect=aspect)
    for one in (*panes, ring):
        one.object = one.object.opts(active_tools=["box_select"], backend="bokeh")  # a box chooses, and does not zoom
    return [
        _thirds(
            *cells,
            figure_card("Graph of A", ring, note=about),
            figure_card(TITLES[PANELS[0]], _drawn(scatter, low), note="with the diagonal"),
            figure_card("Traces", low(named), note="of marked neurons; of the first, if none is", wide=True),
        )
    ]


def agreement_cards(figure: hv.Layout, A: xr.DataArray, R: xr.DataArray) -> list[Any]:
    """Return the cards of how an estimate agrees with the truth, and whether its strongest pairs are edges."""
    looks: list[Callable[[Any], Any]] = [squared, squared, squared, partial(stretched, height=HIGH, basis=None)]
    cells = []
    for (titled, title), panel, look in zip(TITLES.items(), figure, looks, strict=True):
        bare, said = untitled(panel)
        note = " ".join(said.removeprefix(titled).removeprefix(":").split())
        cells.append(figure_card(title, _drawn(bare, look), note=note))
    return [_thirds(*cells, _strongest(A, R, wide=True))]


def _drawn(figure: Any, look: Callable[[Any], Any]) -> Any:
    """Return a figure in its look, without a title, its colour bar thin."""
    thin = hv.opts.Image(clabel="", colorbar_opts={**THIN}, backend="bokeh")
    return look(figure.opts(thin).opts(title="", backend="bokeh"))


def _thirds(*cells: Any) -> pn.Column:
    """Return cards in three columns."""
    return pn.Column(*cells, css_classes=["thirds"], sizing_mode="stretch_width", margin=0)


def _strongest(A: xr.DataArray, R: xr.DataArray, *, wide: bool = False) -> pn.Column:
    """Return the card of the strongest pairs of R with what A has of each, and of its reverse."""
    pairs = strongest_of(R)
    source, target = (xr.DataArray(pairs[end].values, dims=n.EDGE) for end in (n.SOURCE, n.TARGET))
    pairs[TRUTH] = A.sel({n.TARGET: target, n.SOURCE: source}).values
    pairs[BACK] = A.sel({n.TARGET: source, n.SOURCE: target}).values
    undirected, weights = is_undirected(R), (n.EFFECT, TRUTH, BACK)
    are_edges = (pairs[TRUTH] != 0) | (undirected & (pairs[BACK] != 0))
    shown = table(
        pairs,
        titles=ENDS[not undirected] | {n.EFFECT: "R", TRUTH: "A", BACK: "A, the other way"},
        formatters={name: NumberFormatter(format="+0.000" if name == n.EFFECT else "0.000") for name in weights},
        pagination="local",
        page_size=ROWS,
        text_align=dict.fromkeys((n.SOURCE, n.TARGET), "left") | dict.fromkeys(weights, "right"),
        configuration={"responsiveLayout": "hide", "columnDefaults": {"minWidth": 56}},
        name="Strongest pairs",
    )
    return card("Strongest pairs", shown, note=f"{are_edges.sum():,} of {len(pairs):,} are edges of A", wide=wide)
