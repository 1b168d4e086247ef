import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import panel as pn
import psutil
import pytest

from netxr.app.frame.looks import PAGE, WIDGET_STYLE
from tests.app.conftest import COMMAND
from tests.cli.shell import run


def test_the_page_is_served_by_both_names_of_this_machine(ask):
    port = ask.host.rpartition(":")[2]
    for host in (ask.host, f"localhost:{port}"):
        status, _, text = ask(Host=host)
        assert (status, "<title>netxr</title>" in text) == (200, True)


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


def test_the_style_of_widgets_is_asked_for_once_and_no_other_file_of_its_folder_can_be(ask):
    _, _, page = ask()
    assert WIDGET_STYLE in page
    status, headers, style = ask(WIDGET_STYLE)
    assert (status, headers["Content-Type"]) == (200, "text/css; charset=UTF-8")
    assert style.startswith((PAGE / "widgets.css").read_text("utf-8"))
    assert (Path(pn.__file__).parent / "theme" / "css" / "native.css").read_text("utf-8") in style
    assert "max-age" in headers["Cache-Control"]
    assert style not in page
    assert [ask(f"/{name}")[0] for name in ("page.py", "page.html", "page.css")] == [404, 404, 404]


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "http://evil.example"}])
def test_what_another_page_asks_for_is_refused(ask, headers):
    assert ask(**headers)[0] == 403


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
    assert told.stderr.startswith(f"netxr: error: --port: got {port}, which is taken")
    assert "0 for any that is free" in told.stderr


def test_a_folder_that_is_not_there_is_told(tmp_path):
    told = run("app", tmp_path / "no")
    assert told.exit_code == 4
    assert "there is no such folder" in told.stderr


def test_without_panel_the_fix_is_told():
    code = "import sys; sys.modules['panel'] = None; from netxr.cli import main; main()"
    told = subprocess.run([sys.executable, "-c", code, "app"], capture_output=True, text=True)  # noqa: S603
    assert told.returncode == 1
    needs = "netxr: error: netxr app needs panel, which is not installed."
    assert told.stderr == f'{needs} In your copy of netxr\'s repository, run: pip install ".[app]"\n'


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
