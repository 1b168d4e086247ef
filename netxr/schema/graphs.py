"""Connections as a graph of NetworkX: each edge goes from its source to its target."""

from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from netxr import names as n
from netxr.errors import InvalidInput, MissingExtra
from netxr.schema.variables import CONNECTIVITY_SPEC, check_variable, labels_of

if TYPE_CHECKING:
    import networkx as nx


def to_networkx(connections: xr.DataArray | xr.Dataset) -> "nx.DiGraph[Any]":
    """Make a directed graph of a matrix or of a list of edges.

    A matrix has its sources in columns, where NetworkX reads them from rows: the graph has the edge j -> i for the
    entry [i, j]. `netxr.as_connectivity` takes a graph back.

    Parameters
    ----------
    connections : DataArray or Dataset
        Weights (target, source), or estimates: each entry but 0 and NaN is an edge. Or a list over `edge` with the
        coordinates `target` and `source`, as `netxr.edges` and `netxr.strongest_pairs` return it. Read at once.

    Returns
    -------
    networkx.DiGraph
        The neurons by label: all of a matrix, of a list those that have an edge. Edges of a matrix have the attribute
        `weight`; those of a list one for each of its variables, and the first of them is `weight` too.

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
    try:
        import networkx as nx
    except ImportError:
        raise MissingExtra("A graph", package="networkx", extra="graph") from None
    graph: nx.DiGraph[Any] = nx.DiGraph()
    if isinstance(connections, xr.Dataset) and {n.TARGET, n.SOURCE} <= {*connections.coords}:
        graph.add_edges_from(_listed(connections))
        return graph
    matrix = check_variable(connections, CONNECTIVITY_SPEC, argument="connections").compute()
    targets, sources = labels_of(matrix, n.TARGET).tolist(), labels_of(matrix, n.SOURCE).tolist()
    graph.add_nodes_from([*targets, *sources])
    values = matrix.transpose(n.TARGET, n.SOURCE).values
    places = np.argwhere((values != 0) & ~np.isnan(values)).tolist()
    graph.add_edges_from((sources[j], targets[i], {"weight": values[i, j].item()}) for i, j in places)
    return graph


def _listed(edges: xr.Dataset) -> list[tuple[Hashable, Hashable, dict[str, Any]]]:
    """Return the edges of a list, source first, each with what the list says of it."""
    table = edges.compute()
    if table[n.TARGET].dims != (n.EDGE,) or table[n.SOURCE].dims != (n.EDGE,):
        got = f"a Dataset with dims {dict(edges.sizes)}"
        raise InvalidInput("connections", got=got, expected=f"a list over {n.EDGE!r}, or a DataArray")
    ends = list(zip(table[n.SOURCE].values.tolist(), table[n.TARGET].values.tolist(), strict=True))
    if len(set(ends)) < len(ends):
        got = "several edges from one neuron to another, at different lags or of different trials"
        fix = f"Take one lag and trial, such as .isel({n.EDGE}=edges.lag == 1)."
        raise InvalidInput("connections", got=got, expected="one", fix=fix)
    names = [str(name) for name, one in table.data_vars.items() if one.dims == (n.EDGE,)]
    rows = zip(*(table[name].values.tolist() for name in names), strict=True)
    about = [dict(zip(names, row, strict=True)) for row in rows]
    first = names[0] if names else ""
    return [(*end, {"weight": row[first], **row}) for end, row in zip(ends, about, strict=True)]
