"""Zarr stores that are no plain folders: at URLs, as objects, and in repositories of versions."""

from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from urllib.request import url2pathname

import zarr
from zarr.abc.store import Store

from netxr.compat import optional
from netxr.errors import InvalidInput, MissingExtra, UnreadableFile, first_line
from netxr.store.versions import is_repository, snapshot_store

SCHEMES: Final = ("s3", "s3a", "gs", "az", "adl", "azure", "abfs", "abfss", "http", "https")
"""What obstore reads; fsspec reads everything else."""

RETRY: Final[Any] = {
    "retry_config": {"max_retries": 5, "retry_timeout": timedelta(seconds=10)},
    "client_options": {"connect_timeout": "3s", "allow_http": True},
}
"""Give up on a place that does not answer after some seconds; obstore would try for minutes."""


def is_url(source: Any) -> bool:
    """Return whether a source is text such as ``"s3://bucket/run.zarr"``."""
    return isinstance(source, str) and "://" in source


def without_scheme(source: Any) -> Any:
    """Return the path of a URL such as ``"file:///data/run.zarr"``, else the source; another host is an error."""
    if not (is_url(source) and source.lower().startswith("file://")):
        return source
    parts = urlsplit(source)
    if parts.netloc not in ("", "localhost"):
        fix = "A path from the root begins after three slashes: file:///data/run.zarr."
        raise UnreadableFile(source, f"a file on the host {parts.netloc!r}", fix=fix)
    return Path(url2pathname(parts.path))


def store_of(source: Any, version: str | None = None) -> Store | None:
    """Return the Zarr store at a URL or in a repository of versions, or the one given; None for other paths.

    Raises InvalidInput if a version is named, but this is no repository. Raises MissingExtra, UnreadableFile if a
    package is not installed, the place cannot be reached, or there is no such version.
    """
    if is_repository(source):
        return snapshot_store(source, version)
    if version is not None:
        expected = f"none for {place_of(source)}, which is no icechunk repository"
        raise InvalidInput("version", got=repr(version), expected=expected)
    if isinstance(source, Store):
        return source
    return remote_store(source) if is_url(source) else None


def place_of(source: Any) -> str:
    """Return what errors call a source."""
    return str(source).partition("\n")[0]


def remote_store(url: str) -> Store:
    """Return a Zarr store to read from; credentials come from the environment."""
    fix = "For other places, or other credentials, open a Zarr store object of your own."
    try:
        if urlsplit(url).scheme.lower() in SCHEMES:
            from_url = optional("obstore.store", what="A URL", extra="remote").from_url
            return zarr.storage.ObjectStore(from_url(url, **RETRY), read_only=True)
        return zarr.storage.FsspecStore.from_url(url, read_only=True)
    except MissingExtra:
        raise
    except Exception as error:  # errors of other libraries, one kind for each of their back ends
        raise UnreadableFile(url, f"no place that can be read ({first_line(error)})", fix=fix) from error


def unlisted(error: Exception) -> str:
    """Return a hint if an error says that a web server cannot list a store, else nothing."""
    if "PROPFIND" not in str(error):  # the request for a list that obstore sends
        return ""
    return "Over http a store cannot be listed: only one with consolidated metadata opens (zarr.consolidate_metadata)."
