"""MATLAB files of versions 5 to 7, and of version 7.3, which is HDF5."""

import re
from pathlib import Path
from typing import Any, Final

import numpy as np

from netxr.errors import UnreadableFile
from netxr.recordings.formats.guards import readable_as
from netxr.recordings.formats.hdf5 import choose, is_array, lazy_dataset, opened, text_of
from netxr.recordings.formats.matlab5 import dense_of, read_variable, variables_in
from netxr.recordings.formats.recognition import content_of
from netxr.recordings.formats.text import Table
from netxr.schema.variables import NUMBER_KINDS

NUMBER_CLASSES: Final = frozenset(
    ("double", "single", "logical", "sparse", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)))
)
"""MATLAB's classes of plain numbers."""

HINTS: Final = {"struct": "{}.field", "object": "{}.property", "cell": "cell2mat({})", "complex double": "abs({})"}
"""How numbers are got out of a variable of another class."""

SPARSE: Final = "MATLAB_sparse"
"""Attribute of a sparse matrix in HDF5: its number of rows."""


def read(path: Path, name: str | None = None) -> Table:
    """Return one variable of a MATLAB file of any version, its axes in the order in which MATLAB has them.

    It is a dask array, or a NumPy array where a file before version 7.3 is compressed; sparse matrices become dense.
    Raises InvalidInput if `name` is needed, or there is no variable of that name; UnreadableFile if the variable is a
    struct, a cell, an object, text, complex or empty.

    Examples
    --------
    >>> import tempfile, scipy.io
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     scipy.io.savemat(folder + "/run.mat", {"X": np.zeros((500, 3)), "rate": 30.0})
    ...     read(Path(folder) / "run.mat").values.shape
    (500, 3)
    """
    if content_of(path) == "hdf5":
        return _read_hdf5(path, name)
    with readable_as("a MATLAB file", path):
        variables = variables_in(path)
        if not variables:
            fix = "It was cut off: copy it again."
            raise UnreadableFile(path, "it begins as a MATLAB file does, and holds no variable", fix=fix)
        place = _choose(path, name, {key: (one.shape, one.kind) for key, one in variables.items()})
        return Table(_checked(path, place, read_variable(path, place, variables[place])))


def _read_hdf5(path: Path, name: str | None) -> Table:
    """Return one variable of a file of version 7.3, where arrays lie with their axes reversed."""
    with opened(path) as file:
        variables = {
            place: (_shape_of(node), _class_of(node)) for place, node in file.items() if not place.startswith("#")
        }
        place = _choose(path, name, variables)
        node = file[place]
        if SPARSE in node.attrs:
            return Table(_checked(path, place, _dense(node)))
        if node.attrs.get("MATLAB_empty", 0):
            raise UnreadableFile(path, f"{place} is empty")
        samples = lazy_dataset(path, node).T
        return Table(samples.astype(bool) if _class_of(node) == "logical" else samples)


def _choose(path: Path, name: str | None, variables: dict[str, tuple[tuple[int, ...], str]]) -> str:
    """Return which variable is meant, if it is one of numbers."""
    numbers = {key: shape for key, (shape, kind) in variables.items() if kind in NUMBER_CLASSES}
    meant = re.split(r"[./]", name)[0] if isinstance(name, str) and name not in variables else name  # run.X is in run
    others = [key for key in variables if key not in numbers and (key == meant or not (meant or numbers))]
    if others:
        kind = variables[others[0]][1]
        classes = ", ".join(f"{key} is of class {variables[key][1]}" for key in others)
        example = HINTS.get(kind, "double({})").format(others[0])
        fix = f"Save the numbers as a variable of their own, e.g. X = {example}."
        raise UnreadableFile(path, f"{classes}, not a matrix of numbers", fix=fix)
    return choose(path, name, numbers)


def _shape_of(node: Any) -> tuple[int, ...]:
    """Return the shape that a variable has in MATLAB."""
    if SPARSE in node.attrs:
        return int(node.attrs[SPARSE]), len(node["jc"]) - 1
    return tuple(node.shape[::-1]) if is_array(node) else ()


def _class_of(node: Any) -> str:
    """Return the class that a variable has in MATLAB; other programs may not have said it."""
    known = node.attrs.get("MATLAB_class")
    if known is not None:
        return text_of(known)
    if not is_array(node):
        return "struct"
    return "double" if node.dtype.kind in NUMBER_KINDS else str(node.dtype)


def _dense(node: Any) -> Any:
    """Return a sparse matrix, which lies compressed by columns, as a dense one; without "data" it is all zeros."""
    rows, columns = _shape_of(node)
    if "data" not in node:
        return np.zeros((rows, columns))
    return dense_of(node["data"][()], node["ir"][()], node["jc"][()], (rows, columns))


def _checked(path: Path, name: str, values: Any) -> Any:
    """Return what was read if it is an array of real numbers with entries."""
    if values.dtype.kind not in NUMBER_KINDS or not values.size:
        raise UnreadableFile(path, f"{name} is empty or no real numbers ({values.dtype} of shape {values.shape})")
    return values
