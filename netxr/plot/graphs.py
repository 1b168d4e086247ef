"""A connectivity matrix as a directed graph: neurons on circles, an arrow from source to target."""

from typing import Any, Final, Literal, NamedTuple

import holoviews as hv
import numpy as np
from holoviews import dim
from matplotlib.path import Path as Outline
from numpy.typing import NDArray

from netxr.arguments import check_choice
from netxr.errors import InvalidInput
from netxr.names import SOURCE
from netxr.plot.arrows import MOST_ARROWS, Arrows, strongest_arrows
from netxr.plot.grouping import order_of
from netxr.plot.heatmaps import STRENGTH
from netxr.plot.places import LETTER, PIXEL, SPAN, Places, circle_places, ring_places
from netxr.plot.style import FRAME, INK, POINTS, literal, loaded_matrix, no_formulas, stay_in_place, with_options
from netxr.schema import check_connectivity, labels_of

NODE: Final = 16.0
HEAD: Final = 13.0
THICKEST: Final = 3.5
"""Diameter of a node, side of an arrowhead and width of the strongest edge, in pixels, where there is room."""

APART: Final = 4.0
"""Pixels by which an edge is shifted to its left where there is another one in the other direction."""

POSITIVE_COLOUR: Final = "#b2182b"
NEGATIVE_COLOUR: Final = "#2166ac"
"""Red and blue of the heatmaps, dark enough for a line."""

FAINTEST: Final = 16
"""Opacity of the weakest edge, of 255."""

CROWD: Final = 1_000
"""Arrows beyond which all are drawn less opaque, so that one sees how many lie over each other."""

NOTHING_DRAWN: Final = {
    "positive": "no positive weight\nbetween two neurons",
    "both": "no weight but 0\nbetween two neurons",
}
LAYOUTS: Final = ("circle", "groups")

TIPS: Final = [("from", "@from"), ("to", "@to"), ("connectivity strength", "@weight")]


class Look(NamedTuple):
    """How arrows look: the dims of their values, and the options that give them their colour."""

    values: list[Any]
    colours: dict[str, Any]


def network(
    weights: Any,
    *,
    layout: Literal["circle", "groups"] = "circle",
    sign: Literal["positive", "both"] = "positive",
    groups: Any = None,
    title: str = "",
) -> hv.Overlay:
    """Draw a connectivity matrix as a directed graph.

    An arrow points from source to target, the wider and the more opaque the larger its weight is beside the largest
    one drawn. No connection of a neuron with itself is drawn, and of more than 10,000 connections only the strongest;
    chance decides among equally strong ones. The title says so, and where negative weights are not drawn. Marks shrink
    the more neurons there are, and as many names are written as stand clear of each other.

    Parameters
    ----------
    weights : DataArray
        Loaded square matrix, (target, source) in any order of dims; NaN is no arrow.
    layout : {"circle", "groups"}
        All neurons on one circle, the first at the right, the others counter-clockwise; or each group on a ring of
        its own, and the rings likewise on a large circle.
    sign : {"positive", "both"}
        Whether positive weights are drawn only, or negative ones as well: red is positive, blue negative.
    groups : DataArray, optional
        (neuron,): the group of each neuron, as `netxr.assign_groups` has it; neurons are ordered by group, and the
        names of the groups are written in the place of theirs. On the circle there is a gap between two groups.
    title : str
        Title over the graph.

    Returns
    -------
    holoviews.Overlay
        Segments (edges), Points (arrowheads), Points (neurons) and Labels, with labels and weights on hovering.

    Raises
    ------
    InvalidInput
        If `weights` is no square connectivity matrix, is lazy, or has several trials; if `layout` is "groups" and
        there are none.

    Examples
    --------
    >>> from netxr.arrays import as_connectivity
    >>> A = as_connectivity([[0, 1], [0, 0]], rows="target", neurons=["a", "b"])
    >>> [str(end) for end in network(A).Segments.I.array(["from", "to"])[0]]
    ['b', 'a']
    """
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
    labels = labels_of(square, SOURCE)
    names, order = np.array([str(label) for label in labels.tolist()], dtype=object), order_of(labels, groups)
    places = circle_places(names, order) if layout == "circle" else ring_places(order)
    arrows = strongest_arrows(square.values, negative=sign == "both")
    look = _by_sign(arrows) if sign == "both" else _by_strength(arrows)
    note = "" if arrows.n_all else NOTHING_DRAWN[sign]
    graph = _edges(arrows, places, names, look) * _nodes(places, names) * _names(places, note=note)
    hidden = _hidden(square.values) if sign == "positive" and arrows.n_all else ""
    return _framed(graph, places, title="\n".join(line for line in (title, hidden, _cut(arrows)) if line))


def _hidden(weights: NDArray[Any]) -> str:
    """Say that negative weights are not drawn, where there are some between two neurons."""
    negative = np.isfinite(weights) & (weights < 0)
    return "positive weights only" if negative.sum() > np.diagonal(negative).sum() else ""


def _cut(arrows: Arrows) -> str:
    """Say that not all connections are drawn, where it is so."""
    few = arrows.n_all <= MOST_ARROWS
    return "" if few else f"strongest {MOST_ARROWS:,} of {arrows.n_all:,} connections"


def _framed(graph: hv.Overlay, places: Places, *, title: str) -> hv.Overlay:
    """Set the frame around the graph, with room for names, and the title."""
    half, wide = SPAN / 2, SPAN / 2 + PIXEL * LETTER * max(map(len, places.labels))
    return with_options(
        graph,
        both={
            "xaxis": None,
            "yaxis": None,
            "ylim": (-half, half),
            "axiswise": True,  # else a graph beside this one would stretch its axes
            "title": literal(title),
            "show_legend": False,
        },
        # bokeh cuts names off at the edge of the frame, matplotlib writes on beyond it
        bokeh={
            "xlim": (-wide, wide),
            "frame_width": round(FRAME * wide / half),
            "frame_height": FRAME,
            "hooks": [stay_in_place],
        },
        matplotlib={"xlim": (-half, half), "aspect": 1, "show_frame": False},
    )


def _by_strength(arrows: Arrows) -> Look:
    """Return how arrows look that are dark by strength."""
    values = [hv.Dimension("weight"), hv.Dimension("strength", range=(0, 1)), "from", "to"]
    return Look(values, {"color": "strength", "cmap": _ramp(INK, arrows), "clim": (0, 1)})


def _by_sign(arrows: Arrows) -> Look:
    """Return how arrows look that are red or blue by sign, the darker the stronger."""
    limit = float(np.abs(arrows.weights).max(initial=0.0)) or 1.0
    values = [hv.Dimension("weight", label=STRENGTH, range=(-limit, limit)), "strength", "from", "to"]
    colours = _ramp(NEGATIVE_COLOUR, arrows)[::-1] + _ramp(POSITIVE_COLOUR, arrows)
    return Look(values, {"color": "weight", "cmap": colours, "clim": (-limit, limit)})


def _ramp(colour: str, arrows: Arrows) -> list[str]:
    """Return `colour` from almost transparent to opaque: both backends can map colours to each line and mark."""
    darkest = max(255 * min(1.0, CROWD / max(len(arrows.weights), 1)), 2 * FAINTEST)
    return [f"{colour}{round(alpha):02x}" for alpha in np.linspace(FAINTEST, darkest, 128)]


def _edges(arrows: Arrows, places: Places, names: NDArray[Any], look: Look) -> hv.Overlay:
    """Draw each arrow as a line and a head, clear of both nodes and beside the way back."""
    pixel = PIXEL * places.room
    along = places.nodes[arrows.targets] - places.nodes[arrows.sources]
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    aside = APART * pixel * arrows.mutual[:, np.newaxis] * np.column_stack([-along[:, 1], along[:, 0]])
    # An equilateral triangle of side s reaches s / sqrt(3) from its middle to its tip.
    tips_to_middle = HEAD / np.sqrt(3) * pixel
    starts = places.nodes[arrows.sources] + aside + along * NODE / 2 * pixel
    heads = places.nodes[arrows.targets] + aside - along * (NODE / 2 * pixel + tips_to_middle)
    magnitudes = np.abs(arrows.weights)
    strength = magnitudes / magnitudes.max(initial=np.finfo(np.float64).tiny)
    values = (arrows.weights, strength, names[arrows.sources], names[arrows.targets])
    return _shafts(starts, heads, values, look, places.room) * _heads(heads, along, values, look, places.room)


def _shafts(
    starts: NDArray[np.float64], ends: NDArray[np.float64], values: tuple[Any, ...], look: Look, room: float
) -> hv.Segments:
    """Draw the lines."""
    shafts = hv.Segments((*starts.T, *ends.T, *values), ["x0", "y0", "x1", "y1"], look.values)
    width = THICKEST * room * dim("strength")
    return with_options(
        shafts,
        both=look.colours | {"colorbar": look.colours["color"] == "weight", "clabel": STRENGTH},
        bokeh={
            "line_width": width,
            "colorbar_opts": {"title_standoff": 12},
            "tools": ["hover"],
            "hover_tooltips": TIPS,
        },
        matplotlib={"linewidth": width * POINTS, "cbar_padding": 0.1},  # names reach beyond the frame
    )


def _heads(
    middles: NDArray[np.float64], along: NDArray[np.float64], values: tuple[Any, ...], look: Look, room: float
) -> hv.Points:
    """Draw the arrowheads."""
    angles = np.degrees(np.arctan2(along[:, 1], along[:, 0])) - 90  # from a triangle that points upwards
    heads = hv.Points((*middles.T, angles, *values), ["x", "y"], ["angle", *look.values])
    size = HEAD * room
    return with_options(
        heads,
        both=look.colours,
        bokeh={
            "marker": "triangle",
            "angle": "angle",
            "size": size,
            "line_color": None,
            "tools": ["hover"],
            "hover_tooltips": TIPS,
        },
        matplotlib={"s": (size * POINTS) ** 2, "linewidth": 0, "hooks": [_turn_heads]},
    )


def _turn_heads(plot: Any, heads: hv.Points) -> None:
    """Give each mark of a matplotlib scatter its own outline: it has no angle for each mark."""
    corners = np.pi / 2 + 2 * np.pi / 3 * np.arange(3) + np.radians(heads.dimension_values("angle"))[:, np.newaxis]
    outlines = np.stack([np.cos(corners), np.sin(corners)], axis=-1) / np.sqrt(3)
    plot.handles["artist"].set_paths([Outline(outline, closed=False) for outline in outlines])


def _nodes(places: Places, names: NDArray[Any]) -> hv.Points:
    """Draw the neurons."""
    size = NODE * places.room
    return with_options(
        hv.Points((*places.nodes.T, names), ["x", "y"], ["neuron"]),
        both={"color": INK},
        bokeh={"size": size, "tools": ["hover"], "hover_tooltips": [("neuron", "@neuron")]},
        matplotlib={"s": (size * POINTS) ** 2},
    )


def _names(places: Places, *, note: str) -> hv.Labels:
    """Write the names, and `note` in the middle."""
    x, y = places.label_places.T
    return with_options(
        hv.Labels(([*x, 0.0], [*y, 0.0], [*places.labels, note]), ["x", "y"], ["label"]),
        bokeh={"text_color": INK, "text_font_size": "9pt"},
        matplotlib={"color": INK, "size": 9, "hooks": [no_formulas]},
    )
