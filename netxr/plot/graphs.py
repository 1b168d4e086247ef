"""A connectivity matrix as a directed graph: neurons on a circle, an arrow from source to target."""

from typing import Any, Final, NamedTuple

import holoviews as hv
import numpy as np
from holoviews import dim
from matplotlib.path import Path as Outline
from numpy.typing import NDArray

from netxr.names import SOURCE
from netxr.plot.style import FRAME, INK, POINTS, check_matrix, shorten, tick_step, with_options
from netxr.schema import check_connectivity, labels_of

SPAN: Final = 2.5
"""Height of the drawing in radii of the circle."""

PIXEL: Final = SPAN / FRAME
"""One bokeh pixel in radii of the circle."""

NODE: Final = 16.0
HEAD: Final = 13.0
THICKEST: Final = 3.5
"""Diameter of a node, side of an arrowhead and width of the strongest edge, in pixels, where there is room."""

ROOMY: Final = 24
"""Neurons up to which there is room for marks of full size."""

MOST_LETTERS: Final = 8
"""Of a name beside its node."""

LETTER: Final = 6.0
"""Width of a letter of a name, in pixels."""

APART: Final = 4.0
"""Pixels by which an edge is shifted to its left where there is another one in the other direction."""

INK_BY_STRENGTH: Final = [f"{INK}{round(alpha):02x}" for alpha in np.linspace(16, 255, 128)]
"""From almost transparent to opaque: colours are what both backends can map to each line and mark."""

NOTHING_DRAWN: Final = "no positive weight\nbetween two neurons"


class Arrows(NamedTuple):
    """What is drawn, the weakest first: from and to which neuron, how strong, and whether there is a way back."""

    sources: NDArray[np.intp]
    targets: NDArray[np.intp]
    weights: NDArray[np.float64]
    mutual: NDArray[np.bool_]


def network(weights: Any, *, title: str = "") -> hv.Overlay:
    """Draw a connectivity matrix as a directed graph.

    The neurons stand on a circle, the first at the right, the others counter-clockwise. An arrow points from
    source to target, the wider and the more opaque the larger its weight is beside the largest one drawn. Only
    positive weights are drawn, and no connection of a neuron with itself.

    Parameters
    ----------
    weights : DataArray
        Loaded square matrix, (target, source) in any order of dims; NaN is no arrow.
    title : str
        Title over the graph.

    Returns
    -------
    holoviews.Overlay
        Segments (edges), Points (arrowheads), Points (neurons) and Labels, with labels and weights on hovering.

    Raises
    ------
    InvalidInput
        If `weights` is no square connectivity matrix, is lazy, or has several trials.

    Examples
    --------
    >>> from netxr.arrays import as_connectivity
    >>> A = as_connectivity([[0, 1], [0, 0]], rows="target", neurons=["a", "b"])
    >>> [str(end) for end in network(A).Segments.I.array(["from", "to"])[0]]
    ['b', 'a']
    """
    square = check_connectivity(check_matrix(weights), argument="weights")
    names = labels_of(square, SOURCE).astype(str).astype(object)
    texts = [shorten(name, most=MOST_LETTERS) for name in names]
    arrows = _arrows(square.values)
    graph = _edges(arrows, names) * _nodes(names) * _names(texts, note="" if len(arrows.weights) else NOTHING_DRAWN)
    half, wide = SPAN / 2, SPAN / 2 + PIXEL * LETTER * max(map(len, texts))
    return with_options(
        graph,
        both={
            "xaxis": None,
            "yaxis": None,
            "ylim": (-half, half),
            "axiswise": True,  # else a graph beside this one would stretch its axes
            "title": title,
            "show_legend": False,
        },
        # bokeh cuts names off at the edge of the frame, matplotlib writes on beyond it
        bokeh={"xlim": (-wide, wide), "frame_width": round(FRAME * wide / half), "frame_height": FRAME},
        matplotlib={"xlim": (-half, half), "aspect": 1, "show_frame": False},
    )


def _arrows(weights: NDArray[np.float64]) -> Arrows:
    """Return the arrows between different neurons with a positive weight."""
    drawn = (weights > 0) & ~np.eye(len(weights), dtype=bool)
    targets, sources = np.nonzero(drawn)
    order = np.argsort(weights[drawn], kind="stable")
    targets, sources = targets[order], sources[order]
    return Arrows(sources, targets, weights[targets, sources], drawn[sources, targets])


def _circle(n_neurons: int, *, radius: float = 1.0) -> NDArray[np.float64]:
    """Return (x, y) of each neuron."""
    angles = 2 * np.pi * np.arange(n_neurons) / n_neurons
    return radius * np.column_stack([np.cos(angles), np.sin(angles)])


def _room(names: NDArray[Any]) -> float:
    """Return the size of marks as a fraction of full size."""
    return min(1.0, ROOMY / len(names))


def _edges(arrows: Arrows, names: NDArray[Any]) -> hv.Overlay:
    """Draw each arrow as a line and a head, clear of both nodes and beside the way back."""
    places, pixel = _circle(len(names)), PIXEL * _room(names)
    along = places[arrows.targets] - places[arrows.sources]
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    aside = APART * pixel * arrows.mutual[:, np.newaxis] * np.column_stack([-along[:, 1], along[:, 0]])
    # An equilateral triangle of side s reaches s / sqrt(3) from its middle to its tip.
    tips_to_middle = HEAD / np.sqrt(3) * pixel
    starts = places[arrows.sources] + aside + along * NODE / 2 * pixel
    heads = places[arrows.targets] + aside - along * (NODE / 2 * pixel + tips_to_middle)
    strength = arrows.weights / arrows.weights.max(initial=np.finfo(np.float64).tiny)
    values = (arrows.weights, strength, names[arrows.sources], names[arrows.targets])
    return _shafts(starts, heads, values, _room(names)) * _heads(heads, along, values, _room(names))


VALUES: Final = [hv.Dimension("weight"), hv.Dimension("strength", range=(0, 1)), "from", "to"]
TIPS: Final = [("from", "@from"), ("to", "@to"), ("connectivity strength", "@weight")]
BY_STRENGTH: Final = {"color": "strength", "cmap": INK_BY_STRENGTH, "clim": (0, 1)}


def _shafts(
    starts: NDArray[np.float64], ends: NDArray[np.float64], values: tuple[Any, ...], room: float
) -> hv.Segments:
    """Draw the lines."""
    shafts = hv.Segments((*starts.T, *ends.T, *values), ["x0", "y0", "x1", "y1"], VALUES)
    width = THICKEST * room * dim("strength")
    return with_options(
        shafts,
        both=BY_STRENGTH,
        bokeh={"line_width": width, "tools": ["hover"], "hover_tooltips": TIPS},
        matplotlib={"linewidth": width * POINTS},
    )


def _heads(middles: NDArray[np.float64], along: NDArray[np.float64], values: tuple[Any, ...], room: float) -> hv.Points:
    """Draw the arrowheads."""
    angles = np.arctan2(along[:, 1], along[:, 0]) - np.pi / 2  # from a triangle that points upwards
    heads = hv.Points((*middles.T, angles, *values), ["x", "y"], ["angle", *VALUES])
    size = HEAD * room
    return with_options(
        heads,
        both=BY_STRENGTH,
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
    corners = np.pi / 2 + 2 * np.pi / 3 * np.arange(3) + heads.dimension_values("angle")[:, np.newaxis]
    outlines = np.stack([np.cos(corners), np.sin(corners)], axis=-1) / np.sqrt(3)
    plot.handles["artist"].set_paths([Outline(outline, closed=False) for outline in outlines])


def _nodes(names: NDArray[Any]) -> hv.Points:
    """Draw the neurons."""
    size = NODE * _room(names)
    return with_options(
        hv.Points((*_circle(len(names)).T, names), ["x", "y"], ["neuron"]),
        both={"color": INK},
        bokeh={"size": size, "tools": ["hover"], "hover_tooltips": [("neuron", "@neuron")]},
        matplotlib={"s": (size * POINTS) ** 2},
    )


def _names(texts: list[str], *, note: str) -> hv.Labels:
    """Write as many names around the circle as stand clear of each other, and `note` in its middle."""
    letters = np.array([len(text) for text in texts])
    radius = 1.15
    most = int(2 * np.pi * radius / (PIXEL * LETTER * (letters.max() + 1)))
    x, y = _circle(len(texts), radius=radius).T
    x = x * (1 + PIXEL * LETTER / 2 * (letters - 1))  # the longer a name, the further out is its middle
    shown = slice(None, None, tick_step(len(texts), most))
    return with_options(
        hv.Labels(([*x[shown], 0.0], [*y[shown], 0.0], [*texts[shown], note]), ["x", "y"], ["label"]),
        bokeh={"text_color": INK, "text_font_size": "9pt"},
        matplotlib={"color": INK, "size": 9},
    )
