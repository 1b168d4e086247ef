import math
from urllib.parse import urlencode

import param
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netxr.app.frame import state


class Settings(param.Parameterized):
    n = param.Integer(6, bounds=(1, 100))
    rate = param.Number(0.5, bounds=(0, 1))
    above = param.Integer(3, bounds=(0, None))
    flag = param.Boolean(True)
    kind = param.Selector(default="a", objects=["a", "b & c", 3])
    store = param.String("")
    maybe = param.Integer(None, allow_None=True, bounds=(0, 9))
    inner = param.Parameter(None, precedence=-1)


VALUES = st.fixed_dictionaries(
    {
        "n": st.integers(1, 100),
        "rate": st.floats(0, 1),
        "above": st.integers(0, 10**30),
        "flag": st.booleans(),
        "kind": st.sampled_from(["a", "b & c", 3]),
        "store": st.text(st.characters(exclude_categories=["Cs"]), max_size=100),
        "maybe": st.none() | st.integers(0, 9),
    }
)


@given(VALUES)
def test_an_address_restores_the_settings(values):
    search = state.address("tab", Settings(**values))
    restored = Settings(n=99, kind=3)  # whatever was there before
    assert state.restore(restored, state.parse(search)) == []
    assert {name: getattr(restored, name) for name in values} == values
    assert state.address("tab", restored) == search


def test_an_address_holds_what_differs_from_the_defaults():
    assert state.address("one", Settings()) == "?tab=one"
    assert state.address("one", Settings(n=7, flag=False, kind="b & c")) == "?tab=one&n=7&flag=no&kind=b+%26+c"
    assert "inner" not in state.names(Settings())


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"n": "abc"}, "n: got 'abc'; expected a whole number, 1 to 100. Shown instead: 6."),
        ({"n": "7.5"}, "a whole number, 1 to 100"),
        ({"n": ""}, "n: got ''"),
        ({"n": "0"}, "got '0'"),
        ({"n": "101"}, "got '101'"),
        ({"n": "9" * 5000}, "got '999"),
        ({"rate": "nan"}, "rate: got 'nan'; expected a number, 0 to 1. Shown instead: 0.5."),
        ({"rate": "inf"}, "got 'inf'"),
        ({"above": "-1"}, "a whole number, 0 or above"),
        ({"flag": "true"}, "flag: got 'true'; expected yes or no. Shown instead: yes."),
        ({"kind": "c"}, "kind: got 'c'; expected one of those on offer"),
        ({"strange": "1"}, "The address has 'strange', which is no setting here."),
        ({"inner": "1"}, "The address has 'inner'"),
        ({"name": "1"}, "The address has 'name'"),
        ({"__class__": "1"}, "The address has '__class__'"),
    ],
)
def test_what_cannot_be_is_told_and_the_default_shown(query, told):
    settings = Settings(n=50)
    (problem,) = state.restore(settings, query)
    assert told in problem
    assert len(problem) < 200
    assert settings.n == 6


@given(st.dictionaries(st.sampled_from([*state.names(Settings()), "tab", "x"]), st.text()))
def test_any_address_gives_valid_settings(query):
    settings = Settings()
    problems = state.restore(settings, state.parse("?" + urlencode(query, errors="replace")))
    assert len(problems) <= len(query)
    assert 1 <= settings.n <= 100
    assert 0 <= settings.rate <= 1
    assert math.isfinite(settings.rate)
    assert settings.kind in ("a", "b & c", 3)


def test_many_strange_settings_are_one_sentence():
    query = {f"k{number}": "1" for number in range(30_000)}
    assert state.restore(Settings(), query) == [
        "The address has 'k0', 'k1', 'k2' and 29,997 more, which are no settings here."
    ]


def test_names_are_restored_however_long_and_addresses_are_not():
    name = "x" * 250 + ".zarr"
    restored = Settings()
    assert state.restore(restored, state.parse(f"?store={name}")) == []
    assert restored.store == name
    assert state.parse("?n=" + "1" * state.LONGEST_ADDRESS) == {}
