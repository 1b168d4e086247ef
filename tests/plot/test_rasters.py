import dask.array
import holoviews as hv
import numpy as np
import pytest
import xarray as xr

from netxr.errors import InvalidInput
from netxr.plot import raster, traces
from netxr.schema.arrays import as_activity
from tests.plot.drawn import draw, on_paper, on_screen


def recording(samples, **attrs):
    return as_activity(samples, dims=("neuron", "time"), **attrs)


def cells_of(figure):
    """Cells as they are seen: the first row on top."""
    image = figure.get(0) if isinstance(figure, hv.Overlay) else figure
    return image.dimension_values(2, flat=False)


def deviations(samples):
    return (samples - np.nanmean(samples, axis=1, keepdims=True)) / np.nanstd(samples, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def samples():
    return np.random.default_rng(0).normal(-65, [[1.0], [5.0], [0.1]], size=(3, 12_000))


def test_colours_are_deviations_from_each_neurons_mean(samples):
    figure = raster(recording(samples, sampling_interval=0.1), start=10, n_steps=100)
    expected = deviations(samples[:, 10:110])
    np.testing.assert_allclose(cells_of(figure), expected, rtol=1e-5, atol=1e-6)
    low, high = figure.vdims[0].range
    assert -low == high == pytest.approx(np.quantile(np.abs(expected), 0.99), rel=1e-5)
    left, bottom, right, top = figure.bounds.lbrt()
    assert (left, right) == pytest.approx((0.95, 10.95))
    assert (bottom, top) == (-0.5, 2.5)


@pytest.mark.parametrize("backend", ["bokeh", "matplotlib"])
def test_the_first_neuron_is_on_top(backend):
    spikes = np.zeros((4, 30), dtype=int)
    spikes[0, :3] = 5
    labels = ["first", "second", "third", "last"]
    figure = raster(recording(spikes, neurons=labels))
    assert cells_of(figure)[0, :3].tolist() == [5, 5, 5]
    plot = draw(figure, backend)
    if backend == "matplotlib":
        axis = plot.axes[0]
        assert axis.get_ylim() == (3.5, -0.5)
        assert [tick.get_text() for tick in axis.get_yticklabels()] == labels
        shown = axis.images[0]
        assert shown.get_extent()[2:] in ([3.5, -0.5], [-0.5, 3.5], (-0.5, 3.5), (3.5, -0.5))
    else:
        assert (plot.y_range.start, plot.y_range.end) == (3.5, -0.5)


def test_counts_are_drawn_as_they_are():
    counts = np.array([[0, 1, 4], [2, 0, 0]])
    for kind in (np.int64, np.uint8):
        figure = raster(recording(counts.astype(kind), units="spikes"))
        np.testing.assert_array_equal(cells_of(figure), counts)
        assert figure.vdims[0].label == "Activity (spikes)"
        assert figure.vdims[0].range == (0, 4) or figure.vdims[0].range[0] == 0
    assert raster(recording(counts - 1)).vdims[0].label == "Activity (SD from the mean)"


@pytest.mark.parametrize("lazy", [False, True])
def test_a_long_recording_is_drawn_by_means_of_every_sample(samples, lazy):
    with_gap = samples.copy()
    with_gap[1, 48:101] = np.nan  # all of a cell, and some of two others
    with_gap[2, 5] = np.inf
    data = dask.array.from_array(with_gap, chunks=(2, 999)) if lazy else with_gap
    figure = raster(recording(data))
    assert isinstance(figure, hv.DynamicMap)
    finite = np.where(np.isfinite(with_gap), with_gap, np.nan)
    scored = deviations(finite).reshape(3, -1, 50)
    expected = np.ma.masked_invalid(scored).mean(axis=2).filled(np.nan)
    np.testing.assert_allclose(cells_of(figure[()]), expected, rtol=1e-4, atol=1e-5)
    assert on_paper(figure).axes[0].get_title() == "each cell the mean of 50 samples"


def test_zooming_in_shows_finer_cells_on_the_same_scale(samples):
    figure = raster(recording(samples, sampling_interval=0.1))
    plot = hv.renderer("bokeh").get_plot(figure)
    figure.streams[0].event(x_range=(500.0, 520.0), y_range=(2.5, -0.5))
    scored = deviations(samples)[:, 5000:5201]
    np.testing.assert_allclose(cells_of(figure.last), scored, rtol=1e-4, atol=1e-5)
    assert plot.state.title.text == ""
    figure.streams[0].event(x_range=(-1e6, 1e6), y_range=(-9, 9))
    assert cells_of(figure.last).shape == (3, 240)


def test_many_neurons_share_rows():
    samples = np.random.default_rng(1).normal(size=(2500, 4))
    figure = raster(recording(samples))
    expected = deviations(samples).reshape(500, 5, 4).mean(axis=1)
    np.testing.assert_allclose(cells_of(figure[()]), expected, rtol=1e-4, atol=1e-5)
    assert "each cell the mean of 5 neurons" in on_screen(figure).title.text
    figure.streams[0].event(x_range=(-0.5, 3.5), y_range=(100.0, 199.0))
    np.testing.assert_allclose(cells_of(figure.last), deviations(samples)[100:200], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("backend", ["bokeh", "matplotlib"])
def test_groups_are_together_with_borders_and_names(backend):
    samples = np.random.default_rng(2).normal(size=(4, 20))
    grouped = recording(samples).assign_coords(group=("neuron", ["V2", "V1", "V2", "V1"]))
    figure = raster(grouped)
    np.testing.assert_allclose(cells_of(figure), deviations(samples)[[0, 2, 1, 3]], rtol=1e-5, atol=1e-6)
    assert figure.Segments.I.dimension_values("neuron").tolist() == [1.5]
    plot = draw(figure, backend)
    if backend == "matplotlib":
        assert [tick.get_text() for tick in plot.axes[0].get_yticklabels()] == ["V2", "V1"]
    chosen = raster(grouped, neurons=[3, 0])
    np.testing.assert_allclose(cells_of(chosen), deviations(samples)[[3, 0]], rtol=1e-5, atol=1e-6)


@pytest.mark.crossed(1)
@pytest.mark.parametrize("backend", ["bokeh", "matplotlib"])
@pytest.mark.parametrize("value", [0.0, 3.3, np.nan])
def test_constant_and_missing_activity_is_drawn(backend, value):
    figure = raster(recording(np.full((3, 7), value)))
    draw(figure, backend)
    if not np.isnan(value):
        assert (cells_of(figure) == 0).all()
    draw(raster(recording(np.full((1, 1), value))), backend)


def test_what_is_not_recorded_is_refused(samples):
    activity = recording(samples)
    with pytest.raises(InvalidInput, match="neurons: got 'z', which is not recorded"):
        raster(activity, neurons=["z"])
    with pytest.raises(InvalidInput, match="start: got 12000; expected a sample from 0 to 11999"):
        raster(activity, start=12_000)
    with pytest.raises(InvalidInput, match="n_steps: got 0; expected at least 1"):
        raster(activity, n_steps=0)
    with pytest.raises(InvalidInput, match="activity: got 2 trials"):
        raster(activity.expand_dims(trial=2))


def with_gap(n_samples, gap):
    """A recording of two neurons in ms, 20 a sample, with a gap of so many samples in the middle."""
    half = n_samples // 2
    places = np.append(np.arange(half), np.arange(half) + half + gap)
    x = np.random.default_rng(0).normal(size=(2, n_samples))
    labels = {"neuron": ["a", "b"], "time": ("time", places * 20.0 + 1000, {"units": "ms"})}
    return xr.DataArray(x, labels, ("neuron", "time"), attrs={"gaps": "segments"}), places


def test_a_gap_in_the_times_is_grey_and_as_long_as_it_was():
    activity, places = with_gap(40, gap=10)
    image = raster(activity)
    values = image.dimension_values("deviation", flat=False)
    expected = np.full((2, 50), np.nan)
    samples = activity.values
    expected[:, places] = (samples - samples.mean(1, keepdims=True)) / samples.std(1, keepdims=True)
    np.testing.assert_allclose(values, expected, rtol=1e-6)
    assert image.bounds.lbrt()[::2] == (990, 1990)
    axes = on_paper(image).axes[0]
    assert axes.get_xlabel() == "Time (ms)"
    assert axes.get_xlim() == on_paper(traces(activity)).axes[0].get_xlim() == (990, 1990)


def test_cells_over_a_gap_are_means_of_their_samples():
    activity, places = with_gap(3000, gap=1000)
    figure = raster(activity.chunk(time=700))
    image = figure[()]
    values = image.dimension_values("deviation", flat=False)
    assert values.shape == (2, 400)  # 10 of 4,000 intervals each
    samples = activity.values
    known = (samples - samples.mean(1, keepdims=True)) / samples.std(1, keepdims=True)
    for cell in range(400):
        inside = places // 10 == cell
        expected = known[:, inside].mean(1) if inside.any() else [np.nan] * 2
        np.testing.assert_allclose(values[:, cell], expected, rtol=1e-4, atol=1e-6)
    for view, lacks in (((31_100.0, 32_900.0), True), ((51_100.0, 52_000.0), False)):  # in the gap, and behind it
        figure.event(x_range=view, y_range=(1.5, -0.5))
        zoomed = figure[()].dimension_values("deviation", flat=False)
        assert np.isnan(zoomed).all() == lacks or np.isinf(zoomed).all() == lacks
        assert figure[()].bounds.lbrt()[0] <= view[0]
