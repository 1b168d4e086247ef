from functools import partial
from unittest.mock import patch

import dask
import dask.array as da
import numpy as np
import pytest
import xarray as xr
from dask.base import tokenize
from hypothesis import given
from hypothesis import strategies as st

import netxr
from netxr.errors import InvalidInput, NonFiniteActivity
from netxr.kernels.lagged_sums import Pass, close_trial
from netxr.kernels.running_sums import sums_of
from netxr.moments.lagged import lagged_moments
from netxr.moments.one_pass import _finish_copy
from tests import runs
from tests.oracles import naive_correlation, naive_moments, trials_of
from tests.runs import nothing_computes
from tests.strategies import FLOATS, chunked, recordings, splits

activity = partial(runs.activity, n_steps=60)
FIELDS = ("count", "mean_target", "mean_source", "sumsq_target", "sumsq_source", "comoment")


@pytest.mark.parametrize(
    ("lag", "count", "mean_target", "comoment"),
    [
        (0, 4, [3, 1], [[14, 1], [1, 2]]),
        (1, 3, [11 / 3, 4 / 3], [[4, 1], [-1, -1]]),
        (2, 2, [4.5, 1], [[1.5, 3], [0, 0]]),
    ],
)
def test_by_hand(lag, count, mean_target, comoment):
    """x = 1 2 3 6, y = 0 2 1 1."""
    recording = netxr.as_activity([[1, 2, 3, 6], [0, 2, 1, 1]], dims=("neuron", "time"), neurons=["x", "y"])
    found = lagged_moments(recording, lags=[lag]).isel(lag=0)
    assert found["count"].item() == count
    np.testing.assert_allclose(found.mean_target, mean_target)
    np.testing.assert_allclose(found.comoment, comoment, atol=1e-14)


def assert_matches(moments, trials, *, sources=slice(None), tolerance=1e-9):
    for lag in moments.lag.values.tolist():
        ours, expected = moments.sel(lag=lag), naive_moments(trials, lag)
        assert ours["count"].item() == expected.count
        for name in FIELDS[1:]:
            wanted = np.asarray(getattr(expected, name), float)
            wanted = wanted[..., sources] if name in ("mean_source", "sumsq_source", "comoment") else wanted
            scale = 1 + max(abs(x).max(initial=0, where=np.isfinite(x)) for x in trials) ** 2
            np.testing.assert_allclose(ours[name].values, wanted, rtol=tolerance, atol=float(tolerance * scale))


lag_sets = st.lists(st.integers(0, 10), min_size=1, max_size=4, unique=True)


# --- any recording, any lags, against loops over pairs ---------------------------------


@given(recordings(), lag_sets, st.data())
def test_moments_of_any_recording(recording, lags, data):
    single = recording.dtype in ("float32", "float16")
    tolerance = 1e-5 if single else 1e-10
    dims = ["time", ("time", "trial"), ["trial", "time"]] if "trial" in recording.dims else ["time"]
    dim = data.draw(st.sampled_from(dims))
    lazily = data.draw(chunked(recording))
    with nothing_computes():
        lazy = lagged_moments(lazily, lags=lags, dim=dim)
    eager = lagged_moments(recording, lags=lags, dim=dim)
    assert all(isinstance(lazy[name].data, da.Array) for name in FIELDS)
    with dask.config.set(scheduler="synchronous"):
        computed = lazy.compute()
    assert eager.sizes == computed.sizes == lazy.sizes
    assert {name: v.dtype for name, v in eager.items()} == {name: v.dtype for name, v in computed.items()}
    trials = trials_of(recording)
    for moments in (eager, computed):
        if "trial" in moments.dims:
            for k, trial in enumerate(trials):
                assert_matches(moments.isel(trial=k), [trial], tolerance=tolerance)
        else:
            assert_matches(moments, trials, tolerance=tolerance)


@given(recordings(dtypes=FLOATS), lag_sets, st.data())
def test_frames_with_a_non_finite_sample_are_left_out(recording, lags, data):
    n_bad = data.draw(st.integers(0, 6))
    values = recording.values.copy()
    where = data.draw(st.lists(st.integers(0, values.size - 1), min_size=n_bad, max_size=n_bad))
    values.flat[where] = data.draw(st.lists(st.sampled_from([np.nan, np.inf, -np.inf]), min_size=n_bad, max_size=n_bad))
    recording = recording.copy(data=values)
    dim = ["time", "trial"] if "trial" in recording.dims else "time"
    tolerance = 1e-10 if recording.dtype == "float64" else 1e-5
    for form in (recording, data.draw(chunked(recording))):
        moments = lagged_moments(form, lags=lags, dim=dim, missing="drop").compute(scheduler="synchronous")
        assert_matches(moments, trials_of(recording), tolerance=tolerance)


@given(recordings(), st.data())
def test_some_sources(recording, data):
    neurons = recording.neuron.values.tolist()  # 0, 1, 2, ... where it has no labels
    chosen = data.draw(st.lists(st.sampled_from(neurons), min_size=1, unique=True))
    positions = [neurons.index(label) for label in chosen]
    trials = trials_of(recording)
    for form in (recording, data.draw(chunked(recording))):
        dim = ("time", "trial") if "trial" in recording.dims else "time"
        moments = lagged_moments(form, lags=[0, 2], sources=chosen, dim=dim).compute(scheduler="synchronous")
        assert moments.source.values.tolist() == chosen
        tolerance = 1e-5 if moments.attrs["precision"] == "float32" else 1e-10
        assert_matches(moments, trials, sources=positions, tolerance=tolerance)


@given(st.integers(1, 9), st.integers(0, 12), st.booleans(), st.data())
def test_short_inner_blocks_and_threads(block, lag, drop, data):
    recording = activity(3, n_steps=40, trials=1)
    if drop:
        recording[1, data.draw(st.integers(0, 39)), 0] = np.nan
    with (
        patch("netxr.moments.prepare.block_frames", lambda n, max_lag, precision: block),
        patch("netxr.blocks.schedulers.os.sched_getaffinity", lambda pid: range(data.draw(st.integers(1, 5)))),
    ):
        moments = lagged_moments(recording, lags=[lag, 1] if lag != 1 else [1], missing="drop" if drop else "raise")
    assert_matches(moments.isel(trial=0), trials_of(recording))


def test_float64_products_of_float32_samples_are_float64():
    recording = activity(dtype="float32")
    moments = lagged_moments(recording, lags=[1], dim=("time", "trial"), precision="float64")
    assert_matches(moments, trials_of(recording), tolerance=1e-14)
    assert moments.attrs["precision"] == "float64"


@pytest.mark.parametrize(("dtype", "precision"), [("float32", "float32"), ("int8", "float64"), ("float64", "float64")])
def test_precision_follows_the_samples(dtype, precision):
    assert lagged_moments(activity(dtype=dtype)).attrs["precision"] == precision


# --- labels, coordinates, attributes, keys ----------------------------------------------


def test_labels_coordinates_and_attributes_are_kept():
    recording = activity().assign_coords(
        group=("neuron", [0, 0, 1, -1]), day=("trial", ["mon", "tue"]), area=("neuron", list("uvwx"))
    )
    moments = lagged_moments(recording, lags=[2, 0])
    assert moments.lag.values.tolist() == [2, 0]
    assert moments.target.values.tolist() == moments.source.values.tolist() == list("abcd")
    assert moments.trial.values.tolist() == [5, 6]
    assert moments.day.values.tolist() == ["mon", "tue"]
    assert moments.group.values.tolist() == [0, 0, 1, -1]
    assert moments.attrs.items() >= {"units": "mV", "sampling_interval": 0.5, "missing": "raise"}.items()
    assert moments.attrs["pooled_dims"] == ["time"]
    assert moments["comoment"].dims == ("lag", "trial", "target", "source")
    assert moments["count"].dims == ("lag", "trial")


def test_the_recording_is_left_as_it_was():
    recording = activity()
    before = recording.copy(deep=True)
    lagged_moments(recording, lags=[0, 3])
    xr.testing.assert_identical(recording, before)
    read_only = recording.copy(deep=True)
    read_only.values.flags.writeable = False
    lagged_moments(read_only)


def test_a_lazy_result_computes_the_same_twice():
    lazy = lagged_moments(activity().chunk(time=7), lags=[0, 1])
    held = dask.persist(lazy)[0]
    xr.testing.assert_identical(held.compute(), held.compute())
    xr.testing.assert_identical(lazy.compute(), held.compute())


def test_what_a_scheduler_holds_is_not_written_to():
    frames, shift = activity(trials=1).values[..., 0], np.zeros(4)
    todo = Pass(lags=(1,), sources=None, precision=np.dtype("float64"), missing="raise", block=20)
    sums = close_trial(sums_of(iter([frames]), 0, shift=shift, todo=todo, place="x"), todo=todo)
    before = sums.product.copy()
    first, second = (_finish_copy([sums], [todo])[0]["comoment"] for _ in range(2))
    np.testing.assert_array_equal(sums.product, before)
    np.testing.assert_array_equal(first, second)


def test_graphs_of_the_same_recording_have_the_same_keys():
    recording = activity().chunk(time=7)
    first, second = (lagged_moments(recording, lags=[0, 1]) for _ in range(2))
    assert tokenize(first) == tokenize(second)
    assert set(first["comoment"].__dask_graph__()) == set(second["comoment"].__dask_graph__())
    assert tokenize(first) != tokenize(lagged_moments(recording, lags=[0, 2]))


def test_graph_grows_with_the_number_of_blocks():
    def size(n_blocks):
        recording = xr.DataArray(da.zeros((4, 10 * n_blocks), chunks=(4, 10)), dims=("neuron", "time"))
        return len(lagged_moments(recording)["comoment"].__dask_graph__())

    assert size(64) < 2.2 * size(32)
    assert size(32) < 4 * 32 + 40


def test_edges_hold_the_frames_that_some_lag_leaves_out():
    recording = activity(trials=1).isel(trial=0, drop=True)
    moments = lagged_moments(recording, lags=[0, 1, 3])
    first, last = recording.values[:, :3], recording.values[:, -3:]
    np.testing.assert_allclose(moments["edge_activity"].values, np.concatenate([first, last], axis=1), rtol=1e-12)
    assert moments["not_target"].sum("edge_frame").values.tolist() == [0, 1, 3]
    assert moments["not_source"].sum("edge_frame").values.tolist() == [0, 1, 3]
    assert moments["not_target"].sel(lag=1).values.tolist() == [True] + 5 * [False]
    assert moments["not_source"].sel(lag=1).values.tolist() == 5 * [False] + [True]


@given(splits(30))
def test_edges_are_the_same_for_any_chunks(lengths):
    recording = activity(2, n_steps=30, trials=1).isel(trial=0)
    at_once = lagged_moments(recording, lags=[1, 4])
    in_blocks = lagged_moments(recording.chunk(time=lengths), lags=[1, 4]).compute(scheduler="synchronous")
    for name in ("edge_activity", "not_target", "not_source"):
        np.testing.assert_allclose(in_blocks[name].values, at_once[name].values, rtol=1e-12)


# --- what cannot be summed up ------------------------------------------------------------


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("chunks", [None, 1, 7, 60])
def test_a_non_finite_sample_is_an_error_that_says_where(bad, chunks):
    recording = activity()
    recording[2, 33, 1] = bad
    form = recording if chunks is None else recording.chunk(time=chunks)
    with pytest.raises(NonFiniteActivity, match=r"trial 6.*neuron number 2 \(from 0\), frame 33") as caught:
        lagged_moments(form, lags=[0, 3]).compute(scheduler="synchronous")
    assert 'missing="drop"' in str(caught.value)


@pytest.mark.parametrize("missing", ["raise", "drop"])
def test_infinities_of_both_signs_do_not_warn(missing):
    recording = activity()
    recording[0, 3, 0], recording[1, 3, 0] = np.inf, -np.inf
    if missing == "raise":
        with pytest.raises(NonFiniteActivity, match="2 samples"):
            lagged_moments(recording)
    else:
        moments = lagged_moments(recording, missing=missing)
        assert moments["count"].sel(trial=5).values.tolist() == [59, 57]
        assert moments["count"].sel(trial=6).values.tolist() == [60, 59]


@pytest.mark.parametrize("scale", [1e160, 1e300])
def test_products_that_overflow_are_an_error(scale):
    with pytest.raises(NonFiniteActivity, match="overflow"):
        lagged_moments(activity() * scale)
    with pytest.raises(NonFiniteActivity, match="overflow"):
        lagged_moments(activity() * 1e50, precision="float32")


def test_nothing_left_gives_nan_without_a_warning():
    recording = activity(trials=1)
    recording[0] = np.nan
    moments = lagged_moments(recording, missing="drop", lags=[0, 1])
    assert (moments["count"] == 0).all()
    assert moments["mean_target"].isnull().all()
    assert netxr.lagged_correlation(lagged_moments(recording, missing="pairwise"), lag=1)[0, 0].isnull().all()


def test_rows_of_no_frame_are_an_error_too(tmp_path):
    recording = activity(trials=1)
    recording[0] = np.nan
    with pytest.raises(InvalidInput, match=r'missing: got "drop", which leaves no frame'):
        netxr.lagged_correlation(recording, missing="drop", store=tmp_path / "R.zarr")
    assert not list(tmp_path.iterdir())
    with pytest.raises(InvalidInput, match=r'missing: got "drop", which leaves no frame'):
        netxr.strongest_pairs(recording, k=2, missing="drop")


@pytest.mark.parametrize("lazy", [False, True])
def test_an_estimate_of_no_frame_is_an_error(lazy):
    recording = activity(trials=2)
    recording[0, :, 0] = np.nan
    recording[1, ::2, 1] = np.nan
    recording = recording.chunk(time=7) if lazy else recording
    some = netxr.lagged_correlation(recording, lag=0, missing="drop").compute()
    assert some[0].isnull().all()
    assert some[1].notnull().all()
    recording = recording.where((recording.neuron != recording.neuron[1]) | (recording.trial == recording.trial[0]))
    for data in (recording, lagged_moments(recording, missing="drop")):
        with pytest.raises(InvalidInput, match=r'missing: got "drop", which leaves no frame.*pairwise.*netxr\.select'):
            netxr.lagged_correlation(data, missing="drop" if data is recording else "raise").compute()


WRONG = {
    "lags": [[], None, 1, 1.0, [1.0], [True], [0, 0], [-1], [59], "1", [[1]], [None], [np.nan]],
    "dim": [None, 5, "trial", "neuron", ["time", "time"], [], ["time", "cell"], [["time"]]],
    "sources": [[], "z", ["a", "z"], ["a", "a"], [None], 0, {}],
    "precision": ["float16", 64, np.float64, ["float32"], np.array(["a", "b"])],
    "missing": [None, "ignore", 0, ["drop"], np.array(["a", "b"])],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
@pytest.mark.parametrize("lazy", [False, True])
def test_wrong_arguments(name, value, lazy):
    recording = activity().chunk(time=7) if lazy else activity()
    with nothing_computes(), pytest.raises(InvalidInput) as caught:
        lagged_moments(recording, **{name: value})
    assert caught.value.argument == name
    assert str(caught.value).startswith(f"{name}: got ")


WRONG_ACTIVITY = {
    "a plain array": np.zeros((3, 9)),
    "a list": [[1.0, 2.0]],
    "nothing": None,
    "a dataset": xr.Dataset({"voltage": (("neuron", "time"), np.zeros((3, 9)))}),
    "no time": xr.DataArray(np.zeros((3, 9)), dims=("neuron", "step")),
    "no neuron": xr.DataArray(np.zeros((3, 9)), dims=("cell", "time")),
    "one dim": xr.DataArray(np.zeros(9), dims="time"),
    "a further dim": xr.DataArray(np.zeros((3, 9, 1)), dims=("neuron", "time", "lag")),
    "complex": xr.DataArray(np.zeros((3, 9), complex), dims=("neuron", "time")),
    "text": xr.DataArray(np.full((3, 9), "a"), dims=("neuron", "time")),
    "objects": xr.DataArray(np.full((3, 9), None), dims=("neuron", "time")),
    "dates": xr.DataArray(np.zeros((3, 9), "datetime64[ns]"), dims=("neuron", "time")),
    "no neurons": xr.DataArray(np.zeros((0, 9)), dims=("neuron", "time")),
    "no samples": xr.DataArray(np.zeros((3, 0)), dims=("neuron", "time")),
    "no trials": xr.DataArray(np.zeros((3, 9, 0)), dims=("neuron", "time", "trial")),
    "a label twice": xr.DataArray(np.zeros((2, 9)), dims=("neuron", "time"), coords={"neuron": ["a", "a"]}),
    "a trial twice": xr.DataArray(np.zeros((2, 9, 2)), dims=("neuron", "time", "trial"), coords={"trial": [1, 1]}),
}


@pytest.mark.parametrize("what", WRONG_ACTIVITY)
def test_what_is_no_recording(what):
    with pytest.raises(InvalidInput) as caught:
        lagged_moments(WRONG_ACTIVITY[what])
    assert caught.value.argument == "data"


@pytest.mark.parametrize(("n_steps", "told"), [(1, "data: got a single sample"), (2, "lags: .*trials of 2 samples")])
def test_too_few_samples_for_a_lag(n_steps, told):
    with pytest.raises(InvalidInput, match=told):
        lagged_moments(activity(n_steps=n_steps), lags=[1])


def far_recording(*, bad, value):
    """Neurons near -65 that vary by 0.05, with `bad` first frames that hold something else."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((3, 50_000))
    x[1] += 0.5 * x[0]
    x = -65 + 0.05 * x
    x[:, :bad] = value
    return x


@pytest.mark.parametrize("chunk", [None, 5000])
def test_dropped_first_frames_do_not_spoil_float32(chunk):
    x = far_recording(bad=100, value=np.nan)
    recording = xr.DataArray(x.astype("f4"), dims=("neuron", "time"))
    R = netxr.lagged_correlation(recording if chunk is None else recording.chunk(time=chunk), lag=0, missing="drop")
    np.testing.assert_allclose(R, np.corrcoef(x[:, 100:].astype("f4").astype(float)), rtol=0, atol=1e-6)


@pytest.mark.parametrize("chunk", [None, 5000])
def test_float32_products_that_cannot_resolve_the_samples_are_refused(chunk):
    x = xr.DataArray(far_recording(bad=100, value=0).astype("f4"), dims=("neuron", "time"))
    x = x if chunk is None else x.chunk(time=chunk)
    with pytest.raises(InvalidInput, match=r"precision: got float32 products.*precision=\"float64\""):
        netxr.lagged_correlation(x, lag=100).compute()
    exact = netxr.lagged_correlation(x, lag=100, precision="float64").compute()
    v = x.values.astype(float)
    np.testing.assert_allclose(exact, np.corrcoef(v[:, 100:], v[:, :-100])[:3, 3:], rtol=0, atol=1e-10)


@pytest.mark.parametrize("missing", ["raise", "drop", "pairwise"])
def test_what_float32_cannot_hold_is_not_missing(missing):
    recording = activity()
    recording[1, 7, 0] = 1e39
    with pytest.raises(NonFiniteActivity, match="overflow"):
        lagged_moments(recording, precision="float32", missing=missing)


@pytest.mark.crossed
@pytest.mark.parametrize("missing", ["raise", "drop", "pairwise"])
@pytest.mark.parametrize("scale", [1e-30, 1e-20, 1, 1e15])
@pytest.mark.parametrize("lag", [1, 500])
def test_small_chunks_of_samples_of_any_scale(missing, scale, lag):
    samples = (np.random.default_rng(0).normal(size=(2, 3000)) * scale).astype("f4")
    if missing != "raise":
        samples[:, ::97] = np.nan  # the same frames for both neurons
    lazy = xr.DataArray(samples, dims=("neuron", "time")).chunk(time=77)
    expected = naive_correlation([samples.astype(np.longdouble)], lag)
    np.testing.assert_allclose(netxr.lagged_correlation(lazy, lag=lag, missing=missing), expected, atol=1e-7)
