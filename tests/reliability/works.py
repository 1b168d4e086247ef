"""Every kind of change to a store, by public calls: each a function of the store's path."""

import distributed  # noqa: F401 - dask would import it in the middle of the work
import numpy as np
import xarray as xr

import netxr

N_NEURONS, N_STEPS, FIRST = 3, 24, 11
LAGS = [0, 2]


def a_network():
    return netxr.random_connectivity(N_NEURONS, seed=1)


def a_run(trials=2):
    return netxr.simulate(a_network(), n_steps=N_STEPS, trials=trials, seed=1)


def with_results(run, dim):
    moments = netxr.lagged_moments(run.activity, lags=LAGS, dim=dim).compute()
    estimate = netxr.lagged_correlation(moments, lags=LAGS).compute()
    return run.assign(moments.data_vars).assign(lagged_correlation=estimate)


def begin(path):
    netxr.save(with_results(a_run().isel(time=slice(0, FIRST)), ["time", "trial"]), path)


def begin_by_trial(path):
    netxr.save(with_results(a_run().isel(time=slice(0, FIRST)), "time"), path)


def record(path):
    """Write a recording of another tool beside where the store will be."""
    np.save(path.with_name("recording.npy"), np.random.default_rng(1).normal(size=(N_STEPS, N_NEURONS)))


def nothing(path):
    """Leave the place empty."""


def note(path):
    """Come as the next writer."""
    netxr.add(xr.Dataset({"note": 1.0}), path)


def save(path):
    netxr.save(a_run(), path)


def simulate(path):
    netxr.simulate(a_network(), n_steps=N_STEPS, trials=2, seed=1, store=path)


def append_time(path):
    netxr.append(a_run().activity[:, FIRST:], path, dim="time")


def append_trial(path):
    netxr.append(a_run([7, 8]).activity[:, :FIRST], path, dim="trial")


def add(path):
    weights = xr.DataArray(np.ones((2, N_NEURONS)), dims=("fold", "neuron"), coords={"fold": [1, 2]})
    netxr.add(xr.Dataset({"weights": weights, "score": 0.5}), path)


def replace(path):
    run = with_results(a_run().isel(time=slice(0, FIRST)), ["time", "trial"])
    netxr.add(run[["comoment", "mean_source", "lagged_correlation"]] * 2, path, replace=True)


def convert(path):
    netxr.convert(path.with_name("recording.npy"), path, dims=("time", "neuron"), sampling_interval=0.1)


def sweep(path):
    netxr.sweep(n_neurons=[3, 4], sparsity=[0.5], n_steps=30, trials=2, seed=1, store=path)


def append_trial_of_all(path):
    """Append a trial as long as those in the store."""
    netxr.append(a_run([7]).activity, path, dim="trial")


def replace_once(path):
    stored = netxr.open(path)[["comoment"]].compute()
    netxr.add(stored * 2, path, replace=True)
