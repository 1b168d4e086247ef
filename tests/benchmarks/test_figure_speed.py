"""Figures of large networks, from matrices in memory to what a browser gets.

`NETXR_BENCHMARK=full` draws 10,000 arrows and 2,000 x 2,000 entries; else it is a few.
"""

import holoviews as hv
import numpy as np
import pytest
from bokeh.core.json_encoder import serialize_json
from bokeh.document import Document

import netxr
from netxr.plot import agreement, network
from tests.benchmarks.timing import FULL, best_of, show

pytestmark = pytest.mark.benchmark

LIMITS = {"network, 10,000 arrows": 1.0, "network, both signs": 1.0, "agreement, 2,000 x 2,000": 2.0}


def as_json(figure):
    document = Document()
    document.add_root(hv.render(figure, backend="bokeh"))
    return serialize_json(document.to_json())


def test_large_networks_are_drawn_at_once():
    rng = np.random.default_rng(1)
    n, n_large = (1000, 2000) if FULL else (20, 50)
    weights = netxr.as_connectivity(rng.normal(size=(n, n)), rows="target")
    A = netxr.as_connectivity((rng.random((n_large, n_large)) < 0.1) * 0.5, rows="target")
    R = A + rng.normal(size=A.shape)
    tasks = (
        lambda: as_json(network(weights)),
        lambda: as_json(network(weights, sign="both")),
        lambda: as_json(agreement(A, R, diagonal=False)),
    )
    costs = best_of(3 if FULL else 1, dict(zip(LIMITS, tasks, strict=True)))
    show("figures, made and sent", costs, ratios={})
    print(f"  wanted, at most: {LIMITS}")
    assert not FULL or all(costs[name].cpu < most for name, most in LIMITS.items())
