"""Correlations of more pairs of neurons than memory holds: written to disk as they are made, or only the strongest."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import dask
import xarray as xr
import zarr
from dask.base import compute
from dask.delayed import Delayed

from netxr import names as n
from netxr.blocks.progress import Part
from netxr.errors import WorkersLost
from netxr.estimators.pearson import ABOUT
from netxr.kernels.lagged_sums import Pass
from netxr.moments.lagged import attrs_of, coords_of, keeps_trials_apart, trial_groups
from netxr.moments.planning import check_lags, planned_rows, prepare
from netxr.moments.plans import RowPlan
from netxr.moments.row_pass import STOP, RowBlocks, row_tasks
from netxr.schema.arguments import check_path
from netxr.schema.variables import Trial
from netxr.store.dataset import open as open_store
from netxr.store.writing import streamed_variable


def store_correlation(
    activity: xr.DataArray, *, lags: Sequence[int], memory: int | str | None, store: str | PathLike[str], **wanted: Any
) -> xr.DataArray:
    """Write lagged correlations to a Zarr folder, some rows at a time, and return them lazily opened.

    Parameters are those of `lagged_correlation`. What is stored has the precision of the products.
    """
    check_path("store", store)
    runs, plan = planned_runs(activity, lags=lags, memory=memory, **wanted)
    todo = runs[0].todo
    coords = coords_of(activity, todo) | {n.LAG: list(lags)}
    dims = (n.LAG, *((n.TRIAL,) if keeps_trials_apart(activity, todo) else ()), n.TARGET, n.SOURCE)
    lengths = {n.LAG: len(lags), n.TRIAL: activity.sizes.get(n.TRIAL, 1)}
    sizes: dict[str, int] = {dim: lengths[dim] if dim in lengths else len(coords[dim]) for dim in dims}
    attrs = attrs_of(activity, todo)
    with streamed_variable(
        store,
        xr.Dataset(coords=coords, attrs=attrs),
        name=n.LAGGED_CORRELATION,
        sizes=sizes,
        chunks=dict.fromkeys(sizes, 1) | {n.TARGET: plan.rows_at_a_time, n.SOURCE: sizes[n.SOURCE]},
        dtype=todo.precision,
        attrs=attrs | ABOUT,
    ) as (stored, folder):
        for run in runs:
            tasks = []
            for k, trials in enumerate(run.matrices):
                use = partial(_write, stored, run.places, (k,) if n.TRIAL in sizes else ())
                part = part_of(plan, f"{k} {run.direction}", folder, runs=len(runs))
                tasks += row_tasks(trials, run.todo, plan=plan, use=use, folder=folder, part=part)
            run_tasks(tasks, plan, folder)
    return open_store(store)[n.LAGGED_CORRELATION]


class Run(NamedTuple):
    """The matrices at lags of one sign, which are made together."""

    direction: str  # in which trials are read
    places: list[int]  # of these lags among all
    todo: Pass
    matrices: list[list[Trial]]


def planned_runs(
    activity: xr.DataArray,
    *,
    lags: Sequence[int],
    argument: str,
    memory: int | str | None,
    **wanted: Any,
) -> tuple[list[Run], RowPlan]:
    """Return what is to be accumulated, and how it is shared: at negative lags, trials are read backwards.

    A pair of frames at lag -k is a pair at lag k of the same trial backwards.
    """
    signed = check_lags(lags, n_steps=activity.sizes[n.TIME], argument=argument, signed=True)
    lengths = list(dict.fromkeys(map(abs, signed)))
    todo, plan = planned_rows(activity, prepare(activity, lags=lengths, **wanted), memory=memory)
    runs = []
    for direction, read in (("forwards", activity), ("backwards", activity.isel({n.TIME: slice(None, None, -1)}))):
        places = [place for place, lag in enumerate(signed) if (lag < 0) == (direction == "backwards")]
        if places:
            own = replace(todo, lags=tuple(abs(signed[place]) for place in places))
            groups = trial_groups(read, own)
            if direction == "backwards":
                groups = [[Trial(f"{name}, read backwards", samples) for name, samples in group] for group in groups]
            runs.append(Run(direction, places, own, groups))
    return runs, plan


def part_of(plan: RowPlan, matrix: str, folder: Path, *, runs: int) -> Part:
    """Return a matrix as a part of what fills a folder."""
    return Part(str(folder), matrix, runs * plan.tasks * plan.work.n_steps * plan.work.n_trials)


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


def _write(stored: "zarr.Array[Any]", lags: Sequence[int], trial: tuple[int, ...], blocks: RowBlocks) -> None:
    """Write rows to the store as they are made."""
    for rows, r in blocks:
        for lag, matrix in zip(lags, r, strict=True):
            where: Any = (lag, *trial, rows)
            stored[where] = matrix.astype(stored.dtype)
