"""Bad frames as they are drawn: shaded behind traces, before cleaning and after, which share one axis of time."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import holoviews as hv
import numpy as np
import xarray as xr
from bokeh.models.annotations import BoxAnnotation

import netxr
from netxr.app.frame.theme import TOKENS, theme_at_work
from netxr.schema.clock import clock_of
from netxr.schema.words import counted

BAD: Final = "bad frames"
"""Name of what is drawn for them."""

Span = tuple[float, float]
"""Times between which all frames are bad."""


def bad_spans(excerpt: xr.DataArray) -> list[Span]:
    """Return the spans of time of an excerpt in memory in which some neuron is NaN or infinite.

    Examples
    --------
    >>> x = netxr.as_activity([[1, np.nan, np.nan, 4]], dims=("neuron", "time"), sampling_interval=2.0)
    >>> bad_spans(x)
    [(1.0, 5.0)]
    """
    bad = netxr.bad_frames(excerpt).values
    interval, _, first = clock_of(excerpt)
    ends = np.flatnonzero(np.diff(np.concatenate([[False], bad, [False]])))
    times = first + (ends - 0.5) * interval
    return list(zip(times[::2].tolist(), times[1::2].tolist(), strict=True))


def spans_text(spans: Sequence[Span]) -> str:
    """Return what is said beside traces of which some frames are shaded; nothing where none are."""
    return f"{BAD} shaded, {counted(len(spans), 'time')}" if spans else ""


def shaded(figures: Sequence[Any], spans: Sequence[Span]) -> list[Any]:
    """Return traces with their bad frames shaded, on one axis of time."""
    axes: list[Any] = []
    page, paper = partial(_on_page, spans=spans, axes=axes), partial(_on_paper, spans=spans)
    return [_hooked(_hooked(one, page, "bokeh"), paper, "matplotlib") for one in figures]


def _hooked(figure: Any, hook: Any, backend: str) -> Any:
    """Return a figure that is changed once it is drawn."""
    held = hv.Store.lookup_options(backend, figure, "plot").kwargs.get("hooks", [])
    return figure.opts(hooks=[*held, hook], backend=backend)


def _on_page(plot: Any, _element: Any, *, spans: Sequence[Span], axes: list[Any]) -> None:
    """Shade spans behind traces, whose axis of time is that of the first that were drawn."""
    colour = getattr(TOKENS["warn"], theme_at_work())
    for left, right in spans:
        band = BoxAnnotation(left=left, right=right, fill_color=colour, fill_alpha=0.2, line_color=None)
        band.update(name=BAD, level="underlay")
        plot.state.add_layout(band)
    axes.append(plot.handles["x_range"])
    plot.handles["x_range"] = plot.state.x_range = axes[0]


def _on_paper(plot: Any, _element: Any, *, spans: Sequence[Span]) -> None:
    """Shade spans behind traces."""
    for left, right in spans:
        plot.handles["axis"].axvspan(left, right, color=TOKENS["warn"].light, alpha=0.2, linewidth=0)
