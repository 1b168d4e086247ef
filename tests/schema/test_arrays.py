import itertools

import dask.array as da
import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from netxr.errors import InvalidInput
from netxr.schema.arrays import as_activity, as_connectivity

DIMS = ("neuron", "time", "trial")


@pytest.mark.parametrize("dims", [*itertools.permutations(DIMS), *itertools.permutations(DIMS[:2])])
@pytest.mark.parametrize("dtype", ["float32", "int16", "bool"])
def test_axes_are_what_they_are_said_to_be(dims, dtype):
    sizes = {"neuron": 2, "time": 5, "trial": 3}
    values = np.arange(np.prod([sizes[dim] for dim in dims])).reshape([sizes[dim] for dim in dims]).astype(dtype)
    labelled = as_activity(values, dims=dims, neurons=["a", "b"])
    assert labelled.dims == DIMS[: len(dims)]
    assert (labelled.dtype, labelled.name) == (np.dtype(dtype), "activity")
    for place in itertools.product(*(range(sizes[dim]) for dim in dims)):
        assert labelled.isel(dict(zip(dims, place, strict=True))).item() == values[place]


def test_labels_and_attributes():
    labelled = as_activity(
        [[1, 2, 3], [4, 5, 6]],
        dims=["neuron", "time"],
        neurons=("soma", "dendrite"),
        sampling_interval=0.5,
        interval_units="ms",
        units="mV",
    )
    assert labelled.neuron.values.tolist() == ["soma", "dendrite"]
    assert labelled.neuron.dtype == object
    assert labelled.attrs == {"sampling_interval": 0.5, "sampling_interval_units": "ms", "units": "mV"}
    assert as_activity(np.zeros((4, 3)), dims=("time", "neuron")).neuron.values.tolist() == [0, 1, 2]
    assert labelled.time.values.tolist() == [0, 0.5, 1]
    assert labelled.time.attrs == {"units": "ms"}
    assert "time" not in as_activity([[1, 2, 3]], dims=["neuron", "time"]).coords


def test_lazy_stays_lazy():
    labelled = as_activity(da.zeros((5, 2), chunks=(2, 1)), dims=("time", "neuron"))
    assert isinstance(labelled.data, da.Array)
    assert labelled.chunks == ((1, 1), (2, 2, 1))


def test_rows_are_what_they_are_said_to_be():
    weights = np.arange(9.0).reshape(3, 3)
    for i, j in itertools.product(range(3), range(3)):
        from_j_to_i = as_connectivity(weights, rows="target", neurons=list("abc"))
        assert from_j_to_i.sel(target="abc"[i], source="abc"[j]) == weights[i, j]
        from_i_to_j = as_connectivity(weights, rows="source", neurons=list("abc"))
        assert from_i_to_j.sel(target="abc"[j], source="abc"[i]) == weights[i, j]
    assert from_i_to_j.dims == ("target", "source")
    assert from_i_to_j.name == "connectivity"


WRONG_ACTIVITY = {
    "dims": [
        None,
        5,
        "neuron",
        ("neuron",),
        ("time", "time"),
        ("neuron", "trial"),
        ("neuron", "step"),
        DIMS,
        ("neuron", None),
        [["neuron"], ["time"]],
    ],
    "samples": [[["a", "b"]], [[1j]], [[]], [[1.0], [2.0, 3.0]], np.zeros((2, 0)), [[None]]],
    "neurons": ["ab", 5, ["a"], list("abc"), [["a", "b"]], ["a", "a"], [["a"], ["b", "c"]], [1, 1.0]],
    "sampling_interval": [0, -1.0, np.nan, np.inf, "1", True, [1.0], 1j, np.array(1.0)],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in WRONG_ACTIVITY.items() for value in values]
)
def test_wrong_arguments_of_a_recording(name, value):
    right = {"samples": np.zeros((2, 5)), "dims": ("neuron", "time")}
    with pytest.raises(InvalidInput) as caught:
        as_activity(**(right | {name: value}))
    assert caught.value.argument == name


WRONG_CONNECTIVITY = {
    "weights": [
        None,
        5,
        [1, 2],
        [[1, 2]],
        [[1], [2, 3]],
        np.zeros((2, 2, 2)),
        np.zeros((1, 2, 2, 2)),
        np.zeros((0, 0)),
        [["a"]],
        [[1j]],
    ],
    "rows": [None, "to", 0, ["target"], "Target", np.array(["source", "target"])],
    "neurons": ["ab", ["a"], ["a", "a"], 5],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in WRONG_CONNECTIVITY.items() for value in values]
)
def test_wrong_arguments_of_a_connectivity(name, value):
    right = {"weights": np.zeros((2, 2)), "rows": "target"}
    with pytest.raises(InvalidInput) as caught:
        as_connectivity(**(right | {name: value}))
    assert caught.value.argument == name


def test_what_has_labels_already_is_not_relabelled():
    recording = xr.DataArray(np.zeros((2, 5)), dims=("neuron", "time"))
    with pytest.raises(InvalidInput, match=r"samples: got a DataArray.*\.rename"):
        as_activity(recording, dims=("neuron", "time"))
    with pytest.raises(InvalidInput, match=r"weights: got a DataArray.*\.rename"):
        as_connectivity(recording, rows="target")


@given(st.lists(st.integers(0, 3), max_size=4), st.lists(st.sampled_from([*DIMS, "x"]), max_size=4))
def test_any_shape_with_any_dims_is_labelled_or_refused(shape, dims):
    fits = len(shape) == len(dims) and sorted(dims) in (sorted(DIMS), sorted(DIMS[:2])) and all(shape)
    if fits:
        assert dict(as_activity(np.zeros(shape), dims=dims).sizes) == dict(zip(dims, shape, strict=True))
        return
    with pytest.raises(InvalidInput) as caught:
        as_activity(np.zeros(shape), dims=dims)
    assert caught.value.argument in ("dims", "samples")


def test_a_range_that_no_memory_holds_is_refused_at_once():
    with pytest.raises(InvalidInput, match=r"^weights: got more than [\d,]+ entries; expected an array"):
        as_connectivity(range(10**10), rows="target")
    with pytest.raises(InvalidInput, match=r"^samples: got more than [\d,]+ entries; expected an array"):
        as_activity(range(10**10), dims=("neuron", "time"))
