"""Values of a type that nobody expects are refused by the name of their argument, not by a comparison with them."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import netxr
import netxr.plot
from netxr.errors import InvalidInput

ODD = (
    np.zeros((3, 3)),
    np.array(["a", "b"]),
    xr.DataArray([7.0, 8.0], dims="time"),
    xr.Dataset(),
    pd.DataFrame({"a": [1.0, 2.0]}),
    pd.NA,
    {"a": np.zeros(2)},
    [np.zeros(2)],
)

RUN = netxr.simulate(netxr.random_connectivity(4, sparsity=0.5, seed=1), n_steps=90, trials=2, seed=1)
ONE = RUN.isel(trial=0)
MOMENTS = netxr.lagged_moments(ONE, lags=[0, 1])
TESTED = netxr.correlation_test(ONE)

TWICE = dict.fromkeys((4, 5), TESTED.lagged_correlation)

CALLS = {
    "by": [lambda by: netxr.trial_mean(RUN, by=by), lambda by: netxr.minus_trial_mean(RUN, by=by)],
    "null": [
        lambda null: netxr.edges(ONE, null=null),
        lambda null: netxr.edges(TESTED, null=null),
        lambda null: netxr.correlation_test(ONE, null=null),
    ],
    "missing": [lambda missing: netxr.edges(ONE, missing=missing)],
    "autocorrelation": [lambda given: netxr.edges(TESTED, autocorrelation=given)],
    "dim": [lambda dim: netxr.lagged_correlation(MOMENTS, dim=dim)],
    "store": [lambda store: netxr.lagged_correlation(MOMENTS, store=store)],
    "lag": [
        lambda lag: netxr.reliability(RUN, lag=lag),
        lambda lag: netxr.edges(ONE, lag=lag),
        lambda lag: netxr.correlation_test(ONE, lag=lag),
    ],
    "title": [
        lambda title: netxr.plot.matrix(TESTED.lagged_correlation, title=title),
        lambda title: netxr.plot.network(TESTED.lagged_correlation, title=title),
        lambda title: netxr.plot.lags(netxr.lagged_correlation(ONE, lags=[0, 1]), title=title),
    ],
    "over": [lambda over: netxr.plot.compare_over(TWICE, TWICE, over=over)],
    "row": [lambda row: netxr.plot.facets(TESTED.lagged_correlation, row=row)],
    "sections": [netxr.plot.tutorial_figures],
    "neurons": [lambda neurons: netxr.observe(RUN, neurons=neurons)],
}


@pytest.mark.parametrize("argument", CALLS)
def test_odd_types_are_refused_by_name(argument):
    for call, odd in product(CALLS[argument], ODD):
        with pytest.raises(InvalidInput, match=f"^{argument}: got"):
            call(odd)


@pytest.mark.parametrize("call", [netxr.regression, netxr.granger])
def test_a_dataset_without_anything_is_no_recording(call):
    with pytest.raises(InvalidInput, match=r"^data: got"):
        call(xr.Dataset())


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: type(odd).__name__)
def test_a_score_is_named_by_a_word_and_is_one_number(odd):
    scores = xr.Dataset({"pearson": ("n_neurons", [0.1, 0.2])}, {"n_neurons": [4, 5]})
    with pytest.raises(InvalidInput, match=r"^score: got"):
        netxr.plot.score_curve(scores, x="n_neurons", score=odd)
    with pytest.raises(InvalidInput, match=r"^score: got a Dataset"):
        netxr.plot.compare(TESTED.lagged_correlation, TESTED.lagged_correlation, score=scores)


def test_labels_that_are_no_sequence_are_refused():
    with pytest.raises(InvalidInput, match=r"^neurons: got -1"):
        netxr.to_sparse(TESTED.lagged_correlation, rows="source", neurons=-1)


def test_a_mask_without_end_is_refused():
    with pytest.raises(InvalidInput, match=r"^where: got"):
        netxr.lagged_moments(ONE, lags=[1], where=range(10**10))


def test_a_table_has_a_name_that_is_text():
    pytest.importorskip("hdmf")
    with pytest.raises(InvalidInput, match=r"^name: got 3; expected text"):
        netxr.to_nwb(TESTED.lagged_correlation, name=3)


def test_what_cannot_be_called_is_refused_before_any_work(tmp_path):
    with pytest.raises(InvalidInput, match=r"^progress: got 3; expected a function of \(sections drawn"):
        netxr.report_run(ONE, tmp_path / "page.html", progress=3)
    assert not list(tmp_path.iterdir())
