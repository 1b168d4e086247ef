"""One side of a heatmap or raster: which part of it is drawn, in which cells, with which ticks and group lines."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import holoviews as hv
import numpy as np
from numpy.typing import NDArray

from netxr.plot.grouping import GroupOrder
from netxr.plot.style import INK, with_options
from netxr.plot.ticks import MAX_TICKS, shorten, tick_step

ROOM: Final = 500
"""Most neurons on a side for which every weight is drawn, and most cells on a side: each needs a pixel."""

MOST_GROUPS: Final = 16
"""Most names of groups that have room along a side."""

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
    """The rows or the columns of a matrix: their labels in the order drawn, and where the groups are."""

    labels: NDArray[Any]
    order: GroupOrder


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


def side_ticks(side: Side, span: Span) -> list[tuple[float, str]]:
    """Return (place, name) for some of the neurons in view, or for the groups."""
    if side.order.names:
        return _group_ticks(side, span)
    step = tick_step(span.end - span.first, MAX_TICKS)
    places = range(-(-span.first // step) * step, span.end, step)
    return [(place, shorten(side.labels[place])) for place in places]


def _group_ticks(side: Side, span: Span) -> list[tuple[float, str]]:
    """Return the middle of the visible part of each group, and its name if there is room for it."""
    edges = np.clip([-0.5, *side.order.borders, len(side.labels) - 0.5], span.first - 0.5, span.end - 0.5)
    ticks: list[tuple[float, str]] = []
    for low, high, (_, name) in zip(edges[:-1], edges[1:], side.order.names, strict=True):
        middle = float(low + high) / 2
        if high > low and (not ticks or middle - ticks[-1][0] >= (span.end - span.first) / MOST_GROUPS):
            ticks.append((middle, shorten(name)))
    return ticks


def borders(lines: Sequence[tuple[float, float, float, float]], x: str, y: str) -> hv.Segments:
    """Draw thin lines between groups, each from (x, y) to (x, y)."""
    segments = hv.Segments(np.array(lines).reshape(-1, 4), [x, y, f"end_{x}", f"end_{y}"])
    return with_options(segments, both={"color": INK}, bokeh={"line_width": 1}, matplotlib={"linewidth": 0.6})
