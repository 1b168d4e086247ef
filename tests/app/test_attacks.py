"""What other pages, and stores that are not to be trusted, try on one server: none of it gets anywhere."""

import http.client
import re
import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from itertools import cycle
from types import MappingProxyType, SimpleNamespace
from typing import NamedTuple
from urllib.parse import quote

import psutil
import pytest

import netxr
from tests.app.conftest import asking, serving
from tests.app.hostile import PAYLOADS, hostile_stores, scripted_store
from tests.app.test_browser import CHROMIUM

pytestmark = pytest.mark.slow

REFUSED = (400, 403, 404)

TOO_MANY = "pages are already open"
"""Told by a server that shows no further page: then nothing was tried."""

MOST_MEGABYTES = 300
"""That a server may take while it lists and opens broken stores."""

SOCKET = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec_WebSocket_Version": "13",
    "Sec_WebSocket_Protocol": "bokeh, token",
}

PORT = "PORT"
"""Stands for the port of the server."""

HOSTS = (
    *("evil.example", "evil.example:80", "evil.example:PORT", "127.0.0.1.evil.example", "localhost.evil.example:PORT"),
    *("", "127.0.0.1:1", "0.0.0.0:PORT", "[::1]:PORT", "evil.example@127.0.0.1:PORT"),
)
ORIGINS = (
    *("http://evil.example", "http://evil.example:PORT", "http://127.0.0.1:1", "null", "file://"),
    *("http://127.0.0.1", "http://localhost", "https://127.0.0.1:PORT", "http://127.0.0.1:PORT.evil.example"),
)
STARTS = ("", "/static", "/static/extensions/panel", "/components/panel.models", "/static/js")
UPS = ("..", "%2e%2e", "..%2f", "%2e%2e%2f", "....//", "..%5c", "%252e%252e")
LONG = ("n=" + "9" * 5000, "n=%C2%B2", "n=" + "[" * 5000, "&".join(f"{k}=1" for k in range(900)))
TABS = ("tab=recording&recording={}", "tab=compare&first={}&second={}", "tab=map&sweep={}", "tab={}", "{}=1")


class Attack(NamedTuple):
    """A request, what may be answered, and what may not be in the answer."""

    kind: str
    path: str
    statuses: tuple[int, ...]
    headers: Mapping[str, str] = MappingProxyType({})
    method: str = "GET"
    forbidden: str = "root:"


def attacks():
    """Yield all of them."""
    for host in HOSTS:
        for path in ("/", "/ws", "/static/js/bokeh.min.js", "/nothing"):
            yield Attack("a foreign Host", path, (400, 403), {"Host": host})
        origin = {"Origin": f"http://{host}"}
        yield Attack("a websocket by a foreign Host and Origin", "/ws", (400, 403), {"Host": host, **origin, **SOCKET})
    for origin in ORIGINS:
        yield Attack("a websocket of a foreign Origin", "/ws", (403,), {"Origin": origin, **SOCKET})
        yield Attack("a page of a foreign Origin", "/", (403,), {"Origin": origin})
    for path in ("/", "/static/js/bokeh.min.js"):
        for site in ("cross-site", "same-site"):
            for aim in ("iframe", "script", "image", "empty"):
                yield Attack("another page embeds", path, (403,), {"Sec_Fetch_Site": site, "Sec_Fetch_Dest": aim})
    for path in ("/autoload.js?bokeh-autoload-element=1", "/metadata", "/admin", "/rest", "/liveness"):
        yield Attack("a way to administer", path, (403, 404))
    for start in STARTS:
        for up in UPS:
            yield Attack("a path out of the folder", f"{start}/{'/'.join([up] * 12)}/etc/passwd", REFUSED)
    for path in ("/stores/good.zarr/zarr.json", "/good.zarr/zarr.json", "//etc/passwd", "/%00"):
        yield Attack("a file by its path", path, REFUSED, forbidden="zarr_format")
    for name in ("../unseen.zarr", "/etc/passwd", "..", "good.zarr/activity", "good.zarr/../../unseen.zarr", "\0"):
        yield Attack("a store by a path", f"/?{TABS[0].format(quote(name, safe=''))}", (200,), forbidden="12345")
    yield Attack("a large request", "/", (400, 413), {"Content_Length": str(2**20)}, method="POST")
    for method in ("PUT", "DELETE", "TRACE", "CONNECT"):
        yield Attack("another method", "/", (400, 403, 404, 405), method=method)
    for query in LONG:
        yield Attack("an oversized address", f"/?{query}", (200,))
    for payload, query in zip(PAYLOADS, cycle(TABS), strict=False):  # all of both in 40 pages, the most that are open
        address = f"/?{query.replace('{}', quote(payload, safe=''))}"
        yield Attack("a script in the address", address, (200,), forbidden=payload)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """A folder of stores that harm who trusts them, and beside it one that is not to be seen."""
    outside = tmp_path_factory.mktemp("attacks")
    folder = outside / "stores"
    folder.mkdir()
    run = netxr.simulate(netxr.random_connectivity(4, seed=1), n_steps=50, seed=1)
    netxr.save(run.assign_attrs(notes="12345"), outside / "unseen.zarr")
    return SimpleNamespace(path=folder, broken=hostile_stores(folder, run), scripted=scripted_store(folder))


@pytest.fixture(scope="module")
def app(hostile):
    """A server of its own, which these tests share."""
    with serving(hostile.path, hostile.path.parent / "log.txt", memory="1GiB") as process:
        yield process


@pytest.fixture(scope="module")
def ask(app):
    """What asks that server."""
    return asking(app)


def test_attacks_get_nowhere(ask):
    port, held, got = ask.host.rpartition(":")[2], {}, []
    for attack in attacks():
        headers = {name: value.replace(PORT, port) for name, value in attack.headers.items()}
        status, _, text = ask(attack.path, method=attack.method, **headers)
        there = attack.forbidden in text or TOO_MANY in text
        if status in attack.statuses and not there:
            held[attack.kind] = held.get(attack.kind, 0) + 1
        else:
            got.append((attack.kind, attack.path[:80], headers, status, there))
    print("", *(f"{kind:45} {count:3} held" for kind, count in held.items()), sep="\n")
    assert not got
    assert sum(held.values()) >= 74
    assert ask("/ws", Origin=f"http://{ask.host}", **SOCKET)[0] == 101  # a page of its own still gets what it asks for
    status, _, text = ask(Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate", Sec_Fetch_Dest="document")
    assert (status, "<title>netxr</title>" in text) == (200, True)  # by a link


def test_headers_without_end_are_cut_off(ask):
    with suppress(http.client.HTTPException, OSError):  # cut off in the middle of the headers, or answered
        assert ask(X_Long="x" * 2**20)[0] in (400, 431)
    assert ask()[0] == 200


@pytest.mark.parametrize("announced", [2**30, 2**62])
def test_a_large_websocket_message_ends_the_connection(ask, announced):
    with socket.create_connection(ask.host.split(":"), timeout=20) as connection:
        lines = [f"{name.replace('_', '-')}: {value}" for name, value in SOCKET.items()]
        head = ["GET /ws HTTP/1.1", f"Host: {ask.host}", f"Origin: http://{ask.host}", *lines, "", ""]
        connection.sendall("\r\n".join(head).encode())
        assert b"101" in connection.recv(4096)
        connection.sendall(b"\x81\xff" + announced.to_bytes(8, "big") + b"\0\0\0\0")  # says that so much will come
        with suppress(ConnectionResetError):
            while connection.recv(4096):  # until the other side has closed
                pass


def test_broken_stores_take_no_memory(app, ask, hostile):
    assert ask("/?tab=recording&recording=good.zarr")[0] == 200  # what a good one takes is taken
    process, done, resident = psutil.Process(app.pid), threading.Event(), []
    before = process.memory_info().rss

    def watch():
        while not done.wait(0.002):
            resident.append(process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        for name in (*hostile.broken, "labels.zarr", "bomb.npz", "pipe.npz"):
            for query in TABS[:2]:
                status, _, text = ask(f"/?{query.replace('{}', name)}")
                assert (status, "<title>netxr</title>" in text, TOO_MANY in text) == (200, True, False)
    finally:
        done.set()
        watcher.join()
    most = (max(resident) - before) / 1e6
    print(f"\nbroken stores: {most:.0f} MB")
    assert most < MOST_MEGABYTES


@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")
def test_scripts_in_names_and_labels_do_not_run(open_page, hostile):
    name = quote(hostile.scripted, safe="")
    views = ("recording&recording={}", "recording&recording={}&view=estimate", "recording&recording={}&view=agreement")
    sides = ("compare&first={}&first_matrix=connectivity&second={}", "tutorial", "{}")
    for view in (*views, *sides):
        page = open_page(f"?tab={view.replace('{}', name)}")
        page.locator("canvas:visible, .bk-panel-models-markup-HTML:visible").first.wait_for()
        page.wait_for_timeout(1000)
        assert page.evaluate("window.attacked") is None, view
        assert not re.search(r"\b49\b", page.title())
