"""Many matrices on one page: a grid over one or two dims, sliders over the others."""

from functools import partial
from itertools import groupby, product
from math import prod
from typing import Any, Final

import holoviews as hv
import xarray as xr

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.plot.loading import MATRIX_SPEC, loaded
from netxr.plot.matrices.aggregation import Sheet, sheet_of, view_of
from netxr.plot.matrices.heatmaps import FROM, TO, draw_view, heatmap, limits_of, what_is_shown
from netxr.plot.matrices.side_by_side import page, room_for
from netxr.plot.spans import ROOM, Range
from netxr.plot.style import literal, with_options
from netxr.plot.ticks import plain_labels, ticks, windows_of
from netxr.plot.words import axis_label, says
from netxr.schema.arguments import said
from netxr.schema.variables import check_variable, labels_of

MOST_FACETS: Final = 20
WIDEST: Final = 5
"""Facets in a row."""

MOST_MATRICES: Final = 500
"""In all facets at all positions of the sliders: each is drawn, and sent to the browser."""

FACET_TICKS: Final = 5

FACET_FONT: Final = 0.7
"""Size of tick labels beside those of a whole panel."""

FACET_FRAME: Final = 140
"""Height and width of a facet in bokeh pixels, and so the most neurons that have a pixel each."""


def facets(weights: xr.DataArray, *, row: str | None = None, col: str | None = None) -> Any:
    """Draw many matrices with one colour range: a grid over one or two dims, sliders over all others.

    Notebooks, and pages that HoloViews saves, have the sliders; a picture shows the first position of each. A facet of
    more than 140 neurons shows means over blocks of weights, and says so.

    Parameters
    ----------
    weights : DataArray
        In memory, ([further dims, ]target, source) in any order, such as (trial, lag, target, source). Windows, along
        `block`, stand by their times in the recording where these are known.
    row : str, optional
        Dim whose entries stand one below the other.
    col : str, optional
        Dim whose entries stand side by side; without `row`, at most five in a row.

    Returns
    -------
    holoviews.Layout
        Heatmaps, or a HoloMap of them for each facet if there are sliders. Without `row` and `col`, one HoloMap;
        without further dims of more than one entry, what `matrix` returns.

    Raises
    ------
    InvalidInput
        If `row` or `col` is no further dim, or both are the same; if there are more than 20 facets, or more than 500
        matrices in all; if `weights` holds no matrices, or is lazy.

    Examples
    --------
    >>> import numpy as np
    >>> R = xr.DataArray(np.ones((3, 2, 4, 4)), dims=("trial", "lag", "target", "source"))
    >>> facets(R, col="lag").shape, [dim.name for dim in facets(R).kdims]
    ((1, 2), ['trial', 'lag'])
    """
    grid = [dim for dim in (row, col) if dim is not None]
    weights = _check_set(weights, row, col)
    sliders = [str(dim) for dim in weights.dims if dim not in (n.TARGET, n.SOURCE, *grid)]
    if not grid and not sliders:
        return heatmap(sheet_of(weights))
    check_number(weights, grid, sliders)
    room = FACET_FRAME if grid else ROOM
    sheets = {place: sheet_of(weights.isel(dict(place)), room=room) for place in places_of(weights, grid + sliders)}
    limits = limits_of(*sheets.values())
    if not grid:
        frames = {
            place: draw_view(sheet, limits=limits, title=_text(weights, place)) for place, sheet in sheets.items()
        }
        return over_sliders(weights, frames)
    n_columns = 1 if col is None else weights.sizes[col] if row else row_length(weights.sizes[col])
    panels = _grid(weights, sheets, limits, n_columns=n_columns, n_dims=len(grid))
    name = weights.name or "connectivity"
    title = axis_label(weights.to_dataset(name=name), name)
    beyond = FACET_FONT * room_for(*(labels_of(weights, dim) for dim in (n.TARGET, n.SOURCE)))
    lines = len(grid) + any(sheet.is_big for sheet in sheets.values())
    gap = (0.4 + beyond, 0.35 + 0.14 * lines + beyond)
    return page(hv.Layout(panels), title=title, columns=n_columns, panel=1.5, gap=gap, lines=lines)


Place = tuple[tuple[str, int], ...]
"""One entry of each of some dims, as (dim, position) pairs."""


def places_of(weights: xr.DataArray, dims: list[str]) -> list[Place]:
    """Return every combination of entries along some dims, the last dim fastest."""
    return list(product(*([(dim, k) for k in range(weights.sizes[dim])] for dim in dims)))


def _grid(
    weights: xr.DataArray, sheets: dict[Place, Sheet], limits: Range, *, n_columns: int, n_dims: int
) -> list[Any]:
    """Draw the facets row by row, each with all positions of the sliders."""
    groups = groupby(sheets.items(), key=lambda item: item[0][:n_dims])
    facets = [dict(group) for _, group in groups]
    panels = []
    for k, own in enumerate(facets):
        draw = partial(
            facet,
            limits=limits,
            bar=k == min(n_columns, len(facets)) - 1,
            xlabel=FROM if k + n_columns >= len(facets) else "",
            ylabel=TO if k % n_columns == 0 else "",
        )
        frames = {place[n_dims:]: draw(sheet, title=_text(weights, place)) for place, sheet in own.items()}
        panels.append(over_sliders(weights, frames))
    return panels + [hv.Empty()] * (-len(panels) % n_columns)


def facet(sheet: Sheet, *, limits: Range, title: str, bar: bool, xlabel: str, ylabel: str) -> hv.Image:
    """Draw a small heatmap."""
    lines = filter(None, (title, what_is_shown(view_of(sheet))))
    return with_options(
        draw_view(sheet, limits=limits),
        both={
            "title": literal("\n".join(lines)),
            "colorbar": bar,
            "xlabel": xlabel,
            "ylabel": ylabel,
            "xticks": ticks(sheet.sources.labels, most=FACET_TICKS),
            "yticks": ticks(sheet.targets.labels, most=FACET_TICKS),
        },
        bokeh={"frame_height": FACET_FRAME, "frame_width": FACET_FRAME, "fontscale": 0.8},
        matplotlib={"fontsize": {"title": 8, "labels": 7, "ticks": 6, "clabel": 7, "cticks": 6}},
    )


def over_sliders(labelled: xr.DataArray, frames: dict[Place, Any]) -> Any:
    """Return the frames with a slider for each dim of their places; the only frame if there is no such dim."""
    dims = [dim for dim, _ in next(iter(frames))]
    if not dims:
        return next(iter(frames.values()))
    labels = {dim: plain_labels(_along(labelled, dim)[0]) for dim in dims}
    kdims = [hv.Dimension(dim, label=_along(labelled, dim)[1]) for dim in dims]
    keyed = {tuple(labels[dim][k] for dim, k in place): frame for place, frame in frames.items()}
    return hv.HoloMap(keyed, kdims=kdims, sort=False)


def _text(weights: xr.DataArray, place: Place) -> str:
    """Return the labels of a place, a line each."""
    return "\n".join(_says_at(weights, dim, k) for dim, k in place)


def _says_at(weights: xr.DataArray, dim: str, k: int) -> str:
    """Return the label of one entry: "lag = 2", or of a window "time = 12.5 s"."""
    if dim != n.BLOCK:
        return says(dim, labels_of(weights, dim)[k])
    windows = windows_of(weights)
    return f"{says(windows.name, windows.places[k])} {windows.unit}".rstrip()


def _along(weights: xr.DataArray, dim: str) -> tuple[Any, str]:
    """Return the labels along a dim, and what a slider over them is called; of windows, their times."""
    windows = windows_of(weights) if dim == n.BLOCK else None
    return (labels_of(weights, dim), axis_label(weights, dim)) if windows is None else (windows.places, windows.label)


def row_length(n_facets: int) -> int:
    """Return how many facets stand in a row, so that rows are about equally full."""
    return -(-n_facets // -(-n_facets // WIDEST))


def _check_set(weights: Any, row: str | None, col: str | None) -> xr.DataArray:
    """Return matrices in memory without further dims of one entry, or raise InvalidInput."""
    dims = [str(dim) for dim in getattr(weights, "dims", ())]
    checked = loaded(check_variable(weights, MATRIX_SPEC, argument="weights", extra_dims=dims), argument="weights")
    further = [dim for dim in dims if dim not in (n.TARGET, n.SOURCE)]
    for argument, dim in (("row", row), ("col", col)):
        if dim is not None and not (isinstance(dim, str) and dim in further):
            raise InvalidInput(
                argument, got=said(dim), expected=f"a further dim of weights: {', '.join(further) or 'there is none'}"
            )
    if row is not None and row == col:
        raise InvalidInput("col", got=repr(col), expected="another dim than row")
    single = [dim for dim in further if dim not in (row, col) and checked.sizes[dim] == 1]
    without: xr.DataArray = checked.isel(dict.fromkeys(single, 0))
    return without


def check_number(weights: xr.DataArray, grid: list[str], sliders: list[str], *, argument: str = "weights") -> None:
    """Raise if there are more matrices than can be looked at, each at one entry of these dims."""
    n_facets, n_all = (prod(weights.sizes[dim] for dim in dims) for dims in (grid, grid + sliders))
    longest = max(grid if n_facets > MOST_FACETS else grid + sliders, key=lambda dim: weights.sizes[dim], default="")
    fix = f"Take some of them, e.g. with .isel({longest}=slice(None, None, {{step}})), or one with .isel({longest}=0)."
    if n_facets > MOST_FACETS:
        raise InvalidInput(
            "row and col",
            got=f"{n_facets} facets",
            expected=f"{MOST_FACETS} at most, as many as can be seen on a page",
            fix=fix.format(step=-(-n_facets // MOST_FACETS)),
        )
    if n_all > MOST_MATRICES:
        raise InvalidInput(
            argument,
            got=f"{n_all} matrices over {', '.join(grid + sliders)}",
            expected=f"{MOST_MATRICES} at most",
            fix=fix.format(step=-(-n_all // MOST_MATRICES)),
        )
