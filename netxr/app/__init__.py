"""The app: a page in the browser of this machine, a viewer over the functions of netxr.

Every tab has a folder, and `frame` is what they share. Begin with `serving`, which starts it (as ``netxr app`` does in
the shell), then `tabs`.
"""

from netxr.compat import optional

optional("panel", what="netxr app", extra="app")

from netxr.app.serving import serve, server_of  # noqa: E402 - it needs panel

__all__ = ["serve", "server_of"]
