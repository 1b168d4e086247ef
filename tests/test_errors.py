import pickle

import numpy as np
import pytest

from netxr.errors import InvalidInput, NonFiniteActivity, OutputExists, UnreadableFile

ERRORS = [
    InvalidInput("lag", got="-1", expected="0 or above", fix="Swap the axes."),
    NonFiniteActivity("activity", got="3 NaN", expected="none"),
    OutputExists("run.zarr"),
    UnreadableFile("run.zarr", "cut short", fix="Copy it again."),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_says_the_same_in_another_process(error):
    other = pickle.loads(pickle.dumps(error))  # noqa: S301 - what we pickled ourselves
    assert type(other) is type(error)
    assert str(other) == str(error)


def test_invalid_input_names_argument_what_came_what_was_expected_and_the_fix():
    assert str(ERRORS[0]) == "lag: got -1; expected 0 or above. Swap the axes."
    assert ERRORS[0].argument == "lag"
    assert isinstance(ERRORS[0], ValueError)
    assert isinstance(ERRORS[2], FileExistsError)


def test_scalars_of_numpy_are_said_as_python_writes_them():
    values = [np.int64(0), np.float32(0.5), np.str_("a (b)"), np.True_, np.datetime64("2026-01-01")]
    said = str(InvalidInput("neurons", got=repr(values), expected=f"{values[0]!r}", fix=f"Not {np.int8(3)!r}."))
    assert said == "neurons: got [0, 0.5, 'a (b)', True, '2026-01-01']; expected 0. Not 3."
    assert str(UnreadableFile("a.csv", f"row {np.int64(7)!r}")) == "a.csv: row 7."
    array = repr(np.array([1]))
    assert str(InvalidInput("x", got=f"np.{array}", expected="none")) == f"x: got np.{array}; expected none."
