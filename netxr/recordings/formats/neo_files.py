"""Files that Neo reads: sampled signals lazily, spike trains counted in bins.

Neo: Garcia et al. 2014, https://doi.org/10.3389/fninf.2014.00010; formats: https://neo.readthedocs.io.
"""

from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import dask.array as da
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from netxr import names as n
from netxr.compat import optional
from netxr.errors import InvalidInput, UnreadableFile
from netxr.kernels.spikes import bins_in, counts
from netxr.recordings.formats.lazy import Box, lazy_array
from netxr.recordings.formats.times import is_rate
from netxr.schema.arguments import is_whole
from netxr.schema.arrays import as_activity


class Part(NamedTuple):
    """What a block of samples is read from: the reader of Neo, and which of its segments and streams."""

    reader: str
    block: int
    segment: int
    stream: int = 0


def load(
    path: Path,
    *,
    name: str | None = None,
    rate: float | None = None,
    segment: int | None = None,
    block: int | None = None,
    reader: str | None = None,
) -> xr.Dataset:
    """Load sampled signals, or binned spike trains, from a file or folder that Neo reads.

    Parameters
    ----------
    path : Path
        The file or folder.
    name : str, optional
        Which stream of signals, by its name or id, where there are several.
    rate : float, optional
        Count the spikes of the file's units in this many bins a second, instead of reading signals.
    segment : int, optional
        Which segment alone; if not given, all of the block are trials, which they can be if they are equally long.
    block : int, optional
        Which block, where there are several.
    reader : str, optional
        Name of Neo's reader, e.g. "PlexonRawIO", where the suffix leaves several.

    Returns
    -------
    Dataset
        `activity` (neuron, time[, trial]): signals in the units of their channels, float64 unless they are stored in
        these units; or counts of spikes, int32.
        A neuron is a channel or unit, labelled by its name, or by its id where names repeat.

    Raises
    ------
    InvalidInput
        If an option is needed, or is none of what the file has, with what there is.
    UnreadableFile
        If the file is damaged, or Neo has no reader for it.
    MissingExtra
        If Neo is not installed.
    """
    reader = _reader_for(path, reader)
    file = _opened(path, reader)
    blocks = [file.segment_count(index) for index in range(file.block_count())]
    block = _index("block", block, len(blocks), path)
    segments = range(blocks[block]) if segment is None else [_index("segment", segment, blocks[block], path)]
    if rate is None:
        stream = _stream(path, file, name)
        return _signals(path, file, [Part(reader, block, one, stream) for one in segments])
    if name is not None:
        raise InvalidInput("name", got=repr(name), expected="none with rate=, which counts the spikes of all units")
    return _spikes(path, file, [Part(reader, block, one) for one in segments], rate)


# --- what is in a file --------------------------------------------------------


def _reader_for(path: Path, named: str | None) -> str:
    """Return the name of Neo's reader for a file."""
    rawio = optional("neo.rawio", what=f"Reading {path}", extra="neo")
    if named is not None:
        if not isinstance(named, str) or not named.endswith("RawIO") or not hasattr(rawio, named):
            known = ", ".join(sorted(one.__name__ for one in rawio.rawiolist))
            raise InvalidInput("reader", got=repr(named), expected=f"one of {known}")
        return named
    possible = [one.__name__ for one in rawio.get_rawio(path, exclusive_rawio=False)]
    if not possible:
        raise UnreadableFile(path, "Neo knows no such suffix", fix="Say which of Neo's readers it is with reader=.")
    if len(possible) > 1:
        fix = "Say which program wrote it."
        raise InvalidInput("reader", got=f"none for {path}", expected=f"one of {', '.join(possible)}", fix=fix)
    return str(possible[0])


def _opened(path: Path, reader: str) -> Any:
    """Return a reader of Neo that has read the header of a file."""
    kind = getattr(optional("neo.rawio", what=f"Reading {path}", extra="neo"), reader)
    file = kind(**{"dirname" if kind.rawmode == "one-dir" else "filename": str(path)})
    file.parse_header()
    return file


def _index(argument: str, given: int | None, there: int, path: Path) -> int:
    """Return which one of several is meant; unsaid, there has to be just one."""
    index = 0 if given is None and there == 1 else given
    if not is_whole(index) or not 0 <= index < there:  # type: ignore[operator]
        raise InvalidInput(argument, got=repr(given), expected=f"a number from 0 to {there - 1} for {path}")
    return int(index)  # type: ignore[arg-type]


def _stream(path: Path, file: Any, name: str | None) -> int:
    """Return the number of the stream of signals that is meant."""
    streams = file.header["signal_streams"]
    meant = [k for k, one in enumerate(streams) if name is None or str(name) in (one["name"], one["id"])]
    if len(meant) != 1:
        listed = [f"{one['name']} ({file.signal_channels_count(k)} channels)" for k, one in enumerate(streams)]
        units = len(file.header["spike_channels"])
        fix = f"Give rate=, bins a second, to count the spikes of its {units} units." if units else ""
        expected = f"one stream of signals; {path} has {', '.join(listed) or 'none'}"
        raise InvalidInput("name", got=repr(name), expected=expected, fix=fix)
    return meant[0]


def _labels(channels: Any) -> list[str]:
    """Return the names of channels or units, or their ids where names repeat."""
    names = [str(name) for name in channels["name"]]
    return names if len(set(names)) == len(names) else [str(one) for one in channels["id"]]


def _check_equal(lengths: list[int], path: Path) -> None:
    """Raise if segments are not equally long."""
    if len(set(lengths)) > 1:
        listed = ", ".join(map(str, lengths))
        expected = f"one segment: those of {path} are {listed} samples long, and trials are equally long"
        raise InvalidInput("segment", got="None", expected=expected, fix="Say which with segment=0, 1, ...")


def _recording(trials: list[da.Array], **labels: Any) -> xr.DataArray:
    """Return arrays (neuron, time) as a recording; several are trials."""
    if len(trials) == 1:
        return as_activity(trials[0], dims=(n.NEURON, n.TIME), **labels)
    stacked = da.stack(trials, axis=2)  # type: ignore[no-untyped-call]
    return as_activity(stacked, dims=(n.NEURON, n.TIME, n.TRIAL), **labels)


def _start_of(parts: list[Part], start: Any) -> float | None:
    """Return when a recording starts; several segments, as trials, start each at a time of its own."""
    return float(start) if len(parts) == 1 else None


# --- signals ------------------------------------------------------------------


def _signals(path: Path, file: Any, parts: list[Part]) -> xr.Dataset:
    """Return a stream of signals of some segments."""
    stream = file.header["signal_streams"][parts[0].stream]
    channels = file.header["signal_channels"]
    channels = channels[channels["stream_id"] == stream["id"]]
    lengths = [file.get_signal_size(part.block, part.segment, part.stream) for part in parts]
    _check_equal(lengths, path)
    as_stored = (channels["gain"] == 1).all() and (channels["offset"] == 0).all()
    dtype = np.dtype(channels["dtype"][0] if as_stored else np.float64)
    trials = [
        lazy_array(partial(_box, part=part), path, str(stream["name"]), shape=(length, len(channels)), dtype=dtype).T
        for part, length in zip(parts, lengths, strict=True)
    ]
    interval = 1 / float(file.get_signal_sampling_rate(parts[0].stream))
    start = file.get_signal_t_start(parts[0].block, parts[0].segment, parts[0].stream)
    activity = _recording(
        trials, neurons=_labels(channels), sampling_interval=interval, start_time=_start_of(parts, start)
    )
    units = [str(unit) for unit in channels["units"]]
    if len(set(units)) == 1:
        activity.attrs[n.UNITS] = units[0]
    else:
        activity = activity.assign_coords({n.UNITS: (n.NEURON, np.array(units, dtype=object))})
    return activity.to_dataset().assign_attrs({n.SOURCE_ARRAY: str(stream["name"])})


def _box(path: Path, name: str, box: Box, *, part: Part) -> NDArray[Any]:
    """Return some samples of some channels, in their units."""
    times, channels = box
    file = _opened(path, part.reader)
    chosen = list(range(channels.start, channels.stop))
    raw = file.get_analogsignal_chunk(part.block, part.segment, times.start, times.stop, part.stream, chosen)
    scaled: NDArray[Any] = file.rescale_signal_raw_to_float(raw, "float64", part.stream, chosen)
    return scaled


# --- spikes -------------------------------------------------------------------


def _spikes(path: Path, file: Any, parts: list[Part], rate: Any) -> xr.Dataset:
    """Return the spikes of all units in some segments, counted in bins from the start of each segment."""
    if not is_rate(rate):
        raise InvalidInput("rate", got=repr(rate), expected="bins a second, a positive number")
    units = file.header["spike_channels"]
    if not len(units):
        raise InvalidInput("rate", got=repr(rate), expected=f"none: {path} has no units with spikes")
    spans = [_span(file, part) for part in parts]
    lengths = [bins_in(start, stop, rate) for start, stop in spans]
    _check_equal(lengths, path)
    if not lengths[0]:
        expected = f"more than one bin in the {spans[0][1] - spans[0][0]:g} s of {path}"
        raise InvalidInput("rate", got=repr(rate), expected=expected)
    trials = [
        lazy_array(
            partial(_count_spikes, part=part, rate=float(rate)), path, "", shape=(len(units), length), dtype=np.int32
        )
        for part, length in zip(parts, lengths, strict=True)
    ]
    return _recording(
        trials,
        neurons=_labels(units),
        sampling_interval=1 / float(rate),
        start_time=_start_of(parts, spans[0][0]),
        units="spikes",
    ).to_dataset()


def _span(file: Any, part: Part) -> tuple[float, float]:
    """Return when a segment starts and stops, in seconds."""
    return float(file.segment_t_start(part.block, part.segment)), float(file.segment_t_stop(part.block, part.segment))


def _count_spikes(path: Path, name: str, box: Box, *, part: Part, rate: float) -> NDArray[np.int32]:
    """Return how many spikes some units have in some bins; a bin holds its start, and not its end."""
    units, bins = box
    counted = np.zeros((units.stop - units.start, bins.stop - bins.start), dtype=np.int32)
    file = _opened(path, part.reader)
    start, _ = _span(file, part)
    for row, unit in enumerate(range(units.start, units.stop)):
        stamps = file.get_spike_timestamps(part.block, part.segment, unit)
        counted[row] = counts(file.rescale_spike_timestamp(stamps, "float64"), bins, start=start, rate=rate)
    return counted
