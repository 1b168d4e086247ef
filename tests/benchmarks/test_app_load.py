"""Clients at once on one server of the app: from a slider to what it changes, and what stays in memory."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from statistics import median
from urllib.request import urlopen

import psutil
import pytest

from tests.benchmarks.timing import FULL

pytest.importorskip("panel")
from bokeh.client import pull_session
from bokeh.models import Div, Slider

pytestmark = pytest.mark.benchmark

CLIENTS, SECONDS, THINKING = (10, 60.0, 1.0) if FULL else (2, 4.0, 0.2)
COMMAND = [sys.executable, "-c", "from netxr.cli import main; main()", "app", "--no-browser"]
SIZES = range(6, 43, 3)


@pytest.fixture
def server():
    process = subprocess.Popen(COMMAND, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # noqa: S603
    process.address = process.stdout.readline().split()[3]
    yield process
    process.terminate()
    process.communicate()


def play(address, seed, *, seconds):
    """Move the slider of a page of one's own, wait for the scores, think, and so on; return the waits."""
    session = pull_session(url=address)
    try:
        slider = next(one for one in session.document.select({"type": Slider}) if "Network size" in one.title)
        waits, end = [], time.perf_counter() + seconds
        sizes = cycle(SIZES[1 + (seed * 5 + k * 7) % 12] for k in range(12))  # 6 is what is there at first
        while time.perf_counter() < end:
            before = scores(session)
            begun = time.perf_counter()
            slider.set_from_json("value_throttled", next(sizes))  # as the browser does: in Python it is read-only
            while scores(session) == before:
                assert time.perf_counter() - begun < 30
                session.force_roundtrip()
                time.sleep(0.02)
            waits.append(time.perf_counter() - begun)
            time.sleep(THINKING)
        return waits
    finally:
        session.close()


def scores(session):
    texts = [one.text for one in session.document.select({"type": Div})]
    return [text for text in texts if "correlation" in text]


def test_clients_at_once(server):
    process = psutil.Process(server.pid)
    with ThreadPoolExecutor(CLIENTS) as clients:
        memory = []
        for seconds in (SECONDS / 3, SECONDS, SECONDS):
            waits = [*clients.map(lambda k: play(server.address, k, seconds=seconds), range(CLIENTS))]  # noqa: B023
            time.sleep(28 if FULL else 0)  # pages that are gone are forgotten
            urlopen(server.address + "favicon.ico").close()  # noqa: S310 - of this machine
            memory.append(process.memory_info().rss / 2**20)
    flat = sorted(wait for one in waits for wait in one)
    print(
        f"\n{CLIENTS} clients, {SECONDS:g} s, {len(flat)} updates: median {median(flat):.2f} s, "
        f"slowest {flat[-1]:.2f} s; memory {', '.join(f'{one:.0f}' for one in memory)} MiB after each of three rounds"
    )
    assert all(len(one) > 1 for one in waits)
    if FULL:
        assert median(flat) < 1
        assert memory[2] < memory[1] * 1.1
