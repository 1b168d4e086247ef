import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netxr.kernels.lag_spectrum import (
    TILE_SOURCES,
    TILE_TARGETS,
    add_lagged_products,
    segment_length,
    spectrum_bytes,
    spectrum_cost,
)
from tests.runs import peak_bytes

FLOAT32, FLOAT64 = np.dtype("float32"), np.dtype("float64")


@pytest.mark.parametrize(
    ("targets", "sources", "lags", "expected"),
    [
        ([1, 2], [5, 3, 4], [0, 1], [1 * 3 + 2 * 4, 1 * 5 + 2 * 3]),
        ([1, 0, 0], [7, 8, 9, 1], [1], [7]),
        ([1, 1], [1, 2, 3, 4], [0, 2], [3 + 4, 1 + 2]),
    ],
)
def test_by_hand(targets, sources, lags, expected):
    """Sources begin max(lags) frames before the targets."""
    product = np.zeros((len(lags), 1, 1))
    add_lagged_products(product, np.array([targets], float), np.array([sources], float), lags=lags, segment=8)
    np.testing.assert_allclose(product.ravel(), expected, atol=1e-13)


def naive_products(targets, sources, lags):
    """Sum target by source, frame by frame, in extended precision."""
    product = np.zeros((len(lags), len(targets), len(sources)), np.longdouble)
    for r, lag in enumerate(lags):
        for t in range(targets.shape[1]):
            past = sources[:, max(lags) - lag + t].astype(np.longdouble)
            product[r] += np.outer(targets[:, t].astype(np.longdouble), past)
    return product


def pair_of(n_targets, n_sources, n_frames, max_lag, *, precision=FLOAT64, order="F", seed=0):
    draw = np.random.default_rng(seed).standard_normal
    scratch = np.asarray(draw((n_targets + n_sources, max_lag + n_frames)), precision, order=order)
    return scratch[:n_targets, max_lag:], scratch[n_targets:]


def assert_close(product, targets, sources, lags):
    """Compare as correlations: errors in units of what the two sides could reach."""
    expected = naive_products(targets, sources, lags)
    norms = np.linalg.norm(targets, axis=1)[:, None] * np.linalg.norm(sources, axis=1)
    worst = np.max(np.abs(product - expected) / np.maximum(norms, np.finfo(float).tiny))
    assert worst < (3e-6 if targets.dtype == FLOAT32 else 3e-15)


@given(
    lags=st.lists(st.integers(0, 20), min_size=1, max_size=6, unique=True),
    neurons=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    n_frames=st.integers(1, 60),
    hop=st.integers(1, 70),
    precision=st.sampled_from([FLOAT32, FLOAT64]),
    order=st.sampled_from("CF"),
)
def test_any_block_equals_the_naive_sums(lags, neurons, n_frames, hop, precision, order):
    targets, sources = pair_of(*neurons, n_frames, max(lags), precision=precision, order=order)
    product = np.zeros((len(lags), *neurons))
    add_lagged_products(product, targets, sources, lags=lags, segment=max(lags) - min(lags) + hop)
    assert_close(product, targets, sources, lags)


@given(
    cuts=st.lists(st.integers(1, 79), max_size=4, unique=True),
    lags=st.lists(st.integers(0, 30), min_size=1, max_size=4, unique=True),
    segment=st.integers(31, 64),
)
def test_blocks_one_after_the_other_add_up(cuts, lags, segment):
    max_lag = max(lags)
    targets, sources = pair_of(3, 2, 80, max_lag)
    product = np.zeros((len(lags), 3, 2))
    edges = [0, *sorted(cuts), 80]
    for start, stop in itertools.pairwise(edges):
        add_lagged_products(
            product, targets[:, start:stop], sources[:, start : stop + max_lag], lags=lags, segment=segment
        )
    assert_close(product, targets, sources, lags)


@pytest.mark.parametrize("view", [np.s_[::2, :], np.s_[:, ::2], np.s_[::-1, :], np.s_[:, ::-1], np.s_[[2, 0, 3], :]])
@pytest.mark.parametrize("order", ["C", "F"])
def test_any_strides(view, order):
    scratch = np.asarray(np.random.default_rng(1).standard_normal((6, 140)), order=order)[view]
    lags = [4, 0, 9]
    targets, sources = scratch[:, 9:], scratch
    product = np.zeros((3, len(scratch), len(scratch)))
    add_lagged_products(product, targets, sources, lags=lags, segment=25)
    assert_close(product, targets, sources, lags)


def test_tiles_do_not_show():
    n_targets, n_sources = 2 * TILE_TARGETS + 1, TILE_SOURCES + 3
    targets, sources = pair_of(n_targets, n_sources, 50, 5)
    product = np.zeros((6, n_targets, n_sources))
    add_lagged_products(product, targets, sources, lags=range(6), segment=16)
    assert_close(product, targets, sources, range(6))


def test_what_was_there_stays():
    targets, sources = pair_of(2, 2, 30, 3)
    product = np.full((2, 2, 2), 7.0)
    add_lagged_products(product, targets, sources, lags=[3, 1], segment=9)
    assert_close(product - 7, targets, sources, [3, 1])


def test_a_neuron_of_zeros_has_products_of_zero_and_scales_do_not_mix():
    targets, sources = pair_of(4, 4, 200, 8, precision=FLOAT32)
    targets[1], sources[2] = 0, 0
    targets[3] *= np.float32(1e10)
    product = np.zeros((9, 4, 4))
    add_lagged_products(product, targets, sources, lags=range(9), segment=32)
    assert (product[:, 1] == 0).all()
    assert (product[:, :, 2] == 0).all()
    assert_close(product, targets, sources, range(9))


@pytest.mark.parametrize("slowness", [0.0, 0.98])
def test_float32_blocks_resolve_a_correlation(slowness):
    rng = np.random.default_rng(2)
    n, max_lag, length, n_blocks = 20, 32, 4096, 8
    x = rng.standard_normal((n, max_lag + n_blocks * length))
    for t in range(1, x.shape[1]):
        x[:, t] += slowness * x[:, t - 1]
    x = np.asarray(x / x.std(axis=1, keepdims=True), FLOAT32, order="F")
    product = np.zeros((max_lag + 1, n, n))
    for start in range(0, n_blocks * length, length):
        block = x[:, start : start + length + max_lag]
        add_lagged_products(product, block[:, max_lag:], block, lags=range(max_lag + 1), segment=96)
    exact = x.astype(float)
    for lag in (0, 1, 17, 32):
        expected = exact[:, max_lag:] @ exact[:, max_lag - lag : x.shape[1] - lag].T
        assert np.abs(product[lag] - expected).max() / (n_blocks * length) < (2e-7 if slowness == 0 else 6e-7)


@pytest.mark.parametrize("precision", [FLOAT32, FLOAT64])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize(
    ("n_targets", "n_sources", "n_frames", "lags", "segment"),
    [
        (200, 150, 700, range(33), 96),
        (200, 150, 700, [0, 32], 200),
        (3, 3, 5000, range(9), 24),
        (1, 1, 1, [500], 700),
        (130, 1100, 100, range(5), 32),
    ],
)
def test_bytes_are_a_bound_and_a_close_one(n_targets, n_sources, n_frames, lags, segment, precision, order):
    targets, sources = pair_of(n_targets, n_sources, n_frames, max(lags), precision=precision, order=order)
    product = np.zeros((len(lags), n_targets, n_sources))
    peak = peak_bytes(lambda: add_lagged_products(product, targets, sources, lags=lags, segment=segment))
    bound = spectrum_bytes(segment, n_targets, n_sources, lags=lags, n_frames=n_frames, precision=precision)
    tables = 40 * segment * (2 * segment + len(lags))
    assert peak <= bound <= 1.1 * peak + 2**19 + tables


def test_memory_does_not_grow_with_the_network():
    sizes = {"lags": range(33), "n_frames": 8192, "precision": FLOAT32}
    assert spectrum_bytes(96, 5000, 5000, **sizes) == spectrum_bytes(96, 1000, 1000, **sizes)


def test_many_lags_go_by_spectra_and_few_do_not():
    sizes = {"n_frames": 8192, "precision": FLOAT32}
    for n in (100, 1000, 2000):
        assert segment_length(n, n, lags=range(33), **sizes) is not None
        assert segment_length(n, n, lags=range(129), **sizes) is not None
        for few in ([0], [7], [0, 1], [0, 32], [0, 1000]):
            assert segment_length(n, n, lags=few, **sizes) is None
    assert segment_length(1, 1, lags=range(3), **sizes) is None
    assert segment_length(1000, 1000, lags=range(33), n_frames=10, precision=FLOAT32) is None


@given(
    neurons=st.tuples(st.integers(1, 3000), st.integers(1, 3000)),
    n_lags=st.integers(1, 100),
    n_frames=st.integers(1, 30_000),
    most_bytes=st.sampled_from([np.inf, 2e8, 5e7, 1e6]),
)
def test_the_chosen_segment_is_allowed_and_cheaper(neurons, n_lags, n_frames, most_bytes):
    sizes = {"lags": range(n_lags), "n_frames": n_frames}
    segment = segment_length(*neurons, **sizes, precision=FLOAT32, most_bytes=most_bytes)
    if segment is not None:
        assert segment >= n_lags
        assert spectrum_bytes(segment, *neurons, **sizes, precision=FLOAT32) <= most_bytes
        assert spectrum_cost(segment, *neurons, **sizes) < n_lags


def test_cost_falls_with_the_network_and_the_block_and_rises_with_the_lags():
    def cost(n=1000, n_lags=33, n_frames=96 * 96):
        return spectrum_cost(128, n, n, lags=[*range(n_lags - 1), 32], n_frames=n_frames)

    assert cost(n=100) > cost() > cost(n=2000)
    assert cost(n_frames=96 * 24) > cost() > cost(n_frames=96 * 384)
    assert cost(n_lags=10) < cost()
    assert 2 < cost() < 6
