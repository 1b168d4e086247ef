"""The page: messages, tabs that are built when first shown, and an address that holds what is shown."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import panel as pn
import param
from panel.io.location import Location

from netxr.app.frame import state
from netxr.app.frame.looks import TAB_STYLE, TEMPLATE
from netxr.app.frame.session import Session
from netxr.compat import reads_its_own_query


class Tab(NamedTuple):
    """A tab of the page.

    Parameters
    ----------
    settings : callable
        Called with the Session; returns the settings that the address holds: a `param.Parameterized` with a default, a
        label and bounds for each.
    build : callable
        Called with the Session and the restored settings when the tab is first shown; returns what is shown. It watches
        its settings, which change by widgets and by the address.
    """

    settings: Callable[[Session], param.Parameterized]
    build: Callable[[Session, Any], Any]


@reads_its_own_query
class Address(Location):
    """The address of a page, which is read by the page alone."""


class Page:
    """One open page.

    Parameters
    ----------
    session : Session
        What its tabs share.
    tabs : mapping
        {title: Tab}, the first one shown where the address names none.
    location : panel Location
        The address of the page.
    """

    def __init__(self, session: Session, tabs: Mapping[str, Tab], location: Any) -> None:
        self._session, self._tabs, self._location = session, tabs, location
        self._settings: dict[str, param.Parameterized] = {}
        self._views: dict[str, Any] = {}
        self.chosen = pn.widgets.RadioButtonGroup(
            options=list(tabs), value=next(iter(tabs)), stylesheets=[TAB_STYLE], margin=(8, 10)
        )
        self._place = pn.Column(sizing_mode="stretch_width", min_height=500)
        self.body = pn.Column(
            self.chosen, session.messages, session.status, self._place, sizing_mode="stretch_width", margin=0
        )
        self._read()
        self.chosen.param.watch(self._show, "value")
        location.param.watch(self._read, "search")

    def _read(self, *_events: object) -> None:
        """Show what the address says, unless it is shown already."""
        query = state.parse(self._location.search)
        known = {title.lower(): title for title in self._tabs}
        asked = query.get(state.TAB, "").lower()
        title = known.get(asked, self.chosen.value)
        settings = self._settings_of(title)
        if self._location.search == state.address(title.lower(), settings) and title in self._views:
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

    def _show(self, *_events: object) -> None:
        """Show the chosen tab, and build it if it was never shown."""
        title = self.chosen.value
        with self._session.guarded():
            settings = self._settings_of(title)
            if title not in self._views:
                self._session.clear()
                self._views[title] = pn.Column(sizing_mode="stretch_width")
                self._views[title].append(self._tabs[title].build(self._session, settings))
        self._place[:] = [self._views[title]] if title in self._views else []
        self._write()

    def _write(self, *_events: object) -> None:
        """Write what is shown into the address, without loading the page again."""
        title = self.chosen.value
        if title in self._settings:
            self._location.search = state.address(title.lower(), self._settings[title])


def template_of(body: Any, *, title: str) -> pn.Template:
    """Return the whole page around its body; it asks no other host for anything."""
    template = pn.Template(TEMPLATE, location=True)
    template.add_panel("body", body)
    template.add_variable("app_title", title)
    template.title = title
    return template
