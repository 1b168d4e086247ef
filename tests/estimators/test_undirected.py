import numpy as np
import pytest

import netxr
from netxr.estimators.undirected import is_undirected


@pytest.fixture(scope="module")
def run():
    return netxr.sample("rate_network").isel(time=slice(2000))


@pytest.mark.parametrize(
    ("method", "lag", "expected"),
    [
        ("correlation", 1, True),
        ("partial_correlation", 1, True),
        ("lagged_correlation", 0, True),
        ("correlogram_excess", 0, True),
        ("lagged_correlation", 1, False),
        ("regression", 1, False),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_estimates_without_direction(run, method, lag, expected, dtype):
    found = netxr.estimate(run.activity.astype(dtype), method=method, lag=lag)
    assert is_undirected(found[method] if hasattr(found, "data_vars") else found) is expected


def test_a_truth_that_goes_both_ways_is_directed():
    A = netxr.as_connectivity([[0, 1], [1, 0]], rows="target")
    assert not is_undirected(A)
    assert is_undirected(A.rename("correlation"))


def test_gaps_and_some_sources(run):
    R = netxr.lagged_correlation(run.activity, lag=0).copy()
    R[3], R[:, 3] = np.nan, np.nan
    assert is_undirected(R)
    assert not is_undirected(R.isel(source=slice(3)))
    R[1, 2] += 1e-6
    assert not is_undirected(R)


def test_all_rows_of_a_large_matrix_are_looked_at(monkeypatch, run):
    monkeypatch.setattr("netxr.estimators.undirected.BLOCK", 30)
    R = netxr.lagged_correlation(run.activity, lag=0).copy()
    assert is_undirected(R)
    R[24, 23] = 0.5
    assert not is_undirected(R)
