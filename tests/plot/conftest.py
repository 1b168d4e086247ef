import numpy as np
import pytest
import xarray as xr

import netxr.plot  # noqa: F401  registers both backends
from tests.runs import labelled


@pytest.fixture
def one_edge() -> xr.DataArray:
    """Four neurons, one edge: from "a" to "c"."""
    weights = np.zeros((4, 4))
    weights[2, 0] = 0.5
    return labelled(weights, list("abcd"))


@pytest.fixture
def random_pair() -> tuple[xr.DataArray, xr.DataArray]:
    rng = np.random.default_rng(1)
    return labelled((rng.random((6, 6)) > 0.7) * 0.4), labelled(rng.normal(scale=0.1, size=(6, 6)))
