"""What a pass over a recording is to do, and how it stays within a budget: checked and planned before anything runs."""

from collections.abc import Hashable, Iterable, Sequence
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
from netxr.moments.beside import ROW_BYTES, beside, widened, with_rows
from netxr.moments.budget import Plan, RowPlan, Work, plan_pass, plan_rows
from netxr.schema.arguments import (
    array_of,
    check_choice,
    check_count,
    check_entries,
    check_flag,
    check_memory,
    is_whole,
    said,
)
from netxr.schema.clock import activity_of, cuts_of, in_samples
from netxr.schema.variables import labels_of

Precision = Literal["float32", "float64"]

CLUSTER_SHARE: Final = 0.5
"""Share of a worker's memory limit that a pass may take where no budget is given: beyond 0.6 it begins to spill."""


def plan(
    data: xr.DataArray | xr.Dataset,
    *,
    lags: Sequence[int | str] = (0, 1),
    dim: str | Sequence[str] = n.TIME,
    sources: Hashable | Sequence[Hashable] | None = None,
    precision: Precision | None = None,
    missing: n.Missing = "raise",
    gaps: n.Gaps = "raise",
    memory: int | str | None = None,
    link: Literal["logit"] | None = None,
    inputs: xr.DataArray | NDArray[Any] | None = None,
    where: xr.DataArray | NDArray[np.bool_] | None = None,
    stored: bool = False,
    workers: int | None = None,
) -> Plan | RowPlan:
    """Say what a pass over a recording will take, without running it.

    Parameters
    ----------
    data : DataArray or Dataset
        Samples (neuron, time[, trial]), as dask or NumPy; or a Dataset that holds them.
    lags, dim, sources, precision, missing, gaps, memory, link, inputs, where
        As in `lagged_moments`.
    stored : bool
        Of a correlation that is written to disk some rows at a time (``store=``), or of its strongest pairs.
    workers : int, optional
        Plan for a cluster of so many processes with one core each; by default for the scheduler in force.

    Returns
    -------
    Plan or RowPlan
        With `peak_bytes`, how many `workers` and `blas_threads` there are, and how the work is shared; as text, a
        summary, and what a regression on moments at these lags then takes in one process: of 10,000 neurons at one lag
        6 GiB and 1.8 minutes of a core, see `moments.factorisation`. On a cluster, of each of its processes.

    Raises
    ------
    InvalidInput
        As `lagged_moments` does, without reading a sample; also if the budget is too small.

    Examples
    --------
    >>> import netxr
    >>> run = netxr.sample("rate_network")
    >>> plan(run.activity.chunk(time=500), lags=[1], memory="1GiB").peak_bytes < 2**30
    True
    """
    activity = activity_of(data)
    checked = check_lags(in_samples(lags, activity, argument="lags"), n_steps=activity.sizes[n.TIME])
    todo = prepare(activity, lags=checked, dim=dim, sources=sources, precision=precision, missing=missing, gaps=gaps)
    resources = _resources(memory)
    if workers is not None:
        resources |= {"processes": check_count("workers", workers), "threads": 1, "cores": 1, "cluster": True}
    check_flag("stored", stored)
    further = beside(activity, inputs=inputs, link=link, where=where, max_lag=max(checked))
    work = work_of(activity, todo)
    if further is not None:
        rows = with_rows(activity.chunk(), further, finite=False)  # lazy: no sample is read
        of_rows = work_of(rows, widened(todo, further))
        work = of_rows if is_lazy(activity) else replace(of_rows, chunk=min(of_rows.chunk, ROW_BYTES))
    return (plan_rows if stored else plan_pass)(work, **resources)


def prepare(
    activity: xr.DataArray,
    *,
    lags: Sequence[int],
    dim: str | Sequence[str],
    sources: Hashable | Sequence[Hashable] | None,
    precision: Precision | None,
    missing: n.Missing,
    gaps: n.Gaps = "raise",
) -> Pass:
    """Return what a pass over a valid recording accumulates at lags that `check_lags` let through.

    Raises InvalidInput if any other argument does not fit, or times are not even and a lag counts samples.
    """
    pooled = check_dim(dim, activity)
    check_choice("missing", missing, tuple(PRODUCTS))
    dtype = _product_dtype(precision, activity.dtype)
    return Pass(
        lags=tuple(lags),
        sources=positions_of(labels_of(activity, n.NEURON), sources),
        precision=dtype,
        missing=missing,
        block=block_frames(activity.sizes[n.NEURON], max(lags), dtype),
        dim=pooled,
        cuts=_cuts(activity, lags, gaps),
    )


def _cuts(activity: xr.DataArray, lags: Sequence[int], gaps: n.Gaps) -> tuple[int, ...]:
    """Return the frames with which a segment begins behind a gap, if some lag counts samples.

    Raises InvalidInput if there are gaps and they are not to be cut at, or segments offer less than two pairs at a lag.
    """
    check_choice("gaps", gaps, n.GAP_CHOICES)
    cuts = cuts_of(activity, gaps=gaps) if max(lags) else ()
    lengths = np.diff([0, *cuts, activity.sizes[n.TIME]])
    for lag in lags if cuts else ():
        if np.clip(lengths - lag, 0, None).sum() < 2:
            got = f"{lag}, for {len(lengths)} segments of at most {lengths.max()} samples"
            raise InvalidInput("lags", got=got, expected="lags at which segments hold two pairs of samples or more")
    return cuts


def planned_pass(activity: xr.DataArray, todo: Pass, *, memory: int | str | None, chunk: int = 0) -> tuple[Pass, Plan]:
    """Return a pass with the number of frames that are multiplied at a time, and how it is shared.

    `chunk` are the bytes of the chunks that are read, where they are larger than those of the activity. Raises
    InvalidInput if the budget is too small.
    """
    work = work_of(activity, todo)
    plan = plan_pass(replace(work, chunk=max(chunk, work.chunk)), **_resources(memory))
    # In memory, blocks that fit into a cache are faster than the longest that the budget allows.
    if is_lazy(activity) or plan.work.fourier is not None or plan.work.block < todo.block:
        todo = replace(todo, block=plan.work.block, fourier=plan.work.fourier)
    return todo, plan


def planned_rows(activity: xr.DataArray, todo: Pass, *, memory: int | str | None) -> tuple[Pass, RowPlan]:
    """Return a pass that makes a matrix some rows at a time, and how it is shared.

    Raises InvalidInput if the budget is too small.
    """
    plan = plan_rows(work_of(activity, todo), **_resources(memory))
    return replace(todo, block=plan.work.block, fourier=plan.work.fourier), plan


def check_left(count: Any) -> None:
    """Raise InvalidInput if a pass that dropped frames has counted no pair of samples."""
    if not np.any(count):
        raise InvalidInput(
            "missing",
            got='"drop", which leaves no frame: a sample is missing in each',
            expected="frames in which all neurons have a sample",
            fix='missing="pairwise" leaves out single samples; netxr.select leaves out neurons that lack many.',
        )


def is_lazy(activity: xr.DataArray) -> bool:
    """Return whether samples are dask's."""
    return isinstance(activity.data, da.Array)


def _resources(memory: int | str | None) -> dict[str, Any]:
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


def work_of(activity: xr.DataArray, todo: Pass) -> Work:
    """Return how much a pass has to do."""
    rows, n_trials = np.arange(activity.sizes[n.NEURON]), activity.sizes.get(n.TRIAL, 1)
    return Work(
        n_neurons=len(rows) * (2 if todo.marked else 1) + todo.n_groups,  # sources are copied where some are marked
        n_targets=rows[todo.rows].size,
        n_sources=rows[todo.columns].size if todo.pairs else 1,
        n_steps=activity.sizes[n.TIME],
        n_trials=n_trials,
        lags=todo.lags,
        precision=todo.precision,
        stored=activity.nbytes,
        chunk=chunk_bytes(activity),
        layers=1 + max(max(pair) for pair in PRODUCTS[todo.missing]),
        products=len(PRODUCTS[todo.missing]),
        results=1 if n.TRIAL in todo.dim else n_trials,
    )


def chunk_bytes(activity: xr.DataArray) -> int:
    """Return the bytes of the longest block of one trial with all neurons, as the pass meets it; 0 in memory."""
    if not is_lazy(activity):
        return 0
    longest = max(activity.chunksizes[n.TIME])
    together = max(activity.chunksizes.get(n.TRIAL, (1,)))
    return int(longest * together * activity.sizes[n.NEURON] * activity.dtype.itemsize)


def lags_of(lag: object, lags: object, data: object) -> tuple[list[Any], str]:
    """Return the lags that a caller asks for, one as `lag` or several as `lags`, and the name of that argument.

    Raises InvalidInput if `lag` is no whole number, or `lags` no sequence, or a time is no number of samples of the
    data.
    """
    lag, lags = in_samples(lag, data, argument="lag"), in_samples(lags, data, argument="lags")
    if lags is not None:
        expected = "different whole numbers of samples, such as [0, 1, 2]"
        return check_entries("lags", lags, expected=expected, fix="Name a single one as lag."), "lags"
    if not is_whole(lag):
        fix = "Name several as lags." if isinstance(lag, Iterable) else ""
        raise InvalidInput("lag", got=repr(lag), expected="a whole number of samples", fix=fix)
    return [lag], "lag"


def check_lags(lags: Sequence[int], *, n_steps: int, argument: str = "lags", signed: bool = False) -> list[int]:
    """Return the lags as plain integers if a trial of `n_steps` samples offers at least two pairs at each.

    Lags below 0, at which the source is read after the target, will do if `signed`. Raises InvalidInput if there is
    none, one repeats, is no whole number, is negative, or is too long for the trial.
    """
    if n_steps < 2:
        raise InvalidInput("data", got="a single sample a trial", expected="two or more along time")
    least, largest = (2 - n_steps if signed else 0), n_steps - 2
    wanted = f"different whole numbers from {least} to {largest}, for trials of {n_steps} samples"
    entries = check_entries(argument, lags, expected=wanted, fix="Put a single lag into a list.")
    right = all(is_whole(entry) and least <= entry <= largest for entry in entries)
    if not entries or not right or len(set(entries)) < len(entries):
        negative = not signed and any(is_whole(entry) and entry < 0 for entry in entries)
        fix = "Moments at a lag hold those at minus that lag, with targets and sources swapped." if negative else ""
        raise InvalidInput(argument, got=said(entries), expected=wanted, fix=fix)
    return [int(entry) for entry in entries]


def check_dim(dim: str | Sequence[str], activity: xr.DataArray) -> tuple[str, ...]:
    """Return the dims to sum over, time first.

    Raises InvalidInput if time is not among them, or one is neither time nor a trial dim of the activity.
    """
    allowed = [(n.TIME,), (n.TIME, n.TRIAL)] if n.TRIAL in activity.dims else [(n.TIME,)]
    expected = " or ".join(map(str, allowed))
    pooled = tuple(sorted([dim] if isinstance(dim, str) else check_entries("dim", dim, expected=expected), key=str))
    if not all(isinstance(one, str) for one in pooled) or pooled not in allowed:
        raise InvalidInput("dim", got=said(dim), expected=expected)
    return pooled


def is_label(sources: Hashable | Sequence[Hashable] | None) -> bool:
    """Return whether `sources` is a single label."""
    return sources is not None and array_of("sources", sources, expected="labels of neurons", dtype=object).ndim == 0


def positions_of(neurons: NDArray[Any], sources: Hashable | Sequence[Hashable] | None) -> tuple[int, ...] | None:
    """Return where among the labels of `neurons` the sources stand, None for all.

    Raises InvalidInput if one is no label of a neuron, or comes twice.
    """
    if sources is None:
        return None
    labels = neurons.tolist()
    places = {label: place for place, label in enumerate(labels)}
    wanted = array_of("sources", sources, expected="labels of neurons", dtype=object).ravel().tolist()
    known = [places[label] for label in wanted if isinstance(label, Hashable) and label in places]
    if not wanted or len(set(known)) < len(wanted):
        raise InvalidInput(
            "sources",
            got=said(wanted),
            expected=f"labels of neurons, each once, such as {', '.join(map(repr, labels[:3]))}",
        )
    return tuple(known)


def _product_dtype(precision: Precision | None, samples: np.dtype[Any]) -> np.dtype[Any]:
    """Return the dtype of the products: the one asked for, or as precise as the samples."""
    if precision is not None:
        check_choice("precision", precision, ("float32", "float64"))
    natural = "float32" if samples.kind == "f" and samples.itemsize <= 4 else "float64"
    return np.dtype(precision or natural)
