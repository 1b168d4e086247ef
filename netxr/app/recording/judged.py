"""What a test says of the pairs that an estimate lists, once it is known: q, interval, and what both halves have."""

from typing import Any, Final

import numpy as np
import xarray as xr

from netxr import names as n
from netxr.app.recording.choice import Choice
from netxr.app.recording.compute import Compute, Sure, how_sure
from netxr.app.recording.cost import LIVE, cost_of
from netxr.app.recording.shown import Shown
from netxr.app.recording.sure_view import INTERVAL, interval_html
from netxr.errors import NetxrError
from netxr.significance.false_discovery import false_discovery
from netxr.significance.tested import TESTED

BOTH: Final = "halves"
"""Column of what both halves of the samples have."""

HEADS: Final = {n.Q_VALUE: "q", INTERVAL: "95 % interval", BOTH: "Halves"}


def is_judged(choice: Choice) -> bool:
    """Return whether there is a test of an estimate."""
    return choice.method in TESTED and not choice.given


def soon_judged(shown: Shown, *, memory: int, compute: Compute) -> Sure | None:
    """Return how sure an estimate that is shown is; None where that takes long, or cannot be said."""
    cost = cost_of(shown.run, shown.choice, memory=memory)
    if not is_judged(shown.choice) or cost is None or cost.seconds > LIVE:
        return None
    try:
        return how_sure(shown.run, shown.choice, lag=shown.lag_tested, memory=memory, compute=compute)
    except NetxrError:  # the step that shows it says why
        return None


def with_judged(pairs: Any, sure: Sure | None) -> Any:
    """Return a table of pairs with what a test says of each; what is not known is empty."""
    said: dict[str, Any] = {n.Q_VALUE: np.nan, INTERVAL: "", BOTH: ""}
    if sure is not None and sure.is_tested and len(pairs):
        at = {dim: xr.DataArray(pairs[dim].values, dims=n.EDGE) for dim in (n.TARGET, n.SOURCE)}
        said[n.Q_VALUE] = false_discovery(sure.found[n.P_VALUE]).sel(at).values
        if n.LOWER in sure.found:
            said[INTERVAL] = _intervals(sure.found[n.LOWER].sel(at).values, sure.found[n.UPPER].sel(at).values)
        if sure.of_halves:
            halves = zip(*(half.sel(at).values for half in sure.of_halves), strict=True)
            said[BOTH] = [f"{first:+.2f} {second:+.2f}" for first, second in halves]
    return pairs.assign(**said)


def _intervals(lower: Any, upper: Any) -> list[str]:
    """Return each interval as a bar, all on one scale, and in numbers."""
    scale = float(np.nanmax(np.abs([lower, upper]), initial=0.0)) or 1.0
    look = 'style="display:grid;grid-template-columns:minmax(24px,1fr) auto;gap:8px;align-items:center"'
    return [
        f"<div {look}>{interval_html(low, high, scale=scale)}<span>{low:.2f} to {high:.2f}</span></div>"
        for low, high in zip(lower.tolist(), upper.tolist(), strict=True)
    ]
