import dask.array as da
import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import netxr
from netxr.errors import InvalidInput
from netxr.estimators.correlation import lagged_correlation
from netxr.moments.lagged import lagged_moments
from tests.oracles import naive_correlation, stacked_corrcoef, trials_of
from tests.runs import activity, nothing_computes
from tests.strategies import chunked, recordings

# --- by hand -------------------------------------------------------------------------------


def test_two_neurons_by_hand():
    """x = 1 2 3, y = 0 2 1: pairs (x, y) at lag 0, and what is left of them where one is read a sample later."""
    recording = netxr.as_activity([[1, 2, 3], [0, 2, 1]], dims=("neuron", "time"), neurons=["x", "y"])
    R = lagged_correlation(recording, lags=[0, 1, -1])
    assert R.sel(lag=0, target="y", source="x").item() == pytest.approx(0.5)  # 1 / sqrt(2 x 2)
    assert R.sel(lag=1, target="y", source="x").item() == pytest.approx(-1)  # 2 1 on 1 2
    assert R.sel(lag=-1, target="y", source="x").item() == pytest.approx(1)  # 0 2 on 2 3


def test_one_neuron_by_hand():
    """x = 1 -1 1 -1 is its own opposite a sample later, and itself two samples later."""
    recording = netxr.as_activity([[1, -1, 1, -1]], dims=("neuron", "time"))
    np.testing.assert_allclose(lagged_correlation(recording, lags=[0, 1, 2]).values.ravel(), [1, -1, 1])


def test_two_trials_by_hand():
    """x = 0 1 2 and 4 5 6, y = 0 0 0 and 1 1 1: no pair of samples is of two trials."""
    samples = [[[0, 1, 2], [0, 0, 0]], [[4, 5, 6], [1, 1, 1]]]
    recording = netxr.as_activity(samples, dims=("trial", "neuron", "time"), neurons=["x", "y"])
    assert lagged_correlation(recording, lag=0).sel(target="y").isnull().all()
    pooled = lagged_correlation(recording, dim=("time", "trial"), lags=[0, 1]).sel(target="y", source="x")
    # From the means, y is +-1/2 and x -3 -2 -1 1 2 3; at lag 1, where x is 0 1 and 4 5, it is -5/2 -3/2 3/2 5/2.
    np.testing.assert_allclose(pooled.values, [6 / np.sqrt(28 * 3 / 2), 4 / np.sqrt(17 * 1)])


# --- against independent oracles -----------------------------------------------------------


@given(recordings(max_neurons=4), st.lists(st.integers(0, 5), min_size=1, max_size=3, unique=True), st.data())
def test_any_recording_against_loops_over_pairs(recording, lags, data):
    lazy = lagged_correlation(data.draw(chunked(recording)), lags=lags)
    assert isinstance(lazy.data, da.Array)
    eager = lagged_correlation(recording, lags=lags)
    # float32 products of a dozen samples; the bound for many samples has a test of its own.
    tolerance = 2e-5 if eager.attrs["precision"] == "float32" else 1e-10
    assert eager.dims == lazy.dims == ("lag", *(["trial"] if "trial" in recording.dims else []), "target", "source")
    for r in (eager, lazy.compute(scheduler="synchronous")):
        for lag in lags:
            found = r.sel(lag=lag).values.reshape(-1, *r.shape[-2:])
            for k, trial in enumerate(trials_of(recording)):
                np.testing.assert_allclose(found[k], naive_correlation([trial], lag), rtol=0, atol=tolerance)


@pytest.mark.parametrize("lag", [0, 1, 2, 7])
def test_the_formula_of_the_tutorial_at_any_lag(lag):
    recording = activity(trials=1)
    ours = lagged_correlation(recording, lag=lag).isel(trial=0)
    np.testing.assert_allclose(ours.values, stacked_corrcoef(recording.values[..., 0], lag), rtol=0, atol=1e-13)


def test_the_published_estimates(golden):
    small = golden["small"]
    A = netxr.random_connectivity(small["n"], seed=small["seed"], rng="legacy")
    run = netxr.simulate(A, n_steps=small["T"], seed=small["seed"], rng="legacy")
    r = lagged_correlation(run.activity).isel(trial=0)
    np.testing.assert_allclose(r.values, small["R"], rtol=0, atol=1e-12)
    column = lagged_correlation(run.activity, sources=1).isel(trial=0)
    assert column.dims == ("target",)
    np.testing.assert_allclose(column.values, small["R_from_neuron_1"], rtol=0, atol=1e-12)
    score = np.corrcoef(A.values.ravel(), r.values.ravel())[0, 1]
    assert score == pytest.approx(small["pearson"], abs=1e-10)


def test_the_published_score_of_a_large_network(golden):
    large = golden["large"]
    A = netxr.random_connectivity(large["n"], seed=42, rng="legacy")
    r = lagged_correlation(netxr.simulate(A, n_steps=large["T"], seed=42, rng="legacy").activity)
    assert np.corrcoef(A.values.ravel(), r.values.ravel())[0, 1] == pytest.approx(large["pearson"], abs=1e-10)


def test_pooled_trials_are_pairs_of_all_trials():
    recording = activity(trials=3)
    recording[:, :, 1] += 5.0
    pooled = lagged_correlation(recording, dim=("time", "trial"), lag=2)
    assert pooled.dims == ("target", "source")
    np.testing.assert_allclose(pooled.values, naive_correlation(trials_of(recording), 2), rtol=0, atol=1e-12)


def test_the_edge_goes_from_source_to_target():
    rng = np.random.default_rng(0)
    leader = rng.normal(size=500)
    follower = np.r_[0, leader[:-1]] + 0.1 * rng.normal(size=500)
    recording = netxr.as_activity([leader, follower], dims=("neuron", "time"), neurons=["leader", "follower"])
    r = lagged_correlation(recording, lag=1)
    assert r.sel(target="follower", source="leader") > 0.95
    assert abs(r.sel(target="leader", source="follower")) < 0.2


# --- relations -------------------------------------------------------------------------------


@given(st.permutations(range(4)), st.integers(0, 3))
def test_permuting_neurons_permutes_rows_and_columns(order, lag):
    recording = activity()
    r = lagged_correlation(recording, lag=lag)
    np.testing.assert_allclose(
        lagged_correlation(recording.isel(neuron=order), lag=lag).values,
        r.isel(target=order, source=order).values,
        rtol=0,
        atol=1e-13,
    )


@given(st.lists(st.floats(1e-6, 1e6), min_size=4, max_size=4), st.lists(st.floats(-1e3, 1e3), min_size=4, max_size=4))
def test_scale_and_offset_leave_the_estimate(scale, offset):
    recording = activity()
    other = recording * xr.DataArray(scale, dims="neuron") + xr.DataArray(offset, dims="neuron") * scale
    np.testing.assert_allclose(
        lagged_correlation(other).values, lagged_correlation(recording).values, rtol=0, atol=1e-10
    )


def test_turning_one_neuron_upside_down_turns_its_signs():
    recording = activity()
    sign = xr.DataArray([1, -1, 1, 1], dims="neuron")
    expected = lagged_correlation(recording).values * np.outer(sign, sign)
    np.testing.assert_allclose(lagged_correlation(recording * sign).values, expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("lag", [0, 1, 5])
def test_reversing_time_transposes_the_estimate(lag):
    recording = activity()
    backwards = lagged_correlation(recording.isel(time=slice(None, None, -1)), lag=lag)
    forwards = lagged_correlation(recording, lag=lag).values
    np.testing.assert_allclose(backwards.values, forwards.swapaxes(-1, -2), rtol=0, atol=1e-13)


@pytest.mark.parametrize("dtype", ["float64", "float32", "int16"])
def test_lag_zero_is_symmetric_with_a_unit_diagonal(dtype):
    r = lagged_correlation(activity(dtype=dtype), lag=0).values
    tolerance = 1e-6 if dtype == "float32" else 1e-14
    np.testing.assert_allclose(r, r.swapaxes(-1, -2), rtol=0, atol=tolerance)
    np.testing.assert_allclose(np.diagonal(r, axis1=-2, axis2=-1), 1, rtol=0, atol=tolerance)


def test_a_trial_twice_is_the_trial_once():
    once = activity(trials=1)
    twice = xr.concat([once, once.assign_coords(trial=[6])], dim="trial")
    pooled = lagged_correlation(twice, dim=("time", "trial"), lag=2)
    single = lagged_correlation(once, lag=2).isel(trial=0)
    np.testing.assert_allclose(pooled.values, single.values, rtol=0, atol=1e-13)


def test_trials_do_not_depend_on_one_another():
    recording = activity(trials=3)
    together = lagged_correlation(recording)
    for label in recording.trial.values:
        alone = lagged_correlation(recording.sel(trial=[label]))
        np.testing.assert_array_equal(alone.sel(trial=label).values, together.sel(trial=label).values)


# --- digits ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-4), ("float64", 1e-10)])
@pytest.mark.parametrize("chunks", [None, 700])
def test_a_membrane_potential_keeps_its_digits(dtype, tolerance, chunks):
    rng = np.random.default_rng(1)
    common = rng.normal(size=20_000)
    voltages = -65 + 0.05 * (0.6 * common + 0.8 * rng.normal(size=(3, 20_000)))
    voltages = voltages.astype(dtype)
    recording = xr.DataArray(voltages, dims=("neuron", "time"))
    r = lagged_correlation(recording if chunks is None else recording.chunk(time=chunks), lag=0)
    expected = np.corrcoef(voltages.astype(np.float64))
    assert 0.3 < expected[0, 1] < 0.42
    np.testing.assert_allclose(r.values, expected, rtol=0, atol=tolerance)


def test_a_strange_first_frame_takes_no_digits():
    recording = activity(dtype="float32", trials=1, n_steps=4000)
    expected = lagged_correlation(recording.astype("float64").isel(time=slice(1, None)), lag=0)
    recording[:, 0] = -1e4
    r = lagged_correlation(recording.isel(time=slice(1, None)), lag=0)
    np.testing.assert_allclose(r.values, expected.values, rtol=0, atol=1e-6)


def test_float32_products_are_off_by_less_than_a_millionth():
    recording = activity(8, 5000, 1)
    exact = stacked_corrcoef(recording.values[..., 0])
    single = lagged_correlation(recording, precision="float32").isel(trial=0).values
    error = np.abs(single - exact).max()
    assert 1e-12 < error < 1e-6


@pytest.mark.parametrize("dtype", ["int8", "uint8", "bool", "int64", "uint16"])
def test_whole_number_samples(dtype):
    recording = activity(dtype=dtype, n_steps=300)
    for k, trial in enumerate(trials_of(recording)):
        np.testing.assert_allclose(
            lagged_correlation(recording).values[k], stacked_corrcoef(trial.astype(float)), rtol=0, atol=1e-12
        )


# --- neurons that do not vary -----------------------------------------------------------------


CONSTANTS = [0.0, 0.1, -65.3, 1e6 + 0.1, 1e12 + 1 / 3, 1e-12, -1e30]


@pytest.mark.crossed
@pytest.mark.parametrize("value", CONSTANTS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("chunks", [None, 17])
@pytest.mark.parametrize("lag", [0, 6])
def test_a_constant_neuron_is_undefined_without_a_warning(value, dtype, chunks, lag):
    recording = activity(dtype=dtype)
    recording[1] = value
    r = lagged_correlation(recording if chunks is None else recording.chunk(time=chunks), lag=lag).compute()
    assert r.sel(target="b").isnull().all()
    assert r.sel(source="b").isnull().all()
    assert r.drop_sel(target="b", source="b").notnull().all()


@pytest.mark.crossed
@pytest.mark.parametrize("value", CONSTANTS)
@pytest.mark.parametrize("pooled", [False, True])
@pytest.mark.parametrize("lag", [1, 6])
def test_constant_but_for_frames_that_the_lag_leaves_out(value, pooled, lag):
    """The target side begins `lag` frames into a trial, the source side ends `lag` frames before its end."""
    recording = activity()
    recording[1, lag:] = value
    recording[2, :-lag] = value
    r = lagged_correlation(recording, lag=lag, dim=("time", "trial") if pooled else "time")
    assert r.sel(target="b").isnull().all()
    assert r.sel(source="c").isnull().all()
    assert r.sel(source="b", target=["a", "c", "d"]).notnull().all()


@pytest.mark.parametrize("seed", range(5))
def test_constant_for_one_long_lag_only(seed):
    recording = activity(n_steps=3000, seed=seed)
    recording[1, 1500:] = 0.1 + seed
    r = lagged_correlation(recording, lag=1500)
    assert r.sel(target="b").isnull().all()
    assert r.sel(source=["a", "b", "c", "d"], target="a").notnull().all()


def test_a_neuron_that_hardly_varies_is_defined():
    rng = np.random.default_rng(0)
    hardly = 1e6 + 1e-6 * rng.normal(size=(2, 5000))
    r = lagged_correlation(xr.DataArray(hardly, dims=("neuron", "time")), lag=0)
    np.testing.assert_allclose(r.values, np.corrcoef(hardly - 1e6), rtol=0, atol=1e-9)


def test_estimates_stay_within_one():
    line = np.linspace(0, 1, 50)
    recording = netxr.as_activity([line, 3 * line, -line], dims=("neuron", "time"))
    r = lagged_correlation(recording, lags=[0, 1, 5]).values
    assert np.abs(r).max() <= 1
    np.testing.assert_allclose(np.abs(r), 1, rtol=0, atol=1e-12)


# --- one or several lags and sources -----------------------------------------------------------


def test_one_lag_has_no_lag_dim_and_several_have():
    recording = activity()
    several = lagged_correlation(recording, lags=[3, 1])
    assert several.dims == ("lag", "trial", "target", "source")
    assert several.lag.values.tolist() == [3, 1]
    for lag in (1, 3):
        one = lagged_correlation(recording, lag=lag)
        assert one.dims == ("trial", "target", "source")
        assert one.lag.item() == lag
        np.testing.assert_allclose(one.values, several.sel(lag=lag).values, rtol=0, atol=1e-13)


@pytest.mark.parametrize("source", ["c", np.str_("c"), np.array("c"), xr.DataArray("c")])
def test_a_single_source_is_a_column(source):
    column = lagged_correlation(activity(), sources=source)
    assert column.dims == ("trial", "target")
    assert column.source.item() == "c"
    np.testing.assert_allclose(column.values, lagged_correlation(activity()).sel(source="c").values, rtol=0, atol=1e-13)


@pytest.mark.parametrize("source", [["c"], ("d", "a"), np.array(["b", "d"]), xr.DataArray(["a", "c"], dims="x")])
def test_several_sources_are_columns(source):
    columns = lagged_correlation(activity(), sources=source)
    assert columns.dims == ("trial", "target", "source")
    assert columns.source.values.tolist() == np.asarray(source).tolist()
    expected = lagged_correlation(activity()).sel(source=np.asarray(source).astype(object))
    np.testing.assert_allclose(columns.values, expected.values, rtol=0, atol=1e-13)


@pytest.mark.crossed(1)
@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"lag": 0},
        {"lags": [2, 0]},
        {"sources": "b"},
        {"sources": ["d", "b"], "lag": 2},
        {"lags": [-1, 0, 2]},
        {"lag": -2, "sources": "b"},
    ],
)
def test_from_moments_as_from_activity(options, lazy):
    recording = activity().chunk(time=9) if lazy else activity()
    moments = lagged_moments(recording, lags=[0, 1, 2])
    with nothing_computes():
        r = lagged_correlation(moments, **options)
    expected = lagged_correlation(activity(), **options)
    np.testing.assert_allclose(r.values, expected.values, rtol=0, atol=1e-13)
    assert (r.dims, r.name, set(r.coords)) == (expected.dims, "lagged_correlation", set(expected.coords))


def test_labels_and_attributes():
    r = lagged_correlation(activity().assign_coords(day=("trial", ["mon", "tue"])))
    assert r.name == "lagged_correlation"
    assert r.target.values.tolist() == r.source.values.tolist() == list("abcd")
    assert r.trial.values.tolist() == [5, 6]
    assert r.day.values.tolist() == ["mon", "tue"]
    assert r.attrs["estimator"] == "lagged_correlation"
    assert {"netxr_version", "numpy_version", "schema_version"} <= set(r.attrs)
    assert r.dtype == np.float64


def test_nothing_computes_while_the_graph_is_built():
    with nothing_computes():
        lagged_correlation(activity().chunk(time=7, neuron=2), lags=[0, 3], sources=["a", "b"], missing="drop")


def test_the_same_graph_has_the_same_keys():
    recording = activity().chunk(time=7)
    first, second = (lagged_correlation(recording, lags=[0, 1]) for _ in range(2))
    assert set(first.__dask_graph__()) == set(second.__dask_graph__())
    assert first.data.name == second.data.name


def test_a_warning_would_be_an_error():
    with pytest.raises(RuntimeWarning):
        np.corrcoef(np.ones((2, 5)))


# --- negative lags, several at once, and what holds the activity --------------------------------


@given(
    recordings(),
    st.lists(st.integers(-8, 8), min_size=1, max_size=4, unique=True),
    st.sampled_from(["activity", "lazy", "moments", "store"]),
)
def test_at_a_negative_lag_the_sides_are_swapped(tmp_path_factory, recording, lags, form):
    options = {}
    if form == "store":
        options["store"] = tmp_path_factory.mktemp("negative") / "R.zarr"
    data = {
        "activity": lambda: recording,
        "lazy": lambda: recording.chunk(time=7),
        "moments": lambda: lagged_moments(recording, lags=sorted({abs(lag) for lag in lags}), precision="float64"),
        "store": lambda: recording,
    }[form]()
    precision = {} if form == "moments" else {"precision": "float64"}
    found = lagged_correlation(data, lags=lags, **precision, **options)
    assert found.lag.values.tolist() == lags
    for lag in lags:
        expected = lagged_correlation(recording, lag=abs(lag), precision="float64").values
        if lag < 0:
            expected = np.swapaxes(expected, -1, -2)
        np.testing.assert_allclose(found.sel(lag=lag).values, expected, rtol=0, atol=1e-10)


def test_labels_stay_with_their_side_at_negative_lags():
    found = lagged_correlation(activity(), lags=[-2, 1], sources=["b", "a"])
    assert (found.target.values.tolist(), found.source.values.tolist()) == (["a", "b", "c", "d"], ["b", "a"])
    one = lagged_correlation(activity(), lag=-2, sources="b")
    xr.testing.assert_allclose(one, found.sel(lag=-2, source="b"))
    swapped = lagged_correlation(activity(), lag=2).sel(target="b").values
    np.testing.assert_allclose(one.values, swapped, rtol=0, atol=1e-13)


def test_moments_of_some_sources_have_no_other_side():
    with pytest.raises(InvalidInput, match=r"^lag: got \[-1\]; expected lags from 0, for moments of some sources"):
        lagged_correlation(lagged_moments(activity(), sources=["a", "b"]), lag=-1)


def test_a_dataset_that_holds_activity_is_as_good():
    run = activity().to_dataset(name="activity").assign_attrs(sampling_interval=0.5)
    xr.testing.assert_equal(lagged_correlation(run), lagged_correlation(activity()))
    xr.testing.assert_equal(lagged_moments(run), lagged_moments(activity()))
    with_moments = run.assign(lagged_moments(activity(), lags=[3]))
    xr.testing.assert_equal(lagged_correlation(with_moments, lag=3), lagged_correlation(activity(), lag=3))
    with pytest.raises(InvalidInput, match="lags that the moments hold"):
        lagged_correlation(with_moments)


# --- bad input -----------------------------------------------------------------------------------


WRONG = {
    "lag": [[], None, 1.0, [1], True, -79, 79, "1", np.nan],
    "lags": [[], [1.0], [True], [0, 0], [-79], [79], "1", [[1]], [np.nan], 1],
    "sources": [[], "z", ["a", "z"], ["a", "a"], 0, np.array(1)],
}
CASES = [(name, value) for name, values in WRONG.items() for value in values]


@pytest.mark.parametrize(("name", "value"), CASES)
@pytest.mark.parametrize("from_moments", [False, True])
def test_wrong_arguments(name, value, from_moments):
    data = lagged_moments(activity(), lags=[0, 1, 78]) if from_moments else activity()
    with pytest.raises(InvalidInput) as caught:
        lagged_correlation(data, **{name: value})
    assert caught.value.argument == name


@pytest.mark.parametrize(
    "data",
    [None, np.zeros((3, 9)), 5, "run.zarr", activity().rename(neuron="cell"), activity().to_dataset(name="voltage")],
)
def test_what_is_neither_activity_nor_moments(data):
    with pytest.raises(InvalidInput) as caught:
        lagged_correlation(data)
    assert caught.value.argument == "data"
    assert "netxr." in str(caught.value) or ".rename" in str(caught.value)


@pytest.mark.parametrize(
    "options", [{"dim": ("time", "trial")}, {"precision": "float32"}, {"missing": "drop"}, {"memory": "1GB"}]
)
def test_moments_have_been_summed_up_already(options):
    with pytest.raises(InvalidInput, match=rf"{next(iter(options))}: got .*netxr\.lagged_moments"):
        lagged_correlation(lagged_moments(activity()), **options)


def test_moments_of_other_lags():
    with pytest.raises(InvalidInput, match=r"lag: got \[4\]; expected .*\[0, 1\]"):
        lagged_correlation(lagged_moments(activity(), lags=[0, 1]), lag=4)


def test_a_range_of_sources_is_several():
    recording = activity().assign_coords(neuron=range(4))
    R = lagged_correlation(recording, sources=range(3))
    assert R.source.values.tolist() == [0, 1, 2]
    assert lagged_correlation(recording, sources=np.int64(2)).dims == ("trial", "target")
