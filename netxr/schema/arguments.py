"""Checks of plain arguments: numbers, choices, sequences, seeds."""

import math
import os
import sys
from collections.abc import Sequence
from itertools import islice
from os import PathLike
from pathlib import Path
from typing import Any, Final

import numpy as np
import psutil
from dask.utils import parse_bytes
from numpy.typing import NDArray

from netxr import names as n
from netxr.errors import InvalidInput, OutputExists
from netxr.schema.outputs import forbidden
from netxr.schema.words import text_of

MOST_ENTRIES: Final = 10**7
"""Entries of a sequence that is an argument."""

LONGEST_PATH: Final = 4095
LONGEST_NAME: Final = 255
"""Letters of a path, and bytes of a name in it: no system has longer ones."""

MOST_COUNTED: Final = 2**53
"""A count, beyond which numbers of steps are no longer told apart as floats."""

FILES: Final = frozenset(
    {".csv", ".tsv", ".txt", ".xlsx", ".parquet", ".json", ".npy", ".npz", ".pkl", ".mat", ".h5", ".hdf5", ".nwb"}
    | {".nc", ".html", ".png", ".svg", ".pdf", ".zip"}
)
"""Endings of files, none of which a store has."""


def is_number(value: Any) -> bool:
    """Return whether `value` is one real number that a float can be: no bool, text, array or complex number."""
    if not isinstance(value, (int, float, np.integer, np.floating)) or isinstance(value, (bool, np.timedelta64)):
        return False
    return not isinstance(value, int) or abs(value) <= sys.float_info.max


def is_finite(value: Any) -> bool:
    """Return whether `value` is one real number, neither NaN nor infinite."""
    return is_number(value) and math.isfinite(value)


def is_whole(value: Any) -> bool:
    """Return whether `value` is one whole number: a bool or 1.0 is none."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, (bool, np.timedelta64))


def is_usual(value: Any, usual: Any) -> bool:
    """Return whether an option is what it is where the caller says nothing: an array of odd kind never is."""
    return value is usual or (isinstance(value, str | int) and value == usual)


def check_path(argument: str, value: Any) -> Path:
    """Return `value` as a path, or raise InvalidInput if it is neither text nor a path."""
    if not isinstance(value, (str, PathLike)) or "\0" in str(value):
        raise InvalidInput(argument, got=said(value), expected="a path: text, or a pathlib.Path")
    path = Path(value)
    if len(str(path)) > LONGEST_PATH or max((len(os.fsencode(part)) for part in path.parts), default=0) > LONGEST_NAME:
        raise InvalidInput(argument, got=f"a path of {len(str(path))} letters", expected="one that a file can have")
    return path


def check_vacant(argument: str, value: Any) -> Path:
    """Return `value` as a path at which there is nothing, in a folder that exists.

    Raises OutputExists if there is anything, even a link to nowhere; InvalidInput if it is no path, has no folder, or
    one that is closed to this user.
    """
    path = check_path(argument, value)
    if os.path.lexists(path):
        raise OutputExists(path)
    if not path.absolute().parent.is_dir():
        fix = f"Make {path.parent} first."
        raise InvalidInput(argument, got=repr(str(path)), expected="a place in a folder that exists", fix=fix)
    if not os.access(path.absolute().parent, os.W_OK):
        raise forbidden(path, argument)
    return path


def check_store_name(argument: str, value: Any) -> Path:
    """Return `value` as a path if it is no name of a file in another format, which a Zarr folder would pretend to be.

    Raises InvalidInput if it is no path, or ends as such a file does.
    """
    path = check_path(argument, value)
    if path.suffix.lower() in FILES:
        expected = f"the name of a Zarr folder: {path.with_suffix('.zarr').name}, for instance"
        raise InvalidInput(argument, got=repr(str(path)), expected=expected, fix=f"No {path.suffix} file is written.")
    return path


def check_choice(argument: str, value: Any, choices: Sequence[str]) -> None:
    """Raise InvalidInput if `value` is none of the words in `choices`."""
    if not isinstance(value, str) or value not in choices:
        raise InvalidInput(argument, got=said(value), expected=" or ".join(map(repr, choices)))


def check_text(argument: str, value: Any) -> None:
    """Raise InvalidInput if `value` is no text."""
    if not isinstance(value, str):
        raise InvalidInput(argument, got=said(value), expected="text")


def check_name(name: object) -> None:
    """Raise InvalidInput if `name` is neither text nor None."""
    if name is not None and not isinstance(name, str):
        raise InvalidInput("name", got=said(name), expected="text, the name of an array or variable")


def check_flag(argument: str, value: Any) -> None:
    """Raise InvalidInput if `value` is neither True nor False: text such as "no" would count as yes."""
    if not isinstance(value, (bool, np.bool_)):
        raise InvalidInput(argument, got=said(value), expected="True or False")


def check_listener(argument: str, listener: Any, *, what: str = "how much is done, how much in all") -> None:
    """Raise InvalidInput if what is to be told of progress can not be called."""
    if not callable(listener):
        raise InvalidInput(argument, got=said(listener), expected=f"a function of ({what})")


def check_entries(argument: str, value: Any, *, expected: str, fix: str = "") -> list[Any]:
    """Return the entries of a sequence as a list, or raise InvalidInput if `value` is no sequence."""
    if getattr(value, "chunks", None) or getattr(value, "size", 0) > MOST_ENTRIES:
        raise InvalidInput(argument, got=said(value), expected=f"{expected}; in memory", fix=fix)
    values = getattr(value, "values", value)  # the entries of a DataArray would be DataArrays
    try:
        entries = list(islice(values, MOST_ENTRIES + 1))
    except (TypeError, OverflowError):
        raise InvalidInput(argument, got=said(value), expected=expected, fix=fix) from None
    if len(entries) > MOST_ENTRIES:
        raise InvalidInput(argument, got=f"more than {MOST_ENTRIES:,} entries", expected=expected, fix=fix)
    return entries


def array_of(argument: str, value: Any, *, expected: str, dtype: Any = None) -> NDArray[Any]:
    """Return a sequence as an array, or raise InvalidInput if it cannot be one: a Dataset, ragged rows, no end."""
    if isinstance(value, range) or getattr(value, "size", 0) > MOST_ENTRIES:
        value = check_entries(argument, value, expected=expected)
    try:
        return np.asarray(value, dtype=dtype)
    except (TypeError, ValueError) as error:
        raise InvalidInput(argument, got=said(value), expected=expected) from error


def check_whole_numbers(argument: str, value: Any, *, largest: int, expected: str, fix: str = "") -> list[int]:
    """Return the entries of a sequence as integers if they are different whole numbers from 0 to `largest`.

    Raises InvalidInput if `value` is no sequence, is empty, repeats a number, or holds anything else.
    """
    entries = check_entries(argument, value, expected=expected, fix=fix)
    right = all(is_whole(entry) and 0 <= entry <= largest for entry in entries)
    if not entries or not right or len(set(entries)) < len(entries):
        raise InvalidInput(argument, got=said(entries), expected=expected)
    return [int(entry) for entry in entries]


def check_count(argument: str, value: Any) -> int:
    """Return `value` as an int if it is a whole number, 1 or above, or raise InvalidInput if it is not."""
    if not is_whole(value) or not 1 <= value <= MOST_COUNTED:
        expected = "a whole number, 1 or above" if not is_whole(value) or value < 1 else f"at most {MOST_COUNTED:,}"
        raise InvalidInput(argument, got=said(value), expected=expected)
    return int(value)


def check_share(argument: str, value: Any, *, what: str = "a share") -> float:
    """Return `value` as a float if it is a number from 0 to 1, or raise InvalidInput if it is not."""
    if not is_number(value) or not 0 <= value <= 1:
        raise InvalidInput(argument, got=said(value), expected=f"{what}, 0 to 1")
    return float(value)


def check_span(argument: str, span: Any) -> tuple[float, float]:
    """Return a start and a stop, or raise InvalidInput if `span` is no two finite numbers in order."""
    expected = "a start and a later stop"
    ends = check_entries(argument, span, expected=expected)
    if len(ends) != 2 or not all(map(is_finite, ends)) or ends[0] >= ends[1]:
        raise InvalidInput(argument, got=said(span), expected=expected)
    return float(ends[0]), float(ends[1])


def check_room(argument: str, value: Any, n_bytes: int) -> None:
    """Raise InvalidInput if what an argument asks for is larger than the memory of this machine."""
    there = psutil.virtual_memory().total
    if n_bytes > there:
        got = f"{said(value)}, which takes {text_of(n_bytes)} of memory"
        raise InvalidInput(argument, got=got, expected=f"what fits into the {text_of(there)} of this machine")


def said(value: Any) -> str:
    """Return a value as messages write it: cut where it is long, a very large number by its size."""
    if is_whole(value) and abs(int(value)) >= 10**20:
        return f"a whole number of about 10**{int(abs(int(value)).bit_length() * 0.30103)}"
    text = " ".join(map(str.strip, repr(value).splitlines()))
    return text if len(text) <= 200 else f"{text[:197]}..."


def check_rng(rng: Any) -> None:
    """Raise InvalidInput if `rng` names no stream of random numbers."""
    check_choice("rng", rng, n.RNGS)


def check_seed(seed: Any, *, rng: n.Rng, argument: str = "seed") -> int:
    """Return `seed` as an int if the stream can be seeded with it.

    Raises InvalidInput if it is no whole number, negative, or too large.
    """
    largest = 2**32 - 1 if rng == "legacy" else 2**64 - 1
    if not is_whole(seed) or not 0 <= seed <= largest:
        raise InvalidInput(argument, got=said(seed), expected=f"a whole number, 0 to {largest}")
    return int(seed)


def check_memory(memory: object) -> int:
    """Return an amount of memory in bytes.

    Raises InvalidInput if it is neither a whole number of bytes above zero nor text such as "2GiB".
    """
    try:
        n_bytes = parse_bytes(memory) if isinstance(memory, str) and any(map(str.isdigit, memory)) else memory
    except (ValueError, OverflowError):
        n_bytes = None
    if not is_whole(n_bytes) or n_bytes < 1:  # type: ignore[operator]
        raise InvalidInput(
            "memory", got=said(memory), expected='bytes, or text such as "2GiB" or "400 MB"', fix="Name an amount."
        )
    return int(n_bytes)  # type: ignore[call-overload, no-any-return]


def check_group(group: Any) -> str:
    """Return the path of a group within a store, "" for the root.

    Raises InvalidInput if it is no text, or points out of the store.
    """
    parts = group.split("/") if isinstance(group, str) else []
    too_long = max((len(os.fsencode(part)) for part in parts), default=0) > LONGEST_NAME or len(parts) > LONGEST_NAME
    if group is not None and (not parts or too_long or set(group) & set("\\\0") or {"", ".", ".."} & set(parts)):
        fix = "Name it as the store does, e.g. 'monday'."
        raise InvalidInput("group", got=said(group), expected="the name of a group within the store", fix=fix)
    return group or ""
