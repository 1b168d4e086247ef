"""Lagged correlation over lag, for chosen pairs of neurons."""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import replace
from functools import partial, reduce
from itertools import cycle
from typing import Any, Final

import holoviews as hv
import numpy as np
import xarray as xr
from bokeh.models import CustomJSTickFormatter, LinearAxis
from numpy.typing import NDArray

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.estimators.strongest import strongest_entries
from netxr.plot.style import (
    FRAME,
    INK,
    POINTS,
    check_loaded,
    literal,
    no_formulas,
    plain_numbers,
    stay_in_place,
    with_options,
)
from netxr.plot.ticks import shorten
from netxr.schema.arguments import is_number
from netxr.schema.variables import CONNECTIVITY_SPEC, check_variable, labels_of

COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
"""Safe for colour-blind readers: Okabe & Ito 2008, jfly.uni-koeln.de/color, without the yellow."""

DASHES: Final = (("solid", "-"), ("dashed", "--"), ("dotted", ":"), ("dotdash", "-."))
"""As bokeh and matplotlib have them."""

SHAPES: Final = (("circle", "o"), ("square", "s"), ("triangle", "^"), ("diamond", "D"), ("inverted_triangle", "v"))

MOST_PAIRS: Final = len(COLOURS) * len(DASHES)
"""So many curves differ in colour or dashes."""

STRONGEST: Final = 6
"""How many pairs are drawn if none are chosen."""

ROOMY: Final = 24
"""Most lags that have room for a mark each."""

MOST_TICKS: Final = 12
"""Most lags that have a tick each, if they are evenly spaced."""

MARK: Final = 7.0
"""Diameter of a mark in bokeh pixels."""


TIPS: Final = [("pair", "@pair"), ("lag", f"@{n.LAG}"), ("value", "@value{0.000}")]


def lags(R: Any, *, pairs: Iterable[tuple[Hashable, Hashable]] | None = None, title: str = "") -> hv.Overlay:
    """Draw the lagged correlation of chosen pairs of neurons over lag.

    Curves differ in colour, dashes and marks. Undefined values are gaps. If the attributes of `R` have the sampling
    interval, a second axis above shows the lag in time.

    Parameters
    ----------
    R : DataArray
        Estimated connectivity in memory, (lag, target, source) in any order of dims, as
        `netxr.lagged_correlation` returns it for a sequence of lags; a dim of one trial may be there.
    pairs : iterable of (label, label), optional
        Target and source of each curve, in this order. By default, the six pairs of different neurons with the largest
        magnitude at any lag; the title says of how many.
    title : str
        Title over the curves.

    Returns
    -------
    holoviews.Overlay
        HLine (zero), and a Curve and Scatter (marks) for each pair, named "source → target".

    Raises
    ------
    InvalidInput
        If `R` has no lags, is lazy, or has several trials; if a neuron is not in it; if there are too many pairs.

    Examples
    --------
    >>> R = xr.DataArray(np.zeros((3, 2, 2)), dims=("lag", "target", "source"), coords={"target": ["a", "b"]})
    >>> [element.label for element in lags(R, pairs=[("b", 0)])]
    ['', '0 → b', '0 → b']
    """
    values = _checked(R)
    chosen, cut = _strongest(values) if pairs is None else (_positions(values, pairs), "")
    curves = dict(zip(_names(values, chosen), (values.values[:, to, from_] for to, from_ in chosen), strict=True))
    defined = np.concatenate([[0.0], *(curve[np.isfinite(curve)] for curve in curves.values())])
    margin = 0.05 * np.ptp(defined) or 1.0
    note = "" if len(defined) > 1 else "no correlation of two neurons is defined at any lag"
    steps = labels_of(values, n.LAG)
    beyond = 0.03 * float(np.ptp(steps)) or 1.0
    return with_options(
        hv.Overlay([_zero(), *_drawn(values, curves)]),
        both={
            "title": literal("\n".join(line for line in (title, note, cut) if line)),
            "xlabel": "Lag (samples)",
            "ylabel": _value_label(values),
            "xticks": _ticks(steps) if len(steps) <= MOST_TICKS else None,
            "xlim": (steps[0] - beyond, steps[-1] + beyond),
            "ylim": (defined.min() - margin, defined.max() + margin),
            "legend_position": "right",
        },
        bokeh={
            "frame_width": round(1.5 * FRAME),
            "frame_height": FRAME,
            "hooks": [stay_in_place, plain_numbers, *hooks_of_time(values, time_on_screen)],
        },
        matplotlib={
            "fig_inches": (7, 4),
            "aspect": 1.5,
            "hooks": [no_formulas, *hooks_of_time(values, time_on_paper)],
        },
    )


def _checked(R: Any) -> xr.DataArray:
    """Return R as (lag, target, source) in memory, ascending in lag."""
    if isinstance(R, xr.DataArray):
        R = R.squeeze([dim for dim in R.dims if dim not in (n.LAG, n.TARGET, n.SOURCE) and R.sizes[dim] == 1])
        R = R.expand_dims([dim for dim in (n.SOURCE, n.LAG) if dim in R.coords and dim not in R.dims])
        if n.LAG not in R.dims:
            raise InvalidInput(
                "R",
                got=f"dims {tuple(map(str, R.dims))}",
                expected=f"a dim {n.LAG!r}",
                fix="Estimate with a sequence of lags, such as lagged_correlation(activity, lags=range(10)).",
            )
    spec = replace(CONNECTIVITY_SPEC, optional_dims=())
    checked: xr.DataArray = check_loaded(check_variable(R, spec, argument="R", extra_dims=(n.LAG,)), argument="R")
    return checked.transpose(n.LAG, n.TARGET, n.SOURCE).isel({n.LAG: np.argsort(labels_of(checked, n.LAG))})


def _strongest(R: xr.DataArray) -> tuple[list[tuple[int, int]], str]:
    """Return the pairs of different neurons with the largest magnitude at any lag, and a text that says of how many."""
    largest = reduce(np.fmax, (np.abs(matrix) for matrix in R.values))
    targets, sources = labels_of(R, n.TARGET), labels_of(R, n.SOURCE)
    chosen = strongest_entries(largest, targets, sources, most=STRONGEST).tolist()
    n_all = np.count_nonzero(np.isfinite(largest) & (targets[:, np.newaxis] != sources))
    cut = f"strongest {STRONGEST} of {n_all:,} pairs" if n_all > STRONGEST else ""
    return [(to, from_) for to, from_ in chosen], cut


def _positions(R: xr.DataArray, pairs: Iterable[Any]) -> list[tuple[int, int]]:
    """Return where the chosen pairs are, or raise InvalidInput."""
    wanted = list(pairs) if isinstance(pairs, Iterable) else [pairs]
    if not 0 < len(wanted) <= MOST_PAIRS or any(
        not isinstance(pair, tuple | list) or len(pair) != 2 for pair in wanted
    ):
        raise InvalidInput(
            "pairs",
            got=f"{len(wanted)} entries" if len(wanted) != 1 else repr(wanted[0]),
            expected=f"1 to {MOST_PAIRS} pairs (target, source), whose curves differ in colour or dashes",
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


def _ticks(steps: NDArray[Any]) -> list[Any]:
    """Return the lags that get a tick: far enough apart to write a number at each."""
    chosen: list[Any] = steps[:1].tolist()
    for step in steps.tolist():
        if (step - chosen[-1]) * MOST_TICKS >= np.ptp(steps) and step > chosen[-1]:
            chosen.append(step)
    return chosen


def _zero() -> hv.HLine:
    """Draw the line of no correlation."""
    return with_options(hv.HLine(0), both={"color": INK}, bokeh={"line_width": 0.7}, matplotlib={"linewidth": 0.7})


def _drawn(R: xr.DataArray, curves: dict[str, NDArray[Any]]) -> list[Any]:
    """Draw each curve with marks: at every lag if they are few, else only where a line would not be seen."""
    steps = labels_of(R, n.LAG)
    x, y = hv.Dimension(n.LAG, label="Lag (samples)"), hv.Dimension("value", label=_value_label(R))
    drawn = []
    for (name, values), colour, dash, shape in zip(curves.items(), cycle(COLOURS), cycle(DASHES), cycle(SHAPES)):
        marked = np.isfinite(values) & ((len(steps) <= ROOMY) | _alone(values))
        points = (steps, values, np.full(len(steps), name, dtype=object))
        drawn.append(_line(hv.Curve(points, x, [y, "pair"], label=name), colour, dash, shape))
        drawn.append(
            _marks(hv.Scatter(tuple(column[marked] for column in points), x, [y, "pair"], label=name), colour, shape)
        )
    return drawn


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
            "hover_tooltips": TIPS,
        },
        matplotlib={
            "linestyle": dash[1],
            "linewidth": 1.5,
            "marker": shape[1] if few else "",  # marks alone would not be in the legend
            "ms": MARK * POINTS,
        },
    )


def _marks(marks: hv.Scatter, colour: str, shape: tuple[str, str]) -> hv.Scatter:
    """Draw marks with their pair, lag and value on hovering."""
    return with_options(
        marks,
        both={"color": colour},
        bokeh={"marker": shape[0], "size": MARK, "tools": ["hover"], "hover_tooltips": TIPS},
        matplotlib={"marker": shape[1], "s": (MARK * POINTS) ** 2},
    )


def hooks_of_time(R: xr.DataArray, add_axis: Callable[..., None]) -> list[Callable[..., None]]:
    """Return what adds an axis of time, where the sampling interval is known."""
    interval: Any = R.attrs.get(n.SAMPLING_INTERVAL)
    unit = R.attrs.get(n.SAMPLING_INTERVAL_UNITS, "s")
    known = is_number(interval) and unit != "step"
    return [partial(add_axis, interval=float(interval), label=f"Lag ({unit})")] if known else []


def time_on_screen(plot: Any, _element: Any, *, interval: float, label: str) -> None:
    """Add an axis above whose ticks are those below, in time."""
    if not plot.state.select({"type": LinearAxis, "axis_label": label}):
        code = "return Number((tick * interval).toPrecision(4)).toString()"
        in_time = CustomJSTickFormatter(args={"interval": interval}, code=code)
        axis = LinearAxis(axis_label=label, ticker=plot.state.xaxis[0].ticker)
        axis.update(formatter=in_time)
        plot.state.add_layout(axis, "above")


def time_on_paper(plot: Any, _element: Any, *, interval: float, label: str) -> None:
    """Add an axis above likewise."""
    axis = plot.handles["axis"]
    if not axis.child_axes:
        above = axis.secondary_xaxis("top")
        above.set_xlabel(label)
        above.set_xticks(axis.get_xticks())
        above.xaxis.set_major_formatter(lambda tick, _place: f"{tick * interval:.4g}")
