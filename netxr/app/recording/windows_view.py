"""The view of an estimate over the time of the recording: chosen pairs as curves, and all pairs window by window."""

from typing import Any

import panel as pn
import xarray as xr

import netxr.plot
from netxr import names as n
from netxr.app.frame.panes import curves_card, figure_card
from netxr.app.recording.choice import Choice
from netxr.app.recording.compute import check_windows, lag_shown, one_recording
from netxr.app.recording.marked_pairs import pairs_named
from netxr.errors import InvalidInput
from netxr.schema.variables import labels_of


def windows_figure(windows: xr.Dataset, *, pairs: str) -> Any:
    """Draw the pairs that a text names over the windows; the strongest, if it is empty."""
    return netxr.plot.windows(windows, pairs=pairs_named(labels_of(windows, n.TARGET), pairs))


def windows_panes(windows: xr.Dataset, figure: Any) -> list[Any]:
    """Return the curves, and below them the matrix of one window with a slider."""
    matrices = netxr.plot.facets(estimate_in(windows)).opts(toolbar="above", backend="bokeh")
    return [
        curves_card("Over time", figure),
        figure_card(
            "All pairs in one window", pn.pane.HoloViews(matrices, widget_location="top_left", margin=0).layout
        ),
    ]


def windows_table(windows: xr.Dataset) -> xr.Dataset:
    """Return the numbers, with the time of each window."""
    return windows.reset_coords([name for name in (n.BLOCK_TIME,) if name in windows.coords])


def estimate_in(windows: xr.Dataset) -> xr.DataArray:
    """Return the estimate, without what stands beside it."""
    return windows[next(iter(windows.data_vars))]


def windows_problem(run: xr.Dataset, choice: Choice, *, lag: int | None, n_windows: int, pairs: str) -> str:
    """Return why the windows or pairs that are asked for cannot be drawn; an empty text where they can."""
    try:
        activity = one_recording(run, choice)
        check_windows(activity, choice, lag=lag_shown(choice, lag), n_windows=n_windows)
        pairs_named(labels_of(activity, n.NEURON), pairs)
    except InvalidInput as error:
        return str(error)
    return ""
