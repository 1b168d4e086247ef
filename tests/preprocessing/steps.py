"""Recordings to preprocess, and each step of preprocessing with arguments that fit any of them."""

from functools import partial

import dask.array as da
import numpy as np
import pytest
import xarray as xr

from netxr.preprocessing.detrend import detrend, z_score
from netxr.preprocessing.filtering import high_pass, low_pass
from netxr.preprocessing.frames import drop_frames, interpolate_frames, mask_frames
from netxr.preprocessing.samples import clip, difference, resample, threshold
from netxr.preprocessing.select import select
from tests.strategies import samples

STEPS = {
    "select": partial(select, time=(5, 25), neurons=["b", "a"]),
    "resample": partial(resample, sampling_interval=1.5),
    "clip": partial(clip, lower=-1, upper=1),
    "difference": difference,
    "detrend": partial(detrend, order=2),
    "high_pass": partial(high_pass, cutoff=0.1),
    "low_pass": partial(low_pass, cutoff=0.1),
    "threshold": partial(threshold, at=0.5),
    "z_score": z_score,
    "mask_frames": partial(mask_frames, frames=[0, 7, 8]),
    "interpolate_frames": partial(interpolate_frames, frames=[0, 7, 8]),
    "drop_frames": partial(drop_frames, frames=[0, 1]),
}

each_step = pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)


def recording(n=3, n_steps=80, trials=2, seed=0, dtype="float64"):
    """A recording with labels, attributes and further coordinates; without trial dim if `trials` is None."""
    activity = xr.DataArray(
        samples((n, n_steps, trials or 1), dtype, seed),
        dims=("neuron", "time", "trial"),
        coords={"neuron": list("abcdefgh")[:n], "trial": 5 + np.arange(trials or 1)},
        name="activity",
        attrs={"units": "mV", "sampling_interval": 0.5, "sampling_interval_units": "s", "animal": "m7"},
    )
    activity = activity.assign_coords(depth=("neuron", 100.0 * np.arange(n)))
    return activity if trials else activity.isel(trial=0, drop=True)


def unreadable(activity, **chunks):
    """The same recording as a dask array whose blocks raise when they are made."""
    chunks = activity.chunk(chunks or {"time": 11, "trial": 1}).chunks

    def refuse(block):
        raise AssertionError("a sample was read")

    blocks = da.zeros(activity.shape, dtype=activity.dtype, chunks=chunks)
    return activity.copy(data=blocks.map_blocks(refuse, dtype=activity.dtype, meta=np.empty((0, 0, 0), activity.dtype)))


def per_trial(activity, function):
    """What a function of (neuron, time) arrays makes of each trial, in the order (neuron, time[, trial])."""
    ordered = activity.transpose("neuron", "time", ...).values
    return function(ordered) if ordered.ndim == 2 else np.stack(list(map(function, np.moveaxis(ordered, 2, 0))), axis=2)
