"""Recordings, matrices, contents of folders, a scheduler that refuses, programs of their own, peaks of memory."""

import os
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dask
import numpy as np
import xarray as xr

from tests.strategies import samples


def activity(n: int = 4, n_steps: int = 80, trials: int = 2, *, seed: int = 0, dtype: str = "float64") -> xr.DataArray:
    """Activity (neuron, time, trial) of correlated neurons with labels, units and an interval."""
    return xr.DataArray(
        samples((n, n_steps, trials), dtype, seed),
        dims=("neuron", "time", "trial"),
        coords={"neuron": list("abcdefghijklmnopqrstuvwxyz")[:n], "trial": 5 + np.arange(trials)},
        attrs={"units": "mV", "sampling_interval": 0.5},
    )


def labelled(matrix: Any, labels: Any = None, **dims: Any) -> xr.DataArray:
    """Matrices ([further dims, ]target, source), labelled 0, 1, ... unless said otherwise."""
    matrix = np.asarray(matrix)
    labels = list(range(matrix.shape[-1]) if labels is None else labels)
    return xr.DataArray(matrix, dims=(*dims, "target", "source"), coords={**dims, "target": labels, "source": labels})


def contents(folder: Path) -> dict[Path, bytes]:
    """What stands in the files of a folder, at any depth."""
    return {file.relative_to(folder): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def names(folder: Path) -> list[str]:
    """The sorted names of what is in a folder."""
    return sorted(entry.name for entry in folder.iterdir())


def refuse_to_compute(*_: Any, **__: Any) -> None:
    """Fail: a scheduler for what computes nothing."""
    raise AssertionError("something was computed")


def nothing_computes() -> Any:
    """While it holds, computing fails."""
    return dask.config.set(scheduler=refuse_to_compute)


def slowly(folder: Path) -> Callable[[Any], Any]:
    """A function of a block that takes its time, and writes down which process called it."""
    folder.mkdir(exist_ok=True)

    def slow(block: Any) -> Any:
        time.sleep(0.04)
        (folder / f"{os.getpid()}-{time.monotonic_ns()}").touch()
        return block

    return slow


def printed_by(code: str, *arguments: Any, folder: Path | None = None) -> str:
    """What a program prints in an interpreter of its own, in a working folder if one is given."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder).stdout  # noqa: S603


def peak_bytes(work: Callable[[], Any]) -> int:
    """The most bytes that Python and NumPy held at a time while `work` ran, beyond what they held before."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
