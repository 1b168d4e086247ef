"""False discovery rates, by hand and against SciPy."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

import netxr
from netxr.errors import InvalidInput
from tests.runs import labelled

# --- by hand -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("p", "method", "expected"),
    [
        ([0.01, 0.02, 0.03, 0.04], "bh", [0.04, 0.04, 0.04, 0.04]),  # each is 4 p / rank
        ([0.01, 0.5, 0.04, 0.9], "bh", [0.04, 2 / 3, 0.08, 0.9]),
        ([0.01, 0.5, 0.04, 0.9], "by", [25 / 300, 1, 0.08 * 25 / 12, 1]),  # times 1 + 1/2 + 1/3 + 1/4
    ],
)
def test_four_pairs(p, method, expected):
    q = netxr.false_discovery(labelled(np.reshape(p, (2, 2))), method=method, diagonal=True)
    np.testing.assert_allclose(q.values.ravel(), expected, rtol=1e-12)


def test_the_diagonal_is_no_discovery():
    p = labelled([[0.0, 0.02], [0.03, 0.0]], ["a", "b"])
    np.testing.assert_allclose(netxr.false_discovery(p), [[np.nan, 0.03], [0.03, np.nan]])
    swapped = p.isel(source=[1, 0])
    np.testing.assert_allclose(netxr.false_discovery(swapped), [[0.03, np.nan], [np.nan, 0.03]])


# --- against SciPy ------------------------------------------------------------------------------


@given(st.integers(0, 99), st.sampled_from(["bh", "by"]), st.integers(2, 9))
def test_as_scipy(seed, method, n):
    rng = np.random.default_rng(seed)
    p = np.round(rng.random((n, n)) ** 3, 2)  # ties too
    p[rng.random((n, n)) < 0.2] = np.nan
    q = netxr.false_discovery(labelled(p), method=method, diagonal=True)
    defined = np.isfinite(p)
    assert q.attrs["n_undefined"] == (~defined).sum()
    assert np.isnan(q.values[~defined]).all()
    if defined.any():
        expected = false_discovery_control(p[defined], method=method)
        np.testing.assert_allclose(q.values[defined], expected, rtol=1e-10)


def test_lags_are_one_family_and_trials_are_several():
    p = xr.DataArray(
        np.random.default_rng(0).random((3, 2, 4, 4)), dims=("trial", "lag", "target", "source"), name="p_value"
    )
    q = netxr.false_discovery(p)
    assert q.dims == p.dims
    for trial in range(3):
        xr.testing.assert_allclose(q[trial], netxr.false_discovery(p[trial]).drop_attrs())
    assert not np.allclose(q[0, 0], netxr.false_discovery(p[0, 0]), equal_nan=True)
    lazy = netxr.false_discovery(p.chunk(target=2))
    assert lazy.chunks
    np.testing.assert_array_equal(lazy, q)


@pytest.mark.parametrize(
    ("options", "told"),
    [({"method": "holm"}, "method: got 'holm'"), ({"diagonal": 1}, "diagonal: got 1")],
)
def test_what_cannot_be(options, told):
    with pytest.raises(InvalidInput, match=told):
        netxr.false_discovery(labelled(np.ones((2, 2))), **options)
    with pytest.raises(InvalidInput, match="p_value: got list"):
        netxr.false_discovery([0.1, 0.2])


@pytest.mark.parametrize("values", [[[0.2, -0.1], [0.3, 0.4]], [[0.2, 1.5], [0.3, 0.4]]])
def test_what_are_no_p_values(values):
    with pytest.raises(InvalidInput, match=r"p_value: got values from .*; expected 0 to 1"):
        netxr.false_discovery(labelled(values))
