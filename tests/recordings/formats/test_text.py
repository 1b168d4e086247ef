import csv
import gzip
import time
import tracemalloc
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import netxr
from netxr.errors import UnreadableFile
from netxr.recordings.formats.text import table
from netxr.recordings.formats.text.table import read_table
from netxr.recordings.load import load_activity
from tests.marks import slow

SEPARATORS = {"comma": ",", "comma and blank": ", ", "tab": "\t", "semicolon": ";", "blank": " ", "blanks": "   "}


def write(folder, text):
    file = folder / "table.txt"
    file.write_text(text, encoding="utf-8")
    return file


@given(
    table=hnp.arrays(float, hnp.array_shapes(min_dims=2, max_dims=2, max_side=5)),
    separator=st.sampled_from(list(SEPARATORS.values())),
    labelled=st.booleans(),
    ending=st.sampled_from(["\n", "\r\n", "\n\n", ""]),
)
def test_any_table_comes_back_exactly(tmp_path_factory, table, separator, labelled, ending):
    labels = [f"n{column}" for column in range(table.shape[1])]
    rows = ([labels] if labelled else []) + [[repr(float(cell)) for cell in row] for row in table]
    file = write(tmp_path_factory.mktemp("table"), "\n".join(separator.join(row) for row in rows) + ending)
    values, found, *_ = read_table(file)
    np.testing.assert_array_equal(values, table)
    assert values.dtype == np.float64
    assert found == (labels if labelled else None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1,-0\nNaN,inf\n", [[1, -0.0], [np.nan, np.inf]]),
        ("\ufeff1,2\n", [[1, 2]]),
        ("# made by hand\n\n1 2\n  3   4  # the last\n\n", [[1, 2], [3, 4]]),
        ("7", [[7]]),
        ("1\n2\n3", [[1], [2], [3]]),
        ("1\r\n2\r\n", [[1], [2]]),
    ],
)
def test_ways_of_writing_numbers(tmp_path, text, expected):
    values, labels, *_ = read_table(write(tmp_path, text))
    np.testing.assert_array_equal(values, expected)
    np.testing.assert_array_equal(np.signbit(values), np.signbit(expected))
    assert labels is None


@pytest.mark.parametrize("mark", ["\t", ";", ","])
@given(data=st.data())
def test_empty_cells_are_nan(tmp_path_factory, mark, data):
    table = np.round(data.draw(hnp.arrays(float, (4, 3), elements=st.floats(-99, 99))), 3) + 0.5
    missing = data.draw(hnp.arrays(bool, (4, 3)))
    missing[data.draw(st.integers(0, 3)), 2] = False
    rows = [
        ["" if gone else repr(float(x)) for x, gone in zip(*row, strict=True)]
        for row in zip(table, missing, strict=True)
    ]
    file = write(tmp_path_factory.mktemp("table"), "\n".join(mark.join(row) for row in [list("abc"), *rows]))
    np.testing.assert_array_equal(read_table(file).values, np.where(missing, np.nan, table))


def test_a_line_of_tabs_is_a_row_and_a_blank_line_none(tmp_path):
    values = read_table(write(tmp_path, "\t\n1\t2\n\n \n\t# end\n\t\r\n3\t4\n")).values
    np.testing.assert_array_equal(values, [[np.nan, np.nan], [1, 2], [np.nan, np.nan], [3, 4]])


def test_what_pandas_writes_comes_back(tmp_path):
    frame = pd.DataFrame({"left, V1": [1.5, np.nan, 3], "right": [np.nan, np.nan, 0.25], "dead": np.nan})
    for sep in "\t;,":
        for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_ALL):
            frame.to_csv(tmp_path / "x.csv", sep=sep, quoting=quoting, index=False)
            values, labels, *_ = read_table(tmp_path / "x.csv")
            np.testing.assert_array_equal(values, frame.to_numpy())
            assert labels == list(frame)


def test_tabs_go_before_semicolons_and_these_before_commas(tmp_path):
    assert read_table(write(tmp_path, "a;b\tc,d\n1\t2\n")).labels == ["a;b", "c,d"]
    assert read_table(write(tmp_path, "a,b;c d\n1;2\n")).labels == ["a,b", "c d"]
    assert read_table(write(tmp_path, "1 2 # left, right; made by hand\n3 4\n")).values.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("0,1,2\n4,5,6\n", True),
        ("1\t2\n4\t5\n", True),
        ('"0","1"\n4,5\n', True),
        ("0,1,2\n", False),
        ("0\n4\n", False),
        ("0.0,1.0\n4,5\n", False),
        ("1,0\n4,5\n", False),
        ("2,3\n4,5\n", False),
        ("a,b\n0,1\n4,5\n", False),
        ("3,7,12\n0.5,-0.25,0.125\n", True),
        ("3,7,12\n0.5,,NA\n", True),
        ("7,3,12\n0.5,1,2\n", True),
        ("3,3,12\n0.5,1,2\n", False),
        ("3.0,7.0\n0.5,1.5\n", False),
        ("-3,7\n0.5,1.5\n", False),
        ("0,0,0\n0.5,1,2\n", False),
        ("3,7,12\n" + "0,2,1\n" * 10, True),
        ("3,7,12\n" + "512,480,499\n" * 10, True),
        ("3,7,12\n" + "512,480,9\n500,481,19\n" * 5, False),
        ("3\n0.5\n", False),
    ],
)
def test_a_first_row_that_may_be_names_is_noticed(tmp_path, text, counts):
    assert read_table(write(tmp_path, text)).doubtful is counts


def test_labels_lose_their_quotes_and_blanks(tmp_path):
    assert read_table(write(tmp_path, '"left, V1", right ,ä\n1,2,3\n'))[1] == ["left, V1", "right", "ä"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no numbers in it"),
        ("\n \n# nothing\n", "no numbers in it"),
        ("a,b\n", "no numbers in it"),
        ("1,2\n3\n", "line 2 has 1 cells, the lines before it 2"),
        ("1,2\n\n3,4,5\n", "line 3 has 3 cells, the lines before it 2"),
        ("a,b\n1,2,3\n1,2\n", "its first line has 2 labels, the rows have 3 cells"),
        ("1,2,3\n1,2\n1,2,3\n", "line 2 has 2 cells, the lines before it 3"),
        ("1,2\n3,x\n", "'x' in line 2, column 2 is no number"),
        ("1,2,\n3,4,\n", "its last column is empty. Remove the separator at the end"),
        ("1,2\n3," + "x" * 99, f"'{'x' * 37}...' in line 2, column 2 is no number"),
        ("a,2.5\n3,4\n", "'a' in line 1, column 1 is no number"),
        ("-,2\n3,4\n", "'-' in line 1, column 1 is no number"),
        ("1 2\n3 1_000\n", "'1_000' in line 2, column 2 is no number"),
        ("a;b\n1;2\n3;-,5x\n", r"'-,5x' in line 3, column 2 is no number.$"),
        ("1.5;2\n3,5;4\n", r"'3,5' in line 2, column 1 is no number: a decimal comma\? Write decimal points"),
        ("1\t1,234\n2\t5,678\n", r"'1,234' in line 1, column 2 is no number: a decimal comma\?"),
        ("1\t1,234,567\n2\t5\n", r"'1,234,567' in line 1, column 2 is no number: commas within\?"),
        ("0,5\n0,75\n0,05\n", r"its commas look like decimal commas of one column \(0,05\)"),
        ("-0,5\n1,7\n", r"its commas look like decimal commas of one column \(-0,5\)"),
        ("a,b\n1,2\n# half\n3\n", "line 4 has 1 cells, the lines before it 2"),
        ("a,b\n1,2\n3,\n4\n", "line 4 has 1 cells, the lines before it 2"),
        ("1\t2\n\n3\tx,y\n", "'x,y' in line 3, column 2 is no number.$"),
    ],
)
def test_what_is_no_table_is_said_with_its_place(tmp_path, text, message):
    with pytest.raises(UnreadableFile, match=rf"table\.txt: {message}"):
        read_table(write(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "labels", "expected"),
    [
        ("ROI #1,ROI #2\n1,2\n", ["ROI #1", "ROI #2"], [[1, 2]]),
        ("# by hand\n1,2 # first\n# half\n3,4\n", None, [[1, 2], [3, 4]]),
        ("a b#2\n1 2\n", ["a", "b#2"], [[1, 2]]),
        ("a,b\n1,#DIV/0!\n#N/A,2\n#NUM!,#REF!\n", ["a", "b"], [[1, np.nan], [np.nan, 2], [np.nan, np.nan]]),
        ("1 2 #N/A\n", None, [[1, 2, np.nan]]),
        ("NA,0.5\n1,n/a\nNULL,<NA>\n", None, [[np.nan, 0.5], [1, np.nan], [np.nan, np.nan]]),
        ("a,b\nTrue,1\nFalse,2\nNA,3\n", ["a", "b"], [[1, 1], [0, 2], [np.nan, 3]]),
        ("a,b\n" + "0,1\n" * 150 + "True,2\n", ["a", "b"], [*[[0, 1]] * 150, [1, 2]]),
        ("time,1,2\n0,5,6\n", ["time", "1", "2"], [[0, 5, 6]]),
        (",3,7\n0,0.5,0.25\n1,0.5,0.75\n", ["", "3", "7"], [[0, 0.5, 0.25], [1, 0.5, 0.75]]),
        ("a;b\n1,5;2,5\n-,5;3\n", ["a", "b"], [[1.5, 2.5], [-0.5, 3]]),
        ("a;b\n1.5;2,5\n0.5;3,25\n", ["a", "b"], [[1.5, 2.5], [0.5, 3.25]]),
        ('1,"1,5"\n', None, [[1, 1.5]]),
        ("0,5\n1,7\n", None, [[0, 5], [1, 7]]),
        ("1\n\n3\n\n\n", None, [[1], [np.nan], [3]]),
        ("a\n1\n\n# half\n\n3\n", ["a"], [[1], [np.nan], [np.nan], [3]]),
        ("\n\na\n\n1\n2\n", ["a"], [[1], [2]]),
        ("1 2\n\n3 4\n", None, [[1, 2], [3, 4]]),
    ],
)
def test_what_people_write_in_tables(tmp_path, text, labels, expected):
    table = read_table(write(tmp_path, text))
    assert table.labels == labels
    np.testing.assert_array_equal(table.values, expected)
    assert not table.apart


@pytest.mark.parametrize("code", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_codes_and_compression(tmp_path, code, packed, ending):
    content = ending.join(["µ1;ä", "1,5;2", "2,25;4", ""]).encode(code)
    file = tmp_path / "x.csv"
    file.write_bytes(gzip.compress(content) if packed and code != "utf-16" else content)
    table = read_table(file)
    assert table.labels == ["µ1", "ä"]
    np.testing.assert_array_equal(table.values, [[1.5, 2], [2.25, 4]])


def test_columns_without_numbers_stand_apart(tmp_path):
    table = read_table(write(tmp_path, "when,a,animal\n2026-11-29 17:58:56.5,1,x\n2026-11-29 17:58:57.0,2,y\n"))
    assert table.labels == ["a"]
    np.testing.assert_array_equal(table.values, [[1], [2]])
    assert [(one.label, one.place) for one in table.apart] == [("when", 0), ("animal", 2)]
    assert np.diff(table.apart[0].entries) == np.timedelta64(500, "ms")
    assert table.apart[1].entries.tolist() == ["x", "y"]
    table = read_table(write(tmp_path, "0:00:00.5\t1\n0:00:01.0\t2\n"))
    assert (table.apart[0].entries / np.timedelta64(1, "s")).tolist() == [0.5, 1]


def test_the_caller_says_whether_the_first_line_is_labels(tmp_path):
    file = write(tmp_path, "3,7\n0.5,1.5\n")
    table = read_table(file, header=True)
    assert (table.labels, table.values.tolist(), table.doubtful) == (["3", "7"], [[0.5, 1.5]], False)
    table = read_table(file, header=False)
    assert (table.labels, table.values.tolist(), table.doubtful) == (None, [[3, 7], [0.5, 1.5]], False)
    with pytest.raises(UnreadableFile, match="no numbers in it"):
        read_table(write(tmp_path, "1,2\n"), header=True)


@pytest.mark.parametrize("odd", ["dates", *slow(None, "empty", "comma")])
def test_a_large_table_is_read_as_fast_and_small_as_by_pandas(tmp_path, odd):
    values = np.random.default_rng(0).normal(size=(20_000, 30)).round(6)
    frame = pd.DataFrame(values, columns=[f"n{k}" for k in range(30)])
    file, options = tmp_path / "x.csv", {"sep": ";", "decimal": ","} if odd == "comma" else {}
    if odd == "dates":
        frame.insert(0, "when", pd.date_range("2026-01-01", periods=len(frame), freq="100ms").astype(str))
    if odd == "empty":
        frame.iloc[7, -1] = np.nan
    frame.to_csv(file, index=False, **options)
    tracemalloc.start()
    begin = time.perf_counter()
    expected = pd.read_csv(file, **options)
    theirs, theirs_bytes = time.perf_counter() - begin, tracemalloc.get_traced_memory()[1]
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    begin = time.perf_counter()
    table = read_table(file)
    ours, ours_bytes = time.perf_counter() - begin, tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    np.testing.assert_array_equal(table.values, expected.iloc[:, -30:].to_numpy(dtype=float))
    assert ours_bytes < 3 * theirs_bytes + 2**22
    assert ours < 8 * theirs + 0.5


def test_what_other_programs_put_before_the_numbers(tmp_path):
    assert read_table(write(tmp_path, "sep=;\na;b\n1;2\n")).values.tolist() == [[1, 2]]
    by_r = read_table(write(tmp_path, '"a","b"\n"1",0.5,2\n"2",1.5,3\n'))
    assert (by_r.labels, by_r.values.tolist()) == (["", "a", "b"], [[1, 0.5, 2], [2, 1.5, 3]])
    with pytest.raises(UnreadableFile, match=r"'part' in line 2, column 1 is no number\. Keep one line of labels"):
        read_table(write(tmp_path, "scorer,D,D\npart,nose,nose\ncoords,x,y\n0,1,2\n"))


@pytest.mark.parametrize("head", ["neuron,time\n", "unit_id,spike_time\n", ""])
@pytest.mark.parametrize("by", [0, 1])
def test_a_list_of_spikes_is_no_recording(tmp_path, head, by):
    rng = np.random.default_rng(0)
    spikes = np.column_stack([rng.integers(0, 5, 200), np.sort(rng.uniform(0, 9, 200))])
    spikes = spikes[np.argsort(spikes[:, by], kind="stable")]
    file = write(tmp_path, head + "".join(f"{int(unit)},{when:.4f}\n" for unit, when in spikes))
    with pytest.raises(UnreadableFile, match=r"looks like a list of spikes.*Count the spikes"):
        load_activity(file, dims=("time", "neuron"))


def test_times_without_a_unit_whose_steps_are_long_are_asked_about(tmp_path):
    """Steps of 33 are rarely seconds: milliseconds would be a thousand times as fast."""
    path = tmp_path / "run.csv"
    path.write_text("time,a,b\n" + "".join(f"{33 * k},{k % 3},{k % 5}\n" for k in range(20)), encoding="utf-8")
    with pytest.warns(UserWarning, match=r"steps of 33 are taken for seconds\. Say interval_units='s'.* 'ms'"):
        assert netxr.open(path, dims=("time", "neuron")).attrs["sampling_interval_units"] == "s"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for units in ("s", "ms"):
            opened = netxr.open(path, dims=("time", "neuron"), interval_units=units)
            assert (opened.attrs["sampling_interval"], opened.attrs["sampling_interval_units"]) == (33, units)
        path.write_text("time,a\n0,1\n0.5,2\n1,3\n", encoding="utf-8")
        assert netxr.open(path, dims=("time", "neuron")).attrs["sampling_interval"] == 0.5


LINES = [
    ["1,2.5,-3e-7", "4,5,6"],
    ["1e400,-inf,infinity", "nan,NaN,.5"],
    ["1,,3", "4,NA,6"],
    ["1,2,3", "4,5"],
    ["1,2,3", "4,5,6,7"],
    ["1,2,3 # by hand", "# a remark", "4,5,6"],
    ["1,true,3", "4,false,6"],
    ['"1",2,3', "4,5,6"],
    ["1,2,3", "", " 4 , 5 ,6 "],
    ["a,b,c", "1,2,3", "4,5,6"],
    ["1,spring,3", "4,autumn,6"],
    ["2024-05-01,2,3", "2024-05-02,5,6"],
    ["0x10,2,3", "4,5,6"],
    ["1_000,2,3", "4,5,6"],
    ["1d5,2,3", "4,5,6"],
    ["1,2,3", "4,5,2+1j"],
    ["1\t2\t3", "\t\t", "4\t5\t6"],
    ["1 2  3", "4 5 6"],
    ["1;2,5;3", "4;5;6"],
]


@pytest.mark.parametrize("lines", LINES, ids="|".join)
def test_wide_tables_are_read_as_narrow_ones(tmp_path, monkeypatch, lines):
    path = tmp_path / "table.txt"
    path.write_text("\n".join(lines) + "\n")
    found = []
    for wide in (10**9, 1):
        monkeypatch.setattr(table, "WIDE", wide)
        try:
            found.append(read_table(path))
        except UnreadableFile as error:
            found.append(error)
    narrow, wide = found
    if isinstance(narrow, UnreadableFile):
        assert str(wide) == str(narrow)
        return
    np.testing.assert_array_equal(wide.values, narrow.values, strict=True)
    assert (wide.labels, wide.doubtful) == (narrow.labels, narrow.doubtful)
    assert [one.entries.tolist() for one in wide.apart] == [one.entries.tolist() for one in narrow.apart]
