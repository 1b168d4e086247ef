"""What a folder or a store holds, as a table: read from metadata alone."""

from collections.abc import Hashable, Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import Any, Final

import pandas as pd
from zarr.abc.store import Store

from netxr import names as n
from netxr.errors import UnreadableFile
from netxr.estimators.table import is_estimate
from netxr.recordings.contents import (
    Node,
    Nodes,
    groups,
    local_folder,
    looks_like_store,
    nodes_elsewhere,
    nodes_in,
    nodes_of,
    opened,
)
from netxr.schema.provenance import CURRENT_SCHEMA
from netxr.schema.variables import is_sweep
from netxr.schema.words import text_of
from netxr.store.metadata import ROOT

COLUMNS: Final = {
    "name": "object",
    "kind": "object",
    "bytes": "int64",
    "neurons": "Int64",
    "samples": "Int64",
    "trials": "Int64",
    "seed": "object",
    "model": "object",
    "truth": "bool",
    "moments": "bool",
    "estimates": "object",
    "created": "object",
    "unfinished": "object",
    "problem": "object",
}
"""Columns of a catalog with their dtypes; Int64 is the one that can be missing."""

WIDTH: Final = 100
"""Characters that a line of a printed catalog has at most."""

SHORTENED: Final = {"name": 16, "holds": 12}
"""Columns that give way where a line gets longer, and what is left of them at least."""


class Catalog(pd.DataFrame):  # type: ignore[misc]  # pandas has no types here
    """A table of all that is known of stores, which shows itself in at most 100 columns: see `in_brief`."""

    def __repr__(self) -> str:
        """Return the table in brief."""
        return in_brief(self).to_string(index=False) if len(self) else "no store"

    def _repr_html_(self) -> str:
        """Return the table in brief, for a notebook."""
        return str(in_brief(self).to_html(index=False, border=0))


def catalog(source: str | PathLike[str] | Store) -> pd.DataFrame:
    """List the runs, recordings, sweeps and other stores that a folder or a store holds.

    Only metadata are read: no array is opened, and two hundred runs take a fraction of a second. The table prints in
    brief, in a notebook too; its columns hold all that is said below.

    Parameters
    ----------
    source : path-like or Zarr store
        A folder of stores (those in it, not those in its folders); or one store: a folder, a URL or a store object of
        Zarr. Of a store, the groups in it are listed as well.

    Returns
    -------
    DataFrame
        A row a run, by name: `name` (relative to `source`: ``netxr.open(Path(source) / name)`` opens it, and
        ``netxr.open(repository, group=...)`` what is in a repository of versions), `kind` (run,
        recording, sweep, moments, estimate, connectivity, other or empty; a store that cannot be read is a broken
        one), `bytes` (of its numbers in memory), `neurons`, `samples` (a trial), `trials`, `seed`, `model`, `truth`
        (whether the true connectivity is there), `moments` (whether lagged moments are), `estimates` (their names,
        separated by commas; outdated ones say so), `created` (UTC, ISO 8601), `unfinished` (how long a simulation will
        be that has not ended) and `problem` (what is wrong with it, empty if nothing is). A number that does not
        apply is missing; a text that does not is empty.

    Raises
    ------
    UnreadableFile
        If there is nothing at `source`, or no folder.
    InvalidInput
        If `source` is neither a path nor a store.

    Examples
    --------
    >>> import tempfile, netxr
    >>> A = netxr.random_connectivity(5, seed=1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     netxr.save(netxr.simulate(A, n_steps=100, seed=1), folder + "/a.zarr")
    ...     netxr.save(A.to_dataset(name="connectivity"), folder + "/b.zarr")
    ...     listed = catalog(folder)
    >>> print(listed[["name", "kind", "neurons", "samples", "seed"]].to_string(index=False))
      name         kind  neurons  samples seed
    a.zarr          run        5      100    1
    b.zarr connectivity        5     <NA> <NA>
    >>> print(in_brief(listed)[["name", "size", "holds"]].to_string(index=False))
      name     size holds
    a.zarr 4.23 KiB     A
    b.zarr    280 B     A
    """
    rows = [_row(name, group, members) for name, group, members in _found(source)]
    return Catalog(pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS))


def stores_deeper(source: Any) -> dict[str, int]:
    """Return {name: how many stores lie in it} of the folders in a folder whose stores a catalog does not list.

    Those behind links are left out, and those that the user may not list.
    """
    folder = local_folder(source)
    if folder is None or looks_like_store(folder):
        return {}
    counts = {entry.name: _count_stores(entry) for entry in _entries(folder) if not entry.is_symlink()}
    return {name: count for name, count in counts.items() if count}


def _count_stores(folder: Path) -> int:
    """Return how many stores lie in a folder that is none itself."""
    try:
        return 0 if _is_store(folder) else sum(map(_is_store, _entries(folder)))
    except (OSError, UnreadableFile):
        return 0


def _is_store(folder: Path) -> bool:
    """Return whether a folder is a store, or a repository of versions of one."""
    return local_folder(folder) is None or looks_like_store(folder)


def in_brief(listed: pd.DataFrame) -> pd.DataFrame:
    """Return a catalog as text in at most 100 columns: what `netxr catalog` prints.

    `holds` says what is known of the connectivity: A (the truth), R (estimates) and moments. Names that are too long
    lose their middle.
    """
    texts = pd.DataFrame(
        {
            **{name: listed[name] for name in ("name", "kind")},
            "size": listed["bytes"].map(text_of),
            **{name: listed[name].map(_number) for name in ("neurons", "samples", "trials")},
            "holds": [_holds(row) for row in listed.to_dict("records")],
            "created": listed["created"].str[: len("2026-01-01")],
        }
    ).astype(object)
    for name, least in SHORTENED.items():
        widths = {column: max([len(column), *texts[column].map(len)]) for column in texts}
        left = max(least, widths[name] + WIDTH - sum(widths.values()) - 2 * (len(widths) - 1))
        texts[name] = [_shortened(text, left) for text in texts[name]]
    return texts


def _number(value: Any) -> str:
    """Return a number that may be missing."""
    return "-" if pd.isna(value) else str(int(value))


def _holds(row: Mapping[Hashable, Any]) -> str:
    """Return what a store says of the connectivity, and whether all of it can be read."""
    estimates = row["estimates"].split(", ") if row["estimates"] else []
    outdated = " outdated" if row["estimates"].count("(outdated)") else ""
    R = [f"{len(estimates)} R{outdated}" if len(estimates) > 1 else f"R{outdated}"] if estimates else []
    parts = ["A"] * row["truth"] + R + ["moments"] * row["moments"]
    return ", ".join(parts) or "-"


def _shortened(text: str, width: int) -> str:
    """Return a text of at most some characters: its begin and its end.

    Examples
    --------
    >>> _shortened("a_very_long_name.zarr", 12)
    'a_very….zarr'
    """
    return text if len(text) <= width else f"{text[: width - 6]}…{text[-5:]}"


def _found(source: Any) -> Iterator[tuple[str, Node, Nodes]]:
    """Yield the groups to list: their names, what they say, and what their arrays say."""
    folder = local_folder(source)
    if folder is None:
        yield from _listed(ROOT, nodes_of(opened(source)))
        return
    if not folder.is_dir():
        reason = "a file, not a folder" if folder.exists() else "there is no such folder"
        raise UnreadableFile(folder, reason, fix="Name a folder of stores, or one of a store.")
    if looks_like_store(folder):
        yield from _listed(ROOT, nodes_in(folder))
        return
    for entry in _entries(folder):
        try:
            if local_folder(entry) is None:
                yield from _listed(entry.name, nodes_elsewhere(entry))
            elif looks_like_store(entry):
                yield from _listed(entry.name, nodes_in(entry))
        except UnreadableFile as error:  # a folder that is closed to the reader may be no store at all
            if entry.suffix == ".zarr":
                yield entry.name, Node(wrong=str(error)), {}


def _entries(folder: Path) -> list[Path]:
    """Return the folders in a folder, hidden ones left out."""
    try:
        return sorted(entry for entry in folder.iterdir() if not entry.name.startswith(".") and entry.is_dir())
    except OSError as error:
        raise UnreadableFile(folder, f"it cannot be listed ({error.strerror})") from error


def _listed(store: str, nodes: Nodes) -> Iterator[tuple[str, Node, Nodes]]:
    """Yield the groups of a store that have something to list; the store itself where none has."""
    if nodes[ROOT].wrong or nodes[ROOT].sizes is not None:
        yield store or ".", Node(wrong=nodes[ROOT].wrong or "one array, not a group of them"), {}
        return
    found = [(path, group, members) for path, group, members in groups(nodes)]
    for path, group, members in found:
        if members or len(found) == 1:
            yield "/".join(filter(None, (store, path))) or ".", group, members


def _row(name: str, group: Node, members: Nodes) -> dict[str, Any]:
    """Return the row of a group."""
    arrays = {array: node for array, node in members.items() if not node.wrong}
    sizes: dict[str, int] = {}
    for node in arrays.values():
        sizes |= node.sizes or {}
    return {
        "name": name,
        "kind": "broken" if group.wrong else _kind(group, arrays),
        "bytes": sum(node.nbytes for node in arrays.values()),
        "neurons": sizes.get(n.NEURON, sizes.get(n.TARGET, pd.NA)),
        "samples": sizes.get(n.TIME, pd.NA),
        "trials": sizes.get(n.TRIAL, pd.NA),
        "seed": group.attrs.get(n.SEED, pd.NA),
        "model": _text(group.attrs, n.MODEL),
        "truth": n.CONNECTIVITY in arrays,
        "moments": n.COMOMENT in arrays,
        "estimates": ", ".join(_estimates(arrays)),
        "created": _text(group.attrs, n.CREATED),
        "unfinished": _text(group.attrs, n.UNFINISHED),
        "problem": _problem(group, members),
    }


def _kind(group: Node, arrays: Nodes) -> str:
    """Return in a word what a group holds."""
    if n.ACTIVITY in arrays:
        return "run" if n.MODEL in group.attrs else "recording"
    if is_sweep(arrays):
        return "sweep"
    if n.COMOMENT in arrays:
        return "moments"
    if any(_estimates(arrays)):
        return "estimate"
    if n.CONNECTIVITY in arrays:
        return "connectivity"
    return "other" if arrays else "empty"


def _estimates(arrays: Nodes) -> list[str]:
    """Return the names of the estimated connectivities."""
    return [
        f"{name} (outdated)" if n.OUTDATED in node.attrs else name
        for name, node in arrays.items()
        if is_estimate(name, node.attrs)
    ]


def _problem(group: Node, members: Nodes) -> str:
    """Return what keeps a group or its arrays from being read, or nothing."""
    schema = group.attrs.get(n.SCHEMA_VERSION, CURRENT_SCHEMA)
    newer = isinstance(schema, int) and schema > CURRENT_SCHEMA
    wrong = [
        group.wrong,
        f"written in version {schema} of the layout by a later netxr: upgrade" if newer else "",
        *(f"{name}: {node.wrong}" for name, node in members.items() if node.wrong),
    ]
    return "; ".join(filter(None, wrong))


def _text(attrs: Mapping[str, Any], name: str) -> str:
    """Return an attribute as text, nothing where there is none."""
    return str(attrs.get(name, ""))
