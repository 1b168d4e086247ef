"""Scores over trials as rows of a table: mean, standard deviation, and in how many trials they are defined."""

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np
import xarray as xr

from netxr import names as n


def over_trials(scores: xr.Dataset, names: Sequence[str]) -> list[dict[str, Any]]:
    """Return a row for each score and each entry of its dims but trials; none where there is a single trial.

    The standard deviation is that of the population, as in sweeps.

    Examples
    --------
    >>> scores = xr.Dataset({"pearson": ("trial", [0.5, 1.0, np.nan])})
    >>> over_trials(scores, ["pearson"])
    [{'score': 'pearson', 'mean': 0.75, 'standard deviation': 0.25, 'defined': 2, 'trials': 3}]
    """
    dims = scores[names[0]].dims
    if n.TRIAL not in dims or scores.sizes[n.TRIAL] == 1:
        return []
    rows = []
    for labels, one in entries(scores, [str(dim) for dim in dims if dim != n.TRIAL]):
        for name in names:
            values = one[name].values[one[name].notnull().values]
            mean, std = (float(values.mean()), float(values.std())) if values.size else (np.nan, np.nan)
            row = {"score": name, "mean": mean, "standard deviation": std, "defined": values.size}
            rows.append(labels | row | {"trials": scores.sizes[n.TRIAL]})
    return rows


def entries(scores: xr.Dataset, dims: Sequence[str]) -> Iterator[tuple[dict[str, Any], xr.Dataset]]:
    """Yield the labels of every entry along some dims, and what is there."""
    for place in product(*(range(scores.sizes[dim]) for dim in dims)):
        at = dict(zip(dims, place, strict=True))
        one = scores.isel(at)
        yield {dim: one[dim].item() if dim in one.coords else at[dim] for dim in dims}, one
