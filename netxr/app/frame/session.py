"""One open page: its messages, its running computations, and what it may use."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from html import escape
from threading import Event, Lock
from typing import Any, Final

import panel as pn

from netxr.app.frame.folder import Folder
from netxr.app.frame.jobs import LONG, QUIET, SHORT, Cancelled, Job, JobQueue, message_of
from netxr.app.frame.looks import WAITING, message_pane, progress_row, state_html
from netxr.app.frame.panes import button, stack
from netxr.compat import parts_listed_once

MOST_MESSAGES: Final = 4
"""Most messages that are shown; older ones go."""

LEAST_SECONDS: Final = 0.5
"""After which a computation is foretold how long it still takes."""

Deliver = Callable[[Callable[[], object]], object]
"""Calls a function in the thread of the event loop, the only one that may change pages and draw figures."""


@contextmanager
def at_once() -> Iterator[None]:
    """Tell the browser of all changes of the page in one message, and list once what the page is made of by then."""
    with pn.io.hold(), parts_listed_once(pn.state.curdoc):
        yield


class Session:
    """What the tabs of one page share, and no other page sees.

    The queue runs computations, each of which may take `memory` bytes; stores are read in the folder, which `where`
    names with what it holds. `listeners` are called when it was listed again. `deliver` calls a function in the thread
    of the event loop, by default through the current document.
    """

    def __init__(
        self, queue: JobQueue, *, memory: int, folder: Folder | None = None, deliver: Deliver | None = None
    ) -> None:
        self.memory, self.folder = memory, folder
        self.messages = stack(css_classes=["messages"])
        self.status = stack(css_classes=["messages"])
        self.line = pn.pane.HTML("", sizing_mode="stretch_width", margin=0)
        self.where = pn.pane.HTML("", sizing_mode="stretch_width", margin=0)
        self.again = button("Look again", self._look_if_changed, css_classes=["again"])
        self.listeners: list[Callable[[], object]] = []
        self._queue = queue
        self._deliver = deliver or deliver_to(pn.state.curdoc)
        self._jobs: dict[str, Job] = {}
        self._later: list[Callable[[], object]] = []
        self._rows: dict[str, Any] = {}
        self._labels: dict[str, str] = {}
        self._begun: dict[str, float] = {}
        self._quiet: set[str] = set()
        self._stops: dict[str, Callable[[], object]] = {}

    def look_again(self) -> None:
        """List the folder again, and offer in all tabs what it holds."""
        if self.folder is not None:
            self.folder.look_again()
            look = "color:var(--ink2);overflow:hidden;white-space:nowrap;text-overflow:ellipsis"
            self.where.object = f'<div style="{look}">{escape(self.folder.text)}</div>'
        for offer in self.listeners:
            offer()

    def _look_if_changed(self, _event: object) -> None:
        """List the folder again if it has changed: the page asks for it when it is returned to, or a list is opened."""
        with self.guarded():
            if self.folder is not None and self.folder.has_changed():
                self.look_again()

    def say(self, text: str, *, kind: str = "error") -> None:
        """Show a message above the tab: an "error", a "warning" or a "note". Its text is never taken for HTML."""
        message = message_pane(text, kind=kind)
        others = [one for one in self.messages if one.object != message.object]
        self.messages[:] = [*others, message][-MOST_MESSAGES:]

    def clear(self) -> None:
        """Remove all messages."""
        self.messages.clear()

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Turn exceptions into messages."""
        try:
            yield
        except Exception as error:
            self.say(message_of(error))

    def run(
        self,
        key: str,
        work: Callable[[Job], Any],
        then: Callable[[Any], object],
        *,
        label: str,
        short: bool = False,
        quiet: bool = False,
        withdrawn: Callable[[], object] = lambda: None,
        tell: Callable[[BaseException], object] | None = None,
    ) -> None:
        """Compute in the background with progress and a button to cancel; an error becomes a message.

        `key` is a tab's name, whose running computation is cancelled, since its settings have changed. `work` is called
        with its Job in another thread; it must not draw, nor change the page. In the thread of the event loop, `then`
        is called with the result, to draw it, or `withdrawn` where the user cancels it, or it fails. Meanwhile the page
        says the `label`, such as "Estimating 1,000 neurons". What is `short`, well under a second, shows no progress,
        and does not wait for long computations; of what is `quiet`, in addition to a result that is shown, the page
        says nothing until it is there, and nothing waits for it. What is wrong is said above the tab, or by `tell`,
        which is called with the error, beside what asked for it.
        """

        def give_up() -> None:
            """Cancel it at the user's wish."""
            self.cancel(key, say=f"{label}: cancelled.")
            withdrawn()

        def fail(error: BaseException) -> None:
            """Say that it failed."""
            self._failed(error, tell or (lambda wrong: self.say(message_of(wrong))))
            withdrawn()

        (self._quiet.add if quiet else self._quiet.discard)(key)
        self.cancel(key)
        if not quiet:
            self.clear()
            self.line.object = ""
        self._begun[key] = time.monotonic()
        job = Job(lambda done, total: self._deliver(partial(self._advance, key, job, done, total)))
        self._jobs[key], self._stops[key] = job, give_up
        if not short and not quiet:
            self._labels[key] = label
            self._rows[key] = progress_row(label, cancel=give_up)
            self.status.append(self._rows[key])
        try:
            self._queue.start(
                job,
                work,
                then=lambda result: self._deliver(partial(self._finish, key, job, then, result)),
                failed=lambda error: self._deliver(partial(self._finish, key, job, fail, error)),
                among=QUIET if quiet else SHORT if short else LONG,
            )
        except Exception as error:
            self.cancel(key, say=message_of(error))
            withdrawn()

    def later(self, call: Callable[[], object]) -> None:
        """Call a function when the browser was told of what is there by now; of several, one after the other."""
        self._later.append(call)
        if len(self._later) == 1:
            self._turn()

    def _turn(self) -> None:
        """Call the next one in the turn after the next of the event loop: what is told may itself wait for the next."""
        self._deliver(partial(self._deliver, self._call_next))

    def _call_next(self) -> None:
        """Call the next one, and turn an exception into a message."""
        try:
            with at_once(), self.guarded():
                self._later[0]()
        finally:  # the others come also where the browser could not be told
            self._later.pop(0)
            if self._later:
                self._turn()

    def stop(self, key: str) -> None:
        """Cancel the running computation of a tab at the user's wish, as the button beside its progress does."""
        if key in self._jobs:
            self._stops[key]()

    def changed(self, key: str) -> None:
        """Say that settings have changed and wait to be run; what is computed for others is cancelled."""
        self.cancel(key)
        self.clear()
        self.line.object = state_html("Settings changed")

    def up_to_date(self) -> None:
        """Say that what is shown is of the current settings."""
        self.line.object = state_html("Up to date", done=True)

    def cancel(self, key: str, *, say: str = "") -> None:
        """Cancel the running computation of a tab, if there is one."""
        if key in self._jobs:
            self._jobs.pop(key).cancel()
            self._hide(key)
            if key not in self._quiet:
                self.line.object = state_html("Stopped")
        if say:
            self.say(say, kind="note" if say.endswith("cancelled.") else "error")

    def end(self) -> None:
        """Cancel everything, and report nothing more: the page is gone."""
        self._deliver = lambda _call: None
        for job in self._jobs.values():
            job.cancel()
        self._jobs.clear()

    def _advance(self, key: str, job: Job, done: int, total: int) -> None:
        """Show how far a computation is."""
        if self._jobs.get(key) is job and key in self._rows:
            bar, text, _ = self._rows[key]
            share = f", {100 * done // total} %" if done < total else ""
            with at_once():
                bar.value = round(100 * done / total) if done < total else WAITING
                text.object = escape(f"{self._labels[key]}{share}{self._left(key, done, total)}")

    def _left(self, key: str, done: int, total: int) -> str:
        """Return how long a computation still takes, in words, if it takes long."""
        passed = time.monotonic() - self._begun[key]
        left = passed * (total - done) / done if done and passed > LEAST_SECONDS else 0.0
        return f", about {left:,.0f} s left" if left > 1 else ""

    def _finish(self, key: str, job: Job, what: Callable[[Any], object], value: Any) -> None:
        """Pass on a result or an error, unless it is no longer wanted."""
        if self._jobs.get(key) is not job:
            return
        del self._jobs[key]
        with at_once():
            self._hide(key)
            if key not in self._quiet:
                seconds = time.monotonic() - self._begun[key]
                self.line.object = state_html(f"Up to date, ran in {seconds:.1f} s", done=True)
            with self.guarded():
                what(value)

    def _failed(self, error: BaseException, tell: Callable[[BaseException], object]) -> None:
        """Say that a computation failed."""
        self.line.object = state_html("Stopped")
        if not isinstance(error, Cancelled):
            tell(error)

    def _hide(self, key: str) -> None:
        """Remove the progress bar of a computation."""
        row = self._rows.pop(key, None)
        if row is not None:
            self.status.remove(row)


def deliver_to(document: Any) -> Deliver:
    """Return a function that calls functions in the event loop of a document, once the browser has loaded it.

    A change that is made while the browser loads the page may be lost.
    """
    early: list[Callable[[], object]] = []
    is_loaded, lock = Event(), Lock()

    def deliver(call: Callable[[], object]) -> None:
        """Call it in the event loop, or keep it until the page is loaded."""
        with lock:
            if not is_loaded.is_set():
                early.append(call)
                return
        document.add_next_tick_callback(call)

    def loaded() -> None:
        """Call what came while the page was loading."""
        with lock:
            is_loaded.set()
        for call in early:
            document.add_next_tick_callback(call)

    pn.state.onload(loaded)
    return deliver
