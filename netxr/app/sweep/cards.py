"""A map as cards: its facets, how many samples each row needs, and what is lost to noise and to bias.

They are drawn once, and given the numbers of other settings.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Final, NamedTuple

import holoviews as hv
import numpy as np
import panel as pn
from bokeh.events import Tap

from netxr.app.frame.live import LiveFigure
from netxr.app.frame.panes import FIRST_ROW, card, entitle, figure_card, flow, stack, stretched
from netxr.app.sweep.maps import Best, Chosen, Marked, maps_of, what_is_lost
from netxr.app.sweep.views import SweepChoice
from netxr.app.sweep.words import key_html, needed_table

FACET: Final = 320
ALONE: Final = 640
"""Heights of a map in pixels, where there are several and where there is one: two rows of them fit on a screen."""

TWO: Final = "max(260px, 40%)"
"""Width of a map that has others beside it: two of them in a row, or one where there is no room."""

WHERE, NEEDED, LOST = "Where it is good enough", "Samples needed", "What is lost"
CLICK: Final = "a click chooses a row"

Choose = Callable[[dict[str, tuple[list[Any], float]]], object]
"""Called with {axis: (its labels, where between them)} of a click."""


class Mapped(NamedTuple):
    """What a map shows."""

    best: Best
    choice: SweepChoice
    marked: Marked | None
    chosen: Chosen | None


class MapCards:
    """The cards of a map; `choose` is called when a map is clicked."""

    def __init__(self, shown: Mapped, *, choose: Choose) -> None:
        self._choose, self._shown = choose, shown
        figures = self._maps(shown)
        look = partial(stretched, height=FACET if len(figures) > 1 else ALONE, basis=TWO)
        self._facets = [LiveFigure(look, one) for one in figures]
        self._key = pn.pane.HTML("", sizing_mode="stretch_width", margin=0)
        self._where = figure_card(WHERE, flow(*[one.pane for one in self._facets]), self._key)
        self.panes: Any = self._where
        self._lost: LiveFigure | None = None
        if shown.chosen is not None:
            lost = what_is_lost(shown.chosen, at=shown.choice.at)
            self._lost = LiveFigure(partial(stretched, height=FIRST_ROW, basis=None), lost)
            self._table = pn.pane.HTML("", sizing_mode="stretch_width", margin=0)
            self._beside = card(NEEDED, self._table, min_height=276), figure_card(LOST, self._lost.pane)
            columns = self._where, stack(*self._beside)
            self.panes = pn.Column(*columns, css_classes=["map"], sizing_mode="stretch_width", margin=0)
        self._say()

    def follow(self, shown: Mapped) -> bool:
        """Show another map in the same cards, or return False if it has other facets, or no row to choose."""
        figures = self._maps(shown)
        if (len(figures), shown.chosen is None) != (len(self._facets), self._lost is None):
            return False
        self._shown = shown
        for facet, figure in zip(self._facets, figures, strict=True):
            facet.show(figure)
        if self._lost is not None and shown.chosen is not None:
            self._lost.show(what_is_lost(shown.chosen, at=shown.choice.at))
        self._say()
        return True

    def _maps(self, shown: Mapped) -> list[Any]:
        """Draw a map for each facet, on which a click chooses a row."""
        figures = maps_of(shown.best, shown.choice, shown.marked)
        bare = [one.opts(hv.opts.Image(colorbar=False, backend="bokeh")) for one in figures]
        return [one.opts(hooks=[self._listen], backend="bokeh") for one in bare]

    def _listen(self, plot: Any, _element: Any) -> None:
        """Listen to clicks on a map, once."""
        if not plot.state.tags:
            plot.state.tags = ["listens"]
            plot.state.on_event(Tap, self._tapped)

    def _tapped(self, event: Any) -> None:
        """Choose where it was clicked."""
        cells, choice = self._shown.best.cells, self._shown.choice
        labels = {axis: np.sort(cells[axis].values).tolist() for axis in (choice.x, choice.y)}
        self._choose({axis: (held, at) for (axis, held), at in zip(labels.items(), (event.x, event.y), strict=True)})

    def _say(self) -> None:
        """Say in the heads of the cards what they show, and the samples that are needed."""
        shown, chosen = self._shown, self._shown.chosen
        entitle(self._where, WHERE, f"line: score {shown.choice.at:g}; {CLICK}")
        self._key.object = key_html(shown.best.key)
        if chosen is not None:
            needed, lost = self._beside
            entitle(needed, NEEDED, chosen.text)
            entitle(lost, LOST, ", ".join(filter(None, (chosen.called, chosen.text))))
            self._table.object = needed_table(chosen, shown.marked)
