"""What is shown of a recording: its settings, and what was read or computed for them."""

from pathlib import Path
from typing import Any, Final, NamedTuple

import xarray as xr

from netxr import names as n
from netxr.app.frame.downloads import NothingShown
from netxr.app.frame.lag_times import interval_of
from netxr.app.recording.choice import Choice, is_lagged, lags_of
from netxr.app.recording.compute import Scored, Sure, at_lag, lag_shown
from netxr.app.recording.marked_pairs import marked
from netxr.app.recording.strongest import strongest_of
from netxr.estimators.table import estimator
from netxr.plot import Selection
from netxr.plot.panels.dashboards import place_of_lag
from netxr.schema.variables import labels_of

ACTIVITY_VIEW, CLEAN_VIEW, ESTIMATE_VIEW, BESIDE_VIEW = "activity", "clean", "estimate", "beside"
AGREEMENT_VIEW, LAGS_VIEW, SURE_VIEW, WINDOWS_VIEW = "agreement", "lags", "sure", "windows"
VIEWS: Final = {
    "Activity": ACTIVITY_VIEW,
    "Before and after": CLEAN_VIEW,
    "Estimate": ESTIMATE_VIEW,
    "Beside the truth": BESIDE_VIEW,
    "Agreement with the truth": AGREEMENT_VIEW,
    "Over lags": LAGS_VIEW,
    "How sure": SURE_VIEW,
    "Over time": WINDOWS_VIEW,
}

SEEN: Final = (ACTIVITY_VIEW, CLEAN_VIEW)
"""Views of the activity, for which nothing is estimated."""

MOST_LINKED: Final = 1000
"""Most neurons for which a choice in one figure is marked in all."""


class Shown(NamedTuple):
    """What is shown of a recording."""

    path: Path
    """Of its store."""
    run: xr.Dataset
    """The recording, opened lazily."""
    choice: Choice
    """What is estimated."""
    view: str
    """Of `VIEWS`."""
    lag: int | None
    """Which lag, if there are several."""
    part: tuple[int, int]
    """First sample of the excerpt, and its length."""
    excerpt: xr.DataArray
    """Activity in memory, (neuron, time)."""
    found: Scored | None
    """The estimate, if the view shows one."""
    stored: bool
    """Whether the estimate was in the store."""
    selection: Selection
    """What is marked."""
    q: float = 0.05
    """False discovery rate."""
    pairs: str = ""
    """Which pairs are drawn over windows; the strongest, if empty."""
    marked: str = ""
    """Which pair is selected."""
    sure: Sure | None = None
    """How sure the estimate is, if the view shows it."""
    windows: xr.Dataset | None = None
    """The estimate over (block, target, source), if the view shows it."""
    before: xr.DataArray | None = None
    """The excerpt as it was recorded, if the view shows what cleaning does."""
    alike: tuple[float, float] | None = None
    """How alike R and its transpose are as it was recorded, and of what is cleaned, if the view shows it."""

    @property
    def text(self) -> str:
        """What is shown, in words."""
        start, length = self.part[0], self.excerpt.sizes[n.TIME]
        what = (
            f"samples {start:,} to {start + length - 1:,}"
            if self.view in SEEN
            else f"{estimator(self.choice.method).long_name}{f', lags {self.choice.lags}' * is_lagged(self.choice)}"
        )
        return f"{self.path.name}, {self.choice.text}, {what}"

    @property
    def lags(self) -> list[int]:
        """Lags of which one is shown; none where there is no choice."""
        if self.view in (SURE_VIEW, WINDOWS_VIEW):
            lags = lags_of(self.choice.lags) if is_lagged(self.choice) else []
            return lags if len(lags) > 1 else []
        if self.found is None or n.LAG not in self.found.R.dims or self.view == LAGS_VIEW:
            return []
        held: list[int] = self.found.R[n.LAG].values.tolist()
        return held

    @property
    def lag_shown(self) -> int:
        """The one that is."""
        return self.lags[place_of_lag(self.lags, asked=self.lag)]

    @property
    def interval(self) -> float:
        """Seconds of a sample, 0 where the recording does not say."""
        return interval_of(self.run)

    @property
    def lag_of_R(self) -> int:  # noqa: N802 - the field's name of the matrix
        """The lag of the matrix that is shown."""
        return lag_shown(self.choice, self.lag)

    @property
    def lag_tested(self) -> int:
        """The same, or lag 1 of an estimator that has none."""
        return self.lag_of_R if is_lagged(self.choice) else 1

    @property
    def matrices(self) -> Scored:
        """The estimate at the lag that is shown."""
        if self.found is None:
            raise NothingShown
        return at_lag(self.found, self.lag)

    @property
    def over_lags(self) -> xr.DataArray | None:
        """The estimate at several lags, if there are several."""
        return None if self.found is None or n.LAG not in self.found.R.dims else self.found.R

    @property
    def pair(self) -> tuple[Any, Any] | None:
        """Target and source of the pair that is marked; the strongest, if none is."""
        labels = labels_of(self.matrices.R, n.TARGET)
        named = marked(labels, self.marked)
        if named["targets"] and named["sources"]:
            return named["targets"][0], named["sources"][0]
        strongest = strongest_of(self.matrices.R, most=1)
        return None if strongest.empty else (strongest[n.TARGET].item(), strongest[n.SOURCE].item())

    @property
    def is_linked(self) -> bool:
        """Whether a choice in one figure of the view is marked in all."""
        if self.view != BESIDE_VIEW or self.found is None:
            return False
        return self.found.A is not None and self.found.R.sizes[n.TARGET] <= MOST_LINKED
