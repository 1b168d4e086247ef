"""Packages that only some formats need: loaded when such a file is met."""

from importlib import import_module
from typing import Any

from netxr.errors import MissingExtra


def optional(module: str, *, what: str, extra: str) -> Any:
    """Return a module of an optional package.

    Parameters
    ----------
    module : str
        Its name.
    what : str
        What needs it, the subject of a sentence.
    extra : str
        Which extra of netxr brings it.

    Raises
    ------
    MissingExtra
        If it is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingExtra(what, package=module.partition(".")[0], extra=extra) from error
