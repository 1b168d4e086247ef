"""One trial and one lag of a matrix: those that are asked for, or those of the matrix beside it, by their values."""

from typing import Any, Final, NamedTuple

import xarray as xr

from netxr import names as n
from netxr.app.frame.lag_times import lag_text
from netxr.errors import InvalidInput
from netxr.plot.panels.dashboards import place_of_lag
from netxr.plot.ticks import label_text
from netxr.schema.clock import second_in
from netxr.schema.variables import labels_of

SAME: Final = 1e-3
"""Samples by which two lags may differ that are the same time."""

FURTHER: Final = {n.TRIAL, n.LAG}
"""Dims along which one entry is compared."""


class Match(NamedTuple):
    """A matrix of one trial and one lag."""

    matrix: xr.DataArray
    """(target, source), labelled."""
    entries: list[str]
    """Which trial and lag it is, of several."""
    missing: str
    """What the matrix beside it has and this one lacks; an empty text where nothing is."""


def trials_of(matrix: xr.DataArray) -> list[str]:
    """Return the labels of the trials of a matrix as text, none where it has one alone."""
    return [label_text(label) for label in labels_of(matrix, n.TRIAL)] if n.TRIAL in matrix.dims else []


def lags_of(matrix: xr.DataArray) -> list[int]:
    """Return the lags of a matrix, if it has a dim of them."""
    return labels_of(matrix, n.LAG).tolist() if n.LAG in matrix.dims else []


def matched(matrix: xr.DataArray, *, trial: str, lag: int | None, beside: xr.DataArray | None) -> Match:
    """Return one trial and one lag of a matrix, lazily; `beside` is one that was taken already."""
    entries, missing = [], []
    if n.TRIAL in matrix.dims:
        held, theirs = trials_of(matrix), _entry(beside, n.TRIAL)
        place = _place(n.TRIAL, held, asked=trial or None, beside=None if theirs is None else label_text(theirs))
        missing += _missing(n.TRIAL, held, theirs if trial == "" else None, held[place])
        matrix = matrix.isel({n.TRIAL: place})
        entries += [f"trial {held[place]}"] * (len(held) > 1)
    if n.LAG in matrix.dims:
        lags, interval = lags_of(matrix), interval_of(matrix)
        wanted, called = _lag_beside(beside, interval)
        place = _place(n.LAG, lags, asked=lag, beside=wanted)
        if lag is None and called and wanted not in lags:
            missing += [f"{called} of the first is not in this one; shown: {lag_called(lags[place], interval)}."]
        matrix = matrix.isel({n.LAG: place})
        entries += [lag_called(lags[place], interval)] * (len(lags) > 1)
    labelled = matrix.assign_coords({dim: labels_of(matrix, dim) for dim in (n.TARGET, n.SOURCE)})
    return Match(labelled, entries, " ".join(missing))


def interval_of(matrix: xr.DataArray) -> float:
    """Return the seconds of a sample of the recording that a matrix was made of; 0 where it does not say."""
    second = second_in(matrix.attrs.get(n.SAMPLING_INTERVAL_UNITS, "s")) or 0.0
    return float(matrix.attrs.get(n.SAMPLING_INTERVAL, 0)) * second


def lag_called(lag: int, interval: float) -> str:
    """Return what a lag is called: its time where a sample takes so many seconds.

    Examples
    --------
    >>> lag_called(2, 0.05), lag_called(2, 0.0)
    ('lag 100 ms', 'lag 2')
    """
    return f"lag {lag_text(lag, interval)}" if interval else f"lag {lag}"


def _lag_beside(beside: xr.DataArray | None, interval: float) -> tuple[float | None, str]:
    """Return the lag of the matrix beside one whose samples take so many seconds, in samples of that one, and its name.

    It is the same time where both have a clock, and the same number of samples where one has none.
    """
    lag = _entry(beside, n.LAG)
    if beside is None or lag is None:
        return None, ""
    theirs = interval_of(beside)
    if not (theirs and interval):
        return lag, lag_called(lag, 0.0).capitalize()
    samples = lag * theirs / interval
    return (round(samples) if abs(samples - round(samples)) < SAME else samples), lag_called(lag, theirs).capitalize()


def _entry(beside: xr.DataArray | None, dim: str) -> Any:
    """Return the trial or the lag of a matrix that has one."""
    return None if beside is None or dim not in beside.coords or beside[dim].ndim else beside[dim].values.tolist()


def _place(dim: str, held: list[Any], *, asked: Any, beside: Any) -> int:
    """Return where the entry stands that is asked for, or else that of the matrix beside it, or else the usual one."""
    if asked is not None and asked not in held:
        raise InvalidInput(dim, got=f"{asked}", expected=f"one of {', '.join(map(str, held))}")
    wanted = asked if asked is not None else beside
    if wanted in held:
        return held.index(wanted)
    return place_of_lag(held, asked=None) if dim == n.LAG else 0


def _missing(dim: str, held: list[Any], wanted: Any, shown: Any) -> list[str]:
    """Say that an entry has no match, if it has none."""
    if wanted is None or label_text(wanted) in map(label_text, held):
        return []
    return [f"{dim.capitalize()} {label_text(wanted)} of the first is not in this one; shown: {shown}."]
