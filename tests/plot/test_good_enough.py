"""Where a score is good enough. By hand, at the mark .8, of curves limit / sqrt(1 + c / n_steps) without noise:

"quick": limit .9 at radius .3 and .5 at .9, c = 100; "slow": limit .99 everywhere, c = 1000.
Of 1000 samples quick has .858 and .477, slow .700 twice; of 9000 quick .895 and .497, slow .939 twice.
"""

import numpy as np
import pytest
import xarray as xr
from bokeh.models import ColorBar, HoverTool
from bokeh.models import Image as ImageGlyph
from matplotlib.colors import to_hex

import netxr
from netxr.errors import InvalidInput
from netxr.plot import good_enough
from netxr.plot.scores.good_enough import COLOURS
from netxr.plot.style import UNDEFINED_COLOUR
from tests.plot.drawn import bokeh_cells, on_paper, on_screen, title_of, titles_of


def curves(trials=None, **further):
    """The two estimators, the same along further dims."""
    steps = xr.DataArray([9000, 1000], dims="n_steps")
    quick = xr.DataArray([0.9, 0.5], dims="spectral_radius") / (1 + 100 / steps) ** 0.5
    slow = 0.99 / (1 + 1000 / steps) ** 0.5
    scores = xr.concat(xr.broadcast(quick, slow), "estimator").expand_dims(further)
    labels = {"estimator": ["quick", "slow_estimator"], "n_steps": steps.values, "spectral_radius": [0.3, 0.9]}
    sweep = xr.Dataset({"pearson": scores.assign_attrs(long_name="Pearson correlation", diagonal=False)}, labels)
    return sweep if trials is None else sweep * xr.DataArray(trials, dims="trial")


def segments(figure):
    return [figure.Segments.I, figure.Segments.II]


def test_cells_texts_and_boundaries_are_those_by_hand():
    figure = good_enough(curves(), at=0.8)
    (cells,) = bokeh_cells(figure)
    np.testing.assert_array_equal(cells, [[2, 1], [2, 2]])  # fewer steps below
    labels = figure.Labels.I
    texts = dict(zip(zip(labels["x"], labels["y"], strict=True), labels["text"], strict=True))
    assert texts == {
        (0, 0): "0.86\nquick",
        (1, 0): "0.70\nslow\nestimator",
        (0, 1): "0.94\nslow\nestimator",
        (1, 1): "0.94\nslow\nestimator",
    }
    best, quick = ({(*one,) for one in one.array()} for one in segments(figure))
    assert best == {(0.5, -0.5, 0.5, 0.5), (0.5, 0.5, 1.5, 0.5)}
    assert quick == {(0.5, -0.5, 0.5, 0.5), (0.5, 0.5, 0.5, 1.5)}
    first, second = title_of(figure).splitlines()
    assert first == "Pearson correlation of 0.8 or more (without the diagonal)"
    assert second == "full line: of the best estimator; dashed line: of quick alone"


def test_never_is_said_where_no_estimator_would_reach_it():
    figure = good_enough(curves().sel(estimator="quick"), at=0.8)
    (cells,) = bokeh_cells(figure)
    np.testing.assert_array_equal(cells, [[2, 0], [2, 0]])
    assert "dashed" not in title_of(figure)
    (cells,) = bokeh_cells(good_enough(curves().where(curves().spectral_radius < 0.9), at=0.8))
    np.testing.assert_array_equal(cells, [[2, -1], [2, -1]])  # below the scale: undefined


def test_a_facet_without_any_score_is_drawn_as_undefined():
    sweep = curves(observed=[0.5, 1]).assign_coords(observed=[0.5, 1])
    figure = good_enough(sweep.where(sweep.observed < 1), at=0.8, col="observed")
    undefined = on_screen(list(figure)[1])
    (mapper,) = {one.color_mapper for one in undefined.select({"type": ImageGlyph})}
    assert mapper.low_color == UNDEFINED_COLOUR
    _, empty, *_ = on_paper(figure).axes
    (image,) = empty.get_images()
    assert to_hex(image.cmap(image.norm(image.get_array()))[0, 0]) == UNDEFINED_COLOUR


def test_both_backends_show_colours_with_their_names_and_what_a_cell_holds():
    figure = good_enough(curves(), at=0.8, title="Mine")
    plot = on_screen(figure)
    assert plot.select_one(ColorBar).color_mapper.palette == list(COLOURS)
    assert plot.select_one(ColorBar).major_label_overrides == {0: "never", 1: "more samples", 2: "good enough"}
    (hover,) = plot.select({"type": HoverTool})
    said = ["Pearson correlation", "Estimator", "Verdict", "Pearson correlation at infinite length"]
    assert [name for name, _ in hover.tooltips] == [*said, "Samples to reach 0.8"]
    needed = 1000 * 0.8**2 / (0.99**2 - 0.8**2)
    said = figure.Rectangles.I.dframe().set_index(["x", "y"]).loc[(0.5, -0.5)]
    assert said["samples_needed"] == f"{min(needed, np.inf):,.0f}"
    assert (said["verdict"], said["limit"], said["score"]) == ("more samples", "0.990", "0.700")
    axis, bar = on_paper(figure).axes
    assert [tick.get_text() for tick in bar.get_yticklabels()] == ["never", "more samples", "good enough"]
    assert axis.get_title().splitlines()[0] == "Mine"


def test_units_are_named_along_an_axis_and_over_facets():
    swept = curves().rename(spectral_radius="units").assign_coords(units=["tanh", "linear"])
    figure = netxr.plot.good_enough(swept)
    assert figure.Image.I.opts.get("plot").kwargs["xticks"] == [(0, "linear"), (1, "tanh")]


def test_a_limit_near_the_mark_is_marked():
    figure = good_enough(curves([1, 0.95, 1.05]), at=0.985)
    assert figure.Labels.I["text"][0] == "0.86?\nquick"
    assert "?: the limit is within its standard error" in title_of(figure)
    assert "?" not in good_enough(curves([1, 0.99, 1.01]), at=0.8).Labels.I["text"][1]


def test_dims_that_vary_become_facets_and_then_sliders():
    sweep = curves(n_neurons=[10, 20], observed=[0.5, 1.0], calcium=[0, 5], every=[1])
    layout = good_enough(sweep, at=0.8)
    assert layout.shape == (2, 2)
    assert [[dim.name for dim in panel.kdims] for panel in layout] == [["calcium"]] * 4
    assert titles_of([panel.last for panel in layout])[:2] == [f"share recorded = 0.5\n{k} neurons" for k in (10, 20)]
    beside = good_enough(sweep.isel(calcium=0), at=0.8, col="observed", x="n_neurons", row="n_steps")
    assert titles_of(beside) == [f"{T:,} samples\nshare recorded = {o}" for T in (9000, 1000) for o in (0.5, 1)]
    panel = next(iter(beside)).Image.I
    assert (panel.kdims[0].label, panel.kdims[1].label) == ("Number of neurons", "Spectral radius")
    below = good_enough(sweep.isel(calcium=0, observed=0), at=0.8, row="n_neurons")
    assert below.shape == (2, 1)


def test_on_paper_the_title_is_near_the_facets_and_not_much_larger_than_their_own():
    paper = on_paper(good_enough(curves(noise=[1, 2]), at=0.8))
    title, panels = paper._suptitle, [axes for axes in paper.axes if axes.get_title()]
    assert len(panels) == 2
    assert title.get_fontsize() <= 1.4 * panels[0].title.get_fontsize()
    paper.canvas.draw()
    top = max(axes.title.get_window_extent().y1 for axes in panels)
    assert 0 < (title.get_window_extent().y0 - top) / paper.dpi < 0.4


def test_many_cells_have_no_room_for_names():
    for size, text in ((8, "0.50"), (14, "")):
        held = {"pearson": (("n_steps", "n_neurons"), np.full((2, size), 0.5))}
        scores = xr.Dataset(held, {"n_steps": [100, 200], "n_neurons": range(size)})
        assert set(good_enough(scores).Labels.I["text"]) == {text}


def test_it_draws_a_real_sweep_from_disk(tmp_path):
    asked = {
        "n_neurons": [5, 9],
        "sparsity": 0.5,
        "n_steps": [100, 400],
        "trials": 2,
        "method": ["correlation", "regression"],
    }
    netxr.plot.save(good_enough(netxr.sweep(**asked, store=tmp_path / "s.zarr")), tmp_path / "map.png")
    assert (tmp_path / "map.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"x": "lag"},
            "x: got 'lag'; expected a dim of the sweep, each once: spectral_radius, n_steps|n_steps, spectral",
        ),
        ({"x": "n_steps", "y": "n_steps"}, "x: got 'n_steps'; expected a dim of the sweep, each once"),
        ({"score": "rv"}, "score: got 'rv'; expected one of pearson"),
        ({"at": 2}, "at: got 2"),
    ],
)
def test_what_cannot_be_drawn(options, message):
    with pytest.raises(InvalidInput, match=message):
        good_enough(curves(), **options)


def test_lengths_alone_make_no_map():
    with pytest.raises(InvalidInput, match="sweep: got scores over n_steps alone; expected two dims to draw over"):
        good_enough(curves().isel(spectral_radius=0))
    with pytest.raises(InvalidInput, match="row and col: got 25 facets"):
        good_enough(curves(n_neurons=range(25)))


def test_the_title_says_at_which_entries_of_other_dims_the_scores_are():
    sweep = curves(n_neurons=[10], observed=[0.5]).isel(n_neurons=0, observed=0)
    first = title_of(good_enough(sweep, at=0.8)).splitlines()[:2]
    text = "Pearson correlation of 0.8 or more, 10 neurons, share recorded = 0.5 (without the diagonal)"
    assert " ".join(first) == text
