import csv

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from netxr.errors import UnreadableFile
from netxr.recordings.formats.text import read_table

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
    ],
)
def test_a_first_row_that_counts_the_columns_is_noticed(tmp_path, text, counts):
    assert read_table(write(tmp_path, text)).counts_columns is counts


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
        ("a,b\n1,2,3\n1,2\n", "line 3 has 2 cells, the lines before it 3"),
        ("1,2\n3,x\n", "'x' in line 2, column 2 is no number"),
        ("1,2,\n3,4,\n", "its last column is empty. Remove the separator at the end"),
        (",0,1\n0,2.5,3.5\n", r"its first row and first column look like column and row numbers.*index=False"),
        ("1,2\n3," + "x" * 99, f"'{'x' * 37}...' in line 2, column 2 is no number"),
        ("a,2\n3,4\n", "'a' in line 1, column 1 is no number"),
        ("1 2\n3 1_000\n", "'1_000' in line 2, column 2 is no number"),
        ("1,5;2,5\n", r"'1,5' in line 1, column 1 is no number: a decimal comma\? Write decimal points"),
        ("a;b\n1;2\n3;-,5\n", r"'-,5' in line 3, column 2 is no number: a decimal comma\?"),
        ('1,"1,5"\n', r"'1,5' in line 1, column 2 is no number: a decimal comma\?"),
        ("1\t2\n\n3\tx,y\n", "'x,y' in line 3, column 2 is no number.$"),
    ],
)
def test_what_is_no_table_is_said_with_its_place(tmp_path, text, message):
    with pytest.raises(UnreadableFile, match=rf"table\.txt: {message}"):
        read_table(write(tmp_path, text))
