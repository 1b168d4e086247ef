"""Where a score is good enough: verdicts over two parameters, with what is best in each cell and what it lacks."""

from collections.abc import Mapping
from textwrap import wrap
from typing import Any, Final

import holoviews as hv
import numpy as np
import xarray as xr
from matplotlib.colors import ListedColormap
from numpy.typing import NDArray

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.estimators.score_limit import GOOD_ENOUGH, VERDICTS, verdicts
from netxr.plot.loading import loaded
from netxr.plot.matrices.grids import check_number, over_sliders, places_of, row_length
from netxr.plot.matrices.side_by_side import page
from netxr.plot.palettes import LIGHT
from netxr.plot.scores.score_columns import slice_text
from netxr.plot.style import (
    INK,
    UNDEFINED_COLOUR,
    literal,
    screen_look,
    with_options,
)
from netxr.plot.ticks import ticks
from netxr.plot.words import axis_label, says
from netxr.schema.arguments import check_text, said
from netxr.schema.variables import labels_of

COLOURS: Final = LIGHT.verdicts
"""Of the verdicts, the darker the better."""

CELL: Final = 64
"""Width and height of a cell in bokeh pixels, if there is room."""

WIDEST: Final = 420
ROOMY: Final = 6
"""Most cells on a side that have room for the name of an estimator in them."""

FULL: Final = 12
"""Most cells on a side that have room for numbers."""

PREFERRED: Final = (n.SPECTRAL_RADIUS, n.COUPLING, n.N_NEURONS)
"""What is drawn to the right where nothing is said: the first that varies."""

NAME: Final = 12
"""Letters in a line of the name of an estimator."""

LONG_TEXT: Final = 5
"""Most letters that have room under a cell."""

GOOD: Final = VERDICTS.index(GOOD_ENOUGH)

ALONE, UNSURE = "alone", "unsure"
"""Verdicts on the first estimator alone; whether a limit lies within its standard error of the mark."""


def good_enough(
    sweep: xr.Dataset,
    *,
    score: str = n.PEARSON,
    at: float = 0.9,
    x: str | None = None,
    y: str | None = None,
    row: str | None = None,
    col: str | None = None,
    title: str = "",
) -> Any:
    """Draw where a score is good enough, where it lacks samples, and where it stays wrong at any length.

    In each cell stand the score and the name of the estimator that has it: the best of all. Teal is "good enough": it
    reaches `at`. Pale teal is "more samples": some estimator would reach it, as `score_limit` extrapolates. Grey
    is "never": none would. The full line bounds what is good enough; the dashed line what is with the first estimator
    alone. A question mark stands where the limit lies within its standard error of `at`. Samples needed are shown on
    hovering.

    Parameters
    ----------
    sweep : Dataset
        In memory, scores over two lengths or more, as `netxr.sweep` returns them.
    score, at
        As in `score_limit`.
    x, y, row, col : str, optional
        Dims of the map, and of facets below and beside one another; `y` is the length if not given. Dims that vary
        and are not named become facets, and then sliders.
    title : str
        Title over the map.

    Returns
    -------
    holoviews.Layout
        A panel for each facet, with sliders if any dim is left; a single Overlay or HoloMap without facets.

    Raises
    ------
    InvalidInput
        As `score_limit` does; if the sweep is lazy, a dim is none of it or is named twice, or there are more than 20
        facets or 500 maps.

    Examples
    --------
    >>> steps, radii = xr.DataArray([100, 10_000], dims="n_steps"), xr.DataArray([0.99, 0.5], dims="spectral_radius")
    >>> scores = xr.Dataset(
    ...     {"pearson": radii / (1 + 300 / steps) ** 0.5}, {"n_steps": steps.values, "spectral_radius": [0.3, 0.9]}
    ... )
    >>> list(good_enough(scores).Labels.I["text"])
    ['0.49', '0.25', '0.98', '0.49']
    """
    check_text("title", title)
    check_text("score", score)
    found = _found(sweep, score, at)
    across, down, row, col = _dims_of(found, x=x, y=y, row=row, col=col)
    grid = [dim for dim in (row, col) if dim is not None]
    single = [dim for dim in found.dims if found.sizes[dim] == 1 and dim not in (across, down, *grid)]
    found = found.squeeze(single, drop=True).sortby([across, down])
    drawn = found[n.VERDICT]
    sliders = [str(dim) for dim in drawn.dims if dim not in (across, down, *grid)]
    check_number(drawn, grid, sliders, argument="sweep")
    columns = 1 if col is None else drawn.sizes[col] if row else row_length(drawn.sizes[col])
    facets, n_facets = [], len(places_of(drawn, grid))
    for k, place in enumerate(places_of(drawn, grid)):
        text = "\n".join(says(dim, labels_of(drawn, dim)[one]) for dim, one in place)
        edge = k % columns == 0, k + columns >= n_facets, k == min(columns, n_facets) - 1
        frames = {
            slid: _map(found.isel(dict(place + slid)), across, down, text, *edge) for slid in places_of(drawn, sliders)
        }
        facets.append(over_sliders(drawn, frames))
    heading = "\n".join(filter(None, (title, *_heading(sweep, score, at, found))))
    if not grid:
        return with_options(facets[0], both={"title": literal(heading)})
    gaps = [hv.Empty()] * (-len(facets) % columns)
    return page(hv.Layout(facets + gaps), title=heading, columns=columns, panel=2.8, gap=(0.6, 0.9))


def _found(sweep: Any, score: str, at: float) -> xr.Dataset:
    """Return what is drawn, all over the same dims: verdicts, those on the first estimator, and which are not sure."""
    if isinstance(sweep, xr.Dataset) and score in sweep:
        sweep = sweep.assign({score: loaded(sweep[score], argument="sweep")})
    found = verdicts(sweep, score=score, at=at)
    several = n.ESTIMATOR in sweep[score].dims and sweep.sizes[n.ESTIMATOR] > 1
    alone = verdicts(sweep.isel({n.ESTIMATOR: 0}), score=score, at=at)[n.VERDICT] if several else found[n.VERDICT]
    unsure = (abs(found[n.LIMIT] - at) < found[n.LIMIT_STANDARD_ERROR]) & (found[n.VERDICT] < GOOD)
    whole: xr.Dataset = xr.broadcast(found.assign({ALONE: alone, UNSURE: unsure}))[0]
    if len(whole.dims) < 2:
        fix = "Sweep over another parameter as well."
        raise InvalidInput("sweep", got=f"scores over {n.N_STEPS} alone", expected="two dims to draw over", fix=fix)
    return whole


def _dims_of(found: xr.Dataset, **named: str | None) -> tuple[str, str, str | None, str | None]:
    """Return the dims to the right, upwards, and of facets below and beside one another."""
    dims = [str(dim) for dim in found[n.VERDICT].dims]
    asked = [dim for dim in named.values() if isinstance(dim, str)]
    for argument, dim in named.items():
        if dim is not None and not (isinstance(dim, str) and dim in dims and asked.count(dim) == 1):
            raise InvalidInput(argument, got=said(dim), expected=f"a dim of the sweep, each once: {', '.join(dims)}")
    varying = [dim for dim in dims if found.sizes[dim] > 1]
    order = [*PREFERRED, *varying, *dims]

    def following(*wanted: str) -> str | None:
        """Return the first dim that is not taken yet."""
        free = [dim for dim in (*wanted, *order) if dim in dims and dim not in asked]
        asked.extend(free[:1])
        return free[0] if free else None

    across, down = named["x"], named["y"]
    down = down or following(n.N_STEPS)
    across = across or following(*(dim for dim in PREFERRED if dim in varying), *varying)
    order = varying
    col = named["col"] or following()
    row = named["row"] or following()
    return str(across), str(down), row, col


def _heading(sweep: xr.Dataset, score: str, at: float, found: xr.Dataset) -> list[str]:
    """Return what stands over the map, line by line."""
    name = sweep[score].attrs.get(n.LONG_NAME, score)
    first = slice_text(sweep[score], width=WIDEST, first=f"{name} of {at:g} or more")
    lines = "full line: of the best estimator"
    if n.ESTIMATOR in sweep[score].dims and sweep.sizes[n.ESTIMATOR] > 1:
        lines += f"; dashed line: of {says(n.ESTIMATOR, sweep[n.ESTIMATOR].values[0])} alone"
    notes = ["?: the limit is within its standard error"] * bool(found[UNSURE].any())
    notes += ["grey: undefined"] * bool((found[n.VERDICT] < 0).any())
    return [first, lines, "; ".join(notes)]


def _map(
    found: xr.Dataset, across: str, down: str, title: str, is_left: bool, is_bottom: bool, has_bar: bool
) -> hv.Overlay:
    """Draw one map; axes are named at the left and at the bottom of all."""
    cells = found.transpose(down, across)
    dims = [hv.Dimension("x", label=axis_label(found, across)), hv.Dimension("y", label=axis_label(found, down))]
    height, width = (min(WIDEST, max(2, size) * CELL) for size in cells[n.VERDICT].shape)
    panel = _colours(cells, dims, bar=has_bar) * _on_hover(cells) * _texts(cells, dims)
    for verdict, dash in ((cells[n.VERDICT], "solid"), (cells[ALONE], "dashed")):
        panel = panel * boundary((verdict == GOOD).values, dims, dash)
    return with_options(
        panel,
        both={
            "title": literal(title),
            "axiswise": True,
            "xlabel": dims[0].label if is_bottom else "",
            "ylabel": dims[1].label if is_left else "",
        },
        bokeh={"frame_width": width, "frame_height": height},
        matplotlib={
            "aspect": width / height,
            "fig_inches": (2.6 + width / 100, 1.4 + height / 100),
            "fontsize": {"title": 9, "labels": 9, "ticks": 8, "cticks": 8},
        },
    )


def _colours(cells: xr.Dataset, dims: list[hv.Dimension], *, bar: bool) -> hv.Image:
    """Draw verdicts as colours at whole-number positions, the first row at the bottom.

    A cell without a value lies below the scale, not off it: matplotlib takes no image of NaN alone.
    """
    values = cells[n.VERDICT].values.astype(np.float64)
    n_rows, n_columns = values.shape
    down, across = (
        ticks(np.array([_short(label) for label in labels_of(cells, str(dim))], object), most=FULL)
        for dim in cells[n.VERDICT].dims
    )
    limits, names = (-0.5, len(VERDICTS) - 0.5), list(enumerate(VERDICTS))
    image = hv.Image(
        (np.arange(n_columns), np.arange(n_rows), values),
        kdims=dims,
        vdims=[hv.Dimension(n.VERDICT, range=limits)],
        bounds=(-0.5, -0.5, n_columns - 0.5, n_rows - 0.5),
    )
    return with_options(
        image,
        both={
            "clim": limits,
            "clipping_colors": {"min": UNDEFINED_COLOUR},
            "colorbar": bar,
            "clabel": "",
            "xticks": across,
            "xrotation": 90 if max(len(text) for _, text in across) > LONG_TEXT else 0,
            "yticks": down,
        },
        bokeh={"cmap": list(COLOURS), "cticks": names, "tools": [], "hooks": [screen_look]},
        matplotlib={"cmap": ListedColormap(COLOURS), "cbar_ticks": names, "cbar_width": 0.06, "cbar_extend": "neither"},
    )


def _short(label: Any) -> str:
    """Return a label of an axis in few letters."""
    return str(label) if isinstance(label, str) else f"{label:g}"


def _on_hover(cells: xr.Dataset) -> hv.Rectangles:
    """Lay rectangles that are not seen over the cells, which say on hovering what each holds."""
    flat = {name: cells[name].values.ravel().tolist() for name in cells.data_vars}
    limits = zip(flat[n.LIMIT], flat[n.LIMIT_STANDARD_ERROR], strict=True)
    said = {
        n.SCORE: [f"{value:.3f}" for value in flat[n.SCORE]],
        n.ESTIMATOR: flat[n.ESTIMATOR],
        n.VERDICT: [(*VERDICTS, "undefined")[place] for place in flat[n.VERDICT]],
        n.LIMIT: [f"{limit:.3f}" + f" ± {error:.3f}" * bool(np.isfinite(error)) for limit, error in limits],
        n.SAMPLES_NEEDED: [f"{one:,.0f}" if np.isfinite(one) else "no number" for one in flat[n.SAMPLES_NEEDED]],
    }
    return hover_boxes(cells[n.VERDICT].shape, said, {name: axis_label(cells, name) for name in said})


def hover_boxes(shape: tuple[int, ...], said: Mapping[str, list[str]], called: Mapping[str, str]) -> hv.Rectangles:
    """Lay rectangles that are not seen over cells, which say on hovering {name: a text for each}, row by row."""
    rows, columns = np.indices(shape).reshape(2, -1)
    corners = (columns - 0.5, rows - 0.5, columns + 0.5, rows + 0.5)
    boxes = hv.Rectangles((*corners, *said.values()), kdims=["x", "y", "x1", "y1"], vdims=list(said))
    tooltips = [(called[name], f"@{name}") for name in said]
    return with_options(boxes, both={"alpha": 0}, bokeh={"tools": ["hover"], "hover_tooltips": tooltips})


def _texts(cells: xr.Dataset, dims: list[hv.Dimension]) -> hv.Labels:
    """Write into each cell the score and, where there is room, what has it."""
    rows, columns = np.indices(cells[n.VERDICT].shape).reshape(2, -1)
    size = max(cells[n.VERDICT].shape)
    texts = []
    for value, name, unsure in zip(
        *(cells[key].values.ravel().tolist() for key in (n.SCORE, n.ESTIMATOR, UNSURE)), strict=True
    ):
        number = "" if size > FULL else f"{value:.2f}" + "?" * unsure if np.isfinite(value) else "none"
        who = "\n".join(wrap(says(n.ESTIMATOR, name), NAME)) if size <= ROOMY and np.isfinite(value) else ""
        texts.append("\n".join(filter(None, (number, who))))
    labels = hv.Labels((columns, rows, texts), dims, ["text"])
    return with_options(
        labels, bokeh={"text_color": INK, "text_font_size": "8pt"}, matplotlib={"color": INK, "size": 7}
    )


def boundary(inside: NDArray[np.bool_], dims: list[hv.Dimension], dash: str) -> hv.Segments:
    """Draw the line between cells that are inside and their neighbours that are not."""
    rows, columns = np.nonzero(inside[:, 1:] != inside[:, :-1])
    upright = np.stack([columns + 0.5, rows - 0.5, columns + 0.5, rows + 0.5])
    rows, columns = np.nonzero(inside[1:] != inside[:-1])
    level = np.stack([columns - 0.5, rows + 0.5, columns + 0.5, rows + 0.5])
    ends = [hv.Dimension("x1"), hv.Dimension("y1")]
    segments = hv.Segments(tuple(np.concatenate([upright, level], axis=1)), kdims=[*dims, *ends])
    return with_options(
        segments,
        both={"color": INK},
        bokeh={"line_width": 3, "line_dash": dash},
        matplotlib={"linewidth": 2.2, "linestyle": dash},
    )
