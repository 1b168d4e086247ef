"""Recordings, with inputs and masks beside them."""

import numpy as np
import xarray as xr

import netxr

LAGS = [0, 1, 3]


def states(n=3, n_steps=60, trials=2, *, seed=0):
    """Samples between 0 and 1, of trials with labels."""
    x = np.random.default_rng(seed).uniform(0.05, 0.95, (n, n_steps, trials))
    return netxr.as_activity(x, dims=("neuron", "time", "trial"), neurons=list("abcdefgh")[:n]).assign_coords(
        trial=5 + np.arange(trials)
    )


def stimuli(activity, m=2, *, seed=1):
    """Inputs that differ in mean and size, whose labels are also those of neurons."""
    sizes = m, *(activity.sizes[dim] for dim in ("time", "trial"))
    values = np.random.default_rng(seed).normal(3, 2, sizes)
    return xr.DataArray(values, dims=("input", "time", "trial"), coords={"input": list("bz")[:m]})


def mask_for(activity, *, share=0.4, seed=2):
    """A mask that differs from trial to trial."""
    sizes = tuple(activity.sizes[dim] for dim in ("time", "trial"))
    return xr.DataArray(np.random.default_rng(seed).random(sizes) < share, dims=("time", "trial"))
