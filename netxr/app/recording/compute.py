"""An estimate of a recording: taken from its store or computed, scored, and made ready to be saved."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np
import xarray as xr

import netxr
from netxr import names as n
from netxr.app.frame.limits import axes_text, check_size
from netxr.app.recording.choice import ALL, NEURONS, POOLED, Choice, chosen_activity, chosen_truth, lags_of
from netxr.errors import InvalidInput
from netxr.estimators.apply import compared
from netxr.estimators.table import estimator
from netxr.plot.panels.dashboards import place_of_lag
from netxr.schema.clock import clock_of
from netxr.schema.words import text_of

COPIES: Final = 6
"""Most copies of an excerpt that are held while it is drawn."""


MOST_FORETOLD: Final = 300
MOST_READ_AGAIN: Final = 2**30
"""Neurons and bytes of a recording of which is said how well estimators would find its network: in some seconds."""


class Estimate(NamedTuple):
    """An estimate of a recording.

    Parameters
    ----------
    R : DataArray
        In memory, ([lag, ][trial, ]target, source).
    stored : bool
        Whether it was in the store already.
    foretold : str
        How well estimators would find a network like this one, where there is no truth to score them against.
    """

    R: xr.DataArray
    stored: bool
    foretold: str = ""


class Scored(NamedTuple):
    """An estimate beside the truth.

    Parameters
    ----------
    R : DataArray
        In memory, ([lag, ]target, source).
    A : DataArray or None
        The true connectivity of the same neurons or groups, (target, source), if it is known.
    scores : Dataset or None
        How well the two agree, ([lag]).
    """

    R: xr.DataArray
    A: xr.DataArray | None
    scores: xr.Dataset | None


def stored_estimate(run: xr.Dataset, choice: Choice) -> xr.DataArray | None:
    """Return the estimate in the store, lazily, if it is the one asked for."""
    if choice.method not in run or choice.level != NEURONS or choice.neurons.strip() != ALL or choice.is_cleaned:
        return None
    R, lags = run[choice.method], lags_of(choice.lags)
    held = np.atleast_1d(R[n.LAG].values).tolist() if n.LAG in R.coords else []
    several = run[n.ACTIVITY].sizes.get(n.TRIAL, 1) > 1
    apart = n.TRIAL in R.dims
    if n.OUTDATED in R.attrs or R.attrs.get(n.MISSING, "raise") != choice.missing:
        return None
    if estimator(choice.method).has_lag and not set(lags) <= set(held):
        return None
    if several and apart == (choice.trial == POOLED):
        return None
    if n.LAG in R.dims:
        places = [held.index(lag) for lag in lags]
        R = R.isel({n.LAG: places if len(lags) > 1 else places[0]})
    return R.isel({n.TRIAL: [max(choice.trial, 0)]}) if apart else R


def excerpt_of(activity: xr.DataArray, *, start: int, length: int, memory: int) -> xr.DataArray:
    """Return a part of one trial in memory, (neuron, time), with the time at which it begins."""
    n_steps = activity.sizes[n.TIME]
    if start >= n_steps:
        raise InvalidInput("start", got=f"{start:,}", expected=f"a sample of the recording, 0 to {n_steps - 1:,}")
    one = activity.isel({n.TRIAL: 0}) if n.TRIAL in activity.dims else activity
    part = one.isel({n.TIME: slice(start, start + length)}).transpose(n.NEURON, n.TIME)
    needed = COPIES * part.nbytes
    if needed > memory:
        raise InvalidInput(
            "length",
            got=f"{part.sizes[n.TIME]:,} samples of {part.sizes[n.NEURON]:,} neurons, which take {text_of(needed)}",
            expected=f"at most {text_of(memory)}",
            fix=f"Show fewer samples.{axes_text(part.sizes[n.NEURON], n_steps)}",
        )
    if n.TIME in part.coords:
        return part.compute()
    interval, _, first = clock_of(one)
    return part.assign_attrs({n.START_TIME: first + start * interval}).compute()


def estimate_of(
    run: xr.Dataset, choice: Choice, *, memory: int, compute: Callable[[Any], Any], afresh: bool = False
) -> Estimate:
    """Estimate the connectivity of a recording, or take the estimate from its store.

    Parameters
    ----------
    run : Dataset
        The recording, opened lazily.
    choice : Choice
        What of it.
    memory : int
        Most bytes it may take.
    compute : callable
        Returns a lazy DataArray in memory.
    afresh : bool
        Whether to estimate even if the store has an estimate.
    """
    activity, lags = chosen_activity(run, choice), lags_of(choice.lags)
    check_size(activity.sizes[n.NEURON], len(lags), memory=memory, n_samples=activity.sizes[n.TIME])
    stored = None if afresh else stored_estimate(run, choice)
    if stored is not None:
        return Estimate(compute(stored), stored=True)
    dim = (n.TIME, n.TRIAL) if choice.trial == POOLED and n.TRIAL in activity.dims else n.TIME
    at: dict[str, Any] = {"lags": lags} if len(lags) > 1 else {"lag": lags[0]}
    found = netxr.estimate(activity, method=choice.method, **at, dim=dim, missing=choice.missing, memory=memory)
    lazy = compared(found, choice.method)
    foretold = "" if chosen_truth(run, choice) is not None else _foretold(activity, choice)
    return Estimate(compute(lazy), stored=False, foretold=foretold)


def _foretold(activity: xr.DataArray, choice: Choice) -> str:
    """Return how well estimators would find a network like this one, of recordings that are soon read again."""
    if activity.sizes[n.NEURON] > MOST_FORETOLD or activity.nbytes > MOST_READ_AGAIN:
        return ""
    methods = list(dict.fromkeys([choice.method, n.REGRESSION]))
    try:
        return str(netxr.recoverability(activity, methods=methods).attrs[n.SENTENCE])
    except InvalidInput:  # too short, or samples are missing
        return ""


def scored(run: xr.Dataset, R: xr.DataArray, choice: Choice) -> Scored:
    """Put an estimate beside the true connectivity and score it, if the run has the truth."""
    R = R.isel({n.TRIAL: 0}) if n.TRIAL in R.dims else R
    truth = chosen_truth(run, choice)
    if truth is None:
        return Scored(R, None, None)
    A = truth.compute()
    return Scored(R, A, netxr.compare(A, R, diagonal=choice.diagonal, permutations=0))


def at_lag(found: Scored, lag: int | None) -> Scored:
    """Return the matrix of one lag and its scores; of lag 1, or the first other than 0, if that one is missing."""
    if n.LAG not in found.R.dims:
        return found
    place = {n.LAG: place_of_lag(found.R[n.LAG].values.tolist(), asked=lag)}
    return Scored(found.R.isel(place), found.A, None if found.scores is None else found.scores.isel(place))


def savable(found: xr.DataArray, run: xr.Dataset, choice: Choice) -> xr.DataArray:
    """Return an estimate as it is saved with its recording; raise unless it is of all neurons and trials."""
    fix = "Download it as Zarr instead."
    if choice.level != NEURONS or found.sizes[n.TARGET] != run[n.ACTIVITY].sizes[n.NEURON]:
        got = "an estimate of groups" if choice.level != NEURONS else "an estimate of some of the neurons"
        raise InvalidInput("save", got=got, expected="one of all neurons of the run", fix=fix)
    if choice.is_cleaned:
        raise InvalidInput("save", got="an estimate of cleaned activity", expected="one of the run as it is", fix=fix)
    n_trials = run[n.ACTIVITY].sizes.get(n.TRIAL, 1)
    if n_trials > 1 and choice.trial != POOLED:
        got = f"an estimate of one of {n_trials} trials"
        raise InvalidInput("save", got=got, expected="one of all trials, pooled", fix=fix)
    return found.rename(choice.method)
