from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netxr.errors import InvalidInput
from netxr.kernels.lagged_sums import close_trial
from netxr.kernels.moments import correlation, moments_of, sumsq_of_side
from tests.kernels import segments
from tests.kernels.segments import a_pass, sums_of
from tests.oracles import naive_correlation, naive_moments, naive_pair_moments

trial = partial(segments.trial, length=40, seed=5)


def moments(frames, todo, *, shift=None):
    shift = np.zeros(len(frames)) if shift is None else shift
    return moments_of(close_trial(sums_of(frames, todo, shift=shift), todo=todo), todo=todo)


# --- by hand: x = 1 2 3, y = 0 2 1 ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("lag", "n_pairs", "mean_target", "mean_source", "sumsq_target", "sumsq_source", "comoment"),
    [
        (0, 3, [2, 1], [2, 1], [2, 2], [2, 2], [[2, 1], [1, 2]]),
        (1, 2, [2.5, 1.5], [1.5, 1], [0.5, 0.5], [0.5, 2], [[0.5, 1], [-0.5, -1]]),
        (2, 1, [3, 1], [1, 0], [0, 0], [0, 0], [[0, 0], [0, 0]]),
    ],
)
def test_by_hand(lag, n_pairs, mean_target, mean_source, sumsq_target, sumsq_source, comoment):
    found = moments(np.array([[1.0, 2, 3], [0, 2, 1]]), a_pass([lag]))
    expected = (n_pairs, mean_target, mean_source, sumsq_target, sumsq_source, comoment)
    for ours, by_hand in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours[0], by_hand, atol=1e-15)


# --- moments of sums -----------------------------------------------------------------------------


def test_comoments_take_the_place_of_the_products():
    todo = a_pass([1])
    sums = close_trial(sums_of(trial(), todo), todo=todo)
    assert np.shares_memory(moments_of(sums, todo=todo).comoment, sums.product)


@pytest.mark.parametrize("value", [0.0, 0.1, -65.3, 1e6 + 0.1, 1e12 + 1 / 3])
@pytest.mark.parametrize("missing", ["raise", "drop", "pairwise"])
def test_a_constant_has_no_squares_left(value, missing):
    x = trial(length=5000)
    x[1] = value
    found = moments(x, a_pass([0, 7], missing=missing, block=1000))
    of_target, of_source = found.sumsq_target[:, 1], found.sumsq_source[..., 1]
    assert (of_target == 0).all()
    assert (of_source == 0).all()
    assert (found.sumsq_target[:, [0, 2]] > 0).all()


@pytest.mark.parametrize("missing", ["drop", "pairwise"])
def test_nothing_left_is_nan_without_a_warning(missing):
    x = trial()
    x[0], x[1, ::2], x[2, 1::2] = np.nan, np.nan, np.nan
    found = moments(x, a_pass([0, 2], missing=missing))
    if missing == "drop":
        assert (found.n_pairs == 0).all()
        assert np.isnan(found.mean_target).all()
    else:
        assert found.n_pairs[0].tolist() == [[0, 0, 0], [0, 20, 0], [0, 0, 20]]
        assert np.isnan(found.mean_source[0, 1, 2])
        assert np.isnan(correlation(found.comoment, found.sumsq_target, found.sumsq_source, by_pair=True)[0, 1, 2])


@pytest.mark.parametrize("missing", ["raise", "pairwise"])
def test_float32_that_cannot_resolve_is_refused(missing):
    x = trial(length=400)
    x[2] += 1e4
    with pytest.raises(InvalidInput, match=r"precision: got float32 products, and 1 neurons \(the first is number 2"):
        moments(x, a_pass([0], missing=missing, precision="float32"))
    moments(x, a_pass([0], missing=missing, precision="float32"), shift=np.array([0, 0, 1e4]))


@given(st.lists(st.integers(0, 38), min_size=1, max_size=4, unique=True))
def test_squares_of_a_side_from_lag_zero_and_edges(lags):
    lags, x = [0, *(lag for lag in lags if lag)], trial()
    todo = a_pass(lags)
    sums = close_trial(sums_of(x, todo), todo=todo)
    edges, mean = sums.edges, x.mean(axis=1, keepdims=True)
    same_time = np.cov(x) * (x.shape[1] - 1)
    for left_out, slices in (
        (edges.not_target, [x[:, lag:] for lag in lags]),
        (edges.not_source, [x[:, : 40 - k] for k in lags]),
    ):
        found = sumsq_of_side(same_time, edges.samples - mean, left_out, 40 - np.array(lags))
        expected = [part.var(axis=1) * part.shape[1] for part in slices]
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


# --- correlations of moments -----------------------------------------------------------------------


def test_correlation_of_moments():
    x = trial().astype(np.longdouble)
    m = naive_moments([x], 1)
    r = correlation(*(np.asarray(a, float) for a in (m.comoment, m.sumsq_target, m.sumsq_source)))
    np.testing.assert_allclose(r, naive_correlation([x], 1), rtol=0, atol=1e-14)


def test_correlation_of_pairs_that_have_squares_of_their_own():
    x = trial()
    x[0, 5:9], x[2, 20] = np.nan, np.inf
    m = naive_pair_moments([x], 0)
    r = correlation(*(np.asarray(a, float) for a in (m.comoment, m.sumsq_target, m.sumsq_source)), by_pair=True)
    for i in range(3):
        for j in range(3):
            both = np.isfinite(x[i]) & np.isfinite(x[j])
            assert r[i, j] == pytest.approx(np.corrcoef(x[i, both], x[j, both])[0, 1], abs=1e-13)


def test_correlation_is_undefined_where_a_side_does_not_vary():
    r = correlation(np.ones((2, 2)), np.array([0.0, 4.0]), np.array([4.0, 0.0]))
    np.testing.assert_array_equal(r, [[np.nan, np.nan], [0.25, np.nan]])


def test_correlation_leaves_its_arguments():
    comoment, target, source = np.ones((2, 2)), np.ones(2), np.ones(2)
    correlation(comoment, target, source)
    assert (comoment == 1).all()
    assert (target == 1).all()
    assert (source == 1).all()
