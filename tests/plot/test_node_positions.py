import holoviews as hv
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import netxr
from netxr.plot.grouping import order_of
from netxr.plot.matrices.node_positions import circle_places, ring_places, scale_bar
from tests.plot.drawn import draw
from tests.runs import labelled


def ordered(groups):
    labels = np.arange(len(groups))
    return order_of(labels, xr.DataArray(groups, dims="neuron", coords={"neuron": labels}))


@settings(max_examples=60, deadline=None)
@given(groups=st.lists(st.sampled_from(["V1", "LM", "AL", "PM", ""]), min_size=1, max_size=80).filter(any))
def test_rings_hold_their_groups_and_stand_apart(groups):
    places = ring_places(ordered(groups))
    groups = np.array(groups)
    rings = []
    for group in sorted(set(groups)):
        nodes = places.nodes[groups == group]
        middle = nodes.mean(axis=0)
        radii = np.linalg.norm(nodes - middle, axis=1)
        np.testing.assert_allclose(radii, radii[0], atol=1e-9)
        rings.append((middle, radii[0]))
    assert np.linalg.norm(places.nodes, axis=1).max() <= 1 + 1e-9
    for k, (middle, radius) in enumerate(rings):
        for other, its_radius in rings[:k]:
            assert np.linalg.norm(middle - other) > 1.2 * (radius + its_radius)
    assert sorted(places.labels) == sorted({group or "no group" for group in groups})


def test_ring_areas_go_by_the_number_of_neurons_and_the_first_is_at_the_right():
    places = ring_places(ordered(["b"] * 36 + ["a"] * 9))
    large, small = places.nodes[:36], places.nodes[36:]
    assert np.ptp(large[:, 1]) == pytest.approx(2 * np.ptp(small[:, 1]), rel=0.02)
    assert large[:, 0].mean() > 0 > small[:, 0].mean()
    assert places.labels == ["b", "a"]
    assert places.label_places[0, 0] > large[:, 0].max()


def test_a_group_of_one_stands_in_the_middle():
    np.testing.assert_allclose(ring_places(ordered(["a"])).nodes, [[0, 0]])


def test_on_the_circle_groups_stand_together_with_gaps_between():
    groups = np.array(["b", "a", "b", "a", "a", "b"])
    places = circle_places(np.array(list("uvwxyz"), dtype=object), ordered(groups))
    angles = np.degrees(np.arctan2(*places.nodes.T[::-1])) % 360
    np.testing.assert_allclose(angles, [0, 180, 45, 225, 270, 90], atol=1e-9)
    assert places.labels == ["b", "a"]
    np.testing.assert_allclose(np.degrees(np.arctan2(*places.label_places.T[::-1])) % 360, [45, 225], atol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(places.nodes, axis=1), 1)


def test_marks_shrink_with_the_crowd_but_do_not_vanish():
    rooms = [circle_places(np.arange(n).astype(object), order_of(np.arange(n), None)).room for n in (24, 48, 10_000)]
    assert rooms == [1.0, 0.5, 0.1]
    assert ring_places(ordered(["a"] * 40 + ["b"] * 40)).room < rooms[1]


@pytest.mark.parametrize(
    ("widest", "unit", "length", "text"),
    [
        (500, "um", 100, "100 µm"),
        (800, "pixel", 200, "200 pixel"),
        (0.9, "mm", 0.2, "0.2 mm"),
        (8000, "µm", 2000, "2000 µm"),
    ],
)
def test_a_scale_bar_is_a_round_length_of_at_most_a_quarter_of_the_field(widest, unit, length, text):
    assert scale_bar(float(widest), unit) == (pytest.approx(2 * length / widest), text)


@pytest.mark.parametrize("backend", ["bokeh", "matplotlib"])
def test_neurons_at_places_with_a_unit_have_a_scale_bar_below_them(backend):
    R = labelled(np.ones((3, 3)), list("abc"))
    x, y = ("neuron", [0.0, 300.0, 100.0], {"units": "um"}), ("neuron", [0.0, 50.0, 200.0], {"units": "um"})
    field = xr.Dataset(coords={"neuron": list("abc"), "x": x, "y": y})
    figure = netxr.plot.network(R, positions=field)
    bar, nodes = figure.Segments.II, figure.Points.II.array(["x", "y"]).astype(float)
    apart = np.linalg.norm(nodes[1] - nodes[0]) / np.hypot(300, 50)  # radii in a micrometre
    assert bar["x1"][0] - bar["x0"][0] == pytest.approx(50 * apart)
    assert bar["y0"][0] == bar["y1"][0] < nodes[:, 1].min() - 0.1
    low, _ = hv.Store.lookup_options(backend, figure, "plot").kwargs["ylim"]
    assert low < bar["y0"][0]
    assert figure.Labels.II["label"][0].strip() == "50 µm"
    draw(figure, backend)


def test_without_a_unit_there_is_no_scale_bar():
    R, places = labelled(np.ones((2, 2)), list("ab")), [0.0, 5.0]
    for units in ({}, {"units": "um"}):
        coords = {"neuron": list("ab"), "x": ("neuron", places), "y": ("neuron", places, units)}
        assert "II" not in netxr.plot.network(R, positions=xr.Dataset(coords=coords)).Segments
    at_one_place = {"neuron": list("ab"), **dict.fromkeys("xy", ("neuron", [1.0, 1.0], {"units": "um"}))}
    assert "II" not in netxr.plot.network(R, positions=xr.Dataset(coords=at_one_place)).Segments
