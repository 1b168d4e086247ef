"""The band of a lag curve that holds 95 % of correlations by chance."""

from itertools import permutations

import holoviews as hv
import numpy as np
import pytest
from bokeh.models import BoxAnnotation
from matplotlib.colors import to_hex

import netxr
from netxr.errors import InvalidInput
from netxr.plot import lags
from netxr.plot.palettes import LIGHT
from tests.plot.drawn import draw, title_of
from tests.runs import labelled

R = labelled([[1, 0.3, 0.1], [0.2, 1, -0.4], [0.5, 0.1, 1]], list("abc")).expand_dims(lag=[1, 2])


def band(figure):
    (span,) = (one for one in figure if isinstance(one, hv.HSpan))
    return span.data


def test_it_ends_two_standard_errors_from_zero():
    figure = lags(R, samples=400, title="Run")
    assert band(figure) == pytest.approx((-1.959964 / 20, 1.959964 / 20))
    assert title_of(figure).split("\n")[:2] == ["Run", "grey: 95 % by chance, of 400 independent samples"]
    assert not [one for one in lags(R) if isinstance(one, hv.HSpan)]


def test_it_holds_that_many_of_the_correlations_of_independent_neurons():
    noise = netxr.as_activity(np.random.default_rng(0).normal(size=(40, 900)), dims=("neuron", "time"))
    by_chance = netxr.lagged_correlation(noise, lags=[1, 2, 3])
    low, high = band(lags(by_chance, samples=900))
    off = by_chance.values[:, ~np.eye(40, dtype=bool)]
    assert ((low < off) & (off < high)).mean() == pytest.approx(0.95, abs=0.01)


def test_of_several_pairs_it_is_the_widest_and_of_their_own_labels():
    effective = labelled([[9, 100, 64], [400, 9, 900], [25, 16, 9]], list("abc"))
    figure = lags(R, pairs=[("a", "b"), ("b", "c")], samples=effective[::-1, [1, 2, 0]])
    assert band(figure)[1] == pytest.approx(1.959964 / 10)
    one = lags(R, pairs=[("b", "c")], samples=effective)
    assert band(one)[1] == pytest.approx(1.959964 / 30)


def test_beyond_it_the_test_finds_a_pair_and_within_it_none():
    run = netxr.simulate(netxr.random_connectivity(7, sparsity=0.5, seed=1), n_steps=500, seed=1).isel(trial=0)
    tested = netxr.correlation_test(run.activity).compute()
    along = tested.lagged_correlation.expand_dims("lag")
    for target, source in permutations(range(7), 2):
        pair = {"target": target, "source": source}
        limit = band(lags(along, pairs=[(target, source)], samples=tested.effective_samples))[1]
        r, p_value = tested.lagged_correlation.sel(pair).item(), tested.p_value.sel(pair).item()
        assert (abs(r) > limit) == (p_value < 0.05) or abs(p_value - 0.05) < 0.002


@pytest.mark.parametrize("backend", ["bokeh", "matplotlib"])
@pytest.mark.parametrize("current", ["bokeh", "matplotlib"])
def test_it_lies_within_the_axis_and_behind_the_curves(backend, current, monkeypatch):
    monkeypatch.setattr(hv.Store, "current_backend", current)
    drawn = draw(lags(R / 1000, samples=25), backend)
    if backend == "bokeh":
        assert drawn.y_range.start < -0.39 < 0.39 < drawn.y_range.end
        assert [one.level for one in drawn.select({"type": BoxAnnotation}) if one.fill_color == LIGHT.hidden] == [
            "underlay"
        ]
    else:
        assert drawn.axes[0].get_ylim()[0] < -0.39
        assert [to_hex(patch.get_facecolor()) for patch in drawn.axes[0].patches] == [LIGHT.hidden.lower()]
        assert min(patch.get_zorder() for patch in drawn.axes[0].patches) < min(
            line.get_zorder() for line in drawn.axes[0].lines
        )


def test_where_no_number_is_known_the_title_says_so():
    figure = lags(R, samples=labelled(np.full((3, 3), np.nan), list("abc")))
    assert title_of(figure) == "not known what is by chance"
    assert not [one for one in figure if isinstance(one, hv.HSpan)]


@pytest.mark.parametrize("samples", [0, 2.5, "many", True, labelled(np.ones((2, 2)), list("ab"))])
def test_what_tells_no_number_of_samples_is_refused(samples):
    with pytest.raises(InvalidInput, match="samples: got"):
        lags(R, samples=samples)


def test_what_is_no_correlation_has_no_such_band():
    weights = R.assign_attrs(estimator="regression")
    with pytest.raises(InvalidInput, match="samples: got samples of regression; expected lagged correlations"):
        lags(weights, samples=100)
    assert isinstance(lags(weights), hv.Overlay)
