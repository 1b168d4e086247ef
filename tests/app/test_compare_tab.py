import numpy as np
import pytest
import xarray as xr

import netxr
from netxr.app.compare.compute import Pick, matrices_in, pair_of, picked
from netxr.errors import InvalidInput
from tests.app.views import choose, dimmed, download, figures, opened, panels_of, press, run_lines, table

TRUTH = "first=estimated.zarr&first_matrix=connectivity&second=estimated.zarr"


def test_estimates_come_first(library):
    assert matrices_in(netxr.open(library / "estimated.zarr")) == ["lagged_correlation", "connectivity"]
    run = netxr.simulate(netxr.random_connectivity(4, seed=1), n_steps=50, seed=1)
    assert matrices_in(netxr.lagged_moments(run.activity)) == []


def test_which_matrix_is_picked(library):
    run = netxr.simulate(netxr.random_connectivity(4, seed=1), n_steps=50, trials=3, seed=1)
    R = netxr.lagged_correlation(run.activity, lags=[0, 2, 5])
    run = run.assign(lagged_correlation=R)
    np.testing.assert_array_equal(picked(run, Pick("", "", 2, 5)), R.values[2, 2])
    np.testing.assert_array_equal(picked(run, Pick("", "", 1, None)), R.values[1, 1])  # lag 0 tells no direction
    again = R.assign_coords(lag=[0, 3, 1]).to_dataset(name="lagged_correlation")
    assert picked(again, Pick("", "", 0, None)).lag == 1
    for pick, message in (
        (Pick("", "R", 0, None), "expected one of lagged_correlation, connectivity"),
        (Pick("", "", 3, None), "trial: got 3; expected a position from 0 to 2"),
        (Pick("", "", 0, 1), "lag: got 1; expected one of 0, 2, 5"),
    ):
        with pytest.raises(InvalidInput, match=message):
            picked(run, pick)
    with pytest.raises(InvalidInput, match="Estimate its connectivity"):
        picked(run[["activity"]], Pick("a.zarr", "", 0, None))


def test_neurons_are_matched_by_label():
    A = netxr.as_connectivity(np.arange(9.0).reshape(3, 3), rows="target", neurons=["a", "b", "c"])
    R = netxr.as_connectivity(np.arange(9.0).reshape(3, 3), rows="target", neurons=["c", "x", "a"])
    runs = (A.to_dataset(name="connectivity"), R.to_dataset(name="R"))
    pair = pair_of(
        runs,
        (Pick("a", "", 0, None), Pick("b", "", 0, None)),
        diagonal=True,
        memory=2**20,
        compute=xr.DataArray.compute,
    )
    assert pair.A.values.tolist() == [[0, 2], [6, 8]]
    assert pair.R.values.tolist() == [[8, 6], [2, 0]]
    assert pair.R.target.values.tolist() == ["a", "c"]


@pytest.mark.crossed(1)
@pytest.mark.parametrize("view", ["beside", "standardised", "agreement"])
@pytest.mark.parametrize("stores", [TRUTH, "first=estimated.zarr&second=grouped.zarr&diagonal=yes"])
def test_the_lines_make_the_view_and_the_files_hold_it(pages, library, stores, view):
    page = opened(pages, library, f"?tab=compare&{stores}&view={view}")
    assert not page.messages
    space, figure = run_lines(page)
    assert [type(one) for one in panels_of(figure)] == [type(one) for one in figures(page)]
    shown = table(page)
    np.testing.assert_allclose(space["A"].values.ravel(), shown["first"])
    np.testing.assert_allclose(space["R"].values.ravel(), shown["second"])
    off = slice(None) if "diagonal=yes" in stores else (shown.target != shown.source).values
    expected = np.corrcoef(shown["first"][off], shown["second"][off])[0, 1]
    assert f"{expected:.3f}" in page.text()
    assert f"{'with' if 'diagonal=yes' in stores else 'without'} the diagonal" in page.text()
    assert download(page, "Zarr (zip)")[:2] == b"PK"
    if stores != TRUTH and view == "agreement":
        assert download(page, "PNG")[1:4] == b"PNG"


def test_it_says_how_many_neurons_are_left_out(pages, library):
    page = opened(pages, library, "?tab=compare&first=estimated.zarr&second=grouped.zarr")
    assert "8 neurons compared; left out: 4 only in grouped.zarr, connectivity." in page.text()
    assert "8 neurons compared." in opened(pages, library, f"?tab=compare&{TRUTH}").text()


def test_two_truths_are_alike_and_neither_is_an_estimate(pages, library):
    page = opened(pages, library, f"?tab=compare&{TRUTH}&second_matrix=connectivity")
    assert "How similar the two are" in page.text()
    assert "The estimate" not in page.text()


def test_choosing_another_matrix(pages, library):
    page = opened(pages, library, "?tab=compare&first=estimated.zarr&second=estimated.zarr")
    assert "lagged correlation (lagged_correlation)" in page.widget("Matrix").options
    choose(page, "Matrix", "connectivity")
    assert "first_matrix=connectivity" in page.location.search
    assert "true connectivity" in page.text()
    press(page, "Refresh")
    assert len(figures(page)) == 2


@pytest.mark.parametrize(
    ("search", "message"),
    [
        ("first=estimated.zarr&second=letters.zarr", "expected labels that truth has too"),
        ("first=estimated.zarr&second=estimated.zarr&second_matrix=no", "matrix: got"),
        ("first=../unseen.zarr&second=estimated.zarr", "first: got"),
        ("first=/etc&second=estimated.zarr", "first: got"),
    ],
)
def test_what_goes_wrong_is_a_message(pages, library, search, message):
    page = opened(pages, library, f"?tab=compare&{search}")
    assert message in page.messages[0]
    assert not figures(page)


def test_matrices_beyond_the_budget(pages, library):
    page = opened(pages, library, f"?tab=compare&{TRUTH}", memory=1000)
    assert "8 neurons at 2 lags, whose matrices take 6 KiB; expected at most 1000 B" in page.messages[0]


def test_matrices_of_other_settings_are_dimmed_and_say_which_they_are(pages, library):
    page = opened(pages, library, f"?tab=compare&{TRUTH}")
    numbers = table(page)
    choose(page, "Second store", "letters.zarr")
    assert "expected labels that truth has too" in page.messages[0]
    assert dimmed(page)
    held = "estimated.zarr, connectivity and estimated.zarr, lagged_correlation, side by side, without the diagonal."
    assert f"Shown still: {held}" in page.text()
    assert table(page).equals(numbers)
    choose(page, "Second store", "grouped.zarr")
    assert not dimmed(page)
    assert "8 neurons compared" in page.text()
