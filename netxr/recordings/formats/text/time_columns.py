"""Columns of a table that count or time its rows: told by their labels, and by their values, which ascend evenly."""

import re
from contextlib import suppress
from typing import Any, Final

import dask.array as da
import numpy as np
from numpy.typing import NDArray

from netxr import names as n
from netxr.errors import InvalidInput, NetxrError, UnreadableFile
from netxr.recordings.formats.text.labels import UNITS
from netxr.recordings.formats.text.table import Table
from netxr.schema.spacing import LARGEST_JITTER

AXIS: Final = re.compile(
    r"(times?|timestamps?|seconds?|m?secs?|frames?|samples?|index|unnamed: 0)(_m?s)?|(t|times?)\s*[(\[].*[)\]]",
    re.IGNORECASE,
)
"""What a column that counts or times the rows is called, with a unit in brackets or without."""

COUNTER: Final = re.compile(r"|index|unnamed: 0|#|(frame|sample|row)[ _]?(s|number|no\.?|index|id|#)?", re.IGNORECASE)
"""What a column that counts the rows is called; pandas' own index has no name."""

_UNIT: Final = "|".join(sorted(UNITS, key=len, reverse=True))

TIMED: Final = re.compile(
    rf"(.*\W)?(t|times?|time ?stamps?)\W*[\W_](?P<unit>{_UNIT})(\W.*)?|(?P<word>{_UNIT})", re.IGNORECASE
)
"""What a column of times is called that says their unit."""

FEW: Final = 10
"""Samples from which an even ascent is no coincidence."""

FEWEST: Final = 3
"""Neurons whose numbers are told from samples, where samples are no whole numbers."""

MANY: Final = 1000
"""Samples that are looked at."""

MOST: Final = 0.9
"""Share of steps that are alike in a clock that lost some ticks."""

ASK: Final = "Say times={0} if it times or counts the {1}; if it is a neuron, give a label for each with neurons=."


def timed(place: str, table: Table, asked: Any, n_labels: int | None) -> Table:
    """Return a table (time, neuron) without the columns that count or time its rows, and with the times that they say.

    `asked` is the label or number of a column that the caller says times the rows; `n_labels` how many labels the
    caller gives for neurons. A column that is called time, or so with a unit, times them; dates do; what is called a
    frame or has no name and counts them is left out.

    Raises UnreadableFile if another column looks like a clock, InvalidInput if there is no column that was asked for.
    """
    _check_samples(place, table)
    if asked is not None:
        table = _asked(place, table, asked)
    elif table.times is None and n.TIME in (labels := [label.lower() for label in table.labels or []]):
        table = _taken(table, labels.index(n.TIME))
    dates = [one for one in table.apart if one.entries.dtype.kind in "mM"]
    if table.times is None and len(dates) == 1:
        table = table._replace(times=dates[0].entries, apart=tuple(one for one in table.apart if one not in dates))
    while table.values.shape[1] > 1 and (k := _known_clock(table)) is not None:
        table = _taken(table, k)
    if n_labels != table.values.shape[1]:
        _check_labels(place, table.labels or [])
        for k in (0, -1):
            _check_neuron(place, table, k)
    return table


def check_rows(place: str, table: Table, n_labels: int | None) -> None:
    """Raise UnreadableFile if a row of a table (neuron, time) times its samples, or its first column numbers its rows.

    The first or last row does if it ascends evenly, the first column if it counts.
    """
    n_rows, n_columns = table.values.shape
    if n_labels == n_rows:
        return
    for k, beside in ((0, 1), (-1, -2)):
        if n_rows > 1 and _ascends(table.values[k]) and not _ascends(table.values[beside]):
            fix = "Remove it if it times the samples; if it is a neuron, give a label for each row with neurons=."
            raise UnreadableFile(place, f"its {_ordinal(k)} row ascends evenly, as times do", fix=fix)
    if n_columns > 1 and _numbers_rows(_beginning(table.values[:, 0]), _beginning(table.values[:, 1])):
        fix = "Remove it if it numbers the neurons; if it is a sample, give a label for each row with neurons=."
        raise UnreadableFile(place, "its first column counts, as numbers of neurons do", fix=fix)


def _numbers_rows(first: NDArray[Any], second: NDArray[Any]) -> bool:
    """Say whether the first of two columns counts its rows: of few rows, if the second holds no counts."""
    if len(first) < FEWEST or not counts_rows(first) or counts_rows(second):
        return False
    return len(first) >= FEW or not (second == np.round(second)).all()


def unit_in(label: str) -> str | None:
    """Return the unit of times that the label of a column says, if it says that it holds times.

    Examples
    --------
    >>> unit_in("Time Stamp (ms)"), unit_in("Elapsed time [s]"), unit_in("time_ms"), unit_in("Seconds"), unit_in("t")
    ('ms', 's', 'ms', 's', None)
    """
    found = TIMED.fullmatch(label.strip())
    said = (found["unit"] or found["word"]).lower() if found else ""
    return None if said == label.strip().lower() and len(said) == 1 else UNITS.get(said)


def counts_rows(entries: NDArray[Any]) -> bool:
    """Say whether numbers count: each the last one and one more, from a whole number."""
    return len(entries) > 1 and float(entries[0]).is_integer() and bool((np.diff(entries) == 1).all())


def _asked(place: str, table: Table, asked: Any) -> Table:
    """Return a table with the times in the column that the caller says."""
    labels = table.labels or []
    apart = next((one for one in table.apart if one.label == asked or one.place == asked), None)
    if apart is not None and apart.entries.dtype.kind in "mM":
        return table._replace(times=apart.entries, apart=tuple(one for one in table.apart if one is not apart))
    n_columns = table.values.shape[1]
    is_place = isinstance(asked, int) and not isinstance(asked, bool) and -n_columns <= asked < n_columns
    if asked not in labels and not is_place:
        there = ", ".join(labels[:30]) or f"0 to {n_columns - 1}, as no column has a label"
        raise InvalidInput("times", got=repr(asked), expected=f"a column of {place}: {there}")
    return _taken(table, labels.index(asked) if asked in labels else asked)


def _taken(table: Table, k: int) -> Table:
    """Return a table without a column, which holds its times; those that only count the rows say no times."""
    k %= table.values.shape[1]
    label = (table.labels or {k: ""})[k]
    times, units = _entries(table.values[:, k]), unit_in(label)
    left = [list(one[:k]) + list(one[k + 1 :]) if one is not None else None for one in (table.labels, table.states)]
    delete = da.delete if isinstance(table.values, da.Array) else np.delete
    rest = table._replace(values=delete(table.values, k, axis=1), labels=left[0], states=left[1])
    if counts_rows(times) and label.lower() != n.TIME and units is None:
        return rest
    return rest._replace(times=times, times_units=units)


def _known_clock(table: Table) -> int | None:
    """Return the first or last column if its label says that it times or counts the rows, and its values do."""
    labels = table.labels or []
    for k in (0, -1) if labels else ():
        if table.times is None and unit_in(labels[k]) is not None:
            return k
        if COUNTER.fullmatch(labels[k]) and counts_rows(_entries(table.values[:, k])):
            return k
    return None


def _check_labels(place: str, labels: list[str]) -> None:
    """Raise if a column is called as one that times or counts the rows, wherever it stands."""
    for label in labels:
        if AXIS.fullmatch(label) or unit_in(label) is not None:
            fix = f"Call it {n.TIME}, or say so: {ASK.format(repr(label), 'rows')}"
            raise UnreadableFile(place, f"its column {label!r} looks like an axis, not like a neuron", fix=fix)


def _check_neuron(place: str, table: Table, k: int) -> None:
    """Raise if the first or last column looks like a clock by its values."""
    labels, n_columns = table.labels, table.values.shape[1]
    if not n_columns:
        return
    column = f"column {labels[k]!r}" if labels else f"{_ordinal(k)} column"
    fix = ASK.format(repr(labels[k]) if labels else k, "rows")
    if n_columns > 1 and _ascends(table.values[:, k]) and not _ascends(table.values[:, 1 if k == 0 else -2]):
        raise UnreadableFile(place, f"its {column} ascends evenly, as times and counts of rows do", fix=fix)


def _check_samples(place: str, table: Table) -> None:
    """Raise if a table lists spikes: a number of a neuron and a time each, which ascends for each neuron."""
    if table.values.shape[1] != 2 or len(table.values) < FEW:
        return
    columns = _beginning(table.values)
    for neurons, times in (columns.T, columns.T[::-1]) if columns.dtype.kind in "iuf" and columns.size else ():
        order = np.argsort(neurons, kind="stable")
        same = np.diff(neurons[order]) == 0
        steps = np.diff(times[order])[same]
        whole = bool((neurons == np.round(neurons)).all()) and not (times == np.round(times)).all()
        if whole and same.sum() >= FEW and (steps >= 0).all() and (np.diff(neurons) != 1).any():
            fix = "Count the spikes of each neuron in bins first, e.g. with numpy.histogram: a column a neuron."
            raise UnreadableFile(place, "it looks like a list of spikes: a neuron and a time in each row", fix=fix)


def _ascends(samples: Any) -> bool:
    """Say whether the first of some samples ascend, nearly all in even steps."""
    begin = _beginning(samples)
    steps = np.diff(begin.astype(np.float64)) if begin.dtype.kind in "iuf" else begin[:0]
    if len(steps) < FEW - 1 or not (steps > 0).all():
        return False
    return bool((np.abs(steps - np.median(steps)) <= LARGEST_JITTER * np.median(steps)).mean() >= MOST)


def _beginning(samples: Any) -> NDArray[Any]:
    """Return the first samples, none where they cannot be read: damage is told where samples are asked for."""
    with suppress(NetxrError):
        return _entries(samples[:MANY])
    return np.zeros(0)


def _entries(samples: Any) -> NDArray[Any]:
    """Return samples in memory: a column is little beside its table."""
    return np.asarray(samples.compute(scheduler="synchronous") if hasattr(samples, "compute") else samples)


def _ordinal(k: int) -> str:
    """Return which column or row is meant."""
    return "first" if k == 0 else "last"
