"""Work on a store, each piece a function of the store's path: what crashes are tested with."""

import os

import distributed  # noqa: F401 - dask would import it in the middle of the work
import numpy as np
import xarray as xr

import netxr
import netxr.store.dataset
import netxr.store.layout
from netxr.kernels.noise import STEPS_PER_BLOCK
from netxr.store.transactions import transaction

N_NEURONS, N_STEPS, FIRST, STEPS_PER_CHUNK = 3, 30, 13, 8
N_SIMULATED = 2 * STEPS_PER_BLOCK + 30


def a_network():
    return netxr.random_connectivity(N_NEURONS, seed=1)


def a_run(trials=2):
    """Trials of 30 samples, lazy, in dask chunks that become stored ones."""
    run = netxr.simulate(a_network(), n_steps=N_STEPS, trials=trials, seed=1)
    return run.chunk(time=STEPS_PER_CHUNK, trial=1)


def with_results(run, dim):
    """A run with moments and estimates of it."""
    run = run.compute()
    moments = netxr.lagged_moments(run.activity, lags=[0, 2], dim=dim)
    estimates = netxr.lagged_correlation(moments, lags=[0, 2])
    results = moments.assign(lagged_correlation=estimates).compute()
    return run.chunk(time=STEPS_PER_CHUNK, trial=1).assign(results.data_vars)


def save(path):
    netxr.save(a_run(), path)


def begin(path):
    """Save the first samples, with moments of both trials together."""
    netxr.save(with_results(a_run().isel(time=slice(0, FIRST)), ["time", "trial"]), path)


def begin_by_trial(path):
    """Save the first samples, with moments of each trial."""
    netxr.save(with_results(a_run().isel(time=slice(0, FIRST)), "time"), path)


def append_time(path):
    netxr.append(a_run().activity[:, FIRST:].compute(), path, dim="time")


def append_trial(path):
    netxr.append(a_run([7, 8]).activity[:, :FIRST].compute(), path, dim="trial")


def add(path):
    """Add arrays that are new, a label and a single number among them."""
    weights = xr.DataArray(np.ones((2, N_NEURONS)), dims=("fold", "neuron"), coords={"fold": [1, 2]})
    netxr.add(xr.Dataset({"weights": weights, "score": 0.5}), path)


def replace(path):
    """Replace arrays by others, of other shapes too."""
    stored = netxr.open(path)
    netxr.add(stored[["comoment", "mean_source", "connectivity"]].compute() * 2, path, replace=True)


def simulate(path):
    """Simulate in three stretches, of as many steps as noise is drawn for at once."""
    vars(netxr.simulation.simulate).update(COMMIT_BYTES=1, _stored_steps=lambda *_: STEPS_PER_BLOCK)
    netxr.simulate(a_network(), n_steps=N_SIMULATED, trials=2, seed=1, store=path)


def nothing(path):
    """Come as the next writer, and change nothing."""
    with transaction(path):
        pass


def note(path):
    """Come as the next writer."""
    netxr.add(xr.Dataset({"note": 1.0}), path)


def record(path):
    """Write a recording of another tool beside where the store will be."""
    np.save(path.with_name("recording.npy"), a_recording()[:N_STEPS])


def convert(path):
    netxr.convert(path.with_name("recording.npy"), path, dims=("time", "neuron"), sampling_interval=0.1)


def sweep(path):
    netxr.sweep(n_neurons=[3, 4], sparsity=[0.5], n_steps=30, trials=2, seed=1, store=path)


def append_trial_of_all(path):
    """Append a trial as long as those in the store."""
    netxr.append(a_run([7]).activity, path, dim="trial")


# --- work that takes seconds, in many steps: each call does what is left ------

PIECE = 40
LONG, LONGER, N_UPDATES = (400, 2000, 30) if os.environ.get("NETXR_BENCHMARK") == "full" else (120, 500, 6)


def in_small_chunks():
    vars(netxr.store.layout).update(CHUNK_BYTES=N_NEURONS * 8 * STEPS_PER_CHUNK)


def a_long_run(trials=2):
    return netxr.simulate(a_network(), n_steps=LONG, trials=trials, seed=1)


def a_recording():
    """A plain array, (time, neuron)."""
    return np.random.default_rng(1).normal(size=(LONGER, N_NEURONS))


def save_long(path):
    in_small_chunks()
    run = netxr.simulate(a_network(), n_steps=LONGER, trials=2, seed=1)
    netxr.save(run.chunk(time=STEPS_PER_CHUNK, trial=1), path)


def simulate_long(path):
    in_small_chunks()
    vars(netxr.simulation.simulate).update(COMMIT_BYTES=1)
    netxr.simulate(a_network(), n_steps=2 * LONGER, trials=2, seed=1, store=path)


def convert_long(path):
    """Convert the recording beside the folder of the store."""
    in_small_chunks()
    recording = path.parent.with_name("recording.npy")
    netxr.recordings.convert.convert(recording, path, dims=("time", "neuron"), sampling_interval=0.1)


def begin_long(path):
    """Save a first piece of a run, with moments of it."""
    in_small_chunks()
    run = a_long_run().isel(time=slice(0, PIECE))
    moments = netxr.lagged_moments(run.activity, lags=[1], dim=["time", "trial"]).compute()
    netxr.save(run.assign(moments.data_vars).assign(version=0), path)


def append_piece(path):
    """Append the next samples; returns whether there were any."""
    done = netxr.open(path).sizes["time"]
    if done < LONG:
        netxr.append(a_long_run().activity[:, done : done + PIECE], path, dim="time")
    return done < LONG


def append_next_trial(path):
    """Append another trial; returns whether there was one to come."""
    done = netxr.open(path).sizes["trial"]
    if done < 2 + LONG // PIECE:
        netxr.append(a_long_run([done]).activity[:, :PIECE], path, dim="trial")
    return done < 2 + LONG // PIECE


def update_once(path):
    """Replace moments; returns whether there were others to come."""
    stored = netxr.open(path)[["version", "comoment", "mean_source", "sumsq_target"]].compute()
    if stored.version < N_UPDATES:
        netxr.add(stored.assign(version=stored.version + 1, comoment=stored.comoment + 1), path, replace=True)
    return stored.version < N_UPDATES


def append_long(path):
    while append_piece(path):
        pass


def append_trials_long(path):
    while append_next_trial(path):
        pass


def update_long(path):
    while update_once(path):
        pass
