"""The figures of two matrices, and what is taken along: the numbers, and the Python that makes them."""

from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

import netxr.plot
from netxr import names as n
from netxr.app.compare.compute import Pair, Side, variable_of
from netxr.app.compare.matched import FURTHER
from netxr.app.frame.panes import FEW, THIN
from netxr.estimators.overlap import Pairs, shared_entries, shared_pairs
from netxr.plot.matrices.aggregation import sheet_of
from netxr.plot.matrices.heatmaps import heatmap
from netxr.plot.matrices.quantities import Quantity
from netxr.plot.matrices.side_by_side import in_deviations
from netxr.plot.scores.agreements import MOST_POINTS, entries
from netxr.plot.style import FRAME, with_options
from netxr.schema.variables import labels_of

SIDES: Final = ("first", "second")
STANDARD_DEVIATIONS: Final = "Standard deviations"
STANDARD_ERRORS: Final = "Standard errors"

SAME: Final = "Both are the same: their difference is 0 everywhere."

MARGIN: Final = 0.1
"""Beside the outermost marks, as a share of their range."""


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


def sheet(pair: Pair, matrix: xr.DataArray, called: str = "") -> Any:
    """Return a matrix as it is drawn, which its colour bar calls by a name."""
    drawn = sheet_of(matrix, groups=groups_of(pair), room=FRAME)._replace(diagonal=pair.diagonal)
    return drawn._replace(quantity=Quantity(called)) if called else drawn


def groups_of(pair: Pair) -> xr.DataArray | None:
    """Return the groups of the neurons that are drawn, if a recording of either matrix knows them."""
    drawn = labels_of(pair.shared[0], n.TARGET)
    for side in pair.sides:
        if n.GROUP in side.run.coords and set(drawn.tolist()) <= set(labels_of(side.run[n.GROUP], n.NEURON).tolist()):
            return side.run[n.GROUP].sel({n.NEURON: drawn})
    return None


def difference(pair: Pair) -> tuple[Any, str, str]:
    """Draw the difference, in standard errors where these are known, and return what is said beside and below it."""
    first, second, _ = in_deviations(*pair.shared, diagonal=pair.diagonal)
    error, off = pair.sure.error, second - first
    if np.array_equal(first, second, equal_nan=True):
        return heatmap(sheet(pair, off, STANDARD_DEVIATIONS)), "second \u2212 first", SAME
    if error is None:
        why = f"No standard errors: {pair.sure.problem.removeprefix('standard errors: ')}".rstrip(".") + "."
        return heatmap(sheet(pair, off, STANDARD_DEVIATIONS)), "second \u2212 first, in s.d.", why
    in_errors = sheet(pair, off / error.where(error > 0), STANDARD_ERRORS)
    return heatmap(in_errors), "second \u2212 first, in s.e.", ""


def agreement(pair: Pair, first: xr.DataArray, second: xr.DataArray, xlabel: str, ylabel: str) -> tuple[Any, str]:
    """Draw one matrix over another, pair by pair, and return what is said of it; edges of the truth stand out."""
    pairs = shared_pairs(first, second, diagonal=pair.diagonal, arguments=SIDES)
    figure = entries(pairs, edges=_edges(pair, first, second))
    labels = {"xlabel": xlabel, "ylabel": ylabel, "title": ""}
    drawn = with_options(figure, both=labels, bokeh={"xticks": FEW})
    if int(pair.alike[n.N_PAIRS]) > MOST_POINTS:
        return with_options(drawn, bokeh={"clabel": "", "colorbar_opts": {**THIN}}), "pairs in a cell"
    ends = {f"{axis}lim": _ends(values) for axis, values in (("x", pairs.truth), ("y", pairs.estimate)) if len(values)}
    said = "pair by pair" if pair.truth is None else "teal: edge in the truth"
    return with_options(drawn, both=ends), said


def _ends(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return where an axis of some values ends, with a margin."""
    low, high = float(values.min()), float(values.max())
    margin = MARGIN * (high - low) or 0.5
    return low - margin, high + margin


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
