"""Which variables of a Dataset hold a score, and what to call it."""

from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import Any

import numpy as np
import xarray as xr

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.plot.loading import loaded
from netxr.plot.style import LETTER, diagonal_text
from netxr.plot.words import axis_label, says
from netxr.schema.arguments import check_text


def score_columns(scores: Any, score: str, endings: Sequence[str], *, dims: Mapping[int, str]) -> list[xr.DataArray]:
    """Return the variables of a score that `endings` name, the mean over trials first, or the score itself.

    `dims` are how many dims they may have, with that in words.
    """
    check_text("score", score)
    if not isinstance(scores, xr.Dataset):
        raise InvalidInput("scores", got=type(scores).__name__, expected="a Dataset of scores")
    wanted = [score] if score + n.SCORE_MEAN not in scores else [score + ending for ending in endings]
    missing = [name for name in wanted if name not in scores]
    if missing:
        known = ", ".join(str(name) for name in scores.data_vars) or "no variable"
        raise InvalidInput("score", got=repr(score), expected=f"a score of the Dataset, which has {known}")
    columns = [loaded(scores[name], argument="scores") for name in wanted]
    first = columns[0]
    if any(column.ndim not in dims or set(column.dims) != set(first.dims) for column in columns):
        raise InvalidInput(
            "scores",
            got=f"{wanted[0]} with dims {tuple(str(dim) for dim in first.dims)}",
            expected=" or ".join(dims.values()),
            fix="Take one entry of the other dims with .isel or .sel.",
        )
    if not np.isfinite(first).any():
        over = ", ".join(str(dim) for dim in first.dims)
        raise InvalidInput(
            "score", got=f"{wanted[0]} that is undefined everywhere", expected=f"a value somewhere along {over}"
        )
    return [column.transpose(*first.dims) for column in columns]


def n_trials_of(scores: xr.Dataset, defined: xr.DataArray) -> int:
    """Return the number of trials of a score: all there are, or else the largest number of defined ones."""
    return int(scores.sizes.get(n.TRIAL, defined.max()))


def drawn_score(scores: xr.Dataset, score: str) -> xr.DataArray:
    """Return the variable that is drawn: the mean over trials if there is one."""
    return scores[score + n.SCORE_MEAN if score + n.SCORE_MEAN in scores else score]


def score_label(scores: xr.Dataset, score: str) -> str:
    """Return what to call the score."""
    drawn = str(drawn_score(scores, score).name)
    return axis_label(scores, drawn if n.LONG_NAME in scores[drawn].attrs else score)


def slice_text(score: xr.DataArray, *, width: float, first: str = "", title: str = "") -> str:
    """Say behind `first` at which entries of other dims a score is, and if the diagonal is in, within `width` pixels.

    What a title says already is left out, and so are the number of a trial and that there are no groups.

    Examples
    --------
    >>> score = xr.DataArray(0.5, {"n_steps": 2000, "estimator": "regression"}, attrs={"diagonal": False})
    >>> slice_text(score, width=600)
    'regression, 2,000 samples (without the diagonal)'
    """
    at = {str(name): entry.values[()] for name, entry in score.coords.items() if not entry.ndim and name != n.TRIAL}
    entries = [says(name, at[name]) for name in sorted(at) if name != n.N_GROUPS or at[name]]
    unsaid = [text for text in entries if text.lower() not in title.lower()]
    text = f"{', '.join(filter(None, [first, *unsaid]))} {diagonal_text(score)}"
    return fill(text.strip(), round(width / LETTER), break_long_words=False)
