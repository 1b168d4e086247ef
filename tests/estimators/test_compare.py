import json

import dask.array as da
import numpy as np
import pytest
import scipy.stats
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import average_precision_score, cohen_kappa_score, f1_score, matthews_corrcoef, roc_auc_score

import netxr
from netxr import names as n
from netxr.errors import InvalidInput
from netxr.estimators.compare import FURTHER_ATTRS
from tests.conftest import SHARED
from tests.runs import labelled, nothing_computes

GOLDEN = SHARED / "tutorial" / "golden.json"
ELEMENTWISE = (n.PEARSON, n.SPEARMAN, n.KAPPA, n.ROC_AUC, n.AVERAGE_PRECISION)
WHOLE = (n.MANTEL, n.MANTEL_P, n.RV)
SCORES = (*ELEMENTWISE, *WHOLE)
WITHOUT_P = tuple(name for name in SCORES if name != n.MANTEL_P)
QUICK = settings(max_examples=30, deadline=None)

# Eighths, so that scaling by powers of two neither makes nor breaks a tie; few of them, so that there are ties.
sizes = st.shared(st.integers(2, 7), key="size")
truths = sizes.flatmap(lambda n: arrays(np.float64, (n, n), elements=st.sampled_from([0.0, 0.0, 0.5, 1.0, -0.25])))
guesses = sizes.flatmap(lambda n: arrays(np.float64, (n, n), elements=st.integers(-8, 8).map(lambda k: k / 8)))


def pair(n=6, seed=0, labels=None):
    rng = np.random.default_rng(seed)
    truth = (rng.random((n, n)) < 0.4) * rng.random((n, n))
    return labelled(truth, labels), labelled(truth + rng.normal(size=(n, n)), labels)


def estimates(n=6, seed=0):
    truth, _ = pair(n, seed)
    noise = np.random.default_rng(seed + 1).normal(size=(2, 3, n, n))
    return truth, labelled(truth.values + noise, lag=[1, 4], trial=[10, 11, 12])


def assert_same_scores(left, right, variables=SCORES, tolerance=1e-12):
    for name in variables:
        np.testing.assert_allclose(left[name].values, right[name].values, rtol=0, atol=tolerance, err_msg=name)


def oracle(truth, estimate, keep):
    a, r = truth[keep], estimate[keep]
    return {
        n.PEARSON: np.corrcoef(a, r)[0, 1],
        n.SPEARMAN: scipy.stats.spearmanr(a, r)[0],
        n.KAPPA: cohen_kappa_score(a != 0, r > np.median(r)),
        n.ROC_AUC: roc_auc_score(a != 0, r),
        n.AVERAGE_PRECISION: average_precision_score(a != 0, r),
    }


def by_hand(truth, estimate, *, diagonal, **expected):
    found = netxr.compare(labelled(truth), labelled(estimate), diagonal=diagonal, permutations=0)
    np.testing.assert_allclose([found[name] for name in expected], list(expected.values()), atol=1e-12)


def test_both_edges_first_by_hand():
    """Edges are 5 and 4, the other four pairs 1, 3, 2 and 3: their mean is 3, their median too."""
    truth, estimate = [[0, 1, 0], [0, 0, 1], [0, 0, 0]], [[9, 5, 1], [3, 9, 4], [2, 3, 9]]
    pearson = 3 / np.sqrt(10 * 4 / 3)  # deviations 2 -2 0 1 -1 0; 2/3 of edges, -1/3 of others
    by_hand(truth, estimate, diagonal=False, pearson=pearson, mantel=pearson, kappa=1, roc_auc=1, average_precision=1)


def test_an_edge_behind_another_pair_by_hand():
    """From the strongest: an edge of 3, a pair of 2 without one, an edge of 1, a pair of 0 without one."""
    by_hand(
        [[1, 0], [0, 1]],
        [[3, 2], [0, 1]],
        diagonal=True,
        pearson=1 / np.sqrt(5),  # deviations +-1/2, and 3/2 1/2 -3/2 -1/2
        spearman=1 / np.sqrt(5),  # ranks are the values and one
        kappa=0,  # 3 and 2 are above the median: right for half, as by chance
        roc_auc=3 / 4,  # only 1 loses to 2
        average_precision=(1 / 1 + 2 / 3) / 2,
        rv=1,  # in either matrix the second row is the first with its sign turned, once means are gone
    )


def test_a_tie_by_hand():
    truth, estimate = [[0, 1], [0, 0]], [[0, 2], [2, 0]]
    by_hand(truth, estimate, diagonal=False, pearson=np.nan, kappa=0, roc_auc=1 / 2, average_precision=1 / 2)


@pytest.mark.parametrize("diagonal", [True, False])
def test_scores_agree_with_numpy_scipy_and_scikit_learn(diagonal):
    truth, estimate = pair(9)
    keep = np.ones((9, 9), bool) if diagonal else ~np.eye(9, dtype=bool)
    result = netxr.compare(truth, estimate, diagonal=diagonal, permutations=0)
    for name, expected in oracle(truth.values, estimate.values, keep).items():
        assert result[name].item() == pytest.approx(expected, abs=1e-12), name
    assert result.mantel.item() == pytest.approx(result.pearson.item(), abs=1e-12)
    assert result.n_pairs.item() == keep.sum()
    assert result.n_undefined.item() == 0


def test_the_tutorial_score_of_six_neurons():
    if not GOLDEN.exists():
        pytest.skip("no reference values here")
    small = json.loads(GOLDEN.read_text(encoding="utf-8"))["small"]
    result = netxr.compare(labelled(small["A"]), labelled(small["R"]), diagonal=True, permutations=0)
    assert result.pearson.item() == pytest.approx(0.9596667994046595, abs=1e-10)


def test_a_matrix_agrees_with_itself():
    truth, _ = pair(10)
    result = netxr.compare(truth, truth, diagonal=False, permutations=99)
    for name in (n.PEARSON, n.SPEARMAN, n.ROC_AUC, n.AVERAGE_PRECISION, n.MANTEL, n.RV):
        assert result[name].item() == pytest.approx(1.0, abs=1e-12), name
    assert result.mantel_p.item() == 1 / 100


def test_a_transposed_estimate_shows():
    truth = labelled(np.triu(np.random.default_rng(0).random((12, 12)), 1))
    flipped = truth.rename(target="source", source="target")
    assert netxr.compare(truth, flipped, diagonal=False).pearson.item() < 0


def test_dims_may_come_in_any_order():
    truth, estimate = estimates()
    expected = netxr.compare(truth, estimate, diagonal=False, permutations=9)
    moved = estimate.transpose("source", "trial", "target", "lag")
    result = netxr.compare(truth.transpose("source", "target"), moved, diagonal=False, permutations=9)
    assert_same_scores(result.transpose("lag", "trial"), expected)


def test_one_score_for_each_further_entry():
    truth, estimate = estimates()
    result = netxr.compare(truth, estimate.assign_coords(subject="s1"), diagonal=True, permutations=19, seed=3)
    assert result.pearson.dims == ("lag", "trial")
    assert result.lag.values.tolist() == [1, 4]
    assert result.trial.values.tolist() == [10, 11, 12]
    assert result.subject.item() == "s1"
    assert not {"target", "source"} & set(result.coords)
    for lag, trial in [(1, 12), (4, 10)]:
        one = netxr.compare(truth, estimate.sel(lag=lag, trial=trial), diagonal=True, permutations=19, seed=3)
        assert_same_scores(result.sel(lag=lag, trial=trial), one)


def test_neurons_are_matched_by_label():
    truth, estimate = pair(labels=list("abcdef"))
    shuffled = estimate.isel(target=[3, 1, 0, 5, 2, 4], source=[5, 4, 0, 1, 2, 3])
    expected = netxr.compare(truth, estimate, diagonal=False)
    assert_same_scores(netxr.compare(truth, shuffled, diagonal=False), expected)


def test_partial_overlap_is_scored_on_what_is_shared_and_reported():
    truth, estimate = pair(6, labels=list("abcdef"))
    theirs = estimate.assign_coords(target=list("zfedcy"), source=list("zfedcy"))
    result = netxr.compare(truth, theirs, diagonal=True, permutations=19)
    shared = list("cdef")
    expected = netxr.compare(
        truth.sel(target=shared, source=shared),
        theirs.sel(target=shared, source=shared),
        diagonal=True,
        permutations=19,
    )
    assert_same_scores(result, expected)
    assert result.n_pairs.item() == 16
    assert result.n_neurons_shared.item() == 4
    assert result.n_neurons_only_truth.item() == 2
    assert result.n_neurons_only_truth.attrs["labels"] == ["a", "b"]
    assert result.n_neurons_only_estimate.attrs["labels"] == ["z", "y"]


def test_the_trials_of_both_are_matched_by_label():
    truth, estimate = estimates()
    networks = xr.concat([truth, truth.roll(target=1), truth.roll(source=2)], "trial").assign_coords(trial=[12, 7, 10])
    result = netxr.compare(networks, estimate, diagonal=True, permutations=0)
    assert result.pearson.dims == ("lag", "trial")
    assert result.trial.values.tolist() == [12, 10]
    for trial in (12, 10):
        one = netxr.compare(networks.sel(trial=trial), estimate.sel(trial=trial), diagonal=True, permutations=0)
        assert_same_scores(result.sel(trial=trial), one)
    counts = [result[f"n_trials_{which}"].item() for which in ("shared", "only_truth", "only_estimate")]
    assert counts == [2, 1, 1]


def test_one_estimate_is_held_against_each_network():
    truth, estimate = estimates()
    networks = xr.concat([truth, 2 * truth], "trial").assign_coords(trial=[0, 1])
    result = netxr.compare(networks, estimate.isel(trial=0, drop=True), diagonal=True, permutations=0)
    assert result.pearson.dims == ("lag", "trial")
    assert "n_trials_shared" not in result
    assert_same_scores(result.isel(trial=0), result.isel(trial=1))


def test_one_source_is_scored_over_its_targets():
    truth, estimate = pair()
    result = netxr.compare(truth, estimate.sel(source=[2]), diagonal=False)
    targets = [0, 1, 3, 4, 5]
    expected = np.corrcoef(truth.values[targets, 2], estimate.values[targets, 2])[0, 1]
    assert result.pearson.item() == pytest.approx(expected, abs=1e-12)
    assert result.n_pairs.item() == 5
    assert result.n_neurons_shared.item() == 6
    assert all(np.isnan(result[name].item()) for name in WHOLE)


def test_one_target_is_scored_over_its_sources():
    truth, estimate = pair()
    result = netxr.compare(truth, estimate.sel(target=[2]), diagonal=True)
    expected = np.corrcoef(truth.values[2], estimate.values[2])[0, 1]
    assert result.pearson.item() == pytest.approx(expected, abs=1e-12)
    assert (result.n_neurons_shared.item(), result.n_neurons_only_truth.item()) == (6, 0)


def test_a_neuron_that_is_only_a_source_is_reported_too():
    truth, estimate = pair()
    estranged = estimate.sel(target=[2]).assign_coords(source=[0, 1, 2, 3, 4, 99])
    result = netxr.compare(truth, estranged, diagonal=True)
    assert result.n_neurons_only_estimate.attrs["labels"] == ["99"]
    assert result.n_neurons_only_truth.attrs["labels"] == ["5"]


def test_a_square_block_between_different_neurons_has_no_whole_matrix_score():
    truth, estimate = pair()
    result = netxr.compare(truth, estimate.sel(target=[0, 1, 2], source=[3, 4, 5]), diagonal=False)
    assert result.n_pairs.item() == 9
    assert all(np.isnan(result[name].item()) for name in WHOLE)


@pytest.mark.parametrize("gap", [np.nan, np.inf])
@pytest.mark.parametrize("where", ["truth", "estimate"])
def test_undefined_pairs_are_left_out_and_counted(gap, where):
    truth, estimate = pair(7)
    spoiled = truth if where == "truth" else estimate
    spoiled[1, 2] = spoiled[4, 4] = gap
    keep = np.ones((7, 7), bool)
    keep[1, 2] = keep[4, 4] = False
    result = netxr.compare(truth, estimate, diagonal=True)
    for name, expected in oracle(truth.values, estimate.values, keep).items():
        assert result[name].item() == pytest.approx(expected, abs=1e-12), name
    assert (result.n_pairs.item(), result.n_undefined.item()) == (47, 2)
    assert all(np.isnan(result[name].item()) for name in WHOLE)
    assert netxr.compare(truth, estimate, diagonal=False).n_undefined.item() == 1


@pytest.mark.parametrize("diagonal", [True, False])
def test_a_constant_neuron_is_no_part_of_the_whole_matrix_scores(diagonal):
    truth, estimate = pair(7)
    estimate[3, :] = np.nan
    estimate[:, 3] = np.nan
    rest = [0, 1, 2, 4, 5, 6]
    expected = netxr.compare(truth[rest, rest], estimate[rest, rest], diagonal=diagonal)
    result = netxr.compare(truth, estimate, diagonal=diagonal)
    assert_same_scores(result, expected)
    assert result.n_undefined.item() == (13 if diagonal else 12)
    assert result.n_neurons_shared.item() == 7


def test_without_the_diagonal_nothing_on_it_counts():
    truth, estimate = pair()
    expected = netxr.compare(truth, estimate, diagonal=False)
    on_diagonal = np.eye(6, dtype=bool)
    for value in (0.0, 1e6, np.nan):
        changed = netxr.compare(truth, estimate.where(~on_diagonal, value), diagonal=False)
        assert_same_scores(changed, expected)
    zeroed = netxr.compare(truth.where(~on_diagonal, 0), estimate.where(~on_diagonal, 0), diagonal=True)
    assert expected.rv.item() == pytest.approx(zeroed.rv.item(), abs=1e-12)


@pytest.mark.parametrize("value", [0.0, 1e-12, 0.1])
def test_a_constant_truth_leaves_every_score_undefined_and_silent(value):
    _, estimate = pair(5)
    result = netxr.compare(labelled(np.full((5, 5), value)), estimate, diagonal=True)
    assert all(np.isnan(result[name].item()) for name in SCORES)
    assert result.n_pairs.item() == 25


def test_an_undefined_entry_does_not_spread():
    truth, estimate = estimates()
    estimate[0, 1] = np.nan
    result = netxr.compare(truth, estimate, diagonal=True, permutations=9)
    for name in SCORES:
        assert np.isnan(result[name].values).tolist() == [[False, True, False], [False] * 3], name
    assert result.n_pairs.values.tolist() == [[36, 0, 36], [36] * 3]


@QUICK
@given(truths, guesses, st.booleans(), st.randoms(use_true_random=False))
def test_renumbering_the_neurons_changes_no_score(truth, guess, diagonal, random):
    order = random.sample(range(len(truth)), len(truth))
    before = netxr.compare(labelled(truth), labelled(guess), diagonal=diagonal, permutations=0)
    moved = [labelled(m[np.ix_(order, order)]) for m in (truth, guess)]
    assert_same_scores(netxr.compare(*moved, diagonal=diagonal, permutations=0), before)


@QUICK
@given(truths, guesses, st.booleans(), st.sampled_from([2.0**-40, 0.5, 4.0, 2.0**60]))
def test_scaling_the_estimate_changes_no_score(truth, guess, diagonal, scale):
    before = netxr.compare(labelled(truth), labelled(guess), diagonal=diagonal, permutations=19)
    after = netxr.compare(labelled(truth), labelled(guess * scale), diagonal=diagonal, permutations=19)
    assert_same_scores(after, before)


@QUICK
@given(truths, guesses, st.booleans())
def test_transposing_both_changes_no_score_but_rv(truth, guess, diagonal):
    before = netxr.compare(labelled(truth), labelled(guess), diagonal=diagonal, permutations=19)
    after = netxr.compare(labelled(truth.T), labelled(guess.T), diagonal=diagonal, permutations=19)
    assert_same_scores(after, before, [name for name in SCORES if name != n.RV])


@QUICK
@given(truths, guesses, st.booleans())
def test_correlations_and_rv_do_not_mind_which_is_the_truth(truth, guess, diagonal):
    before = netxr.compare(labelled(truth), labelled(guess), diagonal=diagonal, permutations=0)
    after = netxr.compare(labelled(guess), labelled(truth), diagonal=diagonal, permutations=0)
    assert_same_scores(after, before, (n.PEARSON, n.SPEARMAN, n.MANTEL, n.RV))


@QUICK
@given(truths, guesses)
def test_a_reversed_estimate_reverses_rank_scores(truth, guess):
    before = netxr.compare(labelled(truth), labelled(guess), diagonal=True, permutations=0)
    after = netxr.compare(labelled(truth), labelled(-guess), diagonal=True, permutations=0)
    np.testing.assert_allclose(after.spearman, -before.spearman, atol=1e-12)
    by_sign = truth.min() < 0 < truth.max()  # then the estimate counts by its magnitude
    np.testing.assert_allclose(after.roc_auc, before.roc_auc if by_sign else 1 - before.roc_auc, atol=1e-12)
    for score in (after.roc_auc_excitatory + before.roc_auc_excitatory, after.slope / before.slope + 2):
        assert score.isnull() or score.item() == pytest.approx(1)


def test_the_same_seed_gives_the_same_p():
    truth, _ = pair(8)
    unrelated = labelled(np.random.default_rng(9).normal(size=(8, 8)))
    p = [
        netxr.compare(truth, unrelated, diagonal=False, seed=seed, permutations=199).mantel_p.item()
        for seed in (1, 1, 2)
    ]
    assert p[0] == p[1]
    assert p[0] != p[2]


@pytest.mark.parametrize("chunks", [{}, {"target": 2, "source": (5, 1)}, {"lag": 1, "trial": 2, "source": 4}])
def test_chunked_input_gives_the_same_scores_lazily(chunks):
    truth, estimate = estimates()
    expected = netxr.compare(truth, estimate, diagonal=False, permutations=19)
    for lazy_truth in (truth, truth.chunk(target=4)):
        with nothing_computes():
            result = netxr.compare(lazy_truth, estimate.chunk(chunks), diagonal=False, permutations=19)
        assert all(isinstance(result[name].data, da.Array) for name in SCORES)
        xr.testing.assert_identical(result.compute(scheduler="synchronous"), expected)


def test_a_chunked_truth_alone_makes_the_result_lazy():
    truth, estimate = pair(labels=list("abcdef"))
    with nothing_computes():
        result = netxr.compare(truth.chunk(source=2), estimate[::-1, ::-1], diagonal=True, permutations=0)
    assert isinstance(result.pearson.data, da.Array)
    assert result.pearson.dtype == np.float64
    assert result.n_pairs.dtype == np.int64
    expected = netxr.compare(truth, estimate, diagonal=True, permutations=0)
    assert_same_scores(result.compute(scheduler="synchronous"), expected, WITHOUT_P)


def test_the_result_says_how_it_came_about():
    truth, estimate = pair()
    result = netxr.compare(truth, estimate, diagonal=False, permutations=9, seed=4)
    assert (result.attrs["diagonal"], result.attrs["permutations"], result.attrs["seed"]) == (False, 9, 4)
    assert result.attrs["netxr_version"] == netxr.__version__
    for name in SCORES:
        assert result[name].dtype == np.float64
        assert set(result[name].attrs) == {"long_name", "reference", "undefined_where", "diagonal"}
        assert result[name].attrs["diagonal"] is False
    for name in {*FURTHER_ATTRS, "symmetry"}:
        assert result[name].dtype == np.float64
    for name in set(result.data_vars) - {*SCORES, *FURTHER_ATTRS, "symmetry"}:
        assert result[name].dtype == np.int64
    for name in set(result.data_vars) - {*SCORES}:
        assert "long_name" in result[name].attrs


def test_attributes_of_the_input_neither_leak_nor_change():
    truth, estimate = pair()
    estimate.attrs["units"] = "mV"
    before = estimate.copy(deep=True)
    assert "units" not in netxr.compare(truth, estimate, diagonal=True, permutations=0).pearson.attrs
    xr.testing.assert_identical(estimate, before)


@pytest.mark.parametrize("dtype", [np.int64, np.bool_, np.float32])
def test_any_real_dtype_is_scored_in_float64(dtype):
    truth, estimate = pair()
    edges = (truth != 0).astype(dtype)
    result = netxr.compare(edges, estimate.astype(np.float32), diagonal=True, permutations=9)
    expected = netxr.compare(
        edges.astype(float), estimate.astype(np.float32).astype(float), diagonal=True, permutations=9
    )
    xr.testing.assert_identical(result, expected)


def test_labels_of_another_type_are_refused_with_the_types():
    truth, estimate = pair()
    text = estimate.assign_coords(target=list("012345"), source=list("012345"))
    with pytest.raises(InvalidInput, match=r"estimate: got labels along target such as '0' \(str\).*such as 0 \(int\)"):
        netxr.compare(truth, text, diagonal=True)


def test_no_shared_neuron_is_refused():
    truth, estimate = pair()
    away = estimate.assign_coords(target=range(10, 16), source=range(10, 16))
    with pytest.raises(InvalidInput, match=r"such as 10 \(int\).*such as 0 \(int\).*assign_coords\(target"):
        netxr.compare(truth, away, diagonal=True)


def test_no_shared_trial_is_refused():
    truth, estimate = estimates()
    networks = truth.expand_dims(trial=[1, 2])
    with pytest.raises(InvalidInput, match="labels along trial such as 10"):
        netxr.compare(networks, estimate, diagonal=True)


def test_axes_without_labels_are_numbered():
    truth, estimate = pair()
    bare = estimate.drop_vars(["target", "source"])
    expected = netxr.compare(truth, estimate, diagonal=True, permutations=0)
    xr.testing.assert_identical(netxr.compare(truth, bare, diagonal=True, permutations=0), expected)
    both_bare = netxr.compare(truth.drop_vars(["target", "source"]), bare, diagonal=True, permutations=0)
    xr.testing.assert_identical(both_bare, expected)


@pytest.mark.parametrize("argument", ["truth", "estimate"])
def test_an_axis_without_labels_is_not_matched_by_guess(argument):
    truth, estimate = pair(labels=[3, 4, 5, 6, 7, 8])
    given = {"truth": truth, "estimate": estimate}
    given[argument] = given[argument].drop_vars(["target", "source"])
    with pytest.raises(InvalidInput, match=rf"{argument}: got target without labels.*assign_coords\(target"):
        netxr.compare(**given, diagonal=True)


def test_plain_arrays_are_refused():
    truth, estimate = pair()
    with pytest.raises(InvalidInput, match=r"estimate: got ndarray of shape \(6, 6\).*as_connectivity"):
        netxr.compare(truth, estimate.values, diagonal=True)
    with pytest.raises(InvalidInput, match=r"truth: got ndarray of shape \(6, 6\)"):
        netxr.compare(truth.values, estimate, diagonal=True)


def test_an_estimate_without_a_source_axis_is_refused():
    truth, estimate = pair()
    with pytest.raises(InvalidInput, match=r"estimate: got dims \('target', 'neuron'\)"):
        netxr.compare(truth, estimate.rename(source="neuron"), diagonal=True)


def test_a_rectangular_truth_is_refused():
    truth, estimate = pair()
    with pytest.raises(InvalidInput, match="truth: got 6 targets x 3 sources"):
        netxr.compare(truth[:, :3], estimate, diagonal=True)


@pytest.mark.parametrize("diagonal", ["no", None, 1])
def test_the_diagonal_is_chosen_by_a_truth_value(diagonal):
    with pytest.raises(InvalidInput, match=r"diagonal: got .*True or False"):
        netxr.compare(*pair(), diagonal=diagonal)


def test_the_diagonal_has_no_default():
    with pytest.raises(InvalidInput, match=r"diagonal: got none; expected True or False.*own past"):
        netxr.compare(*pair())


@pytest.mark.parametrize("name", ["permutations", "seed"])
@pytest.mark.parametrize("value", [-1, 2.5, "9", True])
def test_settings_are_whole_numbers(name, value):
    with pytest.raises(InvalidInput, match=f"{name}: got .*whole number"):
        netxr.compare(*pair(), diagonal=True, **{name: value})


def test_an_estimate_of_one_source_is_compared_with_its_column():
    truth, estimate = pair()
    one = estimate.isel(source=1)
    assert "source" not in one.dims
    result = netxr.compare(truth, one, diagonal=True, permutations=0)
    expected = netxr.compare(truth, estimate.isel(source=[1]), diagonal=True, permutations=0)
    np.testing.assert_array_equal(result.pearson, expected.pearson)


def test_progress_tells_the_permutations_of_all_matrices():
    truth, estimate = pair()
    told = []
    with netxr.progress(lambda done, total: told.append((done, total))):
        netxr.compare(truth, xr.concat([estimate, -estimate], "lag"), diagonal=False, permutations=120)
    assert told == [(done, 240) for done in (50, 100, 120, 170, 220, 240)]


# --- bias and noise, signs, edges ------------------------------------------------------------


def test_bias_by_hand():
    """Weights 0 0 1 2 estimated as 0.1 0.3 0.6 1: half as steep, 0.2 too high without an edge."""
    truth, R = labelled([[0, 0], [1, 2]]), labelled([[0.1, 0.3], [0.6, 1.0]])
    s = netxr.compare(truth, R, diagonal=True, permutations=0)
    off = np.array([0, 0, 1, 2]) - 0.75
    assert s.slope.item() == pytest.approx(off @ [0.1, 0.3, 0.6, 1.0] / (off @ off))
    assert s.mean_without_edge.item() == pytest.approx(0.2)
    assert s.rmse.item() == pytest.approx(np.sqrt((0.01 + 0.09 + 0.16 + 1) / 4))
    assert (s.threshold.item(), s.mcc.item(), s.f1.item()) == (0.6, 1, 1)
    assert s.pearson_transposed.item() == pytest.approx(np.corrcoef([0, 1, 0, 2], [0.1, 0.3, 0.6, 1.0])[0, 1])


def test_signs_and_edges_against_scikit_learn():
    rng = np.random.default_rng(3)
    weights = rng.choice([-1.0, 0, 0, 0, 0, 0, 0, 2], (30, 30))
    R = np.round(weights + 1.5 * rng.normal(size=(30, 30)), 1)  # with ties
    s = netxr.compare(labelled(weights), labelled(R), diagonal=True, permutations=0)
    a, r = weights.ravel(), R.ravel()
    assert s.roc_auc_excitatory.item() == pytest.approx(roc_auc_score(a > 0, r))
    assert s.roc_auc_inhibitory.item() == pytest.approx(roc_auc_score(a < 0, -r))
    assert s.roc_auc.item() == pytest.approx(roc_auc_score(a != 0, abs(r)))
    assert s.average_precision.item() == pytest.approx(average_precision_score(a != 0, abs(r)))
    called = abs(r) >= s.threshold.item()
    assert (abs(r) > s.threshold.item()).sum() < (a != 0).sum() <= called.sum()
    assert s.mcc.item() == pytest.approx(matthews_corrcoef(a != 0, called))
    assert s.f1.item() == pytest.approx(f1_score(a != 0, called))
    one_sign = netxr.compare(labelled(abs(weights)), labelled(R), diagonal=True, permutations=0)
    assert one_sign.roc_auc.item() == pytest.approx(roc_auc_score(a != 0, r))
    assert one_sign.roc_auc_inhibitory.isnull()
    assert one_sign.roc_auc_excitatory.item() == one_sign.roc_auc.item()


def test_direction_shows_where_the_truth_is_transposed():
    weights = np.random.default_rng(4).choice([0.0, 1], (20, 20), p=[0.8, 0.2])
    noisy = labelled(weights + np.random.default_rng(5).normal(size=(20, 20)))
    s = netxr.compare(labelled(weights), noisy, diagonal=False, permutations=0)
    swapped = netxr.compare(labelled(weights.T), noisy, diagonal=False, permutations=0)
    assert s.pearson.item() == pytest.approx(swapped.pearson_transposed.item())
    assert s.pearson_transposed.item() == pytest.approx(swapped.pearson.item())
    assert s.pearson > s.pearson_transposed + 0.2
    part = netxr.compare(labelled(weights), noisy.isel(source=[0, 1]), diagonal=False, permutations=0)
    assert part.pearson_transposed.isnull()


def test_an_estimator_that_tells_no_sign_has_no_score_of_inhibitory_edges():
    rng = np.random.default_rng(4)
    weights, R = rng.choice([-1.0, 0, 0, 1], (12, 12)), labelled(rng.uniform(size=(12, 12)))
    options = {"diagonal": True, "permutations": 0}
    signed, unsigned = (
        netxr.compare(labelled(weights), R.rename(name), **options) for name in ("regression", "granger")
    )
    right = roc_auc_score(weights.ravel() < 0, -R.values.ravel())
    assert signed.roc_auc_inhibitory.item() == pytest.approx(right)
    assert unsigned.roc_auc_inhibitory.isnull()
    assert "tells no sign" in unsigned.roc_auc_inhibitory.attrs["undefined_where"]
    assert unsigned.drop_vars("roc_auc_inhibitory").equals(signed.drop_vars("roc_auc_inhibitory"))
    both = xr.concat([R, R], xr.Variable("estimator", ["granger", "regression"])).rename("estimate")
    scored = netxr.compare(labelled(weights), both, **options).roc_auc_inhibitory
    np.testing.assert_allclose(scored, [np.nan, right])
