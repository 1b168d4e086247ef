"""Steps that count samples as time: refused where times have gaps, or taken on each stretch alone."""

import numpy as np
import pytest
import scipy.signal
import xarray as xr

import netxr
from netxr.errors import InvalidInput

TIMES = np.r_[0:40, 60:100, 110:150] * 0.5
STRETCHES = [slice(0, 40), slice(40, 80), slice(80, 120)]
BAD = [10, 39, 40, 100]

STEPS = {
    "high_pass": lambda x, **gaps: netxr.high_pass(x, cutoff=0.1, **gaps),
    "detrend": lambda x, **gaps: netxr.detrend(x, order=1, **gaps),
    "difference": netxr.difference,
    "resample": lambda x, **gaps: netxr.resample(x, sampling_interval=1.5, **gaps),
    "interpolate": lambda x, **gaps: netxr.interpolate_frames(x, frames=BAD, **gaps),
}


def recording(dims=("neuron", "time")):
    shape = {"neuron": 2, "time": 120, "trial": 3}
    x = np.random.default_rng(0).normal(size=[shape[dim] for dim in dims]).cumsum(axis=1)
    return xr.DataArray(x, {"time": TIMES}, dims, name="activity")


def straight(x, places, bad):
    """Samples at bad places on the line between good ones."""
    good = np.setdiff1d(places, bad)
    return np.array([np.interp(places, good, row[good - places[0]]) for row in x])


EXPECTED = {
    "high_pass": lambda x, places: scipy.signal.sosfiltfilt(
        scipy.signal.butter(2, 0.1, "highpass", fs=2, output="sos"), x, axis=1
    ),
    "detrend": lambda x, places: scipy.signal.detrend(x, axis=1),
    "difference": lambda x, places: np.diff(x, axis=1),
    "resample": lambda x, places: x[:, :39].reshape(2, 13, 3).mean(axis=2),
    "interpolate": lambda x, places: straight(x, places, BAD),
}


@pytest.mark.parametrize("step", STEPS)
def test_gaps_are_refused_or_each_stretch_is_taken_alone(step):
    x = recording()
    with pytest.raises(
        InvalidInput, match=r"19\.5 is followed by 30\.0 \(sample 40\), where most steps are 0\.5, and 1 more"
    ):
        STEPS[step](x)
    right = np.hstack([EXPECTED[step](x.values[:, part], np.arange(120)[part]) for part in STRETCHES])
    for one in (x, x.chunk(time=17)):
        found = STEPS[step](one, gaps="segments")
        assert (found.chunks is None) == (one.chunks is None)
        np.testing.assert_allclose(found, right, atol=1e-9)
        assert found.time.dims == ("time",)
    said = STEPS[step](x.assign_attrs(gaps="segments"))
    np.testing.assert_array_equal(said, STEPS[step](x, gaps="segments"))


@pytest.mark.parametrize("step", STEPS)
def test_trials_with_gaps(step):
    x = recording(("neuron", "time", "trial"))
    found = STEPS[step](x, gaps="segments")
    for k in range(3):
        one = STEPS[step](x.isel(trial=k), gaps="segments")
        np.testing.assert_allclose(found.isel(trial=k), one, atol=1e-12)
    assert STEPS[step](x.to_dataset(), gaps="segments").activity.equals(found)


@pytest.mark.parametrize("step", STEPS)
def test_descending_times_are_refused(step):
    x = netxr.as_activity(recording().values, dims=("neuron", "time"), sampling_interval=0.5).isel(
        time=slice(None, None, -1)
    )
    for gaps in ("raise", "segments"):
        with pytest.raises(
            InvalidInput,
            match=r"'time' that descends: 59\.5 is followed by 59\.0.*isel\(time=slice\(None, None, -1\)\)",
        ):
            STEPS[step](x, gaps=gaps)


def test_what_counts_no_samples_takes_any_times():
    x = recording()
    netxr.z_score(x)
    netxr.clip(x, lower=0)
    netxr.mask_frames(x, frames=BAD)
    assert netxr.select(x, time=(5, 35)).sizes["time"] == 40
    assert netxr.bad_frames(x).sizes == {"time": 120}
    assert netxr.drop_frames(x, frames=[0]).sizes["time"] == 119


def test_a_filter_takes_the_interval_of_even_times():
    x = recording().isel(time=slice(0, 40))
    right = EXPECTED["high_pass"](x.values, None)
    np.testing.assert_allclose(netxr.high_pass(x, cutoff=0.1), right)
    np.testing.assert_allclose(netxr.high_pass(x.assign_attrs(sampling_interval=7), cutoff=0.1), right)
    assert netxr.high_pass(x.assign_attrs(sampling_interval=7), cutoff=0.1).sampling_interval == 0.5
