import holoviews as hv
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from bokeh.models import GlyphRenderer
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.collections import PathCollection
from matplotlib.colors import same_color
from matplotlib.text import Text

from netxr.errors import InvalidInput
from netxr.plot import Selection, compare, linked
from netxr.plot.files import static_view
from netxr.plot.panels.choosing import chosen_boxes, chosen_neurons, chosen_pairs
from netxr.plot.panels.linking import CHOSEN
from netxr.plot.style import title_over
from tests.plot.drawn import off_diagonal, on_paper, on_screen

LABELS = np.array(list("abcdef"), dtype=object)  # as netxr.as_connectivity has them
ACTIVITY = xr.DataArray(np.random.default_rng(4).random((6, 40)), {"neuron": list(LABELS)}, ("neuron", "time"))
SUBSETS = st.lists(st.sampled_from(LABELS.tolist()), unique=True)

PIECES = 12
"""Of a bent edge."""


def pair_of(labels=LABELS):
    rng = np.random.default_rng(3)
    axes = {"target": labels, "source": labels}
    A = xr.DataArray((rng.random((len(labels),) * 2) > 0.6) * 0.5, axes, ("target", "source"))
    return A, A.copy(data=rng.normal(size=A.shape))


def parts(figure):
    """Return what a figure is laid together from, as far as it changes."""
    if not isinstance(figure, hv.DynamicMap):
        return []
    return [figure, *(part for each in getattr(figure.callback, "inputs", []) for part in parts(each))]


@pytest.fixture(scope="module")
def drawn():
    """A linked figure on the screen, with its matrices and its selection."""
    A, R = pair_of()
    selection = Selection()
    layout = linked(A, R, activity=ACTIVITY, selection=selection)
    return A, R, selection, layout, on_screen(layout)


@pytest.fixture
def figure(drawn):
    """The same with nothing chosen, and a way to use the tools of its panels: A, R, graph, scatter, traces."""
    A, R, selection, layout, _ = drawn
    selection.choose_neurons([])

    def use(panel, tool, **where):
        streams = [each for part in parts(list(layout)[panel]) for each in hv.streams.Stream.registry.get(part, [])]
        (stream,) = (each for each in streams if isinstance(each, tool))
        stream.event(**where)

    return A, R, selection, layout, use


def shown(layout, panel, kind):
    """Return the marks of a panel as arrays, those of what is chosen last."""
    figure = list(layout)[panel]
    return figure[()].traverse(lambda part: part, [kind])[-1].array()


def marked_on_screen(screen):
    """Count the marks of each kind in the colour of what is chosen."""
    counts = []
    for renderer in screen.select({"type": GlyphRenderer}):
        colours = [getattr(renderer.glyph, name, None) for name in ("line_color", "fill_color")]
        if CHOSEN in colours:
            counts.append(max(map(len, renderer.data_source.data.values())))
    return sorted(counts)


def test_a_box_in_a_matrix_chooses_a_block_that_every_panel_marks(figure, drawn):
    A, R, selection, layout, use = figure
    screen = drawn[-1]
    assert marked_on_screen(screen) == [0, 0, 0, 0, 0]
    use(0, hv.streams.BoundsXY, bounds=(0.8, 3.2, 2.3, 4.4))  # sources b, c; targets d, e
    assert (selection.targets, selection.sources, selection.neurons) == (["d", "e"], ["b", "c"], [])
    for panel in (0, 1):
        np.testing.assert_array_equal(shown(layout, panel, hv.Rectangles), [[0.5, 2.5, 2.5, 4.5]])
    block = (A.values[3:5, 1:3].ravel(), R.values[3:5, 1:3].ravel())
    np.testing.assert_array_equal(shown(layout, 3, hv.Points), np.transpose(block))
    assert len(shown(layout, 2, hv.Segments)) == PIECES * np.count_nonzero(block[0])
    assert len(shown(layout, 2, hv.Points)) == 4
    assert marked_on_screen(screen) == sorted([1, 1, PIECES * np.count_nonzero(block[0]), 4, 4])
    assert list(layout)[4][()].keys() == ["b", "c", "d", "e"]


@pytest.mark.parametrize("box", [(1.0, 4.0, 2.0, 3.0), (1.0, 3.0, 2.0, 4.0)])
def test_an_inverted_axis_does_not_matter(figure, box):
    _, _, selection, _, use = figure
    use(1, hv.streams.BoundsXY, bounds=box)
    assert (selection.targets, selection.sources) == (["d", "e"], ["b", "c"])


def test_a_tap_in_a_matrix_chooses_one_connection_and_reset_none(figure):
    A, R, selection, layout, use = figure
    use(1, hv.streams.Tap, x=4.3, y=0.8)
    assert (selection.targets, selection.sources) == (["b"], ["e"])
    np.testing.assert_array_equal(shown(layout, 3, hv.Points), [[A.values[1, 4], R.values[1, 4]]])
    use(1, hv.streams.PlotReset, resetting=True)
    assert selection.contents == {"targets": [], "sources": [], "neurons": []}
    assert len(shown(layout, 0, hv.Rectangles)) == 0
    assert list(layout)[4][()].keys() == list(LABELS)


def test_the_graph_chooses_neurons_with_all_their_connections(figure):
    A, _, selection, layout, use = figure
    use(2, hv.streams.BoundsXY, bounds=(0.9, -0.1, 1.1, 0.1))  # the first neuron stands at the right
    assert selection.neurons == ["a"]
    edges = (A.values != 0) & ~np.eye(6, dtype=bool)
    assert len(shown(layout, 2, hv.Segments)) == PIECES * (edges[0].sum() + edges[:, 0].sum())
    assert len(shown(layout, 3, hv.Points)) == 11
    use(2, hv.streams.Tap, x=-1.05, y=0.0)  # the fourth stands opposite
    assert selection.neurons == ["d"]
    use(2, hv.streams.Tap, x=0.0, y=0.0)
    assert selection.neurons == []


def test_marked_arrows_are_those_of_the_block():
    A, R = pair_of()
    A.values[:] = 0
    A.loc["c", "a"] = 1.0  # from a to c
    for chosen, expected in (({"targets": ["c"], "sources": ["a"]}, 1), ({"targets": ["a"], "sources": ["c"]}, 0)):
        assert len(shown(linked(A, R, selection=Selection(**chosen)), 2, hv.Segments)) == PIECES * expected


def test_neurons_that_only_one_side_has_are_left_out():
    A, R = pair_of()
    layout = linked(A, R.isel(target=[4, 1, 0], source=[4, 1, 0]))
    assert title_over(layout) == "3 neurons left out, in one of the two only"
    for panel, weights in zip(layout, (A, R), strict=False):
        image = panel[()].traverse(lambda part: part, [hv.Image])[0]
        expected = weights.sel(target=["a", "b", "e"], source=["a", "b", "e"])
        np.testing.assert_array_equal(image.dimension_values(2, flat=False), off_diagonal(expected))


def test_the_choice_is_on_paper_too():
    A, R = pair_of()
    target, source = np.argwhere((A.values != 0) & ~np.eye(6, dtype=bool))[0]
    selection = Selection(targets=[LABELS[target]], sources=[LABELS[source]])
    none = [on_paper(static_view(panel)).axes[0] for panel in linked(A, R, activity=ACTIVITY)]
    page = on_paper(static_view(linked(A, R, activity=ACTIVITY, selection=selection)))
    chosen = [axis for axis in page.axes if axis.get_title() or axis.get_xlabel()]
    assert [marked_on_paper(axis) for axis in none] == [0, 0, 0, 0, 0]
    assert [marked_on_paper(axis) for axis in chosen] == [
        1,
        1,
        PIECES + 2,
        1,
        0,
    ]  # in the graph an arrow and its two neurons
    assert [len(panels[-1].lines) for panels in (none, chosen)] == [6, 2]  # traces


def marked_on_paper(axis):
    """Count the marks in the colour of what is chosen."""
    count = 0
    for marks in axis.collections:
        are_points = isinstance(marks, PathCollection)
        colours = marks.get_facecolors() if are_points else marks.get_edgecolors()
        if len(colours) and same_color(colours[0], CHOSEN):
            count += len(marks.get_offsets() if are_points else marks.get_paths())
    return count


def test_what_cannot_be_linked_is_refused():
    A, R = pair_of()
    with pytest.raises(InvalidInput, match=r"R: got labels along target such as 0.*that A has too, such as 'a'"):
        linked(A, R.assign_coords(target=range(6), source=range(6)))
    with pytest.raises(InvalidInput, match=r"selection: got \['a'\]; expected a Selection"):
        linked(A, R, selection=["a"])
    large = xr.DataArray(np.zeros((2001, 2001), np.float32), dims=("target", "source"))
    with pytest.raises(InvalidInput, match=r"A: got 2,001 neurons; expected at most 2,000.*netxr\.coarsen"):
        linked(large, large)


@given(targets=SUBSETS, sources=SUBSETS, neurons=SUBSETS)
def test_boxes_cover_the_chosen_pairs_and_nothing_else(targets, sources, neurons):
    selection = Selection(targets=targets, sources=sources, neurons=neurons)
    covered = np.zeros((6, 6), dtype=bool)
    for left, top, right, bottom in chosen_boxes(LABELS, selection):
        covered[round(top + 0.5) : round(bottom + 0.5), round(left + 0.5) : round(right + 0.5)] = True
    by_hand = [
        [t in neurons or s in neurons if neurons else t in targets and s in sources for s in LABELS] for t in LABELS
    ]
    np.testing.assert_array_equal(covered, by_hand)
    np.testing.assert_array_equal(chosen_pairs(LABELS, selection), by_hand)
    named = {*targets, *sources, *neurons}
    assert LABELS[chosen_neurons(LABELS, selection)].tolist() == [label for label in LABELS if label in named]


def test_without_a_defined_pair_the_scatter_says_so():
    A, _ = pair_of()
    texts = on_paper(linked(A, A.where(False))).findobj(Text)
    assert "no pair of neurons\nis defined on both sides" in [text.get_text() for text in texts]


def test_neurons_may_have_two_labels_each():
    neurons = pd.MultiIndex.from_product([["V1", "M1"], [1, 2]], names=["area", "number"])
    rename = {"target": ["target_area", "target_number"], "source": ["source_area", "source_number"]}
    A = xr.DataArray(np.eye(4, k=1), dims=("target", "source"))
    for dim, levels in rename.items():
        A = A.assign_coords(xr.Coordinates.from_pandas_multiindex(neurons.set_names(levels), dim))
    activity = xr.DataArray(np.eye(4), dims=("neuron", "time"))
    activity = activity.assign_coords(xr.Coordinates.from_pandas_multiindex(neurons, "neuron"))
    R, selection = A.isel(target=[3, 2, 1, 0], source=[3, 2, 1, 0]), Selection(neurons=[("M1", 1)])
    layout = linked(A, R, activity=activity, selection=selection)
    for panel in (0, 1):
        image = list(layout)[panel][()].traverse(lambda part: part, [hv.Image])[0]
        np.testing.assert_array_equal(image.dimension_values(2, flat=False), off_diagonal(A))
    assert list(layout)[4][()].keys() == ["('M1', 1)"]
    (difference,) = compare(A, R, standardised=True).Image.III.dimension_values(2, flat=False)[:1]
    np.testing.assert_array_equal(difference, [np.nan, 0, 0, 0])


def test_long_names_under_a_matrix_stand_clear_of_the_title_below():
    A, R = pair_of(np.array([f"session_12_unit_{k:04d}" for k in range(6)]))
    page = on_paper(linked(A, R))
    page.canvas.draw()
    panels = {axis.get_title(): axis for axis in page.axes}
    names = panels["True connectivity matrix A"].xaxis.label.get_window_extent()
    assert names.y0 > panels["Graph of A"].title.get_window_extent().y1
