"""What a MATLAB file holds, as a tree for both layouts: matrices of numbers, structs, cells, and the rest."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np

from netxr.errors import UnreadableFile
from netxr.recordings.formats.hdf5 import is_array, lazy_dataset, text_of
from netxr.recordings.formats.matlab.version5 import (
    Variable,
    content_of_variable,
    dense_of,
    numbers_of,
    parts_of,
    read_variable,
)
from netxr.schema.variables import NUMBER_KINDS

SPARSE: Final = "MATLAB_sparse"
"""Attribute of a sparse matrix in HDF5: its number of rows."""


class Node(Protocol):
    """A variable, a field or a cell: what it is, and what lies in it."""

    @property
    def kind(self) -> str:
        """Class in MATLAB."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape in MATLAB."""

    def values(self) -> Any:
        """Return the numbers of a matrix, lazily where they lie plain."""

    def fields(self) -> dict[str, list["Node"]]:
        """Return each field of a struct, once for every entry of it; none for other classes."""

    def cells(self) -> list["Node"]:
        """Return the cells of a cell array, column by column; none for other classes."""


class Variable5(Node):
    """A variable of a file before version 7.3, or, with the `content` of what it lies in, a part of one."""

    def __init__(self, path: Path, name: str, variable: Variable, content: bytes | None = None) -> None:
        self.path, self.name, self.variable, self.content = path, name, variable, content

    @property
    def kind(self) -> str:
        """Class in MATLAB."""
        return self.variable.kind

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape in MATLAB."""
        return self.variable.shape

    def values(self) -> Any:
        """Return the numbers of a matrix."""
        if self.content is None:
            return read_variable(self.path, self.name, self.variable)
        return numbers_of(self.path, self.name, self.variable, self.content)

    def fields(self) -> dict[str, list[Node]]:
        """Return each field of a struct."""
        found: dict[str, list[Node]] = {}
        for name, part in self._parts("struct"):
            found.setdefault(name, []).append(part)
        return found

    def cells(self) -> list[Node]:
        """Return the cells of a cell array."""
        return [part for _, part in self._parts("cell")]

    def _parts(self, kind: str) -> Iterator[tuple[str, Node]]:
        """Yield the parts of a variable of a class, with their names."""
        if self.kind == kind:
            if self.content is None:
                self.content = content_of_variable(self.path, self.name, self.variable)
            for name, one, content in parts_of(self.path, self.name, self.variable, self.content):
                yield name, Variable5(self.path, f"{self.name}.{name}" if name else self.name, one, content)


class NodeHdf5(Node):
    """A variable of an opened file of version 7.3, or a part of one; arrays lie with their axes reversed."""

    def __init__(self, path: Path, node: Any) -> None:
        self.path, self.node = path, node

    @property
    def kind(self) -> str:
        """Class in MATLAB; other programs may not have said it."""
        known = self.node.attrs.get("MATLAB_class")
        if known is not None:
            return text_of(known)
        if not is_array(self.node):
            return "struct"
        return "double" if self.node.dtype.kind in NUMBER_KINDS else str(self.node.dtype)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape in MATLAB."""
        if SPARSE in self.node.attrs:
            return int(self.node.attrs[SPARSE]), len(self.node["jc"]) - 1
        if self.node.attrs.get("MATLAB_empty", 0):
            return (0, 0)
        return tuple(self.node.shape[::-1]) if is_array(self.node) else ()

    def values(self) -> Any:
        """Return the numbers of a matrix."""
        if SPARSE in self.node.attrs:
            if "data" not in self.node:
                return np.zeros(self.shape)
            values, rows, ends = (self.node[name][()] for name in ("data", "ir", "jc"))
            return dense_of(values, rows, ends, self.shape)
        if self.node.attrs.get("MATLAB_empty", 0):
            raise UnreadableFile(self.path, f"{self.node.name.strip('/')} is empty")
        samples = lazy_dataset(self.path, self.node).T
        return samples.astype(bool) if self.kind == "logical" else samples

    def fields(self) -> dict[str, list[Node]]:
        """Return each field of a struct; a struct of several entries holds references to their fields."""
        if self.kind != "struct" or is_array(self.node):
            return {}
        several = {name for name, node in self.node.items() if _refers(node) and "MATLAB_class" not in node.attrs}
        return {
            name: self._referred(node) if name in several else [NodeHdf5(self.path, node)]
            for name, node in self.node.items()
        }

    def cells(self) -> list[Node]:
        """Return the cells of a cell array."""
        return self._referred(self.node) if self.kind == "cell" and _refers(self.node) else []

    def _referred(self, node: Any) -> list[Node]:
        """Return what the entries of an array of references refer to, in MATLAB's order."""
        return [NodeHdf5(self.path, node.file[one]) for one in node[()].ravel()]


def _refers(node: Any) -> bool:
    """Say whether a node is an array of references to others."""
    return is_array(node) and node.dtype.kind == "O"
