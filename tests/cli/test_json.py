"""What --json prints: one document, in which numbers are numbers."""

import numpy as np
import pytest

import netxr
from netxr.schema.words import reads_as_number
from tests.cli.shell import document


def texts(value, place=""):
    """Every text of a document, with its place."""
    if isinstance(value, dict):
        return [found for name, one in value.items() for found in texts(one, f"{place}.{name}")]
    if isinstance(value, list):
        return [found for k, one in enumerate(value) for found in texts(one, f"{place}[{k}]")]
    return [(place, value)] if isinstance(value, str) else []


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("json")
    np.save(folder / "x.npy", np.random.default_rng(0).random((200, 4)))
    A = netxr.random_connectivity(6, sparsity=0.5, seed=1)
    netxr.simulate(A, n_steps=2000, trials=2, seed=1, store=folder / "run.zarr")
    netxr.save(netxr.lagged_correlation(netxr.open(folder / "run.zarr"), lags=[1, 2]).to_dataset(), folder / "R.zarr")
    netxr.sweep(n_neurons=[4], sparsity=[0.25, 0.5], n_steps=60, trials=2, store=folder / "sweep.zarr")
    return folder


@pytest.mark.parametrize(
    "words",
    [
        ["simulate", "{}/new.zarr", "--neurons", 5, "--steps", 50],
        ["import", "{}/x.npy", "{}/x.zarr", "--dims", "time,neuron"],
        ["estimate", "{}/run.zarr", "--no-diagonal", "--permutations", 9, "--test"],
        ["estimate", "{}/run.zarr", "--no-diagonal", "--lag", 1, "--lag", 2, "--permutations", 9],
        ["estimate", "{}/run.zarr", "--strongest", 2],
        ["recoverability", "{}/run.zarr"],
        ["compare", "{}/run.zarr", "{}/R.zarr", "--no-diagonal", "--permutations", 9],
        ["sweep", "{}/s.zarr", "--neurons", "4,5", "--sparsity", "0.25,0.5", "--steps", 60, "--trials", 2],
        [
            *("map", "{}/map.zarr", "--neurons", 6, "--steps", "200,800", "--spectral-radius", "0.25,0.5"),
            *("--observed", 1, "--trials", 2, "--sparsity", 0.5, "--method", "lagged_correlation"),
        ],
        ["info", "{}/run.zarr"],
        ["info", "{}/sweep.zarr"],
        ["catalog", "{}"],
        ["verify", "{}/run.zarr"],
    ],
    ids=lambda words: " ".join(map(str, words[:2])).replace("{}/", ""),
)
def test_numbers_are_numbers(folder, words):
    about = document(*(str(word).format(folder) for word in words))
    assert about
    wrong = [(place, text) for place, text in texts(about) if reads_as_number(text)]
    assert not wrong
