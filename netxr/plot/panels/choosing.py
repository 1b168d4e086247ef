"""Which connections of a network are chosen in linked figures, and how one chooses them there."""

from collections.abc import Callable
from typing import Any, Final

import holoviews as hv
import numpy as np
import param
from bokeh.models import BoxSelectTool
from numpy.typing import NDArray

Bounds = tuple[float, float, float, float]


class Selection(hv.streams.Stream):  # type: ignore[misc]  # HoloViews has no types
    """Which connections are chosen: a block of targets x sources, or all that some neurons have.

    Parameters
    ----------
    targets, sources : list
        Labels of the neurons that the chosen connections go to and come from.
    neurons : list
        Instead of a block: labels of neurons whose connections, to and from them, are chosen.

    Examples
    --------
    >>> selection = Selection(targets=["b"], sources=["a", "c"])
    >>> selection.choose_neurons(["a"])  # linked figures mark it
    >>> selection.contents
    {'neurons': ['a'], 'sources': [], 'targets': []}
    """

    targets = param.List(default=[])
    sources = param.List(default=[])
    neurons = param.List(default=[])

    def choose_block(self, targets: list[Any], sources: list[Any]) -> None:
        """Choose the connections from `sources` to `targets`."""
        self.event(targets=list(targets), sources=list(sources), neurons=[])

    def choose_neurons(self, neurons: list[Any]) -> None:
        """Choose all connections from and to `neurons`; an empty list clears the choice."""
        self.event(targets=[], sources=[], neurons=list(neurons))


def chosen_pairs(labels: NDArray[Any], selection: Selection) -> NDArray[np.bool_]:
    """Return which connections between the neurons `labels` are chosen, (target, source)."""
    if selection.neurons:
        chosen = _among(labels, selection.neurons)
        return chosen[:, np.newaxis] | chosen
    return _among(labels, selection.targets)[:, np.newaxis] & _among(labels, selection.sources)


def chosen_neurons(labels: NDArray[Any], selection: Selection) -> NDArray[np.bool_]:
    """Return which of the neurons `labels` are chosen, or are a target or source of the chosen block."""
    return _among(labels, [*selection.neurons, *selection.targets, *selection.sources])


def chosen_boxes(labels: NDArray[Any], selection: Selection) -> list[tuple[float, float, float, float]]:
    """Return the chosen boxes of a matrix: left, top, right and bottom edge, in cells."""
    whole = [(-0.5, len(labels) - 0.5)]
    if selection.neurons:
        bands = _runs(_among(labels, selection.neurons))
        boxes = [(across, down) for across in whole for down in bands] + [(across, whole[0]) for across in bands]
    else:
        columns, rows = _runs(_among(labels, selection.sources)), _runs(_among(labels, selection.targets))
        boxes = [(across, down) for across in columns for down in rows]
    return [(left, top, right, bottom) for (left, right), (top, bottom) in boxes]


def _among(labels: NDArray[Any], chosen: list[Any]) -> NDArray[np.bool_]:
    """Return which of `labels` are chosen; labels of different types differ."""
    wanted = set(chosen)
    return np.array([label in wanted for label in labels.tolist()], dtype=bool)


def _runs(chosen: NDArray[np.bool_]) -> list[tuple[float, float]]:
    """Return where each run of chosen cells begins and ends."""
    edges = np.flatnonzero(np.diff(chosen.astype(np.int8), prepend=0, append=0)) - 0.5
    return [(first, last) for first, last in edges.reshape(-1, 2).tolist()]


def choose_in(
    marks: hv.DynamicMap,
    selection: Selection,
    *,
    box: Callable[[Bounds], object],
    tap: Callable[[float, float], object],
) -> None:
    """Make a box or a tap in the panel of these marks choose, and its reset tool clear the choice."""
    hv.streams.BoundsXY(source=marks).add_subscriber(lambda bounds: box(bounds))
    hv.streams.Tap(source=marks).add_subscriber(lambda x, y: tap(x, y))
    hv.streams.PlotReset(source=marks).add_subscriber(lambda resetting: selection.choose_neurons([]))


def _box_chooses(plot: Any, _marks: Any) -> None:
    """Keep bokeh's box tool from fading what is outside its box."""
    for tool in plot.state.select({"type": BoxSelectTool}):
        tool.renderers = []


CHOOSING: Final = {"tools": ["box_select"], "active_tools": ["box_select"], "hooks": [_box_chooses]}
"""Options of the marks of a panel in which one can choose."""
