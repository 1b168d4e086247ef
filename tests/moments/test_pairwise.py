"""Missing samples that are left out pair of neurons by pair: against loops over pairs, NumPy's and pandas' own."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import netxr
from netxr import names as n
from netxr.errors import InvalidInput
from tests.oracles import naive_pair_moments, pairs_of
from tests.runs import nothing_computes
from tests.strategies import FLOATS, chunked, recordings, samples

FIELDS = (n.COUNT, n.MEAN_TARGET, n.MEAN_SOURCE, n.SUMSQ_TARGET, n.SUMSQ_SOURCE, n.COMOMENT)


def with_gaps(n=4, n_steps=120, trials=2, seed=0):
    """A labelled recording with gaps of neurons' own, and single samples that are infinite."""
    values = samples((n, n_steps, trials), "float64", seed)
    rng = np.random.default_rng(seed)
    for k in range(n):
        start = rng.integers(0, n_steps - 20)
        values[k, start : start + 15, k % trials] = np.nan
    values[rng.integers(0, n, 5), rng.integers(0, n_steps, 5), 0] = np.inf
    coords = {"neuron": list("abcdefgh")[:n], "trial": 5 + np.arange(trials)}
    return xr.DataArray(values, dims=("neuron", "time", "trial"), coords=coords)


def by_pairs(trials, lag):
    """Pearson's r by numpy.corrcoef of each pair, NaN where fewer than two samples are there or one does not vary."""
    r = np.full((len(trials[0]), len(trials[0])), np.nan)
    for pair, target, source in pairs_of(trials, lag):
        if len(target) > 1 and np.ptp(target) and np.ptp(source):
            r[pair] = np.corrcoef(target, source)[0, 1]
    return r


def arrays(recording):
    return list(recording.transpose("trial", "neuron", "time").values)


def forms(recording):
    return [recording, recording.chunk(time=17), recording.chunk(time=50, neuron=3, trial=2)]


@pytest.mark.parametrize("lag", [0, 1, 40])
@pytest.mark.parametrize("form", range(3))
def test_each_pair_over_the_samples_that_both_have(lag, form):
    recording = with_gaps()
    data = forms(recording)[form]
    apart = netxr.lagged_correlation(data, lag=lag, missing="pairwise")
    pooled = netxr.lagged_correlation(data, lag=lag, missing="pairwise", dim=("time", "trial"))
    for k, label in enumerate(recording.trial.values):
        expected = by_pairs([arrays(recording)[k]], lag)
        np.testing.assert_allclose(apart.sel(trial=label).values, expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(pooled.values, by_pairs(arrays(recording), lag), rtol=0, atol=1e-12)
    assert pooled.sel(target="a", source="b").notnull()
    assert apart.attrs["missing"] == "pairwise"


def test_as_pandas_correlates():
    recording = with_gaps(trials=1).isel(trial=0)
    frame = pd.DataFrame(np.where(np.isfinite(recording.T), recording.T, np.nan))
    r = netxr.lagged_correlation(recording, lag=0, missing="pairwise")
    np.testing.assert_allclose(r.values, frame.corr().values, rtol=0, atol=1e-12)


@given(
    recordings(dtypes=FLOATS, max_neurons=4),
    st.lists(st.integers(0, 9), min_size=1, max_size=3, unique=True),
    st.data(),
)
def test_moments_of_any_recording_pair_by_pair(recording, lags, data):
    values = recording.values.copy()
    where = data.draw(st.lists(st.integers(0, values.size - 1), max_size=40))
    values.flat[where] = np.resize([np.nan, np.inf, -np.inf], len(where))
    recording = recording.copy(data=values)
    dim = ("time", "trial") if "trial" in recording.dims else "time"
    whole = recording if "trial" in recording.dims else recording.expand_dims("trial")
    options = {"lags": lags, "dim": dim, "missing": "pairwise", "precision": "float64"}
    for form in (recording, data.draw(chunked(recording))):
        moments = netxr.lagged_moments(form, **options).compute(scheduler="synchronous")
        for lag in lags:
            expected = naive_pair_moments([x.astype(np.longdouble) for x in arrays(whole)], lag)
            for name, wanted in zip(FIELDS, expected, strict=True):
                wanted = np.where(expected.count > 0, np.asarray(wanted, float), np.nan)
                found = moments[name].sel(lag=lag).where(expected.count > 0).values
                np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-9, err_msg=name)


def test_every_pair_has_a_count_and_means_of_its_own():
    recording = with_gaps(trials=1).isel(trial=0)
    moments = netxr.lagged_moments(recording, lags=[3], missing="pairwise").isel(lag=0)
    there = np.isfinite(recording.values)
    for i, target in enumerate("abcd"):
        for j, source in enumerate("abcd"):
            both = there[i, 3:] & there[j, :-3]
            pair = moments.sel(target=target, source=source)
            assert pair[n.COUNT].item() == both.sum()
            assert pair[n.MEAN_TARGET].item() == pytest.approx(recording.values[i, 3:][both].mean(), rel=1e-12)
            assert pair[n.MEAN_SOURCE].item() == pytest.approx(recording.values[j, :-3][both].mean(), rel=1e-12)


def test_nothing_missing_is_as_without():
    recording = with_gaps().where(np.isfinite, 0.5)
    for lag in (0, 2):
        pairwise = netxr.lagged_correlation(recording, lag=lag, missing="pairwise")
        np.testing.assert_allclose(pairwise, netxr.lagged_correlation(recording, lag=lag), rtol=0, atol=1e-13)


@pytest.mark.parametrize("chunks", [None, 11])
def test_neurons_that_are_never_there_together_are_undefined_without_a_warning(chunks):
    recording = with_gaps(trials=1).isel(trial=0)
    recording[0, :60], recording[1, 60:], recording[2] = np.nan, np.nan, np.nan
    data = recording if chunks is None else recording.chunk(time=chunks)
    moments = netxr.lagged_moments(data, lags=[0, 1], missing="pairwise").compute()
    assert moments[n.COUNT].sel(lag=0, target="a", source="b") == 0
    assert moments[n.MEAN_TARGET].sel(lag=0, target="a", source="b").isnull()
    r = netxr.lagged_correlation(moments, lag=0)
    assert r.sel(target="a", source="b").isnull()
    assert r.sel(target="c").isnull().all()
    assert r.sel(target=["a", "d"], source=["a", "d"]).notnull().all()


def test_one_sample_in_common_is_undefined():
    recording = with_gaps(trials=1).isel(trial=0)
    recording[0, 1:] = np.nan
    recording[0, 0] = recording[1, 0] = 3.0
    assert netxr.lagged_correlation(recording, lag=0, missing="pairwise").sel(target="a").isnull().all()


@pytest.mark.parametrize("source", ["c", ["d", "a"]])
@pytest.mark.parametrize("at", [{"lag": 1}, {"lags": [2, 0]}, {"lags": [0, -2, 2]}])
def test_from_moments_as_from_activity(source, at):
    recording = with_gaps()
    moments = netxr.lagged_moments(recording.chunk(time=31), lags=[0, 1, 2], missing="pairwise")
    with nothing_computes():
        r = netxr.lagged_correlation(moments, **at, sources=source)
    expected = netxr.lagged_correlation(recording, **at, sources=source, missing="pairwise")
    np.testing.assert_allclose(r.values, expected.values, rtol=0, atol=1e-13)
    assert r.dims == expected.dims


def test_some_sources_in_float32():
    recording = with_gaps(n_steps=4000)
    r = netxr.lagged_correlation(recording, sources=["b", "d"], missing="pairwise", precision="float32")
    expected = [by_pairs([x], 1)[:, [1, 3]] for x in arrays(recording)]
    np.testing.assert_allclose(r.values, expected, rtol=0, atol=2e-6)


def test_moments_of_pairs_are_no_moments_of_groups():
    moments = netxr.lagged_moments(with_gaps(), lags=[0, 1], missing="pairwise")
    with pytest.raises(InvalidInput, match=r"data: .*Coarse-grain the activity instead"):
        netxr.coarsen(moments, groups=2)
