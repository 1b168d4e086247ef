"""The settings of a recording as four steps: choose it, clean it, estimate, and see how sure the estimate is."""

from collections.abc import Callable
from typing import Any, Final

import panel as pn
import param
import xarray as xr

from netxr import names as n
from netxr.app.frame.controls import LOOK, choice, decimal, flag, number, text
from netxr.app.frame.lag_times import interval_of, lag_text, shown_lags, typed_lags, unit_of
from netxr.app.frame.looks import message_pane
from netxr.app.frame.panes import button, halves, stack
from netxr.app.frame.session import Session
from netxr.app.frame.steps import Steps
from netxr.app.frame.stores import StoreList, size_text, trial_choices
from netxr.app.recording.choice import LEVELS, NUMBER, POOLED, Choice, is_lagged, lags_problem
from netxr.app.recording.cost import Cost
from netxr.app.recording.methods_table import methods_dialogue
from netxr.app.recording.settings import MISSING_CHOICES, RecordingSettings, method_choices
from netxr.app.recording.shown import (
    ACTIVITY_VIEW,
    AGREEMENT_VIEW,
    BESIDE_VIEW,
    CLEAN_VIEW,
    ESTIMATE_VIEW,
    LAGS_VIEW,
    SURE_VIEW,
    VIEWS,
    WINDOWS_VIEW,
    Shown,
)
from netxr.errors import InvalidInput
from netxr.estimators.symmetry import symmetry
from netxr.estimators.table import estimator
from netxr.estimators.undirected import is_undirected
from netxr.plot.panels.dashboards import place_of_lag
from netxr.schema.words import number as number_text
from netxr.significance.tested import may_have_p_values

STEPS: Final = {
    "Recording": (ACTIVITY_VIEW,),
    "Clean": (CLEAN_VIEW,),
    "Estimate": (ESTIMATE_VIEW, BESIDE_VIEW, AGREEMENT_VIEW, LAGS_VIEW),
    "How sure": (SURE_VIEW, WINDOWS_VIEW),
}
"""Views of each step; it opens with the first one."""

OF_TRUTH: Final = (BESIDE_VIEW, AGREEMENT_VIEW)
"""Views of recordings whose connectivity is known."""

EXAMPLES: Final = ("1", "0, 2, 5", "0-10")
"""Lags in samples that can be typed."""

NOT_YET: Final = "not asked for yet"

CALLED: Final = {
    "start": "First sample shown",
    "length": "Samples shown",
    "neurons": "Neurons",
    "cutoff": "High-pass cutoff",
}
"""What the page calls the arguments that are typed in its fields."""

FIELDS: Final = {"First sample shown": "Recording", "Samples shown": "Recording"} | dict.fromkeys(
    ("Neurons", "High-pass cutoff"), "Clean"
)
"""The step of each of these fields."""


def step_of(view: str) -> str:
    """Return the step that a view belongs to."""
    return next(step for step, views in STEPS.items() if view in views)


def as_called(error: InvalidInput) -> InvalidInput:
    """Return an error about what the page calls its argument.

    Examples
    --------
    >>> print(as_called(InvalidInput("start", got="900", expected="0 to 99")))
    First sample shown: got 900; expected 0 to 99.
    """
    return error.about(CALLED[error.argument]) if error.argument in CALLED else error


class Rail:
    """The controls of a recording.

    `run` and `cancel` are called when an estimate is asked for, and when it is no longer wanted.
    """

    def __init__(
        self,
        session: Session,
        settings: RecordingSettings,
        stores: StoreList,
        run: Callable[[object], object],
        cancel: Callable[[object], object],
    ) -> None:
        self._session, self._settings = session, settings
        self.trial = choice(settings, "trial", {"1 of 1": 0})
        self.files = pn.widgets.Toggle(name="All files", visible=False, margin=0)
        self._groups = number(settings, "groups")
        self._high_pass = decimal(settings, "high_pass")
        self._interval = 0.0
        self._run = button("Run", run, main=True, css_classes=["main", "run"])
        wide: dict[str, Any] = {"sizing_mode": "stretch_width", "css_classes": ["cancel"]}
        self._cancel = button("Cancel", cancel, visible=False, **wide)
        self._about_lags, self._about_windows = stack(visible=False), stack(visible=False)
        self._beside = {field: stack(visible=False) for field in FIELDS}
        self._lags = pn.widgets.TextInput(name=settings.param["lags"].label, **LOOK)
        self._lags.param.watch(self._take_lags, "value")
        settings.param.watch(lambda _event: self._show_lags(), "lags")
        self._show_lags()
        self._windows = number(settings, "windows")
        self._pairs = text(settings, "pairs", hint="the strongest, or 0 <- 7")
        self._q = decimal(settings, "q")
        self._given = pn.widgets.MultiChoice(name=settings.param["given"].label, visible=False, **LOOK)
        self._views = {step: pn.widgets.Select(name="View", visible=False, **LOOK) for step in ("Estimate", "How sure")}
        for widget in self._views.values():
            widget.param.watch(self._take_view, "value")
        label = settings.param["lag"].label
        self.lags_shown = [pn.widgets.Select(name=label, visible=False, **LOOK) for _ in ("Estimate", "How sure")]
        self._more = pn.Column(
            choice(settings, "level", LEVELS),
            self._groups,
            choice(settings, "missing", MISSING_CHOICES),
            flag(settings, "diagonal"),
            css_classes=["stack"],
            visible=False,
            sizing_mode="stretch_width",
            margin=0,
        )
        self._given.param.watch(self._take_given, "value")
        self._made: dict[str, tuple[Any, list[str]]] = {}
        self.steps = Steps(
            {
                "Recording": self._choosing(stores),
                "Clean": self._cleaning(),
                "Estimate": self._estimating(),
                "How sure": self._judging(),
            },
            self._open,
        )

    def _choosing(self, stores: StoreList) -> list[Any]:
        """Return the controls of which recording, and of what is shown of it."""
        part = halves(number(self._settings, "start"), number(self._settings, "length"))
        wrong = [self._beside[field] for field in ("First sample shown", "Samples shown")]
        return [stores.list, halves(stores.refresh, self.files), stores.about, self.trial, part, *wrong]

    def _cleaning(self) -> list[Any]:
        """Return the controls of what is done before an estimate, in its order."""
        settings = self._settings
        return [
            text(settings, "neurons", hint="all, or a, b, c, or a:c, or group=V1"),
            self._beside["Neurons"],
            flag(settings, "bad_frames"),
            self._high_pass,
            self._beside["High-pass cutoff"],
            flag(settings, "difference"),
            flag(settings, "z_score"),
        ]

    def _estimating(self) -> list[Any]:
        """Return the controls of an estimate, and what makes it."""
        more = pn.widgets.Toggle(name="More settings", margin=0)
        more.param.watch(lambda event: self._more.param.update(visible=event.new), "value")
        return [
            choice(self._settings, "method", method_choices()),
            methods_dialogue(),
            halves(self._lags, self.lags_shown[0]),
            self._about_lags,
            self._given,
            self._views["Estimate"],
            more,
            self._more,
            pn.Column(self._run, self._cancel, css_classes=["runs"], sizing_mode="stretch_width", margin=0),
        ]

    def _judging(self) -> list[Any]:
        """Return the controls of how sure an estimate is."""
        lag, asked = self.lags_shown[1], (self._q, self._windows, self._pairs, self._about_windows)
        return [lag, *asked, self._views["How sure"]]

    def computing(self, is_computing: bool) -> None:
        """Offer to cancel in the place of Run, while an estimate is made."""
        self._cancel.visible = is_computing

    def tell(self, text: str) -> str:
        """Say what is wrong below the field that it begins with; return its step, or an empty text."""
        field = next((one for one in FIELDS if text.startswith(f"{one}: ")), None)
        if field is None:
            return ""
        _say_in(self._beside[field], text)
        return FIELDS[field]

    def foretell(self, cost: Cost | None) -> None:
        """Say on Run what it takes."""
        self._run.stylesheets = [f':host {{ --cost: "{cost.text}"; }}'] if cost else []

    def _open(self, step: str) -> None:
        """Open a step with its first view."""
        if step_of(self._settings.view) != step:
            self._settings.view = STEPS[step][0]

    def _take_view(self, event: Any) -> None:
        """Show the view that was chosen in the step that is open."""
        if event.new and step_of(event.new) == step_of(self._settings.view):
            self._settings.view = event.new

    def _take_lags(self, event: Any) -> None:
        """Estimate at the lags that were typed, or say what is wrong with them."""
        _say_in(self._about_lags, "")
        if event.new == shown_lags(self._settings.lags, self._interval):
            return
        try:
            self._settings.lags = typed_lags(event.new, self._interval)
        except InvalidInput as error:
            _say_in(self._about_lags, str(error))
        else:
            self._show_lags()

    def _show_lags(self) -> None:
        """Show the lags, as times if the recording has a clock, and say what a cutoff is in."""
        lags, high_pass = self._settings.param["lags"].label, self._settings.param["high_pass"].label
        with param.edit_constant(self._lags), param.edit_constant(self._high_pass):  # so is a name in older versions
            self._lags.name = f"Lags ({unit_of(self._interval)[0]})" if self._interval else lags
            cutoff, said = high_pass.replace(" (", " in Hz (") if self._interval else high_pass, self._high_pass.name
            self._high_pass.name = cutoff + "".join(said.partition(": at ")[1:])  # the bound that was met
        hint = ", or ".join(shown_lags(lags, self._interval) for lags in EXAMPLES)
        self._lags.param.update(value=shown_lags(self._settings.lags, self._interval), placeholder=hint)

    def _take_given(self, event: Any) -> None:
        """Regress out the inputs that were chosen."""
        said = ", ".join(event.new)
        if said != self._settings.given:
            self._settings.given = said

    def offer_trials(self) -> None:
        """Offer the trials of the chosen recording."""
        trials = trial_choices(self._session, self._settings.recording, pooled=POOLED)
        chosen = self._settings.trial
        gone = {} if chosen in trials.values() else {f"{chosen}": chosen}
        self.trial.param.update(options=trials | gone, value=chosen, visible=len(trials) > 1)

    def show(self, chosen: Choice, *, problem: str, has_truth: bool) -> None:
        """Show the controls that matter for the settings, and beside them what is wrong."""
        settings = self._settings
        step, in_windows = step_of(settings.view), settings.view == WINDOWS_VIEW
        self._offer_views(step, hidden=set() if has_truth else {*OF_TRUTH} - {settings.view})
        self._groups.visible, self._lags.visible = settings.level == NUMBER, is_lagged(chosen)
        self._q.visible = not in_windows and may_have_p_values(chosen.method)
        self._windows.visible = self._pairs.visible = in_windows
        _say_in(self._about_lags, lags_problem(chosen))
        _say_in(self._about_windows, problem)
        for wrong in self._beside.values():
            _say_in(wrong, "")
        self.steps.open(step)
        self.steps.say("Clean", ", ".join(chosen.cleaning) or "as recorded", _neurons(chosen), done=chosen.is_cleaned)

    def _offer_views(self, open_step: str, *, hidden: set[str]) -> None:
        """Offer the views of the open step."""
        for step, widget in self._views.items():
            views = {said: view for said, view in VIEWS.items() if view in STEPS[step] and view not in hidden}
            value = self._settings.view if step == open_step else STEPS[step][0]
            widget.param.update(options=views, value=value, visible=len(views) > 1)

    def show_result(self, shown: Shown | None) -> None:
        """Say below each step what it did."""
        if shown is None:
            for step in STEPS:
                self.steps.say(step, done=False)
            return
        self.steps.say("Recording", shown.path.name, _length(shown.run, self._session, shown.path.name), done=True)
        self._offer_given(shown)
        self._interval = shown.interval
        self._show_lags()
        self._say_made(shown)
        lags = shown.lags
        options = {lag_text(lag, shown.interval): lag for lag in lags}
        value = lags[place_of_lag(lags, asked=shown.lag)] if lags else None
        for widget in self.lags_shown:
            widget.param.update(options=options, value=value, visible=bool(lags))

    def _say_made(self, shown: Shown) -> None:
        """Say what the estimate and its test did, whichever step is open, while the settings are the same."""
        key = shown.path, shown.choice._replace(diagonal=False), shown.lag
        if shown.found is not None:
            named, R = estimator(shown.choice.method), shown.matrices.R
            alike = (
                "undirected"
                if is_undirected(R)
                else f"R and its transpose {number_text(symmetry(R).item(), decimals=2)}"
            )
            self._made["Estimate"] = key, [named.long_name, alike]
        if shown.sure is not None:
            halves = shown.sure.halves
            said = "" if halves is None else f"halves agree {halves[n.HALVES].item():.2f}"
            self._made["How sure"] = key, [shown.sure.edges_text(shown.q), said]
        for step in ("Estimate", "How sure"):
            made_of, lines = self._made.get(step, (None, []))
            is_made = made_of == key
            self.steps.say(step, *(lines if is_made else [NOT_YET]), done=is_made)

    def _offer_given(self, shown: Shown) -> None:
        """Offer the inputs that a recording has."""
        held = shown.run[n.INPUTS][n.INPUT].values.tolist() if n.INPUTS in shown.run else []
        labels = list(map(str, held))
        chosen = [part.strip() for part in self._settings.given.split(",") if part.strip() in labels]
        self._given.param.update(options=labels, value=chosen, visible=bool(labels))


def _say_in(pane: pn.Column, problem: str) -> None:
    """Say beside a control what is wrong with it; an empty text for nothing."""
    pane[:] = [message_pane(problem, kind="error")] if problem else []
    pane.visible = bool(problem)


def _neurons(chosen: Choice) -> str:
    """Return which neurons are chosen, in words."""
    return "" if chosen.neurons.strip() == "all" else f"neurons {chosen.neurons}"


def _length(run: xr.Dataset, session: Session, name: str) -> str:
    """Return how much a recording holds: with its duration, where it has a clock."""
    listed = session.folder.catalog() if session.folder is not None else None
    row = None if listed is None else listed[listed["name"] == name]
    size = "" if row is None or row.empty else size_text(row.iloc[0]).rpartition(",")[0]
    interval = interval_of(run)
    if not interval:
        return size
    seconds, rate = interval * run.sizes[n.TIME], f"{1 / interval:.3g} Hz"
    lasts = f"{seconds / 60:.1f} min" if seconds >= 60 else f"{seconds:.3g} s"
    return f"{run.sizes[n.NEURON]:,} neurons, {lasts} at {rate}"
