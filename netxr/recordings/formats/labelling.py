"""Plain arrays become recordings and connectivity: by what the caller says, and what their table says itself."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from netxr import names as n
from netxr.errors import InvalidInput, UnreadableFile
from netxr.recordings.formats.text.cells import shown
from netxr.recordings.formats.text.connectivity import as_labels
from netxr.recordings.formats.text.labels import is_corner
from netxr.recordings.formats.text.table import Table
from netxr.recordings.formats.text.time_columns import check_rows, counts_rows, timed
from netxr.recordings.formats.times import AGREE, Clock, clock_from, say_seconds
from netxr.schema.arguments import check_choice, check_entries, said
from netxr.schema.arrays import as_activity, as_connectivity
from netxr.schema.clock import second_in
from netxr.schema.tables import end_columns
from netxr.schema.words import reads_as_number

ARRAY_OPTIONS: Final = ("dims", "neurons", "sampling_interval", "interval_units", "units", "gaps")
"""What is said of a plain array, which does not say it itself: the options of `activity_of`."""

FILE_OPTIONS: Final = (*ARRAY_OPTIONS, "times")
"""What is said of a plain array in a file: the options of `recording_of`."""


def recording_of(
    place: str, table: Table, *, times: str | int | None = None, neurons: Sequence[Any] | None = None, **options: Any
) -> xr.DataArray:
    """Label an array from a file as `activity_of` does, without what counts or times its samples, or names its rows.

    `times` is the label or number of a column that the caller says times the rows. Raises UnreadableFile if another row
    or column ascends evenly, as times do, unless the caller gives a label for each with `neurons`.
    """
    axes = () if options.get("dims") is None else axes_of(options["dims"])
    n_labels = None if neurons is None else len(check_entries("neurons", neurons, expected="labels of neurons"))
    if axes == (n.TIME, n.NEURON):
        table = timed(place, table, times, n_labels)
    elif times is not None:
        expected = f"none, unless dims=({n.TIME!r}, {n.NEURON!r})"
        raise InvalidInput("times", got=repr(times), expected=expected)
    elif axes == (n.NEURON, n.TIME):
        table = _with_names_of_rows(place, table)
        check_rows(place, table, n_labels)
        neurons = as_labels(table.labels) if neurons is None and table.labels is not None else neurons
        table = table._replace(labels=None)
    activity = activity_of(place, table, neurons=neurons, **options)
    if table.states is None:
        return activity
    if not table.are_units:
        return activity.assign_coords(state=(n.NEURON, table.states))
    found = [one.strip(" ()[]") for one in table.states]
    if len(set(found)) > 1:
        return activity.assign_coords({n.UNITS: (n.NEURON, np.array(found, dtype=object))})
    return activity.assign_attrs({n.UNITS: found[0]} | activity.attrs)


def activity_of(
    place: str,
    table: Table,
    *,
    dims: Sequence[str] | None = None,
    neurons: Sequence[Any] | None = None,
    sampling_interval: float | None = None,
    interval_units: str | None = None,
    units: str | None = None,
    gaps: n.Gaps = "raise",
) -> xr.DataArray:
    """Label a plain array as a recording, by what the caller says, as to `netxr.as_activity`, and what its table says.

    With dims ("time", "neuron"), labels of columns are neurons where none are given. `place` is what messages call the
    source. Raises InvalidInput if `dims` is missing, or something does not fit the samples; UnreadableFile if not every
    column is a neuron, or times are not even.
    """
    if dims is None:
        _refuse_edges(place, table)
        fix = f"Say what its axes are, e.g. dims=({n.NEURON!r}, {n.TIME!r}) or dims=({n.TIME!r}, {n.NEURON!r})."
        got = f"none for {place}, of shape {table.values.shape}"
        raise InvalidInput("dims", got=got, expected="a name for each axis", fix=fix)
    if axes_of(dims) == (n.TIME, n.NEURON):
        _check_columns(place, table)
        if neurons is None:
            _check_different(place, table.labels or [])
    elif table.labels is not None:
        refuse_labels(place, table, f"dims=({n.TIME!r}, {n.NEURON!r}), where each column is a neuron")
    said = _said_clock(place, table, sampling_interval, interval_units, gaps)
    activity = as_activity(
        table.values,
        dims=dims,
        neurons=as_labels(table.labels) if neurons is None and table.labels is not None else neurons,
        sampling_interval=sampling_interval if said is None else said.interval,
        start_time=None if table.times is None or said is None or table.times.dtype.kind in "mM" else said.start,
        interval_units=(None if said is None else table.times_units)
        or ("s" if interval_units is None else interval_units),
        units=units,
    )
    return activity if said is None else said.put_on(activity)


def _refuse_edges(place: str, table: Table) -> None:
    """Raise InvalidInput if a table lists edges, by the names of its columns: it is no recording."""
    columns = [*(one.label for one in table.apart if one.label), *(table.labels or [])]
    if all(end_columns(columns)):
        got = f"{place}, a list of edges with the columns {', '.join(columns)}"
        fix = "Read it with netxr.load_connectivity; netxr compare takes it as well."
        raise InvalidInput("source", got=got, expected="a recording", fix=fix)


def connectivity_of(place: str, table: Table, *, rows: Any, neurons: Sequence[Any] | None) -> xr.DataArray:
    """Label a plain matrix as a connectivity, with the labels of its columns as neurons where none are given.

    The values of a table may be a DataFrame, which has labels itself, or lists edges.

    Raises InvalidInput if `rows` is missing, or something does not fit the matrix.
    """
    if isinstance(table.values, pd.DataFrame) and all(end_columns(table.values.columns)):
        return as_connectivity(table.values, rows=rows, neurons=neurons)
    if rows is None:
        fix = f"rows={n.TARGET!r} if entry [i, j] is from j to i, rows={n.SOURCE!r} if it is from i to j."
        got = f"none for {place}, of shape {table.values.shape}"
        raise InvalidInput("rows", got=got, expected="what a row is", fix=fix)
    return as_connectivity(table.values, rows=rows, neurons=table.labels if neurons is None else neurons)


def axes_of(dims: Any) -> tuple[Any, ...]:
    """Return what the caller calls the axes, as a tuple."""
    axes = tuple(check_entries("dims", dims, expected="a name for each axis"))
    if not all(isinstance(axis, str) for axis in axes):
        raise InvalidInput("dims", got=said(axes), expected="a name for each axis")
    return axes


def _with_names_of_rows(place: str, table: Table) -> Table:
    """Return a table (neuron, time) whose first column names its rows, and whose first line counts or times the others.

    Raises UnreadableFile if its first line is labels that are neither.
    """
    names: list[str] | None = None
    if table.labels and not table.apart and is_corner(table.labels[0]):
        names = [str(int(one)) if one.is_integer() else str(one) for one in map(float, table.values[:, 0])]
        table = table._replace(values=table.values[:, 1:], labels=table.labels[1:])
    elif len(table.apart) == 1 and table.apart[0].place == 0 and table.apart[0].entries.dtype.kind == "O":
        names = [str(one) for one in table.apart[0].entries]
        table = table._replace(apart=())
    if (
        table.apart
        or table.times is not None
        or (table.labels is not None and not all(map(reads_as_number, table.labels)))
    ):
        refuse_labels(place, table, f"dims=({n.TIME!r}, {n.NEURON!r}), where each column is a neuron")
    times = None if table.labels is None else np.array([float(label) for label in table.labels])
    if times is not None and counts_rows(times):
        times = None
    _check_different(place, names or [], "rows")
    return table._replace(labels=names, times=times, states=None)


def refuse_labels(place: str, table: Table, right: str) -> None:
    """Raise because a table begins with labels where none can be."""
    apart = [one.label or str(one.entries[0]) for one in table.apart]
    labels = [*([n.TIME] if table.times is not None else []), *apart, *(table.labels or [])]
    begin = ", ".join(map(shown, labels[:3]))
    raise UnreadableFile(place, f"its first line is no numbers ({begin}, ...); labels go only with {right}")


def _check_columns(place: str, table: Table) -> None:
    """Raise if not every column of a table is a neuron, or its first row is no sample."""
    if table.doubtful:
        expected = "True if its first line names the neurons, False if it is the first sample: its numbers may be both"
        raise InvalidInput("header", got=f"none for {place}", expected=expected)
    for one in table.apart:
        which = f"column {one.label!r}" if one.label else f"column {one.place + 1}"
        what = "dates" if one.entries.dtype.kind in "mM" else f"words ({shown(str(one.entries[0]))!r})"
        fix = "Remove that column; of dates, write 2026-11-29 17:58:56.5."
        raise UnreadableFile(place, f"its {which} holds {what}, not samples", fix=fix)
    labels = table.labels or []
    for column, label in enumerate(labels, start=1):
        if label.lower() in (n.TIME, n.NEURON, n.TRIAL):
            raise UnreadableFile(place, f"its column {label!r} is an axis, not a neuron", fix="Remove that column.")
        if not label:
            fix = "Remove that column if it numbers the rows, or label it."
            raise UnreadableFile(place, f"its column {column} has no label, others have", fix=fix)


def _check_different(place: str, labels: list[str], what: str = "columns") -> None:
    """Raise if two columns, or rows, have the same label."""
    twice = next((label for label, count in Counter(labels).items() if count > 1), None)
    if twice is not None:
        columns = [str(column) for column, label in enumerate(labels, start=1) if label == twice]
        fix = "Rename them, or give a label for each with neurons=."
        raise UnreadableFile(place, f"its {what} {' and '.join(columns[:3])} are all called {twice!r}", fix=fix)


def _said_clock(
    place: str, table: Table, sampling_interval: float | None, interval_units: str | None, gaps: n.Gaps
) -> Clock | None:
    """Return when the rows of a table were taken, by its own times; None if it has none.

    Raises InvalidInput if the caller says another interval.
    """
    check_choice("gaps", gaps, n.GAP_CHOICES)
    if table.times is None:
        return None
    times = table.times
    own, scale = table.times_units, 1.0
    if own is not None and interval_units not in (None, own):
        theirs, ours = second_in(interval_units), second_in(own)
        if sampling_interval is None or theirs is None or ours is None:
            expected = f"none, or {own!r} as {place} has it"
            raise InvalidInput("interval_units", got=repr(interval_units), expected=expected)
        scale = theirs / ours
    if times.dtype.kind in "mM":
        if interval_units not in (None, "s"):
            raise InvalidInput("interval_units", got=repr(interval_units), expected="'s' for dates and durations")
        times = (times - times[:1]) / np.timedelta64(1, "s")
    clock = clock_from(times, place, f"its column {n.TIME!r}", said=None, gaps=gaps)
    if sampling_interval is not None and not abs(sampling_interval * scale - clock.interval) <= AGREE * clock.interval:
        got, unit = (f" {units}" if units else "" for units in (interval_units, own))
        expected = f"none, or {clock.interval:g}{unit} as the column {n.TIME!r} of {place} has it"
        raise InvalidInput("sampling_interval", got=f"{sampling_interval!r}{got}", expected=expected)
    if own is interval_units is None and table.times.dtype.kind not in "mM":
        fix = "Say interval_units='s' if they are, or 'ms'."
        say_seconds(clock.interval, place, f"its column {n.TIME!r}", fix=fix)
    return clock
