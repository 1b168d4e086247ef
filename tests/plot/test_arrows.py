import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from netxr.plot.matrices.arrows import strongest_arrows

MATRICES = st.integers(1, 6).flatmap(
    lambda n: arrays(np.float32, (n, n), elements=st.sampled_from([0, 0, 1, 1, 2, -1, -3, np.nan, np.inf]))
)


def test_three_by_hand():
    weights = np.array([[9.0, 0.2, 0.5, 0.1], [0.3, 9, 0, 0], [-0.9, 0.4, 9, 0.6], [0, 0, 0, 9]])
    drawn = strongest_arrows(weights, negative=False, inputs=2)
    assert list(zip(drawn.sources.tolist(), drawn.targets.tolist(), strict=True)) == [
        (1, 0),
        (0, 1),
        (1, 2),
        (2, 0),
        (3, 2),
    ]
    assert drawn.n_all == 6
    both = strongest_arrows(weights, negative=True, inputs=1)
    assert both.weights.tolist() == [0.3, 0.5, -0.9]
    assert strongest_arrows(weights, negative=True, inputs=9).n_all == len(
        strongest_arrows(weights, negative=True).weights
    )


@settings(max_examples=100, deadline=None)
@given(weights=MATRICES, negative=st.booleans(), inputs=st.integers(1, 4), block=st.integers(1, 20))
def test_the_strongest_inputs_are_those_of_a_sort_of_each_row(weights, negative, inputs, block):
    drawn = strongest_arrows(weights, negative=negative, inputs=inputs, block=block)
    edges = naive_edges(weights, negative)
    assert drawn.n_all == len(edges)
    for target in range(len(weights)):
        into = sorted((abs(weight) for (_, to), weight in edges.items() if to == target), reverse=True)
        assert sorted(np.abs(drawn.weights[drawn.targets == target]), reverse=True) == into[:inputs]


def test_of_equal_inputs_chance_decides():
    drawn = strongest_arrows(np.ones((300, 300)), negative=False, inputs=3)
    assert (np.bincount(drawn.targets) == 3).all()
    assert np.bincount(drawn.sources, minlength=300).max() < 15


def naive_edges(weights, negative):
    n = len(weights)
    return {
        (source, target): float(weights[target, source])
        for target in range(n)
        for source in range(n)
        if source != target
        and np.isfinite(weights[target, source])
        and (weights[target, source] > 0 or (negative and weights[target, source] < 0))
    }


@settings(max_examples=100, deadline=None)
@given(weights=MATRICES, negative=st.booleans(), most=st.integers(1, 8), block=st.integers(1, 20))
def test_the_strongest_are_those_of_a_full_sort(weights, negative, most, block):
    drawn = strongest_arrows(weights, negative=negative, most=most, block=block)
    edges = naive_edges(weights, negative)
    ends = list(zip(drawn.sources.tolist(), drawn.targets.tolist(), strict=True))
    assert drawn.n_all == len(edges)
    assert len(set(ends)) == len(ends) == min(most, len(edges))
    assert [edges[end] for end in ends] == drawn.weights.tolist()
    strengths = np.abs(drawn.weights).tolist()
    assert strengths == sorted(map(abs, edges.values()))[max(0, len(edges) - most) :]


def test_chance_decides_among_equals_and_always_alike():
    n = 300
    drawn = strongest_arrows(np.ones((n, n)), negative=False)
    assert (len(drawn.weights), drawn.n_all) == (10_000, n * (n - 1))
    for ends in (drawn.sources, drawn.targets):  # 33 a neuron, and as many from and to each third of them
        assert np.bincount(ends, minlength=n).min() > 5
        np.testing.assert_allclose(np.bincount(ends // 100), 10_000 / 3, rtol=0.1)
    np.testing.assert_array_equal(drawn.sources, strongest_arrows(np.ones((n, n)), negative=True).sources)


def test_whole_numbers_and_flags_are_weights():
    assert strongest_arrows(np.array([[0, -128], [1, 0]], dtype=np.int8), negative=True).weights.tolist() == [1, -128]
    assert strongest_arrows(np.array([[True, False], [True, True]]), negative=False).n_all == 1
