from types import SimpleNamespace

import numpy as np
import psutil
import pytest

import netxr
from netxr.errors import InvalidInput
from netxr.moments import factorisation
from netxr.moments.factorisation import Factorisation
from tests.runs import activity, nothing_computes


def test_one_lag_by_hand():
    """1,000 neurons: an inverse of 8 MB and seven matrices like it; 3e9 operations and a million coefficients."""
    one = Factorisation(1_000, 1, cores=2)
    assert one.peak_bytes == 64e6
    assert one.seconds == pytest.approx(0.05 + 0.06)
    assert str(one) == "a regression at 1 lag 61 MiB and about 0.1 s on top of that"


def test_two_lags_by_hand():
    """The inverse is four times as large, all else twice."""
    assert Factorisation(1_000, 2, cores=1).peak_bytes == 8e6 * (4 + 14)


def test_ten_thousand_neurons_by_hand():
    large = Factorisation(10_000, 1, cores=1)
    assert large.peak_bytes == 6.4e9
    assert large.seconds == pytest.approx(106)


@pytest.mark.parametrize(
    ("lags", "sources", "regression"),
    [
        ([0, 1], None, "1 lag "),
        ([0, 1, 2], None, "2 lags "),
        ([1], None, ""),
        ([0], None, ""),
        ([0, 1], ["a", "b"], ""),
    ],
)
def test_a_plan_says_what_a_regression_takes_where_its_moments_allow_one(lags, sources, regression):
    said = str(netxr.plan(activity(), lags=lags, sources=sources))
    assert ("; a regression at " + regression in said) == bool(regression)
    assert ("regression" in said) == bool(regression)


@pytest.mark.parametrize("estimate", [netxr.regression, netxr.granger])
@pytest.mark.parametrize("made", [False, True])
def test_too_many_neurons_for_the_memory_are_an_error_before_any_work(estimate, made, monkeypatch):
    recording = netxr.as_activity(np.random.default_rng(0).normal(size=(20, 100)), dims=("neuron", "time"))
    data = netxr.lagged_moments(recording.chunk(time=50), lags=[0, 1]) if made else recording.chunk(time=50)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(total=2**30, available=8 * 20**2 * 8 - 1))
    with nothing_computes(), pytest.raises(InvalidInput, match=r"data: got 20 neurons at 1 lag, .* 25 KiB .* 25 KiB"):
        factorisation.check_memory_for(20, 1)
    with nothing_computes(), pytest.raises(InvalidInput, match=r"Name fewer lags, or leave out neurons"):
        estimate(data)
