import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import netxr
from netxr.errors import InvalidInput
from tests.runs import activity, labelled


def edges_of(found):
    """(trial, target, lag, source, value) of each listed pair, in order."""
    columns = ("trial", "target", "lag", "source", *found.data_vars)
    return list(zip(*(found[name].values.tolist() for name in columns), strict=True))


def test_one_source_of_each_target_by_hand():
    t = labelled([[9, -3, 2], [1, 9, np.nan], [0, 4, 9]], "abc").rename("t")
    found = netxr.strongest_pairs(t, k=1)
    assert found.t.values.tolist() == [-3, 1, 4]
    assert found.source.values.tolist() == ["b", "a", "b"]
    assert found.target.values.tolist() == ["a", "b", "c"]
    assert set(found.coords) == {"target", "source"}


def test_a_limit_in_the_unit_of_the_estimate_by_hand():
    found = netxr.strongest_pairs(labelled([[9, -3], [2, 9]]).rename("t"), threshold=2.5)
    assert found.t.values.tolist() == [-3]


def test_sources_that_are_some_of_the_targets_by_hand():
    found = netxr.strongest_pairs(labelled([[1, -3, 2], [1, 9, 5], [0, 4, 9]])[:, [1, 2]].rename("t"), k=9)
    assert edges_of(found.assign_coords(trial=found.target * 0, lag=found.target * 0)) == [
        (0, 0, 0, 1, -3),
        (0, 0, 0, 2, 2),
        (0, 1, 0, 2, 5),
        (0, 2, 0, 1, 4),
    ]


@given(st.integers(1, 6), st.floats(0, 2), st.permutations(["lag", "trial", "target", "source"]), st.integers(0, 99))
def test_any_estimate_against_sorting_all_pairs(k, threshold, dims, seed):
    values = np.random.default_rng(seed).normal(size=(2, 3, 5, 5)).round(1)  # some are the same
    R = labelled(values, "abcde", lag=[1, 4], trial=[7, 8, 9]).rename("regression")
    pairs = {
        place: [
            (-abs(one.item()), order, *place, str(one.source.values), one.item())
            for order, one in enumerate(R.sel(trial=place[0], target=place[1], lag=place[2]))
            if str(one.source.values) != place[1] and abs(one.item()) >= threshold
        ]
        for place in [(trial, target, lag) for trial in (7, 8, 9) for target in "abcde" for lag in (1, 4)]
    }
    expected = [edge[2:] for place in pairs for edge in sorted(pairs[place])[:k]]
    assert edges_of(netxr.strongest_pairs(R.transpose(*dims), k=k, threshold=threshold)) == expected


@pytest.mark.parametrize("k", [1, 7, 40, 299])
def test_many_neurons_of_which_many_correlate_alike_against_a_stable_sort(k):
    values = np.random.default_rng(1).integers(-5, 6, size=(300, 300)).astype(float)
    values[values == 5] = np.nan
    values[7] = np.nan
    strength = np.nan_to_num(np.abs(values), nan=-1)
    np.fill_diagonal(strength, -1)
    order = np.argsort(-strength, axis=1, kind="stable")[:, :k]
    expected = [(i, j, values[i, j]) for i, row in enumerate(order) for j in row if strength[i, j] >= 0]
    found = netxr.strongest_pairs(labelled(values, range(300)).rename("t"), k=k)
    assert list(zip(*(found[name].values.tolist() for name in ("target", "source", "t")), strict=True)) == expected


def test_what_is_said_of_an_estimate_is_kept():
    run = activity(n=6, n_steps=200)
    found = netxr.strongest_pairs(netxr.estimate(run, method="granger"), k=2)
    assert found.granger.attrs["estimator"] == "granger"
    assert found.granger.dtype == np.float64
    assert found.attrs["sampling_interval"] == 0.5
    assert found.trial.values.tolist() == [5] * 12 + [6] * 12


def test_estimates_that_cannot_be_listed():
    lazy = netxr.estimate(activity().chunk(time=20), method="regression")
    with pytest.raises(InvalidInput, match="data: got a lazy estimate; expected one in memory"):
        netxr.strongest_pairs(lazy, k=1)
    with pytest.raises(InvalidInput, match="threshold: got -1; expected a magnitude, 0 or above"):
        netxr.strongest_pairs(lazy, threshold=-1)
    with pytest.raises(InvalidInput, match="data: got dims"):
        netxr.strongest_pairs(lazy.compute().rename(source="from"), k=1)
