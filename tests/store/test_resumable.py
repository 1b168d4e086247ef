import numpy as np
import pytest
import xarray as xr

import netxr
from netxr.errors import DiskFull, InvalidInput, OutputExists, StoreBusy
from netxr.simulation import simulate as simulation

A = netxr.random_connectivity(6, seed=1)
OPTIONS = {"n_steps": 3000, "trials": 3, "seed": 4}


@pytest.fixture(autouse=True)
def _short_stretches(monkeypatch):
    monkeypatch.setattr(simulation, "steps_per_chunk", lambda *_: 256)
    monkeypatch.setattr(simulation, "COMMIT_BYTES", 2**14)


def cut_off(path, *, after, connectivity=A, **options):
    """Begin a simulation, and stop it when so many steps of all trials are done."""

    def stop(done, _):
        if done >= after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        netxr.simulate(connectivity, store=path, progress=stop, **OPTIONS | options)


@pytest.mark.crossed(1)
@pytest.mark.parametrize("after", [1200, 4000, 8900])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"rng": "legacy"},
        {"dtype": "float32", "trials": [7, 2]},
        {"initial": 0.25, "seed": [3, 1, 2], "noise_scale": 0.5},
    ],
)
def test_a_run_that_was_cut_off_goes_on_bit_for_bit(tmp_path, after, options):
    path, whole = tmp_path / "run.zarr", netxr.simulate(A, **OPTIONS | options)
    cut_off(path, after=min(after, 2 * 3000 - 100) if "trials" in options else after, **options)
    early = netxr.open(path)
    assert 0 < early.sizes["time"] < 3000
    assert early.attrs["unfinished"].startswith("a simulation of 3000 steps")
    np.testing.assert_array_equal(early.activity.values, whole.activity.values[:, : early.sizes["time"]])
    assert not [problem for problem in netxr.verify(path) if not problem.harmless]
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.zarr"]

    resumed = netxr.simulate(A, store=path, **OPTIONS | options)
    assert "unfinished" not in resumed.attrs
    xr.testing.assert_equal(resumed.load(), whole)
    np.testing.assert_array_equal(resumed.activity.values, whole.activity.values)
    assert netxr.verify(path) == ()
    with pytest.raises(OutputExists):
        netxr.simulate(A, store=path, **OPTIONS | options)


def test_batches_of_trials_go_on_together(tmp_path, monkeypatch):
    monkeypatch.setattr("netxr.kernels.dynamics.BATCH_BYTES", 2 * 256 * 6 * 8)
    path, whole = tmp_path / "run.zarr", netxr.simulate(A, **OPTIONS | {"trials": 5})
    cut_off(path, after=7000, trials=5)
    np.testing.assert_array_equal(
        netxr.simulate(A, store=path, **OPTIONS | {"trials": 5}).activity.values, whole.activity.values
    )


def test_it_may_be_cut_off_many_times(tmp_path):
    path, whole = tmp_path / "run.zarr", netxr.simulate(A, **OPTIONS)
    lengths = []
    for after in (1500, 3000, 5000, 8000):
        cut_off(path, after=after)
        lengths.append(netxr.open(path).sizes["time"])
    assert lengths == sorted(set(lengths))
    np.testing.assert_array_equal(netxr.simulate(A, store=path, **OPTIONS).activity.values, whole.activity.values)


def test_progress_goes_on_where_it_was(tmp_path):
    path, reported = tmp_path / "run.zarr", []
    cut_off(path, after=5000)
    done = netxr.open(path).sizes["time"] * 3
    netxr.simulate(A, store=path, progress=lambda *counts: reported.append(counts), **OPTIONS)
    assert done < reported[0][0] <= done + 3 * 256
    assert reported[-1] == (9000, 9000)


def test_a_run_cut_off_before_its_first_commit_leaves_nothing(tmp_path):
    cut_off(tmp_path / "run.zarr", after=1)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed": 5}, "seed: got 5; expected 4, as the unfinished run"),
        ({"n_steps": 4000}, "n_steps: got 4000; expected 3000"),
        ({"rng": "legacy"}, "rng: got 'legacy'; expected 'modern'"),
        ({"noise_scale": 2.0}, r"noise_scale: got 2\.0; expected 1\.0"),
        ({"initial": 0.5}, r"initial: got 0\.5; expected 0\.0"),
        ({"dtype": "float32"}, "dtype: got 'float32'; expected 'float64'"),
        ({"trials": [0, 1, 3]}, "trials: got other labels along trial"),
        ({"connectivity": A * 2}, "connectivity: got other weights"),
        ({"connectivity": A.assign_coords(source=range(1, 7), target=range(1, 7))}, "connectivity: got other labels"),
        ({"connectivity": A[:5, :5]}, "connectivity: got other labels"),
    ],
)
def test_another_run_is_not_gone_on_with(tmp_path, options, message):
    path = tmp_path / "run.zarr"
    cut_off(path, after=4000)
    before = netxr.open(path).load()
    with pytest.raises(InvalidInput, match=message):
        netxr.simulate(**{"connectivity": A, "store": path, **OPTIONS, **options})
    xr.testing.assert_identical(netxr.open(path).load(), before)


def test_another_first_state_is_another_run(tmp_path):
    first = xr.DataArray(np.linspace(0, 1, 6), {"neuron": np.arange(6)}, "neuron")
    cut_off(tmp_path / "run.zarr", after=4000, initial=first)
    with pytest.raises(InvalidInput, match="initial: got 'by neuron, "):
        netxr.simulate(A, store=tmp_path / "run.zarr", initial=first * 0.5, **OPTIONS)
    resumed = netxr.simulate(A, store=tmp_path / "run.zarr", initial=first, **OPTIONS)
    np.testing.assert_array_equal(resumed.activity.values, netxr.simulate(A, initial=first, **OPTIONS).activity.values)


def test_two_at_once_are_refused(tmp_path):
    path = tmp_path / "run.zarr"
    refused = []

    def also(done, _):
        if done > 4000 and not refused:
            with pytest.raises(StoreBusy):
                netxr.simulate(A, store=path, **OPTIONS)
            refused.append(done)

    run = netxr.simulate(A, store=path, progress=also, **OPTIONS)
    assert refused
    np.testing.assert_array_equal(run.activity.values, netxr.simulate(A, **OPTIONS).activity.values)


def test_an_unfinished_run_is_not_appended_to(tmp_path):
    path = tmp_path / "run.zarr"
    cut_off(path, after=4000)
    with pytest.raises(netxr.UnreadableFile, match=r"unfinished: a simulation of 3000 steps.*Let it end first"):
        netxr.append(netxr.simulate(A, **OPTIONS), path, dim="time")


def test_what_is_no_unfinished_run_is_left_alone(tmp_path):
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "folder", tmp_path):
        with pytest.raises(OutputExists):
            netxr.simulate(A, store=path, **OPTIONS)


def test_what_no_disk_would_hold_is_refused_before_a_step(tmp_path):
    with pytest.raises(DiskFull, match=r"TiB of samples, and .*B are free"):
        netxr.simulate(A, n_steps=10**15, store=tmp_path / "run.zarr")
    assert not list(tmp_path.iterdir())
