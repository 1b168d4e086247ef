"""The time from a call to a drawn matrix of many neurons, and the memory on top of the matrix."""

import json

import holoviews as hv
import numpy as np
import pytest
import xarray as xr
from bokeh.embed import json_item

from netxr.plot import matrix
from tests.benchmarks.timing import FULL, best_of, measured, show

pytestmark = pytest.mark.benchmark

N_NEURONS = 2000 if FULL else 1100
MOST_NEURONS = 10_000 if FULL else 1200


def matrix_of(n_neurons):
    names = [f"n{k}" for k in range(n_neurons)]
    rows = np.random.default_rng(0).normal(size=(100, n_neurons)).astype(np.float32)
    weights = np.resize(rows, (n_neurons, n_neurons))
    return xr.DataArray(weights, dims=("target", "source"), coords={"target": names, "source": names})


def drawn(weights):
    return lambda: json.dumps(json_item(hv.render(matrix(weights), backend="bokeh")))


def test_a_matrix_of_two_thousand_neurons_is_drawn_within_two_seconds():
    small, large = (drawn(matrix_of(n)) for n in (50, N_NEURONS))
    costs = best_of(3 if FULL else 1, {"50 neurons": small, f"{N_NEURONS} neurons": large})
    ratio = (f"{N_NEURONS} neurons", "50 neurons", "and less than 2 s")
    show("a matrix from call to document", costs, ratios={"large / small": ratio})
    assert not FULL or costs[f"{N_NEURONS} neurons"].wall < 2


def test_many_neurons_need_little_memory_beside_their_matrix():
    weights = matrix_of(MOST_NEURONS)
    drawn(weights[:20, :20])()
    spent = measured(drawn(weights))
    show(f"a matrix of {MOST_NEURONS} neurons, {weights.nbytes / 1e6:.0f} MB", {"drawn": spent}, ratios={})
    assert not FULL or spent.megabytes < 100
