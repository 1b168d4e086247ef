"""Widgets for the settings of a tab: a widget changes its setting, and follows it."""

import math
import re
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import panel as pn
import param

LOOK: Final[dict[str, Any]] = {"sizing_mode": "stretch_width", "margin": 0}

WRONG: Final = re.compile(": (at (least|most) .*|a whole number)$")
"""What a label says of a number that was typed."""


def slider(settings: param.Parameterized, name: str, *, start: float, end: float, step: float, label: str = "") -> Any:
    """Return a slider that sets a number when it is released; a number beyond its ends is shown at the nearer end."""
    whole = isinstance(settings.param[name], param.Integer)
    kind = pn.widgets.IntSlider if whole else pn.widgets.FloatSlider
    near = partial(_within, start, end)
    widget = kind(
        name=label or settings.param[name].label,
        start=start,
        end=end,
        step=step,
        value=near(getattr(settings, name)),
        **LOOK,
    )
    return _linked(widget, settings, name, by="value_throttled", fit=near)


def number(settings: param.Parameterized, name: str, *, label: str = "") -> Any:
    """Return a field for a whole number, kept within the bounds of the setting; emptied, it shows the old one again.

    A number beyond the bounds, or between whole ones, becomes the nearest one, and the label says so. The field takes
    any number, as those for whole ones leave out points without a word: 1.5 becomes 15.
    """
    return _field(settings, name, label=label, whole=True)


def decimal(settings: param.Parameterized, name: str) -> Any:
    """Return the same for any number."""
    return _field(settings, name)


def _field(settings: param.Parameterized, name: str, *, label: str = "", whole: bool = False) -> Any:
    """Return a field for a number."""
    parameter = settings.param[name]
    low, high = parameter.bounds
    steps = {"step": 1} if whole else {}
    widget = pn.widgets.FloatInput(name=label or parameter.label, value=getattr(settings, name), **steps, **LOOK)

    def fit(typed: float | None) -> Any:
        """Return what the setting becomes."""
        if typed is None or math.isnan(typed):
            return getattr(settings, name)
        near = _within(low, math.inf if high is None else high, typed)
        return round(near) if whole else near

    def say(event: Any) -> None:
        """Say in the label what is wrong with what was typed."""
        typed = event.new
        if typed is None or typed == getattr(settings, name):  # shown, not typed: that panel tells since 1.10
            return
        wrong = ": a whole number" if whole and typed % 1 > 0 else ""
        wrong = f": at least {low:,}" if typed < low else wrong
        wrong = f": at most {high:,}" if high is not None and typed > high else wrong
        with param.edit_constant(widget):  # so is a name in older versions
            widget.name = WRONG.sub("", widget.name) + wrong

    widget.param.watch(say, "value_throttled")
    return _linked(widget, settings, name, by="value_throttled", fit=fit)


def choice(settings: param.Parameterized, name: str, options: Any) -> Any:
    """Return a list to choose from: values, or {text: value}."""
    widget = pn.widgets.Select(name=settings.param[name].label, options=options, value=getattr(settings, name), **LOOK)
    return _linked(widget, settings, name)


def text(settings: param.Parameterized, name: str, *, hint: str = "") -> Any:
    """Return a line of text, which takes effect with the enter key, or when it is left."""
    widget = pn.widgets.TextInput(
        name=settings.param[name].label, value=getattr(settings, name), placeholder=hint, **LOOK
    )
    return _linked(widget, settings, name)


def buttons(settings: param.Parameterized, name: str, options: Any) -> Any:
    """Return a row of buttons, one of them pressed: values, or {text: value}."""
    widget = pn.widgets.RadioButtonGroup(
        name=settings.param[name].label,
        options=options,
        value=getattr(settings, name),
        css_classes=["wraps"],
        **LOOK,
    )
    return _linked(widget, settings, name)


def flag(settings: param.Parameterized, name: str) -> Any:
    """Return a box to tick."""
    widget = pn.widgets.Checkbox(name=settings.param[name].label, value=getattr(settings, name), **LOOK)
    return _linked(widget, settings, name)


def _linked(
    widget: Any,
    settings: param.Parameterized,
    name: str,
    *,
    by: str = "value",
    fit: Callable[[Any], Any] = lambda value: value,
) -> Any:
    """Make a widget change a setting and follow it; `fit` turns a value of the one into one of the other."""

    def show(*_events: object) -> None:
        """Show the setting."""
        widget.value = fit(getattr(settings, name))

    def take(event: Any) -> None:
        """Set what was typed or chosen; a slider at its end, for a setting that lies beyond it, asks for nothing."""
        if event.new != fit(getattr(settings, name)):
            settings.param.update(**{name: fit(event.new)})
            show()

    widget.param.watch(take, by)
    settings.param.watch(show, name)
    return widget


def _within(low: float, high: float, value: float) -> float:
    """Return the nearest number between two ends."""
    return min(max(value, low), high)
