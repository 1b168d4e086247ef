"""An estimate of a recording: taken from its store or computed, scored, and made ready to be saved."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np
import xarray as xr

import netxr
from netxr import names as n
from netxr.app.frame.lag_times import interval_of, lag_text
from netxr.app.frame.limits import axes_text, check_size
from netxr.app.recording.choice import ALL, NEURONS, POOLED, Choice, chosen_activity, chosen_truth, inputs_of, lags_of
from netxr.errors import InvalidInput, NetxrError
from netxr.estimators.apply import compared, lags_needed
from netxr.estimators.symmetry import symmetry
from netxr.estimators.table import estimator
from netxr.plot.matrices.found_pairs import found_pairs
from netxr.plot.panels.dashboards import place_of_lag
from netxr.schema.clock import clock_of
from netxr.schema.words import text_of
from netxr.significance.correlation_test import lags_for
from netxr.significance.recoverability_text import GAINS
from netxr.significance.reliability import BLOCKS, halves_of, reliability_of
from netxr.significance.tested import TESTED, tested

COPIES: Final = 6
"""Most copies of activity in memory that are held while it is drawn, or tested."""

FEWEST_SAMPLES: Final = 10
"""Of a window, at least."""

READ_ONCE: Final = 2**24
"""Bytes of activity that is read once for a test, and not by each of its passes: half of its time would be theirs."""

Compute = Callable[[Any], Any]
"""Returns a lazy DataArray or Dataset in memory."""


MOST_FORETOLD: Final = 300
MOST_READ_AGAIN: Final = 2**30
"""Neurons and bytes of a recording of which is said how well estimators would find its network: in some seconds."""


class Estimate(NamedTuple):
    """An estimate of a recording."""

    R: xr.DataArray
    """In memory, ([lag, ][trial, ]target, source)."""
    stored: bool
    """Whether it was in the store already."""


class Scored(NamedTuple):
    """An estimate beside the truth."""

    R: xr.DataArray
    """In memory, ([lag, ]target, source)."""
    A: xr.DataArray | None
    """The true connectivity of the same neurons or groups, (target, source), if it is known."""
    scores: xr.Dataset | None
    """How well the two agree, ([lag])."""


class Sure(NamedTuple):
    """How sure an estimate is."""

    found: xr.Dataset
    """In memory, (target, source): the estimate, and its p-values if its estimator has some."""
    halves: xr.Dataset | None
    """How alike the estimates of both halves of the samples are, if there are halves."""
    of_halves: tuple[xr.DataArray, ...] = ()
    """The estimates of both halves, if there are halves."""

    @property
    def n_slow(self) -> int:
        """Neurons whose autocorrelation does not reach zero, so that p-values are too low."""
        return int(self.found[n.SLOW].sum()) if n.SLOW in self.found else 0

    @property
    def R(self) -> xr.DataArray:  # noqa: N802 - the field's name of the matrix
        """The estimate."""
        return self.found[next(name for name in self.found.data_vars if n.ESTIMATOR in self.found[name].attrs)]

    def edges_text(self, q: float) -> str:
        """Say how many edges are found."""
        return found_pairs(self.R, self.found[n.P_VALUE], q=q).text if self.is_tested else "no p-values"

    @property
    def is_tested(self) -> bool:
        """Whether there are p-values."""
        return n.P_VALUE in self.found


def stored_estimate(run: xr.Dataset, choice: Choice) -> xr.DataArray | None:
    """Return the estimate in the store, lazily, if it is the one asked for."""
    if (
        choice.method not in run
        or choice.level != NEURONS
        or choice.neurons.strip() != ALL
        or choice.is_cleaned
        or choice.given
    ):
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
    last = max(n_steps - 2, 0)  # one sample is no line
    if start > last:
        raise InvalidInput("start", got=f"{start:,}", expected=f"a sample of the recording, 0 to {last:,}")
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


def estimate_of(run: xr.Dataset, choice: Choice, *, memory: int, compute: Compute, afresh: bool = False) -> Estimate:
    """Estimate the connectivity of a recording, or take the estimate from its store, unless it is to be made `afresh`.

    `memory` are the most bytes it may take; `compute` returns a lazy DataArray in memory.
    """
    activity, lags = chosen_activity(run, choice), lags_of(choice.lags)
    check_size(activity.sizes[n.NEURON], len(lags), memory=memory, n_samples=activity.sizes[n.TIME])
    stored = None if afresh else stored_estimate(run, choice)
    if stored is not None:
        return Estimate(compute(stored), stored=True)
    dim = (n.TIME, n.TRIAL) if choice.trial == POOLED and n.TRIAL in activity.dims else n.TIME
    at: dict[str, Any] = {"lags": lags} if len(lags) > 1 else {"lag": lags[0]}
    inputs = inputs_of(run, choice)
    data: xr.DataArray | xr.Dataset = activity
    options: dict[str, Any] = {"dim": dim, "missing": choice.handling, "memory": memory}
    if inputs is not None:
        needed = lags_needed([estimator(choice.method)], lags)
        fitting = inputs.isel({n.TIME: slice(activity.sizes[n.TIME])})  # differences are one fewer
        data, options = netxr.lagged_moments(activity, lags=needed, inputs=fitting, **options), {}
    found = netxr.estimate(data, method=choice.method, **at, **options)
    lazy = compared(found, choice.method)
    return Estimate(compute(lazy), stored=False)


def foretold(run: xr.Dataset, choice: Choice, *, lag: int) -> str:
    """Return how well estimators would find a network like this one at a lag, of recordings that are soon read again.

    An empty text at lag 0, where the truth is known, and where inputs are regressed out.
    """
    if not lag or choice.given or chosen_truth(run, choice) is not None:
        return ""
    activity = chosen_activity(run, choice)
    if activity.sizes[n.NEURON] > MOST_FORETOLD or activity.nbytes > MOST_READ_AGAIN:
        return ""
    methods = list(dict.fromkeys([choice.method, n.REGRESSION]))
    try:
        said = netxr.recoverability(activity, methods=methods, lag=lag).attrs[n.SENTENCE]
        return f"Of couplings that act at {lag_text(lag, interval_of(run))}. {said} {GAINS}"
    except InvalidInput:  # too short, or samples are missing
        return ""


def lag_shown(choice: Choice, asked: int | None) -> int:
    """Return which of the chosen lags is shown where it is one."""
    lags = lags_of(choice.lags)
    return lags[place_of_lag(lags, asked=asked)]


def one_recording(run: xr.Dataset, choice: Choice) -> xr.DataArray:
    """Return the activity of one trial, (neuron, time), or of all trials that are pooled."""
    activity = chosen_activity(run, choice)
    several = n.TRIAL in activity.dims and activity.sizes[n.TRIAL] > 1
    return activity if several or n.TRIAL not in activity.dims else activity.isel({n.TRIAL: 0}, drop=True)


def how_sure(run: xr.Dataset, choice: Choice, *, lag: int, memory: int, compute: Compute) -> Sure:
    """Test an estimate at one lag, and compare those of both halves of the samples: odd and even blocks, or trials."""
    _refuse_given(choice)
    lazy_activity = one_recording(run, choice)
    is_small = lazy_activity.nbytes <= min(READ_ONCE, memory // COPIES)
    activity = compute(lazy_activity) if is_small else lazy_activity
    method, trials = choice.method, activity.sizes.get(n.TRIAL, 0)
    lags = lags_needed([estimator(method)], [lag])
    blocks = None if trials or choice.handling == "pairwise" else BLOCKS
    n_neurons, n_samples = activity.sizes[n.NEURON], activity.sizes[n.TIME]
    check_size(n_neurons, len(lags), memory=memory, n_samples=n_samples, blocks=blocks or trials)
    options: dict[str, Any] = {"missing": choice.handling, "memory": memory}
    pooled = options | {"dim": (n.TIME, n.TRIAL) if trials else n.TIME}
    if method in TESTED:
        lazy = tested(activity, method=method, lag=lag, null="autocorrelation", sources=None, **pooled)
    else:
        made = netxr.estimate(activity, method=method, lag=lag, **pooled)
        lazy = made if isinstance(made, xr.Dataset) else made.to_dataset(name=method)
    found, halves = compute(lazy), None
    of_halves: tuple[xr.DataArray, ...] = ()
    if blocks or trials:
        parts = compute(netxr.lagged_moments(activity, lags=lags, blocks=blocks, **options))
        of_halves = halves_of(parts, method=method, lag=lag)
        halves = reliability_of(of_halves, method=method, lag=lag)
    return Sure(found, halves, of_halves)


def over_windows(
    run: xr.Dataset, choice: Choice, *, lag: int, n_windows: int, memory: int, compute: Compute
) -> xr.Dataset:
    """Estimate the connectivity at one lag in each of some windows of a trial; of correlations with intervals."""
    _refuse_given(choice)
    activity = one_recording(run, choice)
    check_windows(activity, choice, lag=lag, n_windows=n_windows)
    lags = lags_needed([estimator(choice.method)], [lag])
    check_size(activity.sizes[n.NEURON], len(lags), memory=memory, blocks=n_windows)
    options: dict[str, Any] = {"missing": choice.handling, "memory": memory}
    moments = compute(netxr.lagged_moments(activity, lags=lags, blocks=n_windows, **options))
    if choice.method == n.LAGGED_CORRELATION:
        flat = compute(netxr.autocorrelation(activity, lags=lags_in_window(activity, n_windows), **options))
        return netxr.correlation_test(moments, lag=lag, autocorrelation=flat)
    found = compared(netxr.estimate(moments, method=choice.method, lag=lag), choice.method)
    return found.to_dataset(name=choice.method)


def alike_of(run: xr.Dataset, choice: Choice, *, lag: int, memory: int, compute: Compute) -> float:
    """Return how alike an estimate at one lag and its transpose are; NaN of one that cannot be made."""
    try:
        activity = one_recording(run, choice)
        dim = (n.TIME, n.TRIAL) if n.TRIAL in activity.dims else n.TIME
        options: dict[str, Any] = {"dim": dim, "missing": choice.handling, "memory": memory}
        found = netxr.estimate(activity, method=choice.method, lag=lag, **options)
        return float(symmetry(compute(compared(found, choice.method))))
    except NetxrError:
        return float("nan")


def _refuse_given(choice: Choice) -> None:
    """Raise if inputs are to be regressed out of what is judged: its tests know of none."""
    if choice.given:
        fix = "Choose none, or look at the estimate."
        raise InvalidInput("given", got=repr(choice.given), expected="no inputs for how sure it is", fix=fix)


def lags_in_window(activity: xr.DataArray, n_windows: int) -> range:
    """Return the lags at which the autocorrelation of activity is taken for tests within windows."""
    return lags_for(activity.isel({n.TIME: slice(0, activity.sizes[n.TIME] // n_windows)}))


def check_windows(activity: xr.DataArray, choice: Choice, *, lag: int, n_windows: int) -> None:
    """Raise if a recording cannot be cut into so many windows."""
    if n.TRIAL in activity.dims:
        raise InvalidInput("trial", got="all of them", expected="one, whose windows follow one another")
    longest = max(lags_needed([estimator(choice.method)], [lag]))
    least, n_samples = max(2 * longest, longest + 2, FEWEST_SAMPLES), activity.sizes[n.TIME]
    if n_windows * least > n_samples:
        raise InvalidInput(
            "windows",
            got=f"{n_windows:,} windows of {n_samples:,} samples",
            expected=f"at most {n_samples // least:,}, of {least:,} samples each",
        )


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
