"""The app: a page in the browser of this machine, a viewer over the functions of netxr.

`serve` starts it; ``netxr app`` does the same from the shell.
"""

from netxr.compat import optional

optional("panel", what="netxr app", extra="app")

from netxr.app.serving import serve, server_of  # noqa: E402 - it needs panel

__all__ = ["serve", "server_of"]
