"""One server of the app, in a process of its own, for all tests that talk to it."""

import http.client
import os
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

pytest.importorskip("panel")

import holoviews as hv
import numpy as np
import zarr

import netxr

COMMAND = [sys.executable, "-c", "from netxr.cli import main; main()", "app"]

LONG = 90_000
"""Milliseconds that a browser may wait, on a machine that does other things as well."""

QUIET = ("quic", "background-networking", "component-update", "sync", "gpu")
"""What Chromium does by itself, and is not to do: connections to other hosts first of all."""


@pytest.fixture(scope="session")
def stores(library, tmp_path_factory):
    """The library with one more run, and beside the folder a store that is not to be seen."""
    outside = tmp_path_factory.mktemp("app")
    folder = shutil.copytree(library, outside / "stores")
    run = netxr.simulate(netxr.random_connectivity(8, sparsity=0.5, seed=1), n_steps=200, seed=1)
    netxr.save(run, folder / "seen.zarr")
    netxr.save(run, outside / "unseen.zarr")
    return folder


@pytest.fixture(scope="session")
def wide(stores):
    """A recording of 1,000 neurons in that folder."""
    samples = np.random.default_rng(0).standard_normal((1000, 20_000), dtype=np.float32)
    activity = netxr.as_activity(samples, dims=("neuron", "time"), sampling_interval=0.1)
    netxr.save(activity.to_dataset(name="activity"), stores / "wide.zarr")
    return stores / "wide.zarr"


@contextmanager
def serving(stores, log, *, memory):
    """The process of a server, with its address and its log so far."""
    with log.open("w") as file:
        process = subprocess.Popen(  # noqa: S603 - the command is written above
            [*COMMAND, str(stores), "--no-browser", "--memory", memory],
            stdout=subprocess.PIPE,
            stderr=file,
            text=True,
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
        )
    line = process.stdout.readline()
    assert line.startswith("netxr is at http://127.0.0.1:"), (line, log.read_text())
    process.address, process.log = line.split()[3], log
    yield process
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0, log.read_text()
    process.stdout.close()
    assert "netxr/app" not in log.read_text()  # nothing of ours in a traceback


@pytest.fixture(scope="session")
def app(stores):
    """The server that tests share."""
    with serving(stores, stores.parent / "log.txt", memory="2GiB") as process:
        yield process


@pytest.fixture(scope="session")
def ask(app):
    """Ask the server for something; returns status, headers and the body."""
    return asking(app)


def asking(app):
    """What asks a server for something."""
    host = urlsplit(app.address).netloc

    def asked(path="/", *, method="GET", body=None, **headers):
        connection = http.client.HTTPConnection(host, timeout=20)
        connection.putrequest(method, path, skip_host="Host" in headers)
        for name, value in headers.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders(body)
        answer = connection.getresponse()
        text = b"" if answer.status == 101 else answer.read()
        connection.close()
        return answer.status, answer.headers, text.decode(errors="replace")

    asked.host = host
    return asked


@pytest.fixture(scope="session")
def library(tmp_path_factory):
    """A folder with two runs, one of them with its estimate, a sweep, one that was cut off, and a damaged store."""
    folder = tmp_path_factory.mktemp("library")
    run = netxr.simulate(netxr.random_connectivity(12, sparsity=0.7, seed=1), n_steps=400, trials=2, seed=1)
    netxr.save(netxr.assign_groups(run, groups=["V1"] * 8 + ["V2"] * 4), folder / "grouped.zarr")
    run = netxr.simulate(netxr.random_connectivity(8, sparsity=0.5, seed=2), n_steps=300, seed=2)
    netxr.save(run, folder / "estimated.zarr")
    netxr.add(netxr.lagged_correlation(run.activity, lag=1), folder / "estimated.zarr")
    netxr.save(run, folder / "damaged.zarr")
    chunk = next(file for file in (folder / "damaged.zarr" / "activity" / "c").rglob("*") if file.is_file())
    chunk.write_bytes(b"no samples")
    letters = run[["connectivity"]].assign_coords(target=list("abcdefgh"), source=list("abcdefgh"))
    netxr.save(letters, folder / "letters.zarr")
    grid = {"n_neurons": [5, 8, 10], "sparsity": [0.5, 0.9], "n_steps": 200, "lag": [1, 2], "trials": 3}
    netxr.sweep(**grid, store=folder / "sweep.zarr")
    netxr.sweep(**grid, store=folder / "cut.zarr")
    finished = zarr.open_array(folder / "cut.zarr" / "finished", mode="r+")
    finished[2, 1] = False
    for name in ("pearson", "pearson_mean", "pearson_std"):
        zarr.open_array(folder / "cut.zarr" / name, mode="r+")[2, 1] = np.nan
    return folder


@pytest.fixture(autouse=True)
def bokeh(monkeypatch):
    """Draw with bokeh, as pages do; to switch for good takes a tenth of a second each time."""
    monkeypatch.setattr(hv.Store, "current_backend", "bokeh")


@pytest.fixture
def pages():
    """Pages that a test opens, which are closed after it."""
    found = []
    yield found
    for page in found:
        page.close()


@pytest.fixture(scope="module")
def browser():
    """One window of Chromium for all pages, which read the scripts from its cache."""
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--no-first-run", *(f"--disable-{name}" for name in QUIET)]
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        context.set_default_timeout(LONG)
        sync_api.expect.set_options(timeout=LONG)
        yield context
        browser.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where screenshots go."""
    named = os.environ.get("NETXR_SCREENSHOTS")
    folder = Path(named) if named else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def requests():
    """Addresses of all that the pages ask for."""
    return []


@pytest.fixture
def open_page(app, browser, requests):
    pages = []

    def opened(search=""):
        page = browser.new_page()
        for event in ("request", "websocket"):
            page.on(event, lambda asked: requests.append(asked.url))
        page.faults = []
        page.on("pageerror", lambda error: page.faults.append(str(error)))
        page.on("console", lambda told: page.faults.extend([told.text] * ("Content Security Policy" in told.text)))
        pages.append(page)
        page.goto(app.address + search)
        return page

    yield opened
    for page in pages:
        assert not page.faults
        page.close()
