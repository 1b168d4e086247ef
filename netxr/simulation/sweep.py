"""Sweeps: scores of an estimator over size, sparsity, length, coarseness and lag, with trials."""

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing
from functools import partial
from os import PathLike
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.estimators.compare import compare
from netxr.estimators.estimate import estimate
from netxr.estimators.table import DEFAULT, compared
from netxr.kernels.blas import one_blas_thread
from netxr.moments.coarse import coarsen
from netxr.schema.arguments import check_count, check_path
from netxr.simulation.networks import random_connectivity
from netxr.simulation.simulate import simulate
from netxr.simulation.sweep_plan import CELL, Plan, blank_result, check_plan
from netxr.simulation.sweep_store import resume
from netxr.store.dataset import open as open_store

BATCH_BYTES: Final = 256e6
"""Trials of a cell are simulated together as long as their activity and networks fit into this."""

Cell = tuple[int, ...]
"""Where a cell stands along `CELL`."""

Scores = dict[str, NDArray[np.float64]]


def sweep(
    *,
    n_neurons: int | Sequence[int] = 100,
    sparsity: float | Sequence[float] = 0.9,
    n_steps: int | Sequence[int] = 5000,
    n_groups: int | Sequence[int] = 0,
    lag: int | Sequence[int] = 1,
    method: str = DEFAULT,
    trials: int = 5,
    seed: int = 0,
    rng: n.Rng = "modern",
    activity_seed: int | None = None,
    diagonal: bool = True,
    permutations: int = 0,
    workers: int = 1,
    store: str | PathLike[str] | None = None,
    progress: n.Progress | None = None,
) -> xr.Dataset:
    """Score an estimator of connectivity over any grid of parameters, with trials.

    Every trial draws a network, simulates it, estimates its connectivity and compares the two, as in the sweeps of
    Neuromatch Academy's tutorial on correlations (W3D5, Network Causality). A cell is one (n_neurons, sparsity,
    n_steps): its activity is simulated once, for all `n_groups` and all `lag`.

    Parameters
    ----------
    n_neurons, sparsity, n_steps : number or sequence
        Size of the networks, probability that a weight is 0, and samples a trial.
    n_groups : int or sequence of int
        Equal consecutive groups that the neurons are averaged into before estimate and comparison; 0 for none.
    lag : int or sequence of int
        Samples by which the target is read after the source.
    method : str
        Name of the estimator, as `netxr.methods` lists it. One that does not depend on the lag has the same scores at
        every lag.
    trials : int
        Networks a cell, labelled 0, 1, 2, ...
    seed : int
        The network of trial k is seeded with seed + k.
    rng : {"modern", "legacy"}
        Stream of random numbers, as in `random_connectivity` and `simulate`.
    activity_seed : int, optional
        Seed of the noise of every trial. By default `seed` under "modern", where trials differ by their labels
        whatever the seed, and that of the trial's network under "legacy".
    diagonal : bool
        Whether self-connections enter the scores. They do in the tutorial.
    permutations : int
        Random permutations of the neurons for `mantel_p`; with 0 there is no such score.
    workers : int
        Cells computed side by side, in threads with one BLAS thread each; the result is the same up to rounding. On
        two cores, two workers were 1.3 to 1.5 times faster at 256 neurons and no faster at 100, whose short steps
        hold the interpreter lock. Each worker holds up to 256 MB of activity, or one trial if that is larger, and
        up to twice as much beside it.
    store : path-like, optional
        Zarr folder that keeps each cell as it finishes. The same call resumes an interrupted sweep there, computes
        only what is missing, and opens a finished one. `xarray.open_zarr` reads it at any time; cells that are not
        `finished` are NaN, means and standard deviations are there once all cells are.
    progress : callable, optional
        Called with (cells done, cells in all), at the start and after each cell.

    Returns
    -------
    Dataset
        A variable for each score of `compare`, (n_neurons, sparsity, n_steps, n_groups, lag, trial), such as `pearson`;
        `pearson_mean` and `pearson_std` (population standard deviation) over the trials in which it is defined, and
        `pearson_defined`, how many they are. Scores are NaN where the estimate is refused, as for too few samples.
        Lazily opened from `store` if there is one.

    Raises
    ------
    InvalidInput
        If an argument is out of range or does not fit another, `store` holds a sweep of other parameters, or the
        estimate is refused in all cells.
    OutputExists
        If something else is at `store`.
    UnreadableFile
        If what is at `store` is no Zarr group or is damaged.

    Examples
    --------
    >>> scores = sweep(n_neurons=[5, 10], n_steps=1000, seed=0, rng="legacy", activity_seed=42)
    >>> scores.pearson_mean.squeeze().round(3).values.tolist()
    [0.859, 0.681]
    >>> scores.pearson_defined.squeeze().values.tolist()
    [3, 5]
    """
    plan = check_plan(
        {n.N_NEURONS: n_neurons, n.SPARSITY: sparsity, n.N_STEPS: n_steps, n.N_GROUPS: n_groups, n.LAG: lag},
        trials=trials,
        seed=seed,
        rng=rng,
        activity_seed=activity_seed,
        diagonal=diagonal,
        permutations=permutations,
        method=method,
    )
    workers = check_count("workers", workers)
    if progress is not None and not callable(progress):
        raise InvalidInput("progress", got=repr(progress), expected="a function of (cells done, cells in all)")
    blank = blank_result(plan)
    if store is None:
        _fill({str(name): blank[name].values for name in blank.data_vars}, plan, workers, progress)
        return blank
    _fill(resume(check_path("store", store), blank), plan, workers, progress)
    return open_store(store)[list(blank.data_vars)]


def _fill(table: Mapping[str, Any], plan: Plan, workers: int, progress: n.Progress | None) -> None:
    """Compute the unfinished cells, and write each into the arrays of `table` before marking it."""
    finished = np.asarray(table[n.FINISHED][...])
    done = int(finished.sum())
    if progress is not None:
        progress(done, finished.size)
    todo = [tuple(map(int, cell)) for cell in np.argwhere(~finished)]
    with closing(_scored_cells(plan, todo, workers)) as scored:
        for cell, scores in _refused_last(scored, plan.scores, finished.size):
            for name, values in scores.items():
                table[name][cell] = values
            done += 1
            # The summary comes before the last mark, so that a store in which all cells are marked is whole.
            if done == finished.size:
                _summarise(table, plan.scores)
            table[n.FINISHED][cell] = True
            if progress is not None:
                progress(done, finished.size)


def _refused_last(
    scored: Iterable[tuple[Cell, Scores | InvalidInput]], names: Sequence[str], n_cells: int
) -> Iterator[tuple[Cell, Mapping[str, Any]]]:
    """Yield cells with their scores, last those without any estimate, as NaN; raise if all cells are without."""
    refused = {}
    for cell, scores in scored:
        if isinstance(scores, InvalidInput):
            refused[cell] = scores
        else:
            yield cell, scores
    if len(refused) == n_cells and refused:
        raise next(iter(refused.values()))
    yield from ((cell, dict.fromkeys(names, np.nan)) for cell in refused)


def _scored_cells(plan: Plan, cells: Sequence[Cell], workers: int) -> Generator[tuple[Cell, Scores | InvalidInput]]:
    """Yield cells with their scores as they are ready; closing it waits for the cells under way and drops the rest."""
    score = partial(_score_cell, plan)
    if workers == 1:
        yield from ((cell, score(cell)) for cell in cells)
        return
    with one_blas_thread(), ThreadPoolExecutor(workers) as pool:
        under_way = {pool.submit(score, cell): cell for cell in cells}
        try:
            for future in as_completed(under_way):
                yield under_way[future], future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _score_cell(plan: Plan, cell: Cell) -> Scores | InvalidInput:
    """Return the scores of all trials of a cell, each (n_groups, lag, trial), or why there is no estimate in it."""
    n_neurons, sparsity, n_steps = (plan.axes[dim][k] for dim, k in zip(CELL, cell, strict=True))
    batch = max(1, int(BATCH_BYTES / (8 * n_neurons * (n_neurons + n_steps))))
    batches = [range(first, min(first + batch, plan.trials)) for first in range(0, plan.trials, batch)]
    runs = (_simulate(plan, n_neurons, sparsity, n_steps, trials=trials) for trials in batches)
    scores, errors = zip(*(_score_run(plan, run) for run in runs), strict=True)
    if all(errors):
        error: InvalidInput = errors[0]
        return error
    return dict(zip(plan.scores, np.concatenate(scores, axis=-1), strict=True))


def _simulate(plan: Plan, n_neurons: int, sparsity: float, n_steps: int, *, trials: Sequence[int]) -> xr.Dataset:
    """Draw the networks of some trials, and simulate each trial on its own."""
    seeds = [plan.seed + trial for trial in trials]
    networks = [random_connectivity(n_neurons, sparsity=sparsity, seed=seed, rng=plan.rng) for seed in seeds]
    connectivity = xr.DataArray(
        np.stack([network.values for network in networks]),
        {n.TRIAL: list(trials), n.TARGET: np.arange(n_neurons), n.SOURCE: np.arange(n_neurons)},
        name=n.CONNECTIVITY,
    )
    if plan.activity_seed is not None:
        seeds = [plan.activity_seed] * len(trials)
    elif plan.rng == "modern":  # its noise differs from trial to trial by their labels
        seeds = [plan.seed] * len(trials)
    return simulate(connectivity, n_steps=n_steps, seed=seeds, rng=plan.rng)


def _score_run(plan: Plan, run: xr.Dataset) -> tuple[NDArray[np.float64], InvalidInput | None]:
    """Return the scores of a run at every coarse level and lag, (score, n_groups, lag, trial), and why there are none.

    The reason is None if there is any estimate.
    """
    levels, errors = [], []
    for n_groups in plan.axes[n.N_GROUPS]:
        level = coarsen(run, groups=n_groups) if n_groups else run
        R, error = _estimated(plan, level[n.ACTIVITY], plan.axes[n.LAG])
        errors.append(error)
        scores = compare(
            level[n.CONNECTIVITY], R, diagonal=plan.diagonal, permutations=plan.permutations, seed=plan.seed
        )
        levels.append([scores[name].values for name in plan.scores])
    return np.stack(levels, axis=1), errors[0] if all(errors) else None


def _estimated(plan: Plan, activity: xr.DataArray, lags: Sequence[int]) -> tuple[xr.DataArray, InvalidInput | None]:
    """Return the estimate at some lags, (lag, trial, target, source), NaN where it is refused, and why if all of it is.

    What is refused at one lag or for one trial, for which samples are too few, leaves the others.
    """
    try:
        R = compared(estimate(activity, method=plan.estimator, lags=lags), plan.estimator)
        return R if n.LAG in R.dims else R.expand_dims({n.LAG: lags}), None
    except InvalidInput as error:
        if len(lags) > 1:
            dim, parts = n.LAG, [_estimated(plan, activity, [lag]) for lag in lags]
        elif activity.sizes[n.TRIAL] > 1:
            trials = range(activity.sizes[n.TRIAL])
            dim, parts = n.TRIAL, [_estimated(plan, activity.isel({n.TRIAL: [k]}), lags) for k in trials]
        else:
            neurons, trial = activity[n.NEURON].values, activity[n.TRIAL].values
            coords: dict[str, Any] = {n.LAG: lags, n.TRIAL: trial, n.TARGET: neurons, n.SOURCE: neurons}
            return xr.DataArray(np.full([len(each) for each in coords.values()], np.nan), coords), error
        estimates, errors = zip(*parts, strict=True)
        joined = xr.concat(
            estimates, dim, join="exact", combine_attrs="drop_conflicts", coords="minimal", compat="override"
        )
        return joined, errors[0] if all(errors) else None


def _summarise(table: Mapping[str, Any], scores: Sequence[str]) -> None:
    """Write mean, population standard deviation and number of the trials in which each score is defined."""
    for name in scores:
        values = np.asarray(table[name][...])
        defined = ~np.isnan(values)
        n_defined = defined.sum(axis=-1)
        divisor = np.where(n_defined, n_defined, np.nan)
        mean = np.where(defined, values, 0).sum(axis=-1) / divisor
        squares = np.where(defined, (values - mean[..., None]) ** 2, 0)
        table[name + n.SCORE_MEAN][...] = mean
        table[name + n.SCORE_STD][...] = np.sqrt(squares.sum(axis=-1) / divisor)
        table[name + n.SCORE_DEFINED][...] = n_defined
