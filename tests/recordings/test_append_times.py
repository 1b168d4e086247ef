"""Samples that are appended go on in time where the run ends: overlaps and gaps are refused with figures."""

import numpy as np
import pytest

import netxr
from netxr.errors import InvalidInput


def recording(start_time=None, n_steps=40, **options):
    x = np.random.default_rng(0).normal(size=(2, 60))[:, :n_steps]
    return netxr.as_activity(x, dims=("neuron", "time"), sampling_interval=0.1, start_time=start_time, **options)


@pytest.fixture
def store(tmp_path):
    netxr.save(recording(5.0).to_dataset(), tmp_path / "run.zarr")
    return tmp_path / "run.zarr"


def plainly(x):
    """The same times as an ordinary coordinate."""
    return x.drop_vars("time").assign_coords(time=("time", x.time.values, x.time.attrs))


WRONG = {
    "again": (
        recording(5.0),
        r"from 5 to 8\.9 s, of which the run, 5 to 8\.9, has 40 already; .* go on at 9 s.*slice\(9, None\)",
    ),
    "overlap": (recording(8.5), r"from 8\.5 to 12\.4 s, of which the run, 5 to 8\.9, has 5 already"),
    "by one": (recording(8.9), "has 1 already"),
    "before": (recording(0.5), r"from 0\.5 to 4\.4 s, of which .* has 0 already"),
    "from 0": (
        recording(),
        r"from 0 to 3\.9 s, of which .* has 0 already.*only their times are wrong, \.drop_vars\('time'\)",
    ),
    "gap": (
        recording(9.3),
        r"leave out 3 samples after the run's last at 8\.9; expected .* at 9 s\..*with dim='trial'",
    ),
    "backwards": (recording(9.0)[:, ::-1], r"descends: 12\.9 is followed by 12\.8"),
    "uneven": (recording(9.0).isel(time=[0, 1, 5, 6, 7]), r"is not even: 9\.1 is followed by 9\.5 \(sample 2\)"),
}


@pytest.mark.parametrize("how", [lambda x: x, plainly])
@pytest.mark.parametrize("case", WRONG)
def test_what_does_not_go_on_is_refused(store, case, how):
    new, told = WRONG[case]
    with pytest.raises(InvalidInput, match=told):
        netxr.append(how(new), store, dim="time")
    assert netxr.open(store).sizes["time"] == 40


@pytest.mark.parametrize("how", [lambda x: x, plainly, lambda x: x.drop_vars("time"), lambda x: x.chunk(time=7)])
def test_what_goes_on_is_taken(store, how):
    for start in (9.0, 13.0):
        netxr.append(how(recording(start)), store, dim="time")
    run = netxr.open(store)
    np.testing.assert_allclose(run.time, 5 + 0.1 * np.arange(120))
    np.testing.assert_array_equal(run.activity, np.tile(recording().values, 3))


def test_a_clock_a_little_late_goes_on(store):
    netxr.append(recording(9.03), store, dim="time")
    np.testing.assert_allclose(netxr.open(store).time, 5 + 0.1 * np.arange(80))


def test_one_sample_goes_on(store):
    for one in (recording(9.0)[:, :1], plainly(recording(9.1))[:, :1]):
        netxr.append(one, store, dim="time")
    assert netxr.open(store).sizes["time"] == 42
    with pytest.raises(InvalidInput, match="has 1 already"):
        netxr.append(plainly(recording(9.1))[:, :1], store, dim="time")


def test_a_run_without_times_takes_samples_without(tmp_path):
    bare = netxr.as_activity(recording().values, dims=("neuron", "time")).to_dataset()
    netxr.save(bare, tmp_path / "run.zarr")
    netxr.append(bare, tmp_path / "run.zarr", dim="time")
    assert netxr.open(tmp_path / "run.zarr").sizes["time"] == 80


def test_the_history_says_when_a_trial_was(tmp_path):
    netxr.save(recording(5.0).expand_dims(trial=[0]).to_dataset(name="activity"), tmp_path / "run.zarr")
    netxr.append(recording(20.0).expand_dims(trial=[1]), tmp_path / "run.zarr", dim="trial")
    assert netxr.open(tmp_path / "run.zarr").history.endswith("append: 1 along trial (start_time 20.0)")


@pytest.mark.parametrize("write", [netxr.append, netxr.save])
def test_a_listener_that_is_none_is_named_by_its_argument(store, tmp_path, write):
    options = {"dim": "time"} if write is netxr.append else {}
    with pytest.raises(InvalidInput, match="progress: got 3; expected a function"):
        write(recording(9.0).to_dataset(), store if options else tmp_path / "new.zarr", progress=3, **options)
