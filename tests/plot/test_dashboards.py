import numpy as np
import pytest
import xarray as xr
from bokeh.plotting import figure

import netxr
from netxr.errors import InvalidInput
from netxr.plot import dashboard
from netxr.plot.panels.dashboards import available_in, figures_of
from netxr.plot.style import title_over
from tests.plot.drawn import on_paper, on_screen


@pytest.fixture(scope="module")
def run():
    run = netxr.simulate(netxr.random_connectivity(6, sparsity=0.6, seed=1), n_steps=1500, trials=2, seed=1)
    return run.assign(lagged_correlation=netxr.lagged_correlation(run.activity, lags=[0, 1, 2]))


def names(run):
    return list(figures_of(available_in(run)))


def test_a_run_shows_all_that_it_has(run):
    assert names(run) == ["traces", "raster", "compare", "network", "agreement", "lags"]
    assert len(dashboard(run)) == 11


def test_what_a_run_has_not_is_left_out(run):
    assert names(run[["activity"]]) == ["traces", "raster"]
    assert names(run[["connectivity"]]) == ["matrix", "network"]
    assert names(run[["lagged_correlation"]]) == ["matrix", "network", "lags"]
    assert names(run.drop_vars("lagged_correlation")) == ["traces", "raster", "matrix", "network"]
    assert names(netxr.random_connectivity(101).to_dataset()) == ["matrix"]


def test_two_graphs_beside_each_other_have_no_letters_that_meet_their_titles(run):
    drawn = on_paper(figures_of(available_in(run))["network"])
    assert not [text.get_text() for axis in drawn.axes for text in axis.texts if text.get_text() in ("A", "B")]


def test_graphs_stand_where_the_neurons_lie(run):
    there = run.assign_coords(x=("neuron", np.arange(6.0)), y=("neuron", np.arange(6.0)))
    for graph in figures_of(available_in(there))["network"]:
        np.testing.assert_allclose(graph.Points.II.array(["x", "y"]).astype(float), np.linspace([-1, 1], [1, -1], 6))


def test_the_first_trial_and_lag_1_are_drawn_and_named(run):
    available = available_in(run)
    assert available.note == "trial 0, the first of 2, R at lag 1"
    xr.testing.assert_equal(available.R, run.lagged_correlation.sel(trial=0, lag=1))
    np.testing.assert_array_equal(available.activity, run.activity.isel(trial=0))
    assert available.activity.attrs["sampling_interval_units"] == "step"
    assert available_in(run.isel(trial=1, lag=[2])).note == ""
    assert available_in(run.sel(lag=[0, 2])).note.endswith("R at lag 2")


def test_titles_over_some_of_the_panels_stand_over_all(run):
    known = run.assign(netxr.compare(run.connectivity, run.lagged_correlation, diagonal=False, permutations=0))
    first, score, pairs = title_over(dashboard(known)).split("\n")
    assert first == "trial 0, the first of 2, R at lag 1"
    assert score == f"Correlation of A and R: {known.pearson.sel(trial=0, lag=1):.3f} (without the diagonal)"
    assert pairs == "30 pairs of neurons (without the diagonal)"


def test_matrices_that_are_not_square_are_drawn_alone(run):
    assert names(run.drop_vars("activity").isel(target=slice(4), lag=[1])) == ["compare"]


def test_each_panel_keeps_its_own_title_and_axes(run):
    """HoloViews gives a figure that can be zoomed the options of its neighbours, if nobody prevents it."""
    grouped = netxr.assign_groups(run.drop_vars("lagged_correlation"), groups=["b", "a"] * 3)
    panels = {axis.get_ylabel(): axis for axis in on_paper(dashboard(grouped)).axes}
    raster = panels["Neuron"]
    assert raster.get_title() == "each cell the mean of 5 samples"
    assert raster.get_xlim() == (-0.5, 1499.5)
    assert [tick.get_text() for tick in raster.get_yticklabels()] == ["b", "a"]
    screen = on_screen(dashboard(grouped))
    panels = {panel.title.text: panel for panel in screen.select({"type": figure})}
    raster = panels["each cell the mean of 5 samples"]
    assert (raster.x_range.start, raster.x_range.end) == (-0.5, 1499.5)
    assert raster.yaxis[0].major_label_overrides == {1.0: "b", 4.0: "a"}


def test_one_source_that_is_not_named_is_refused_beside_named_ones(run):
    one_source = run.assign(lagged_correlation=run.lagged_correlation.isel(source=2, drop=True))
    with pytest.raises(InvalidInput, match="R: got source without labels"):
        dashboard(one_source)
    assert names(run[["lagged_correlation"]].isel(source=2)) == ["matrix", "lags"]


def test_nothing_to_draw_is_refused():
    with pytest.raises(InvalidInput, match="run: got a Dataset with x; expected one with activity, connectivity or"):
        dashboard(xr.Dataset({"x": 1}))
    with pytest.raises(InvalidInput, match="run: got DataArray; expected a Dataset"):
        dashboard(xr.DataArray(1))
