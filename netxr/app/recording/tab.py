"""The tab for a recording: choose one, look at it, estimate its connectivity, save the estimate."""

from functools import partial
from typing import Any, Final

import panel as pn
import xarray as xr

from netxr import names as n
from netxr.app.frame.controls import text
from netxr.app.frame.downloads import downloads
from netxr.app.frame.folder import Folder
from netxr.app.frame.jobs import Job, message_of
from netxr.app.frame.panes import Results, button, note, stack
from netxr.app.frame.session import Session, at_once
from netxr.app.frame.stores import StoreList, tab_of_stores
from netxr.app.recording.answers import estimate_html, warning_of, words_of
from netxr.app.recording.asked import Asked, Kept, key_of_test
from netxr.app.recording.cards import Cards
from netxr.app.recording.choice import Choice, chosen_activity, with_bad_frames
from netxr.app.recording.compute import (
    Compute,
    Estimate,
    Sure,
    alike_of,
    estimate_of,
    excerpt_of,
    foretold,
    how_sure,
    lag_shown,
    over_windows,
    savable,
    scored,
)
from netxr.app.recording.cost import LIVE, Cost, cost_of
from netxr.app.recording.files import Files
from netxr.app.recording.judged import is_judged, soon_judged
from netxr.app.recording.marked_pairs import FROM, marked, text_of
from netxr.app.recording.rail import STEPS, Rail, as_called, step_of
from netxr.app.recording.report_file import ReportFile
from netxr.app.recording.saving import Saving
from netxr.app.recording.settings import ANEW, FILL, KINDS, OF_ESTIMATES, RecordingSettings
from netxr.app.recording.shown import ACTIVITY_VIEW, CLEAN_VIEW, ESTIMATE_VIEW, SEEN, SURE_VIEW, WINDOWS_VIEW, Shown
from netxr.app.recording.views import figure_of, lines_of, table_of, taken_along
from netxr.app.recording.windows_view import windows_problem
from netxr.errors import InvalidInput, NonFiniteActivity
from netxr.estimators.table import estimator
from netxr.plot import Selection
from netxr.schema.variables import labels_of

KEY: Final = "recording"
FORETOLD: Final = "foretold"
JUDGED: Final = "judged"
"""Names of what is computed."""

MARKED_STEPS: Final = 500
"""Samples of the traces beside an estimate."""


def recording_tab(session: Session, settings: RecordingSettings) -> Any:
    """Return the tab of a recording."""
    return tab_of_stores(session, settings, _View, what="recordings")


class _View:
    """What the tab shows for the current settings."""

    def __init__(self, session: Session, folder: Folder, settings: RecordingSettings) -> None:
        self._session, self._folder, self._settings = session, folder, settings
        self._shown: Shown | None = None
        self._known = Kept()
        self._marked = text(settings, "marked", hint="0, 5 or 0:3 <- 7")
        self._marked.visible = False
        settings.param.watch(lambda _event: self._mark(self._shown), "marked")
        self._stores = StoreList(session, settings, "recording", *KINDS, choose=self._choose, again=self._look_again)
        self._files = Files(session, folder, choose=self._choose, imported=self._imported)
        self._saving = Saving(session, folder, saved=self._stores.describe)
        self._rail = Rail(session, settings, self._stores, self._estimate, lambda _event: session.stop(KEY))
        self._rail.files.param.watch(lambda _event: self._show_files(), "value")
        for widget in self._rail.lags_shown:
            widget.param.watch(self._take_lag, "value")
        self._cards = Cards(self._select, later=session.later)
        self._cost: Cost | None = None
        self._waits = False
        self._results = Results(self._tools(), run=self._estimate, later=session.later)
        self._warning, self._cure = stack(visible=False), stack(visible=False)
        self._helps_again = True
        self._rail.offer_trials()
        session.listeners.append(self._show_files)
        self.controls, self.summary = [self._rail.steps.panel, self._marked], self._rail.steps.summary
        head, body, foot = self._results.head, self._results.body, self._results.foot
        self.body = pn.Column(self._cure, head, self._warning, self._files.panel, body, foot)

    def _tools(self) -> pn.Column:
        """Return what can be taken from the view."""
        return downloads(
            self._session,
            name="netxr_recording",
            shown=lambda: self._shown,
            figure=figure_of,
            table=table_of,
            data=taken_along,
            lines=lines_of,
            beside=self._saving.buttons,
            further=ReportFile(self._session, lambda: self._shown).buttons,
        )

    def _look_again(self) -> None:
        """Read the recording again."""
        self._known.clear()
        self._rail.offer_trials()
        self.update()

    def _choose(self, name: str) -> None:
        """Show the activity of another recording; nothing is estimated before it is asked for."""
        fresh = {setting: self._settings.param[setting].default for setting in ANEW}
        self._settings.param.update(recording=name, **fresh)

    def _imported(self, store: str) -> None:
        """Open a store that was just made."""
        self._stores.look_again()
        self._choose(store)

    def _estimate(self, _event: object) -> None:
        """Show the estimate; if it is shown already, make it again."""
        was_seen = self._settings.view in SEEN
        if was_seen:
            self._settings.view = ESTIMATE_VIEW
        if self._waits:
            self.update()
        elif not was_seen:
            self._known.clear()
            self.update(afresh=True)

    @at_once()
    def update(self, *events: Any, afresh: bool = False) -> None:
        """Read or compute what the settings ask for, and show it."""
        settings, changed = self._settings, {event.name for event in events} - {"marked"}
        problem = self._say_beside()
        if events and not changed:
            return
        seen = settings.view in SEEN
        if seen and self._shown is not None and changed and changed <= OF_ESTIMATES:
            return
        if "recording" in changed:
            self._rail.offer_trials()
        self._saving.withdraw()
        self._cure.param.update(objects=[], visible=False)
        self._helps_again = True
        if not settings.recording:
            self._session.cancel(KEY)
            self._rail.computing(False)
            self._shown = None
            self._marked.visible = False
            self._rail.show_result(None)
            self._warning.visible = False
            self._results.nothing()
            return
        asked = self._asked()
        known = self._known.get(asked.key)
        self._waits = bool(events) and not seen and known is None and self._takes_long()
        if self._shown is not None:
            self._results.outdated(self._shown.text, waits=self._waits)
        else:
            self._results.waiting()
        if self._waits or problem:
            self._rail.computing(False)
            self._session.changed(KEY)
            return
        part = (settings.start, settings.length) if seen else (0, MARKED_STEPS)
        # A filter goes through the whole recording.
        short = (seen or known is not None) and not (asked.choice.high_pass or asked.choice.bad_frames)
        self._rail.computing(not short)
        self._session.run(
            KEY,
            partial(self._worked, asked, part, known, afresh),
            self._show,
            label=f"{'Reading' if seen else 'Estimating the connectivity of'} {settings.recording}",
            short=short,
            withdrawn=self._withdrawn,
            tell=self._tell,
        )

    def _tell(self, error: BaseException) -> None:
        """Say what is wrong below its field, or above the results, and lead to the step that cures it."""
        wrong, here = message_of(error), step_of(self._settings.view)
        self._helps_again = not isinstance(error, InvalidInput)
        cure = self._rail.tell(wrong)
        if cure != here:
            self._session.say(wrong)
        cure = "Clean" if wrong.endswith(FILL) else cure
        if cure not in ("", here):
            go = button(f"Go to {cure}", lambda _event: self._settings.param.update(view=STEPS[cure][0]))
            self._cure.param.update(objects=[go], visible=True)

    def _withdrawn(self) -> None:
        """Say that nothing comes, where nothing is shown yet."""
        self._rail.computing(False)
        if self._shown is None and self._helps_again:
            again = button("Run it again", lambda _event: self.update())
            self._results.empty("There is no result", "Change a setting, or run it again.", again)
        elif self._shown is None:
            self._results.empty("There is no result", "These settings have none: change what is said to be wrong.")

    def _takes_long(self) -> bool:
        """Return whether what the settings ask for takes so long that it waits to be asked for."""
        return self._cost is not None and self._cost.seconds > LIVE

    def _choice(self) -> Choice:
        """Return the settings of the estimate."""
        return Choice(*(getattr(self._settings, name) for name in Choice._fields))

    def _asked(self) -> Asked:
        """Return what the settings ask for."""
        s = self._settings
        return Asked(s.recording, self._choice(), s.view, s.lag, s.q, s.windows, s.pairs)

    def _say_beside(self) -> str:
        """Show the controls of the view, and return what is wrong with them, which is said beside them."""
        settings, shown = self._settings, self._shown
        path = self._folder.root / settings.recording
        run = shown.run if shown is not None and shown.path == path else None
        self._cost = None if run is None else cost_of(run, self._choice(), memory=self._session.memory)
        self._rail.foretell(self._cost)
        in_windows = settings.view == WINDOWS_VIEW
        said: dict[str, Any] = {"lag": settings.lag, "n_windows": settings.windows, "pairs": settings.pairs}
        problem = windows_problem(run, self._choice(), **said) if in_windows and run is not None else ""
        self._rail.show(self._choice(), problem=problem, has_truth=run is None or n.CONNECTIVITY in run)
        self._show_files()
        return problem

    def _show_files(self) -> None:
        """Show what the folder holds, while nothing is open or it is asked for."""
        name, in_step = self._settings.recording, self._settings.view == ACTIVITY_VIEW
        self._rail.files.visible = bool(name)
        wanted = in_step and (not name or self._rail.files.value)
        if wanted:
            self._files.show(name)
        self._files.panel.visible = wanted

    def _worked(
        self, asked: Asked, part: tuple[int, int], known: Any, afresh: bool, job: Job
    ) -> tuple[Shown, tuple[Any, ...] | None, Any]:
        """Read and estimate as `_work` does; say what is wrong in the words of the page, and what can be done there."""
        try:
            return self._work(asked, part, known, afresh, job)
        except NonFiniteActivity as error:
            if "NaN" not in str(error):  # finite ones that overflow are not missing
                raise
            raise error.about(error.argument, fix=FILL) from None
        except InvalidInput as error:
            raise as_called(error) from None

    def _work(
        self, asked: Asked, part: tuple[int, int], known: Any, afresh: bool, job: Job
    ) -> tuple[Shown, tuple[Any, ...] | None, Any]:
        """Read, and estimate if the view shows an estimate; in another thread."""
        memory, folder, choice, view = self._session.memory, self._folder, asked.choice, asked.view
        path, run = folder.path_of(asked.name), with_bad_frames(folder.open(asked.name), choice, job.compute)
        excerpt = excerpt_of(chosen_activity(run, choice), start=part[0], length=part[1], memory=memory)
        shown = Shown(path, run, choice, view, asked.lag, part, excerpt, None, False, Selection(), asked.q, asked.pairs)
        if view == CLEAN_VIEW:
            before = chosen_activity(run, choice.as_recorded)
            shown = shown._replace(before=excerpt_of(before, start=part[0], length=part[1], memory=memory))
            shown = shown._replace(alike=self._alike(run, choice, job.compute))
        if view in SEEN:
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
        done = shown._replace(found=scored(run, found.R, choice), stored=found.stored)
        return done, asked.key, found

    def _alike(self, run: xr.Dataset, choice: Choice, compute: Compute) -> tuple[float, float] | None:
        """Return how alike R and its transpose are before and after cleaning, where that is soon known."""
        memory, cost = self._session.memory, cost_of(run, choice, memory=self._session.memory)
        if cost is None or cost.seconds > LIVE or not estimator(choice.method).directed:
            return None
        lag = lag_shown(choice, None)
        before, after = (
            alike_of(run, one, lag=lag, memory=memory, compute=compute) for one in (choice.as_recorded, choice)
        )
        return before, after

    def _show(self, result: tuple[Shown, tuple[Any, ...] | None, Any]) -> None:
        """Show what was read or computed."""
        shown, key, estimate = result
        self._rail.computing(False)
        if key is not None:
            self._known.keep(key, estimate)
        self._mark(shown)
        shown = shown._replace(marked=self._pair_marked(shown) if shown.view == ESTIMATE_VIEW else "")
        self._answer = words_of(shown)
        self._results.show(*self._cards.of(shown, after=self._shown), answer=self._answer)
        warning = warning_of(shown, self._go_to_clean)
        self._warning[:], self._warning.visible = warning, bool(warning)
        self._foretell(shown)
        self._shown = shown
        if isinstance(estimate, Estimate) and not estimate.stored:
            self._saving.offer(self._settings.recording, partial(savable, estimate.R, shown.run, shown.choice))
        self._rail.show_result(shown)
        self._say_beside()
        self._marked.visible = shown.is_linked
        if shown.is_linked:
            shown.selection.add_subscriber(lambda **_chosen: self._take_marks(shown))

    def _foretell(self, shown: Shown) -> None:
        """Say of an estimate, once that is known, how sure it is, and how well a network like this one is found."""
        self._say_foretold("")
        self._session.cancel(FORETOLD)
        self._session.cancel(JUDGED)
        if shown.view == ESTIMATE_VIEW:
            self._session.later(partial(self._foretell_when_drawn, shown))

    def _foretell_when_drawn(self, shown: Shown) -> None:
        """Compute what is said of an estimate that is drawn, unless another one is shown meanwhile."""
        if self._shown is not shown:
            return
        quiet: dict[str, Any] = {"label": "", "quiet": True}
        if (sure := self._known.get(key_of_test(shown))) is not None:
            self._judge(sure)
        elif is_judged(shown.choice):
            test = partial(soon_judged, shown, memory=self._session.memory)
            self._session.run(JUDGED, lambda job: test(compute=job.compute), self._judge, **quiet)
        if not shown.stored:
            work = partial(foretold, shown.run, shown.choice, lag=shown.lag_tested)
            self._session.run(FORETOLD, lambda _job: work(), self._say_foretold, **quiet)

    def _judge(self, sure: Sure | None) -> None:
        """Show how sure the estimate is that is shown: another one would have cancelled its test."""
        self._cards.judge(sure)
        if self._shown is not None:
            self._answer[0].object = estimate_html(self._shown, sure)
            if sure is not None:
                self._known.keep(key_of_test(self._shown), sure)

    def _say_foretold(self, text: str) -> None:
        """Say it, if there is something to say."""
        self._results.foot[:] = [note(text)] if text else []
        self._results.foot.visible = bool(text)

    def _go_to_clean(self, _event: object) -> None:
        """Open the step that takes off what is slow, and leaves out bad frames."""
        self._settings.view = CLEAN_VIEW

    def _pair_marked(self, shown: Shown) -> str:
        """Return which pair the settings mark; if they name none of this estimate, say so, and return none."""
        with self._session.guarded():
            marked(_neurons_of(shown), self._settings.marked)
            return str(self._settings.marked)
        return ""

    def _select(self, target: Any, source: Any) -> None:
        """Keep in the settings which pair was selected."""
        self._settings.marked = f"{target} {FROM} {source}"

    def _take_lag(self, event: Any) -> None:
        """Show another lag, if the user chose it and the page did not set it."""
        shown = self._shown
        if event.new is not None and shown is not None and event.new != shown.lag_shown:
            self._settings.lag = event.new

    def _mark(self, shown: Shown | None) -> None:
        """Mark what the settings say, in all figures."""
        if shown is not None and shown is self._shown and shown.view == ESTIMATE_VIEW:
            self._shown = shown = shown._replace(marked=self._pair_marked(shown))
            self._cards.select(shown)
        if shown is None or not shown.is_linked:
            return
        if self._settings.marked != text_of(_neurons_of(shown), shown.selection):
            with self._session.guarded():
                shown.selection.event(**marked(_neurons_of(shown), self._settings.marked))

    def _take_marks(self, shown: Shown) -> None:
        """Take over into the settings what was marked in a figure."""
        if shown is self._shown:
            self._settings.marked = text_of(_neurons_of(shown), shown.selection)


def _neurons_of(shown: Shown) -> Any:
    """Return the labels of the neurons or groups that can be marked."""
    return labels_of(shown.matrices.R, n.TARGET)
