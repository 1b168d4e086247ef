"""Attributes that say how a dataset came about: who, what, when, with which parameters and versions."""

import getpass
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from typing import Any, Final

import numpy as np

from netxr import names as n

CURRENT_SCHEMA: Final = 2
"""Version of the layout that this release writes."""

ORIGIN: Final = (
    *(n.CREATED, n.CREATED_BY, n.SOURCE_FILE, n.SOURCE_FORMAT, n.SOURCE_ARRAY, n.SOURCE_OPTIONS, n.SOURCE_SHA256),
    *(n.NETXR_VERSION, n.NUMPY_VERSION, n.SCHEMA_VERSION, n.PREPROCESSING, n.HISTORY),
)
"""Attributes that say where a dataset comes from; all others are settings and units."""


def provenance(**known: Any) -> dict[str, Any]:
    """Return the attributes that say how a dataset came about, with the versions that made it; None is left out."""
    made_by: dict[str, Any] = {
        n.SCHEMA_VERSION: CURRENT_SCHEMA,
        n.NETXR_VERSION: _own_version(),
        n.NUMPY_VERSION: np.__version__,
    }
    return {**made_by, **{name: value for name, value in known.items() if value is not None}}


def first_saved(attrs: Mapping[Any, Any], event: str) -> dict[Any, Any]:
    """Return `attrs` with versions, and with who saved the dataset when, unless it had been saved before."""
    known = {**provenance(), **attrs, n.SCHEMA_VERSION: CURRENT_SCHEMA}
    if n.CREATED in known:
        return known
    return with_event(known | {n.CREATED: _now(), n.CREATED_BY: _who()}, event)


def with_event(attrs: Mapping[Any, Any], event: str) -> dict[Any, Any]:
    """Return `attrs` with one more line of history, in the manner of the CF conventions.

    Examples
    --------
    >>> with_event({"history": "2026-01-01T09:00:00Z anna: measured"}, "append 500 samples")["history"].splitlines()[0]
    '2026-01-01T09:00:00Z anna: measured'
    """
    line = f"{_now()} {_who()}: netxr {_own_version()} {event}"
    before = attrs.get(n.HISTORY)
    return {**attrs, n.HISTORY: f"{before}\n{line}" if before else line}


def _now() -> str:
    """Return the time in UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _who() -> str:
    """Return the login name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run under a number that has no name
        return "unknown"


@cache
def _own_version() -> str:
    """Return the version of netxr; looking it up takes a millisecond, which a sweep would pay thousands of times."""
    return version("netxr")
