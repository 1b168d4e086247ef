"""The settings of the tab of a recording, which the address holds."""

from typing import Final

import param

from netxr import names as n
from netxr.app.frame.session import Session
from netxr.app.frame.stores import store_choices
from netxr.app.recording.choice import ALL, LEVELS, POOLED
from netxr.app.recording.shown import VIEWS
from netxr.estimators.table import DEFAULT, methods

KINDS: Final = ("run", "recording")
"""Kinds of stores that are offered."""

MISSING_CHOICES: Final = {
    "an error": "raise",
    'left out with their sample time ("drop")': "drop",
    'left out pair by pair ("pairwise")': "pairwise",
}

FILL: Final = (
    "In step 2, Clean, leave out the frames that hold them; or say in step 3, under More settings, what becomes of "
    "missing samples."
)
"""What can be done on the page about missing samples."""

OF_ESTIMATES: Final = {"method", "lags", "lag", "missing", "diagonal", "q", "windows", "pairs"}
"""Settings that do not matter for the view of the activity."""

ANEW: Final = (
    *("view", "trial", "neurons", "level", "lag", "start", "marked", "given"),
    *("high_pass", "difference", "z_score", "bad_frames"),
)
"""Settings that begin with their default where another recording is chosen."""


class RecordingSettings(param.Parameterized):
    """The settings of the tab, which the address holds."""

    recording = param.Selector(objects=[""], default="", label="Recording")
    view = param.Selector(objects=list(VIEWS.values()), label="View")
    trial = param.Integer(0, bounds=(POOLED, None), label="Trial")
    neurons = param.String(ALL, label="Neurons")
    level = param.Selector(objects=list(LEVELS.values()), label="What is correlated")
    groups = param.Integer(4, bounds=(1, 100_000), label="Number of groups")
    high_pass = param.Number(0.0, bounds=(0, None), label="High-pass cutoff (0: none)")
    difference = param.Boolean(False, label="Differences of neighbouring samples")
    z_score = param.Boolean(False, label="Standard deviations of each neuron (z-score)")
    bad_frames = param.Boolean(False, label="Leave out frames with NaN or infinity")
    given = param.String("", label="Regress out")
    method = param.Selector(objects=[DEFAULT], label="Estimator")
    lags = param.String("1", label="Lags (samples)")
    lag = param.Integer(None, bounds=(0, None), allow_None=True, label="Lag shown")
    missing = param.Selector(objects=list(MISSING_CHOICES.values()), label="Missing samples are")
    q = param.Number(0.05, bounds=(1e-6, 0.5), label="False discovery rate q")
    windows = param.Integer(10, bounds=(2, 1000), label="Windows")
    pairs = param.String("", label="Pairs: targets <- sources")
    marked = param.String("", label="Marked: neurons, or targets <- sources")
    diagonal = param.Boolean(False, label="Include the diagonal in the scores")
    start = param.Integer(0, bounds=(0, 10**12), label="First sample shown")
    length = param.Integer(1000, bounds=(2, 10_000_000), label="Samples shown")


def method_choices() -> dict[str, str]:
    """Return {what is shown: name} of the estimators that can be loaded."""
    listed = methods()
    found = listed.isel({n.ESTIMATOR: listed[n.ERROR].values == ""})
    return dict(zip(found[n.LONG_NAME].values.tolist(), found[n.ESTIMATOR].values.tolist(), strict=True))


def recording_settings(session: Session) -> RecordingSettings:
    """Return settings that offer the recordings of the folder."""
    settings = RecordingSettings()
    settings.param["method"].objects = list(method_choices().values())
    listed = list(store_choices(session, *KINDS).values())
    settings.param["recording"].objects = ["", *listed]
    if len(listed) == 1:  # the only one opens itself
        settings.param["recording"].default = settings.recording = listed[0]
    return settings
