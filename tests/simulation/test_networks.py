import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

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


WRONG = {
    "n_neurons": [0, -1, 1.5, 2.0, True, "3", None, [3], np.nan],
    "sparsity": [-0.1, 1.1, np.nan, np.inf, "0.5", None, True, [0.5], 1j, np.array([0.5, 0.5])],
    "seed": [-1, 2**64, 1.0, True, "1", None, [1], np.nan],
    "rng": [None, "old", 0, ["modern"], np.array(["modern", "legacy"])],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_wrong_arguments(name, value):
    with pytest.raises(InvalidInput) as caught:
        random_connectivity(**({"n_neurons": 4} | {name: value}))
    assert caught.value.argument == name


def test_the_legacy_stream_takes_no_larger_seed():
    with pytest.raises(InvalidInput, match=f"seed: got {2**32}; expected a whole number, 0 to {2**32 - 1}"):
        random_connectivity(4, seed=2**32, rng="legacy")
