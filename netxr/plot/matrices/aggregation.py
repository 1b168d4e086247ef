"""What of a matrix is drawn: rows and columns in order of groups, and means over blocks where they are too many."""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from netxr import names as n
from netxr.plot.grouping import GroupOrder, order_of
from netxr.plot.style import loaded_matrix
from netxr.plot.ticks import tick_step
from netxr.schema.variables import labels_of

ROOM: Final = 500
"""Neurons a side up to which every weight is drawn, and the most cells a side: a browser has a pixel for each."""

Range = tuple[float, float]


class Span(NamedTuple):
    """Consecutive places along a side, from `first` to before `end`, drawn in cells of `step` places."""

    first: int
    end: int
    step: int

    @property
    def edges(self) -> Range:
        """Where the first cell begins and the last one ends, which may reach beyond the last place."""
        n_cells = -(-(self.end - self.first) // self.step)
        return self.first - 0.5, self.first + n_cells * self.step - 0.5


class Side(NamedTuple):
    """The rows or the columns of a matrix: their labels from place to place, and where the groups are."""

    labels: NDArray[Any]
    order: GroupOrder


class Sheet(NamedTuple):
    """A matrix, and the order in which its rows and columns are drawn."""

    values: NDArray[Any]
    targets: Side
    sources: Side
    room: int

    @property
    def is_big(self) -> bool:
        """Whether there are more neurons than there is room for."""
        return any(size > self.room for size in self.values.shape)


class View(NamedTuple):
    """The part of a matrix that is in view, as cells."""

    cells: NDArray[np.float64]
    down: Span
    across: Span


def sheet_of(weights: Any, *, groups: Any = None, room: int = ROOM, argument: str = "weights") -> Sheet:
    """Return what is drawn of a connectivity matrix, every weight if it has at most `room` neurons a side."""
    matrix = loaded_matrix(weights, argument=argument)
    targets, sources = (_side(labels_of(matrix, dim), groups) for dim in (n.TARGET, n.SOURCE))
    return Sheet(matrix.values, targets, sources, room)


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
    cells = block_means(sheet.values, rows, columns, steps=(down.step, across.step))
    cells[~np.isfinite(cells)] = np.nan  # infinite is as undefined as NaN
    return View(cells, down, across)


def span_in_view(n_places: int, view: Range | None, room: int = ROOM) -> Span:
    """Return the places within `view`, all of them where it is None, in cells of a round number of places.

    Examples
    --------
    >>> span_in_view(2000, None), span_in_view(2000, (1200.7, 99.6))
    (Span(first=0, end=2000, step=5), Span(first=100, end=1205, step=5))
    """
    if n_places <= room:
        return Span(0, n_places, 1)
    low, high = sorted(view) if view is not None and np.isfinite(view).all() else (0, n_places)
    first = min(max(0, int(np.floor(low + 0.5))), n_places - 1)
    end = max(first + 1, min(n_places, int(np.ceil(high + 0.5))))
    step = tick_step(end - first, room)
    # Cells keep their places and are whole when the view moves.
    return Span(first // step * step, min(n_places, -(-end // step) * step), step)


def block_means(
    values: NDArray[Any], rows: NDArray[np.intp], columns: NDArray[np.intp], *, steps: tuple[int, int]
) -> NDArray[np.float64]:
    """Return the mean of each block over its entries that are not NaN; NaN where it has none.

    Parameters
    ----------
    values : array
        The whole matrix; besides it, the rows of one row of blocks are held at a time.
    rows, columns : array of int
        Which of its rows and columns to take, in this order.
    steps : tuple of int
        Rows and columns of a block; the last ones may have fewer.

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
