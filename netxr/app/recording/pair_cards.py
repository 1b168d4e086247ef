"""An estimate as cards: its matrix, its network, the curve of a pair over lag, and its strongest pairs as a table.

One pair is selected in all of them: a click on a cell, or on a row, selects another one.
"""

from collections.abc import Callable, Hashable
from functools import partial
from typing import Any, Final

import holoviews as hv
import numpy as np
import panel as pn
import xarray as xr
from bokeh.models import ColumnDataSource
from bokeh.models.widgets.tables import NumberFormatter, ScientificFormatter
from numpy.typing import NDArray

import netxr
import netxr.plot
from netxr import names as n
from netxr.app.frame.downloads import NothingShown
from netxr.app.frame.lag_times import in_time
from netxr.app.frame.live import LiveFigure
from netxr.app.frame.panes import SECOND_ROW, card, emptied, figure_card, fitted, squared, stretched
from netxr.app.frame.tables import Table, table
from netxr.app.recording.compute import Sure
from netxr.app.recording.judged import BOTH, HEADS, with_judged
from netxr.app.recording.pair_marks import SelectedCell, SelectedEdge, colour
from netxr.app.recording.strongest import ENDS, strongest_of
from netxr.app.recording.sure_view import INTERVAL
from netxr.estimators.undirected import is_undirected
from netxr.plot.grouping import order_of
from netxr.plot.palettes import LIGHT
from netxr.schema.variables import labels_of

ROWS: Final = 5
"""Of the table that are shown at a time."""

WIDE: Final = 1.6
"""Of the network: how many times as wide as high it is."""

STRONGEST: Final = {True: "3 strongest inputs of each neuron", False: "3 strongest pairs of each neuron"}
"""What a network draws, of pairs with a direction and without."""

BY_CHANCE: Final = "; grey: 95 % by chance"
"""What the band in a lag curve is."""

HTML: Final = {INTERVAL: {"type": "html"}}
WIDTHS: Final = {INTERVAL: 176, BOTH: 104}
"""Of the table: what columns hold, and pixels of wide ones."""

Pair = tuple[Hashable, Hashable]
"""Target and source."""


class PairCards:
    """The cards of an estimate.

    R (target, source) is in memory, as it is `over_lags` if there are several, and the group of each neuron. Figures
    are the matrix and the network, as netxr.plot draws them. `interval` are the seconds of a sample, 0 if they are not
    known. `selected` is (target, source), None for the strongest pair; `choose` is called with both when another pair
    is selected. What is to be `judged` has room for what a test says. `later` calls a function when the browser was
    told of the other figures: the curve comes last.
    """

    def __init__(
        self,
        R: xr.DataArray,
        over_lags: xr.DataArray | None,
        groups: xr.DataArray | None,
        figures: list[Any],
        *,
        interval: float = 0.0,
        lag: int = 0,
        selected: Pair | None,
        choose: Callable[[Hashable, Hashable], object],
        judged: bool = False,
        later: Callable[[Callable[[], object]], object] = lambda call: call(),
    ) -> None:
        self._is_judged, self._later = judged, later
        self._samples: xr.DataArray | None = None
        self._over_lags, self._interval, self._lag, self._choose = over_lags, interval, lag, choose
        labels = labels_of(R, n.TARGET)
        self._kind, self._table = _kind(R, groups), self._listed(strongest_of(R))
        self._is_directed = not is_undirected(R)
        matrix, network = figures
        network = in_shape(network, aspect=WIDE)
        self._edge = SelectedEdge(network, R, choose)
        self._cell = None
        if not isinstance(matrix, hv.DynamicMap):  # cells of a large matrix are no pairs, but blocks of them
            drawn = labels[order_of(labels, groups).positions].tolist()
            self._cell = SelectedCell(drawn, choose)
        self._matrix = LiveFigure(squared, self._with_cell(matrix))
        self._network = LiveFigure(partial(fitted, aspect=WIDE), _marked(network, self._edge))
        self._curve = pn.Column(sizing_mode="stretch_width", margin=0)
        self._live_curve: LiveFigure | None = None
        self._edges = self._edges_table()
        self.selected = selected or self._strongest()
        self._pictures = [
            figure_card("Matrix R", self._matrix.pane, note="by group" if groups is not None else ""),
            figure_card("Network", self._network.pane, note=STRONGEST[self._is_directed]),
        ]
        said = f"of the selected pair{BY_CHANCE * judged}"
        self._over_lags_card = figure_card("Lag curve", self._curve, note=said)
        n_pairs = (len(labels) ** 2 - len(labels)) // (1 if self._is_directed else 2)
        what = f"{len(self._table):,} of {n_pairs:,}"
        self._pairs_card = card("Strongest pairs", self._edges, note=what)
        self._whole = pn.Column(css_classes=["cards"], sizing_mode="stretch_width", margin=0)
        self.panes = [self._whole]
        self._arrange()
        self.show()

    def _arrange(self) -> None:
        """Put the cards side by side; the pairs have a row of their own where there are no curves beside them."""
        has_curves = self._over_lags is not None and self.selected is not None
        self._pairs_card.css_classes = ["card", *["wide"] * (not has_curves)]
        cards = [*self._pictures, *[self._over_lags_card] * has_curves, self._pairs_card]
        if list(self._whole) != cards:
            self._whole[:] = cards

    def _with_cell(self, matrix: Any) -> Any:
        """Return a matrix in which the selected cell is framed."""
        return matrix if self._cell is None else _marked(matrix, self._cell)

    def follow(
        self,
        R: xr.DataArray,
        over_lags: xr.DataArray | None,
        groups: xr.DataArray | None,
        figures: list[Any],
        *,
        lag: int,
        selected: Pair | None,
        judged: bool = False,
    ) -> bool:
        """Show another estimate in the same cards, or return False if it is of other neurons or another kind."""
        pairs, kind = self._listed(strongest_of(R)), _kind(R, groups)
        if (kind, len(pairs), judged) != (self._kind, len(self._table), self._is_judged):
            return False
        self._over_lags, self._lag, self._table = over_lags, lag, pairs
        matrix, network = figures
        network = in_shape(network, aspect=WIDE)
        self._edge.follow(network, R)
        self._matrix.show(self._with_cell(matrix))
        self._network.show(_marked(network, self._edge))
        self._edges.value = pairs
        self.selected = selected or self._strongest()
        self._arrange()
        self.show()
        return True

    def _listed(self, pairs: Any, sure: Sure | None = None) -> Any:
        """Return a table of pairs, with what a test says of them if there is one; empty until it is known."""
        return with_judged(pairs, sure) if self._is_judged else pairs

    def judge(self, sure: Sure | None) -> None:
        """Show what a test says of the estimate that is shown; None where it says nothing."""
        self._samples = None if sure is None else sure.found.get(n.EFFECTIVE_SAMPLES)
        self._edges.value = self._table = self._listed(self._table[[n.SOURCE, n.TARGET, n.EFFECT]], sure)
        self.show()

    def select(self, target: Hashable, source: Hashable) -> None:
        """Select another pair in all cards."""
        if (target, source) != self.selected:
            self.selected = (target, source)
            self.show()

    def show(self) -> None:
        """Show which pair is selected."""
        if self.selected is None:
            return
        target, source = self.selected
        self._edge.show(target, source)
        if self._cell is not None:
            self._cell.show(target, source)
        if self._over_lags is not None:
            self._show_curve(self._curves(target, source))
        rows = self._rows_of(target, source)
        if rows.size:  # on the page of the table that shows it, as it is sorted
            self._edges.page = 1 + self._edges.current_view.index.get_loc(self._table.index[rows[0]]) // ROWS
        self._edges.selection = rows.tolist()

    def _rows_of(self, target: Hashable, source: Hashable) -> NDArray[np.intp]:
        """Return the row of a pair in the table, if it is there; without a direction, whichever end is which."""
        ends = [(target, source), (source, target)][: 1 if self._is_directed else 2]
        sources, targets = self._table[n.SOURCE], self._table[n.TARGET]
        found = [(targets == one) & (sources == other) for one, other in ends]
        return np.flatnonzero(np.logical_or.reduce(found))

    def _show_curve(self, curves: hv.Overlay) -> None:
        """Show the curves of the selected pair."""
        if self._live_curve is None:
            self._live_curve = LiveFigure(partial(stretched, height=SECOND_ROW, basis=None), curves)
            draw = emptied(self._live_curve.pane)
            self._curve[:] = [self._live_curve.pane]
            self._later(draw)
        else:
            self._live_curve.show(curves)

    def _curves(self, target: Hashable, source: Hashable) -> hv.Overlay:
        """Draw a pair over lag with a ring at the lag of R, and its reverse dashed."""
        if self._over_lags is None:
            raise NothingShown
        timed, label = in_time(self._over_lags, self._interval)
        drawn = netxr.plot.lags(timed, pairs=[(target, source), (source, target)], samples=self._samples)
        *_ground, pair, marks, reverse, others = drawn
        for part in (pair, marks):
            part.opts(color=LIGHT.accent, backend="bokeh")
        reverse.opts(color=LIGHT.notes, line_width=1.5, backend="bokeh")
        others.opts(alpha=0, backend="bokeh")
        place = self._over_lags[n.LAG].values.tolist().index(self._lag)
        at = timed[n.LAG].values[place], timed.sel({n.TARGET: target, n.SOURCE: source}).values[place]
        held = hv.Store.lookup_options("bokeh", drawn, "plot").kwargs
        low, high = held["ylim"]
        hooks = [*held.get("hooks", []), partial(ring, at=at)]
        look = {
            "ylim": (low, high + 0.1 * (high - low)),
            "title": "",
            "xlabel": label,
            "ylabel": "R",
            "legend_position": "top",
            "legend_cols": 2,
        }
        return drawn.opts(hooks=hooks, xticks=None, **look, backend="bokeh")

    def _strongest(self) -> Pair | None:
        """Return the strongest pair, if there is one."""
        return None if self._table.empty else self._pair(0)

    def _pair(self, row: int) -> Pair:
        """Return the pair of a row of the table."""
        return self._table[n.TARGET].iloc[row], self._table[n.SOURCE].iloc[row]

    def _edges_table(self) -> Table:
        """Return the strongest pairs as a table, of which a row selects a pair, and a click on a head sorts."""
        heads = ENDS[self._is_directed] | {n.EFFECT: "R"} | HEADS
        scientific = ScientificFormatter(precision=2, power_limit_low=-1, nan_format="")
        numbers = {n.EFFECT: NumberFormatter(format="+0.000"), n.Q_VALUE: scientific}
        shown = table(
            self._table,
            titles={name: heads[name] for name in self._table},
            formatters={name: one for name, one in numbers.items() if name in self._table} | HTML,
            configuration={"responsiveLayout": "hide", "columnDefaults": {"minWidth": 72}},
            widths={name: width for name, width in WIDTHS.items() if name in self._table},
            pagination="local",
            page_size=ROWS,
            text_align={n.SOURCE: "left", n.TARGET: "left", n.EFFECT: "right", n.Q_VALUE: "right", BOTH: "right"},
            name="Strongest pairs",
        )
        shown.param.watch(self._chosen, "selection")
        return shown

    def _chosen(self, event: Any) -> None:
        """Select the pair of a row that was clicked, or that an arrow key moved to."""
        for row in event.new:
            if self._pair(row) != self.selected:
                # The browser tells at any moment, and figures may be changed only when it is the page's turn.
                pn.state.execute(partial(self._choose, *self._pair(row)), schedule=True)


def _kind(R: xr.DataArray, groups: xr.DataArray | None) -> tuple[list[Hashable], list[Hashable], bool]:
    """Return the labels of the neurons, their groups where these are known, and whether pairs have no direction."""
    return labels_of(R, n.TARGET).tolist(), [] if groups is None else groups.values.tolist(), is_undirected(R)


def _marked(figure: Any, mark: SelectedCell | SelectedEdge) -> Any:
    """Return a figure in which the selected pair is marked."""
    hooks = hv.Store.lookup_options("bokeh", figure, "plot").kwargs.get("hooks", [])
    return figure.opts(hooks=[*hooks, mark.hook], backend="bokeh")


def in_shape(network: hv.Overlay, *, aspect: float) -> hv.Overlay:
    """Return a network that fills a frame so many times as wide as high, without stretching it."""
    held = hv.Store.lookup_options("bokeh", network, "plot").kwargs
    wide = max(held["xlim"][1], aspect * held["ylim"][1])
    plain = network.opts(hv.opts.Segments(colorbar=False, backend="bokeh"), clone=True)
    return plain.opts(xlim=(-wide, wide), ylim=(-wide / aspect, wide / aspect), backend="bokeh")


def ring(plot: Any, _element: Any, *, at: tuple[Any, Any]) -> None:
    """Draw a ring around the value at the lag that is shown, and no box around the legend."""
    x, y = at
    rings = [one for one in plot.state.renderers if one.name == "ring"]
    for drawn in rings:
        drawn.data_source.data = {"x": [x], "y": [y]}
    if rings:
        return
    for legend in plot.state.legend:
        legend.update(border_line_alpha=0, background_fill_alpha=0, padding=0, margin=0)
    look = {"size": 13, "fill_alpha": 0, "line_color": colour("accent"), "line_width": 2, "name": "ring"}
    plot.state.scatter("x", "y", source=ColumnDataSource({"x": [x], "y": [y]}), **look)
