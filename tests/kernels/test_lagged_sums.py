import itertools
import pickle
from functools import partial

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st

from netxr.kernels.lagged_sums import PRODUCTS, block_frames, close_trial, crossing_pairs, join_sums, pool_sums
from netxr.kernels.moments import moments_of
from tests.kernels import segments
from tests.kernels.segments import a_pass, cuts, pooled_sums, spans, sums_of, sums_of_trial
from tests.oracles import naive_moments, naive_pair_moments

LENGTH = 24
trial = partial(segments.trial, length=LENGTH)
SHIFT = np.array([0.5, -3.0, 2.0])

lag_sets = st.lists(st.integers(0, LENGTH - 2), min_size=1, max_size=3, unique=True).map(tuple)


def with_holes(frames, where):
    """The frames with NaN or infinity at some places."""
    frames.flat[where] = np.resize([np.nan, np.inf, -np.inf], len(where))
    return frames


def assert_equal_sums(a, b, *, rtol=1e-12):
    for name, mine, other in zip(a._fields, a, b, strict=True):
        for x, y in zip(mine, other, strict=True) if isinstance(mine, tuple) else [(mine, other)]:
            np.testing.assert_allclose(x, y, rtol=rtol, atol=1e-11, err_msg=name)


# --- any cut of any trials, against loops over pairs of neurons ---------------------------------


@given(
    st.sampled_from(["raise", "drop", "pairwise"]),
    lag_sets,
    st.integers(1, 30),
    st.lists(st.tuples(st.integers(0, 99), cuts(LENGTH)), min_size=1, max_size=3),
    st.lists(st.integers(0, 3 * LENGTH - 1), max_size=9, unique=True),
    st.sampled_from("CF"),
    st.none() | st.integers(1, 30),
)
def test_any_stretches_of_any_trials_are_the_trials_as_a_whole(missing, lags, block, drawn, where, order, hop):
    """By direct products, or by way of Fourier segments of some frames more than the lags span."""
    segment = None if hop is None else hop + max(lags) - min(lags)
    todo = a_pass(lags, missing=missing, block=block, fourier=segment)
    trials = [
        np.array(with_holes(trial(seed=seed), where if missing != "raise" else []), order=order) for seed, _ in drawn
    ]
    moments = moments_of(pooled_sums(trials, todo, [cut for _, cut in drawn], shift=SHIFT), todo=todo)
    oracle = naive_pair_moments if missing == "pairwise" else naive_moments
    for r, lag in enumerate(lags):
        expected = oracle([x.astype(np.longdouble) for x in trials], lag)
        np.testing.assert_array_equal(moments.n_pairs[r], expected.count)
        for name in expected._fields[1:]:
            wanted = np.asarray(getattr(expected, name), float)
            if name == "comoment" and missing == "pairwise":
                wanted = np.where(expected.count > 0, wanted, 0)
            np.testing.assert_allclose(getattr(moments, name)[r], wanted, rtol=1e-10, atol=1e-10, err_msg=name)


@given(lag_sets, cuts(LENGTH), st.integers(1, 30), st.permutations(range(3)), st.integers(1, 3), st.integers(0, 2))
def test_some_targets_and_sources_are_rows_and_columns(lags, cut, block, order, n_sources, first):
    sources, targets = tuple(order[:n_sources]), (first, 3)
    frames = trial()
    whole, part = (
        moments_of(sums_of_trial(frames, todo, cut, shift=SHIFT), todo=todo)
        for todo in (a_pass(lags, block=block), a_pass(lags, block=block, sources=sources, targets=targets))
    )
    np.testing.assert_allclose(part.comoment, whole.comoment[:, first:][..., sources], rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(part.mean_source, whole.mean_source[:, sources], rtol=1e-12)
    np.testing.assert_allclose(part.sumsq_target, whole.sumsq_target[:, first:], rtol=1e-11)


@pytest.mark.parametrize("missing", ["raise", "drop"])
@given(lag_sets, cuts(LENGTH), st.integers(1, 30), st.lists(st.integers(0, 3 * LENGTH - 1), max_size=3, unique=True))
def test_groups_have_sums_of_their_own(missing, lags, cut, block, where):
    weights = np.array([[0.5, 0.5, 0], [0, 0, 1.0]])
    frames = with_holes(trial(), where) if missing == "drop" else trial()
    todo = a_pass(lags, missing=missing, block=block, groups=scipy.sparse.csr_array(weights))
    sums = sums_of_trial(frames, todo, cut, shift=SHIFT)
    assert sums.product.shape[2:] == (3, 3)
    good = np.isfinite(frames).all(axis=0)
    y = weights @ np.where(good, frames - SHIFT[:, None], 0)
    for r, lag in enumerate(lags):
        pairs = good[lag:] & good[: LENGTH - lag]
        for power in (1, 2):
            of_target = (y[:, lag:] ** power * pairs).sum(axis=1)
            of_source = (y[:, : LENGTH - lag] ** power * pairs).sum(axis=1)
            np.testing.assert_allclose(sums.of_target[power - 1, r, 3:], of_target, rtol=1e-10, atol=1e-10)
            np.testing.assert_allclose(sums.of_source[power - 1, r, 3:], of_source, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(sums.total[1, 3:], (y**2).sum(axis=1), rtol=1e-12)


# --- joining and pooling -------------------------------------------------------------------------


def three_stretches(todo, ends, where):
    frames = with_holes(trial(), where)
    edges = [0, *sorted(ends), LENGTH]
    return [sums_of(frames[:, a:b], todo, shift=SHIFT, offset=a) for a, b in itertools.pairwise(edges)]


missing_and_holes = st.sampled_from(["drop", "pairwise"]).flatmap(
    lambda missing: st.tuples(st.just(missing), st.lists(st.integers(0, 3 * LENGTH - 1), max_size=5, unique=True))
)
two_ends = st.lists(st.integers(0, LENGTH), min_size=2, max_size=2)


@given(lag_sets, missing_and_holes, two_ends)
def test_joining_is_associative(lags, case, ends):
    missing, where = case
    todo = a_pass(lags, missing=missing)
    a, b, c = three_stretches(todo, ends, where)
    left = join_sums([join_sums([a, b], todo=todo), c], todo=todo)
    right = join_sums([a, join_sums([b, c], todo=todo)], todo=todo)
    assert_equal_sums(left, right)
    assert_equal_sums(left, join_sums([a, b, c], todo=todo))


@pytest.mark.crossed
@pytest.mark.parametrize("missing", ["raise", "drop", "pairwise"])
@pytest.mark.parametrize("scale", [1e-30, 1e-20, 1, 1e15])
@pytest.mark.parametrize("segment", [None, 32])
def test_pairs_across_a_border_are_exact_at_any_scale_of_float32(missing, scale, segment):
    frames = (np.random.default_rng(0).normal(size=(3, 200)) * scale).astype("f4")
    if missing != "raise":
        frames[0, ::7] = np.nan
    todo = a_pass([1, 5, 20], missing=missing, precision="float32", block=13, fourier=segment)
    cut = [[10]] * 20  # shorter than the longest lag
    moments = moments_of(sums_of_trial(frames, todo, cut, shift=np.zeros(3, "f4")), todo=todo)
    oracle = naive_pair_moments if missing == "pairwise" else naive_moments
    for r, lag in enumerate(todo.lags):
        expected = oracle([frames.astype(np.longdouble)], lag)
        np.testing.assert_array_equal(moments.n_pairs[r], expected.count)
        for name in ("comoment", "sumsq_target", "sumsq_source"):
            wanted = np.asarray(getattr(expected, name), float)
            np.testing.assert_allclose(getattr(moments, name)[r], wanted, rtol=0, atol=1e-6 * np.abs(wanted).max())


@given(lag_sets, missing_and_holes, two_ends)
def test_what_is_joined_or_pooled_is_left_as_it_is(lags, case, ends):
    missing, where = case
    todo = a_pass(lags, missing=missing)
    parts = three_stretches(todo, ends, where)
    before = [pickle.dumps(part) for part in parts]
    for together in (join_sums(parts, todo=todo), pool_sums([close_trial(part, todo=todo) for part in parts])):
        for array in (together.n_pairs, together.total, together.of_target, together.of_source, together.product):
            array += 1
    assert [pickle.dumps(part) for part in parts] == before


def test_one_part_is_itself():
    todo = a_pass([1])
    part = sums_of(trial(), todo)
    assert join_sums([part], todo=todo) is part
    assert pool_sums([part]) is part


def test_stretches_without_frames_change_nothing():
    todo = a_pass([0, 3])
    nothing, some = sums_of(trial()[:, :0], todo), sums_of(trial(), todo)
    for together in ([nothing, some], [some, nothing], [nothing, some, nothing]):
        assert_equal_sums(join_sums(together, todo=todo), some)


def test_pooled_stretches_share_no_pair():
    todo = a_pass([2])
    one = close_trial(sums_of(trial(), todo), todo=todo)
    both = pool_sums([one, one])
    assert both.n_frames == 2 * LENGTH
    assert both.n_pairs.tolist() == [2 * (LENGTH - 2)]
    np.testing.assert_allclose(both.product, 2 * one.product)


@given(lag_sets, cuts(LENGTH), st.integers(1, 30))
def test_the_ends_of_a_stretch_are_its_first_and_last_frames(lags, cut, block):
    todo, frames = a_pass(lags, block=block), trial()
    parts = [sums_of(frames[:, a:b], todo, shift=SHIFT, offset=a) for a, b in spans(map(sum, cut))]
    joined, max_lag = join_sums(parts, todo=todo), max(lags)
    centred = frames - SHIFT[:, None]
    np.testing.assert_allclose(joined.head.layers[0], centred[:, :max_lag], rtol=1e-15)
    np.testing.assert_allclose(joined.tail.layers[0], centred[:, LENGTH - max_lag :], rtol=1e-15)
    assert joined.head.good.all()
    assert len(joined.head.good) == len(joined.tail.good) == max_lag


# --- whole trials --------------------------------------------------------------------------------


@pytest.mark.parametrize(("lags", "numbers"), [([0], []), ([0, 2], [0, 1, 22, 23]), ([15], list(range(24)))])
@pytest.mark.parametrize("grouped", [False, True])
def test_the_edges_of_a_trial(lags, numbers, grouped):
    groups = scipy.sparse.csr_array(np.ones((2, 3))) if grouped else None
    closed = close_trial(sums_of(trial(), a_pass(lags, groups=groups), shift=SHIFT), todo=a_pass(lags, groups=groups))
    for r, lag in enumerate(lags):
        assert closed.edges.not_target[r].tolist() == [k < lag for k in numbers]
        assert closed.edges.not_source[r].tolist() == [LENGTH - 1 - k < lag for k in numbers]
    np.testing.assert_allclose(closed.edges.samples, trial()[:, numbers] - SHIFT[:, None])
    assert closed.head.good.size == closed.tail.good.size == 0


@pytest.mark.parametrize("missing", ["drop", "pairwise"])
def test_no_edges_where_frames_are_left_out_anywhere(missing):
    todo = a_pass([3], missing=missing)
    closed = close_trial(sums_of(trial(), todo), todo=todo)
    assert closed.edges.samples.shape == (3, 0)


def test_edges_of_pooled_trials_are_those_of_each():
    todo = a_pass([1])
    parts = [close_trial(sums_of(trial(seed=seed), todo), todo=todo) for seed in (1, 2)]
    edges = pool_sums(parts).edges
    assert edges.not_target.tolist() == [[True, False] * 2]
    np.testing.assert_array_equal(edges.samples[:, 2:], parts[1].edges.samples)


# --- sizes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "max_lag", "precision", "expected"),
    [(100, 1, "float32", 10485), (100, 1, "float64", 5242), (5000, 1, "float64", 512), (5000, 1000, "float64", 4000)],
)
def test_frames_at_a_time(n, max_lag, precision, expected):
    assert block_frames(n, max_lag, np.dtype(precision)) == expected


def test_pairwise_needs_six_products_and_the_others_one():
    assert {missing: len(products) for missing, products in PRODUCTS.items()} == {"raise": 1, "drop": 1, "pairwise": 6}


# --- pairs across a border ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "lag", "pairs"),
    [
        ("abc", "defg", 0, []),
        ("abc", "defg", 1, ["cd"]),
        ("abc", "defg", 2, ["bd", "ce"]),
        ("abc", "defg", 3, ["ad", "be", "cf"]),
        ("abc", "defg", 4, ["ae", "bf", "cg"]),
        ("abc", "defg", 5, ["af", "bg"]),
        ("abc", "defg", 7, []),
        ("abc", "defg", 9, []),
        ("abc", "d", 2, ["bd"]),
        ("c", "defg", 2, ["ce"]),
        ("", "defg", 2, []),
        ("abc", "", 2, []),
    ],
)
def test_pairs_that_cross_a_border(before, after, lag, pairs):
    targets, sources = crossing_pairs(len(before), len(after), lag)
    assert [source + target for source, target in zip(before[sources], after[targets], strict=True)] == pairs
