"""The cards of two matrices: both, their difference, their pairs of neurons, and their scores.

They are drawn once, and given the numbers of other matrices of the same neurons.
"""

from collections.abc import Callable, Mapping
from functools import partial
from html import escape
from typing import Any, Final, NamedTuple

import panel as pn
import param
import xarray as xr

from netxr import names as n
from netxr.app.compare.compute import Pair
from netxr.app.compare.scores import scores_table
from netxr.app.compare.sure import NOT_YET
from netxr.app.compare.views import SIDES, Compared, agreement, difference, groups_of, sheet
from netxr.app.frame.live import LiveFigure
from netxr.app.frame.panes import (
    SECOND_ROW,
    card,
    entitle,
    figure_card,
    head_html,
    note,
    stack,
    stretched,
    upright,
)
from netxr.plot.matrices.heatmaps import heatmap, limits_of
from netxr.plot.matrices.side_by_side import in_deviations
from netxr.schema.variables import labels_of

AGREEMENT, DIFFERENCE = "Agreement", "Difference"

LOW: Final = SECOND_ROW - 32
"""Height of a figure with a line below it: both rows fit on a screen of 900."""

WAITS: Final = {"opacity": "0.35"}
"""Of a difference while the next one is not known yet."""


class Picture(NamedTuple):
    """A figure, with what stands beside its title and what is said below it."""

    figure: Any
    about: str
    below: str = ""


class LiveCard:
    """A card of one figure or several, {title: Picture}, of which the one is shown whose title is chosen.

    Until it is given some it is a skeleton.
    """

    def __init__(self, styled: Callable[[Any], Any], title: str) -> None:
        self._styled = styled
        self._pictures: Mapping[str, Picture] = {}
        self._live: dict[str, LiveFigure] = {}
        self._body = stack(pn.Column(css_classes=["skeleton"], sizing_mode="stretch_width", margin=0))
        self._below = note("")
        self.whole = figure_card(title, self._body)
        self._words = self.whole[0][0]
        self._chosen = pn.widgets.RadioButtonGroup(options=[title], value=title, css_classes=["titles"], margin=0)
        self._chosen.visible = False
        self._chosen.param.watch(self._turn, "value")
        self.whole[0].insert(0, self._chosen)

    def show(self, pictures: Mapping[str, Picture]) -> None:
        """Show other figures."""
        self._pictures = pictures
        for title, one in pictures.items():
            if title in self._live:
                self._live[title].show(one.figure)
            else:
                self._live[title] = LiveFigure(self._styled, one.figure)
        titles = list(pictures)
        chosen = self._chosen.value if self._chosen.value in titles else titles[0]
        with param.edit_constant(self._chosen):  # so is a name in older versions
            self._chosen.param.update(name=", ".join(titles), options=titles, value=chosen, visible=len(titles) > 1)
        self._body.styles = {"opacity": "1"}
        self._turn()

    def wait(self) -> None:
        """Dim what is shown: other figures come."""
        self._body.styles = WAITS

    def _turn(self, *_events: object) -> None:
        """Show the figure whose title is chosen."""
        title = self._chosen.value
        shown, content = self._pictures[title], [self._live[title].pane, self._below]
        self._words.object = head_html("" if self._chosen.visible else title, shown.about)
        self._below.param.update(object=escape(shown.below), visible=bool(shown.below))
        if list(self._body) != content:
            self._body[:] = content


class CompareCards:
    """The cards of two matrices."""

    def __init__(self, shown: Compared) -> None:
        pair = shown.pair
        self._drawn = _drawn_with(pair)
        self._matrices = [LiveFigure(upright, one) for one in _heatmaps(pair)]
        self._heads = [figure_card(name, one.pane) for name, one in zip(pair.names, self._matrices, strict=True)]
        self._difference = LiveCard(upright, DIFFERENCE)
        self._agreement = LiveCard(partial(stretched, height=LOW, basis=None), AGREEMENT)
        self._scores = pn.pane.HTML("", sizing_mode="stretch_width", margin=0)
        self._scored = card("", self._scores, wide=True)
        cells = [*self._heads, self._difference.whole, self._agreement.whole, self._scored]
        self.body = pn.Column(*cells, css_classes=["thirds"], sizing_mode="stretch_width", margin=0)
        self._say(shown)

    def follow(self, shown: Compared) -> bool:
        """Show two other matrices in the same cards, or return False if they are of other neurons or groups."""
        if _drawn_with(shown.pair) != self._drawn:
            return False
        for live, figure in zip(self._matrices, _heatmaps(shown.pair), strict=True):
            live.show(figure)
        self._say(shown)
        return True

    def judge(self, shown: Compared) -> None:
        """Show how sure two matrices are: their difference waits until that is known."""
        self._scores.object = scores_table(shown.pair)
        if shown.pair.sure is NOT_YET:
            self._difference.wait()
        else:
            self._difference.show(_differences(shown.pair))

    def _say(self, shown: Compared) -> None:
        """Show how the two agree, and say in the heads of the cards which they are."""
        pair = shown.pair
        for whole, name, side in zip(self._heads, pair.names, pair.sides, strict=True):
            entitle(whole, name, f"{side.note}, in s.d.".removeprefix(", "))
        entitle(self._scored, "Scores" if pair.truth is None else "Scores against the truth")
        self._agreement.show(_agreements(pair))
        self.judge(shown)


def _drawn_with(pair: Pair) -> tuple[Any, ...]:
    """Return what matrices have in common that are drawn in the same figures: their neurons and groups."""
    groups = groups_of(pair)
    ours = [labels_of(pair.shared[0], dim).tolist() for dim in (n.TARGET, n.SOURCE)]
    return ours, None if groups is None else groups.values.tolist()


def _heatmaps(pair: Pair) -> list[Any]:
    """Draw both matrices in standard deviations, on one scale."""
    *drawn, called = in_deviations(*pair.shared, diagonal=pair.diagonal)
    sheets = [sheet(pair, matrix, called) for matrix in drawn]
    limits = limits_of(*sheets)
    return [heatmap(one, limits=limits) for one in sheets]


def _differences(pair: Pair) -> dict[str, Picture]:
    """Draw the difference, and a truth that is neither of the two."""
    figure, about, below = difference(pair)
    found = {DIFFERENCE: Picture(figure, about, below)}
    if pair.has_truth_beside and pair.truth is not None:
        found["Truth"] = Picture(heatmap(sheet(pair, pair.truth.R)), pair.truth.pick.store)
    return found


def _agreements(pair: Pair) -> dict[str, Picture]:
    """Draw one matrix over the other, pair by pair, and each over a truth that is neither of the two.

    What is said of three of them stands below: beside their titles there is no room.
    """
    figure, said = agreement(pair, *pair.shared, *pair.names)
    found = {AGREEMENT: Picture(figure, said)}
    if pair.has_truth_beside and pair.truth is not None:
        found = {AGREEMENT: Picture(figure, "", said)}
        truth: xr.DataArray = pair.truth.R
        for side, place, name in zip(pair.sides, SIDES, pair.names, strict=True):
            figure, said = agreement(pair, truth, side.R, "truth", name)
            found[place.capitalize()] = Picture(figure, "", said)
    return found
