"""The tab for a sweep: curves and maps of its scores."""

from collections.abc import Iterable
from functools import partial
from html import escape
from pathlib import Path
from shlex import quote
from typing import Any, Final, NamedTuple

import numpy as np
import panel as pn
import param
import xarray as xr

import netxr
from netxr import names as n
from netxr.app.frame.controls import LOOK, buttons, choice, slider
from netxr.app.frame.downloads import downloads
from netxr.app.frame.folder import Folder
from netxr.app.frame.jobs import Job
from netxr.app.frame.lag_times import interval_of
from netxr.app.frame.looks import COMMAND
from netxr.app.frame.panes import (
    Results,
    beside,
    button,
    figure_card,
    flow,
    halves,
    heading,
    note,
    row,
    stretched,
)
from netxr.app.frame.session import Session, at_once
from netxr.app.frame.stores import StoreList, store_choices, tab_of_stores
from netxr.app.sweep.cards import MapCards, Mapped
from netxr.app.sweep.maps import Marked, best_of, chosen_of, paper_of
from netxr.app.sweep.views import (
    ALL_IN_ONE,
    DIMS,
    MAP,
    SCORES,
    VIEWS,
    SweepChoice,
    axes_of,
    check_read,
    figures_of,
    on_paper,
    range_of,
    scores_of,
    sweep_lines,
    variables_of,
)
from netxr.app.sweep.words import answer_of, curves_answer
from netxr.schema.clock import activity_of
from netxr.schema.words import entry_text
from netxr.simulation.axes import AXES

KEY: Final = "sweep"

MOST_OFFERED: Final = 4
RECORDINGS: Final = ("run", "recording")
"""Kinds of stores that can be marked."""

ABOUT: Final = "A sweep scores estimators on networks whose connectivity is known, over sizes, lengths and more."
SMALL_STORE: Final = "small_sweep.zarr"
SMALL: Final[dict[str, Any]] = {"n_neurons": [6, 12, 25, 50], "n_steps": [300, 1000, 3000, 10_000], "trials": 3}
"""A sweep that takes some seconds."""


class Read(NamedTuple):
    """A sweep of which one score is in memory, with its name in the folder and its path."""

    name: str
    path: Path
    score: str
    sweep: xr.Dataset


class Shown(NamedTuple):
    """What is shown of a sweep."""

    read: Read
    choice: SweepChoice

    @property
    def text(self) -> str:
        """What is shown, in words."""
        return f"{self.read.name}, {self.choice.text}"


class SweepSettings(param.Parameterized):
    """The settings of the tab, which the address holds."""

    sweep = param.Selector(objects=[""], default="", label="Sweep")
    view = param.Selector(objects=list(VIEWS.values()), label="View")
    score = param.Selector(objects=list(SCORES.values()), default=n.PEARSON, label="Score")
    x = param.Selector(objects=["", *DIMS], default="", label="Along x")
    y = param.Selector(objects=["", *DIMS], default="", label="Along y")
    facet = param.Selector(objects=[ALL_IN_ONE, *DIMS], default=ALL_IN_ONE, label="One for each entry of")
    at = param.Number(0.9, bounds=(0.01, 0.99), label="Good enough from")
    mark = param.Selector(objects=[""], default="", label="Mark a recording")


for _name, _label in DIMS.items():  # which entry of each is shown, where it is not drawn along
    _is_text = _name not in AXES or AXES[_name].is_text
    _kind = param.String if _is_text else param.Integer if AXES[_name].is_whole else param.Number
    SweepSettings.param.add_parameter(_name, _kind(None, allow_None=True, label=_label))


def sweep_settings(session: Session) -> SweepSettings:
    """Return settings that offer the sweeps of the folder."""
    settings = SweepSettings()
    settings.param["sweep"].objects = ["", *store_choices(session, "sweep").values()]
    settings.param["mark"].objects = ["", *store_choices(session, *RECORDINGS).values()]
    return settings


def sweep_tab(session: Session, settings: SweepSettings) -> Any:
    """Return the tab of a sweep; where there is none, it can make one."""
    return tab_of_stores(session, settings, _View, what="sweeps")


class _View:
    """What the tab shows for the current settings."""

    def __init__(self, session: Session, folder: Folder, settings: SweepSettings) -> None:
        self._session, self._folder, self._settings = session, folder, settings
        self._read: Read | None = None
        self._shown: Shown | None = None
        self._cards: MapCards | None = None
        self._answer = pn.pane.HTML("", sizing_mode="stretch_width", margin=0)
        self._set: dict[str, Any] = {}
        self._stores = StoreList(session, settings, "sweep", "sweep", again=self._look_again)
        self._axes = {axis: pn.widgets.Select(name=label, visible=False, **LOOK) for axis, label in DIMS.items()}
        for axis, widget in self._axes.items():
            widget.param.watch(partial(self._take, axis), "value")
        self._x, self._y = (pn.widgets.Select(name=settings.param[axis].label, visible=False, **LOOK) for axis in "xy")
        for axis, widget in (("x", self._x), ("y", self._y)):
            widget.param.watch(partial(self._take, axis), "value")
        self._facet = choice(settings, "facet", {"all in one": ALL_IN_ONE} | _axis_choices(DIMS))
        self._mark = choice(settings, "mark", {"none": ""})
        self._boundary = [heading("Boundary"), slider(settings, "at", start=0.05, end=0.95, step=0.05), self._mark]
        session.listeners.append(self._offer_marks)
        self._offer_marks()
        self._new = button("New sweep", partial(self._open, ""), sizing_mode="stretch_width")
        self._results = Results(
            downloads(
                session,
                name="netxr_sweep",
                shown=lambda: self._shown,
                figure=_paper,
                table=_numbers,
                data=lambda shown: shown.read.sweep,
                lines=lambda shown: sweep_lines(shown.read.path, shown.read.sweep, shown.choice),
            ),
            later=session.later,
        )
        self.controls = [
            self._stores.list,
            beside(buttons(settings, "view", VIEWS), self._stores.refresh),
            self._stores.about,
            heading("Axes"),
            choice(settings, "score", SCORES),
            halves(self._x, self._y),
            self._facet,
            *self._boundary,
            halves(*self._axes.values()),
            self._new,
        ]
        self.body = pn.Column(self._results.head, self._results.body)

    def _offer_marks(self) -> None:
        """Offer the recordings of the folder to be marked, and the marked one even if it is gone."""
        there = [*store_choices(self._session, *RECORDINGS).values()]
        marked = self._settings.mark
        self._settings.param["mark"].objects = ["", *there]
        options = {"none": ""} | {name: name for name in dict.fromkeys([*there, *filter(None, [marked])])}
        self._mark.param.update(options=options, value=marked)

    def _look_again(self) -> None:
        """Read the sweep again: more of its cells may be finished."""
        self._read = None
        self.update()

    @at_once()
    def update(self, *_events: object) -> None:
        """Read the sweep, unless it is in memory, and show what the settings ask for."""
        name = self._settings.sweep
        self._session.cancel(KEY)
        self._new.visible = bool(name)
        if not name:
            self._shown = None
            self._session.line.object = ""
            self._results.empty(*self._empty())
            return
        if self._shown is not None:
            self._results.outdated(self._shown.text)
        score = self._settings.score
        if self._read is not None and (self._read.name, self._read.score) == (name, score):
            self._session.clear()
            with self._session.guarded():
                self._show(self._read)
            return
        self._read = None
        self._session.run(KEY, partial(self._load, name, score), self._show, label=f"Reading {name}", short=True)

    def _load(self, name: str, score: str, job: Job) -> Read:
        """Open a sweep, and read what is shown of it; in another thread."""
        path = self._folder.path_of(name)
        sweep = netxr.open(path)
        check_read(sweep, memory=self._session.memory)
        job.step()
        shown = [one for one in variables_of(score) if one in sweep]
        return Read(name, path, score, sweep.assign(sweep[shown].load().data_vars))

    def _show(self, read: Read) -> None:
        """Show what the settings ask for of a sweep that was read."""
        self._read, wanted = read, self._choice().on(read.sweep)
        self._offer_axes(read.sweep, wanted)
        if wanted.view == MAP:
            answer, panes, found = self._mapped(read.sweep, wanted)
            self._offer_axes(read.sweep, wanted._replace(values={**wanted.values, **found}))
        else:
            scores = scores_of(read.sweep, wanted)
            answer = curves_answer(wanted, read.sweep, scores)
            panes = figure_card("Curves", _curves(figures_of(scores, wanted), scores, wanted))
        self._answer.object = answer
        self._results.show(panes, answer=[self._answer])
        self._shown = Shown(read, wanted)

    def _mapped(self, sweep: xr.Dataset, wanted: SweepChoice) -> tuple[str, Any, dict[str, Any]]:
        """Return the answer and the cards of a map, and {axis: entry} of the row that is chosen."""
        marked = marked_in(self._folder, self._settings.mark) if self._settings.mark else None
        best = best_of(sweep, wanted)
        shown = Mapped(best, wanted, marked, chosen_of(best, wanted, marked))
        if self._cards is None or not self._cards.follow(shown):
            self._cards = MapCards(shown, choose=self._choose)
        chosen = shown.chosen
        answer = answer_of(best, chosen, wanted, marked, sweep)
        return answer, self._cards.panes, {} if chosen is None else chosen.entries

    def _choose(self, places: dict[str, tuple[list[Any], float]]) -> None:
        """Choose the row of a cell that was clicked: its entries of both axes, for all lengths."""
        if all(-0.5 < at < len(labels) - 0.5 for labels, at in places.values()):
            chosen = {axis: labels[round(at)] for axis, (labels, at) in places.items() if axis != n.N_STEPS}
            self._settings.param.update(**chosen)

    def _empty(self) -> tuple[Any, ...]:
        """Return what is shown without a sweep: a title, a sentence, and how to open or to make one."""
        there = self._folder.names("sweep")
        opens = [row(*[button(f"Open {name}", partial(self._open, name)) for name in there[:MOST_OFFERED]])]
        title = "No sweep open" if there else "No sweep yet"
        return title, ABOUT, *(opens if there else []), *self._making(taken=SMALL_STORE in there)

    def _making(self, *, taken: bool) -> list[Any]:
        """Return how a sweep is made: the command, and a button for a small one, unless that is there."""
        path = self._folder.root / SMALL_STORE
        sizes, lengths = (",".join(map(str, SMALL[axis])) for axis in (n.N_NEURONS, n.N_STEPS))
        command = f"netxr sweep {quote(str(path))} --neurons {sizes} --steps {lengths} --trials {SMALL['trials']}"
        typed = pn.pane.HTML(f'<pre style="{COMMAND}">{escape(command)}</pre>', sizing_mode="stretch_width", margin=0)
        how = note("A new one is made in the shell, with your own sizes and lengths:")
        return [how, typed, *([] if taken else [button("Make a small one here", self._make)])]

    def _open(self, name: str, _event: object) -> None:
        """Open a sweep, or none."""
        self._settings.sweep = name

    def _make(self, _event: object) -> None:
        """Make a small sweep in the folder, and open it."""
        path = self._folder.place_for(SMALL_STORE)
        self._session.run(
            KEY,
            lambda job: netxr.sweep(**SMALL, store=path, progress=job.step),
            lambda _sweep: self._made(),
            label="Making a small sweep",
        )

    def _made(self) -> None:
        """Open the sweep that was made."""
        self._session.look_again()
        self._settings.sweep = SMALL_STORE

    def _offer_axes(self, sweep: xr.Dataset, wanted: SweepChoice) -> None:
        """Offer the axes that a sweep has, and the entries of each of which only one is drawn, if it has several."""
        there = axes_of(sweep)
        self._set |= {"x": wanted.x, "y": wanted.y}
        for widget, asked in ((self._x, wanted.x), (self._y, wanted.y), (self._facet, wanted.facet)):
            if widget is self._y and wanted.view != MAP:
                continue  # hidden: of an empty value a browser makes the first option, and asks for that
            none = {"all in one": ALL_IN_ONE} if widget is self._facet else {}
            kept = {asked} & {*DIMS}  # what is asked for stays, and is said to be missing where it is
            options: dict[str, Any] = none | _axis_choices([dim for dim in DIMS if dim in (*there, *kept)])
            widget.param.update(options=options, value=asked or None)
        self._x.visible = True
        for widget in (self._y, *self._boundary):
            widget.visible = wanted.view == MAP
        drawn = {n.ESTIMATOR, *({n.N_STEPS} & {*wanted.drawn})} if wanted.view == MAP else {*wanted.drawn}
        shown = [axis for axis in there if axis not in drawn]
        for axis, widget in self._axes.items():
            if axis not in there:
                widget.visible = False
                continue
            held = sweep[axis].values.tolist()
            named = wanted.values[axis]
            value = held[0] if named is None else named
            self._set[axis] = value
            options = {entry_text(entry): entry for entry in dict.fromkeys([*held, value])}
            short = DIMS[axis].removeprefix("Number of ")
            called = f"Row: {short[:1].lower()}{short[1:]}" if axis in wanted.drawn else DIMS[axis]
            with param.edit_constant(widget):  # so is a name in older versions
                widget.param.update(name=called, options=options, value=value, visible=axis in shown and len(held) > 1)

    def _take(self, axis: str, event: Any) -> None:
        """Take over the chosen entry of an axis, or the chosen axis, not what the page itself has set."""
        if event.new is not None and event.new != self._set.get(axis):
            self._settings.param.update(**{axis: event.new})

    def _choice(self) -> SweepChoice:
        """Return the settings of the view."""
        settings = self._settings
        values = {axis: getattr(settings, axis) for axis in DIMS}
        return SweepChoice(settings.view, settings.score, settings.x, settings.y, settings.facet, values, settings.at)


def _axis_choices(axes: Iterable[str]) -> dict[str, str]:
    """Return {text: name} of axes."""
    words = {axis: DIMS[axis].removeprefix("Number of ") for axis in axes}
    return {f"{said[:1].upper()}{said[1:]}": axis for axis, said in words.items()}


def _curves(figures: list[Any], scores: xr.Dataset, wanted: SweepChoice) -> Any:
    """Return curves as panes."""
    if len(figures) == 1:
        return stretched(figures[0], height=380)
    ylim = range_of(scores, wanted)
    return flow(*[stretched(one.opts(ylim=ylim), height=280, basis="300px", most=480) for one in figures])


def _paper(shown: Shown) -> Any:
    """Return the figure of a view for paper."""
    sweep, wanted = shown.read.sweep, shown.choice
    return paper_of(sweep, wanted) if wanted.view == MAP else on_paper(figures_of(scores_of(sweep, wanted), wanted))


def _numbers(shown: Shown) -> xr.Dataset:
    """Return the numbers of a view."""
    sweep, wanted = shown.read.sweep, shown.choice
    return best_of(sweep, wanted).cells if wanted.view == MAP else scores_of(sweep, wanted).drop_dims(n.TRIAL)


def marked_in(folder: Folder, name: str) -> Marked:
    """Return what there is to know of a recording that is marked."""
    run = folder.open(name)
    activity = activity_of(run)
    n_samples = activity.sizes[n.TIME] * activity.sizes.get(n.TRIAL, 1)
    return Marked(name, activity.sizes[n.NEURON], n_samples, interval_of(run) or np.nan)
