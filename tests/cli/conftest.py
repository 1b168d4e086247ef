import pytest

import netxr
from tests.cli.shell import output


@pytest.fixture(scope="session")
def store(tmp_path_factory):
    """A simulated run of 8 neurons, 400 samples, 2 trials."""
    path = tmp_path_factory.mktemp("runs") / "run.zarr"
    output("simulate", path, "--neurons", 8, "--sparsity", 0.7, "--steps", 400, "--trials", 2, "--seed", 3)
    return path


@pytest.fixture(scope="session")
def estimate(store):
    path = store.with_name("estimate.zarr")
    output("estimate", store, "--no-diagonal", "--lag", 0, "--lag", 1, "--permutations", 9, "--out", path)
    return path


@pytest.fixture
def called(monkeypatch):
    """Replace a function of netxr by a recorder of its arguments, which then gives what the real one gives."""

    def record(name):
        calls = []
        real = getattr(netxr, name)

        def stand_in(*args, **kwargs):
            calls.append((args, kwargs))
            return real(*args, **kwargs)

        monkeypatch.setattr(netxr, name, stand_in)
        return calls

    return record
