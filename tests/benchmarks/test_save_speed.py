"""What a store that lasts costs: a save, and its sums, against a bare Zarr store in the same chunks; a small append."""

import itertools

import pytest

import netxr
from netxr.store.checksums import sum_of
from netxr.store.layout import encoding, storable
from netxr.store.metadata import ROOT, documents
from tests.benchmarks.timing import FULL, best_of, show

pytestmark = pytest.mark.benchmark

N_NEURONS, N_STEPS, TRIALS = (100, 20_000, 3) if FULL else (5, 100, 2)


def test_a_store_that_lasts_costs_little_more_than_a_bare_one(tmp_path):
    A = netxr.random_connectivity(N_NEURONS, sparsity=0.9, seed=1)
    run = netxr.simulate(A, n_steps=N_STEPS + 50, trials=TRIALS, seed=1)
    more, run = run.activity[:, N_STEPS:], run.isel(time=slice(0, N_STEPS))
    numbers = itertools.count()

    def place():
        return tmp_path / f"{next(numbers)}.zarr"

    def bare():
        laid_out = storable(run)
        codecs = {name: encoding(one) for name, one in laid_out.variables.items()}
        laid_out.to_zarr(place(), zarr_format=3, consolidated=False, encoding=codecs)

    stores = []

    def save():
        stores.append(place())
        netxr.save(run, stores[-1])

    def sums():
        known = documents(stores[-1])
        return [sum_of(stores[-1] / name, one) for name, one in known.items() if name != ROOT]

    def append():
        netxr.append(more, stores.pop(), dim="time")

    tasks = {"bare Zarr": bare, "netxr.save": save, "the sums of all chunks": sums, "a small append": append}
    costs = best_of(9 if FULL else 1, tasks)
    ratios = {
        "save / bare": ("netxr.save", "bare Zarr", "1.1"),
        "sums / save": ("the sums of all chunks", "netxr.save", "0.1"),
        "append / save": ("a small append", "netxr.save", "below 1"),
    }
    show(f"{N_NEURONS} neurons, {N_STEPS:,} samples, {TRIALS} trials", costs, ratios=ratios)
    assert netxr.open(tmp_path / "1.zarr").sizes["time"] == N_STEPS + 50
