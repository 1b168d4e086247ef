"""The settings of a tab in the address of the page, so that a view can be shared and restored.

Settings are a `param.Parameterized`; the address holds its parameters by name, as plain text. Panel's own
`location.sync` does not serve: it turns texts such as "007" into numbers and then drops them, raises for a number of
5,000 digits, and ignores what it cannot read without a word (panel 1.9).
"""

import math
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

import param

from netxr.compat import check_parameter

TAB: Final = "tab"
"""The name under which the address holds the tab."""

THEME: Final = "theme"
"""The name under which it holds the theme, light or dark, where that is not what the system has."""

LONGEST: Final = 255
"""Most letters of a value; no name of a store is longer."""

LONGEST_ADDRESS: Final = 2**14
"""Most letters of an address."""

MOST_NAMED: Final = 3
"""How many unknown settings of an address are named; the others are counted."""

YES, NO = "yes", "no"


def names(settings: param.Parameterized) -> list[str]:
    """Return the names of the settings, in the order of their declaration."""
    return [name for name in settings.param if name != "name" and (settings.param[name].precedence or 0) >= 0]


def parse(search: str) -> dict[str, str]:
    """Return the settings in an address as text; none if it is too long.

    Examples
    --------
    >>> parse("?tab=tutorial&n=42")
    {'tab': 'tutorial', 'n': '42'}
    """
    return dict(parse_qsl(search.removeprefix("?"), keep_blank_values=True)) if len(search) <= LONGEST_ADDRESS else {}


def address(tab: str, settings: param.Parameterized, *, theme: str = "") -> str:
    """Return the part of an address that restores a tab: its settings that are not the default, and the theme."""
    changed = {
        name: _text(getattr(settings, name))
        for name in names(settings)
        if getattr(settings, name) != settings.param[name].default
    }
    return "?" + urlencode({TAB: tab, **changed} | ({THEME: theme} if theme else {}))


def restore(settings: param.Parameterized, query: Mapping[str, str]) -> list[str]:
    """Set the settings that an address names, and return what was wrong with it, a sentence each.

    A setting that the address does not name, or gives an impossible value, has its default.
    """
    problems = _about_unknown([key for key in query if key not in (TAB, THEME, *names(settings))])
    values = {name: settings.param[name].default for name in names(settings)}
    for name in values.keys() & query.keys():
        parameter = settings.param[name]
        try:
            values[name] = _checked(parameter, query[name])
        except ValueError:
            said, default = _short(query[name]), _text(parameter.default)
            problems.append(f"{name}: got {said}; expected {_expected(parameter)}. Shown instead: {default or 'none'}.")
    settings.param.update(**values)
    return problems


def _about_unknown(keys: list[str]) -> list[str]:
    """Return a sentence about the keys of an address that are no settings, if there are any."""
    if not keys:
        return []
    named = ", ".join(map(_short, keys[:MOST_NAMED]))
    more = f" and {len(keys) - MOST_NAMED:,} more" if len(keys) > MOST_NAMED else ""
    return [f"The address has {named}{more}, which {'is no setting' if len(keys) == 1 else 'are no settings'} here."]


def _checked(parameter: Any, text: str) -> Any:
    """Return the value that `text` stands for; raise ValueError if the parameter cannot have it."""
    if len(text) > LONGEST:
        raise ValueError(text)
    value = _parsed(parameter, text)
    check_parameter(parameter, value)
    return value


def _parsed(parameter: Any, text: str) -> Any:
    """Return the value that `text` stands for, by the type of the parameter."""
    if isinstance(parameter, param.Boolean):
        if text not in (YES, NO):
            raise ValueError(text)
        return text == YES
    if isinstance(parameter, param.Selector):
        return {_text(choice): choice for choice in parameter.objects}.get(text, text)
    if text == "" and parameter.allow_None:
        return None
    if isinstance(parameter, param.Integer):
        return int(text)
    if not isinstance(parameter, param.Number):
        return text
    if not math.isfinite(float(text)):
        raise ValueError(text)
    return float(text)


def _text(value: Any) -> str:
    """Return a value as it is written in an address.

    Examples
    --------
    >>> [_text(value) for value in (42, 0.9, True, None)]
    ['42', '0.9', 'yes', '']
    """
    if isinstance(value, bool):
        return YES if value else NO
    return "" if value is None else str(value)


def _expected(parameter: Any) -> str:
    """Return in words which values a parameter can have."""
    if isinstance(parameter, param.Boolean):
        return f"{YES} or {NO}"
    if isinstance(parameter, param.Selector):
        return "one of those on offer"
    if not isinstance(parameter, param.Number):
        return "text"
    kind = "a whole number" if isinstance(parameter, param.Integer) else "a number"
    low, high = parameter.bounds or (None, None)
    if low is not None and high is not None:
        return f"{kind}, {low} to {high}"
    return f"{kind}, {low} or above" if low is not None else kind


def _short(text: str) -> str:
    """Return a text of an address in quotes, shortened to a few letters."""
    return repr(text if len(text) <= 40 else f"{text[:39]}…")
