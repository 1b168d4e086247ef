"""True connectivity from files, for the neurons of a recording or an estimate as these are called."""

from collections.abc import Sequence
from os import PathLike
from typing import Any

import numpy as np
import xarray as xr

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.recordings.load import read_connectivity


def load_truth(
    source: str | PathLike[str],
    neurons: Sequence[Any],
    *,
    rows: Any = None,
    name: str | None = None,
    labels: Sequence[Any] | None = None,
) -> xr.DataArray:
    """Load a connectivity whose neurons are called as those of a recording.

    Parameters
    ----------
    source : path-like
        As in `netxr.load_connectivity`.
    neurons : sequence
        Labels of the recording. A matrix without names has one row for each, in this order; names that are written
        like one of them are this one: "7" is 7.
    rows, name
        As in `netxr.load_connectivity`.
    labels : sequence, optional
        Those of the connectivity, where the file does not say them.

    Raises
    ------
    InvalidInput
        If a matrix without names has another size, or as `netxr.load_connectivity` does.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.save(folder + "/A.npy", [[0, 2], [0, 0]])
    ...     load_truth(folder + "/A.npy", ["a", "b"], rows="target").sel(target="a", source="b").item()
    2
    """
    truth, is_labelled = read_connectivity(source, rows=rows, name=name, neurons=labels)
    if is_labelled:
        return as_called(truth, neurons)
    size = truth.sizes[n.TARGET]
    if size != len(neurons):
        raise InvalidInput(
            "truth",
            got=f"no labels, and the truth is {size} x {size} and the recording has {len(neurons)} neurons",
            expected="one row and column for each neuron, or labels",
            fix="Give labels with neurons=, or name the columns in its first line and the rows in their first cells.",
        )
    names = np.asarray(neurons)
    return truth.assign_coords({n.TARGET: names, n.SOURCE: names})


def as_called(matrix: xr.DataArray, neurons: Sequence[Any]) -> xr.DataArray:
    """Return a matrix whose labels are those of `neurons` that are written alike, where it shares none with them."""
    known = {str(label): label for label in neurons}
    for dim in (n.TARGET, n.SOURCE):
        own = matrix[dim].values.tolist()
        if set(own) & set(neurons) or not set(map(str, own)) & set(known):
            continue
        names = [known.get(str(label), label) for label in own]
        alike = len({isinstance(label, str) for label in names}) == 1
        matrix = matrix.assign_coords({dim: np.array(names, dtype=None if alike else object)})
    return matrix
