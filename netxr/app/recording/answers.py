"""What is said over the results of a recording: the answer in a sentence, and a warning where R tells no direction."""

from collections.abc import Callable
from typing import Any, Final

import panel as pn
import xarray as xr

from netxr import names as n
from netxr.app.frame.lag_times import lag_text
from netxr.app.frame.looks import answer_html, message_pane, scores_html
from netxr.app.frame.panes import button, row, stack
from netxr.app.recording.choice import NEURONS, is_lagged
from netxr.app.recording.compute import Sure, lag_shown
from netxr.app.recording.shown import (
    ACTIVITY_VIEW,
    BESIDE_VIEW,
    CLEAN_VIEW,
    ESTIMATE_VIEW,
    SURE_VIEW,
    WINDOWS_VIEW,
    Shown,
)
from netxr.app.recording.sure_view import sure_html, sure_notes
from netxr.estimators.signs import sign_text
from netxr.estimators.symmetry import symmetry
from netxr.estimators.table import estimator
from netxr.estimators.undirected import is_undirected
from netxr.schema.words import number

SAME: Final = 0.9
"""Of R and its transpose: from where on R tells no direction."""

CURE: Final = "Activity changes more slowly than the lag. Difference it, or take what is slow off it: see Clean."
"""What to do about an estimate that tells no direction."""

BY_NOISE: Final = 3.5
"""Over the root of the pairs, how much better halves may agree than R and its transpose where all of R is noise.

Two standard deviations: those of the two are 1 and, of half as many pairs, 1.41 over this root.
"""

UNKNOWN: Final = "There is no truth to compare it with: step 4 says which pairs to rely on, and how far."
"""Said of an estimate whose connectivity is not known."""


def words_of(shown: Shown) -> list[Any]:
    """Return what is said over a result: how an estimate agrees with the truth, or what it is, or how sure."""
    if shown.sure is not None:
        return [_html(sure_html(shown.sure, q=shown.q)), *sure_notes(shown.sure)]
    if shown.view == ACTIVITY_VIEW:
        return [_html(_recorded_html(shown))]
    if shown.view == CLEAN_VIEW:
        return [_html(_cleaned_html(shown))]
    if shown.view == WINDOWS_VIEW:
        return [_html(_over_time_html(shown))]
    return [_html(estimate_html(shown, None))]


def estimate_html(shown: Shown, sure: Sure | None) -> str:
    """Return what an estimate answers, in HTML: how it agrees with the truth, if it is known, and which edges stand.

    What a test and both halves say of it is left out while it is not known.
    """
    R, A, scores = shown.matrices
    edges, halves = _judged_text(sure, shown.q)
    if A is not None and scores is not None:
        return scores_html(scores, signs=sign_text(A, R), edges=edges, halves=halves)
    size = f"{R.sizes[n.TARGET]:,} {NEURONS if shown.choice.level == NEURONS else 'groups'}"
    at = f" at {lag_text(shown.lag_of_R, shown.interval)}" if is_lagged(shown.choice) else ""
    alike = "" if is_undirected(R) else f"R and its transpose {number(symmetry(R).item(), decimals=2)}"
    method = f"{estimator(shown.choice.method).long_name}{at}"
    said = "; ".join(filter(None, (f"edges between {edges}" if edges else method, halves, alike)))
    text = f"{size}, {shown.run.sizes[n.TIME]:,} samples: {said}."
    if sure is None or not edges:
        return answer_html(text, UNKNOWN)
    return answer_html(text, f"{method[:1].upper()}{method[1:]}, diagonal left out. {_relied_on(R, sure)}".rstrip())


def _judged_text(sure: Sure | None, q: float) -> tuple[str, str]:
    """Return how many edges stand, and how well the halves agree; nothing where that is not known."""
    if sure is None or not sure.is_tested:
        return "", ""
    halves = "" if sure.halves is None else f"halves agree {number(sure.halves[n.HALVES].item(), decimals=2)}"
    return sure.edges_text(q), halves


def _relied_on(R: xr.DataArray, sure: Sure) -> str:
    """Say whether the p-values of an estimate hold, and if so whether it tells direction."""
    if sure.n_slow:
        return f"{sure.n_slow:,} neurons are so slow that too many edges are found: see Clean."
    if is_undirected(R):
        return "It has no direction."
    alike = symmetry(R).item()
    if alike > SAME:
        return "R is close to its transpose: it tells no direction."
    if sure.halves is None:
        return ""
    n_pairs = R.size - R.sizes[n.TARGET]
    if sure.halves[n.HALVES].item() > alike + BY_NOISE / n_pairs**0.5:
        return "Its halves agree better than R and its transpose: it carries direction."
    return "Its halves agree no better than R and its transpose: which way is not sure."


def warning_of(shown: Shown, go_to_clean: Callable[[object], object]) -> list[Any]:
    """Return a warning where an estimate tells no direction, with what can be done about it."""
    if shown.view not in (ESTIMATE_VIEW, BESIDE_VIEW, SURE_VIEW):
        return []
    R = shown.matrices.R if shown.sure is None else shown.sure.R
    alike = symmetry(R).item()
    if is_undirected(R) or not alike > SAME:
        return []
    text = f"R and its transpose: {alike:.3f}, no direction. {CURE}"
    keep = button("Keep, undirected", lambda _event: band.param.update(visible=False))
    band = stack(message_pane(text, kind="warning"), row(button("Go to Clean", go_to_clean), keep))
    return [band]


def _recorded_html(shown: Shown) -> str:
    """Return what a recording holds, in HTML."""
    sizes, interval = shown.run[n.ACTIVITY].sizes, shown.interval
    trials = f", {sizes[n.TRIAL]:,} trials" if sizes.get(n.TRIAL, 1) > 1 else ""
    clock = f"A sample every {lag_text(1, interval)}. " if interval else "It does not say how long a sample is. "
    truth = "Its connectivity is known." if n.CONNECTIVITY in shown.run else "Its connectivity is not known."
    said = f"{sizes[n.NEURON]:,} neurons, {sizes[n.TIME]:,} samples{trials}."
    return answer_html(said, f"{clock}{truth} Step 2 cleans it, step 3 estimates.")


def _over_time_html(shown: Shown) -> str:
    """Return what the estimate over windows shows, in HTML."""
    method, windows = estimator(shown.choice.method).long_name, shown.windows
    n_windows = 0 if windows is None else windows.sizes[n.BLOCK]
    said = f"{method[:1].upper()}{method[1:]} in {n_windows:,} windows of the recording."
    return answer_html(said, "Curves: one pair each. Matrix: all pairs in one window.")


def _cleaned_html(shown: Shown) -> str:
    """Return what cleaning does to direction, in HTML."""
    done = ", ".join(shown.choice.cleaning) or "Nothing is done yet: before and after are the same"
    if shown.alike is None:
        return answer_html(f"{done}.", "Step 3 says whether R tells direction.")
    if shown.excerpt.sizes[n.NEURON] == 1:
        return answer_html(f"{done[:1].upper()}{done[1:]}.", "R is of pairs of neurons: choose two or more.")
    before, after = (number(one, decimals=2) for one in shown.alike)
    what = f"{estimator(shown.choice.method).long_name} at {lag_text(lag_shown(shown.choice, None), shown.interval)}"
    said = f"R and its transpose: {before} as recorded, {after} cleaned."
    return answer_html(
        said, f"{done[:1].upper()}{done[1:]}. R is {what}; where it is close to 1, R tells no direction."
    )


def _html(text: str) -> pn.pane.HTML:
    """Return a pane of HTML."""
    return pn.pane.HTML(text, sizing_mode="stretch_width", margin=0)
