import numpy as np
import pytest
import xarray as xr

from netxr.errors import InvalidInput
from netxr.estimators.overlap import left_out, shared_entries, shared_pairs
from tests.runs import labelled

NAMED = {"arguments": ("A", "R")}


def test_entries_are_matched_by_label_in_the_order_of_the_truth():
    A = labelled(np.arange(9.0).reshape(3, 3), "abc")
    R = labelled(np.arange(16.0).reshape(4, 4), "dcxb").rename("R").assign_attrs(lag=1)
    kept_A, kept_R, overlaps = shared_entries(A, R.T, **NAMED)
    assert kept_A.target.values.tolist() == kept_R.source.values.tolist() == ["b", "c"]
    np.testing.assert_array_equal(kept_A, [[4, 5], [7, 8]])
    np.testing.assert_array_equal(kept_R, [[15, 13], [7, 5]])
    assert (kept_R.dims, kept_R.name, kept_R.attrs) == (A.dims, "R", {"lag": 1})
    assert left_out(overlaps) == "3 neurons left out, in one of the two only"
    assert shared_pairs(A, R, diagonal=False, **NAMED)[2:] == (0, left_out(overlaps))


def test_what_is_left_out_is_said_for_each_side():
    A = labelled(np.zeros((3, 3)), "abc")
    bare = A.drop_vars(["target", "source"])
    for first, second, words in (
        (A, A, ""),
        (bare, bare, ""),
        (A, A.isel(source=[1]), "2 sources left out, in one of the two only"),
        (A[:2], A[:, :1], "1 target and 2 sources left out, in one of the two only"),
        (A, A[:2, :2], "1 neuron left out, in one of the two only"),
    ):
        assert left_out(shared_entries(first, second, **NAMED)[2]) == words


def test_matrices_that_share_no_neuron_are_refused():
    A, bare = labelled(np.zeros((2, 2)), "ab"), xr.DataArray(np.zeros((2, 2)), dims=("target", "source"))
    with pytest.raises(InvalidInput, match=r"R: got labels along target such as 'x'.*that A has too, such as 'a'"):
        shared_entries(A, labelled(np.zeros((2, 2)), "xy"), **NAMED)
    with pytest.raises(InvalidInput, match="R: got target without labels"):
        shared_entries(A, bare, **NAMED)
