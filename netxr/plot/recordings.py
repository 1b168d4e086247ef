"""Activity over time: one trace a neuron, one above the other."""

from collections.abc import Sequence
from typing import Any, Final

import holoviews as hv
import numpy as np
import xarray as xr

from netxr.errors import InvalidInput
from netxr.names import ACTIVITY, NEURON, SAMPLING_INTERVAL, SAMPLING_INTERVAL_UNITS, TIME, TRIAL, UNITS
from netxr.plot.style import FRAME, INK, check_loaded, shorten, with_options
from netxr.schema import check_activity, labels_of

MOST_TRACES: Final = 20
"""Neurons that are drawn where none are chosen."""


def traces(
    activity: xr.DataArray, *, neurons: Sequence[Any] | None = None, start: int = 0, n_steps: int = 500
) -> hv.NdOverlay:
    """Draw the activity of some neurons over time, stacked, the first one on top.

    All traces have one scale: the distance between two neurons is the largest range of any trace, and is written on
    the axis.

    Parameters
    ----------
    activity : DataArray
        Loaded, (neuron, time) in any order of dims; a `trial` of one entry may be there.
    neurons : sequence, optional
        Labels of the neurons; the first 20 if not given.
    start : int
        First sample.
    n_steps : int
        Number of samples; fewer where the recording ends.

    Returns
    -------
    holoviews.NdOverlay
        One Curve a neuron, over time in units of the sampling interval, with the neuron and its value on hovering.

    Raises
    ------
    InvalidInput
        If `activity` is no recording, is lazy, or has several trials; if a neuron or `start` is not in it.

    Examples
    --------
    >>> from netxr.arrays import as_activity
    >>> X = as_activity(np.eye(3), dims=("neuron", "time"), neurons=["a", "b", "c"])
    >>> traces(X, neurons=["c", "a"]).keys()
    ['c', 'a']
    """
    chosen = _window(_one_trial(check_activity(activity)), neurons, start, n_steps)
    values = np.ma.masked_invalid(check_loaded(chosen, argument=ACTIVITY).transpose(NEURON, TIME).astype(float).values)
    low, high = values.min(axis=1).filled(0.0), values.max(axis=1).filled(0.0)
    step = float((high - low).max()) or 1.0
    interval, unit = chosen.attrs.get(SAMPLING_INTERVAL, 1.0), chosen.attrs.get(SAMPLING_INTERVAL_UNITS, "steps")
    time = interval * (start + np.arange(values.shape[1]))
    names = [str(label) for label in labels_of(chosen, NEURON)]
    offsets = -step * np.arange(len(names))
    stacked = values - ((low + high) / 2)[:, np.newaxis] + offsets[:, np.newaxis]
    curves = {
        name: hv.Curve((time, stack.filled(np.nan), value.filled(np.nan)), TIME, ["height", ACTIVITY])
        for name, stack, value in zip(names, stacked, values, strict=True)
    }
    return _stacked(
        curves,
        ticks=[(offset, shorten(name)) for offset, name in zip(offsets.tolist(), names, strict=True)],
        xlabel=f"Time ({unit})",
        ylabel=f"Neuron (spacing {step:.3g} {chosen.attrs.get(UNITS, '')}".rstrip() + ")",
    )


def _one_trial(activity: xr.DataArray) -> xr.DataArray:
    """Return `activity` without its dim of trials, which may have one entry."""
    if activity.sizes.get(TRIAL, 1) > 1:
        raise InvalidInput(
            ACTIVITY, got=f"{activity.sizes[TRIAL]} trials", expected="one", fix="Take one with .isel(trial=0)."
        )
    return activity.squeeze(TRIAL) if TRIAL in activity.dims else activity


def _window(activity: xr.DataArray, neurons: Sequence[Any] | None, start: int, n_steps: int) -> xr.DataArray:
    """Return the chosen neurons and samples."""
    if not 0 <= start < activity.sizes[TIME]:
        raise InvalidInput("start", got=repr(start), expected=f"a sample from 0 to {activity.sizes[TIME] - 1}")
    if n_steps < 1:
        raise InvalidInput("n_steps", got=repr(n_steps), expected="at least 1")
    known = labels_of(activity, NEURON).tolist()
    wanted = known[:MOST_TRACES] if neurons is None else list(neurons)
    unknown = [label for label in wanted if label not in known]
    if unknown or not wanted:
        raise InvalidInput(
            "neurons",
            got=f"{unknown[0]!r}, which is not recorded" if unknown else "no neuron",
            expected=f"labels such as {', '.join(map(repr, known[:3]))}",
        )
    return activity.isel({NEURON: [known.index(label) for label in wanted], TIME: slice(start, start + n_steps)})


def _stacked(curves: dict[str, hv.Curve], *, ticks: list[tuple[float, str]], xlabel: str, ylabel: str) -> hv.NdOverlay:
    """Lay the traces over each other in one frame."""
    tips = [("neuron", "@neuron"), ("time", "@time"), (ACTIVITY, f"@{ACTIVITY}")]
    for curve in curves.values():
        with_options(
            curve,
            both={"color": INK},
            bokeh={"line_width": 1, "tools": ["hover"], "hover_tooltips": tips},
            matplotlib={"linewidth": 0.7},
        )
    height = 1.5 + 0.3 * len(curves)
    return with_options(
        hv.NdOverlay(curves, kdims=NEURON, sort=False),
        both={"yticks": ticks, "xlabel": xlabel, "ylabel": ylabel, "show_legend": False},
        bokeh={"frame_width": 2 * FRAME, "frame_height": round(0.3 * FRAME * height)},
        matplotlib={"fig_inches": (8, height), "aspect": 8 / height},
    )
