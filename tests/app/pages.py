"""A page without a browser: its event loop is the thread of the test."""

import queue

import panel as pn
import param

from netxr.app.frame.jobs import JobQueue
from netxr.app.frame.page import Address, Page
from netxr.app.frame.session import Session
from netxr.app.tabs import TABS


class Loop:
    """What other threads have called in the thread of the test."""

    def __init__(self):
        self._calls = queue.Queue()

    def deliver(self, call):
        self._calls.put(call)

    def is_empty(self):
        return self._calls.empty()

    def run_until(self, condition):
        while not condition():
            self._calls.get(timeout=60)()


class OpenPage:
    """A page at an address, with all that a test looks at."""

    def __init__(self, search="", *, tabs=TABS, memory=2**30, folder=None, queue=None):
        self.loop, self.queue = Loop(), queue or JobQueue()
        self.session = Session(self.queue, memory=memory, folder=folder, deliver=self.loop.deliver)
        self.location = Address(search=search)
        self.page = Page(self.session, tabs, self.location)

    @property
    def messages(self):
        return [pane.object for pane in self.session.messages]

    def wait(self):
        """Let everything end that is under way."""
        self.loop.run_until(lambda: not self.session._jobs and self.loop.is_empty())
        return self

    def widget(self, label):
        """The widget under a label."""
        widgets = [one for one in self.page.body.select(pn.widgets.Widget) if "stephead" not in one.css_classes]
        found = [one for one in widgets if (one.name or "").startswith(label)]
        assert found, label
        return found[0]

    def release(self, label, value):
        """Move the slider, or type into the field, under a label."""
        widget = self.widget(label)
        with param.edit_constant(widget):
            widget.param.update(value=value, value_throttled=value)
        return self.wait()

    def text(self):
        """All text that is shown."""
        panes = [one.object for one in self.page.body.select(pn.pane.HTML) if isinstance(one.object, str)]
        return "\n".join(panes)

    def close(self):
        self.session.end()
        self.queue.close()
