"""The tab for the tutorial: sliders for a network, its true and estimated connectivity, how well they agree."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import numpy as np
import panel as pn
import param
import xarray as xr

import netxr.plot
from netxr import names as n
from netxr.app.frame.controls import flag, number, slider
from netxr.app.frame.downloads import downloads
from netxr.app.frame.live import LiveFigure
from netxr.app.frame.looks import answer_html, message_pane, side_by_side, verdict, with_diagonal
from netxr.app.frame.panes import (
    SECOND_ROW,
    UPRIGHT,
    Results,
    button,
    card,
    figure_card,
    fitted,
    halves,
    heading,
    stack,
    stretched,
    upright,
)
from netxr.app.frame.session import Session, at_once
from netxr.app.tutorial.compute import (
    Setup,
    check_setup,
    figure,
    python_lines,
    remember,
    remembered,
    tutorial_run,
)
from netxr.app.tutorial.views import score_over_size, separation
from netxr.errors import InvalidInput
from netxr.simulation.tutorial import DEMO_SIZES, SEED

KEY: Final = "tutorial"

QUESTION: Final = (
    "A is who drives whom, R is what activity alone can tell. When is correlation good enough? Move a slider."
)

TITLES: Final = {n.CONNECTIVITY: "True connectivity A", n.LAGGED_CORRELATION: "Estimated connectivity R"}
SEPARATION, CURVE = "Do they separate?", "Score over size"

SAMPLES: Final = range(100, 20_001, 100)
"""Lengths of the slider."""

TRIES: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "Add neurons": ("42 of them: how far does the score fall?", {"n": 42}),
    "Record longer": ("20,000 samples of 42: does it come back?", {"n": 42, "steps": 20_000}),
    "Make it denser": ("Sparsity 0.5: many edges, all weak.", {"sparsity": 0.5}),
    "Look too late": ("Lag 3: effects by way of others mix in.", {"lag": 3}),
}
"""Things to try, with the first network where they set nothing else: {title: (what happens, settings)}."""

OF_TRIES: Final = ("n", "sparsity", "steps", "lag", "groups")
"""What each of them sets."""


CALLED: Final = {"n, steps": "Network size and length", "lag": "Lag", "groups": "Groups"}
"""What the controls call the arguments that a run may be refused for."""

LOOKS: Final[dict[str, Callable[[Any], Any]]] = {
    n.CONNECTIVITY: upright,
    n.LAGGED_CORRELATION: upright,
    SEPARATION: partial(fitted, aspect=UPRIGHT),
    CURVE: partial(stretched, height=SECOND_ROW, basis=None),
}
"""How each figure looks."""


class TutorialSettings(param.Parameterized):
    """The settings of the tab, which the address holds."""

    n = param.Integer(6, bounds=(1, 100_000), label="Network size (neurons)")
    sparsity = param.Number(0.9, bounds=(0, 1), label="Sparsity (share of zeros)")
    steps = param.Integer(5000, bounds=(3, 10_000_000), label="Length (time steps)")
    seed = param.Integer(SEED, bounds=(0, 2**32 - 1), label="Seed")
    lag = param.Integer(1, bounds=(0, 1000), label="Lag (time steps)")
    groups = param.Integer(0, bounds=(0, 100_000), label="Groups (0: none)")
    diagonal = param.Boolean(True, label="Include the diagonal in the scores")


def tutorial_tab(session: Session, settings: TutorialSettings) -> Any:
    """Return the tab of the tutorial."""
    view = _View(session, settings)
    settings.param.watch(view.update, list(Setup._fields))
    view.update()
    return side_by_side(_controls(settings, view.wrong), view.body)


def _controls(settings: TutorialSettings, wrong: dict[str, Any]) -> list[Any]:
    """Return the widgets; below some of them stands what is wrong with an argument."""
    first, last, step = DEMO_SIZES[0], DEMO_SIZES[-1], DEMO_SIZES.step
    return [
        heading("The network"),
        slider(settings, "n", start=first, end=last, step=step),
        number(settings, "n", label="Network size (any number)"),
        slider(settings, "sparsity", start=0.01, end=0.99, step=0.01),
        heading("The recording"),
        slider(settings, "steps", start=SAMPLES[0], end=SAMPLES[-1], step=SAMPLES.step, label="Samples"),
        number(settings, "steps"),
        wrong["n, steps"],
        slider(settings, "lag", start=0, end=10, step=1),
        wrong["lag"],
        heading("The score"),
        flag(settings, "diagonal"),
        halves(number(settings, "groups"), number(settings, "seed")),
        wrong["groups"],
        button("Start over", lambda _event: _start_over(settings)),
    ]


def _start_over(settings: TutorialSettings) -> None:
    """Set everything as it is at first."""
    settings.param.update(**{name: settings.param[name].default for name in Setup._fields})


def _tries(settings: TutorialSettings) -> Any:
    """Return what there is to try, each with a button that sets the sliders."""
    rows = []
    for place, (title, (text, wanted)) in enumerate(TRIES.items(), 1):
        row = button(
            f"{title}\n{text}",
            partial(_set, settings, wanted),
            css_classes=["try"],
            stylesheets=[f':host {{ --number: "{place}"; }}'],
            sizing_mode="stretch_width",
        )
        row.on_click(lambda event: event.obj.param.update(css_classes=["try", "done"]))
        rows.append(row)
    return pn.Column(*rows, sizing_mode="stretch_width", margin=0)


def _set(settings: TutorialSettings, wanted: dict[str, Any], _event: object) -> None:
    """Set the sliders, and those that are not named as they are at first."""
    settings.param.update(**{name: settings.param[name].default for name in OF_TRIES} | wanted)


class _View:
    """What the tab shows for the current settings."""

    def __init__(self, session: Session, settings: TutorialSettings) -> None:
        self._session, self._settings = session, settings
        self.wrong = {argument: stack(visible=False) for argument in CALLED}
        self._answer = pn.pane.HTML("", sizing_mode="stretch_width", margin=0)
        self._shown: tuple[Setup, xr.Dataset] | None = None
        self._places = {name: pn.Column(sizing_mode="stretch_width", margin=0) for name in LOOKS}
        self._live: dict[str, LiveFigure] = {}
        cells = []
        for name, title in TITLES.items():
            self._places[name].css_classes = ["square"]
            cells.append(figure_card(title, self._places[name]))
        cells.append(figure_card(SEPARATION, self._places[SEPARATION]))
        cells.append(figure_card(CURVE, self._places[CURVE], note="grows as you move", wide=True))
        cells.append(card("Four things to try", _tries(settings)))
        self._cards = pn.Column(*cells, css_classes=["thirds"], sizing_mode="stretch_width", margin=0)
        self._results = Results(
            downloads(
                session,
                name="netxr_tutorial",
                shown=lambda: self._shown,
                figure=lambda shown: figure(*shown),
                table=lambda shown: shown[1][[n.CONNECTIVITY, n.LAGGED_CORRELATION]],
                data=lambda shown: shown[1],
                lines=lambda shown: python_lines(shown[0]),
            )
        )
        self.body = pn.Column(self._results.head, self._results.body)

    @at_once()
    def update(self, *_events: object) -> None:
        """Compute what the settings ask for, and show it."""
        setup = Setup(*(getattr(self._settings, name) for name in Setup._fields))
        self._session.changed(KEY)
        self._say_wrong({})
        if self._shown is not None:
            if self._shown[0] == setup:
                self._session.up_to_date()
                self._results.current()
                return
            self._results.outdated(self._shown[0].text)
        with self._session.guarded():
            known = remembered(setup)
            if known is not None:
                self._session.up_to_date()
                self._show(setup, known)
                return
            try:
                check_setup(setup, memory=self._session.memory)
            except InvalidInput as error:
                self._say_wrong({error.argument: str(error.about(CALLED[error.argument]))})
                self._withdrawn()
                return
            if self._shown is None:
                self._results.waiting()
            self._session.run(
                KEY,
                lambda job: tutorial_run(setup, step=job.step),
                lambda run: self._show(setup, run),
                label=f"Simulating {setup.n:,} neurons over {setup.steps:,} steps",
                short=setup.is_short,
                withdrawn=self._withdrawn,
            )

    def _say_wrong(self, said: dict[str, str]) -> None:
        """Say of arguments, below their controls, what is wrong with them, and nothing of the others."""
        for argument, place in self.wrong.items():
            place[:] = [message_pane(said[argument], kind="error")] if argument in said else []
            place.visible = argument in said

    def _withdrawn(self) -> None:
        """Say that nothing comes, where nothing is shown yet."""
        if self._shown is None:
            again = button("Start over", lambda _event: _start_over(self._settings))
            self._results.empty("There is no result", "Move a slider, or start over.", again)

    def _show(self, setup: Setup, run: xr.Dataset) -> None:
        """Show a run."""
        remember(setup, run)
        self._shown = setup, run
        self._results.show(self._cards, answer=[self._answer])
        self._answer.object = answer_of(setup, run)
        self._draw({name: netxr.plot.matrix(run[name]) for name in TITLES})
        self._session.later(partial(self._draw_beside, setup, run))

    def _draw_beside(self, setup: Setup, run: xr.Dataset) -> None:
        """Draw what stands beside the matrices, unless another run is shown by now."""
        if self._shown is not None and self._shown[1] is run:
            self._draw({SEPARATION: separation(run), CURVE: score_over_size(setup)})

    def _draw(self, figures: dict[str, Any]) -> None:
        """Draw figures in their places, or give those that are there the new data."""
        for name, drawn in figures.items():
            if name in self._live:
                self._live[name].show(drawn)
            else:
                self._live[name] = LiveFigure(LOOKS[name], drawn)
                self._places[name][:] = [self._live[name].pane]


def answer_of(setup: Setup, run: xr.Dataset) -> str:
    """Return how well A and R agree, and the question, as HTML."""
    above = run[n.ROC_AUC].item()
    ranks = f" Edges rank above the rest {100 * above:.0f} % of the time." if np.isfinite(above) else ""
    return answer_html(verdict(run[n.PEARSON].item()) + ranks, f"{QUESTION} Scored {with_diagonal(run)} the diagonal.")
