"""How well estimators would recover a network like the one that was recorded, from the recording alone."""

import math
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import psutil
import xarray as xr

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.estimators.apply import lags_needed
from netxr.estimators.estimate import check_methods
from netxr.estimators.estimator import Estimator
from netxr.estimators.fit import MATRIX, call_of, check_whole
from netxr.estimators.table import estimator
from netxr.kernels.lagged_sums import Floats
from netxr.kernels.least_squares import SHRUNK, that_follow
from netxr.kernels.shape import UNIFORM, bimodality
from netxr.kernels.stand_in import StandIn
from netxr.moments.lagged import lagged_moments
from netxr.moments.prepare import check_lags
from netxr.schema.arguments import check_count, is_number
from netxr.schema.clock import activity_of, in_samples
from netxr.schema.variables import check_moments, labels_of
from netxr.schema.words import counted, listed, text_of
from netxr.significance.as_observed import (
    Observation,
    check_observation,
    scores_as_observed,
    steps_simulated,
)
from netxr.significance.halves import OWN, Halves, halves, without_neighbours
from netxr.significance.jackknife import parts_of
from netxr.significance.limit import expected_scores, limits, network_of
from netxr.significance.recoverability_text import as_observed, sentence_of
from netxr.significance.reliability import BLOCKS, alike, off_diagonal

LEAST: Final = 0.1
"""Reliability below which a recording is too short to tell."""

FEWEST: Final = 6
"""Blocks: three of each half, of which one is left out at a time."""

STRETCH: Final = 2**11
STRETCHES: Final = 8
"""Stretches of samples, and how many of them, from which is told how samples of a neuron are spread."""

ABOUT: Final = {
    n.SCORE: "score that is to be expected, as far as the recording tells; Pearson, without the diagonal",
    n.SCORE_STANDARD_ERROR: "standard error of the score by sampling alone, by the jackknife",
    n.RELIABILITY_OF_ESTIMATE: "reliability of the estimate",
    n.LIMIT: "score of a recording without end, as far as the recording tells",
    n.SAMPLES_NEEDED: "samples with which the score would be the one that is asked for",
    n.SCORE_AS_OBSERVED: "score if neurons were hidden, or a slow indicator showed them, by simulation",
    n.SCORE_AS_OBSERVED_STANDARD_ERROR: "standard error of that score, over simulated recordings",
}


def recoverability(
    activity: xr.DataArray | xr.Dataset,
    *,
    methods: str | Sequence[str] = (n.LAGGED_CORRELATION, n.REGRESSION),
    at: float = 0.9,
    lag: int | str = 1,
    hidden: float = 0.0,
    calcium: float | None = None,
    seed: int = 0,
) -> xr.Dataset:
    """Say how well estimators would recover a network like the one that was recorded, from the recording alone.

    A regression tells of each coupling how strong it is found, and with what error. By how these are spread over all
    pairs, as in `edge_probability`, follows how strong each is to be expected, and how uncertain it stays. The *score*
    of an estimate is its expected covariance with the couplings, over its deviation and the one expected of them.

    What more samples would do is told by two further numbers. The *reliability* is how alike the estimates of odd and
    even blocks are, by Spearman and Brown for as many degrees of freedom as all have. *In the limit* a network stands
    for the one that was recorded: its likeliest edges, and what the regression leaves as noise. The moments of its
    endless activity are known; what an estimator makes of these is scored against its couplings.

    It holds as far as the recording itself tells. Nothing here knows of neurons that were not recorded, of an indicator
    that is slow, of noise of the measurement, or of samples slower than the couplings. Mostly, scores are then lower:
    with half of a network hidden, correlation scored .73 where .82 was foretold;
    with noise of the measurement, .82 where .88 was. They can be higher too: .57 where .47 was, with a slow indicator.
    What `hidden` neurons or an indicator would do to this very network can be seen in a simulation of it.

    Parameters
    ----------
    activity : DataArray or Dataset
        Activity (neuron, time[, trial]), or a Dataset that holds it: read once, in 20 blocks, at once if it is lazy,
        and eight short stretches of it again. Or lagged moments in 6 blocks or more. Couplings are those of its units:
        where units of neurons mean nothing, as of fluorescence, take `netxr.z_score` of it first.
    methods : str or sequence of str
        Names of estimators, as `netxr.methods` lists them.
    at : float
        Score that is asked for, between 0 and 1.
    lag : int or str
        Samples, or time such as "20ms", by which the target is read after the source; 1 sample or more.
    hidden : float
        Share of the neurons of a network like this one that are not recorded, below 1; the others act unseen.
    calcium : float, optional
        Samples in which a calcium indicator, through which it is seen, falls to 1 / e, as in `observe`.
    seed : int
        Of the simulation that either takes: of the network that stands for the recorded one, three times, with as many
        samples as were recorded, but at most 2**23 of all neurons together. It takes a second or so with 100 neurons
        and half a minute with the 1,672 that are the most.

    Returns
    -------
    Dataset
        Over `estimator` (and `trial`): `score`, the Pearson correlation with the connectivity, without the diagonal,
        that is to be expected, and its `score_standard_error`, by leaving out two neighbouring blocks at a time: that
        of sampling alone, not of what the recording does not tell; `reliability_of_estimate`; `limit`, the score
        without noise; `samples_needed` for the score `at`, infinite where the limit is below. Score, error and samples
        are NaN where the reliability is below .1: the recording is too short to tell. With `hidden` or `calcium` also
        `score_as_observed`, the mean over the simulated recordings, and its `score_as_observed_standard_error`. The
        attribute `sentence` says it in words, and stays with `score` where that is saved.

    Raises
    ------
    InvalidInput
        If the recording is too short for a regression on all neurons, or some neurons follow from others, which are
        named; if it is too large for memory, or for a simulation
        that is asked for; if there is no such estimator; if an argument is out of range; or as `lagged_moments` does.

    Notes
    -----
    Noise is taken to be as strong in all neurons, their gains need not be. Correlations of the noise are shrunk
    (Schaefer & Strimmer 2005, doi:10.2202/1544-6115.1175). With 22 neurons or fewer all pairs are taken to have an
    edge: too few to tell those with one from others. A fit that would grow without end is shrunk to a spectral radius
    of .99. Both are said in the sentence.

    In linear networks, and in those of the tutorial, of 25 to 100 neurons, scores were within .02 of what was foretold,
    for six estimators, as means over three networks. Where units saturate, a regression finds the couplings around
    where each neuron mostly is, and not those of the network, which no recording of this kind tells: with sigmoid, tanh
    and threshold units at strong coupling, lagged correlation and regression were within .05, others up to .13 off. It
    is the gains of targets, beside their noise, that are not told: in tanh networks of a largest singular value of 8
    they differed by a third of their mean; t scored .89 where .98 was foretold, and couplings, freed of the gain of
    each target, would have scored .99. Of rectified units Granger scored .24 where .37 was. The sentence says where
    samples are near two values, or near one and seldom far (Pfister et al. 2013, doi:10.3389/fpsyg.2013.00700); of
    moments that is not known.

    References
    ----------
    Spearman 1910, doi:10.1111/j.2044-8295.1910.tb00206.x; Brown 1910, doi:10.1111/j.2044-8295.1910.tb00207.x; Efron
    2008, doi:10.1214/07-STS236.

    Examples
    --------
    >>> import netxr
    >>> run = netxr.simulate(netxr.random_connectivity(30, seed=1), n_steps=10_000, seed=1)
    >>> found = recoverability(run, methods="lagged_correlation").isel(trial=0, estimator=0)
    >>> R = netxr.lagged_correlation(run)
    >>> score = netxr.compare(run.connectivity, R, diagonal=False, permutations=0).pearson.item()
    >>> abs(found.score.item() - score) < 3 * found.score_standard_error.item()
    True
    """
    entries = [estimator(name, argument="methods") for name in check_methods(methods, argument="methods")]
    if not is_number(at) or not 0 < at < 1:
        raise InvalidInput("at", got=repr(at), expected="a score between 0 and 1")
    wanted = check_count("lag", in_samples(lag, activity, argument="lag"))
    seen = check_observation(hidden, calcium, seed)
    moments, saturated = _moments(activity, entries, lag=wanted)
    has_trials = {n.BLOCK, n.TRIAL} <= {*moments.dims}
    trials = [moments.isel({n.TRIAL: k}) for k in range(moments.sizes[n.TRIAL])] if has_trials else [moments]
    n_samples = int(trials[0][n.COUNT].sel({n.LAG: 0}).sum())
    n_steps = steps_simulated(seen, n_neurons=moments.sizes[n.TARGET], n_samples=n_samples) if seen else 0
    each = [_of_parts(one, entries, lag=wanted, at=at, seen=seen, n_steps=n_steps) for one in trials]
    found = xr.concat([one for one, _ in each], n.TRIAL).transpose(n.ESTIMATOR, n.TRIAL) if has_trials else each[0][0]
    radius = max((radius for _, radius in each), default=0.0)
    sizes = {"n_neurons": moments.sizes[n.TARGET], "n_samples": n_samples}
    text = sentence_of(found, **sizes, at=at, radius=radius, saturated=saturated)
    text += f" {as_observed(found, seen, n_steps=n_steps)}" if seen else ""
    about: dict[str, Any] = {n.AT: float(at), n.LAG: wanted}
    if seen:
        about |= {name: one for name, one in seen._asdict().items() if one}
    made_by = call_of("recoverability", methods=[entry.name for entry in entries], **about)
    for name in found.data_vars:
        found[name].attrs = {n.LONG_NAME: ABOUT[str(name)], n.MADE_BY: made_by}
    found[n.SCORE].attrs[n.SENTENCE] = text
    return found.assign_attrs({n.SENTENCE: text} | about)


# --- what goes in ----------------------------------------------------------------------


def _moments(data: Any, entries: Sequence[Estimator], *, lag: int) -> tuple[xr.Dataset, int]:
    """Return moments in blocks or of trials, in memory, those that are given or those of activity.

    And of how many neurons samples are as if units saturated; 0 of moments, which do not tell.
    """
    needed = sorted({0, lag, *lags_needed(entries, [lag])})
    if isinstance(data, xr.Dataset) and n.COMOMENT in data and (n.BLOCK in data.dims or n.ACTIVITY not in data):
        moments = check_moments(data, argument="activity")
        held = labels_of(moments, n.LAG).tolist()
        if not set(needed) <= set(held):
            raise InvalidInput("activity", got=f"moments at lags {held}", expected=f"those at lags {needed}")
        parts_of(moments, least=FEWEST)
        check_whole(moments, argument="activity")
        count = moments[n.COUNT].sel({n.LAG: lag})
        dim = n.BLOCK if n.BLOCK in count.dims else n.TRIAL
        _check_size(moments.sizes[n.TARGET], int(count.sum(dim).min()), moments.sizes[dim], entries, lag=lag)
        return moments[[name for name in OWN if name in moments]].sel({n.LAG: needed}).compute(), 0
    activity = activity_of(data)
    check_lags([lag], n_steps=activity.sizes[n.TIME], argument="lag")
    _check_size(activity.sizes[n.NEURON], activity.sizes[n.TIME] - lag, BLOCKS, entries, lag=lag)
    moments = lagged_moments(activity, lags=needed, blocks=BLOCKS)[list(OWN)].compute(scheduler="threads")
    return moments, _saturated(activity)


def _saturated(activity: xr.DataArray) -> int:
    """Return of how many neurons samples are near two values, or near one and seldom far, in most trials."""
    n_samples = activity.sizes[n.TIME]
    starts = np.unique(np.linspace(0, max(n_samples - STRETCH, 0), STRETCHES).astype(int))
    stretches = [activity.isel({n.TIME: slice(start, start + STRETCH)}) for start in starts.tolist()]
    samples = xr.concat(stretches, n.TIME).transpose(..., n.NEURON, n.TIME).compute(scheduler="threads")
    found = bimodality(samples.values.astype(np.float64))
    return int((np.mean(found.reshape(-1, found.shape[-1]), 0) > UNIFORM).sum())


def _check_size(n_neurons: int, n_samples: int, blocks: int, entries: Sequence[Estimator], *, lag: int) -> None:
    """Raise InvalidInput if a recording is too short for a regression, in halves where one is asked for, or too large.

    Each half is fitted without one of its blocks. One neuron has no pair of which anything could be recovered.
    """
    if n_neurons < 2:
        raise InvalidInput("activity", got=counted(n_neurons, "neuron"), expected="two or more, which pairs are of")
    left = (blocks // 2 - 1) / blocks  # of a half, as a share of all
    most = max(_parameters(each, n_neurons, lag) for each in entries)
    needed = math.ceil(max((n_neurons + 2) / (2 * left), (most + 1) / left if most else 0))
    if n_samples < needed:
        halves = f", and {most:,} in each half without one of its blocks" if most else ""
        raise InvalidInput(
            "activity",
            got=f"{n_samples:,} samples of each neuron for {n_neurons + 1:,} parameters of a regression{halves}",
            expected=f"{needed:,} samples or more",
            fix=f"Record longer, or leave out neurons. With fewer samples, {SHRUNK}, do, but how well is not known.",
        )
    wanted, free = 8 * n_neurons**2 * (2 * blocks * len(lags_needed(entries, [lag])) + 20), psutil.virtual_memory()
    if wanted > free.available:
        got = f"{n_neurons:,} neurons, whose moments in {blocks} blocks take {text_of(wanted)} of memory"
        expected = f"at most the {text_of(free.available)} that are free"
        raise InvalidInput("activity", got=got, expected=expected, fix="Leave out neurons with netxr.select.")


def _parameters(entry: Estimator, n_neurons: int, lag: int) -> int:
    """Return how many parameters of each target an estimator has that holds all sources fixed; 0 for another."""
    return n_neurons * max(1, sum(need > 0 for need in entry.needs(lag))) + 1 if entry.all_sources else 0


def _check_independent(each: Sequence[xr.Dataset]) -> None:
    """Raise InvalidInput if neurons follow from others, in some blocks or others, and name what to leave out."""
    labels = labels_of(each[0], n.TARGET)
    kept = np.arange(len(labels))
    for moments in each:
        square = moments[n.COMOMENT].sel({n.LAG: 0}).transpose(*MATRIX).values
        kept = np.delete(kept, that_follow(square[np.ix_(kept, kept)]))
    names = np.delete(labels, kept).tolist()
    if names:
        got = f"{counted(len(names), 'neuron')} that others add up to, in all or half of the blocks: {listed(names)}"
        fix = f"Leave them out, by activity.drop_sel({n.NEURON}=[...])."
        raise InvalidInput("activity", got=got, expected="neurons none of which follows from others", fix=fix)


# --- what is foretold ------------------------------------------------------------------


class Foretold(NamedTuple):
    """Score, reliability and limit of each estimator, and the network that stands for the one that was recorded."""

    score: Floats
    reliability: Floats
    limit: Floats
    network: StandIn


def _of_parts(
    moments: xr.Dataset,
    entries: Sequence[Estimator],
    *,
    lag: int,
    at: float,
    seen: Observation | None,
    n_steps: int,
) -> tuple[xr.Dataset, float]:
    """Return what is foretold from the moments of blocks or trials, and the radius of a fit that had to be shrunk."""
    dim, methods = n.BLOCK if n.BLOCK in moments.dims else n.TRIAL, [entry.name for entry in entries]
    of_halves = halves(moments, dim)
    of_all = any(_parameters(entry, moments.sizes[n.TARGET], lag) for entry in entries)
    _check_independent([of_halves.both, of_halves.first, of_halves.second] if of_all else [of_halves.both])
    whole = _foretold(of_halves, entries, lag=lag)
    parts, mixture = without_neighbours(moments, dim), whole.network.mixture
    left_out = np.array([expected_scores(one, methods, lag=lag, mixture=mixture) for one in parts])
    k = len(left_out)
    error = np.sqrt((k - 1) / k * np.square(left_out - left_out.mean(0)).sum(0))
    n_samples = int(moments[n.COUNT].sel({n.LAG: lag}).sum())
    needed = _samples_needed(whole, entries, n_samples=n_samples, lag=lag, at=at)
    is_told = (whole.reliability >= LEAST) & np.isfinite(whole.score)
    values = {
        n.SCORE: np.where(is_told, whole.score, np.nan),
        n.SCORE_STANDARD_ERROR: np.where(is_told, error, np.nan),
        n.RELIABILITY_OF_ESTIMATE: whole.reliability,
        n.LIMIT: whole.limit,
        n.SAMPLES_NEEDED: np.where(is_told, needed, np.nan),
    }
    if seen:
        names = (n.SCORE_AS_OBSERVED, n.SCORE_AS_OBSERVED_STANDARD_ERROR)
        like = moments.isel({dim: 0})
        found = scores_as_observed(whole.network, methods, seen=seen, lag=lag, n_steps=n_steps, like=like)
        values |= {name: np.where(is_told, one, np.nan) for name, one in zip(names, found, strict=True)}
    of_trial = {name: coord for name, coord in moments.coords.items() if name == n.TRIAL and not coord.dims}
    variables = {name: (n.ESTIMATOR, value) for name, value in values.items()}
    return xr.Dataset(variables, of_trial | {n.ESTIMATOR: methods}), whole.network.radius


def _foretold(moments: Halves, entries: Sequence[Estimator], *, lag: int) -> Foretold:
    """Return what is foretold from the moments of two halves."""
    methods = [entry.name for entry in entries]
    both = moments.both
    first, second = (off_diagonal(half, methods, lag) for half in (moments.first, moments.second))
    shared = alike(first, second, list(MATRIX)).values
    n_samples = int(both[n.COUNT].sel({n.LAG: lag}))
    used = np.array([_parameters(entry, both.sizes[n.TARGET], lag) for entry in entries])
    longer = (n_samples - used) / (n_samples / 2 - used)
    reliability = longer * shared / (1 + (longer - 1) * shared)
    network = network_of(both, lag=lag)
    score = expected_scores(both, methods, lag=lag, mixture=network.mixture)
    # Where a network that is linear and sparse stands badly for the one that was recorded, its limit may be lower.
    limit = np.fmax(limits(network, methods, lag=lag, like=both).values, score)
    return Foretold(score, reliability, limit, network)


def _samples_needed(found: Foretold, entries: Sequence[Estimator], *, n_samples: int, lag: int, at: float) -> Floats:
    """Return how many samples would give the score `at`, infinite where none do: noise goes as one over samples."""
    used = np.array([_parameters(entry, len(found.network.scale), lag) for entry in entries])
    with np.errstate(divide="ignore", invalid="ignore"):
        noise = np.maximum(np.square(found.limit / found.score) - 1, 0)
        needed = used + (n_samples - used) * noise * at**2 / (found.limit**2 - at**2)
    return np.where((found.limit > at) & (found.score > 0), np.ceil(needed), np.inf)
