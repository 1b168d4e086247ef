import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netxr.plot.ticks import shorten, ticks


@given(st.integers(1, 5000), st.integers(1, 12))
def test_ticks_are_few_and_even_and_start_at_the_first(n_labels, most):
    positions = [position for position, _ in ticks(np.arange(n_labels), most=most)]
    assert positions[0] == 0
    assert 1 <= len(positions) <= most
    assert len(set(np.diff(positions))) <= 1


@pytest.mark.parametrize(
    ("n_labels", "expected"), [(6, [0, 1, 2, 3, 4, 5]), (25, [0, 5, 10, 15, 20]), (100, [0, 20, 40, 60, 80])]
)
def test_ticks_stand_at_round_positions(n_labels, expected):
    assert ticks(np.arange(n_labels)) == [(position, str(position)) for position in expected]


def test_ticks_carry_the_labels_not_the_positions():
    assert ticks(np.array([7, 9])) == [(0, "7"), (1, "9")]
    assert ticks(np.array(["a very long name of a neuron"], dtype=object)) == [(0, "a ver…neuron")]


def test_labels_that_differ_at_their_ends_stay_apart_when_they_are_shortened():
    assert shorten("twelve signs") == "twelve signs"
    assert [shorten(f"session12_unit_{k:04d}", most=8) for k in (7, 41)] == ["ses…0007", "ses…0041"]


def test_dates_are_written_without_zeros():
    assert ticks(np.array(["2020-01-31"], dtype="datetime64[ns]")) == [(0, "2020-01-31")]
