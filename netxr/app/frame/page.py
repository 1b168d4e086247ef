"""The page: messages, tabs that are built when first shown, and an address that holds what is shown."""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import panel as pn
import param
from panel.io.location import Location

from netxr.app.frame import state
from netxr.app.frame.looks import PAGE_STYLE, TEMPLATE, Sides
from netxr.app.frame.panes import heading, stack
from netxr.app.frame.session import Session, at_once
from netxr.app.frame.theme import DARK, LIGHT, switch, variables
from netxr.compat import reads_its_own_query

RAIL: Final = ["rail", "stack"]
"""Classes of the rail; of one that was opened on a narrow page, \"unfolded\" too."""


class Tab(NamedTuple):
    """A tab of the page."""

    settings: Callable[[Session], param.Parameterized]
    """Called with the Session; returns the settings that the address holds: a `param.Parameterized` with a default, a
    label and bounds for each.
    """
    build: Callable[[Session, Any], Any]
    """Called with the Session and the restored settings when the tab is first shown; returns what is shown. It watches
    its settings, which change by widgets and by the address. What it returns may be `Sides`.
    """
    of_folder: bool = False
    """Whether it shows stores of the folder: without a folder, the page opens with another one."""


@reads_its_own_query
class Address(Location):
    """The address of a page, which is read by the page alone."""


class Template(pn.Template):
    """The whole page, which Panel describes whenever something is added to it."""

    def __repr__(self) -> str:
        """Return what it is: to describe every part takes as long as to make it."""
        return type(self).__name__


class Page:
    """One open page, with what its tabs share and its address.

    Of the tabs, by title, the first one is shown where the address names none, and there is a folder if it needs one.
    """

    def __init__(self, session: Session, tabs: Mapping[str, Tab], location: Any) -> None:
        self._session, self._tabs, self._location = session, tabs, location
        self._settings: dict[str, param.Parameterized] = {}
        self._views: dict[str, Sides] = {}
        self._theme = ""
        self.chosen = pn.widgets.RadioButtonGroup(
            options=list(tabs),
            value=next(title for title, tab in tabs.items() if session.folder is not None or not tab.of_folder),
            css_classes=["tabs"],
            sizing_mode="stretch_both",
            margin=0,
        )
        self._rail = stack(css_classes=RAIL)
        unfold = pn.widgets.Toggle(name="Settings", margin=0)
        unfold.param.watch(lambda event: self._unfold(event.new), "value")
        self._summary = stack(css_classes=["grows"])
        self._fold = pn.Row(self._summary, unfold, css_classes=["row", "fold"], sizing_mode="stretch_width", margin=0)
        self._place = pn.Column(sizing_mode="stretch_width", min_height=500, margin=0)
        self.body = pn.Column(
            self._fold,
            self._rail,
            stack(session.line, session.status, session.again, css_classes=["status", "stack"]),
            stack(session.messages, self._place, css_classes=["results", "stack"]),
            css_classes=["body"],
            sizing_mode="stretch_width",
            margin=0,
        )
        self._read()
        self.chosen.param.watch(self._show, "value")
        location.param.watch(self._read, "search")

    @at_once()
    def _read(self, *_events: object) -> None:
        """Show what the address says, unless it is shown already."""
        query = state.parse(self._location.search)
        known = {title.lower(): title for title in self._tabs}
        asked = query.get(state.TAB, "").lower()
        self._theme = theme if (theme := query.get(state.THEME, "")) in (LIGHT, DARK) else ""
        if self._theme:
            switch(self._theme)
        title = known.get(asked, self.chosen.value)
        settings = self._settings_of(title)
        if self._location.search == self._search(title) and title in self._views:
            return
        problems = state.restore(settings, query)
        if len(self._location.search) > state.LONGEST_ADDRESS:
            problems.append(f"The address is too long: it is read up to {state.LONGEST_ADDRESS:,} letters.")
        if asked and asked not in known:
            problems.append(f"{state.TAB}: got no tab of this page; expected {' or '.join(known)}.")
        self.chosen.value = title
        self._show()
        for problem in problems:
            self._session.say(problem)

    def _settings_of(self, title: str) -> param.Parameterized:
        """Return the settings of a tab; they are made when it is first named."""
        if title not in self._settings:
            settings = self._settings[title] = self._tabs[title].settings(self._session)
            settings.param.watch(self._write, state.names(settings))
        return self._settings[title]

    @at_once()
    def _show(self, *_events: object) -> None:
        """Show the chosen tab, and build it if it was never shown."""
        title = self.chosen.value
        with self._session.guarded():
            settings = self._settings_of(title)
            if title not in self._views:
                self._session.clear()
                built = self._tabs[title].build(self._session, settings)
                self._views[title] = built if isinstance(built, Sides) else Sides([], built)
        self._rail[:] = self._views[title].rail if title in self._views else []
        self._fold.visible = bool(self._rail)
        summary = self._views[title].summary if title in self._views else None
        self._summary[:] = [summary or heading(title)]
        self._place[:] = [self._views[title].results] if title in self._views else []
        self._write()

    def _unfold(self, is_open: bool) -> None:
        """Show the rail on a narrow page, or fold it."""
        self._rail.css_classes = [*RAIL, "unfolded"] if is_open else RAIL

    def _write(self, *_events: object) -> None:
        """Write what is shown into the address, without loading the page again."""
        title = self.chosen.value
        if title in self._settings:
            self._location.search = self._search(title)

    def _search(self, title: str) -> str:
        """Return the part of an address that restores a tab as it is now."""
        return state.address(title.lower(), self._settings[title], theme=self._theme)


def template_of(body: Any, *, title: str, tabs: Any = None, theme: str = LIGHT, where: Any = None) -> pn.Template:
    """Return the whole page around its body, its tabs and what says where it is; it asks no other host for anything."""
    template = Template(TEMPLATE, location=True)
    for name, part in {"tabs": tabs, "where": where}.items():
        template.add_panel(name, pn.Spacer(height=0) if part is None else part)
    template.add_panel("body", body)
    said = {"app_title": title, "style": f"{variables()}\n{PAGE_STYLE}", "theme": theme}
    for name, value in said.items():
        template.add_variable(name, value)
    template.title = title
    return template
