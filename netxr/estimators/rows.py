"""Correlations of more pairs of neurons than memory holds: written to disk as they are made, or only the strongest."""

from collections.abc import Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any

import dask
import numpy as np
import xarray as xr
import zarr
from dask.base import compute
from dask.delayed import Delayed
from numpy.typing import NDArray

from netxr import names as n
from netxr.blocks.progress import Part
from netxr.errors import WorkersLost
from netxr.kernels.lagged_sums import Pass
from netxr.moments.planning import Precision, check_dim, prepare, row_plan
from netxr.moments.plans import RowPlan
from netxr.moments.row_pass import STOP, RowBlocks, row_tasks
from netxr.schema.arguments import check_path
from netxr.schema.provenance import provenance
from netxr.schema.trials import Trial, trials_of
from netxr.schema.variables import labels_of
from netxr.store.dataset import open as open_store
from netxr.store.writing import streamed_variable


def store_correlation(
    activity: xr.DataArray,
    *,
    lags: Sequence[int],
    dim: str | Sequence[str],
    source: Hashable | Sequence[Hashable] | None,
    precision: Precision | None,
    missing: n.Missing,
    memory: int | str | None,
    store: str | PathLike[str],
) -> xr.DataArray:
    """Write lagged correlations to a Zarr folder, some rows at a time, and return them lazily opened.

    Parameters are those of `lagged_correlation`. What is stored has the precision of the products.
    """
    check_path("store", store)
    todo, plan, matrices = planned_rows(
        activity, lags=lags, dim=dim, source=source, precision=precision, missing=missing, memory=memory
    )
    keeps_trials = keeps_trials_apart(activity, dim)
    labels = row_coords(activity, todo, keeps_trials=keeps_trials)
    sizes: dict[str, int] = {name: len(labels[name]) for name in (n.LAG, n.TRIAL, n.TARGET, n.SOURCE) if name in labels}
    coords: dict[str, Any] = {name: labels[name] for name in (n.LAG, n.TARGET, n.SOURCE)}
    if keeps_trials:
        coords |= {str(name): coord for name, coord in activity.coords.items() if coord.dims == (n.TRIAL,)}
    attrs = row_attrs(activity, todo, dim)
    with streamed_variable(
        store,
        xr.Dataset(coords=coords, attrs=attrs),
        name=n.LAGGED_CORRELATION,
        sizes=sizes,
        chunks=dict.fromkeys(sizes, 1) | {n.TARGET: plan.rows_at_a_time, n.SOURCE: sizes[n.SOURCE]},
        dtype=todo.precision,
        attrs=attrs | {n.ESTIMATOR: n.LAGGED_CORRELATION, n.LONG_NAME: "lagged correlation"},
    ) as (stored, folder):
        tasks = []
        for k, trials in enumerate(matrices):
            use = partial(_write, stored, (k,) if keeps_trials else ())
            tasks += row_tasks(trials, todo, plan=plan, use=use, folder=folder, part=part_of(plan, k, folder))
        run_tasks(tasks, plan, folder)
    return open_store(store)[n.LAGGED_CORRELATION]


def planned_rows(
    activity: xr.DataArray, *, dim: str | Sequence[str], memory: int | str | None, **wanted: Any
) -> tuple[Pass, RowPlan, list[list[Trial]]]:
    """Return what is to be summed up, how it is cut up, and the trials of each matrix."""
    todo = prepare(activity, dim=dim, **wanted)
    plan = row_plan(activity, todo, dim=dim, memory=memory)
    trials = trials_of(activity)
    matrices = [[trial] for trial in trials] if keeps_trials_apart(activity, dim) else [trials]
    return replace(todo, **plan.cut._asdict()), plan, matrices


def keeps_trials_apart(activity: xr.DataArray, dim: str | Sequence[str]) -> bool:
    """Return whether each trial has a matrix of its own."""
    return n.TRIAL in activity.dims and n.TRIAL not in check_dim(dim, activity)


def row_coords(activity: xr.DataArray, todo: Pass, *, keeps_trials: bool) -> dict[str, NDArray[Any]]:
    """Return the labels of the matrices."""
    neurons = labels_of(activity, n.NEURON)
    labels = {n.LAG: np.array(todo.lags), n.TARGET: neurons, n.SOURCE: neurons[todo.columns]}
    return labels | ({n.TRIAL: labels_of(activity, n.TRIAL)} if keeps_trials else {})


def row_attrs(activity: xr.DataArray, todo: Pass, dim: str | Sequence[str]) -> dict[str, Any]:
    """Return where the matrices come from."""
    made = {n.POOLED: list(check_dim(dim, activity)), n.PRECISION: todo.precision.name, n.MISSING: todo.missing}
    return activity.attrs | provenance(**made)


def part_of(plan: RowPlan, matrix: int, folder: Path) -> Part:
    """Return a matrix as a part of the run that fills a folder."""
    return Part(str(folder), str(matrix), plan.tasks * plan.work.n_steps * plan.work.n_trials)


def run_tasks(tasks: Sequence[Delayed], plan: RowPlan, folder: Path) -> list[Any]:
    """Run all tasks; when one fails or the user gives up, those under way are told, and waited for."""
    with ThreadPoolExecutor(plan.workers) as pool, dask.config.set(pool=pool):
        try:
            return list(compute(*tasks))  # type: ignore[no-untyped-call]
        except BaseException as error:
            (folder / STOP).touch()
            if type(error).__name__ == "KilledWorker":
                raise WorkersLost(str(error)) from error
            raise


def _write(stored: "zarr.Array[Any]", place: tuple[int, ...], blocks: RowBlocks) -> None:
    """Write rows to the store as they are made."""
    for rows, r in blocks:
        for lag, matrix in enumerate(r):
            where: Any = (lag, *place, rows)
            stored[where] = matrix.astype(stored.dtype)
