import numpy as np
import pytest
import xarray as xr

from netxr.errors import InvalidInput
from netxr.schema.arguments import check_choice, check_entries, check_memory, check_whole_numbers, is_number, is_whole


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
