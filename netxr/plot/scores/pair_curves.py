"""What chosen pairs of neurons have along one dim, as curves: which pairs, how they look, and what a figure says."""

from collections.abc import Callable, Hashable, Iterable, Mapping
from functools import reduce
from itertools import cycle
from typing import Any, Final

import holoviews as hv
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.estimators.strongest import strongest_entries
from netxr.kernels.significance import LINE
from netxr.plot.palettes import LIGHT
from netxr.plot.style import (
    FRAME,
    INK,
    PAPER_FONTS,
    POINTS,
    literal,
    no_formulas,
    screen_look,
    with_options,
)
from netxr.plot.ticks import shorten
from netxr.schema.arguments import check_entries
from netxr.schema.variables import labels_of

COLOURS: Final = LIGHT.curves

DASHES: Final = (("solid", "-"), ("dashed", "--"), ("dotted", ":"), ("dotdash", "-."))
"""As bokeh and matplotlib have them."""

SHAPES: Final = (("circle", "o"), ("square", "s"), ("triangle", "^"), ("diamond", "D"), ("inverted_triangle", "v"))

MOST_PAIRS: Final = len(COLOURS) * len(DASHES)
"""So many curves differ in colour or dashes."""

STRONGEST: Final = 6
"""How many pairs are drawn if none are chosen."""

ROOMY: Final = 24
"""Most entries that have room for a mark each."""

MARK: Final = 7.0
"""Diameter of a mark in bokeh pixels."""

BAND: Final = 0.15
"""Opacity of a band."""


def pair_curves(
    R: xr.DataArray,
    pairs: Iterable[Any] | None,
    *,
    x: hv.Dimension,
    at: NDArray[Any],
    notes: Iterable[str],
    bands: tuple[xr.DataArray, xr.DataArray] | None = None,
    samples: NDArray[np.float64] | None = None,
    among: NDArray[np.bool_] | None = None,
    both: Mapping[str, Any] | None = None,
    on_screen: Iterable[Callable[..., None]] = (),
    on_paper: Iterable[Callable[..., None]] = (),
) -> hv.Overlay:
    """Draw a curve for each chosen pair of neurons, (target, source), or else for the strongest, `among` some of them.

    R (dim of the x axis, target, source) is in memory; its entries, called by the name of `x`, stand `at` ascending
    places. Which pairs were chosen follows the `notes` in the title. There may be `bands` around the curves, lower and
    upper ends like R, and a band of correlations by chance, of as many independent `samples` (target, source). `both`
    are options of both backends, `on_screen` and `on_paper` hooks of bokeh and of matplotlib.
    """
    chosen, cut = _strongest(R, among) if pairs is None else (_positions(R, pairs), "")
    y = hv.Dimension("value", label=_value_label(R))
    names = _names(R, chosen)
    curves = {name: R.values[:, to, from_] for name, (to, from_) in zip(names, chosen, strict=True)}
    ends = [end.values[:, to, from_] for end in bands or () for to, from_ in chosen]
    limit, by_chance = (0.0, "") if samples is None else _limit_of_chance([samples[pair] for pair in chosen])
    defined = np.concatenate([[-limit, limit], *(curve[np.isfinite(curve)] for curve in [*curves.values(), *ends])])
    margin = 0.05 * np.ptp(defined) or 1.0
    beyond = 0.03 * float(np.ptp(at)) or 1.0
    nothing = "" if len(defined) > 2 else f"no correlation of two neurons is defined at any {x.name}"
    filled = [] if bands is None else _bands(ends, x, at)
    return with_options(
        hv.Overlay([*([_chance(limit)] if limit else []), _zero(), *filled, *_drawn(curves, x, y, at)]),
        both={
            "title": literal("\n".join(line for line in (*notes, nothing or by_chance, cut) if line)),
            "xlabel": x.label,
            "ylabel": y.label,
            "xlim": (at[0] - beyond, at[-1] + beyond),
            "ylim": (defined.min() - margin, defined.max() + margin),
            "legend_position": "right",
        }
        | dict(both or {}),
        bokeh={
            "frame_width": round(1.5 * FRAME),
            "frame_height": FRAME,
            "hooks": [*on_screen, screen_look],
        },
        matplotlib={"fontsize": PAPER_FONTS, "fig_inches": (7, 4), "aspect": 1.5, "hooks": [no_formulas, *on_paper]},
    )


def _strongest(R: xr.DataArray, among: NDArray[np.bool_] | None) -> tuple[list[tuple[int, int]], str]:
    """Return the pairs of different neurons with the largest magnitude anywhere, and a text that says of how many."""
    largest = reduce(np.fmax, (np.abs(matrix) for matrix in R.values))
    largest = largest if among is None else np.where(among, largest, np.nan)
    targets, sources = labels_of(R, n.TARGET), labels_of(R, n.SOURCE)
    chosen = strongest_entries(largest, targets, sources, most=STRONGEST).tolist()
    n_all = np.count_nonzero(np.isfinite(largest) & (targets[:, np.newaxis] != sources))
    cut = f"strongest {STRONGEST} of {n_all:,} pairs" if n_all > STRONGEST else ""
    return [(to, from_) for to, from_ in chosen], cut


def _positions(R: xr.DataArray, pairs: Iterable[Any]) -> list[tuple[int, int]]:
    """Return where the chosen pairs are, or raise InvalidInput."""
    expected = f"1 to {MOST_PAIRS} pairs (target, source), whose curves differ in colour or dashes"
    wanted = check_entries("pairs", pairs, expected=expected)
    if not 0 < len(wanted) <= MOST_PAIRS or any(
        not isinstance(pair, tuple | list) or len(pair) != 2 for pair in wanted
    ):
        raise InvalidInput(
            "pairs",
            got=f"{len(wanted)} entries" if len(wanted) != 1 else repr(wanted[0]),
            expected=expected,
        )
    places = [{label: k for k, label in enumerate(labels_of(R, dim).tolist())} for dim in (n.TARGET, n.SOURCE)]
    for pair in wanted:
        for dim, label, place in zip((n.TARGET, n.SOURCE), pair, places, strict=True):
            if not isinstance(label, Hashable) or label not in place:
                some = ", ".join(map(repr, list(place)[:3]))
                raise InvalidInput(
                    "pairs", got=f"{dim} {label!r}, which R does not have", expected=f"labels such as {some}"
                )
    return [(places[0][to], places[1][from_]) for to, from_ in wanted]


def _names(R: xr.DataArray, chosen: list[tuple[int, int]]) -> list[str]:
    """Return the name of each curve, shortened unless two would get the same name."""
    targets, sources = labels_of(R, n.TARGET), labels_of(R, n.SOURCE)
    short = [f"{shorten(sources[from_])} → {shorten(targets[to])}" for to, from_ in chosen]
    return short if len(set(short)) == len(short) else [f"{sources[from_]} → {targets[to]}" for to, from_ in chosen]


def _zero() -> hv.HLine:
    """Draw the line of no correlation."""
    return with_options(hv.HLine(0), both={"color": INK}, bokeh={"line_width": 0.7}, matplotlib={"linewidth": 0.7})


def _limit_of_chance(samples: list[float]) -> tuple[float, str]:
    """Return how far 95 % of correlations by chance are from zero at most, and that in words; 0 if not known.

    A correlation of N independent samples has a standard error of 1 / sqrt(N) where there is none.
    """
    fewest = min((each for each in samples if each > 0), default=np.nan)
    if not np.isfinite(fewest):
        return 0.0, "not known what is by chance"
    return float(LINE / np.sqrt(fewest)), f"grey: 95 % by chance, of {fewest:,.0f} independent samples"


def _chance(limit: float) -> hv.HSpan:
    """Draw the band of correlations by chance."""
    return with_options(
        hv.HSpan(-limit, limit),
        bokeh={"fill_color": LIGHT.hidden, "line_color": None, "level": "underlay"},
        # HoloViews lays bokeh's own colour over matplotlib's where bokeh is the current backend.
        matplotlib={"facecolor": LIGHT.hidden, "color": None, "linewidth": 0},
    )


def _drawn(curves: dict[str, NDArray[Any]], x: hv.Dimension, y: hv.Dimension, at: NDArray[Any]) -> list[Any]:
    """Draw each curve with marks: everywhere if they are few, else only where a line would not be seen."""
    drawn = []
    for (name, values), colour, dash, shape in zip(curves.items(), cycle(COLOURS), cycle(DASHES), cycle(SHAPES)):
        marked = np.isfinite(values) & ((len(at) <= ROOMY) | _alone(values))
        points = (at, values, np.full(len(at), name, dtype=object))
        drawn.append(_line(hv.Curve(points, x, [y, "pair"], label=name), colour, dash, shape))
        drawn.append(
            _marks(hv.Scatter(tuple(column[marked] for column in points), x, [y, "pair"], label=name), colour, shape)
        )
    return drawn


def _bands(ends: list[NDArray[Any]], x: hv.Dimension, at: NDArray[Any]) -> list[hv.Area]:
    """Draw the band of each curve: the lower ends of all curves are followed by their upper ones."""
    half = len(ends) // 2
    return [
        with_options(
            hv.Area((at, lower, upper), x, ["lower", "upper"]),
            bokeh={"fill_color": colour, "fill_alpha": BAND, "line_alpha": 0},
            matplotlib={"facecolor": colour, "alpha": BAND, "linewidth": 0},
        )
        for lower, upper, colour in zip(ends[:half], ends[half:], cycle(COLOURS))
    ]


def _value_label(R: xr.DataArray) -> str:
    """Return what to call the values of R."""
    text = "correlation" if R.name is None else str(R.attrs.get(n.LONG_NAME, R.name)).replace("_", " ")
    return text if text[1:2] == " " else text[:1].upper() + text[1:]  # t is a symbol


def _alone(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which values have a gap, or the end, on both sides."""
    gap = np.concatenate([[True], ~np.isfinite(values), [True]])
    return np.asarray(gap[:-2] & gap[2:])


def _line(curve: hv.Curve, colour: str, dash: tuple[str, str], shape: tuple[str, str]) -> hv.Curve:
    """Draw a curve in its colour and dashes."""
    few = len(curve) <= ROOMY
    return with_options(
        curve,
        both={"color": colour},
        bokeh={
            "line_dash": dash[0],
            "line_width": 2,
            "tools": [] if few else ["hover"],
            "hover_tooltips": _tips(curve.kdims[0]),
        },
        matplotlib={
            "linestyle": dash[1],
            "linewidth": 1.5,
            "marker": shape[1] if few else "",  # marks alone would not be in the legend
            "ms": MARK * POINTS,
        },
    )


def _marks(marks: hv.Scatter, colour: str, shape: tuple[str, str]) -> hv.Scatter:
    """Draw marks with their pair, place and value on hovering."""
    return with_options(
        marks,
        both={"color": colour},
        bokeh={"marker": shape[0], "size": MARK, "tools": ["hover"], "hover_tooltips": _tips(marks.kdims[0])},
        matplotlib={"marker": shape[1], "s": (MARK * POINTS) ** 2},
    )


def _tips(x: hv.Dimension) -> list[tuple[str, str]]:
    """Return what is written on hovering."""
    return [("pair", "@pair"), (x.name, f"@{x.name}"), ("value", "@value{0.000}")]
