"""Connections as other libraries hold them, an edge at a time: graphs of NetworkX, sparse matrices of SciPy.

Their rows are sources, where rows of netxr are targets: edges say themselves which way they point.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

import numpy as np
import xarray as xr
from scipy.sparse import csr_array

from netxr import names as n
from netxr.compat import optional
from netxr.errors import InvalidInput
from netxr.schema.arguments import check_choice, check_entries
from netxr.schema.arrays import ROWS, matrix_of_edges, neuron_labels
from netxr.schema.tables import Edges, edges_of, is_graph, neurons_in
from netxr.schema.variables import CONNECTIVITY_SPEC, check_variable, labels_of

if TYPE_CHECKING:
    import networkx as nx

WEIGHT: Final = "weight"
"""What the weight of an edge is called in graphs and tables."""


class Listed(NamedTuple):
    """Connections, an entry each: their neurons, where each begins and ends, and what is said of it, weights first."""

    neurons: list[Any]
    sources: list[Any]
    targets: list[Any]
    columns: dict[str, np.ndarray[Any, Any]]


def to_networkx(connections: xr.DataArray | xr.Dataset) -> "nx.DiGraph[Any]":
    """Make a directed graph of a matrix or of a list of edges.

    A matrix has its sources in columns, where NetworkX reads them from rows: the graph has the edge j -> i for the
    entry [i, j]. `netxr.from_networkx` takes a graph back. An estimate that tells no direction, such as a correlation
    at lag 0, has an edge either way: ``to_networkx(R).to_undirected()`` has each pair once.

    Parameters
    ----------
    connections : DataArray or Dataset
        Weights (target, source), or estimates: each entry but 0 and NaN is an edge. Or a list over `edge` with the
        coordinates `target` and `source`, as `netxr.edges` and `netxr.strongest_pairs` return it. Read at once.

    Returns
    -------
    networkx.DiGraph
        All neurons by label, also those without an edge, which a list has in its attribute `neurons`. Edges of a matrix
        have the attribute `weight`; those of a list one for each of its variables, the first of which is `weight` too.

    Raises
    ------
    InvalidInput
        If it is neither, or there are several matrices (lags, trials), or several edges from one neuron to another.
    MissingExtra
        If NetworkX is not installed.

    Examples
    --------
    >>> import netxr
    >>> A = netxr.as_connectivity([[0, 0.5], [0, 0]], rows="target", neurons=["pre", "post"])
    >>> A.sel(target="pre", source="post").item(), list(to_networkx(A).edges(data="weight"))
    (0.5, [('post', 'pre', 0.5)])
    """
    graph: nx.DiGraph[Any] = optional("networkx", what="A graph", extra="graph").DiGraph()
    neurons, sources, targets, columns = listed_edges(connections)
    rows = zip(*(column.tolist() for column in columns.values()), strict=True)
    about = [dict(zip(columns, row, strict=True)) for row in rows] if columns else [{}] * len(sources)
    graph.add_nodes_from(neurons)
    graph.add_edges_from(zip(sources, targets, about, strict=True))
    return graph


def from_networkx(graph: Any, *, weight: str = WEIGHT, neurons: Sequence[Any] | None = None) -> xr.DataArray:
    """Make a connectivity of a graph: its edge u -> v is the entry of target v and source u.

    Parameters
    ----------
    graph : graph of NetworkX
        One without direction has each edge both ways; weights of several edges between the same neurons add up.
    weight : str
        Attribute of the edges that is their weight; an edge without it has 1.
    neurons : sequence, optional
        All neurons, in the order of the result; if not given, the nodes of the graph.

    Returns
    -------
    DataArray
        The weights, (target, source).

    Raises
    ------
    InvalidInput
        If it is no graph, or an edge has a neuron that is not among `neurons`, or a weight that is no number.

    Examples
    --------
    >>> import networkx as nx
    >>> A = from_networkx(nx.DiGraph([("pre", "post")]))
    >>> A.sel(target="post", source="pre").item(), A.sel(target="pre", source="post").item()
    (1, 0)
    """
    if not is_graph(graph):
        fix = "netxr.as_connectivity takes matrices, tables and sparse matrices."
        raise InvalidInput("graph", got=f"a {type(graph).__name__}", expected="a graph of NetworkX", fix=fix)
    return matrix_of_edges(edges_of(graph, weight), list(graph.nodes) if neurons is None else neurons)


def to_sparse(
    connections: xr.DataArray | xr.Dataset,
    *,
    rows: Literal["target", "source"],
    neurons: Sequence[Any] | None = None,
) -> "csr_array[Any, tuple[int, int]]":
    """Make a sparse matrix of SciPy of a matrix or of a list of edges; `netxr.as_connectivity` takes it back.

    Parameters
    ----------
    connections : DataArray or Dataset
        As in `netxr.to_networkx`. The first variable of a list is the weight.
    rows : {"target", "source"}
        What a row of the result is: "source" for `scipy.sparse.csgraph`, "target" for products A @ x. No default.
    neurons : sequence, optional
        The neurons of rows and columns, in this order. If not given, all of a matrix or list.

    Returns
    -------
    scipy.sparse.csr_array
        Square, with as many stored entries as there are edges.

    Raises
    ------
    InvalidInput
        As by `netxr.to_networkx`; or if an edge has a neuron that is not among `neurons`.

    Examples
    --------
    >>> import netxr
    >>> A = netxr.as_connectivity([[0, 0.5], [0, 0]], rows="target", neurons=["pre", "post"])
    >>> to_sparse(A, rows="source").toarray().tolist()
    [[0.0, 0.0], [0.5, 0.0]]
    """
    check_choice("rows", rows, ROWS)
    there, sources, targets, columns = listed_edges(connections)
    weights = next(iter(columns.values()), np.ones(len(sources)))
    wanted = there if neurons is None else check_entries("neurons", neurons, expected="labels of neurons")
    labels = neuron_labels(wanted, len(wanted)).tolist()
    place = {label: k for k, label in enumerate(labels)}
    unknown = next((label for label in (*sources, *targets) if label not in place), None)
    if unknown is not None:
        got = f"labels without {unknown!r}, which has an edge"
        raise InvalidInput("neurons", got=got, expected="all neurons, in the labels of the edges")
    sides = (targets, sources) if rows == n.TARGET else (sources, targets)
    ends = tuple([place[label] for label in side] for side in sides)
    return csr_array((weights, ends), shape=(len(labels), len(labels)))


def listed_edges(connections: xr.DataArray | xr.Dataset) -> Listed:
    """Return the edges of a matrix or of a list of them, read at once.

    Raises InvalidInput if it is neither, or there are several matrices, or edges from one neuron to another.
    """
    if isinstance(connections, xr.Dataset) and {n.TARGET, n.SOURCE} <= {*connections.coords}:
        return _of_list(connections)
    matrix = check_variable(connections, CONNECTIVITY_SPEC, argument="connections")
    if matrix.sizes.get(n.TRIAL, 1) > 1:
        fix = f"Pool trials by the estimator, with dim=({n.TIME!r}, {n.TRIAL!r}), or take one with .isel({n.TRIAL}=0)."
        got = f"matrices of {matrix.sizes[n.TRIAL]} trials"
        raise InvalidInput("connections", got=got, expected="one matrix, or that of one trial", fix=fix)
    matrix = matrix.squeeze([dim for dim in matrix.dims if dim == n.TRIAL]).compute()
    targets, sources = labels_of(matrix, n.TARGET).tolist(), labels_of(matrix, n.SOURCE).tolist()
    values = matrix.transpose(n.TARGET, n.SOURCE).values
    to, of = np.nonzero((values != 0) & ~np.isnan(values))
    ends = [sources[j] for j in of.tolist()], [targets[i] for i in to.tolist()]
    return Listed(list(dict.fromkeys([*targets, *sources])), *ends, {WEIGHT: values[to, of]})


def all_neurons(targets: np.ndarray[Any, Any], sources: np.ndarray[Any, Any]) -> dict[str, list[Any]]:
    """Return the attribute of a list of edges that names all neurons: targets, and sources that are none."""
    return {n.NEURONS: list(dict.fromkeys([*targets.tolist(), *sources.tolist()]))}


def _of_list(edges: xr.Dataset) -> Listed:
    """Return the edges of a list, each with what the list says of it."""
    table = edges.compute()
    if table[n.TARGET].dims != (n.EDGE,) or table[n.SOURCE].dims != (n.EDGE,):
        got = f"a Dataset with dims {dict(edges.sizes)}"
        raise InvalidInput("connections", got=got, expected=f"a list over {n.EDGE!r}, or a DataArray")
    sources, targets = table[n.SOURCE].values.tolist(), table[n.TARGET].values.tolist()
    if len(set(zip(sources, targets, strict=True))) < len(sources):
        got = "several edges from one neuron to another, at different lags or of different trials"
        fix = f"Take one lag and trial, such as .isel({n.EDGE}=edges.lag == 1)."
        raise InvalidInput("connections", got=got, expected="one", fix=fix)
    about = {str(name): one.values for name, one in table.data_vars.items() if one.dims == (n.EDGE,)}
    weights = {WEIGHT: next(iter(about.values()))} if about else {}
    with_edge = neurons_in(Edges(sources, targets, np.ones(len(sources))))
    neurons = list(dict.fromkeys([*table.attrs.get(n.NEURONS, ()), *with_edge]))
    return Listed(neurons, sources, targets, weights | about)
