import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from netxr.errors import InvalidInput
from netxr.plot.grouping import NO_GROUP, order_of


def groups_of(values, neurons=None):
    coords = {} if neurons is None else {"neuron": neurons}
    return xr.DataArray(values, dims="neuron", coords=coords)


@given(st.lists(st.sampled_from(["V1", "V2", "LGN", ""]), min_size=1, max_size=12).filter(any), st.randoms())
def test_neurons_stand_by_group_and_in_their_order_within_it(values, random):
    neurons = [f"n{k}" for k in range(len(values))]
    drawn = random.sample(neurons, len(neurons))
    order = order_of(np.array(drawn), groups_of(values, neurons))
    group_of = dict(zip(neurons, values, strict=True))
    named = [name for k, name in enumerate(values) if name and name not in values[:k]]
    expected = [neuron for name in [*named, ""] for neuron in drawn if group_of[neuron] == name]
    assert [drawn[k] for k in order.positions] == expected
    sizes = [values.count(name) for name in [*named, ""] if values.count(name)]
    np.testing.assert_array_equal(order.borders, np.cumsum(sizes)[:-1] - 0.5)
    assert [name for _, name in order.names] == named + [NO_GROUP] * ("" in values)
    assert [place for place, _ in order.names] == [
        end - 0.5 - size / 2 for end, size in zip(np.cumsum(sizes), sizes, strict=True)
    ]


def test_numbers_name_groups_and_negative_ones_none():
    order = order_of(np.arange(5), groups_of([2, -1, 0, 2, np.nan]))
    assert order.positions.tolist() == [0, 3, 2, 1, 4]
    assert [name for _, name in order.names] == ["2", "0", NO_GROUP]


def test_neurons_that_are_not_named_come_last():
    order = order_of(np.array(["x", "b", "a"]), groups_of(["V1", "V1"], ["a", "b"]))
    assert order.positions.tolist() == [1, 2, 0]


def test_without_groups_all_stay_where_they_are():
    order = order_of(np.arange(3), None)
    assert (order.positions.tolist(), order.borders.tolist(), order.names) == ([0, 1, 2], [], [])


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (["V1", "V2"], r"groups: got \['V1', 'V2'\]; expected a DataArray \(neuron,\).*netxr.assign_groups"),
        (xr.DataArray([1, 2], dims="target"), r"groups: got a DataArray \('target',\)"),
        (groups_of(["V1"], ["z"]), r"groups of other neurons, such as 'z'; expected .* such as 'a'"),
        (groups_of(["", ""], ["a", "b"]), "no neuron in any group"),
        (groups_of(["V1", "V2"], ["a", "a"]), "labels that repeat"),
    ],
)
def test_groups_that_cannot_be_used_are_refused(groups, message):
    with pytest.raises(InvalidInput, match=message):
        order_of(np.array(["a", "b"]), groups)
