"""Moments of neurons and of inputs beside them: under names of their own, or put together as if all were neurons.

What holds for moments of neurons, such as how they are merged, then holds for inputs without a word about them.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import xarray as xr

from netxr import names as n

PARTS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    n.MEAN_TARGET: {n.MEAN_INPUT_TARGET: (n.TARGET,)},
    n.MEAN_SOURCE: {n.MEAN_INPUT: (n.SOURCE,)},
    n.SUMSQ_TARGET: {n.SUMSQ_INPUT_TARGET: (n.TARGET,)},
    n.SUMSQ_SOURCE: {n.SUMSQ_INPUT: (n.SOURCE,)},
    n.COMOMENT: {
        n.COMOMENT_INPUT: (n.SOURCE,),
        n.COMOMENT_INPUT_TARGET: (n.TARGET,),
        n.COMOMENT_INPUTS: (n.TARGET, n.SOURCE),
    },
    n.MEAN_LINKED: {},
    n.SUMSQ_LINKED: {},
    n.COMOMENT_LINKED: {n.COMOMENT_LINKED_INPUT: (n.SOURCE,)},
    n.EDGE_ACTIVITY: {n.EDGE_INPUT: (n.NEURON,)},
}
"""Of each variable those that hold the same of inputs, and on which of its axes inputs are in the place of neurons."""

INPUT_AXES: Final[Mapping[str, str]] = {n.TARGET: n.INPUT_TARGET, n.SOURCE: n.INPUT, n.NEURON: n.INPUT}
"""Axes of neurons, and what they are called where they are of inputs."""

AXES: Final = frozenset({*INPUT_AXES, *INPUT_AXES.values()})

LINKED: Final = (n.MEAN_LINKED, n.SUMSQ_LINKED, n.COMOMENT_LINKED)
"""Of these the targets are neurons alone."""


def together(moments: xr.Dataset) -> xr.Dataset:
    """Return moments with the inputs as further neurons, behind the others; the same where there are no inputs.

    The axes `target`, `source` and `neuron` carry no labels then: those of inputs may be like those of neurons. As
    targets that are read through a link, inputs are undefined.
    """
    if n.INPUT not in moments.dims:
        return moments
    padding = {n.TARGET: (0, moments.sizes[n.INPUT])}
    whole = {}
    for name, parts in PARTS.items():
        if name in moments:
            pieces: dict[tuple[str, ...], xr.Variable] = {(): moments[name].variable} | {
                axes: moments[part].variable for part, axes in parts.items()
            }
            axes = [axis for axis in INPUT_AXES if any(axis in some for some in parts.values())]
            joined = _joined(pieces, axes)
            whole[name] = joined.pad(padding, constant_values=np.nan) if name in LINKED else joined
    beside = [part for parts in PARTS.values() for part in parts]
    return moments.drop_vars([*whole, *beside, *_labels(moments)], errors="ignore").assign(whole)


def apart(both: xr.Dataset, like: xr.Dataset) -> xr.Dataset:
    """Return moments of neurons, and of inputs behind them, apart, with the labels of `like`."""
    n_neurons = both.sizes[n.TARGET] - like.sizes.get(n.INPUT, 0)
    split: dict[str, xr.Variable] = {}
    for name, parts in PARTS.items():
        if name in both and n.INPUT in like.dims:
            variable = both[name].variable
            for part, axes in {name: (), **parts}.items():
                place = {axis: slice(0, n_neurons) for axis in INPUT_AXES if axis in variable.dims}
                place |= {axis: slice(n_neurons, None) for axis in axes}
                split[part] = _renamed(variable.isel(place), {axis: INPUT_AXES[axis] for axis in axes})
    order = {str(name): split.get(str(name), value) for name, value in both.data_vars.items()} | split
    return both.drop_vars([*split, *_labels(both)], errors="ignore").assign(order).assign_coords(_labels(like))


def _labels(moments: xr.Dataset) -> dict[Any, xr.DataArray]:
    """Return the coordinates along axes of neurons and inputs."""
    return {name: coord for name, coord in moments.coords.items() if {*coord.dims} & AXES}


def _joined(pieces: Mapping[tuple[str, ...], xr.Variable], axes: list[str], of_inputs: tuple[str, ...] = ()) -> Any:
    """Return a variable of neurons and inputs along some axes; `pieces` are by the axes that are of inputs."""
    if not axes:
        return _renamed(pieces[of_inputs], {INPUT_AXES[axis]: axis for axis in of_inputs})
    axis, *rest = axes
    sides = [_joined(pieces, rest, of_inputs), _joined(pieces, rest, (*of_inputs, axis))]
    return xr.Variable.concat(sides, axis)  # type: ignore[no-untyped-call]


def _renamed(variable: xr.Variable, names: Mapping[str, str]) -> xr.Variable:
    """Return a variable with other names of its dims."""
    return xr.Variable([names.get(str(dim), dim) for dim in variable.dims], variable.data, variable.attrs)
