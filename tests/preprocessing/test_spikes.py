"""By hand:
- spikes at 0.1, 0.15 and 0.9 in four bins of 0.25: two, none, none, one;
- without a span, the first bin begins at the first spike of all: 2.0, 2.9 and 4.0 in bins of 1 are two, none, one;
- two spikes in a second, smoothed, are two spikes a second on the average.
"""

import dask
import dask.array as da
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import netxr
from netxr import spike_counts, spike_rates
from netxr.errors import InvalidInput
from netxr.preprocessing import spikes
from tests.conftest import SHARED
from tests.runs import nothing_computes


def trains(n=4, n_spikes=300, seed=0):
    rng = np.random.default_rng(seed)
    return {f"unit {k}": np.sort(rng.uniform(0, 10, n_spikes * (k + 1))) for k in range(n)}


def test_a_width_that_is_longer_than_all_bins_is_refused():
    with nothing_computes(), pytest.raises(InvalidInput, match=r"width: got 10000; expected at most the 10 s .*unit\?"):
        spike_rates(trains(), sampling_interval=0.1, width=1e4, span=(0, 10))
    spike_rates(trains(), sampling_interval=0.1, width=10, span=(0, 10))


def test_by_hand():
    assert spike_counts([[0.9, 0.1, 0.15]], sampling_interval=0.25, span=(0, 1)).values.tolist() == [[2, 0, 0, 1]]
    found = spike_counts([[2.9, 4.0], [2.0]], sampling_interval=1)
    assert found.values.tolist() == [[1, 0, 1], [1, 0, 0]]
    assert found.time.values.tolist() == [2, 3, 4]
    rates = spike_rates([[5.2, 5.7]], sampling_interval=0.1, width=0.5, span=(0, 10))
    assert rates.mean().values * 10 == pytest.approx(2, abs=1e-3)


@given(st.integers(0, 99), st.sampled_from([0.05, 0.125, 1.0]), st.integers(1, 40))
def test_counts_are_those_of_a_histogram(seed, interval, n_bins):
    times = trains(n=3, seed=seed)
    span = (1.5, 1.5 + n_bins * interval)
    found = spike_counts(times, sampling_interval=interval, span=span)
    edges = 1.5 + interval * np.arange(n_bins + 1)
    for label, train in times.items():
        inside = train[train < edges[-1]]  # the last bin of a histogram holds its end
        np.testing.assert_array_equal(found.sel(neuron=label), np.histogram(inside, edges)[0])
    assert found.dtype == np.int32
    np.testing.assert_allclose(found.time, edges[:-1])


@pytest.mark.parametrize("make", [spike_counts, lambda times, **bins: spike_rates(times, width=0.07, **bins)])
def test_blocks_are_made_when_they_are_read(monkeypatch, make):
    times = trains()
    whole = make(times, sampling_interval=0.01, span=(0, 10))
    monkeypatch.setattr(spikes, "BLOCK_BYTES", 1000)
    with nothing_computes():
        found = make(times, sampling_interval=0.01, span=(0, 10))
    assert isinstance(found.data, da.Array)
    assert found.data.numblocks[1] > 30
    np.testing.assert_allclose(found, whole, rtol=0, atol=1e-9)
    np.testing.assert_allclose(found[1:3, 250:260], whole[1:3, 250:260], rtol=0, atol=1e-9)
    assert found.attrs["sampling_interval"] == 0.01


def test_no_block_makes_what_another_needs(monkeypatch):
    """A second of a day is counted without the rest of it."""
    day = {k: np.random.default_rng(k).uniform(0, 86_400, 20_000) for k in range(3)}
    counted = spike_counts(day, sampling_interval=0.001, span=(0, 86_400))
    assert counted.sizes["time"] == 86_400_000
    second = counted.sel(time=slice(3600, 3601)).isel(time=slice(0, 1000))
    with dask.config.set(scheduler="synchronous"):
        np.testing.assert_array_equal(second.sum("time"), [((t >= 3600) & (t < 3601)).sum() for t in day.values()])
    assert max(counted.chunksizes["time"]) < 10**6


def test_a_rate_is_a_recording(tmp_path):
    rates = spike_rates(trains(), sampling_interval=0.01, width=0.02)
    assert (rates.units, rates.dtype) == ("1/s", np.float64)
    assert rates.mean("time").values == pytest.approx([30, 60, 90, 120], rel=0.03)
    netxr.save(rates.to_dataset(), tmp_path / "rates.zarr")
    np.testing.assert_array_equal(netxr.open(tmp_path / "rates.zarr").activity, rates)
    assert netxr.lagged_correlation(rates).sizes == {"target": 4, "source": 4}


def test_times_that_are_rather_milliseconds_are_asked_about():
    """At 5 spikes a second for a minute, said to be in seconds."""
    times = trains(n_spikes=75)
    in_ms = {label: 6000 * train for label, train in times.items()}
    told = r"a spike every 200 s, in 59,\d+,\d+ bins of 0\.001 s\. Fix: where times are in another unit"
    with nothing_computes(), pytest.warns(UserWarning, match=told):
        spike_counts(in_ms, sampling_interval=0.001)
    with pytest.warns(UserWarning, match="a spike every 200 s, in 60,000,000 bins"):
        spike_rates(in_ms, sampling_interval=0.001, width=0.1, span=(0, 60_000))
    spike_counts(in_ms, sampling_interval=1, interval_units="ms")
    spike_counts([[]], sampling_interval=0.001, span=(0, 60_000))
    spike_counts([np.arange(0, 3600, 20)], sampling_interval=0.05)  # events of calcium, a few a minute


def test_spike_trains_of_neo_say_their_unit():
    neo = pytest.importorskip("neo")
    train = neo.SpikeTrain([100, 150, 900], t_stop=1000, units="ms")
    assert spike_counts([train], sampling_interval=0.25, span=(0, 1)).values.tolist() == [[2, 0, 0, 1]]
    in_ms = spike_counts([train], sampling_interval=250, span=(0, 1000), interval_units="ms")
    assert in_ms.values.tolist() == [[2, 0, 0, 1]]
    assert in_ms.sampling_interval_units == "ms"


def test_spike_trains_of_neo_say_when_they_were_observed():
    neo = pytest.importorskip("neo")
    early, late = (
        neo.SpikeTrain([600], t_stop=2000, units="ms"),
        neo.SpikeTrain([1.2], t_start=0.5, t_stop=3, units="s"),
    )
    found = spike_counts({"a": early, "b": late}, sampling_interval=0.25)  # both from 0.5 to 2 s
    assert found.values.tolist() == [[1, 0, 0, 0, 0, 0], [0, 0, 1, 0, 0, 0]]
    assert found.time.values[0] == 0.5
    assert spike_counts([early], sampling_interval=0.25, span=(0, 1)).values.tolist() == [[0, 0, 1, 0]]


@pytest.mark.skipif(not (SHARED / "data").exists(), reason="no shared recordings")
def test_as_the_reader_of_files_counts():
    h5py = pytest.importorskip("h5py")
    path = SHARED / "data" / "nwb_units" / "units.nwb"
    with h5py.File(path) as file:
        units = file["units"]
        each = np.split(units["spike_times"][()], units["spike_times_index"][:-1])
        times = dict(zip(units["id"][()].tolist(), each, strict=True))
    options = {"rate": 100, "span": (10, 200)}
    found = spike_counts(times, sampling_interval=0.01, span=(10, 200))
    np.testing.assert_array_equal(found, netxr.open(path, **options).activity)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"times": []}, "times: got no neuron"),
        ({"times": [0.1, 0.2]}, r"times: got float64 of shape \(\) for neuron 0"),
        ({"times": {"a": ["x"]}}, "of shape .* for neuron 'a'; expected the times"),
        ({"times": {"a": [0.1], "b": [np.nan]}}, "a time of neuron 'b' that is not finite"),
        ({"times": 3}, "times: got 3"),
        ({"sampling_interval": 0}, "sampling_interval: got 0; expected the length of a bin in s, above 0"),
        ({"sampling_interval": 1e-12, "span": (0, 1)}, r"1e-12, of which 1.0e\+12 fit .* in the same unit\?"),
        ({"span": (1, 1)}, r"span: got \(1, 1\); expected a start and a later stop"),
        ({"span": (0, 0.05)}, "span: got 0 to 0.05; expected a bin of 0.1 at least"),
        ({"times": [[], []]}, "span: got none, and no spike"),
        (
            {"span": (20, 30)},
            r"span: got 20 to 30; .* holds spikes, which are from .* in the same unit\?",
        ),
        ({"times": {"a": [0.1], "a ": [[0.1]]}}, "for neuron 'a '"),
    ],
)
def test_bad_input(given, told):
    options = {"times": [[0.1, 0.9]], "sampling_interval": 0.1} | given
    with pytest.raises(InvalidInput, match=told):
        spike_counts(options.pop("times"), **options)


@pytest.mark.parametrize("width", [0, -1, np.nan, "wide"])
def test_a_width_that_is_none(width):
    with pytest.raises(InvalidInput, match="width: got"):
        spike_rates([[0.1, 0.9]], sampling_interval=0.1, width=width)
