import numpy as np
import pytest
import xarray as xr
from scipy import stats

from netxr.errors import InvalidInput
from netxr.plot.standardising import shared_entries, standardise


def labelled(values, targets, sources=None):
    sources = targets if sources is None else sources
    return xr.DataArray(values, dims=("target", "source"), coords={"target": list(targets), "source": list(sources)})


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


def test_entries_are_matched_by_label_in_the_order_of_the_first():
    A = labelled(np.arange(9.0).reshape(3, 3), "abc")
    R = labelled(np.arange(16.0).reshape(4, 4), "dcxb")
    kept_A, kept_R, left_out = shared_entries(A, R)
    assert kept_A.target.values.tolist() == kept_R.source.values.tolist() == ["b", "c"]
    np.testing.assert_array_equal(kept_A, [[4, 5], [7, 8]])
    np.testing.assert_array_equal(kept_R, [[15, 13], [7, 5]])
    assert left_out == "3 neurons left out, in one of the two only"


def test_what_is_left_out_is_said_for_each_side():
    A = labelled(np.zeros((3, 3)), "abc")
    assert shared_entries(A, A)[2] == ""
    assert shared_entries(A, A.isel(source=[1]))[2] == "2 sources left out, in one of the two only"
    assert shared_entries(A[:2], A[:, :1])[2] == "1 target and 2 sources left out, in one of the two only"
    assert shared_entries(A, A[:2, :2])[2] == "1 neuron left out, in one of the two only"
    bare = A.drop_vars(["target", "source"])
    assert shared_entries(bare, bare)[2] == ""


def test_matrices_that_share_no_neuron_are_refused():
    with pytest.raises(InvalidInput, match=r"R: got labels along target such as 'x'.*that A has too, such as 'a'"):
        shared_entries(labelled(np.zeros((2, 2)), "ab"), labelled(np.zeros((2, 2)), "xy"))
    with pytest.raises(InvalidInput, match="R: got target without labels"):
        shared_entries(labelled(np.zeros((2, 2)), "ab"), xr.DataArray(np.zeros((2, 2)), dims=("target", "source")))


@pytest.mark.parametrize("scale", [1e300, 1e-300])
def test_huge_and_tiny_weights_are_standardised_alike(scale):
    weights = np.array([[1.0, -2.0], [0.5, np.inf]])
    expected = standardise(labelled(weights, "ab"))
    np.testing.assert_allclose(standardise(labelled(weights * scale, "ab")), expected)
