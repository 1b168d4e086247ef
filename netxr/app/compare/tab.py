"""The tab to compare: two estimates, two runs, or a truth and an estimate, from the folder."""

from functools import partial
from pathlib import Path
from typing import Any, Final

import panel as pn
import param
import xarray as xr

from netxr import names as n
from netxr.app.compare.compute import Pick, lags_of, matrix_choices, overlap_text, pair_of, trials_of, variable_of
from netxr.app.compare.views import SIDES, VIEWS, Compared, compare_lines, figure_of, table_of
from netxr.app.frame.controls import LOOK, buttons, flag
from netxr.app.frame.downloads import downloads
from netxr.app.frame.folder import Folder
from netxr.app.frame.jobs import Job
from netxr.app.frame.looks import score_list, scores_html, with_diagonal
from netxr.app.frame.panes import TOOLS, Results, button, note, panels
from netxr.app.frame.session import Session
from netxr.app.frame.stores import StoreList, store_choices, tab_of_stores
from netxr.estimators.compare import ABOUT_SCORES
from netxr.estimators.signs import sign_text
from netxr.plot.panels.dashboards import place_of_lag

KEY: Final = "compare"

KINDS: Final = ("run", "recording", "moments", "estimate", "connectivity", "other")
"""Of the stores that may hold a matrix."""

LIKENESS: Final = {
    name: f"{ABOUT_SCORES[name][0][:1].upper()}{ABOUT_SCORES[name][0][1:]}"
    for name in (n.PEARSON, n.SPEARMAN, n.MANTEL, n.RV)
}
"""Scores of two estimates, which need no edges, and what they are called."""


class CompareSettings(param.Parameterized):
    """The settings of the tab, which the address holds."""

    first = param.Selector(objects=[""], default="", label="First store")
    first_matrix = param.String("", label="Matrix")
    first_trial = param.Integer(0, bounds=(0, None), label="Trial")
    first_lag = param.Integer(None, bounds=(0, None), allow_None=True, label="Lag")
    second = param.Selector(objects=[""], default="", label="Second store")
    second_matrix = param.String("", label="Matrix")
    second_trial = param.Integer(0, bounds=(0, None), label="Trial")
    second_lag = param.Integer(None, bounds=(0, None), allow_None=True, label="Lag")
    view = param.Selector(objects=list(VIEWS.values()), label="View")
    diagonal = param.Boolean(False, label="Include the diagonal in the scores")


def compare_settings(session: Session) -> CompareSettings:
    """Return settings that offer the stores of the folder."""
    settings = CompareSettings()
    offered = ["", *store_choices(session, *KINDS).values()]
    for side in SIDES:
        settings.param[side].objects = offered
    return settings


def compare_tab(session: Session, settings: CompareSettings) -> Any:
    """Return the tab to compare."""
    return tab_of_stores(session, settings, "first", _View, what="matrices to compare")


class _Side:
    """The widgets of one of the two matrices."""

    def __init__(self, session: Session, settings: CompareSettings, side: str) -> None:
        self._settings, self._side = settings, side
        self.stores = StoreList(session, settings, side, *KINDS, choose=self._choose)
        self._lists = {
            what: pn.widgets.Select(name=settings.param[f"{side}_{what}"].label, visible=False, **LOOK)
            for what in ("matrix", "trial", "lag")
        }
        for what, widget in self._lists.items():
            widget.param.watch(partial(self._take, what), "value")
        self._shown: dict[str, Any] = {}
        self.widgets = [self.stores.list, *self._lists.values()]

    def pick(self) -> Pick:
        """Return which matrix is chosen."""
        return Pick(*(getattr(self._settings, name) for name in self._names()))

    def offer(self, run: xr.Dataset, variable: str) -> None:
        """Offer the matrices, trials and lags of a store that was opened."""
        pick, lags = self.pick(), lags_of(run[variable])
        lag = lags[place_of_lag(lags, asked=pick.lag)] if lags else None
        self._shown = {"matrix": variable, "trial": pick.trial, "lag": lag}
        options: dict[str, Any] = {"matrix": matrix_choices(run), "trial": trials_of(run[variable]), "lag": lags}
        for what, widget in self._lists.items():
            widget.param.update(options=options[what], value=self._shown[what], visible=len(options[what]) > 1)

    def _names(self) -> list[str]:
        """Return the names of the settings of this side."""
        return [self._side, *(f"{self._side}_{what}" for what in self._lists)]

    def _choose(self, name: str) -> None:
        """Choose a store, and reset what was chosen in the last one."""
        fresh = {setting: self._settings.param[setting].default for setting in self._names()}
        self._settings.param.update(**fresh | {self._side: name})

    def _take(self, what: str, event: Any) -> None:
        """Take over what the user chose, not what the page itself has set."""
        if event.new is not None and event.new != self._shown.get(what):
            self._settings.param.update(**{f"{self._side}_{what}": event.new})


class _View:
    """What the tab shows for the current settings."""

    def __init__(self, session: Session, folder: Folder, settings: CompareSettings) -> None:
        self._session, self._folder, self._settings = session, folder, settings
        self._shown: Compared | None = None
        self._sides = [_Side(session, settings, side) for side in SIDES]
        self._results = Results()
        self.controls = [
            *self._sides[0].widgets,
            *self._sides[1].widgets,
            flag(settings, "diagonal"),
            button("Refresh the list", self._look_again),
        ]
        self.body = pn.Column(
            buttons(settings, "view", VIEWS),
            *self._results.panes,
            downloads(
                session,
                name="netxr_compare",
                shown=lambda: self._shown,
                figure=figure_of,
                table=table_of,
                data=lambda shown: table_of(shown).assign(shown.pair.scores.data_vars),
                lines=compare_lines,
            ),
        )

    def _look_again(self, _event: object) -> None:
        """List the stores again, and read what is shown again."""
        for side in self._sides:
            side.stores.look_again()
        self.update()

    def update(self, *_events: object) -> None:
        """Read and compare the chosen matrices, and show them."""
        settings = self._settings
        self._session.cancel(KEY)
        if not (settings.first and settings.second):
            self._shown = None
            self._results.show(note("Choose two stores, or the same one twice."))
            return
        if self._shown is not None:
            self._results.outdated(self._shown.text)
        picks = (self._sides[0].pick(), self._sides[1].pick())
        self._session.run(
            KEY,
            partial(self._compare, picks, settings.view, settings.diagonal),
            self._show,
            label=f"Comparing {settings.first} and {settings.second}",
        )

    def _compare(self, picks: tuple[Pick, Pick], view: str, diagonal: bool, job: Job) -> Compared:
        """Read two matrices and score how similar they are; in another thread."""
        paths: tuple[Path, ...] = tuple(self._folder.path_of(pick.store) for pick in picks)
        runs: tuple[xr.Dataset, ...] = tuple(self._folder.open(pick.store) for pick in picks)
        both = (runs[0], runs[1])
        pair = pair_of(both, picks, diagonal=diagonal, memory=self._session.memory, compute=job.compute)
        return Compared((paths[0], paths[1]), both, picks, pair, view, diagonal)

    def _show(self, shown: Compared) -> None:
        """Show two matrices."""
        for side, run, pick in zip(self._sides, shown.runs, shown.picks, strict=True):
            side.offer(run, variable_of(run, pick))
        A, R, _, scores, with_truth = shown.pair
        words = scores_html(scores, signs=sign_text(A, R)) if with_truth else likeness_html(scores)
        self._results.show(
            pn.pane.HTML(words, sizing_mode="stretch_width", margin=(4, 10)),
            note(overlap_text(shown.pair)),
            panels(figure_of(shown), **TOOLS),
        )
        self._shown = shown


def likeness_html(scores: xr.Dataset) -> str:
    """Return how similar two matrices are, as HTML."""
    intro = f"How similar the two are, {with_diagonal(scores)} the diagonal:"
    return f'<p style="margin:0 0 6px;font-size:15px">{intro}</p>{score_list(scores, LIKENESS)}'
