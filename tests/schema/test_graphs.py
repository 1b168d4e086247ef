"""By hand: with .5 in the row of "pre" and the column of "post", the one edge goes from "post" to "pre"."""

import sys

import networkx as nx
import numpy as np
import pytest
import xarray as xr

import netxr
from netxr import to_networkx
from netxr.errors import InvalidInput, MissingExtra


@pytest.fixture
def one_edge():
    return netxr.as_connectivity([[0, 0.5, np.nan], [0, 0, 0], [0, 0, 0]], rows="target", neurons=["pre", "post", "x"])


def test_by_hand(one_edge):
    graph = to_networkx(one_edge)
    assert list(graph.edges(data=True)) == [("post", "pre", {"weight": 0.5})]
    assert list(graph.nodes) == ["pre", "post", "x"]
    assert list(to_networkx(one_edge.chunk(target=1)).edges) == [("post", "pre")]
    # NetworkX has the source in rows.
    assert nx.to_numpy_array(graph)[1, 0] == 0.5


def test_there_and_back():
    A = netxr.random_connectivity(12, sparsity=0.7, seed=1)
    back = netxr.as_connectivity(to_networkx(A), neurons=A.target.values)
    xr.testing.assert_equal(back.drop_vars(back.coords), A.drop_vars(A.coords))


def test_a_row_that_acts_on_others_becomes_a_node_that_does(one_edge):
    run = netxr.simulate(one_edge.fillna(0) * 10, n_steps=2000, seed=1).isel(trial=0)
    listed = netxr.edges(netxr.correlation_test(run))
    graph = to_networkx(listed)
    assert list(graph.edges) == [("post", "pre")]
    edge = graph.edges["post", "pre"]
    assert edge["weight"] == edge["effect"] == listed.effect.item()
    assert edge["q_value"] == listed.q_value.item()


def test_some_sources(one_edge):
    graph = to_networkx(one_edge.sel(source=["post"]))
    assert list(graph.edges) == [("post", "pre")]
    assert len(graph) == 3


def test_what_is_no_graph(one_edge):
    with pytest.raises(InvalidInput, match="connections"):
        to_networkx(one_edge.expand_dims(lag=[1, 2]))
    with pytest.raises(InvalidInput, match="connections"):
        to_networkx(one_edge.to_dataset(name="A"))
    listed = netxr.edges(netxr.correlation_test(netxr.simulate(one_edge.fillna(0), n_steps=500, seed=1)), q=0.9)
    with pytest.raises(InvalidInput, match="several edges"):
        to_networkx(xr.concat([listed, listed], "edge"))


def test_without_networkx(one_edge, monkeypatch):
    monkeypatch.setitem(sys.modules, "networkx", None)
    with pytest.raises(MissingExtra, match="netxr\\[graph\\]"):
        to_networkx(one_edge)
