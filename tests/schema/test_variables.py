import dask.array as da
import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import netxr
from netxr.errors import InvalidInput, NetxrError
from netxr.schema.variables import check_activity, check_connectivity, check_labels, check_moments, labels_of
from tests.strategies import recordings


def poisoned(shape, dtype=float):
    """A lazy array that cannot be computed."""

    def fail(block):
        raise AssertionError("a check read samples")

    return da.zeros(shape, dtype=dtype).map_blocks(fail, dtype=dtype, meta=np.empty((0,) * len(shape), dtype))


@given(recordings())
def test_a_recording_passes_as_it_is(recording):
    assert check_activity(recording) is recording


@pytest.mark.parametrize("dtype", ["int8", "uint64", "float16", "float32", "bool"])
def test_checks_read_no_samples(dtype):
    check_activity(xr.DataArray(poisoned((3, 10, 2), dtype), dims=("time", "neuron", "trial")))
    check_connectivity(xr.DataArray(poisoned((3, 3), dtype), dims=("source", "target")))


@given(st.lists(st.sampled_from(["neuron", "time", "trial", "target", "x", "lag"]), max_size=4, unique=True))
def test_only_the_dims_of_a_recording(dims):
    data = xr.DataArray(np.zeros((2,) * len(dims)), dims=dims)
    right = {"neuron", "time"} <= set(dims) <= {"neuron", "time", "trial"}
    if right:
        check_activity(data)
        return
    with pytest.raises(InvalidInput) as caught:
        check_activity(data, argument="data")
    assert caught.value.argument == "data"
    assert "(neuron, time[, trial])" in str(caught.value)


@pytest.mark.parametrize("dtype", ["complex64", "U3", "object", "datetime64[ns]", "timedelta64[ns]"])
def test_only_real_numbers(dtype):
    with pytest.raises(InvalidInput, match=r"activity: got dtype .*; expected real numbers\. .*astype"):
        check_activity(xr.DataArray(np.zeros((2, 3), dtype), dims=("neuron", "time")))


@pytest.mark.parametrize("dim", ["neuron", "time", "trial"])
def test_at_least_one_entry(dim):
    sizes = {"neuron": 2, "time": 3, "trial": 1} | {dim: 0}
    with pytest.raises(InvalidInput, match=f"no entry along {dim}"):
        check_activity(xr.DataArray(np.zeros(tuple(sizes.values())), dims=tuple(sizes)))


def test_a_label_twice_is_named_with_its_dim():
    data = xr.DataArray(np.zeros((3, 4)), dims=("neuron", "time"), coords={"neuron": ["a", "b", "a"]})
    with pytest.raises(InvalidInput, match=r"neurons: got label 'a' more than once along neuron.*assign_coords"):
        check_labels(data, argument="neurons")


@pytest.mark.parametrize(
    ("what", "describes"),
    [(None, "NoneType"), (np.zeros((2, 3)), r"ndarray of shape \(2, 3\)"), ("x", "str"), (xr.Dataset(), "a Dataset")],
)
def test_what_came_is_described(what, describes):
    with pytest.raises(InvalidInput, match=f"activity: got {describes}.*; expected a DataArray .*netxr.as_activity"):
        check_activity(what)


def test_connectivity_must_be_square():
    with pytest.raises(InvalidInput, match="connectivity: got 3 targets x 2 sources"):
        check_connectivity(xr.DataArray(np.zeros((3, 2)), dims=("target", "source")))


@pytest.mark.parametrize("sources", [["b", "a"], ["a", "c"], [0, 1]])
def test_connectivity_has_the_same_labels_in_the_same_order(sources):
    matrix = xr.DataArray(np.zeros((2, 2)), dims=("target", "source"), coords={"target": ["a", "b"], "source": sources})
    with pytest.raises(InvalidInput, match="connectivity: got targets and sources with different labels"):
        check_connectivity(matrix)


def test_connectivity_in_any_order_of_dims():
    matrix = xr.DataArray(np.zeros((2, 3, 3)), dims=("trial", "source", "target"))
    assert check_connectivity(matrix) is matrix


def test_moments_pass_and_what_lacks_one_does_not():
    activity = netxr.as_activity(np.random.default_rng(0).normal(size=(3, 20)), dims=("neuron", "time"))
    moments = netxr.lagged_moments(activity)
    assert check_moments(moments) is moments
    for missing in ("count", "comoment", "sumsq_source"):
        with pytest.raises(InvalidInput, match=r"data: got a Dataset with .*netxr\.lagged_moments"):
            check_moments(moments.drop_vars(missing), argument="data")
    with pytest.raises(InvalidInput, match=r"moments\.comoment: got dims"):
        check_moments(moments.assign(comoment=moments["comoment"].isel(lag=0)))
    for other in (None, activity, np.zeros(3)):
        with pytest.raises(InvalidInput, match="moments: got"):
            check_moments(other)


def test_labels_are_the_coordinate_or_positions():
    data = xr.DataArray(np.zeros((2, 3)), dims=("neuron", "time"), coords={"neuron": ["a", "b"]})
    assert labels_of(data, "neuron").tolist() == ["a", "b"]
    assert labels_of(data, "time").tolist() == [0, 1, 2]


def test_errors_are_of_one_family():
    assert issubclass(InvalidInput, NetxrError)
    assert issubclass(InvalidInput, ValueError)
    error = InvalidInput("lag", got="-1", expected="0 or above", fix="Take another.")
    assert (error.argument, str(error)) == ("lag", "lag: got -1; expected 0 or above. Take another.")


def test_a_dataset_in_place_of_an_array_is_told_which_variable_to_take():
    matrix = xr.DataArray(np.eye(2), dims=("target", "source"))
    with pytest.raises(InvalidInput, match=r"truth: got a Dataset with R, connectivity;.*dataset\['connectivity'\]"):
        check_connectivity(xr.Dataset({"R": matrix, "connectivity": matrix}), argument="truth")
    with pytest.raises(InvalidInput, match=r"truth: got a Dataset with R;.*dataset\['R'\]"):
        check_connectivity(xr.Dataset({"R": matrix}), argument="truth")


def test_activity_in_the_place_of_a_matrix_and_a_matrix_in_that_of_activity():
    x = xr.DataArray(np.zeros((2, 5)), dims=("neuron", "time"))
    with pytest.raises(InvalidInput, match=r"This is activity\. A matrix has .*raster draw"):
        check_connectivity(x)
    with pytest.raises(InvalidInput, match=r"This is a matrix, .* Give the activity, \(neuron, time\)"):
        check_activity(xr.DataArray(np.zeros((2, 2)), dims=("target", "source")))


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ([1.0, np.nan], "NaN or None among"),
        (["a", None], "NaN or None among"),
        ([True, False], "True and False, which"),
    ],
)
def test_labels_that_name_no_neuron(labels, said):
    x = xr.DataArray(np.zeros((2, 5)), {"neuron": labels}, ("neuron", "time"))
    with pytest.raises(InvalidInput, match=f"activity: got {said}.* labels along neuron.*assign_coords"):
        check_activity(x)
    check_activity(xr.DataArray(np.zeros((1, 5, 2)), {"trial": [True, False]}, ("neuron", "time", "trial")))


def test_chunks_of_unknown_length_are_said_by_every_room(tmp_path):
    data = da.zeros((2, 60), chunks=(2, 20))
    unknown = xr.DataArray(data[:, da.ones(60, chunks=20, dtype=bool)], dims=("neuron", "time"))
    for call in (
        netxr.lagged_correlation,
        netxr.z_score,
        lambda x: netxr.coarsen(x, groups=1),
        lambda x: netxr.save(x.to_dataset(name="activity"), tmp_path / "x.zarr"),
    ):
        with pytest.raises(InvalidInput, match=r"got chunks of unknown length.*Call \.compute_chunk_sizes\(\) on"):
            call(unknown)
