"""Two matrices from the folder, for the neurons that both have, and how similar they are."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import xarray as xr

import netxr
from netxr import names as n
from netxr.app.frame.limits import check_size
from netxr.errors import InvalidInput
from netxr.estimators.overlap import shared_entries
from netxr.estimators.table import estimates_in, name_in_words
from netxr.plot.panels.dashboards import place_of_lag
from netxr.schema.variables import MOMENT_SPECS, labels_of

FURTHER: Final = {n.TRIAL, n.LAG}
"""Dims along which one entry is compared."""

MOMENTS: Final = {spec.name for spec in MOMENT_SPECS}


class Pick(NamedTuple):
    """A matrix in the folder.

    Parameters
    ----------
    store : str
        Name of its store.
    variable : str
        Name in the store; "" for its estimate, or else for any matrix it has.
    trial : int
        Position, if there are several.
    lag : int or None
        Lag, if there are several; None for lag 1, or the first other than 0.
    """

    store: str
    variable: str
    trial: int
    lag: int | None


class Pair(NamedTuple):
    """Two matrices for the neurons that both have, (target, source), and how similar they are.

    Parameters
    ----------
    A, R : DataArray
        In memory.
    names : (str, str)
        What they are called.
    scores : Dataset
        As `netxr.compare` returns them.
    with_truth : bool
        Whether A is a true connectivity, and R is not.
    """

    A: xr.DataArray
    R: xr.DataArray
    names: tuple[str, str]
    scores: xr.Dataset
    with_truth: bool


def matrices_in(run: xr.Dataset) -> list[str]:
    """Return the names of the matrices in a store: estimates first."""
    found = [
        str(name)
        for name, variable in run.data_vars.items()
        if {n.TARGET, n.SOURCE} <= set(variable.dims) <= {n.TARGET, n.SOURCE} | FURTHER and name not in MOMENTS
    ]
    estimates = estimates_in(run)
    return sorted(found, key=lambda name: name not in estimates)


def matrix_choices(run: xr.Dataset) -> dict[str, str]:
    """Return {text: name} of the matrices in a store: with the names of their estimators."""
    words = {name: name_in_words(run[name]) for name in matrices_in(run)}
    return {name if said == name else f"{said} ({name})": name for name, said in words.items()}


def lags_of(matrix: xr.DataArray) -> list[int]:
    """Return the lags of a matrix, if it has a dim of them."""
    return labels_of(matrix, n.LAG).tolist() if n.LAG in matrix.dims else []


def trials_of(matrix: xr.DataArray) -> dict[str, int]:
    """Return {text: position} of the trials of a matrix."""
    n_trials = matrix.sizes.get(n.TRIAL, 1)
    return {f"{k + 1} of {n_trials}": k for k in range(n_trials)}


def variable_of(run: xr.Dataset, pick: Pick) -> str:
    """Return the name of the picked matrix."""
    there = matrices_in(run)
    if not there or pick.variable not in ("", *there):
        got = repr(pick.variable) if pick.variable else f"{pick.store}, which has no matrix"
        fix = "Estimate its connectivity in the tab Recording, and save it." if not there else ""
        expected = f"one of {', '.join(there)}" if there else "a store with connectivity or an estimate"
        raise InvalidInput("matrix", got=got, expected=expected, fix=fix)
    return pick.variable or there[0]


def picked(run: xr.Dataset, pick: Pick) -> xr.DataArray:
    """Return the picked matrix, lazily, (target, source)."""
    matrix = run[variable_of(run, pick)]
    if n.TRIAL in matrix.dims:
        n_trials = matrix.sizes[n.TRIAL]
        if pick.trial >= n_trials:
            raise InvalidInput("trial", got=f"{pick.trial}", expected=f"a position from 0 to {n_trials - 1}")
        matrix = matrix.isel({n.TRIAL: pick.trial})
    if n.LAG in matrix.dims:
        held = labels_of(matrix, n.LAG).tolist()
        if pick.lag is not None and pick.lag not in held:
            raise InvalidInput("lag", got=f"{pick.lag}", expected=f"one of {', '.join(map(str, held))}")
        matrix = matrix.isel({n.LAG: place_of_lag(held, asked=pick.lag)})
    return matrix.assign_coords({dim: labels_of(matrix, dim) for dim in (n.TARGET, n.SOURCE)})


def name_of(run: xr.Dataset, pick: Pick) -> str:
    """Return what to call a picked matrix."""
    matrix = run[variable_of(run, pick)]
    parts = [pick.store, str(matrix.name)]
    if matrix.sizes.get(n.TRIAL, 1) > 1:
        parts.append(f"trial {pick.trial + 1}")
    if n.LAG in matrix.dims:
        parts.append(f"lag {picked(run, pick)[n.LAG].item()}")
    return ", ".join(parts)


def pair_of(
    runs: tuple[xr.Dataset, xr.Dataset],
    picks: tuple[Pick, Pick],
    *,
    diagonal: bool,
    memory: int,
    compute: Callable[[Any], Any],
) -> Pair:
    """Return two picked matrices in memory, for the neurons that both have, and score how similar they are."""
    lazy = [picked(run, pick) for run, pick in zip(runs, picks, strict=True)]
    check_size(max(matrix.sizes[n.TARGET] for matrix in lazy), len(lazy), memory=memory)
    A, R = (compute(matrix) for matrix in lazy)
    scores = netxr.compare(A, R, diagonal=diagonal, permutations=0)
    names = tuple(name_of(run, pick) for run, pick in zip(runs, picks, strict=True))
    shared_A, shared_R, _ = shared_entries(A, R, arguments=("first", "second"))
    return Pair(shared_A, shared_R, (names[0], names[1]), scores, _is_truth(A) and not _is_truth(R))


def _is_truth(matrix: xr.DataArray) -> bool:
    """Return whether a matrix is a true connectivity."""
    return matrix.name == n.CONNECTIVITY and n.ESTIMATOR not in matrix.attrs


def overlap_text(pair: Pair) -> str:
    """Say how many neurons are compared, and how many are left out."""
    counts = (n.N_NEURONS_SHARED, n.N_NEURONS_ONLY_TRUTH, n.N_NEURONS_ONLY_ESTIMATE)
    shared, only_first, only_second = (int(pair.scores[name]) for name in counts)
    left_out = [
        f"{count:,} only in {name}" for count, name in zip((only_first, only_second), pair.names, strict=True) if count
    ]
    return f"{shared:,} neurons compared" + (f"; left out: {', '.join(left_out)}." if left_out else ".")
