"""p-values of correlations: by hand, against SciPy and plain loops, and how often they are wrong."""

import warnings

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import signal, stats

import netxr
import netxr.significance.correlation_test as module
from netxr.errors import InvalidInput, NonFiniteActivity
from netxr.kernels.significance import correlation_interval, correlation_p_value, effective_samples
from tests.runs import nothing_computes


def recorded(x):
    dims = ("neuron", "time") if np.ndim(x) == 2 else ("trial", "neuron", "time")
    return netxr.as_activity(x, dims=dims).transpose("neuron", "time", ...)


def autoregressive(phi, n, n_steps, seed):
    """Independent neurons, each phi times its last sample and noise."""
    noise = np.random.default_rng(seed).normal(size=(n, n_steps + 1000))
    return recorded(signal.lfilter([1], [1, -phi], noise, axis=1)[:, 1000:])


# --- by hand -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "source", "expected"),
    [
        ([0, 0], [0.9, 0.9], 100),
        ([0.5, 0.4], [0.5, 0.1], 100 / (1 + 2 * 0.99 * 0.25)),  # .1 is below 1.96 / 10, where the source ends
        ([0.5, 0.1, 0.5], [0.5] * 3, 100 / (1 + 2 * (0.99 * 0.25 + 0.98 * 0.05 + 0.97 * 0.25))),  # comes back: no end
        ([0.5, 0.1, 0.5, *[0.0] * 9], [0.5] * 12, 100 / (1 + 2 * 0.99 * 0.25)),  # one of ten that follow may be large
        ([0.5, 0.1, 0.5, 0.5, *[0] * 9], [0.5, *[0] * 12], 100 / (1 + 2 * 0.99 * 0.25)),
    ],
)
def test_effective_samples(target, source, expected):
    columns = (np.array(side, float)[:, None] for side in (target, source))
    assert effective_samples(*columns, 100).item() == pytest.approx(expected)


# --- against independent computations ----------------------------------------------------------


def test_independent_samples_as_scipy():
    x = np.random.default_rng(0).normal(size=(3, 60))
    found = netxr.correlation_test(recorded(x), lag=2, null="samples")
    for i, j in np.ndindex(3, 3):
        expected = stats.pearsonr(x[i, 2:], x[j, :-2])
        at = {"target": i, "source": j}
        assert found.p_value.sel(at).item() == pytest.approx(expected.pvalue, rel=1e-10)
        assert found.lower.sel(at).item() == pytest.approx(expected.confidence_interval(0.95).low, abs=1e-10)
        assert found.upper.sel(at).item() == pytest.approx(expected.confidence_interval(0.95).high, abs=1e-10)
    assert (found.effective_samples == 58).all()


def end_by_hand(r, n_samples):
    """The first lag from which on nine in ten of r are small, over as many lags as there are before and 10 at least."""
    small = np.abs(r) < stats.norm.ppf(0.975) / np.sqrt(n_samples)
    for k in range(1, len(r) + 1):
        if small[k - 1] and small[k - 1 : k - 1 + max(10, k)].mean() >= 0.9:
            return k
    return len(r) + 1


def test_autocorrelation_as_a_plain_loop(monkeypatch):
    x = autoregressive(0.8, 4, 400, seed=1)
    found = netxr.correlation_test(x)
    r = netxr.autocorrelation(x, lags=range(1, 100)).values
    monkeypatch.setattr(module, "PART_ENTRIES", 5)  # one row at a time
    xr.testing.assert_identical(netxr.correlation_test(x), found)
    ends = [end_by_hand(r[:, i], 399) for i in range(4)]
    for i, j in np.ndindex(4, 4):
        total = 0.0
        for k in range(1, min(ends[i], ends[j])):
            total += (1 - k / 399) * r[k - 1, i] * r[k - 1, j]
        n_effective = 399 / (1 + 2 * total)
        R = np.corrcoef(x[i, 1:], x[j, :-1])[0, 1]
        t = R * np.sqrt((n_effective - 2) / (1 - R**2))
        assert found.effective_samples.values[i, j] == pytest.approx(n_effective, rel=1e-10)
        assert found.p_value.values[i, j] == pytest.approx(2 * stats.t.sf(abs(t), n_effective - 2), rel=1e-8)


def test_each_pair_has_the_samples_of_its_own():
    """Of samples that are missing here and there, as a plain loop over pairs."""
    x = autoregressive(0.7, 3, 700, seed=4)
    x.values[0, :100] = np.nan
    x.values[2, 250:420:3] = np.nan
    flat = netxr.autocorrelation(x, lags=range(1, 60), missing="pairwise")
    far = range(100, 100 + 20 * 16, 20)
    moments = netxr.lagged_moments(x, lags=[1, *far], missing="pairwise")
    found = netxr.correlation_test(moments, autocorrelation=flat)
    naive, shifted = (netxr.correlation_test(moments, null=null) for null in ("samples", "shift"))

    def both(i, j, lag):
        pair = np.stack([x.values[i, lag:], x.values[j, : 700 - lag]])
        return pair[:, np.isfinite(pair).all(0)]

    counts = np.array([[both(i, j, 1).shape[1] for j in range(3)] for i in range(3)])
    for i, j in np.ndindex(3, 3):
        n, total = counts[i, j], 0.0
        ends = [stats.norm.ppf(0.975) / np.sqrt(most) for most in (counts[i].max(), counts[:, j].max())]
        for k in range(1, 60):
            r = flat.values[k - 1, [i, j]]
            if (abs(r) < ends).any():
                break
            total += (1 - k / n) * r[0] * r[1]
        assert found.effective_samples.values[i, j] == pytest.approx(n / (1 + 2 * total), rel=1e-10)
        expected = stats.pearsonr(*both(i, j, 1))
        assert naive.p_value.values[i, j] == pytest.approx(expected.pvalue, rel=1e-8, abs=1e-300)
        z = [np.arctanh(np.corrcoef(both(i, j, k))[0, 1]) * np.sqrt(both(i, j, k).shape[1] / n) for k in far]
        t = np.arctanh(expected.statistic) / np.sqrt(np.mean(np.square(z)))
        assert shifted.p_value.values[i, j] == pytest.approx(2 * stats.t.sf(abs(t), len(far)), rel=1e-8)


def test_trials_tested_together_as_a_plain_loop():
    trials = [autoregressive(0.6, 3, n_steps, seed=seed).values for seed, n_steps in ((1, 400), (2, 400))]
    x = netxr.as_activity(np.stack(trials, axis=2), dims=("neuron", "time", "trial"))
    options = {"null": "samples", "dim": ("time", "trial")}
    for data in (x, x.chunk(time=150), x.to_dataset(name="activity")):
        found = netxr.correlation_test(data, **options)
        assert found.p_value.dims == ("target", "source")
        for i, j in np.ndindex(3, 3):
            pair = np.concatenate([[one[i, 1:], one[j, :-1]] for one in trials], axis=1)
            assert found.lagged_correlation.values[i, j] == pytest.approx(np.corrcoef(pair)[0, 1], abs=1e-12)
            expected = stats.pearsonr(*pair).pvalue
            assert found.p_value.values[i, j] == pytest.approx(expected, rel=1e-8, abs=1e-300)
    assert found.p_value.attrs["made_by"].endswith("dim=('time', 'trial'))")
    together = netxr.correlation_test(x, dim=("time", "trial"))
    listed = netxr.edges(x, dim=("time", "trial"), q=0.9)
    at = {"target": listed.target, "source": listed.source}
    np.testing.assert_allclose(listed.p_value, together.p_value.sel(at), rtol=1e-10)


def test_samples_that_are_missing_are_left_out():
    x = autoregressive(0.7, 3, 900, seed=4)
    whole = netxr.correlation_test(x, null="samples")
    x.values[0, :100] = np.nan
    x.values[2, 250:420:3] = np.nan
    with pytest.raises(NonFiniteActivity):
        netxr.correlation_test(x)
    pairwise = netxr.correlation_test(x, null="samples", missing="pairwise")
    dropped = netxr.correlation_test(x.chunk(time=200), null="samples", missing="drop")
    is_there = np.isfinite(x.values)
    every = is_there.all(0)
    for i, j in np.ndindex(3, 3):
        both, all_of_them = is_there[i, 1:] & is_there[j, :-1], every[1:] & every[:-1]
        for found, kept in ((pairwise, both), (dropped, all_of_them)):
            expected = stats.pearsonr(x.values[i, 1:][kept], x.values[j, :-1][kept])
            assert found.p_value.values[i, j] == pytest.approx(expected.pvalue, rel=1e-8, abs=1e-300)
    assert pairwise.p_value.values[1, 1] == pytest.approx(whole.p_value.values[1, 1], rel=1e-8)
    flat = netxr.autocorrelation(x, lags=range(1, 226), missing="pairwise")
    moments = netxr.lagged_moments(x, lags=[1], missing="pairwise")
    expected = netxr.correlation_test(moments, autocorrelation=flat)
    found = netxr.correlation_test(x, missing="pairwise")
    np.testing.assert_allclose(found.p_value, expected.p_value, rtol=1e-10)
    np.testing.assert_allclose(found.effective_samples, expected.effective_samples, rtol=1e-10)


def test_shifts_as_a_plain_loop():
    x = autoregressive(0.5, 3, 600, seed=2)
    far = range(20, 20 + 18 * 15, 15)
    found = netxr.correlation_test(netxr.lagged_moments(x, lags=[1, *far]), null="shift")
    samples = x.values
    for i, j in np.ndindex(3, 3):
        z = [np.arctanh(np.corrcoef(samples[i, k:], samples[j, : 600 - k])[0, 1]) for k in (1, *far)]
        scaled = [one * np.sqrt((600 - k) / 599) for one, k in zip(z[1:], far, strict=True)]
        t = z[0] / np.sqrt(np.mean(np.square(scaled)))
        assert found.p_value.values[i, j] == pytest.approx(2 * stats.t.sf(abs(t), 18), rel=1e-8)


@pytest.mark.parametrize("n_effective", [4, 60.5, 998, 1002, 1003.5, 30_000, 1e7])
def test_p_values_and_intervals_of_any_number_of_samples(n_effective):
    r = np.concatenate([np.tanh(np.linspace(0, 20, 400) / np.sqrt(n_effective)), [0.999, 1, -1, -0.2]])
    samples = np.full(r.shape, float(n_effective))
    with np.errstate(divide="ignore"):
        t, z = np.abs(r) * np.sqrt((samples - 2) / (1 - r**2)), np.arctanh(r)
    expected = 2 * stats.t.sf(t, samples - 2)
    found = correlation_p_value(r, samples)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-14)
    np.testing.assert_allclose(found[:300], expected[:300], rtol=1e-9)
    for end, sign in zip(correlation_interval(r, 1 / np.sqrt(samples - 3)), (-1, 1), strict=True):
        np.testing.assert_allclose(end, np.tanh(z + sign * 1.959963984540054 / np.sqrt(samples - 3)), atol=1e-12)


# --- relations ---------------------------------------------------------------------------------


@pytest.mark.parametrize("null", ["autocorrelation", "shift", "samples"])
def test_trials_chunks_scales_and_sides(null):
    x = recorded(np.stack([autoregressive(0.3, 3, 400, seed).values for seed in (1, 2)]))
    found = netxr.correlation_test(x, null=null)
    assert found.p_value.sizes == {"trial": 2, "target": 3, "source": 3}
    one = netxr.correlation_test(x.isel(trial=1), null=null)
    xr.testing.assert_allclose(found.isel(trial=1), one)
    with nothing_computes():
        lazy = netxr.correlation_test(x.chunk(time=70) * 5 + 2, null=null)
    xr.testing.assert_allclose(lazy.compute().drop_attrs(), found.drop_attrs(), rtol=1e-8)
    swapped = netxr.correlation_test(x, lag=-1, null=null).rename(target="source", source="target")
    np.testing.assert_allclose(swapped.p_value.transpose(*found.p_value.dims), found.p_value)


def test_moments_need_no_read_where_they_hold_the_lags():
    x = autoregressive(0.5, 3, 500, seed=3)
    moments = netxr.lagged_moments(x, lags=range(31))
    found = netxr.correlation_test(moments)
    given = netxr.correlation_test(
        netxr.lagged_moments(x, lags=[1]), autocorrelation=netxr.autocorrelation(x, lags=range(31))
    )
    xr.testing.assert_allclose(found.p_value, given.p_value)


# --- how often they are wrong ------------------------------------------------------------------


def rejected(phi, n_steps, pairs, *, longest=None, **options):
    """p-values of pairs of independent neurons."""
    found = []
    for seed in range(pairs // 32):
        x = autoregressive(phi, 64, n_steps, seed)
        if longest is not None:
            options["autocorrelation"] = netxr.autocorrelation(x, lags=range(1, longest + 1))
        p = netxr.correlation_test(x, **options).p_value.values
        found.append(p[np.arange(0, 64, 2), np.arange(1, 64, 2)])
    return np.concatenate(found)


@pytest.mark.parametrize("test", [netxr.regression, netxr.granger])
def test_regression_and_granger_of_independent_neurons(test):
    noise = np.random.default_rng(0).normal(size=(2, 2500, 1000))
    x = signal.lfilter([1], [1, -0.9], noise, axis=1)[:, 500:]
    found = test(netxr.lagged_moments(netxr.as_activity(x, dims=("neuron", "time", "trial"))))
    p = np.concatenate([found.p_value.sel(target=i, source=1 - i) for i in (0, 1)])
    assert 0.04 <= (p <= 0.05).mean() <= 0.06
    assert stats.kstest(p, "uniform").pvalue > 0.01


@pytest.mark.slow
def test_the_textbook_test_finds_what_is_not_there():
    assert (rejected(0.9, 2000, 512, null="samples") <= 0.05).mean() == pytest.approx(0.53, abs=0.04)


@pytest.mark.slow
@pytest.mark.parametrize("null", ["autocorrelation", "shift"])
def test_others_do_not(null):
    p = rejected(0.9, 2000, 1536, null=null)
    assert 0.04 <= (p <= 0.05).mean() <= 0.06
    assert stats.kstest(p, "uniform").pvalue > 0.01


def oscillating(frequency, n, n_steps, seed):
    """Independent neurons that swing about zero at a frequency, in cycles a sample, for some hundred samples."""
    noise = np.random.default_rng(seed).normal(size=(n, n_steps + 1000))
    return signal.lfilter([1], [1, -2 * 0.98 * np.cos(2 * np.pi * frequency), 0.98**2], noise, axis=1)[:, 1000:]


@pytest.mark.parametrize("kind", ["2 Hz", "8 Hz", "high-pass"])
def test_autocorrelations_that_come_back_are_taken_whole(kind):
    """What swings about zero crosses it: an autocorrelation that ended there found three times as many pairs."""
    high = signal.butter(2, 0.01, "high", output="sos")
    p = []
    for seed in range(12):
        if kind == "high-pass":
            x = signal.sosfiltfilt(high, autoregressive(0.95, 15, 4000, seed).values, axis=1)
        else:
            x = oscillating(float(kind.split()[0]) / 100, 15, 4000, seed)
        found = netxr.correlation_test(recorded(x))
        assert not found.slow.any()
        p.append(found.p_value.values[~np.eye(15, dtype=bool)])
    assert (np.concatenate(p) <= 0.05).mean() <= 0.065
    assert (np.concatenate(p) <= 0.001).mean() <= 0.003


def test_a_rhythm_that_does_not_fade_is_warned_of():
    wave = np.sin(2 * np.pi * np.arange(3000) / 50 + np.arange(3)[:, None])
    x = wave + np.random.default_rng(0).normal(size=wave.shape)
    with pytest.warns(UserWarning, match="of 3 of 3 neurons is not yet zero at lag 399"):
        assert netxr.correlation_test(recorded(x)).slow.all()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The autocorrelation of")
def test_slow_activity_needs_long_autocorrelations():
    assert 0.04 <= (rejected(0.98, 2000, 640) <= 0.05).mean() <= 0.07
    assert (rejected(0.98, 2000, 640, longest=20) <= 0.05).mean() == pytest.approx(0.14, abs=0.03)


def test_autocorrelations_that_end_too_soon_are_warned_of():
    x = autoregressive(0.98, 8, 2000, 0)
    x.values[2] = np.random.default_rng(1).normal(size=2000)
    with pytest.warns(UserWarning, match=r"of 7 of 8 neurons is not yet zero at lag 20.*range\(1, 40\)"):
        found = netxr.correlation_test(x, autocorrelation=netxr.autocorrelation(x, lags=range(1, 21)))
    assert found.slow.values.tolist() == [True, True, False, *[True] * 5]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not netxr.correlation_test(autoregressive(0.5, 8, 2000, 0)).slow.any()
        for null in ("shift", "samples"):
            assert "slow" not in netxr.correlation_test(autoregressive(0.5, 8, 2000, 0), null=null)


def test_counts_of_rare_events_are_warned_of():
    rates = np.array([0.01, 0.01, 0.05, 0.05])  # .4 frames with both of the first two, 10 of the last
    x = (np.random.default_rng(0).random((4, 4000)) < rates[:, None]).astype(int)
    together = 3999 * np.outer(rates, rates)
    n_rare = (together < 5).sum()
    assert n_rare == 12
    kinds = (recorded(x.astype(dtype)) for dtype in ("u1", "f4", "f8"))
    for data in (recorded(x), recorded(x).chunk(time=1000), *kinds):
        for lag in (1, -1):
            with pytest.warns(UserWarning, match=rf"In {n_rare} of 16 pairs .* fewer than 5 frames"):
                netxr.correlation_test(data, lag=lag).compute()
            with pytest.warns(UserWarning, match=rf"In {n_rare} of 16 pairs .* fewer than 5 frames"):
                netxr.edges(data, lag=lag)
    trials = netxr.as_activity(np.stack([x] * 5, 2), dims=("neuron", "time", "trial"))
    with pytest.warns(UserWarning, match="In 12 of 16 pairs"):
        netxr.edges(trials)
    with pytest.warns(UserWarning, match="In 4 of 16 pairs"):  # 2 frames with both of the first, 10 of others
        netxr.edges(trials, dim=("time", "trial"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        netxr.correlation_test(recorded(x[2:]))
        netxr.edges(recorded(x[2:]))
        netxr.correlation_test(
            recorded(np.random.default_rng(0).normal(0, 300, (4, 400)).astype(np.int16))
        )  # no counts
        glow = recorded(x + 0.01 * np.random.default_rng(0).random(x.shape))
        netxr.correlation_test(glow)
        netxr.edges(glow)


def test_float32_samples_with_a_far_frame_are_tested_or_the_way_out_is_said():
    """Lags that leave the far frame out have deviations that float32 products about it do not resolve."""
    x = np.random.default_rng(0).normal(size=(4, 2000))
    x[0, 5] = 1e5
    single, exact = recorded(x.astype(np.float32)), recorded(x)
    found, expected = (netxr.correlation_test(one).p_value for one in (single, exact))
    np.testing.assert_allclose(found, expected, rtol=1e-3)
    with pytest.raises(InvalidInput, match=r'Ask for precision="float64" where .* \.astype\("float64"\)'):
        netxr.correlation_test(single, null="shift")
    netxr.correlation_test(single.astype("float64"), null="shift")


def test_each_trial_says_what_is_slow_in_it():
    slow, fast = autoregressive(0.98, 4, 2000, 0), autoregressive(0.3, 4, 2000, 1)
    x = xr.concat([fast, slow, fast], "trial").transpose("neuron", "time", "trial").chunk(time=300)
    with nothing_computes():
        found = netxr.correlation_test(x, autocorrelation=netxr.autocorrelation(x, lags=range(1, 21)))
    with pytest.warns(UserWarning, match="4 of 4 neurons"):
        assert found.slow.transpose("trial", "target").values.tolist() == [[False] * 4, [True] * 4, [False] * 4]


# --- what cannot be ----------------------------------------------------------------------------


def test_constants_are_undefined():
    x = np.random.default_rng(0).normal(size=(3, 800))
    x[1] = 4
    for null in ("autocorrelation", "shift", "samples"):
        found = netxr.correlation_test(recorded(x), null=null)
        undefined = np.zeros((3, 3), bool)
        undefined[1], undefined[:, 1] = True, True
        for name in ("p_value", "lower", "upper"):
            np.testing.assert_array_equal(np.isnan(found[name]), undefined)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"null": "phase"}, "null: got 'phase'"),
        ({"missing": "drop"}, "missing: got .*; expected no options of the pass for moments"),
        ({"dim": ("time", "trial")}, "dim: got .*; expected no options of the pass for moments"),
        ({"lag": 1.5}, "lag: got 1.5"),
        (
            {"null": "samples", "autocorrelation": xr.DataArray([0.1], dims="lag")},
            "autocorrelation: got it; expected none",
        ),
        ({"null": "shift"}, r"data: got moments at 1 lags beyond 1; expected 16 or more far lags"),
        ({}, r"autocorrelation: got none, and moments at lags \[1, 5\]"),
        ({"autocorrelation": xr.DataArray([0.1], dims="lag")}, "autocorrelation: got DataArray"),
        ({"autocorrelation": xr.DataArray([[0.1] * 2], {"lag": [3]}, ("lag", "neuron"))}, r"got lags \[3\]"),
        (
            {"autocorrelation": xr.DataArray([[0.1] * 2], {"lag": [1], "neuron": [0, 7]}, ("lag", "neuron"))},
            "autocorrelation: got none of 1 neurons, such as 1",
        ),
    ],
)
def test_what_cannot_be(options, told):
    moments = netxr.lagged_moments(autoregressive(0.5, 2, 100, 0), lags=[1, 5])
    with pytest.raises(InvalidInput, match=told):
        netxr.correlation_test(moments, **options)


def test_far_lags_within_the_memory_of_activity():
    with pytest.raises(InvalidInput, match="data: got far lags 50 samples apart, at which correlations go together"):
        netxr.correlation_test(autoregressive(0.98, 20, 2000, 0), null="shift")


@pytest.mark.parametrize(
    ("n", "n_steps", "runs", "power", "within"),
    [
        (25, 5000, 5, 0.85, 0.02),
        pytest.param(25, 5000, 20, 0.85, 0.005, marks=pytest.mark.slow),
        pytest.param(50, 5000, 20, 0.16, 0.005, marks=pytest.mark.slow),
        pytest.param(50, 20_000, 5, 0.94, 0.005, marks=pytest.mark.slow),
        pytest.param(100, 20_000, 2, 0.23, 0.005, marks=pytest.mark.slow),
    ],
)
def test_false_discoveries_and_power_on_the_tutorials_model(n, n_steps, runs, power, within):
    rejected, false, found = {"correlation": [], "regression": [], "granger": []}, [], []
    for seed in range(runs):
        A = netxr.random_connectivity(n, sparsity=0.9, seed=seed)
        x = netxr.simulate(A, n_steps=n_steps, seed=seed).activity.isel(trial=0)
        off, edge = ~np.eye(n, dtype=bool), A.values != 0
        moments = netxr.lagged_moments(x, lags=[0, 1])
        tested = netxr.correlation_test(x)
        rejected["correlation"].append(tested.p_value.values)
        rejected["regression"].append(netxr.regression(moments).p_value.values)
        rejected["granger"].append(netxr.granger(moments, conditional=False).p_value.values)
        for p in rejected.values():
            p[-1] = (p[-1][off & ~edge] <= 0.05).mean()
        called = netxr.false_discovery(tested.p_value).values <= 0.05
        false.append((called & ~edge).sum() / max(1, called.sum()))
        found.append(called[off & edge].mean())
    for share in rejected.values():
        assert np.mean(share) == pytest.approx(0.05, abs=within)
    assert np.mean(false) <= 0.055 + within
    assert np.mean(found) == pytest.approx(power, abs=0.05 + 5 * within)  # networks differ


def test_lags_of_the_autocorrelation_are_those_that_segments_offer():
    """Of stretches of 60 and 40 samples, no more than 15: at longer ones there may be no pair."""
    x = (
        autoregressive(0.5, 2, 100, 0)
        .assign_coords(time=np.r_[0:60, 200:240].astype(float))
        .assign_attrs(gaps="segments")
    )
    longest = netxr.autocorrelation(x, lags=range(1, 15), gaps="segments")
    xr.testing.assert_allclose(netxr.correlation_test(x), netxr.correlation_test(x, autocorrelation=longest))


@pytest.mark.parametrize(("null", "least"), [("autocorrelation", 5), ("samples", 5), ("shift", 21)])
def test_too_few_samples(null, least):
    x = autoregressive(0.0, 2, least, 0)
    netxr.correlation_test(x, null=null)
    told = f"data: got trials of {least - 1} samples; expected {least} or more, for null='{null}' at lag 1"
    with pytest.raises(InvalidInput, match=told):
        netxr.correlation_test(x.isel(time=slice(1, None)), null=null)


def test_an_autocorrelation_has_to_fit_the_moments():
    x = np.random.default_rng(0).normal(size=(3, 300, 2)).cumsum(1)
    x = netxr.as_activity(x, dims=("neuron", "time", "trial"))
    flat, pooled = netxr.autocorrelation(x, lags=range(1, 50)), netxr.lagged_moments(x, dim=("time", "trial"))
    with pytest.raises(InvalidInput, match=r"autocorrelation: got one of each of 2 trials.*dim="):
        netxr.correlation_test(pooled, autocorrelation=flat)
    with pytest.raises(
        InvalidInput, match=r"autocorrelation: got values up to 4\.\d+; expected values between -1 and 1"
    ):
        netxr.correlation_test(netxr.lagged_moments(x), autocorrelation=5 * flat)


def test_errors_name_the_argument_that_was_written():
    x = netxr.as_activity(np.random.default_rng(0).normal(size=(3, 300)), dims=("neuron", "time"))
    for data in (x, netxr.lagged_moments(x, lags=range(9))):
        for null in ("autocorrelation", "shift", "samples"):
            with pytest.raises(InvalidInput, match=r"^(lag|data): got"):
                netxr.correlation_test(data, lag=9000, null=null)
    with pytest.raises(InvalidInput, match=r"^methods: got 'te'"):
        netxr.recoverability(x, methods="te")


def test_neurons_with_several_labels_and_coordinates_of_an_estimate_beside_them():
    """A MultiIndex of probe and unit, and an activity that was taken from a run with one target and source."""
    x = recorded(np.random.default_rng(0).normal(size=(3, 400)))
    expected = netxr.correlation_test(x)
    labels = pd.MultiIndex.from_product([["p"], [1, 2, 3]], names=["probe", "unit"])
    units = x.drop_vars("neuron", errors="ignore")
    units = units.assign_coords(xr.Coordinates.from_pandas_multiindex(labels, "neuron"))
    np.testing.assert_array_equal(netxr.correlation_test(units).p_value, expected.p_value)
    assert netxr.edges(units, q=0.9).sizes == netxr.edges(x, q=0.9).sizes
    for lazy in (units.chunk(time=100), x.assign_coords(target="a", source="b").chunk(time=100)):
        np.testing.assert_allclose(netxr.correlation_test(lazy).p_value, expected.p_value, rtol=1e-9)
