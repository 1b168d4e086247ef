"""The tab for a recording: choose one, look at it, estimate its connectivity, save the estimate."""

from functools import partial
from typing import Any, Final, NamedTuple

import panel as pn
import xarray as xr

from netxr import names as n
from netxr.app.frame.controls import LOOK, buttons, choice, decimal, flag, number, text
from netxr.app.frame.downloads import downloads
from netxr.app.frame.folder import Folder
from netxr.app.frame.jobs import Job
from netxr.app.frame.looks import message_pane
from netxr.app.frame.panes import Results, button, note
from netxr.app.frame.session import Session
from netxr.app.frame.stores import StoreList, tab_of_stores, trial_choices
from netxr.app.recording.choice import LEVELS, NUMBER, POOLED, Choice, chosen_activity, is_lagged, lags_problem
from netxr.app.recording.compute import (
    Estimate,
    Sure,
    check_windows,
    estimate_of,
    excerpt_of,
    how_sure,
    lag_shown,
    one_recording,
    over_windows,
    savable,
    scored,
)
from netxr.app.recording.marked_pairs import marked, pairs_named, text_of
from netxr.app.recording.saving import Saving
from netxr.app.recording.settings import KINDS, MISSING_CHOICES, RecordingSettings, method_choices
from netxr.app.recording.views import (
    ACTIVITY_VIEW,
    ESTIMATE_VIEW,
    SURE_VIEW,
    VIEWS,
    WINDOWS_VIEW,
    Shown,
    drawn_on_page,
    figure_of,
    lines_of,
    table_of,
    taken_along,
)
from netxr.errors import InvalidInput
from netxr.plot import Selection
from netxr.plot.panels.dashboards import place_of_lag
from netxr.schema.variables import labels_of

KEY: Final = "recording"
MARKED_STEPS: Final = 500
"""Samples of the traces beside an estimate."""

OF_ESTIMATES: Final = {"method", "lags", "lag", "missing", "diagonal", "q", "windows", "pairs"}
"""Settings that do not matter for the view of the activity."""


class Asked(NamedTuple):
    """What the settings ask for; `lag`, `q`, `windows` and `pairs` as in `RecordingSettings`."""

    name: str
    choice: Choice
    view: str
    lag: int | None
    q: float
    windows: int
    pairs: str

    @property
    def key(self) -> tuple[Any, ...]:
        """What a result depends on; how it is scored and drawn is no part of it."""
        of_view = {SURE_VIEW: (self.view, self.lag), WINDOWS_VIEW: (self.view, self.lag, self.windows)}
        return self.name, self.choice._replace(diagonal=False), *of_view.get(self.view, ())


def recording_tab(session: Session, settings: RecordingSettings) -> Any:
    """Return the tab of a recording."""
    return tab_of_stores(session, settings, "recording", _View, what="recordings")


class _View:
    """What the tab shows for the current settings."""

    def __init__(self, session: Session, folder: Folder, settings: RecordingSettings) -> None:
        self._session, self._folder, self._settings = session, folder, settings
        self._shown: Shown | None = None
        self._known: tuple[tuple[Any, ...], Any] | None = None
        self._marked = text(settings, "marked", hint="0, 5 or 0:3 <- 7")
        self._marked.visible = False
        settings.param.watch(lambda _event: self._mark(self._shown), "marked")
        self._stores = StoreList(session, settings, "recording", *KINDS, choose=self._choose, again=self._look_again)
        self._saving = Saving(session, folder, saved=self._stores.describe)
        self._trial = choice(settings, "trial", {"1 of 1": 0})
        self._groups = number(settings, "groups")
        self._lags = text(settings, "lags", hint="1, or 0, 2, 5, or 0-10")
        self._about_lags = pn.Column(sizing_mode="stretch_width")
        self._windows, self._about_windows = number(settings, "windows"), pn.Column(sizing_mode="stretch_width")
        self._pairs, self._q = text(settings, "pairs", hint="the strongest, or 0, 5 <- 7"), decimal(settings, "q")
        self._lag = pn.widgets.Select(name=settings.param["lag"].label, visible=False, **LOOK)
        self._results = Results()
        self._offer_trials()
        self.controls = self._controls()
        self.body = self._body()

    def _controls(self) -> list[Any]:
        """Return the widgets beside the figures."""
        settings = self._settings
        self._lag.param.watch(self._take_lag, "value")
        return [
            *self._stores.widgets,
            self._trial,
            text(settings, "neurons", hint="all, or a, b, c, or a:c, or group=V1"),
            choice(settings, "level", LEVELS),
            self._groups,
            decimal(settings, "high_pass"),
            flag(settings, "difference"),
            choice(settings, "method", method_choices()),
            self._lags,
            self._about_lags,
            choice(settings, "missing", MISSING_CHOICES),
            flag(settings, "diagonal"),
            button("Estimate connectivity", self._estimate, main=True),
        ]

    def _body(self) -> pn.Column:
        """Return the figures with their widgets and downloads."""
        settings = self._settings
        excerpt = pn.FlexBox(number(settings, "start"), number(settings, "length"))
        settings.param.watch(lambda event: excerpt.param.update(visible=event.new == ACTIVITY_VIEW), "view")
        excerpt.visible = settings.view == ACTIVITY_VIEW
        return pn.Column(
            buttons(settings, "view", VIEWS),
            pn.FlexBox(excerpt, self._lag, self._marked, self._q, self._windows, self._pairs),
            self._about_windows,
            *self._results.panes,
            self._saving.row,
            downloads(
                self._session,
                name="netxr_recording",
                shown=lambda: self._shown,
                figure=figure_of,
                table=table_of,
                data=taken_along,
                lines=lines_of,
            ),
        )

    def _look_again(self) -> None:
        """Read the recording again."""
        self._known = None
        self._offer_trials()
        self.update()

    def _offer_trials(self) -> None:
        """Offer the trials of the chosen recording."""
        trials = trial_choices(self._session, self._settings.recording, pooled=POOLED)
        chosen = self._settings.trial
        gone = {} if chosen in trials.values() else {f"{chosen}": chosen}
        self._trial.param.update(options=trials | gone, value=chosen, visible=len(trials) > 1)

    def _choose(self, name: str) -> None:
        """Show the activity of another recording; nothing is estimated before it is asked for."""
        anew = ("view", "trial", "neurons", "level", "high_pass", "difference", "lag", "start", "marked")
        fresh = {setting: self._settings.param[setting].default for setting in anew}
        self._settings.param.update(recording=name, **fresh)

    def _estimate(self, _event: object) -> None:
        """Show the estimate; if it is shown already, make it again."""
        if self._settings.view == ACTIVITY_VIEW:
            self._settings.view = ESTIMATE_VIEW
        else:
            self._known = None
            self.update(afresh=True)

    def update(self, *events: Any, afresh: bool = False) -> None:
        """Read or compute what the settings ask for, and show it."""
        settings, changed = self._settings, {event.name for event in events} - {"marked"}
        self._say_beside()
        if events and not changed:
            return
        seen = settings.view == ACTIVITY_VIEW
        if seen and self._shown is not None and changed and changed <= OF_ESTIMATES:
            return
        if "recording" in changed:
            self._offer_trials()
        self._groups.visible = settings.level == NUMBER
        self._saving.withdraw()
        if not settings.recording:
            self._session.cancel(KEY)
            self._shown = None
            self._lag.visible = self._marked.visible = False
            self._results.show(note("Choose a recording."))
            return
        if self._shown is not None:
            self._results.outdated(self._shown.text)
        else:
            self._results.waiting()
        asked = self._asked()
        known = self._known[1] if self._known is not None and self._known[0] == asked.key else None
        part = (settings.start, settings.length) if seen else (0, MARKED_STEPS)
        self._session.run(
            KEY,
            partial(self._work, asked, part, known, afresh),
            self._show,
            label=f"{'Reading' if seen else 'Estimating the connectivity of'} {settings.recording}",
            # A filter goes through the whole recording.
            short=(seen or known is not None) and not asked.choice.high_pass,
        )

    def _choice(self) -> Choice:
        """Return the settings of the estimate."""
        return Choice(*(getattr(self._settings, name) for name in Choice._fields))

    def _asked(self) -> Asked:
        """Return what the settings ask for."""
        s = self._settings
        return Asked(s.recording, self._choice(), s.view, s.lag, s.q, s.windows, s.pairs)

    def _say_beside(self) -> None:
        """Say beside the lags and the windows what is wrong with them, and show the controls of the view."""
        settings, choice = self._settings, self._choice()
        in_windows = settings.view == WINDOWS_VIEW
        self._lags.visible = is_lagged(choice)
        self._q.visible, self._windows.visible, self._pairs.visible = settings.view == SURE_VIEW, in_windows, in_windows
        shown, path = self._shown, self._folder.root / settings.recording
        run = shown.run if shown is not None and shown.path == path else None
        problem = windows_problem(run, self._asked()) if in_windows and run is not None else ""
        for pane, said in ((self._about_lags, lags_problem(choice)), (self._about_windows, problem)):
            pane[:] = [message_pane(said, kind="error")] if said else []

    def _work(
        self, asked: Asked, part: tuple[int, int], known: Any, afresh: bool, job: Job
    ) -> tuple[Shown, tuple[Any, ...] | None, Any]:
        """Read, and estimate if the view shows an estimate; in another thread."""
        memory, folder, choice, view = self._session.memory, self._folder, asked.choice, asked.view
        path, run = folder.path_of(asked.name), folder.open(asked.name)
        excerpt = excerpt_of(chosen_activity(run, choice), start=part[0], length=part[1], memory=memory)
        shown = Shown(path, run, choice, view, asked.lag, part, excerpt, None, False, Selection(), asked.q, asked.pairs)
        if view == ACTIVITY_VIEW:
            return shown, None, None
        at, compute = lag_shown(choice, asked.lag), job.compute
        if view == SURE_VIEW:
            sure: Sure = known or how_sure(run, choice, lag=at, memory=memory, compute=compute)
            return shown._replace(sure=sure), asked.key, sure
        if view == WINDOWS_VIEW:
            n_windows, windows = asked.windows, known
            if windows is None:
                windows = over_windows(run, choice, lag=at, n_windows=n_windows, memory=memory, compute=compute)
            return shown._replace(windows=windows), asked.key, windows
        found = known or estimate_of(run, choice, memory=memory, compute=compute, afresh=afresh)
        job.step()
        done = shown._replace(found=scored(run, found.R, choice), stored=found.stored, foretold=found.foretold)
        return done, asked.key, found

    def _show(self, result: tuple[Shown, tuple[Any, ...] | None, Any]) -> None:
        """Show what was read or computed."""
        shown, key, estimate = result
        if key is not None:
            self._known = key, estimate
        self._mark(shown)
        self._results.show(*drawn_on_page(shown))
        self._shown = shown
        if isinstance(estimate, Estimate) and not estimate.stored:
            self._saving.offer(self._settings.recording, partial(savable, estimate.R, shown.run, shown.choice))
        lags = shown.lags
        self._lag.param.update(options=lags, value=lags[place_of_lag(lags, asked=shown.lag)] if lags else None)
        self._lag.visible = bool(lags)
        self._marked.visible = shown.is_linked
        if shown.is_linked:
            shown.selection.add_subscriber(lambda **_chosen: self._take_marks(shown))

    def _take_lag(self, event: Any) -> None:
        """Show another lag, if the user chose it and the page did not set it."""
        shown = self._shown
        if event.new is not None and shown is not None and event.new != shown.lag_shown:
            self._settings.lag = event.new

    def _mark(self, shown: Shown | None) -> None:
        """Mark what the settings say, in all figures."""
        if shown is None or not shown.is_linked:
            return
        if self._settings.marked != text_of(_neurons_of(shown), shown.selection):
            with self._session.guarded():
                shown.selection.event(**marked(_neurons_of(shown), self._settings.marked))

    def _take_marks(self, shown: Shown) -> None:
        """Take over into the settings what was marked in a figure."""
        if shown is self._shown:
            self._settings.marked = text_of(_neurons_of(shown), shown.selection)


def windows_problem(run: xr.Dataset, asked: Asked) -> str:
    """Return why the windows or pairs that are asked for cannot be drawn; an empty text where they can."""
    try:
        activity, at = one_recording(run, asked.choice), lag_shown(asked.choice, asked.lag)
        check_windows(activity, asked.choice, lag=at, n_windows=asked.windows)
        pairs_named(labels_of(activity, n.NEURON), asked.pairs)
    except InvalidInput as error:
        return str(error)
    return ""


def _neurons_of(shown: Shown) -> Any:
    """Return the labels of the neurons or groups that can be marked."""
    return labels_of(shown.matrices.R, n.TARGET)
