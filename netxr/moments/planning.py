"""What a pass over a recording is to do, and how it stays within a budget: checked and planned before anything runs."""

from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import Any, Final, Literal

import dask.array as da
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from netxr import names as n
from netxr.blocks.schedulers import cluster, cores, slots
from netxr.errors import InvalidInput
from netxr.kernels.lagged_sums import PRODUCTS, Pass, block_frames
from netxr.moments.budget import Work
from netxr.moments.plans import Plan, RowPlan, plan_pass, plan_rows
from netxr.schema.arguments import check_choice, check_count, check_entries, check_memory, check_whole_numbers
from netxr.schema.variables import check_activity, labels_of

Precision = Literal["float32", "float64"]

CLUSTER_SHARE: Final = 0.5
"""Share of a worker's memory limit that a pass may take where no budget is given: beyond 0.6 it begins to spill."""


def plan(
    activity: xr.DataArray,
    *,
    lags: Sequence[int] = (0, 1),
    dim: str | Sequence[str] = n.TIME,
    source: Hashable | Sequence[Hashable] | None = None,
    precision: Precision | None = None,
    missing: n.Missing = "raise",
    memory: int | str | None = None,
    stored: bool = False,
    workers: int | None = None,
) -> Plan | RowPlan:
    """Say what a pass over a recording will take, without running it.

    Parameters
    ----------
    activity : DataArray, (neuron, time[, trial])
        Samples, as dask or NumPy.
    lags, dim, source, precision, missing, memory
        As in `lagged_moments`.
    stored : bool
        Of a correlation that is written to disk block by block (``store=``), or of its strongest pairs.
    workers : int, optional
        Plan for a cluster of so many processes with one core each; by default for the scheduler in force.

    Returns
    -------
    Plan or RowPlan
        With `peak_bytes`, how many `workers` and `blas_threads` there are, and how the work is cut up; as text, a
        summary. On a cluster, of each of its processes.

    Raises
    ------
    InvalidInput
        As `lagged_moments` does, without reading a sample; also if the budget is too small.

    Examples
    --------
    >>> import netxr
    >>> run = netxr.simulate(netxr.random_connectivity(50, seed=1), n_steps=2000, seed=1)
    >>> plan(run.activity.chunk(time=500), lags=[1], memory="1GiB").peak_bytes < 2**30
    True
    """
    todo = prepare(activity, lags=lags, dim=dim, source=source, precision=precision, missing=missing)
    means = _means(memory)
    if workers is not None:
        means |= {"processes": check_count("workers", workers), "threads": 1, "cores": 1, "cluster": True}
    return (plan_rows if stored else plan_pass)(work_of(activity, todo, dim=dim), **means)


def prepare(
    activity: xr.DataArray,
    *,
    lags: Sequence[int],
    dim: str | Sequence[str],
    source: Hashable | Sequence[Hashable] | None,
    precision: Precision | None,
    missing: n.Missing,
) -> Pass:
    """Return what a pass sums up, all arguments checked.

    Raises
    ------
    InvalidInput
        If the activity is no recording, or an argument does not fit.
    """
    lag_list = check_lags(lags, n_steps=check_activity(activity).sizes[n.TIME])
    check_dim(dim, activity)
    check_choice("missing", missing, tuple(PRODUCTS))
    dtype = _product_dtype(precision, activity.dtype)
    return Pass(
        lags=tuple(lag_list),
        sources=positions_of(labels_of(activity, n.NEURON), source),
        precision=dtype,
        missing=missing,
        block=block_frames(activity.sizes[n.NEURON], max(lag_list), dtype),
    )


def pass_plan(
    activity: xr.DataArray, todo: Pass, *, dim: str | Sequence[str], memory: int | str | None, chunk: int = 0
) -> Plan:
    """Return how a pass is cut up; `chunk` is the bytes of the chunks that are read, where they are larger.

    Raises
    ------
    InvalidInput
        If the budget is too small.
    """
    work = work_of(activity, todo, dim=dim)
    return plan_pass(replace(work, chunk=max(chunk, work.chunk)), **_means(memory))


def row_plan(activity: xr.DataArray, todo: Pass, *, dim: str | Sequence[str], memory: int | str | None) -> RowPlan:
    """Return how a matrix is made some rows at a time.

    Raises
    ------
    InvalidInput
        If the budget is too small.
    """
    return plan_rows(work_of(activity, todo, dim=dim), **_means(memory))


def _means(memory: int | str | None) -> dict[str, Any]:
    """Return the budget of a process, and what there is to share the work."""
    processes, threads, limit = slots()
    budget = check_memory(memory) if memory is not None else limit and int(CLUSTER_SHARE * limit)
    return {
        "memory": budget,
        "processes": processes,
        "threads": threads,
        "cores": cores(),
        "cluster": cluster() is not None,
    }


def work_of(activity: xr.DataArray, todo: Pass, *, dim: str | Sequence[str]) -> Work:
    """Return how much a pass has to do."""
    n_neurons, n_trials = activity.sizes[n.NEURON], activity.sizes.get(n.TRIAL, 1)
    return Work(
        n_neurons=n_neurons + todo.n_groups,
        n_targets=n_neurons,
        n_sources=n_neurons if todo.sources is None else len(todo.sources),
        n_steps=activity.sizes[n.TIME],
        n_trials=n_trials,
        lags=todo.lags,
        precision=todo.precision,
        stored=activity.nbytes,
        chunk=chunk_bytes(activity),
        layers=1 + max(max(pair) for pair in PRODUCTS[todo.missing]),
        products=len(PRODUCTS[todo.missing]),
        results=n_trials if n.TRIAL not in check_dim(dim, activity) else 1,
    )


def chunk_bytes(activity: xr.DataArray) -> int:
    """Return the bytes of the longest block of one trial with all neurons, as the pass meets it; 0 in memory."""
    if not isinstance(activity.data, da.Array):
        return 0
    longest = max(activity.chunksizes[n.TIME])
    together = max(activity.chunksizes.get(n.TRIAL, (1,)))
    return int(longest * together * activity.sizes[n.NEURON] * activity.dtype.itemsize)


def check_lags(lags: Sequence[int], *, n_steps: int, argument: str = "lags") -> list[int]:
    """Return the lags as plain integers if a trial of `n_steps` samples offers at least two pairs at each.

    Raises
    ------
    InvalidInput
        If there is none, one repeats, is no whole number, is negative, or is too long for the trial.
    """
    wanted = f"different whole numbers from 0 to {n_steps - 2}, for trials of {n_steps} samples"
    fix = "Put a single lag into a list."
    return check_whole_numbers(argument, lags, largest=n_steps - 2, expected=wanted, fix=fix)


def check_dim(dim: str | Sequence[str], activity: xr.DataArray) -> tuple[str, ...]:
    """Return the dims to sum over, time first.

    Raises
    ------
    InvalidInput
        If time is not among them, or one is neither time nor a trial dim of the activity.
    """
    allowed = [(n.TIME,), (n.TIME, n.TRIAL)] if n.TRIAL in activity.dims else [(n.TIME,)]
    expected = " or ".join(map(str, allowed))
    pooled = tuple(sorted([dim] if isinstance(dim, str) else check_entries("dim", dim, expected=expected), key=str))
    if pooled not in allowed:
        raise InvalidInput("dim", got=repr(dim), expected=expected)
    return pooled


def is_label(source: Hashable | Sequence[Hashable] | None) -> bool:
    """Return whether `source` is a single label."""
    return source is not None and np.ndim(np.asarray(source, dtype=object)) == 0


def positions_of(neurons: NDArray[Any], source: Hashable | Sequence[Hashable] | None) -> tuple[int, ...] | None:
    """Return where among the labels of `neurons` the sources stand, None for all.

    Raises
    ------
    InvalidInput
        If one is no label of a neuron, or comes twice.
    """
    if source is None:
        return None
    labels = neurons.tolist()
    places = {label: place for place, label in enumerate(labels)}
    wanted = np.asarray(source, dtype=object).ravel().tolist()
    known = [places[label] for label in wanted if isinstance(label, Hashable) and label in places]
    if not wanted or len(set(known)) < len(wanted):
        raise InvalidInput(
            "source",
            got=repr(wanted),
            expected=f"labels of neurons, each once, such as {', '.join(map(repr, labels[:3]))}",
        )
    return tuple(known)


def _product_dtype(precision: Precision | None, samples: np.dtype[Any]) -> np.dtype[Any]:
    """Return the dtype of the products: the one asked for, or as precise as the samples."""
    if precision is not None:
        check_choice("precision", precision, ("float32", "float64"))
    natural = "float32" if samples.kind == "f" and samples.itemsize <= 4 else "float64"
    return np.dtype(precision or natural)
