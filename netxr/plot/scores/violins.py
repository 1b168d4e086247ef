"""Distributions side by side: the outline of each, a kernel density, and its median.

Not `hv.Violin`: it looks different on bokeh and matplotlib, takes 8 to 10 s for a million values (this 0.3 s), and
fails for very large ones (HoloViews 1.23).
"""

from collections.abc import Mapping
from typing import Final

import holoviews as hv
import numpy as np
from numpy.typing import NDArray

from netxr.plot.style import (
    FRAME,
    INK,
    LINE_COLOUR,
    PAPER_FONTS,
    screen_look,
    with_options,
)

N_CELLS: Final = 200
"""Values are counted in so many cells before they are smoothed, so that many values take no longer."""

HALF: Final = 0.4
"""Half the width of a violin, with violins 1 apart."""

FILL: Final = f"{LINE_COLOUR}4d"
"""The fill has its own opacity, since matplotlib would also make the outline faint."""

MEDIAN: Final = 0.15
"""Half the width of the mark at the median."""


def violins(groups: Mapping[str, NDArray[np.float64]], *, ylabel: str, title: str) -> hv.Overlay:
    """Draw the distribution of each group of values, all of them equally wide.

    Parameters
    ----------
    groups : mapping
        Finite values by the name of their group. At least one group has values; one without is only named.
    ylabel, title : str
        Texts.

    Returns
    -------
    holoviews.Overlay
        Polygons (outlines), Segments (medians); a group of equal values has a median alone.
    """
    outlines = [
        _outline(values, middle)
        for middle, values in enumerate(groups.values())
        if len(values) and values.min() < values.max()
    ]
    filled = hv.Polygons([{"x": x, "y": y} for x, y in outlines], ["x", "y"])
    filled = with_options(
        filled,
        bokeh={"fill_color": LINE_COLOUR, "fill_alpha": 0.3, "line_color": LINE_COLOUR},
        matplotlib={"facecolor": FILL, "edgecolor": LINE_COLOUR},
    )
    return with_options(
        filled * _medians(groups),
        both={
            "xlim": (-0.5, len(groups) - 0.5),
            "xticks": [(k, f"{name}\n({len(values):,} pairs)") for k, (name, values) in enumerate(groups.items())],
            "xlabel": "",
            "ylabel": ylabel,
            "title": title,
            "show_legend": False,
        },
        bokeh={"frame_width": FRAME, "frame_height": FRAME, "hooks": [screen_look]},
        matplotlib={"fontsize": PAPER_FONTS, "aspect": 1},
    )


def _outline(values: NDArray[np.float64], middle: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return x and y of the outline around `middle`: a Gaussian kernel density with Scott's bandwidth.

    Scott 1992, Multivariate Density Estimation, doi:10.1002/9780470316849; cut off at the lowest and highest value.
    """
    scale = np.abs(values).max()  # without it, a square may be too large or too small for a float
    counts, edges = np.histogram(values / scale, N_CELLS)
    height = (edges[1:] + edges[:-1]) / 2
    bandwidth = (values / scale).std(ddof=1) * len(values) ** -0.2
    density = np.exp(-(((height[:, np.newaxis] - height) / bandwidth) ** 2) / 2) @ counts
    width = HALF * density / density.max()
    return np.concatenate([middle + width, middle - width[::-1]]), scale * np.concatenate([height, height[::-1]])


def _medians(groups: Mapping[str, NDArray[np.float64]]) -> hv.Segments:
    """Draw a line across each violin at its median."""
    marks = [(k, np.median(values)) for k, values in enumerate(groups.values()) if len(values)]
    segments = hv.Segments(
        [(k - MEDIAN, median, k + MEDIAN, median, median) for k, median in marks], ["x0", "y0", "x1", "y1"], ["median"]
    )
    return with_options(
        segments,
        both={"color": INK},
        bokeh={"line_width": 3, "tools": ["hover"], "hover_tooltips": [("median", "@median")]},
        matplotlib={"linewidth": 2},
    )
