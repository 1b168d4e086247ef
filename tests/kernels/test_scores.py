import itertools
import math
import warnings

import numpy as np
import pytest
import scipy.stats
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import average_precision_score, cohen_kappa_score, roc_auc_score

from netxr.kernels import scores

ELEMENTWISE = (scores.pearson, scores.spearman, scores.kappa, scores.roc_auc, scores.average_precision)
QUICK = settings(max_examples=60, deadline=None)

sizes = st.shared(st.integers(2, 30), key="size")
# Few distinct values, so that ties and constant arrays turn up often.
weights = sizes.flatmap(lambda n: arrays(np.float64, n, elements=st.sampled_from([0.0, 0.0, 0.5, 1.0, -0.25])))
tied = sizes.flatmap(lambda n: arrays(np.float64, n, elements=st.integers(-3, 3).map(lambda k: k / 8)))
smooth = sizes.flatmap(lambda n: arrays(np.float64, n, elements=st.floats(-10, 10, width=32)))
estimates = st.one_of(tied, smooth)


def varies(values):
    return len(set(values.tolist())) > 1


def mixed(truth):
    return varies(truth != 0)


def test_correlations_by_hand():
    truth = np.array([0.0, 1, 2])
    assert scores.pearson(truth, np.array([1.0, 3, 2])) == pytest.approx(1 / 2)  # -1 0 1 by -1 1 0, over 2
    assert scores.spearman(truth, np.array([1.0, 9, 4])) == pytest.approx(1 / 2)  # the same ranks


def test_edge_scores_by_hand():
    """From the strongest: an edge, a pair without one, an edge, a pair without one."""
    truth, estimate = np.array([1.0, 0, 1, 0]), np.array([3.0, 2, 1, 0])
    assert scores.roc_auc(truth, estimate) == pytest.approx(3 / 4)  # only 1 loses to 2
    assert scores.average_precision(truth, estimate) == pytest.approx((1 / 1 + 2 / 3) / 2)
    assert scores.kappa(truth, estimate) == pytest.approx(0)  # half are right, as by chance
    # With one edge, on top: 3 of 4 are right, by chance 1/4 x 1/2 + 3/4 x 1/2.
    assert scores.kappa(np.array([1.0, 0, 0, 0]), estimate) == pytest.approx((3 / 4 - 1 / 2) / (1 - 1 / 2))


def test_whole_matrix_scores_by_hand():
    truth, estimate = np.array([[1.0, 0], [0, 1]]), np.array([[3.0, 2], [0, 1]])
    # Without the means of columns, the second row of either is the first with its sign turned.
    assert scores.rv(truth, estimate) == pytest.approx(1)
    statistic, p = scores.mantel(truth, estimate, diagonal=True, permutations=20, seed=0)
    assert statistic == pytest.approx(1 / np.sqrt(5))  # deviations +-1/2, and 3/2 1/2 -3/2 -1/2
    assert p == 1  # two neurons that change places change no sum


@QUICK
@given(weights, estimates)
def test_pearson_agrees_with_numpy(truth, estimate):
    assume(np.std(truth) > 1e-6)
    assume(np.std(estimate) > 1e-6)
    assert scores.pearson(truth, estimate) == pytest.approx(np.corrcoef(truth, estimate)[0, 1], abs=1e-12)


@QUICK
@given(weights, estimates)
def test_spearman_agrees_with_scipy(truth, estimate):
    assume(varies(truth))
    assume(varies(estimate))
    assert scores.spearman(truth, estimate) == pytest.approx(scipy.stats.spearmanr(truth, estimate)[0], abs=1e-12)


@QUICK
@given(weights, estimates)
def test_kappa_agrees_with_scikit_learn(truth, estimate):
    assume(mixed(truth))
    expected = cohen_kappa_score(truth != 0, estimate > np.median(estimate))
    assert scores.kappa(truth, estimate) == pytest.approx(expected, abs=1e-12)


@QUICK
@given(weights, estimates)
def test_roc_auc_agrees_with_scikit_learn(truth, estimate):
    assume(mixed(truth))
    assert scores.roc_auc(truth, estimate) == pytest.approx(roc_auc_score(truth != 0, estimate), abs=1e-12)


@QUICK
@given(weights, tied)
def test_roc_auc_is_the_share_of_pairs_won_with_ties_half(truth, estimate):
    assume(mixed(truth))
    edges, others = estimate[truth != 0], estimate[truth == 0]
    won = [1.0 if e > o else 0.5 if e == o else 0.0 for e, o in itertools.product(edges, others)]
    assert scores.roc_auc(truth, estimate) == pytest.approx(sum(won) / len(won), abs=1e-12)


@QUICK
@given(weights, estimates)
def test_average_precision_agrees_with_scikit_learn(truth, estimate):
    assume(mixed(truth))
    expected = average_precision_score(truth != 0, estimate)
    assert scores.average_precision(truth, estimate) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("score", [scores.pearson, scores.spearman])
@pytest.mark.parametrize("constant", [0.0, 1e-12, 0.1, -7.3, 1e300])
def test_correlation_with_a_constant_is_undefined_on_either_side(score, constant):
    flat, varied = np.full(25, constant), np.arange(25.0)
    assert math.isnan(score(flat, varied))
    assert math.isnan(score(varied, flat))


@pytest.mark.parametrize("score", [scores.kappa, scores.roc_auc, scores.average_precision])
@pytest.mark.parametrize("weight", [0.0, 1e-12, -1.0])
def test_edge_scores_need_edges_and_pairs_without(score, weight):
    assert math.isnan(score(np.full(9, weight), np.arange(9.0)))


def test_an_estimate_without_differences_is_a_guess():
    truth, flat = np.array([0.0, 0.0, 0.0, 1.0]), np.full(4, 0.1)
    assert scores.roc_auc(truth, flat) == 0.5
    assert scores.average_precision(truth, flat) == 0.25
    assert scores.kappa(truth, flat) == 0.0


@pytest.mark.parametrize("score", ELEMENTWISE)
def test_no_pair_at_all_is_undefined(score):
    assert math.isnan(score(np.empty(0), np.empty(0)))


@pytest.mark.parametrize("scale", [5e-324, 1e-200, 1e200])
def test_correlation_holds_at_any_magnitude(scale):
    truth = np.array([0.0, 1.0, 2.0, 5.0])
    assert scores.pearson(truth, truth * scale) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("score", [scores.pearson, scores.spearman])
def test_correlations_stay_within_one(score):
    rng = np.random.default_rng(0)
    for _ in range(50):
        values = rng.normal(size=7)
        assert score(values, 3 * values) <= 1
        assert score(values, -3 * values) >= -1


def matrix_pair(n, seed):
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=(n, n)) * (rng.random((n, n)) < 0.6)
    return truth, truth + rng.normal(size=(n, n))


def entries(matrix, diagonal):
    n = len(matrix)
    return [matrix[i, j] for i in range(n) for j in range(n) if diagonal or i != j]


def naive_mantel_p(truth, estimate, diagonal, orders):
    def statistic(order):
        moved = np.empty_like(estimate)
        for i, j in itertools.product(range(len(order)), repeat=2):
            moved[i, j] = estimate[order[i], order[j]]
        return np.corrcoef(entries(truth, diagonal), entries(moved, diagonal))[0, 1]

    observed = statistic(range(len(truth)))
    reached = [statistic(order) >= observed - 1e-9 for order in orders]
    return observed, (1 + sum(reached)) / (1 + len(reached))


@pytest.mark.parametrize("diagonal", [True, False])
@pytest.mark.parametrize("seed", range(4))
def test_mantel_agrees_with_a_loop_over_the_same_permutations(diagonal, seed):
    truth, estimate = matrix_pair(5, seed)
    rng = np.random.default_rng(seed)
    orders = [rng.permutation(5) for _ in range(60)]
    expected = naive_mantel_p(truth, estimate, diagonal, orders)
    got = scores.mantel(truth, estimate, diagonal=diagonal, permutations=60, seed=seed)
    assert got == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("diagonal", [True, False])
def test_mantel_p_nears_the_exact_share_of_all_permutations(diagonal):
    truth, estimate = matrix_pair(5, 3)
    _, exact = naive_mantel_p(truth, estimate, diagonal, list(itertools.permutations(range(5)))[1:])
    _, p = scores.mantel(truth, estimate, diagonal=diagonal, permutations=4000, seed=1)
    assert p == pytest.approx(exact, abs=5 * math.sqrt(exact * (1 - exact) / 4000) + 1e-3)


def test_mantel_p_of_unrelated_matrices_is_uniform():
    rng = np.random.default_rng(7)
    p = [
        scores.mantel(*rng.normal(size=(2, 8, 8)), diagonal=False, permutations=99, seed=seed)[1] for seed in range(300)
    ]
    # p lies on the steps 1/100 .. 1; their middle makes it comparable with a continuous uniform.
    assert scipy.stats.kstest(np.array(p) - 0.005, "uniform").pvalue > 1e-3


def test_mantel_p_of_identical_matrices_is_the_smallest_there_is():
    truth, _ = matrix_pair(12, 0)
    statistic, p = scores.mantel(truth, truth.copy(), diagonal=False, permutations=99, seed=0)
    assert statistic == pytest.approx(1.0, abs=1e-12)
    assert p == 1 / 100


def test_mantel_p_counts_permutations_that_change_nothing():
    # Every relabelling of three neurons that are all coupled alike reaches the same sum.
    alike = np.array([[0.0, 0.1, 0.1], [0.1, 0.0, 0.1], [0.1, 0.1, 0.0]])
    assert scores.mantel(alike, alike, diagonal=True, permutations=50, seed=0)[1] == 1.0


def test_mantel_tells_direction():
    rng = np.random.default_rng(2)
    truth = np.triu(rng.random((15, 15)), 1)
    assert scores.mantel(truth, truth, diagonal=False, permutations=0, seed=0)[0] == pytest.approx(1.0)
    assert scores.mantel(truth, truth.T.copy(), diagonal=False, permutations=0, seed=0)[0] < 0


def test_mantel_without_permutations_has_no_p():
    assert math.isnan(scores.mantel(*matrix_pair(5, 0), diagonal=True, permutations=0, seed=0)[1])


def naive_rv(truth, estimate):
    n = len(truth)
    x, y = truth - truth.mean(axis=0), estimate - estimate.mean(axis=0)
    # By the scalar products of rows (n x n), where the implementation goes by columns.
    s, t = ([[float(np.dot(m[i], m[j])) for j in range(n)] for i in range(n)] for m in (x, y))
    product, own_s, own_t = (np.trace(np.dot(a, b)) for a, b in ((s, t), (s, s), (t, t)))
    return product / math.sqrt(own_s * own_t)


@pytest.mark.parametrize("seed", range(4))
def test_rv_agrees_with_its_definition(seed):
    truth, estimate = matrix_pair(6, seed)
    assert scores.rv(truth, estimate) == pytest.approx(naive_rv(truth, estimate), abs=1e-12)


def test_rv_of_rotated_columns_is_one():
    truth, _ = matrix_pair(6, 0)
    rotation = scipy.stats.ortho_group.rvs(6, random_state=0)
    assert scores.rv(truth, 3 * truth @ rotation) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e-12])
def test_rv_of_constant_columns_is_undefined(value):
    columns = np.tile([value, 2 * value, 3 * value], (3, 1))
    assert math.isnan(scores.rv(columns, np.eye(3)))
    assert math.isnan(scores.rv(np.eye(3), columns))


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_rv_holds_at_any_magnitude(scale):
    truth, estimate = matrix_pair(5, 1)
    assert scores.rv(truth * scale, estimate) == pytest.approx(naive_rv(truth, estimate), abs=1e-12)


def test_neurons_without_a_defined_row_or_column_go():
    defined = np.ones((4, 4), bool)
    defined[1, :] = False
    defined[:, 3] = False
    assert scores.whole_neurons(defined, np.ones((4, 4), bool)).tolist() == [0, 2]


def test_a_single_gap_leaves_no_neuron():
    defined = np.ones((4, 4), bool)
    defined[1, 2] = False
    assert scores.whole_neurons(defined, np.ones((4, 4), bool)).size == 0


def test_a_diagonal_that_is_not_asked_for_is_no_gap():
    pairs = ~np.eye(4, dtype=bool)
    assert scores.whole_neurons(pairs, pairs).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("n", [0, 1])
def test_too_few_neurons_for_whole_matrices_are_undefined(n):
    empty = np.zeros((n, n))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(scores.mantel(empty, empty, diagonal=True, permutations=9, seed=0)).all()
        assert math.isnan(scores.rv(empty, empty))


def test_mantel_tells_how_many_permutations_are_done():
    told = []
    scores.mantel(*matrix_pair(5, 0), diagonal=False, permutations=3, seed=0, notify=told.append)
    assert told == [1, 2, 3]


@pytest.mark.parametrize("density", [0.1, 0.9])
def test_mantel_p_is_that_of_whole_matrices_moved(density):
    """The truth with a mean far from 0, sparse and dense: the same permutations, the sums over all entries."""
    rng = np.random.default_rng(3)
    truth = 7 + (rng.random((30, 30)) < density) * rng.normal(size=(30, 30))
    estimate = 0.05 * truth + rng.normal(size=(30, 30))
    seeded = np.random.default_rng(5)
    orders = [seeded.permutation(30) for _ in range(400)]
    off = ~np.eye(30, dtype=bool)
    sums = [np.corrcoef(truth[off], estimate[np.ix_(order, order)][off])[0, 1] for order in orders]
    observed = np.corrcoef(truth[off], estimate[off])[0, 1]
    expected = (1 + np.sum(np.array(sums) >= observed - 1e-12)) / 401
    got = scores.mantel(truth, estimate, diagonal=False, permutations=400, seed=5, entries=100)
    assert got == pytest.approx((observed, expected), abs=1e-12)
    assert expected > 3 / 401  # so that the count is one that can be wrong
