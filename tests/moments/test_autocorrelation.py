import dask
import dask.array as da
import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import netxr
from netxr.errors import InvalidInput, NonFiniteActivity
from netxr.moments.autocorrelation import with_autocorrelation
from tests.oracles import naive_correlation, trials_of
from tests.runs import activity, nothing_computes

LAGS = [0, 1, 4]


def plain(x, lag):
    """Correlation of each row of x (neuron, time) with itself, over samples that are there."""
    found = []
    for row in x:
        target, source = row[lag:], row[: len(row) - lag]
        both = np.isfinite(target) & np.isfinite(source)
        found.append(np.corrcoef(target[both], source[both])[0, 1])
    return found


def test_a_straight_line_is_its_own_past():
    line = netxr.as_activity([[1, 2, 3, 4, 5]], dims=("neuron", "time"))
    assert netxr.autocorrelation(line, lags=[0, 1, 3]).values.tolist() == [[1], [1], [1]]


def test_a_hand_computed_triangle():
    """0, 1, 0, -1, 0: at lag 1 no product of (1, 0), (0, 1), (-1, 0), (0, -1); at lag 2 targets mirror sources."""
    wave = netxr.as_activity([[0, 1, 0, -1, 0]], dims=("neuron", "time"))
    found = netxr.autocorrelation(wave, lags=[1, 2]).values.ravel()
    np.testing.assert_allclose(found, [0, -1], atol=1e-15)


def test_means_are_those_of_each_side():
    """0, 0, 3: at lag 1 the targets are 0, 3 and the sources 0, 0, which do not vary."""
    x = netxr.as_activity([[0.0, 0.0, 3.0], [1.0, 2.0, 5.0]], dims=("neuron", "time"))
    np.testing.assert_array_equal(netxr.autocorrelation(x, lags=[1]).values, [[np.nan, 1]])


@pytest.mark.parametrize("dtype", ["float64", "float32", "int16", "bool"])
@pytest.mark.parametrize("chunks", [None, {"time": 13, "trial": 1}, {"neuron": 1, "time": 80}])
def test_it_is_the_diagonal_of_the_correlation(dtype, chunks):
    x = (20 * activity(n=4)).astype(dtype) if dtype != "bool" else activity(n=4) > activity(n=4).median("time")
    given = x if chunks is None else x.chunk(chunks)
    with nothing_computes():
        found = netxr.autocorrelation(given, lags=LAGS)
    assert isinstance(found.data, da.Array) == (chunks is not None)
    assert found.sizes == {"lag": 3, "trial": 2, "neuron": 4}
    assert found.neuron.values.tolist() == list("abcd")
    for k, trial in enumerate(trials_of(x)):
        for lag in LAGS:
            right = np.diagonal(naive_correlation([trial], lag))
            np.testing.assert_allclose(found.compute().sel(lag=lag).isel(trial=k), right, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(found.sel(lag=0), 1)


def test_trials_that_are_pooled():
    x = activity(trials=3)
    found = netxr.autocorrelation(x, lags=LAGS, dim=("time", "trial"))
    for lag in LAGS:
        np.testing.assert_allclose(found.sel(lag=lag), np.diagonal(naive_correlation(trials_of(x), lag)), atol=1e-12)


@given(st.lists(st.integers(1, 30), min_size=1, max_size=9), st.integers(0, 3), st.sampled_from(["C", "F"]))
def test_any_chunking_gives_the_same(lengths, seed, order):
    x = activity(n_steps=sum(lengths) + 9, trials=1, seed=seed).isel(trial=0)
    x = x.copy(data=np.array(x.values, order=order))
    lazy = netxr.autocorrelation(x.chunk(time=(*lengths, 9)), lags=LAGS).compute(scheduler="synchronous")
    xr.testing.assert_allclose(lazy, netxr.autocorrelation(x, lags=LAGS), rtol=0, atol=1e-12)


@pytest.mark.parametrize("chunks", [None, 17])
def test_samples_that_are_missing(chunks):
    x = activity(n=3, trials=1)
    x[0, 20:25, 0], x[1, 50, 0] = np.nan, np.inf
    given = x if chunks is None else x.chunk(time=chunks)
    single = netxr.autocorrelation(given, lags=LAGS, missing="pairwise")
    frames = netxr.autocorrelation(given, lags=LAGS, missing="drop")
    for lag in LAGS:
        np.testing.assert_allclose(single.sel(lag=lag)[0], plain(x.values[..., 0], lag), atol=1e-12)
        right = np.diagonal(naive_correlation(trials_of(x), lag))
        np.testing.assert_allclose(frames.sel(lag=lag)[0], right, atol=1e-12)
    with pytest.raises(NonFiniteActivity, match="samples that are NaN or infinite"):
        netxr.autocorrelation(given, lags=LAGS).compute()


def test_no_pair_crosses_a_gap():
    x = activity(trials=1).isel(trial=0).assign_coords(time=np.r_[0:30, 50:100].astype(float))
    found = netxr.autocorrelation(x, lags=LAGS, gaps="segments")
    segments = trials_of(x[:, :30]) + trials_of(x[:, 30:])
    for lag in LAGS:
        np.testing.assert_allclose(found.sel(lag=lag), np.diagonal(naive_correlation(segments, lag)), atol=1e-12)


@pytest.mark.parametrize("missing", ["raise", "pairwise"])
def test_moments_hold_it(missing):
    x = activity()
    moments = netxr.lagged_moments(x.chunk(time=20), lags=[0, 1, 2, 4], missing=missing)
    with nothing_computes():
        found = netxr.autocorrelation(moments, lags=[4, 1])
    right = netxr.autocorrelation(x, lags=[4, 1])
    np.testing.assert_allclose(found, right, rtol=0, atol=1e-12)
    assert found.dims == right.dims
    xr.testing.assert_equal(found.neuron, right.neuron)


def test_moments_in_blocks_and_of_marked_frames():
    x = activity()
    found = netxr.autocorrelation(netxr.lagged_moments(x, blocks=3), lags=[1])
    assert found.dims == ("block", "lag", "trial", "neuron")
    marked = np.arange(80) % 2 == 0
    own = netxr.autocorrelation(netxr.lagged_moments(x, where=marked), lags=[1])
    right = np.corrcoef(x.values[2, 1::2, 1], x.values[2, :-1:2, 1])[0, 1]
    assert own.sel(neuron="c").isel(lag=0, trial=1).item() == pytest.approx(right)


def test_lags_that_are_longer_than_what_is_added_up_at_a_time():
    x = activity(n=2, n_steps=1000, trials=1).isel(trial=0)
    found = netxr.autocorrelation(x.chunk(time=90), lags=[0, 300, 700]).compute()
    for lag in (300, 700):
        np.testing.assert_allclose(found.sel(lag=lag), plain(x.values, lag), atol=1e-12)


def test_a_neuron_that_does_not_vary_is_undefined():
    x = activity()
    x[2] = 0.1
    found = netxr.autocorrelation(x, lags=[0, 1])
    assert found.isnull().sel(neuron="c").all()
    assert found.drop_sel(neuron="c").notnull().all()
    assert found.attrs["undefined_where"] == "a neuron does not vary"


def test_it_reads_once_and_makes_no_pairs():
    reads = []

    def noisy(block):
        """Samples that count how often they are asked for."""
        reads.append(block.shape)
        return block + np.random.default_rng(1).normal(size=block.shape)

    n, n_steps = 3000, 400  # all pairs would take 72 MB a lag
    zeros = da.zeros((n, n_steps), chunks=(n, 50))
    x = xr.DataArray(da.map_blocks(noisy, zeros, dtype=float, meta=np.empty((0, 0))), dims=("neuron", "time"))
    with dask.config.set(scheduler="synchronous"):
        found = netxr.autocorrelation(x, lags=range(8), memory="200MB").compute()
        assert found.shape == (8, n)
        assert len(reads) <= 9  # the first block again for the provisional mean
        reads.clear()
        dask.compute(with_autocorrelation(x.isel(neuron=slice(9)), lags=[1], own_lags=range(1, 80)))
        assert len(reads) <= 9


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("chunks", [None, {"time": 37}])
def test_it_comes_with_moments_from_the_same_read(dtype, chunks):
    """As both by themselves: at 1 lag, at few, and at as many as are added up by Fourier transforms."""
    x = activity(n=3, n_steps=300, trials=2).astype(dtype)
    given = x if chunks is None else x.chunk(chunks)
    for longest in (1, 5, 40):
        with nothing_computes():
            moments, own = with_autocorrelation(given, lags=[0, 2], own_lags=range(1, longest + 1))
        assert isinstance(own.data, da.Array) == (chunks is not None)
        xr.testing.assert_identical(moments.compute(), netxr.lagged_moments(given, lags=[0, 2]).compute())
        right = netxr.autocorrelation(x, lags=range(1, longest + 1)).assign_attrs(own.attrs)
        xr.testing.assert_allclose(own, right, rtol=0, atol=1e-12 if dtype == "float64" else 2e-6)


@given(st.lists(st.integers(1, 60), min_size=1, max_size=9), st.integers(1, 50))
def test_it_comes_with_moments_of_any_chunking(lengths, longest):
    x = activity(n_steps=sum(lengths) + 220, trials=1).isel(trial=0)
    _, own = with_autocorrelation(x.chunk(time=(*lengths, 220)), lags=[1], own_lags=range(1, longest + 1))
    right = netxr.autocorrelation(x, lags=range(1, longest + 1))
    xr.testing.assert_allclose(own.compute(scheduler="synchronous"), right, rtol=0, atol=1e-12)


def test_it_comes_with_moments_of_segments():
    x = activity(trials=1).isel(trial=0).assign_coords(time=np.r_[0:30, 50:100].astype(float))
    _, own = with_autocorrelation(x.assign_attrs(gaps="segments"), lags=[1], own_lags=range(1, 40))
    right = netxr.autocorrelation(x, lags=range(1, 40), gaps="segments")
    np.testing.assert_allclose(own, right, atol=1e-12)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"lags": [1, 1]}, "lags"), ({"lags": []}, "lags"), ({"lags": [79]}, "lags"), ({"lags": [1], "dim": "x"}, "dim")],
)
def test_what_does_not_fit(options, message):
    with pytest.raises(InvalidInput, match=message):
        netxr.autocorrelation(activity(), **options)


def test_moments_that_do_not_hold_it():
    with pytest.raises(InvalidInput, match=r"lags: got \[2\]"):
        netxr.autocorrelation(netxr.lagged_moments(activity()), lags=[2])
    with pytest.raises(InvalidInput, match="moments of some sources"):
        netxr.autocorrelation(netxr.lagged_moments(activity(), sources=["a", "b"]), lags=[1])
