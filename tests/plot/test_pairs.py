import dask.array
import holoviews as hv
import numpy as np
import pytest
import xarray as xr
from bokeh.models import ColorBar, GlyphRenderer, Image

import netxr
from netxr.errors import InvalidInput
from netxr.names import DIAGONAL
from netxr.plot import compare, facets, matrix, network, overview


def bokeh_limits(figure):
    renderers = hv.render(figure, backend="bokeh").select({"type": GlyphRenderer})
    images = [renderer for renderer in renderers if isinstance(renderer.glyph, Image)]
    return {
        (i.data_source.data["image"][0].tobytes(), i.glyph.color_mapper.low, i.glyph.color_mapper.high) for i in images
    }


def matplotlib_limits(figure):
    """Return (title, lower limit, upper limit) of each heatmap."""
    axes = [axis for axis in hv.render(figure, backend="matplotlib").axes if axis.images]
    return [(axis.get_title(), *axis.images[0].get_clim()) for axis in axes]


def scores_of(A, R, *, diagonal=False):
    return netxr.compare(A, R, diagonal=diagonal, permutations=0)


def title_of(figure):
    return hv.render(figure, backend="matplotlib").get_suptitle()


def test_each_of_a_pair_has_its_own_symmetric_limits(random_pair):
    A, R = random_pair
    limit_A, limit_R = float(abs(A).max()), float(abs(R).max())
    assert limit_A != limit_R
    assert matplotlib_limits(compare(A, R)) == [
        ("True connectivity matrix A", -limit_A, limit_A),
        ("Estimated connectivity matrix R", -limit_R, limit_R),
    ]
    expected = {(m.values.tobytes(), -limit, limit) for m, limit in ((A, limit_A), (R, limit_R))}
    assert bokeh_limits(compare(A, R)) == expected


@pytest.mark.parametrize(
    ("score", "title"),
    [
        (None, ""),
        (0.36012, "Correlation of A and R: 0.360"),
        (np.nan, "Correlation of A and R: undefined"),
        (xr.DataArray(0.5, attrs={DIAGONAL: False}), "Correlation of A and R: 0.500 (without the diagonal)"),
        (xr.DataArray(0.5, attrs={DIAGONAL: True}), "Correlation of A and R: 0.500 (with the diagonal)"),
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


def test_facets_say_what_the_scores_are(random_pair):
    A, R = random_pair
    known = scores_of(A, R)
    figure = facets({1: A, 2: A}, {1: R, 2: R}, over="trial", scores={1: known.roc_auc, 2: known.roc_auc})
    assert title_of(figure).endswith("matrices over trial (without the diagonal)")
    assert matplotlib_limits(figure)[2][0] == f"R, trial = 1\nROC AUC {known.roc_auc:.3f}"
    mixed = {1: known.pearson, 2: scores_of(A, R, diagonal=True).pearson}
    assert title_of(facets({1: A, 2: A}, {1: R, 2: R}, over="trial", scores=mixed)).endswith("over trial")


def test_one_source_makes_two_columns(random_pair):
    A, R = random_pair
    pair = compare(A.sel(source=1), R.sel(source=1))
    for panel, weights in zip(pair, (A, R), strict=True):
        np.testing.assert_array_equal(panel.dimension_values(2, flat=False)[:, 0], weights.values[:, 1])
    hv.render(pair, backend="bokeh")


def test_the_overview_is_graph_and_heatmap_of_both(random_pair):
    figure = overview(*random_pair)
    assert figure.shape == (2, 2)
    assert [type(panel) for panel in figure] == [hv.Overlay, hv.Image, hv.Overlay, hv.Image]
    assert "True (A) and Estimated (R) connectivity matrices" in title_of(figure)
    assert len(bokeh_limits(figure)) == 2


def test_facets_share_one_range_for_all_truths_and_another_for_all_estimates(random_pair):
    A, R = random_pair
    values = [0.1, 0.5, 0.9]
    sparsity = xr.DataArray(values, dims="sparsity", coords={"sparsity": values})
    many_A, many_R = A * (1 + sparsity), R * (2 - sparsity)
    figure = facets(many_A, many_R, over="sparsity", scores=sparsity / 2)
    limit_A, limit_R = float(abs(many_A).max()), float(abs(many_R).max())
    assert matplotlib_limits(figure) == [
        *((f"A, sparsity = {value}", -limit_A, limit_A) for value in values),
        *((f"R, sparsity = {value}\ncorrelation {value / 2:.3f}", -limit_R, limit_R) for value in values),
    ]
    assert {limits[1:] for limits in bokeh_limits(figure)} == {(-limit_A, limit_A), (-limit_R, limit_R)}
    bars = hv.render(figure, backend="bokeh").select({"type": ColorBar})
    assert [bar.title for bar in bars] == ["Connectivity Strength"] * 2


def test_facets_of_different_sizes_wrap_and_keep_their_axes():
    sizes = range(3, 17, 2)
    matrices = {n: xr.DataArray(np.eye(n) / n, dims=("target", "source")) for n in sizes}
    figure = facets(matrices, matrices, over="n_neurons", scores={n: np.nan if n == 3 else 0.5 for n in sizes})
    axes = [axis for axis in hv.render(figure, backend="matplotlib").axes if axis.images]
    assert [axis.get_xlim()[1] + 0.5 for axis in axes] == [3, 5, 7, 9, 3, 5, 7, 9, 11, 13, 15, 11, 13, 15]
    assert axes[4].get_title() == "R, n_neurons = 3\ncorrelation undefined"
    assert len({tuple(axis.images[0].get_clim()) for axis in axes}) == 1
    hv.render(figure, backend="bokeh")


def test_one_truth_stands_above_every_trial(random_pair):
    A, R = random_pair
    trials = xr.concat([R, 2 * R], xr.DataArray([7, 8], dims="trial", name="trial"))
    titles = [title for title, *_ in matplotlib_limits(facets(A, trials, over="trial"))]
    assert titles == ["A, trial = 7", "A, trial = 8", "R, trial = 7", "R, trial = 8"]


def test_facets_that_do_not_fit_together_are_refused(random_pair):
    A, R = random_pair
    with pytest.raises(InvalidInput, match="over: got 'sparsity'; expected a dim of A or of R"):
        facets(A, R, over="sparsity")
    with pytest.raises(InvalidInput, match=r"R: got trial \[1\]; expected the same values throughout, \[0\]"):
        facets({0: A}, {1: R}, over="trial")
    with pytest.raises(InvalidInput, match=r"scores: got trial \[1, 0\]"):
        facets({0: A}, {0: R}, over="trial", scores={1: 0.5, 0: 0.5})
    with pytest.raises(InvalidInput, match=r"over: got 41 values of trial.*isel\(trial=slice\(None, None, 3\)\)"):
        facets(A, R.expand_dims(trial=41), over="trial")


@pytest.mark.parametrize("draw", [compare, overview])
def test_the_message_says_which_of_the_two_is_wrong(random_pair, draw):
    A, R = random_pair
    with pytest.raises(InvalidInput, match=r"R: got a lazy array.*\.compute\(\)"):
        draw(A, R.copy(data=dask.array.from_array(R.values)))
    with pytest.raises(InvalidInput, match="A: got ndarray"):
        draw(A.values, R)


@pytest.mark.parametrize("backend", ["bokeh", "matplotlib"])
def test_figures_combine_and_are_restyled(random_pair, backend):
    A, R = random_pair
    together = matrix(A).opts(title="mine", backend=backend) + network(R) + matrix(R) * hv.VLine(2)
    hv.render(together, backend=backend)
    assert hv.Store.lookup_options(backend, together.Image.I, "plot").kwargs["title"] == "mine"
