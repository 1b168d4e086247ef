"""What the map of a sweep says: a sentence, and how many samples are needed, as a table."""

from html import escape

import numpy as np
import xarray as xr

from netxr import names as n
from netxr.app.frame.looks import LABEL, answer_html, table_html
from netxr.app.sweep.maps import Best, Chosen, Marked
from netxr.app.sweep.views import SweepChoice, cells_text
from netxr.schema.words import entry_text

ENOUGH, TOO_SHORT = "enough", "too short"


def answer_of(best: Best, chosen: Chosen | None, choice: SweepChoice, marked: Marked | None, sweep: xr.Dataset) -> str:
    """Return the answer of the map, and the line that explains it, as HTML."""
    return answer_html(
        _in_all(best, choice) if chosen is None else _of_one(chosen, choice, marked),
        f"Best score of R against A in each cell; the line: {choice.at:g}. {cells_text(sweep)}",
    )


def curves_answer(choice: SweepChoice, sweep: xr.Dataset, scores: xr.Dataset) -> str:
    """Return what curves show of a sweep, as HTML: `scores` are those that are drawn."""
    means = scores[choice.score + n.SCORE_MEAN]
    text = f"Mean scores from {float(means.min()):.2f} to {float(means.max()):.2f}."
    return answer_html(text, f"{choice.text[:1].upper()}{choice.text[1:]}. {cells_text(sweep)}")


def key_html(initials: str) -> str:
    """Return what the initials in the cells of maps stand for, and what their colours mean, as HTML.

    Examples
    --------
    >>> "<span>R: regression</span>" in key_html("R: regression")
    True
    """
    bar = "display:inline-block;width:144px;height:8px;margin:0 8px;background:linear-gradient(90deg, var(--scores))"
    scale = f'<span style="margin-left:auto">score 0<i style="{bar}"></i>1</span>'
    return f'<div style="display:flex;flex-wrap:wrap;gap:4px 16px;{LABEL}"><span>{escape(initials)}</span>{scale}</div>'


def _in_all(best: Best, choice: SweepChoice) -> str:
    """Say in how many cells the score is good enough."""
    scores = best.cells[n.SCORE]
    reached, known = int((scores >= choice.at).sum()), int(scores.notnull().sum())
    return (
        f"The score is {choice.at:g} or more in {reached:,} of {known:,} cells. "
        "A sweep over two lengths or more tells what is lost to noise."
    )


def _of_one(chosen: Chosen, choice: SweepChoice, marked: Marked | None) -> str:
    """Say how many samples the chosen row needs, and whether the marked recording has them."""
    needed, limit = float(chosen.one[n.SAMPLES_NEEDED]), float(chosen.one[n.LIMIT])
    where = f"At {chosen.text}, {chosen.called}" if chosen.text else f"{chosen.called[:1].upper()}{chosen.called[1:]}"
    if np.isnan(limit):
        return f"{where}: where the score ends is not known."
    if not np.isfinite(needed):
        return f"{where}: never good enough; the score ends at {limit:.2f} however long the recording is."
    text = f"{where}: about {rounded(needed):,} samples are needed"
    if marked is None:
        return f"{text} for a score of {choice.at:g}."
    verdict = "good enough" if marked.n_samples >= needed else "not enough"
    return f"{text}; {marked.name} has {marked.n_samples:,}: {verdict}."


def needed_table(chosen: Chosen, marked: Marked | None) -> str:
    """Return the samples that each entry of the axis beside the length needs, as HTML."""
    at_rate = marked is not None and bool(np.isfinite(marked.interval))
    heads = ["", "Samples", *["Time"] * at_rate, *([marked.name] if marked is not None else [])]
    rows = []
    for label, needed in zip(
        chosen.ends[chosen.axis].values.tolist(), chosen.ends[n.SAMPLES_NEEDED].values.tolist(), strict=True
    ):
        is_known = np.isfinite(needed)
        cells = [
            escape(entry_text(label)),
            f"{rounded(needed):,}" if is_known else "never" if needed > 0 else "not known",
        ]
        if marked is not None:
            has = is_known and marked.n_samples >= needed
            cells += [time_text(needed * marked.interval) if is_known else ""] * at_rate
            cells.append(f'<b style="color:var(--accent)">\u2713 {ENOUGH}</b>' if has else TOO_SHORT * bool(is_known))
        rows.append(cells)
    return table_html(heads, rows, chosen=chosen.place)


def rounded(count: float) -> int:
    """Return a number with two digits that count, and never too small.

    Examples
    --------
    >>> rounded(10_234.0), rounded(37.0)
    (11000, 37)
    """
    unit = 10 ** max(0, int(np.log10(max(count, 1))) - 1)
    return int(np.ceil(count / unit) * unit)


def time_text(seconds: float) -> str:
    """Return a duration in few words.

    Examples
    --------
    >>> time_text(40), time_text(96), time_text(7200)
    ('40 s', '1.6 min', '2 h')
    """
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.3g} {unit}" if seconds / size >= 10 else f"{seconds / size:.2g} {unit}"
    return f"{seconds:.2g} s"
