"""Lags that are named in time, such as "20ms", by themselves and wherever there is a lag."""

import numpy as np
import pytest
import xarray as xr

import netxr
from netxr.errors import InvalidInput
from netxr.schema.clock import in_samples


def timed(**attrs):
    return xr.DataArray(np.random.default_rng(0).normal(size=(3, 200)), dims=("neuron", "time"), attrs=attrs)


@pytest.mark.parametrize(
    ("interval", "unit", "named", "expected"),
    [
        (0.01, "s", "20ms", 2),
        (10, "ms", "0.02 s", 2),
        (1 / 30_000, "s", "1ms", 30),
        (33.3, "ms", "-99.9ms", -3),
        (0.5, "minutes", "1.5 minutes", 3),
        (250, "us", "1 millisecond", 4),
        (0.01, "s", "0s", 0),
    ],
)
def test_lags_in_samples(interval, unit, named, expected):
    x = timed(sampling_interval=interval, sampling_interval_units=unit)
    assert in_samples(named, x, argument="lag") == expected
    assert in_samples((named, 7), x, argument="lags") == [expected, 7]


def test_lags_by_the_times_of_samples():
    x = timed().assign_coords(time=np.r_[0:100, 150:250] * 0.02)
    assert in_samples("60ms", x, argument="lag") == 3  # within stretches between gaps


@pytest.mark.parametrize(
    ("named", "attrs", "told"),
    [
        ("25ms", {"sampling_interval": 0.01}, "got '25ms', which is 2.5 samples of 0.01 s; .*'20ms', of 2 samples"),
        ("20ms", {}, r"lag: got '20ms', of samples counted in 'step'; expected a number of samples"),
        ("20ms", {"sampling_interval": 1, "sampling_interval_units": "frame"}, "counted in 'frame'"),
        ("20", {"sampling_interval": 0.01}, "lag: got '20'; expected a number of samples, or a time such as '20ms'"),
        ("soon", {"sampling_interval": 0.01}, "lag: got 'soon'; expected a number of samples"),
        ("1.2.3s", {"sampling_interval": 0.01}, "lag: got '1.2.3s'; expected a number of samples"),
    ],
)
def test_times_that_are_no_lag(named, attrs, told):
    with pytest.raises(InvalidInput, match=told):
        in_samples(named, timed(**attrs), argument="lag")


def test_lags_in_time_wherever_there_is_a_lag():
    x = timed(sampling_interval=10, sampling_interval_units="ms")
    moments = netxr.lagged_moments(x, lags=["0ms", "10ms", "20ms"])
    assert moments.lag.values.tolist() == [0, 1, 2]
    for data in (x, x.to_dataset(name="activity"), moments):
        reliability = () if data is moments else (netxr.reliability,)
        for function in (netxr.lagged_correlation, netxr.partial_correlation, netxr.correlation_test, *reliability):
            xr.testing.assert_identical(function(data, lag="20ms"), function(data, lag=2))
        for function in (netxr.regression, netxr.granger):
            xr.testing.assert_identical(function(data, lags=["20ms"]), function(data, lags=[2]))
            xr.testing.assert_identical(function(data, lags="20ms"), function(data, lags=2))
        xr.testing.assert_identical(
            netxr.estimate(data, method="lagged_correlation", lags=["-10ms", 2]),
            netxr.estimate(data, method="lagged_correlation", lags=[-1, 2]),
        )
        xr.testing.assert_identical(netxr.autocorrelation(data, lags=["10ms"]), netxr.autocorrelation(data, lags=[1]))
    for ours, other in (
        (netxr.strongest_pairs(x, lag="20ms", k=1), netxr.strongest_pairs(x, lag=2, k=1)),
        (netxr.edges(x, lag="20ms"), netxr.edges(x, lag=2)),
        (netxr.lagged_correlation(x, lag="20ms", given=x[0]), netxr.lagged_correlation(x, lag=2, given=x[0])),
    ):
        xr.testing.assert_identical(ours, other)
    assert netxr.plan(x, lags=["20ms"]).work.lags == (2,)
