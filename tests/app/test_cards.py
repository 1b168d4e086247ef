"""The cards of an estimate, of which one pair is selected, and what is done to the activity before."""

from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

import netxr
from netxr.app.recording.cards import PairCards
from tests.app.views import choose, lines, opened, run_lines, table

ESTIMATE = "?tab=recording&recording=grouped.zarr&view=estimate&lags=0-3"


def test_the_selected_pair_is_in_the_address_and_in_the_lines(pages, library):
    page = opened(pages, library, ESTIMATE)
    choose(page, "Marked", "3 <- 7")
    assert "marked=3+%3C-+7" in page.location.search
    assert "pairs=[(3, 7)]" in lines(page)
    choose(page, "Marked", "99 <- 7")
    assert "no neuron here" in page.messages[0]


def test_over_an_estimate_without_a_truth_it_says_what_it_is_and_the_next_step(pages, tmp_path):
    run = netxr.simulate(netxr.random_connectivity(6, seed=1), n_steps=300, seed=1)
    netxr.save(run.drop_vars(["connectivity", "target", "source"], errors="ignore"), tmp_path / "run.zarr")
    page = opened(pages, tmp_path, "?tab=recording&view=estimate")
    assert "6 neurons, 300 samples: lagged correlation." in page.text()
    assert "no truth to compare it with: step 4" in page.text()
    page = opened(pages, tmp_path, "?tab=recording&view=estimate&level=number&groups=3")
    assert "3 groups, 300 samples" in page.text()


def test_what_is_clicked_is_the_pair_of_that_cell_or_row():
    R = netxr.as_connectivity(np.arange(9.0).reshape(3, 3), rows="target", neurons=["a", "b", "c"])
    groups = xr.DataArray(["x", "y", "x"], dims="neuron", coords={"neuron": ["a", "b", "c"]})
    chosen = []
    figures = [netxr.plot.matrix(R, groups=groups), netxr.plot.network(R)]
    cards = PairCards(R, None, groups, figures, selected=None, choose=lambda *pair: chosen.append(pair))
    assert cards.selected == ("c", "b")  # 7 is the largest beside the diagonal
    cards._tapped(SimpleNamespace(x=1.2, y=-0.3))  # drawn as a, c, b
    cards._tapped(SimpleNamespace(x=0.1, y=0.2))  # the diagonal is no pair
    cards._tapped(SimpleNamespace(x=9, y=0))
    cards._clicked(SimpleNamespace(row=1))
    assert chosen == [("a", "c"), ("c", "a")]
    cards.select("a", "c")
    assert (cards._mark.data["x"], cards._mark.data["y"]) == ([1], [0])


def test_bad_frames_are_left_out_of_the_filter_and_of_the_estimate(pages, tmp_path):
    run = netxr.simulate(netxr.random_connectivity(5, seed=1), n_steps=600, seed=1)
    run.activity[2, 100:110] = np.nan
    netxr.save(run, tmp_path / "run.zarr")
    page = opened(pages, tmp_path, "?tab=recording&view=estimate&bad_frames=yes&high_pass=0.05&z_score=yes")
    assert not page.messages
    x = run.activity.isel(trial=[0])
    bad = netxr.bad_frames(x)
    clean = netxr.mask_frames(netxr.high_pass(netxr.interpolate_frames(x, frames=bad), cutoff=0.05), frames=bad)
    expected = netxr.lagged_correlation(netxr.z_score(clean), missing="drop")
    np.testing.assert_allclose(table(page).lagged_correlation, expected.values.ravel(), atol=1e-10)
    np.testing.assert_allclose(run_lines(page)[0]["R"].values, expected.values[0], atol=1e-10)


@pytest.mark.parametrize("search", ["", "&lags=1,2", "&method=regression", "&trial=-1"])
def test_inputs_are_regressed_out(pages, tmp_path, search):
    run = netxr.simulate(netxr.random_connectivity(4, seed=1), n_steps=300, trials=2, seed=1)
    light = np.random.default_rng(0).standard_normal((1, 300, 2))
    inputs = xr.DataArray(light, dims=("input", "time", "trial"), coords={"input": ["light"]})
    netxr.save(run.assign(inputs=inputs), tmp_path / "run.zarr")
    page = opened(pages, tmp_path, f"?tab=recording&view=estimate&given=light{search}")
    assert not page.messages
    assert page.widget("Regress out").options == ["light"]
    pooled = "trial=-1" in search
    which = slice(None) if pooled else [0]
    lags = [1, 2] if "lags" in search else [1]
    method = "regression" if "method" in search else "lagged_correlation"
    moments = netxr.lagged_moments(
        run.activity.isel(trial=which),
        lags=sorted({0, *lags}),
        inputs=inputs.isel(trial=which),
        dim=("time", "trial") if pooled else "time",
    )
    expected = netxr.estimate(moments, method=method, lags=lags)
    np.testing.assert_allclose(table(page)[method], expected.values.ravel(), atol=1e-10)
    found = run_lines(page)[0]["R"]
    drawn = found if "lag" not in found.coords else expected.sel(lag=found.lag.item())
    np.testing.assert_allclose(found.values.ravel(), drawn.values.ravel(), atol=1e-10)


def test_an_input_that_is_not_there(pages, library):
    page = opened(pages, library, "?tab=recording&recording=grouped.zarr&view=estimate&given=light")
    assert "given: got &#x27;light&#x27;; expected inputs of the recording (none" in page.messages[0]
