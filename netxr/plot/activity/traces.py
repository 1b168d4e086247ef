"""Activity over time as stacked traces, one for each neuron, of a recording of any length."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import holoviews as hv
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from netxr import names as n
from netxr.plot.activity.binning import Part, extremes, read, segments
from netxr.plot.activity.excerpt import Excerpt, excerpt_of
from netxr.plot.style import (
    FRAME,
    INK,
    PAPER_FONTS,
    literal,
    screen_look,
    with_options,
)
from netxr.plot.ticks import shorten

MOST_TRACES: Final = 20
"""How many neurons are drawn if none are chosen."""

MOST_POINTS: Final = 2000
"""Of a trace: about three to a pixel of a wide figure."""


def traces(
    activity: xr.DataArray | xr.Dataset,
    *,
    neurons: Sequence[Any] | None = None,
    start: int = 0,
    n_steps: int | None = None,
) -> hv.NdOverlay | hv.DynamicMap:
    """Draw the activity of some neurons over time, stacked, the first one on top.

    All traces share one scale. The distance between two neurons is the largest range of any trace; it is written on the
    axis. Up to 2,000 samples are drawn one by one. Of more, the smallest and the largest of each of a thousand bins are
    drawn, so that no spike is lost. The figure is then a DynamicMap, and zooming in shows every sample. A missing
    sample is a gap, and so is a gap in the times of a recording whose `gaps` are known.

    A lazy recording is read here and again on zooming, at most some 100 MB at a time. If the visible part takes more
    than 256 MB to read (chunks hold other neurons too), evenly spaced segments of it are read and drawn, and the title
    says so.

    Parameters
    ----------
    activity : DataArray, or Dataset that holds it
        In memory or lazy, (neuron, time) in any order of dims; a `trial` of one entry may be there.
    neurons : sequence, optional
        Labels of the neurons. If not given, the first 20, or 20 spread over all groups in the order of the coordinate
        `group` if there is one; the title says so.
    start : int
        First sample.
    n_steps : int, optional
        Number of samples; fewer if the recording ends before, and all to its end if not given.

    Returns
    -------
    holoviews.NdOverlay, or DynamicMap of an Overlay that holds one
        One Curve for each neuron, over time in the unit of the sampling interval; hovering shows neuron and value.

    Raises
    ------
    InvalidInput
        If `activity` is no recording, or has several trials; if a neuron or `start` is not in it.

    Examples
    --------
    >>> from netxr import as_activity
    >>> X = as_activity(np.eye(3), dims=("neuron", "time"), neurons=["a", "b", "c"])
    >>> traces(X, neurons=["c", "a"]).keys()
    ['c', 'a']
    """
    shown = excerpt_of(activity, neurons=neurons, start=start, n_steps=n_steps, most=MOST_TRACES)
    first = _drawn(shown, shown.part)
    scale = _scale(first.values)
    if first.whole:
        return _stacked(shown, first, scale)

    def zoomed(x_range: tuple[float, float] | None) -> hv.Overlay:
        """Draw what is in view; HoloViews changes the title of an Overlay, and not of an NdOverlay."""
        part = shown.zoomed(x_range)
        drawn = first if part == shown.part else _drawn(shown, part)
        figure = hv.Overlay([_stacked(shown, drawn, scale)])
        return _framed(figure, shown, scale, title=drawn.note)

    return hv.DynamicMap(zoomed, streams=[hv.streams.RangeX()])


class Drawn(NamedTuple):
    """What is drawn: positions in time (neuron or 1, point), values (neuron, point), and whether these are all."""

    positions: NDArray[np.float64]
    values: NDArray[np.float64]
    note: str
    whole: bool = False


class Scale(NamedTuple):
    """How traces are stacked: the value (neuron,) that lies at a neuron's place, and the distance of two places."""

    middle: NDArray[np.float64]
    step: float


def _drawn(shown: Excerpt, part: Part) -> Drawn:
    """Read what is drawn of a part of a recording."""
    start, stop = part
    if stop - start <= MOST_POINTS:
        values = read(shown.samples, shown.rows, part)
        return Drawn(np.arange(start, stop, dtype=np.float64)[np.newaxis], values, _said(shown, values), True)
    parts = segments(shown.samples, shown.rows, start, stop)
    positions, values = extremes(shown.samples, shown.rows, parts, n_bins=MOST_POINTS // 2)
    return Drawn(positions, values, "\n".join(filter(None, (_said(shown, values), _note(shown, part, parts)))))


def _said(shown: Excerpt, values: NDArray[np.float64]) -> str:
    """Say so if not all neurons are drawn, or nothing is."""
    return _some(shown) if np.isfinite(values).any() else "no sample that is a number"


def _some(shown: Excerpt) -> str:
    """Say so if not all neurons are drawn."""
    few = len(shown.rows) == shown.n_asked
    return "" if few else f"{len(shown.rows)} of {shown.n_asked:,} neurons"


def _note(shown: Excerpt, part: Part, parts: Sequence[Part]) -> str:
    """Say what the drawn samples were chosen from."""
    n_samples = part[1] - part[0]
    n_read = sum(stop - start for start, stop in parts)
    if n_read == n_samples:
        return f"smallest and largest of every {n_samples / (MOST_POINTS // 2):,.3g} samples"
    interval, unit, _ = shown.clock
    length = interval * n_read / len(parts)
    number = "one segment" if len(parts) == 1 else f"{len(parts)} segments"
    return f"{number} of {length:.3g} {unit}, {100 * n_read / n_samples:.2g} % of all samples: zoom in for more"


def _scale(values: NDArray[np.float64]) -> Scale:
    """Return how to stack traces (neuron, point) without overlap."""
    known = np.ma.masked_invalid(values)
    low, high = known.min(axis=1).filled(0.0), known.max(axis=1).filled(0.0)
    return Scale((low + high) / 2, float((high - low).max()) or 1.0)


def _stacked(shown: Excerpt, drawn: Drawn, scale: Scale) -> hv.NdOverlay:
    """Lay the traces over each other in one frame."""
    positions, values = _parted(np.broadcast_to(drawn.positions, drawn.values.shape), drawn.values, shown.cuts)
    heights = values - scale.middle[:, np.newaxis] - scale.step * np.arange(len(shown.rows))[:, np.newaxis]
    curves = {
        name: _curve(shown.time_axis, time, height, value)
        for name, time, height, value in zip(shown.labels, shown.times(positions), heights, values, strict=True)
    }
    return _framed(hv.NdOverlay(curves, kdims=n.NEURON, sort=False), shown, scale, title=drawn.note)


def _parted(
    positions: NDArray[np.float64], values: NDArray[np.float64], cuts: Sequence[int]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return positions and values, (neuron, point), with a point that is NaN at each cut, which no line crosses."""
    if not cuts:
        return positions, values
    known = np.fmax.accumulate(positions, axis=1)  # a point between two parts is NaN
    at = [np.searchsorted(row, np.array(cuts) - 0.5) for row in known]
    parted: Any = (
        np.array([np.insert(row, places, np.nan) for row, places in zip(each, at, strict=True)])
        for each in (positions, values)
    )
    return tuple(parted)


def _curve(
    axis: hv.Dimension, time: NDArray[np.float64], height: NDArray[np.float64], value: NDArray[np.float64]
) -> hv.Curve:
    """Draw one trace."""
    tips = [("neuron", "@neuron"), ("time", "@time"), (n.ACTIVITY, f"@{n.ACTIVITY}")]
    return with_options(
        hv.Curve((time, height, value), axis, ["height", n.ACTIVITY]),
        both={"color": INK},
        bokeh={"line_width": 1, "tools": ["hover"], "hover_tooltips": tips},
        matplotlib={"linewidth": 0.7},
    )


def _framed(figure: Any, shown: Excerpt, scale: Scale, *, title: str) -> Any:
    """Set the axes of stacked traces, and the size of their frame."""
    n_traces = len(shown.rows)
    height = 1.5 + 0.3 * n_traces
    ticks = [(-scale.step * place, shorten(label)) for place, label in enumerate(shown.labels)]
    return with_options(
        figure,
        both={
            "yticks": ticks,
            "xlabel": shown.time_axis.label,
            "ylabel": f"Neuron (spacing {scale.step:.3g} {shown.units}".rstrip() + ")",
            "xlim": shown.ends,
            "ylim": (-scale.step * (n_traces - 0.4), scale.step * 0.6),
            "title": literal(title),
            "show_legend": False,
        },
        bokeh={
            "frame_width": 2 * FRAME,
            "frame_height": round(0.3 * FRAME * height),
            "batched": False,
            "hooks": [screen_look],
        },
        matplotlib={"fontsize": PAPER_FONTS, "fig_inches": (8, height), "aspect": 8 / height},
    )
