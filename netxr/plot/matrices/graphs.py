"""A connectivity matrix as a directed graph: an arrow from source to target."""

from typing import Any, Final, Literal

import holoviews as hv
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.estimators.undirected import is_undirected
from netxr.plot.grouping import order_of
from netxr.plot.loading import loaded_matrix
from netxr.plot.matrices.arrow_marks import NODE, by_sign, by_strength, edges_of
from netxr.plot.matrices.arrows import Arrows, each_pair_once, strongest_arrows
from netxr.plot.matrices.found_pairs import found_pairs
from netxr.plot.matrices.node_positions import (
    LETTER,
    PIXEL,
    SPAN,
    Places,
    ScaleBar,
    circle_places,
    field_places,
    pulled_places,
    ring_places,
    spread_places,
    unit_of,
)
from netxr.plot.matrices.quantities import quantity_of
from netxr.plot.palettes import LIGHT
from netxr.plot.style import (
    FRAME,
    INK,
    PAPER_FONTS,
    POINTS,
    literal,
    no_formulas,
    screen_look,
    with_options,
)
from netxr.schema.arguments import check_choice, check_count, check_text
from netxr.schema.variables import check_connectivity, labels_of
from netxr.significance.false_discovery import check_rate

NOTHING_DRAWN: Final = {
    "positive": "no positive weight\nbetween two neurons",
    "both": "no weight but 0\nbetween two neurons",
}
LINE: Final = 50
"""Letters in a line of a title: bokeh cuts off what is wider than the frame."""

BELOW: Final = 0.18
"""Of the lowest neuron, the scale bar."""

NAME: Final = 7.5
"""Points of a name on paper, where it is as wide as on the screen beside its node."""

LAYOUTS: Final = ("circle", "groups", "spring")


def network(
    weights: Any,
    *,
    layout: Literal["circle", "groups", "spring"] = "circle",
    positions: xr.DataArray | xr.Dataset | None = None,
    edges: int | None = 3,
    sign: Literal["positive", "both"] = "positive",
    p_value: xr.DataArray | None = None,
    q: float = 0.05,
    groups: Any = None,
    title: str = "",
) -> hv.Overlay:
    """Draw a connectivity matrix as a directed graph.

    An arrow points from source to target. It is the wider and darker, the larger its weight is compared with the
    largest one drawn. Of each neuron its three strongest inputs are drawn; among equally strong ones, chance decides.
    The title says so where there are more, and also if negative weights are left out. Connections of a neuron with
    itself are not drawn. With more neurons, marks get smaller, and only as many names are written as fit.

    An estimate that is the same both ways, such as a correlation at lag 0, tells no direction: each pair is one line,
    without an arrowhead.

    Parameters
    ----------
    weights : DataArray
        Square matrix in memory, (target, source) in any order of dims; NaN has no arrow.
    layout : {"circle", "groups", "spring"}
        All neurons on one circle, the first at the right, the others counter-clockwise; or each group on a ring of its
        own, and the rings on a large circle; or where the edges that are drawn pull them together (needs NetworkX).
    positions : DataArray or Dataset, optional
        Recording with the coordinates `x` and `y` on `neuron`, aligned by label: neurons stand there, as in the image,
        whatever `layout` says. Where both coordinates have the attribute `units`, there is a scale bar.
    edges : int or None
        How many inputs of each neuron are drawn, the strongest ones; None is all. Of more than 10,000 edges in all,
        the strongest are drawn.
    sign : {"positive", "both"}
        Whether only positive weights are drawn, or negative ones too: orange is positive, blue negative.
    p_value : DataArray, optional
        (target, source), aligned by label, as `netxr.correlation_test` returns it: only pairs that are found at the
        false discovery rate `q` are drawn. The title says how many they are, and of how many.
    q : float
        Share of the pairs left that may be expected not to correlate, above 0 and below 1.
    groups : DataArray, optional
        (neuron,): the group of each neuron, as `netxr.assign_groups` gives it. Neurons are ordered by group, and the
        names of groups are written instead of theirs. On the circle, there is a gap between two groups.
    title : str
        Title over the graph.

    Returns
    -------
    holoviews.Overlay
        Segments (edges), Points (arrowheads), Points (neurons) and Labels, with labels and weights on hovering.

    Raises
    ------
    InvalidInput
        If `weights` is no square connectivity matrix, is large and lazy, or has several trials; if `layout` is "groups"
        and there are none; if `positions` lacks a neuron; if `p_value` holds no p-values, or is not of all neurons
        that are drawn.
    MissingExtra
        If `layout` is "spring" and NetworkX is not installed.

    Examples
    --------
    >>> from netxr import as_connectivity
    >>> A = as_connectivity([[0, 1], [0, 0]], rows="target", neurons=["a", "b"])
    >>> [str(end) for end in network(A).Segments.I.array(["from", "to"])[0]]
    ['b', 'a']
    """
    check_text("title", title)
    check_rate(q)
    check_choice("layout", layout, LAYOUTS)
    check_choice("sign", sign, tuple(NOTHING_DRAWN))
    if layout == "groups" and groups is None:
        raise InvalidInput(
            "groups",
            got="None",
            expected="a DataArray (neuron,), for layout='groups'",
            fix="Make it with netxr.assign_groups(activity, groups=...).group.",
        )
    square = check_connectivity(loaded_matrix(weights), argument="weights")
    labels = labels_of(square, n.SOURCE)
    names, order = np.array([str(label) for label in labels.tolist()], dtype=object), order_of(labels, groups)
    tested = None if p_value is None else found_pairs(square, p_value, q=q)
    drawn = square.values if tested is None else np.where(tested.found, square.values, np.nan)
    inputs = None if edges is None else check_count("edges", edges)
    arrows = strongest_arrows(drawn, negative=sign == "both", inputs=inputs)
    arrows = each_pair_once(arrows) if is_undirected(square) else arrows
    if positions is not None:
        places = spread_places(field_places(positions, labels), names, order, unit=unit_of(positions))
    elif layout == "spring":
        places = spread_places(pulled_places(arrows, len(names)), names, order)
    else:
        places = circle_places(names, order) if layout == "circle" else ring_places(order)
    look = (by_sign if sign == "both" else by_strength)(arrows, quantity_of(square).name)
    none = NOTHING_DRAWN[sign] if tested is None or tested.found.any() else f"no pair at q ≤ {q:g}"
    note = "" if arrows.n_all else none
    graph = edges_of(arrows, places, names, look) * _nodes(places, names) * _names(places, note=note)
    graph = graph * _scale_bar(places.scale, places.height) if places.scale else graph
    kind = "positive " if sign == "positive" and arrows.n_all and _has_negative(drawn) else ""
    said = [] if tested is None else [f"{tested.text}; others not drawn"]
    said += filter(None, [_cut(arrows, inputs, kind=kind)])
    if title and tested is not None and len(said) > 1:  # a third line would take the room of the graph
        said[0] = f"{title}: {tested.text}"
    elif title:
        said = [title, *said]
    return _framed(graph, places, title="\n".join(said))


def _has_negative(weights: NDArray[Any]) -> bool:
    """Return whether there are negative weights between two neurons."""
    negative = np.isfinite(weights) & (weights < 0)
    return bool(negative.sum() > np.diagonal(negative).sum())


def _cut(arrows: Arrows, inputs: int | None, *, kind: str) -> str:
    """Say in one line which edges are drawn, if these are not all; of one `kind`, "positive " or all of them."""
    drawn, n_all = len(arrows.weights), arrows.n_all
    if drawn == n_all:
        return f"{kind}weights only" if kind else ""
    each, all_of_them = ("input", "edges") if arrows.directed else ("pair", "pairs")
    if inputs is None:
        return f"strongest {drawn:,} of {n_all:,} {kind}{all_of_them}"
    one = f"strongest {kind}{each} of each" if inputs == 1 else f"{inputs} strongest {kind}{each}s of each"
    counts = f"{drawn:,} of {n_all:,}"
    ways = (f"{one}: {counts} {all_of_them}", f"{one}: {counts}", f"{one}: {drawn:,} {all_of_them}")
    return next((text for text in ways if len(text) <= LINE), ways[-1])


def _framed(graph: hv.Overlay, places: Places, *, title: str) -> hv.Overlay:
    """Set the frame around the graph, with room for names, and the title."""
    half, wide = SPAN / 2, SPAN / 2 + PIXEL * LETTER * max(map(len, places.labels), default=0)
    high = places.height + half - 1
    return with_options(
        graph,
        both={
            "xaxis": None,
            "yaxis": None,
            "ylim": (-high, high),
            "axiswise": True,  # a graph beside this one would otherwise stretch its axes
            "title": literal(title),
            "show_legend": False,
        },
        # bokeh cuts names off at the edge of the frame, matplotlib writes on beyond it
        bokeh={
            "xlim": (-wide, wide),
            "frame_width": round(FRAME * wide / half),
            "frame_height": round(FRAME * high / half),
            "hooks": [screen_look],
        },
        matplotlib={"fontsize": PAPER_FONTS, "xlim": (-half, half), "aspect": half / high, "show_frame": False},
    )


def _nodes(places: Places, names: NDArray[Any]) -> hv.Points:
    """Draw the neurons."""
    size, outline = NODE * places.room, float(np.sqrt(places.room))
    return with_options(
        hv.Points((*places.nodes.T, names), ["x", "y"], ["neuron"]),
        bokeh={
            "size": size,
            "fill_color": LIGHT.ground,
            "line_color": INK,
            "line_width": outline,
            "tools": ["hover"],
            "hover_tooltips": [("neuron", "@neuron")],
        },
        matplotlib={
            "s": (size * POINTS) ** 2,
            "facecolors": LIGHT.ground,
            "edgecolors": INK,
            "linewidth": 0.8 * outline,
        },
    )


def _scale_bar(scale: ScaleBar, height: float) -> hv.Overlay:
    """Draw a length of the field at the lower right, with what it is."""
    y = -(height + BELOW)
    line = with_options(
        hv.Segments(([1 - scale.length], [y], [1.0], [y]), ["x0", "y0", "x1", "y1"]),
        both={"color": INK},
        bokeh={"line_width": 3},
        matplotlib={"linewidth": 2},
    )
    text = hv.Labels(([1 - scale.length], [y], [f"{scale.text}  "]), ["x", "y"], ["label"])
    return line * with_options(
        text,
        bokeh={"text_color": INK, "text_font_size": "9pt", "text_align": "right"},
        matplotlib={"color": INK, "size": 9, "horizontalalignment": "right", "hooks": [no_formulas]},
    )


def _names(places: Places, *, note: str) -> hv.Labels:
    """Write the names, and `note` in the middle."""
    x, y = places.label_places.T
    return with_options(
        hv.Labels(([*x, 0.0], [*y, 0.0], [*places.labels, note]), ["x", "y"], ["label"]),
        bokeh={"text_color": INK, "text_font_size": "9pt"},
        matplotlib={"color": INK, "size": NAME, "hooks": [no_formulas]},
    )
