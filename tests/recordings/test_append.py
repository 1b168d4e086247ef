import json

import dask.array as da
import numpy as np
import pandas as pd
import pytest
import xarray as xr
import zarr
from dask.base import is_dask_collection
from hypothesis import given
from hypothesis import strategies as st

import netxr
from netxr.errors import InvalidInput, OutputExists, StoreBusy, UnreadableFile
from netxr.moments.merge import merge_moments
from netxr.recordings import update
from netxr.schema.clock import with_axis
from netxr.store.metadata import ROOT, documents
from netxr.store.writing import streamed_variable
from tests.runs import activity, contents

MODES = ("raise", "drop", "pairwise")


def recording(n_steps=60, *, trials=2, n_neurons=4, dtype="float32", seed=0):
    rng = np.random.default_rng(seed)
    samples = rng.normal(size=(n_neurons, n_steps, trials)).cumsum(axis=1).astype(dtype)
    labels = [f"n{k}" for k in range(n_neurons)]
    run = xr.Dataset(
        {"activity": (("neuron", "time", "trial"), samples, {"units": "mV", "sampling_interval": 0.1})},
        {"neuron": labels, "trial": np.arange(trials), "area": ("neuron", ["V1"] * n_neurons)},
        {"seed": seed},
    )
    return with_axis(run)


def saved(run, path, *, length=16):
    """A store with short chunks, so that a few samples fill several."""
    rest = run.drop_vars("activity")
    sizes = {str(dim): size for dim, size in run.activity.sizes.items()}
    chunks = {"neuron": sizes["neuron"], "time": length, "trial": 1}
    with streamed_variable(
        path, rest, name="activity", sizes=sizes, chunks=chunks, dtype=run.activity.dtype, attrs=run.activity.attrs
    ) as (array, _):
        array[...] = run.activity.values
    return path


def with_moments(run, *, lags, dim, missing):
    moments = netxr.lagged_moments(run.activity, lags=lags, dim=dim, missing=missing)
    return run.assign(moments).assign(lagged_correlation=netxr.lagged_correlation(moments, lags=lags))


# --- samples ------------------------------------------------------------------


@given(
    cuts=st.lists(st.integers(1, 59), min_size=1, max_size=4, unique=True).map(sorted),
    length=st.integers(1, 70),
    lazy=st.booleans(),
)
def test_samples_appended_in_any_pieces_are_the_samples_saved_at_once(tmp_path_factory, cuts, length, lazy):
    run, path = recording(), tmp_path_factory.mktemp("any") / "run.zarr"
    saved(run.isel(time=slice(0, cuts[0])), path, length=length)
    for start, stop in zip(cuts, [*cuts[1:], 60], strict=True):
        piece = run.isel(time=slice(start, stop))
        netxr.append(piece.chunk(time=7) if lazy else piece, path, dim="time")
    for opened, wanted in ((netxr.open(path), run), (xr.open_zarr(path, consolidated=False), run.drop_vars("time"))):
        xr.testing.assert_equal(opened.load(), wanted)
        assert opened.activity.dtype == np.float32
        assert opened.activity.attrs == run.activity.attrs
    assert netxr.verify(path) == ()
    assert [entry.name for entry in path.parent.iterdir()] == ["run.zarr"]


@pytest.mark.parametrize("lazy", [False, True])
def test_further_trials_stand_behind_the_others(tmp_path, lazy):
    run, more = recording(), recording(trials=3, seed=1).assign_coords(trial=[5, 9, 7])
    path = saved(run, tmp_path / "run.zarr")
    netxr.append(more.chunk(time=9, trial=2) if lazy else more, path, dim="trial")
    opened = netxr.open(path)
    np.testing.assert_array_equal(opened.activity.values, np.concatenate([run.activity, more.activity], axis=-1))
    assert opened.trial.values.tolist() == [0, 1, 5, 9, 7]
    assert opened.activity.chunks[2] == (1,) * 5
    assert netxr.verify(path) == ()


def test_labels_of_trials_may_be_text(tmp_path):
    run = recording().assign_coords(trial=["mo", "tu"], day=("trial", pd.to_datetime(["2026-01-05", "2026-01-06"])))
    more = run.isel(trial=[0]).assign_coords(
        trial=["a much longer label"], day=("trial", pd.to_datetime(["2026-01-07"]))
    )
    netxr.save(run, tmp_path / "run.zarr")
    netxr.append(more, tmp_path / "run.zarr", dim="trial")
    opened = netxr.open(tmp_path / "run.zarr")
    assert opened.trial.values.tolist() == ["mo", "tu", "a much longer label"]
    assert opened.day.dt.day.values.tolist() == [5, 6, 7]


def test_networks_of_trials_are_appended_with_them(tmp_path):
    A = [netxr.random_connectivity(4, seed=k).assign_coords(trial=k) for k in range(3)]
    runs = [netxr.simulate(xr.concat(part, "trial"), n_steps=30, seed=1) for part in ([A[0]], [A[1], A[2]])]
    netxr.save(runs[0], tmp_path / "run.zarr")
    netxr.append(runs[1], tmp_path / "run.zarr", dim="trial")
    opened = netxr.open(tmp_path / "run.zarr")
    for k in range(3):
        np.testing.assert_array_equal(opened.connectivity.sel(trial=k).values, A[k].values)


def test_neurons_are_matched_by_label(tmp_path):
    run = recording()
    path = saved(run.isel(time=slice(0, 40)), tmp_path / "run.zarr")
    netxr.append(run.isel(time=slice(40, None), neuron=[2, 0, 3, 1], trial=[1, 0]), path, dim="time")
    xr.testing.assert_equal(netxr.open(path).load(), run)


def test_times_go_on(tmp_path):
    run = recording(trials=1).assign_coords(time=np.arange(60) * 0.1)
    path = tmp_path / "run.zarr"
    netxr.save(run.isel(time=slice(0, 40)), path)
    for wrong in (run.isel(time=slice(41, None)), run.isel(time=slice(39, None)), run.isel(time=slice(45, 39, -1))):
        with pytest.raises(InvalidInput, match=r"data: got times from .*; expected times that go on evenly after 3\.9"):
            netxr.append(wrong, path, dim="time")
    with pytest.raises(InvalidInput, match=r"times from 0\.0 to 3\.9\d*, of which the run has 40 already.*dim='trial'"):
        netxr.append(run.isel(time=slice(0, 40)), path, dim="time")
    with pytest.raises(InvalidInput, match="data: got no time coordinate"):
        netxr.append(run.isel(time=slice(40, None)).drop_vars("time"), path, dim="time")
    netxr.append(run.isel(time=slice(40, None)), path, dim="time")
    xr.testing.assert_allclose(netxr.open(path).load(), run, rtol=1e-12)


def test_history_tells_where_other_samples_come_from(tmp_path):
    path, more = saved(recording(), tmp_path / "run.zarr"), recording(seed=5).assign_coords(trial=[2, 3])
    more["activity"].attrs["preprocessing"] = "select time=0:6"
    netxr.append(more.assign_attrs(source_file="tuesday.nwb"), path, dim="trial")
    told = "append: 2 along trial (seed 5, source_file tuesday.nwb, preprocessing select time=0:6)"
    assert netxr.open(path).attrs["history"].splitlines()[-1].endswith(told)


def test_what_happened_is_history(tmp_path):
    run = recording()
    path = saved(run.isel(time=slice(0, 40)), tmp_path / "run.zarr")
    before = netxr.open(path).attrs
    netxr.append(run.isel(time=slice(40, None)), path, dim="time")
    after = netxr.open(path).attrs
    assert after["history"].splitlines()[:-1] == before["history"].splitlines()
    assert after["history"].endswith("append: 20 along time")
    assert {name: value for name, value in after.items() if name != "history"} == {
        name: value for name, value in before.items() if name != "history"
    }


def test_progress_counts_bytes(tmp_path):
    run, heard = recording(), []
    path = saved(run.isel(time=slice(0, 40)), tmp_path / "run.zarr")
    netxr.append(run.isel(time=slice(40, None)), path, dim="time", progress=lambda *told: heard.append(told))
    assert heard[-1] == (20 * 4 * 2 * 4,) * 2
    assert sorted(heard) == heard


def test_the_caller_keeps_what_it_gave(tmp_path):
    run = recording()
    path = saved(run.isel(time=slice(0, 40)), tmp_path / "run.zarr")
    piece = run.isel(time=slice(40, None))
    before = piece.copy(deep=True)
    netxr.append(piece, path, dim="time")
    xr.testing.assert_identical(piece, before)


def test_open_data_stay_what_they_were(tmp_path):
    run = recording()
    path = saved(run.isel(time=slice(0, 41)), tmp_path / "run.zarr")
    early = netxr.open(path)
    netxr.append(run.isel(time=slice(41, None)), path, dim="time")
    xr.testing.assert_equal(early.load(), run.isel(time=slice(0, 41)))


def test_a_store_of_the_first_layout_is_appended_to(tmp_path):
    run = recording().drop_vars("area")
    first = run.isel(time=slice(0, 40)).assign_attrs(schema_version=1)
    first.assign_coords(neuron=first.neuron.astype(object)).chunk(trial=1).to_zarr(
        tmp_path / "old.zarr", consolidated=False
    )
    netxr.append(run.isel(time=slice(40, None)), tmp_path / "old.zarr", dim="time")
    np.testing.assert_array_equal(netxr.open(tmp_path / "old.zarr").activity.values, run.activity.values)


# --- moments and estimates ----------------------------------------------------


@pytest.mark.crossed(1)
@pytest.mark.parametrize("missing", MODES)
@pytest.mark.parametrize("dim", ["time", ("time", "trial")])
@pytest.mark.parametrize("cut", [30, 58])
def test_moments_are_those_of_all_samples(tmp_path, dim, missing, cut):
    run, lags = recording(dtype="float64"), [0, 1, 5]
    if missing != "raise":
        run.activity[1, [3, 29, 57], 0] = np.nan
    netxr.save(with_moments(run.isel(time=slice(0, cut)), lags=lags, dim=dim, missing=missing), tmp_path / "run.zarr")
    netxr.append(run.isel(time=slice(cut, None)), tmp_path / "run.zarr", dim="time")
    whole = with_moments(run, lags=lags, dim=dim, missing=missing)
    assert_agrees(netxr.open(tmp_path / "run.zarr"), whole)

    more = recording(dtype="float64", seed=1).assign_coords(trial=[7, 5])
    netxr.append(more, tmp_path / "run.zarr", dim="trial")
    joined = xr.concat([run, more], "trial", data_vars="minimal", coords="minimal", compat="override")
    whole = with_moments(joined, lags=lags, dim=dim, missing=missing)
    opened = netxr.open(tmp_path / "run.zarr")
    assert_agrees(opened, whole)
    if missing == "raise":
        groups = netxr.coarsen(opened.drop_vars(["lagged_correlation", "activity"]), groups=2)
        expected = netxr.lagged_moments(netxr.coarsen(joined.activity, groups=2), lags=lags, dim=dim)
        np.testing.assert_allclose(groups.comoment.values, expected.comoment.values, rtol=1e-9, atol=1e-9)


def assert_agrees(opened, whole):
    for name in whole.data_vars:
        assert opened[name].sizes == whole[name].sizes, name
        np.testing.assert_allclose(
            opened[name].values, whole[name].transpose(*opened[name].dims).values, rtol=1e-9, atol=1e-9, err_msg=name
        )


def test_old_samples_are_not_read_again(tmp_path):
    run = recording(n_steps=100, dtype="float64")
    path = saved(run.isel(time=slice(0, 90)), tmp_path / "run.zarr")
    netxr.add(netxr.lagged_moments(run.activity[:, :90], lags=[0, 1, 2]), path)
    for chunk in (path / "activity" / "c" / "0").glob("[0-4]/*"):
        chunk.unlink()
    netxr.append(run.isel(time=slice(90, None)), path, dim="time")
    expected = netxr.lagged_moments(run.activity, lags=[0, 1, 2])
    np.testing.assert_allclose(netxr.open(path).comoment.values, expected.comoment.values, rtol=1e-9)


def test_other_results_say_that_they_are_outdated(tmp_path):
    run = recording()
    R = netxr.lagged_correlation(run.activity)
    A = netxr.random_connectivity(4, seed=1).assign_coords(target=R.target.values, source=R.source.values)
    scores = netxr.compare(A, R, diagonal=False)
    netxr.save(run.isel(time=slice(0, 40)).assign(scores).assign(other=R, still=1), tmp_path / "run.zarr")
    netxr.append(run.isel(time=slice(40, None)), tmp_path / "run.zarr", dim="time")
    stored = netxr.open(tmp_path / "run.zarr")
    told = {name for name, one in stored.data_vars.items() if "outdated" in one.attrs}
    assert {"other", "pearson", "kappa", "mantel"} <= told
    assert not told & {"activity", "still"}


def test_moments_of_some_sources(tmp_path):
    run = recording(dtype="float64")
    first = run.isel(time=slice(0, 40))
    netxr.save(
        first.assign(netxr.lagged_moments(first.activity, lags=[1], sources=["n2", "n0"])), tmp_path / "run.zarr"
    )
    netxr.append(run.isel(time=slice(40, None)), tmp_path / "run.zarr", dim="time")
    whole = netxr.lagged_moments(run.activity, lags=[1], sources=["n2", "n0"])
    np.testing.assert_allclose(netxr.open(tmp_path / "run.zarr").comoment.values, whole.comoment.values, rtol=1e-9)


def test_an_estimate_without_moments_says_that_it_is_outdated(tmp_path):
    run = recording()
    first = run.isel(time=slice(0, 40))
    R = netxr.lagged_correlation(first.activity)
    netxr.save(first.assign(lagged_correlation=R), tmp_path / "run.zarr")
    netxr.append(run.isel(time=slice(40, None)), tmp_path / "run.zarr", dim="time")
    kept = netxr.open(tmp_path / "run.zarr").lagged_correlation
    np.testing.assert_array_equal(kept.values, R.values)
    assert kept.attrs["outdated"] == "made before 20 samples were appended along time"
    A = xr.zeros_like(R[0], dtype=float)
    with pytest.warns(UserWarning, match=r"outdated: made before 20 samples were appended along time\. Fix:"):
        netxr.compare(A, kept, diagonal=False)


def test_an_estimate_of_each_trial_goes_on_with_the_trials(tmp_path):
    run, more = recording(), recording(seed=1).assign_coords(trial=[4, 3])
    netxr.save(run.assign(lagged_correlation=netxr.lagged_correlation(run.activity)), tmp_path / "run.zarr")
    netxr.append(more, tmp_path / "run.zarr", dim="trial")
    both = xr.concat([run.activity, more.activity], "trial")
    found = netxr.open(tmp_path / "run.zarr").lagged_correlation
    np.testing.assert_allclose(found.values, netxr.lagged_correlation(both).values, rtol=1e-12)


def test_one_sample_is_too_few_for_moments(tmp_path):
    run = recording()
    netxr.save(run.isel(time=slice(0, 59)).assign(netxr.lagged_moments(run.activity[:, :59])), tmp_path / "run.zarr")
    with pytest.raises(InvalidInput, match="data: got 1 sample; expected 2 or more for a store with moments"):
        netxr.append(run.isel(time=slice(59, None)), tmp_path / "run.zarr", dim="time")


# --- results ------------------------------------------------------------------


def test_results_are_added_and_replaced(tmp_path):
    run = recording()
    path = saved(run, tmp_path / "run.zarr")
    R = netxr.lagged_correlation(run.activity)
    netxr.add(R, path)
    netxr.add(xr.Dataset({"pearson": ((), 0.5), "note": ((), "fine")}), path)
    for value in (0.25, 0.75, 0.125):
        netxr.add(xr.Dataset({"pearson": ((), value), "lagged_correlation": R * value}), path, replace=True)
        for opened in (netxr.open(path), xr.open_zarr(path, consolidated=False)):
            assert opened.pearson.item() == value
            np.testing.assert_array_equal(opened.lagged_correlation.values, R.values * value)
            samples = opened[["activity"]].drop_vars(["lag", "time"], errors="ignore")
            xr.testing.assert_equal(samples.load(), run.drop_vars("time"))
        assert netxr.verify(path) == ()
    assert opened.note.item() == "fine"
    assert opened.attrs["history"].splitlines()[-1].endswith("replace: pearson, lagged_correlation")
    chunks = [entry.name for entry in (path / "lagged_correlation").rglob("*") if entry.is_file()]
    assert len(chunks) <= 1 + 3 * 2  # metadata, and the values of now and of twice before, a chunk a trial each


def test_nothing_is_replaced_unasked(tmp_path):
    run = recording()
    path = saved(run, tmp_path / "run.zarr")
    netxr.add(xr.Dataset({"pearson": ((), 0.5)}), path)
    with pytest.raises(OutputExists, match=r"run\.zarr: pearson exists and is left .*replace=True"):
        netxr.add(xr.Dataset({"pearson": ((), 0.7), "rv": ((), 0.7)}), path)
    assert netxr.open(path).pearson.item() == 0.5
    assert "rv" not in netxr.open(path)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (recording().activity, r"data: got the activity; expected results\. Append samples with netxr\.append"),
        (xr.Dataset(), "data: got no variable; expected results"),
        (xr.Dataset({"x": ("neuron", np.zeros(5))}), r"data: got other labels along neuron.*Save it as a store"),
        (xr.Dataset({"x": ("neuron", np.zeros(4))}, {"neuron": list("abcd")}), "data: got other labels along neuron"),
        (xr.Dataset({"x": ("target", np.zeros(3))}, {"area": ("target", list("abc"))}), "data: got another area"),
        (xr.Dataset({"../x": ((), 1)}), "names that can be names of folders"),
        (3, "dataset: got int"),
        (netxr.lagged_moments(recording().activity, blocks=2), "data: got moments in blocks; .* a store of their own"),
        (
            netxr.lagged_moments(recording().activity, where=np.arange(60) % 2 == 0),
            "data: got moments of marked frames; .* a store of their own",
        ),
    ],
)
def test_results_that_do_not_fit_are_refused(tmp_path, data, message):
    path = saved(recording(), tmp_path / "run.zarr")
    before = documents(path)
    with pytest.raises(InvalidInput, match=message):
        netxr.add(data, path)
    assert documents(path) == before


def at(lag):
    return {"lag": lag} if isinstance(lag, int) else {"lags": lag}


def test_several_lags_are_not_mixed_with_one(tmp_path):
    run = recording()
    path = saved(run, tmp_path / "run.zarr")
    netxr.add(netxr.lagged_correlation(run.activity, lag=1), path)
    with pytest.raises(InvalidInput, match="data: got another lag; expected that of the run"):
        netxr.add(netxr.lagged_correlation(run.activity, lags=[0, 1]).rename("other"), path)
    assert netxr.open(path)["lag"].values.tolist() == 1


def without_symmetry(estimate):
    """Attributes but the one that follows from the values."""
    return {name: value for name, value in estimate.attrs.items() if name != "symmetry"}


def test_an_estimate_at_one_lag_stands_beside_moments_at_several_and_follows(tmp_path):
    run = recording(dtype="float64")
    first = run.isel(time=slice(0, 40))
    path = saved(first, tmp_path / "run.zarr")
    netxr.add(netxr.lagged_moments(first.activity, lags=[0, 1, 2]), path)
    R = netxr.lagged_correlation(first.activity, lag=2)
    netxr.add(R, path)
    opened = netxr.open(path).lagged_correlation
    assert opened.attrs["lag"] == 2
    np.testing.assert_array_equal(opened.values, R.values)
    netxr.append(run.isel(time=slice(40, None)), path, dim="time")
    longer = netxr.open(path).lagged_correlation
    np.testing.assert_allclose(longer.values, netxr.lagged_correlation(run.activity, lag=2).values, rtol=1e-9)
    assert without_symmetry(longer) == without_symmetry(opened)


def test_attributes_of_an_estimate_that_follows_stay(tmp_path):
    run = recording()
    first = run.isel(time=slice(0, 40))
    path = saved(first, tmp_path / "run.zarr")
    netxr.add(netxr.lagged_moments(first.activity, lags=[0, 1]), path)
    netxr.add(netxr.lagged_correlation(first.activity, lags=[0, 1], precision="float64"), path)
    before = without_symmetry(netxr.open(path).lagged_correlation)
    assert before.items() >= {"precision": "float64", "sampling_interval": 0.1, "units": "mV"}.items()
    netxr.append(run.isel(time=slice(40, None)), path, dim="time")
    assert without_symmetry(netxr.open(path).lagged_correlation) == before


@pytest.mark.parametrize("dim", ["time", "trial"])
def test_estimates_side_by_side_follow(tmp_path, dim):
    run = recording(dtype="float64", trials=4)
    first, later = run.isel({dim: slice(0, 3)}), run.isel({dim: slice(3, None)})
    if dim == "time":
        first, later = run.isel(time=slice(0, 40)), run.isel(time=slice(40, None))
    path = saved(first, tmp_path / "run.zarr")
    netxr.add(netxr.lagged_moments(first.activity, lags=[0, 1]), path)
    methods = ["correlation", "lagged_correlation"]
    netxr.add(netxr.estimate(first.activity, method=methods, lags=[0, 1]).rename("both"), path)
    netxr.append(later, path, dim=dim)
    found, right = netxr.open(path).both, netxr.estimate(run.activity, method=methods, lags=[0, 1])
    assert "outdated" not in found.attrs
    assert found.estimator.values.tolist() == methods
    np.testing.assert_allclose(found.transpose(*right.dims).values, right.values, rtol=1e-9)


AREAS = ("neuron", ["V1", "V1", "S1", "S1"])


@pytest.mark.crossed(1)
@pytest.mark.parametrize(
    ("fact", "message"),
    [
        ({"area": ("neuron", ["V1", "S1", "S1", "S1"])}, "another area, 'S1' for 'V1' at neuron 'n1'"),
        ({"depth": ((), 3.0)}, r"another depth, 3\.0 for 2\.0"),
        ({"position": (("neuron", "axis"), np.ones((4, 2)))}, "another position"),
    ],
)
@pytest.mark.parametrize("dim", ["time", "trial"])
def test_facts_that_contradict_are_refused(tmp_path, fact, message, dim):
    facts = {"area": AREAS, "depth": 2.0, "position": (("neuron", "axis"), np.zeros((4, 2)))}
    run = recording().drop_vars("area", errors="ignore").assign_coords(facts)
    first, later = run.isel(time=slice(0, 40)), run.isel(time=slice(40, None))
    if dim == "trial":
        first, later = run, run.assign_coords(trial=[7, 8])
    netxr.save(first, tmp_path / "run.zarr")
    with pytest.raises(InvalidInput, match=f"data: got {message}.*drop_vars"):
        netxr.append(later.assign_coords(fact), tmp_path / "run.zarr", dim=dim)
    turned = later.isel(neuron=[2, 0, 3, 1])  # facts go with their neurons
    netxr.append(turned.drop_vars("depth").assign_coords(rig="left"), tmp_path / "run.zarr", dim=dim)
    assert netxr.open(tmp_path / "run.zarr").area.values.tolist() == AREAS[1]
    assert "(without rig)" in netxr.open(tmp_path / "run.zarr").attrs["history"].splitlines()[-1]


def test_another_network_is_refused(tmp_path):
    run = netxr.simulate(netxr.random_connectivity(4, seed=1), n_steps=30, seed=1)
    netxr.save(run, tmp_path / "run.zarr")
    more = netxr.simulate(netxr.random_connectivity(4, seed=2), n_steps=30, seed=2).assign_coords(trial=[1])
    with pytest.raises(InvalidInput, match="data: got another connectivity; expected that of the store"):
        netxr.append(more, tmp_path / "run.zarr", dim="trial")
    netxr.append(more.activity, tmp_path / "run.zarr", dim="trial")
    same = netxr.simulate(run.connectivity, n_steps=30, seed=3).assign_coords(trial=[2])
    netxr.append(same.isel(target=[3, 1, 0, 2], source=[1, 0, 3, 2]), tmp_path / "run.zarr", dim="trial")
    assert netxr.open(tmp_path / "run.zarr").sizes["trial"] == 3


def test_other_neurons_are_told_where_they_go(tmp_path):
    path = saved(recording(), tmp_path / "run.zarr")
    other = recording().assign_coords(neuron=list("abcd"), trial=[7, 8])
    with pytest.raises(InvalidInput, match=r'merge_moments\(\.\.\., join="outer"\)'):
        netxr.append(other, path, dim="trial")


def test_a_store_says_its_clock_at_the_root(tmp_path):
    netxr.save(recording().activity.to_dataset(), tmp_path / "run.zarr")
    assert netxr.open(tmp_path / "run.zarr").attrs["sampling_interval"] == 0.1


# --- bad input ----------------------------------------------------------------


def bad():
    run = recording()
    late = run.isel(time=slice(40, None))
    yield "dtype", late.astype("float64"), "time", r"data: got dtype float64; expected float32.*astype\(\"float32\"\)"
    yield "neurons", late.isel(neuron=[0, 1]), "time", "data: got 2 labels along neuron; expected the 4"
    renamed = late.assign_coords(neuron=list("abcd"))
    yield "labels", renamed, "time", r"data: got other labels along neuron, such as \['a', 'b', 'c'\]"
    yield "trials", late.isel(trial=[0]), "time", "data: got 1 labels along trial; expected the 2"
    yield "no trial", late.isel(trial=0, drop=True), "time", r"dims .*expand_dims\(trial="
    yield "twice", run.isel(time=slice(0, 40)), "trial", r"data: got trials \[0, 1\] that the store has"
    short = run.isel(time=slice(0, 39)).assign_coords(trial=[5, 6])
    yield "length", short, "trial", "data: got .*39 labels along time; expected the 40 .*cut all to the shortest"
    text = run.isel(time=slice(0, 40)).assign_coords(trial=["5", "6"])
    yield "label type", text, "trial", "data: got trial labels of dtype .*; expected int64"
    rate = late.drop_vars("time")
    rate["activity"] = rate.activity.assign_attrs(sampling_interval=0.2)
    yield "rate", rate, "time", r"data: got sampling_interval 0\.2; expected 0\.1, as the store has"
    units = late.copy()
    units["activity"] = late.activity.assign_attrs(units="V")
    yield "units", units, "time", "data: got units 'V'; expected 'mV'"
    bare = late.copy()
    bare["activity"] = late.activity.drop_attrs().assign_attrs(sampling_interval=0.1)
    yield "no units", bare, "time", r"data: got activity with units None; expected 'mV', .*by \.assign_attrs\(units="
    yield "dim", late, "neuron", "dim: got 'neuron'"
    yield (
        "clock",
        late.assign_coords(time=np.arange(20)),
        "time",
        r"samples from 0 to 1\.9 s, of which the run, 0 to 3\.9, has 20",
    )
    yield "nothing", late.isel(time=slice(0, 0)), "time", "data: got no entry along time"
    yield "no activity", late[["area"]], "time", "data: got a Dataset"
    yield "array", late.activity.values, "time", "data: got ndarray"


@pytest.mark.parametrize(("data", "dim", "message"), [case[1:] for case in bad()], ids=[case[0] for case in bad()])
def test_what_does_not_fit_is_refused_and_nothing_changes(tmp_path, data, dim, message):
    path = saved(recording().isel(time=slice(0, 40)), tmp_path / "run.zarr")
    before = contents(path)
    with pytest.raises(InvalidInput, match=message):
        netxr.append(data, path, dim=dim)
    assert contents(path) == before


def test_what_else_the_store_has_along_time_is_asked_for(tmp_path):
    run = recording().assign(light=("time", np.arange(60.0)))
    path = tmp_path / "run.zarr"
    netxr.save(run.isel(time=slice(0, 40)), path)
    with pytest.raises(InvalidInput, match="data: got no light; expected a Dataset with all that the store has"):
        netxr.append(run.activity[:, 40:], path, dim="time")
    netxr.append(run.isel(time=slice(40, None)), path, dim="time")
    xr.testing.assert_equal(netxr.open(path).load(), run)


def test_places_that_cannot_be_appended_to(tmp_path):
    run = recording()
    with pytest.raises(UnreadableFile, match=r"none\.zarr: there is no such folder"):
        netxr.append(run, tmp_path / "none.zarr", dim="time")
    netxr.save(run[["area"]], tmp_path / "labels.zarr")
    with pytest.raises(UnreadableFile, match="a store without activity"):
        netxr.append(run, tmp_path / "labels.zarr", dim="time")
    old = run.drop_vars(["neuron", "area"])
    old.to_zarr(tmp_path / "v2.zarr", zarr_format=2, consolidated=False)
    with pytest.raises(UnreadableFile, match=r"no Zarr group of version 3.*netxr\.save\(netxr\.open\(old\), new\)"):
        netxr.append(old, tmp_path / "v2.zarr", dim="time")
    flat = run.isel(trial=0, drop=True)
    netxr.save(flat, tmp_path / "flat.zarr")
    with pytest.raises(InvalidInput, match=r"dim: got 'trial'; expected one of .*expand_dims\(trial="):
        netxr.append(flat, tmp_path / "flat.zarr", dim="trial")


def test_a_second_writer_is_told(tmp_path):
    run = recording()
    path = saved(run.isel(time=slice(0, 40)), tmp_path / "run.zarr")

    def also(done, total):
        with pytest.raises(StoreBusy, match=r"run\.zarr.* being written to by another process"):
            netxr.append(run.isel(time=slice(40, None)), path, dim="time")

    netxr.append(run.isel(time=slice(40, None)), path, dim="time", progress=also)
    xr.testing.assert_equal(netxr.open(path).load(), run)


def test_an_error_in_the_middle_changes_nothing(tmp_path):
    run = recording()
    path = saved(run.isel(time=slice(0, 41)), tmp_path / "run.zarr")
    netxr.add(netxr.lagged_moments(run.activity[:, :41], lags=[0, 1]), path)
    before = netxr.open(path).load()

    def fail(block, block_id):
        if block_id[1] == 1:
            raise RuntimeError("the disk was pulled out")
        return block

    late = da.from_array(run.activity.values[:, 41:], chunks=(4, 10, 2)).map_blocks(
        fail, dtype="float32", meta=np.empty((0, 0, 0), "f4")
    )
    broken = run.isel(time=slice(41, None)).assign(activity=(("neuron", "time", "trial"), late, run.activity.attrs))
    with pytest.raises(RuntimeError, match="the disk was pulled out"):
        netxr.append(broken, path, dim="time")
    xr.testing.assert_identical(netxr.open(path).load(), before)
    assert not [problem for problem in netxr.verify(path) if not problem.harmless]
    netxr.append(run.isel(time=slice(41, None)), path, dim="time")
    xr.testing.assert_equal(netxr.open(path)[["activity"]].load(), run)
    assert netxr.verify(path) == ()


def test_stores_that_are_no_folders(tmp_path):
    run, store = recording(), zarr.storage.MemoryStore()
    first = run.isel(time=slice(0, 40))
    netxr.save(with_moments(first, lags=[0, 1], dim="time", missing="raise"), store)
    netxr.append(run.isel(time=slice(40, None)), store, dim="time")
    netxr.add(xr.Dataset({"pearson": ((), 0.5)}), store)
    netxr.add(xr.Dataset({"pearson": ((), 0.25)}), store, replace=True)
    opened = netxr.open(store)
    np.testing.assert_array_equal(opened.activity.values, run.activity.values)
    assert opened.pearson.item() == 0.25
    whole = with_moments(run, lags=[0, 1], dim="time", missing="raise")
    np.testing.assert_allclose(opened.comoment.values, whole.comoment.values, rtol=1e-5)
    with pytest.raises(OutputExists):
        netxr.save(run, store)
    netxr.save(first, store, group="week/monday")
    netxr.append(run.isel(time=slice(40, None)), store, dim="time", group="week/monday")
    netxr.add(xr.Dataset({"pearson": ((), 0.5)}), store, group="week/monday")
    opened = netxr.open(store, group="week/monday")
    np.testing.assert_array_equal(opened.activity.values, run.activity.values)
    assert opened.pearson.item() == 0.5


def test_values_that_are_replaced_stay_readable_for_who_has_them_open(tmp_path):
    run = recording()
    path = saved(run, tmp_path / "run.zarr")
    R = netxr.lagged_correlation(run.activity)
    netxr.add(R, path)
    early = netxr.open(path).lagged_correlation
    netxr.add(R * 0.5, path, replace=True)
    np.testing.assert_array_equal(early.values, R.values)
    stored = documents(path)[ROOT]["attributes"]
    assert json.loads(stored.pop("time_axis"))["interval"] == 0.1
    assert stored == netxr.open(path).attrs | {"coordinates": "area lag"}


def test_samples_are_prepared_alike(tmp_path):
    run = recording(dtype="float64")
    scored = netxr.z_score(run.isel(time=slice(0, 40)))
    netxr.save(scored, tmp_path / "run.zarr")
    late = run.isel(time=slice(40, None))
    expected = r"data: got preprocessing none; expected z_score.*, as the store has"
    with pytest.raises(InvalidInput, match=expected):
        netxr.append(late.assign(activity=late.activity.assign_attrs(units="1")), tmp_path / "run.zarr", dim="time")
    netxr.append(netxr.z_score(netxr.select(run, time=(4.0, None))), tmp_path / "run.zarr", dim="time")
    assert netxr.open(tmp_path / "run.zarr").sizes["time"] == 60


def test_variables_come_in_one_order(tmp_path):
    run = recording().assign(b=("trial", [1, 2]), a=((), 1.0), c=("neuron", np.zeros(4)))
    netxr.save(run, tmp_path / "run.zarr")
    assert list(netxr.open(tmp_path / "run.zarr").data_vars) == ["a", "activity", "b", "c"]


@pytest.mark.parametrize("damage", ["missing", "damaged"])
@pytest.mark.parametrize("dim", ["time", "trial"])
def test_a_chunk_that_would_be_filled_up_has_to_be_there(tmp_path, damage, dim):
    path = saved(recording(40), tmp_path / "run.zarr")  # 16 + 16 + 8 samples
    chunk = path / "activity/c/0/2/1"
    chunk.unlink() if damage == "missing" else chunk.write_bytes(b"damaged")
    more = recording(45).activity[:, 40:] if dim == "time" else recording(40).activity.assign_coords(trial=[7, 8])
    if dim == "trial":  # chunks are of one trial: none is filled up
        netxr.append(more, path, dim=dim)
        return
    with pytest.raises(UnreadableFile, match=r"chunk activity/c/0/2/1 (is missing|cannot be read)"):
        netxr.append(more, path, dim=dim)
    assert netxr.open(path).sizes["time"] == 40
    assert [problem.place for problem in netxr.verify(path)] == ["activity/c/0/2/1"]


# --- results that appending may not make again -----------------------------------------------


@pytest.mark.parametrize(
    "made",
    [
        [
            netxr.regression,
            lambda x: netxr.partial_correlation(x, lag=1, shrinkage=0.2).to_dataset(),
            lambda x: (netxr.lagged_correlation(x) ** 2).to_dataset(),
            lambda x: abs(netxr.lagged_correlation(x)).rename("strength").to_dataset(),
        ],
        [netxr.granger, lambda x: netxr.regression(x, penalty="ridge", alpha=10.0)],
    ],
    ids=["least squares", "others"],
)
def test_results_that_are_not_an_estimators_own_stay_and_are_outdated(tmp_path, made):
    recording = activity(n_steps=90)
    first, rest = recording.isel(time=slice(0, 60)), recording.isel(time=slice(60, None))
    results = [make(first) for make in made]
    store = tmp_path / "run.zarr"
    netxr.save(first.to_dataset(name="activity").merge(netxr.lagged_moments(first)), store)
    for result in results:
        netxr.add(result, store)
    netxr.append(rest.to_dataset(name="activity"), store, dim="time")
    kept = netxr.open(store)
    for name, result in (variable for made_ in results for variable in made_.data_vars.items()):
        assert "outdated" in kept[name].attrs, name
        np.testing.assert_array_equal(kept[name], result)


@pytest.mark.parametrize(
    "made", [netxr.regression, netxr.granger, lambda x: netxr.partial_correlation(x, lag=1, shrinkage=0.2).to_dataset()]
)
def test_results_of_further_trials_come_with_them(tmp_path, made):
    recording = activity(n_steps=90, trials=3)
    first, rest = recording.isel(trial=[0, 1]), recording.isel(trial=[2])
    store = tmp_path / "run.zarr"
    netxr.save(first.to_dataset(name="activity").merge(made(first)), store)
    with pytest.raises(InvalidInput, match="data: got no "):
        netxr.append(rest.to_dataset(name="activity"), store, dim="trial")
    netxr.append(rest.to_dataset(name="activity").merge(made(rest)), store, dim="trial")
    kept, right = netxr.open(store), made(recording)
    for name in right:
        np.testing.assert_allclose(kept[name], right[name])


def test_estimates_of_the_table_follow_new_samples(tmp_path):
    methods = ["regression", "granger", "partial_correlation", ["regression", "granger"]]
    recording = activity(n_steps=90)
    first, rest = recording.isel(time=slice(0, 60)), recording.isel(time=slice(60, None))
    store = tmp_path / "run.zarr"
    netxr.save(first.to_dataset(name="activity").merge(netxr.lagged_moments(first)), store)
    for method in methods:
        netxr.add(netxr.estimate(first, method=method).to_dataset(), store)
    netxr.append(rest.to_dataset(name="activity"), store, dim="time")
    for method in methods:
        right = netxr.estimate(recording, method=method)
        np.testing.assert_allclose(netxr.open(store)[right.name], right, rtol=1e-7)


def test_moments_are_merged_by_no_more_work_at_more_lags(tmp_path, monkeypatch):
    """In memory: lazily, each lag was some tasks for each chunk."""
    x = activity(n_steps=90)
    merged = []

    def noted(parts, **options):
        merged.extend(parts)
        return merge_moments(parts, **options)

    monkeypatch.setattr(update, "merge_moments", noted)
    netxr.save(x.isel(time=slice(0, 60)).to_dataset(name="activity"), tmp_path / "run.zarr")
    netxr.add(netxr.lagged_moments(x.isel(time=slice(0, 60)), lags=range(5)), tmp_path / "run.zarr")
    netxr.append(x.isel(time=slice(60, None)), tmp_path / "run.zarr", dim="time")
    assert merged
    assert not any(is_dask_collection(part) for part in merged)
