"""Products of neurons with themselves: by hand, and against plain ones."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netxr.kernels.own_products import FEW_LAGS, ROWS, own_products


def test_by_hand():
    """Of 1, 2, 3 with 5, 1, 2, 3 around them: at lag 0 1 + 4 + 9, at lag 1 5 + 2 + 6."""
    found = own_products(np.array([[1.0, 2, 3]]), np.array([[5.0, 1, 2, 3]]), lags=[0, 1], exact=np.array([False]))
    assert found.tolist() == [[14], [13]]


@pytest.mark.parametrize("n_lags", [3, FEW_LAGS + 1])
@given(st.integers(1, 400), st.integers(0, 30), st.integers(0, 40), st.sampled_from(["C", "F"]))
def test_as_plain_ones(n_lags, n_frames, longest, missing, order):
    """Sources that end before the targets do count as zeros there."""
    longest += n_lags
    rng = np.random.default_rng(n_frames)
    x = np.array(rng.normal(size=(ROWS + 3, longest + n_frames)), order=order)
    sources = x[:, : max(1, x.shape[1] - missing)]
    padded = np.pad(sources, ((0, 0), (0, x.shape[1] - sources.shape[1])))
    lags = rng.permutation(longest + 1)[:n_lags].tolist()
    lags[0] = longest
    expected = [(x[:, longest:] * padded[:, longest - lag :][:, :n_frames]).sum(axis=1) for lag in dict.fromkeys(lags)]
    found = own_products(x[:, longest:], sources, lags=list(dict.fromkeys(lags)), exact=np.zeros(len(x), bool))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12 * n_frames + 1e-13)


def test_what_float32_will_not_do_for():
    """A value far from zero has products of 1e12, of which float32 knows no more than 1e5."""
    x = (1e4 + np.random.default_rng(0).normal(size=(2 * ROWS, 3000))).astype("f4")
    exact = np.arange(2 * ROWS) >= ROWS
    lags = range(FEW_LAGS + 1)
    wide = x.astype(float)
    expected = np.array([(wide[:, 16:] * wide[:, 16 - lag : 3000 - lag]).sum(axis=1) for lag in lags])
    error = np.abs(own_products(x[:, 16:], x, lags=lags, exact=exact) / expected - 1).max(axis=0)
    assert error[exact].max() < 1e-14
    assert 1e-9 < error[~exact].max() < 1e-6
