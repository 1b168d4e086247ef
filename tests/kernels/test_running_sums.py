import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netxr.errors import NonFiniteActivity
from netxr.kernels.frame_blocks import FrameBlock, provisional_mean
from netxr.kernels.lagged_sums import close_trial
from netxr.kernels.products import PRODUCT_ROWS
from netxr.kernels.running_sums import Overlapping, held, sums_of_held, sums_of_stretches
from tests.kernels.segments import a_pass, spans, sums_of, trial
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


def test_stretches_that_overlap_by_hand():
    """Of frames 2 to 9 in pieces 2 3 4 | 5 | 6 7 8 9, each stretch begins with the last frame of the one before."""
    pieces = (np.arange(first, last)[np.newaxis] for first, last in ((2, 5), (5, 6), (6, 10)))
    frames = Overlapping(pieces, at=2, overlap=1)
    found = [[part[0].tolist() for part in frames.within(span)] for span in (slice(2, 4), slice(3, 7), slice(6, 10))]
    assert found == [[[2, 3]], [[3, 4], [5], [6]], [[6, 7, 8, 9]]]


@given(splits(60), st.sampled_from([1, 3, 5]), st.data())
def test_stretches_have_the_sums_of_their_own_targets(pieces, lag, data):
    x = trial(length=60)
    ends = [0, *sorted(data.draw(st.sets(st.sampled_from(range(2 * lag, 61 - 2 * lag, 2 * lag)), max_size=4))), 60]
    starts = [max(0, first - lag) for first in ends[:-1]]
    todo, stretches = a_pass([lag]), [slice(*span) for span in zip(starts, ends[1:], strict=True)]
    products = np.zeros((len(stretches), 1, 1, 3, 3))
    parts = (x[:, a:b] for a, b in spans(pieces))
    for k, sums in enumerate(sums_of_stretches(parts, stretches, products, place="here", todo=todo)):
        own = slice(max(ends[k], lag), ends[k + 1])
        target, source = x[:, own], x[:, own.start - lag : own.stop - lag]
        centred = [side - sums.shift[:, None] for side in (target, source)]
        np.testing.assert_allclose(products[k, 0, 0], centred[0] @ centred[1].T, rtol=1e-9, atol=1e-9)
        assert sums.n_pairs.tolist() == [target.shape[1]]


def test_a_mean_of_a_stretch_is_not_that_of_a_few_frames_before_it():
    x = np.r_[[9.0], np.zeros(100), [9], np.ones(100)][np.newaxis]  # both nines are the only frame of a piece
    parts = (x[:, a:b] for a, b in spans([1, 100, 1, 100]))
    stretches, products = [slice(0, 102), slice(101, 202)], np.zeros((2, 1, 1, 1, 1))
    found = sums_of_stretches(parts, stretches, products, place="here", todo=a_pass([1]))
    assert [sums.shift.tolist() for sums in found] == [[0], [1]]


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


@given(splits(30), st.integers(1, 40), st.integers(0, 20), st.data())
def test_a_block_that_holds_all_frames_has_the_sums_of_running_ones(pieces, block, lag, data):
    """As of a trial that is held in memory, which a task sums up again and again."""
    missing = data.draw(st.sampled_from(["raise", "drop", "pairwise"]))
    todo, frames, shift = a_pass([0, lag + 1], block=block, missing=missing), trial(), np.array([1.0, 0.0, -2.0])
    if missing != "raise":
        frames[2, 11] = np.nan
    block_of_all = FrameBlock(todo, shift, place="here", offset=0, room=30)
    for start, stop in spans(pieces):
        block_of_all.take(frames[:, start:stop])
    for _ in range(2):
        done = []
        ours = sums_of_held(held(block_of_all, todo=todo), todo=todo, place="here", going_on=done.append)
        assert done == list(range(0, 30, block))
        other = sums_of(frames, todo, shift=shift)
        for name in ("n_pairs", "total", "of_target", "of_source", "product", "shift"):
            np.testing.assert_allclose(getattr(ours, name), getattr(other, name), rtol=1e-12, atol=1e-11)
        for mine, theirs in zip((*ours.head, *ours.tail), (*other.head, *other.tail), strict=True):
            np.testing.assert_array_equal(mine, theirs)


def test_pieces_without_frames_change_nothing():
    x, todo = trial(), a_pass([0, 3])
    np.testing.assert_array_equal(sums_of(x, todo, pieces=[0, 9, 0, 21, 0]).product, sums_of(x, todo).product)


def test_the_pieces_are_left_as_they_are_and_may_be_read_only():
    x = trial()
    x[1, 3] = np.nan
    x.flags.writeable = False
    for missing in ("drop", "pairwise"):
        sums_of(x, a_pass([1], missing=missing))


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
