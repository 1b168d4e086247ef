"""What a simulation begins with, checked: the network, the labels and seeds of its trials, their first state."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.schema.arguments import check_count, check_entries, check_seed, check_whole_numbers, is_number
from netxr.schema.variables import NUMBER_KINDS, check_connectivity, labels_of


def check_network(connectivity: xr.DataArray, trials: int | Sequence[int] | None) -> tuple[xr.DataArray, list[int]]:
    """Return the weights and the trial labels, if both can be simulated together."""
    network = check_connectivity(connectivity)
    if not np.isfinite(network.values).all():
        raise InvalidInput(n.CONNECTIVITY, got="weights that are NaN or infinite", expected="finite weights")
    of_networks = labels_of(network, n.TRIAL).tolist() if n.TRIAL in network.dims else None
    if trials is None:
        labels = of_networks or [0]
    elif isinstance(trials, (int, np.integer)):
        n_trials = check_count("trials", trials)
        labels = of_networks if of_networks and len(of_networks) == n_trials else range(n_trials)
    else:
        labels = trials
    expected = "how many, or different whole numbers, 0 or above, as labels"
    labels = check_whole_numbers("trials", labels, largest=2**64 - 1, expected=expected)
    if of_networks is not None and labels != of_networks:
        raise InvalidInput("trials", got=repr(labels), expected=f"those of the connectivity, {of_networks}")
    return network, labels


def trial_seeds(seed: int | Sequence[int], labels: Sequence[int], rng: n.Rng) -> list[int]:
    """Return a seed for each trial."""
    if isinstance(seed, (int, np.integer)):
        first = check_seed(seed, rng=rng)
        return [check_seed(first + label, rng=rng) if rng == "legacy" else first for label in labels]
    expected = f"one whole number, or one for each of {len(labels)} trials"
    seeds = check_entries("seed", seed, expected=expected)
    if len(seeds) != len(labels):
        raise InvalidInput("seed", got=repr(seed), expected=expected)
    return [check_seed(each, rng=rng) for each in seeds]


def first_state(initial: float | xr.DataArray, neurons: NDArray[Any], labels: Sequence[int]) -> NDArray[np.float64]:
    """Return the first state of each trial, (trial, neuron)."""
    expected = f"a finite number, or a DataArray with dim {n.NEURON!r} (and {n.TRIAL!r}) that has the network's labels"
    shape = len(labels), len(neurons)
    if isinstance(initial, xr.DataArray) and initial.dtype.kind in NUMBER_KINDS:
        template = xr.DataArray(np.zeros(shape), {n.TRIAL: list(labels), n.NEURON: neurons})
        try:
            sides = xr.align(template, initial, join="exact")
            state = (sides[0] + sides[1]).transpose(n.TRIAL, n.NEURON).values
        except ValueError as error:
            raise InvalidInput(
                "initial", got=f"a DataArray with sizes {dict(initial.sizes)}", expected=expected
            ) from error
    elif is_number(initial):
        state = np.full(shape, initial, np.float64)
    else:
        raise InvalidInput("initial", got=repr(initial), expected=expected)
    if not np.isfinite(state).all():
        raise InvalidInput("initial", got="NaN or infinity", expected=expected)
    return np.asarray(state, np.float64)
