"""Spike times in NWB files, counted in bins."""

from functools import partial
from math import floor
from pathlib import Path
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from netxr import names as n
from netxr.errors import InvalidInput, UnreadableFile
from netxr.kernels.spikes import SLACK, bins_in, counts, observed_bins
from netxr.preprocessing.spikes import EMPTY, SELDOM
from netxr.recordings.formats.hdf5 import is_array, opened
from netxr.recordings.formats.lazy import Box, lazy_array
from netxr.recordings.formats.nwb.tables import bounds_of, labels_and_columns
from netxr.recordings.formats.times import is_rate
from netxr.schema.arguments import check_span
from netxr.schema.arrays import as_activity
from netxr.schema.spacing import PIECE
from netxr.schema.warned import warn

SPIKES: Final = "spike_times"
OBSERVED: Final = "obs_intervals"
"""Columns of lists: when a unit had a spike, and when it was recorded at all."""


def load_units(
    path: Path,
    units: Any,
    *,
    rate: float | None,
    span: tuple[float, float] | None,
    sampling_interval: float | None,
) -> xr.Dataset:
    """Return spike counts of an opened table of units, in `rate` bins a second, counted when they are read.

    Bin k holds spikes from start + k / rate up to, and without, start + (k + 1) / rate. A last bin that the span would
    cut is left out. Bins in which a unit was not observed all the time are missing: counts are float64 then, else
    int32. Raises InvalidInput if there is no rate, a sampling interval beside it, or no bin in the span;
    UnreadableFile if the index of the spike times, or of the observation intervals, does not fit them.
    """
    place = units.name.strip("/")
    if rate is None or sampling_interval is not None or not is_rate(rate):
        got = f"{rate!r}" if sampling_interval is None else f"{rate!r} and sampling_interval={sampling_interval!r}"
        fix = "E.g. rate=100 counts spikes in bins of 10 ms."
        expected = f"bins a second for the spike times of {place} in {path}, a positive number"
        raise InvalidInput("rate", got=got, expected=expected, fix=fix)
    labels, columns = labels_and_columns(path, units)
    bounds = bounds_of(path, units, SPIKES, len(labels))
    observed = _observed(path, units, len(labels))
    start, n_bins = _bins(path, units, bounds, observed, float(rate), span)
    if span is None:
        _warn_if_empty(path, place, int(np.diff(bounds).max()), n_bins, float(rate))
    runs = [observed_bins(intervals, start=start, rate=float(rate)) for intervals in observed if len(intervals)]
    always = all(len(run) == 1 and run[0, 0] == 0 and run[0, 1] >= n_bins for run in runs)
    spikes = lazy_array(
        partial(_count_spikes if always else _count_observed, start=start, rate=float(rate)),
        path,
        place,
        shape=(len(labels), n_bins),
        dtype=np.int32 if always else np.float64,
    )
    activity = as_activity(
        spikes,
        dims=(n.NEURON, n.TIME),
        neurons=list(labels),
        sampling_interval=1 / float(rate),
        start_time=start,
        units="spikes",
    )
    activity = activity.assign_coords({name: (n.NEURON, values) for name, values in columns.items()})
    return activity.to_dataset().assign_attrs({n.SOURCE_ARRAY: place})


def _observed(path: Path, units: Any, n_units: int) -> list[NDArray[np.float64]]:
    """Return when each unit was observed, (interval, 2); no interval where the table does not say."""
    if not is_array(units.get(OBSERVED)) or not units[OBSERVED].size:
        return [np.empty((0, 2))] * n_units
    has_lists = f"{OBSERVED}_index" in units
    bounds = bounds_of(path, units, OBSERVED, n_units) if has_lists else np.arange(n_units + 1)
    intervals = np.asarray(units[OBSERVED][()], dtype=np.float64)
    length = len(intervals) if has_lists else n_units
    if intervals.shape != (length, 2) or not np.isfinite(intervals).all():
        reason = (
            f"{units.name.strip('/')}/{OBSERVED}, of shape {intervals.shape}, is no start and stop of each interval"
        )
        raise UnreadableFile(path, reason, fix="The table is damaged.")
    return [intervals[bounds[unit] : bounds[unit + 1]] for unit in range(n_units)]


def _bins(
    path: Path,
    units: Any,
    bounds: NDArray[np.int64],
    observed: list[NDArray[np.float64]],
    rate: float,
    span: tuple[float, float] | None,
) -> tuple[float, int]:
    """Return the start of the first bin, and how many there are."""
    if span is None:
        ends = np.concatenate(observed)
        if not ends.size:
            first, last = _extremes(path, units, int(bounds[-1]))
            return first, floor((last - first) * rate + SLACK) + 1
        start, stop = float(np.min(ends)), float(np.max(ends))
    else:
        start, stop = check_span("span", span)
    n_bins = bins_in(start, stop, rate)
    if n_bins < 1:
        fix = "Give a longer span=, or a higher rate=."
        raise InvalidInput(
            "span", got=f"{start:g} to {stop:g} s", expected=f"a bin of {1 / rate:g} s at least", fix=fix
        )
    return start, n_bins


def _warn_if_empty(path: Path, place: str, most_spikes: int, n_bins: int, rate: float) -> None:
    """Warn if bins are so many, and spikes so few, that times are rather numbers of samples or milliseconds."""
    bins_a_spike = n_bins / (most_spikes or np.inf)
    if bins_a_spike > EMPTY and bins_a_spike / rate > SELDOM:
        text = (
            f"{path}: the busiest unit of {place} has a spike every {bins_a_spike / rate:,.3g} s, in {n_bins:,} bins. "
            "NWB has times in seconds. Fix: where these are in another unit, count them with netxr.spike_counts, which "
            "takes interval_units=."
        )
        warn(text, stacklevel=3)


def _extremes(path: Path, units: Any, n_spikes: int) -> tuple[float, float]:
    """Return the times of the first and the last spike of all units."""
    times = units[SPIKES]
    first, last = np.inf, -np.inf
    for start in range(0, n_spikes, PIECE):
        piece = times[start : min(start + PIECE, n_spikes)]
        first, last = np.minimum(first, np.min(piece)), np.maximum(last, np.max(piece))  # NaN stays NaN
    if not np.isfinite(first) or not np.isfinite(last):
        reason = f"{times.name} has no spike, or a time that is not finite"
        raise UnreadableFile(path, reason, fix="Give span=(start, stop) if there are no spikes.")
    return float(first), float(last)


def _count_spikes(path: Path, name: str, box: Box, *, start: float, rate: float) -> NDArray[np.int32]:
    """Return how many spikes each unit of a box has in each bin of it."""
    rows, bins = box
    counted = np.zeros((rows.stop - rows.start, bins.stop - bins.start), dtype=np.int32)
    with opened(path) as file:
        units = file[name]
        bounds = bounds_of(path, units, SPIKES, len(units["id"]))
        for row, unit in enumerate(range(rows.start, rows.stop)):
            times = units[SPIKES][bounds[unit] : bounds[unit + 1]]
            if not np.isfinite(times).all():
                raise UnreadableFile(path, f"{name}/{SPIKES} of row {unit} has a time that is not finite")
            counted[row] = counts(times, bins, start=start, rate=rate)
    return counted


def _count_observed(path: Path, name: str, box: Box, *, start: float, rate: float) -> NDArray[np.float64]:
    """Return how many spikes each unit has in each bin; NaN where it was not observed all of the bin."""
    rows, bins = box
    counted = _count_spikes(path, name, box, start=start, rate=rate).astype(np.float64)
    with opened(path) as file:
        observed = _observed(path, file[name], len(file[name]["id"]))
    for row, intervals in enumerate(observed[rows]):
        seen = np.full(counted.shape[1], not len(intervals))
        for first, stop in observed_bins(intervals, start=start, rate=rate) - bins.start:
            seen[max(first, 0) : max(stop, 0)] = True
        counted[row, ~seen] = np.nan
    return counted
