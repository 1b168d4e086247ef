"""Sweeps: scores of an estimator over size, sparsity, length, coarseness and lag, with trials."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from os import PathLike
from typing import Any, Literal

import numpy as np
import xarray as xr

from netxr import names as n
from netxr.blocks.schedulers import as_ready
from netxr.errors import InvalidInput
from netxr.estimators.table import DEFAULT
from netxr.kernels.units import SIGMOID
from netxr.schema.arguments import check_count, check_listener, check_path
from netxr.simulation.sweep_cell import Cell, Scores, score_cell
from netxr.simulation.sweep_plan import Plan, blank_result, check_plan
from netxr.simulation.sweep_store import resume
from netxr.store.dataset import open as open_store

Units = Literal["sigmoid", "linear", "tanh", "threshold", "lif"]
"""Units of a sweep, by name."""


def sweep(
    *,
    n_neurons: int | Sequence[int] = 100,
    sparsity: float | Sequence[float] = 0.9,
    inhibitory: float | Sequence[float] | None = None,
    coupling: float | Sequence[float] | None = None,
    spectral_radius: float | Sequence[float] | None = None,
    units: Units | Sequence[Units] = "sigmoid",
    common_drive: float | Sequence[float] | None = None,
    n_steps: int | Sequence[int] = 5000,
    observed: float | Sequence[float] | None = None,
    calcium: float | Sequence[float] | None = None,
    every: int | Sequence[int] | None = None,
    n_groups: int | Sequence[int] = 0,
    lag: int | Sequence[int] = 1,
    method: str | Sequence[str] = DEFAULT,
    scores: Sequence[str] | None = None,
    weights: Literal["binary", "lognormal", "normal"] = "binary",
    burn_in: int = 0,
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
    """Score estimators of connectivity over any grid of parameters, with trials.

    Every trial draws a network, simulates it, estimates its connectivity and compares the two, as in the sweeps of
    Neuromatch Academy's tutorial on correlations (W3D5, Network Causality). A cell is one network and its dynamics: it
    is simulated once, and scored in every way that is asked for. With any axis beyond the tutorial's, or several
    methods, that holds for all lengths as well: each is the beginning of the longest.

    Parameters
    ----------
    n_neurons, sparsity, n_steps : number or sequence
        Size of the networks, probability that a weight is 0, and samples a trial.
    inhibitory, coupling, spectral_radius : number or sequence, optional
        As in `random_connectivity`. Like all that follow, a dim of the result where it is given.
    units : str or sequence of str
        As in `simulate`, by name; a sequence of them gives a dim `units`.
    common_drive : number or sequence, optional
        As in `simulate`.
    observed, calcium, every : number or sequence, optional
        Share of the neurons that are recorded, two or more, the others acting unseen; samples in which a calcium
        indicator falls to 1 / e, 0 for none; every how many steps a sample is taken: as in `observe`.
    n_groups : int or sequence of int
        Equal consecutive groups that the recorded neurons are averaged into before estimate and comparison; 0 for none.
    lag : int or sequence of int
        Samples by which the target is read after the source.
    method : str or sequence of str
        Name of the estimator, as `netxr.methods` lists it, or of several, which give a dim `estimator`: all from the
        same simulation and one pass over it. One that does not depend on the lag has the same scores at every lag.
    scores : sequence of str, optional
        Names of scores of `compare`, such as "slope" or "mcc"; the first eight of its attributes if not given.
    weights, burn_in
        As in `random_connectivity` and `simulate`; the same in all cells.
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
        Cells computed side by side. With a client of `dask.distributed`, they are computed on its cluster instead, as
        many as it has threads. Else in threads with one BLAS thread each; the result is the same up to rounding. On
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
        A variable for each score, (n_neurons, sparsity, n_steps, n_groups, lag, trial) and what else was asked for,
        such as `pearson`; `pearson_mean` and `pearson_std` (population standard deviation) over the trials in which it
        is defined, and `pearson_defined`, how many they are. Scores are NaN where the estimate is refused, as for too
        few samples, and where a network that was drawn cannot be scaled or is not stable.
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
        {
            n.N_NEURONS: n_neurons,
            n.SPARSITY: sparsity,
            n.INHIBITORY: inhibitory,
            n.COUPLING: coupling,
            n.SPECTRAL_RADIUS: spectral_radius,
            n.UNITS: None if isinstance(units, str) else units,
            n.COMMON_DRIVE: common_drive,
            n.N_STEPS: n_steps,
            n.OBSERVED: observed,
            n.CALCIUM: calcium,
            n.EVERY: every,
            n.N_GROUPS: n_groups,
            n.LAG: lag,
        },
        trials=trials,
        seed=seed,
        rng=rng,
        activity_seed=activity_seed,
        diagonal=diagonal,
        permutations=permutations,
        method=method,
        scores=scores,
        weights=weights,
        units=units if isinstance(units, str) else SIGMOID,
        burn_in=burn_in,
    )
    workers = check_count("workers", workers)
    if progress is not None:
        check_listener("progress", progress, what="cells done, cells in all")
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
    with closing(as_ready(partial(score_cell, plan), todo, workers=workers)) as scored:
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
