"""The server of the app: for this machine and its own pages only."""

import errno
import gc
import re
import webbrowser
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from os import PathLike
from typing import Any, Final

import holoviews as hv
import numpy as np
import panel as pn
from bokeh.core.validation import silence
from bokeh.core.validation.warnings import FIXED_SIZING_MODE
from bokeh.document import Document
from panel.io.server import get_server
from tornado.httputil import HTTPHeaders, HTTPServerRequest
from tornado.routing import Matcher, Rule
from tornado.web import OutputTransform, RequestHandler

import netxr
import netxr.plot
from netxr.app.frame.folder import Folder
from netxr.app.frame.jobs import JobQueue, message_of
from netxr.app.frame.looks import STYLE, WIDGET_STYLE, WIDGETS, Bare, message_pane
from netxr.app.frame.page import Address, Page, Tab, template_of
from netxr.app.frame.session import Session
from netxr.app.frame.state import THEME
from netxr.app.frame.theme import FIGURES, LIGHT
from netxr.app.recording.pair_cards import PairCards
from netxr.app.tabs import TABS
from netxr.compat import defaults_looked_up_once, set_location, style_parts_before_they_are_listed, tornado_application
from netxr.errors import InvalidInput
from netxr.moments.budget import available
from netxr.schema.arguments import check_memory, is_whole

ADDRESS: Final = "127.0.0.1"
NAMES: Final = (ADDRESS, "localhost")
"""How this machine names itself; a request with another name comes from a page that pretends to be here."""

MOST_SESSIONS: Final = 40
"""Most pages open at the same time."""

LIMITS: Final = {
    "http_server_kwargs": {"max_body_size": 2**16, "max_header_size": 2**16, "max_buffer_size": 2**22},
    "websocket_max_message_size": 2**20,
    "unused_session_lifetime_milliseconds": 20_000,
    "check_unused_sessions_milliseconds": 5_000,
}
"""Pages send settings and no data, so requests and messages are small. A closed page is soon forgotten."""

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' data: {sockets}; object-src 'none'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Sent with every answer: only scripts of this server run (bokeh makes functions of text), no page may embed it."""

COOKIE: Final = "netxr_theme"
"""By which a browser says which theme its system has: figures are drawn here."""

EMBEDDING: Final = re.compile(r"/(autoload\.js|metadata)$")
"""Paths by which other pages could embed this one."""


def serve(
    store: str | PathLike[str] | None = None,
    *,
    port: int = 0,
    memory: int | str | None = None,
    browser: bool = True,
    announce: Callable[[str], object] | None = None,
) -> None:
    """Serve the app on this machine until it is interrupted (Ctrl-C).

    It listens on 127.0.0.1, answers its own pages only, and reads no other stores than those in the folder given.

    Parameters
    ----------
    store : path-like, optional
        A folder of stores, or one store; without it, only the tutorial is shown.
    port : int
        Where to listen; 0 for any port that is free.
    memory : int or str, optional
        Most memory of a computation, in bytes or as text such as "2GiB"; by default half of what is free.
    browser : bool
        Whether to open the page in the browser.
    announce : callable, optional
        Called with the address of the page, once it can be opened.

    Raises
    ------
    InvalidInput
        If an argument cannot be used, or the port is taken.
    UnreadableFile
        If there is nothing at `store`.
    """
    with server_of(store, port=port, memory=memory) as server:
        server.start()
        address = f"http://{ADDRESS}:{server.port}/"
        if announce is not None:
            announce(address)
        if browser:
            webbrowser.open(address)
        server.io_loop.add_callback(_warm_up)
        try:
            server.io_loop.start()
        finally:
            gc.unfreeze()


def _warm_up() -> None:
    """Draw an estimate for no one, while the browser opens: the first one takes twice as long as all others.

    What is there by then stays, and is left out of searches for garbage, which would stop the page for 0.2 s each.
    """
    activity = netxr.as_activity(np.random.default_rng(0).normal(size=(3, 20)), dims=("neuron", "time"))
    hv.render(netxr.plot.raster(activity), backend="bokeh")
    over_lags = netxr.lagged_correlation(activity, lags=[0, 1])
    R = over_lags.sel(lag=1)
    figures = [netxr.plot.matrix(R), netxr.plot.network(R)]
    cards = PairCards(R, over_lags, None, figures, lag=1, selected=None, choose=lambda _target, _source: None)
    for pane in cards.panes:
        pane.get_root(Document())
    gc.collect()
    gc.freeze()


@contextmanager
def server_of(
    store: str | PathLike[str] | None = None,
    *,
    port: int = 0,
    memory: int | str | None = None,
    tabs: Mapping[str, Tab] = TABS,
) -> Iterator[Any]:
    """Yield the server of the app, which listens but does not answer yet; for the arguments see `serve`.

    It has `start`, `io_loop` and `port`. At the end it stops, and cancels its computations.
    """
    if not is_whole(port) or not 0 <= port < 2**16:
        raise InvalidInput("port", got=repr(port), expected="a port, 0 to 65535")
    budget = available() if memory is None else check_memory(memory)
    folder = None if store is None else Folder(store)
    queue = JobQueue()
    hv.Store.set_current_backend("bokeh")
    style_parts_before_they_are_listed()
    defaults_looked_up_once()
    hv.renderer("bokeh").webgl = False  # a browser without its graphics card leaves some figures empty
    silence(
        FIXED_SIZING_MODE, True
    )  # figures have frames of a fixed size, and as much around them as their labels need
    sessions: set[Session] = set()

    def make() -> pn.Template:
        """Return a page for a browser that asks for one."""
        return _page(sessions, tabs, queue=queue, folder=folder, memory=budget)

    try:
        server = get_server(
            make,
            port=int(port),
            address=ADDRESS,
            websocket_origin=list(NAMES),
            title="netxr",
            extra_patterns=[(f"/{WIDGETS}", _Style)],
            **LIMITS,
        )
    except OSError as error:
        queue.close()
        if error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise
        fix = "Choose another one, or 0 for any that is free."
        raise InvalidInput(
            "port", got=f"{port}, which is taken or not allowed", expected="a free one", fix=fix
        ) from error
    _guard(server)
    try:
        yield server
    finally:
        server.stop()
        queue.close()


def _page(
    sessions: set[Session], tabs: Mapping[str, Tab], *, queue: JobQueue, folder: Folder | None, memory: int
) -> pn.Template:
    """Return a new page, and count it among the open ones."""
    if len(sessions) >= MOST_SESSIONS:
        text = f"{MOST_SESSIONS} pages are already open. Close one, wait half a minute, and load this page again."
        return template_of(pn.pane.Str(text), title="netxr")
    pn.config.css_files, pn.config.design = [WIDGET_STYLE], Bare  # of all that is made from here on
    session = Session(queue, memory=memory, folder=folder)
    sessions.add(session)

    def end(_context: object) -> None:
        """Count the page no more."""
        sessions.discard(session)
        session.end()

    pn.state.on_session_destroyed(end)
    pn.config.exception_handler = lambda error: session.say(message_of(error))
    address, theme = _address(), _theme()
    pn.state.curdoc.theme = FIGURES[theme]
    try:
        session.look_again()
        page = Page(session, tabs, address)
    except Exception as error:  # the browser would otherwise show the server's own page of errors
        return template_of(message_pane(message_of(error), kind="error"), title="netxr", theme=theme)
    return template_of(page.body, title="netxr", tabs=page.chosen, theme=theme, where=session.where)


def _theme() -> str:
    """Return the theme that the address of the current page names, or else the one that its browser last had."""
    query = {name: values[0].decode(errors="replace") for name, values in pn.state.session_args.items()}
    asked = query.get(THEME), pn.state.cookies.get(COOKIE)
    return next((theme for theme in asked if theme in FIGURES), LIGHT)


def _address() -> Address:
    """Return the address of the current page, and make panel use it as its location."""
    document = pn.state.curdoc
    address: Address = Address.from_request(document.session_context.request)
    set_location(document, address)
    return address


def _guard(server: Any) -> None:
    """Make the server answer only its own pages, and add its headers."""
    hosts = hosts_of(server.port)
    application = tornado_application(server)
    application.default_router.rules.insert(0, Rule(_Foreign(hosts), _Refusal))
    sockets = " ".join(f"ws://{host}" for host in hosts)
    headers = {name: value.format(sockets=sockets) for name, value in HEADERS.items()}
    application.add_transform(partial(_WithHeaders, added=headers))


def hosts_of(port: int) -> list[str]:
    """Return the names by which requests may call this server; browsers leave out port 80.

    Examples
    --------
    >>> hosts_of(8080), hosts_of(80)[2:]
    (['127.0.0.1:8080', 'localhost:8080'], ['127.0.0.1', 'localhost'])
    """
    return [f"{name}:{port}" for name in NAMES] + list(NAMES) * (port == 80)


class _Foreign(Matcher):
    """Matches requests that do not come from a page of this server, or that would embed it in another page."""

    def __init__(self, hosts: list[str]) -> None:
        self._hosts = hosts

    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        """Return an empty dict for a request that is to be refused, None for any other."""
        headers = request.headers
        by_another = headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin")
        refused = (
            request.host not in self._hosts  # another name that leads here
            or (by_another and headers.get("Sec-Fetch-Dest") != "document")  # a link may lead here, a frame may not
            or headers.get("Origin", f"http://{request.host}") != f"http://{request.host}"
            or EMBEDDING.search(request.path)
        )
        return {} if refused else None


class _Style(RequestHandler):
    """Answers with the style of all that Panel draws; its address changes with it."""

    def get(self) -> None:
        """Send it, to be kept."""
        self.set_header("Content-Type", "text/css; charset=UTF-8")
        self.set_header("Cache-Control", f"max-age={86_400 * 365}, immutable")
        self.write(STYLE)


class _Refusal(RequestHandler):
    """Refuses any request."""

    def prepare(self) -> None:
        """Answer before anything is read."""
        self.set_status(403)
        self.finish("netxr answers its own pages only.")


class _WithHeaders(OutputTransform):
    """Adds headers to every answer."""

    def __init__(self, _request: HTTPServerRequest, *, added: Mapping[str, str]) -> None:
        self._added = added

    def transform_first_chunk(
        self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
    ) -> tuple[int, HTTPHeaders, bytes]:
        """Add them before the first bytes."""
        headers.pop("Access-Control-Allow-Origin", None)
        for name, value in self._added.items():
            headers[name] = value
        return status_code, headers, chunk
