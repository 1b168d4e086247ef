"""Activity of all neurons over time as an image, of a recording of any length; every sample is read."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final, NamedTuple

import holoviews as hv
import numpy as np
import xarray as xr
from matplotlib.colors import ListedColormap
from numpy.typing import NDArray

from netxr import names as n
from netxr.plot.activity.binning import Cells, cells
from netxr.plot.activity.excerpt import Excerpt, excerpt_of
from netxr.plot.spans import ROOM, Range, Side, Span, borders, side_ticks, span_in_view
from netxr.plot.style import (
    DIVERGING,
    FRAME,
    PAPER_FONTS,
    SEQUENTIAL,
    UNDEFINED_COLOUR,
    literal,
    screen_look,
    with_options,
)
from netxr.plot.ticks import labels_in_hover

INSIDE: Final = 0.99
"""Share of the cells within the colour range; cells beyond it have the colour at the end of the bar."""

STANDARDISED: Final = "Activity (SD from the mean)"


def raster(
    activity: xr.DataArray | xr.Dataset,
    *,
    neurons: Sequence[Any] | None = None,
    start: int = 0,
    n_steps: int | None = None,
) -> hv.Image | hv.Overlay | hv.DynamicMap:
    """Draw the activity of all neurons over time as an image, the first neuron at the top.

    Colours are standard deviations from the mean of each neuron, over what is shown at first, so that neurons can be
    compared: orange is above the mean, blue below, white the mean, grey missing. Whole numbers from 0 up, such as
    spikes or counts, are drawn as they are, from white to teal. The colour range holds 99 % of the cells.

    Up to 500 neurons and 500 samples, each sample has a cell. Beyond, a cell is a mean over several samples and, with
    very many neurons, over neighbouring neurons; the title says so. The figure is then a DynamicMap, and zooming in
    shows finer cells. Gaps in the times of a recording that says of them are grey. Every visible sample is read, block
    by block, here and again on zooming: of a recording on disk that takes as long as reading its file, some seconds for
    a few gigabytes.

    Parameters
    ----------
    activity : DataArray, or Dataset that holds it
        In memory or lazy, (neuron, time) in any order of dims; a `trial` of one entry may be there.
    neurons : sequence, optional
        Labels of the neurons, from the top. If not given, all, in the order of their coordinate `group` if there is
        one, with lines between the groups and their names on the axis.
    start : int
        First sample.
    n_steps : int, optional
        Number of samples; fewer if the recording ends before, and all to its end if not given.

    Returns
    -------
    holoviews.Image
        Over time in the unit of the sampling interval, and neurons at whole-number places. With groups, an Overlay of
        it and the lines between them; a DynamicMap of either if cells are means.

    Raises
    ------
    InvalidInput
        If `activity` is no recording, or has several trials; if a neuron or `start` is not in it.

    Examples
    --------
    >>> from netxr import as_activity
    >>> X = as_activity([[0.0, 2.0], [5.0, 1.0]], dims=("neuron", "time"), neurons=["a", "b"])
    >>> raster(X).dimension_values("deviation", flat=False).tolist()  # the first row is the lowest of the axis
    [[-1.0, 1.0], [1.0, -1.0]]
    """
    shown = excerpt_of(activity, neurons=neurons, start=start, n_steps=n_steps)
    whole = _spans(shown)
    summed = _summed(shown, whole)
    scale = None if _is_count(shown.samples.dtype, summed) else summed.scale()
    first = _picture(shown, whole, summed, scale)
    if max(len(shown.rows), shown.intervals[-1] + 1) <= ROOM:
        return first

    def zoomed(x_range: Range | None, y_range: Range | None) -> Any:
        """Draw what is in view."""
        spans = _spans(shown, x_range=shown.intervals_in(x_range), y_range=y_range)
        return first if spans == whole else _picture(shown, spans, _summed(shown, spans), scale)

    return hv.DynamicMap(zoomed, streams=[hv.streams.RangeXY()])


class Spans(NamedTuple):
    """Places of neurons from the top, and sampling intervals after the first sample shown, in cells."""

    down: Span
    across: Span


def _spans(shown: Excerpt, *, x_range: Range | None = None, y_range: Range | None = None) -> Spans:
    """Return the visible cells: at first all that is shown."""
    return Spans(span_in_view(len(shown.rows), y_range), span_in_view(int(shown.intervals[-1]) + 1, x_range))


def _summed(shown: Excerpt, spans: Spans) -> Cells:
    """Read what is in view; a cell in a gap holds no sample."""
    across = spans.across
    ends = np.append(np.arange(across.first, across.end, across.step), across.end)
    edges = shown.part[0] + np.searchsorted(shown.intervals, ends)
    rows, held = shown.rows[spans.down.first : spans.down.end], np.flatnonzero(np.diff(edges))
    if len(held) == len(edges) - 1:
        return cells(shown.samples, rows, edges)
    first = min(edges[0], shown.part[1] - 1)
    found = cells(shown.samples, rows, np.append(edges[held], edges[-1]) if len(held) else np.array([first, first + 1]))
    total, count = (np.zeros((len(rows), len(edges) - 1), each.dtype) for each in found[:2])
    total[:, held], count[:, held] = found.total[:, : len(held)], found.n_samples[:, : len(held)]
    return Cells(total, count, found.course)


def _is_count(dtype: np.dtype[Any], summed: Cells) -> bool:
    """Return whether samples are spikes or counts: whole numbers, none of them negative."""
    return dtype.kind in "bu" or (dtype.kind == "i" and bool((summed.total >= 0).all()))


def _picture(shown: Excerpt, spans: Spans, summed: Cells, scale: NDArray[np.float64] | None) -> Any:
    """Draw the cells of what is in view."""
    down = spans.down
    values = _values(summed, down, None if scale is None else scale[down.first : down.end])
    known = values[np.isfinite(values)]
    reach = float(np.quantile(np.abs(known), INSIDE) or np.abs(known).max()) if len(known) else 0.0
    limits = (0.0 if scale is None else -reach, reach) if reach > 0 else (-1.0, 1.0)
    name = (
        hv.Dimension(n.ACTIVITY, label=_unit(shown)) if scale is None else hv.Dimension("deviation", label=STANDARDISED)
    )
    image = hv.Image(
        values[::-1].astype(np.float32) if len(known) else np.full(values.shape, -np.inf),  # as in a matrix
        bounds=_bounds(shown, spans),
        kdims=[shown.time_axis, hv.Dimension(n.NEURON, label="Neuron")],
        vdims=[name.clone(range=limits)],
    )
    return _framed(image, shown, spans, limits, SEQUENTIAL if scale is None else DIVERGING)


def _values(summed: Cells, down: Span, scale: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """Return the mean of each cell, (row, bin); in standard deviations from its neuron's mean if `scale` is given."""
    total = summed.total
    if scale is not None:
        total = (total - summed.n_samples * scale[:, :1]) / scale[:, 1:]
    starts = np.arange(0, down.end - down.first, down.step)
    total, count = (np.add.reduceat(each, starts, axis=0) for each in (total, summed.n_samples))
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _bounds(shown: Excerpt, spans: Spans) -> tuple[float, float, float, float]:
    """Return where the cells begin and end: left, bottom, right, top, on an axis of neurons that points downwards."""
    interval = shown.clock[0]
    left, right = shown.times(shown.part[0]) + interval * np.array(spans.across.edges)
    return float(left), spans.down.edges[0], float(right), spans.down.edges[1]


def _unit(shown: Excerpt) -> str:
    """Return what the colour bar of samples drawn as they are is called."""
    return f"Activity ({shown.units})" if shown.units else "Activity"


def _what_cells_are(spans: Spans) -> str:
    """Say how many samples a cell is the mean of, if more than one."""
    steps, neurons = (
        f"{span.step:,} {name}" if span.step > 1 else ""
        for span, name in zip(spans[::-1], ("samples", "neurons"), strict=True)
    )
    block = " x ".join(filter(None, (neurons, steps)))
    return f"each cell the mean of {block}" if block else ""


def _framed(image: hv.Image, shown: Excerpt, spans: Spans, limits: Range, colours: list[str]) -> Any:
    """Set colours, axes and the size of the frame, and draw the borders of groups."""
    n_rows, value = len(shown.rows), image.vdims[0]
    empty = bool(np.isinf(image.dimension_values(2)).all())
    height = round(FRAME * np.clip(n_rows / 60, 0.8, ROOM / FRAME))
    note = "no sample that is a number" if empty else _what_cells_are(spans)
    figure_size = (8, 1.2 + 6 * height / (2 * FRAME))  # an Overlay does not take over that of its first element
    image = with_options(
        image,
        both={
            "clim": limits,
            "colorbar": True,
            "clabel": value.label,
            "clipping_colors": {"NaN": UNDEFINED_COLOUR} | ({"min": UNDEFINED_COLOUR} if empty else {}),
            "invert_yaxis": True,
            "xlim": shown.ends,
            "ylim": (-0.5, n_rows - 0.5),
            "yticks": side_ticks(Side(np.array(shown.labels), shown.order), spans.down),
            "title": literal(note),
        },
        bokeh={
            "cmap": colours,
            "frame_width": 2 * FRAME,
            "frame_height": height,
            "tools": ["hover"],
            "hover_tooltips": [("neuron", "$y{label}"), ("time", "$x"), (value.label, "@image")],
            "hooks": [screen_look, partial(labels_in_hover, sides=[("$y", shown.labels, spans.down.step)])],
        },
        matplotlib={
            "cmap": ListedColormap(colours),
            "fig_inches": figure_size,
            "fontsize": PAPER_FONTS,
            "aspect": 2 * FRAME / height,
            "cbar_width": 0.02,
        },
    )
    if not shown.order.names:
        return image
    return with_options(image * _borders(shown), matplotlib={"fig_inches": figure_size})


def _borders(shown: Excerpt) -> hv.Segments:
    """Draw thin lines between the groups."""
    left, right = shown.ends
    return borders([(left, border, right, border) for border in shown.order.borders], n.TIME, n.NEURON)
