"""What of a test's parameters is marked slow: what shows little that the others do not."""

from collections import defaultdict
from itertools import chain, combinations
from typing import Any

import pytest


def slow(*values: Any) -> list[Any]:
    """Values of a parameter, or tuples of values of several, marked slow."""
    each = (value if isinstance(value, tuple) else (value,) for value in values)
    return [pytest.param(*one, marks=pytest.mark.slow) for one in each]


def thin_out(items: list[pytest.Item]) -> None:
    """Of each test that is marked `crossed`, mark all items slow but a few that show every pair of values.

    With `crossed(1)`, these few show every single value.
    """
    tests = defaultdict(list)
    for item in items:
        if mark := item.get_closest_marker("crossed"):
            shown = set(combinations(enumerate(values_of(item)), *(mark.args or (2,))))
            tests[item.nodeid.partition("[")[0]].append((item, shown))
    for left in tests.values():
        seen: set[Any] = set()
        while left and not seen.issuperset((best := max(left, key=lambda one: len(one[1] - seen)))[1]):
            left.remove(best)
            seen |= best[1]
        for item, _ in left:
            item.add_marker(pytest.mark.slow)


def values_of(item: Any) -> list[Any]:
    """What each of the parametrisations that cross gives a test: names that come together are one."""
    params = item.callspec.params
    rows = [mark.args[0] for mark in item.iter_markers("parametrize")]
    rows = [(row,) if isinstance(row, str) else row for row in rows]
    rows += [(name,) for name in params if name not in chain(*rows)]
    return [tuple(id(params[name]) for name in row) for row in rows]
