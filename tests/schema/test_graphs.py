"""By hand: with .5 in the row of "pre" and the column of "post", the one edge goes from "post" to "pre"."""

import sys

import networkx as nx
import numpy as np
import pytest
import xarray as xr
from scipy.sparse import csgraph

import netxr
from netxr import from_networkx, to_networkx, to_sparse
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
    assert list(graph.nodes) == ["pre", "post", "x"]
    edge = graph.edges["post", "pre"]
    assert edge["weight"] == edge["effect"] == listed.effect.item()
    assert edge["q_value"] == listed.q_value.item()


@pytest.mark.parametrize(
    "listed",
    [
        lambda run: netxr.edges(netxr.correlation_test(run)),
        lambda run: netxr.edges(run.activity),
        lambda run: netxr.strongest_pairs(run, threshold=0.5),
        lambda run: netxr.strongest_pairs(netxr.lagged_correlation(run).compute(), threshold=0.5),
    ],
)
def test_every_list_keeps_neurons_without_an_edge(listed, one_edge, tmp_path):
    run = netxr.simulate(one_edge.fillna(0) * 10, n_steps=2000, seed=1).isel(trial=0)
    found = listed(run)
    assert list(to_networkx(found).nodes) == ["pre", "post", "x"]
    assert list(to_networkx(found.isel(edge=[])).nodes) == ["pre", "post", "x"]
    netxr.save(found, tmp_path / "found.zarr")
    graph = to_networkx(netxr.open(tmp_path / "found.zarr"))
    assert list(graph.nodes) == ["pre", "post", "x"]
    there = from_networkx(graph)
    assert there.sel(target="pre", source="post").item() == graph.edges["post", "pre"]["weight"]
    assert there.shape == (3, 3)


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


def test_a_single_trial_is_a_matrix_and_several_are_not(one_edge):
    of_one = one_edge.expand_dims(trial=["a"])
    assert list(to_networkx(of_one).edges) == [("post", "pre")]
    assert to_sparse(of_one.transpose("source", "trial", "target"), rows="target")[0, 1] == 0.5
    of_two = xr.concat([of_one, of_one.assign_coords(trial=["b"])], "trial")
    for hand_over in (to_networkx, lambda R: to_sparse(R, rows="target"), netxr.to_nwb):
        with pytest.raises(InvalidInput, match=r"2 trials; .* dim=\('time', 'trial'\).*isel\(trial=0\)"):
            hand_over(of_two)


def test_without_networkx(one_edge, monkeypatch):
    monkeypatch.setitem(sys.modules, "networkx", None)
    with pytest.raises(MissingExtra, match="\\[graph\\]"):
        to_networkx(one_edge)


# --- from a graph ---------------------------------------------------------------------


def test_from_a_graph_by_hand():
    graph = nx.DiGraph([("post", "pre", {"weight": 0.5, "gain": 2.0})])
    A = from_networkx(graph, neurons=["pre", "post", "x"])
    assert A.sel(target="pre", source="post").item() == 0.5
    assert int((A != 0).sum()) == 1
    assert list(A.target.values) == ["pre", "post", "x"]
    assert from_networkx(graph, weight="gain").sel(target="pre", source="post").item() == 2
    assert from_networkx(graph, weight="none").sel(target="pre", source="post").item() == 1
    assert from_networkx(nx.Graph([("a", "b")])).values.tolist() == [[0, 1], [1, 0]]


def test_a_graph_there_and_back_is_identical():
    A = netxr.random_connectivity(12, sparsity=0.7, seed=1, weights="normal")
    xr.testing.assert_equal(from_networkx(to_networkx(A)).drop_attrs(), A.drop_attrs())


def test_what_is_no_graph_to_take():
    with pytest.raises(InvalidInput, match="graph: got a list; expected a graph of NetworkX"):
        from_networkx([[0, 1]])
    with pytest.raises(InvalidInput, match="labels without 'b'"):
        from_networkx(nx.DiGraph([("a", "b")]), neurons=["a"])


# --- sparse matrices --------------------------------------------------------------------


def test_a_sparse_matrix_by_hand(one_edge):
    by_source = to_sparse(one_edge, rows="source")
    assert (by_source.shape, by_source.nnz, by_source[1, 0]) == ((3, 3), 1, 0.5)
    assert to_sparse(one_edge, rows="target")[0, 1] == 0.5
    assert to_sparse(one_edge, rows="source", neurons=["post", "x", "pre"])[0, 2] == 0.5
    # By the word of SciPy, the path from a row to a column.
    reached = csgraph.breadth_first_order(by_source, 1, return_predecessors=False)
    assert reached.tolist() == [1, 0]


@pytest.mark.parametrize("rows", ["source", "target"])
def test_sparse_there_and_back_is_identical(rows):
    A = netxr.random_connectivity(12, sparsity=0.7, seed=1, weights="normal")
    back = netxr.as_connectivity(to_sparse(A, rows=rows), rows=rows, neurons=A.target.values)
    xr.testing.assert_equal(back.drop_attrs(), A.drop_attrs())


def test_a_list_of_edges_as_a_sparse_matrix(one_edge):
    run = netxr.simulate(one_edge.fillna(0) * 10, n_steps=2000, seed=1).isel(trial=0)
    found = netxr.edges(netxr.correlation_test(run))
    assert to_sparse(found, rows="source").toarray().tolist() == [[0, 0, 0], [found.effect.item(), 0, 0], [0, 0, 0]]
    del found.attrs["neurons"]
    assert to_sparse(found, rows="source").toarray().tolist() == [[0, found.effect.item()], [0, 0]]  # post, pre
    everyone = to_sparse(found, rows="source", neurons=["pre", "post", "x"])
    assert everyone[1, 0] == found.effect.item()
    assert everyone.shape == (3, 3)


def test_what_is_no_sparse_matrix(one_edge):
    with pytest.raises(InvalidInput, match="rows: got 'columns'"):
        to_sparse(one_edge, rows="columns")
    with pytest.raises(InvalidInput, match="labels without 'post'"):
        to_sparse(one_edge, rows="source", neurons=["pre", "x"])
