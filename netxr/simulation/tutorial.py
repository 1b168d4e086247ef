"""The tutorial on correlations, computed whole and held against its reference values.

Neuromatch Academy, W3D5 (Network Causality), Tutorial 2: Correlations. Each section is a Dataset of what a
figure or a number of the tutorial needs, in the tutorial's own random streams.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.resources import files
from typing import Any, Final, NamedTuple

import numpy as np
import xarray as xr

from netxr import names as n
from netxr.estimators.compare import compare
from netxr.estimators.correlation import lagged_correlation
from netxr.moments.coarse import coarsen
from netxr.simulation.networks import random_connectivity
from netxr.simulation.other_tutorials import other_quantities, other_sections
from netxr.simulation.simulate import simulate
from netxr.simulation.sweep import sweep

SEED: Final = 42
ONE_SOURCE: Final = 1
"""The neuron whose outgoing connections the first exercise estimates."""

DEMO_SIZES: Final = range(6, 43, 3)
DEMO_SPARSITIES: Final = tuple(round(0.01 * k, 2) for k in range(1, 100))
SWEEP_SIZES: Final = (5, 10, 25, 50, 100)
COARSE_GROUPS: Final = 16
SWEEP_GROUPS: Final = (4, 8, 16, 32, 64)

TOLERANCE: Final = 1e-10
"""Difference up to which a number agrees with its reference; other machines round other last digits."""

Sections = dict[str, xr.Dataset]


class Check(NamedTuple):
    """A number of the tutorial beside its reference; NaN stands for an undefined score."""

    section: str
    quantity: str
    """What the number is."""
    value: float
    reference: float
    """What came out, and what should; for arrays, the entry that differs most."""
    difference: float
    """Largest absolute difference; 0 where both are undefined, infinite where only one is."""

    @property
    def agrees(self) -> bool:
        """Whether the number is its reference."""
        return self.difference <= TOLERANCE


def run_tutorial(progress: Callable[[int, int], object] | None = None, *, others: bool = False) -> Sections:
    """Compute every section of the tutorial.

    Parameters
    ----------
    progress : callable, optional
        Called with (sections done, sections in all).
    others : bool
        Whether to compute tutorials 1, 3 and 4 of the same day as well.

    Returns
    -------
    dict of Dataset
        By name of section: runs with `activity`, `connectivity`, `lagged_correlation` and scores ("small", "large",
        "fine", "coarse"), both matrices and their Pearson correlation for each size ("size_06" to "size_42") and
        over sparsity ("sparsity_demo"), and sweeps of scores ("size_sweep", "coarse_sweep"). Of tutorial 1: a run whose
        states were set ("perturbation"). Of tutorial 3: runs with their estimates ("lasso", "granger_small",
        "granger_large"), scores over the share of neurons that were recorded ("lasso_observed"), and of estimators
        by the size of the network and the length of the recording ("estimators"). Of tutorial 4: a run with `inputs`
        ("instruments"), and scores over their strength and the recorded share ("weak_instruments",
        "instruments_observed").
    """
    own, other = _sections(), other_sections() if others else {}
    done: Sections = {}
    for name in (*own, *other):
        done[name] = own[name](done) if name in own else other[name]()
        if progress is not None:
            progress(len(done), len(own) + len(other))
    return done


def check_tutorial(sections: Mapping[str, xr.Dataset]) -> list[Check]:
    """Hold the sections that `run_tutorial` returned against the reference values.

    Returns
    -------
    list of Check
        One for each score, and one for each array of samples, weights or correlations.
    """
    folder = files("netxr.simulation")
    reference: dict[str, Any] = {}
    for name in ("tutorial_reference.json", "other_tutorials_reference.json"):
        reference |= json.loads((folder / name).read_text("utf-8"))
    return [
        _check(name, quantity, value, reference[name][quantity])
        for name, section in sections.items()
        for quantity, value in _quantities(name, section)
    ]


def _sections() -> dict[str, Callable[[Sections], xr.Dataset]]:
    """Return how to compute each section from those before it, in the order of the tutorial."""
    demos = {f"size_{size:02}": lambda _, size=size: _demo(size) for size in DEMO_SIZES}
    return {
        "small": lambda _: _scored(_simulated(6, n_steps=5000), permutations=999),
        "large": lambda _: _scored(_simulated(100, n_steps=5000), permutations=999),
        **demos,
        "size_sweep": lambda _: sweep(
            n_neurons=SWEEP_SIZES, n_steps=1000, trials=5, seed=0, activity_seed=SEED, rng="legacy"
        ),
        "sparsity_demo": lambda _: _sparsity_demo(),
        "fine": lambda _: _scored(_simulated(256, n_steps=10_000)),
        "coarse": lambda done: _scored(
            coarsen(done["fine"][[n.ACTIVITY, n.CONNECTIVITY]], groups=COARSE_GROUPS), permutations=999
        ),
        "coarse_sweep": lambda _: sweep(
            n_neurons=128, n_groups=SWEEP_GROUPS, n_steps=5000, trials=3, seed=0, rng="legacy"
        ),
    }


def _simulated(n_neurons: int, *, n_steps: int) -> xr.Dataset:
    """Draw a network and simulate it, in the tutorial's streams."""
    network = random_connectivity(n_neurons, seed=SEED, rng="legacy")
    return simulate(network, n_steps=n_steps, seed=SEED, rng="legacy")


def _scored(run: xr.Dataset, *, permutations: int = 0) -> xr.Dataset:
    """Add the lag-1 correlation and its scores, diagonal included as in the tutorial."""
    estimate = lagged_correlation(run[n.ACTIVITY], lag=1)
    scores = compare(run[n.CONNECTIVITY], estimate, diagonal=True, permutations=permutations)
    return run.assign({n.LAGGED_CORRELATION: estimate, **scores.data_vars})


def _demo(n_neurons: int) -> xr.Dataset:
    """Return what the slider over size shows at one setting: both matrices and the score."""
    run = _scored(_simulated(n_neurons, n_steps=2000))
    return run[[n.CONNECTIVITY, n.LAGGED_CORRELATION, n.PEARSON]]


def _sparsity_demo() -> xr.Dataset:
    """Return the matrices and the score of 25 neurons over sparsity, computed side by side as trials."""
    networks = [random_connectivity(25, sparsity=sparsity, seed=SEED, rng="legacy") for sparsity in DEMO_SPARSITIES]
    as_trials = xr.concat(networks, xr.Variable(n.TRIAL, range(len(networks))), combine_attrs="drop_conflicts")
    run = _scored(simulate(as_trials, n_steps=2000, seed=[SEED] * len(networks), rng="legacy"))
    matrices = run[[n.CONNECTIVITY, n.LAGGED_CORRELATION, n.PEARSON]]
    return matrices.assign_coords({n.TRIAL: list(DEMO_SPARSITIES)}).rename({n.TRIAL: n.SPARSITY})


def _quantities(name: str, section: xr.Dataset) -> Iterator[tuple[str, Any]]:
    """Yield what of a section has a reference value."""
    if name == "small":
        activity = section[n.ACTIVITY].isel({n.TRIAL: 0}).transpose(n.NEURON, n.TIME)
        yield "A", section[n.CONNECTIVITY]
        yield "X, first steps", activity.isel({n.TIME: slice(4)})
        yield "X, mean over time", activity.mean(n.TIME)
    if name in ("small", "coarse"):
        estimate = section[n.LAGGED_CORRELATION].isel({n.TRIAL: 0}).transpose(n.TARGET, n.SOURCE)
        yield "R", estimate
        if name == "small":
            yield "R from neuron 1", estimate.sel({n.SOURCE: ONE_SOURCE})
        else:
            yield "A", section[n.CONNECTIVITY]
    for quantity, values in _scores(name, section):
        for at, score in _cells(values):
            yield f"{quantity}{at}", score


def _scores(name: str, section: xr.Dataset) -> Iterable[tuple[str, xr.DataArray]]:
    """Return the scores of a section that have references, and their names."""
    return other_quantities(section) if name in other_sections() else [("Pearson of A and R", section[n.PEARSON])]


def _cells(scores: xr.DataArray) -> Iterator[tuple[str, float]]:
    """Yield each score with the settings that it belongs to."""
    axes = [dim for dim in scores.dims if scores.sizes[dim] > 1]
    stacked = scores.squeeze().stack(cell=axes) if axes else scores.squeeze()
    if not axes:
        yield "", float(stacked)
        return
    for cell in stacked:
        at = ", ".join(f"{dim} {_label(cell[dim].item())}" for dim in axes)
        yield f", {at}", float(cell)


def _label(value: Any) -> str:
    """Return a setting in a word."""
    return value if isinstance(value, str) else f"{value:g}"


def _check(section: str, quantity: str, value: Any, reference: Any) -> Check:
    """Compare a number, or an array entry by entry."""
    got = np.ravel(np.asarray(value, np.float64))
    wanted = np.ravel(np.asarray(reference, np.float64))
    if got.shape != wanted.shape:
        return Check(section, quantity, np.nan, np.nan, np.inf)
    difference = np.where(np.isnan(got) & np.isnan(wanted), 0.0, np.abs(got - wanted))
    difference = np.where(np.isnan(difference), np.inf, difference)
    worst = int(np.argmax(difference))
    return Check(section, quantity, float(got[worst]), float(wanted[worst]), float(difference[worst]))
