"""An axis above R over lag, which has the lag in time where the sampling interval is known."""

from collections.abc import Callable
from functools import partial
from typing import Any

import xarray as xr
from bokeh.models import CustomJSTickFormatter, LinearAxis

from netxr import names as n
from netxr.schema.arguments import is_number


def hooks_of_time(R: xr.DataArray, add_axis: Callable[..., None]) -> list[Callable[..., None]]:
    """Return what adds an axis of time, where the sampling interval is known."""
    interval: Any = R.attrs.get(n.SAMPLING_INTERVAL)
    unit = R.attrs.get(n.SAMPLING_INTERVAL_UNITS, "s")
    known = is_number(interval) and unit != "step"
    return [partial(add_axis, interval=float(interval), label=f"Lag ({unit})")] if known else []


def time_on_screen(plot: Any, _element: Any, *, interval: float, label: str) -> None:
    """Add an axis above whose ticks are those below, in time."""
    if not plot.state.select({"type": LinearAxis, "axis_label": label}):
        code = "return Number((tick * interval).toPrecision(4)).toString()"
        in_time = CustomJSTickFormatter(args={"interval": interval}, code=code)
        axis = LinearAxis(axis_label=label, ticker=plot.state.xaxis[0].ticker)
        axis.update(formatter=in_time)
        plot.state.add_layout(axis, "above")


def time_on_paper(plot: Any, _element: Any, *, interval: float, label: str) -> None:
    """Add an axis above likewise."""
    axis = plot.handles["axis"]
    if not axis.child_axes:
        above = axis.secondary_xaxis("top")
        above.set_xlabel(label)
        above.set_xticks(axis.get_xticks())
        above.xaxis.set_major_formatter(lambda tick, _place: f"{tick * interval:.4g}")
