"""Recordings whose times have gaps: refused where lags count samples, or cut into segments of which none is crossed."""

import dask
import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import netxr
from netxr.errors import InvalidInput

EVERY = {"neuron": ["a", "b", "c"], "time": np.arange(60) * 0.1}


def recording(kept, *, trials=0, seed=0, **attrs):
    """Samples (neuron, time[, trial]) at some of the times of an even grid."""
    shape = (3, 60, trials)[: 3 if trials else 2]
    samples = np.random.default_rng(seed).normal(size=shape).cumsum(axis=1)
    whole = xr.DataArray(samples, EVERY, ("neuron", "time", "trial")[: len(shape)], name="activity", attrs=attrs)
    return whole.isel(time=kept)


def stretches(x):
    """The samples between gaps, (neuron, time) each, by their times."""
    return np.split(x.values, np.flatnonzero(np.diff(x.time.values) > 0.15) + 1, axis=1)


def pairs(parts, lag):
    """All targets and all sources, (neuron, pair) each."""
    return [np.hstack([part[:, s] for part in parts]) for s in (slice(lag, None), slice(None, -lag or None))]


def correlation(parts, lag):
    """R of pairs that lie within parts, by NumPy."""
    target, source = pairs([part for part in parts if part.shape[1] > lag], abs(lag))
    return np.corrcoef(target, source)[:3, 3:]


def test_by_hand():
    x = xr.DataArray(
        [[1.0, 2.0, 7.0, 5.0, 6.0], [0.0, 1.0, 0.0, 3.0, 1.0]],
        {"neuron": ["a", "b"], "time": [0, 1.0, 5, 6, 7]},
        ("neuron", "time"),
    )
    m = netxr.lagged_moments(x, lags=[1], gaps="segments").isel(lag=0)
    assert m["count"] == 3  # 1 2 | 7 5 6: one pair, and two
    np.testing.assert_allclose(m.mean_target, [13 / 3, 5 / 3])  # targets 2 5 6 and 1 3 1
    np.testing.assert_allclose(m.mean_source, [13 / 3, 1])  # sources 1 7 5 and 0 0 3
    by_hand = (2 - 13 / 3) * (1 - 13 / 3) + (5 - 13 / 3) * (7 - 13 / 3) + (6 - 13 / 3) * (5 - 13 / 3)
    assert m.comoment.sel(target="a", source="a").item() == pytest.approx(by_hand)


@given(dropped=st.sets(st.integers(5, 54), min_size=1, max_size=8), lag=st.integers(1, 4), chunk=st.integers(3, 60))
def test_no_pair_crosses_a_gap_however_it_is_chunked(dropped, lag, chunk):
    x = recording(np.delete(np.arange(60), sorted(dropped)))
    expected = correlation(stretches(x), lag)
    for one in (x, x.chunk(time=chunk), x.chunk(time=chunk, neuron=2)):
        found = netxr.lagged_correlation(one, lag=lag, gaps="segments")
        assert (one.chunks is None) == (found.chunks is None)
        np.testing.assert_allclose(found.compute(scheduler="synchronous"), expected, atol=1e-9)


KEPT = np.r_[0:20, 23:24, 30:60]


def test_segments_are_pooled_as_trials_are():
    x, lags = recording(KEPT), [0, 1, 2, 3]
    parts = [
        xr.DataArray(samples[..., None], {"neuron": x.neuron, "trial": [0]}, ("neuron", "time", "trial"))
        for samples in stretches(x)
    ]
    found = netxr.lagged_moments(x, lags=lags, gaps="segments")
    lazy = netxr.lagged_moments(x.chunk(time=7), lags=lags, gaps="segments")
    assert found.gaps == "segments"
    long = [netxr.lagged_moments(part, lags=lags, dim=("time", "trial")) for part in (parts[0], parts[2])]
    alone = parts[1].isel(time=0, trial=0).values
    assert found["count"].values.tolist() == [51, 48, 46, 44]
    expected = netxr.merge_moments(long)
    for name in ("comoment", "mean_target", "sumsq_source"):
        np.testing.assert_allclose(found[name][1:], expected[name][1:])
    mean = (expected.mean_target.isel(lag=0) * 50 + alone) / 51
    np.testing.assert_allclose(found.mean_target.isel(lag=0), mean)
    assert dask.is_dask_collection(lazy)
    xr.testing.assert_allclose(lazy.compute(), found)


@pytest.mark.parametrize("dim", ["time", ("time", "trial")])
def test_trials_with_the_same_gaps(dim):
    x = recording(KEPT, trials=2)
    found = netxr.lagged_correlation(x, lags=[1, 2], dim=dim, gaps="segments")
    by_trial = [stretches(x.isel(trial=k)) for k in range(2)]
    together = [by_trial[0] + by_trial[1]] if dim != "time" else by_trial
    for lag in (1, 2):
        expected = np.squeeze([correlation(parts, lag) for parts in together])
        np.testing.assert_allclose(found.sel(lag=lag), expected, atol=1e-9)


@pytest.mark.parametrize("chunks", [None, {"time": 9}])
def test_every_way_to_r_cuts_alike(chunks, tmp_path):
    x = recording(KEPT)
    x = x if chunks is None else x.chunk(chunks)
    parts = stretches(x)
    right = correlation(parts, 2)
    stored = netxr.lagged_correlation(x, lags=[2, -2], gaps="segments", store=tmp_path / "R.zarr")
    np.testing.assert_allclose(stored.sel(lag=2), right, atol=1e-9)
    np.testing.assert_allclose(stored.sel(lag=-2), right.T, atol=1e-9)
    edges = netxr.strongest_pairs(x, lag=2, k=2, gaps="segments")
    for edge in edges.lagged_correlation:
        i, j = (EVERY["neuron"].index(str(edge[side].item())) for side in ("target", "source"))
        assert edge.item() == pytest.approx(right[i, j])
    both = netxr.estimate(x, method=["lagged_correlation", "correlation"], lag=2, gaps="segments")
    np.testing.assert_allclose(both.sel(estimator="lagged_correlation"), right, atol=1e-9)
    groups = {"one": [0, 0, 1], "neurons": None}
    levels = netxr.coarse_moments(x, levels=groups, lags=[0, 2], gaps="segments")
    np.testing.assert_allclose(netxr.lagged_correlation(levels["neurons"], lag=2), right, atol=1e-9)
    averaged = [np.vstack([part[:2].mean(axis=0), part[2]]) for part in parts if part.shape[1] > 2]
    expected = np.corrcoef(*pairs(averaged, 2))[:2, 2:]
    np.testing.assert_allclose(netxr.lagged_correlation(levels["one"], lag=2), expected, atol=1e-9)
    moments = netxr.lagged_moments(x, lags=[0, 2], gaps="segments")
    coarse = netxr.lagged_correlation(netxr.coarsen(moments, groups=[0, 0, 1]), lag=2)
    np.testing.assert_allclose(coarse, expected, atol=1e-9)


def test_a_recording_can_say_it_itself():
    x = recording(KEPT).assign_attrs(gaps="segments")
    found = netxr.lagged_correlation(x)
    np.testing.assert_allclose(found, correlation(stretches(x), 1))
    assert found.gaps == "segments"
    assert "gaps" not in netxr.lagged_correlation(x.isel(time=slice(0, 20))).attrs
    assert netxr.plan(x).peak_bytes > 0


UNEVEN = {
    "frames cut out": (
        np.arange(60)[np.arange(60) % 4 < 2] * 0.1,
        r"0\.1 is followed by 0\.4 \(sample 2\).* 0\.1, and 13 more",
    ),
    "a gap": (np.r_[0:30, 60:90] / 30, r"is followed by 2\.0 \(sample 30\), where most steps are 0\.0333333;"),
    "descending": (
        np.arange(30.0)[::-1],
        r"descends: 29\.0 is followed by 28\.0 .*\.isel\(time=slice\(None, None, -1\)\)",
    ),
    "dates": (
        np.datetime64("2026-01-01", "ns") + np.r_[0:9, 12:30] * np.timedelta64(1, "s"),
        r"8\.0 is followed by 12\.0",
    ),
    "durations": (np.r_[0:9, 12:30] * np.timedelta64(100, "ms"), r"0\.8 is followed by 1\.2 \(sample 9\)"),
    "whole numbers": (np.r_[0:9, 12:30], r"8 is followed by 12 \(sample 9\)"),
}


@pytest.mark.parametrize("case", UNEVEN)
def test_uneven_times_are_refused_where_lags_count_samples(case, tmp_path):
    times, told = UNEVEN[case]
    x = xr.DataArray(np.random.default_rng(0).normal(size=(2, len(times))), {"time": times}, ("neuron", "time"))
    asked = {
        "moments": lambda: netxr.lagged_moments(x),
        "lazily": lambda: netxr.lagged_moments(x.chunk(time=4)),
        "correlation": lambda: netxr.lagged_correlation(x.to_dataset(name="activity"), lag=-1),
        "estimate": lambda: netxr.estimate(x, method="lagged_correlation"),
        "store": lambda: netxr.lagged_correlation(x, store=tmp_path / "R.zarr"),
        "levels": lambda: netxr.coarse_moments(x, levels={"one": 1}),
        "pairs": lambda: netxr.strongest_pairs(x, k=1),
        "plan": lambda: netxr.plan(x),
    }
    for name, ask in asked.items():
        with pytest.raises(InvalidInput, match=told):
            ask()
        assert name
    assert not list(tmp_path.iterdir())
    R = netxr.lagged_correlation(x, lag=0)
    np.testing.assert_allclose(R, np.corrcoef(x.values))


EVEN = {
    "30 Hz by a clock of milliseconds": np.round(np.arange(300) / 30, 3),
    "300 Hz by a clock of milliseconds": np.round(np.arange(300) / 300, 3),
    "float32 seconds": (1000 + np.arange(300) / 30).astype(np.float32),
    "a jitter of a microsecond": np.arange(300) / 30 + np.random.default_rng(0).uniform(-1e-6, 1e-6, 300),
    "a jitter of a twentieth": np.arange(300) + np.random.default_rng(0).uniform(-0.04, 0.04, 300),
    "a clock that drifts": np.cumsum(np.linspace(1, 1.05, 300)),
    "labels that are no times": [f"frame {k}" for k in range(300)],
    "milliseconds as whole numbers": np.round(np.arange(300) * 1000 / 30).astype(int),
}


@pytest.mark.parametrize("case", EVEN)
def test_rounded_times_are_even(case):
    samples = np.random.default_rng(0).normal(size=(2, 300))
    x = xr.DataArray(samples, {"time": EVEN[case]}, ("neuron", "time"))
    expected = netxr.lagged_correlation(x.drop_vars("time"))
    np.testing.assert_array_equal(netxr.lagged_correlation(x), expected)
    np.testing.assert_array_equal(netxr.lagged_correlation(x, gaps="segments"), expected)


def test_segments_too_short_for_a_lag():
    x = recording(np.arange(0, 60, 2)[[0, 1, 2, 5, 6, 7, 20, 21, 22]])
    with pytest.raises(InvalidInput, match=r"lags: got 3, for 3 segments of at most 3 samples"):
        netxr.lagged_moments(x, lags=[3], gaps="segments")
    with pytest.raises(InvalidInput, match="gaps: got 'cut'; expected 'raise' or 'segments'"):
        netxr.lagged_moments(x, gaps="cut")
    with pytest.raises(InvalidInput, match="moments of several trials or segments"):
        netxr.merge_moments([netxr.lagged_moments(x, gaps="segments")], continuous=True)
    with pytest.raises(InvalidInput, match="data: got a single sample a trial; expected two or more along time"):
        netxr.lagged_correlation(x.isel(time=[0]))
