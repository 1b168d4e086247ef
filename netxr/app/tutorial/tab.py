"""The tab for the tutorial: sliders for a network, its true and estimated connectivity, how well they agree."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final

import panel as pn
import param
import xarray as xr

import netxr
from netxr import names as n
from netxr.app.frame.controls import flag, number, slider
from netxr.app.frame.downloads import downloads
from netxr.app.frame.looks import scores_html, side_by_side
from netxr.app.frame.panes import Results, flow, note, stretched
from netxr.app.frame.session import Session
from netxr.app.tutorial.compute import (
    Setup,
    check_setup,
    figure,
    python_lines,
    remember,
    remembered,
    tutorial_run,
    visited,
)
from netxr.app.tutorial.live import LiveGraph, LiveMatrix
from netxr.simulation.tutorial import DEMO_SIZES, SEED

KEY: Final = "tutorial"

QUESTION: Final = (
    "A is who drives whom, R is what activity alone can tell. When is correlation good enough? "
    "Move a slider, and see when the two part."
)

TITLES: Final = {n.CONNECTIVITY: "True connectivity A", n.LAGGED_CORRELATION: "Estimated connectivity R"}


class TutorialSettings(param.Parameterized):
    """The settings of the tab, which the address holds."""

    n = param.Integer(6, bounds=(1, 100_000), label="Network size (neurons)")
    sparsity = param.Number(0.9, bounds=(0, 1), label="Sparsity (share of zeros)")
    steps = param.Integer(5000, bounds=(3, 10_000_000), label="Length (time steps)")
    seed = param.Integer(SEED, bounds=(0, 2**32 - 1), label="Seed")
    lag = param.Integer(1, bounds=(0, 1000), label="Lag (time steps)")
    groups = param.Integer(0, bounds=(0, 100_000), label="Groups of neurons (0: none)")
    diagonal = param.Boolean(True, label="Include the diagonal in the scores")


def tutorial_tab(session: Session, settings: TutorialSettings) -> Any:
    """Return the tab of the tutorial."""
    view = _View(session, settings)
    settings.param.watch(view.update, list(Setup._fields))
    view.update()
    return side_by_side(_controls(settings), view.body)


def _controls(settings: TutorialSettings) -> list[Any]:
    """Return the widgets."""
    first, last, step = DEMO_SIZES[0], DEMO_SIZES[-1], DEMO_SIZES.step
    return [
        slider(settings, "n", start=first, end=last, step=step),
        number(settings, "n", label="Network size (any number)"),
        slider(settings, "sparsity", start=0.01, end=0.99, step=0.01),
        number(settings, "steps"),
        slider(settings, "lag", start=0, end=10, step=1),
        number(settings, "groups"),
        number(settings, "seed"),
        flag(settings, "diagonal"),
    ]


class _View:
    """What the tab shows for the current settings."""

    def __init__(self, session: Session, settings: TutorialSettings) -> None:
        self._session, self._settings = session, settings
        self._scores = pn.pane.HTML("", sizing_mode="stretch_width", margin=(4, 10))
        self._graphs = {name: LiveGraph() for name in TITLES}
        self._matrices = {name: LiveMatrix() for name in TITLES}
        self._shown: tuple[Setup, xr.Dataset] | None = None
        pairs = [flow(self._graphs[name].pane, self._matrices[name].pane) for name in TITLES]
        self._curve = pn.Column(sizing_mode="stretch_width")
        self._results = Results(self._scores, *pairs, self._curve)
        self.body = pn.Column(
            note(QUESTION),
            *self._results.panes,
            downloads(
                session,
                name="netxr_tutorial",
                shown=lambda: self._shown,
                figure=lambda shown: figure(*shown),
                table=lambda shown: shown[1][[n.CONNECTIVITY, n.LAGGED_CORRELATION]],
                data=lambda shown: shown[1],
                lines=lambda shown: python_lines(shown[0]),
            ),
        )

    def update(self, *_events: object) -> None:
        """Compute what the settings ask for, and show it."""
        setup = Setup(*(getattr(self._settings, name) for name in Setup._fields))
        self._session.cancel(KEY)
        self._session.clear()
        if self._shown is not None:
            if self._shown[0] == setup:
                self._results.current()
                return
            self._results.outdated(self._shown[0].text)
        with self._session.guarded():
            known = remembered(setup)
            if known is not None:
                self._show(setup, known)
                return
            check_setup(setup, memory=self._session.memory)
            self._session.run(
                KEY,
                lambda job: tutorial_run(setup, step=job.step),
                lambda run: self._show(setup, run),
                label=f"Simulating {setup.n:,} neurons over {setup.steps:,} steps",
                short=setup.is_short,
            )

    def _show(self, setup: Setup, run: xr.Dataset) -> None:
        """Show a run."""
        remember(setup, run)
        self._shown = setup, run
        with pn.io.hold(), _no_inventory():
            self._results.current()
            self._scores.object = scores_html(run)
            for name, title in TITLES.items():
                self._graphs[name].pane.visible = setup.shows_graphs
                if setup.shows_graphs:
                    self._graphs[name].show(netxr.plot.network(run[name]))
                self._matrices[name].show(netxr.plot.matrix(run[name], title=title))
            self._curve[:] = self._score_over_size(setup)

    def _score_over_size(self, setup: Setup) -> list[Any]:
        """Draw the score at each size that was visited, once there are two."""
        seen = visited(setup)
        if seen.sizes[n.N_NEURONS] < 2:
            return []
        curve = netxr.plot.score_curve(seen, x=n.N_NEURONS, title="Score over size: grows as you move")
        return [stretched(curve, height=260, most=720)]


def _no_inventory() -> AbstractContextManager[Any]:
    """Let bokeh list the models of the page once after all changes, not after each."""
    document = pn.state.curdoc
    return nullcontext() if document is None else document.models.freeze()
