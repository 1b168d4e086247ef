"""What people use now for R at lag 1, and netxr: time, memory, and what comes of a p-value. The README has the table.

nilearn and elephant are measured where they are installed.
"""

import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import stats

import netxr
from tests.benchmarks.timing import FULL, apart, best_of, show
from tests.oracles import stacked_corrcoef

pytestmark = pytest.mark.benchmark

Array = np.ndarray[Any, Any]

SIZES = [(100, 5_000), (1_000, 50_000)] if FULL else [(8, 300)]
SLOW = {"np.corrcoef, pair by pair": 1e7, "xr.corr": 1e7, "elephant, pair by pair": 1e7, "pandas": 1e8}
"""Most samples that some are tried at: beyond them they take minutes, or more memory than there is."""


def samples(n: int, n_steps: int) -> Array:
    """Noise of each neuron's own that enters its neighbour a step later."""
    x = np.random.default_rng(0).standard_normal((n, n_steps))
    x[1:, 1:] += 0.5 * x[:-1, :-1]
    return x


def pair_by_pair(x: Array) -> Array:
    later, before = x[:, 1:], x[:, :-1]
    return np.array([[np.corrcoef(target, source)[0, 1] for source in before] for target in later])


def by_xr_corr(x: Array) -> Array:
    return xr.corr(*_sides(x), dim="time").transpose("target", "source").values


def by_xr_dot(x: Array) -> Array:
    target, source = ((side - side.mean("time")) / side.std("time") for side in _sides(x))
    return (xr.dot(target, source, dim="time", optimize=True) / target.sizes["time"]).values


def _sides(x: Array) -> tuple[xr.DataArray, xr.DataArray]:
    """Samples of targets, and of sources a step before."""
    return xr.DataArray(x[:, 1:], dims=("target", "time")), xr.DataArray(x[:, :-1], dims=("source", "time"))


def _stacked(x: Array) -> Array:
    """Targets, then sources a step before, as columns: what has no lag is given one so."""
    return np.concatenate([x[:, 1:], x[:, :-1]]).T


def by_pandas(x: Array) -> Array:
    return pd.DataFrame(_stacked(x)).corr().values[: len(x), len(x) :]


def by_sklearn(x: Array) -> Array:
    from sklearn.covariance import EmpiricalCovariance

    covariance = EmpiricalCovariance(store_precision=False).fit(_stacked(x)).covariance_
    deviation = np.sqrt(np.diag(covariance))
    return (covariance / np.outer(deviation, deviation))[: len(x), len(x) :]


def by_nilearn(x: Array) -> Array:
    from nilearn.connectome import ConnectivityMeasure
    from sklearn.covariance import EmpiricalCovariance

    measure = ConnectivityMeasure(EmpiricalCovariance(store_precision=False), kind="correlation", standardize=False)
    return measure.fit_transform([_stacked(x)])[0][: len(x), len(x) :]


def by_elephant(x: Array) -> Array:
    import neo
    import quantities as pq
    from elephant.signal_processing import cross_correlation_function

    pairs = np.array(list(np.ndindex(len(x), len(x))))
    signal = neo.AnalogSignal(x.T, units="mV", sampling_rate=1 * pq.kHz)
    found = cross_correlation_function(signal, pairs, n_lags=1)
    return np.asarray(found.magnitude[-1]).reshape(len(x), len(x))


def by_netxr(x: Array) -> Array:
    return netxr.lagged_correlation(xr.DataArray(x, dims=("neuron", "time")), lag=1).values


CONTESTANTS: dict[str, Callable[[Array], Array]] = {
    "np.corrcoef, pair by pair": pair_by_pair,
    "np.corrcoef of both sides": lambda x: stacked_corrcoef(x),
    "xr.corr": by_xr_corr,
    "xr.dot": by_xr_dot,
    "pandas": by_pandas,
    "scikit-learn": by_sklearn,
    **({"nilearn": by_nilearn} if importlib.util.find_spec("nilearn") else {}),
    **({"elephant, pair by pair": by_elephant} if importlib.util.find_spec("elephant") else {}),
    "netxr": by_netxr,
}


@pytest.mark.parametrize(("n", "n_steps"), SIZES)
def test_r_at_lag_1(n, n_steps):
    x, results = samples(n, n_steps), {}

    def task(name):
        def run():
            results[name] = CONTESTANTS[name](x)

        return run

    tried = [name for name in CONTESTANTS if n * n_steps < SLOW.get(name, np.inf)]
    quick = [name for name in tried if name not in SLOW]
    rounds = 1 if not FULL else 15 if n * n_steps < 1e6 else 3
    costs = best_of(rounds, {name: task(name) for name in quick})
    costs |= best_of(1, {name: task(name) for name in tried if name in SLOW})
    ratios = {f"{name} / netxr": (name, "netxr", "-") for name in tried if name != "netxr"}
    show(f"R at lag 1, {n} neurons x {n_steps} samples", costs, ratios=ratios)
    for name in tried:
        tolerance = 2 / n_steps**0.5 if name.startswith("elephant") else 1e-9  # which removes the mean of all samples
        assert np.abs(results[name] - results["netxr"]).max() < tolerance, name


def prepared(name: str, n: int, n_steps: int) -> Callable[[], object]:
    """A contestant on samples that are there, imported and warmed up."""
    x = samples(n, n_steps)
    CONTESTANTS[name](x[:4, :50])
    return lambda: CONTESTANTS[name](x)


@pytest.mark.parametrize(("n", "n_steps"), SIZES[-1:])
def test_memory_on_top_of_the_samples(n, n_steps):
    print(f"\nmemory on top of {n * n_steps * 8 / 1e6:.0f} MB of samples")
    for name in CONTESTANTS:
        if n * n_steps < SLOW.get(name, np.inf):
            print(f"  {name:<42} {apart(prepared, name, n, n_steps).megabytes:9.1f} MB")


def test_pairs_that_have_nothing_to_do_with_each_other():
    """Independent neurons with an autocorrelation of .9: a test at .05 should find one pair in twenty."""
    n, n_steps = 60, 2_000
    x = netxr.simulate(0.9 * netxr.as_connectivity(np.eye(n), rows="target"), n_steps=n_steps, units="linear", seed=1)
    one = x.isel(trial=0)
    p = netxr.correlation_test(one, lag=0).p_value.values[~np.eye(n, dtype=bool)]
    usual = [stats.pearsonr(a, b).pvalue for k, a in enumerate(one.activity.values) for b in one.activity.values[:k]]
    own, textbook = np.mean(p < 0.05), np.mean(np.array(usual) < 0.05)
    print(f"\nof independent pairs, p < .05: netxr {own:.3f}, scipy.stats.pearsonr {textbook:.3f}")
    assert 0.03 < own < 0.07
    assert textbook > 0.4
