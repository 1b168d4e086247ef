"""An estimate as cards: its matrix, its network, the curve of a pair over lag, and its strongest pairs as a table.

One pair is selected in all of them: a click on a cell, or on a row, selects another one.
"""

from collections.abc import Callable, Hashable
from typing import Any, Final

import holoviews as hv
import numpy as np
import panel as pn
import panel.models.tabulator  # its scripts are part of the page if it is known before the page is made
import xarray as xr
from bokeh.events import Tap
from bokeh.models import ColumnDataSource
from bokeh.models.widgets.tables import NumberFormatter

import netxr
import netxr.plot
from netxr import names as n
from netxr.app.frame.panes import card, fitted, stretched
from netxr.app.frame.theme import TOKENS, theme_at_work
from netxr.plot.grouping import order_of
from netxr.schema.variables import labels_of

MOST_ROWS: Final = 500
"""Of the table: the strongest pairs."""

ROWS: Final = 6
"""Of the table that are shown at a time."""

Pair = tuple[Hashable, Hashable]
"""Target and source."""


def strongest_of(R: xr.DataArray, *, most: int = MOST_ROWS) -> Any:
    """Return the strongest pairs of different neurons, the strongest first, as a table of source, target and R.

    Examples
    --------
    >>> R = netxr.as_connectivity([[9.0, 0.2], [-0.5, 9.0]], rows="target", neurons=["a", "b"]).rename("R")
    >>> strongest_of(R).values.tolist()
    [['a', 'b', -0.5], ['b', 'a', 0.2]]
    """
    values = np.where(labels_of(R, n.TARGET)[:, None] == labels_of(R, n.SOURCE), np.nan, R.values)
    strength = np.abs(np.where(np.isfinite(values), values, 0.0)).ravel()
    places = np.argsort(-strength, kind="stable")[:most]
    places = places[strength[places] > 0]
    targets, sources = np.unravel_index(places, values.shape)
    edges = {n.SOURCE: labels_of(R, n.SOURCE)[sources], n.TARGET: labels_of(R, n.TARGET)[targets]}
    return xr.Dataset(
        {name: ("edge", column) for name, column in edges.items()} | {n.EFFECT: ("edge", values.ravel()[places])}
    ).to_dataframe()


class PairCards:
    """The cards of an estimate.

    Parameters
    ----------
    R : DataArray
        In memory, (target, source).
    over_lags : DataArray or None
        The same over lag, if there are several.
    groups : DataArray or None
        (neuron,): the group of each neuron.
    figures : list
        The matrix and the network, and the curve if there is one, as netxr.plot draws them.
    selected : (target, source) or None
        The strongest pair, if None.
    choose : callable
        Called with target and source when another pair is selected.
    """

    def __init__(
        self,
        R: xr.DataArray,
        over_lags: xr.DataArray | None,
        groups: xr.DataArray | None,
        figures: list[Any],
        *,
        selected: Pair | None,
        choose: Callable[[Hashable, Hashable], object],
    ) -> None:
        self._R, self._over_lags, self._choose = R, over_lags, choose
        labels = labels_of(R, n.TARGET)
        self._drawn = labels[order_of(labels, groups).positions].tolist()
        self._table = strongest_of(R)
        self._mark = ColumnDataSource({"x": [], "y": []})
        matrix, network, *curve = figures
        self._curve = pn.Column(sizing_mode="stretch_width", margin=0)
        self._edges = self._edges_table()
        self.selected = selected or self._strongest()
        if not isinstance(matrix, hv.DynamicMap):  # cells of a large matrix are no pairs, but blocks of them
            hooks = hv.Store.lookup_options("bokeh", matrix, "plot").kwargs.get("hooks", [])
            matrix = matrix.opts(hooks=[*hooks, self._hook], backend="bokeh")
        note = "by group" if groups is not None else ""
        cells = [
            card("Matrix R", fitted(matrix, aspect=1.35), note=note),
            card("Network", fitted(network, aspect=1.35)),
        ]
        if curve:
            cells.append(card("Lag curve", self._curve, note="of the selected pair"))
        n_pairs = R.size - int((labels[:, None] == labels_of(R, n.SOURCE)).sum())
        what = f"{len(self._table):,} of {n_pairs:,}"
        cells.append(card("Strongest pairs", self._edges, note=what))
        self.panes = [pn.Column(*cells, css_classes=["cards"], sizing_mode="stretch_width", margin=0)]
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
        places = {label: place for place, label in enumerate(self._drawn)}
        self._mark.data = {"x": [places[source]], "y": [places[target]]}
        if self._over_lags is not None:
            pairs = dict.fromkeys([(target, source), (source, target)])
            curve = netxr.plot.lags(self._over_lags, pairs=list(pairs))
            self._curve[:] = [stretched(curve, height=228)]
        rows = np.flatnonzero((self._table[n.SOURCE] == source) & (self._table[n.TARGET] == target))
        self._edges.selection = rows.tolist()

    def _strongest(self) -> Pair | None:
        """Return the strongest pair, if there is one."""
        if self._table.empty:
            return None
        first = self._table.iloc[0]
        return first[n.TARGET], first[n.SOURCE]

    def _hook(self, plot: Any, _element: Any) -> None:
        """Put a frame around the selected cell of the drawn matrix, and listen to clicks on cells."""
        if plot.state.select({"name": "selected"}):
            return
        accent = getattr(TOKENS["accent"], theme_at_work())
        plot.state.rect(
            "x", "y", 1, 1, source=self._mark, fill_alpha=0, line_color=accent, line_width=2, name="selected"
        )
        plot.state.on_event(Tap, self._tapped)

    def _tapped(self, event: Any) -> None:
        """Select the pair of a cell that was clicked."""
        column, row = round(event.x), round(event.y)
        if 0 <= column < len(self._drawn) and 0 <= row < len(self._drawn) and row != column:
            self._choose(self._drawn[row], self._drawn[column])

    def _edges_table(self) -> pn.widgets.Tabulator:
        """Return the strongest pairs as a table, of which a row selects a pair, and a click on a head sorts."""
        heads = {n.SOURCE: "From", n.TARGET: "To", n.EFFECT: "R"}
        table = pn.widgets.Tabulator(
            self._table,
            titles=heads,
            formatters={n.EFFECT: NumberFormatter(format="+0.000")},
            disabled=True,
            show_index=False,
            selectable=1,
            pagination="remote",
            page_size=ROWS,
            layout="fit_columns",
            text_align={n.SOURCE: "left", n.TARGET: "left", n.EFFECT: "right"},
            theme="simple",
            sizing_mode="stretch_width",
            margin=0,
            name="Strongest pairs",
        )
        table.on_click(self._clicked)
        return table

    def _clicked(self, event: Any) -> None:
        """Select the pair of a row that was clicked."""
        row = self._table.iloc[event.row]
        self._choose(row[n.TARGET], row[n.SOURCE])
