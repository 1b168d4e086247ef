import numpy as np
import xarray as xr

import netxr
from netxr.moments.inputs import apart, together
from tests.runs import activity


def test_what_is_put_together_and_parted_again_is_the_same():
    whole = netxr.lagged_moments(activity(n=5), lags=[0, 1, 3])
    labels = {"target": list("abc"), "source": list("abc"), "neuron": list("abc")}
    like = xr.Dataset(coords=labels | {"input": ["d", "a"], "input_target": ["d", "a"]})
    parted = apart(whole, like)
    assert parted.comoment.sizes == {"lag": 3, "trial": 2, "target": 3, "source": 3}
    np.testing.assert_array_equal(parted.comoment_input, whole.comoment[..., :3, 3:])
    np.testing.assert_array_equal(parted.comoment_input_target, whole.comoment[..., 3:, :3])
    np.testing.assert_array_equal(parted.comoment_inputs, whole.comoment[..., 3:, 3:])
    np.testing.assert_array_equal(parted.edge_input, whole.edge_activity[:, 3:])
    again = together(parted)
    xr.testing.assert_identical(again, whole.drop_vars(["target", "source", "neuron"]))
    xr.testing.assert_identical(apart(again, parted), parted)
    assert together(whole) is whole
