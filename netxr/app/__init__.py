"""The app: a page in the browser of this machine, a viewer over the functions of netxr.

`serve` starts it; ``netxr app`` does the same from the shell.
"""

from netxr.errors import MissingExtra

try:
    import panel as _panel  # noqa: F401
except ImportError as error:
    raise MissingExtra("netxr app", package=error.name or "panel", extra="app") from None

from netxr.app.serving import serve, server_of

__all__ = ["serve", "server_of"]
