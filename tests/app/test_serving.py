import http.client
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from urllib.parse import urlsplit

import psutil
import pytest

from tests.app.conftest import COMMAND
from tests.cli.shell import run
from tests.marks import slow


@pytest.fixture
def ask(app):
    """Ask the server for something; returns status, headers and the first of the body."""
    host = urlsplit(app.address).netloc

    def asked(path="/", *, method="GET", body=None, **headers):
        connection = http.client.HTTPConnection(host, timeout=20)
        connection.putrequest(method, path, skip_host="Host" in headers)
        for name, value in headers.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders(body)
        answer = connection.getresponse()
        text = b"" if answer.status == 101 else answer.read(10_000)
        connection.close()
        return answer.status, answer.headers, text.decode(errors="replace")

    asked.host = host
    return asked


SOCKET = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec_WebSocket_Version": "13",
    "Sec_WebSocket_Protocol": "bokeh, token",
}


def test_the_page_is_served_by_both_names_of_this_machine(ask):
    port = ask.host.rpartition(":")[2]
    for host in (ask.host, f"localhost:{port}"):
        status, _, text = ask(Host=host)
        assert (status, "<title>netxr</title>" in text) == (200, True)


@pytest.mark.crossed(1)
@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "127.0.0.1:1"])
@pytest.mark.parametrize("path", ["/", "/ws", "/static/js/bokeh.min.js", "/nothing"])
def test_another_host_name_is_refused(ask, host, path):
    assert ask(path, Host=host)[0] in (400, 403)


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        *((origin, 403) for origin in ("http://evil.example", "http://127.0.0.1:1", "null")),
        *((origin, 403) for origin in ("http://127.0.0.1", "http://localhost")),  # what listens at port 80
        (None, 101),
    ],
)
def test_a_websocket_of_another_page_is_refused(ask, origin, status):
    assert ask("/ws", Origin=origin or f"http://{ask.host}", **SOCKET)[0] == status


def test_scripts_and_pictures_of_other_pages_get_nothing(ask):
    assert ask(Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="no-cors")[0] == 403
    assert ask("/static/js/bokeh.min.js", Sec_Fetch_Site="same-site", Sec_Fetch_Mode="no-cors")[0] == 403
    link = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate"}
    assert ask(**link, Sec_Fetch_Dest="iframe")[0] == 403  # a hidden frame would make this machine compute
    assert ask(**link, Sec_Fetch_Dest="document")[0] == 200


@pytest.mark.parametrize("path", ["/autoload.js?bokeh-autoload-element=1", "/metadata", "/admin", "/rest", "/liveness"])
def test_nobody_embeds_or_administers(ask, path):
    assert ask(path)[0] in (403, 404)


@pytest.mark.parametrize("path", ["/", "/nothing", "/static/js/bokeh.min.js", "/ws"])
def test_every_answer_says_what_a_browser_may_do_with_it(ask, path):
    _, headers, _ = ask(path)
    policy = headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "http:" not in policy
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Access-Control-Allow-Origin"] is None


@pytest.mark.parametrize("start", ["", "/static", "/static/extensions/panel", "/components/panel.models", "/static/js"])
def test_a_path_leads_out_of_nothing(ask, start):
    for up in ("..", "%2e%2e", "..%2f", "%2e%2e%2f", "....//", "..%5c", "%252e%252e"):
        climb = "/".join([up] * 12)
        status, _, text = ask(f"{start}/{climb}/etc/passwd")
        assert status in (400, 403, 404)
        assert "root:" not in text


@pytest.mark.parametrize("path", ["/stores/seen.zarr/zarr.json", "/seen.zarr/zarr.json", "//etc/passwd", "/%00"])
def test_no_file_is_served(ask, path):
    assert ask(path)[0] in (400, 403, 404)


def test_a_large_request_is_refused(ask):
    assert ask(method="POST", Content_Length=str(2**20))[0] in (400, 413)
    with suppress(http.client.HTTPException, OSError):  # cut off in the middle of the headers, or answered
        assert ask(X_Long="x" * 2**20)[0] in (400, 431)


@pytest.mark.parametrize(
    "query", ["n=" + "9" * 5000, "&".join(f"{k}=1" for k in range(900)), *slow("n=%C2%B2", "n=" + "[" * 5000)]
)
def test_an_address_that_is_no_good_gets_the_page(ask, query):
    status, _, text = ask(f"/?{query}")
    assert (status, "<title>netxr</title>" in text) == (200, True)


def test_a_large_websocket_message_ends_the_connection(ask):
    with socket.create_connection(ask.host.split(":"), timeout=20) as connection:
        lines = [f"{name.replace('_', '-')}: {value}" for name, value in SOCKET.items()]
        head = ["GET /ws HTTP/1.1", f"Host: {ask.host}", f"Origin: http://{ask.host}", *lines, "", ""]
        connection.sendall("\r\n".join(head).encode())
        assert b"101" in connection.recv(4096)
        connection.sendall(b"\x81\xff" + (2**30).to_bytes(8, "big") + b"\0\0\0\0")  # says that a gigabyte will come
        with suppress(ConnectionResetError):
            while connection.recv(4096):  # until the other side has closed
                pass


def test_it_listens_on_this_machine_only(app, ask):
    listening = [one for one in psutil.Process(app.pid).net_connections() if one.status == "LISTEN"]
    assert {one.laddr.ip for one in listening} == {"127.0.0.1"}
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", ask.host.split(":")[1]), timeout=5)


@pytest.mark.slow
def test_a_port_that_is_taken_is_told(ask):
    port = ask.host.rpartition(":")[2]
    told = subprocess.run([*COMMAND, "--no-browser", "--port", port], capture_output=True, text=True)  # noqa: S603
    assert told.returncode == 2
    assert told.stderr.startswith(f"netxr: error: port: got {port}, which is taken")
    assert "0 for any that is free" in told.stderr


def test_a_folder_that_is_not_there_is_told(tmp_path):
    told = run("app", tmp_path / "no")
    assert told.exit_code == 4
    assert "there is no such folder" in told.stderr


def test_without_panel_the_fix_is_told():
    code = "import sys; sys.modules['panel'] = None; from netxr.cli import main; main()"
    told = subprocess.run([sys.executable, "-c", code, "app"], capture_output=True, text=True)  # noqa: S603
    assert told.returncode == 1
    assert told.stderr == 'netxr: error: netxr app needs panel, which is not installed. Run: pip install "netxr[app]"\n'


BUSY = """
import threading, time
import netxr.app.serving as serving
from netxr.app.frame.jobs import Job

class Busy(serving.JobQueue):
    def __init__(self):
        super().__init__()
        job = Job(lambda done, total: None)
        self.start(job, lambda job: time.sleep(60), then=print, failed=print)

serving.JobQueue = Busy
from netxr.cli import main
main(["app", "--no-browser"])
"""


@pytest.mark.slow
def test_ctrl_c_ends_the_app_at_once_whatever_it_computes():
    command = [sys.executable, "-c", BUSY]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own program
        assert process.stdout.readline().startswith("netxr is at ")
        begun = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.wait(50) == 0
        assert time.monotonic() - begun < 10  # within 2 s on a machine that has nothing else to do
