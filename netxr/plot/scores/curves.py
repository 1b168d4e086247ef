"""A score over a parameter: mean, band of one standard deviation, and the number of trials behind each point."""

from typing import Any, Final, NamedTuple

import holoviews as hv
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.plot.scores.score_columns import drawn_score, n_trials_of, score_columns, score_label
from netxr.plot.style import (
    FRAME,
    INK,
    LINE_COLOUR,
    POINTS,
    axis_label,
    check_loaded,
    diagonal_text,
    literal,
    with_options,
)

MARK: Final = 8.0
"""Diameter of a mark in bokeh pixels."""

ROOMY: Final = 20
"""Most marks that have room at full size."""


def score_curve(
    scores: xr.Dataset,
    *,
    x: str,
    score: str = n.PEARSON,
    xlabel: str | None = None,
    ylabel: str | None = None,
    title: str = "",
) -> hv.Overlay:
    """Draw a score over a parameter: its mean over trials, and a band of one (population) standard deviation.

    A full point is a mean over all trials. An open point is a mean over fewer, with their number beside it. If the
    score is undefined in all trials, the line has a gap and the title says where. The title also says whether the
    diagonal is included, if the scores do. A score without trials is a plain line.

    Parameters
    ----------
    scores : Dataset
        In memory, with `{score}_mean`, `{score}_std` and `{score}_defined` (trials) over one dim; or with `score`
        itself. The number of trials is the size of its dim `trial`, or the largest number of defined ones if it has
        none.
    x : str
        The coordinate for the x axis: numbers along that dim, not necessarily its own.
    score : str
        Which score.
    xlabel, ylabel : str, optional
        Axis labels; the long names if not given.
    title : str
        Title over the curve.

    Returns
    -------
    holoviews.Overlay
        Spread (band), Curve (mean), Points and Labels (number of trials).

    Raises
    ------
    InvalidInput
        If the score is missing, lazy, undefined everywhere or has further dims; if `x` is no numeric coordinate
        along its dim.

    Examples
    --------
    >>> scores = xr.Dataset(
    ...     {"pearson_mean": ("n", [0.8, 0.5]), "pearson_std": ("n", [0.1, 0.1]), "pearson_defined": ("n", [3, 5])},
    ...     coords={"n": [5, 10]},
    ... )
    >>> str(score_curve(scores, x="n").Labels.I["text"][0]).strip()
    '3 of 5'
    """
    points = _points_of(scores, x, score)
    x_dim = hv.Dimension("x", label=axis_label(scores, x) if xlabel is None else xlabel)
    y_dim = hv.Dimension("mean", label=score_label(scores, score) if ylabel is None else ylabel)
    gaps = points.x[np.isnan(points.mean)]
    diagonal = diagonal_text(drawn_score(scores, score))
    note = f"undefined at {x} = {', '.join(f'{place:g}' for place in gaps)}" if len(gaps) else ""
    margin = 0.08 * np.ptp(points.x) or 0.5
    return with_options(
        _band_and_line(points, x_dim, y_dim) * _marks(points, x_dim, y_dim) * _counts(points, x_dim, y_dim),
        both={
            "title": literal("\n".join(line for line in (title, diagonal, note) if line)),
            "xlim": (points.x.min() - margin, points.x.max() + 2 * margin),
            "show_legend": False,
        },
        bokeh={"frame_width": round(1.5 * FRAME), "frame_height": FRAME},
        matplotlib={"fig_inches": (6.5, 4.5), "aspect": 1.5},
    )


class ScorePoints(NamedTuple):
    """A score at ascending x: mean and standard deviation (NaN if undefined), and in how many trials it is defined."""

    x: NDArray[np.float64]
    mean: NDArray[np.float64]
    std: NDArray[np.float64]
    defined: NDArray[np.int64]
    n_trials: int


def _points_of(scores: Any, x: str, score: str) -> ScorePoints:
    """Return what is drawn, or raise InvalidInput."""
    columns = score_columns(scores, score, (n.SCORE_MEAN, n.SCORE_STD, n.SCORE_DEFINED), n_dims=1)
    places = _places(scores, x, columns[0].dims)
    order = np.argsort(places, kind="stable")
    mean, *others = (column.values[order] for column in columns)
    mean = np.where(np.isfinite(mean), mean, np.nan)
    if not others:  # one value at each place: a single trial
        return ScorePoints(places[order], mean, np.zeros(len(mean)), np.isfinite(mean).astype(np.int64), 1)
    std, defined = others
    return ScorePoints(places[order], mean, std, defined, n_trials_of(scores, columns[2]))


def _places(scores: xr.Dataset, x: str, dims: tuple[Any, ...]) -> NDArray[np.float64]:
    """Return the numbers of coordinate `x`, which must lie along the dim of the scores."""
    usable = [str(name) for name, coord in scores.coords.items() if coord.dims == dims and coord.dtype.kind in "iuf"]
    if x not in usable:
        raise InvalidInput(
            "x", got=repr(x), expected=f"a numeric coordinate along {dims[0]} ({', '.join(usable) or 'there is none'})"
        )
    return np.asarray(check_loaded(scores[x], argument="x").values, dtype=np.float64)


def _band_and_line(points: ScorePoints, x_dim: hv.Dimension, y_dim: hv.Dimension) -> hv.Overlay:
    """Draw the mean with a band of one standard deviation on both sides, with gaps where they are undefined."""
    band = with_options(
        hv.Spread((points.x, points.mean, points.std), x_dim, [y_dim, "std"]),
        bokeh={"fill_color": LINE_COLOUR, "fill_alpha": 0.2, "line_alpha": 0},
        matplotlib={"facecolor": LINE_COLOUR, "alpha": 0.2, "linewidth": 0},
    )
    line = with_options(
        hv.Curve((points.x, points.mean), x_dim, y_dim),
        both={"color": LINE_COLOUR},
        bokeh={"line_width": 2},
        matplotlib={"linewidth": 1.5},
    )
    return band * line


def _marks(points: ScorePoints, x_dim: hv.Dimension, y_dim: hv.Dimension) -> hv.Points:
    """Draw a full mark if all trials are defined, an open one if fewer are."""
    seen = np.isfinite(points.mean)
    fill = np.where(points.defined < points.n_trials, "#ffffff", LINE_COLOUR)[seen].astype(object)
    counts = _texts(points)[seen]
    size = MARK * min(1.0, ROOMY / len(fill))
    marks = hv.Points(
        (points.x[seen], points.mean[seen], points.std[seen], counts, fill), [x_dim, y_dim], ["std", "defined", "fill"]
    )
    return with_options(
        marks,
        bokeh={
            "size": size,
            "fill_color": "fill",
            "line_color": LINE_COLOUR,
            "tools": ["hover"],
            "hover_tooltips": [
                (x_dim.label, "@x"),
                (y_dim.label, "@mean{0.000}"),
                ("standard deviation", "@std{0.000}"),
                ("trials defined", "@defined"),
            ],
        },
        matplotlib={"s": (POINTS * size) ** 2, "facecolors": "fill", "edgecolors": LINE_COLOUR},
    )


def _counts(points: ScorePoints, x_dim: hv.Dimension, y_dim: hv.Dimension) -> hv.Labels:
    """Write beside a mark how many of the trials are defined, if not all are."""
    fewer = np.isfinite(points.mean) & (points.defined < points.n_trials)
    texts = ["  " + text for text in _texts(points)[fewer]]
    return with_options(
        hv.Labels((points.x[fewer], points.mean[fewer], texts), [x_dim, y_dim], ["text"]),
        bokeh={"text_color": INK, "text_align": "left", "text_baseline": "bottom", "text_font_size": "9pt"},
        matplotlib={"color": INK, "horizontalalignment": "left", "verticalalignment": "bottom", "size": 9},
    )


def _texts(points: ScorePoints) -> NDArray[Any]:
    """Return "3 of 5" for three defined trials of five."""
    return np.array([f"{count} of {points.n_trials}" for count in points.defined], dtype=object)
