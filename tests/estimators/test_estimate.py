import dask.array as da
import numpy as np
import pytest
import xarray as xr

import netxr
from netxr.errors import InvalidInput
from netxr.estimators import apply as module
from netxr.estimators.apply import lags_needed
from netxr.estimators.estimator import Estimator
from netxr.estimators.table import BUILT_IN
from tests.oracles import naive_correlation, trials_of
from tests.runs import activity, nothing_computes

BOTH = ["lagged_correlation", "correlation"]


@pytest.fixture
def table(monkeypatch):
    """A table with estimators that need more than one lag, all sources, or give several results."""

    def both_lags(moments, lag):
        return moments.comoment.sel(lag=0) + moments.comoment.sel(lag=lag)

    def of_all(moments, lag):
        one = moments.comoment.sel(lag=lag)
        return xr.Dataset({"of_all": one / one.sum("source"), "scale": one.sum("source")})

    entries = [
        Estimator("both_lags", both_lags, long_name="both lags", lags=lambda lag: (0, lag)),
        Estimator("of_all", of_all, long_name="of all", all_sources=True),
        Estimator("no_matrix", lambda moments, lag: moments.mean_target.sel(lag=lag), long_name="no matrix"),
    ]
    for entry in entries:
        monkeypatch.setitem(BUILT_IN, entry.name, entry)


# --- by hand ------------------------------------------------------------------------------


@pytest.fixture
def two():
    """x = 1 2 3 and y = 0 2 1."""
    return netxr.as_activity([[1, 2, 3], [0, 2, 1]], dims=("neuron", "time"), neurons=["x", "y"])


def test_lagged_correlation_by_hand(two):
    found = netxr.estimate(two, method="lagged_correlation", lags=[0, 1, -1])
    # y on x: 0 2 1 on 1 2 3, 2 1 on 1 2, 0 2 on 2 3
    np.testing.assert_allclose(found.sel(target="y", source="x"), [0.5, -1, 1])


def test_correlation_by_hand(two):
    found = netxr.estimate(two, method=BOTH, lag=1)
    np.testing.assert_allclose(found.sel(estimator="correlation"), [[1, 0.5], [0.5, 1]])  # 1 / sqrt(2 x 2)
    # x 2 3 on x 1 2 and on y 0 2, y 2 1 on x 1 2 and on y 0 2
    np.testing.assert_allclose(found.sel(estimator="lagged_correlation"), [[1, 1], [-1, -1]])


def test_an_estimator_of_two_lags_by_hand(table, two):
    found = netxr.estimate(two, method="both_lags", lag=1).sel(target="y", source="x")
    assert found.item() == pytest.approx(0.5)  # 1 x 1 + 0 x 1 + 1 x 0 = 1 at lag 0, 1/2 x -1/2 + -1/2 x 1/2 at lag 1


# --- what an estimate is ------------------------------------------------------------------


@pytest.mark.parametrize("lag", [0, 1, 3])
def test_the_lagged_correlation_is_that_of_its_own_function(lag):
    found = netxr.estimate(activity(), method="lagged_correlation", lag=lag)
    expected = netxr.lagged_correlation(activity(), lag=lag)
    xr.testing.assert_identical(found.drop_attrs(), expected.drop_attrs())
    assert found.name == "lagged_correlation"
    assert found.attrs == {**expected.attrs, "reference": found.attrs["reference"]}
    for k, trial in enumerate(trials_of(activity())):
        np.testing.assert_allclose(found.values[k], naive_correlation([trial], lag), rtol=0, atol=1e-12)


def test_the_correlation_is_at_lag_zero_whatever_the_lag():
    found = netxr.estimate(activity(), method="correlation", lag=3)
    assert "lag" not in found.coords
    assert found.name == found.attrs["estimator"] == "correlation"
    for k, trial in enumerate(trials_of(activity())):
        np.testing.assert_allclose(found.values[k], np.corrcoef(trial.astype(float)), rtol=0, atol=1e-12)


def test_lags_may_be_integers_of_numpy():
    found = netxr.estimate(activity(), method=BOTH, lag=np.int64(-1))
    xr.testing.assert_identical(found, netxr.estimate(activity(), method=BOTH, lag=-1))
    found = netxr.estimate(activity(), method="lagged_correlation", lags=np.arange(2))
    xr.testing.assert_identical(found, netxr.estimate(activity(), method="lagged_correlation", lags=[0, 1]))


def test_several_lags_give_a_dim():
    found = netxr.estimate(activity(), method="lagged_correlation", lags=[2, 0])
    xr.testing.assert_identical(
        found.drop_attrs(), netxr.lagged_correlation(activity(), lags=[2, 0]).drop_attrs().transpose(*found.dims)
    )
    assert netxr.estimate(activity(), method="correlation", lags=[2, 0]).dims == ("trial", "target", "source")


def test_several_methods_stand_side_by_side():
    found = netxr.estimate(activity(), method=BOTH, lags=[1, 2])
    assert found.dims == ("estimator", "lag", "trial", "target", "source")
    assert found.estimator.values.tolist() == BOTH
    for lag in (1, 2):
        own = netxr.lagged_correlation(activity(), lag=lag).values
        at_zero = netxr.lagged_correlation(activity(), lag=0).values
        np.testing.assert_array_equal(found.sel(estimator="lagged_correlation", lag=lag).values, own)
        np.testing.assert_array_equal(found.sel(estimator="correlation", lag=lag).values, at_zero)
    one = netxr.estimate(activity(), method=BOTH)
    assert one.dims == ("estimator", "trial", "target", "source")
    assert one.lag.dims == ("estimator",)
    assert one.lag.values.tolist() == [1, 0]  # correlation is that at lag 0
    assert netxr.estimate(activity(), method=["lagged_correlation", "granger"], lag=3).lag == 3
    assert one.attrs["estimator"] == "lagged_correlation, correlation"
    assert one.attrs["units"] == "mV"
    assert "Pearson 1895" in one.attrs["reference"]
    assert netxr.compare(xr.zeros_like(one[0, 0]), one, diagonal=False).pearson.dims == ("estimator", "trial")


@pytest.mark.parametrize("asked", [{"lags": [1, 2]}, {"lag": 2}])
def test_methods_that_do_not_depend_on_the_lag_have_none(asked):
    found = netxr.estimate(activity(), method=["correlation"], **asked)
    assert found.dims == ("estimator", "trial", "target", "source")
    assert "lag" not in found.coords
    np.testing.assert_array_equal(found[0].values, netxr.estimate(activity(), method="correlation").values)


def test_a_negative_lag_swaps_the_sides():
    found = netxr.estimate(activity(), method="lagged_correlation", lags=[-2, 2])
    np.testing.assert_array_equal(found.sel(lag=-2).transpose(..., "source", "target"), found.sel(lag=2))
    chosen = netxr.estimate(activity(), method="lagged_correlation", lag=-2, sources=["d", "b"])
    np.testing.assert_array_equal(chosen.values, found.sel(lag=-2, source=["d", "b"]).values)


# --- from what --------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["lagged_correlation", BOTH])
def test_from_activity_a_dataset_or_moments(method):
    recording = activity()
    expected = netxr.estimate(recording, method=method, lag=2)
    moments = netxr.lagged_moments(recording, lags=[0, 1, 2])
    for data in (recording.to_dataset(name="activity"), moments, moments.assign(activity=recording)):
        found = netxr.estimate(data, method=method, lag=2)
        xr.testing.assert_equal(found, expected)


def test_moments_are_not_read_again_and_all_methods_share_one_pass(monkeypatch):
    passes = []
    prepare = module.prepare
    monkeypatch.setattr(
        module, "prepare", lambda *args, **options: passes.append(options["lags"]) or prepare(*args, **options)
    )
    netxr.estimate(activity(), method=BOTH, lags=[1, 2])
    assert passes == [[1, 2, 0]]
    netxr.estimate(netxr.lagged_moments(activity()), method=BOTH)
    assert len(passes) == 1


def test_lazy_in_lazy_out():
    with nothing_computes():
        found = netxr.estimate(activity().chunk(time=20), method=BOTH, lags=[0, 1])
        assert isinstance(found.data, da.Array)
    xr.testing.assert_allclose(found.compute(), netxr.estimate(activity(), method=BOTH, lags=[0, 1]), atol=1e-12)


def test_options_go_to_the_pass():
    recording = activity()
    recording[1, 7, 0] = np.nan
    pooled = netxr.estimate(recording, method="correlation", dim=("time", "trial"), missing="drop", precision="float32")
    assert pooled.dims == ("target", "source")
    assert pooled.attrs["missing"] == "drop"
    assert pooled.attrs["precision"] == "float32"
    column = netxr.estimate(recording, method="lagged_correlation", sources="b", missing="drop")
    expected = netxr.lagged_correlation(recording, missing="drop").sel(source="b")
    assert column.dims == ("trial", "target")
    np.testing.assert_allclose(column.values, expected.values, rtol=0, atol=1e-12)
    with pytest.raises(InvalidInput, match="memory: got"):
        netxr.estimate(activity(n_steps=4000), method="correlation", memory="1KiB")


def test_an_estimate_goes_straight_to_disk(tmp_path):
    run = activity().to_dataset(name="activity")
    found = netxr.estimate(run, method="lagged_correlation", lags=[0, 1], store=tmp_path / "R.zarr")
    np.testing.assert_allclose(found.values, netxr.lagged_correlation(activity(), lags=[0, 1]).values, atol=1e-12)
    for method in ("correlation", BOTH):
        with pytest.raises(InvalidInput, match="rows at a time, such as lagged_correlation, for a store"):
            netxr.estimate(run, method=method, store=tmp_path / "S.zarr")


@pytest.fixture
def of_a_lab(monkeypatch):
    """Puts an estimator of another package into the table, with a function that makes it some rows at a time."""

    def put(by_rows):
        of_lab = {"long_name": "of a lab", "package": "lab"}
        entry = Estimator("of_a_lab", lambda moments, lag: moments.comoment, by_rows=by_rows, **of_lab)
        monkeypatch.setitem(BUILT_IN, "of_a_lab", entry)

    return put


def raising(error):
    """Rows that fail with an error."""

    def by_rows(activity, **options):
        raise error

    return by_rows


@pytest.mark.parametrize(
    ("by_rows", "error", "message"),
    [
        (
            raising(ZeroDivisionError("by 0")),
            InvalidInput,
            r"by_rows fails \(ZeroDivisionError: by 0\); expected a",
        ),
        (lambda activity: None, InvalidInput, r"by_rows fails \(TypeError: .*memory"),
        (lambda activity, **options: None, InvalidInput, r"by_rows returns a value of type NoneType, and dims \(\)"),
        (lambda activity, **options: activity, InvalidInput, r"type DataArray, and dims \('neuron', 'time', 'trial'\)"),
        (raising(InvalidInput("memory", got="1", expected="2")), InvalidInput, "^memory: got 1"),
        (raising(OSError("disk full")), OSError, "^disk full$"),
    ],
)
def test_rows_of_another_package_are_checked(of_a_lab, by_rows, error, message):
    of_a_lab(by_rows)
    with pytest.raises(error, match=message):
        netxr.estimate(activity(), method="of_a_lab", store="R.zarr")


def test_rows_of_another_package_that_are_an_estimate_are_taken(of_a_lab):
    R = netxr.lagged_correlation(activity(), lags=[1])
    of_a_lab(lambda activity, **options: R)
    xr.testing.assert_identical(netxr.estimate(activity(), method="of_a_lab", store="R.zarr"), R.isel(lag=0))


# --- what a function of moments may need and give ------------------------------------------


def test_the_lags_that_estimators_need(table):
    entries = [BUILT_IN[name] for name in ("lagged_correlation", "both_lags")]
    assert lags_needed(entries, [2, 1]) == [2, 1, 0]
    assert lags_needed([BUILT_IN["correlation"]], [2, 1]) == [0]
    moments = netxr.lagged_moments(activity(), lags=[0, 2])
    found = netxr.estimate(activity(), method="both_lags", lag=2)
    np.testing.assert_allclose(found.values, (moments.comoment.sel(lag=0) + moments.comoment.sel(lag=2)).values)
    with pytest.raises(InvalidInput, match=r"lag: got \[1\]; expected lags that the moments hold: \[0, 2\]"):
        netxr.estimate(moments, method="both_lags", lag=1)


def test_an_estimator_that_needs_all_sources_gets_them(table):
    whole = netxr.estimate(activity(), method="of_all")
    assert set(whole.data_vars) == {"of_all", "scale"}
    assert whole.of_all.attrs["estimator"] == "of_all"
    for data in (activity(), netxr.lagged_moments(activity())):
        some = netxr.estimate(data, method="of_all", sources=["c", "a"])
        xr.testing.assert_equal(some, whole.sel(source=["c", "a"]))
    both = netxr.estimate(activity(), method=["of_all", "lagged_correlation"], lags=[0, 1])
    np.testing.assert_array_equal(both.sel(estimator="of_all", lag=1).values, whole.of_all.values)
    assert netxr.estimate(activity(), method="of_all", lags=[0, 1]).scale.dims == ("lag", "trial", "target")


def test_a_function_that_gives_no_matrix_is_an_error(table):
    with pytest.raises(
        InvalidInput, match=r"method: got 'no_matrix', whose function returns dims \('trial', 'target'\)"
    ):
        netxr.estimate(activity(), method="no_matrix")


def _of(moments, lag):
    return moments.comoment.sel(lag=lag)


@pytest.mark.parametrize("data", [activity().chunk(time=20), netxr.lagged_moments(activity())], ids=["lazy", "moments"])
@pytest.mark.parametrize(
    ("function", "fault"),
    [
        (lambda moments, lag: 42, "returns a value of type int"),
        (lambda moments, lag: 1 / 0, r"fails \(ZeroDivisionError: division by zero\)"),
        (lambda moments, lag: xr.Dataset({"other": _of(moments, lag)}), "returns a Dataset of other"),
        (
            lambda moments, lag: xr.Dataset({"odd": _of(moments, lag), "mean": moments.mean_target}),
            r"returns dims \(.*'lag'\)",
        ),
        (lambda moments, lag: moments.comoment, r"returns dims \('lag', 'trial', 'target', 'source'\)"),
        (lambda moments, lag: _of(moments, lag).expand_dims("x"), r"returns dims \('x', "),
        (lambda moments, lag: _of(moments, lag)[..., 1:], "returns other labels along source"),
        (lambda moments, lag: _of(moments, lag)[..., ::-1, :], "returns other labels along target"),
        (lambda moments, lag: _of(moments, lag).assign_coords(target=range(4)), "returns other labels along target"),
        (lambda moments, lag: _of(moments, lag).astype(str), "returns dtype <U"),
    ],
)
def test_a_function_that_makes_no_estimate_is_an_error(monkeypatch, data, function, fault):
    monkeypatch.setitem(BUILT_IN, "odd", Estimator("odd", function, long_name="odd"))
    expected = (
        r"; expected real numbers \(\[trial, \]target, source\) with the labels of the moments: a DataArray, or odd"
    )
    with nothing_computes():
        for method in ("odd", ["correlation", "odd"]):
            with pytest.raises(InvalidInput, match=f"^method: got 'odd', whose function {fault}.*{expected}"):
                netxr.estimate(data, method=method)


def test_a_function_of_several_lags_returns_them_all(monkeypatch):
    odd = Estimator("odd", lambda moments, lag: _of(moments, lag[:1]), long_name="odd", lags_at_once=True)
    monkeypatch.setitem(BUILT_IN, "odd", odd)
    with pytest.raises(InvalidInput, match=r"returns other labels along lag; expected real numbers \(lag, \[trial"):
        netxr.estimate(activity(), method="odd", lags=[0, 1])


# --- bad input ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "grangers"}, "method: got 'grangers'; expected one of lagged_correlation, correlation"),
        ({"method": []}, "method: got"),
        ({"method": ["correlation", "correlation"]}, "method: got"),
        ({"method": [1]}, "method: got"),
        ({"method": "correlation", "lag": 1.5}, "lag: got 1.5; expected a whole number of samples"),
        ({"method": "correlation", "lag": [1, 2]}, "Name several as lags"),
        ({"method": "correlation", "lags": 1}, "Name a single one as lag"),
        ({"method": "correlation", "lags": []}, "lags: got"),
        ({"method": "correlation", "lags": [1, 1]}, "lags: got"),
        ({"method": "lagged_correlation", "lag": 79}, "lag: got [79]"),
        ({"method": "lagged_correlation", "sources": "z"}, "got"),
    ],
)
def test_bad_input(options, message):
    with pytest.raises(InvalidInput) as caught:
        netxr.estimate(activity(), **options)
    assert message in str(caught.value)


def test_what_was_said_to_the_moments_is_not_said_again():
    moments = netxr.lagged_moments(activity())
    with pytest.raises(InvalidInput, match=r"missing, memory: got .*; expected no options of the pass for moments"):
        netxr.estimate(moments, method="correlation", missing="drop", memory="1GiB")


def test_moments_without_the_lag_that_an_estimator_needs_are_named():
    moments = netxr.lagged_moments(activity(), lags=[1])
    message = r"data: got moments at lags \[1\]; expected those at lags \[0\] as well, needed by correlation"
    for method in ("correlation", BOTH):
        with pytest.raises(InvalidInput, match=message):
            netxr.estimate(moments, method=method, lag=1)


def test_a_dataset_of_neither_is_an_error():
    with pytest.raises(InvalidInput, match="data: got a Dataset with x; expected a Dataset with count"):
        netxr.estimate(xr.Dataset({"x": 1}), method="correlation")


# --- activity and moments in one dataset --------------------------------------------------


def with_moments(data, **options):
    """A run that holds activity, and moments of it."""
    return netxr.lagged_moments(data, lags=[0, 1], **options).assign(activity=data)


SELECTIONS = {
    "neurons": lambda run: run.isel(neuron=[0, 2]),
    "order of neurons": lambda run: run.isel(neuron=[1, 0, 2, 3]),
    "label": lambda run: run.sel(neuron=["b"]),
    "samples": lambda run: run.isel(time=slice(10, None)),
    "every other sample": lambda run: run.isel(time=slice(None, None, 2)),
}


@pytest.mark.crossed(1)
@pytest.mark.parametrize("select", SELECTIONS.values(), ids=SELECTIONS)
@pytest.mark.parametrize("chunks", [None, {"time": 20}], ids=["numpy", "dask"])
@pytest.mark.parametrize("missing", ["raise", "drop"])
def test_moments_of_other_neurons_or_samples_than_the_activity_beside_them_are_refused(select, chunks, missing):
    run = with_moments(activity() if chunks is None else activity().chunk(chunks), missing=missing)
    netxr.estimate(run, method="lagged_correlation")
    with nothing_computes():
        part = select(run)
        for of in (
            lambda data: netxr.estimate(data, method="lagged_correlation"),
            netxr.lagged_correlation,
            netxr.regression,
            netxr.granger,
            netxr.partial_correlation,
        ):
            with pytest.raises(InvalidInput, match=r"run.activity; or the moments, run.drop_vars\('activity'\)"):
                of(part)
    found = netxr.lagged_correlation(part.activity)
    for k, trial in enumerate(trials_of(part.activity)):
        np.testing.assert_allclose(found.values[k], naive_correlation([trial], 1), rtol=0, atol=1e-12)
    xr.testing.assert_allclose(
        netxr.lagged_correlation(part.drop_vars(["activity", "neuron"])), netxr.lagged_correlation(run)
    )


def test_selected_trials_have_their_moments_and_pooled_ones_have_not():
    run = with_moments(activity())
    xr.testing.assert_allclose(
        netxr.lagged_correlation(run.isel(trial=[1])), netxr.lagged_correlation(activity().isel(trial=[1]))
    )
    pooled = with_moments(activity(), dim=("time", "trial"))
    netxr.lagged_correlation(pooled)
    with pytest.raises(InvalidInput, match="moments of 160 samples, beside activity of 80"):
        netxr.lagged_correlation(pooled.isel(trial=[1]))


def test_a_run_whose_moments_are_stale_is_not_coarse_grained():
    with pytest.raises(InvalidInput, match="moments of 80 samples, beside activity of 60"):
        netxr.coarsen(with_moments(activity()).isel(time=slice(60)), groups=2)


@pytest.mark.crossed
@pytest.mark.parametrize("dim", ["time", ("time", "trial")])
@pytest.mark.parametrize("missing", ["raise", "drop"])
@pytest.mark.parametrize("further", [{"time": 40}, {"time": 2}, {"trial": 1}])
def test_appended_moments_are_those_of_all_samples(tmp_path, dim, missing, further):
    along, size = next(iter(further.items()))
    whole = activity(n_steps=80, trials=3)
    n_before = whole.sizes[along] - size
    netxr.save(with_moments(whole.isel({along: slice(n_before)}), dim=dim, missing=missing), tmp_path / "run.zarr")
    new = whole.isel({along: slice(n_before, None)}).to_dataset(name="activity")
    netxr.append(new, tmp_path / "run.zarr", dim=along)
    run = netxr.open(tmp_path / "run.zarr")
    expected = netxr.lagged_correlation(whole, dim=dim)
    np.testing.assert_allclose(netxr.lagged_correlation(run), expected, rtol=0, atol=1e-12)
    with pytest.raises(InvalidInput, match="beside activity"):
        netxr.lagged_correlation(run.isel(time=slice(1, None)))
