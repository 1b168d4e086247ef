"""The tab to compare: two estimates, two runs, or a truth and an estimate, from the folder."""

from functools import partial
from typing import Any, Final

import panel as pn
import param

from netxr import names as n
from netxr.app.compare.cards import CompareCards
from netxr.app.compare.compute import Pick, Side, matrices_in, matrix_choices, pair_of, side_of, variable_of, with_sure
from netxr.app.compare.matched import interval_of, lags_of, trials_of
from netxr.app.compare.scores import answer_of
from netxr.app.compare.truth_file import TruthFile
from netxr.app.compare.views import SIDES, Compared, compare_lines, figure_of, table_of
from netxr.app.frame.controls import LOOK, choice, flag
from netxr.app.frame.downloads import downloads
from netxr.app.frame.folder import Folder
from netxr.app.frame.jobs import Job
from netxr.app.frame.lag_times import lag_text
from netxr.app.frame.panes import Results, button, halves, heading, note
from netxr.app.frame.session import Session, at_once
from netxr.app.frame.stores import StoreList, store_choices, tab_of_stores

KEY: Final = "compare"
JUDGED: Final = "compare, how sure"
"""Names of what is computed."""

KINDS: Final = ("run", "recording", "moments", "estimate", "connectivity", "other")
"""Of the stores that may hold a matrix."""

EMPTY: Final = (
    "Choose two matrices, of two stores or of one: the page says how well they agree, and which is closer to the truth."
)

OWN, NONE = "", "none"
"""What the two are scored against: the truth of either store, or nothing."""


class CompareSettings(param.Parameterized):
    """The settings of the tab, which the address holds."""

    first = param.Selector(objects=[""], default="", label="Store")
    first_matrix = param.String("", label="Matrix")
    first_trial = param.String("", label="Trial")
    first_lag = param.Integer(None, allow_None=True, label="Lag")
    second = param.Selector(objects=[""], default="", label="Store")
    second_matrix = param.String("", label="Matrix")
    second_trial = param.String("", label="Trial")
    second_lag = param.Integer(None, allow_None=True, label="Lag")
    against = param.Selector(objects=[OWN, NONE], default=OWN, label="Truth")
    diagonal = param.Boolean(False, label="Include the diagonal in the scores")


def compare_settings(session: Session) -> CompareSettings:
    """Return settings that offer the stores of the folder."""
    settings = CompareSettings()
    offered = ["", *store_choices(session, *KINDS).values()]
    for side in SIDES:
        settings.param[side].objects = offered
    settings.param["against"].objects = list(_truths(session).values())
    return settings


def _truths(session: Session) -> dict[str, str]:
    """Return {text: value} of what two matrices can be scored against."""
    listed = None if session.folder is None else session.folder.catalog()
    known = [] if listed is None else [str(name) for name in listed[listed["truth"].fillna(False).astype(bool)]["name"]]
    return {"that of either store": OWN, "none": NONE} | {f"connectivity of {name}": name for name in known}


def compare_tab(session: Session, settings: CompareSettings) -> Any:
    """Return the tab to compare."""
    return tab_of_stores(session, settings, _View, what="matrices to compare")


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
        self._missing = pn.pane.HTML("", visible=False, styles={"color": "var(--warn)"}, **LOOK)
        matrix, *further = self._lists.values()
        self.widgets = [heading(side.capitalize()), self.stores.list, matrix, halves(*further), self._missing]

    def pick(self) -> Pick:
        """Return which matrix is chosen."""
        return Pick(*(getattr(self._settings, name) for name in self.names()))

    def offer(self, side: Side) -> None:
        """Offer the matrices, trials and lags of a store that was opened, and say what has no match in it."""
        held = side.run[variable_of(side.run, side.pick)]
        options: dict[str, Any] = {"matrix": matrix_choices(side.run), "trial": trials_of(held), "lag": lags_of(held)}
        if interval := interval_of(held):
            options["lag"] = {lag_text(lag, interval): lag for lag in lags_of(held)}
        shown = {what: side.R.coords.get(dim) for what, dim in (("trial", n.TRIAL), ("lag", n.LAG))}
        self._shown = {"matrix": str(held.name)}
        self._shown |= {
            what: (str(one.item()) if what == "trial" else one.item()) if one is not None and options[what] else None
            for what, one in shown.items()
        }
        for what, widget in self._lists.items():
            widget.param.update(options=options[what], value=self._shown[what], visible=len(options[what]) > 1)
        self._missing.param.update(object=note(side.match.missing).object, visible=bool(side.match.missing))

    def names(self) -> list[str]:
        """Return the names of the settings of this side."""
        return [self._side, *(f"{self._side}_{what}" for what in self._lists)]

    def _choose(self, name: str) -> None:
        """Choose a store, and reset what was chosen in the last one."""
        fresh = {setting: self._settings.param[setting].default for setting in self.names()}
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
        self._cards: CompareCards | None = None
        self._answer = pn.pane.HTML("", sizing_mode="stretch_width", margin=0)
        self._sides = [_Side(session, settings, side) for side in SIDES]
        self._against = choice(settings, "against", _truths(session))
        self._truth_file = TruthFile(session, folder, settings)
        session.listeners.append(self._offer_truths)
        session.listeners.append(self._truth_file.offer)
        self._results = Results(
            downloads(
                session,
                name="netxr_compare",
                shown=lambda: self._shown,
                figure=figure_of,
                table=table_of,
                data=lambda shown: table_of(shown).assign(shown.pair.alike.data_vars),
                lines=compare_lines,
            ),
            later=session.later,
        )
        self.controls = [
            *self._sides[0].widgets,
            *self._sides[1].widgets,
            heading("Against"),
            self._against,
            *self._truth_file.widgets,
            flag(settings, "diagonal"),
            halves(button("Swap the two", self._swap), button("Refresh", self._look_again)),
        ]
        self.body = pn.Column(self._results.head, self._results.body)

    def _proposal(self) -> list[Any]:
        """Return a button that compares what the first store with an estimate holds, or what to do where none has."""
        listed = self._folder.catalog()
        stores = listed[listed["estimates"].fillna("").astype(bool)]["name"].tolist()
        if not stores:
            return [note("No store has an estimate yet: make one in the tab Recording, and save it.")]

        def take(_event: object) -> None:
            """Choose its first two matrices."""
            with self._session.guarded():
                there = matrices_in(self._folder.open(stores[0]))
                chosen = {"first_matrix": there[0], "second_matrix": there[min(1, len(there) - 1)]}
                self._settings.param.update(first=stores[0], second=stores[0], **chosen)

        return [button(f"Compare what is in {stores[0]}", take)]

    def _offer_truths(self) -> None:
        """Offer the truths of the folder, and the chosen one even if it is gone."""
        there, chosen = _truths(self._session), self._settings.against
        self._settings.param["against"].objects = list(there.values())
        gone = {} if chosen in there.values() else {f"connectivity of {chosen}  (gone)": chosen}
        self._against.param.update(options=there | gone, value=chosen)

    def _look_again(self, _event: object) -> None:
        """List the stores again, and read what is shown again."""
        with self._session.guarded():
            self._session.look_again()
        self.update()

    def _swap(self, _event: object) -> None:
        """Make the first the second, and the second the first."""
        first, second = (side.names() for side in self._sides)
        held = [getattr(self._settings, name) for name in (*second, *first)]
        self._settings.param.update(**dict(zip((*first, *second), held, strict=True)))

    @at_once()
    def update(self, *_events: object) -> None:
        """Read and compare the chosen matrices, and show them."""
        settings = self._settings
        self._session.cancel(KEY)
        self._session.cancel(JUDGED)
        if not (settings.first and settings.second):
            self._shown = None
            self._results.empty("Nothing to compare yet", EMPTY, *self._proposal())
            return
        if self._shown is not None:
            self._results.outdated(self._shown.text)
        else:
            self._results.waiting()
        picks = (self._sides[0].pick(), self._sides[1].pick())
        self._session.run(
            KEY,
            partial(self._compare, picks, settings.against, settings.diagonal),
            self._show,
            label=f"Comparing {settings.first} and {settings.second}",
            withdrawn=self._withdrawn,
        )

    def _withdrawn(self) -> None:
        """Say that nothing comes, where nothing is shown yet."""
        if self._shown is None:
            self._results.empty("There is no result", "Choose another store or matrix at the left.")

    def _compare(self, picks: tuple[Pick, Pick], against: str, diagonal: bool, job: Job) -> Compared:
        """Read two matrices and their truth, and score how similar they are; in another thread."""
        options: dict[str, Any] = {"memory": self._session.memory, "compute": job.compute}
        first = side_of(self._folder.open(picks[0].store), picks[0], None, **options)
        second = side_of(self._folder.open(picks[1].store), picks[1], first, **options)
        sides, truth = (first, second), None
        of = against or next((side.pick.store for side in sides if n.CONNECTIVITY in side.run), NONE)
        if of != NONE:
            truth = side_of(self._folder.open(of), Pick(of, n.CONNECTIVITY), first, **options)
        paths = {one: self._folder.path_of(one) for one in {picks[0].store, picks[1].store, of} - {NONE}}
        return Compared(paths, pair_of(sides, truth, diagonal=diagonal))

    def _show(self, shown: Compared) -> None:
        """Show two matrices, and then how sure they are."""
        for widgets, side in zip(self._sides, shown.pair.sides, strict=True):
            widgets.offer(side)
        self._answer.object = answer_of(shown.pair)
        if self._cards is None or not self._cards.follow(shown):
            self._cards = CompareCards(shown)
        self._results.show(self._cards.body, answer=[self._answer])
        self._shown = shown
        self._session.run(JUDGED, partial(_judged, shown), partial(self._judge, shown), label="", quiet=True)

    def _judge(self, shown: Compared, judged: Compared) -> None:
        """Show how sure two matrices are, if these are still shown."""
        if shown is self._shown and self._cards is not None:
            self._cards.judge(judged)
            self._shown = judged


def _judged(shown: Compared, job: Job) -> Compared:
    """Return the same with how sure the two are; in another thread."""
    return shown._replace(pair=with_sure(shown.pair, compute=job.compute))
