"""Networks to simulate: random edges in several structures, with weights, signs and a scale."""

from typing import Any, Final, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.kernels.noise import CONNECTIVITY_STREAM, SIGN_STREAM, WEIGHT_STREAM, philox
from netxr.moments.coarse import Groups, group_labels
from netxr.schema.arguments import (
    array_of,
    check_choice,
    check_count,
    check_rng,
    check_room,
    check_seed,
    check_share,
    is_number,
    said,
)
from netxr.schema.arrays import as_connectivity
from netxr.schema.provenance import provenance
from netxr.schema.variables import NUMBER_KINDS
from netxr.simulation.structures import STRUCTURES

SPECTRAL_MARGIN = 1.01
"""Weights are scaled so that the largest singular value is 1 / 1.01: activity fades, within about 100 steps."""

NO_EDGE_WEIGHT = 1e-12
"""Weight of every entry of a network that drew no edge at all, which cannot be scaled."""

SMALLEST_RADIUS = 1e-9
"""Spectral radius, as a share of the largest singular value, below which it is rounding."""

RANDOM: Final = "random"
EDGES: Final = {
    RANDOM: "random edges",
    "blocks": "random edges in blocks",
    "distance": "random edges by distance",
    "in_degree": "random edges of one in-degree",
    "scale_free": "random edges of scale-free degrees",
}
"""Of each structure, what a network says of its model."""

WEIGHTS: Final = {"binary": "equal", "lognormal": "lognormal", "normal": "normal"}
"""Of each kind of weights, what a network says of them."""


def random_connectivity(
    n_neurons: int,
    *,
    sparsity: float = 0.9,
    inhibitory: float = 0.0,
    signs: Literal["source", "edge"] = "source",
    weights: Any = "binary",
    structure: Literal["random", "blocks", "distance", "in_degree", "scale_free"] = "random",
    groups: Groups | None = None,
    densities: Any | None = None,
    length: float | None = None,
    exponent: float | None = None,
    coupling: float | None = None,
    spectral_radius: float | None = None,
    seed: int = 0,
    rng: n.Rng = "modern",
) -> xr.DataArray:
    """Draw a random network: edges, their weights and signs, and the scale of all.

    By default it is the tutorial's: independent edges of equal weight, divided by 1.01 times the largest singular
    value. A network without any edge gets the weight 1e-12 throughout then. (Neuromatch Academy, W3D5, Network
    Causality, Tutorials 1 and 2.) Self-connections are entries like others.

    Parameters
    ----------
    n_neurons : int
        Size of the network, 1 or more.
    sparsity : float
        Probability that an entry is 0, in [0, 1]; of all structures but "random", on average. Unused where `densities`
        are given.
    inhibitory : float
        Share of what is inhibitory, in [0, 1].
    signs : {"source", "edge"}
        What `inhibitory` is a share of. "source": of the neurons, of which all edges have one sign (Dale's principle).
        "edge": of the edges, each by itself.
    weights : {"binary", "lognormal", "normal"} or array-like, (target, source)
        "binary": all 1. "lognormal": the exponential of standard normals, skewed as in cortex [1]_. "normal": standard
        normals, which have both signs themselves. An array: the weight of each entry that is an edge.
    structure : {"random", "blocks", "distance", "in_degree", "scale_free"}
        Which entries are edges. "random": each alike. "blocks": the odds depend on the groups of target and source
        [2]_. "distance": neurons are evenly spaced on a ring, and the odds fall exponentially with distance [3]_;
        self-connections, which have none, are as frequent as edges are on average.
        "in_degree": all targets have as many sources [4]_. "scale_free": in- and out-degrees follow a power law [5]_.
    groups : int, sequence, mapping or DataArray, optional
        As in `netxr.assign_groups`: becomes the coordinate `group`. "blocks" needs them.
    densities : array-like, (group, group), optional
        Of "blocks": probability of an edge, in [0, 1], targets in rows, in the sorted order of the groups. If not
        given, in proportion to numbers drawn from an exponential distribution, so that neurons of a group share inputs
        and outputs.
    length : float, optional
        Of "distance": by what share of the ring the odds fall to 1 / e; 0.1 if not given.
    exponent : float, optional
        Of "scale_free": that of the power law of the degrees, above 2; 3 if not given.
    coupling : float, optional
        Largest singular value; 1 / 1.01 if not given.
    spectral_radius : float, optional
        Largest absolute eigenvalue, in the place of `coupling`. Activity of linear units settles if it is below 1.
    seed : int
        Seed, 0 or above.
    rng : {"modern", "legacy"}
        "modern": counter-based streams keyed by the seed. "legacy": the Mersenne Twister of the tutorial, bit
        for bit, which draws nothing but its network.

    Returns
    -------
    DataArray
        Weights (target, source), float64: entry [i, j] is the weight from j to i. With the coordinate `group` on
        `target` where there are groups.

    Raises
    ------
    InvalidInput
        If an argument is out of range or does not fit another, or a network without any edge is to have a coupling, or
        one without a cycle a spectral radius, which is 0 whatever the weights.

    References
    ----------
    .. [1] Song et al. 2005, doi:10.1371/journal.pbio.0030068
    .. [2] Holland, Laskey & Leinhardt 1983, doi:10.1016/0378-8733(83)90021-7
    .. [3] Ercsey-Ravasz et al. 2013, doi:10.1016/j.neuron.2013.07.036
    .. [4] Brunel 2000, doi:10.1023/A:1008925309027
    .. [5] Goh, Kahng & Kim 2001, doi:10.1103/PhysRevLett.87.278701

    Examples
    --------
    >>> A = random_connectivity(6, seed=42, rng="legacy")
    >>> round(A.sel(target=0, source=1).item(), 4)
    0.7001
    >>> A = random_connectivity(50, weights="normal", spectral_radius=0.9)
    >>> round(max(abs(np.linalg.eigvals(A))).item(), 4)
    0.9
    """
    n_neurons = check_count("n_neurons", n_neurons)
    sparsity = check_share("sparsity", sparsity, what="a probability")
    inhibitory = check_share("inhibitory", inhibitory)
    check_rng(rng)
    seed = check_seed(seed, rng=rng)
    check_room("n_neurons", n_neurons, 3 * 8 * n_neurons**2)
    check_choice("structure", structure, tuple(EDGES))
    labels = None if groups is None else group_labels(groups, np.arange(n_neurons))
    given = {"densities": densities, n.LENGTH: length, n.EXPONENT: exponent}
    kind = weights if isinstance(weights, str) else "given"
    if rng == "legacy" and (inhibitory or structure != RANDOM or kind != "binary"):
        expected = "'modern' for signs, weights and structures: the tutorial's stream draws its own network alone"
        raise InvalidInput("rng", got="'legacy'", expected=expected)
    edges = _draw_edges(n_neurons, sparsity, structure, {"groups": labels, **given}, seed, rng)
    drawn = _with_signs(_with_weights(edges, weights, seed), inhibitory, signs, kind, seed)
    made: dict[str, Any] = {n.SPARSITY: sparsity if densities is None else None, n.SEED: seed, n.RNG: rng}
    made |= {n.LENGTH: length, n.EXPONENT: exponent}
    made |= {n.MODEL: f"{EDGES[structure]} of {WEIGHTS.get(kind, kind)} weight"}
    made |= {n.INHIBITORY: inhibitory, n.SIGNS: signs} if inhibitory else {}
    made |= {n.COUPLING: coupling, n.SPECTRAL_RADIUS: spectral_radius}
    scaled = _scaled(drawn, coupling, spectral_radius, rng)
    network = as_connectivity(scaled, rows="target").assign_attrs(provenance(**made))
    return network if labels is None else network.assign_coords({n.GROUP: (n.TARGET, labels)})


def _draw_edges(
    n_neurons: int, sparsity: float, structure: str, options: dict[str, Any], seed: int, rng: n.Rng
) -> NDArray[Any]:
    """Draw which entries are edges, 0 or 1, (target, source)."""
    draw, taken = STRUCTURES.get(structure, (None, ()))
    strange = [name for name, value in options.items() if value is not None and name not in (*taken, "groups")]
    if strange:
        owner = next(name for name, (_, own) in STRUCTURES.items() if strange[0] in own)
        raise InvalidInput(strange[0], got=f"it for structure={structure!r}", expected=f"it for {owner!r} alone")
    shape, odds = (n_neurons, n_neurons), [sparsity, 1 - sparsity]
    if rng == "legacy":
        return np.random.RandomState(seed).choice([0, 1], size=shape, p=odds)
    random = philox(seed, trial=0, stream=CONNECTIVITY_STREAM)
    if draw is None:
        return random.choice([0, 1], size=shape, p=odds)
    chosen = {name: options[name] for name in taken if options[name] is not None}
    return draw(n_neurons, 1 - sparsity, random, **chosen).astype(np.float64)


def _with_weights(edges: NDArray[Any], weights: Any, seed: int) -> NDArray[Any]:
    """Return the weights of the edges before they are scaled, 0 elsewhere, (target, source)."""
    random = philox(seed, trial=0, stream=WEIGHT_STREAM)
    if isinstance(weights, str):
        check_choice("weights", weights, tuple(WEIGHTS))
        if weights == "binary":
            return edges
        normal = random.standard_normal(edges.shape)
        return np.where(edges, normal if weights == "normal" else np.exp(normal), 0.0)
    expected = (
        f"{' or '.join(map(repr, WEIGHTS))}, or one finite number for each of {' x '.join(map(str, edges.shape))}"
    )
    given = array_of("weights", weights, expected=f"{expected} entries")
    if given.shape != edges.shape or given.dtype.kind not in NUMBER_KINDS or not np.isfinite(given).all():
        raise InvalidInput("weights", got=f"shape {given.shape}, dtype {given.dtype}", expected=f"{expected} entries")
    return np.where(edges, given.astype(np.float64), 0.0)


def _with_signs(drawn: NDArray[Any], inhibitory: float, signs: str, kind: str, seed: int) -> NDArray[Any]:
    """Return weights of which a share is inhibitory."""
    check_choice("signs", signs, ("source", "edge"))
    if not inhibitory:
        return drawn
    if kind == "normal":
        fix = "Take weights='lognormal', or leave the share out."
        raise InvalidInput(
            n.INHIBITORY, got=f"{inhibitory:g} of normal weights", expected="0: they have both signs", fix=fix
        )
    random = philox(seed, trial=0, stream=SIGN_STREAM)
    n_neurons = len(drawn)
    if signs == "source":
        is_inhibitory = random.permutation(n_neurons) < round(inhibitory * n_neurons)
    else:
        is_inhibitory = random.random(drawn.shape) < inhibitory
    return np.where(is_inhibitory & (drawn != 0), -drawn, drawn)


def _scaled(
    drawn: NDArray[Any], coupling: float | None, spectral_radius: float | None, rng: n.Rng
) -> NDArray[np.float64]:
    """Return weights at the scale that was asked for."""
    for name, value in ((n.COUPLING, coupling), (n.SPECTRAL_RADIUS, spectral_radius)):
        if value is not None and (not is_number(value) or not 0 < value < np.inf):
            raise InvalidInput(name, got=said(value), expected="a number above 0")
    if coupling is not None and spectral_radius is not None:
        raise InvalidInput(n.SPECTRAL_RADIUS, got=f"it beside coupling={coupling!r}", expected="one of the two")
    # With singular vectors, although nobody needs them: without, the last digit is not the published one.
    largest = np.linalg.svd(drawn)[1][0] if rng == "legacy" else np.linalg.svd(drawn, compute_uv=False)[0]
    if coupling is None and spectral_radius is None:
        return drawn / (SPECTRAL_MARGIN * largest) if largest else np.full(drawn.shape, NO_EDGE_WEIGHT)
    if not largest:
        got = f"a network without any edge, of {drawn.size:,} entries"
        fix = "Take a lower sparsity or another seed."
        raise InvalidInput(n.SPARSITY, got=got, expected="edges, which can be scaled", fix=fix)
    if spectral_radius is None:
        return np.asarray(drawn * (coupling / largest))
    radius = np.abs(np.linalg.eigvals(drawn)).max() if _has_cycle(drawn) else 0.0
    if radius <= SMALLEST_RADIUS * largest:
        there = f"{np.count_nonzero(drawn):,} edges of {len(drawn):,} neurons"
        raise InvalidInput(
            n.SPECTRAL_RADIUS,
            got=f"{spectral_radius!r} of a network without a cycle, {there}",
            expected="a network with one: the spectral radius of another is 0, whatever its weights",
            fix="Take coupling=, a lower sparsity or another seed.",
        )
    return np.asarray(drawn * (spectral_radius / radius))


def _has_cycle(matrix: NDArray[Any]) -> bool:
    """Return whether some neuron acts on itself, directly or by way of others: else all eigenvalues are 0."""
    n_components = connected_components(matrix != 0, directed=True, connection="strong", return_labels=False)
    return bool(n_components < len(matrix) or np.diagonal(matrix).any())
