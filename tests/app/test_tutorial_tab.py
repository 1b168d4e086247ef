import csv
import io
import math
import re
import zipfile

import holoviews as hv
import numpy as np
import panel as pn
import param
import pytest
import xarray as xr
import zarr
from bokeh.document import Document
from bokeh.models import Plot
from panel.io.state import set_curdoc

import netxr
import netxr.plot
from netxr.app.frame import downloads
from netxr.app.frame.live import LiveFigure
from netxr.app.frame.panes import upright
from netxr.app.frame.theme import DARK, FIGURES, LIGHT, TOKENS
from netxr.app.tutorial.compute import Setup, check_setup, python_lines, remember, remembered, tutorial_run, visited
from netxr.app.tutorial.tab import SAMPLES, TRIES
from netxr.app.tutorial.views import score_over_size, separation
from tests.app.pages import OpenPage
from tests.app.views import dimmed
from tests.marks import slow

SMALL = Setup(6, 0.9, 5000, 42, lag=1, groups=0, diagonal=True)


@pytest.fixture
def open_page():
    pages = []

    def opened(search="", **options):
        pages.append(OpenPage(search, **options))
        return pages[-1].wait()

    yield opened
    for page in pages:
        page.close()


@pytest.mark.parametrize("theme", [DARK, *slow(LIGHT)])
def test_live_figures_have_the_theme_of_the_page_and_leave_it_as_it_is(theme):
    run, surface = tutorial_run(SMALL._replace(steps=60)), getattr(TOKENS["surface"], theme).lower()
    with set_curdoc(Document()) as _:
        pn.state.curdoc.theme = FIGURES[theme]
        matrix = LiveFigure(upright, netxr.plot.matrix(run.connectivity))
        (root,) = (one for one in matrix.pane.get_root().references() if isinstance(one, Plot))
        for _again in range(2):  # drawn, and given new data
            matrix.show(netxr.plot.matrix(run.connectivity))
            assert root.border_fill_color.lower() == surface
            assert {axis.axis_label_text_font_style for axis in root.xaxis} == {"normal"}
        assert pn.state.curdoc.theme is FIGURES[theme]


def test_the_sizes_of_the_tutorial(golden):
    for n, score in golden["size_demo"].items():
        run = tutorial_run(SMALL._replace(n=int(n), steps=2000))
        assert run.pearson.item() == pytest.approx(score, abs=1e-10)


def test_the_curve_over_size_has_the_sizes_that_were_visited():
    others = {"steps": 60, "seed": 977}
    for size in (12, 6, 9):
        setup = SMALL._replace(n=size, **others)
        remember(setup, tutorial_run(setup))
    remember(SMALL._replace(n=7, steps=61, seed=977), tutorial_run(SMALL._replace(n=7, steps=61, seed=977)))
    seen = visited(SMALL._replace(n=400, **others))
    assert seen.n_neurons.values.tolist() == [6, 9, 12]
    assert seen.pearson.values.tolist() == [
        remembered(SMALL._replace(n=size, **others)).pearson.item() for size in (6, 9, 12)
    ]
    assert seen.pearson.attrs["diagonal"] is True
    assert visited(SMALL._replace(seed=978)).sizes == {"n_neurons": 0}


def test_the_curve_keeps_each_size_and_shades_what_was_not_visited(open_page):
    page = open_page("?tab=tutorial&steps=60&seed=979")
    assert "When is correlation good enough?" in page.text()
    page.release("Network size (any", 15)
    curve = page.page.body.select(pn.pane.HoloViews)[-1].object
    assert list(curve.Points.I["x"]) == [6, 15]
    setup = Setup(15, 0.9, 60, 979, lag=1, groups=0, diagonal=True)
    assert list(score_over_size(setup).VSpan.I.data) == [15.5, 42]
    assert hv.Store.lookup_options("bokeh", score_over_size(setup), "plot").kwargs["xlim"] == (5.5, 42.5)
    assert list(score_over_size(setup._replace(seed=980)).data) == [5.5, 42]  # nothing yet


def test_edges_and_the_rest_are_counted_apart_without_the_diagonal():
    run = tutorial_run(SMALL._replace(n=20, sparsity=0.7))
    A, R, off = run.connectivity.values, run.lagged_correlation.values, ~np.eye(20, dtype=bool)
    for bars, which in zip(separation(run).Histogram, ((A == 0) & off, (A != 0) & off), strict=True):
        shares, ends = bars.dimension_values(1), bars.edges
        np.testing.assert_allclose(shares, np.histogram(R[which], ends)[0] / which.sum())
        assert shares.sum() == pytest.approx(1)


def test_the_axes_of_the_distributions_follow_the_network():
    small, large = (tutorial_run(SMALL._replace(n=size, steps=60)) for size in (6, 42))
    figure = LiveFigure(upright, separation(small))
    (plot,) = (one for one in figure.pane.get_root().references() if isinstance(one, Plot))
    figure.show(separation(large))
    R = large.lagged_correlation.values[~np.eye(42, dtype=bool)]
    most = max(bars.dimension_values(1).max() for bars in separation(large).Histogram)
    assert plot.x_range.start < R.min() < R.max() < plot.x_range.end
    assert plot.x_range.end - plot.x_range.start < 1.2 * np.ptp(R)
    assert most < plot.y_range.end < 1.2 * most


def test_a_bound_is_said_to_the_last_digit(open_page):
    page = open_page("?tab=tutorial&steps=60")
    page.release("Seed", 10**10)
    assert page.widget("Seed").name == "Seed: at most 4,294,967,295"  # 2**32 - 1


@pytest.mark.parametrize(("typed", "becomes", "said"), [(7.6, 8, ": a whole number"), (8.0, 8, ""), (math.nan, 6, "")])
def test_a_field_of_whole_numbers_says_so_of_others(open_page, typed, becomes, said):
    page = open_page("?tab=tutorial&steps=60")
    page.release("Network size (any", typed)
    assert page.widget("Network size (any").name == f"Network size (any number){said}"
    setting = page.page._settings["Tutorial"].n
    assert (setting, type(setting), page.widget("Network size (any").value) == (becomes, int, becomes)
    assert page.release("Network size (any", 9).widget("Network size (any").name == "Network size (any number)"


def beside_controls(page):
    """What is said among the controls."""
    return "".join(one.object for one in page.page._rail.select(pn.pane.HTML) if 'role="alert"' in one.object)


def test_what_is_wrong_with_a_control_stands_below_it_until_it_is_right(open_page):
    page = open_page("?tab=tutorial&steps=60")
    for label, wrong, right, said in (
        ("Groups", 7, 0, "Groups: got 7; expected at most one for each of 6 neurons."),
        ("Lag", 10, 1, "Lag: got 10 of 11 steps; expected at most 9."),
    ):
        page.release("Length", 11)
        page.release(label, wrong)
        assert said in beside_controls(page)
        assert not page.messages
        page.release(label, right)
        assert not beside_controls(page)


@pytest.mark.parametrize("title", TRIES)
def test_a_thing_to_try_sets_the_sliders(open_page, title):
    page = open_page("?tab=tutorial&steps=60")
    page.widget(title).clicks += 1
    page.wait()
    for name, value in TRIES[title][1].items():
        assert f"{name}={value:g}" in page.location.search
    assert not page.messages
    page.widget("Start over").clicks += 1
    assert page.wait().location.search == "?tab=tutorial"


def test_samples_go_by_a_slider_too(open_page):
    page = open_page("?tab=tutorial&steps=70")
    assert page.widget("Samples").value == SAMPLES[0]  # the end that is nearer
    assert "steps=70" in page.location.search
    page.release("Samples", 500)
    assert "steps=500" in page.location.search


def test_groups_need_not_divide_the_neurons():
    run = tutorial_run(SMALL._replace(n=10, groups=3))
    fine = netxr.random_connectivity(10, sparsity=0.9, seed=42, rng="legacy").values
    of = np.arange(10) * 3 // 10
    expected = [[fine[np.ix_(of == to, of == come)].mean() for come in range(3)] for to in range(3)]
    np.testing.assert_allclose(run.connectivity, expected, atol=1e-15)


def test_the_diagonal_counts_if_asked_for():
    run = tutorial_run(SMALL._replace(n=20, diagonal=False, sparsity=0.5))
    off = ~np.eye(20, dtype=bool)
    expected = np.corrcoef(run.connectivity.values[off], run.lagged_correlation.values[off])[0, 1]
    assert run.pearson.item() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("setup", "told"),
    [
        (SMALL._replace(groups=7), "groups: got 7; expected at most one for each of 6 neurons."),
        (SMALL._replace(steps=10, lag=9), "lag: got 9 of 10 steps; expected at most 8."),
        (SMALL._replace(n=20_000), "n, steps: got 20,000 neurons x 5,000 steps, which take 26"),
    ],
)
def test_what_cannot_be_computed_is_told_before(setup, told):
    with pytest.raises(netxr.InvalidInput) as error:
        check_setup(setup, memory=2**30)
    assert str(error.value).startswith(told)


def test_runs_are_remembered_and_large_ones_are_not():
    run = xr.Dataset()
    for seed in range(100):
        remember(SMALL._replace(seed=1000 + seed), run)
    assert remembered(SMALL._replace(seed=1000)) is None
    assert remembered(SMALL._replace(seed=1099)) is run
    remember(SMALL._replace(n=5000), run)
    assert remembered(SMALL._replace(n=5000)) is None


@pytest.mark.parametrize("setup", [SMALL, SMALL._replace(n=9, groups=4, lag=2, diagonal=False, seed=3)])
def test_the_lines_of_python_make_the_view(setup):
    namespace = {}
    *lines, last = python_lines(setup).splitlines()
    exec("\n".join(lines), namespace)  # noqa: S102 - that is what they are for
    xr.testing.assert_allclose(namespace["R"], tutorial_run(setup).lagged_correlation)
    assert namespace["scores"].pearson.item() == pytest.approx(tutorial_run(setup).pearson.item())
    assert isinstance(eval(last, namespace), hv.Layout)  # noqa: S307


def test_the_tab_shows_the_tutorial_as_it_opens(open_page):
    page = open_page()
    assert "their correlation is 0.95967" in page.text()
    assert "with the diagonal" in page.text()
    assert page.location.search == "?tab=tutorial"
    slider = page.widget("Sparsity")
    assert (slider.start, slider.end, slider.step) == (0.01, 0.99, 0.01)


def test_a_slider_that_is_let_go_of_changes_all(open_page, golden):
    page = open_page("?tab=tutorial&steps=2000")
    slider = page.widget("Network size (neurons)")
    assert (slider.start, slider.end, slider.step) == (6, 42, 3)
    page.release("Network size (neurons)", 42)
    assert page.location.search == "?tab=tutorial&n=42&steps=2000"
    assert f"{golden['size_demo']['42']:.5f}" in page.text()
    assert page.widget("Network size (any").value == 42


def test_a_number_that_cannot_be_becomes_one_that_can(open_page):
    page = open_page("?tab=tutorial&steps=50")
    for typed, taken in ((0, 1), (-5, 1), (None, 1), (12, 12)):
        page.release("Network size (any", typed)
        assert page.widget("Network size (any").value == taken
        assert f"n={taken}&" in page.location.search
        assert not page.messages


def test_beyond_the_slider_and_without_graphs(open_page):
    page = open_page("?tab=tutorial&n=70&steps=500")
    assert page.widget("Network size (neurons)").value == 42  # the end that is nearer
    assert page.widget("Network size (any").value == 70
    assert "correlation" in page.text()
    assert len(page.page.body.select(pn.pane.HoloViews)) == 4


def test_an_undefined_score_is_said(open_page):
    page = open_page("?tab=tutorial&n=1")
    assert "undefined" in page.text()


def test_too_much_is_a_message_with_both_figures(open_page):
    page = open_page("?tab=tutorial&n=50000", memory=2**30)
    assert "50,000 neurons x 5,000 steps" in beside_controls(page)
    assert re.search(r"which take [\d.]+ [GT]iB; expected at most 1 GiB", beside_controls(page))
    assert not page.messages
    assert not page.release("Network size (any", 9).messages


def test_matrices_of_other_sizes_are_shown_in_the_same_figure():
    matrix = LiveFigure(upright, netxr.plot.matrix(tutorial_run(SMALL).connectivity))
    matrix.pane.get_root()
    first = matrix._plot
    for n in (9, 42, 30):
        R = tutorial_run(SMALL._replace(n=n, steps=200)).lagged_correlation
        matrix.show(netxr.plot.matrix(R))
        live, new = matrix._plot.handles, hv.renderer("bokeh").get_plot(netxr.plot.matrix(R)).handles
        assert matrix._plot is first
        for name, column in new["source"].data.items():
            np.testing.assert_array_equal(live["source"].data[name], column)
        for name in ("x_range", "y_range"):
            assert (live[name].start, live[name].end) == (new[name].start, new[name].end)
        for name in ("xaxis", "yaxis"):
            assert list(live[name].ticker.ticks) == list(new[name].ticker.ticks)
            assert live[name].major_label_overrides == new[name].major_label_overrides
        assert (live["color_mapper"].low, live["color_mapper"].high) == (
            new["color_mapper"].low,
            new["color_mapper"].high,
        )
        assert live["hover"].formatters["$x"].args == new["hover"].formatters["$x"].args


def test_a_table_has_labels_and_both_matrices():
    run = tutorial_run(SMALL)
    rows = list(csv.DictReader(io.StringIO(downloads.csv(run[["connectivity", "lagged_correlation"]]))))
    assert len(rows) == 36
    assert list(rows[0]) == ["target", "source", "connectivity", "lagged_correlation"]
    row = next(row for row in rows if (row["target"], row["source"]) == ("0", "1"))
    assert float(row["connectivity"]) == run.connectivity.sel(target=0, source=1).item() > 0
    assert float(row["lagged_correlation"]) == run.lagged_correlation.sel(target=0, source=1).item()


def test_a_zip_is_a_store(tmp_path):
    run = tutorial_run(SMALL)
    (tmp_path / "run.zip").write_bytes(downloads.zipped_store(run, name="run"))
    with zipfile.ZipFile(tmp_path / "run.zip") as archive:
        assert archive.testzip() is None
        archive.extractall(tmp_path)
    xr.testing.assert_allclose(netxr.open(tmp_path / "run.zarr").connectivity.compute(), run.connectivity)
    assert zarr.open_group(tmp_path / "run.zarr", mode="r")


def test_a_download_that_is_too_large_names_both_figures():
    with pytest.raises(netxr.InvalidInput, match=r"download: got .*B; expected at most 100 B\."):
        downloads.zipped_store(tutorial_run(SMALL), name="run", most=100)


def typed(page, label, value):
    """Type into a field, and wait for nothing."""
    widget = page.widget(label)
    with param.edit_constant(widget):
        widget.param.update(value=value, value_throttled=value)


def test_results_of_other_settings_are_dimmed_and_say_so(open_page):
    page = open_page("?tab=tutorial&n=27")
    assert not dimmed(page)
    typed(page, "Network size (any", 100_000)  # more than the memory holds
    assert "Network size and length: got 100,000 neurons" in beside_controls(page)
    assert len(dimmed(page)) == 2  # the answer and the figures
    assert "Shown still: 27 neurons, sparsity 0.9, 5,000 steps, lag 1" in page.text()
    typed(page, "Network size (any", 27)
    assert not dimmed(page)
    assert "Shown still" not in page.text()


def test_results_stay_dimmed_after_a_computation_was_cancelled(open_page):
    page = open_page("?tab=tutorial&n=8")
    typed(page, "Length", 1_000_000)
    assert len(dimmed(page)) == 2  # the answer and the figures
    page.session.cancel("tutorial", say="cancelled.")
    assert len(dimmed(page)) == 2  # the answer and the figures
    assert page.release("Length", 3000)
    assert not dimmed(page)


def test_the_figures_beside_the_matrices_stay_and_are_given_the_new_run(open_page):
    page = open_page("?tab=tutorial&n=12&steps=300")
    panes = page.page.body.select(pn.pane.HoloViews)
    shown = [pane.object for pane in panes]
    page.release("Network size (any", 9)
    assert len(panes) == 4
    assert page.page.body.select(pn.pane.HoloViews) == panes
    assert not any(pane.object is old for pane, old in zip(panes, shown, strict=True))


def test_each_try_is_what_it_says_whatever_was_tried_before(open_page):
    page = open_page("?tab=tutorial")
    for title in ("Add neurons", "Record longer", "Look too late"):
        page.widget(title).clicks += 1
        page.wait()
    assert page.location.search == "?tab=tutorial&lag=3"


def test_what_cannot_be_computed_is_not_said_to_be_up_to_date(open_page):
    page = open_page("?tab=tutorial&steps=60")
    assert "Up to date" in page.session.line.object
    page.release("Network size (any", 100_000)
    assert beside_controls(page)
    assert "Up to date" not in page.session.line.object
    page.release("Network size (any", 6)
    assert "Up to date" in page.session.line.object


def test_the_shade_of_sizes_that_were_not_visited_ends_at_the_last_one():
    setup = SMALL._replace(n=42, steps=60, seed=991)
    remember(setup, tutorial_run(setup))
    assert list(score_over_size(setup).VSpan.I.data) == [42, 42]
