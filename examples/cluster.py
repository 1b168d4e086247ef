"""Lagged correlations of a long recording on a dask cluster: the same lines as with threads, and a client.

Run it as it is for a cluster of two workers on this machine:

    python examples/cluster.py

or give it a recording, and the address of a scheduler that has one running:

    python examples/cluster.py recording.zarr --scheduler tcp://head-node:8786 --memory 8GiB
"""

import argparse
import tempfile
from contextlib import ExitStack
from pathlib import Path

from dask.distributed import Client, LocalCluster

import netxr


def main() -> None:
    """Estimate and compare, once with threads and once on the cluster."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recording", nargs="?", help="a Zarr store of netxr; a simulation if there is none")
    parser.add_argument("--scheduler", help="address of a running scheduler; two workers on this machine without it")
    parser.add_argument("--memory", default="500MiB", help="what one process may take")
    options = parser.parse_args()
    with ExitStack() as stack:
        path = options.recording or _simulated(Path(stack.enter_context(tempfile.TemporaryDirectory())))
        activity = netxr.open(path).activity
        with_threads = netxr.lagged_correlation(activity, lags=[0, 1, 2], memory=options.memory).compute()

        if options.scheduler:
            stack.enter_context(Client(options.scheduler))
        else:
            cluster = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
            stack.enter_context(Client(stack.enter_context(cluster)))
        print(netxr.plan(activity, lags=[0, 1, 2], memory=options.memory))
        lazy = netxr.lagged_correlation(activity, lags=[0, 1, 2], memory=options.memory)
        with netxr.progress(lambda done, total: print(f"{done} of {total} frames")):
            on_cluster = lazy.compute()
        print(f"largest difference between threads and cluster: {float(abs(on_cluster - with_threads).max()):.1e}")


def _simulated(folder: Path) -> str:
    """Simulate 200 neurons and return where the recording lies."""
    network = netxr.random_connectivity(200, sparsity=0.9, seed=1)
    path = str(folder / "recording.zarr")
    netxr.simulate(network, n_steps=100_000, seed=1, dtype="float32", store=path)
    return path


if __name__ == "__main__":
    main()
