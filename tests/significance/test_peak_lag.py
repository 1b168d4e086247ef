"""The lag at which an estimate is strongest."""

import numpy as np
import pytest

import netxr
from netxr.errors import InvalidInput
from tests.runs import labelled


def curve(values, lags):
    return labelled(np.reshape(values, (-1, 1, 1)), lag=list(lags))


@pytest.mark.parametrize(
    ("values", "lags", "expected"),
    [
        ([0.1, -0.5, 0.3], [0, 1, 2], (-0.5, 1, 1)),
        ([0.4, 0.1, 0.4], [-1, 0, 1], (0.4, 1, 2)),  # of two as near to 0, the one at which the source comes first
        ([0.2, -0.2, 0.2], [3, 1, 2], (-0.2, 1, 3)),  # flat, by magnitude
        ([np.nan, 0.1, np.nan], [0, 1, 2], (0.1, 1, 1)),
        ([np.nan, np.nan], [0, 1], (np.nan, np.nan, 0)),
    ],
)
def test_by_hand(values, lags, expected):
    found = netxr.peak_lag(curve(values, lags))
    np.testing.assert_array_equal([found[name].item() for name in ("peak", "peak_lag", "n_peaks")], expected)


def test_the_time_of_the_peak_is_in_the_recordings_unit():
    x = np.random.default_rng(0).normal(size=(2, 400))
    x[1, 3:] += x[0, :-3]
    recorded = netxr.as_activity(x, dims=("neuron", "time")).assign_attrs(
        sampling_interval=20.0, sampling_interval_units="ms"
    )
    found = netxr.peak_lag(netxr.lagged_correlation(recorded.chunk(time=100), lags=range(-4, 5)))
    assert found.peak.chunks
    assert found.peak_time.sel(target=1, source=0) == 60
    assert found.peak_time.attrs["units"] == "ms"
    assert found.peak_lag.sel(target=0, source=1) == -3


def test_one_lag_has_no_peak():
    with pytest.raises(InvalidInput, match=r"estimate: got dims .*lags="):
        netxr.peak_lag(labelled(np.ones((2, 2))))
