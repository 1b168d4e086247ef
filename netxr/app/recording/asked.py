"""What the settings of a recording ask for, and results that are kept by what they depend on."""

from typing import Any, Final, NamedTuple

from netxr.app.recording.choice import Choice
from netxr.app.recording.shown import SURE_VIEW, WINDOWS_VIEW, Shown

MOST: Final = 2
"""Results that are kept: an estimate, and how sure it is."""

Key = tuple[Any, ...]


class Asked(NamedTuple):
    """What the settings ask for; `lag`, `q`, `windows` and `pairs` as in `RecordingSettings`."""

    name: str
    choice: Choice
    view: str
    lag: int | None
    q: float
    windows: int
    pairs: str

    @property
    def key(self) -> Key:
        """What a result depends on; how it is scored and drawn is no part of it."""
        of_view = {SURE_VIEW: (self.view, self.lag), WINDOWS_VIEW: (self.view, self.lag, self.windows)}
        return _key(self.name, self.choice, *of_view.get(self.view, ()))


def key_of_test(shown: Shown) -> Key:
    """Return what the test of an estimate that is shown depends on: the same as of the view of how sure it is."""
    return _key(shown.path.name, shown.choice, SURE_VIEW, shown.lag)


def _key(name: str, choice: Choice, *of_view: Any) -> Key:
    """Return what a result depends on; how it is scored is no part of it."""
    return name, choice._replace(diagonal=False), *of_view


class Kept:
    """The newest results, so that a step that is returned to shows them at once."""

    def __init__(self) -> None:
        self._results: dict[Key, Any] = {}

    def get(self, key: Key) -> Any:
        """Return the result of a key, None if it is not kept."""
        return self._results.get(key)

    def keep(self, key: Key, result: Any) -> None:
        """Keep a result in place of the oldest one."""
        others = [(one, held) for one, held in self._results.items() if one != key]
        self._results = dict([*others, (key, result)][-MOST:])

    def clear(self) -> None:
        """Keep none any more."""
        self._results.clear()
