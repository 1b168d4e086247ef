"""The cards of two matrices, and what is taken along: the figure, the numbers, and the Python that makes them."""

from pathlib import Path
from typing import Any, Final, NamedTuple

import holoviews as hv
import panel as pn
import xarray as xr

import netxr.plot
from netxr import names as n
from netxr.app.compare.compute import Pair, Side, variable_of
from netxr.app.compare.matched import FURTHER
from netxr.app.compare.scores import scores_table
from netxr.app.compare.sure import NOT_YET
from netxr.app.frame.panes import FEW, FLAT, SECOND_ROW, THIN, card, card_of_one, figure_card, fitted, note, stretched
from netxr.estimators.overlap import Pairs, shared_entries, shared_pairs
from netxr.plot.matrices.aggregation import sheet_of
from netxr.plot.matrices.heatmaps import heatmap, limits_of
from netxr.plot.matrices.quantities import Quantity
from netxr.plot.matrices.side_by_side import in_deviations
from netxr.plot.scores.agreements import MOST_POINTS, entries
from netxr.plot.style import FRAME, with_options
from netxr.schema.variables import labels_of

SIDES: Final = ("first", "second")
STANDARD_DEVIATIONS: Final = "Standard deviations"
STANDARD_ERRORS: Final = "Standard errors"


class Compared(NamedTuple):
    """What is shown of two matrices."""

    paths: dict[str, Path]
    """{store: where it is}."""
    pair: Pair
    """In memory."""

    @property
    def text(self) -> str:
        """What is shown, in words."""
        first, second = (side.text for side in self.pair.sides)
        return f"{first} and {second}, {'with' if self.pair.diagonal else 'without'} the diagonal"


def panes_of(shown: Compared) -> pn.Column:
    """Return the cards: both matrices and their difference, and below them the pairs of neurons and the scores."""
    pair, names = shown.pair, shown.pair.names
    *drawn, called = in_deviations(*pair.shared, diagonal=pair.diagonal)
    look: dict[str, Any] = {"groups": _groups(pair), "diagonal": pair.diagonal}
    sheets = [_sheet(matrix, called, **look) for matrix in drawn]
    limits = limits_of(*sheets)
    first, second = (
        figure_card(name, _upright(heatmap(sheet, limits=limits)), note=f"{side.note}, in s.d.".removeprefix(", "))
        for name, sheet, side in zip(names, sheets, pair.sides, strict=True)
    )
    agreements = {"Agreement": _agreement(pair, *pair.shared, *names)}
    if pair.has_truth_beside and pair.truth is not None:
        truth = pair.truth.R
        for side, place, name in zip(pair.sides, SIDES, names, strict=True):
            agreements[place.capitalize()] = _agreement(pair, truth, side.R, "truth", name)
    cells = [first, second, _difference_card(pair), card_of_one(agreements), _scores_card(pair)]
    return pn.Column(*cells, css_classes=["thirds"], sizing_mode="stretch_width", margin=0)


def judge(cards: pn.Column, shown: Compared) -> None:
    """Show how sure two matrices are in those of their cards that say so."""
    cards[2], cards[4] = _difference_card(shown.pair), _scores_card(shown.pair)


def _scores_card(pair: Pair) -> pn.Column:
    """Return the scores."""
    table = pn.pane.HTML(scores_table(pair), sizing_mode="stretch_width", margin=0)
    return card("Scores" if pair.truth is None else "Scores against the truth", table, wide=True)


def _difference_card(pair: Pair) -> pn.Column:
    """Return the difference, and a truth that is neither of the two; the difference waits until its error is known."""
    look: dict[str, Any] = {"groups": _groups(pair), "diagonal": pair.diagonal}
    if pair.sure is NOT_YET:
        skeleton = pn.Column(css_classes=["skeleton"], sizing_mode="stretch_width", margin=0)
        matrices: dict[str, tuple[str, list[Any]]] = {"Difference": ("", [skeleton])}
    else:
        first, second, _ = in_deviations(*pair.shared, diagonal=pair.diagonal)
        matrices = {"Difference": _difference(pair, second - first, **look)}
    if pair.has_truth_beside and pair.truth is not None:
        drawn_truth = _upright(heatmap(_sheet(pair.truth.R, "", **look)))
        matrices["Truth"] = pair.truth.pick.store, [drawn_truth]
    return card_of_one(matrices)


def _sheet(matrix: xr.DataArray, called: str, *, groups: xr.DataArray | None, diagonal: bool) -> Any:
    """Return a matrix as it is drawn, which its colour bar calls by a name."""
    sheet = sheet_of(matrix, groups=groups, room=FRAME)._replace(diagonal=diagonal)
    return sheet._replace(quantity=Quantity(called)) if called else sheet


def _groups(pair: Pair) -> xr.DataArray | None:
    """Return the groups of the neurons that are drawn, if a recording of either matrix knows them."""
    drawn = labels_of(pair.shared[0], n.TARGET)
    for side in pair.sides:
        if n.GROUP in side.run.coords and set(drawn.tolist()) <= set(labels_of(side.run[n.GROUP], n.NEURON).tolist()):
            return side.run[n.GROUP].sel({n.NEURON: drawn})
    return None


def _upright(figure: Any) -> Any:
    """Return a heatmap with its colour bar below it, in a card that is little wider than high."""
    look = {"colorbar_position": "bottom", "clabel": "", "colorbar_opts": FLAT}
    return fitted(figure.opts(hv.opts.Image(**look, backend="bokeh")), aspect=0.95)


def _difference(pair: Pair, difference: xr.DataArray, **look: Any) -> tuple[str, list[Any]]:
    """Return the difference, in standard errors where these are known, and what is said of it."""
    error = pair.sure.error
    if error is None:
        figure = heatmap(_sheet(difference, STANDARD_DEVIATIONS, **look))
        why = f"No standard errors: {pair.sure.problem.removeprefix('standard errors: ')}".rstrip(".") + "."
        return "second \u2212 first, in s.d.", [_upright(figure), note(why)]
    figure = heatmap(_sheet(difference / error.where(error > 0), STANDARD_ERRORS, **look))
    return "second \u2212 first, in standard errors", [_upright(figure)]


def _agreement(
    pair: Pair, first: xr.DataArray, second: xr.DataArray, xlabel: str, ylabel: str
) -> tuple[str, list[Any]]:
    """Return one matrix over another, pair by pair, and what is said of it; edges of the truth stand out."""
    figure = entries(
        shared_pairs(first, second, diagonal=pair.diagonal, arguments=SIDES), edges=_edges(pair, first, second)
    )
    labels = {"xlabel": xlabel, "ylabel": ylabel, "title": ""}
    drawn = with_options(figure, both=labels, bokeh={"xticks": FEW})
    if int(pair.alike[n.N_PAIRS]) > MOST_POINTS:
        said, drawn = "pairs in a cell", with_options(drawn, bokeh={"clabel": "", "colorbar_opts": THIN})
    else:
        said = "pair by pair" if pair.truth is None else "teal: edge in the truth"
    return said, [stretched(drawn, height=SECOND_ROW, basis=None)]


def _edges(pair: Pair, first: xr.DataArray, second: xr.DataArray) -> Pairs | None:
    """Return the pairs of neurons that have an edge in the truth, if it is known."""
    if pair.truth is None:
        return None
    shared, truth, _ = shared_entries(first, pair.truth.R, arguments=SIDES)
    return shared_pairs(shared.where(truth.values != 0), second, diagonal=pair.diagonal, arguments=SIDES)


def figure_of(shown: Compared) -> Any:
    """Return the figure for paper."""
    return netxr.plot.compare(*shown.pair.shared, standardised=True, titles=shown.pair.names)


def table_of(shown: Compared) -> xr.Dataset:
    """Return both matrices, and the standard error of their standardised difference where it is known."""
    both = dict(zip(SIDES, shown.pair.shared, strict=True))
    found = xr.Dataset({side: matrix.drop_vars(FURTHER, errors="ignore") for side, matrix in both.items()})
    error = shown.pair.sure.error
    if error is not None:
        found[f"difference_{n.STANDARD_ERROR}"] = error.drop_vars(FURTHER, errors="ignore")
    return found


def compare_lines(shown: Compared) -> str:
    """Return the lines of Python that make the figure and the scores."""
    pair, lines = shown.pair, ["import netxr", ""]
    each = dict(zip(SIDES, pair.sides, strict=True))
    if pair.has_truth_beside and pair.truth is not None:
        each["truth"] = pair.truth
    for name, side in each.items():
        path = str(shown.paths[side.pick.store])
        lines.append(f"{name} = netxr.open({path!r}).{side.R.name}{_entry(side)}.compute()")
    options = f"diagonal={pair.diagonal}, permutations=0"
    lines.append(f"alike = netxr.compare(first, second, {options})")
    if "truth" in each:
        lines.append(f"scores = [netxr.compare(truth, each, {options}) for each in (first, second)]")
    return "\n".join([*lines, f"netxr.plot.compare(first, second, standardised=True, titles={pair.names})"])


def _entry(side: Side) -> str:
    """Return the Python that takes one trial and one lag."""
    held = side.run[variable_of(side.run, side.pick)].dims
    chosen = {dim: side.R[dim].values.tolist() for dim in (n.TRIAL, n.LAG) if dim in held}
    return f".sel({', '.join(f'{dim}={label!r}' for dim, label in chosen.items())})" if chosen else ""
