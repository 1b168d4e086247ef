"""The stores of the folder: a list to choose from, and what the catalogue says about them."""

from collections.abc import Callable, Mapping
from html import escape
from typing import Any, Final

import pandas as pd
import panel as pn
import param

from netxr.app.frame.controls import LOOK
from netxr.app.frame.looks import side_by_side
from netxr.app.frame.panes import button
from netxr.app.frame.session import Session
from netxr.schema.words import text_of

BROKEN: Final = "broken"
"""Kind of a store that cannot be read."""


class StoreList:
    """A list of stores, what the catalogue says about the chosen one, and a button to refresh both.

    The list offers stores of some kinds, and changes the setting `name`, a Selector, "" for none, or calls `choose`
    with the name that is chosen. `again` is called after the button is pressed.
    """

    def __init__(
        self,
        session: Session,
        settings: param.Parameterized,
        name: str,
        *kinds: str,
        choose: Callable[[str], object] | None = None,
        again: Callable[[], object] = lambda: None,
    ) -> None:
        self._session, self._settings, self._name, self._kinds = session, settings, name, kinds
        self._choose = choose or (lambda chosen: settings.param.update(**{name: chosen}))
        self._again = again
        self.list = pn.widgets.Select(name=settings.param[name].label, **LOOK)
        self.about = pn.pane.HTML("", sizing_mode="stretch_width", margin=0)
        self._look()
        self.list.param.watch(self._chosen, "value")
        settings.param.watch(lambda event: self._show(), name)
        self.refresh = button("Refresh", self.look_again)
        self.widgets = [self.list, self.refresh, self.about]
        session.listeners.append(self._look)

    def describe(self) -> None:
        """Show what the catalogue says about the chosen store."""
        self.about.object = about_store(self._session, getattr(self._settings, self._name))

    def _show(self) -> None:
        """Show what is chosen."""
        self.list.value = getattr(self._settings, self._name)
        self.describe()

    def _chosen(self, event: Any) -> None:
        """Take over the choice in the list."""
        if event.new and event.new != getattr(self._settings, self._name):
            self._choose(event.new)

    def _look(self) -> None:
        """List the stores."""
        listed, chosen = store_choices(self._session, *self._kinds), getattr(self._settings, self._name)
        self._settings.param[self._name].objects = ["", *listed.values()]
        self.list.param.update(options=_offered(listed, chosen), value=chosen)
        self.describe()

    def look_again(self, *_events: object) -> None:
        """List the stores again."""
        with self._session.guarded():
            self._session.look_again()
            self._again()


def _offered(listed: dict[str, str], chosen: str) -> dict[str, str]:
    """Return what a list offers: all stores, and the chosen one even if it is gone.

    Examples
    --------
    >>> _offered({"a.zarr  (20 MiB)": "a.zarr"}, "")
    {'Choose one of 1': '', 'a.zarr  (20 MiB)': 'a.zarr'}
    """
    gone = {} if not chosen or chosen in listed.values() else {f"{chosen}  (gone)": chosen}
    return {f"Choose one of {len(listed)}": ""} | listed | gone


def store_choices(session: Session, *kinds: str) -> dict[str, str]:
    """Return {text: name} of the stores of certain kinds."""
    if session.folder is None:
        return {}
    listed = session.folder.catalog()
    rows = listed[listed["kind"].isin(kinds)]
    return {f"{row['name']}  ({size_text(row)})": str(row["name"]) for _, row in rows.iterrows()}


def size_text(row: Any) -> str:
    """Return the size of a store, by its row in the catalogue.

    Examples
    --------
    >>> size_text({"neurons": 1000, "samples": 20_000, "trials": pd.NA, "bytes": 80_000_000})
    '1,000 neurons x 20,000 samples, 76.3 MiB'
    """
    sides = [(row["neurons"], "neurons"), (row["samples"], "samples"), (row["trials"], "trials")]
    counted = " x ".join(
        f"{size:,} {what}" for size, what in sides if not pd.isna(size) and (what, size) != ("trials", 1)
    )
    return ", ".join(filter(None, (counted, text_of(row["bytes"]))))


def about_store(session: Session, name: str) -> str:
    """Return what the catalogue says about a store, as HTML; for an unknown one, which stores cannot be read."""
    listed = session.folder.catalog() if session.folder is not None else pd.DataFrame({"name": [], "kind": []})
    rows = listed[listed["name"] == name]
    if rows.empty:
        broken = listed[listed["kind"] == BROKEN]
        return _facts_html(
            {"Not readable": "; ".join(f"{row['name']}: {row['problem']}" for _, row in broken.iterrows())}
        )
    row = rows.iloc[0]
    is_sweep = row["kind"] == "sweep"
    facts = {
        "Size": "" if is_sweep else size_text(row),
        "Truth": "" if is_sweep else "known" if row["truth"] else "not known",
        "Estimates": "" if is_sweep else row["estimates"] or "none yet",
        "Created": row["created"].replace("T", " ").removesuffix("Z"),
        "Unfinished": row["unfinished"],
        "Problem": row["problem"],
    }
    return _facts_html(facts)


def _facts_html(facts: Mapping[str, Any]) -> str:
    """Return facts as a list in HTML, without empty ones."""
    lines = "".join(
        f'<dt style="color:var(--ink2);overflow-wrap:anywhere">{escape(what)}</dt>'
        f'<dd style="margin:0;overflow-wrap:anywhere">{escape(str(text))}</dd>'
        for what, text in facts.items()
        if text
    )
    return f'<dl style="display:grid;grid-template-columns:auto 1fr;gap:0 12px;margin:0">{lines}</dl>'


def tab_of_stores(session: Session, settings: param.Parameterized, view: Any, *, what: str) -> Any:
    """Return a tab that shows stores of the folder; without a folder, it says how to name one.

    `view` is called with the session, the folder and the settings. It returns an object with `controls`, `body`, maybe
    `summary`, and `update`, which is called whenever a setting changes; it says itself what can be done where nothing
    is chosen. `what` is the plural of what the tab shows.
    """
    if session.folder is None:
        return _words(
            f"<p>This tab shows the {what} in a folder. Start the app with one:</p><pre>netxr app FOLDER</pre>"
            "<p>FOLDER holds stores that <code>netxr simulate</code>, <code>netxr sweep</code>, "
            "<code>netxr import</code> or <code>netxr.save</code> made.</p>"
        )
    shown = view(session, session.folder, settings)
    settings.param.watch(shown.update, [setting for setting in settings.param if setting != "name"])
    shown.update()
    return side_by_side(shown.controls, shown.body, summary=getattr(shown, "summary", None))


def _words(html: str) -> pn.pane.HTML:
    """Return what a tab shows that has no store."""
    return pn.pane.HTML(html, margin=0, sizing_mode="stretch_width")


def trial_choices(session: Session, name: str, *, pooled: int) -> dict[str, int]:
    """Return {text: position} of the trials of a store, and of all of them together if there are several."""
    listed = session.folder.catalog() if session.folder is not None else pd.DataFrame({"name": [], "trials": []})
    rows = listed[listed["name"] == name]
    n = 1 if rows.empty or pd.isna(rows.iloc[0]["trials"]) else int(rows.iloc[0]["trials"])
    each = {f"{k + 1} of {n}": k for k in range(n)}
    return each | {"all, pooled": pooled} if n > 1 else each
