"""A score as colours over two parameters, with the line from which it is good enough, and a recording marked."""

from typing import Any, Final

import holoviews as hv
import numpy as np
import xarray as xr
from holoviews.operation import contours
from matplotlib.colors import ListedColormap
from numpy.typing import NDArray

from netxr import names as n
from netxr.plot.palettes import LIGHT
from netxr.plot.scores.good_enough import FULL, hover_boxes
from netxr.plot.style import INK, SEQUENTIAL, UNDEFINED_COLOUR, literal, with_options
from netxr.plot.ticks import ticks
from netxr.plot.words import axis_label, says
from netxr.schema.variables import labels_of
from netxr.schema.words import entry_text

Place = tuple[float, float]
"""Where something is marked: values along both parameters."""

DARK_FROM: Final = 0.6
"""Score from which a cell is dark."""

LINE, CASING = 2.5, 6.0
"""Widths in pixels of the line and of its casing."""

BELOW: Final = -1.0
"""Stands for no score: it is off the scale."""


def score_map(
    cells: xr.Dataset, *, x: str, y: str, at: float, title: str = "", mark: Place | None = None, called: str = ""
) -> hv.Overlay:
    """Draw a score over two parameters, the initials of the best estimator in each cell where there is room.

    Parameters
    ----------
    cells : Dataset
        In memory, `score` and `estimator` over both dims.
    x, y : str
        Dims to the right and upwards.
    at : float
        The line bounds what reaches it.
    title : str
        Over the map.
    mark : (float, float), optional
        Values along x and y at which a dot stands, if they are within the map; `called` is what it is named.

    Returns
    -------
    holoviews.Overlay
        Cells, the gaps between them, what they say on hovering, names, the line with its casing, and the dot.

    Examples
    --------
    >>> values = {"score": [0.9, 0.5], "estimator": ["a", "b"]}
    >>> cells = xr.Dataset({name: (("y", "x"), [one]) for name, one in values.items()}, {"x": [1, 2], "y": [5]})
    >>> list(score_map(cells, x="x", y="y", at=0.8).Labels.I["text"])
    ['A', 'B']
    """
    cells = cells.transpose(y, x).sortby([y, x])
    dims = [hv.Dimension("x", label=axis_label(cells, x)), hv.Dimension("y", label=axis_label(cells, y))]
    panel = _colours(cells, dims) * _gaps(cells, dims) * _on_hover(cells, x, y) * _names(cells, dims)
    panel = panel * _line(cells[n.SCORE].values, dims, at=at)
    place = None if mark is None else [_between(cells, dim, value) for dim, value in zip((x, y), mark, strict=True)]
    if place is not None and None not in place:
        panel = panel * _dot(place, dims, called)
    return with_options(panel, both={"title": literal(title), "xlabel": dims[0].label, "ylabel": dims[1].label})


def initials(estimator: str) -> str:
    """Return what stands for an estimator in a cell.

    Examples
    --------
    >>> initials("lagged_correlation")
    'LC'
    """
    return "".join(word[:1].upper() for word in estimator.split("_"))


def _between(cells: xr.Dataset, dim: str, value: float) -> float | None:
    """Return where a value lies between labels that stand evenly: by its logarithm where all have one."""
    labels = labels_of(cells, dim).astype(np.float64)
    if not labels[0] <= value <= labels[-1]:
        return None
    if labels[0] > 0:
        labels, value = np.log(labels), float(np.log(value))
    return float(np.interp(value, labels, np.arange(len(labels))))


def _colours(cells: xr.Dataset, dims: list[hv.Dimension]) -> hv.Image:
    """Draw scores as colours at whole-number positions, the first row at the bottom."""
    values = np.nan_to_num(cells[n.SCORE].values.astype(np.float64), nan=BELOW)
    n_rows, n_columns = values.shape
    down, across = (
        ticks(np.array(list(map(entry_text, labels_of(cells, str(dim)).tolist())), object), most=FULL)
        for dim in cells[n.SCORE].dims
    )
    image = hv.Image(
        (np.arange(n_columns), np.arange(n_rows), values),
        kdims=dims,
        vdims=[hv.Dimension(n.SCORE, range=(0, 1))],
        bounds=(-0.5, -0.5, n_columns - 0.5, n_rows - 0.5),
    )
    look = {"clim": (0, 1), "clipping_colors": {"min": UNDEFINED_COLOUR}, "colorbar": True, "clabel": ""}
    return with_options(
        image,
        both=look | {"xticks": across, "yticks": down},
        bokeh={"cmap": SEQUENTIAL, "tools": []},
        matplotlib={"cmap": ListedColormap(SEQUENTIAL), "cbar_extend": "neither"},
    )


def _gaps(cells: xr.Dataset, dims: list[hv.Dimension]) -> hv.Segments:
    """Part the cells by lines in the colour of the ground."""
    n_rows, n_columns = cells[n.SCORE].shape
    upright, level = np.arange(1, n_columns) - 0.5, np.arange(1, n_rows) - 0.5
    low, right, top = np.full(upright.size + level.size, -0.5), n_columns - 0.5, n_rows - 0.5
    x0, y0 = np.append(upright, low[upright.size :]), np.append(low[: upright.size], level)
    x1, y1 = np.append(upright, np.full(level.size, right)), np.append(np.full(upright.size, top), level)
    lines = hv.Segments((x0, y0, x1, y1), [*dims, hv.Dimension("x1"), hv.Dimension("y1")])
    return with_options(
        lines, both={"color": LIGHT.ground}, bokeh={"line_width": 1, "tools": []}, matplotlib={"linewidth": 0.6}
    )


def _line(scores: NDArray[np.float64], dims: list[hv.Dimension], *, at: float) -> hv.Overlay:
    """Draw where the score is as high as is wanted, between the middles of cells, with a casing.

    Between the outer middles and the frame, scores are taken to stay as they are.
    """
    places = [np.concatenate([[-0.5], np.arange(size), [size - 0.5]]) for size in scores.shape[::-1]]
    found = contours(hv.QuadMesh((*places, np.pad(scores, 1, mode="edge"))), levels=[at])
    ways = [one.array([0, 1]) for one in found.split()]
    casing, line = (hv.Path(ways, dims) for _ in range(2))
    casing = with_options(
        casing, both={"color": LIGHT.ground}, bokeh={"line_width": CASING, "tools": []}, matplotlib={"linewidth": 4}
    )
    return casing * with_options(
        line, both={"color": INK}, bokeh={"line_width": LINE, "tools": []}, matplotlib={"linewidth": 1.8}
    )


def _on_hover(cells: xr.Dataset, x: str, y: str) -> hv.Rectangles:
    """Say on hovering what a cell is, and holds."""
    down, across = (list(map(entry_text, labels_of(cells, dim).tolist())) for dim in (y, x))
    scores = cells[n.SCORE].values.ravel().tolist()
    said = {
        "across": across * len(down),
        "down": [text for text in down for _ in across],
        n.SCORE: [f"{score:.3f}" if np.isfinite(score) else "undefined" for score in scores],
        n.ESTIMATOR: [says(n.ESTIMATOR, name) for name in cells[n.ESTIMATOR].values.ravel().tolist()],
    }
    called = {"across": axis_label(cells, x), "down": axis_label(cells, y)}
    return hover_boxes(cells[n.SCORE].shape, said, called | {n.SCORE: "Score", n.ESTIMATOR: "Best estimator"})


def _names(cells: xr.Dataset, dims: list[hv.Dimension]) -> hv.Labels:
    """Write the initials of the best estimator into each cell where there is room, and more than one is."""
    rows, columns = np.indices(cells[n.SCORE].shape).reshape(2, -1)
    names = cells[n.ESTIMATOR].values.ravel().tolist()
    is_worth_it = max(cells[n.SCORE].shape) <= FULL and len(set(names)) > 1
    scores = cells[n.SCORE].values.ravel().tolist()
    texts = [initials(name) if is_worth_it else "" for name in names]
    inks = [INK if not score > DARK_FROM else LIGHT.ground for score in scores]
    labels = hv.Labels((columns, rows, texts, inks), dims, ["text", "ink"])
    return with_options(
        labels, bokeh={"text_color": "ink", "text_font_size": "8pt"}, matplotlib={"color": "ink", "size": 7}
    )


def _dot(place: list[Any], dims: list[hv.Dimension], called: str) -> hv.Overlay:
    """Mark a place with a dot and its name."""
    dot = with_options(
        hv.Points([tuple(place)], dims),
        bokeh={"size": 11, "fill_color": INK, "line_color": LIGHT.ground, "line_width": 2},
        matplotlib={"s": 60, "facecolors": INK, "edgecolors": LIGHT.ground},
    )
    name = with_options(
        hv.Labels([(*place, f" {called}   ")], dims, ["text"]),
        bokeh={
            **{"text_color": INK, "text_align": "right", "text_font_style": "bold", "text_font_size": "9pt"},
            **{"background_fill_color": LIGHT.ground, "background_fill_alpha": 0.8, "border_radius": 4},
        },
        matplotlib={"color": INK, "horizontalalignment": "right", "size": 9},
    )
    return name * dot  # which the ground of the name would cover
