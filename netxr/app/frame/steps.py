"""A path of steps in the rail, one of them open: only that one shows its controls, a closed one says what it did."""

from collections.abc import Callable, Mapping
from functools import partial
from html import escape
from typing import Any

import panel as pn
import param

from netxr.app.frame.panes import stack


class Steps:
    """Steps below each other, with the widgets of each by title; `asked` is called with the title of one to open.

    All of them are the `panel`; the `summary` has the open one in two lines.
    """

    def __init__(self, controls: Mapping[str, list[Any]], asked: Callable[[str], object]) -> None:
        self._heads: dict[str, Any] = {}
        self._bodies: dict[str, Any] = {}
        self._steps: dict[str, Any] = {}
        self._done: set[str] = set()
        self._said: dict[str, list[str]] = {}
        self.summary = pn.pane.HTML("", sizing_mode="stretch_width", margin=0)
        for number, (title, widgets) in enumerate(controls.items(), 1):
            head = pn.widgets.Button(
                name=title,
                css_classes=["stephead"],
                stylesheets=[f':host {{ --number: "{number}"; }}'],
                sizing_mode="stretch_width",
                margin=0,
            )
            head.on_click(partial(lambda title, _event: asked(title), title))
            self._heads[title], self._bodies[title] = head, stack(*widgets, visible=False, margin=(0, 8))
            self._steps[title] = pn.Column(
                head, self._bodies[title], css_classes=["step"], sizing_mode="stretch_width", margin=0
            )
        self.panel = pn.Column(*self._steps.values(), sizing_mode="stretch_width", margin=(-20, 0, 0, 0))

    def open(self, title: str) -> None:
        """Show the controls of a step, and close the others."""
        for each, body in self._bodies.items():
            is_open = each == title
            body.visible = is_open
            self._steps[each].css_classes = ["step", *["open"] * is_open]
            self._heads[each].css_classes = ["stephead", *["done"] * (each in self._done), *["open"] * is_open]
        self._summarise()

    def say(self, title: str, *lines: str, done: bool) -> None:
        """Say below the title of a step what it did, or why it is not done."""
        with param.edit_constant(self._heads[title]):  # so is a name in older versions
            self._heads[title].name = "\n".join([title, *filter(None, lines)])
        (self._done.add if done else self._done.discard)(title)
        is_open = self._bodies[title].visible
        self._heads[title].css_classes = ["stephead", *["done"] * done, *["open"] * is_open]
        self._said[title] = list(filter(None, lines))
        self._summarise()

    def _summarise(self) -> None:
        """Say in two lines which step is open, and what it did."""
        for number, (title, body) in enumerate(self._bodies.items(), 1):
            if body.visible:
                did = escape(", ".join(self._said.get(title, [])))
                said = f'<b style="font-size:16px">{number} {escape(title)}</b>'
                self.summary.object = f'{said}<br><span style="font-size:12px;color:var(--ink2)">{did}</span>'
