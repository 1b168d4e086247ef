import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from netxr.errors import UnreadableFile
from netxr.tables import read_table

SEPARATORS = {"comma": ",", "comma and blank": ", ", "tab": "\t", "blank": " ", "blanks": "   "}


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
    values, found = read_table(file)
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
    values, labels = read_table(write(tmp_path, text))
    np.testing.assert_array_equal(values, expected)
    np.testing.assert_array_equal(np.signbit(values), np.signbit(expected))
    assert labels is None


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
        ("1,2\n3,\n", "'' in line 2, column 2 is no number"),
        ("a,2\n3,4\n", "'a' in line 1, column 1 is no number"),
        ("1 2\n3 1_000\n", "'1_000' in line 2, column 2 is no number"),
        ("1;2\n", r"no numbers in it"),
        ("1,5;2\n", "'5;2' in line 1, column 2 is no number"),
    ],
)
def test_what_is_no_table_is_said_with_its_place(tmp_path, text, message):
    with pytest.raises(UnreadableFile, match=rf"table\.txt: {message}"):
        read_table(write(tmp_path, text))
