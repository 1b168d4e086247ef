import dask.array
import holoviews as hv
import numpy as np
import pytest

from netxr.arrays import as_activity
from netxr.errors import InvalidInput
from netxr.plot import traces


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
    axis = hv.render(figure, backend="matplotlib").axes[0]
    assert axis.get_xlabel() == "Time (s)"
    assert axis.get_ylabel() == f"Neuron (spacing {step:.3g} mV)"
    np.testing.assert_allclose(axis.get_yticks(), -step * np.arange(3))
    assert [tick.get_text() for tick in axis.get_yticklabels()] == ["a", "b", "c"]
    plot = hv.render(figure, backend="bokeh")
    assert ("neuron", "@{neuron}") in plot.hover[0].tooltips


def test_neurons_are_chosen_by_label_in_the_order_given(activity):
    figure = traces(activity.transpose("time", "neuron"), neurons=["c", "a"])
    assert figure.keys() == ["c", "a"]
    np.testing.assert_array_equal(figure["c"]["activity"], activity.sel(neuron="c").values[:500])


def test_time_is_in_steps_where_the_interval_is_unknown(activity):
    del activity.attrs["sampling_interval"], activity.attrs["sampling_interval_units"]
    figure = traces(activity, start=990)
    np.testing.assert_array_equal(figure.last["time"], np.arange(990, 1000))
    assert hv.render(figure, backend="bokeh").xaxis[0].axis_label == "Time (steps)"


@pytest.mark.parametrize("backend", ["bokeh", "matplotlib"])
@pytest.mark.parametrize("value", [0.0, np.nan])
def test_constant_and_undefined_traces_are_drawn(activity, backend, value):
    hv.render(traces(activity * 0 + value), backend=backend)
    hv.render(traces(activity.where(activity.neuron != "b", value)), backend=backend)
    hv.render(traces(activity[:1, :1]), backend=backend)


def test_one_trial_is_drawn_and_several_are_refused(activity):
    assert len(traces(activity.expand_dims(trial=[4]))) == 3
    with pytest.raises(InvalidInput, match=r"activity: got 2 trials; expected one\. .*isel\(trial=0\)"):
        traces(activity.expand_dims(trial=2))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"neurons": ["a", "z"]}, "neurons: got 'z', which is not recorded; expected labels such as 'a', 'b', 'c'"),
        ({"neurons": []}, "neurons: got no neuron"),
        ({"start": 1000}, "start: got 1000; expected a sample from 0 to 999"),
        ({"start": -1}, "start: got -1"),
        ({"n_steps": 0}, "n_steps: got 0; expected at least 1"),
    ],
)
def test_what_is_not_recorded_is_refused(activity, options, message):
    with pytest.raises(InvalidInput, match=message):
        traces(activity, **options)


def test_lazy_activity_asks_for_compute(activity):
    with pytest.raises(InvalidInput, match=r"activity: got a lazy array.*\.compute\(\)"):
        traces(activity.copy(data=dask.array.from_array(activity.values)))
