"""Recordings on disk: time against the floors and against peers, memory against the budget and the projection."""

import shutil

import numpy as np
import psutil
import pytest

import netxr
from tests.benchmarks.contestants import (
    by_formula,
    by_netxr,
    by_xarray,
    coarse_moments,
    edges,
    error_against_numpy,
    floors,
    into_store,
    moments,
    multiplying,
    recording,
    shared_by_cores,
)
from tests.benchmarks.timing import FULL, apart, best_apart, best_of, show

pytestmark = pytest.mark.benchmark

ROUNDS = 2 if FULL else 1
BUDGET = "400MB"


@pytest.fixture
def folder(tmp_path):
    """A folder for gigabytes, which are gone when the test is over."""
    yield tmp_path
    shutil.rmtree(tmp_path)


@pytest.mark.parametrize(
    ("n", "n_steps", "wanted"),
    [(2_000, 200_000, "<= 1.15"), (100, 10_000_000, "<= 1.3")] if FULL else [(40, 3_000, "-"), (10, 20_000, "-")],
)
def test_against_the_floor(folder, n, n_steps, wanted):
    path = recording(folder, n, n_steps)
    costs = best_apart(ROUNDS, {"netxr": (by_netxr, path, {"lag": 1, "memory": BUDGET}), **floors(path)})
    parts = [spent for name, spent in costs.items() if name.startswith("floor")]
    costs["both floors, shared by all cores"] = shared_by_cores(parts)
    ratios = {"netxr / floor": ("netxr", "both floors, shared by all cores", wanted)}
    show(f"lag 1, {n} neurons x {n_steps} samples", costs, ratios=ratios)
    error = error_against_numpy(costs["netxr"].result, path)
    print(f"  largest error {error:.1e}   wanted <= 1e-6")
    assert error < 1e-6
    assert costs["netxr"].megabytes < 400


def test_against_peers(folder):
    n, n_steps = (2_000, 200_000) if FULL else (40, 3_000)
    path = recording(folder, n, n_steps)
    contestants = {"netxr": (by_netxr, path, {"lag": 1, "memory": BUDGET}), "xr.dot": (by_xarray, path)}
    ratios = {"xr.dot / netxr": ("xr.dot", "netxr", ">= 2, memory >= 8")}
    if psutil.virtual_memory().available > 10 * 4 * n * n_steps:
        contestants["formula"] = (by_formula, path)
        ratios["formula / netxr"] = ("formula", "netxr", ">= 4, memory >= 8")
    costs = best_apart(1, contestants)
    show(f"lag 1, {n} neurons x {n_steps} samples", costs, ratios=ratios)
    for spent in costs.values():
        np.testing.assert_allclose(spent.result, costs["netxr"].result, rtol=0, atol=1e-5)


def test_longer_recordings(folder):
    n, lengths = (2_000, (200_000, 400_000, 1_000_000)) if FULL else (40, (1_000, 2_000, 5_000))
    short, double, long = names = [f"{n_steps} samples" for n_steps in lengths]
    paths = [recording(folder, n, n_steps) for n_steps in lengths]
    tasks = {name: (by_netxr, path, {"lag": 1, "memory": BUDGET}) for name, path in zip(names, paths, strict=True)}
    costs = best_apart(ROUNDS, tasks)
    ratios = {
        "double / single length": (double, short, "2 +- 0.2, memory 1 +- 0.1"),
        "five times / single length": (long, short, "5 +- 0.5, memory 1 +- 0.1"),
    }
    show(f"lag 1, {n} neurons", costs, ratios=ratios)
    assert max(spent.megabytes for spent in costs.values()) < 400


@pytest.mark.parametrize(("n", "n_steps"), [(1_000, 50_000), (2_000, 50_000)] if FULL else [(40, 3_000)])
def test_many_lags(folder, n, n_steps):
    path = recording(folder, n, n_steps)
    one, many = ({"lags": lags, "memory": "4GiB"} for lags in ([1], range(33)))
    costs = best_apart(ROUNDS, {"one lag": (by_netxr, path, one), "lags 0 to 32": (by_netxr, path, many)})
    ratios = {"33 lags / one lag": ("lags 0 to 32", "one lag", "<= 8")}
    show(f"{n} neurons x {n_steps} samples", costs, ratios=ratios)
    at_all = costs["lags 0 to 32"].result
    assert max(error_against_numpy(at_all[lag], path, lag=lag) for lag in (1, 32)) < 1e-6
    np.testing.assert_allclose(at_all[1], costs["one lag"].result, rtol=0, atol=1e-6)
    assert costs["lags 0 to 32"].megabytes < 4 * 2**30 / 1e6


def test_coarse_levels(folder):
    n, n_steps, levels = (2_000, 50_000, (10, 25, 50, 100, 250)) if FULL else (40, 3_000, (2, 4, 8, 10, 20))
    path = recording(folder, n, n_steps)
    options, groups = {"lags": [1], "memory": BUDGET}, {"levels": {"neurons": None} | {str(k): k for k in levels}}
    contestants = {
        "fine level": (moments, path, options),
        "five coarse levels beside it": (coarse_moments, path, options | groups),
    }
    costs = best_apart(ROUNDS, contestants)
    ratios = {"six levels / one": ("five coarse levels beside it", "fine level", "<= 1.1")}
    show(f"lag 1, {n} neurons x {n_steps} samples, {levels} groups", costs, ratios=ratios)


def test_result_larger_than_memory(folder):
    n, n_steps, budget = (20_000, 5_000, 2 * 2**30) if FULL else (200, 500, 200_000_000)
    path, result, tile = recording(folder, n, n_steps), folder / "R.zarr", min(n, 512)
    contestants = {
        "netxr": (into_store, path, {"lag": 1, "memory": budget, "store": result}),
        "floor: bare product of all tiles": (multiplying, tile, n_steps, n, -(-n // tile)),
    }
    costs = best_apart(1, contestants)
    ratios = {"netxr / bare product": ("netxr", "floor: bare product of all tiles", "<= 1.25")}
    show(f"{n} neurons x {n_steps} samples, all pairs to disk", costs, ratios=ratios)
    estimate = netxr.open(result).lagged_correlation
    assert estimate.dtype == np.float32
    assert error_against_numpy(estimate.squeeze(), path) < 1e-6
    assert costs["netxr"].megabytes < budget / 1e6


def test_edges_of_more_pairs_than_memory_holds(folder):
    n, n_steps, budget = (20_000, 5_000, 2 * 2**30) if FULL else (200, 500, 200_000_000)
    path, tile = recording(folder, n, n_steps, sparse=True), min(n, 512)
    contestants = {
        "netxr": (edges, path, {"memory": budget}),
        "floor: bare product of all tiles": (multiplying, tile, n_steps, n, -(-n // tile)),
    }
    costs = best_apart(1, contestants)
    ratios = {"netxr / bare product": ("netxr", "floor: bare product of all tiles", "<= 1.6")}
    show(f"{n} neurons x {n_steps} samples, edges at q .05", costs, ratios=ratios)
    print(f"  edges found: {costs['netxr'].result} of {n // 2}")
    assert costs["netxr"].megabytes < budget / 1e6


def test_two_single_threaded_workers(folder):
    distributed = pytest.importorskip("distributed")
    n, n_steps = (2_000, 50_000) if FULL else (40, 3_000)
    activity = netxr.open(recording(folder, n, n_steps)).activity
    estimate, short = (netxr.lagged_correlation(a, memory="1GB") for a in (activity, activity.isel(time=slice(9))))
    results = {}
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=FULL, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        client.run(short.compute, scheduler="synchronous")  # every worker imports what there is to import

        def run(name, **where):
            results[name] = estimate.compute(**where)

        tasks = {"threads": lambda: run("threads", scheduler="threads"), "two workers": lambda: run("two workers")}
        costs = best_of(ROUNDS, tasks)
    ratios = {"two workers / threads": ("two workers", "threads", "<= 1.5 by the clock")}
    show(f"lag 1, {n} neurons x {n_steps} samples", costs, ratios=ratios)
    np.testing.assert_allclose(results["two workers"], results["threads"], rtol=0, atol=1e-6)


SHAPES = [(100, 1_000_000), (1_000, 20_000), (3_000, 5_000)] if FULL else [(20, 50_000), (300, 2_000)]


@pytest.mark.parametrize(("n", "n_steps"), SHAPES)
@pytest.mark.parametrize("lags", [[1], [0, 1, 2, 5]] if FULL else [[1]])
@pytest.mark.parametrize("dtype", ["float32", "float64"] if FULL else ["float32"])
def test_peak_below_the_projected_one(folder, n, n_steps, lags, dtype):
    path = recording(folder, n, n_steps, dtype)
    projected = netxr.plan(netxr.open(path).activity, lags=lags, memory="4GB").peak_bytes / 1e6
    spent = apart(by_netxr, path, {"lags": lags, "memory": "4GB"})
    print(f"\n{n} neurons x {n_steps} {dtype} samples, lags {lags}: peak {spent.megabytes:.1f} of {projected:.1f} MB")
    assert spent.megabytes < projected
