import numpy as np
import pytest
import xarray as xr
from hypothesis import example, given
from hypothesis import strategies as st

from netxr.plot.matrices.aggregation import ROOM, block_means, sheet_of, span_in_view, view_of


def naive_means(values, rows, columns, steps):
    taken = np.asarray(values, dtype=float)[np.ix_(rows, columns)]
    means = []
    for top in range(0, len(rows), steps[0]):
        means.append([])
        for left in range(0, len(columns), steps[1]):
            block = taken[top : top + steps[0], left : left + steps[1]].ravel()
            defined = [value for value in block if value == value]
            means[-1].append(sum(defined) / len(defined) if defined else np.nan)
    return means


@given(st.data())
def test_a_cell_is_the_mean_of_what_is_defined(data):
    shape = data.draw(st.tuples(st.integers(1, 7), st.integers(1, 7)))
    dtype = data.draw(st.sampled_from([np.float32, np.float64, np.int64, bool]))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    values = rng.integers(-2, 3, shape).astype(dtype)
    if values.dtype.kind == "f":
        values[rng.random(shape) < 0.4] = np.nan
    rows, columns = (rng.permutation(size)[: rng.integers(1, size + 1)] for size in shape)
    steps = data.draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    means = block_means(values, rows, columns, steps=steps)
    np.testing.assert_allclose(means, naive_means(values, rows, columns, steps), atol=1e-12)


@given(st.integers(1, 20_000), st.none() | st.tuples(st.floats(-5000, 25_000), st.floats(-5000, 25_000)))
@example(2000, (10.0, 1002.0))
def test_a_span_holds_what_is_in_view_in_few_cells(n_places, view):
    span = span_in_view(n_places, view)
    low, high = span.edges
    assert 0 <= span.first < span.end <= n_places
    assert span.first % span.step == 0
    assert span.end % span.step == 0 or span.end == n_places
    if n_places <= ROOM:
        assert span == (0, n_places, 1)
        return
    assert (high - low) / span.step <= ROOM + 1
    seen = [place for place in range(n_places) if view is None or min(view) < place < max(view)]
    assert not seen or (low < seen[0] and seen[-1] < high)


def test_single_weights_are_exact_and_nothing_is_copied_for_them():
    values = np.random.default_rng(0).random((1200, 1100), dtype=np.float32)
    sheet = sheet_of(unlabelled(values))
    assert np.shares_memory(sheet.values, values)
    view = view_of(sheet, x_range=(99.7, 400.2), y_range=(1199.5, 800))
    assert (view.across, view.down) == ((100, 401, 1), (800, 1200, 1))
    np.testing.assert_array_equal(view.cells, values[800:1200, 100:401])


def unlabelled(values):
    return xr.DataArray(values, dims=("target", "source"))


def test_every_weight_is_in_one_cell():
    values = np.random.default_rng(0).random((1203, 1203))
    view = view_of(sheet_of(unlabelled(values)))
    step = view.down.step
    sizes = np.minimum(step, 1203 - step * np.arange(len(view.cells)))
    assert sizes[-1] < step
    assert (view.cells * np.outer(sizes, sizes)).sum() == pytest.approx(values.sum())


@pytest.mark.parametrize("room", [3, 5])
def test_there_may_be_less_room(room):
    view = view_of(sheet_of(unlabelled(np.eye(5)), room=room))
    assert view.down.step == (1 if room == 5 else 2)


def test_infinite_weights_are_undefined_and_stay_where_they_came_from():
    weights = unlabelled([[np.inf, 1.0], [-np.inf, np.nan]])
    np.testing.assert_array_equal(view_of(sheet_of(weights)).cells, [[np.nan, 1.0], [np.nan, np.nan]])
    assert weights[0, 0] == np.inf
