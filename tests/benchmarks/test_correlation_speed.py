"""The lagged correlation against the tutorial's formula: time, error and memory, for both memory orders."""

import numpy as np
import pytest
import xarray as xr

import netxr
from tests.benchmarks.timing import FULL, best_of, peak_megabytes, show
from tests.oracles import stacked_corrcoef

pytestmark = pytest.mark.benchmark

SIZES = [(256, 10_000), (1_000, 50_000)] if FULL else [(40, 2_000)]


@pytest.mark.parametrize(("n", "n_steps"), SIZES)
def test_time_and_error(n, n_steps):
    x = np.random.default_rng(0).random((n, n_steps))
    by_neuron = xr.DataArray(x, dims=("neuron", "time"))
    by_time = xr.DataArray(np.asfortranarray(x), dims=("neuron", "time"))
    results = {}

    def contestant(name, task):
        def run():
            results[name] = np.asarray(task())

        return run

    tasks = {
        "formula": lambda: stacked_corrcoef(x),
        "formula, time-major": lambda: stacked_corrcoef(by_time.values),
        "float64": lambda: netxr.lagged_correlation(by_neuron),
        "float64, time-major": lambda: netxr.lagged_correlation(by_time),
        "float32 products": lambda: netxr.lagged_correlation(by_neuron, precision="float32"),
        "float32 products, time-major": lambda: netxr.lagged_correlation(by_time, precision="float32"),
        "floor: bare float64 product": lambda: x @ x.T,
    }
    rounds = 1 if not FULL else 15 if n < 500 else 3
    costs = best_of(rounds, {name: contestant(name, task) for name, task in tasks.items()})
    ratios = {
        "formula / float64": ("formula", "float64", ">= 2.2"),
        "formula / float64, time-major": ("formula, time-major", "float64, time-major", ">= 2.2"),
        "formula / float32": ("formula", "float32 products", ">= 3.5"),
        "formula / float32, time-major": ("formula, time-major", "float32 products, time-major", ">= 3.5"),
        "float64 / bare product": ("float64", "floor: bare float64 product", "-"),
    }
    show(f"lag 1, {n} neurons x {n_steps} samples", costs, ratios=ratios)
    for name, tolerance in (("float64", 1e-12), ("float32 products", 1e-6)):
        for form in (name, f"{name}, time-major"):
            error = np.abs(results[form] - results["formula"]).max()
            print(f"  largest error, {form:<30} {error:.1e}")
            assert error < tolerance


@pytest.mark.slow
@pytest.mark.parametrize(("n", "n_steps"), SIZES)
@pytest.mark.parametrize("order", ["C", "F"])
def test_extra_memory(n, n_steps, order):
    prepare = f"""
import netxr, xarray as xr
from tests.oracles import stacked_corrcoef
x = np.asarray(np.random.default_rng(0).random(({n}, {n_steps})), order="{order}")
recording = xr.DataArray(x, dims=("neuron", "time"))
netxr.lagged_correlation(recording[:3, :9])
np.ones(({n}, 50)) @ np.ones((50, {n}))
"""
    peaks = {
        "float64": peak_megabytes(prepare=prepare, task="netxr.lagged_correlation(recording)"),
        "float32 products": peak_megabytes(
            prepare=prepare, task="netxr.lagged_correlation(recording, precision='float32')"
        ),
        "formula": peak_megabytes(prepare=prepare, task="stacked_corrcoef(x)"),
    }
    print(f"\nextra peak memory, {n} x {n_steps}, order {order}: {n * n_steps * 8 / 1e6:.0f} MB of samples")
    for name, peak in peaks.items():
        print(f"  {name:<42} {peak:9.1f} MB{'' if name == 'formula' else '   wanted <= 60'}")
    assert max(peaks["float64"], peaks["float32 products"]) < 100
