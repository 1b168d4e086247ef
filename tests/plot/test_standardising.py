import numpy as np
import pytest
import xarray as xr
from scipy import stats

from netxr.plot.matrices.side_by_side import standardise as standardised


def standardise(matrix):
    return standardised(matrix, xr.ones_like(matrix, dtype=bool))


def test_deviations_are_those_of_the_defined_entries():
    values = np.random.default_rng(0).normal(5, 3, (4, 5))
    values[1, 2], values[0, 0] = np.nan, np.inf
    result = standardise(xr.DataArray(values, dims=("target", "source"))).values
    expected = stats.zscore(np.where(np.isfinite(values), values, np.nan), axis=None, nan_policy="omit")
    np.testing.assert_allclose(result, expected)
    np.testing.assert_allclose(standardise(xr.DataArray(-7 * values + 2, dims=("target", "source"))), -expected)


@pytest.mark.parametrize("value", [0.0, 0.1, np.nan])
def test_a_constant_has_no_deviations(value):
    assert np.isnan(standardise(xr.DataArray(np.full((3, 3), value), dims=("target", "source")))).all()


def test_counts_and_single_precision_are_standardised_too():
    edges = xr.DataArray(np.eye(3, dtype=bool), dims=("target", "source"))
    np.testing.assert_allclose(standardise(edges), stats.zscore(np.eye(3), axis=None), rtol=1e-6)
    assert standardise(edges.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize("scale", [1e300, 1e-300])
def test_huge_and_tiny_weights_are_standardised_alike(scale):
    weights = np.array([[1.0, -2.0], [0.5, np.inf]])
    expected, scaled = (standardise(xr.DataArray(one, dims=("target", "source"))) for one in (weights, weights * scale))
    np.testing.assert_allclose(scaled, expected)
