"""Sortings that SpikeInterface saved: spike trains counted in bins.

SpikeInterface: Buccino et al. 2020, https://doi.org/10.7554/eLife.61834.
"""

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from netxr import names as n
from netxr.compat import optional
from netxr.errors import InvalidInput, UnreadableFile
from netxr.kernels.spikes import bins_in, counts
from netxr.recordings.formats.times import is_rate
from netxr.schema.arguments import is_whole
from netxr.schema.arrays import as_activity
from netxr.schema.warned import warn
from netxr.schema.words import counted


def load(path: Path, *, rate: float | None = None, segment: int | None = None) -> xr.Dataset:
    """Load the binned spike trains of a sorting that SpikeInterface saved.

    SpikeInterface makes objects of the classes that the folder names: open only what comes from someone you trust.

    Parameters
    ----------
    path : Path
        The folder or file that ``sorting.save`` made.
    rate : float
        Bins a second in which spikes are counted.
    segment : int, optional
        Which segment alone; if not given, all are trials. A sorting that is saved says nowhere how long its segments
        were, so that a recording ends with the bin of its last spike, and trials with that of the segment that ends
        first: there is no telling silence from what was not recorded.

    Returns
    -------
    Dataset
        `activity` (neuron, time[, trial]), counts, int32, in memory. A neuron is a unit, labelled by its id.

    Raises
    ------
    InvalidInput
        If `rate` is no positive number, there is no such segment, or one of several has no spike.
    UnreadableFile
        If SpikeInterface reads no sorting from it, or there is no spike.
    MissingExtra
        If SpikeInterface is not installed.

    Warns
    -----
    UserWarning
        If spikes are left out because another segment ends before.
    """
    if rate is None or not is_rate(rate):
        raise InvalidInput("rate", got=repr(rate), expected="bins a second, a positive number", fix="E.g. rate=100.")
    package = optional("spikeinterface", what="A sorting of SpikeInterface", extra="spikeinterface")
    sorting = (getattr(package, "load", None) or package.load_extractor)(path)
    if not hasattr(sorting, "get_unit_spike_train"):
        raise UnreadableFile(path, f"a {type(sorting).__name__}, which is no sorting")
    segments = range(sorting.get_num_segments())
    if segment is not None and not (is_whole(segment) and segment in segments):
        raise InvalidInput("segment", got=repr(segment), expected=f"a number from 0 to {segments[-1]} for {path}")
    trials = [_trains(sorting, one) for one in (segments if segment is None else [segment])]
    ends = [max((float(train.max()) for train in trial if len(train)), default=np.nan) for trial in trials]
    if np.isnan(ends).all():
        raise UnreadableFile(path, "no unit has a spike")
    if np.isnan(ends).any():
        expected = f"one segment: number {np.isnan(ends).argmax()} of {path} has no spike to tell its length from"
        raise InvalidInput("segment", got="None", expected=expected, fix="Say which with segment=0, 1, ...")
    bins = slice(0, bins_in(0, min(ends), float(rate)) + 1)
    in_bins = [[counts(train, bins, start=0, rate=float(rate)) for train in trial] for trial in trials]
    samples, dims = np.stack(in_bins, axis=-1).astype(np.int32), (n.NEURON, n.TIME, n.TRIAL)
    left_out = sum(len(train) for trial in trials for train in trial) - int(samples.sum())
    if left_out:
        text = (
            f"{path}: trials end with the last spike of segment {np.argmin(ends)}, after {bins.stop / float(rate):g} s;"
            f" {counted(left_out, 'spike')} of others after that are left out. Fix: segment= takes one of them, whole."
        )
        warn(text, stacklevel=2)
    is_one = len(trials) == 1
    activity = as_activity(
        samples[..., 0] if is_one else samples,
        dims=dims[:2] if is_one else dims,
        neurons=list(sorting.unit_ids),
        sampling_interval=1 / float(rate),
        units="spikes",
    )
    return activity.to_dataset()


def _trains(sorting: Any, segment: int) -> list[np.ndarray[Any, Any]]:
    """Return the spike times of each unit in a segment, in seconds from its first frame."""
    frames = (sorting.get_unit_spike_train(unit, segment_index=segment) for unit in sorting.unit_ids)
    return [np.asarray(train) / sorting.sampling_frequency for train in frames]
