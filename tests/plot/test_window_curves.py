"""An estimate over windows: which pairs, where they stand, and their bands.

By hand: in windows around 5 s, 15 s and 25 s, R from a to b is .1, -.4 and .2, with intervals of .1 on both sides.
"""

import holoviews as hv
import numpy as np
import pytest
import xarray as xr
from bokeh.models import GlyphRenderer, HoverTool, Patch

import netxr
from netxr.errors import InvalidInput
from netxr.plot import facets, windows
from tests.plot.drawn import draw, on_screen, title_of, titles_of
from tests.runs import labelled

BACKENDS = pytest.mark.parametrize("backend", ["bokeh", "matplotlib"])
TIMES = [5.0, 15.0, 25.0]


@pytest.fixture(name="R")
def estimated():
    """Entry (block, target, source)."""
    values = np.zeros((3, 2, 2))
    values[:, 1, 0] = [0.1, -0.4, 0.2]
    times = xr.Variable("block", TIMES, {"units": "s"})
    labels = {"target": ["a", "b"], "source": ["a", "b"], "block": [0, 1, 2], "block_time": times}
    return xr.DataArray(values, labels, ("block", "target", "source"), name="lagged_correlation")


def curves(figure):
    return {curve.label: curve for curve in figure if type(curve) is hv.Curve}


def bands(figure):
    return [band for band in figure if isinstance(band, hv.Area)]


@BACKENDS
def test_windows_stand_at_their_times(R, backend):
    figure = windows(R.isel(block=[2, 0, 1]).transpose("source", "block", "target"), pairs=[("b", "a")], title="R")
    curve = curves(figure)["a → b"]
    assert curve["time"].tolist() == TIMES
    assert curve["value"].tolist() == [0.1, -0.4, 0.2]
    assert not bands(figure)
    assert title_of(figure) == "R"
    drawn = draw(figure, backend)
    if backend == "bokeh":
        assert (drawn.xaxis[0].axis_label, drawn.yaxis[0].axis_label) == ("Time (s)", "Lagged correlation")
        tips = {tuple(map(tuple, tool.tooltips)) for tool in drawn.select({"type": HoverTool})}
        assert tips == {(("pair", "@{pair}"), ("time", "@time"), ("value", "@value{0.000}"))}
    else:
        assert drawn.axes[0].get_xlabel() == "Time (s)"


def test_windows_without_times_have_numbers(R):
    figure = windows(R.drop_vars("block_time"))
    assert curves(figure)["a → b"]["window"].tolist() == [0, 1, 2]
    assert on_screen(figure).xaxis[0].axis_label == "Window"


@BACKENDS
def test_intervals_and_standard_errors_are_bands(R, backend):
    by_ends = xr.Dataset({"lagged_correlation": R, "lower": R - 0.1, "upper": R + 0.1, "standard_error": R * 9})
    by_error = xr.Dataset({"standardised": R * 5, "coefficient": R, "standard_error": xr.full_like(R, 0.1)})
    for data, said in ((by_ends, "bands: intervals of 95 %"), (by_error, "bands: one standard error")):
        figure = windows(data.expand_dims(trial=1), pairs=[("b", "a")])
        assert title_of(figure) == said
        (band,) = bands(figure)
        np.testing.assert_allclose(band["lower"], [0.0, -0.5, 0.1])
        np.testing.assert_allclose(band["upper"], [0.2, -0.3, 0.3])
        drawn = draw(figure, backend)
        if backend == "bokeh":
            (patch,) = (one for one in drawn.select({"type": GlyphRenderer}) if isinstance(one.glyph, Patch))
            heights = patch.data_source.data["y"]
            assert (min(heights), max(heights)) == pytest.approx((-0.5, 0.3))
        else:
            (filled,) = drawn.axes[0].collections[:1]
            vertices = filled.get_paths()[0].vertices
            assert (vertices[:, 1].min(), vertices[:, 1].max()) == pytest.approx((-0.5, 0.3))


def test_the_windows_of_a_recording_and_their_intervals():
    run = netxr.simulate(netxr.random_connectivity(5, seed=1), n_steps=600, seed=1)
    moments = netxr.lagged_moments(run, lags=range(6), blocks=4)
    found = netxr.correlation_test(moments).compute()
    figure = windows(found)
    assert title_of(figure) == "bands: intervals of 95 %\nstrongest 6 of 20 pairs"
    assert on_screen(figure).xaxis[0].axis_label == "Time (step)"
    r = found.lagged_correlation.isel(trial=0)
    x = run.activity.isel(trial=0, time=slice(150, 300)).transpose("neuron", "time").values
    before = run.activity.isel(trial=0, time=slice(149, 299)).transpose("neuron", "time").values
    name, curve = next(iter(curves(figure).items()))
    source, target = map(int, name.split(" → "))
    assert curve["value"][1] == pytest.approx(np.corrcoef(x[target], before[source])[0, 1], abs=1e-10)
    np.testing.assert_array_equal(bands(figure)[0]["lower"], found.lower.isel(trial=0, target=target, source=source))
    assert abs(curve["value"]).max() == abs(r.where(r.target != r.source)).max()


def test_matrices_over_windows_say_their_time(R):
    slider = facets(R)
    assert [dim.label for dim in slider.kdims] == ["Time (s)"]
    assert list(slider.keys()) == TIMES
    assert titles_of(facets(R, col="block")) == ["time = 5 s", "time = 15 s", "time = 25 s"]
    assert titles_of(facets(R.drop_vars("block_time"), row="block")) == ["window = 0", "window = 1", "window = 2"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda R: R.isel(block=0), r"R: got dims \('target', 'source'\); expected a dim 'block'.*blocks=20"),
        (lambda R: xr.concat([R, R], "lag"), "R: got dims.*lag.*isel"),
        (lambda R: R.to_dataset(name="p_value"), r"R: got a Dataset with \['p_value'\]; expected one with an estimate"),
        (lambda R: R.values, "R: got ndarray"),
    ],
)
def test_what_has_no_windows_is_refused(R, change, message):
    with pytest.raises(InvalidInput, match=message):
        windows(change(R))


def test_a_matrix_that_is_no_estimate_over_windows_is_refused():
    with pytest.raises(InvalidInput, match="expected a dim 'block'"):
        windows(labelled(np.zeros((2, 2))))
