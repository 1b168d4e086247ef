"""The simulation against its floors on one BLAS thread: normals, products and units, each alone.

The floors leave out what joins them: the sum of products and noise (0.3 microseconds a step of few neurons, more than
tanh takes of 50), hidden signals and instruments, a leak of rates, and samples that are kept.
"""

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

import netxr
from netxr.kernels import dynamics
from netxr.kernels.drives import Drives
from netxr.kernels.noise import STEPS_PER_BLOCK, NoiseSource
from tests.benchmarks.timing import FULL, Cost, best_of, peak_megabytes, show
from tests.oracles import plain_simulation

pytestmark = pytest.mark.benchmark

ROUNDS = 5 if FULL else 1


@pytest.fixture(autouse=True)
def one_blas_thread():
    with threadpool_limits(1, user_api="blas"):
        yield


def spike(potential):
    """What spiking units cannot do without: a potential leaks, is compared, and is reset where there is a spike."""
    np.multiply(potential, 0.95, potential)
    spikes = potential >= 5
    np.copyto(potential, 0, where=spikes)
    return spikes.astype(potential.dtype)


UNITS = {
    "sigmoid": lambda drive: 1 / (1 + np.exp(-drive)),
    "linear": lambda drive: drive + drive,
    "tanh": np.tanh,
    "threshold": lambda drive: drive > 0,
    "lif": spike,
}


def floors(A, *, n_steps, trials, rng="modern", units="sigmoid"):
    """The three parts that no simulation in NumPy can do without, as plain as they can be."""
    n = len(A)
    state = np.random.default_rng(0).random((n, trials) if trials > 1 else n)
    out, z = np.empty_like(state), np.random.default_rng(1).normal(size=state.shape)

    def normals():
        draw = np.random.default_rng(np.random.Philox(1)) if rng == "modern" else np.random.RandomState(1)
        for _ in range(0, n_steps * trials, STEPS_PER_BLOCK):
            draw.standard_normal((STEPS_PER_BLOCK, n))

    def products():
        for _ in range(n_steps):
            np.dot(A, state, out=out)

    def respond():
        for _ in range(n_steps):
            UNITS[units](z)

    return {"floor: normals": normals, "floor: products": products, "floor: units": respond}


def with_floor(costs):
    parts = [cost for name, cost in costs.items() if name.startswith("floor")]
    return costs | {"floor": sum(parts, Cost(0, 0))}


@pytest.mark.parametrize(("n", "n_steps"), [(256, 10_000), (1_000, 5_000)] if FULL else [(40, 300)])
def test_one_trial(n, n_steps):
    A = netxr.random_connectivity(n, seed=1, rng="legacy")
    tasks = {
        "simulate": lambda: netxr.simulate(A, n_steps=n_steps, seed=1),
        **floors(A.values, n_steps=n_steps, trials=1),
    }
    costs = with_floor(best_of(ROUNDS, tasks))
    show(
        f"one trial, {n} neurons x {n_steps} steps", costs, ratios={"simulate / floor": ("simulate", "floor", "<= 1.4")}
    )
    legacy = {
        "simulate": lambda: netxr.simulate(A, n_steps=n_steps, seed=1, rng="legacy"),
        **floors(A.values, n_steps=n_steps, trials=1, rng="legacy"),
    }
    costs = with_floor(best_of(ROUNDS, legacy))
    show("the same, legacy stream", costs, ratios={"simulate / floor": ("simulate", "floor", "<= 1.4")})


OPTIONS = {
    **{units: {"units": units} for units in UNITS},
    "leak": {"leak": 0.3},
    "delay": {"delay": 3},
    "common drive and instruments": {"common_drive": 1.0, "instrument": 2.0},
    "perturbed": {"perturb": 2},
}


SIZES = [(50, 20_000, 1), (50, 10_000, 5), (100, 20_000, 1), (100, 10_000, 5), (1_000, 2_000, 1), (1_000, 1_000, 5)]


@pytest.mark.parametrize("kind", OPTIONS)
@pytest.mark.parametrize(("n", "n_steps", "trials"), SIZES if FULL else [(40, 300, 1)])
def test_every_kind(kind, n, n_steps, trials):
    A = netxr.random_connectivity(n, weights="normal", spectral_radius=0.9)
    tasks = {
        "simulate": lambda: netxr.simulate(A, n_steps=n_steps, trials=trials, **OPTIONS[kind]),
        **floors(A.values, n_steps=n_steps, trials=trials, units=OPTIONS[kind].get("units", "sigmoid")),
    }
    costs = with_floor(best_of(ROUNDS, tasks))
    ratios = {"simulate / floor": ("simulate", "floor", "<= 1.5")}
    show(f"{kind}, {trials} trials, {n} neurons x {n_steps} steps", costs, ratios=ratios)


def test_many_trials_of_one_network():
    n, n_steps, trials = (1_000, 2_000, 16) if FULL else (40, 300, 4)
    A = netxr.random_connectivity(n, seed=1, rng="legacy")
    tasks = {
        "together": lambda: netxr.simulate(A, n_steps=n_steps, trials=trials, seed=1),
        "one by one": lambda: [netxr.simulate(A, n_steps=n_steps, trials=[k], seed=1) for k in range(trials)],
        **floors(A.values, n_steps=n_steps, trials=trials),
    }
    costs = with_floor(best_of(min(ROUNDS, 3), tasks))
    ratios = {
        "together / floor": ("together", "floor", "<= 1.5"),
        "together / one by one": ("together", "one by one", "< 1"),
    }
    show(f"{trials} trials, {n} neurons x {n_steps} steps", costs, ratios=ratios)
    together = netxr.simulate(A, n_steps=50, trials=trials, seed=1).activity
    alone = netxr.simulate(A, n_steps=50, trials=[trials - 1], seed=1).activity
    np.testing.assert_allclose(together.values[..., -1], alone.values[..., 0], rtol=0, atol=1e-12)


def test_many_small_networks():
    k, n, n_steps = (1_000, 6, 2_000) if FULL else (20, 6, 100)
    A = netxr.as_connectivity(np.zeros((n, n)), rows="target").expand_dims(trial=k)
    draws = [netxr.random_connectivity(n, seed=seed).values for seed in range(k)]
    A = A.copy(data=np.stack(draws)).assign_coords(trial=np.arange(k))
    source = NoiseSource([1] * k, trials=range(k), n_neurons=n, rng="modern")
    blocks = Drives(source, 1.0).blocks(range(k), first_step=0, n_steps=n_steps, dtype=np.dtype("f8"))
    noise = np.concatenate(list(blocks))
    tasks = {
        "one call": lambda: netxr.simulate(A, n_steps=n_steps, seed=1),
        "a plain loop each, normals drawn before": lambda: [plain_simulation(draws[i], noise[:, i]) for i in range(k)],
    }
    costs = best_of(min(ROUNDS, 3), tasks)
    ratios = {"plain loops / one call": ("a plain loop each, normals drawn before", "one call", ">= 10")}
    show(f"{k} networks, {n} neurons x {n_steps} steps", costs, ratios=ratios)
    run = netxr.simulate(A, n_steps=n_steps, seed=1).activity
    np.testing.assert_allclose(run.values[..., -1], plain_simulation(draws[-1], noise[:, -1]), rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("n", "n_steps", "trials", "rng"),
    [(500, 10_000, 8, "modern"), (1_000, 5_000, 4, "modern"), (500, 10_000, 8, "legacy")]
    if FULL
    else [(300, 600, 2, "modern")],
)
def test_straight_to_disk(tmp_path, monkeypatch, n, n_steps, trials, rng):
    A = netxr.random_connectivity(n, seed=1)
    stores = iter(range(100))

    def run(drawn_ahead):
        monkeypatch.setattr(dynamics, "DRAWN_AHEAD", drawn_ahead)
        netxr.simulate(A, n_steps=n_steps, trials=trials, rng=rng, store=tmp_path / f"{next(stores)}.zarr")

    tasks = {"noise drawn ahead": lambda: run(0), "noise drawn in turn": lambda: run(np.inf)}
    costs = best_of(min(ROUNDS, 3), tasks)
    ratios = {"ahead / in turn": ("noise drawn ahead", "noise drawn in turn", "< 0.9 on two free cores")}
    show(f"{trials} {rng} trials, {n} neurons x {n_steps} steps, to disk", costs, ratios=ratios)


@pytest.mark.skipif(not FULL, reason="takes gigabytes of disk")
def test_memory_of_the_widest_batch(tmp_path):
    task = "netxr.simulate(A, n_steps={}, trials=260, store={!r})"
    peaks = [
        peak_megabytes(
            prepare="import netxr; A = netxr.random_connectivity(1_000, seed=1)",
            task=task.format(n_steps, str(tmp_path / f"{n_steps}.zarr")),
        )
        for n_steps in (512, 1_024)
    ]
    print(f"\n260 trials, 1000 neurons: {peaks[0]:.0f} MB for 512 steps, {peaks[1]:.0f} MB for 1024")
    assert max(peaks) < 1_300
