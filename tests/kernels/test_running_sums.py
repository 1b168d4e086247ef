import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netxr.errors import NonFiniteActivity
from netxr.kernels.block_sums import PRODUCT_ROWS
from netxr.kernels.lagged_sums import close_trial
from netxr.kernels.moments import moments_of
from netxr.kernels.running_sums import provisional_mean
from tests.kernels.segments import a_pass, sums_of, trial
from tests.oracles import naive_moments
from tests.strategies import DTYPES, memory_orders, splits

# --- products and sums, against the plain ones -----------------------------------------------------


@given(st.sampled_from(DTYPES), splits(30), st.integers(1, 40), st.data())
def test_samples_of_any_type_in_any_memory_order(dtype, pieces, block, data):
    frames = data.draw(memory_orders(trial(dtype=dtype)))
    x = frames.astype(float)
    for missing in ("raise", "drop", "pairwise"):
        todo = a_pass([0, 4], block=block, missing=missing)
        sums = close_trial(sums_of(frames, todo, pieces=pieces), todo=todo)
        for r, lag in enumerate((0, 4)):
            np.testing.assert_allclose(sums.product[r, 0], x[:, lag:] @ x[:, : 30 - lag].T, rtol=1e-12)
            np.testing.assert_allclose(sums.of_target[:, r], [x[:, lag:].sum(1), (x[:, lag:] ** 2).sum(1)])
            np.testing.assert_allclose(sums.of_source[:, r], [x[:, : 30 - lag].sum(1), (x[:, : 30 - lag] ** 2).sum(1)])
        np.testing.assert_allclose(sums.total, [x.sum(axis=1), (x**2).sum(axis=1)], atol=1e-12)
        assert (sums.n_frames, sums.n_pairs.tolist()) == (30, [30, 26])


def test_pairwise_products_are_of_the_samples_and_of_where_they_are():
    frames = trial()
    frames[[0, 1, 1, 2], [3, 3, 9, 20]] = [np.nan, np.inf, np.nan, -np.inf]
    there = np.isfinite(frames).astype(float)
    x = np.where(there > 0, frames, 0)
    lag, sums = 2, sums_of(frames, a_pass([2], missing="pairwise"), pieces=[1, 12, 17])
    layers = [(x, x), (there, there), (x, there), (there, x), (x**2, there), (there, x**2)]
    for q, (target, source) in enumerate(layers):
        np.testing.assert_allclose(sums.product[0, q], target[:, lag:] @ source[:, :-lag].T, rtol=1e-12, atol=1e-12)


def test_several_lots_of_targets():
    x = trial(n=PRODUCT_ROWS + 5)
    sums = sums_of(x, a_pass([1], targets=(1, len(x))))
    np.testing.assert_allclose(sums.product[0, 0], x[1:, 1:] @ x[:, :-1].T)


@pytest.mark.parametrize("n_frames", [1, 300, 512, 513, 40_000])
@pytest.mark.parametrize("order", ["C", "F"])
def test_float32_sums_do_not_pile_up_rounding(n_frames, order):
    x = np.asarray(np.random.default_rng(0).uniform(0, 1, (2, n_frames)).astype("f4"), order=order)
    todo = a_pass([0], precision="float32", block=50_000)
    sums = close_trial(sums_of(x, todo), todo=todo)
    exact = x.astype(float)
    np.testing.assert_allclose(sums.total[1], (exact**2).sum(axis=1), rtol=1e-6)
    np.testing.assert_allclose(sums.of_source[0, 0], exact.sum(axis=1), rtol=1e-6)


def test_float64_products_of_float32_samples_lose_no_digit():
    x = trial(dtype="float32")
    shift = provisional_mean(x)
    exact = x.astype(float) - shift.astype(float)[:, None]
    sums = sums_of(x, a_pass([1]), shift=shift)
    np.testing.assert_allclose(sums.product[0, 0], exact[:, 1:] @ exact[:, :-1].T, rtol=1e-14, atol=1e-13)


@given(splits(30), st.integers(1, 12), st.integers(0, 20), st.integers(0, 29), st.sampled_from(["drop", "pairwise"]))
def test_pieces_of_any_length_add_up_to_the_whole(pieces, block, lag, bad, missing):
    frames, todo = trial(), a_pass([lag], block=block, missing=missing)
    frames[1, bad] = np.nan
    in_pieces, at_once = sums_of(frames, todo, pieces=pieces), sums_of(frames, todo)
    np.testing.assert_array_equal(in_pieces.product, at_once.product)
    np.testing.assert_array_equal(in_pieces.of_source, at_once.of_source)
    np.testing.assert_array_equal(in_pieces.n_pairs, at_once.n_pairs)
    for ours, other in zip((*in_pieces.head, *in_pieces.tail), (*at_once.head, *at_once.tail), strict=True):
        np.testing.assert_array_equal(ours, other)


def test_pieces_without_frames_change_nothing():
    x, todo = trial(), a_pass([0, 3])
    np.testing.assert_array_equal(sums_of(x, todo, pieces=[0, 9, 0, 21, 0]).product, sums_of(x, todo).product)


def test_the_pieces_are_left_as_they_are_and_may_be_read_only():
    x = trial()
    x[1, 3] = np.nan
    x.flags.writeable = False
    for missing in ("drop", "pairwise"):
        sums_of(x, a_pass([1], missing=missing))


# --- the provisional mean ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        ([3.0, 3.0, 3.0], 3.0),
        ([0.1] * 254, 0.1),
        ([-1e9, 2.0, 2.0, 2.0], 2.0),
        ([np.nan, 5.0, np.inf], 5.0),
        ([np.nan, np.nan], 0.0),
        ([], 0.0),
    ],
)
def test_provisional_mean(first, expected):
    assert provisional_mean(np.array([first]))[0] == expected


def test_provisional_mean_is_of_frames_from_everywhere():
    frames = np.full((1, 1000), 7.0)
    frames[0, :300] = 0
    assert provisional_mean(frames)[0] == 7


@given(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3))
def test_the_provisional_mean_cancels_out(a, b):
    frames, shift, todo = trial(2), np.array([a, b]), a_pass([2])
    moments = moments_of(close_trial(sums_of(frames, todo, shift=shift), todo=todo), todo=todo)
    expected = naive_moments([frames.astype(np.longdouble)], 2)
    np.testing.assert_allclose(moments.comoment[0], expected.comoment.astype(float), rtol=0, atol=1e-6)
    np.testing.assert_allclose(moments.mean_source[0], expected.mean_source.astype(float), rtol=0, atol=1e-9)


# --- errors ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("scale", "precision"), [(1e200, "float64"), (1e25, "float32")])
@pytest.mark.parametrize("missing", ["raise", "drop", "pairwise"])
def test_products_that_overflow(scale, precision, missing):
    with pytest.raises(NonFiniteActivity, match=r"here: .*overflow"):
        sums_of(trial() * scale, a_pass([1], precision=precision, missing=missing))


def test_products_that_overflow_only_together():
    half, todo = np.full((2, 10), np.sqrt(1.7e308 / 10)), a_pass([0], block=10)
    assert np.isfinite(sums_of(half, todo).product).all()
    with pytest.raises(NonFiniteActivity, match="overflow"):
        sums_of(np.tile(half, 2), todo)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("pieces", [[30], [10, 20], [1] * 30])
@pytest.mark.parametrize("block", [1, 7, 100])
def test_the_place_of_a_non_finite_sample(bad, pieces, block):
    x = trial()
    x[2, 23] = x[1, 25] = bad
    with pytest.raises(NonFiniteActivity, match=r"here: .* neuron number 2 \(from 0\), frame 123;.*missing=\"drop\""):
        sums_of(x, a_pass([1], block=block), pieces=pieces, offset=100)
