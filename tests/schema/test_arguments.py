import itertools

import dask.array as da
import numpy as np
import pytest
import xarray as xr

from netxr.errors import InvalidInput
from netxr.schema.arguments import (
    check_choice,
    check_count,
    check_entries,
    check_memory,
    check_path,
    check_room,
    check_whole_numbers,
    is_number,
    is_whole,
    said,
)


@pytest.mark.parametrize(
    ("value", "number", "whole"),
    [
        (1, True, True),
        (-3, True, True),
        (np.int8(1), True, True),
        (1.0, True, False),
        (np.float32(1), True, False),
        (float("nan"), True, False),
        (True, False, False),
        (np.True_, False, False),
        (1j, False, False),
        ("1", False, False),
        (None, False, False),
        ([1], False, False),
        (np.array(1), False, False),
        (10**30, True, True),
        (10**400, False, True),
        (np.timedelta64("NaT", "s"), False, False),
    ],
)
def test_what_is_a_number(value, number, whole):
    assert (is_number(value), is_whole(value)) == (number, whole)


def test_a_choice():
    check_choice("rng", "old", ("new", "old"))
    for wrong in ("newer", None, 0, ["old"], np.array(["new", "old"])):
        with pytest.raises(InvalidInput, match=r"^rng: got .*; expected 'new' or 'old'\.$"):
            check_choice("rng", wrong, ("new", "old"))


@pytest.mark.parametrize("value", [[0, 2], (0, 2), range(0, 3, 2), np.array([0, 2]), xr.DataArray([0, 2])])
def test_whole_numbers(value):
    numbers = check_whole_numbers("lags", value, largest=2, expected="x")
    assert numbers == [0, 2]
    assert all(type(number) is int for number in numbers)


@pytest.mark.parametrize(
    "value", [None, 1, np.array(1), [], [0, 0], [0, 3], [-1], [1.0], [True], ["1"], "1", [[1]], {}]
)
def test_what_are_no_whole_numbers(value):
    with pytest.raises(InvalidInput, match=r"^lags: got .*; expected x\."):
        check_whole_numbers("lags", value, largest=2, expected="x")


def test_entries_of_what_has_none():
    with pytest.raises(InvalidInput, match=r"^dim: got 5; expected x\. Do this\.$"):
        check_entries("dim", 5, expected="x", fix="Do this.")


@pytest.mark.parametrize(
    ("memory", "n_bytes"),
    [
        (1, 1),
        (10**30, 10**30),
        (np.int64(4096), 4096),
        ("2GiB", 2**31),
        ("2 GiB", 2**31),
        ("400 MB", 400_000_000),
        ("1.5gb", 1_500_000_000),
        ("1e6", 1_000_000),
        ("64k", 64_000),
    ],
)
def test_an_amount_of_memory(memory, n_bytes):
    assert check_memory(memory) == n_bytes
    assert type(check_memory(memory)) is int


@pytest.mark.parametrize(
    "memory",
    [
        *(0, -1, 1.5, 2.0, True, None, [], {}, b"2GB", np.array(5), float("inf"), float("nan")),
        *("", " ", "GB", "many", "0", "-2GB", "0.5", "5 parsecs", "2 GB of it", "nan", "inf", "1e999", "1,5GB"),
    ],
)
def test_what_is_no_amount_of_memory(memory):
    with pytest.raises(InvalidInput, match=r'^memory: got .*; expected bytes, or text such as "2GiB"'):
        check_memory(memory)


@pytest.mark.parametrize("value", [range(10**12), range(10**30), itertools.count(), da.zeros(3), np.zeros(10**7 + 1)])
def test_entries_without_end_or_lazy_are_refused_at_once(value):
    with pytest.raises(InvalidInput, match=r"^lags: got "):
        check_entries("lags", value, expected="x")


def test_a_count_beyond_all_bounds():
    assert check_count("k", 10**9) == 10**9
    with pytest.raises(InvalidInput, match=r"k: got a whole number of about 10\*\*59; expected at most"):
        check_count("k", 10**59)


def test_what_no_memory_holds():
    check_room("k", 5, 10**6)
    with pytest.raises(InvalidInput, match=r"k: got 5, which takes .* TiB of memory; expected what fits into the"):
        check_room("k", 5, 10**20)


@pytest.mark.parametrize("value", ["x" * 5000, "a/" * 3000, "é" * 200])
def test_a_path_that_no_file_has(value):
    with pytest.raises(InvalidInput, match=r"store: got a path of \d+ letters"):
        check_path("store", value)


def test_what_a_message_says_of_a_value():
    assert said(12) == "12"
    assert said(10**5000) == "a whole number of about 10**5000"
    assert len(said("x" * 1000)) == 200
