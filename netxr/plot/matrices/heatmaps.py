"""A connectivity matrix as a heatmap: sources to the right, targets downwards."""

from functools import partial
from textwrap import fill
from typing import Any, Final

import holoviews as hv
import numpy as np
import xarray as xr
from matplotlib.colors import ListedColormap
from numpy.typing import NDArray

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.plot.matrices.aggregation import Sheet, View, coloured_cells, sheet_of, view_of
from netxr.plot.matrices.quantities import colour_limits
from netxr.plot.palettes import LIGHT
from netxr.plot.spans import Range, borders, side_ticks, span_in_view
from netxr.plot.style import (
    DIVERGING,
    FRAME,
    PAPER_FONTS,
    UNDEFINED_COLOUR,
    literal,
    screen_look,
    with_options,
)
from netxr.plot.ticks import LONG_LABEL, labels_in_hover
from netxr.schema.arguments import check_text, said
from netxr.significance.false_discovery import check_rate

FROM: Final = "From neuron"
TO: Final = "To neuron"

DIMMED: Final = {"color": LIGHT.hidden, "alpha": 0.85}
"""Laid over what is not found: a weak weight that is found is white beside it."""

ABOVE_ZERO: Final = DIVERGING[len(DIVERGING) // 2 :]
"""Colours where nothing can be below zero."""

NARROWEST: Final = 0.18
"""Width of a panel as a fraction of its height, where a matrix has few columns."""

NARROW_LETTERS: Final = 16
"""Of a line over a narrow panel, where bokeh cuts off what is wider."""


def matrix(
    weights: Any,
    *,
    p_value: xr.DataArray | None = None,
    q: float = 0.05,
    limits: Range | None = None,
    groups: xr.DataArray | None = None,
    title: str = "",
) -> hv.Image | hv.Overlay | hv.DynamicMap:
    """Draw one connectivity matrix as a heatmap.

    Column = from, row = to, with the first row at the top. Orange is positive, blue negative, almost white zero. Grey
    is undefined (NaN or infinite), or a neuron with itself: a correlation with its own past would leave all others
    pale. The colour bar of what is nowhere negative, such as Granger causality, begins at zero; that of probabilities
    ends at one.

    Above 500 neurons a cell is the mean over a block of weights, without those that are NaN, and the title says how
    many. In a notebook or an app, zooming in shows finer cells, down to single weights.

    Parameters
    ----------
    weights : DataArray
        In memory, (target, source) in any order of dims; (target,) is a single source and becomes one column.
    p_value : DataArray, optional
        (target, source), aligned by label, as `netxr.correlation_test` returns it. Pairs that are not found at the
        false discovery rate `q` are dimmed with grey, and so are the diagonal, which is not tested, and those without a
        p-value; the title says how many are left. A block of weights is dimmed where none of its pairs is found.
    q : float
        Share of the pairs left that may be expected not to correlate, above 0 and below 1.
    limits : tuple of float, optional
        Weights at the two ends of the colour bar; the diagonal then has its colours too. If not given, symmetric about
        0, or from 0, and wide enough for 99.5 % of the visible weights between different neurons that are not 0; the
        few beyond it have the colour of its end.
    groups : DataArray, optional
        (neuron,): the group of each neuron, aligned by label, as `netxr.assign_groups` gives it. The neurons of a group
        stand together, with lines between groups and their names on the axes; neurons in no group come last.
    title : str
        Title over the heatmap.

    Returns
    -------
    holoviews.Image
        Cells at whole-number positions, with the labels of the neurons as ticks and on hovering. With `p_value` or
        `groups`, an Overlay of it, what is dimmed, and the lines between groups; above 500 neurons a DynamicMap.

    Raises
    ------
    InvalidInput
        If `weights` is no connectivity matrix, is lazy, or has several trials; if `limits` are no ascending pair; if
        `groups` is no DataArray (neuron,), or has none of the neurons; if `p_value` holds no p-values, is lazy, or
        is not of all neurons that are drawn.

    Examples
    --------
    >>> from netxr import as_connectivity
    >>> A = as_connectivity([[0, 1], [0, 0]], rows="target", neurons=["a", "b"])
    >>> matrix(A, title="True connectivity").vdims[0].range
    (-1.0, 1.0)
    """
    check_text("title", title)
    check_rate(q)
    limits = None if limits is None else _check_limits(limits)
    sheet = sheet_of(weights, p_value=p_value, q=q, groups=groups)._replace(diagonal=limits is not None)
    return heatmap(sheet, limits=limits, title=title)


def heatmap(sheet: Sheet, *, limits: Range | None = None, title: str = "") -> Any:
    """Draw a matrix; a big one is redrawn on zooming."""

    def draw(x_range: Range | None = None, y_range: Range | None = None) -> Any:
        """Draw what is in view."""
        return draw_view(sheet, limits=limits, title=title, x_range=x_range, y_range=y_range)

    return hv.DynamicMap(draw, streams=[hv.streams.RangeXY()]) if sheet.is_big else draw()


def draw_view(
    sheet: Sheet,
    *,
    limits: Range | None = None,
    title: str = "",
    x_range: Range | None = None,
    y_range: Range | None = None,
) -> hv.Image | hv.Overlay:
    """Draw the visible part of a matrix: at first all of it."""
    view = view_of(sheet, x_range=x_range, y_range=y_range)
    others = coloured_cells(sheet, view)
    limits = limits or colour_limits(sheet.quantity, others)
    strength, colours = sheet.quantity.name, DIVERGING if limits[0] < 0 else ABOVE_ZERO
    cells = view.cells if sheet.diagonal else others
    image = _image(view._replace(cells=cells), hv.Dimension("weight", label=strength, range=limits))
    n_targets, n_sources = sheet.values.shape
    aspect = float(np.clip(n_sources / n_targets, NARROWEST, 1 / NARROWEST))
    height = round(_frame(sheet) * min(1.0, 2 / aspect))  # twice as wide at most
    image = with_options(
        image,
        both=_axes(sheet, view)
        | _colours(view, limits)
        | {"clabel": strength, "title": _title(title, sheet, view, narrow=aspect < 1 / 2)},
        bokeh={"cmap": colours, "frame_height": height, "frame_width": round(height * aspect)}
        | _hover(sheet, view, strength),
        matplotlib={
            "fontsize": PAPER_FONTS,
            "cmap": ListedColormap(colours),
            "aspect": aspect,
            "cbar_width": 0.05 / min(1.0, 2 * aspect),
        },
    )
    over = [
        *([] if view.dim is None else [_dimmed(view, view.dim)]),
        *([_borders(sheet)] if sheet.targets.order.names else []),
    ]
    return hv.Overlay([image, *over]) if over else image


def _frame(sheet: Sheet) -> int:
    """Return the height of a square matrix in bokeh pixels: a browser leaves out cells that are smaller than one."""
    spans = [span_in_view(size, None, sheet.room) for size in sheet.values.shape]
    return max(FRAME, *(-(-span.end // span.step) for span in spans))


def limits_of(*sheets: Sheet) -> Range:
    """Return limits that hold the cells of different neurons in the first views of matrices of one quantity."""
    return colour_limits(sheets[0].quantity, *(coloured_cells(sheet, view_of(sheet)) for sheet in sheets))


def _image(view: View, weight: hv.Dimension) -> hv.Image:
    """Return the cells where they stand."""
    (left, right), (top, bottom) = view.across.edges, view.down.edges
    return hv.Image(
        # HoloViews warns of a range without a number; minus infinity is off the colour bar just as well.
        np.full(view.cells.shape, -np.inf)
        if np.isnan(view.cells).all()
        else view.cells[::-1],  # an Image has its last row at the bottom of an upright y axis
        bounds=(left, top, right, bottom),
        kdims=[hv.Dimension(n.SOURCE, label=FROM), hv.Dimension(n.TARGET, label=TO)],
        vdims=[weight],
    )


def _axes(sheet: Sheet, view: View) -> dict[str, Any]:
    """Return options of the axes: their ends, and ticks for the visible part."""
    n_targets, n_sources = sheet.values.shape
    x_ticks = side_ticks(sheet.sources, view.across)
    return {
        "invert_yaxis": True,
        "axiswise": True,  # a larger matrix beside this one would stretch its axes
        "xlim": (-0.5, n_sources - 0.5),
        "ylim": (-0.5, n_targets - 0.5),
        "xticks": x_ticks,
        "yticks": side_ticks(sheet.targets, view.down),
        "xrotation": 90 if max((len(name) for _, name in x_ticks), default=0) > LONG_LABEL else 0,
    }


def _colours(view: View, limits: Range) -> dict[str, Any]:
    """Return options of the colours and their bar."""
    undefined = {"min": UNDEFINED_COLOUR} if np.isnan(view.cells).all() else {}
    return {"clim": limits, "colorbar": True, "clipping_colors": {"NaN": UNDEFINED_COLOUR, **undefined}}


def what_is_shown(view: View) -> str:
    """Say how many weights a cell is the mean of, if several, or that no weight is defined."""
    rows, columns = view.down.step, view.across.step
    if np.isnan(view.cells).all():
        return "undefined everywhere"
    return f"mean of {rows} x {columns} weights" if rows * columns > 1 else ""


def _title(title: str, sheet: Sheet, view: View, *, narrow: bool) -> str:
    """Return the title and what the cells are below it, in short lines if the panel is narrow."""
    shown = what_is_shown(view)
    found = "" if sheet.tested is None else f"{sheet.tested.text}; others dimmed"
    lines = [*title.split("\n"), found, f"each cell the {shown}" if shown.startswith("mean") else shown]
    return literal("\n".join(filter(None, (fill(line, NARROW_LETTERS) if narrow else line for line in lines))))


def _dimmed(view: View, dim: NDArray[np.bool_]) -> hv.Image:
    """Lay grey over the cells in which no pair is found."""
    (left, right), (top, bottom) = view.across.edges, view.down.edges
    cells = np.where(dim, 1.0, np.nan)[::-1]
    cover = hv.Image(
        cells, bounds=(left, top, right, bottom), kdims=[n.SOURCE, n.TARGET], vdims=[hv.Dimension("dim", range=(0, 1))]
    )
    look = {
        "cmap": [DIMMED["color"]],
        "alpha": DIMMED["alpha"],
        "clim": (0, 1),
        "invert_yaxis": True,
        "clipping_colors": {"NaN": "transparent"},
    }
    return with_options(cover, both=look)


def _borders(sheet: Sheet) -> hv.Segments:
    """Draw thin lines between the groups."""
    n_targets, n_sources = sheet.values.shape
    lines = [(border, -0.5, border, n_targets - 0.5) for border in sheet.sources.order.borders]
    lines += [(-0.5, border, n_sources - 0.5, border) for border in sheet.targets.order.borders]
    return borders(lines, n.SOURCE, n.TARGET)


def _hover(sheet: Sheet, view: View, strength: str) -> dict[str, Any]:
    """Return bokeh options that show labels of neurons and a weight on hovering."""
    sides = (("$x", sheet.sources.labels, view.across.step), ("$y", sheet.targets.labels, view.down.step))
    is_mean = view.across.step * view.down.step > 1
    undefined = np.isnan(view.cells).all()
    return {
        "tools": ["hover"],
        "hover_tooltips": [
            ("from", "$x{label}"),
            ("to", "$y{label}"),
            (("mean " if is_mean else "") + strength.lower(), "undefined" if undefined else "@image"),
        ],
        "hooks": [
            screen_look,
            partial(labels_in_hover, sides=[(axis, list(map(str, names)), n) for axis, names, n in sides]),
        ],
    }


def _check_limits(limits: Range) -> Range:
    """Return `limits` as two ascending finite numbers, or raise."""
    try:
        pair = np.asarray(limits, dtype=np.float64)
    except (TypeError, ValueError):
        pair = np.empty(0)
    if pair.shape != (2,) or not np.isfinite(pair).all() or pair[0] >= pair[1]:
        raise InvalidInput(
            "limits", got=said(limits), expected="two finite numbers, the lower one first", fix="Use symmetric_limit."
        )
    return float(pair[0]), float(pair[1])
