import dask.array
import holoviews as hv
import numpy as np
import pytest
import xarray as xr
from bokeh.models import Plot

from netxr.errors import InvalidInput
from netxr.plot import raster, traces
from netxr.plot.activity import binning as windows
from netxr.plot.activity.excerpt import excerpt_of
from netxr.schema.arrays import as_activity
from netxr.schema.axis import even_times
from tests.plot.drawn import draw, on_paper, on_screen, title_of


@pytest.fixture
def activity():
    samples = np.random.default_rng(0).normal(size=(3, 1000)) * [[1.0], [2.0], [0.5]]
    return as_activity(samples, dims=("neuron", "time"), neurons=["a", "b", "c"], sampling_interval=0.01, units="mV")


def test_traces_are_stacked_downwards_on_one_scale(activity):
    figure = traces(activity, start=100, n_steps=50)
    assert figure.keys() == ["a", "b", "c"]
    window = activity.values[:, 100:150]
    step = np.ptp(window, axis=1).max()
    for position, curve in enumerate(figure):
        np.testing.assert_allclose(curve["time"], 0.01 * np.arange(100, 150))
        np.testing.assert_allclose(curve["activity"], window[position])
        np.testing.assert_allclose(np.diff(curve["height"]), np.diff(window[position]))
        assert abs(curve["height"].mean() + position * step) < step / 2
    axis = on_paper(figure).axes[0]
    assert axis.get_xlabel() == "Time (s)"
    assert axis.get_ylabel() == f"Neuron (spacing {step:.3g} mV)"
    plain = on_paper(traces(activity.assign_attrs(units="1"), start=100, n_steps=50)).axes[0]
    assert plain.get_ylabel() == f"Neuron (spacing {step:.3g})"
    np.testing.assert_allclose(axis.get_yticks(), -step * np.arange(3))
    assert [tick.get_text() for tick in axis.get_yticklabels()] == ["a", "b", "c"]
    plot = on_screen(figure)
    assert ("neuron", "@{neuron}") in plot.hover[0].tooltips


@pytest.mark.parametrize("n_samples", [500, 6000])
def test_times_of_a_recording_with_gaps_go_on_over_them(n_samples):
    """No line crosses a gap, whether all samples are drawn or the extremes of bins; a range of times finds samples."""
    half = n_samples // 2
    times = np.append(np.arange(half), np.arange(half) + 2 * n_samples) * 20 + 1000  # in ms
    x = np.random.default_rng(0).normal(size=(2, n_samples))
    labels = {"neuron": ["a", "b"], "time": ("time", times.astype(float), {"units": "ms"})}
    recording = xr.DataArray(x, labels, ("neuron", "time"), attrs={"gaps": "segments"})
    figure = traces(recording)
    for curve in figure if n_samples == 500 else hv.Overlay(figure[()]).get(0):
        places = np.searchsorted(times, curve["time"])
        known = np.isfinite(curve["time"])
        assert (~known).sum() == 1
        np.testing.assert_array_equal(times[places[known]], curve["time"][known])
        (cut,) = np.flatnonzero(~known)
        assert curve["time"][cut - 1] < times[half] <= curve["time"][cut + 1]
    shown = excerpt_of(recording, neurons=None, start=0, n_steps=None)
    assert (shown.clock[1], shown.ends) == ("ms", (times[0] - 10, times[-1] + 10))
    assert shown.zoomed((times[half] - 5, times[half] + 25)) == (half, half + 2)
    assert on_paper(figure).axes[0].get_xlabel() == "Time (ms)"


@pytest.mark.parametrize("figure", [traces, raster])
def test_a_dataset_is_drawn_like_the_activity_that_it_holds(activity, figure):
    run = activity.drop_attrs().to_dataset(name="activity").assign_attrs(activity.attrs)
    axis, expected = (on_paper(figure(data)).axes[0] for data in (run, activity))
    assert axis.get_xlim() == expected.get_xlim()
    assert axis.get_xlabel() == expected.get_xlabel() == "Time (s)"
    with pytest.raises(InvalidInput, match="activity: got a Dataset with connectivity"):
        figure(run.rename(activity="connectivity"))


def test_neurons_are_chosen_by_label_in_the_order_given(activity):
    figure = traces(activity.transpose("time", "neuron"), neurons=["c", "a"])
    assert figure.keys() == ["c", "a"]
    np.testing.assert_array_equal(figure["c"]["activity"], activity.sel(neuron="c"))


def test_the_title_says_where_not_all_neurons_are_drawn():
    activity = as_activity(np.eye(21), dims=("neuron", "time"))
    assert on_screen(traces(activity)).title.text == "20 of 21 neurons"
    assert on_screen(traces(activity, neurons=range(20))).title.text == ""


def test_time_is_in_steps_where_the_interval_is_unknown(activity):
    del activity.attrs["sampling_interval"], activity.attrs["sampling_interval_units"]
    figure = traces(activity.drop_vars("time"), start=990)
    np.testing.assert_array_equal(figure.last["time"], np.arange(990, 1000))
    assert on_screen(figure).xaxis[0].axis_label == "Time (step)"


@pytest.mark.crossed(1)
@pytest.mark.parametrize("backend", ["bokeh", "matplotlib"])
@pytest.mark.parametrize("value", [0.0, np.nan])
def test_constant_and_undefined_traces_are_drawn(activity, backend, value):
    draw(traces(activity * 0 + value), backend)
    draw(traces(activity.where(activity.neuron != "b", value)), backend)
    draw(traces(activity[:1, :1]), backend)


def test_one_trial_is_drawn_and_several_are_refused(activity):
    assert len(traces(activity.expand_dims(trial=[4]))) == 3
    with pytest.raises(InvalidInput, match=r"activity: got 2 trials; expected one\. .*isel\(trial=0\)"):
        traces(activity.expand_dims(trial=2))
    bare = activity.drop_vars("time")
    with pytest.raises(InvalidInput, match=r"attrs.'sampling_interval'.: got 'x'; expected a number above 0"):
        traces(bare.assign_attrs(sampling_interval="x"))
    with pytest.raises(InvalidInput, match=r"activity\.attrs\['sampling_interval'\]: got nan"):
        traces(bare.assign_attrs(sampling_interval=np.nan))
    with pytest.raises(InvalidInput, match=r"activity\.attrs\['start_time'\]: got 'now'; expected a number"):
        traces(bare.assign_attrs(start_time="now"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"neurons": ["a", "z"]}, "neurons: got 'z', which is not recorded; expected labels such as 'a', 'b', 'c'"),
        ({"neurons": []}, "neurons: got no neuron"),
        ({"neurons": [["a"]]}, r"neurons: got \['a'\]"),
        ({"start": 1000}, "start: got 1000; expected a sample from 0 to 999"),
        ({"start": -1}, "start: got -1"),
        ({"n_steps": 0}, "n_steps: got 0; expected at least 1"),
    ],
)
def test_what_is_not_recorded_is_refused(activity, options, message):
    with pytest.raises(InvalidInput, match=message):
        traces(activity, **options)


@pytest.fixture(scope="module")
def long():
    """Five chunks of samples, one of which is a spike."""
    samples = np.random.default_rng(0).normal(size=(3, 50_000)).astype(np.float32)
    samples[1, 31_234] = 99.0
    lazy = dask.array.from_array(samples, chunks=(3, 10_000))
    return as_activity(lazy, dims=("neuron", "time"), sampling_interval=0.5)


def curves_of(figure):
    return {name: curve for (name,), curve in figure.get(0).data.items()}


def test_a_long_recording_is_drawn_by_extremes_that_are_samples_of_it(long):
    figure = traces(long)
    assert isinstance(figure, hv.DynamicMap)
    for neuron, curve in enumerate(curves_of(figure[()]).values()):
        assert len(curve) == 2000
        frames = (curve["time"] / 0.5).astype(int)
        assert (np.diff(frames) >= 0).all()
        np.testing.assert_array_equal(long.values[neuron, frames], curve["activity"])
    assert curves_of(figure[()])["1"]["activity"].max() == 99.0


def test_loaded_and_lazy_recordings_give_the_same_traces(long):
    for lazy, loaded in zip(*(curves_of(traces(each)[()]).values() for each in (long, long.compute())), strict=True):
        np.testing.assert_array_equal(lazy.array(), loaded.array())


def test_zooming_in_shows_every_sample_on_the_same_scale(long):
    figure = traces(long)
    drawn = hv.renderer("bokeh").get_plot(figure)
    axis = drawn.state.yaxis[0].axis_label
    assert drawn.state.title.text == "smallest and largest of every 50 samples"
    figure.streams[0].event(x_range=(15_600.1, 15_700.0))
    np.testing.assert_array_equal(curves_of(figure[()])["1"]["activity"], long.values[1, 31_200:31_401])
    assert drawn.state.title.text == ""
    assert drawn.state.yaxis[0].axis_label == axis
    figure.streams[0].event(x_range=(-1e9, 1e9))
    assert len(curves_of(figure[()])["1"]) == 2000
    figure.streams[0].event(x_range=(1e8, 1e9))
    assert len(curves_of(figure[()])["1"]) == 1


def test_more_than_the_budget_is_drawn_from_segments_and_says_so(long, monkeypatch):
    monkeypatch.setattr(windows, "READ_BYTES", 3 * 4 * 20_000)
    figure = traces(long, neurons=[2])
    assert on_paper(figure).axes[0].get_title() == "2 segments of 5e+03 s, 40 % of all samples: zoom in for more"
    curve = curves_of(figure[()])["2"]
    gap = np.flatnonzero(np.isnan(curve["activity"]))
    assert len(gap) == 1
    frames = np.delete(curve["time"] / 0.5, gap)
    assert set(frames // 10_000) == {0, 4}


def test_groups_are_drawn_together_and_each_has_its_share(activity):
    many = as_activity(np.zeros((60, 5)), dims=("neuron", "time"))
    many = many.assign_coords(group=("neuron", ["b", "a"] * 30))
    drawn = [int(name) for (name,) in traces(many).data]
    assert len(drawn) == 20
    assert drawn == sorted(drawn, key=lambda neuron: neuron % 2)
    assert sum(neuron % 2 for neuron in drawn) == 10
    assert traces(many, neurons=[3, 2]).keys() == ["3", "2"]


def test_time_begins_at_the_clock_of_the_session(activity):
    figure = traces(activity.drop_vars("time").assign_attrs(start_time=7.0), start=100, n_steps=2)
    np.testing.assert_allclose(figure.last["time"], [8.0, 8.01])
    figure = traces(activity.assign_coords(even_times(7.0, 0.01, activity.sizes["time"])), start=100, n_steps=2)
    np.testing.assert_allclose(figure.last["time"], [8.0, 8.01])


def test_traces_and_a_raster_share_the_axis_of_time(one_rate):
    page = on_screen(traces(one_rate) + raster(one_rate))
    above, below = page.select({"type": Plot})
    assert above.x_range is below.x_range
    assert above.y_range is not below.y_range
    assert [plot.xaxis[0].axis_label for plot in (above, below)] == ["Time (s)"] * 2
    assert (above.x_range.start, above.x_range.end) == pytest.approx((-0.05, 9.95))


@pytest.fixture
def one_rate():
    samples = np.random.default_rng(0).normal(size=(4, 100))
    return as_activity(samples, dims=("neuron", "time"), sampling_interval=0.1)


@pytest.mark.parametrize("n_samples", [30, 3000])
def test_samples_that_are_no_numbers_are_said_to_be_none(n_samples):
    figure = traces(as_activity(np.full((2, n_samples), np.nan), dims=("neuron", "time")))
    shown = figure[()] if isinstance(figure, hv.DynamicMap) else figure
    assert title_of(shown).split("\n")[0] == "no sample that is a number"
