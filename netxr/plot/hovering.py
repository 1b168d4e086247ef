"""What is under the pointer in a heatmap: labels of neurons, in bokeh."""

from typing import Any, Final

from bokeh.models import CustomJSHover

LABELS_OF_CELL: Final = """
    const first = Math.floor(Math.round(value) / step) * step
    const last = Math.min(first + step, labels.length) - 1
    if (!(first in labels)) return ''
    return first === last ? labels[first] : `${labels[first]} to ${labels[last]}`
"""
"""What is under the pointer. n labels for a side travel to the browser so, and not one for each of n x n cells."""


def labels_in_hover(plot: Any, _element: Any, *, sides: list[tuple[str, list[str], int]]) -> None:
    """Tell bokeh's hover tool which labels stand for the positions along each axis."""
    for axis, labels, step in sides:
        plot.handles["hover"].formatters[axis] = CustomJSHover(
            args={"labels": labels, "step": step}, code=LABELS_OF_CELL
        )
