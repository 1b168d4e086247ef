"""What tables say themselves: the labels of rows and columns, the times of rows, and edges between neurons."""

import re
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.schema.spacing import interval_in

SOURCE_WORDS: Final = frozenset({"source", "pre", "presynaptic", "presyn", "from", "sender"})
TARGET_WORDS: Final = frozenset({"target", "post", "postsynaptic", "postsyn", "to", "receiver"})
WEIGHT_WORDS: Final = ("weight", "weights", "strength", "syn_count", "synapses", "n_syn", "count", "effect")
"""What the columns of a list of edges are called; the first word of weights that is there counts."""

OTHER_TABLES: Final = ("polars", "pyarrow")
"""Packages whose tables are taken as those of pandas are."""

FEW: Final = 10
"""Rows from which an even ascent is no coincidence, wherever its column stands."""

RENUMBER: Final = "If they follow each other evenly, number them anew: .reset_index(drop=True), for columns of its .T."


class Edges(NamedTuple):
    """A list of edges, an entry each: the neuron it comes from, the one it points to, and its weight."""

    sources: list[Any]
    targets: list[Any]
    weights: Any


def table_of(argument: str, values: Any) -> pd.DataFrame | None:
    """Return a table whose columns have names: of pandas, polars or pyarrow, or an array with fields; None for others.

    Raises InvalidInput if it is a Series, lazy, or its axes have labels on several levels.

    Examples
    --------
    >>> table_of("samples", np.zeros(5, dtype=[("a", "f8"), ("b", "f8")])).columns.tolist()
    ['a', 'b']
    """
    if isinstance(values, pd.Series):
        fix = "Make a table of it, with .unstack() or .to_frame()."
        raise InvalidInput(argument, got="a Series", expected="a table or an array", fix=fix)
    if isinstance(values, np.ndarray) and values.dtype.names and values.ndim == 1:
        return pd.DataFrame({name: values[name] for name in values.dtype.names})
    package = type(values).__module__.partition(".")[0]
    if hasattr(values, "collect"):
        raise InvalidInput(
            argument, got=f"a {type(values).__name__} of {package}", expected="a table", fix=".collect() it."
        )
    names = getattr(values, "column_names", None) or getattr(values, "columns", None)
    if names is None:
        return None
    if package in OTHER_TABLES:
        return pd.DataFrame({name: np.asarray(values[name]) for name in names})
    if not isinstance(values, pd.DataFrame):
        fix = "Give its array, and the labels of its columns as neurons=."
        raise InvalidInput(argument, got=f"a {type(values).__name__} of {package}", expected="a DataFrame", fix=fix)
    for axis, index in (("rows", values.index), ("columns", values.columns)):
        if isinstance(index, pd.MultiIndex):
            fix = "Join the levels, e.g. columns.map('_'.join), or take the part of one level with .xs."
            got = f"{axis} with labels on {index.nlevels} levels"
            raise InvalidInput(argument, got=got, expected="one label each", fix=fix)
    return values


def numbers_in(table: pd.DataFrame) -> np.ndarray[Any, Any]:
    """Return the entries of a table as an array; where columns of numbers are of several kinds, float64."""
    are_numbers = all(map(pd.api.types.is_numeric_dtype, table.dtypes))
    values: np.ndarray[Any, Any] = table.to_numpy()
    return np.asarray(table.to_numpy(np.float64, na_value=np.nan)) if values.dtype == object and are_numbers else values


def labels_in(index: pd.Index) -> list[Any] | None:
    """Return the labels of rows or columns; None where they are 0, 1, 2, ..., as of those that got none."""
    is_counted = pd.api.types.is_integer_dtype(index.dtype) and (index == np.arange(len(index))).all()
    return None if is_counted else index.tolist()


def times_in(index: pd.Index) -> np.ndarray[Any, Any] | None:
    """Return the times of samples: seconds for dates and durations, else as they are; None where samples are counted.

    Raises InvalidInput if they are no times, or samples that are counted are not all there.
    """
    if pd.api.types.is_integer_dtype(index.dtype) and str(index.name).lower() != n.TIME:
        steps = np.diff(index.to_numpy())
        if (steps != steps[:1]).any() or (steps <= 0).any():
            k = int(((steps != steps[0]) | (steps <= 0)).argmax())
            got = f"samples that are not all there, or not in order: {index[k]} is followed by {index[k + 1]}"
            raise InvalidInput("samples", got=got, expected="every sample in its place", fix=RENUMBER)
        return None
    if index.dtype.kind in "mM":
        first = index[0] if index.dtype.kind == "M" else pd.Timedelta(0)
        return np.asarray((index - first) / pd.Timedelta(1, "s"))
    if not pd.api.types.is_numeric_dtype(index.dtype) or index.dtype == bool:
        got = f"labels along {n.TIME} such as {index[0]!r}" if len(index) else f"nothing along {n.TIME}"
        raise InvalidInput("samples", got=got, expected="times, or none", fix=RENUMBER)
    return np.asarray(index)


def interval_of(times: np.ndarray[Any, Any]) -> float:
    """Return the time from one row to the next, or raise InvalidInput if the times are not even."""
    interval, wrong = interval_in(times)
    if wrong:
        raise InvalidInput("samples", got=f"an index that {wrong}", expected="even times", fix=RENUMBER)
    return interval


def check_neurons(table: pd.DataFrame) -> None:
    """Raise InvalidInput if a column of a table of samples counts or times its rows: the first, or of many rows one."""
    looked_at = table.shape[1] if len(table) >= FEW else min(2, table.shape[1])
    ascends = [_ascends(table.iloc[:, k]) for k in range(looked_at)]
    called = [str(name).lower() in ("time", "unnamed: 0") for name in table.columns]
    is_first = ascends[:2] == [True, False]
    if any(called) or is_first or (sum(ascends) == 1 < len(ascends) and len(table) >= FEW):
        name = table.columns[(called if any(called) else ascends).index(True)]
        fix = f"Take it for the index, with .set_index({name!r}), or remove it."
        got = f"a column {name!r} that counts or times the rows"
        raise InvalidInput("samples", got=got, expected="a neuron in each column", fix=fix)


def _ascends(column: pd.Series) -> bool:
    """Return whether numbers ascend evenly, as a clock or a counter does and no neuron."""
    if not pd.api.types.is_numeric_dtype(column.dtype) or column.dtype == bool or len(column) < 3:
        return False
    steps = np.diff(column.to_numpy(dtype=np.float64, na_value=np.nan))
    return bool((steps > 0).all() and np.ptp(steps) <= 1e-6 * steps[0])


# --- matrices with names ----------------------------------------------------------------


def matrix_in(table: pd.DataFrame) -> tuple[np.ndarray[Any, Any], list[Any] | None]:
    """Return a square table of weights, its columns in the order of its rows, and their labels.

    Rows or columns without labels are in the order of the others.

    Raises InvalidInput if rows and columns are not of the same neurons.
    """
    rows, columns = table.index.tolist(), table.columns.tolist()
    if table.shape[0] != table.shape[1] or rows == columns:
        return numbers_in(table), labels_in(table.index)
    # Numbers in the first line of a file are text to pandas, and those in its first column are not.
    written = {str(label): k for k, label in enumerate(columns)}
    if written.keys() == set(map(str, rows)) and len(written) == len(rows):
        order = [written[str(label)] for label in rows]
        is_text = all(isinstance(label, str) for label in rows)
        return numbers_in(table.iloc[:, order]), [columns[k] for k in order] if is_text else rows
    unnamed = [index for index in (table.index, table.columns) if labels_in(index) is None]
    if unnamed:
        return numbers_in(table), columns if unnamed[0] is table.index else rows
    only = next((label for label in [*rows, *columns] if (label in rows) != (label in columns)), rows[0])
    raise InvalidInput(
        "weights",
        got=f"rows and columns of different neurons, or some twice: see {only!r}",
        expected="the same labels on both axes, each once",
        fix="Give each neuron a row and a column, e.g. with .reindex(index=..., columns=...).",
    )


# --- edges ------------------------------------------------------------------------------


def edges_in(table: pd.DataFrame) -> Edges | None:
    """Return the edges that a table lists, in columns such as source, target and weight; None if it lists none.

    The columns may be in any order; their names may be longer, such as pre_root_id. Without weights, each edge has 1,
    as has an edge whose weight is missing.

    Raises InvalidInput if several columns could be meant, or an edge has no neuron, or a weight that is no number.

    Examples
    --------
    >>> edges_in(pd.DataFrame({"weight": [2.0], "post": ["b"], "pre": ["a"]}))
    Edges(sources=['a'], targets=['b'], weights=array([2.]))
    """
    found = end_columns(list(table.columns))
    if not all(found):
        return None
    for columns in found:
        if len(columns) > 1:
            fix = "Name the columns source, target and weight, and remove the others."
            several = " and ".join(repr(table.columns[k]) for k in columns)
            raise InvalidInput("weights", got=f"columns {several}", expected="one", fix=fix)
    ends = [table.iloc[:, columns[0]] for columns in found]
    if any(end.isna().any() for end in ends):
        raise InvalidInput("weights", got="an edge without a neuron", expected="a source and a target of each edge")
    named = {str(column).lower(): column for column in table.columns}
    column = next((named[word] for word in WEIGHT_WORDS if word in named), None)
    further = table.columns.delete([columns[0] for columns in found])
    numeric = [name for name in further if pd.api.types.is_numeric_dtype(table[name].dtype)]
    if column is None and numeric:
        fix = "Call it weight, or remove it: then every edge has weight 1."
        got = f"an edge list with a column {numeric[0]!r}"
        raise InvalidInput("weights", got=got, expected="a column weight, or none", fix=fix)
    weights: Any = np.ones(len(table), dtype=np.int64)
    if column is not None:
        if not pd.api.types.is_numeric_dtype(table[column].dtype):
            raise InvalidInput("weights", got=f"a column {column!r} that is no numbers", expected="numbers")
        weights = numbers_in(table[[column]].fillna(1))[:, 0]
    return Edges(ends[0].tolist(), ends[1].tolist(), weights)


def end_columns(names: Sequence[Any]) -> tuple[list[int], list[int]]:
    """Return which columns hold the sources of edges and which the targets, by their names; none where none does.

    Examples
    --------
    >>> end_columns(["weight", "post_id", "pre_id"]), end_columns(["AVAL", "AVAR"])
    (([2], [1]), ([], []))
    """
    return _called(names, SOURCE_WORDS), _called(names, TARGET_WORDS)


def _called(names: Sequence[Any], words: frozenset[str]) -> list[int]:
    """Return which names contain one of some words; if some are such a word, these."""
    lower = [str(name).strip().lower() for name in names]
    return [k for k, name in enumerate(lower) if name in words] or [
        k for k, name in enumerate(lower) if words & set(re.split(r"[^a-z]+", name))
    ]


def is_graph(values: Any) -> bool:
    """Return whether a value is a graph of NetworkX, which need not be installed."""
    return all(hasattr(values, name) for name in ("nodes", "edges", "is_directed"))


def edges_of(graph: Any, weight: str = WEIGHT_WORDS[0]) -> Edges:
    """Return the edges of a graph of NetworkX: u -> v has source u and target v; one without direction goes both ways.

    An edge without a weight has 1.
    """
    edges = [(u, v, 1 if w is None else w) for u, v, w in graph.edges(data=weight)]
    if not graph.is_directed():
        edges += [(v, u, w) for u, v, w in edges if u != v]
    sources, targets, weights = (list(column) for column in zip(*edges, strict=True)) if edges else ([], [], [])
    return Edges(sources, targets, np.array(weights) if weights else np.zeros(0, dtype=np.int64))


def neurons_in(edges: Edges) -> list[Any]:
    """Return the neurons that have an edge, sorted; where they cannot be, in the order of the edges."""
    found = list(dict.fromkeys([*edges.sources, *edges.targets]))
    try:
        return sorted(found)
    except TypeError:
        return found


def matrix_of(edges: Edges, neurons: Sequence[Any]) -> np.ndarray[Any, Any]:
    """Return the weights of edges as a matrix (target, source); those of edges between the same neurons add up.

    Raises InvalidInput if a neuron of an edge is not among `neurons`, or a weight is no number.
    """
    place = {label: k for k, label in enumerate(neurons)}
    unknown = [label for label in (*edges.sources, *edges.targets) if label not in place]
    if unknown:
        label = unknown[0]
        got = f"labels without {label!r} ({type(label).__name__}), which has an edge"
        raise InvalidInput("neurons", got=got, expected="all neurons, in the labels of the edges")
    if edges.weights.dtype.kind not in "fiub":
        raise InvalidInput("weights", got=f"weights of dtype {edges.weights.dtype}", expected="numbers")
    weights = edges.weights if edges.weights.dtype.kind == "f" else edges.weights.astype(np.int64)
    matrix = np.zeros((len(place), len(place)), dtype=weights.dtype)
    np.add.at(matrix, ([place[label] for label in edges.targets], [place[label] for label in edges.sources]), weights)
    return matrix
