"""What hidden neurons or a slow indicator would do, in simulations of the network that stands for a recorded one."""

import math
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import xarray as xr

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.estimators.fit import MATRIX
from netxr.kernels.drives import Drives
from netxr.kernels.dynamics import Rule, trajectories
from netxr.kernels.lagged_sums import Floats
from netxr.kernels.noise import SELECTION_STREAM, NoiseSource
from netxr.kernels.recording import indicated
from netxr.kernels.stand_in import StandIn
from netxr.moments.lagged import lagged_moments
from netxr.schema.arguments import check_seed, check_share, is_finite, said
from netxr.schema.variables import labels_of
from netxr.significance.reliability import alike, off_diagonal

DRAWS: Final = 3
"""Simulated recordings, each with noise and hidden neurons of its own."""

MOST_ENTRIES: Final = 2**23
"""Samples of all neurons of a simulated recording: a second of 100 neurons, some five of 1,000."""

FEWEST_A_NEURON: Final = 3
"""Samples of a shortened recording for each neuron, so that a regression can be told from noise."""

SETTLING: Final = 10
"""Time constants of an indicator that are simulated before the first sample, and that a recording has to have."""


class Observation(NamedTuple):
    """What is seen of a network: all but a share of its neurons, through an indicator of `calcium` samples."""

    hidden: float
    calcium: float | None
    seed: int


def check_observation(hidden: Any, calcium: Any, seed: Any) -> Observation | None:
    """Return what is to be seen of a network; None if it is all of it.

    Raises InvalidInput if an argument is out of range.
    """
    seed = check_seed(seed, rng="modern")
    if check_share("hidden", hidden) == 1:
        raise InvalidInput("hidden", got=said(hidden), expected="a share below 1: of all neurons, nothing is seen")
    if calcium is not None and (not is_finite(calcium) or calcium <= 0):
        raise InvalidInput("calcium", got=said(calcium), expected="a number of samples above 0, or None")
    if not hidden and calcium is None:
        return None
    return Observation(float(hidden), None if calcium is None else float(calcium), seed)


def steps_simulated(seen: Observation, *, n_neurons: int, n_samples: int) -> int:
    """Return how many samples a simulated recording has: as many as the recorded one, but for the sake of time.

    Raises InvalidInput if these are too few to tell anything.
    """
    n_steps, argument = min(n_samples, MOST_ENTRIES // n_neurons), "hidden" if seen.hidden else "calcium"
    if round(n_neurons * (1 - seen.hidden)) < 2:
        raise InvalidInput("hidden", got=f"{seen.hidden:g} of {n_neurons} neurons", expected="a share that leaves two")
    if n_steps < min(n_samples, FEWEST_A_NEURON * n_neurons):
        most = math.isqrt(MOST_ENTRIES // FEWEST_A_NEURON)
        fix = "Leave out neurons with netxr.select."
        got = f"it with {n_neurons:,} neurons"
        raise InvalidInput(argument, got=got, expected=f"at most {most:,}, for the sake of time", fix=fix)
    if seen.calcium is not None and SETTLING * seen.calcium > n_steps:
        expected = f"at most a tenth of the {n_steps:,} samples"
        raise InvalidInput("calcium", got=f"{seen.calcium:g} samples", expected=expected)
    return n_steps


def scores_as_observed(
    network: StandIn, methods: Sequence[str], *, seen: Observation, lag: int, n_steps: int, like: xr.Dataset
) -> tuple[Floats, Floats]:
    """Return the mean score of each estimator in simulated recordings, and its standard error, (estimator).

    Moments `like` these say what estimates are made of.
    """
    truth = xr.DataArray(network.weight, {dim: labels_of(like, dim) for dim in MATRIX}, MATRIX)
    scores = []
    for draw in range(DRAWS):
        noise = NoiseSource([seen.seed], trials=[draw], n_neurons=len(network.scale), rng="modern")
        order = noise.generator(0, SELECTION_STREAM, 0).permutation(len(network.scale))
        shown = np.sort(order[round(seen.hidden * len(order)) :])
        samples = _simulated(network, noise, seen=seen, lag=lag, n_steps=n_steps)[shown]
        neurons = labels_of(like, n.TARGET)[shown]
        activity = xr.DataArray(samples, {n.NEURON: neurons}, (n.NEURON, n.TIME), n.ACTIVITY)
        found = off_diagonal(lagged_moments(activity, lags=labels_of(like, n.LAG).tolist()), methods, lag)
        scores.append(alike(found, truth.sel({n.TARGET: neurons, n.SOURCE: neurons}), list(MATRIX)).values)
    return np.mean(scores, axis=0), np.std(scores, axis=0, ddof=1) / np.sqrt(DRAWS)


def _simulated(network: StandIn, noise: NoiseSource, *, seen: Observation, lag: int, n_steps: int) -> Floats:
    """Return activity of a network as an indicator shows it, (neuron, time), in the units of its scale."""
    coupling, covariance = np.nan_to_num(network.coupling), np.nan_to_num(network.covariance)
    ahead = 0 if seen.calcium is None else math.ceil(SETTLING * seen.calcium)
    # It begins in balance: the first states are draws of the endless activity.
    first = noise.generator(0, SELECTION_STREAM, 1).standard_normal((lag, 1, len(coupling))) @ _root_of(covariance)
    drives = Drives(noise, 1.0, mixing=_root_of(covariance - coupling @ covariance @ coupling.T))
    blocks = trajectories(Rule(coupling, "linear", delays=lag), first, drives=drives, n_steps=n_steps + ahead)
    samples = np.concatenate([states[:, 0] for _, _, states in blocks]).T * np.nan_to_num(network.scale)[:, None]
    if seen.calcium is None:
        return samples
    return indicated(samples, constants=[seen.calcium], saturation=None)[:, ahead:]


def _root_of(covariance: Floats) -> Floats:
    """Return the symmetric root of a covariance."""
    variances, directions = np.linalg.eigh(covariance)
    return np.asarray(directions * np.sqrt(variances.clip(0)) @ directions.T)
