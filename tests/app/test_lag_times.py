"""Lags in seconds on the page are the same samples when they are typed again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netxr.app.frame.lag_times import shown_lags, typed_lags
from netxr.errors import InvalidInput

LAGS = st.lists(st.integers(0, 999_999), min_size=1, max_size=4)


@given(lags=LAGS, rate=st.floats(0.001, 50_000))
def test_lags_that_are_shown_in_seconds_come_back_as_they_were(lags, rate):
    text = ", ".join(map(str, lags))
    assert typed_lags(shown_lags(text, 1 / rate), 1 / rate) == text


def test_a_long_lag_keeps_its_sample():
    assert shown_lags("0-1234", 1 / 30) == "0-41.13"  # 41.1 s would be sample 1,233
    assert typed_lags("41.13, 0.1", 1 / 30) == "1234, 3"
    assert typed_lags("1e+05", 1.0) == "100000"


def test_times_have_units():
    assert typed_lags("20ms, 0-0.1, 40-80 ms, 1s", 0.02) == "1, 0-5, 2-4, 50"
    assert typed_lags("33.3ms, .1", 1 / 30) == "1, 3"
    assert typed_lags("many", 0.0) == "many"  # no clock: whoever takes samples says what is wrong


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0.03", "got 0.03 s, which is 1.5 samples of 0.02 s; expected a whole number of samples. The nearest is 0.04"),
        ("0, 30ms", "got 30 ms, which is 1.5 samples of 0.02 s"),
        ("1.01", "which is 50.5 samples"),
        ("-0.02", 'got \'-0.02\'; expected times in seconds, such as "0.02" or "0-0.2", or "20ms"'),
        ("", "got ''; expected times in seconds"),
        ("1.2.3", "got '1.2.3'; expected times in seconds"),
        ("1e9", "got 1e9 s; expected at most 20000 s"),
        ("1e400", "got 1e400 s; expected at most 20000 s"),
    ],
)
def test_what_is_no_time_of_a_sample_is_refused_in_its_unit(text, message):
    with pytest.raises(InvalidInput) as found:
        typed_lags(text, 0.02)
    assert message in str(found.value)
