"""The tab for a recording: choose one, look at it, estimate its connectivity, save the estimate."""

from functools import partial
from typing import Any, Final

import panel as pn

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
from netxr.app.recording.compute import Estimate, estimate_of, excerpt_of, savable, scored
from netxr.app.recording.marked_pairs import marked, text_of
from netxr.app.recording.saving import Saving
from netxr.app.recording.settings import KINDS, MISSING_CHOICES, RecordingSettings, method_choices
from netxr.app.recording.views import (
    ACTIVITY_VIEW,
    ESTIMATE_VIEW,
    VIEWS,
    Shown,
    drawn_on_page,
    figure_of,
    lines_of,
    table_of,
    taken_along,
)
from netxr.plot import Selection
from netxr.plot.panels.dashboards import place_of_lag
from netxr.schema.variables import labels_of

KEY: Final = "recording"
MARKED_STEPS: Final = 500
"""Samples of the traces beside an estimate."""

OF_ESTIMATES: Final = {"method", "lags", "lag", "missing", "diagonal"}
"""Settings that do not matter for the view of the activity."""


def recording_tab(session: Session, settings: RecordingSettings) -> Any:
    """Return the tab of a recording."""
    return tab_of_stores(session, settings, "recording", _View, what="recordings")


class _View:
    """What the tab shows for the current settings."""

    def __init__(self, session: Session, folder: Folder, settings: RecordingSettings) -> None:
        self._session, self._folder, self._settings = session, folder, settings
        self._shown: Shown | None = None
        self._known: tuple[tuple[str, Choice], Estimate] | None = None
        self._marked = text(settings, "marked", hint="0, 5 or 0:3 <- 7")
        self._marked.visible = False
        settings.param.watch(lambda _event: self._mark(self._shown), "marked")
        self._stores = StoreList(session, settings, "recording", *KINDS, choose=self._choose, again=self._look_again)
        self._saving = Saving(session, folder, saved=self._stores.describe)
        self._trial = choice(settings, "trial", {"1 of 1": 0})
        self._groups = number(settings, "groups")
        self._lags = text(settings, "lags", hint="1, or 0, 2, 5, or 0-10")
        self._about_lags = pn.Column(sizing_mode="stretch_width")
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
            pn.FlexBox(excerpt, self._lag, self._marked),
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
            styles={"flex": "1000 1 480px", "min-width": "0"},
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
        problem = lags_problem(self._choice())
        self._lags.visible = is_lagged(self._choice())
        self._about_lags[:] = [message_pane(problem, kind="error")] if problem else []
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
        wanted = self._choice()
        is_known = self._known is not None and self._known[0] == _key(settings.recording, wanted)
        self._session.run(
            KEY,
            partial(
                self._work,
                (settings.recording, wanted, settings.view, settings.lag),
                (settings.start, settings.length) if seen else (0, MARKED_STEPS),
                self._known[1] if is_known and self._known else None,
                afresh,
            ),
            self._show,
            label=f"{'Reading' if seen else 'Estimating the connectivity of'} {settings.recording}",
            short=(seen or is_known) and not wanted.high_pass,  # a filter goes through the whole recording
        )

    def _choice(self) -> Choice:
        """Return the settings of the estimate."""
        return Choice(*(getattr(self._settings, name) for name in Choice._fields))

    def _work(
        self,
        asked: tuple[str, Choice, str, int | None],
        part: tuple[int, int],
        known: Estimate | None,
        afresh: bool,
        job: Job,
    ) -> tuple[Shown, Estimate | None]:
        """Read, and estimate if the view shows an estimate; in another thread."""
        name, wanted, view, lag = asked
        memory, folder = self._session.memory, self._folder
        path, run = folder.path_of(name), folder.open(name)
        excerpt = excerpt_of(chosen_activity(run, wanted), start=part[0], length=part[1], memory=memory)
        shown = Shown(path, run, wanted, view, lag, part, excerpt, None, False, Selection())
        if view == ACTIVITY_VIEW:
            return shown, None
        found = known or estimate_of(run, wanted, memory=memory, compute=job.compute, afresh=afresh)
        job.step()
        return shown._replace(found=scored(run, found.R, wanted), stored=found.stored, foretold=found.foretold), found

    def _show(self, result: tuple[Shown, Estimate | None]) -> None:
        """Show what was read or computed."""
        shown, estimate = result
        if estimate is not None:
            self._known = _key(self._settings.recording, shown.choice), estimate
        self._mark(shown)
        self._results.show(*drawn_on_page(shown))
        self._shown = shown
        if estimate is not None and not estimate.stored:
            self._saving.offer(self._settings.recording, partial(savable, estimate.R, shown.run, shown.choice))
        lags = [] if shown.found is None or n.LAG not in shown.found.R.dims else shown.found.R[n.LAG].values.tolist()
        self._lag.param.update(options=lags, value=lags[place_of_lag(lags, asked=shown.lag)] if lags else None)
        self._lag.visible = bool(lags) and shown.view != "lags"
        self._marked.visible = shown.is_linked
        if shown.is_linked:
            shown.selection.add_subscriber(lambda **_chosen: self._take_marks(shown))

    def _take_lag(self, event: Any) -> None:
        """Show another lag, if the user chose it and the page did not set it."""
        shown = self._shown
        if event.new is not None and shown is not None and event.new != shown.matrices.R[n.LAG].item():
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


def _key(recording: str, wanted: Choice) -> tuple[str, Choice]:
    """Return the settings that an estimate depends on; how it is scored is not one of them."""
    return recording, wanted._replace(diagonal=False)


def _neurons_of(shown: Shown) -> Any:
    """Return the labels of the neurons or groups that can be marked."""
    return labels_of(shown.matrices.R, n.TARGET)
