"""Evenness of times against times that are made even or not."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netxr.errors import InvalidInput, UnreadableFile
from netxr.recordings.formats.times import check_interval, interval_of
from netxr.schema.spacing import PIECE

FILE = Path("run.nwb")


@given(st.floats(1e-4, 1e3), st.floats(-1e3, 1e3), st.integers(2, 500), st.integers(0, 99))
def test_even_times_tell_their_interval(interval, start, n_times, seed):
    jitter = np.random.default_rng(seed).uniform(-0.04, 0.04, n_times) * interval
    times = start + interval * np.arange(n_times) + jitter
    assert interval_of(times, FILE, "times") == pytest.approx(interval, rel=0.09 / (n_times - 1) + 1e-6)


@pytest.mark.parametrize("lost", [3, PIECE, PIECE + 1, 2 * PIECE + 7])
def test_a_lost_frame_is_found_wherever_it_is(lost):
    times = np.arange(2 * PIECE + 10) / 30
    times[lost:] += 1 / 30
    with pytest.raises(UnreadableFile, match=rf"run\.nwb: times is not even.*\(sample {lost}\).*0\.0333333"):
        interval_of(times, FILE, "times")


@pytest.mark.parametrize("held", [np.float32, np.float64])
def test_times_that_were_rounded_to_single_precision_are_even_but_for_lost_frames(held):
    times = 50_000 + np.arange(5000) / 30  # 14 h into a session, where it is precise to 4 ms
    assert interval_of(times.astype(np.float32).astype(held), FILE, "times") == pytest.approx(1 / 30, rel=1e-5)
    times[2000:] += 1 / 30
    with pytest.raises(UnreadableFile, match=r"not even.*\(sample 2000\)"):
        interval_of(times.astype(np.float32).astype(held), FILE, "times")


def test_whole_nanoseconds_keep_their_digits():
    times = 1_700_000_000_000_000_000 + np.arange(1000, dtype=np.int64) * 100
    assert interval_of(times, FILE, "times") == 100


def test_another_rate_in_the_second_half_is_found():
    times = np.cumsum(np.r_[np.full(500, 0.1), np.full(500, 0.105)])
    with pytest.raises(UnreadableFile, match="not even"):
        interval_of(times, FILE, "times")


@pytest.mark.parametrize("times", [[1.0], [2.0, 1.0], [1.0, 1.0], [0.0, np.nan, 2.0], [0.0, 1.0, np.inf]])
def test_times_that_do_not_ascend_are_refused(times):
    with pytest.raises(UnreadableFile, match=r"no interval|not even|not finite|descends"):
        interval_of(np.array(times), FILE, "times")


@pytest.mark.parametrize("interval", [0, -1, np.nan, np.inf, "1", None, True])
def test_an_interval_that_is_none_is_refused(interval):
    with pytest.raises(InvalidInput, match="a positive number, in seconds"):
        check_interval(interval)
