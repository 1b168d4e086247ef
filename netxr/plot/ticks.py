"""Ticks of an axis: which of its places have one, and labels that are short enough."""

from itertools import cycle
from typing import Any, Final, NamedTuple

import numpy as np
import xarray as xr
from bokeh.models import CustomJSHover
from numpy.typing import NDArray

from netxr import names as n
from netxr.schema.variables import labels_of

MAX_TICKS: Final = 8
MAX_TICK_LETTERS: Final = 12
LONG_LABEL: Final = 3
"""Tick labels with more letters than this are written upright under the x axis."""


def ticks(labels: np.ndarray[Any, Any], *, most: int = MAX_TICKS) -> list[tuple[int, str]]:
    """Return (position, label) for at most `most` of the labels, evenly spaced from the first."""
    step = tick_step(len(labels), most)
    return [(position, shorten(labels[position])) for position in range(0, len(labels), step)]


def tick_step(n_labels: int, most: int) -> int:
    """Return the smallest of 1, 2, 5, 10, 20, 50, ... that leaves at most `most` of `n_labels` labels."""
    step = 1
    for factor in cycle((2, 2.5, 2)):
        if -(-n_labels // step) <= most:
            break
        step = int(step * factor)
    return step


def shorten(label: Any, *, most: int = MAX_TICK_LETTERS) -> str:
    """Return `label` as text of at most `most` letters: its two ends, as names often differ in a number there.

    Examples
    --------
    >>> shorten("visual_cortex_unit_0041")
    'visua…t_0041'
    """
    text = label_text(label)
    left = (most - 1) // 2
    return text if len(text) <= most else f"{text[:left]}…{text[left + 1 - most :]}"


def plain_labels(labels: np.ndarray[Any, Any]) -> list[Any]:
    """Return labels as plain values, dates as text: they would otherwise become numbers of nanoseconds."""
    return [label_text(label) for label in labels] if labels.dtype.kind == "M" else labels.tolist()


def label_text(label: Any) -> str:
    """Return `label` as text, a date without the digits that are zero."""
    return str(np.datetime_as_string(label, unit="auto") if isinstance(label, np.datetime64) else label)


class Windows(NamedTuple):
    """Where windows stand on an axis: at their times, or else at their numbers; what these are, and their unit."""

    places: NDArray[Any]
    name: str
    unit: str

    @property
    def label(self) -> str:
        """What an axis is called."""
        return self.name.capitalize() + (f" ({self.unit})" if self.unit else "")


def windows_of(estimates: xr.DataArray) -> Windows:
    """Return where the windows of estimates stand."""
    if n.BLOCK_TIME not in estimates.coords:
        return Windows(labels_of(estimates, n.BLOCK), "window", "")
    times = estimates[n.BLOCK_TIME]
    unit = times.attrs.get(n.UNITS, estimates.attrs.get(n.SAMPLING_INTERVAL_UNITS, ""))
    return Windows(times.values, "time", str(unit))


LABELS_OF_CELL: Final = """
    const first = Math.floor(Math.round(value) / step) * step
    const last = Math.min(first + step, labels.length) - 1
    if (!(first in labels)) return ''
    return first === last ? labels[first] : `${labels[first]} to ${labels[last]}`
"""
"""What is under the pointer. The browser gets the n labels of a side, not one for each of n x n cells."""


def labels_in_hover(plot: Any, _element: Any, *, sides: list[tuple[str, list[str], int]]) -> None:
    """Give bokeh's hover tool the labels of the positions along each axis."""
    formatters = plot.handles["hover"].formatters
    for axis, labels, step in sides:
        args = {"labels": labels, "step": step}
        if axis not in formatters or formatters[axis].args != args:
            formatters[axis] = CustomJSHover(args=args, code=LABELS_OF_CELL)
