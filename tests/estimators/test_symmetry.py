import math

import numpy as np
import pytest
import xarray as xr
from scipy.signal import lfilter

import netxr
from netxr.estimators.symmetry import direction_text, highest, symmetry_of
from tests.runs import nothing_computes


def correlated_with_its_transpose(R):
    off = ~np.eye(len(R), dtype=bool)
    return np.corrcoef(R[off], R.T[off])[0, 1]


def slow_run(pole, n_steps=4000):
    """Activity that each neuron smears out: the larger the pole, the slower."""
    A = netxr.random_connectivity(12, sparsity=0.6, seed=2)
    run = netxr.simulate(A, n_steps=n_steps, trials=2, seed=2)
    slow = lfilter([1], [1, -pole], run.activity.transpose("neuron", "trial", "time").values)
    return run.activity.transpose("neuron", "trial", "time").copy(data=slow)


def test_symmetry_by_hand():
    """Three pairs of neurons: 1 by 2, 3 by 3 and 2 by 1."""
    R = netxr.as_connectivity([[9, 1, 3], [2, 9, 2], [3, 1, 9]], rows="target")
    # Deviations from their mean 2, both ways: -1 0, 0 -1, 1 1, 1 1, 0 -1, -1 0: products 2, squares 4.
    assert netxr.symmetry(R).item() == pytest.approx(2 / 4)


def test_symmetry_of_a_matrix_by_hand():
    """Above and below the diagonal: the same, the opposite about the mean, and one edge that goes one way."""
    alike = np.array([[9.0, 1, 2], [1, 9, 3], [2, 3, 9]])
    opposite = np.array([[9.0, 1, 2], [3, 9, 3], [2, 1, 9]])
    one_way = np.array([[0.0, 1, 0], [0, 0, 0], [0, 0, 0]])
    assert symmetry_of(alike) == 1
    assert symmetry_of(opposite) == pytest.approx(-1)
    assert symmetry_of(one_way) == pytest.approx(-1 / 5)  # 1 less 2, over twice 5/6


@pytest.mark.parametrize("scale", [1e-200, 1.0, 1e200])
@pytest.mark.parametrize("rows", [1, 3, 1000])
def test_symmetry_agrees_with_numpy_over_defined_pairs_in_any_block(scale, rows):
    rng = np.random.default_rng(rows)
    matrix = 3 + rng.normal(size=(12, 12)) + np.add.outer(rng.normal(size=12), np.zeros(12))
    matrix[4], matrix[2, 7] = np.nan, np.inf
    matrix = matrix * scale
    pairs = [(i, j) for i in range(12) for j in range(12) if i != j and np.isfinite(matrix[i, j] + matrix[j, i])]
    expected = np.corrcoef([matrix[i, j] / scale for i, j in pairs], [matrix[j, i] / scale for i, j in pairs])[0, 1]
    assert symmetry_of(matrix, block=rows * 12) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("matrix", [np.zeros((0, 0)), np.ones((1, 1)), np.full((4, 4), 0.1), np.full((3, 3), np.nan)])
def test_symmetry_of_what_does_not_vary_is_undefined(matrix):
    assert math.isnan(symmetry_of(matrix))
    off = matrix + np.eye(len(matrix))
    assert math.isnan(symmetry_of(off))


def test_each_lag_and_trial_has_its_own():
    R = netxr.lagged_correlation(slow_run(0.5), lags=[0, 1, 3])
    found = netxr.symmetry(R)
    assert found.dims == ("lag", "trial")
    expected = [[correlated_with_its_transpose(one.values) for one in lag] for lag in R]
    np.testing.assert_allclose(found, expected, atol=1e-12)
    assert R.attrs["symmetry"] == pytest.approx(found[1:].max().item())  # lag 0, of 1, says nothing


def test_slow_signals_tell_no_direction_and_differences_do():
    slow = slow_run(0.999)
    assert netxr.lagged_correlation(slow, lag=1).attrs["symmetry"] > 0.99
    assert netxr.lagged_correlation(netxr.difference(slow), lag=1).attrs["symmetry"] < 0.9


def test_lazy_stays_lazy_and_unsaid():
    lazy = slow_run(0.5).chunk(time=500)
    R = netxr.lagged_correlation(lazy, lag=1)
    assert "symmetry" not in R.attrs
    with nothing_computes():
        later = netxr.symmetry(R)
    np.testing.assert_allclose(later, netxr.symmetry(R.compute()), atol=1e-12)


@pytest.mark.parametrize("method", ["lagged_correlation", ["lagged_correlation", "correlation"]])
def test_estimates_from_moments_say_it_too(method):
    m = netxr.lagged_moments(slow_run(0.5), lags=[0, 1], dim=("time", "trial"))
    found = netxr.estimate(m, method=method)
    directed = found.sel(estimator="lagged_correlation") if "estimator" in found.dims else found
    assert found.attrs["symmetry"] == pytest.approx(netxr.symmetry(directed).item())


def test_some_sources_have_no_transpose():
    R = netxr.lagged_correlation(slow_run(0.5), sources=[1, 2])
    assert "symmetry" not in R.attrs
    assert netxr.symmetry(R).isnull().all()


def test_compare_says_it_whatever_the_truth():
    R = netxr.lagged_correlation(slow_run(0.5), lags=[0, 1])
    A = netxr.random_connectivity(12, sparsity=0.6, seed=2)
    xr.testing.assert_allclose(netxr.compare(A, R, diagonal=True, permutations=0).symmetry, netxr.symmetry(R))
    part = netxr.compare(A, R.isel(target=slice(5), source=slice(5)), diagonal=False, permutations=0)
    xr.testing.assert_allclose(part.symmetry, netxr.symmetry(R.isel(target=slice(5), source=slice(5))))


def test_plain_arrays_are_refused():
    with pytest.raises(netxr.InvalidInput, match="estimate"):
        netxr.symmetry(np.eye(3))


def test_the_text_names_the_cure_only_where_there_is_something_to_cure():
    assert "high_pass" in direction_text(xr.DataArray(0.95))
    assert "high_pass" not in direction_text(xr.DataArray(0.85))
    assert "high_pass" not in direction_text(xr.DataArray(1.0, {"lag": 0}))
    assert direction_text(xr.DataArray([1.0, 0.3, 0.95], {"lag": [0, 1, 2]})).startswith(
        "R and its transpose correlate at up to 0.950: "
    )
    assert direction_text(xr.DataArray(np.nan)) == ""
    assert np.isnan(highest(xr.DataArray([np.nan, np.nan], {"lag": [0, 1]})))
