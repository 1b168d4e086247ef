"""Damaged files: whatever the libraries below stumble over becomes one error that names the file."""

from collections.abc import Iterator
from contextlib import contextmanager

from netxr.errors import NetxrError, UnreadableFile, one_line


@contextmanager
def readable_as(
    kind: str, path: object, *, fix: str = "It is damaged, or was cut off: copy it again."
) -> Iterator[None]:
    """Turn errors of other libraries, as a damaged file causes them, into an UnreadableFile that names the file."""
    try:
        yield
    except NetxrError:
        raise
    except Exception as error:  # a library raises what the place of the damage makes it stumble over
        raise UnreadableFile(path, f"not readable as {kind} ({one_line(error)})", fix=fix) from error
