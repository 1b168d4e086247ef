import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netxr.kernels.lagged_sums import add_sums, lagged_sums, provisional_mean
from netxr.kernels.moments import correlation, moments_of
from tests.oracles import naive_correlation, naive_moments
from tests.strategies import samples

FLOAT64 = np.dtype("float64")


def sums_of(frames, *, lags, shift, start=0, stop=None, offset=0, sources=slice(None), drop=False):
    return lagged_sums(
        frames,
        start=start,
        stop=frames.shape[1] if stop is None else stop,
        offset=offset,
        lags=lags,
        shift=shift,
        sources=sources,
        precision=FLOAT64,
        drop=drop,
        place="here",
    )


@given(
    st.lists(st.integers(1, 29), min_size=1, max_size=5, unique=True),
    st.lists(st.integers(0, 9), min_size=1, max_size=4, unique=True),
    st.lists(st.integers(0, 29), max_size=4, unique=True),
)
def test_stretches_of_a_trial_add_up(cuts, lags, bad):
    frames = samples((3, 30, 1), "float64", 3)[..., 0].copy()
    frames[1, bad] = np.nan
    shift = np.array([0.5, -3.0, 2.0])
    edges = [0, *sorted(cuts), 30]
    # Each stretch comes with no more than the frames that it needs, as blocks from a disk do.
    parts = [
        sums_of(frames[:, a : b + max(lags)], lags=lags, shift=shift, stop=b - a, offset=a, drop=True)
        for a, b in itertools.pairwise(edges)
    ]
    moments = moments_of(add_sums(parts), shift=shift, sources=slice(None), precision=np.dtype(float))
    for r, lag in enumerate(lags):
        expected = naive_moments([frames.astype(np.longdouble)], lag)
        assert moments[0][r] == expected.count  # .count is what tuples have
        for name in ("mean_target", "mean_source", "sumsq_target", "sumsq_source", "comoment"):
            np.testing.assert_allclose(
                getattr(moments, name)[r], np.asarray(getattr(expected, name), float), rtol=1e-10, atol=1e-10
            )


def test_a_stretch_within_a_longer_array():
    frames = samples((2, 50, 1), "float64", 1)[..., 0]
    shift = np.zeros(2)
    inside = sums_of(frames, lags=[0, 3], shift=shift, start=10, stop=20)
    expected = sum(np.outer(frames[:, t + 3], frames[:, t]) for t in range(10, 20))
    np.testing.assert_allclose(inside.product[1], expected)
    np.testing.assert_allclose(inside.total, frames[:, 10:20].sum(axis=1))
    assert inside.n_frames == 10


@given(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3))
def test_the_provisional_mean_cancels_out(a, b):
    frames = samples((2, 30, 1), "float64", 2)[..., 0]
    shift = np.array([a, b])
    sums = sums_of(frames, lags=[2], shift=shift)
    moments = moments_of(sums, shift=shift, sources=slice(None), precision=np.dtype(float))
    expected = naive_moments([frames.astype(np.longdouble)], 2)
    np.testing.assert_allclose(moments.comoment[0], expected.comoment.astype(float), rtol=0, atol=1e-6)
    np.testing.assert_allclose(moments.mean_source[0], expected.mean_source.astype(float), rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        ([3.0, 3.0, 3.0], 3.0),
        ([0.1] * 254, 0.1),
        ([-1e9, 2.0, 2.0, 2.0], 2.0),
        ([np.nan, 5.0, np.inf], 5.0),
        ([np.nan, np.nan], 0.0),
    ],
)
def test_provisional_mean(first, expected):
    assert provisional_mean(np.array([first]))[0] == expected


def test_provisional_mean_is_of_frames_from_everywhere():
    frames = np.full((1, 1000), 7.0)
    frames[0, :300] = 0
    assert provisional_mean(frames)[0] == 7


def test_correlation_of_moments():
    x = samples((3, 40, 1), "float64", 5)[..., 0].astype(np.longdouble)
    m = naive_moments([x], 1)
    r = correlation(*(np.asarray(a, float) for a in (m.comoment, m.sumsq_target, m.sumsq_source)))
    np.testing.assert_allclose(r, naive_correlation([x], 1), rtol=0, atol=1e-14)


def test_correlation_is_undefined_where_a_side_does_not_vary():
    r = correlation(np.ones((2, 2)), np.array([0.0, 4.0]), np.array([4.0, 0.0]))
    np.testing.assert_array_equal(r, [[np.nan, np.nan], [0.25, np.nan]])


def test_correlation_leaves_its_arguments():
    comoment, target, source = np.ones((2, 2)), np.ones(2), np.ones(2)
    correlation(comoment, target, source)
    assert (comoment == 1).all()
    assert (target == 1).all()
    assert (source == 1).all()
