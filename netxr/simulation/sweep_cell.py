"""One cell of a sweep: networks are drawn, simulated once, and scored in every way that the cell is scored in."""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import product
from typing import Any, Final
from uuid import uuid4

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from netxr import names as n
from netxr.blocks.progress import Part
from netxr.errors import InvalidInput
from netxr.estimators.apply import compared, lags_needed
from netxr.estimators.compare import score_pair
from netxr.estimators.estimate import estimate
from netxr.estimators.table import estimator
from netxr.moments.coarse import coarsen
from netxr.moments.lagged import lagged_moments
from netxr.moments.merge import continued
from netxr.simulation.networks import random_connectivity
from netxr.simulation.observe import observe
from netxr.simulation.simulate import simulate
from netxr.simulation.sweep_plan import Plan, of_axes, samples_in

BATCH_BYTES: Final = 256e6
"""Trials of a cell are simulated together as long as their activity, what is copied of it and networks fit in here."""

Cell = tuple[int, ...]
"""Where a cell stands along the dims of cells."""

Scores = dict[str, NDArray[np.float64]]

Scored = tuple[NDArray[np.float64], InvalidInput | None]
"""Scores, (score, dims within a cell, trial), NaN where there is no estimate, and why there is none at all."""

MODEL: Final = ("network", "dynamics")
"""What the axes of a simulation act on."""

OBSERVATION: Final = (n.OBSERVED, n.CALCIUM, n.EVERY)
"""What a recording shows of a run, in the order of the dims."""

REFUSED: Final = (n.SPARSITY, n.SPECTRAL_RADIUS, n.CONNECTIVITY)
"""What an error is about where a network that was drawn cannot be scaled, or its activity grows without end."""


def score_cell(plan: Plan, cell: Cell) -> Scores | InvalidInput:
    """Return the scores of all trials of a cell, over the dims within a cell, or why there is no estimate."""
    at = {dim: plan.axes[dim][k] for dim, k in zip(plan.cell, cell, strict=True)}
    lengths = [at.pop(n.N_STEPS)] if n.N_STEPS in at else plan.axes[n.N_STEPS]
    n_neurons = at[n.N_NEURONS]
    each = 8 * n_neurons * (n_neurons + max(lengths)) * (1 + _copied(plan))
    batch = max(1, int(BATCH_BYTES / each))
    batches = [range(first, min(first + batch, plan.trials)) for first in range(0, plan.trials, batch)]
    scores, errors = zip(*(_score_trials(plan, at, lengths, trials) for trials in batches), strict=True)
    if all(errors):
        error: InvalidInput = errors[0]
        return error
    return dict(zip(plan.scores, np.concatenate(scores, axis=-1), strict=True))


def _copied(plan: Plan) -> float:
    """Return which share of the activity is copied at most to show what is recorded of it."""
    if {n.CALCIUM, n.EVERY} & set(plan.axes):
        return 1.0
    return max((share for share in plan.axes.get(n.OBSERVED, []) if share < 1), default=0.0)


def _score_trials(plan: Plan, at: dict[str, Any], lengths: Sequence[int], trials: Sequence[int]) -> Scored:
    """Return the scores of some trials, NaN for one whose network cannot be scaled, or grows without end."""
    try:
        run = _simulated(plan, at, n_steps=max(lengths), trials=trials)
    except InvalidInput as refused:
        if refused.argument not in REFUSED:
            raise
        error = _kept(refused)
    else:
        return _score_run(plan, run, lengths)
    if len(trials) == 1:
        blank = np.full((len(plan.scores), *(len(plan.axes[dim]) for dim in plan.within), 1), np.nan)
        return blank, of_axes(plan, error)
    scores, errors = zip(*(_score_trials(plan, at, lengths, [trial]) for trial in trials), strict=True)
    return np.concatenate(scores, axis=-1), errors[0] if all(errors) else None


def _kept(error: InvalidInput) -> InvalidInput:
    """Return an error without the frames that it came through, which would hold the samples of the cell with it."""
    error.__context__ = None
    return error.with_traceback(None)


def _simulated(plan: Plan, at: dict[str, Any], *, n_steps: int, trials: Sequence[int]) -> xr.Dataset:
    """Draw the networks of some trials, and simulate each trial on its own."""
    seeds = [plan.seed + trial for trial in trials]
    of_network, of_dynamics = ({dim: at[dim] for dim in plan.acting_on(part) if dim in at} for part in MODEL)
    networks = [random_connectivity(**of_network, weights=plan.weights, seed=seed, rng=plan.rng) for seed in seeds]
    neurons = np.arange(at[n.N_NEURONS])
    connectivity = xr.DataArray(
        np.stack([network.values for network in networks]),
        {n.TRIAL: list(trials), n.TARGET: neurons, n.SOURCE: neurons},
        name=n.CONNECTIVITY,
    )
    if plan.activity_seed is not None:
        seeds = [plan.activity_seed] * len(trials)
    elif plan.rng == "modern":  # its noise differs from trial to trial by their labels
        seeds = [plan.seed] * len(trials)
    options = {n.UNITS: plan.units, n.BURN_IN: plan.burn_in, **of_dynamics}
    return simulate(connectivity, n_steps=n_steps, seed=seeds, rng=plan.rng, **options)


def _score_run(plan: Plan, run: xr.Dataset, lengths: Sequence[int]) -> Scored:
    """Return the scores of a run."""
    seen = [len(plan.axes.get(dim, [None])) for dim in (*OBSERVATION, n.N_GROUPS, n.LAG)]
    found = np.empty((len(plan.scores), len(lengths), *seen, len(plan.methods), run.sizes[n.TRIAL]))
    order = np.argsort(lengths)
    errors = []
    for place, every, level in _levels(plan, run):
        samples = _by_length(plan, level[n.ACTIVITY], [samples_in(lengths[k], every) for k in order])
        for k, data in zip(order, samples, strict=True):
            for m, method in enumerate(plan.methods):
                R, error = _estimated(method, data, plan.axes[n.LAG])
                errors.append(error)
                scores = _scored(plan, level[n.CONNECTIVITY], R)
                if not estimator(method).signed:
                    scores[[name == n.ROC_AUC_INHIBITORY for name in plan.scores]] = np.nan
                found[(slice(None), k, *place, slice(None), m)] = scores
    within = [len(plan.axes[dim]) for dim in plan.within]
    return found.reshape(len(plan.scores), *within, -1), errors[0] if all(errors) else None


def _scored(plan: Plan, truth: xr.DataArray, estimate: xr.DataArray) -> NDArray[np.float64]:
    """Return the scores of estimates of all trials, (score, lag, trial), those of `compare` for the same neurons.

    Those alone that the sweep is asked for, and without labels to align: of few neurons these would take longest.
    """
    A = truth.transpose(n.TRIAL, n.TARGET, n.SOURCE).values
    R = estimate.transpose(n.LAG, n.TRIAL, n.TARGET, n.SOURCE).values
    neurons = np.arange(A.shape[-1])
    score = partial(
        score_pair,
        names=plan.scores,
        targets=neurons,
        sources=neurons,
        diagonal=plan.diagonal,
        permutations=plan.permutations,
        seed=plan.seed,
        part=Part(uuid4().hex, "", plan.permutations * len(R) * len(A)),
    )
    return np.moveaxis(np.array([[score(a, r) for a, r in zip(A, own, strict=True)] for own in R]), -1, 0)


def _levels(plan: Plan, run: xr.Dataset) -> Iterator[tuple[tuple[int, ...], int, xr.Dataset]]:
    """Yield what is recorded of a run in every way, and at every coarse level: its place, every how many steps, it."""
    ways = (enumerate(plan.axes.get(dim, [None])) for dim in OBSERVATION)
    for (o, share), (c, calcium), (e, every) in product(*ways):
        view = run
        if any([share not in (None, 1), calcium, every not in (None, 1)]):
            view = observe(run, neurons=share, calcium=calcium or None, every=every or 1, seed=plan.seed)
        for g, n_groups in enumerate(plan.axes[n.N_GROUPS]):
            yield (o, c, e, g), every or 1, coarsen(view, groups=n_groups) if n_groups else view


def _by_length(plan: Plan, activity: xr.DataArray, lengths: Sequence[int]) -> Iterator[xr.DataArray | xr.Dataset]:
    """Yield what estimates are made of, for each of some ascending numbers of samples, from one pass over all.

    That is the activity itself where there is a single estimate, or where samples are too few for some lag: each
    estimator then says for itself whether they are. Otherwise it is moments, to which each length adds its own samples.
    """
    if len(lengths) == len(plan.methods) == 1:
        yield activity
        return
    lags = lags_needed([estimator(method) for method in plan.methods], plan.axes[n.LAG])
    least, start = max(lags) + 2, 0
    moments: xr.Dataset | None = None
    for stop in lengths:
        if stop < least:
            yield activity.isel({n.TIME: slice(stop)})
            continue
        if moments is None or stop - start < least:  # too few by themselves
            moments = lagged_moments(activity.isel({n.TIME: slice(stop)}), lags=lags)
        else:
            moments = continued(moments, lagged_moments(activity.isel({n.TIME: slice(start, stop)}), lags=lags))
        start = stop
        yield moments


def _estimated(
    method: str, data: xr.DataArray | xr.Dataset, lags: Sequence[int]
) -> tuple[xr.DataArray, InvalidInput | None]:
    """Return the estimate at some lags, (lag, trial, target, source), NaN where it is refused, and why if all of it is.

    What is refused at one lag or for one trial, for which samples are too few, leaves the others.
    """
    try:
        R = compared(estimate(data, method=method, lags=lags), method)
    except InvalidInput as refused:
        error = _kept(refused)
    else:
        return R if n.LAG in R.dims else R.expand_dims({n.LAG: lags}), None
    if len(lags) > 1:
        dim, parts = n.LAG, [_estimated(method, data, [lag]) for lag in lags]
    elif data.sizes[n.TRIAL] > 1:
        trials = range(data.sizes[n.TRIAL])
        dim, parts = n.TRIAL, [_estimated(method, data.isel({n.TRIAL: [k]}), lags) for k in trials]
    else:
        neurons = data[n.NEURON if n.NEURON in data.dims else n.TARGET].values
        coords: dict[str, Any] = {n.LAG: lags, n.TRIAL: data[n.TRIAL].values, n.TARGET: neurons, n.SOURCE: neurons}
        return xr.DataArray(np.full([len(each) for each in coords.values()], np.nan), coords), error
    estimates, errors = zip(*parts, strict=True)
    joined = xr.concat(
        estimates, dim, join="exact", combine_attrs="drop_conflicts", coords="minimal", compat="override"
    )
    return joined, errors[0] if all(errors) else None
