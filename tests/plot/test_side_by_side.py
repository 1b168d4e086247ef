import holoviews as hv
import numpy as np
import pytest
import xarray as xr

import netxr
from netxr import names as n
from netxr.errors import InvalidInput
from netxr.plot import compare, matrix, network, overview
from tests.plot.drawn import (
    bar_titles,
    bokeh_cells,
    bokeh_images,
    bokeh_limits,
    draw,
    matplotlib_limits,
    off_diagonal,
    on_paper,
    on_screen,
    title_of,
    titles_of,
    widest,
)
from tests.runs import labelled


def scores_of(A, R, *, diagonal=False):
    return netxr.compare(A, R, diagonal=diagonal, permutations=0)


def test_each_of_a_pair_has_its_own_symmetric_limits(random_pair):
    A, R = random_pair
    limit_A, limit_R = widest(A), widest(R)
    assert limit_A != limit_R
    figure = compare(A, R, score=0.5)
    paper = on_paper(figure)
    assert paper.get_suptitle() == "Correlation of A and R: 0.500"
    assert matplotlib_limits(paper) == [
        ("True connectivity matrix A", -limit_A, limit_A),
        ("Estimated connectivity matrix R", -limit_R, limit_R),
    ]
    expected = {(off_diagonal(m.values).tobytes(), -limit, limit) for m, limit in ((A, limit_A), (R, limit_R))}
    assert bokeh_limits(on_screen(figure)) == expected


@pytest.mark.parametrize(
    ("score", "title"),
    [
        (None, ""),
        (0.36012, "Correlation of A and R: 0.360"),
        (np.nan, "Correlation of A and R: undefined"),
        (xr.DataArray(0.5, attrs={n.DIAGONAL: False}), "Correlation of A and R: 0.500 (without the diagonal)"),
        (xr.DataArray(0.5, attrs={n.DIAGONAL: True}), "Correlation of A and R: 0.500 (with the diagonal)"),
    ],
)
def test_the_score_is_in_the_title(random_pair, score, title):
    assert title_of(compare(*random_pair, score=score)) == title
    assert title in title_of(overview(*random_pair, score=score))


def test_the_title_calls_a_score_by_its_name(random_pair):
    known = scores_of(*random_pair)
    for name, title in {"roc_auc": "ROC AUC", "pearson": "Correlation of A and R"}.items():
        expected = f"{title}: {known[name]:.3f} (without the diagonal)"
        assert title_of(compare(*random_pair, score=known[name])) == expected
        assert expected in title_of(overview(*random_pair, score=known[name]))


def test_one_source_makes_two_columns(random_pair):
    A, R = random_pair
    pair = compare(A.sel(source=1), R.sel(source=1))
    for panel, weights in zip(pair, (A, R), strict=True):
        np.testing.assert_array_equal(panel.dimension_values(2, flat=False)[:, 0], off_diagonal(weights.values)[:, 1])
    on_screen(pair)


def test_the_overview_is_graph_and_heatmap_of_both(random_pair):
    figure = overview(*random_pair)
    assert figure.shape == (2, 2)
    assert [type(panel) for panel in figure] == [hv.Overlay, hv.Image, hv.Overlay, hv.Image]
    assert on_paper(figure).get_suptitle() == "True (A) and Estimated (R) connectivity matrices"
    assert len(bokeh_limits(on_screen(figure))) == 2


@pytest.mark.parametrize("plot", [compare, overview])
def test_the_message_says_which_of_the_two_is_wrong(random_pair, plot):
    A, R = random_pair
    with pytest.raises(InvalidInput, match="A: got ndarray"):
        plot(A.values, R)


@pytest.mark.parametrize("backend", ["bokeh", "matplotlib"])
def test_figures_combine_and_are_restyled(random_pair, backend):
    A, R = random_pair
    together = matrix(A).opts(title="mine", backend=backend) + network(R) + matrix(R) * hv.VLine(2)
    draw(together, backend)
    assert hv.Store.lookup_options(backend, together.Image.I, "plot").kwargs["title"] == "mine"


def in_deviations(A, R):
    """Both matrices in standard deviations of pairs of neurons, from what R is on average where A has no edge."""
    drawn = ~np.eye(len(A), dtype=bool)
    none = drawn & (A.values == 0)
    return [np.where(drawn, (one - one[none].mean()) / one[drawn].std(), np.nan) for one in (A.values, R.values)]


def test_no_edge_is_zero_and_weights_keep_their_sign_in_standard_deviations():
    A = labelled([[0, 3, 0], [-3, 0, 0], [0, 0, 0]])
    R = 0.5 + labelled([[90, 0.4, 0.02], [-0.4, 90, -0.02], [0.02, -0.02, 90]])
    drawn = bokeh_cells(compare(A, R, standardised=True))
    np.testing.assert_array_equal(np.sign(drawn[0]), off_diagonal(np.sign(A)))
    np.testing.assert_allclose(drawn[1], in_deviations(A, R)[1])
    assert abs(drawn[2][0, 1]) < 0.1  # an edge that R finds is none of the difference, and nor is the level of R
    from_mean = on_screen(compare(A.where(A != 0, 1), R, standardised=True))
    assert set(bar_titles(from_mean)) == {"Standard deviations from the mean"}


def test_standardised_pairs_and_their_difference_stand_on_one_range(random_pair):
    A, R = random_pair
    z_A, z_R = in_deviations(A, R)
    figure = compare(A, R, standardised=True, score=0.5)
    limit = max(abs(panel[~np.eye(6, dtype=bool)]).max() for panel in (z_A, z_R, z_R - z_A))
    assert matplotlib_limits(on_paper(figure)) == [
        (title, pytest.approx(-limit), pytest.approx(limit))
        for title in ("True connectivity matrix A", "Estimated connectivity matrix R", "Difference matrix R - A")
    ]
    screen = on_screen(figure)
    for image, expected in zip(bokeh_images(screen), (z_A, z_R, z_R - z_A), strict=True):
        np.testing.assert_allclose(image.data_source.data["image"][0], off_diagonal(expected), atol=1e-12)
        assert image.glyph.color_mapper.high == pytest.approx(limit)
    assert set(bar_titles(screen)) == {"Standard deviations from no edge"}


def test_standardised_pairs_say_which_neurons_are_missing(random_pair):
    A, R = random_pair
    figure = compare(A, R[::-1, ::-1].isel(target=slice(2), source=slice(2)), standardised=True, score=0.5)
    assert title_of(figure) == "Correlation of A and R: 0.500\n4 neurons left out, in one of the two only"
    np.testing.assert_allclose(bokeh_cells(figure)[1], in_deviations(A[4:, 4:], R[4:, 4:])[1])
    with pytest.raises(InvalidInput, match="R: got labels along target such as 10"):
        compare(A, R.assign_coords(target=R.target + 10), standardised=True)
    with pytest.raises(InvalidInput, match="standardised: got 'no'"):
        compare(A, R, standardised="no")


def test_what_has_no_deviation_is_said_to_be_undefined(random_pair):
    A, R = random_pair
    figure = compare(A * 0 + 1, R, standardised=True)
    assert [title.endswith("undefined everywhere") for title in titles_of(figure)] == [True, False, True]
    on_screen(figure)


def test_a_pair_is_drawn_in_groups(random_pair):
    A, R = random_pair
    groups = xr.DataArray([0, 1, 0, 1, 0, 1], dims="neuron")
    order = [0, 2, 4, 1, 3, 5]
    for standardised in (False, True):
        drawn = bokeh_cells(compare(A, R, groups=groups, standardised=standardised))
        for values, weights in zip(drawn[:2], in_deviations(A, R) if standardised else (A, R), strict=True):
            np.testing.assert_allclose(values, off_diagonal(np.asarray(weights)[np.ix_(order, order)]))


def test_big_pairs_are_drawn_as_means():
    weights = xr.DataArray(np.random.default_rng(0).random((1001, 1001), dtype=np.float32), dims=("target", "source"))
    for figure, n_panels in ((compare(weights, 1 - weights, standardised=True), 3), (compare(weights, weights), 2)):
        assert [cells.shape for cells in bokeh_cells(figure)] == [(201, 201)] * n_panels
        titles = titles_of(panel[()] for panel in figure)
        assert all(title.endswith("\neach cell the mean of 5 x 5 weights") for title in titles)
    assert [title for title, *_ in matplotlib_limits(on_paper(figure))] == titles


def test_titles_break_over_columns_and_not_over_one_neuron(random_pair):
    column, alone = (compare(*(one.isel(source=[0], target=slice(n)) for one in random_pair)) for n in (6, 1))
    assert titles_of(column) == ["True\nconnectivity\nmatrix A", "Estimated\nconnectivity\nmatrix R"]
    assert titles_of(alone) == ["True connectivity matrix A", "Estimated connectivity matrix R"]


def test_two_that_are_no_truth_and_its_estimate_have_their_own_titles(random_pair):
    titles = ("Monday", "Tuesday")
    assert titles_of(compare(*random_pair, titles=titles)) == [*titles]
    standardised = compare(*random_pair, titles=titles, standardised=True)
    assert titles_of(standardised) == [*titles, "Difference, second - first"]


@pytest.mark.parametrize("diagonal", [True, False])
def test_a_score_with_the_diagonal_stands_beside_one_that_is_drawn(diagonal):
    A = labelled([[9.0, 0.5], [0.1, 0.2]])
    score = scores_of(A, 2 * A, diagonal=diagonal).pearson
    for figure in (compare(A, 2 * A, score=score), overview(A, 2 * A, score=score)):
        for drawn, weights in zip(bokeh_cells(figure), (A.values, 2 * A.values), strict=True):
            np.testing.assert_array_equal(drawn, weights if diagonal else off_diagonal(weights))
        for image in figure.traverse(lambda one: one, [hv.Image]):
            assert image.vdims[0].range[1] < 2  # colours are those of the other pairs
