import numpy as np
import pytest
import xarray as xr

import netxr
from netxr.errors import InvalidInput
from netxr.plot import compare_over
from netxr.plot.matrices.grids import row_length
from tests.plot.drawn import (
    bar_titles,
    bokeh_limits,
    matplotlib_limits,
    off_diagonal,
    on_paper,
    on_screen,
    title_of,
    titles_of,
    widest,
)


def scores_of(A, R, *, diagonal=False):
    return netxr.compare(A, R, diagonal=diagonal, permutations=0)


def test_facets_say_what_the_scores_are(random_pair):
    A, R = random_pair
    known = scores_of(A, R)
    figure = compare_over({1: A, 2: A}, {1: R, 2: R}, over="trial", scores={1: known.roc_auc, 2: known.roc_auc})
    assert title_of(figure).endswith("matrices over trial (without the diagonal)")
    assert titles_of(figure)[2] == f"R, trial = 1\nROC AUC {known.roc_auc:.3f}"
    mixed = {1: known.pearson, 2: scores_of(A, R, diagonal=True).pearson}
    assert title_of(compare_over({1: A, 2: A}, {1: R, 2: R}, over="trial", scores=mixed)).endswith("over trial")


def test_facets_share_one_range_for_all_truths_and_another_for_all_estimates(random_pair):
    A, R = random_pair
    values = [0.1, 0.9]
    sparsity = xr.DataArray(values, dims="sparsity", coords={"sparsity": values})
    many_A, many_R = A * (1 + sparsity), R * (2 - sparsity)
    figure = compare_over(many_A, many_R, over="sparsity", scores=sparsity / 2)
    limit_A, limit_R = widest(many_A), widest(many_R)
    paper, screen = on_paper(figure), on_screen(figure)
    assert paper.get_suptitle() == "True (A) and Estimated (R) connectivity matrices over sparsity"
    assert matplotlib_limits(paper) == [
        *((f"A, sparsity = {value}", -limit_A, limit_A) for value in values),
        *((f"R, sparsity = {value}\ncorrelation {value / 2:.3f}", -limit_R, limit_R) for value in values),
    ]
    assert {limits[1:] for limits in bokeh_limits(screen)} == {(-limit_A, limit_A), (-limit_R, limit_R)}
    assert bar_titles(screen) == ["Connectivity strength"] * 2


def test_facets_of_different_sizes_wrap_and_keep_their_axes():
    sizes = (3, 4, 5, 6, 7, 8)
    matrices = {n: xr.DataArray(np.eye(n) / n, dims=("target", "source")) for n in sizes}
    figure = compare_over(matrices, matrices, over="n_neurons", scores={n: np.nan if n == 3 else 0.5 for n in sizes})
    assert figure.shape == (4, 3)  # A and R of the first three, and of the others
    axes = [axis for axis in on_paper(figure).axes if axis.images]
    assert [axis.get_xlim()[1] + 0.5 for axis in axes] == [3, 4, 5, 3, 4, 5, 6, 7, 8, 6, 7, 8]
    assert axes[3].get_title() == "R, 3 neurons\ncorrelation undefined"
    assert len({tuple(axis.images[0].get_clim()) for axis in axes}) == 1
    on_screen(figure)


def test_rows_are_about_equally_full():
    assert [row_length(n) for n in (1, 5, 6, 7, 11, 20)] == [1, 5, 3, 4, 4, 5]


def test_one_truth_stands_above_every_trial(random_pair):
    A, R = random_pair
    trials = xr.concat([R, 2 * R], xr.DataArray([7, 8], dims="trial", name="trial"))
    figure = compare_over(A, trials, over="trial")
    shown = [panel.dimension_values(2, flat=False) for panel in figure]
    for values, expected in zip(shown, (A, A, R, 2 * R), strict=True):
        np.testing.assert_array_equal(values, off_diagonal(expected))
    assert titles_of(figure) == ["A, trial = 7", "A, trial = 8", "R, trial = 7", "R, trial = 8"]


def test_facets_that_do_not_fit_together_are_refused(random_pair):
    A, R = random_pair
    with pytest.raises(InvalidInput, match="over: got 'sparsity'; expected a dim of A or of R"):
        compare_over(A, R, over="sparsity")
    with pytest.raises(InvalidInput, match=r"R: got trial \[1\]; expected the same values throughout, \[0\]"):
        compare_over({0: A}, {1: R}, over="trial")
    with pytest.raises(InvalidInput, match=r"scores: got trial \[1, 0\]"):
        compare_over({0: A}, {0: R}, over="trial", scores={1: 0.5, 0: 0.5})
    with pytest.raises(InvalidInput, match=r"over: got 41 values of trial.*isel\(trial=slice\(None, None, 3\)\)"):
        compare_over(A, R.expand_dims(trial=41), over="trial")
