import pickle
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netxr.errors import InvalidInput, MissingExtra, UnreadableFile
from netxr.recordings.formats import lazy, parquet
from netxr.recordings.load import load_activity, load_connectivity
from tests.recordings.formats.damage import refusals
from tests.runs import nothing_computes

pytest.importorskip("pyarrow")
TIME_NEURON = ("time", "neuron")


def frame(rows=40, columns=("left", "right", "third"), dtype="float32", seed=0):
    return pd.DataFrame(np.random.default_rng(seed).normal(size=(rows, len(columns))).astype(dtype), columns=columns)


@given(
    rows=st.integers(1, 30), group=st.integers(1, 12), block_bytes=st.sampled_from([1, 64, 200, 2**23]), data=st.data()
)
def test_any_box_of_any_table(tmp_path_factory, rows, group, block_bytes, data):
    file, table = tmp_path_factory.mktemp("parquet") / "x.parquet", frame(rows)
    table.to_parquet(file, row_group_size=group)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lazy, "BLOCK_BYTES", block_bytes)
        loaded = parquet.read(file).values
    np.testing.assert_array_equal(loaded.compute(scheduler="synchronous"), table.values)
    box = tuple(slice(*sorted(data.draw(st.tuples(*[st.integers(0, n)] * 2)))) for n in table.shape)
    np.testing.assert_array_equal(loaded[box].compute(scheduler="synchronous"), table.values[box])


def test_columns_are_neurons(tmp_path):
    frame().to_parquet(tmp_path / "x.parquet", row_group_size=16)
    with nothing_computes():
        loaded = load_activity(tmp_path / "x.parquet", dims=TIME_NEURON, sampling_interval=0.5)
    assert loaded.chunks is not None
    assert loaded.dtype == np.float32
    assert loaded.neuron.values.tolist() == ["left", "right", "third"]
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(loaded)).values, frame().values.T)  # noqa: S301 - our own
    with pytest.raises(UnreadableFile, match=r"no numbers \(left, right, third, \.\.\.\); labels go only with dims="):
        load_activity(tmp_path / "x.parquet", dims=("neuron", "time"))
    with pytest.raises(InvalidInput, match=r"name: got 'X'; expected none for a Parquet file"):
        load_activity(tmp_path / "x.parquet", dims=TIME_NEURON, name="X")


def test_columns_that_only_count_have_no_labels(tmp_path):
    frame(columns=range(3)).rename(columns=str).to_parquet(tmp_path / "x.parquet")
    assert load_activity(tmp_path / "x.parquet", dims=TIME_NEURON).neuron.values.tolist() == [0, 1, 2]
    assert load_activity(tmp_path / "x.parquet", dims=("neuron", "time")).shape == (40, 3)


def test_connectivity_takes_its_labels_from_the_columns(tmp_path):
    weights = frame(3)
    weights.to_parquet(tmp_path / "A.parquet")
    loaded = load_connectivity(tmp_path / "A.parquet", rows="source")
    np.testing.assert_array_equal(loaded.values, weights.values.T)
    assert loaded.sel(target="right", source="left") == weights["right"][0]
    weights.assign(time=[1, 2, 3]).to_parquet(tmp_path / "A.parquet")
    with pytest.raises(UnreadableFile, match=r"its first line is no numbers \(time, left"):
        load_connectivity(tmp_path / "A.parquet", rows="source")


@pytest.mark.parametrize(
    ("times", "interval"),
    [
        (np.arange(40) / 30, 1 / 30),
        (pd.date_range("2026-11-22", periods=40, freq="100ms"), 0.1),
        (1_700_000_000_000 + 20 * np.arange(40), 20),
    ],
)
@pytest.mark.filterwarnings("ignore:.*its steps of 20 are taken for seconds")
def test_a_column_of_times_gives_the_sampling_interval(tmp_path, times, interval):
    table = frame().assign(time=times)
    table = table.set_index("time") if table.time.dtype.kind == "f" else table
    table.to_parquet(tmp_path / "x.parquet", row_group_size=16)
    loaded = load_activity(tmp_path / "x.parquet", dims=TIME_NEURON)
    assert loaded.attrs["sampling_interval"] == pytest.approx(interval, rel=1e-9)
    assert loaded.dtype == np.float32
    np.testing.assert_array_equal(loaded.values, frame().values.T)
    if isinstance(times, pd.DatetimeIndex):
        with pytest.raises(InvalidInput, match="interval_units: got 'ms'; expected 's' for dates"):
            load_activity(tmp_path / "x.parquet", dims=TIME_NEURON, interval_units="ms")


def test_times_that_are_not_even_are_refused(tmp_path):
    times = np.arange(40.0)
    times[25:] += 1
    frame().assign(time=times).to_parquet(tmp_path / "x.parquet")
    message = r"'time' is not even: 24\.0 is followed by 26\.0 \(sample 25\), where most steps are 1"
    with pytest.raises(UnreadableFile, match=message):
        load_activity(tmp_path / "x.parquet", dims=TIME_NEURON)


def test_gaps_are_nan_and_types_are_joined(tmp_path):
    table = pd.DataFrame({"a": [1, np.nan, 3], "b": np.array([1, 2, 3], dtype="int16")})
    table.to_parquet(tmp_path / "x.parquet")
    loaded = load_activity(tmp_path / "x.parquet", dims=TIME_NEURON)
    np.testing.assert_array_equal(loaded.values, [[1, np.nan, 3], [1, 2, 3]])
    table[["b"]].to_parquet(tmp_path / "x.parquet")
    assert load_activity(tmp_path / "x.parquet", dims=TIME_NEURON).dtype == np.int16
    table.assign(b=pd.array([1, None, 3], dtype="Int64")).to_parquet(tmp_path / "x.parquet")
    loaded = load_activity(tmp_path / "x.parquet", dims=TIME_NEURON)
    with pytest.raises(UnreadableFile, match=r"its column 'b' has gaps among int64\. Save it as floats"):
        loaded.compute()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (frame(2).assign(animal=["x", "y"]), "its column 'animal' holds .*string, not numbers. Remove that column"),
        (frame(2).assign(day=pd.to_datetime(["2026-01-01"] * 2)), "is not even: 0.0 is followed by 0.0"),
        (frame(2).set_axis([3, 5]), "'__index_level_0__' is an index of pandas without a name. Save with index=False"),
        (frame(2).assign(Trial=1), "its column 'Trial' is an axis"),
        (frame(0), "a table of 0 rows and 3 columns"),
    ],
)
def test_tables_that_are_no_recordings(tmp_path, table, message):
    table.to_parquet(tmp_path / "x.parquet")
    with pytest.raises(UnreadableFile, match=message):
        load_activity(tmp_path / "x.parquet", dims=TIME_NEURON)


def test_damaged_files_are_errors_of_ours(tmp_path):
    path = tmp_path / "whole.parquet"
    frame().assign(time=np.arange(40)).to_parquet(path, row_group_size=16)
    assert len(refusals(lambda file: load_activity(file, dims=TIME_NEURON).compute(), path)) > 30


def test_the_package_that_is_missing_is_named(tmp_path, monkeypatch):
    frame().to_parquet(tmp_path / "x.parquet")
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(MissingExtra, match=r'needs pyarrow, .*pip install "\.\[parquet\]"'):
        load_activity(tmp_path / "x.parquet", dims=TIME_NEURON)


def test_durations_tell_the_interval_in_seconds(tmp_path):
    table = frame().assign(time=pd.timedelta_range(0, periods=40, freq="50ms"))
    table.to_parquet(tmp_path / "x.parquet")
    activity = load_activity(tmp_path / "x.parquet", dims=TIME_NEURON)
    assert activity.attrs["sampling_interval"] == 0.05
    assert activity.attrs["sampling_interval_units"] == "s"


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("time", [f"{k} s" for k in range(40)], r"its column 'time' holds (large_)?string\. Save times as numbers"),
        ("area", pd.Categorical(["V1", "V2"] * 20), "its column 'area' holds dictionary.*not numbers. Remove that"),
        ("frame", np.arange(40) * 2, "its column 'frame' looks like an axis"),
    ],
)
def test_columns_that_are_no_samples_are_told(tmp_path, column, values, message):
    frame().assign(**{column: values}).to_parquet(tmp_path / "x.parquet")
    with pytest.raises(UnreadableFile, match=message):
        load_activity(tmp_path / "x.parquet", dims=TIME_NEURON)


@pytest.mark.parametrize(
    ("column", "values", "interval"),
    [
        ("frame", np.arange(40), None),
        ("Time (ms)", np.arange(40) * 50, 50),
        ("when", pd.date_range("2026-11-29", periods=40, freq="1s"), 1),
    ],
)
def test_a_clock_of_another_name_is_used(tmp_path, column, values, interval):
    frame().assign(**{column: values}).to_parquet(tmp_path / "x.parquet")
    with nothing_computes():
        loaded = load_activity(tmp_path / "x.parquet", dims=TIME_NEURON)
    np.testing.assert_array_equal(loaded.values, frame().values.T)
    assert loaded.neuron.values.tolist() == list(frame())
    assert loaded.attrs.get("sampling_interval") == interval


def test_columns_of_one_name_are_told(tmp_path):
    import pyarrow
    import pyarrow.parquet

    table = pyarrow.Table.from_arrays([pyarrow.array([1.0, 2.0])] * 2, names=["a", "a"])
    pyarrow.parquet.write_table(table, tmp_path / "x.parquet")
    with pytest.raises(UnreadableFile, match=r"2 of its columns are called 'a'\. Rename them"):
        load_activity(tmp_path / "x.parquet", dims=TIME_NEURON)
