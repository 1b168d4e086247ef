"""Export, Report: the file of `netxr report` for the recording and the estimate that are shown."""

import time
from multiprocessing import active_children
from threading import Thread

import numpy as np
import panel as pn
import pytest
import xarray as xr

import netxr
from netxr.app.frame.jobs import Cancelled, Job
from netxr.app.recording import report_file
from netxr.app.recording.choice import Choice
from netxr.app.recording.report_file import Reported, written
from tests.app import reporters
from tests.app.views import download, opened, press

ALL = Choice("1", 0, "all", "neurons", 4, "lagged_correlation", "raise", False)


def offered(page):
    """The button that downloads the report."""
    (found,) = (one for one in page.page.body.select(pn.widgets.FileDownload) if one.label == "Download the report")
    return found


@pytest.mark.slow
def test_the_report_of_an_estimate_is_written_beside_the_page_and_offered(pages, library):
    page = opened(pages, library, "?tab=recording&recording=grouped.zarr&view=estimate&lags=2&neurons=0:9&trial=1")
    assert not offered(page).visible
    page.widget("Report").clicks += 1
    (row,) = page.session.status
    assert "Writing the report of grouped.zarr" in row[1].object
    page.wait()
    assert not page.session.status
    assert "The report of grouped.zarr is written" in page.messages[0]
    assert (offered(page).visible, offered(page).filename) == (True, "grouped.html")
    text = download(page, "Download the report").decode()
    assert text.count("<h1>") == 1
    assert "lagged correlation" in text
    assert "10" in text
    assert "Scores of R against A" in text
    shown = page.page._views["Recording"].results
    assert shown is not None


def test_what_is_reported_is_what_is_shown(pages, library):
    page = opened(pages, library, "?tab=recording&recording=grouped.zarr&view=estimate&lags=2&neurons=0:9&trial=1")
    asked = []
    page.session.run = lambda key, work, then, **said: asked.append(work)
    press_only(page, "Report")
    data = asked[0].args[0].dataset()
    activity = netxr.open(library / "grouped.zarr").activity.isel(trial=[1], neuron=slice(0, 10))
    xr.testing.assert_equal(data.activity.drop_vars(["group", "lag"]), activity.drop_vars("group"))
    np.testing.assert_allclose(data.lagged_correlation, netxr.lagged_correlation(activity, lag=2).isel(trial=0))
    assert data.connectivity.shape == (10, 10)


def press_only(page, label):
    page.widget(label).clicks += 1


def test_nothing_is_reported_of_a_view_that_is_empty(pages, library):
    page = opened(pages, library, "?tab=recording")
    press(page, "Report")
    assert "There is nothing to download yet" in page.messages[0]


def test_what_goes_wrong_in_its_process_is_raised_here(tmp_path):
    with pytest.raises(netxr.NetxrError, match=r"no\.zarr"):
        written(Reported(tmp_path / "no.zarr", ALL, xr.Dataset()), Job(lambda done, total: None))


def test_a_process_that_is_ended_is_told(monkeypatch):
    monkeypatch.setattr(report_file, "_write", reporters.ended)
    with pytest.raises(MemoryError):
        written(None, Job(lambda done, total: None))


def test_a_report_that_is_no_longer_wanted_ends_its_process(monkeypatch):
    monkeypatch.setattr(report_file, "_write", reporters.endless)
    told, job = [], Job(lambda done, total: told.append(done))
    Thread(target=cancelled_when, args=(told, job)).start()
    with pytest.raises(Cancelled):
        written(None, job)
    assert told == [1]
    assert not active_children()


def cancelled_when(told, job):
    """Cancel a job once it has told something."""
    begun = time.monotonic()
    while not told and time.monotonic() < begun + 60:
        time.sleep(0.01)
    job.cancel()
