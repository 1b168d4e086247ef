import numpy as np
import pytest
from bokeh.models import ColorBar

import netxr
from netxr.estimators.apply import compared
from netxr.plot.style import DIVERGING
from tests.plot.drawn import bar_titles, bokeh_images, on_paper, on_screen
from tests.runs import labelled

GRANGER = (
    labelled([[9, 0.5], [0, 9]]).rename("granger").assign_attrs(estimator="granger", long_name="Granger causality")
)


def colours_of(figure):
    """Limits, first colour and name of the colour bar."""
    model = on_screen(figure)
    (image,) = bokeh_images(model)
    mapper = image.glyph.color_mapper
    (title,) = bar_titles(model)
    return (mapper.low, mapper.high), mapper.palette[0], title


def test_small_weights_are_written_out():
    bar = on_screen(netxr.plot.matrix(GRANGER / 1000)).select_one(ColorBar)
    assert bar.formatter.power_limit_low == -5


def test_what_is_nowhere_negative_begins_at_zero_which_has_the_same_colour():
    white = DIVERGING[len(DIVERGING) // 2]
    assert colours_of(netxr.plot.matrix(GRANGER)) == ((0, 0.5), white, "Granger causality")
    assert on_paper(netxr.plot.matrix(GRANGER)).axes[0].images[0].get_clim() == (0, 0.5)


def test_an_estimator_that_should_tell_no_sign_and_does_is_seen():
    assert colours_of(netxr.plot.matrix(GRANGER.copy(data=[[0, 1], [-2, 0]])))[0] == (-2, 2)


@pytest.mark.parametrize(
    ("name", "limits"),
    [("probability", (0, 1)), ("p_value", (0, 1)), ("signed", (-1, 1)), ("edge_probability", (-1, 1))],
)
def test_probabilities_have_a_scale_of_their_own(name, limits):
    assert colours_of(netxr.plot.matrix(labelled([[0, 0.2], [0.1, 0]]).rename(name)))[0] == limits


def test_every_estimator_says_what_it_is_and_the_tutorials_what_the_tutorial_says():
    run = netxr.simulate(netxr.random_connectivity(25, seed=1), n_steps=500, seed=1)
    for name in netxr.methods().estimator.values.tolist():
        found = compared(netxr.estimate(run.activity, method=name), name).isel(trial=0)
        text = "Connectivity Strength" if name == "lagged_correlation" else found.long_name
        limits, _, said = colours_of(netxr.plot.matrix(found))
        assert said.lower() == text.lower()
        assert limits[0] == (0 if name == "granger" else -limits[1])


def test_standard_deviations_are_about_zero_whatever_they_are_of():
    figure = netxr.plot.compare(GRANGER, 2 * GRANGER, standardised=True)
    limits = {one.get_clim() for axis in on_paper(figure).axes for one in axis.images}
    assert len(limits) == 1
    low, high = limits.pop()
    assert low == -high
    assert high == pytest.approx(0.5 / np.std([0.5, 0]))
