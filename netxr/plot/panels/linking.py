"""One choice of neurons, marked in every figure of a pair A and R: matrices, graph, scatter and traces."""

from collections.abc import Callable
from typing import Any, Final

import holoviews as hv
import numpy as np
import xarray as xr
from bokeh.models import FixedTicker
from numpy.typing import NDArray

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.estimators.overlap import left_out, shared_entries, shared_pairs
from netxr.estimators.undirected import is_undirected
from netxr.plot.activity.traces import MOST_TRACES, traces
from netxr.plot.loading import loaded_matrix
from netxr.plot.matrices.aggregation import sheet_of
from netxr.plot.matrices.arrow_marks import NODE, drawn_ways
from netxr.plot.matrices.graphs import network
from netxr.plot.matrices.heatmaps import heatmap
from netxr.plot.matrices.side_by_side import TITLE_A, TITLE_R, room_for
from netxr.plot.palettes import LIGHT
from netxr.plot.panels.choosing import (
    CHOOSING,
    Bounds,
    Selection,
    choose_in,
    chosen_boxes,
    chosen_neurons,
    chosen_pairs,
)
from netxr.plot.scores.agreements import MOST_POINTS, entries
from netxr.plot.style import FRAME, POINTS, laid_out, screen_look, with_options
from netxr.schema.clock import activity_of
from netxr.schema.variables import check_connectivity, labels_of

CHOSEN: Final = LIGHT.accent
"""Teal, which is neither sign."""

MOST_NEURONS: Final = 2_000
"""With more neurons, marking a choice is no longer instant."""

N_STEPS: Final = 500
"""Samples of the traces."""

NEAR: Final = 0.15
"""How far a tap may be from a neuron of the graph, in radii of its circle."""


def linked(
    A: Any, R: Any, *, activity: xr.DataArray | xr.Dataset | None = None, selection: Selection | None = None
) -> hv.Layout:
    """Draw A, R, the graph of A, R against A and some activity; what is chosen in one figure is marked in all.

    In a notebook or the app, on bokeh: a box in a matrix chooses a block of connections, a tap a single one. A box in
    the graph chooses neurons with all their connections, a tap the nearest neuron. The reset tool clears the choice.
    Elsewhere the figure shows what `selection` holds. Of more than 5,000 chosen connections, the scatter marks some.

    Parameters
    ----------
    A : DataArray
        True connectivity, square matrix in memory, (target, source).
    R : DataArray
        Estimated connectivity, likewise. Neurons that only one of the two has are left out; the title says so.
    activity : DataArray, or Dataset that holds it, optional
        Recording with the same labels, (neuron, time), in memory or lazy: the first 500 samples of the chosen neurons
        (of the first 20 ones where none are) are read and drawn.
    selection : Selection, optional
        What is chosen at the start. It follows later choices, and can make choices from Python.

    Returns
    -------
    holoviews.Layout
        Matrices of A and R, graph, scatter and, with `activity`, traces.

    Raises
    ------
    InvalidInput
        If A or R is no square connectivity matrix, is lazy or has several trials, or if they share no neuron; if
        `activity` is no recording, or `selection` no Selection.

    Examples
    --------
    >>> from netxr import as_connectivity
    >>> A = as_connectivity([[0, 1], [0, 0]], rows="target", neurons=["a", "b"])
    >>> selection = Selection(neurons=["a"])
    >>> figure = linked(A, 0.3 * A, selection=selection)
    >>> selection.choose_block(targets=["a"], sources=["b"])
    """
    A, R, cut = _on_shared_neurons(A, R)
    if selection is None:
        selection = Selection()
    elif not isinstance(selection, Selection):
        raise InvalidInput("selection", got=repr(selection), expected="a Selection", fix="Make it with Selection().")
    panels = [
        _matrix_panel(A, TITLE_A, selection),
        _matrix_panel(R, TITLE_R, selection),
        _graph_panel(A, selection),
        _scatter_panel(A, R, selection),
    ]
    if activity is not None:
        panels.append(_traces_panel(activity_of(activity, argument="activity"), selection))
    room = room_for(labels_of(A, n.SOURCE))
    size = (11, (5 + room) * -(-len(panels) // 2))
    return laid_out(hv.Layout(panels), title=cut, fig_inches=size, hspace=0.4, vspace=0.4 + room / 4)


def _on_shared_neurons(A: Any, R: Any) -> tuple[xr.DataArray, xr.DataArray, str]:
    """Return both matrices for the neurons that both have, in the order of A, and how many are left out."""
    A = check_connectivity(loaded_matrix(A, argument="A"), argument="A")
    R = check_connectivity(loaded_matrix(R, argument="R"), argument="R")
    A, R, overlaps = shared_entries(A, R, arguments=("A", "R"))
    if len(A) > MOST_NEURONS:
        raise InvalidInput(
            "A",
            got=f"{len(A):,} neurons",
            expected=f"at most {MOST_NEURONS:,}",
            fix="Take some with .sel(target=..., source=...), or average groups of them with netxr.coarsen.",
        )
    return A, R, left_out(overlaps)


def _follow(marks: Callable[[], Any], selection: Selection) -> hv.DynamicMap:
    """Return marks that are redrawn whenever the choice changes."""
    return hv.DynamicMap(lambda targets, sources, neurons: marks(), streams=[selection])


def _matrix_panel(weights: xr.DataArray, title: str, selection: Selection) -> Any:
    """Draw a matrix with the chosen connections outlined."""
    labels = labels_of(weights, n.SOURCE)

    def outlines() -> hv.Rectangles:
        """Draw frames around the chosen cells."""
        return with_options(
            hv.Rectangles(chosen_boxes(labels, selection), [n.SOURCE, n.TARGET, "last_source", "last_target"]),
            bokeh={"fill_alpha": 0, "line_color": CHOSEN, "line_width": 2.5, **CHOOSING},
            matplotlib={"facecolor": "none", "edgecolor": CHOSEN, "linewidth": 2},
        )

    def choose(bounds: Bounds) -> None:
        """Choose the cells under a box."""
        left, first, right, last = bounds
        selection.choose_block(_under(labels, first, last), _under(labels, left, right))

    marks = _follow(outlines, selection)
    choose_in(marks, selection, box=choose, tap=lambda x, y: choose((x, y, x, y)))
    sheet = sheet_of(weights, room=FRAME)  # so that all figures fit beside each other
    return heatmap(sheet, title=title) * marks


def _under(labels: NDArray[Any], first: float, last: float) -> list[Any]:
    """Return the neurons whose cells a part of an axis touches."""
    lowest, highest = sorted((round(first), round(last)))  # an inverted axis has them the other way round
    chosen: list[Any] = labels[max(0, lowest) : highest + 1].tolist()
    return chosen


def _graph_panel(A: xr.DataArray, selection: Selection) -> Any:
    """Draw the graph with chosen arrows and their neurons marked."""
    labels, graph = labels_of(A, n.SOURCE), network(A, title="Graph of A")
    undirected = is_undirected(A)
    edges, places = network(A, edges=None).Segments.I, graph.Points.II.array(["x", "y"])
    ways = drawn_ways(edges, among=len(graph.Segments.I))
    place_of = {str(label): place for place, label in enumerate(labels.tolist())}
    ends = tuple(np.array([place_of[name] for name in edges[end]], dtype=np.intp) for end in ("to", "from"))

    def arrows() -> hv.Segments:
        """Draw the chosen arrows over the others, also those that are not among the strongest."""
        chosen = chosen_pairs(labels, selection)
        points = ways[np.flatnonzero((chosen | chosen.T if undirected else chosen)[ends])]
        pieces = np.concatenate([points[:, :-1], points[:, 1:]], axis=2).reshape(-1, 4)
        return with_options(
            hv.Segments(pieces, ["x0", "y0", "x1", "y1"]),
            both={"color": CHOSEN},
            bokeh={"line_width": 2},
            matplotlib={"linewidth": 1.5},
        )

    def nodes() -> hv.Points:
        """Draw the chosen neurons over the others."""
        return with_options(
            hv.Points(places[chosen_neurons(labels, selection)], ["x", "y"]),
            both={"color": CHOSEN},
            bokeh={"size": NODE / 2, **CHOOSING},
            matplotlib={"s": (POINTS * NODE / 2) ** 2},
        )

    def within(bounds: Bounds) -> None:
        """Choose the neurons in a box."""
        left, bottom, right, top = bounds
        inside = (places >= (left, bottom)) & (places <= (right, top))
        selection.choose_neurons(labels[inside.all(axis=1)].tolist())

    def nearest(x: float, y: float) -> None:
        """Choose the neuron next to a click, or none if all are far from it."""
        distances = np.hypot(*(places - (x, y)).T)
        near = distances.min() <= NEAR
        selection.choose_neurons(labels[[distances.argmin()]].tolist() if near else [])

    marks = _follow(nodes, selection)
    choose_in(marks, selection, box=within, tap=nearest)
    return _over(graph, _follow(arrows, selection) * marks)


def _scatter_panel(A: xr.DataArray, R: xr.DataArray, selection: Selection) -> Any:
    """Draw R against A with the chosen connections marked."""
    labels, defined = labels_of(A, n.SOURCE), np.isfinite(A.values) & np.isfinite(R.values)

    def points() -> hv.Points:
        """Draw the chosen pairs over the others, or some of them if there are many."""
        pairs = np.flatnonzero(chosen_pairs(labels, selection) & defined)
        pairs = pairs[:: max(1, -(-len(pairs) // MOST_POINTS))]
        size = 6.0
        return with_options(
            hv.Points((A.values.flat[pairs], R.values.flat[pairs]), ["A", "R"]),
            both={"color": CHOSEN},
            bokeh={"size": size},
            matplotlib={"s": (POINTS * size) ** 2},
        )

    every = entries(shared_pairs(A, R, diagonal=True, arguments=("A", "R")))
    return every * _follow(points, selection)


def _traces_panel(activity: xr.DataArray, selection: Selection) -> hv.DynamicMap:
    """Draw the traces of the chosen neurons."""
    labels = labels_of(activity, n.NEURON)

    def drawn() -> Any:
        """Draw the first of the chosen neurons, or of all if none is chosen."""
        chosen = labels[chosen_neurons(labels, selection)]
        shown = (chosen if len(chosen) else labels)[:MOST_TRACES]
        figure = traces(activity, neurons=shown.tolist(), n_steps=N_STEPS)
        return with_options(
            figure, bokeh={"hooks": [screen_look, _renew_axis], "frame_width": FRAME, "frame_height": FRAME}
        )

    return _follow(drawn, selection)


def _renew_axis(plot: Any, figure: Any) -> None:
    """Update the y axis, which HoloViews leaves as it was."""
    options = hv.Store.lookup_options("bokeh", figure, "plot").kwargs
    axis, (low, high) = plot.handles["yaxis"], options["ylim"]
    axis.ticker = FixedTicker(ticks=[place for place, _ in options["yticks"]])
    axis.major_label_overrides = dict(options["yticks"])
    axis.axis_label = options["ylabel"]
    plot.handles["y_range"].update(start=low, end=high)


def _over(figure: hv.Overlay, marks: Any) -> Any:
    """Lay marks over a figure, which keeps its frame, its axes and its title."""
    marked = figure * marks
    for backend in ("bokeh", "matplotlib"):
        options = hv.Store.lookup_options(backend, figure, "plot").kwargs
        marked = marked.opts(**options, backend=backend)
    return marked
