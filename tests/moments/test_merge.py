import itertools
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import netxr
from netxr.errors import InvalidInput
from netxr.moments.lagged import lagged_moments
from netxr.moments.merge import merge_moments
from tests import runs
from tests.oracles import naive_moments, naive_pair_moments, trials_of
from tests.runs import nothing_computes
from tests.store.origins import without_origin
from tests.strategies import FLOATS, chunked, recordings

activity = partial(runs.activity, n_steps=60)
FIELDS = ("count", "mean_target", "mean_source", "sumsq_target", "sumsq_source", "comoment")
POOLED = ("time", "trial")

lag_sets = st.lists(st.integers(0, 6), min_size=1, max_size=3, unique=True)
forms = st.sampled_from(["numpy", "dask"])


@pytest.mark.parametrize(
    ("continuous", "lag", "count", "mean_target", "comoment"),
    [
        (True, 0, 6, 4, 28),
        (True, 1, 5, 4.6, 16.8),  # 1-2 2-3 3-5 5-6 6-7: 95 - 5 x 4.6 x 3.4
        (False, 1, 4, 4.5, 17),  # without 3-5: 80 - 4 x 4.5 x 3.5
    ],
)
def test_by_hand(continuous, lag, count, mean_target, comoment):
    """One neuron, 1 2 3 and then 5 6 7: as one trial, or as two."""
    days = [netxr.as_activity([x], dims=("neuron", "time")) for x in ([1.0, 2, 3], [5.0, 6, 7])]
    found = merge_moments([lagged_moments(day) for day in days], continuous=continuous).sel(lag=lag)
    assert (found["count"].item(), found.mean_target.item()) == (count, pytest.approx(mean_target))
    assert found.comoment.item() == pytest.approx(comoment)


@st.composite
def segments(draw, n_steps, *, least):
    """Where consecutive parts of a trial, each of `least` frames or more, lie."""
    n_parts = draw(st.integers(1, min(4, n_steps // least)))
    spare = st.integers(0, n_steps - n_parts * least)
    inner = sorted(draw(st.lists(spare, min_size=n_parts - 1, max_size=n_parts - 1)))
    cuts = [0, *((k + 1) * least + extra for k, extra in enumerate(inner)), n_steps]
    return [slice(start, stop) for start, stop in itertools.pairwise(cuts)]


def merged_lazily(parts, **options):
    """The merged moments, computed after merging."""
    with nothing_computes():
        merged = merge_moments(parts, **options)
    return merged.compute(scheduler="synchronous")


def assert_moments(moments, trials, *, tolerance, naive=naive_moments):
    scale = float(1 + max(abs(x).max(initial=0, where=np.isfinite(x)) for x in trials) ** 2)
    for lag in moments.lag.values.tolist():
        for name, wanted in naive(trials, lag)._asdict().items():
            found, wanted = moments.sel(lag=lag)[name].values, np.asarray(wanted, float)
            np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance * scale, err_msg=name)


def assert_edges(moments, trials):
    """Edge frames are those that each lag leaves out at the ends of every trial."""
    frames = moments.edge_activity.values
    for lag in moments.lag.values.tolist():
        for name, ends in (("not_target", slice(0, lag)), ("not_source", slice(-lag, None) if lag else slice(0, 0))):
            found = frames[:, moments.sel(lag=lag)[name].values]
            wanted = np.concatenate([trial[:, ends] for trial in trials], axis=1).astype(float)
            np.testing.assert_allclose(sorted(found.T.tolist()), sorted(wanted.T.tolist()), rtol=1e-5, atol=1e-5)


def tolerance_of(recording):
    return 1e-5 if recording.dtype in ("float32", "float16") else 1e-10


# --- the whole from its parts ----------------------------------------------------------


@given(recordings(), lag_sets, forms, st.data())
def test_parts_of_one_trial_are_the_whole(recording, lags, form, data):
    recording = recording.isel(trial=[0]) if "trial" in recording.dims else recording
    recording = recording.assign_coords(area=("neuron", list("uvwxy")[: recording.sizes["neuron"]]))
    given_as = recording if form == "numpy" else data.draw(chunked(recording))
    parts = data.draw(segments(recording.sizes["time"], least=max(lags) + 2))
    options = {"lags": lags, "precision": "float64"}
    merged = merged_lazily([lagged_moments(given_as.isel(time=part), **options) for part in parts], continuous=True)
    whole, trials = lagged_moments(recording, **options), trials_of(recording)
    one = merged.isel(trial=0) if "trial" in merged.dims else merged
    assert_moments(one, trials, tolerance=1e-10)
    assert_edges(one, trials)
    assert {name: (v.dims, v.dtype) for name, v in merged.items()} == {n: (v.dims, v.dtype) for n, v in whole.items()}
    xr.testing.assert_identical(merged.coords.to_dataset(), whole.coords.to_dataset())
    assert merged.sizes == whole.sizes
    assert merged.attrs == whole.attrs


@given(recordings(), lag_sets, forms, st.data())
def test_separate_parts_are_trials_pooled(recording, lags, form, data):
    recording = recording if "trial" in recording.dims else recording.expand_dims(trial=["only"])
    given_as = recording if form == "numpy" else data.draw(chunked(recording))
    numbers = data.draw(segments(recording.sizes["trial"], least=1))
    parts = [lagged_moments(given_as.isel(trial=part), lags=lags, dim=POOLED) for part in numbers]
    merged, trials = merged_lazily(parts), trials_of(recording)
    assert_moments(merged, trials, tolerance=tolerance_of(recording))
    assert_edges(merged, trials)


@given(recordings(dtypes=FLOATS), lag_sets, st.sampled_from(["drop", "pairwise"]), forms, st.data())
def test_missing_samples(recording, lags, missing, form, data):
    holes = data.draw(st.lists(st.integers(0, recording.size - 1), max_size=25))
    values = recording.values.copy()
    values.flat[holes] = np.nan
    recording = recording.copy(data=values)
    given_as = recording if form == "numpy" else data.draw(chunked(recording))
    parts = data.draw(segments(recording.sizes["time"], least=max(lags) + 2))
    options = {"lags": lags, "missing": missing, "precision": "float64"}
    merged = merged_lazily([lagged_moments(given_as.isel(time=part), **options) for part in parts])
    naive = naive_moments if missing == "drop" else naive_pair_moments
    each = [merged.isel(trial=k) for k in range(merged.sizes["trial"])] if "trial" in merged.dims else [merged]
    for moments, trial in zip(each, trials_of(recording), strict=True):
        assert_moments(moments, [trial[:, part] for part in parts], tolerance=1e-10, naive=naive)


@pytest.mark.parametrize("continuous", [True, False])
def test_merging_in_steps_is_merging_at_once(continuous):
    recording = activity(trials=1)
    a, b, c = (lagged_moments(recording[:, part], lags=[0, 3, 1]) for part in np.split(np.arange(60), [9, 30]))
    at_once = merge_moments([a, b, c], continuous=continuous)
    for parts in ([merge_moments([a, b], continuous=continuous), c], [a, merge_moments([b, c], continuous=continuous)]):
        xr.testing.assert_allclose(merge_moments(parts, continuous=continuous), at_once, rtol=1e-12, atol=1e-12)


def test_the_order_of_separate_parts_changes_nothing_and_that_of_continuous_parts_does():
    recording = activity(trials=1)
    a, b = (lagged_moments(recording[:, part], lags=[0, 2]) for part in (slice(0, 25), slice(25, 60)))
    forth, back = (merge_moments(parts) for parts in ([a, b], [b, a]))
    for name in FIELDS:
        xr.testing.assert_allclose(forth[name], back[name], rtol=1e-12, atol=1e-12)
    forth, back = (merge_moments(parts, continuous=True) for parts in ([a, b], [b, a]))
    assert not np.allclose(forth.comoment.sel(lag=2), back.comoment.sel(lag=2))
    np.testing.assert_allclose(forth.comoment.sel(lag=0), back.comoment.sel(lag=0))


def test_trials_of_the_same_label_are_merged_each_on_its_own():
    recording = activity()
    merged = merge_moments([lagged_moments(recording[:, part]) for part in (slice(0, 20), slice(20, 60))])
    for k, trial in enumerate(trials_of(recording)):
        assert_moments(merged.isel(trial=k), [trial[:, :20], trial[:, 20:]], tolerance=1e-10)
        assert_edges(merged.isel(trial=k), [trial[:, :20], trial[:, 20:]])
    assert merged.trial.values.tolist() == [5, 6]


def test_saved_moments_and_those_of_new_samples(tmp_path):
    recording = activity(trials=1).assign_coords(group=("neuron", ["p", "q", "p", ""]))
    yesterday, today = (lagged_moments(recording[:, part], lags=[0, 4]) for part in (slice(0, 33), slice(33, 60)))
    netxr.save(yesterday, tmp_path / "yesterday.zarr")
    with nothing_computes():
        merged = merge_moments([netxr.open(tmp_path / "yesterday.zarr"), today], continuous=True)
    netxr.save(merged, tmp_path / "both.zarr")
    both = netxr.open(tmp_path / "both.zarr")
    xr.testing.assert_allclose(both, lagged_moments(recording, lags=[0, 4]), rtol=1e-12, atol=1e-12)
    assert without_origin(both).attrs == lagged_moments(recording, lags=[0, 4]).attrs


@pytest.mark.crossed(1)
@pytest.mark.parametrize("continuous", [True, False])
@pytest.mark.parametrize("lazy", [False, True])
def test_merged_moments_are_coarse_grained_like_any(continuous, lazy):
    recording, groups = activity(trials=1), ["p", "q", "p", ""]
    given_as = recording.chunk(time=7) if lazy else recording
    cuts = [slice(0, 12), slice(12, 22), slice(22, 60)]
    merged = merge_moments([lagged_moments(given_as[:, part], lags=[0, 5]) for part in cuts], continuous=continuous)
    coarse = netxr.coarsen(merged, groups=groups).compute(scheduler="synchronous").isel(trial=0)
    (trial,) = trials_of(netxr.coarsen(recording, groups=groups))
    assert_moments(coarse, [trial] if continuous else [trial[:, part] for part in cuts], tolerance=1e-10)


def test_parts_of_float32_and_float64():
    recording = activity(trials=1)
    first, second = recording[:, :30].astype("f4"), recording[:, 30:]
    for parts in ([first, second], [second, first]):
        merged = merge_moments([lagged_moments(part) for part in parts], continuous=True)
        (trial,) = trials_of(xr.concat(parts, "time"))
        assert merged.attrs["precision"] == "float32"
        assert_moments(merged.isel(trial=0), [trial], tolerance=1e-6)
    merged = merge_moments([lagged_moments(part, precision="float64") for part in (first, second)])
    assert merged.attrs["precision"] == "float64"


def test_far_from_zero_nothing_cancels():
    recording = activity(trials=1, n_steps=600) * 1e-3 - 65_000
    parts = [lagged_moments(recording[:, part]) for part in (slice(0, 200), slice(200, 600))]
    np.testing.assert_allclose(
        netxr.lagged_correlation(merge_moments(parts, continuous=True)),
        netxr.lagged_correlation(recording + 65_000),
        rtol=0,
        atol=1e-6,
    )


@pytest.mark.parametrize("missing", ["drop", "pairwise"])
def test_a_part_with_nothing_left_adds_nothing(missing):
    recording = activity(trials=1)
    nothing = lagged_moments(recording.where(False), missing=missing)
    something = lagged_moments(recording, missing=missing)
    for parts in ([nothing, something], [something, nothing], [nothing, something, nothing]):
        both = merge_moments(parts)
        assert both["count"].attrs.pop("frames") == len(parts) * something["count"].frames  # also those left out
        xr.testing.assert_identical(both, without_frames(something))
    xr.testing.assert_identical(without_frames(merge_moments([nothing, nothing])), without_frames(nothing))


def without_frames(moments):
    """Moments that do not say of how many samples they are."""
    return moments.assign(count=moments["count"].drop_attrs(deep=False))


# --- labels and attributes ---------------------------------------------------------------


def test_what_is_said_of_all_parts_is_kept():
    recording = activity(trials=1).assign_coords(area=("neuron", list("uvwx")), side=("neuron", list("llrr")))
    recording = recording.assign_attrs(units="mV", gains=np.array([1, 2]), day="monday")
    later = recording.assign_coords(area=("neuron", list("uvwz"))).assign_attrs(day="tuesday")
    parts = [lagged_moments(part.assign_coords(day=("trial", [k]))) for k, part in enumerate((recording, later))]
    for continuous in (False, True):
        merged = merge_moments(parts, continuous=continuous)
        assert merged.side.values.tolist() == list("llrr")
        assert not {"area", "day"} & set(merged.coords)
        assert merged.attrs["units"] == "mV"
        assert merged.attrs["gains"].tolist() == [1, 2]
        assert merged.attrs.items() >= {"missing": "raise", "precision": "float64", "pooled_dims": ["time"]}.items()
        assert "day" not in merged.attrs


def test_a_single_part_is_itself_and_no_part_is_changed():
    parts = [lagged_moments(activity(trials=1)) for _ in range(2)]
    before = [part.copy(deep=True) for part in parts]
    xr.testing.assert_identical(merge_moments(parts[:1]), before[0])
    for continuous in (False, True):
        merge_moments(parts, continuous=continuous)
    for part, as_it_was in zip(parts, before, strict=True):
        xr.testing.assert_identical(part, as_it_was)


# --- what cannot be merged ---------------------------------------------------------------


def other(**options):
    return lagged_moments(activity(trials=1), **options)


NO_PARTNERS = {
    "lags": (other(lags=[0, 2]), "different labels along lag; expected the same in all parts"),
    "order of lags": (other(lags=[1, 0]), "different labels along lag"),
    "neurons": (
        lagged_moments(activity(trials=1).assign_coords(neuron=list("abcz"))),
        'different labels along target.*join="outer" keeps the neurons of all parts',
    ),
    "fewer neurons": (lagged_moments(activity(3, trials=1)), "different labels along target"),
    "sources": (other(sources=["a", "b"]), "different labels along source"),
    "trials": (lagged_moments(activity()), r"different labels along trial.*xarray\.concat"),
    "no trial": (lagged_moments(activity().isel(trial=0)), "different labels along trial"),
    "pooling": (other(dim=POOLED), "different labels along trial"),
    "missing": (other(missing="drop"), "missing 'raise' and 'drop'; expected moments that were made in the same"),
    "pairs": (other(missing="pairwise"), "missing 'raise' and 'pairwise'"),
}


@pytest.mark.parametrize("what", NO_PARTNERS)
@pytest.mark.parametrize("continuous", [False, True])
def test_parts_that_differ_are_named(what, continuous):
    part, message = NO_PARTNERS[what]
    with pytest.raises(InvalidInput, match=f"^parts: got {message}"):
        merge_moments([other(), other(), part], continuous=continuous)


def test_another_pooling_is_named():
    pooled, single = other(dim=POOLED), lagged_moments(activity(trials=1).isel(trial=0, drop=True))
    with pytest.raises(InvalidInput, match=r"pooled_dims \['time', 'trial'\] and \['time'\]"):
        merge_moments([pooled, single])


@pytest.mark.parametrize(
    "options", [{"sources": ["a", "b"]}, {"missing": "drop"}, {"missing": "pairwise"}, {"dim": POOLED}]
)
def test_continuous_parts_need_the_ends_of_one_trial(options):
    part = other(**options)
    merge_moments([part, part])
    with pytest.raises(
        InvalidInput, match=r"^parts: got moments of several trials or segments, of some sources, or.*sources="
    ) as caught:
        merge_moments([part, part], continuous=True)
    assert "expected moments of one trial of all neurons each" in str(caught.value)


def test_continuous_parts_of_several_trials():
    part = lagged_moments(activity())
    with pytest.raises(InvalidInput, match=r"^parts: got moments of several trials"):
        merge_moments([part, part], continuous=True)


@pytest.mark.parametrize("parts", [[], ()])
def test_no_parts(parts):
    with pytest.raises(InvalidInput, match=r"^parts: got none; expected a sequence of lagged moments"):
        merge_moments(parts)


@pytest.mark.parametrize(
    "wrong", [activity(), np.zeros((3, 3)), None, xr.Dataset(), netxr.lagged_correlation(activity())]
)
def test_parts_that_are_no_moments(wrong):
    with pytest.raises(InvalidInput, match=r"^parts: got .*netxr\.lagged_moments"):
        merge_moments([other(), wrong])


def test_a_merge_of_separate_recordings_has_inner_ends_and_is_not_continued():
    whole = activity().isel(trial=0, drop=True)
    a, b, c = (lagged_moments(part, lags=[0, 1, 3]) for part in (whole[:, :20], whole[:, 20:40], whole[:, 40:]))
    with pytest.raises(InvalidInput, match=r"^parts: got moments of several trials"):
        merge_moments([merge_moments([a, b]), c], continuous=True)


# --- different neurons -------------------------------------------------------------------


def animals(*, trials=2, lazy=False):
    """Recordings of neurons that only some have, and all of their samples as trials of one, NaN where it has none."""
    rng = np.random.default_rng(5)
    parts = []
    for k, (neurons, n_steps) in enumerate(((list("abc"), 40), (list("dcb"), 50), (list("ae"), 30))):
        samples = rng.normal(size=(len(neurons), n_steps, trials)).cumsum(1)
        labels = {"neuron": neurons, "trial": range(k * trials, (k + 1) * trials)}
        parts.append(xr.DataArray(samples, labels, ("neuron", "time", "trial")))
    timed = [part.assign_coords(time=range(part.sizes["time"])) for part in parts]
    together = xr.concat(timed, "trial", join="outer").drop_vars("time").sel(neuron=list("abcde"))
    return [part.chunk(time=16) for part in parts] if lazy else parts, together


@pytest.mark.crossed(1)
@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("lags", [[0], [0, 1, 3]])
def test_recordings_of_different_neurons_are_one_with_missing_samples(lags, lazy):
    parts, together = animals(lazy=lazy)
    merged = merge_moments([lagged_moments(part, lags=lags, dim=POOLED) for part in parts], join="outer")
    right = lagged_moments(together, lags=lags, dim=POOLED, missing="pairwise")
    assert (merged.comoment.chunks is not None) is lazy
    assert merged.target.values.tolist() == list("abcde")
    for name in right.data_vars:
        np.testing.assert_allclose(merged[name], right[name], rtol=1e-9, atol=1e-9, err_msg=name)
    R = netxr.lagged_correlation(merged, lag=lags[-1])
    np.testing.assert_allclose(R, netxr.lagged_correlation(right, lag=lags[-1]), atol=1e-9)
    assert R.sel(target="e", source="b").isnull()
    assert merged.attrs["missing"] == "pairwise"


@pytest.mark.parametrize("missing", ["raise", "drop", "pairwise"])
def test_trials_of_different_neurons_stay_apart(missing):
    parts, together = animals(trials=1)
    merged = merge_moments([lagged_moments(part, missing=missing) for part in parts], join="outer")
    right = lagged_moments(together, missing="pairwise")
    for name in right.data_vars:
        np.testing.assert_allclose(merged[name].transpose(*right[name].dims), right[name], rtol=1e-9, atol=1e-9)
    assert merged.trial.values.tolist() == [0, 1, 2]


def test_parts_of_some_sources_and_of_all():
    parts, together = animals()
    found = merge_moments([lagged_moments(p, dim=POOLED, sources=["a"]) for p in (parts[0], parts[2])], join="outer")
    right = lagged_moments(together.sel(trial=[0, 1, 4, 5], neuron=list("abce")), dim=POOLED, missing="pairwise")
    np.testing.assert_allclose(found.comoment, right.comoment.sel(source=["a"]), rtol=1e-9, atol=1e-9)
    again = merge_moments([found, lagged_moments(parts[1], dim=POOLED)], join="outer")
    assert again["count"].sel(lag=0, target="c", source="c").item() == 100


def test_the_same_neurons_in_another_order_are_merged_as_ever():
    part = lagged_moments(activity(trials=1).isel(trial=0, drop=True))
    turned = lagged_moments(activity(trials=1).isel(trial=0, drop=True, neuron=slice(None, None, -1)))
    merged, right = merge_moments([part, turned], join="outer"), merge_moments([part, part])
    xr.testing.assert_allclose(merged.drop_dims("neuron"), right.drop_dims("neuron"))
    assert merged["count"].dims == ("lag",)


def test_what_cannot_be_joined():
    parts = [lagged_moments(part) for part in animals()[0]]
    with pytest.raises(InvalidInput, match=r"^continuous: got continuous=True with join='outer'"):
        merge_moments(parts, join="outer", continuous=True)
    with pytest.raises(InvalidInput, match=r"^join: got 'inner'; expected 'exact' or 'outer'"):
        merge_moments(parts, join="inner")
    with pytest.raises(InvalidInput, match=r"^parts: got different labels along trial"):
        merge_moments([parts[0], lagged_moments(animals()[0][1], dim=POOLED)], join="outer")
    with pytest.raises(InvalidInput, match=r"^parts: got different labels along lag"):
        merge_moments([parts[0], lagged_moments(animals()[0][1], lags=[0])], join="outer")


def test_a_precision_that_is_not_known_is_not_made_up():
    part = lagged_moments(activity(trials=1))
    without = part.drop_attrs(deep=False).assign_attrs(pooled_dims=["time"], missing="raise")
    assert "precision" not in merge_moments([part, without]).attrs


def test_merging_sets_no_option_of_xarray():
    parts = [lagged_moments(activity(trials=1, seed=seed)) for seed in (1, 2)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: merge_moments(parts), range(32)))
    assert xr.get_options()["arithmetic_join"] == "inner"
