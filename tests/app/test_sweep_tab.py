import io
import zipfile

import numpy as np
import pytest
import xarray as xr

import netxr
from netxr.app.sweep.views import SweepChoice, check_read, defined_facets, figures_of, needed_text, range_of, scores_of
from netxr.errors import InvalidInput
from tests.app.views import choose, dimmed, download, figures, opened, panels_of, run_lines, table
from tests.marks import slow

NONE = dict.fromkeys(("n_neurons", "sparsity", "n_steps", "n_groups", "lag"))
ANY = SweepChoice("curves", "pearson", "n_neurons", "sparsity", "none", NONE)


def test_an_unfinished_sweep_has_the_means_of_what_is_there(library):
    cut = netxr.open(library / "cut.zarr").load()
    scores = scores_of(cut, ANY._replace(facet="sparsity"))
    each = cut.pearson.isel(n_steps=0, n_groups=0, lag=0).values  # (n_neurons, sparsity, trial)
    for k, rows in enumerate(each):
        for j, trials in enumerate(rows):
            known = trials[~np.isnan(trials)]
            mean, std, defined = (scores[f"pearson_{end}"].values[k, j] for end in ("mean", "std", "defined"))
            assert defined == len(known)
            np.testing.assert_allclose(mean, known.mean() if len(known) else np.nan)
            np.testing.assert_allclose(std, known.std() if len(known) else np.nan, atol=1e-12)


def test_facets_share_a_range_and_leave_out_what_is_undefined(library):
    sweep = netxr.open(library / "sweep.zarr").load()
    for name in ("pearson_mean", "pearson_std"):
        sweep[name][{"sparsity": 0}] = np.nan
    choice = ANY._replace(facet="sparsity")
    scores = scores_of(sweep, choice)
    assert defined_facets(scores, choice) == [0.9]
    assert len(figures_of(scores, choice)) == 1
    low, high = range_of(scores, choice)
    mean, std = scores.pearson_mean.values, scores.pearson_std.values
    assert low < np.nanmin(mean - std) < np.nanmax(mean + std) < high


def test_further_axes_and_estimators_are_axes_like_others():
    asked = {"n_neurons": 6, "sparsity": 0.4, "coupling": [0.9, 2], "n_steps": 60, "trials": 2}
    sweep = netxr.sweep(**asked, method=["lagged_correlation", "regression"])
    choice = ANY._replace(x="coupling", facet="estimator")
    scores = scores_of(sweep, choice)
    assert set(scores.pearson_mean.dims) == {"coupling", "estimator"}
    assert defined_facets(scores, choice) == ["lagged_correlation", "regression"]
    assert len(figures_of(scores, choice)) == 2
    one = ANY._replace(x="coupling", values=NONE | {"estimator": "regression", "coupling": None})
    expected = sweep.pearson_mean.sel(estimator="regression").squeeze()
    np.testing.assert_array_equal(scores_of(sweep, one).pearson_mean, expected)
    assert one.text == "pearson over coupling, estimator regression"
    with pytest.raises(
        InvalidInput, match="x, y, facet: got every; expected axes of this sweep: n_neurons, sparsity, coup"
    ):
        scores_of(sweep, ANY._replace(x="every"))
    with pytest.raises(InvalidInput, match="estimator: got granger; expected one of lagged_correlation, regression"):
        scores_of(sweep, one._replace(values=NONE | {"estimator": "granger"}))


def test_where_it_is_good_enough_says_how_many_samples_it_takes():
    lengths, sizes = xr.DataArray([100, 10_000], dims="n_steps"), xr.DataArray([5, 50], dims="n_neurons")
    scores = (0.95 / (1 + 10 * sizes / lengths) ** 0.5).to_dataset(name="pearson")
    scores = scores.assign_coords(n_steps=lengths.values, n_neurons=sizes.values)
    choice = ANY._replace(view="enough")
    assert choice.drawn == ["n_steps", "n_neurons"]
    (figure,) = figures_of(scores, choice)
    assert sorted(figure.Labels.I["text"]) == ["0.39", "0.78", "0.93", "0.95"]
    needed = 10 * np.array([5, 50]) / ((0.95 / 0.9) ** 2 - 1)  # where the score is .9
    said = needed_text(scores, choice)
    numbers = [
        float(part.split(": ")[1].strip(".").replace(",", "")) for part in said.split("neurons: ")[1].split("; ")
    ]
    np.testing.assert_allclose(numbers, needed, rtol=0.01)
    assert needed_text(scores * 0.9, choice).endswith("neurons: 5: never; 50: never.")


def test_the_tab_offers_the_axes_that_a_sweep_has(pages, library):
    page = opened(pages, library, "?tab=map&sweep=sweep.zarr")
    widget = page.widget("Along x")
    assert "Sparsity" in widget.options
    assert "Coupling" not in widget.options


def test_a_sweep_of_several_estimators_shows_one_or_all_of_them(pages, library, tmp_path):
    several = ["lagged_correlation", "regression"]
    netxr.sweep(n_neurons=[5, 8], sparsity=0.5, n_steps=[60, 200], trials=2, method=several, store=tmp_path / "s.zarr")
    page = opened(pages, tmp_path, "?tab=map&sweep=s.zarr&view=curves")
    assert not page.messages
    choose(page, "Estimator", "regression")
    space, _ = run_lines(page)
    assert space["scores"].estimator == "regression"


def test_what_is_no_sweep_or_too_large(library):
    with pytest.raises(InvalidInput, match="a store without finished"):
        check_read(netxr.open(library / "grouped.zarr"), memory=2**30)
    with pytest.raises(InvalidInput, match="expected at most 1 KiB"):
        check_read(netxr.open(library / "sweep.zarr"), memory=2**10)


@pytest.mark.parametrize(
    "search",
    [
        "sweep=sweep.zarr&facet=sparsity&score=roc_auc&lag=2",
        "sweep=cut.zarr&view=map&x=lag",
        "sweep=cut.zarr&x=sparsity&facet=n_neurons",
        *slow("sweep=sweep.zarr", "sweep=sweep.zarr&view=map&n_steps=200"),
    ],
)
def test_the_lines_make_the_view_and_the_files_hold_it(pages, library, search):
    page = opened(pages, library, f"?tab=map&{search}")
    assert not page.messages
    space, figure = run_lines(page)
    shown = panels_of(figure)
    assert [type(one) for one in shown] == [type(one) for one in figures(page)]
    name = "roc_auc" if "roc" in search else "pearson"
    numbers, axes = table(page), list(space["scores"][f"{name}_mean"].dims)
    expected = space["scores"][f"{name}_mean"].to_series().sort_index()
    np.testing.assert_allclose(numbers.set_index(axes).sort_index()[f"{name}_mean"], expected)
    if "facet" in search and "cut" in search:
        assert download(page, "PNG")[1:4] == b"PNG"


def test_it_says_how_far_a_sweep_is(pages, library):
    page = opened(pages, library, "?tab=map&sweep=sweep.zarr")
    assert "All 6 cells are finished." in page.text()
    choose(page, "Sweep", "cut.zarr")
    assert "Unfinished: 5 of 6 cells so far." in page.text()


def test_axes_that_are_not_drawn_are_chosen_from(pages, library):
    page = opened(pages, library, "?tab=map&sweep=sweep.zarr")
    assert [page.widget(axis).visible for axis in ("Sparsity", "Lag", "Number of samples")] == [True, True, False]
    choose(page, "Lag", 2)
    choose(page, "Sparsity", 0.9)
    assert page.location.search == "?tab=map&sweep=sweep.zarr&sparsity=0.9&lag=2"
    expected = netxr.open(library / "sweep.zarr").pearson_mean.sel(sparsity=0.9, lag=2).squeeze()
    np.testing.assert_allclose(table(page).pearson_mean, expected)


@pytest.mark.parametrize(
    ("search", "message"),
    [
        ("x=sparsity&facet=sparsity", "x, y, facet: got sparsity twice"),
        ("lag=7", "lag: got 7; expected one of 1, 2"),
        ("score=mantel_p", "score: got"),
        ("score=beauty", "score: got"),
    ],
)
def test_what_goes_wrong_is_a_message(pages, library, search, message):
    page = opened(pages, library, f"?tab=map&sweep=sweep.zarr&{search}")
    assert message in page.messages[0]
    assert not any("Unexpected" in shown for shown in page.messages)


def test_a_sweep_is_taken_along_whole(pages, library, tmp_path):
    page = opened(pages, library, "?tab=map&sweep=sweep.zarr")
    zipfile.ZipFile(io.BytesIO(download(page, "Zarr (zip)"))).extractall(tmp_path)
    held = netxr.open(tmp_path / "netxr_sweep.zarr").load()
    xr.testing.assert_equal(held, netxr.open(library / "sweep.zarr").load()[list(held.data_vars)])


def test_a_view_of_other_settings_is_dimmed_and_says_which_it_is(pages, library):
    page = opened(pages, library, "?tab=map&sweep=sweep.zarr&lag=2")
    numbers = table(page)
    choose(page, "A curve for each", "n_neurons")  # along x already
    assert "x, y, facet: got n_neurons twice" in page.messages[0]
    assert dimmed(page)
    assert "Shown still: sweep.zarr, pearson over n_neurons, lag 2." in page.text()
    assert table(page).equals(numbers)
    choose(page, "A curve for each", "sparsity")
    assert not dimmed(page)
    assert not page.messages
