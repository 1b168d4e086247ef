"""Preprocessing sample by sample: longer sampling intervals, bounds, differences."""

from functools import partial
from typing import Any, Literal

import dask.array as da
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.preprocessing.put_back import by_segment, put_back
from netxr.schema.arguments import check_choice, is_finite, is_number, said
from netxr.schema.clock import Recording, activity_of, clock_of
from netxr.schema.variables import float_type


def resample(
    data: Recording, *, sampling_interval: float, how: Literal["mean", "sum"] = "mean", gaps: n.Gaps = "raise"
) -> Recording:
    """Bin the samples to a longer sampling interval.

    Parameters
    ----------
    data : DataArray or Dataset
        Activity (neuron, time[, trial]), or a Dataset that holds it; dask stays lazy.
    sampling_interval : float
        Length of a bin in `sampling_interval_units`, a whole multiple of the interval that the recording has. Where
        the recording has none: how many samples make a bin.
    how : {"mean", "sum"}
        What becomes of the samples of a bin; "sum" suits counts of spikes.
    gaps : {"raise", "segments"}
        What to do where times are not even: an error, or bin each stretch between gaps on its own.

    Returns
    -------
    DataArray or Dataset
        The bins, in the dtype of the samples; of integers, means are float64 and sums 64-bit integers, and sums of
        float16 are float32. A bin that holds NaN is NaN. Samples at the end that fill no bin are left out. The time of
        a bin is that of its first sample. `sampling_interval` says the new interval.

    Raises
    ------
    InvalidInput
        If the interval is no whole multiple, with the nearest that is; if no bin is filled, or times are not even.

    Examples
    --------
    >>> import numpy as np, netxr
    >>> x = netxr.as_activity(np.arange(7.0)[None], dims=("neuron", "time"), sampling_interval=0.1)
    >>> binned = resample(x, sampling_interval=0.3)
    >>> binned.values.tolist(), binned.sampling_interval
    ([[1.0, 4.0]], 0.3)
    >>> binned.preprocessing
    'resample to 0.3 s, mean of 3 samples each, 1 at the end left out'
    """
    activity = activity_of(data)
    interval, units, _ = clock_of(activity, gaps=gaps)
    check_choice("how", how, ("mean", "sum"))
    factor = min(_bin_length(sampling_interval, interval, units), activity.sizes[n.TIME] + 1)
    binned = by_segment(partial(_binned, factor=factor, how=how), activity, gaps=gaps)
    if not binned.sizes[n.TIME]:
        longest = f"{activity.sizes[n.TIME] * interval:g} {units}, the whole recording"
        raise InvalidInput("sampling_interval", got=f"{sampling_interval!r} {units}", expected=f"at most {longest}")
    rest = activity.sizes[n.TIME] - factor * binned.sizes[n.TIME]
    left_out = f", {rest} at the end left out" if rest else ""
    return put_back(
        data,
        binned,
        step=f"resample to {sampling_interval:g} {units}, {how} of {factor} samples each{left_out}",
        **{n.SAMPLING_INTERVAL: float(sampling_interval), n.SAMPLING_INTERVAL_UNITS: units},
    )


def _binned(activity: xr.DataArray, *, factor: int, how: str) -> xr.DataArray:
    """Return the bins of an activity, each at the time of its first sample."""
    n_bins = activity.sizes[n.TIME] // factor
    first_of_each = activity.isel({n.TIME: slice(0, n_bins * factor, factor)})
    bin_block = partial(_bin_block, factor=factor, how=how)
    samples: Any = activity.data[:, : n_bins * factor]
    if not isinstance(samples, da.Array) or not n_bins:
        return first_of_each.copy(data=bin_block(samples))
    samples = samples.rechunk({1: _whole_bins(samples.chunks[1], factor)})  # type: ignore[no-untyped-call]
    chunks = (samples.chunks[0], tuple(length // factor for length in samples.chunks[1]), *samples.chunks[2:])
    meta = bin_block(np.ones((1, factor, 1)[: samples.ndim], samples.dtype))[:0]
    return first_of_each.copy(data=samples.map_blocks(bin_block, chunks=chunks, dtype=meta.dtype, meta=meta))


def clip(data: Recording, *, lower: float | None = None, upper: float | None = None) -> Recording:
    """Bound the samples from below, from above, or both.

    Parameters
    ----------
    data : DataArray or Dataset
        Activity (neuron, time[, trial]), or a Dataset that holds it; dask stays lazy.
    lower, upper : float, optional
        Bounds in the unit of the samples; at least one.

    Returns
    -------
    DataArray or Dataset
        The samples, those beyond a bound set to it; floating-point samples in their dtype, integers as float64.
        NaN stays NaN.

    Raises
    ------
    InvalidInput
        If there is no bound, one is no number, or they are the wrong way round.

    Examples
    --------
    >>> import numpy as np, netxr
    >>> x = netxr.as_activity([[-3.0, 0.5, 9.0]], dims=("neuron", "time"))
    >>> clip(x, lower=0, upper=5).values.tolist()
    [[0.0, 0.5, 5.0]]
    """
    activity = activity_of(data)
    bounds = {name: bound for name, bound in (("lower", lower), ("upper", upper)) if bound is not None}
    for name, bound in bounds.items():
        if not is_finite(bound):
            raise InvalidInput(name, got=said(bound), expected="a number, in the unit of the samples")
    if not bounds or (lower is not None and upper is not None and lower > upper):
        got = f"lower={lower!r}, upper={upper!r}"
        raise InvalidInput("lower, upper", got=got, expected="a lower bound, an upper one, or both in this order")
    clipped = activity.astype(float_type(activity), copy=False).clip(
        *(None if bound is None else float(bound) for bound in (lower, upper))
    )
    limits = " ".join(f"{name}={bound:g}" for name, bound in bounds.items())
    return put_back(data, activity.copy(data=clipped.data), step=f"clip {limits}")


def threshold(data: Recording, *, at: float) -> Recording:
    """Set samples that do not reach a value to 0: what is left of differenced calcium signals are their onsets.

    Noise below the threshold no longer correlates. The step of Sutera et al. 2014, arXiv:1406.7865, on signals that
    were smoothed and differenced before.

    Parameters
    ----------
    data : DataArray or Dataset
        Activity (neuron, time[, trial]), or a Dataset that holds it; dask stays lazy.
    at : float
        The threshold in the unit of the samples, above 0.

    Returns
    -------
    DataArray or Dataset
        The samples, those below the threshold 0; floating-point ones in their dtype, integers as float64. NaN stays.

    Raises
    ------
    InvalidInput
        If the threshold is no number above 0.

    Examples
    --------
    >>> import netxr
    >>> x = netxr.as_activity([[-3.0, 0.1, 0.5, 9.0]], dims=("neuron", "time"))
    >>> threshold(x, at=0.5).values.tolist()
    [[0.0, 0.0, 0.5, 9.0]]
    """
    activity = activity_of(data)
    if not is_finite(at) or at <= 0:
        raise InvalidInput("at", got=said(at), expected="a number above 0, in the unit of the samples")
    samples = activity.astype(float_type(activity), copy=False)
    left = samples.where(~(samples < float(at)), samples.dtype.type(0))
    return put_back(data, activity.copy(data=left.data), step=f"threshold at={at:g}")


def difference(data: Recording, *, gaps: n.Gaps = "raise") -> Recording:
    """Subtract from each sample the one before it.

    Parameters
    ----------
    data : DataArray or Dataset
        Activity (neuron, time[, trial]), or a Dataset that holds it; dask stays lazy.
    gaps : {"raise", "segments"}
        What to do where times are not even: an error, or take each stretch between gaps on its own.

    Returns
    -------
    DataArray or Dataset
        Differences x(t + 1) - x(t), at time t: one sample fewer a trial or segment; floating-point samples in their
        dtype, but those of float16 as float32; integers as float64. A difference with NaN is NaN.

    Raises
    ------
    InvalidInput
        If there is a single sample, or times are not even.

    Examples
    --------
    >>> import numpy as np, netxr
    >>> x = netxr.as_activity([[1.0, 4.0, 2.0]], dims=("neuron", "time"))
    >>> difference(x).values.tolist()
    [[3.0, -2.0]]
    """
    activity = activity_of(data)
    if activity.sizes[n.TIME] < 2:
        raise InvalidInput("data", got="a single sample a trial", expected="two or more along time")
    return put_back(data, by_segment(_difference, activity, gaps=gaps), step="difference of consecutive samples")


def _difference(activity: xr.DataArray) -> xr.DataArray:
    """Return each sample's difference from the next, at its own time."""
    # A difference of float16 may be none in float16.
    samples = activity.data.astype(np.promote_types(float_type(activity), np.float32), copy=False)
    earlier, later = samples[:, :-1], samples[:, 1:]
    if isinstance(samples, da.Array):
        later = later.rechunk(earlier.chunks)
    return activity.isel({n.TIME: slice(None, -1)}).copy(data=later - earlier)


def _bin_length(wanted: float, interval: float, units: str) -> int:
    """Return how many samples make a bin, or raise InvalidInput if it is no whole number of them."""
    if not is_number(wanted) or not 0 < wanted < np.inf:
        raise InvalidInput("sampling_interval", got=repr(wanted), expected=f"a length in {units}, above 0")
    ratio = wanted / interval
    factor = max(1, round(ratio))
    if abs(ratio - factor) > 1e-6 * factor:
        raise InvalidInput(
            "sampling_interval",
            got=f"{wanted!r} {units}, {ratio:g} samples",
            expected=f"a whole multiple of {interval:g} {units}",
            fix=f"The nearest is {factor * interval:g} {units}, {factor} samples.",
        )
    return factor


def _whole_bins(lengths: tuple[int, ...], factor: int) -> tuple[int, ...]:
    """Return chunk lengths in whole numbers of bins, with ends at or shortly before the old ones.

    Examples
    --------
    >>> _whole_bins((4, 4, 4), 3)
    (3, 3, 6)
    >>> _whole_bins((1, 1, 1, 1, 2), 3)
    (3, 3)
    """
    ends = np.unique(np.cumsum(lengths) // factor * factor)
    return tuple(np.diff(ends[ends > 0], prepend=0).tolist())


def _bin_block(samples: NDArray[Any], *, factor: int, how: str) -> NDArray[Any]:
    """Return the mean or sum of each `factor` samples along the second axis."""
    n, n_samples, *trials = samples.shape
    bins = samples.reshape(n, n_samples // factor, factor, *trials)
    if samples.dtype.kind != "f":
        return np.asarray(bins.mean(axis=2) if how == "mean" else bins.sum(axis=2))
    binned = bins.mean(axis=2, dtype=np.float64) if how == "mean" else bins.sum(axis=2, dtype=np.float64)
    # A sum of float16 may be none in float16.
    wide = np.promote_types(samples.dtype, np.float32) if how == "sum" else samples.dtype
    return np.asarray(binned, dtype=wide)
