"""What is said of two matrices: a sentence, and a table of scores in which each is parted into what is lost to what."""

from html import escape
from typing import Final, NamedTuple

import numpy as np

from netxr import names as n
from netxr.app.compare.compute import Pair, overlap_text, strongest_shared
from netxr.app.frame.looks import LABEL, answer_html, table_html, verdict
from netxr.estimators.signs import sign_text

COLUMNS: Final = {n.ROC_AUC: "Area, ROC", n.AVERAGE_PRECISION: "Precision"}
"""Scores of the table beside the correlation, and what their heads say."""

PARTS: Final = {"score": "accent", "lost to noise": "control", "lost to bias": "ink"}
"""Of a bar from 0 to 1, and their colours."""

PARTED: Final = (
    "What is lost to noise is an estimate, from how alike two halves of the recording are: more samples would mend it. "
    "What is lost to bias would stay."
)
WITH_DIAGONAL: Final = "Noise and bias are told apart without the diagonal only."


class Parts(NamedTuple):
    """A score, and what it lacks of 1; NaN where that is not known."""

    score: float
    noise: float
    bias: float


def parts_of(score: float, reliability: float, *, diagonal: bool) -> Parts:
    """Return what a score lacks by noise and by bias.

    The root of the reliability is what noise leaves of the score that the same estimator has in a recording without
    end.

    Examples
    --------
    >>> [round(part, 2) for part in parts_of(0.72, 0.64, diagonal=False)]
    [0.72, 0.18, 0.1]
    """
    if diagonal or not (score > 0 and reliability > 0):
        return Parts(score, np.nan, np.nan)
    limit = min(1.0, score / reliability**0.5)
    return Parts(score, max(0.0, limit - score), 1 - max(limit, score))


def answer_of(pair: Pair) -> str:
    """Return the answer and the line that explains it, as HTML."""
    agree = f"The two agree {pair.alike[n.PEARSON].item():.2f}"
    reached = [
        (name, scores[n.PEARSON].item())
        for name, scores in zip(pair.names, pair.scores, strict=True)
        if scores is not None
    ]
    diagonal = "with" if pair.diagonal else "without"
    explained = f"{int(pair.alike[n.N_PAIRS]):,} pairs, {diagonal} the diagonal. {overlap_text(pair)}"
    if len(reached) == 2:
        said = " and ".join(f"{name} {score:.2f}" for name, score in reached)
        text = f"{agree}; against the truth: {said}"
    elif reached:
        text = sign_text(*pair.shared) or verdict(reached[0][1])
    else:
        most, both, chance = strongest_shared(pair)
        text = f"{agree}; of the {most:,} strongest pairs of each, {both:,} are the same ({chance:,.0f} by chance)"
    return answer_html(text.removesuffix(".") + ".", explained)


def scores_table(pair: Pair) -> str:
    """Return the scores of both matrices, and what one gains over the other, as HTML."""
    rows = [_row(pair, k) for k in range(2) if not pair.sides[k].is_truth]
    heads = ["", "Pearson", "", *COLUMNS.values()] if pair.truth is not None else [""]
    table = [row.cells for row in rows]
    if len(rows) == 2:
        table.append(_gain(*rows, has_truth=pair.truth is not None))
    note = "" if pair.truth is None else _key() + _small(WITH_DIAGONAL if pair.diagonal else PARTED)
    return table_html([*heads, "Halves", "Transpose"], table) + note


class _Row(NamedTuple):
    """A row of the table, and the numbers in it."""

    cells: list[str]
    parts: Parts
    numbers: list[float]


def _row(pair: Pair, k: int) -> _Row:
    """Return the scores of one matrix."""
    scores, symmetry = pair.scores[k], pair.symmetry[k]
    own = [pair.sure.halves[k], symmetry]
    name = escape(pair.names[k])
    if scores is None:
        return _Row([name, *map(_number, own)], Parts(np.nan, np.nan, np.nan), own)
    parts = parts_of(scores[n.PEARSON].item(), pair.sure.reliability[k], diagonal=pair.diagonal)
    numbers = [*(scores[column].item() for column in COLUMNS), *own]
    return _Row([name, f"<b>{_number(parts.score)}</b>", _bar(parts), *map(_number, numbers)], parts, numbers)


def _gain(first: _Row, second: _Row, *, has_truth: bool) -> list[str]:
    """Return the last row: what the second gains over the first, and from what."""
    numbers = [_signed(b - a) for a, b in zip(first.numbers, second.numbers, strict=True)]
    if not has_truth:
        return ["Difference", *numbers]
    noise, bias = first.parts.noise - second.parts.noise, first.parts.bias - second.parts.bias
    whence = (
        f"from bias {_signed(bias)}, noise {_signed(noise)}"
        if np.isfinite(noise + bias)
        else "bias and noise not told apart"
    )
    return ["Difference", f"<b>{_signed(second.parts.score - first.parts.score)}</b>", whence, *numbers]


def _number(value: float) -> str:
    """Return a score with two decimals."""
    return f"{value:.2f}".replace("-", "\u2212") if np.isfinite(value) else "not known"


def _signed(value: float) -> str:
    """Return a difference with its sign."""
    text = f"{value:+.2f}".replace("-", "\u2212") if np.isfinite(value) else "not known"
    return "0.00" if text.endswith("0.00") else text


def _bar(parts: Parts) -> str:
    """Return a bar from 0 to 1 of a score and what it lacks."""
    known = [(name, part) for name, part in zip(PARTS, parts, strict=True) if part > 0]
    said = ", ".join(f"{name} {part:.2f}" for name, part in known)
    shown = "".join(
        f'<i style="flex:0 0 {100 * min(1, part):.1f}%;background:var(--{PARTS[name]})"></i>' for name, part in known
    )
    look = "display:flex;min-width:80px;height:8px;background:var(--sunken)"
    return f'<span role="img" aria-label="{said}" title="{said}" style="{look}">{shown}</span>'


def _key() -> str:
    """Return what the colours of the bars mean."""
    each = "".join(
        f'<span style="margin-right:16px;white-space:nowrap"><i style="display:inline-block;width:8px;height:8px;'
        f'margin-right:8px;background:var(--{colour})"></i>{name}</span>'
        for name, colour in PARTS.items()
    )
    return f'<p style="margin:12px 0 4px">{each}</p>'


def _small(text: str) -> str:
    """Return a note."""
    return f'<p style="margin:0;{LABEL}">{escape(text)}</p>'
