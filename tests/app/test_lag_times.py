"""Lags in seconds on the page are the same samples when they are typed again."""

from hypothesis import given
from hypothesis import strategies as st

from netxr.app.frame.lag_times import shown_lags, typed_lags

LAGS = st.lists(st.integers(0, 10**6), min_size=1, max_size=4)


@given(lags=LAGS, rate=st.floats(0.001, 50_000))
def test_lags_that_are_shown_in_seconds_come_back_as_they_were(lags, rate):
    text = ", ".join(map(str, lags))
    assert typed_lags(shown_lags(text, 1 / rate), 1 / rate) == text


def test_a_long_lag_keeps_its_sample():
    assert shown_lags("0-1234", 1 / 30) == "0-41.13"  # 41.1 s would be sample 1,233
    assert typed_lags("41.13, 0.1", 1 / 30) == "1234, 3"
    assert typed_lags("1e+05", 1.0) == "100000"
