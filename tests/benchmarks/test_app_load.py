"""Clients at once on one server of the app: from a slider to what it changes, and what stays in memory."""

import shutil
import subprocess
import sys
import time
from statistics import median

import psutil
import pytest

from tests.benchmarks.timing import FULL

pytest.importorskip("panel")
sync_api = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.benchmark,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine"),
]

CLIENTS, ROUNDS, SECONDS, THINKING = (10, 3, 60, 3.0) if FULL else (2, 1, 2, 0.2)
FORGOTTEN = 30 if FULL else 0
"""Seconds after which the server has forgotten a page that was closed."""

COMMAND = [sys.executable, "-c", "from netxr.cli import main; main()", "app", "--no-browser"]

PLAY = """async ([seed, seconds, thinking]) => {
  const models = () => [...Bokeh.documents[0]._all_models.values()];
  const scores = () => models().find((one) => /HTML/.test(one.type) && /correlation is/.test(one.text ?? ""))?.text;
  const slider = models().find((one) => /Slider/.test(one.type) && /Network size/.test(one.title));
  const pause = (seconds) => new Promise((done) => setTimeout(done, 1000 * seconds));
  const waits = [], end = performance.now() + 1000 * seconds;
  await pause(seed * thinking / 10);
  for (let k = 0; performance.now() < end; k++) {
    const before = scores(), begun = performance.now();
    slider.value_throttled = 9 + 3 * ((seed * 5 + k * 7) % 12);
    while (scores() === before && performance.now() < begun + 30000) await pause(0.005);
    waits.push((performance.now() - begun) / 1000);
    await pause(thinking);
  }
  return waits;
}"""
"""Move the slider, wait for the scores and what is drawn with them, look at it, and so on; return the waits."""


@pytest.fixture
def server():
    process = subprocess.Popen(COMMAND, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # noqa: S603
    process.address = process.stdout.readline().split()[3]
    yield process
    process.terminate()
    process.communicate()


def play(browser, address):
    """Let all clients play at once; returns all waits."""
    pages = [browser.new_page() for _ in range(CLIENTS)]
    for page in pages:
        page.goto(address)
        page.get_by_text("their correlation is").wait_for()
    for k, page in enumerate(pages):
        page.evaluate("() => { document.body.style.display = 'none' }")  # else this machine would paint for ten
        page.evaluate(f"() => {{ window.waits = ({PLAY})([{k}, {SECONDS}, {THINKING}]) }}")
    waits = [wait for page in pages for wait in page.evaluate("() => window.waits")]
    for page in pages:
        page.close()
    time.sleep(FORGOTTEN)
    return waits


def test_clients_at_once(server):
    process = psutil.Process(server.pid)
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        waits, memory = [], []
        for _ in range(ROUNDS):
            waits += play(browser, server.address)
            memory.append(process.memory_info().rss / 2**20)
        browser.close()
    print(
        f"\n{CLIENTS} clients, {ROUNDS} x {SECONDS} s, {len(waits)} updates: median {median(waits):.2f} s, slowest "
        f"{max(waits):.2f} s; memory {', '.join(f'{one:.0f}' for one in memory)} MiB after each round"
    )
    assert len(waits) >= ROUNDS * CLIENTS
    assert max(waits) < 30
    if FULL:
        assert median(waits) < 1
        assert memory[2] < 1.1 * memory[1]
