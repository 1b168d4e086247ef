"""The figures that ``netxr plot`` draws from a store, by kind."""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import xarray as xr

import netxr
from netxr import names as n
from netxr.errors import InvalidInput
from netxr.estimators.table import drawn_estimate
from netxr.schema.variables import is_sweep

MATRIX_DIMS: Final = (n.TARGET, n.SOURCE)


class FigureOptions(NamedTuple):
    """The options of the command, None if not given."""

    variable: str | None
    x: str | None
    y: str | None
    score: str | None
    steps: int | None
    diagonal: bool | None


def kind_of(data: xr.Dataset) -> str:
    """Return the kind of figure that suits a store."""
    if is_sweep(data.data_vars):
        return "curve"
    has_truth, has_estimate = n.CONNECTIVITY in data, drawn_estimate(data) is not None
    if has_truth or has_estimate:
        return "compare" if has_truth and has_estimate else "matrix"
    return "traces"


def draw(kind: str, data: xr.Dataset, options: FigureOptions) -> Any:
    """Return the figure of that kind, one of `KINDS`."""
    return KINDS[kind](kind, data, options)


def _pair(kind: str, data: xr.Dataset, options: FigureOptions) -> Any:
    """Draw A and R with their score."""
    A, R = _both(data, options)
    scored = data.get(n.PEARSON) if options.score is None else _variable(data, options.score)
    return getattr(netxr.plot, kind)(A, R, score=None if scored is None else _first(scored))


def _agreement(_kind: str, data: xr.Dataset, options: FigureOptions) -> Any:
    """Draw how R agrees with A."""
    if options.diagonal is None:
        raise InvalidInput(
            "--diagonal", got="nothing", expected="--diagonal or --no-diagonal: whether self-connections are included"
        )
    A, R = _both(data, options)
    return netxr.plot.agreement(A, R, diagonal=options.diagonal)


def _one(kind: str, data: xr.Dataset, options: FigureOptions) -> Any:
    """Draw one matrix, as a heatmap or as a graph."""
    name = n.CONNECTIVITY if options.variable is None and n.CONNECTIVITY in data else _estimate(data, options)
    matrix = _first(_variable(data, name), keep=MATRIX_DIMS)
    return getattr(netxr.plot, kind)(matrix, title=str(matrix.attrs.get(n.LONG_NAME, matrix.name)))


def _lags(_kind: str, data: xr.Dataset, options: FigureOptions) -> Any:
    """Draw R over lag."""
    return netxr.plot.lags(_first(_variable(data, _estimate(data, options)), keep=(n.LAG, *MATRIX_DIMS)))


def _activity(kind: str, data: xr.Dataset, options: FigureOptions) -> Any:
    """Draw activity over time; the figure reads what it needs."""
    activity = _variable(data, n.ACTIVITY)
    one_trial = activity.isel({dim: 0 for dim in activity.dims if dim not in (n.NEURON, n.TIME)})
    return getattr(netxr.plot, kind)(one_trial, n_steps=options.steps)


def _score(kind: str, data: xr.Dataset, options: FigureOptions) -> Any:
    """Draw a score over the parameters that vary, or that `x` and `y` name: curves over one, a map over two."""
    score, x = options.score or n.PEARSON, options.x
    mean = _variable(data, score + n.SCORE_MEAN)
    varies = [str(dim) for dim in mean.dims if mean.sizes[dim] > 1]
    _check_axes(mean, options)
    if kind == "map":
        fits, along, wanted, other = len(varies) == 2, varies, "two parameters that vary", "curves over one"
    else:
        fits, wanted, other = len(varies) < 3 and bool(x or varies), "one or two parameters that vary", "a map of two"
        along = varies + [str(dim) for dim in (data[x].dims if x in data.coords else ()) if dim not in varies]
    if not fits:
        got = f"scores over {', '.join(varies) or 'nothing'}"
        spare = next((dim for dim in reversed(varies) if dim not in (x, options.y)), None)
        entry = spare and f"--at {spare}={data[spare].values.tolist()[0]}"
        fix = f"Take one entry of each other, e.g. {entry}, or draw {other}." if entry else f"Draw {other}."
        raise InvalidInput("--at", got=got, expected=wanted, fix=fix)
    names = [score, *(score + ending for ending in (n.SCORE_MEAN, n.SCORE_STD, n.SCORE_DEFINED))]
    scores = data[names].squeeze([dim for dim in mean.dims if dim not in along], drop=True).compute()
    if kind == "map":
        return netxr.plot.map(scores, x=x or varies[0], y=options.y or varies[1], score=score)
    return netxr.plot.score_curve(scores, x=x or varies[0], score=score)


def _check_axes(mean: xr.DataArray, options: FigureOptions) -> None:
    """Raise if what is to be an axis is none of the sweep."""
    usable = dict.fromkeys([*mean.dims, *(name for name, coord in mean.coords.items() if coord.ndim)])
    for flag, name in (("--x", options.x), ("--y", options.y)):
        if name is not None and name not in usable:
            raise InvalidInput(flag, got=repr(name), expected=f"one of {', '.join(map(str, usable))}")


KINDS: Final[dict[str, Callable[[str, xr.Dataset, FigureOptions], Any]]] = {
    "compare": _pair,
    "overview": _pair,
    "agreement": _agreement,
    "matrix": _one,
    "network": _one,
    "lags": _lags,
    "traces": _activity,
    "raster": _activity,
    "curve": _score,
    "map": _score,
    "dashboard": lambda _kind, data, _options: netxr.plot.dashboard(data),
}
"""The function that draws each kind."""


def _both(data: xr.Dataset, options: FigureOptions) -> list[xr.DataArray]:
    """Load A and R, the first of several trials or lags."""
    names = (n.CONNECTIVITY, _estimate(data, options))
    return [_first(_variable(data, name), keep=MATRIX_DIMS) for name in names]


def _estimate(data: xr.Dataset, options: FigureOptions) -> str:
    """Return the name of the estimate that is asked for, or of the first that there is."""
    return options.variable or drawn_estimate(data) or "estimate"


def _variable(data: xr.Dataset, name: str) -> xr.DataArray:
    """Return a variable of the store."""
    if name not in data:
        there = ", ".join(map(str, data.data_vars)) or "nothing"
        raise InvalidInput("STORE", got=f"a store with {there}", expected=f"one with {name}, which this figure needs")
    return data[name]


def _first(data: xr.DataArray, keep: Sequence[str] = ()) -> xr.DataArray:
    """Load the first entry along every dim but those in `keep`."""
    return data.isel({dim: 0 for dim in data.dims if dim not in keep}).compute()
