"""What a view of a recording is drawn in: cards, in which another estimate of the same recording is shown as well."""

from collections.abc import Callable
from typing import Any

from netxr import names as n
from netxr.app.recording.compute import Sure
from netxr.app.recording.judged import is_judged
from netxr.app.recording.pair_cards import PairCards
from netxr.app.recording.shown import ESTIMATE_VIEW, Shown
from netxr.app.recording.sure_view import SureCards
from netxr.app.recording.views import drawn_on_page, figure_of, matrix_and_network


class Cards:
    """The cards of a recording.

    `choose` is called with target and source when a pair is selected in them. `later` calls a function at the next turn
    of the event loop.
    """

    def __init__(
        self, choose: Callable[[Any, Any], object], *, later: Callable[[Callable[[], object]], object]
    ) -> None:
        self._choose, self._later = choose, later
        self._pairs: PairCards | None = None
        self._sure: SureCards | None = None

    def of(self, shown: Shown, *, after: Shown | None) -> list[Any]:
        """Return the panes of what is shown, those that are on the page if what is there goes on in them."""
        goes_on = after is not None and (after.path, after.view) == (shown.path, shown.view)
        if shown.view == ESTIMATE_VIEW:
            return self._paired(shown, goes_on=goes_on)
        return drawn_on_page(shown) if shown.sure is None else self._judged(shown, shown.sure, goes_on=goes_on)

    def select(self, shown: Shown) -> None:
        """Select the pair of an estimate that is shown."""
        if self._pairs is not None and shown.pair is not None:
            self._pairs.select(*shown.pair)

    def judge(self, sure: Sure | None) -> None:
        """Say of the pairs of an estimate that is shown how sure they are."""
        if self._pairs is not None:
            self._pairs.judge(sure)

    def _paired(self, shown: Shown, *, goes_on: bool) -> list[Any]:
        """Return the cards of an estimate, of which one pair is selected."""
        R, groups = shown.matrices.R, shown.excerpt.coords.get(n.GROUP)
        given = R, shown.over_lags, groups, list(matrix_and_network(shown))
        look: dict[str, Any] = {"lag": shown.lag_of_R, "selected": shown.pair, "judged": is_judged(shown.choice)}
        if self._pairs is None or not (goes_on and self._pairs.follow(*given, **look)):
            self._pairs = PairCards(*given, interval=shown.interval, choose=self._choose, later=self._later, **look)
        return self._pairs.panes

    def _judged(self, shown: Shown, sure: Sure, *, goes_on: bool) -> list[Any]:
        """Return the cards of how sure an estimate is."""
        figure, q = figure_of(shown), shown.q
        if self._sure is None or not (goes_on and self._sure.follow(sure, figure, q=q)):
            self._sure = SureCards(sure, figure, q=q, choose=self._choose)
        return self._sure.panes
