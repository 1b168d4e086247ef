"""Edges some rows at a time: the same as from whole matrices."""

import numpy as np
import pytest
import xarray as xr

import netxr
from netxr.errors import InvalidInput
from netxr.significance import streamed
from tests.runs import nothing_computes


def run_of(n=30, n_steps=3000, **options):
    A = netxr.random_connectivity(n, sparsity=0.9, seed=1)
    return netxr.simulate(A, n_steps=n_steps, seed=1, **options)


def slow_neurons(n=20, n_steps=2000, seed=0):
    x = np.random.default_rng(seed).normal(size=(n, n_steps))
    for t in range(1, n_steps):
        x[:, t] += np.linspace(0, 0.9, n) * x[:, t - 1]
    x[1:4, 1:] += 0.3 * x[0, :-1]
    return netxr.as_activity(x, dims=("neuron", "time"))


def assert_same(found, expected):
    assert found.sizes["edge"] == expected.sizes["edge"]
    for name in expected.coords:
        np.testing.assert_array_equal(found[name], expected[name], err_msg=name)
    for name, values in expected.data_vars.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-9, atol=1e-13, err_msg=name)
    for name in ("n_pairs", "n_undefined", "q", "reference", "made_by"):
        assert found.attrs[name] == expected.attrs[name]


# --- as from whole matrices --------------------------------------------------------------


@pytest.mark.parametrize("null", ["autocorrelation", "shift", "samples"])
@pytest.mark.parametrize("method", ["bh", "by"])
@pytest.mark.parametrize("data", [lambda: run_of(trials=2).drop_vars("trial"), slow_neurons])
def test_of_activity(data, null, method):
    x = data()
    for lag in (1, -1):
        expected = netxr.edges(netxr.correlation_test(x, lag=lag, null=null), method=method, q=0.1)
        assert_same(netxr.edges(x, lag=lag, null=null, method=method, q=0.1), expected)
    assert expected.sizes["edge"] or isinstance(x, xr.Dataset)


@pytest.mark.parametrize("null", ["autocorrelation", "shift", "samples"])
@pytest.mark.parametrize("dim", ["time", ("time", "trial")])
def test_of_trials_together_and_without_frames_that_are_missing(dim, null):
    x = xr.concat([slow_neurons(n_steps=900, seed=seed) for seed in (0, 1)], "trial").transpose("neuron", "time", ...)
    for holes in ([], [3, 4, 70], range(200, 300)):
        x[{"neuron": 5, "time": list(holes), "trial": 1}] = np.nan
        options = {"dim": dim, "missing": "drop" if len(holes) else "raise"}
        flat = netxr.autocorrelation(x, lags=range(1, 225), **options) if null == "autocorrelation" else None
        far = range(1 + 22, 1 + 22 * 17, 22) if null == "shift" else []
        moments = netxr.lagged_moments(x, lags=[1, *far], **options)
        tested = netxr.correlation_test(moments, null=null, autocorrelation=flat)
        expected = netxr.edges(tested).assign_attrs(made_by=f"netxr.correlation_test(lag=1, null={null!r})")
        for samples in (x, x.chunk(time=400)):
            assert_same(netxr.edges(samples, null=null, **options), expected)
        assert expected.sizes["edge"] >= 3


def test_of_correlations_on_disk(tmp_path):
    x = run_of(trials=2).activity.chunk(time=700)
    R = netxr.lagged_correlation(x, store=tmp_path / "R.zarr")
    flat = netxr.autocorrelation(x, lags=range(1, 100))
    expected = netxr.edges(netxr.correlation_test(x, autocorrelation=flat))
    made_by = {"made_by": "netxr.correlation_test(lag=1, null='autocorrelation')"}
    for on_disk in (R, R.drop_vars("trial"), netxr.open(tmp_path / "R.zarr").isel(lag=0), R.chunk(target=7, source=11)):
        assert_same(netxr.edges(on_disk, autocorrelation=flat), expected.assign_attrs(made_by))
    with pytest.raises(InvalidInput, match=r"got trials \[0\]; expected those of the correlations, \[0, 1\]"):
        netxr.edges(R, autocorrelation=flat.isel(trial=[0]))
    naive = netxr.edges(netxr.correlation_test(x, null="samples"), q=0.2)
    assert_same(netxr.edges(R, null="samples", q=0.2), naive)


@pytest.mark.parametrize("kept", [3, 40, 300])
@pytest.mark.parametrize("q", [0.05, 0.6])
def test_a_second_walk_where_more_p_values_count_than_were_kept(monkeypatch, kept, q):
    monkeypatch.setattr(streamed, "KEPT", kept)
    x = slow_neurons()
    x[5:] += 0.3 * np.roll(x[4].values, 1)  # one neuron drives most: edges are many
    assert_same(netxr.edges(x, q=q), netxr.edges(netxr.correlation_test(x), q=q))


def test_the_diagonal_and_what_is_undefined():
    x = slow_neurons()
    x[7] = 1.0
    for diagonal in (False, True):
        expected = netxr.edges(netxr.correlation_test(x), diagonal=diagonal)
        assert expected.attrs["n_undefined"] > 0
        assert_same(netxr.edges(x, diagonal=diagonal), expected)


def test_labels_of_neurons_and_what_they_carry(tmp_path):
    x = slow_neurons().assign_coords(neuron=[f"n{k}" for k in range(20)]).assign_attrs(units="mV").chunk(neuron=6)
    found = netxr.edges(x, memory="1GiB")
    assert found.target.dtype.kind in "UOT"
    assert found.attrs["units"] == "mV"
    assert_same(found, netxr.edges(netxr.correlation_test(x)))


def test_float32_on_disk(tmp_path):
    x = run_of().activity.astype("float32")
    R = netxr.lagged_correlation(x.chunk(time=1000), store=tmp_path / "R.zarr")
    assert R.dtype == np.float32
    flat = netxr.autocorrelation(x, lags=range(1, 60))
    found, expected = netxr.edges(R, autocorrelation=flat), netxr.edges(netxr.correlation_test(x))
    pairs = [set(zip(one.target.values, one.source.values, strict=True)) for one in (found, expected)]
    assert pairs[0] == pairs[1]
    assert found.effect.dtype == np.float64


# --- what is held ------------------------------------------------------------------------


def test_a_block_of_rows_is_read_at_a_time(tmp_path, monkeypatch):
    R = netxr.lagged_correlation(run_of().activity.chunk(time=1000), store=tmp_path / "R.zarr").chunk(target=4)
    seen = []
    block = streamed._in_rows
    monkeypatch.setattr(streamed, "_in_rows", lambda f, rows, r: (seen.append(r.shape), block(f, rows, r))[1])
    netxr.edges(R, null="samples")
    assert seen == [(4, 30)] * 7 + [(2, 30)]


def test_far_lags_that_are_too_close_are_refused_as_of_whole_matrices():
    x = np.random.default_rng(0).normal(size=(12, 400))
    for t in range(1, 400):
        x[:, t] += 0.98 * x[:, t - 1]
    x = netxr.as_activity(x, dims=("neuron", "time"))
    with pytest.raises(InvalidInput) as whole:
        netxr.edges(netxr.correlation_test(x, null="shift"))
    with pytest.raises(InvalidInput) as streamed_:
        netxr.edges(x, null="shift")
    assert str(streamed_.value) == str(whole.value)
    assert "far lags 10 samples apart" in str(whole.value)


def test_a_constant_among_far_lags_is_undefined():
    x = slow_neurons()
    x[3] = 1.0
    expected = netxr.edges(netxr.correlation_test(x, null="shift"), q=0.2)
    assert_same(netxr.edges(x, null="shift", q=0.2), expected)
    assert expected.attrs["n_undefined"] == 38


def test_too_many_edges_are_an_error_and_not_a_memory_that_is_full(monkeypatch):
    x = slow_neurons()
    x += np.random.default_rng(1).normal(size=2000)  # a global signal
    monkeypatch.setattr(streamed, "KEPT", 10)
    monkeypatch.setattr(streamed, "MOST_EDGES", 50)
    with pytest.raises(InvalidInput, match=r"q: got 0.05; expected one at which at most 50 edges .*global signal"):
        netxr.edges(x, lag=0)


# --- what cannot be ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"null": "shift", "autocorrelation": xr.DataArray([1.0])}, "autocorrelation: got it; expected none"),
        ({"null": "none"}, "null: got 'none'"),
        ({"missing": "pairwise"}, r"missing: got 'pairwise'; .*netxr.correlation_test\(activity, missing="),
        ({"dim": "trial"}, "dim: got"),
        ({"lag": 1.5}, "lag: got 1.5"),
        ({"lag": 5000}, "lag: got"),
        ({"memory": "1MiB"}, "memory: got"),
        ({"null": "samples", "autocorrelation": xr.DataArray([1.0])}, "autocorrelation: got it; expected none"),
        ({"autocorrelation": xr.DataArray([1.0])}, "autocorrelation: got DataArray"),
        ({"q": 0}, "q: got 0"),
    ],
)
def test_options_that_do_not_go_with_activity(options, told):
    x = slow_neurons(4, 100).chunk(time=50)
    with nothing_computes(), pytest.raises(InvalidInput, match=told):
        netxr.edges(x, **options)


def test_correlations_that_cannot_be_tested(tmp_path):
    x = slow_neurons(5, 100).chunk(time=50)
    several = netxr.lagged_correlation(x, lags=[1, 2], store=tmp_path / "R.zarr")
    of_trials = netxr.autocorrelation(x, lags=[1, 2]).expand_dims(trial=[0, 1])
    for R, options, told in (
        (several, {}, r"data: got correlations at lags \[1, 2\]; .*sel\(lag=1\)"),
        (several.isel(lag=0), {}, r"autocorrelation: got none; .*netxr.autocorrelation"),
        (several.isel(lag=0), {"lag": 2}, "lag: got it; expected none for correlations"),
        (
            several.isel(lag=0),
            {"autocorrelation": of_trials},
            r"got trials \[0, 1\]; .*one of all trials",
        ),
        (netxr.lagged_correlation(x), {}, "data: got a matrix that does not say of how many samples"),
        (several.isel(lag=0), {"null": "shift"}, "null: got 'shift'; expected another one: far lags are not there"),
    ):
        with pytest.raises(InvalidInput, match=told):
            netxr.edges(R, **options)
    with pytest.raises(InvalidInput, match="memory: got it; expected none for p-values"):
        netxr.edges(netxr.correlation_test(x), memory="1GiB")
