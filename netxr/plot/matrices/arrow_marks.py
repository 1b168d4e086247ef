"""How the arrows of a graph are drawn: a line and a head for each, by strength or by sign."""

from typing import Any, Final, NamedTuple

import holoviews as hv
import numpy as np
from bokeh.models import LinearColorMapper, MultiLine
from bokeh.models.annotations import ColorBar
from holoviews import dim
from matplotlib.colors import ListedColormap
from matplotlib.path import Path as Outline
from numpy.typing import NDArray

from netxr.plot.matrices.arrows import Arrows
from netxr.plot.matrices.node_positions import PIXEL, Places
from netxr.plot.palettes import LIGHT
from netxr.plot.style import INK, POINTS, with_options

NODE: Final = 12.0
HEAD: Final = 11.0
"""Diameter of a node and side of an arrowhead in pixels, where there is room."""

THINNEST: Final = 0.7
THICKEST: Final = 2.3
"""Width of an edge of next to no weight, and of the strongest, in pixels."""

BEND: Final = 0.06
"""How far the middle of an edge is to the right of its chord, as a fraction of that: the way back takes its own way."""

MOST_BENT: Final = 1_000
"""Most arrows that are bent: of more, no two are told apart, and a page would hold a path of points for each."""

BEND_POINTS: Final = 13
"""Of a bent edge."""

NEGATIVE_COLOUR, POSITIVE_COLOUR = LIGHT.signs
"""Blue and orange of the heatmaps, dark enough for a line."""

PADDING: Final = 0.0125
"""Room for a letter of a name between the frame and its colour bar, as a fraction of a figure on paper."""

FAINTEST: Final = 16
"""Opacity of the weakest edge, of 255."""

EASE: Final = 1.25
"""Power of the strength that opacity goes with: beyond 1, the strongest stand out, and none is lost on paper."""

CROWD: Final = 50
"""Beyond so many arrows as strong as the strongest, or more weaker ones, all are thinner and more transparent."""

LEAST: Final = 0.15
"""Width and opacity of the strongest edge in the largest crowd, of those where there is room."""


class Look(NamedTuple):
    """How arrows look: the dims of their values, the options that give them their colour, and what weights are."""

    values: list[Any]
    colours: dict[str, Any]
    name: str
    directed: bool

    @property
    def tips(self) -> list[tuple[str, str]]:
        """What is written on hovering."""
        ends = [("from", "@from"), ("to", "@to")] if self.directed else [("between", "@to"), ("and", "@from")]
        return [*ends, (self.name.lower(), "@weight")]


def by_strength(arrows: Arrows, name: str) -> Look:
    """Return the look of arrows that are the darker the stronger."""
    values = [hv.Dimension("weight"), hv.Dimension("strength", range=(0, 1)), "from", "to"]
    return Look(values, {"color": "strength", "cmap": _ramp(INK, arrows), "clim": (0, 1)}, name, arrows.directed)


def by_sign(arrows: Arrows, name: str) -> Look:
    """Return the look of arrows that are orange or blue by sign, and the darker the stronger."""
    limit = float(np.abs(arrows.weights).max(initial=0.0)) or 1.0
    values = [hv.Dimension("weight", label=name, range=(-limit, limit)), "strength", "from", "to"]
    colours = _ramp(NEGATIVE_COLOUR, arrows)[::-1] + _ramp(POSITIVE_COLOUR, arrows)
    return Look(values, {"color": "weight", "cmap": colours, "clim": (-limit, limit)}, name, arrows.directed)


def _ramp(colour: str, arrows: Arrows) -> list[str]:
    """Return `colour` from almost transparent to opaque: both backends can map colours to each line and mark."""
    darkest = 255 * _clearness(arrows.strengths)
    return [f"{colour}{round(FAINTEST + (darkest - FAINTEST) * share**EASE):02x}" for share in np.linspace(0, 1, 128)]


def _clearness(strengths: NDArray[np.float64]) -> float:
    """Return how wide and opaque arrows are, as a fraction of what there is room for with few."""
    return float(np.clip(np.sqrt(CROWD / max(strengths.sum(), 1.0)), LEAST, 1.0))


def edges_of(arrows: Arrows, places: Places, names: NDArray[Any], look: Look) -> hv.Overlay:
    """Draw each arrow as a line and a head, clear of both nodes; a pair without direction as a line."""
    pixel = PIXEL * places.room
    sources, targets = places.nodes[arrows.sources], places.nodes[arrows.targets]
    bend = BEND if is_bent(len(arrows.weights)) else 0.0
    # An equilateral triangle of side s reaches s / sqrt(3) from its middle to its tip.
    to_middle = (NODE / 2 + look.directed * HEAD / np.sqrt(3)) * pixel
    starts, heads = clear_of_nodes(sources, targets, NODE / 2 * pixel, to_middle, bend=bend)
    values: tuple[Any, ...] = (arrows.weights, arrows.strengths, names[arrows.sources], names[arrows.targets])
    along = heads - turning_points(starts, heads, bend)
    lines = _shafts(starts, heads, values, look, places)
    if not look.directed:
        heads, along, values = heads[:0], along[:0], tuple(one[:0] for one in values)
    return lines * _heads(heads, along, values, look, places.room)


def is_bent(n_arrows: int) -> bool:
    """Return whether so many arrows are bent."""
    return n_arrows <= MOST_BENT


def turning_points(starts: NDArray[np.float64], ends: NDArray[np.float64], bend: float = BEND) -> NDArray[np.float64]:
    """Return where the tangents at both ends of bent edges meet, (edge, 2): to the right of the middle.

    Examples
    --------
    >>> turning_points(np.array([[0.0, 0.0]]), np.array([[2.0, 0.0]]), 0.25).tolist()
    [[1.0, -1.0]]
    """
    along = ends - starts
    return (starts + ends) / 2 + 2 * bend * np.column_stack([along[:, 1], -along[:, 0]])


def bent(starts: NDArray[np.float64], ends: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return points along bent edges, (edge, point, 2): parabolas."""
    share = np.linspace(0, 1, BEND_POINTS)[:, np.newaxis]
    corners = (starts, turning_points(starts, ends), ends)
    weights = ((1 - share) ** 2, 2 * share * (1 - share), share**2)
    return np.asarray(sum(weight * corner[:, np.newaxis] for weight, corner in zip(weights, corners, strict=True)))


def clear_of_nodes(
    sources: NDArray[np.float64],
    targets: NDArray[np.float64],
    before: float,
    after: float | None = None,
    *,
    bend: float = BEND,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return where edges between the middles of nodes begin and end if they keep away from both so far."""
    turns = turning_points(sources, targets, bend)
    last = before if after is None else after
    return sources + before * _unit(turns - sources), targets - last * _unit(targets - turns)


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return vectors of length 1; 0 where they have none."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, np.finfo(np.float64).tiny))


def drawn_ways(shafts: hv.Segments, *, among: int | None = None) -> NDArray[np.float64]:
    """Return the points along edges of a network, (edge, point, 2): HoloViews has their ends alone.

    `among` is how many edges the network draws, if not these.
    """
    starts, ends = (shafts.array(names).astype(np.float64) for names in (["x0", "y0"], ["x1", "y1"]))
    return bent(starts, ends) if is_bent(len(shafts) if among is None else among) else np.stack([starts, ends], axis=1)


def _bend_on_screen(plot: Any, shafts: hv.Segments) -> None:
    """Draw edges as bokeh's lines of many points. A `hv.Path` of them takes 700 times as long (33 s for 300 edges)."""
    renderer, source, points = plot.handles["glyph_renderer"], plot.handles["source"], drawn_ways(shafts).round(4)
    # As lists: of arrays, a page would be sent two messages each.
    source.data = {**source.data, "xs": points[..., 0].tolist(), "ys": points[..., 1].tolist()}
    if not isinstance(renderer.glyph, MultiLine):
        drawn = renderer.glyph.properties_with_values()
        line = {name: value for name, value in drawn.items() if name.startswith("line_")}
        renderer.update(glyph=MultiLine(xs="xs", ys="ys", **line), nonselection_glyph=None, selection_glyph=None)


def _clear_bar(plot: Any, _shafts: hv.Segments) -> None:
    """Give bokeh's colour bar the colours of edges that lie over one another: of a crowd, each is faint."""
    mapper = plot.handles["color_color_mapper"]
    for bar in (one for one in plot.state.right if isinstance(one, ColorBar)):
        opacities = [int(colour[7:], 16) for colour in mapper.palette]
        shares = [255 * each // max(opacities) for each in opacities]
        clear = [f"{colour[:7]}{share:02x}" for colour, share in zip(mapper.palette, shares, strict=True)]
        if bar.color_mapper is mapper:
            bar.color_mapper = LinearColorMapper()
        bar.color_mapper.update(palette=clear, low=mapper.low, high=mapper.high)


def _clear_bar_on_paper(plot: Any, _shafts: hv.Segments) -> None:
    """Do the same on paper."""
    if "cbar" in plot.handles:
        colours = plot.handles["artist"].cmap(np.linspace(0, 1, 256))
        colours[:, 3] /= colours[:, 3].max()
        plot.handles["cbar"].solids.set_cmap(ListedColormap(colours))


def _bend_on_paper(plot: Any, shafts: hv.Segments) -> None:
    """Draw edges as matplotlib's lines of many points."""
    plot.handles["artist"].set_segments(list(drawn_ways(shafts)))


def _shafts(
    starts: NDArray[np.float64], ends: NDArray[np.float64], values: tuple[Any, ...], look: Look, places: Places
) -> hv.Segments:
    """Draw the lines."""
    shafts = hv.Segments((*starts.T, *ends.T, *values), ["x0", "y0", "x1", "y1"], look.values)
    width = (THINNEST + (THICKEST - THINNEST) * dim("strength")) * _clearness(values[1])
    bends = is_bent(len(shafts))
    return with_options(
        shafts,
        both=look.colours | {"colorbar": look.colours["color"] == "weight", "clabel": look.name},
        bokeh={
            "line_width": width,
            "tools": ["hover"],
            "hover_tooltips": look.tips,
            "hooks": [*([_bend_on_screen] if bends else []), _clear_bar],
        },
        matplotlib={
            "linewidth": width * POINTS,
            "hooks": [*([_bend_on_paper] if bends else []), _clear_bar_on_paper],
            "cbar_padding": PADDING * max(map(len, places.labels), default=0),
        },
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
            "hover_tooltips": look.tips,
        },
        matplotlib={"s": (size * POINTS) ** 2, "linewidth": 0, "hooks": [_turn_heads]},
    )


def _turn_heads(plot: Any, heads: hv.Points) -> None:
    """Give each mark of a matplotlib scatter its own outline: it has no angle for each mark."""
    corners = np.pi / 2 + 2 * np.pi / 3 * np.arange(3) + np.radians(heads.dimension_values("angle"))[:, np.newaxis]
    outlines = np.stack([np.cos(corners), np.sin(corners)], axis=-1) / np.sqrt(3)
    plot.handles["artist"].set_paths([Outline(outline, closed=False) for outline in outlines])
