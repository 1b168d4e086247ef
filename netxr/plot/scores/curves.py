"""A score over a parameter: mean, band of one standard deviation, and the number of trials behind each point.

Over two parameters there is a curve for each value of the other one.
"""

from itertools import cycle
from typing import Any, Final, NamedTuple

import holoviews as hv
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.plot.loading import loaded
from netxr.plot.palettes import LIGHT
from netxr.plot.scores.score_columns import drawn_score, n_trials_of, score_columns, score_label, slice_text
from netxr.plot.style import (
    FRAME,
    INK,
    LINE_COLOUR,
    PAPER_FONTS,
    POINTS,
    literal,
    no_formulas,
    screen_look,
    with_options,
)
from netxr.plot.words import axis_label, in_words, says
from netxr.schema.arguments import check_text, said
from netxr.schema.variables import labels_of

WIDTH: Final = round(1.5 * FRAME)
"""Width of the frame in bokeh pixels."""

MARK: Final = 8.0
"""Diameter of a mark in bokeh pixels."""

ROOMY: Final = 20
"""Most marks that have room at full size."""

MOST_CURVES: Final = len(LIGHT.curves)

DIMS: Final = {1: "one dim", 2: "two dims, with a curve for each entry of the other"}


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

    A score over two parameters has a curve for each value of the other one, named in a legend.

    A full point is a mean over all trials. An open point is a mean over fewer, with their number beside it. If the
    score is undefined in all trials, the line has a gap and the title says where. The title also says at which entries
    of other dims the scores are, and whether the diagonal is included, if they do. A score without trials is a plain
    line.

    Parameters
    ----------
    scores : Dataset
        With `{score}_mean`, `{score}_std` and `{score}_defined` (trials) over one or two dims; or with `score` itself.
        The number of trials is the size of its dim `trial`, or the largest number of defined ones if it has none.
    x : str
        The coordinate for the x axis: numbers along a dim, not necessarily its own.
    score : str
        Which score.
    xlabel, ylabel : str, optional
        Axis labels; the long names if not given.
    title : str
        Title over the curve.

    Returns
    -------
    holoviews.Overlay
        Spread (band), Curve (mean), Points and Labels (number of trials), of each curve.

    Raises
    ------
    InvalidInput
        If the score is missing, undefined everywhere or has further dims; if `x` is no numeric coordinate along one of
        its dims; if there are more than seven curves.

    Examples
    --------
    >>> scores = xr.Dataset(
    ...     {"pearson_mean": ("n", [0.8, 0.5]), "pearson_std": ("n", [0.1, 0.1]), "pearson_defined": ("n", [3, 5])},
    ...     coords={"n": [5, 10]},
    ... )
    >>> str(score_curve(scores, x="n").Labels.I["text"][0]).strip()
    '3 of 5'
    """
    check_text("title", title)
    for argument, text in (("xlabel", xlabel), ("ylabel", ylabel)):
        if text is not None:
            check_text(argument, text)
    curves = _curves_of(scores, x, score)
    x_dim = hv.Dimension("x", label=axis_label(scores, x) if xlabel is None else xlabel or " ")
    y_dim = hv.Dimension("mean", label=score_label(scores, score) if ylabel is None else ylabel or " ")
    shown = slice_text(drawn_score(scores, score), width=WIDTH, title=title)
    notes = [title, shown, *filter(None, (_gaps(points, x, name) for name, points in curves.items()))]
    places = next(iter(curves.values())).x
    margin = 0.08 * np.ptp(places) or 0.5
    colours = LIGHT.curves if len(curves) > 1 else (LINE_COLOUR,)
    drawn = [_drawn(one, x_dim, y_dim, name, colour) for (name, one), colour in zip(curves.items(), cycle(colours))]
    return with_options(
        hv.Overlay([element for elements in drawn for element in elements]),
        both={
            "title": literal("\n".join(line for line in notes if line)),
            "xlim": (places.min() - margin, places.max() + 2 * margin),
            "show_legend": len(curves) > 1,
            "legend_position": "right",
        },
        bokeh={"frame_width": WIDTH, "frame_height": FRAME, "hooks": [screen_look]},
        matplotlib={
            "fontsize": PAPER_FONTS,
            "fig_inches": (6.5, 4.5),
            "aspect": 1.5,
            "show_frame": False,
            "hooks": [no_formulas],
        },
    )


class ScorePoints(NamedTuple):
    """A score at ascending x: mean and standard deviation (NaN if undefined), and in how many trials it is defined."""

    x: NDArray[np.float64]
    mean: NDArray[np.float64]
    std: NDArray[np.float64]
    defined: NDArray[np.int64]
    n_trials: int


def _curves_of(scores: Any, x: str, score: str) -> dict[str, ScorePoints]:
    """Return what is drawn, by the name of each curve, or raise InvalidInput."""
    columns = score_columns(scores, score, (n.SCORE_MEAN, n.SCORE_STD, n.SCORE_DEFINED), dims=DIMS)
    along, places = _places(scores, x, columns[0].dims)
    n_trials = n_trials_of(scores, columns[2]) if len(columns) > 1 else 1
    others = [str(dim) for dim in columns[0].dims if dim != along]
    if not others:
        return {"": _points_of([column.values for column in columns], places, n_trials)}
    (other,) = others
    labels = labels_of(columns[0], other)
    if len(labels) > MOST_CURVES:
        fix = f"Take some with .isel({other}=slice(None, None, {-(-len(labels) // MOST_CURVES)})), or draw a map."
        got, expected = f"{len(labels)} curves, one for each {other}", f"{MOST_CURVES} at most, which differ in colour"
        raise InvalidInput("scores", got=got, expected=expected, fix=fix)
    return {
        says(other, label): _points_of([column.isel({other: k}).values for column in columns], places, n_trials)
        for k, label in enumerate(labels)
    }


def _points_of(columns: list[NDArray[Any]], places: NDArray[np.float64], n_trials: int) -> ScorePoints:
    """Return the points of a curve, ascending: its mean, and spread and trials where it has several."""
    order = np.argsort(places, kind="stable")
    mean, *others = (column[order] for column in columns)
    mean = np.where(np.isfinite(mean), mean, np.nan)
    if not others:  # one value at each place: a single trial
        return ScorePoints(places[order], mean, np.zeros(len(mean)), np.isfinite(mean).astype(np.int64), 1)
    return ScorePoints(places[order], mean, others[0], others[1], n_trials)


def _places(scores: xr.Dataset, x: str, dims: tuple[Any, ...]) -> tuple[str, NDArray[np.float64]]:
    """Return the numbers of coordinate `x`, and the dim of the scores along which they lie."""
    usable = {
        str(name): str(coord.dims[0])
        for name, coord in scores.coords.items()
        if coord.ndim == 1 and coord.dims[0] in dims and coord.dtype.kind in "iuf"
    }
    if not isinstance(x, str) or x not in usable:
        along, there = " or ".join(map(str, dims)), ", ".join(usable) or "there is none"
        raise InvalidInput("x", got=said(x), expected=f"a numeric coordinate along {along} ({there})")
    return usable[x], np.asarray(loaded(scores[x], argument="x").values, dtype=np.float64)


def _gaps(points: ScorePoints, x: str, curve: str) -> str:
    """Say where a curve is undefined, if it is."""
    gaps = points.x[np.isnan(points.mean)]
    where = f"{in_words(x).lower()} = {', '.join(f'{place:g}' for place in gaps)}"
    return f"{curve} undefined at {where}".strip() if len(gaps) else ""


def _drawn(points: ScorePoints, x_dim: hv.Dimension, y_dim: hv.Dimension, name: str, colour: str) -> list[Any]:
    """Draw the mean in a band of one standard deviation, with gaps where they are undefined, and marks."""
    band = with_options(
        hv.Spread((points.x, points.mean, points.std), x_dim, [y_dim, "std"]),
        bokeh={"fill_color": colour, "fill_alpha": 0.2, "line_alpha": 0},
        matplotlib={"facecolor": colour, "alpha": 0.2, "linewidth": 0},
    )
    line = with_options(
        hv.Curve((points.x, points.mean), x_dim, y_dim, label=name),
        both={"color": colour},
        bokeh={"line_width": 2},
        matplotlib={"linewidth": 1.5},
    )
    return [band, line, _marks(points, x_dim, y_dim, colour), _counts(points, x_dim, y_dim)]


def _marks(points: ScorePoints, x_dim: hv.Dimension, y_dim: hv.Dimension, colour: str) -> hv.Points:
    """Draw a full mark if all trials are defined, an open one if fewer are."""
    seen = np.isfinite(points.mean)
    fill = np.where(points.defined < points.n_trials, LIGHT.ground, colour)[seen].astype(object)
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
            "line_color": colour,
            "tools": ["hover"],
            "hover_tooltips": [
                (x_dim.label, "@x"),
                (y_dim.label, "@mean{0.000}"),
                ("standard deviation", "@std{0.000}"),
                ("trials defined", "@defined"),
            ],
        },
        matplotlib={"s": (POINTS * size) ** 2, "facecolors": "fill", "edgecolors": colour},
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
