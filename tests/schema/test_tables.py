"""Tables, graphs and lists of edges keep their labels: three by hand first, then against pandas and NetworkX."""

import dask.array as da
import networkx as nx
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import scipy.sparse
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import netxr
from netxr.errors import InvalidInput


def test_a_matrix_with_columns_in_another_order_by_hand():
    table = pd.DataFrame([[1, 2], [3, 4]], index=["a", "b"], columns=["b", "a"])  # a <- b is 1
    A = netxr.as_connectivity(table, rows="target")
    assert (A.target.values.tolist(), A.source.values.tolist()) == (["a", "b"], ["a", "b"])
    assert (A.sel(target="a", source="b").item(), A.sel(target="b", source="a").item()) == (1, 4)
    assert netxr.as_connectivity(table, rows="source").sel(target="b", source="a").item() == 1


def test_edges_by_hand():
    edges = pd.DataFrame({"weight": [2.0, 3.0, 0.5], "post": ["b", "b", "a"], "pre": ["a", "a", "c"]})
    A = netxr.as_connectivity(edges)
    assert A.target.values.tolist() == ["a", "b", "c"]
    assert A.values.tolist() == [[0, 0, 0.5], [5, 0, 0], [0, 0, 0]]
    assert netxr.as_connectivity(edges.drop(columns="weight")).sel(target="b", source="a").item() == 2


def test_samples_with_names_by_hand():
    table = pd.DataFrame({"AVAL": [1.0, 2.0, 4.0], "AVAR": [5.0, 3.0, 7.0]}, index=[0.5, 1.0, 1.5])
    x = netxr.as_activity(table, dims=("time", "neuron"))
    assert x.neuron.values.tolist() == ["AVAL", "AVAR"]
    assert x.values.tolist() == [[1, 2, 4], [5, 3, 7]]
    assert x.attrs == {"sampling_interval": 0.5, "sampling_interval_units": "s", "start_time": 0.5}


# --- samples --------------------------------------------------------------------------

SAMPLES = np.array([[1.0, 5.0], [2.0, 3.0], [4.0, 7.0], [0.0, 1.0]])


def of_polars(columns):
    """A stand-in for a table of polars: columns by their names."""
    own = {"__module__": "polars.dataframe.frame", "columns": [*columns], "__getitem__": lambda _, name: columns[name]}
    return type("DataFrame", (), own)()


@pytest.mark.parametrize(
    "table",
    [
        pd.DataFrame(SAMPLES, columns=[3, 7]),
        pd.DataFrame(SAMPLES, columns=[3, 7]).astype({3: "Float64", 7: "Int64"}),
        pd.DataFrame(SAMPLES, columns=[3, 7]).iloc[:, ::-1],
        pd.DataFrame(SAMPLES.T, index=[3, 7]).T,
        pd.DataFrame(SAMPLES, columns=["3", "7"]),
        pa.table({"3": SAMPLES[:, 0], "7": SAMPLES[:, 1]}),
        of_polars({"3": SAMPLES[:, 0], "7": SAMPLES[:, 1]}),
        np.rec.fromarrays(SAMPLES.T, names="three,seven"),
    ],
)
def test_columns_are_neurons(table):
    x = netxr.as_activity(table, dims=("time", "neuron"))
    names = list(getattr(table, "column_names", [])) or list(getattr(table, "columns", ["three", "seven"]))
    assert x.neuron.values.tolist() == names
    for k, name in enumerate(names):
        column = 0 if str(name) in ("3", "three") else 1
        np.testing.assert_array_equal(x[k], SAMPLES[:, column])


def test_rows_are_neurons_and_a_missing_number_is_nan():
    table = pd.DataFrame({0: [1, 2], 1: [3, None]}, index=["b", "a"]).astype("Int64")
    x = netxr.as_activity(table, dims=("neuron", "time"))
    np.testing.assert_array_equal(x.sel(neuron="a"), [2, np.nan])
    given_names = netxr.as_activity(table, dims=("neuron", "time"), neurons=["x", "y"])
    assert given_names.neuron.values.tolist() == ["x", "y"]


@pytest.mark.parametrize(
    ("index", "interval", "start"),
    [
        (pd.date_range("2026-01-01", periods=4, freq="20ms"), 0.02, 0.0),
        (pd.timedelta_range("3s", periods=4, freq="500ms"), 0.5, 3.0),
        (pd.Index([0, 10, 20, 30], name="time"), 10.0, 0.0),
        (pd.Index(np.arange(4) * 0.1), 0.1, 0.0),
    ],
)
def test_an_index_of_times_is_the_clock(index, interval, start):
    x = netxr.as_activity(pd.DataFrame(SAMPLES, index=index, columns=["a", "b"]), dims=("time", "neuron"))
    np.testing.assert_allclose(x.attrs["sampling_interval"], interval, rtol=1e-12)
    np.testing.assert_allclose(x.time.values, start + interval * np.arange(4), rtol=1e-12)


@pytest.mark.parametrize("index", [None, [7, 8, 9, 10], range(0, 8, 2)])
def test_rows_that_are_counted_have_no_times(index):
    x = netxr.as_activity(pd.DataFrame(SAMPLES, index=index, columns=["a", "b"]), dims=("time", "neuron"))
    assert "time" not in x.coords
    assert x.attrs == {}


@pytest.mark.parametrize(
    ("index", "says"),
    [
        ([0, 1, 3, 4], "1 is followed by 3"),
        ([3, 2, 1, 0], "3 is followed by 2"),
        ([0.0, 0.1, 0.3, 0.4], "not even"),
        (pd.to_datetime(["2026-01-01", "2026-01-02", "2026-01-04", "2026-01-05"]), "not even"),
        (list("abcd"), "labels along time such as 'a'"),
        (pd.MultiIndex.from_product([["one", "two"], [0, 1]]), "2 levels"),
    ],
)
def test_rows_that_are_not_even_samples_are_refused(index, says):
    with pytest.raises(InvalidInput, match=says):
        netxr.as_activity(pd.DataFrame(SAMPLES, index=index, columns=["a", "b"]), dims=("time", "neuron"))


def test_an_interval_that_the_index_contradicts_is_refused():
    table = pd.DataFrame(SAMPLES, index=np.arange(4) * 0.1)
    assert netxr.as_activity(table, dims=("time", "neuron"), sampling_interval=0.10001).sampling_interval == 0.1
    with pytest.raises(InvalidInput, match=r"sampling_interval: got 0\.2; expected none, or 0\.1"):
        netxr.as_activity(table, dims=("time", "neuron"), sampling_interval=0.2)


@pytest.mark.parametrize("name", ["time", "time_ms"])
def test_a_clock_between_neurons_is_no_neuron(name):
    samples = np.random.default_rng(0).normal(size=(12, 2))
    table = pd.DataFrame({"a": samples[:, 0], name: np.arange(12) * 20, "b": samples[:, 1]})
    with pytest.raises(InvalidInput, match=rf"a column '{name}' that counts or times the rows.*set_index\('{name}'\)"):
        netxr.as_activity(table, dims=("time", "neuron"))
    assert netxr.as_activity(table[["a", "b"]], dims=("time", "neuron")).neuron.values.tolist() == ["a", "b"]


@pytest.mark.parametrize("name", ["time", "Unnamed: 0", "whatever"])
def test_a_column_that_counts_the_rows_is_no_neuron(name):
    table = pd.DataFrame({name: np.arange(4) * 0.1, "a": SAMPLES[:, 0], "b": SAMPLES[:, 1]})
    with pytest.raises(InvalidInput, match=r"counts or times the rows.*set_index"):
        netxr.as_activity(table, dims=("time", "neuron"))
    assert netxr.as_activity(table.set_index(name), dims=("time", "neuron")).sizes["neuron"] == 2


def test_columns_on_several_levels_and_other_objects_are_refused_by_name():
    table = pd.DataFrame(SAMPLES, columns=pd.MultiIndex.from_tuples([("V1", 1), ("S1", 1)]))
    with pytest.raises(InvalidInput, match=r"columns with labels on 2 levels.*join"):
        netxr.as_activity(table, dims=("time", "neuron"))
    with pytest.raises(InvalidInput, match=r"a Series.*unstack"):
        netxr.as_activity(pd.Series(SAMPLES[:, 0]), dims=("time",))
    run = xr.Dataset({"activity": (("neuron", "time"), SAMPLES.T)})
    with pytest.raises(InvalidInput, match=r"a Dataset.*Take one variable of it, 'activity'"):
        netxr.as_activity(run, dims=("neuron", "time"))
    with pytest.raises(InvalidInput, match=r"several, such as a DataFrame.*concat"):
        netxr.as_activity([pd.DataFrame(SAMPLES)] * 2, dims=("trial", "time", "neuron"))
    with pytest.raises(InvalidInput, match="weights: got a dict"):
        netxr.as_connectivity({"a": {"b": 1}}, rows="target")


def test_what_is_left_out_is_asked_for_with_the_reason():
    with pytest.raises(InvalidInput, match=r"dims: got none for shape \(4, 2\).*dims=\('neuron', 'time'\)"):
        netxr.as_activity(SAMPLES)
    with pytest.raises(InvalidInput, match=r"rows: got none.*from j to i"):
        netxr.as_connectivity(SAMPLES[:2])


# --- matrices -------------------------------------------------------------------------


@given(
    st.permutations(["a", "b", "c", "d"]), st.permutations(["a", "b", "c", "d"]), st.sampled_from(["target", "source"])
)
def test_rows_and_columns_in_any_order_are_the_same_matrix(index, columns, rows):
    table = pd.DataFrame(np.arange(16.0).reshape(4, 4), index=list("abcd"), columns=list("abcd"))
    A = netxr.as_connectivity(table.loc[index, columns], rows=rows)
    for i in index:
        for j in columns:
            assert A.sel({rows: i, "source" if rows == "target" else "target": j}).item() == table.loc[i, j]
    assert A.target.values.tolist() == A.source.values.tolist() == list(index)


@pytest.mark.parametrize(
    ("index", "columns", "labels"),
    [
        (["a", "b"], None, ["a", "b"]),
        (None, ["a", "b"], ["a", "b"]),
        (None, None, [0, 1]),
        ([3, 7], ["7", "3"], [3, 7]),
        (["3", "7"], [7, 3], [3, 7]),
        ([0, 1], ["1", "0"], [0, 1]),
        (None, [1, 0], [0, 1]),
    ],
)
def test_labels_of_one_axis_or_written_alike_are_those_of_both(index, columns, labels):
    values = [[1, 2], [3, 4]]
    A = netxr.as_connectivity(pd.DataFrame(values, index=index, columns=columns), rows="target")
    assert A.target.values.tolist() == A.source.values.tolist() == labels
    is_swapped = columns is not None and list(map(str, columns)) != list(map(str, labels))
    assert A.values.tolist() == ([[2, 1], [4, 3]] if is_swapped else values)


def test_rows_and_columns_of_other_neurons_are_refused():
    with pytest.raises(InvalidInput, match=r"different neurons.*see 'b'"):
        netxr.as_connectivity(pd.DataFrame(np.eye(2), index=["a", "b"], columns=["a", "c"]), rows="target")
    with pytest.raises(InvalidInput, match="or some twice: see 'a'"):
        netxr.as_connectivity(pd.DataFrame(np.eye(3), index=list("aab"), columns=list("aba")), rows="target")
    with pytest.raises(InvalidInput, match="square"):
        netxr.as_connectivity(pd.DataFrame(np.ones((2, 3)), index=["a", "b"]), rows="target")


@pytest.mark.parametrize(
    "make", [scipy.sparse.csr_matrix, scipy.sparse.csc_array, scipy.sparse.coo_array, da.from_array]
)
def test_sparse_and_lazy_matrices(make):
    weights = np.array([[0, 2.5], [0, -1]])
    A = netxr.as_connectivity(make(weights), rows="source")
    np.testing.assert_array_equal(A, weights.T)
    assert (
        netxr.as_activity(scipy.sparse.csr_array(SAMPLES), dims=("time", "neuron")).values.T.tolist()
        == SAMPLES.tolist()
    )


def test_one_matrix_a_trial():
    weights = np.arange(12.0).reshape(3, 2, 2)
    A = netxr.as_connectivity(weights, rows="source", neurons=["a", "b"])
    assert A.dims == ("trial", "target", "source")
    for k in range(3):
        assert A.sel(trial=k, target="b", source="a") == weights[k, 0, 1]
    R = xr.DataArray(weights.transpose(0, 2, 1), A.coords, A.dims)
    np.testing.assert_allclose(netxr.compare(A, R, diagonal=True, permutations=0).pearson, [1, 1, 1])
    assert netxr.as_connectivity(np.moveaxis(weights, 0, -1), rows="source", neurons=["a", "b"]).equals(A)


# --- edges ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [nx.Graph, nx.DiGraph, nx.MultiGraph, nx.MultiDiGraph])
@pytest.mark.parametrize("name", [int, str])
def test_graphs_are_as_networkx_writes_them(kind, name):
    rng = np.random.default_rng(0)
    graph = kind()
    graph.add_nodes_from(name(k) for k in (4, 0, 3, 1, 2, 9))
    for u, v in rng.integers(0, 5, size=(12, 2)).tolist():
        graph.add_edge(name(u), name(v), **({"weight": rng.normal()} if u != 2 else {}))
    A = netxr.as_connectivity(graph)
    np.testing.assert_allclose(A.T, nx.to_numpy_array(graph))  # [i, j] of NetworkX is from i to j
    assert A.target.values.tolist() == list(graph)
    edge = next((u, v) for u, v in graph.edges if u != v) if not graph.is_multigraph() else None
    if edge:
        assert A.sel(source=edge[0], target=edge[1]) == graph.edges[edge].get("weight", 1)


def test_a_graph_without_an_edge_and_one_of_some_neurons():
    graph = nx.DiGraph()
    graph.add_nodes_from(["a", "b"])
    assert netxr.as_connectivity(graph).values.tolist() == [[0, 0], [0, 0]]
    graph.add_edge("a", "b")
    A = netxr.as_connectivity(graph, neurons=["b", "c", "a"])
    assert (A.sizes["target"], A.sum().item(), A.sel(target="b", source="a").item()) == (3, 1, 1)


@pytest.mark.parametrize(
    "columns",
    [
        ("source", "target", "weight"),
        ("pre_root_id", "post_root_id", "syn_count"),
        ("bodyId_pre", "bodyId_post", "weight"),
        ("From", "To", "Strength"),
        ("presynaptic", "Postsynaptic", "weights"),
    ],
)
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_edges_under_the_names_that_people_give_them(columns, order):
    table = pd.DataFrame({columns[0]: [10, 20], columns[1]: [20, 30], columns[2]: [4, 5]})
    A = netxr.as_connectivity(table[[columns[k] for k in order]], neurons=[10, 20, 30, 40])
    assert (A.sel(source=10, target=20).item(), A.sel(source=20, target=30).item(), A.sum().item()) == (4, 5, 9)


def test_an_edge_without_a_weight_has_one():
    edges = pd.DataFrame({"source": ["a", "b"], "target": ["b", "a"], "weight": [2.5, None]})
    assert netxr.as_connectivity(edges).values.tolist() == [[0, 1], [2.5, 0]]


@pytest.mark.parametrize(
    ("edges", "options", "says"),
    [
        ({"source": ["a"], "target": ["b"]}, {"rows": "target"}, "rows: got 'target'.*none"),
        ({"source": ["a"], "target": ["b"]}, {"neurons": ["a", "c"]}, r"neurons: got labels without 'b' \(str\)"),
        ({"source": ["a"], "target": [None]}, {}, "an edge without a neuron"),
        ({"source": ["a"], "target": ["b"], "weight": ["much"]}, {}, "'weight' that is no numbers"),
        ({"source": ["a"], "target": ["b"], "distance": [3.0]}, {}, "'distance'.*Call it weight"),
        ({"pre_id": ["a"], "pre_area": ["V1"], "post_id": ["b"]}, {}, "'pre_id' and 'pre_area'"),
        ({"source": ["a"], "target": [1]}, {}, "numbers and text"),
    ],
)
def test_edges_that_cannot_be_understood_are_refused(edges, options, says):
    with pytest.raises(InvalidInput, match=says):
        netxr.as_connectivity(pd.DataFrame(edges), **options)


def test_an_array_of_edges_is_told_to_name_its_columns():
    with pytest.raises(InvalidInput, match="Name the columns"):
        netxr.as_connectivity([[0, 1, 0.5], [1, 2, 0.25]], rows="target")
