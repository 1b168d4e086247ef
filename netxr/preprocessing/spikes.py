"""Spike trains, given as times, as recordings: counted in bins, or smoothed to rates."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial
from typing import Any, Final

import dask.array as da
import numpy as np
import xarray as xr
from dask.array.core import normalize_chunks
from numpy.typing import NDArray

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.kernels.spikes import TRUNCATE, bins_in, counts, smoothed
from netxr.schema.arguments import array_of, check_entries, check_span, is_number, said
from netxr.schema.arrays import as_activity
from netxr.schema.clock import SECONDS
from netxr.schema.warned import warn

Trains = Mapping[Hashable, Any] | Sequence[Any]
"""Times of the spikes of each neuron, in any order: by label, or one after the other."""

BLOCK_BYTES: Final = 8 * 2**20
"""What a block of rates takes."""

SAME_UNIT: Final = "Are times and {} in the same unit?"

MOST_BINS: Final = 10**11
"""Of one neuron: three years of milliseconds."""

SELDOM: Final = 10.0
"""Seconds from one spike to the next of the busiest neuron, above which times are rather in a smaller unit."""

EMPTY: Final = 1000
"""Bins from one spike to the next that are many."""


def spike_counts(
    times: Trains, *, sampling_interval: float, span: tuple[float, float] | None = None, interval_units: str = "s"
) -> xr.DataArray:
    """Count spikes in bins, as a lazy recording.

    A bin holds its start, and not its end: a spike on an edge is in the bin that begins there, up to a millionth of a
    bin.

    Parameters
    ----------
    times : mapping or sequence of array-like
        When each neuron had its spikes, in `interval_units` and in any order: a dict by label, or a list of
        arrays. Spike trains of Neo, which know their unit, are converted; a TsGroup of pynapple is for `from_pynapple`.
    sampling_interval : float
        Length of a bin.
    span : (float, float), optional
        Start of the first bin and end of the last; a last bin that it would cut is left out. If not given, while all
        trains of Neo were observed (`t_start` to `t_stop`); of other trains, from the first spike of all to the last.
    interval_units : str
        Unit of the times, of `sampling_interval` and of `span`.

    Returns
    -------
    DataArray
        Counts (neuron, time), int32, in units of spikes; a block is counted when it is read.

    Raises
    ------
    InvalidInput
        If these are no times of several neurons, a time is not finite, there is no spike to tell the span from, or no
        bin in it.

    Warns
    -----
    UserWarning
        If even the busiest neuron has so few spikes, in so many bins, that times may be in another unit.

    Examples
    --------
    >>> counted = spike_counts({"a": [0.1, 0.15, 0.9], "b": [0.5]}, sampling_interval=0.25, span=(0, 1))
    >>> counted.values.tolist(), counted.time.values.tolist()
    ([[2, 0, 0, 1], [0, 0, 1, 0]], [0.0, 0.25, 0.5, 0.75])
    """
    bins: dict[str, Any] = {"sampling_interval": sampling_interval, "span": span, "interval_units": interval_units}
    return _recording(times, **bins, kernel=counts, halo=0, dtype=np.int32, units="spikes")


def spike_rates(
    times: Trains,
    *,
    sampling_interval: float,
    width: float,
    span: tuple[float, float] | None = None,
    interval_units: str = "s",
) -> xr.DataArray:
    """Smooth spikes to rates, as a lazy recording.

    Counts in bins are convolved with a Gaussian. Smooth rates of neurons correlate at lags up to its width, whichever
    acts on the other: for the direction of an edge, count spikes.

    Parameters
    ----------
    times, sampling_interval, span, interval_units
        As in `spike_counts`.
    width : float
        Standard deviation of the Gaussian, in `interval_units`.

    Returns
    -------
    DataArray
        Rates (neuron, time), float64, in spikes per `interval_units`; a block is made when it is read. Spikes outside
        of `span` count within it; where there are none to come, rates fall towards the ends.

    Raises
    ------
    InvalidInput
        As `spike_counts` does, and if the width is no number above 0.

    Examples
    --------
    >>> rates = spike_rates([[0.5], [0.2, 0.8]], sampling_interval=0.01, width=0.05, span=(0, 1))
    >>> (rates.sum("time") * 0.01).values.round(6).tolist(), rates.units
    ([1.0, 1.999973], '1/s')
    """
    if not is_number(width) or not 0 < width < np.inf:
        expected = f"a standard deviation in {interval_units}, above 0"
        raise InvalidInput("width", got=said(width), expected=expected)
    bins: dict[str, Any] = {"sampling_interval": sampling_interval, "span": span, "interval_units": interval_units}
    in_bins = float(width) / _interval(sampling_interval, interval_units)
    options: dict[str, Any] = {"kernel": partial(smoothed, width=in_bins), "halo": TRUNCATE * in_bins + 1}
    return _recording(times, **bins, **options, dtype=np.float64, units=f"1/{interval_units}")


def _recording(
    times: Any,
    *,
    sampling_interval: float,
    span: tuple[float, float] | None,
    interval_units: str,
    kernel: Callable[..., NDArray[Any]],
    halo: float,
    dtype: Any,
    units: str,
) -> xr.DataArray:
    """Return what a kernel makes of spike times in bins, block by block; it needs spikes `halo` bins around them."""
    interval = _interval(sampling_interval, interval_units)
    labels, trains = _trains(times, interval_units)
    start, n_bins = _bins(trains, _observed(times, interval_units) if span is None else span, interval)
    _warn_if_empty(trains, n_bins, interval, interval_units)
    if halo > TRUNCATE * n_bins + 1:
        got, expected = (
            f"{(halo - 1) / TRUNCATE * interval:g}",
            f"at most the {n_bins * interval:g} {interval_units} of all bins",
        )
        raise InvalidInput("width", got=got, expected=expected, fix=SAME_UNIT.format("width"))
    rows, frames = normalize_chunks((-1, "auto"), (len(trains), n_bins), limit=BLOCK_BYTES, dtype=np.float64)  # type: ignore[no-untyped-call]
    column = np.empty((len(trains), 1), object)
    column[:, 0] = trains
    samples = da.map_blocks(
        partial(_block, kernel=kernel, start=start, rate=1 / interval, halo=halo, dtype=dtype),
        da.from_array(column, chunks=(rows, 1)),  # type: ignore[no-untyped-call]
        da.arange(n_bins, chunks=(frames,))[None],
        chunks=(rows, frames),
        dtype=dtype,
        meta=np.empty((0, 0), dtype),
    )
    clock: dict[str, Any] = {"sampling_interval": interval, "interval_units": interval_units, "start_time": start}
    return as_activity(samples, dims=(n.NEURON, n.TIME), neurons=labels, units=units, **clock)


def _block(
    trains: NDArray[Any], places: NDArray[np.int64], *, kernel: Any, start: float, rate: float, halo: float, dtype: Any
) -> NDArray[Any]:
    """Return what a kernel makes of sorted trains (neuron, 1) in consecutive bins (1, time)."""
    bins = slice(int(places[0, 0]), int(places[0, -1]) + 1)
    around = [start + (bins.start - 1 - halo) / rate, start + (bins.stop + 1 + halo) / rate]
    made = np.empty((len(trains), bins.stop - bins.start), dtype)
    for row, train in enumerate(trains[:, 0]):
        made[row] = kernel(train[slice(*np.searchsorted(train, around))], bins, start=start, rate=rate)
    return made


def _interval(sampling_interval: Any, units: str) -> float:
    """Return the length of a bin."""
    if not is_number(sampling_interval) or not 0 < sampling_interval < np.inf:
        expected = f"the length of a bin in {units}, above 0"
        raise InvalidInput("sampling_interval", got=said(sampling_interval), expected=expected)
    return float(sampling_interval)


def _trains(times: Any, units: str) -> tuple[list[Any] | None, list[NDArray[np.float64]]]:
    """Return the labels of neurons, None where they are counted, and the sorted times of their spikes."""
    expected = "the times of the spikes of each neuron: a dict or a list of arrays"
    labels = list(times) if isinstance(times, Mapping) else None
    each = (
        [times[label] for label in labels] if labels is not None else check_entries("times", times, expected=expected)
    )
    if not each:
        raise InvalidInput("times", got="no neuron", expected=expected)
    trains = []
    for label, train in zip(labels or range(len(each)), each, strict=True):
        plain = train.rescale(units).magnitude if hasattr(train, "rescale") else train
        array = array_of("times", plain, expected=expected)
        if array.ndim != 1 or (array.size and array.dtype.kind not in "fiu"):
            got = f"{array.dtype} of shape {array.shape} for neuron {label!r}"
            raise InvalidInput("times", got=got, expected=expected)
        train = np.sort(array.astype(np.float64))
        if train.size and not np.isfinite(train[[0, -1]]).all():
            raise InvalidInput("times", got=f"a time of neuron {label!r} that is not finite", expected="finite ones")
        trains.append(train)
    return labels, trains


def _observed(times: Any, units: str) -> tuple[float, float] | None:
    """Return from when to when all of some trains were observed; None where they do not say, which those of Neo do."""
    each = list(times.values() if isinstance(times, Mapping) else times)
    if not all(hasattr(train, "rescale") and hasattr(train, "t_stop") for train in each):
        return None
    starts, stops = ([float(getattr(one, end).rescale(units)) for one in each] for end in ("t_start", "t_stop"))
    return max(starts), min(stops)


def _bins(trains: list[NDArray[Any]], span: tuple[float, float] | None, interval: float) -> tuple[float, int]:
    """Return the start of the first bin, and how many there are."""
    if span is not None:
        start, stop = check_span("span", span)
        n_bins = bins_in(start, stop, 1 / interval)
        got = f"{start:g} to {stop:g}"
        if n_bins < 1:
            raise InvalidInput("span", got=got, expected=f"a bin of {interval:g} at least", fix="Give a longer span.")
        if any(train.size for train in trains) and not any(
            ((train >= start) & (train < stop)).any() for train in trains
        ):
            first, last = (f(train[at] for train in trains if train.size) for f, at in ((min, 0), (max, -1)))
            expected = f"one that holds spikes, which are from {first:g} to {last:g}"
            raise InvalidInput("span", got=got, expected=expected, fix=SAME_UNIT.format("span"))
        return start, _checked(n_bins, interval)
    ends = [end for train in trains if train.size for end in (train[0], train[-1])]
    if not ends:
        raise InvalidInput("span", got="none, and no spike", expected="a start and a stop where there are no spikes")
    return float(min(ends)), _checked(bins_in(min(ends), max(ends), 1 / interval) + 1, interval)


def _warn_if_empty(trains: list[NDArray[Any]], n_bins: int, interval: float, units: str) -> None:
    """Warn if bins are so many, and spikes so few, that times may be in a smaller unit than is said."""
    bins_a_spike = n_bins / (max(train.size for train in trains) or np.inf)
    if bins_a_spike > EMPTY and bins_a_spike * interval * SECONDS.get(units, 0) > SELDOM:
        text = (
            f"The busiest neuron has a spike every {bins_a_spike * interval:,.3g} {units}, in {n_bins:,} bins of "
            f"{interval:g} {units}. Fix: where times are in another unit, say so with interval_units=, and give "
            "sampling_interval in it."
        )
        warn(text, stacklevel=4)


def _checked(n_bins: int, interval: float) -> int:
    """Return how many bins there are if blocks of them can be counted through."""
    if n_bins > MOST_BINS:
        fix = SAME_UNIT.format("sampling_interval")
        got = f"{interval:g}, of which {n_bins:.1e} fit into the span"
        raise InvalidInput("sampling_interval", got=got, expected=f"at most {MOST_BINS:.0e} bins", fix=fix)
    return n_bins
