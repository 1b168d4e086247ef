"""Tutorials 1, 3 and 4 of the same day, computed whole: perturbations, regression, and instruments.

Neuromatch Academy, W3D5 (Network Causality). Each section is a Dataset of what a figure or a number needs, in the
tutorials' own random streams.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.special import expit

from netxr import names as n
from netxr.estimators.compare import compare
from netxr.estimators.correlation import lagged_correlation
from netxr.estimators.granger import granger
from netxr.estimators.instruments import instrumental_variables
from netxr.estimators.perturbation import perturbation_effect
from netxr.estimators.regression import regression
from netxr.moments.lagged import lagged_moments
from netxr.schema.arrays import as_activity
from netxr.simulation.networks import random_connectivity
from netxr.simulation.simulate import simulate

SEED: Final = 42
ONE: Final = 1
"""The neuron whose connections are looked at alone."""

SPARSITY: Final = 0.9
STRENGTHS: Final = (2.0, 1.0, 0.5, 0.25, 0.12)
SHARES_OF_50: Final = (1.0, 0.75, 0.5, 0.25, 0.125)
SHARES_OF_40: Final = (1.0, 0.8, 0.6, 0.4, 0.2)
NETWORKS: Final = 3
SIGNIFICANT: Final = 0.05
SIZES: Final = (25, 50, 100)
LENGTHS: Final = (5_000, 20_000)

LASSO: Final = "lasso"
LASSO_WITH_INTERCEPT: Final = "lasso with intercept"
CORRELATION: Final = n.LAGGED_CORRELATION
OF_LOGITS: Final = "regression of logits"
T_OF_LOGITS: Final = "t of logits"
INSTRUMENTS: Final = "instrumental_variables"

QUANTITIES: Final[Mapping[str, str]] = {
    n.PEARSON: "Pearson of A and R",
    n.PEARSON_FROM_ONE: f"Pearson of A and R from neuron {ONE}",
    n.PEARSON_TO_ONE: f"Pearson of A and R to neuron {ONE}",
    n.PEARSON + n.SCORE_MEAN: "Pearson of A and R, mean",
    n.FIRST_STAGE_F: "first-stage F, least",
}
"""What of a section has a reference value, and its name."""


def other_sections() -> dict[str, Callable[[], xr.Dataset]]:
    """Return how to compute each section, by name: that of tutorial 1, those of 3, those of 4."""
    return {
        "perturbation": _perturbation,
        "lasso": _lasso,
        "lasso_observed": _lasso_observed,
        "estimators": _estimators,
        "granger_small": partial(_granger, 6),
        "granger_large": partial(_granger, 100),
        "instruments": _instruments,
        "weak_instruments": _weak_instruments,
        "instruments_observed": _instruments_observed,
    }


def other_quantities(section: xr.Dataset) -> Iterator[tuple[str, xr.DataArray]]:
    """Yield what of a section has reference values."""
    return ((text, section[name]) for name, text in QUANTITIES.items() if name in section)


# --- tutorial 1 --------------------------------------------------------------


def _perturbation() -> xr.Dataset:
    """Return six neurons whose states are set to 0 or 1 in every other frame, and what each does to each."""
    A, n_steps = _network(6), 5000
    weights, random, x = A.values, np.random.RandomState(SEED), np.zeros((n_steps, 6))
    for t in range(n_steps - 1):
        if t % 2 == 0:
            x[t] = random.choice([0, 1], 6)
        x[t + 1] = expit(weights @ x[t] + random.standard_normal(6))
    run = _run(A, x).assign({n.PERTURBED: (n.TIME, np.arange(n_steps) % 2 == 0)})
    effect = perturbation_effect(run, where=run[n.PERTURBED])
    return run.assign(
        {
            n.PERTURBATION_EFFECT: effect,
            n.PEARSON: _score(A, effect),
            n.PEARSON_FROM_ONE: xr.corr(A.sel({n.SOURCE: ONE}), effect.sel({n.SOURCE: ONE})),
        }
    )


# --- tutorial 3 --------------------------------------------------------------


def _lasso() -> xr.Dataset:
    """Return fifty neurons, and the lasso of each on the past of all."""
    run = _simulated(50, n_steps=10_000)
    A, found = run[n.CONNECTIVITY], _lasso_of(run[n.ACTIVITY])
    with_intercept = _lasso_of(run[n.ACTIVITY], intercept=True)
    return run.assign(
        {
            n.COEFFICIENT: found,
            n.PEARSON: _by_estimator({LASSO: _score(A, found), LASSO_WITH_INTERCEPT: _score(A, with_intercept)}),
            n.PEARSON_TO_ONE: xr.corr(A.sel({n.TARGET: ONE}), found.sel({n.TARGET: ONE})),
        }
    )


def _lasso_observed() -> xr.Dataset:
    """Return how lasso and correlation score where only the first of fifty neurons are recorded, three networks."""
    networks = []
    for seed in range(NETWORKS):
        run = _simulated(50, n_steps=5000, seed=seed)
        scores = []
        for share in SHARES_OF_50:
            part = _first(run, share)
            A, activity = part[n.CONNECTIVITY], part[n.ACTIVITY]
            estimates = {LASSO: _lasso_of(activity), CORRELATION: lagged_correlation(activity)}
            scores.append(_by_estimator({name: _score(A, one) for name, one in estimates.items()}))
        networks.append(_along(n.OBSERVED, SHARES_OF_50, scores))
    return _summarised(_along(n.TRIAL, range(NETWORKS), networks))


def _estimators() -> xr.Dataset:
    """Return how estimators score by the size of a network and the length of its recording."""
    sizes = []
    for size in SIZES:
        run = _simulated(size, n_steps=max(LENGTHS))
        parts = [run.isel({n.TIME: slice(length)}) for length in LENGTHS]
        sizes.append(_along(n.N_STEPS, LENGTHS, map(_of_estimators, parts)))
    return _along(n.N_NEURONS, SIZES, sizes).to_dataset(name=n.PEARSON)


def _of_estimators(run: xr.Dataset) -> xr.DataArray:
    """Return the scores of a correlation, and of regressions of states and of their logits.

    Probabilities of an edge are not among them: the search for their two groups ends within some 1e-6 of where it
    would without end, and numbers here agree to ten digits.
    """
    A, activity = run[n.CONNECTIVITY], run[n.ACTIVITY]
    of_logits = regression(lagged_moments(activity, lags=[0, 1], link="logit"))
    estimates = {
        CORRELATION: lagged_correlation(activity),
        OF_LOGITS: of_logits[n.COEFFICIENT],
        T_OF_LOGITS: of_logits[n.T],
        n.REGRESSION_T: regression(activity)[n.T],
        LASSO: _lasso_of(activity),
    }
    return _by_estimator({name: _score(A, one) for name, one in estimates.items()})


def _granger(n_neurons: int) -> xr.Dataset:
    """Return pairwise p-values, and the score of those below .05 from one neuron."""
    run = _simulated(n_neurons, n_steps=5000)
    p = granger(run[n.ACTIVITY], conditional=False)[n.P_VALUE]
    found = (p.sel({n.SOURCE: ONE}) < SIGNIFICANT).astype(float)  # the neuron itself has no p-value, and is not found
    return run.assign({n.P_VALUE: p, n.PEARSON_FROM_ONE: xr.corr(run[n.CONNECTIVITY].sel({n.SOURCE: ONE}), found)})


def _lasso_of(activity: xr.DataArray, *, intercept: bool = False) -> xr.DataArray:
    """Return the coefficients of what drives a neuron, the logit of its state, on the states one step before."""
    moments = lagged_moments(activity, lags=[0, 1], link="logit")
    return regression(moments, penalty="lasso", alpha=0.01, intercept=intercept)[n.COEFFICIENT]


# --- tutorial 4 --------------------------------------------------------------


def _instruments() -> xr.Dataset:
    """Return six neurons with an instrument each, and what each neuron does to each by way of these."""
    run = _stimulated(6, n_steps=10_000, strength=2.0)
    found = _by_instruments(run)
    return run.assign({n.COEFFICIENT: found[n.COEFFICIENT], n.PEARSON: _score(run[n.CONNECTIVITY], found.coefficient)})


def _weak_instruments() -> xr.Dataset:
    """Return how instruments of twenty neurons score the weaker they are, and the least F of a first stage."""
    rows = []
    for strength in STRENGTHS:
        runs = [_stimulated(20, n_steps=10_000, strength=strength, seed=seed) for seed in range(NETWORKS)]
        fits = [_by_instruments(run) for run in runs]
        scored = [_score(run[n.CONNECTIVITY], fit[n.COEFFICIENT]) for run, fit in zip(runs, fits, strict=True)]
        least = min(fit[n.FIRST_STAGE_F].min() for fit in fits)
        rows.append(_summarised(_along(n.TRIAL, range(NETWORKS), scored)).assign({n.FIRST_STAGE_F: least}))
    return xr.concat(rows, xr.Variable(n.INSTRUMENT, list(STRENGTHS)))


def _instruments_observed() -> xr.Dataset:
    """Return how instruments and correlation score where only the first of forty neurons are recorded."""
    run, scores = _stimulated(40, n_steps=20_000, strength=2.0), []
    for share in SHARES_OF_40:
        part = _first(run, share)
        A, R = part[n.CONNECTIVITY], lagged_correlation(part[n.ACTIVITY])
        scores.append(
            _by_estimator({INSTRUMENTS: _score(A, _by_instruments(part)[n.COEFFICIENT]), CORRELATION: _score(A, R)})
        )
    return _along(n.OBSERVED, SHARES_OF_40, scores).to_dataset(name=n.PEARSON)


def _stimulated(n_neurons: int, *, n_steps: int, strength: float, seed: int = SEED) -> xr.Dataset:
    """Return a run in which each neuron has an instrument: x' = sigmoid(A x + strength z' + noise)."""
    A = _network(n_neurons, seed)
    random = np.random.RandomState(seed)
    random.choice([0, 1], size=A.shape, p=[SPARSITY, 1 - SPARSITY])  # the network was drawn first
    z = random.choice([0, 1], size=(n_neurons, n_steps))
    drive = strength * z[:, 1:].T + random.standard_normal((n_steps - 1, n_neurons))
    weights, x = A.values, np.zeros((n_steps, n_neurons))
    for t in range(n_steps - 1):
        x[t + 1] = expit(weights @ x[t] + drive[t])
    instruments = xr.DataArray(z, {n.INPUT: A[n.SOURCE].values}, (n.INPUT, n.TIME))
    return _run(A, x).assign({n.INPUTS: instruments})


def _by_instruments(run: xr.Dataset) -> xr.Dataset:
    """Return effects on what drives a neuron, the logit of its state, by way of the instruments."""
    moments = lagged_moments(run[n.ACTIVITY], inputs=run[n.INPUTS], link="logit")
    return instrumental_variables(moments, instruments=run[n.INPUT])


# --- what they share ---------------------------------------------------------


def _network(n_neurons: int, seed: int = SEED) -> xr.DataArray:
    """Return a network of the tutorials' stream."""
    return random_connectivity(n_neurons, sparsity=SPARSITY, seed=seed, rng="legacy")


def _simulated(n_neurons: int, *, n_steps: int, seed: int = SEED) -> xr.Dataset:
    """Return a run of the tutorials' model, without trials."""
    run = simulate(_network(n_neurons, seed), n_steps=n_steps, seed=SEED, rng="legacy")
    return run.isel({n.TRIAL: 0}, drop=True)


def _run(A: xr.DataArray, states: NDArray[np.float64]) -> xr.Dataset:
    """Return a network and its states, (time, neuron)."""
    activity = as_activity(states, dims=(n.TIME, n.NEURON), neurons=A[n.SOURCE].values.tolist())
    return xr.Dataset({n.ACTIVITY: activity, n.CONNECTIVITY: A}, attrs=A.attrs)


def _first(run: xr.Dataset, share: float) -> xr.Dataset:
    """Return the first neurons of a run, and their inputs."""
    kept = slice(int(share * run.sizes[n.NEURON]))
    return run.isel(dict.fromkeys({n.NEURON, n.TARGET, n.SOURCE, n.INPUT} & set(run.dims), kept))


def _score(A: xr.DataArray, R: xr.DataArray) -> xr.DataArray:
    """Return the Pearson correlation of all entries."""
    return compare(A, R, diagonal=True, permutations=0)[n.PEARSON]


def _by_estimator(scores: Mapping[str, xr.DataArray]) -> xr.DataArray:
    """Return scores along their estimators."""
    return _along(n.ESTIMATOR, list(scores), scores.values())


def _along(dim: str, labels: Iterable[Any], parts: Iterable[xr.DataArray]) -> xr.DataArray:
    """Return arrays along a new dim."""
    return xr.concat(list(parts), xr.Variable(dim, list(labels)), combine_attrs="drop_conflicts")


def _summarised(scores: xr.DataArray) -> xr.Dataset:
    """Return scores of trials with their mean, population deviation and number, of those that are defined."""
    summary = {
        n.PEARSON: scores,
        n.PEARSON + n.SCORE_MEAN: scores.mean(n.TRIAL),
        n.PEARSON + n.SCORE_STD: scores.std(n.TRIAL),
        n.PEARSON + n.SCORE_DEFINED: scores.count(n.TRIAL),
    }
    return xr.Dataset(summary)
