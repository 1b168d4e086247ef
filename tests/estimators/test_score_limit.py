"""Limits of scores. By hand: scores .6 and .9 of 1000 and of 4000 samples.

1 / score**2 is 2.7778 and 1.2346 there, 1 / length .001 and .00025: slope 2057.6, intercept .7202, which is below 1, so
the limit is 1. Of .5 and .6: 4 and 2.7778, slope 1629.6, intercept 2.3704, limit .6495, and its square halves at 687.5.
"""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import netxr
from netxr.errors import InvalidInput
from netxr.estimators.score_limit import verdicts
from netxr.kernels.score_limit import limit_of

LENGTHS = np.array([1000, 4000])


def swept(scores, lengths, dims=("n_steps", "trial"), **coords):
    return xr.Dataset({"pearson": (dims, scores)}, {"n_steps": lengths, **coords})


def test_by_hand():
    limit, c = limit_of(np.array([0.5, 0.6]), LENGTHS)
    assert (limit, c) == (pytest.approx(0.6495, abs=5e-5), pytest.approx(687.5, abs=0.05))
    assert limit_of(np.array([0.6, 0.9]), LENGTHS)[0] == 1
    assert [limit_of(np.array(pair), LENGTHS)[0] for pair in ([0.7, 0.7], [0.7, 0.7 - 1e-9])] == [
        pytest.approx(0.7)
    ] * 2
    assert limit_of(np.array([0.8, 0.6]), LENGTHS)[1] == 0  # more samples make nothing worse


@given(
    st.floats(0.05, 1),
    st.floats(0, 1e6),
    st.lists(st.integers(10, 10**7), min_size=2, max_size=6, unique=True),
)
def test_an_exact_curve_is_found_whatever_the_lengths(limit, c, lengths):
    lengths = np.array(lengths)
    scores = limit / np.sqrt(1 + c / lengths)
    found, half = limit_of(scores, lengths)
    np.testing.assert_allclose(found / np.sqrt(1 + half / lengths), scores, rtol=1e-6)
    if np.ptp(1 / lengths) * c > 1e-3:
        assert found == pytest.approx(limit, rel=1e-4)
        assert half == pytest.approx(c, rel=1e-2, abs=1)


def test_it_is_the_weighted_fit_of_numpy():
    lengths, scores = np.array([500, 2000, 8000, 32000]), np.array([0.21, 0.37, 0.58, 0.69])
    slope, first = np.polyfit(1 / lengths, scores**-2.0, 1, w=scores**3)
    found, half = limit_of(scores, lengths)
    assert (found, half) == (pytest.approx(first**-0.5), pytest.approx(slope / first))


def test_what_is_undefined_or_not_above_zero_does_not_enter():
    lengths = np.array([500, 1000, 4000])
    for other in (np.nan, 0.0, -0.2):
        assert limit_of(np.array([other, 0.5, 0.6]), lengths)[0] == pytest.approx(0.6495, abs=5e-5)
    limits, halves = limit_of(np.array([[-0.1, 0, np.nan], [np.nan] * 3, [np.nan, -0.1, 0.4]]), lengths)
    np.testing.assert_array_equal(limits, [0, np.nan, np.nan])
    assert np.isnan(halves).all()


def test_the_limit_of_a_noisy_estimate_is_its_correlation_without_noise():
    rng = np.random.default_rng(0)
    truth = (rng.random(40_000) < 0.1).astype(float)
    biased = truth + 0.2 * rng.normal(size=truth.size)
    lengths = np.array([300, 1000, 3000, 10_000])
    scores = [np.corrcoef(truth, biased + rng.normal(size=truth.size) * np.sqrt(400 / T))[0, 1] for T in lengths]
    found = netxr.score_limit(swept(scores, lengths, dims="n_steps"), at=0.8)
    assert found.limit.item() == pytest.approx(np.corrcoef(truth, biased)[0, 1], abs=0.01)
    needed = found.samples_needed.item()
    again = np.corrcoef(truth, biased + rng.normal(size=truth.size) * np.sqrt(400 / needed))[0, 1]
    assert again == pytest.approx(0.8, abs=0.01)


def test_samples_needed_and_standard_error():
    steps = xr.DataArray([1000, 2000, 9000], dims="n_steps")
    limits = xr.DataArray([0.95, 0.97, 0.93, 0.5], dims="trial")
    scores = xr.Dataset({"pearson": limits[:3] / (1 + 3000 / steps) ** 0.5}, {"n_steps": steps.values})
    found = netxr.score_limit(scores, at=0.9)
    assert found.limit.item() == pytest.approx(0.95)
    assert found.limit_standard_error.item() == pytest.approx(np.std([0.95, 0.97, 0.93], ddof=1) / np.sqrt(3))
    reached = found.limit / (1 + found.half_samples / found.samples_needed) ** 0.5
    assert reached.item() == pytest.approx(0.9)
    assert netxr.score_limit(scores.assign(pearson=scores.pearson / 2)).samples_needed.item() == np.inf
    assert np.isnan(netxr.score_limit(scores.isel(trial=[0])).limit_standard_error)
    assert found.samples_needed.attrs["long_name"] == "samples to reach 0.9"


def test_verdicts_are_of_the_best_estimator():
    steps = xr.DataArray([100, 1000, 10_000], dims="n_steps")
    curves = {"quick": (0.7, 10), "slow": (0.99, 2000)}
    scores = xr.concat([limit / (1 + c / steps) ** 0.5 for limit, c in curves.values()], "estimator")
    sweep = xr.Dataset({"pearson": scores}, {"estimator": list(curves), "n_steps": steps.values})
    found = verdicts(sweep)
    assert found.estimator.values.tolist() == ["quick", "quick", "slow"]
    assert found.verdict.values.tolist() == [1, 1, 2]
    assert found.limit.item() == pytest.approx(0.99)
    assert verdicts(sweep.sel(estimator="quick")).verdict.values.tolist() == [0, 0, 0]
    assert verdicts(sweep.sel(estimator="quick")).estimator.values.tolist() == ["quick"] * 3
    assert verdicts(sweep.assign(pearson=scores * np.nan)).verdict.values.tolist() == [-1] * 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"score": "roc_auc"}, "score: got 'roc_auc'; expected one of pearson, spearman, mantel"),
        ({"score": xr.DataArray([1.0, 2.0])}, "score: got .*; expected one of pearson, spearman, mantel"),
        ({"score": "spearman"}, "sweep: got .*; expected a Dataset of scores, spearman among them"),
        ({"at": 1}, "at: got 1; expected a score above 0 and below 1"),
        ({"at": "high"}, "at: got 'high'"),
    ],
)
def test_what_has_no_limit_is_refused(options, message):
    with pytest.raises(InvalidInput, match=message):
        netxr.score_limit(swept([[0.5], [0.6]], LENGTHS), **options)


def test_one_length_tells_nothing():
    with pytest.raises(InvalidInput, match="sweep: got 1 length; expected two along n_steps, or more"):
        netxr.score_limit(swept([[0.5]], [1000]))
