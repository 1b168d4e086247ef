"""Small recordings with a known connectivity, by name, so that an example runs anywhere."""

from collections.abc import Callable, Mapping
from typing import Final

import xarray as xr

from netxr import names as n
from netxr.schema.arguments import check_choice
from netxr.simulation.networks import random_connectivity
from netxr.simulation.simulate import simulate


def sample(name: str) -> xr.Dataset:
    """Return a small recording whose connectivity is known.

    It is simulated in well under a second, and the same in every process.

    Parameters
    ----------
    name : {"rate_network", "linear_network", "spiking_network"}
        "rate_network": the tutorial's model and random numbers, weakly coupled, in which a correlation lacks samples
        but has no bias. "linear_network": linear units with weights of both signs, in which activity lasts (a spectral
        radius of .9) and a correlation stays wrong at any length. "spiking_network": leaky integrate-and-fire neurons,
        a fifth of them inhibitory, with about ten spikes a second if a step is a millisecond.

    Returns
    -------
    Dataset
        `activity` (neuron, time) and `connectivity` (target, source), float64, in arbitrary units and steps: 25, 50 and
        20 neurons, 5,000 samples, of the spiking ones 30,000, of which 1 is a spike and 0 none. The attributes say how
        it was made.

    Raises
    ------
    InvalidInput
        If there is no sample of this name.

    Examples
    --------
    >>> import netxr
    >>> run = sample("linear_network")
    >>> estimates = netxr.lagged_correlation(run), netxr.regression(run).coefficient
    >>> [round(netxr.compare(run.connectivity, R, diagonal=False).pearson.item(), 2) for R in estimates]
    [0.73, 1.0]
    """
    check_choice("name", name, tuple(SAMPLES))
    return SAMPLES[name]().isel({n.TRIAL: 0}, drop=True)


def _rate_network() -> xr.Dataset:
    """Return a run of the tutorial's model."""
    return simulate(random_connectivity(25, seed=42, rng="legacy"), n_steps=5000, seed=42, rng="legacy")


def _linear_network() -> xr.Dataset:
    """Return a run of linear units, after it has settled."""
    network = random_connectivity(50, weights="normal", spectral_radius=0.9, seed=1)
    return simulate(network, n_steps=5000, seed=1, units="linear", burn_in=200)


def _spiking_network() -> xr.Dataset:
    """Return spikes of neurons of both signs."""
    network = random_connectivity(20, inhibitory=0.2, coupling=4, seed=1)
    return simulate(network, n_steps=30_000, seed=1, units="lif", burn_in=200)


SAMPLES: Final[Mapping[str, Callable[[], xr.Dataset]]] = {
    "rate_network": _rate_network,
    "linear_network": _linear_network,
    "spiking_network": _spiking_network,
}
