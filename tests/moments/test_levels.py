from functools import partial
from unittest.mock import patch

import dask
import dask.array as da
import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import netxr
from netxr.errors import InvalidInput, NonFiniteActivity
from netxr.moments import levels as levels_module
from netxr.moments.lagged import lagged_moments
from netxr.moments.levels import coarse_moments
from tests import runs
from tests.moments.test_one_pass import Reader
from tests.runs import nothing_computes
from tests.strategies import FLOATS, chunked, group_assignments, recordings

POOLED = ("time", "trial")
activity = partial(runs.activity, n=6)

LABELLED = ["a", "b", "", "a", "c", "b"]

lag_sets = st.lists(st.integers(0, 8), min_size=1, max_size=3, unique=True)


def only_by(route):
    """The other route is an error."""
    other = {"_samples_first": "_products_first", "_products_first": "_samples_first"}[route]
    return patch.object(levels_module, other, side_effect=AssertionError(f"went by {other}"))


def assert_level(found, recording, groups, *, tolerance, **options):
    """A level is what the moments of the coarse-grained recording are."""
    coarse = recording if groups is None else netxr.coarsen(recording, groups=groups)
    expected = lagged_moments(coarse, precision="float64", **options)
    scale = 1 + float(abs(coarse).max()) ** 2
    assert {name: v.dims for name, v in found.items()} == {name: v.dims for name, v in expected.items()}
    for name in expected:
        np.testing.assert_allclose(found[name], expected[name], rtol=tolerance, atol=tolerance * scale, err_msg=name)
    for axis in set(expected.dims) & {"lag", "target", "source", "neuron", "trial"}:
        assert found[axis].values.tolist() == expected[axis].values.tolist()
    if groups is not None:
        assert found.group_size.values.tolist() == coarse.group_size.values.tolist()


# --- every level, whatever the recording -----------------------------------------------


@given(recordings(max_neurons=6), lag_sets, st.booleans(), st.booleans(), st.data())
def test_levels_are_the_moments_of_the_coarse_grained_recording(recording, lags, lazy, pool, data):
    n = recording.sizes["neuron"]
    wanted = data.draw(st.lists(st.one_of(st.none(), group_assignments(n)), min_size=1, max_size=3))
    levels = {f"level {k}": groups for k, groups in enumerate(wanted)}
    options = {"lags": lags, "dim": POOLED if pool and "trial" in recording.dims else "time"}
    given_as = data.draw(chunked(recording)) if lazy else recording
    with nothing_computes():
        found = coarse_moments(given_as, levels=levels, **options)
    assert list(found) == list(levels)
    found = dask.compute(found, scheduler="synchronous")[0]
    tolerance = 1e-5 if recording.dtype in ("float32", "float16") else 1e-10
    for name, groups in levels.items():
        assert_level(found[name], recording, groups, tolerance=tolerance, **options)


@given(recordings(max_neurons=6, dtypes=FLOATS), lag_sets, st.booleans(), st.data())
def test_frames_in_which_any_neuron_has_no_sample_are_dropped_at_all_levels(recording, lags, lazy, data):
    holes = data.draw(st.lists(st.integers(0, recording.size - 1), max_size=5))
    values = recording.values.copy()
    values.flat[holes] = np.nan
    recording = recording.copy(data=values)
    levels = {"groups": data.draw(group_assignments(recording.sizes["neuron"])), "neurons": None}
    given_as = data.draw(chunked(recording)) if lazy else recording
    options = {"lags": lags, "missing": "drop", "precision": "float64"}
    found = dask.compute(coarse_moments(given_as, levels=levels, **options), scheduler="synchronous")[0]
    whole_frames = recording.where(recording.notnull().all("neuron"))
    for name, groups in levels.items():
        assert_level(found[name], whole_frames, groups, tolerance=1e-10, lags=lags, missing="drop")


ROUTES = {
    "one group": ({"a": 1}, "_samples_first"),
    "two levels of two": ({"a": 2, "b": [0, 1, 1, -1, -1, -1]}, "_products_first"),
    "a single level of few": ({"a": 3}, "_samples_first"),
    "labels, few": ({"a": LABELLED}, "_samples_first"),
    "neurons as well": ({"a": 1, "neurons": None}, "_products_first"),
    "neurons alone": ({"neurons": None}, "_products_first"),
    "many groups": ({"a": 6, "b": LABELLED, "c": 3}, "_products_first"),
}


@pytest.mark.crossed(1)
@pytest.mark.parametrize("which", ROUTES)
@pytest.mark.parametrize(("lags", "dim", "dtype"), [([40, 0, 1], "time", "f4"), ([2], POOLED, "f8")])
def test_both_routes(which, lags, dim, dtype):
    levels, route = ROUTES[which]
    recording = activity(dtype=dtype)
    with only_by(route):
        found = coarse_moments(recording.chunk(time=30), levels=levels, lags=lags, dim=dim)
        at_once = coarse_moments(recording, levels=levels, lags=lags, dim=dim)
    found = dask.compute(found, scheduler="synchronous")[0]
    for name, groups in levels.items():
        for moments in (found[name], at_once[name]):
            assert_level(moments, recording, groups, tolerance=1e-10 if dtype == "f8" else 1e-6, lags=lags, dim=dim)


def test_frames_are_dropped_by_way_of_products():
    with only_by("_products_first"):
        coarse_moments(activity(), levels={"a": 1}, missing="drop")


def test_groups_of_equal_neurons_that_cancel_do_not_vary():
    recording = activity(n=4, trials=1)
    recording = xr.concat([recording, (7 - recording).assign_coords(neuron=list("efgh"))], "neuron", coords="minimal")
    groups = [0, 1, 2, 3, 0, 1, 2, 3]
    for levels in ({"still": groups}, {"still": groups, "neurons": None}):
        still = coarse_moments(recording, levels=levels)["still"]
        np.testing.assert_allclose(still.mean_target, 3.5, rtol=1e-14)
        np.testing.assert_allclose(still.sumsq_target, 0, atol=1e-25)


def test_estimates_merges_and_coarser_levels_follow():
    recording = activity()
    found = coarse_moments(recording, levels={"neurons": None, "threes": 3}, lags=[0, 1])
    of_coarse = netxr.lagged_correlation(netxr.coarsen(recording, groups=3), lag=1)
    np.testing.assert_allclose(netxr.lagged_correlation(found["threes"], lag=1), of_coarse, rtol=0, atol=1e-12)
    again = netxr.coarsen(found["threes"], groups=1)
    xr.testing.assert_allclose(
        again,
        coarse_moments(recording, levels={"all": 1}, lags=[0, 1])["all"].assign_coords(group_size=again.group_size),
    )
    parts = [coarse_moments(recording[:, part, :1], levels={"x": 3}) for part in (slice(0, 30), slice(30, 80))]
    merged = netxr.merge_moments([part["x"] for part in parts], continuous=True)
    assert_level(merged, recording[..., :1], 3, tolerance=1e-10)


def test_labels_and_attributes():
    recording = activity().assign_coords(day=("trial", ["mon", "tue"]), area=("neuron", list("uvwxyz")))
    found = coarse_moments(recording, levels={"labels": LABELLED, "number": 3, "neurons": None})
    assert found["labels"].target.values.tolist() == found["labels"].neuron.values.tolist() == ["a", "b", "c"]
    assert found["labels"].group_size.values.tolist() == [2, 2, 1]
    assert found["number"].source.values.tolist() == [0, 1, 2]
    assert found["neurons"].source.values.tolist() == recording.neuron.values.tolist()
    assert found["neurons"].area.values.tolist() == list("uvwxyz")
    for moments in found.values():
        assert moments.attrs == lagged_moments(recording).attrs
        assert moments.trial.values.tolist() == [5, 6]
        assert moments.day.values.tolist() == ["mon", "tue"]


# --- one read --------------------------------------------------------------------------


@pytest.mark.crossed(1)
@pytest.mark.parametrize(
    "levels",
    [{"a": 1}, {"neurons": None, "a": 5, "b": 1, "c": [0, 0, 1, 1, -1], "d": list("vwxyz")}],
    ids=["samples first", "products first"],
)
@pytest.mark.parametrize("chunks", [(5, 250), (2, 500)])
def test_one_read_serves_all_levels(levels, chunks):
    reader = Reader()
    found = coarse_moments(reader.recording(chunks), levels=levels, lags=[0, 1, 7])
    assert not reader.reads
    found = dask.compute(found, scheduler="synchronous")[0]
    assert all(isinstance(v.data, np.ndarray) for moments in found.values() for v in moments.values())
    beyond = {chunk: n for chunk, n in reader.reads.items() if chunk[1] > 0}
    assert set(beyond.values()) == {1}
    assert len(reader.reads) == -(-5 // chunks[0]) * (4000 // chunks[1])
    estimates = {name: netxr.lagged_correlation(moments, lag=7) for name, moments in found.items()}
    assert estimates.keys() == levels.keys()


def test_lazy_in_lazy_out():
    found = coarse_moments(activity().chunk(time=20), levels={"a": 2, "neurons": None})
    assert all(isinstance(moments[name].data, da.Array) for moments in found.values() for name in ("comoment", "count"))


# --- what cannot be summed up ------------------------------------------------------------


@pytest.mark.parametrize("levels", [{}, [], None, [2, 3], 3, "fine"])
def test_levels_that_are_no_levels(levels):
    with pytest.raises(InvalidInput, match=r"^levels: got .*a mapping from names to groups, or None for neurons"):
        coarse_moments(activity(), levels=levels)


def test_missing_samples_pair_by_pair():
    with pytest.raises(InvalidInput, match=r"^missing: got 'pairwise'; expected 'raise' or 'drop'.*coarse-grain the"):
        coarse_moments(activity(), levels={"a": 2}, missing="pairwise")


WRONG = {
    "groups": {"levels": {"a": 2, "b": 4}},
    "lags": {"lags": [-1]},
    "dim": {"dim": "trial"},
    "precision": {"precision": "float16"},
    "missing": {"missing": "ignore"},
    "memory": {"memory": 1},
}


@pytest.mark.parametrize("argument", WRONG)
@pytest.mark.parametrize("lazy", [False, True])
def test_wrong_arguments(argument, lazy):
    recording = activity().chunk(time=20) if lazy else activity()
    with nothing_computes(), pytest.raises(InvalidInput, match=f"{argument}: got") as caught:
        coarse_moments(recording, **{"levels": {"neurons": None, "a": 3}} | WRONG[argument])
    assert caught.value.argument == argument


@pytest.mark.parametrize("groups", [[-1] * 6, [0, 1], {"z": 1}, 4])
def test_groups_that_do_not_fit(groups):
    with pytest.raises(InvalidInput, match=r"^groups: got"):
        coarse_moments(activity(), levels={"neurons": None, "wrong": groups})


def test_what_is_no_recording():
    with pytest.raises(InvalidInput, match=r"^data: got"):
        coarse_moments(lagged_moments(activity()), levels={"a": 2})


@pytest.mark.parametrize("levels", [{"a": 2}, {"a": 2, "neurons": None}])
def test_a_sample_that_is_not_finite(levels):
    recording = activity()
    recording[2, 33, 1] = np.nan
    with pytest.raises(NonFiniteActivity, match=r"trial 6.*frame 33"):
        coarse_moments(recording, levels=levels)
    lazy = coarse_moments(recording.chunk(time=20), levels=levels)
    with pytest.raises(NonFiniteActivity, match=r"trial 6.*frame 33"):
        dask.compute(lazy, scheduler="synchronous")
