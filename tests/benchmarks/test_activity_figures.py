"""Activity of a recording on disk as a figure: seconds, and memory above start, beside what there is to read."""

import shutil

import holoviews as hv
import pytest

import netxr
from tests.benchmarks.contestants import recording
from tests.benchmarks.timing import FULL, apart, show

pytestmark = pytest.mark.benchmark


def drawing(kind, path):
    """Return the task to draw a recording in bokeh; what a first figure loads is loaded."""
    hv.render(hv.Curve([1, 2]), backend="bokeh")
    activity, draw = netxr.open(path).activity, getattr(netxr.plot, kind)
    return lambda: hv.render(draw(activity), backend="bokeh") and None


def test_activity_of_a_long_recording(tmp_path):
    n, n_steps = (1_000, 1_000_000) if FULL else (40, 20_000)
    path = recording(tmp_path, n, n_steps)
    try:
        costs = {kind: apart(drawing, kind, path) for kind in ("traces", "raster")}
    finally:
        shutil.rmtree(path)
    show(f"{n} neurons x {n_steps} samples (traces: wanted < 3 s and < 300 MB)", costs, ratios={})
    assert max(spent.megabytes for spent in costs.values()) < 300
