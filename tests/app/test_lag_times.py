"""Lags in time on the page are in one unit, and the same samples when they are typed again."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from netxr.app.frame.lag_times import in_time, lag_text, shown_lags, typed_lags
from netxr.errors import InvalidInput

LAGS = st.lists(st.integers(0, 999_999), min_size=1, max_size=4)


@given(lags=LAGS, rate=st.floats(0.001, 50_000))
def test_lags_that_are_shown_in_time_come_back_as_they_were(lags, rate):
    text = ", ".join(map(str, lags))
    assert typed_lags(shown_lags(text, 1 / rate), 1 / rate) == text


def test_a_long_lag_keeps_its_sample():
    assert shown_lags("0-1234", 1 / 30) == "0-41133"  # 41,100 ms would be sample 1,233
    assert typed_lags("41133, 100", 1 / 30) == "1234, 3"
    assert shown_lags("1234", 0.8) == "987"
    assert typed_lags("987", 0.8) == "1234"
    assert typed_lags("1e+05", 1.0) == "100000"


def test_times_have_units():
    assert typed_lags("20ms, 0-100, 40-80 ms, 1s", 0.02) == "1, 0-5, 2-4, 50"
    assert typed_lags("33.3ms, .1 s", 1 / 30) == "1, 3"
    assert typed_lags("1.6, 800ms", 0.8) == "2, 1"
    assert typed_lags("many", 0.0) == "many"  # no clock: whoever takes samples says what is wrong


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("30", "got 30 ms, which is 1.5 samples of 20 ms; expected a whole number of samples. The nearest is 40 ms"),
        ("0, 0.03s", "got 0.03 s, which is 1.5 samples of 20 ms"),
        ("1010", "which is 50.5 samples"),
        ("-20", 'got \'-20\'; expected times in ms, such as "20" or "0-200", or with a unit, "0.02s"'),
        ("", "got ''; expected times in ms"),
        ("1.2.3", "got '1.2.3'; expected times in ms"),
        ("1e9", "got 1e9 ms; expected at most 19999980 ms"),
        ("1e400", "got 1e400 ms; expected at most 19999980 ms"),
    ],
)
def test_what_is_no_time_of_a_sample_is_refused_in_its_unit(text, message):
    with pytest.raises(InvalidInput) as found:
        typed_lags(text, 0.02)
    assert message in str(found.value)


@pytest.mark.parametrize(("interval", "unit"), [(0.001, "ms"), (1 / 30, "ms"), (0.099, "ms"), (0.1, "s"), (2.0, "s")])
def test_all_lags_of_a_recording_are_in_one_unit(interval, unit):
    R = xr.DataArray(np.zeros((3, 1, 1)), {"lag": [0, 1, 500]}, ("lag", "target", "source"))
    _, axis = in_time(R, interval)
    assert axis == f"Lag ({unit})"
    assert all(lag_text(lag, interval).endswith(f" {unit}") for lag in (0, 1, 500))
