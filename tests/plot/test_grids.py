from itertools import product

import holoviews as hv
import numpy as np
import pytest
import xarray as xr
from bokeh.models import ColorBar

from netxr.errors import InvalidInput
from netxr.plot import compare_over, facets
from tests.plot.drawn import (
    bokeh_cells,
    bokeh_images,
    bokeh_limits,
    draw,
    matplotlib_limits,
    off_diagonal,
    on_paper,
    on_screen,
    titles_of,
    widest,
)

TRIALS, LAGS = ["first", "second"], [0, 2, 5]
DAYS = ("2020-01-31", "2020-02-01")


@pytest.fixture
def many():
    """Entry (trial, lag, target, source); all different, of both signs."""
    values = np.random.default_rng(0).normal(size=(2, 3, 4, 4))
    return xr.DataArray(
        values,
        dims=("trial", "lag", "target", "source"),
        coords={"trial": TRIALS, "lag": LAGS, "target": list("abcd"), "source": list("abcd")},
        name="lagged_correlation",
        attrs={"long_name": "Lagged correlation"},
    )


def test_a_grid_has_rows_and_columns_and_one_range(many):
    figure = facets(many, row="trial", col="lag")
    assert figure.shape == (2, 3)
    limit = widest(many)
    expected = [f"trial = {trial}\nlag = {lag}" for trial, lag in product(TRIALS, LAGS)]
    paper, screen = on_paper(figure), on_screen(figure)
    assert matplotlib_limits(paper) == [(title, -limit, limit) for title in expected]
    assert paper.get_suptitle() == "Lagged correlation"
    assert {limits[1:] for limits in bokeh_limits(screen)} == {(-limit, limit)}
    for image, (trial, lag) in zip(bokeh_images(screen), product(TRIALS, LAGS), strict=True):
        np.testing.assert_array_equal(image.data_source.data["image"][0], off_diagonal(many.sel(trial=trial, lag=lag)))
    assert len(list(screen.select({"type": ColorBar}))) == 1


def test_rows_and_columns_change_places_and_the_order_of_dims_does_not_matter(many):
    turned = facets(many.transpose("source", "lag", "target", "trial"), row="lag", col="trial")
    assert turned.shape == (3, 2)
    for values, (lag, trial) in zip(bokeh_cells(turned), product(LAGS, TRIALS), strict=True):
        np.testing.assert_array_equal(values, off_diagonal(many.sel(trial=trial, lag=lag)))


def test_columns_alone_wrap_and_rows_alone_stand_in_one_column(many):
    six = many.stack(entry=("trial", "lag")).drop_vars(["entry", "trial", "lag"])
    assert facets(six, col="entry").shape == (2, 3)
    assert facets(six, row="entry").shape == (6, 1)
    seven = facets(xr.concat([six, six[..., :1]], "entry"), col="entry")
    assert seven.shape == (2, 4)
    assert len(bokeh_images(on_screen(seven))) == len(matplotlib_limits(on_paper(seven))) == 7


@pytest.mark.parametrize("columns", [None, "lag"])
def test_other_dims_are_sliders(many, columns):
    figure = facets(many, col=columns)
    limit = widest(many)
    axes = [axis for axis in on_paper(figure).axes if axis.images]
    titles = [f"lag = {lag}\ntrial = first" for lag in LAGS] if columns else ["trial = first\nlag = 0"]
    assert [axis.get_title() for axis in axes] == titles
    assert {axis.images[0].get_clim() for axis in axes} == {(-limit, limit)}
    plot = hv.renderer("bokeh").get_plot(figure)
    key = ("second",) if columns else ("second", 5)
    plot.update(key)
    images = bokeh_images(plot.state)
    expected = many.sel(trial="second") if columns else many.sel(trial=["second"], lag=5)
    cells = [image.data_source.data["image"][0] for image in images]
    np.testing.assert_array_equal(cells, [off_diagonal(one) for one in expected])
    assert {image.glyph.color_mapper.high for image in images} == {limit}


def test_dates_are_written_as_dates(many):
    days = many.isel(lag=0).rename(trial="day").assign_coords(day=np.array(DAYS, dtype="datetime64[ns]"))
    assert list(facets(days).keys()) == list(DAYS)
    assert titles_of(facets(days, col="day")) == [f"day = {day}" for day in DAYS]
    assert titles_of(compare_over(days[0], days, over="day"))[0] == f"A, day = {DAYS[0]}"


def test_one_matrix_is_drawn_as_such(many):
    one = many.isel(trial=[0], lag=[1])
    assert isinstance(facets(one), hv.Image)
    np.testing.assert_array_equal(bokeh_cells(facets(one))[0], off_diagonal(many[0, 1]))
    assert facets(one, col="lag").shape == (1, 1)


def test_facets_of_more_neurons_than_pixels_show_means():
    weights = xr.DataArray(np.random.default_rng(0).random((2, 160, 160)), dims=("trial", "target", "source"))
    figure = facets(weights, col="trial")
    np.testing.assert_allclose(bokeh_cells(figure)[0], weights[0].values.reshape(80, 2, 80, 2).mean(axis=(1, 3)))
    title, low, high = matplotlib_limits(on_paper(figure))[1]
    assert title == "trial = 1\nmean of 2 x 2 weights"
    assert -low == high < 1
    assert bokeh_cells(facets(weights))[0].shape == (160, 160)


@pytest.mark.crossed(1)
@pytest.mark.parametrize("backend", ["bokeh", "matplotlib"])
@pytest.mark.parametrize("value", [0.0, np.nan])
def test_undefined_and_constant_entries_are_drawn(many, backend, value):
    many[0] = value
    draw(facets(many[:, :1], row="trial", col="lag"), backend)
    draw(facets(many[0, :1] * 0 + value, row="lag"), backend)


@pytest.mark.parametrize(
    ("change", "dims", "message"),
    [
        (
            lambda many: many,
            {"row": "sparsity"},
            "row: got 'sparsity'; expected a further dim of weights: trial, lag",
        ),
        (lambda many: many, {"col": "target"}, "col: got 'target'"),
        (lambda many: many, {"row": "lag", "col": "lag"}, "col: got 'lag'; expected another dim than row"),
        (lambda many: many[0, 0], {"row": "lag"}, "there is none"),
        (
            lambda many: many[0, 0].expand_dims(seed=50),
            {"col": "seed"},
            r"col: got 50 facets; expected 20 at most.*isel\(seed=slice\(None, None, 3\)\)",
        ),
        (
            lambda many: many.expand_dims(seed=200),
            {"col": "lag"},
            r"weights: got 1200 matrices over lag, trial, seed|seed, trial; expected 500 at most.*isel\(seed=",
        ),
        (lambda many: many.values, {}, "weights: got ndarray"),
        (lambda many: many[:, :0], {}, "no entry along lag"),
        (lambda many: many.rename(source="from"), {}, r"weights: got dims"),
    ],
)
def test_sets_that_cannot_be_drawn_are_refused(many, change, dims, message):
    with pytest.raises(InvalidInput, match=message):
        facets(change(many), **dims)
