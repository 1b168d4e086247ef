"""The tab for a sweep: curves and maps of its scores."""

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import panel as pn
import param
import xarray as xr

from netxr import names as n
from netxr.app.frame.controls import LOOK, buttons, choice
from netxr.app.frame.downloads import downloads
from netxr.app.frame.folder import Folder
from netxr.app.frame.jobs import Job
from netxr.app.frame.panes import TOOLS, Results, flow, note, panels, stretched
from netxr.app.frame.session import Session
from netxr.app.frame.stores import StoreList, store_choices, tab_of_stores
from netxr.app.sweep.views import (
    ALL_IN_ONE,
    CURVES,
    DIMS,
    ENOUGH,
    MAP,
    SCORES,
    VIEWS,
    SweepChoice,
    axes_of,
    cells_text,
    check_read,
    figures_of,
    needed_text,
    on_paper,
    range_of,
    scores_of,
    sweep_lines,
)
from netxr.schema.words import entry_text
from netxr.simulation.axes import AXES

KEY: Final = "sweep"


class Read(NamedTuple):
    """A sweep in memory, with its name in the folder and its path."""

    name: str
    path: Path
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
    x = param.Selector(objects=list(DIMS), default=n.N_NEURONS, label="Along x")
    y = param.Selector(objects=list(DIMS), default=n.SPARSITY, label="Along y")
    facet = param.Selector(objects=[ALL_IN_ONE, *DIMS], default=ALL_IN_ONE, label="A curve for each entry of")


for _name, _label in DIMS.items():  # which entry of each is shown, where it is not drawn along
    _kind = param.String if _name not in AXES else param.Integer if AXES[_name].is_whole else param.Number
    SweepSettings.param.add_parameter(_name, _kind(None, allow_None=True, label=_label))


def sweep_settings(session: Session) -> SweepSettings:
    """Return settings that offer the sweeps of the folder."""
    settings = SweepSettings()
    settings.param["sweep"].objects = ["", *store_choices(session, "sweep").values()]
    return settings


def sweep_tab(session: Session, settings: SweepSettings) -> Any:
    """Return the tab of a sweep."""
    return tab_of_stores(session, settings, "sweep", _View, what="sweeps")


class _View:
    """What the tab shows for the current settings."""

    def __init__(self, session: Session, folder: Folder, settings: SweepSettings) -> None:
        self._session, self._folder, self._settings = session, folder, settings
        self._read: Read | None = None
        self._shown: Shown | None = None
        self._stores = StoreList(session, settings, "sweep", "sweep", again=self._look_again)
        self._axes = {axis: pn.widgets.Select(name=label, visible=False, **LOOK) for axis, label in DIMS.items()}
        for axis, widget in self._axes.items():
            widget.param.watch(partial(self._take, axis), "value")
        self._x, self._y = (choice(settings, name, _axis_choices(DIMS)) for name in ("x", "y"))
        self._facet = choice(settings, "facet", {"all in one": ALL_IN_ONE} | _axis_choices(DIMS))
        self._results = Results()
        self.controls = [
            *self._stores.widgets,
            choice(settings, "score", SCORES),
            self._x,
            self._y,
            self._facet,
            *self._axes.values(),
        ]
        self.body = pn.Column(
            buttons(settings, "view", VIEWS),
            *self._results.panes,
            downloads(
                session,
                name="netxr_sweep",
                shown=lambda: self._shown,
                figure=lambda shown: on_paper(figures_of(scores_of(shown.read.sweep, shown.choice), shown.choice)),
                table=lambda shown: scores_of(shown.read.sweep, shown.choice).drop_dims(n.TRIAL),
                data=lambda shown: shown.read.sweep,
                lines=lambda shown: sweep_lines(shown.read.path, shown.read.sweep, shown.choice),
            ),
        )

    def _look_again(self) -> None:
        """Read the sweep again: more of its cells may be finished."""
        self._read = None
        self.update()

    def update(self, *_events: object) -> None:
        """Read the sweep, unless it is in memory, and show what the settings ask for."""
        name = self._settings.sweep
        self._session.cancel(KEY)
        if not name:
            self._shown = None
            self._results.show(note("Choose a sweep."))
            return
        if self._shown is not None:
            self._results.outdated(self._shown.text)
        if self._read is not None and self._read.name == name:
            self._session.clear()
            with self._session.guarded():
                self._show(self._read)
            return
        self._read = None
        self._session.run(KEY, partial(self._load, name), self._show, label=f"Reading {name}", short=True)

    def _load(self, name: str, job: Job) -> Read:
        """Read a sweep; in another thread."""
        path, sweep = self._folder.path_of(name), self._folder.open(name)
        check_read(sweep, memory=self._session.memory)
        job.step()
        return Read(name, path, sweep.load())

    def _show(self, read: Read) -> None:
        """Show what the settings ask for of a sweep that was read."""
        self._read, wanted = read, self._choice()
        self._offer_axes(read.sweep, wanted)
        scores = scores_of(read.sweep, wanted)
        said = [note(cells_text(read.sweep))]
        said += [note(needed_text(scores, wanted))] if wanted.view == ENOUGH else []
        self._results.show(*said, _arranged(figures_of(scores, wanted), scores, wanted))
        self._shown = Shown(read, wanted)

    def _offer_axes(self, sweep: xr.Dataset, wanted: SweepChoice) -> None:
        """Offer the axes that a sweep has, and the entries of each of which only one is drawn, if it has several."""
        there = axes_of(sweep)
        for widget, asked in ((self._x, wanted.x), (self._y, wanted.y), (self._facet, wanted.facet)):
            none = {"all in one": ALL_IN_ONE} if widget is self._facet else {}
            kept = {asked} & {*DIMS}  # what is asked for stays, and is said to be missing where it is
            widget.options = none | _axis_choices([dim for dim in DIMS if dim in (*there, *kept)])
        self._y.visible, self._facet.visible = wanted.view == MAP, wanted.view == CURVES
        for axis, widget in self._axes.items():
            if axis not in there:
                widget.visible = False
                continue
            held = sweep[axis].values.tolist()
            named = wanted.values[axis]
            value = held[0] if named is None else named
            options = {entry_text(entry): entry for entry in dict.fromkeys([*held, value])}
            widget.param.update(options=options, value=value, visible=axis not in wanted.drawn and len(held) > 1)

    def _take(self, axis: str, event: Any) -> None:
        """Take over the chosen entry of an axis."""
        if event.new is not None and self._read is not None:
            first = self._read.sweep[axis].values.tolist()[0]
            asked = getattr(self._settings, axis)
            if event.new != (first if asked is None else asked):
                self._settings.param.update(**{axis: event.new})

    def _choice(self) -> SweepChoice:
        """Return the settings of the view."""
        settings = self._settings
        values = {axis: getattr(settings, axis) for axis in DIMS}
        return SweepChoice(settings.view, settings.score, settings.x, settings.y, settings.facet, values)


def _axis_choices(axes: Iterable[str]) -> dict[str, str]:
    """Return {text: name} of axes."""
    return {DIMS[axis]: axis for axis in axes}


def _arranged(figures: list[Any], scores: xr.Dataset, wanted: SweepChoice) -> Any:
    """Return the figures as panes."""
    if wanted.view != CURVES:
        return panels(figures[0], **TOOLS)
    if len(figures) == 1:
        return stretched(figures[0], height=380)
    ylim = range_of(scores, wanted)
    return flow(*[stretched(one.opts(ylim=ylim), height=280, basis=300, most=480) for one in figures])
