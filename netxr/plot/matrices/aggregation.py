"""What is drawn of a matrix: rows and columns in the order of their groups, and block means if there are too many."""

from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from netxr import names as n
from netxr.plot.grouping import order_of
from netxr.plot.loading import loaded_matrix
from netxr.plot.matrices.found_pairs import FoundPairs, found_pairs
from netxr.plot.matrices.quantities import Quantity, quantity_of
from netxr.plot.spans import ROOM, Range, Side, Span, span_in_view
from netxr.schema.variables import labels_of


class Sheet(NamedTuple):
    """A matrix, the order in which its rows and columns are drawn, and whether its diagonal has a colour."""

    values: NDArray[Any]
    targets: Side
    sources: Side
    room: int
    quantity: Quantity
    tested: FoundPairs | None = None
    diagonal: bool = False

    @property
    def is_big(self) -> bool:
        """Whether there are more neurons than there is room for."""
        return any(size > self.room for size in self.values.shape)


class View(NamedTuple):
    """The part of a matrix that is in view, as cells; `dim` are those in which no pair is found."""

    cells: NDArray[np.float64]
    down: Span
    across: Span
    dim: NDArray[np.bool_] | None = None


def sheet_of(
    weights: Any,
    *,
    p_value: Any = None,
    q: float = 0.05,
    groups: Any = None,
    room: int = ROOM,
    argument: str = "weights",
) -> Sheet:
    """Return what is drawn of a connectivity matrix: every weight if it has at most `room` neurons on a side."""
    matrix = loaded_matrix(weights, argument=argument)
    tested = None if p_value is None else found_pairs(matrix, p_value, q=q)
    targets, sources = (_side(labels_of(matrix, dim), groups) for dim in (n.TARGET, n.SOURCE))
    return Sheet(matrix.values, targets, sources, room, quantity_of(matrix), tested)


def _side(labels: NDArray[Any], groups: Any) -> Side:
    """Return the labels in the order of their groups."""
    order = order_of(labels, groups)
    return Side(labels[order.positions], order)


def view_of(sheet: Sheet, *, x_range: Range | None = None, y_range: Range | None = None) -> View:
    """Return the cells within a range of places; all of them where it is None, or the matrix is not big."""
    n_targets, n_sources = sheet.values.shape
    down, across = span_in_view(n_targets, y_range, sheet.room), span_in_view(n_sources, x_range, sheet.room)
    rows, columns = (
        side.order.positions[span.first : span.end] for side, span in ((sheet.targets, down), (sheet.sources, across))
    )
    in_blocks = partial(block_means, rows=rows, columns=columns, steps=(down.step, across.step))
    cells = in_blocks(sheet.values)
    cells[~np.isfinite(cells)] = np.nan  # infinite is as undefined as NaN
    return View(cells, down, across, None if sheet.tested is None else in_blocks(sheet.tested.found) == 0)


def coloured_cells(sheet: Sheet, view: View) -> NDArray[np.float64]:
    """Return the cells of different neurons, NaN in the place of others; all cells if those tell no range of colours.

    A neuron's correlation with its own past would leave the others pale. Where cells are means of blocks they stay.
    """
    if view.down.step * view.across.step > 1:
        return view.cells
    rows = sheet.targets.labels[view.down.first : view.down.end].astype(object)
    columns = sheet.sources.labels[view.across.first : view.across.end].astype(object)
    others = np.where(rows[:, np.newaxis] == columns, np.nan, view.cells)
    return others if (np.abs(others) > 0).any() else view.cells


def block_means(
    values: NDArray[Any], rows: NDArray[np.intp], columns: NDArray[np.intp], *, steps: tuple[int, int]
) -> NDArray[np.float64]:
    """Return the mean of each block over its entries that are not NaN; NaN where it has none.

    `rows` and `columns` of the matrix are taken in this order, `steps` of them to a block; the last ones may have
    fewer. Beside the matrix, the rows of one row of blocks are held at a time.

    Examples
    --------
    >>> block_means(np.array([[1.0, 3.0, 5.0], [np.nan, 5.0, np.nan]]), np.arange(2), np.arange(3), steps=(2, 2))
    array([[3., 5.]])
    """
    starts = np.arange(0, len(columns), steps[1])
    in_place = np.array_equal(columns, np.arange(values.shape[1]))
    means = np.full((-(-len(rows) // steps[0]), len(starts)), np.nan)
    for mean, first in zip(means, range(0, len(rows), steps[0]), strict=True):
        strip = values[rows[first : first + steps[0]]]
        strip = strip if in_place else strip[:, columns]
        defined = ~np.isnan(strip)
        counts = np.add.reduceat(defined.sum(axis=0), starts)
        with np.errstate(invalid="ignore"):  # inf - inf is undefined
            sums = np.add.reduceat(strip.sum(axis=0, dtype=np.float64, where=defined), starts)
            np.divide(sums, counts, out=mean, where=counts > 0)
    return means
