"""A score over two parameters: a heatmap with the values written in, and the number of trials behind each."""

from functools import partial
from typing import Any, Final, NamedTuple

import holoviews as hv
import numpy as np
import xarray as xr
from matplotlib.colors import ListedColormap, to_rgb
from numpy.typing import NDArray

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.plot.loading import loaded
from netxr.plot.scores.score_columns import drawn_score, n_trials_of, score_columns, score_label, slice_text
from netxr.plot.spans import Range
from netxr.plot.style import (
    BESIDE,
    DIVERGING,
    INK,
    PAPER_FONTS,
    SEQUENTIAL,
    UNDEFINED_COLOUR,
    literal,
    screen_look,
    symmetric_limit,
    with_options,
)
from netxr.plot.ticks import labels_in_hover, ticks
from netxr.plot.words import axis_label
from netxr.schema.arguments import check_text, said
from netxr.schema.variables import labels_of

CELL: Final = 52
"""Width and height of a cell in bokeh pixels, if there is room."""

WIDEST: Final = 600
LONG_TEXT: Final = 5
"""Most letters that have room under a cell."""

ROOMY: Final = 12
"""Most cells on a side that have room for numbers in them."""

PAPER: Final = "#ffffff"


def map(  # noqa: A001 - netxr.plot.map is its name in public
    scores: xr.Dataset, *, x: str, y: str, score: str = n.PEARSON, title: str = ""
) -> hv.Overlay:
    """Draw a score over two parameters, as a heatmap with its values written in.

    All cells have the same size, however far apart the values of a parameter are. "3 of 5" in a cell says that the
    score is defined in three of five trials, and that their mean is drawn. Grey is undefined. With more than 12 cells
    on a side, a dot marks a mean over fewer than all trials, and numbers are shown on hovering. Colours are symmetric
    about 0 if there are negative scores; otherwise they range from 0 to 1, or to the highest score above it.

    Parameters
    ----------
    scores : Dataset
        In memory, with `{score}_mean` and `{score}_defined` (trials) over two dims; or with `score` itself. The number
        of trials is the size of its dim `trial`, or the largest number of defined ones if it has none.
    x, y : str
        One of the two dims each, or a coordinate along it: numbers, which ascend to the right and upwards, or text.
    score : str
        Which score.
    title : str
        Title over the map.

    Returns
    -------
    holoviews.Overlay
        Image (cells) and Labels (numbers) or Points (dots).

    Raises
    ------
    InvalidInput
        If the score is missing, lazy, undefined everywhere or not over two dims; if `x` and `y` are not along them.

    Examples
    --------
    >>> scores = xr.Dataset(
    ...     {"pearson": (("n_neurons", "sparsity"), [[0.9, 0.5], [0.8, float("nan")]])},
    ...     coords={"n_neurons": [5, 50], "sparsity": [0.1, 0.9]},
    ... )
    >>> list(map(scores, x="sparsity", y="n_neurons").Labels.I["text"])
    ['0.90', '0.50', '0.80', 'none']
    """
    check_text("title", title)
    cells = _cells_of(scores, x, y, score)
    dims = [hv.Dimension("x", label=axis_label(scores, x)), hv.Dimension("y", label=axis_label(scores, y))]
    colours, limits = _colours(cells.mean)
    roomy = max(cells.mean.shape) <= ROOMY
    height, width = (min(WIDEST, max(3, size) * CELL) for size in cells.mean.shape)
    shown = slice_text(drawn_score(scores, score), width=width + BESIDE, title=title)
    notes = (title, shown, _note(cells, roomy=roomy))
    value = hv.Dimension("score", label=score_label(scores, score), range=limits)
    image = _image(cells, dims, value, colours, aspect=width / height)
    marks = _numbers(cells, dims, colours, limits) if roomy else _dots(cells, dims)
    return with_options(
        image * marks,
        both={"title": literal("\n".join(filter(None, notes))), "axiswise": True},
        bokeh={"frame_width": width, "frame_height": height},
        matplotlib={"fontsize": PAPER_FONTS, "fig_inches": (2.6 + width / 100, 1.4 + height / 100)},
    )


class ScoreCells(NamedTuple):
    """A score by row (y, ascending) and column (x, ascending): mean, trials in which it is defined, and labels."""

    mean: NDArray[np.float64]
    defined: NDArray[np.int64]
    n_trials: int
    x_labels: NDArray[Any]
    y_labels: NDArray[Any]


def _cells_of(scores: Any, x: str, y: str, score: str) -> ScoreCells:
    """Return what is drawn, or raise InvalidInput."""
    columns = score_columns(scores, score, (n.SCORE_MEAN, n.SCORE_DEFINED), dims={2: "two dims"})
    dims = [str(dim) for dim in columns[0].dims]
    across = _dim_of(scores, x, dims, argument="x")
    down = _dim_of(scores, y, [dim for dim in dims if dim != across], argument="y")
    order = {dim: np.argsort(_labels(scores, name), kind="stable") for dim, name in ((down, y), (across, x))}
    mean, *others = (column.transpose(down, across).isel(order).values for column in columns)
    x_labels, y_labels = (_texts(_labels(scores, name)[order[dim]]) for name, dim in ((x, across), (y, down)))
    defined = others[0] if others else np.isfinite(mean).astype(np.int64)
    n_trials = n_trials_of(scores, columns[1]) if others else 1
    return ScoreCells(np.where(np.isfinite(mean), mean, np.nan), defined, n_trials, x_labels, y_labels)


def _dim_of(scores: xr.Dataset, name: str, dims: list[str], *, argument: str) -> str:
    """Return the dim that `name` is, or lies along."""
    along = {str(coord): str(value.dims[0]) for coord, value in scores.coords.items() if value.ndim == 1}
    usable = {dim: dim for dim in dims} | {coord: dim for coord, dim in along.items() if dim in dims}
    if not isinstance(name, str) or name not in usable:
        raise InvalidInput(
            argument, got=said(name), expected=f"a dim of the score, or a coordinate along one: {', '.join(usable)}"
        )
    return usable[name]


def _labels(scores: xr.Dataset, name: str) -> NDArray[Any]:
    """Return the values of a parameter."""
    return labels_of(loaded(scores[name], argument=name) if name in scores else scores, name)


def _texts(labels: NDArray[Any]) -> NDArray[Any]:
    """Return labels as text, numbers without the digits that are rounding errors."""
    is_float = labels.dtype.kind == "f"
    return np.array([f"{label:g}" if is_float else str(label) for label in labels], dtype=object)


def _colours(mean: NDArray[np.float64]) -> tuple[list[str], Range]:
    """Return the colours of scores, and the scores at their ends."""
    low, high = float(np.nanmin(mean)), float(np.nanmax(mean))
    if low < 0:
        return DIVERGING, symmetric_limit(mean)
    return SEQUENTIAL, (0.0, max(1.0, high))


def _image(
    cells: ScoreCells, dims: list[hv.Dimension], score: hv.Dimension, colours: list[str], *, aspect: float
) -> hv.Image:
    """Draw the cells at whole-number positions, the first row at the bottom."""
    n_rows, n_columns = cells.mean.shape
    x_ticks = ticks(cells.x_labels, most=ROOMY)
    sides = [("$x", cells.x_labels.tolist(), 1), ("$y", cells.y_labels.tolist(), 1)]
    image = hv.Image(
        (np.arange(n_columns), np.arange(n_rows), cells.mean, cells.defined),
        kdims=dims,
        vdims=[score, hv.Dimension("defined", label="trials defined")],
        bounds=(-0.5, -0.5, n_columns - 0.5, n_rows - 0.5),
    )
    return with_options(
        image,
        both={
            "clim": score.range,
            "clipping_colors": {"NaN": UNDEFINED_COLOUR},
            "colorbar": True,
            "clabel": score.label,
            "xticks": x_ticks,
            "xrotation": 90 if max(len(name) for _, name in x_ticks) > LONG_TEXT else 0,
            "yticks": ticks(cells.y_labels, most=ROOMY),
        },
        bokeh={
            "cmap": colours,
            "tools": ["hover"],
            "hover_tooltips": [
                (dims[0].label, "$x{label}"),
                (dims[1].label, "$y{label}"),
                (score.label, "@image{0.000}"),
                ("trials defined", f"@defined of {cells.n_trials}"),
            ],
            "hooks": [screen_look, partial(labels_in_hover, sides=sides)],
        },
        matplotlib={"cmap": ListedColormap(colours), "aspect": aspect, "cbar_width": 0.05 / min(1.0, 2 * aspect)},
    )


def _numbers(cells: ScoreCells, dims: list[hv.Dimension], colours: list[str], limits: Range) -> hv.Labels:
    """Write the score in each cell, and in how many trials it is defined if not in all."""
    rows, columns = np.indices(cells.mean.shape).reshape(2, -1)
    values = cells.mean.ravel().tolist()
    counts = cells.defined.ravel().tolist()
    texts = [_cell_text(value, count, cells.n_trials) for value, count in zip(values, counts, strict=True)]
    inks = [_ink(value, colours, limits) for value in values]
    labels = hv.Labels((columns, rows, texts, inks), dims, ["text", "ink"])
    return with_options(
        labels, bokeh={"text_color": "ink", "text_font_size": "9pt"}, matplotlib={"color": "ink", "size": 8}
    )


def _cell_text(value: float, defined: int, n_trials: int) -> str:
    """Return what is written in a cell."""
    counted = f"{defined} of {n_trials}" if n_trials > 1 and defined < n_trials else ""
    number = f"{value:.2f}" if np.isfinite(value) else "" if counted else "none"
    return "\n".join(filter(None, (number, counted)))


def _ink(value: float, colours: list[str], limits: Range) -> str:
    """Return dark for a light cell and light for a dark one."""
    if not np.isfinite(value):
        return INK
    share = (value - limits[0]) / (limits[1] - limits[0])
    red, green, blue = to_rgb(colours[round(share * (len(colours) - 1))])
    return INK if 0.3 * red + 0.59 * green + 0.11 * blue > 0.5 else PAPER


def _dots(cells: ScoreCells, dims: list[hv.Dimension]) -> hv.Points:
    """Draw a dot in cells whose mean is over fewer than all trials."""
    rows, columns = np.nonzero((cells.defined > 0) & (cells.defined < cells.n_trials))
    size = max(3.0, min(6.0, WIDEST / max(cells.mean.shape) / 3))
    return with_options(
        hv.Points((columns, rows), dims),
        bokeh={"size": size, "fill_color": PAPER, "line_color": INK},
        matplotlib={"s": size**2 / 2, "facecolors": PAPER, "edgecolors": INK, "linewidth": 0.5},
    )


def _note(cells: ScoreCells, *, roomy: bool) -> str:
    """Say what grey and dots mean, if there are any."""
    fewer = ((cells.defined > 0) & (cells.defined < cells.n_trials)).any() and not roomy
    notes = ["grey: undefined"] * bool(np.isnan(cells.mean).any())
    notes += [f"dots: fewer than {cells.n_trials} trials defined"] * bool(fewer)
    return ", ".join(notes)
