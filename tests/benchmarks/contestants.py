"""Recordings on disk, and what is run over them: each function prepares a task, and returns it to be measured.

Preparing imports, opens and warms up, so that neither time nor memory of that is counted.
"""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import dask
import numpy as np
import pytest
import xarray as xr
import zarr
from threadpoolctl import threadpool_limits

import netxr
from netxr.store.layout import steps_per_chunk
from netxr.store.writing import streamed_variable
from tests.benchmarks.timing import CORES, FULL, Cost, Prepared, Spent
from tests.oracles import stacked_corrcoef

Array = np.ndarray[Any, Any]
Task = Callable[[], object]


def recording(folder: Path, n: int, n_steps: int, dtype: str = "float32", *, sparse: bool = False) -> Path:
    """Store a recording with correlations in space and time, and means far from zero; or one in which few pairs go."""
    size = np.dtype(dtype).itemsize * n * n_steps
    if shutil.disk_usage(folder).free < 1.2 * size:
        pytest.skip(f"{size / 1e9:.1f} GB of samples do not fit on this disk")
    path, length = folder / f"{n}x{n_steps}.zarr", steps_per_chunk(n, dtype) if FULL else n_steps // 3
    dataset = xr.Dataset(coords={"neuron": np.arange(n)})
    sizes, chunks = {"neuron": n, "time": n_steps, "trial": 1}, {"neuron": n, "time": length, "trial": 1}
    with streamed_variable(
        path, dataset, name="activity", sizes=sizes, chunks=chunks, dtype=np.dtype(dtype), attrs={}
    ) as (out, _):
        for start, block in zip(range(0, n_steps, length), (_pairs if sparse else _blocks)(n, length), strict=False):
            stop = min(start + length, n_steps)
            out[:, start:stop, 0] = block[:, : stop - start]
    if FULL and hasattr(os, "sync"):
        os.sync()  # writing back to disk takes no time from what is measured next
    return path


def _blocks(n: int, length: int) -> Iterator[Array]:
    """Noise of each neuron's own, and eight shared signals, each of which enters two frames in a row."""
    rng = np.random.Generator(np.random.SFC64(0))
    weights, means = rng.normal(size=(n, 8)).astype("f4"), rng.uniform(2, 9, size=(n, 1)).astype("f4")
    while True:
        signals = rng.standard_normal((8, length + 1), "f4")
        block = rng.standard_normal((n, length), "f4")
        block += weights @ (signals[:, 1:] + signals[:, :-1])
        block += means
        yield block


def _pairs(n: int, length: int) -> Iterator[Array]:
    """Noise of each neuron's own, and each neuron of the first half drives one of the second."""
    rng = np.random.Generator(np.random.SFC64(0))
    half = n // 2
    while True:
        block = rng.standard_normal((n, length), "f4")
        block[half : 2 * half, 1:] += 0.2 * block[:half, :-1]
        yield block


def samples(path: Path) -> "zarr.Array[Any]":
    """The stored samples (neuron, time, trial), by Zarr alone."""
    return zarr.open_array(path / "activity", mode="r")


def chunks(path: Path) -> Iterator[Array]:
    """The stored blocks (neuron, time), one after the other."""
    array = samples(path)
    for start in range(0, array.shape[1], array.chunks[1]):
        yield array[:, start : start + array.chunks[1], 0]


def error_against_numpy(estimate: Array, path: Path, *, lag: int = 1, neurons: int = 40) -> float:
    """Largest difference to float64 NumPy over all frames of some neurons, spread over all of them."""
    rows = np.unique(np.linspace(0, len(estimate) - 1, neurons).astype(int))
    x = np.concatenate([block[rows].astype(np.float64) for block in chunks(path)], axis=1)
    return float(np.abs(np.asarray(estimate)[np.ix_(rows, rows)] - stacked_corrcoef(x, lag)).max())


# --- floors -----------------------------------------------------------------


def reading(path: Path) -> Task:
    """Read and decompress every block, one after the other."""
    next(chunks(path))

    def read() -> None:
        for _ in chunks(path):
            pass

    return read


def multiplying(targets: int, frames: int, sources: int, times: int) -> Task:
    """The bare float32 product of a block, as often as there are blocks, on every core at once.

    Each core has one BLAS thread: threads that share a small product spend most of their time waiting for each other.
    """
    x = np.random.default_rng(0).standard_normal((max(targets, sources), frames + 1), "f4")
    outs = np.zeros((CORES, targets, sources), "f4")

    def multiply(core: int) -> None:
        for _ in range(core, times, CORES):
            np.matmul(x[:targets, 1:], x[:sources, :-1].T, out=outs[core])

    def on_every_core() -> None:
        with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(CORES) as pool:
            list(pool.map(multiply, range(CORES)))

    return on_every_core


def floors(path: Path) -> dict[str, Prepared]:
    """Reading and multiplying, each alone."""
    n, n_steps, _ = samples(path).shape
    frames = samples(path).chunks[1]
    return {
        "floor: read all blocks": (reading, path),
        "floor: bare product of all blocks": (multiplying, n, frames, n, -(-n_steps // frames)),
    }


def shared_by_cores(parts: Sequence[Spent]) -> Cost:
    """The processor time of all parts, and what it takes on the clock if every core is busy all the time."""
    cpu = sum(part.cpu for part in parts)
    return Cost(cpu / CORES, cpu)


# --- contestants --------------------------------------------------------------


def by_netxr(path: Path, options: dict[str, Any]) -> Task:
    """The lagged correlation from the store, within a budget of memory."""
    activity = _opened(path)
    return lambda: np.squeeze(netxr.lagged_correlation(activity, **options).compute().values)


def into_store(path: Path, options: dict[str, Any]) -> Task:
    """The lagged correlation, written block by block."""
    activity, correlation = _opened(path), netxr.lagged_correlation  # here, with all that it imports

    def write() -> None:
        correlation(activity, **options)

    return write


def edges(path: Path, options: dict[str, Any]) -> Task:
    """The edges among all pairs, of which no matrix is held."""
    activity = _opened(path)
    return lambda: netxr.edges(activity, **options).sizes["edge"]


def moments(path: Path, options: dict[str, Any]) -> Task:
    """The lagged moments from which everything else follows."""
    activity = _opened(path)
    return lambda: netxr.lagged_moments(activity, **options).compute()


def coarse_moments(path: Path, options: dict[str, Any]) -> Task:
    """The lagged moments of several coarse levels beside the fine one, from one pass."""
    activity = _opened(path)
    return lambda: dask.compute(netxr.coarse_moments(activity, **options))


def by_formula(path: Path) -> Task:
    """The tutorial's formula on all samples in memory."""
    _opened(path)
    return lambda: stacked_corrcoef(samples(path)[:, :, 0])


def by_xarray(path: Path) -> Task:
    """The product of standardised samples and samples one step before, in the blocks that suit it best."""
    activity = _opened(path).isel(trial=0).chunk(time=5_000)

    def standardised(x: xr.DataArray) -> xr.DataArray:
        return (x - x.mean("time")) / x.std("time")

    target = standardised(activity.isel(time=slice(1, None))).rename(neuron="target")
    source = standardised(activity.isel(time=slice(None, -1))).rename(neuron="source")
    # Not by default, but recommended by xarray: without it no BLAS, and several times slower.
    product = xr.dot(target, source, dim="time", optimize=True) / target.sizes["time"]
    return lambda: product.compute().values


def _opened(path: Path) -> xr.DataArray:
    """The recording, lazily, after a small run that imports all there is to import."""
    activity = netxr.open(path).activity
    netxr.lagged_correlation(activity.isel(neuron=slice(3), time=slice(9))).compute()
    np.ones((500, 500), "f4") @ np.ones((500, 500), "f4")
    return activity
