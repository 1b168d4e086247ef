"""Series of samples in NWB files: one that has all neurons, or one for each."""

from pathlib import Path
from typing import Any, Final

import dask.array as da
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from netxr import names as n
from netxr.errors import InvalidInput, UnreadableFile
from netxr.recordings.formats.hdf5 import is_array, lazy_dataset, text_of
from netxr.recordings.formats.nwb.regions import middles_in
from netxr.recordings.formats.nwb.tables import Columns, labels_and_columns
from netxr.recordings.formats.places import places_of
from netxr.recordings.formats.times import Clock, clock_from, say_which_interval
from netxr.schema.arrays import as_activity
from netxr.schema.spacing import steps_in
from netxr.schema.warned import warn

ELECTRODES: Final = "electrodes"
REGIONS: Final = ("rois", ELECTRODES)
"""Arrays of a series that say which row of which table each column is."""

PLACES: Final = ("x", "y", "z", "rel_x", "rel_y", "rel_z")
MICROMETRE: Final = "µm"
"""Columns of the table of electrodes that say where they are, by the schema of NWB in this unit."""


def load_series(path: Path, series: Any, *, sampling_interval: float | None, gaps: n.Gaps, masks: bool) -> xr.Dataset:
    """Return the recording in an opened series, `data` (time[, neuron]); `sampling_interval`, in s, replaces its own.

    `masks` says whether images of regions are read for where they lie.
    Raises UnreadableFile if its times are not evenly spaced and gaps part no segments, or lengths within it differ.
    """
    samples = _samples_of(path, series)
    clock = _clock_of(path, series, len(samples), sampling_interval, gaps)
    labels, columns = _neurons_of(path, series, samples.shape[1])
    recording = _recording(samples, labels, columns, clock, _unit_of(series))
    if is_array(series.get(ELECTRODES)):
        for place in set(PLACES) & set(columns):
            recording[place].attrs[n.UNITS] = MICROMETRE
    elif not {n.X, n.Y} & set(columns) and (region := _region_of(series)) is not None:
        middles = middles_in(path, series.file[region.attrs["table"]], images=masks)
        recording = recording.assign_coords({} if middles is None else places_of(middles[region[()]]))
    return recording.assign_attrs({n.SOURCE_ARRAY: series.name.strip("/")})


def stack_series(path: Path, several: list[Any], *, sampling_interval: float | None, gaps: n.Gaps) -> xr.Dataset:
    """Return the recording of several opened series, one neuron each; their names are the labels.

    Raises InvalidInput if their lengths, sampling intervals, starts, gaps or units differ, UnreadableFile if
    times are not even and gaps part no segments.
    """
    names = [series.name.strip("/") for series in several]
    samples = [_samples_of(path, series) for series in several]
    both = zip(several, samples, strict=True)
    clocks = [_clock_of(path, one, len(data), sampling_interval, gaps) for one, data in both]
    units = [_unit_of(series) for series in several]
    _check_same(path, "length", names, [str(len(one)) for one in samples])
    _check_same(path, "sampling interval", names, [f"{clock.interval:.6g} s" for clock in clocks])
    _check_same(path, "start", names, [f"{clock.start:.6f} s" for clock in clocks])
    _check_same(path, "gaps", names, [_gaps_of(clock) for clock in clocks])
    _check_same(path, "unit", names, [str(unit) for unit in units])
    last = [name.rpartition("/")[2] for name in names]
    labels = np.array(last if len(set(last)) == len(last) else names, dtype=object)
    columns = {n.SOURCE_ARRAY: np.array(names, dtype=object)}
    joined = da.concatenate(samples, axis=1)  # type: ignore[no-untyped-call]
    return _recording(joined, labels, columns, clocks[0], units[0])


def _recording(
    samples: da.Array,
    labels: NDArray[Any] | None,
    columns: Columns,
    clock: Clock,
    unit: str | None,
) -> xr.Dataset:
    """Return samples (time, neuron) as a labelled recording."""
    neurons = None if labels is None else list(labels)
    activity = as_activity(
        samples,
        dims=(n.TIME, n.NEURON),
        neurons=neurons,
        sampling_interval=clock.interval,
        start_time=clock.start if np.isfinite(clock.start) else None,
        units=unit,
    )
    activity = clock.put_on(activity)
    return activity.assign_coords({name: (n.NEURON, values) for name, values in columns.items()}).to_dataset()


def _samples_of(path: Path, series: Any) -> da.Array:
    """Return the samples of a series (time, neuron) in its unit, lazily."""
    data = series["data"]
    stored = lazy_dataset(path, data)
    stored = stored if stored.ndim == 2 else stored[:, None]
    factor = np.asarray(_number(path, data, "conversion", 1.0))
    if is_array(by_channel := series.get("channel_conversion")):
        factor = factor * np.asarray(by_channel[()], dtype=float)
        if factor.shape != stored.shape[1:] or not np.isfinite(factor).all():
            raise UnreadableFile(path, f"{by_channel.name} is not one number for each of {stored.shape[1]} channels")
    offset = _number(path, data, "offset", 0.0)
    if (factor == 1).all() and offset == 0:
        return stored
    # In float64 and rounded once, so that it equals what the file means to half a digit of its own precision.
    dtype = stored.dtype if stored.dtype.kind == "f" else np.dtype(float)
    scaled: da.Array = (stored.astype(float) * factor + offset).astype(dtype)
    return scaled


def _number(path: Path, data: Any, attribute: str, otherwise: float) -> float:
    """Return a number that an array has as an attribute."""
    value = np.asarray(data.attrs.get(attribute, otherwise))
    if value.size != 1 or value.dtype.kind not in "fiu" or not np.isfinite(value).all():
        raise UnreadableFile(path, f"attribute {attribute} of {data.name} is {value}, not a finite number")
    return float(value.reshape(()))


def _unit_of(series: Any) -> str | None:
    """Return the unit of the samples, after conversion."""
    unit = series["data"].attrs.get("unit")
    return None if unit is None else text_of(unit)


def _gaps_of(clock: Clock) -> str:
    """Say where the gaps in a series are."""
    return "none" if clock.times is None else ", ".join(map(str, steps_in(clock.times).breaks[:20].tolist()))


def _clock_of(path: Path, series: Any, length: int, sampling_interval: float | None, gaps: n.Gaps) -> Clock:
    """Return seconds from sample to sample, when the first one was, and where times are not even, all of them."""
    place = series.name.strip("/")
    if "timestamps" in series:
        times = series["timestamps"]
        if times.shape != (length,):
            raise UnreadableFile(path, f"{place} has {length} samples and timestamps of shape {times.shape}")
        return clock_from(times, path, f"{place}/timestamps", said=sampling_interval, gaps=gaps)
    start = float(np.asarray(series["starting_time"][()]).reshape(()))
    if sampling_interval is not None:
        rate = np.asarray(series["starting_time"].attrs.get("rate", np.nan), dtype=float).reshape(-1)[0]
        say_which_interval(sampling_interval, 1 / rate if rate else np.nan, path, f"{place}/starting_time")
        return Clock(sampling_interval, start)
    rate = _number(path, series["starting_time"], "rate", np.nan) if "rate" in series["starting_time"].attrs else 0.0
    if rate <= 0:
        fix = "Give sampling_interval=, in seconds."
        raise UnreadableFile(path, f"{place}/starting_time has no rate above 0 (it is {rate:g})", fix=fix)
    return Clock(1 / rate, start)


def _region_of(series: Any) -> Any:
    """Return the array that says which row of which table each column is; None if there is none."""
    region = next((series[name] for name in REGIONS if is_array(series.get(name))), None)
    return None if region is None or "table" not in region.attrs else region


def _neurons_of(path: Path, series: Any, n_neurons: int) -> tuple[NDArray[Any] | None, Columns]:
    """Return the ids of what each column of a series is of, and what their table says of them."""
    region = _region_of(series)
    if region is None:
        if n_neurons > len(series["data"]):
            text = (
                f"{path}: {series.name.strip('/')} has {len(series['data']):,} samples of {n_neurons:,} neurons, as NWB"
                " has time first. Fix: where these are neurons first, read the array with format='hdf5' and dims=."
            )
            warn(text, stacklevel=4)
        return None, {}
    if region.shape != (n_neurons,):
        fix = "Samples lie (time, neuron) in NWB; if these do not, read the array alone with format='hdf5' and dims=."
        raise UnreadableFile(path, f"{region.name} has shape {region.shape} for {n_neurons} columns", fix=fix)
    return labels_and_columns(path, series.file[region.attrs["table"]], region[()])


def _check_same(path: Path, what: str, names: list[str], values: list[str]) -> None:
    """Raise if series that are to be stacked differ."""
    for name, value in zip(names, values, strict=True):
        if value != values[0]:
            raise InvalidInput(
                "name",
                got=f"series with different {what} in {path}: {names[0]} {values[0]}, {name} {value}",
                expected="series that were sampled together",
                fix="Narrow the pattern, or load them apart and resample.",
            )
