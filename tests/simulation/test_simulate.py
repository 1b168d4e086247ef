import itertools
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import scipy.special
import xarray as xr
import zarr
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

import netxr
from netxr.errors import InvalidInput, OutputExists
from netxr.simulation import simulate as simulation
from netxr.simulation.simulate import simulate
from tests.oracles import published_activity, published_network
from tests.runs import peak_bytes
from tests.store.origins import without_origin


def network(n=5, *, seed=1, sparsity=0.5, labels="abcdefghij"):
    A = netxr.random_connectivity(n, sparsity=sparsity, seed=seed)
    return A.assign_coords(target=list(labels[:n]), source=list(labels[:n]))


def networks(k=3, n=5):
    return xr.concat([network(n, seed=seed) for seed in range(k)], dim="trial").assign_coords(trial=np.arange(k))


# --- the tutorial's samples, bit for bit ---------------------------------------------------


@pytest.mark.parametrize(("n", "n_steps", "seed"), [(1, 60, 3), (5, 300, 0), (6, 600, 42), (25, 300, 7), (50, 60, 42)])
def test_the_published_procedure_bit_for_bit(n, n_steps, seed):
    A = netxr.random_connectivity(n, seed=seed, rng="legacy")
    run = simulate(A, n_steps=n_steps, seed=seed, rng="legacy")
    expected = published_activity(published_network(n, seed=seed), n_steps=n_steps, seed=seed)
    np.testing.assert_array_equal(run.activity.values[..., 0], expected)


def test_the_published_procedure_of_a_hundred_neurons():
    A = netxr.random_connectivity(100, seed=42, rng="legacy")
    run = simulate(A, n_steps=30, seed=42, rng="legacy")
    np.testing.assert_array_equal(run.activity.values[..., 0], published_activity(A.values, n_steps=30, seed=42))


def test_the_published_samples(golden):
    small = golden["small"]
    run = simulate(netxr.random_connectivity(6, seed=42, rng="legacy"), n_steps=small["T"], seed=42, rng="legacy")
    first = np.array(small["X_first_steps"])
    # The exponential of another processor may differ in the last bit; a plain loop on this one must not, see above.
    np.testing.assert_allclose(run.activity.values[:, : first.shape[1], 0], first, rtol=1e-14)
    np.testing.assert_allclose(run.activity.mean("time").values[:, 0], small["X_mean"], rtol=1e-14)


def test_legacy_trial_k_is_seeded_with_seed_plus_k():
    A = network()
    together = simulate(A, n_steps=300, seed=42, trials=3, rng="legacy").activity
    for k in range(3):
        alone = simulate(A, n_steps=300, seed=42 + k, rng="legacy").activity
        np.testing.assert_array_equal(together.values[..., k], alone.values[..., 0])


def test_legacy_with_a_seed_a_trial():
    A = network()
    together = simulate(A, n_steps=50, seed=[9, 4], trials=2, rng="legacy").activity
    for k, seed in enumerate((9, 4)):
        alone = simulate(A, n_steps=50, seed=seed, rng="legacy").activity
        np.testing.assert_array_equal(together.values[..., k], alone.values[..., 0])


def test_the_order_of_dims_of_a_network_changes_no_bit():
    A = network(10)
    expected = simulate(A, n_steps=300, rng="legacy").activity
    for other in (A.T, A.copy(data=np.asfortranarray(A.values))):
        np.testing.assert_array_equal(simulate(other, n_steps=300, rng="legacy").activity.values, expected.values)


# --- the model, against a plain loop ----------------------------------------------------------


def plain_loop(A, noise, *, initial=0.0, scale=1.0):
    x = np.full_like(noise, initial)
    for t in range(1, len(noise)):
        x[t] = scipy.special.expit(A @ x[t - 1] + scale * noise[t])
    return x.T


def modern_noise(n, n_steps, *, seed, trial):
    """The noise that belongs to a seed and a trial: blocks of 256 steps, each from a counter of its own."""
    blocks = [
        np.random.Generator(np.random.Philox(key=[seed, trial], counter=[0, 0, 0, b])).standard_normal((256, n))
        for b in range(-(-n_steps // 256))
    ]
    return np.concatenate(blocks)[:n_steps]


@given(st.integers(1, 9), st.integers(1, 600), st.floats(0, 3), st.floats(-2, 2), st.integers(0, 2**32))
def test_the_model(n, n_steps, scale, initial, seed):
    A = netxr.random_connectivity(n, sparsity=0.5, seed=seed)
    run = simulate(A, n_steps=n_steps, seed=seed, trials=[4], noise_scale=scale, initial=initial)
    noise = modern_noise(n, n_steps, seed=seed, trial=4)
    expected = plain_loop(A.values, noise, initial=initial, scale=scale)
    np.testing.assert_allclose(run.activity.values[..., 0], expected, rtol=0, atol=1e-12)


def test_without_noise_one_neuron_follows_the_logistic_function():
    A = netxr.as_connectivity([[-8.0]], rows="target")
    run = simulate(A, n_steps=40, noise_scale=0, initial=0.3).activity.values.ravel()
    for x, following in itertools.pairwise(run):
        assert following == pytest.approx(1 / (1 + np.exp(8 * x)), rel=1e-13)


def test_weights_go_from_source_to_target():
    A = netxr.as_connectivity([[0.0, 30.0], [0.0, 0.0]], rows="target", neurons=["listens", "speaks"])
    run = simulate(A, n_steps=3, noise_scale=0, initial=1.0)
    assert run.activity.sel(neuron="listens", time=1).item() == pytest.approx(1)
    assert run.activity.sel(neuron="speaks", time=1).item() == 0.5


# --- labels belong to trials, not to how a run is cut -------------------------------------------


@pytest.mark.parametrize("n", [5, 120])
def test_a_trial_alone_is_the_trial_among_others(n):
    A = netxr.random_connectivity(n, seed=2)
    together = simulate(A, n_steps=300, trials=3, seed=8).activity
    for label in range(3):
        alone = simulate(A, n_steps=300, trials=[label], seed=8).activity
        assert alone.trial.values.tolist() == [label]
        np.testing.assert_allclose(alone.sel(trial=label), together.sel(trial=label), rtol=0, atol=1e-12)
    assert abs(together.sel(trial=0) - together.sel(trial=1)).max() > 0.1


@pytest.mark.parametrize("rng", ["modern", "legacy"])
def test_one_network_a_trial_is_each_network_alone(rng):
    together = simulate(networks(), n_steps=300, seed=8, rng=rng)
    for k in range(3):
        alone = simulate(network(seed=k), n_steps=300, trials=[k], seed=8, rng=rng).activity
        np.testing.assert_allclose(together.activity.sel(trial=k), alone.sel(trial=k), rtol=0, atol=1e-12)
    xr.testing.assert_equal(together.connectivity, networks())


def test_networks_keep_their_trial_labels():
    A = networks().assign_coords(trial=[7, 3, 5])
    run = simulate(A, n_steps=20, trials=3)
    assert run.trial.values.tolist() == [7, 3, 5]
    assert simulate(A, n_steps=20).trial.values.tolist() == [7, 3, 5]
    assert simulate(A, n_steps=20, trials=(7, 3, 5)).trial.values.tolist() == [7, 3, 5]


def test_a_longer_run_begins_like_a_shorter_one():
    shorter, longer = (simulate(network(), n_steps=n, seed=3).activity for n in (200, 700))
    np.testing.assert_array_equal(longer.values[:, :200], shorter.values)


def test_relabelling_neurons_relabels_the_samples_only():
    A = network()
    other = simulate(A.assign_coords(target=list("vwxyz"), source=list("vwxyz")), n_steps=50)
    np.testing.assert_array_equal(other.activity.values, simulate(A, n_steps=50).activity.values)
    assert other.activity.neuron.values.tolist() == list("vwxyz")


# --- options -----------------------------------------------------------------------------------


def test_float32_is_close_to_float64():
    kwargs = {"n_steps": 400, "seed": 1, "rng": "legacy"}
    single = simulate(network(), dtype="float32", **kwargs).activity
    double = simulate(network(), **kwargs).activity
    assert single.dtype == np.float32
    assert double.dtype == np.float64
    np.testing.assert_allclose(single.values, double.values, rtol=0, atol=2e-6)


def test_initial_state_of_each_neuron_and_trial():
    A = network()
    by_neuron = xr.DataArray([0.1, 0.2, 0.3, 0.4, 0.5], {"neuron": list("abcde")})
    run = simulate(A, n_steps=2, trials=2, initial=by_neuron)
    np.testing.assert_array_equal(run.activity.isel(time=0).values, np.stack([by_neuron.values] * 2, axis=1))
    by_both = by_neuron + xr.DataArray([0.0, 1.0], {"trial": [0, 1]})
    run = simulate(A, n_steps=2, trials=2, initial=by_both.transpose("trial", "neuron"))
    np.testing.assert_array_equal(run.activity.isel(time=0).values, by_both.values)
    assert (simulate(A, n_steps=2, initial=0.7).activity.isel(time=0) == 0.7).all()


def test_a_run_goes_on_from_its_last_state():
    A = network()
    whole = simulate(A, n_steps=30, noise_scale=0, initial=0.9).activity
    rest = simulate(A, n_steps=10, noise_scale=0, initial=whole.isel(time=20)).activity
    np.testing.assert_array_equal(rest.values, whole.values[:, 20:])


@pytest.mark.parametrize("weight", [1e6, -1e6, 1e300, -1e300])
def test_extreme_weights_do_not_warn(weight):
    run = simulate(network() * weight, n_steps=50)
    assert ((run.activity >= 0) & (run.activity <= 1)).all()


def test_labels_dims_and_attributes():
    run = simulate(network(), n_steps=30, trials=2, seed=5, noise_scale=0.5)
    assert run.activity.dims == ("neuron", "time", "trial")
    assert run.connectivity.dims == ("target", "source")
    assert run.neuron.values.tolist() == run.target.values.tolist() == list("abcde")
    assert run.trial.values.tolist() == [0, 1]
    assert run.time.values.tolist() == list(range(run.sizes["time"]))
    assert run.time.attrs == {"units": "step"}
    known = {"seed": 5, "rng": "modern", "noise_scale": 0.5, "initial": 0.0, "sampling_interval": 1.0}
    assert run.attrs.items() >= known.items()
    assert run.activity.attrs.items() >= known.items()
    assert {"netxr_version", "numpy_version", "schema_version", "model"} <= set(run.attrs)
    assert simulate(network(), n_steps=3, seed=np.array([5, 6]), trials=2).attrs["seed"] == [5, 6]


def test_the_caller_keeps_what_was_given():
    A, initial = networks(), xr.DataArray(np.full(5, 0.5), {"neuron": list("abcde")})
    before, initial_before = A.copy(deep=True), initial.copy(deep=True)
    simulate(A, n_steps=300, initial=initial)
    xr.testing.assert_identical(A, before)
    xr.testing.assert_identical(initial, initial_before)


@pytest.mark.crossed(1)
@pytest.mark.parametrize("store", [False, True])
@pytest.mark.parametrize("rng", ["modern", "legacy"])
def test_progress_is_monotone_and_ends_at_the_total(tmp_path, rng, store):
    calls = []
    path = tmp_path / "run.zarr" if store else None
    simulate(network(), n_steps=700, trials=3, rng=rng, store=path, progress=lambda *call: calls.append(call))
    done = [call[0] for call in calls]
    assert done == sorted(set(done))
    assert calls[-1] == (2100, 2100)
    assert {call[1] for call in calls} == {2100}
    assert len(calls) >= 3


# --- to disk ---------------------------------------------------------------------------------------


@pytest.mark.crossed(1)
@pytest.mark.parametrize("chunk", [32, 256, 512, 4096])
@pytest.mark.parametrize(
    "options",
    [
        {"trials": 1},
        {"trials": 3},
        {"trials": 3, "rng": "legacy"},
        {"trials": [5, 2], "dtype": "float32"},
        {"trials": 2, "noise_scale": 0.3, "initial": 0.2},
    ],
)
def test_the_same_samples_on_disk_as_in_memory(tmp_path, monkeypatch, chunk, options):
    monkeypatch.setattr(simulation, "steps_per_chunk", lambda *_: chunk)
    A = network()
    in_memory = simulate(A, n_steps=700, seed=3, **options)
    on_disk = simulate(A, n_steps=700, seed=3, store=tmp_path / "run.zarr", **options)
    assert on_disk.activity.chunks is not None
    np.testing.assert_array_equal(on_disk.activity.values, in_memory.activity.values)
    assert on_disk.activity.dtype == in_memory.activity.dtype
    xr.testing.assert_equal(on_disk.connectivity.compute(), in_memory.connectivity)
    assert on_disk.neuron.values.tolist() == in_memory.neuron.values.tolist()
    assert on_disk.trial.values.tolist() == in_memory.trial.values.tolist()
    assert without_origin(on_disk).attrs == in_memory.attrs
    assert on_disk.activity.attrs == in_memory.activity.attrs


@given(
    exponent=st.integers(5, 11),
    n_steps=st.integers(1, 1100),
    trials=st.integers(1, 4),
    together=st.integers(1, 4),
    drawn_ahead=st.sampled_from([0, 2**16]),
    rng=st.sampled_from(["modern", "legacy"]),
    dtype=st.sampled_from(["float32", "float64"]),
)
def test_no_bit_depends_on_how_a_run_is_stored(exponent, n_steps, trials, together, drawn_ahead, rng, dtype):
    A = network()
    options = {"n_steps": n_steps, "trials": trials, "seed": 3, "rng": rng, "dtype": dtype}
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr("netxr.kernels.dynamics.BATCH_BYTES", together * 256 * 5 * np.dtype(dtype).itemsize)
        in_memory = simulate(A, **options).activity
        patch.setattr(simulation, "steps_per_chunk", lambda *_: 2**exponent)
        patch.setattr("netxr.kernels.dynamics.DRAWN_AHEAD", drawn_ahead)
        on_disk = simulate(A, **options, store=Path(folder) / "run.zarr").activity
        assert on_disk.data.chunksize == (5, min(2**exponent, n_steps), 1)
        np.testing.assert_array_equal(on_disk.values, in_memory.values)


@pytest.mark.crossed(1)
@pytest.mark.parametrize("rng", ["modern", "legacy"])
@pytest.mark.parametrize("sparsity", [0.2, 0.9])
def test_no_bit_depends_on_the_threads_there_are(tmp_path, rng, sparsity):
    A = netxr.random_connectivity(250, sparsity=sparsity, seed=1)
    runs = []
    for threads in (1, 2, 5):
        with threadpool_limits(threads):
            run = simulate(A, n_steps=300, trials=6, rng=rng, store=tmp_path / f"{threads}.zarr")
            runs.append(run.activity.values)
    for run in runs[1:]:
        np.testing.assert_array_equal(run, runs[0])


def test_memory_does_not_grow_with_steps_or_trials(tmp_path, monkeypatch):
    limit = 4_000_000
    for module in ("netxr.simulation.simulate", "netxr.kernels.dynamics"):
        monkeypatch.setattr(f"{module}.BATCH_BYTES", limit)
    A = netxr.random_connectivity(200, seed=1)
    simulate(A, n_steps=300, store=tmp_path / "first.zarr")  # what is loaded once and for all is no part of it

    def peak(n_steps, trials):
        path = tmp_path / f"{n_steps}-{trials}.zarr"
        return peak_bytes(lambda: simulate(A, n_steps=n_steps, trials=trials, store=path))

    assert peak(1_500, 30) < 6 * limit  # 72 MB of samples
    # Threads hold a block more or less at the same moment; what grew with the steps would hold four times as much.
    assert peak(12_000, 4) < 2 * peak(3_000, 4) < 12 * limit


@pytest.mark.parametrize(("length", "expected"), [(256, [256, 256, 188]), (512, [512, 188]), (1024, [700])])
def test_blocks_are_joined_to_whole_chunks_before_they_are_written(length, expected):
    """A chunk that is written in two goes is read back in between."""
    blocks = [
        (slice(k, k + 1), start, np.full((min(256, 700 - start), 1, 2), start))
        for k in (0, 1)
        for start in (0, 256, 512)
    ]
    joined = list(simulation._gather(iter(blocks), length, n_steps=700))
    for k in (0, 1):
        own = [(start, states) for rows, start, states in joined if rows == slice(k, k + 1)]
        assert [len(states) for _, states in own] == expected
        assert all(start % length == 0 for start, _ in own)
        steps = np.concatenate([states for _, states in own])[:, 0, 0]
        np.testing.assert_array_equal(steps, np.repeat([0, 256, 512], [256, 256, 188]))


def test_one_network_a_trial_on_disk(tmp_path):
    on_disk = simulate(networks(), n_steps=300, store=str(tmp_path / "run.zarr"))
    in_memory = simulate(networks(), n_steps=300)
    np.testing.assert_array_equal(on_disk.activity.values, in_memory.activity.values)
    xr.testing.assert_equal(
        on_disk.connectivity.compute(), in_memory.connectivity.transpose("target", "source", "trial")
    )


def test_what_exists_is_left_as_it_is(tmp_path):
    path = tmp_path / "run.zarr"
    path.mkdir()
    (path / "notes.txt").write_text("mine")
    calls = []
    with pytest.raises(OutputExists, match=r"run\.zarr exists"):
        simulate(network(), n_steps=300, store=path, progress=lambda *call: calls.append(call))
    assert (path / "notes.txt").read_text() == "mine"
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.zarr"]
    assert not calls


@pytest.mark.crossed(1)
@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
@pytest.mark.parametrize("when", [1, 2])
def test_an_interrupted_run_leaves_nothing(tmp_path, monkeypatch, error, when):
    monkeypatch.setattr(simulation, "steps_per_chunk", lambda *_: 256)
    calls = []

    def interrupt(*call):
        calls.append(call)
        if len(calls) == when:
            raise error

    with pytest.raises(error):
        simulate(network(), n_steps=1000, store=tmp_path / "run.zarr", progress=interrupt)
    assert not list(tmp_path.iterdir())
    assert netxr.lagged_correlation(simulate(network(), n_steps=50).activity).notnull().all()


@pytest.mark.parametrize("when", [1, 2, 4])
def test_an_error_while_writing_ends_the_run(tmp_path, monkeypatch, when):
    monkeypatch.setattr(simulation, "steps_per_chunk", lambda *_: 256)
    write, calls = zarr.Array.__setitem__, []

    def full_disk(*arguments):
        calls.append(arguments)
        if len(calls) == when:
            raise OSError("no space left")
        write(*arguments)

    monkeypatch.setattr(zarr.Array, "__setitem__", full_disk)
    with pytest.raises(OSError, match="no space left"):
        simulate(network(), n_steps=1000, store=tmp_path / "run.zarr")
    assert len(calls) == when
    assert not list(tmp_path.iterdir())


def test_the_run_appears_when_it_is_complete(tmp_path):
    path, seen = tmp_path / "run.zarr", []
    simulate(network(), n_steps=600, store=path, progress=lambda *_: seen.append(Path(path).exists()))
    assert not any(seen)
    assert path.exists()


# --- bad input ----------------------------------------------------------------------------------------


WRONG = {
    "n_steps": [0, -1, 1.5, 2.0, True, "3", None, [3], np.nan],
    "trials": [0, -1, 1.5, True, np.True_, "ab", [], [0, 0], [-1], [1.0], ["a"], [None], [2**64], np.array(2), {}],
    "seed": [-1, 2**64, 1.5, True, np.True_, "1", None, [1, 2], [], [1.0], ["1"], [-1], np.array(1), [True]],
    "rng": [None, "old", 0, ["modern"], np.array(["modern", "legacy"])],
    "noise_scale": [-1, np.nan, np.inf, "1", None, True, [1.0], 1j, np.array([1.0, 2.0])],
    "initial": [np.nan, np.inf, "1", None, [0.5], 1j, np.zeros(5)],
    "dtype": ["float16", None, int, "int64", 32, np.array(["float32", "float64"])],
    "progress": [5, "print", []],
    "connectivity": [None, np.zeros((5, 5)), "network", 5, network().values.tolist(), network().to_dataset()],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_wrong_arguments(tmp_path, name, value):
    right = {"connectivity": network(), "n_steps": 20, "store": tmp_path / "run.zarr"}
    with pytest.raises(InvalidInput) as caught:
        simulate(**(right | {name: value}))
    assert caught.value.argument == name
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("rng", ["modern", "legacy"])
@pytest.mark.parametrize("seed", [True, np.True_, -1])
def test_wrong_seeds_of_both_streams(rng, seed):
    with pytest.raises(InvalidInput, match=r"^seed: "):
        simulate(network(), n_steps=3, seed=seed, rng=rng)


def test_a_legacy_seed_that_is_too_large_for_one_trial():
    simulate(network(), n_steps=3, seed=2**32 - 1, rng="legacy")
    with pytest.raises(InvalidInput, match=f"^seed: got {2**32}"):
        simulate(network(), n_steps=3, seed=2**32 - 1, trials=2, rng="legacy")


WRONG_NETWORKS = {
    "NaN": network().where(network() > 0, np.nan),
    "infinity": network().where(network() > 0, -np.inf),
    "rectangular": network().isel(target=slice(3)),
    "other labels": network().assign_coords(source=list("vwxyz")),
    "another order": network().assign_coords(source=list("edcba")),
    "a label twice": network().assign_coords(target=list("aabcd"), source=list("aabcd")),
    "complex": network().astype(complex),
    "text": network().astype(str),
    "another dim": network().rename(source="from"),
    "one dim": network().isel(source=0),
    "a further dim": network().expand_dims("lag"),
    "empty": network().isel(target=[], source=[]),
    "a trial twice": networks().assign_coords(trial=[0, 0, 1]),
}


@pytest.mark.parametrize("what", WRONG_NETWORKS)
def test_wrong_networks(what):
    with pytest.raises(InvalidInput) as caught:
        simulate(WRONG_NETWORKS[what], n_steps=20)
    assert caught.value.argument == "connectivity"


@pytest.mark.parametrize("trials", [2, [0, 1], [2, 1, 0], [0, 1, 5]])
def test_trials_that_are_not_those_of_the_networks(trials):
    with pytest.raises(InvalidInput, match=r"trials: .*those of the connectivity, \[0, 1, 2\]"):
        simulate(networks(), n_steps=20, trials=trials)


def test_trials_of_networks_that_are_no_whole_numbers():
    with pytest.raises(InvalidInput, match=r"^trials: "):
        simulate(networks().assign_coords(trial=list("abc")), n_steps=20)


WRONG_INITIAL = {
    "too few": xr.DataArray(np.zeros(4), dims="neuron"),
    "other labels": xr.DataArray(np.zeros(5), {"neuron": list("vwxyz")}),
    "another order": xr.DataArray(np.zeros(5), {"neuron": list("edcba")}),
    "other trials": xr.DataArray(np.zeros((5, 2)), {"neuron": list("abcde"), "trial": [8, 9]}),
    "a further dim": xr.DataArray(np.zeros((5, 2)), dims=("neuron", "time")),
    "NaN": xr.DataArray([0, 0, np.nan, 0, 0], {"neuron": list("abcde")}),
    "text": xr.DataArray(list("abcde"), {"neuron": list("abcde")}),
    "complex": xr.DataArray(np.zeros(5, complex), {"neuron": list("abcde")}),
    "objects": xr.DataArray(np.array([None] * 5), {"neuron": list("abcde")}),
}


@pytest.mark.parametrize("what", WRONG_INITIAL)
def test_wrong_initial_states(what):
    with pytest.raises(InvalidInput) as caught:
        simulate(network(), n_steps=20, trials=2, initial=WRONG_INITIAL[what])
    assert caught.value.argument == "initial"
    assert "neuron" in str(caught.value)


def test_a_store_of_many_trials_has_shorter_chunks_and_the_same_samples(tmp_path, monkeypatch):
    network = netxr.random_connectivity(4, seed=1)
    whole = netxr.simulate(network, n_steps=2000, trials=6, seed=2)
    for module in ("netxr.simulation.simulate", "netxr.kernels.dynamics"):
        monkeypatch.setattr(f"{module}.BATCH_BYTES", 6 * 512 * 4 * 8)
    stored = netxr.simulate(network, n_steps=2000, trials=6, seed=2, store=tmp_path / "run.zarr")
    assert stored.activity.data.chunksize == (4, 512, 1)
    xr.testing.assert_equal(stored.activity.compute(), whole.activity)
