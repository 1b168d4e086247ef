"""The engine of that name in xarray: ``xr.open_dataset(path, engine="netxr")`` opens whatever `netxr.open` opens."""

from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar

import xarray as xr
from xarray.backends import BackendEntrypoint

from netxr.recordings.open import open as open_anything


class NetxrBackend(BackendEntrypoint):
    """Opens runs, recordings and sweeps, and files of other tools, with their axis of time.

    Stores and files that other engines of xarray open as well are theirs where no engine is named.
    """

    description = "Recordings of neurons: netxr's stores, and files of other tools"
    open_dataset_parameters: ClassVar[Any] = ("filename_or_obj", "drop_variables", "group", "version", "format")

    def open_dataset(
        self,
        filename_or_obj: Any,
        *,
        drop_variables: str | Iterable[str] | None = None,
        group: str | None = None,
        version: str | None = None,
        format: str | None = None,  # noqa: A002
        **options: Any,
    ) -> xr.Dataset:
        """Open a recording, as `netxr.open` does; its chunks are those of the store or file.

        Parameters
        ----------
        filename_or_obj : path-like, URL or zarr Store
            What to open.
        drop_variables : str or iterable of str, optional
            Variables to leave out.
        group, version, format, **options
            As in `netxr.open`.
        """
        dataset = open_anything(filename_or_obj, group=group, version=version, format=format, **options)
        names = [drop_variables] if isinstance(drop_variables, str) else list(drop_variables or ())
        return dataset.drop_vars(names, errors="ignore")

    def guess_can_open(self, filename_or_obj: Any) -> bool:
        """Return whether only netxr opens it: of files that others know too, the engine is to be named."""
        return isinstance(filename_or_obj, str | PathLike) and Path(filename_or_obj).suffix.lower() == ".nwb"
