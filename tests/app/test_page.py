import threading
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import bokeh
import holoviews as hv
import panel as pn
import param
import pytest
from bokeh.core.has_props import Override
from bokeh.core.property.descriptors import UnsetValueError
from bokeh.document import Document
from bokeh.document.models import DocumentModelManager
from bokeh.models import Column, Div, ImportedStyleSheet
from bokeh.plotting import figure
from panel.io.state import set_curdoc

import netxr
from netxr.app.frame.jobs import TooManyWaiting
from netxr.app.frame.page import Tab
from netxr.app.frame.panes import Results, card, emptied, note, stretched
from netxr.app.frame.session import deliver_to
from netxr.app.frame.theme import TOKENS
from netxr.compat import defaults_looked_up_once, parts_listed_once, style_parts_before_they_are_listed
from netxr.errors import InvalidInput
from tests.app.pages import OpenPage


class Counts(param.Parameterized):
    n = param.Integer(1, bounds=(1, 9), label="Number")
    fail = param.Boolean(False)


def counting_tab(session, settings):
    shown = pn.pane.HTML("")

    def work(job):
        if settings.fail:
            raise netxr.InvalidInput("n", got="<b>5</b>", expected="less")
        return settings.n**2

    def update(*_events):
        session.run("count", work, lambda result: shown.param.update(object=f"square {result}"), label="Counting")

    settings.param.watch(update, ["n", "fail"])
    update()
    return shown


def broken_tab(session, settings):
    raise ZeroDivisionError("in /secret/place")


TABS = {
    "Count": Tab(lambda _session: Counts(), counting_tab),
    "Other": Tab(lambda _session: Counts(), lambda session, settings: pn.pane.HTML("other")),
    "Broken": Tab(lambda _session: Counts(), broken_tab),
}


@pytest.fixture
def open_page():
    pages = []

    def opened(search="", **options):
        pages.append(OpenPage(search, tabs=TABS, **options))
        return pages[-1]

    yield opened
    for page in pages:
        page.close()


def test_the_first_tab_is_shown_and_the_others_are_not_built(open_page):
    page = open_page().wait()
    assert "square 1" in page.text()
    assert "other" not in page.text()
    assert page.location.search == "?tab=count"


def test_an_address_is_restored_and_follows(open_page):
    page = open_page("?tab=count&n=3").wait()
    assert "square 9" in page.text()
    page.page._settings_of("Count").n = 4
    page.wait()
    assert "square 16" in page.text()
    assert page.location.search == "?tab=count&n=4"
    page.location.search = "?tab=count&n=2"  # as if somebody had typed it
    page.wait()
    assert "square 4" in page.text()


def test_tabs_keep_their_settings(open_page):
    page = open_page("?tab=count&n=3").wait()
    page.page.chosen.value = "Other"
    assert page.location.search == "?tab=other"
    assert "other" in page.text()
    page.page.chosen.value = "Count"
    assert page.location.search == "?tab=count&n=3"
    assert "square 9" in page.text()


def test_what_is_wrong_with_an_address_is_told_and_nothing_in_it_is_html(open_page):
    page = open_page("?tab=count&n=%3Cimg%20src=x%3E&%3Cb%3E=1").wait()
    told = " ".join(page.messages)
    assert "&lt;img src=x&gt;" in told
    assert "<img" not in told
    assert "<b>" not in told
    assert 'role="alert"' in told
    assert "square 1" in page.text()


@pytest.mark.parametrize("search", ["?n=\u00b2", "?n=" + "9" * 5000, "?n=" + "9" * 20_000])
def test_an_address_is_read_by_the_page_alone(open_page, search):
    page = open_page().wait()
    page.location.search = search
    assert "square 1" in page.wait().text()
    assert len(page.messages) == 1


def test_what_is_told_again_is_shown_once(open_page):
    page = open_page()
    for text in ("first", "second", "first"):
        page.session.say(text)
    assert ["second" in told for told in page.messages] == [True, False]


def test_an_unknown_tab_is_told(open_page):
    page = open_page("?tab=nothing").wait()
    assert "expected count or other or broken" in page.messages[0]
    assert page.page.chosen.value == "Count"


def test_an_error_is_a_message_and_the_page_goes_on(open_page):
    page = open_page("?tab=count&fail=yes").wait()
    assert "n: got &lt;b&gt;5&lt;/b&gt;; expected less." in page.messages[0]
    page.page._settings_of("Count").fail = False
    assert not page.wait().messages
    assert "square 1" in page.text()


def test_a_tab_that_breaks_is_a_message(open_page, caplog):
    page = open_page("?tab=broken")
    assert "Unexpected error (ZeroDivisionError)" in page.messages[0]
    assert "secret" not in page.messages[0]
    assert "/secret/place" in caplog.text


def test_settings_that_cannot_be_made_are_a_message(open_page):
    page = open_page()
    page.page._tabs = TABS | {"Other": Tab(lambda session: {}["folder"], broken_tab)}
    page.page.chosen.value = "Other"
    assert "Unexpected error (KeyError)" in page.messages[0]
    page.page.chosen.value = "Count"
    assert "square 1" in page.wait().text()


def test_progress_is_shown_and_cancel_works(open_page):
    page, begun = open_page().wait(), threading.Event()

    def work(job):
        begun.set()
        while True:
            job.step(1, 4)

    page.session.run("other", work, lambda result: None, label="Waiting <for> ever")
    assert begun.wait(20)
    (row,) = page.session.status
    page.loop.run_until(lambda: row[0].value == 25)
    assert "Waiting &lt;for&gt; ever" in row[1].object
    row[2].clicks += 1
    assert not list(page.session.status)
    assert "cancelled" in page.messages[0]
    page.session.run("other", lambda job: None, lambda result: None, label="Next")
    page.wait()


@pytest.mark.parametrize("end", ["cancelled", "failed", "done", "replaced"])
def test_where_there_will_be_no_result_the_tab_is_told(open_page, end):
    page, begun, withdrawn = open_page().wait(), threading.Event(), []

    def work(job):
        begun.set()
        if end == "failed":
            raise InvalidInput("n", got="5", expected="less")
        while end != "done":
            job.step()

    page.session.run("a", work, lambda result: None, label="Work", withdrawn=lambda: withdrawn.append(end))
    assert begun.wait(20)
    if end == "cancelled":
        (row,) = page.session.status
        row[2].clicks += 1
    elif end == "replaced":
        page.session.run("a", lambda job: None, lambda result: None, label="Next")
    page.wait()
    assert withdrawn == [end] * (end in ("cancelled", "failed"))


def test_the_tab_is_told_where_too_many_computations_wait(open_page, monkeypatch):
    page, withdrawn = open_page().wait(), []

    def full(*_args, **_options):
        raise TooManyWaiting(8)

    monkeypatch.setattr(page.queue, "start", full)
    page.session.run("a", print, print, label="Work", withdrawn=lambda: withdrawn.append("told"))
    assert withdrawn == ["told"]
    assert "8 computations are already waiting" in page.messages[0]


def test_no_colour_has_the_name_of_a_variable_of_bokeh():
    scripts = [*Path(bokeh.__file__).parent.rglob("static/js/bokeh*.min.js")]
    assert scripts
    for script in scripts:
        text = script.read_text(encoding="utf-8")
        assert not [name for name in TOKENS if f"--{name}:" in text], script.name


def test_a_new_computation_replaces_the_old_one_of_the_same_tab(open_page):
    page, results = open_page().wait(), []
    release = threading.Event()
    page.session.run("a", lambda job: release.wait(20), lambda result: results.append("old"), label="old")
    page.session.run("a", lambda job: "new", results.append, label="new")
    release.set()
    page.wait()
    assert results == ["new"]
    assert len(page.session.status) == 0


def test_a_page_that_goes_cancels_its_work(open_page):
    page, begun, ended = open_page().wait(), threading.Event(), threading.Event()

    def work(job):
        begun.set()
        try:
            while True:
                job.step()
        finally:
            ended.set()

    page.session.run("a", work, lambda result: None, label="For ever")
    assert begun.wait(20)
    page.session.end()
    assert ended.wait(20)
    page.queue.close()
    assert page.loop.is_empty()  # its document is gone, and takes no calls


def test_results_wait_until_the_browser_has_the_page(monkeypatch):
    loads, calls = [], []
    monkeypatch.setattr(pn.state, "onload", loads.append)
    deliver = deliver_to(SimpleNamespace(add_next_tick_callback=calls.append))
    deliver("early")
    assert not calls
    loads[0]()
    deliver("late")
    assert calls == ["early", "late"]


def test_pages_do_not_see_each_other(open_page):
    first = open_page("?tab=count&n=3").wait()
    second = open_page("?tab=count&n=5", queue=first.queue).wait()
    first.session.say("mine")
    assert "square 9" in first.text()
    assert "square 25" in second.text()
    assert not second.messages


def test_what_is_said_is_shown_first_and_then_figure_after_figure():
    turns, curves = [], [hv.Curve([1, 2]), hv.Curve([2, 1])]
    results = Results(pn.Column(), later=turns.append)
    panes = [pn.pane.HoloViews(curve, css_classes=["wide"]) for curve in curves]
    cards = [card("First", panes[0]), card("Second", panes[1])]
    results.show(*cards, answer=[note("said")])
    assert results.head.select(pn.pane.HTML)[0].object == "said"
    assert [pane.object for pane in panes] == [None, None]
    assert all("skeleton" in pane.css_classes for pane in panes)
    for k, turn in enumerate(turns):
        turn()
        assert [pane.object for pane in panes] == [*curves[: k + 1], None][:2]
    assert [pane.css_classes for pane in panes] == [["wide"], ["wide"]]
    turns.clear()
    results.show(*cards)  # what is drawn stays
    assert (turns, [pane.object for pane in panes]) == ([], curves)


def test_what_comes_later_waits_for_what_the_browser_is_told_before(open_page):
    page, done = open_page(), []
    page.wait()
    for call in (partial(done.append, "first"), partial(int, "none"), partial(done.append, "second")):
        page.session.later(call)
    page.loop.deliver(partial(done.append, "told"))
    page.wait()
    assert done == ["told", "first", "second"]
    assert len(page.messages) == 1


def test_what_comes_later_comes_although_the_browser_could_not_be_told(open_page, monkeypatch):
    page, done, faults = open_page(), [], [OSError("gone")]
    page.wait()

    @contextmanager
    def told():
        yield
        if faults:
            raise faults.pop()

    monkeypatch.setattr("netxr.app.frame.session.at_once", told)
    for name in ("first", "second"):
        page.session.later(partial(done.append, name))
    with suppress(OSError):
        page.wait()
    page.wait()
    assert (done, faults) == (["first", "second"], [])


def test_a_figure_that_is_still_to_come_has_its_room():
    pane = stretched(hv.Curve([1, 2]), height=218)
    draw = emptied(pane)
    page = pn.Column(pane).get_root()
    (room,) = page.children
    assert (room.min_height, room.sizing_mode, room.css_classes) == (218, "stretch_width", ["skeleton"])
    draw()
    assert page.children == [pane._plots[page.ref["id"]][0].state]


def test_what_a_page_is_made_of_is_listed_once_for_all_changes_and_after_a_fault(monkeypatch):
    document, listed = Document(), []
    root = Column()
    document.add_root(root)
    monkeypatch.setattr(DocumentModelManager, "recompute", spied(DocumentModelManager.recompute, listed))
    with parts_listed_once(document), parts_listed_once(document):
        root.children = [Div(name="first")]
        root.children = [Div(name="second"), Div(name="third")]
        assert not listed
    assert len(listed) == 1
    assert document.select_one({"name": "first"}) is None
    assert document.select_one({"name": "third"}).document is document
    with suppress(ZeroDivisionError), parts_listed_once(document):
        root.children = [Div(name="fourth")]
        raise ZeroDivisionError
    assert document.models.get_one_by_name("fourth") is not None
    with parts_listed_once(document):
        root.name = "no other part"
    assert len(listed) == 2


def test_parts_that_are_not_listed_yet_ask_no_other_host():
    style_parts_before_they_are_listed()
    document, column, part = Document(), pn.Column(), pn.pane.HTML("first")
    document.template_variables["dist_url"] = "static/extensions/panel/"
    with set_curdoc(document):
        document.add_root(column.get_root(document))
        with parts_listed_once(document):
            column.append(part)
            part.object = "second"
    addresses = [sheet.url for sheet in document.select({"type": ImportedStyleSheet})]
    assert addresses
    assert not [address for address in addresses if "://" in address]


def test_defaults_that_bokeh_keeps_are_those_it_makes_up():
    defaults_looked_up_once()
    parts = {type(part): part for part in figure(title="a").references()}.values()
    assert len(parts) > 10
    for part in parts:
        for name in part.properties() - part.properties_with_values(include_defaults=False).keys():
            with suppress(UnsetValueError):
                assert repr(getattr(part, name)) == repr(part.lookup(name).instance_default(part))


def test_defaults_of_a_theme_and_of_another_class_are_their_own():
    defaults_looked_up_once()

    class Loud(Div):
        visible = Override(default=False)

    plain, themed, loud = Div(), Div(), Loud()
    assert (plain.disabled, themed.disabled, plain.visible, loud.visible) == (False, False, True, False)
    themed.apply_theme({"disabled": True})
    assert (plain.disabled, themed.disabled, Div().disabled) == (False, True, False)
    themed.tags.append("its own")
    assert Div().tags == []


def spied(method, calls):
    """A method whose calls are counted."""

    def called(self):
        calls.append(self)
        return method(self)

    return called
