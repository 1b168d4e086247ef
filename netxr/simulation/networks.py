"""Networks to simulate: the tutorial's random connectivity."""

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.kernels.noise import CONNECTIVITY_STREAM, philox
from netxr.schema.arguments import check_count, check_rng, check_room, check_seed, is_number
from netxr.schema.arrays import as_connectivity
from netxr.schema.provenance import provenance

SPECTRAL_MARGIN = 1.01
"""Weights are scaled so that the largest singular value is 1 / 1.01: activity fades, within about 100 steps."""

NO_EDGE_WEIGHT = 1e-12
"""Weight of every entry of a network that drew no edge at all, which cannot be scaled."""


def random_connectivity(n_neurons: int, *, sparsity: float = 0.9, seed: int = 0, rng: n.Rng = "modern") -> xr.DataArray:
    """Draw the tutorial's random network: independent edges of equal weight, scaled to be stable.

    Each entry, self-connections included, is an edge with probability 1 - `sparsity`. The matrix is divided by
    1.01 times its largest singular value. A network without any edge gets the weight 1e-12 throughout.
    (Neuromatch Academy, W3D5, Network Causality, Tutorials 1 and 2.)

    Parameters
    ----------
    n_neurons : int
        Size of the network, 1 or more.
    sparsity : float
        Probability that an entry is 0, in [0, 1].
    seed : int
        Seed, 0 or above.
    rng : {"modern", "legacy"}
        "modern": counter-based streams keyed by the seed. "legacy": the Mersenne Twister of the tutorial, bit
        for bit.

    Returns
    -------
    DataArray
        Weights (target, source), float64: entry [i, j] is the weight from j to i.

    Raises
    ------
    InvalidInput
        If an argument is out of range.

    Examples
    --------
    >>> A = random_connectivity(6, seed=42, rng="legacy")
    >>> round(A.sel(target=0, source=1).item(), 4)
    0.7001
    """
    n_neurons = check_count("n_neurons", n_neurons)
    if not is_number(sparsity) or not 0 <= sparsity <= 1:
        raise InvalidInput("sparsity", got=repr(sparsity), expected="a probability, 0 to 1")
    check_rng(rng)
    seed = check_seed(seed, rng=rng)
    check_room("n_neurons", n_neurons, 3 * 8 * n_neurons**2)
    edges = _draw_edges(n_neurons, float(sparsity), seed, rng)
    # With singular vectors, although nobody needs them: without, the last digit is not the published one.
    largest = np.linalg.svd(edges)[1][0] if rng == "legacy" else np.linalg.svd(edges, compute_uv=False)[0]
    weights = edges / (SPECTRAL_MARGIN * largest) if largest else np.full(edges.shape, NO_EDGE_WEIGHT)
    made = {n.MODEL: "random edges of equal weight", n.SPARSITY: float(sparsity), n.SEED: seed, n.RNG: rng}
    return as_connectivity(weights, rows="target").assign_attrs(provenance(**made))


def _draw_edges(n_neurons: int, sparsity: float, seed: int, rng: n.Rng) -> NDArray[Any]:
    """Draw which entries are edges, 0 or 1, (target, source)."""
    shape, odds = (n_neurons, n_neurons), [sparsity, 1 - sparsity]
    if rng == "legacy":
        return np.random.RandomState(seed).choice([0, 1], size=shape, p=odds)
    return philox(seed, trial=0, stream=CONNECTIVITY_STREAM).choice([0, 1], size=shape, p=odds)
