import numpy as np
import pytest

import netxr
from netxr.errors import InvalidInput
from tests.beside import LAGS, mask_for, states, stimuli
from tests.runs import contents


@pytest.mark.parametrize(
    ("dim", "pooled", "missing"),
    [
        ("time", False, "raise"),
        ("time", True, "raise"),
        ("time", False, "drop"),
        ("trial", False, "raise"),
        ("trial", True, "drop"),
    ],
)
def test_a_stored_run_that_grows_keeps_its_moments_of_inputs(tmp_path, dim, pooled, missing):
    x = states(n_steps=50)
    u = stimuli(x).assign_coords(trial=x.trial)
    u[0, 7, 0] = 3 if missing == "raise" else np.nan
    first, rest = (slice(0, 30), slice(30, None)) if dim == "time" else (slice(0, 1), slice(1, 2))
    options = {"lags": LAGS, "dim": ["time", "trial"] if pooled else "time", "link": "logit", "missing": missing}
    whole = x.to_dataset(name="activity").assign(inputs=u)
    start = whole.isel({dim: first})
    moments = netxr.lagged_moments(start, inputs=start.inputs, **options)
    netxr.save(start.merge(moments, combine_attrs="override"), tmp_path / "run.zarr")
    netxr.append(whole.isel({dim: rest}), tmp_path / "run.zarr", dim=dim)
    grown = netxr.open(tmp_path / "run.zarr")
    right = netxr.lagged_moments(whole, inputs=u, **options)
    assert set(grown.data_vars) == {"activity", "inputs", *right.data_vars}
    for name in set(right) - {"edge_activity", "edge_input", "not_target", "not_source"}:
        np.testing.assert_allclose(grown[name], right[name], rtol=1e-10, atol=1e-10, err_msg=str(name))
    np.testing.assert_array_equal(grown.inputs, u)


def test_a_store_without_what_its_moments_need_stays_as_it_is(tmp_path):
    x = states()
    start, rest = (x.isel(time=of).to_dataset(name="activity") for of in (slice(0, 30), slice(30, None)))
    u = stimuli(x)
    moments = netxr.lagged_moments(start, inputs=u.isel(time=slice(0, 30)))
    netxr.save(start.merge(moments, combine_attrs="override"), tmp_path / "run.zarr")
    marked = netxr.lagged_moments(start, where=mask_for(start.activity))
    netxr.save(start.merge(marked, combine_attrs="override"), tmp_path / "marked.zarr")
    before = contents(tmp_path)
    with pytest.raises(InvalidInput, match="store: got one with moments of inputs, without them"):
        netxr.append(rest, tmp_path / "run.zarr", dim="time")
    with pytest.raises(InvalidInput, match="store: got moments of marked frames"):
        netxr.append(rest, tmp_path / "marked.zarr", dim="time")
    assert contents(tmp_path) == before
    netxr.save(start.assign(inputs=u.isel(time=slice(0, 30))).merge(moments, combine_attrs="override"), tmp_path / "b")
    with pytest.raises(InvalidInput, match="data: got no inputs"):
        netxr.append(rest, tmp_path / "b", dim="time")
    others = u.isel(time=slice(30, None)).assign_coords(input=["b", "y"])
    with pytest.raises(InvalidInput, match=r"data: got inputs .*'y'"):
        netxr.append(rest.assign(inputs=others), tmp_path / "b", dim="time")
