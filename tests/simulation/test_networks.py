import numpy as np
import pytest
import scipy.stats
from hypothesis import assume, given
from hypothesis import strategies as st

import netxr
from netxr.errors import InvalidInput
from netxr.simulation.networks import random_connectivity
from tests.oracles import published_network


@pytest.mark.crossed
@pytest.mark.parametrize("n", [1, 2, 5, 6, 25, 50, 128])
@pytest.mark.parametrize("seed", [0, 3, 42])
@pytest.mark.parametrize("sparsity", [0.01, 0.5, 0.9])
def test_the_published_network_bit_for_bit(n, seed, sparsity):
    A = random_connectivity(n, sparsity=sparsity, seed=seed, rng="legacy")
    np.testing.assert_array_equal(A.values, published_network(n, seed=seed, sparsity=sparsity))


def test_the_published_matrix(golden):
    A = random_connectivity(6, seed=42, rng="legacy")
    np.testing.assert_array_equal(A.values, golden["small"]["A"])


@pytest.mark.parametrize("seed", [2, 3])
def test_a_network_without_edges(seed):
    A = random_connectivity(5, seed=seed, rng="legacy")
    assert (A == 1e-12).all()


@pytest.mark.parametrize("rng", ["modern", "legacy"])
@given(st.integers(1, 30), st.floats(0, 1), st.integers(0, 2**32 - 1))
def test_equal_weights_and_a_largest_singular_value_below_one(rng, n, sparsity, seed):
    A = random_connectivity(n, sparsity=sparsity, seed=seed, rng=rng)
    weights = np.unique(A.values)
    if weights.tolist() == [1e-12]:
        return
    assert weights[0] == 0 or len(weights) == 1
    assert len(weights) <= 2
    assert np.linalg.norm(A.values, 2) == pytest.approx(1 / 1.01)


@pytest.mark.parametrize("rng", ["modern", "legacy"])
@pytest.mark.parametrize("sparsity", [0.0, 0.2, 0.9, 1.0])
def test_share_of_edges(rng, sparsity):
    edges = random_connectivity(200, sparsity=sparsity, seed=1, rng=rng).values > 1e-11
    assert edges.mean() == pytest.approx(1 - sparsity, abs=0.01)
    assert np.diagonal(edges).mean() == pytest.approx(1 - sparsity, abs=0.15)


def test_seeds_and_streams_differ_and_repeat():
    networks = [random_connectivity(20, seed=seed, rng=rng) for seed in (0, 1) for rng in ("modern", "legacy")]
    assert len({network.values.tobytes() for network in networks}) == 4
    assert networks[0].identical(random_connectivity(20))
    random_connectivity(20, seed=2**64 - 1)
    random_connectivity(20, seed=2**32 - 1, rng="legacy")


def test_the_modern_stream_stays_as_it_is():
    edges = np.argwhere(random_connectivity(8, seed=7).values > 0)
    generator = np.random.Generator(np.random.Philox(key=[7, 0], counter=[0, 0, 1, 0]))
    np.testing.assert_array_equal(edges, np.argwhere(generator.choice([0, 1], size=(8, 8), p=[0.9, 1 - 0.9])))


def test_the_global_stream_is_left_alone():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    random_connectivity(5, rng="legacy")
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_labels_and_attributes():
    A = random_connectivity(4, sparsity=0.5, seed=9, rng="legacy")
    assert (A.dims, A.name, A.dtype) == (("target", "source"), "connectivity", np.float64)
    assert A.target.values.tolist() == A.source.values.tolist() == [0, 1, 2, 3]
    assert A.attrs.items() >= {"sparsity": 0.5, "seed": 9, "rng": "legacy"}.items()
    assert {"netxr_version", "model"} <= set(A.attrs)


# --- signs, weights and scale ---------------------------------------------------------------

STRUCTURES = {"random": {}, "blocks": {"groups": 5}, "distance": {}, "in_degree": {}, "scale_free": {}}


def test_three_neurons_by_hand():
    """All weights given, and one source inhibitory; the singular values of diag(1, 2, 4) are its entries."""
    A = random_connectivity(3, sparsity=0, weights=np.diag([1.0, 2, 4]), inhibitory=0.34, coupling=2, seed=1)
    np.testing.assert_allclose(np.abs(A), np.diag([0.5, 1, 2]))
    assert (np.diagonal(A) < 0).sum() == 1
    A = random_connectivity(2, sparsity=0, weights=[[0, 4], [1, 0]], spectral_radius=3)
    np.testing.assert_allclose(A, [[0, 6], [1.5, 0]])


@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.parametrize("weights", ["binary", "lognormal"])
def test_sources_have_one_sign(structure, weights):
    A = random_connectivity(30, inhibitory=0.2, structure=structure, weights=weights, **STRUCTURES[structure]).values
    signs = np.sign(A)
    assert {tuple(np.unique(column[column != 0])) for column in signs.T} <= {(-1,), (1,), ()}
    plain = random_connectivity(30, structure=structure, weights=weights, **STRUCTURES[structure]).values
    np.testing.assert_allclose(np.abs(A) / np.abs(A).max(), plain / plain.max())
    all_edges = random_connectivity(30, inhibitory=0.2, sparsity=0).values
    assert (all_edges[0] < 0).sum() == 6


def test_signs_of_single_edges():
    A = random_connectivity(60, sparsity=0.5, inhibitory=0.3, signs="edge").values
    assert (A[A != 0] < 0).mean() == pytest.approx(0.3, abs=0.03)
    assert all(len(np.unique(np.sign(column))) == 3 for column in A.T)


def test_kinds_of_weights():
    lognormal = random_connectivity(80, sparsity=0.5, weights="lognormal").values
    assert scipy.stats.kstest(scipy.stats.zscore(np.log(lognormal[lognormal > 0])), "norm").pvalue > 0.01
    normal = random_connectivity(80, sparsity=0.5, weights="normal").values
    assert scipy.stats.kstest(scipy.stats.zscore(normal[normal != 0]), "norm").pvalue > 0.01
    own = np.arange(16.0).reshape(4, 4)
    A = random_connectivity(4, sparsity=0.5, weights=own, coupling=1).values
    ratios = A[A != 0] / own[A != 0]
    np.testing.assert_allclose(ratios, ratios[0])


@given(st.integers(2, 20), st.floats(0.1, 20), st.sampled_from(sorted(STRUCTURES)), st.integers(0, 99))
def test_the_scale_that_was_asked_for(n, size, structure, seed):
    options = {"sparsity": 0.3, "structure": structure, "inhibitory": 0.3, "seed": seed}
    options |= {"groups": [k % 2 for k in range(n)]} if structure == "blocks" else {}
    try:
        A = random_connectivity(n, coupling=size, **options).values
        B = random_connectivity(n, spectral_radius=size, **options).values
    except InvalidInput as error:  # few neurons may have no edge, or none that closes a cycle
        assume("without" not in str(error))
        raise
    assert np.linalg.norm(A, 2) == pytest.approx(size)
    assert np.abs(np.linalg.eigvals(B)).max() == pytest.approx(size)


@pytest.mark.parametrize("n", [2, 60])
def test_a_network_without_a_cycle_has_no_spectral_radius(n):
    """Eigenvalues of a shift come out as numbers far from zero."""
    with pytest.raises(InvalidInput, match=f"a network without a cycle, {n - 1} edges of {n} neurons"):
        random_connectivity(n, sparsity=0, weights=np.eye(n, k=1), spectral_radius=0.9)
    assert random_connectivity(n, sparsity=0, weights=np.eye(n, k=1), coupling=0.9).values.max() == pytest.approx(0.9)


# --- structures -----------------------------------------------------------------------------


@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.parametrize("sparsity", [0.0, 0.5, 0.9, 1.0])
def test_share_of_edges_of_every_structure(structure, sparsity):
    edges = random_connectivity(200, sparsity=sparsity, structure=structure, **STRUCTURES[structure]).values > 1e-11
    assert edges.mean() == pytest.approx(1 - sparsity, abs=0.015)


@pytest.mark.parametrize("sparsity", [0.0, 0.9, 1.0])
def test_blocks_have_the_densities_that_were_given(sparsity):
    groups = ["b"] * 100 + ["a"] * 50
    A = random_connectivity(150, sparsity=sparsity, structure="blocks", groups=groups, densities=[[0, 0.3], [1, 0]])
    assert "sparsity" not in A.attrs
    assert A.group.dims == ("target",)
    edges = A.values > 0
    is_a = A.group.values == "a"
    assert not edges[np.ix_(is_a, is_a)].any()
    assert not edges[np.ix_(~is_a, ~is_a)].any()
    assert edges[np.ix_(is_a, ~is_a)].mean() == pytest.approx(0.3, abs=0.02)
    assert edges[np.ix_(~is_a, is_a)].all()


def test_neurons_of_a_block_share_inputs_and_outputs():
    A = random_connectivity(120, sparsity=0.8, structure="blocks", groups=6).values > 0
    alike = np.corrcoef(np.concatenate([A, A.T], axis=1))
    group = np.arange(120) // 20
    same = group[:, None] == group
    assert alike[same & ~np.eye(120, dtype=bool)].mean() > alike[~same].mean() + 0.1


def test_odds_fall_with_the_distance_on_a_ring():
    k = np.arange(1, 20)
    draws = [
        random_connectivity(40, structure="distance", length=0.15, seed=seed).values > 1e-11 for seed in range(150)
    ]
    counts = sum(draws)
    shares = [np.mean([counts[i, (i + d) % 40] + counts[(i + d) % 40, i] for i in range(40)]) / 300 for d in k]
    slope = np.polyfit(k / 40, np.log(shares), 1)[0]
    assert slope == pytest.approx(-1 / 0.15, rel=0.1)
    assert np.diagonal(counts).mean() / 150 == pytest.approx(0.1, abs=0.015)  # self-connections, as elsewhere
    assert np.mean(counts) / 150 == pytest.approx(0.1, abs=0.005)


def test_every_target_has_as_many_sources():
    A = random_connectivity(50, sparsity=0.86, structure="in_degree").values > 0
    assert (A.sum(axis=1) == 7).all()
    assert A.sum(axis=0).std() > 1


@pytest.mark.parametrize("exponent", [2.5, 4.0])
def test_degrees_fall_as_a_power_of_the_rank(exponent):
    draws = [
        random_connectivity(200, sparsity=0.98, structure="scale_free", exponent=exponent, seed=seed).values > 0
        for seed in range(60)
    ]
    rank = np.arange(1, 201)
    for axis in (0, 1):
        degrees = np.mean([np.sort(A.sum(axis=axis))[::-1] for A in draws], axis=0)
        slope = np.polyfit(np.log(rank[3:40]), np.log(degrees[3:40]), 1)[0]
        assert slope == pytest.approx(-1 / (exponent - 1), abs=0.12)


def test_groups_are_carried_from_the_network_to_the_groups_of_a_run():
    A = random_connectivity(12, groups=[0, 0, 1] * 4)
    run = netxr.simulate(A, n_steps=30)
    assert run.group.dims == ("neuron",)
    assert "group" not in run.connectivity.coords
    coarse = netxr.coarsen(run)
    assert coarse.group_size.values.tolist() == [8, 4]
    assert netxr.coarsen(A).shape == (2, 2)


WRONG = {
    "n_neurons": [0, -1, 1.5, 2.0, True, "3", None, [3], np.nan],
    "sparsity": [-0.1, 1.1, np.nan, np.inf, "0.5", None, True, [0.5], 1j, np.array([0.5, 0.5])],
    "seed": [-1, 2**64, 1.0, True, "1", None, [1], np.nan],
    "rng": [None, "old", 0, ["modern"], np.array(["modern", "legacy"])],
    "inhibitory": [-0.1, 1.1, np.nan, None, "all", True, [0.5]],
    "signs": [None, "target", 1],
    "weights": [None, "uniform", [[1, 2]], np.ones((3, 3)), [[np.nan] * 4] * 4, 1.0, {}, [["a"] * 4] * 4],
    "structure": [None, "ring", 3],
    "groups": [3, [0, 1], [-1] * 4, "abcd "],
    "coupling": [0, -1, np.nan, np.inf, "1", True],
    "spectral_radius": [0, -1, np.nan, np.inf, "1", True],
    "length": [0.1],
    "exponent": [3.0],
    "densities": [[[1]]],
}

WRONG_OF_STRUCTURES = [
    ("blocks", {}, "groups", "the groups of the 4 neurons"),
    ("blocks", {"groups": 2, "densities": [[1, 2]]}, "densities", "2 x 2 pairs of groups"),
    ("blocks", {"groups": 2, "densities": [[0, 0], [0, 0]]}, "densities", "one above 0"),
    ("blocks", {"groups": 2, "densities": [[1, -1], [0, 0]]}, "densities", "0 to 1"),
    ("blocks", {"groups": 2, "densities": [[2, 0], [0, 0]]}, "densities", "0 to 1"),
    ("blocks", {"groups": 2, "densities": [[np.nan, 0], [0, 1]]}, "densities", "0 to 1"),
    ("distance", {"length": 0}, "length", "above 0"),
    ("distance", {"length": 1e-4, "sparsity": 0.5}, "sparsity", "at least 1, since only 0 of"),
    ("distance", {"exponent": 3.0}, "exponent", "'scale_free' alone"),
    ("scale_free", {"exponent": 2}, "exponent", "above 2"),
    ("scale_free", {"rng": "legacy"}, "rng", "the tutorial's stream"),
    ("random", {"inhibitory": 0.2, "rng": "legacy"}, "rng", "the tutorial's stream"),
    ("random", {"inhibitory": 0.2, "weights": "normal"}, "inhibitory", "both signs"),
    ("random", {"coupling": 1, "spectral_radius": 1}, "spectral_radius", "one of the two"),
    ("random", {"coupling": 1, "sparsity": 1}, "sparsity", "a network without any edge, of 16 entries"),
]


@pytest.mark.parametrize(("structure", "options", "argument", "says"), WRONG_OF_STRUCTURES)
def test_arguments_that_do_not_fit(structure, options, argument, says):
    with pytest.raises(InvalidInput, match=says) as caught:
        random_connectivity(4, structure=structure, **options)
    assert caught.value.argument == argument


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_wrong_arguments(name, value):
    with pytest.raises(InvalidInput) as caught:
        random_connectivity(**({"n_neurons": 4} | {name: value}))
    assert caught.value.argument == name


def test_the_legacy_stream_takes_no_larger_seed():
    with pytest.raises(InvalidInput, match=f"seed: got {2**32}; expected a whole number, 0 to {2**32 - 1}"):
        random_connectivity(4, seed=2**32, rng="legacy")
