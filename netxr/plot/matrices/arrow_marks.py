"""How the arrows of a graph are drawn: a line and a head for each, by strength or by sign."""

from typing import Any, Final, NamedTuple

import holoviews as hv
import numpy as np
from holoviews import dim
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

APART: Final = 4.0
"""Pixels by which an edge is shifted to its left if there is one in the other direction."""

NEGATIVE_COLOUR, POSITIVE_COLOUR = LIGHT.signs
"""Blue and orange of the heatmaps, dark enough for a line."""

PADDING: Final = 0.0125
"""Room for a letter of a name between the frame and its colour bar, as a fraction of a figure on paper."""

FAINTEST: Final = 16
"""Opacity of the weakest edge, of 255."""

CROWD: Final = 150
"""Beyond so many arrows, all are thinner and more transparent, so that one sees where many lie over each other."""

LEAST: Final = 0.15
"""Width and opacity of the strongest edge in the largest crowd, of those where there is room."""


class Look(NamedTuple):
    """How arrows look: the dims of their values, the options that give them their colour, and what weights are."""

    values: list[Any]
    colours: dict[str, Any]
    name: str

    @property
    def tips(self) -> list[tuple[str, str]]:
        """What is written on hovering."""
        return [("from", "@from"), ("to", "@to"), (self.name.lower(), "@weight")]


def by_strength(arrows: Arrows, name: str) -> Look:
    """Return the look of arrows that are the darker the stronger."""
    values = [hv.Dimension("weight"), hv.Dimension("strength", range=(0, 1)), "from", "to"]
    return Look(values, {"color": "strength", "cmap": _ramp(INK, arrows), "clim": (0, 1)}, name)


def by_sign(arrows: Arrows, name: str) -> Look:
    """Return the look of arrows that are orange or blue by sign, and the darker the stronger."""
    limit = float(np.abs(arrows.weights).max(initial=0.0)) or 1.0
    values = [hv.Dimension("weight", label=name, range=(-limit, limit)), "strength", "from", "to"]
    colours = _ramp(NEGATIVE_COLOUR, arrows)[::-1] + _ramp(POSITIVE_COLOUR, arrows)
    return Look(values, {"color": "weight", "cmap": colours, "clim": (-limit, limit)}, name)


def _ramp(colour: str, arrows: Arrows) -> list[str]:
    """Return `colour` from almost transparent to opaque: both backends can map colours to each line and mark."""
    darkest = 255 * _clearness(len(arrows.weights))
    return [f"{colour}{round(FAINTEST + (darkest - FAINTEST) * share**2):02x}" for share in np.linspace(0, 1, 128)]


def _clearness(n_arrows: int) -> float:
    """Return how wide and opaque so many arrows are, as a fraction of what there is room for with few."""
    return float(np.clip(np.sqrt(CROWD / max(n_arrows, 1)), LEAST, 1.0))


def edges_of(arrows: Arrows, places: Places, names: NDArray[Any], look: Look) -> hv.Overlay:
    """Draw each arrow as a line and a head, clear of both nodes and beside the way back."""
    pixel = PIXEL * places.room
    along = places.nodes[arrows.targets] - places.nodes[arrows.sources]
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), np.finfo(np.float64).tiny)
    aside = APART * pixel * arrows.mutual[:, np.newaxis] * np.column_stack([-along[:, 1], along[:, 0]])
    # An equilateral triangle of side s reaches s / sqrt(3) from its middle to its tip.
    tips_to_middle = HEAD / np.sqrt(3) * pixel
    starts = places.nodes[arrows.sources] + aside + along * NODE / 2 * pixel
    heads = places.nodes[arrows.targets] + aside - along * (NODE / 2 * pixel + tips_to_middle)
    magnitudes = np.abs(arrows.weights)
    strength = magnitudes / magnitudes.max(initial=np.finfo(np.float64).tiny)
    values = (arrows.weights, strength, names[arrows.sources], names[arrows.targets])
    return _shafts(starts, heads, values, look, places) * _heads(heads, along, values, look, places.room)


def _shafts(
    starts: NDArray[np.float64], ends: NDArray[np.float64], values: tuple[Any, ...], look: Look, places: Places
) -> hv.Segments:
    """Draw the lines."""
    shafts = hv.Segments((*starts.T, *ends.T, *values), ["x0", "y0", "x1", "y1"], look.values)
    width = (THINNEST + (THICKEST - THINNEST) * dim("strength")) * _clearness(len(shafts))
    return with_options(
        shafts,
        both=look.colours | {"colorbar": look.colours["color"] == "weight", "clabel": look.name},
        bokeh={
            "line_width": width,
            "colorbar_opts": {"title_standoff": 12},
            "tools": ["hover"],
            "hover_tooltips": look.tips,
        },
        matplotlib={"linewidth": width * POINTS, "cbar_padding": PADDING * max(map(len, places.labels), default=0)},
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
