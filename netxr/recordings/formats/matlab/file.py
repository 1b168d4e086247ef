"""MATLAB files of versions 5 to 7, and of version 7.3, which is HDF5."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import dask.array as da
import numpy as np

from netxr.errors import InvalidInput, UnreadableFile
from netxr.recordings.formats.guards import readable_as
from netxr.recordings.formats.hdf5 import choose, opened
from netxr.recordings.formats.matlab.nodes import Node, NodeHdf5, Variable5
from netxr.recordings.formats.matlab.version5 import variables_in
from netxr.recordings.formats.recognition import content_of
from netxr.recordings.formats.text.table import Table
from netxr.schema.variables import NUMBER_KINDS

NUMBER_CLASSES: Final = frozenset(
    ("double", "single", "logical", "sparse", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)))
)
"""MATLAB's classes of plain numbers."""

HINTS: Final = {
    **{"object": "{}.property", "cell": "cell2mat({})", "complex double": "abs({})", "table": "{}{{:,:}}"},
    **{"timetable": "{}{{:,:}}", "string": "double({})"},
}
"""How numbers are got out of a variable of another class."""

DEEPEST: Final = 3
"""Structs within structs that a message lists."""

STEP: Final = re.compile(r"([^(){}]+)(?:[({](\d+)[)}])?")
"""A step of a name such as ``data(2).trials{3}``: a variable or field, and which entry or cell of it."""


def read(path: Path, name: str | None = None) -> Table:
    """Return a matrix of a MATLAB file of any version, its axes in the order in which MATLAB has them.

    It is a dask array, or a NumPy array where a file before version 7.3 is compressed or it lies in a struct or cell
    there; sparse matrices become dense. A `name` may lead into structs and cells, as ``data.traces`` or ``trials{3}``.
    Of a cell array, or a field of a struct array, the matrices are trials, stacked along a last axis.

    Raises InvalidInput if `name` is needed, or there is no variable of that name; UnreadableFile if the variable is an
    object, text, complex or empty, or its trials are not alike.

    Examples
    --------
    >>> import tempfile, scipy.io
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     scipy.io.savemat(folder + "/run.mat", {"run": {"X": np.zeros((500, 3))}, "rate": 30.0})
    ...     read(Path(folder) / "run.mat", "run.X").values.shape
    (500, 3)
    """
    if content_of(path) == "hdf5":
        with opened(path) as file:
            nodes = {place: NodeHdf5(path, node) for place, node in file.items() if not place.startswith("#")}
            return _table(path, name, nodes)
    with readable_as("a MATLAB file", path):
        variables = variables_in(path)
        if not variables:
            fix = "It was cut off: copy it again."
            raise UnreadableFile(path, "it begins as a MATLAB file does, and holds no variable", fix=fix)
        return _table(path, name, {key: Variable5(path, key, one) for key, one in variables.items()})


def _table(path: Path, name: str | None, variables: Mapping[str, Node]) -> Table:
    """Return the matrix that is meant."""
    if name is None:
        name = _only_one(path, variables)
    nodes = _found(variables, name) if isinstance(name, str) else []
    if not nodes:
        choose(path, name, _shapes(variables, all_of_them=True))
    kinds = {one.kind for node in nodes for one in ([node] if node.kind != "cell" else node.cells() or [node])}
    wrong = sorted(kinds - NUMBER_CLASSES)
    if wrong:
        raise _no_matrix(path, str(name), nodes, wrong[0])
    cells = [one for node in nodes for one in (node.cells() or [node])]
    if len(cells) == 1:
        return Table(_checked(path, str(name), cells[0].values()))
    return Table(_stacked(path, str(name), cells))


def _only_one(path: Path, variables: Mapping[str, Node]) -> str:
    """Return the only matrix of a file, without looking into structs where that is known without."""
    numbers = _shapes(variables)
    others = [key for key, one in variables.items() if one.kind not in NUMBER_CLASSES]
    if numbers:
        try:
            return choose(path, None, numbers)
        except InvalidInput:
            return choose(path, None, numbers | _shapes(variables, all_of_them=True))
    within = _shapes(variables, all_of_them=True)
    if within:
        return choose(path, None, within)
    kind = variables[others[0]].kind
    raise _no_matrix(path, others[0], [variables[others[0]]], kind)


def _shapes(variables: Mapping[str, Node], *, all_of_them: bool = False) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the matrices of a file; `all_of_them` counts those that lie in structs."""
    return {
        name: one.shape for name, one in _walk(variables, DEEPEST if all_of_them else 0) if one.kind in NUMBER_CLASSES
    }


def _walk(variables: Mapping[str, Node], deeper: int) -> Iterator[tuple[str, Node]]:
    """Yield variables, and the fields of those that are a struct of one entry, with their names."""
    for name, one in variables.items():
        yield name, one
        if deeper:
            single = {f"{name}.{field}": parts[0] for field, parts in one.fields().items() if len(parts) == 1}
            yield from _walk(single, deeper - 1)


def _found(variables: Mapping[str, Node], name: str) -> list[Node]:
    """Return what a name leads to: one node, or one for each entry of a struct array; none where it leads nowhere."""
    if name in variables:
        return [variables[name]]
    fields = {key: [one] for key, one in variables.items()}
    nodes: list[Node] = []
    for step in re.split(r"[./]", name.strip("/")):
        match = STEP.fullmatch(step)
        nodes = fields.get(match[1], []) if match else []
        entry = slice(None) if not match or match[2] is None else slice(int(match[2]) - 1, int(match[2]))
        if entry.stop is not None and len(nodes) == 1 and nodes[0].kind != "struct":
            nodes, entry = nodes[0].cells()[entry], slice(None)
        fields = {}
        for node in nodes:
            for field, parts in node.fields().items():
                fields.setdefault(field, []).extend(parts[entry])
    return nodes


def _no_matrix(path: Path, name: str, nodes: list[Node], kind: str) -> UnreadableFile:
    """Return the error for what is no matrix of numbers, which says what is in it."""
    within = {f"{name}.{field}": parts[0] for field, parts in nodes[0].fields().items()} if nodes else {}
    named = next((key for key, one in within.items() if one.kind in NUMBER_CLASSES), None)
    if within:
        listed = ", ".join(f"{key} ({one.kind} {' x '.join(map(str, one.shape))})" for key, one in within.items())
        fix = f"Say which of its fields with name=, e.g. name={named!r}." if named else ""
        return UnreadableFile(path, f"{name} is of class {kind}, with {listed}; not a matrix of numbers", fix=fix)
    cells = nodes[0].cells() if nodes else []
    what = f"{name} has cells of class {kind}" if cells else f"{name} is of class {kind}"
    example = HINTS.get("cell" if cells else kind, "double({})").format(name)
    fix = f"Save the numbers as a variable of their own, e.g. X = {example}."
    return UnreadableFile(path, f"{what}, not a matrix of numbers", fix=fix)


def _stacked(path: Path, name: str, cells: list[Node]) -> Any:
    """Return matrices as trials, stacked along a last axis, if all have the same shape."""
    shapes = [one.shape for one in cells]
    if len(set(shapes)) > 1:
        listed = ", ".join(" x ".join(map(str, shape)) for shape in shapes[:10]) + ", ..." * (len(shapes) > 10)
        example = f"{name}{{1}}" if "(" not in name else name
        fix = f"Cut them to one length in MATLAB, or read one of them, e.g. name={example!r}."
        raise UnreadableFile(path, f"the {len(shapes)} trials of {name} are not alike: {listed}", fix=fix)
    trials = [_checked(path, name, one.values()) for one in cells]
    if any(isinstance(one, da.Array) for one in trials):
        return da.stack(trials, axis=-1)  # type: ignore[no-untyped-call]
    return np.stack(trials, axis=-1)


def _checked(path: Path, name: str, values: Any) -> Any:
    """Return what was read if it is an array of real numbers with entries."""
    if values.dtype.kind not in NUMBER_KINDS or not values.size:
        raise UnreadableFile(path, f"{name} is empty or no real numbers ({values.dtype} of shape {values.shape})")
    return values
