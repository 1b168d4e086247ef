"""Lagged correlation over lag, for chosen pairs of neurons."""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import replace
from functools import partial
from typing import Any, Final

import holoviews as hv
import numpy as np
import xarray as xr
from bokeh.models import CustomJSTicker, CustomJSTickFormatter, LinearAxis
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.estimators.table import estimator_of
from netxr.estimators.undirected import ROUNDING
from netxr.plot.loading import loaded, loaded_matrix
from netxr.plot.matrices.found_pairs import on_pairs_of
from netxr.plot.scores.pair_curves import pair_curves
from netxr.schema.arguments import check_count, check_text, is_number
from netxr.schema.variables import CONNECTIVITY_SPEC, check_variable, labels_of

MOST_TICKS: Final = 12
"""Most lags that have a tick each, if they are evenly spaced."""

TIMES: Final = 4
"""Times that have a tick, or a few more: a time takes the room of several lags."""

ROUND_TIMES: Final = """
    const [low, high] = [cb_data.range.start * interval, cb_data.range.end * interval].sort((a, b) => a - b)
    const least = (high - low) / most, power = 10 ** Math.floor(Math.log10(least))
    const step = power * [1, 2, 5, 10].find((factor) => factor * power >= least * 0.999)
    const ticks = []
    for (let k = Math.ceil(low / step); k * step <= high; k++) ticks.push(k * step / interval)
    return ticks
"""
"""Lags at which it is a round time: at most `most` steps of 1, 2 or 5 times a power of ten."""


def lags(
    R: Any,
    *,
    pairs: Iterable[tuple[Hashable, Hashable]] | None = None,
    samples: int | xr.DataArray | None = None,
    title: str = "",
) -> hv.Overlay:
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
        magnitude at any lag; the title says of how many. Where lags go as far below zero as above, one way says all of
        the other: of both, the one with the larger magnitude above zero is drawn.
    samples : int or DataArray, optional
        How many independent samples the correlations are of: a number, or (target, source) aligned by label, the
        `effective_samples` of `netxr.correlation_test`. A grey band then holds 95 % of the correlations of neurons that
        have nothing to do with each other, 1.96 / sqrt(samples) to both sides of zero; of several pairs, the widest. Of
        autocorrelated activity, the number of samples itself would make it too narrow.
    title : str
        Title over the curves.

    Returns
    -------
    holoviews.Overlay
        HLine (zero), with `samples` an HSpan (by chance) below it, and a Curve and Scatter (marks) for each pair, named
        "source → target".

    Raises
    ------
    InvalidInput
        If `R` has no lags, is lazy, or has several trials; if a neuron is not in it; if there are too many pairs; if
        `samples` is neither a count nor of all neurons, or `R` are no correlations.

    Examples
    --------
    >>> R = xr.DataArray(np.zeros((3, 2, 2)), dims=("lag", "target", "source"), coords={"target": ["a", "b"]})
    >>> [element.label for element in lags(R, pairs=[("b", 0)])]
    ['', '0 → b', '0 → b']
    """
    check_text("title", title)
    values = _checked(R)
    steps = labels_of(values, n.LAG)
    known = None if samples is None else _samples_of(values, samples)
    few = len(steps) <= MOST_TICKS
    return pair_curves(
        values,
        pairs,
        x=hv.Dimension(n.LAG, label="Lag (samples)"),
        at=steps,
        notes=[title],
        samples=known,
        among=_one_way(values) if pairs is None else None,
        both={"xticks": _ticks(steps) if few else None},
        on_screen=hooks_of_time(values, time_on_screen),
        on_paper=[*([] if few else [_whole_on_paper]), *hooks_of_time(values, time_on_paper)],
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
    checked: xr.DataArray = loaded(check_variable(R, spec, argument="R", extra_dims=(n.LAG,)), argument="R")
    return checked.transpose(n.LAG, n.TARGET, n.SOURCE).isel({n.LAG: np.argsort(labels_of(checked, n.LAG))})


def _one_way(R: xr.DataArray) -> NDArray[np.bool_] | None:
    """Return one way of each pair, (target, source), where the other is the same at lags of the other sign; else None.

    It is the one that is farther from zero above lag 0, so that the source comes before the target.
    """
    steps, there = labels_of(R, n.LAG), R.values
    same_neurons = np.array_equal(labels_of(R, n.TARGET), labels_of(R, n.SOURCE))
    if not same_neurons or not np.array_equal(steps, -steps[::-1]) or len(steps) == 1:
        return None
    back = there[::-1].swapaxes(1, 2)
    if not np.allclose(there, back, rtol=ROUNDING, atol=ROUNDING, equal_nan=True):
        return None
    above = np.nan_to_num(np.abs(there[steps > 0])).max(axis=0)
    return np.asarray((above > above.T) | ((above == above.T) & np.tri(len(above), dtype=bool)))


def _samples_of(R: xr.DataArray, samples: Any) -> NDArray[np.float64]:
    """Return how many independent samples the correlation of each pair is of, (target, source)."""
    entry = estimator_of(R)
    if entry is not None and entry.name not in (n.LAGGED_CORRELATION, n.CORRELATION):
        got = f"samples of {entry.name}"
        raise InvalidInput("samples", got=got, expected="lagged correlations, whose spread by chance they tell")
    if not isinstance(samples, xr.DataArray):
        return np.full(R.shape[1:], float(check_count("samples", samples)))
    matrix = loaded_matrix(samples, argument="samples")
    return on_pairs_of(R, matrix, argument="samples", what="numbers of samples").values.astype(np.float64)


def _ticks(steps: NDArray[Any]) -> list[Any]:
    """Return the lags that get a tick: far enough apart to write a number at each."""
    chosen: list[Any] = steps[:1].tolist()
    for step in steps.tolist():
        if (step - chosen[-1]) * MOST_TICKS >= np.ptp(steps) and step > chosen[-1]:
            chosen.append(step)
    return chosen


def _whole_on_paper(plot: Any, _element: Any) -> None:
    """Have ticks at whole samples alone, of which matplotlib knows nothing."""
    plot.handles["axis"].xaxis.set_major_locator(MaxNLocator("auto", integer=True, steps=[1, 2, 5, 10]))


def hooks_of_time(R: xr.DataArray, add_axis: Callable[..., None]) -> list[Callable[..., None]]:
    """Return what adds an axis of time, where the sampling interval is known."""
    interval: Any = R.attrs.get(n.SAMPLING_INTERVAL)
    unit = R.attrs.get(n.SAMPLING_INTERVAL_UNITS, "s")
    known = is_number(interval) and unit != "step"
    return [partial(add_axis, interval=float(interval), label=f"Lag ({unit})")] if known else []


def time_on_screen(plot: Any, _element: Any, *, interval: float, label: str) -> None:
    """Add an axis above that says of a few lags how long they are; ticks of all would run into one another."""
    if not plot.state.select({"type": LinearAxis, "axis_label": label}):
        code = "return Number((tick * interval).toPrecision(3)).toString()"
        in_time = CustomJSTickFormatter(args={"interval": interval}, code=code)
        args = {"interval": interval, "most": TIMES + 1}
        axis = LinearAxis(axis_label=label)
        axis.update(ticker=CustomJSTicker(major_code=ROUND_TIMES, args=args), formatter=in_time)
        plot.state.add_layout(axis, "above")


def time_on_paper(plot: Any, _element: Any, *, interval: float, label: str) -> None:
    """Add an axis of time above, with round times at its ticks."""
    axis = plot.handles["axis"]
    if not axis.child_axes:
        above = axis.secondary_xaxis("top", functions=(lambda lag: lag * interval, lambda time: time / interval))
        above.set_xlabel(label)
        above.xaxis.set_major_locator(MaxNLocator(TIMES + 1, steps=[1, 2, 5, 10]))
