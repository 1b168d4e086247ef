"""Run: what it says beforehand, when an estimate waits for it, and how it is cancelled."""

import os
import threading

import numpy as np
import pytest

import netxr
from netxr.app.recording.choice import Choice
from netxr.app.recording.cost import cost_of
from netxr.moments.factorisation import Factorisation
from tests.app.views import choose, dimmed, opened, press, table

ESTIMATE = "?tab=recording&recording=grouped.zarr&view=estimate"


@pytest.fixture
def waiting(monkeypatch):
    """Any estimate takes too long to follow its settings."""
    monkeypatch.setattr("netxr.app.recording.tab.LIVE", 0.0)


def chosen(**settings):
    return Choice("1", 0, "all", "neurons", 4, "lagged_correlation", "raise", False)._replace(**settings)


def test_the_cost_is_that_of_the_products_and_of_reading():
    samples = np.zeros((500, 40_000), dtype=np.float32)
    run = netxr.as_activity(samples, dims=("neuron", "time")).to_dataset(name="activity").chunk(time=2000)
    one, many = (cost_of(run, chosen(lags=lags), memory=2**30) for lags in ("1", "0-3"))
    operations, read = 2 * 40_000 * 500**2, 4 * 500 * 40_000
    assert 0.5 < one.seconds / (operations / 1e11 + read / 4e8) < 1.5  # at rates of one core, of which there may be two
    assert 2 < many.seconds / one.seconds < 4
    assert many.n_bytes > one.n_bytes > 100 * 2**20
    solved = cost_of(run, chosen(method="regression"), memory=2**30)
    of_moments = cost_of(run, chosen(lags="0-1"), memory=2**30)
    assert solved.seconds - of_moments.seconds == pytest.approx(
        Factorisation(500, 1, len(os.sched_getaffinity(0))).seconds
    )
    assert cost_of(run, chosen(lags="many"), memory=2**30) is None
    assert cost_of(run, chosen(), memory=2**20) is None


def test_run_says_what_it_takes(pages, library):
    page = opened(pages, library, ESTIMATE)
    (style,) = page.widget("Run").stylesheets
    assert style.startswith(':host { --cost: "under 1 s, ')
    assert page.widget("Run").name == "Run"
    choose(page, "Lags", "many")
    assert not page.widget("Run").stylesheets


def test_what_takes_long_waits_for_run(pages, library, waiting, monkeypatch):
    page = opened(pages, library, ESTIMATE)  # an address is computed at once
    before = table(page)
    estimate = netxr.estimate
    monkeypatch.setattr(netxr, "estimate", None)
    choose(page, "Lags", "2")
    assert not page.messages
    assert dimmed(page)
    assert "Settings changed. Shown still: grouped.zarr" in page.text()
    assert ">Settings changed</div>" in page.text()  # the line at the foot of the rail
    assert table(page).equals(before)
    monkeypatch.setattr(netxr, "estimate", estimate)
    press(page, "Run")
    assert not dimmed(page)
    assert not table(page).equals(before)
    assert "Up to date, ran in" in page.text()


def test_run_from_another_step_runs_at_once(pages, library, waiting):
    page = opened(pages, library, "?tab=recording&recording=grouped.zarr")
    press(page, "Run")
    assert "view=estimate" in page.location.search
    assert "lagged_correlation" in table(page)
    assert not dimmed(page)


def test_cancel_stands_in_the_place_of_run_while_it_computes(pages, library, monkeypatch):
    begun = threading.Event()

    def endless(self, _lazy):
        begun.set()
        while True:
            self.step()

    page = opened(pages, library, ESTIMATE)
    assert not page.widget("Cancel").visible
    with monkeypatch.context() as patched:
        patched.setattr("netxr.app.frame.jobs.Job.compute", endless)
        page.widget("Lags").value = "2"
        begun.wait(10)
        assert page.widget("Cancel").visible
        press(page, "Cancel")
    assert "cancelled" in page.messages[0]
    assert "Stopped" in page.text()
    assert not page.widget("Cancel").visible
    choose(page, "Lags", "3")
    assert not dimmed(page)
