"""Processes at one store, side by side. Run as a script: python crowd.py ROLE... PATH SECONDS."""

import fcntl
import json
import os
import subprocess
import sys
import time
from functools import partial

import distributed  # noqa: F401 - dask would import it again in each process
import numpy as np
import xarray as xr

import netxr
import netxr.estimators.correlation
import netxr.recordings.append
import netxr.simulation.simulate
import netxr.store.dataset
from netxr.errors import NetxrError, StoreBusy, UnreadableFile

N_NEURONS, TRIALS, LAGS = 5, (0, 1), (0, 1)
NETWORK = netxr.random_connectivity(N_NEURONS, seed=1)
ENOUGH, PATIENCE = 6, 60
"""Pieces to append or times to open at least, for which a busy machine gets so many seconds more."""


def crowd(*roles, path, seconds):
    """Let processes do what their roles say for some seconds; returns what became of each."""
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "DASK_NUM_WORKERS": "1"}
    command = [sys.executable, "-W", "ignore", __file__, *roles, str(path), str(seconds)]
    crowd = subprocess.run(command, stdout=subprocess.PIPE, check=True, env=environment)  # noqa: S603 - this interpreter
    return json.loads(crowd.stdout)


def samples(start, n, *, writer=0):
    """Samples of which each tells its place, and who wrote it."""
    time, neuron, trial = np.ogrid[start : start + n, :N_NEURONS, : len(TRIALS)]
    values = np.sin(time * 0.7 + neuron * 3) + 10 * trial + 100 * writer
    labels = {"neuron": range(N_NEURONS), "trial": list(TRIALS)}
    return xr.DataArray(values, dims=("time", "neuron", "trial"), coords=labels, name="activity")


def begin(path, n, *, moments=True):
    """Save a first piece, with moments of it."""
    run = samples(0, n).to_dataset()
    if moments:
        run = run.assign(netxr.lagged_moments(run.activity, lags=LAGS, dim=["time", "trial"]).compute())
    netxr.save(run, path)


def appending(path, until, me):
    """Append pieces that go on where the last one that this process appended ended."""
    begun = done = netxr.open(path).sizes["time"]
    rng, busy, pieces = np.random.default_rng(me), 0, []
    while goes_on(until, len(pieces) >= ENOUGH):
        n = int(rng.integers(2, 40))
        try:
            netxr.append(samples(done, n, writer=me), path, dim="time")
        except StoreBusy:
            busy += 1
            time.sleep(0.002)
        else:
            done += n
            pieces.append(n)
    return {"begun": begun, "pieces": pieces, "busy": busy}


def reading(path, until, _):
    """Open the store again and again, and check what is seen, at once and later."""
    opened, stale, length, held = 0, 0, 0, None
    begun = netxr.open(path).sizes["time"]
    while goes_on(until, opened >= ENOUGH and length > begun):
        run = netxr.open(path)
        assert run.sizes["time"] >= length, f"{run.sizes['time']} samples after {length}"
        length, opened = run.sizes["time"], opened + 1
        for each in (run, held) if opened % 5 == 0 else (run,):
            stale += not agrees(run if each is None else each)
        held = run if opened % 5 == 0 else held
    return {"opened": opened, "stale": stale, "length": length}


def plainly_reading(path, until, _):
    """Open the store by xarray alone, with moments in it, and read what is small at once; returns what was wrong."""
    outcomes = []
    while goes_on(until, len(outcomes) >= ENOUGH):
        try:
            with xr.open_zarr(path) as run:
                outcomes.append("" if agrees(run) else "it was replaced")
        except Exception as error:
            outcomes.append(f"{type(error).__name__}: {error}"[:200])
    return {"outcomes": outcomes}


def appending_without_lock(path, until, me):
    """Append as on a machine on which the lock of another does not count."""
    fcntl.flock = lambda handle, operation: None
    return appending(path, until, me)


def goes_on(until, enough):
    """Whether there is time left, or too little was done for want of it."""
    return time.time() < until + (0 if enough else PATIENCE)


def agrees(run):
    """Check a run that was opened; returns whether all of it could be read: what was replaced meanwhile cannot."""
    n = run.sizes["time"]
    whole = samples(0, n)
    xr.testing.assert_equal(
        run.activity.compute().drop_vars("time", errors="ignore"), whole.transpose(*run.activity.dims)
    )
    if "count" not in run:
        return True
    try:
        count, mean = run["count"].values, run["mean_source"].values
    except UnreadableFile as error:
        if str(error).endswith("was replaced after the store was opened. Open it again."):
            return False
        raise
    assert count.tolist() == [(n - lag) * len(TRIALS) for lag in LAGS], (count, n)
    expected = [whole[: n - lag].mean(["time", "trial"]).values for lag in LAGS]
    np.testing.assert_allclose(mean, np.reshape(expected, mean.shape), rtol=1e-9, atol=1e-9)
    return True


def saving(path, until, me):
    """Save to ten places, at the same moments as others do."""
    run = samples(0, 50, writer=me).to_dataset()
    return [outcome(partial(netxr.save, run, place)) for place in places(path, until)]


def simulating(path, until, _):
    """Simulate to ten places, at the same moments as others do, in stretches of one chunk."""
    vars(netxr.simulation.simulate).update(COMMIT_BYTES=1, _stored_steps=lambda *_: 32)
    simulate = partial(netxr.simulate, NETWORK, n_steps=640, seed=1)
    return [outcome(partial(simulate, store=place)) for place in places(path, until)]


def places(path, until):
    """Yield ten places, each when its moment has come."""
    for k in range(10):
        time.sleep(max(0, until - (9 - k) * 0.15 - time.time()))
        yield f"{path}-{k}"


def outcome(work):
    """Do some work; returns what came of it."""
    try:
        work()
    except NetxrError as error:
        return type(error).__name__
    return "done"


def main():
    """Let each role be played by a fork."""
    *names, path, seconds = sys.argv[1:]
    until, answers = time.time() + float(seconds), []
    for me, name in enumerate(names):
        read, write = os.pipe()
        if not os.fork():
            try:
                outcome = globals()[name](path, until, me)
            except BaseException as error:
                outcome = {"error": f"{type(error).__name__}: {error}"}
            os.write(write, json.dumps(outcome).encode())
            os._exit(0)
        os.close(write)
        answers.append(read)
    outcomes = [b"".join(iter(partial(os.read, answer, 2**16), b"")) for answer in answers]
    for _ in names:
        os.wait()
    sys.stdout.write(json.dumps([json.loads(each) for each in outcomes]))


if __name__ == "__main__":
    main()
