"""What a report says about a run in tables and lines: facts, scores, origin, how to make it again."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import product
from platform import platform, python_version
from shlex import quote
from typing import Any, Final

import numpy as np
import xarray as xr

from netxr import names as n
from netxr.estimators.table import DEFAULT, drawn_estimate, estimates_in, estimator_of, name_in_words
from netxr.report import page
from netxr.schema.clock import activity_of
from netxr.schema.provenance import ORIGIN
from netxr.schema.words import entry_text, number

FURTHER: Final = (n.SLOPE, n.RMSE, n.MCC, n.F1, n.ROC_AUC_EXCITATORY, n.ROC_AUC_INHIBITORY)
"""Scores that stand where they are defined."""

SCORES: Final = (
    *(n.PEARSON, n.SPEARMAN, n.KAPPA, n.ROC_AUC, n.AVERAGE_PRECISION, n.MANTEL, n.MANTEL_P, n.RV),
    *(n.PEARSON_TRANSPOSED, n.SYMMETRY),
    *FURTHER,
)
"""Scores, and how alike the estimate and its transpose are."""

MOST_ROWS: Final = 12
"""Most rows of scores that are shown unfolded."""

DIAGONAL_MATTERS: Final = (
    "Neurons correlate with their own past, whatever the network: with the diagonal, the score measures that too. "
    "A score is undefined if truth or estimate is the same everywhere."
)

Row = dict[str, str]

SIMULATED_WITH = (n.N_STEPS, n.SEED, n.RNG, n.NOISE_SCALE, n.INITIAL)
"""Attributes from which a simulation can be repeated."""


def facts(run: xr.Dataset) -> list[Row]:
    """Return sizes, sampling, truth, estimates and settings of a run."""
    found: dict[str, Any] = _of_activity(run[n.ACTIVITY], run.attrs) if n.ACTIVITY in run else {}
    if n.CONNECTIVITY in run:
        weights = run[n.CONNECTIVITY]
        edges = int((weights != 0).sum())
        found["true connectivity A"] = f"{_shape(weights)}, {edges:,} weights other than 0 ({edges / weights.size:.1%})"
    for name in estimates_in(run):
        R = run[name]
        about = [name_in_words(R), _shape(R), f"{int(R.isnull().sum()):,} entries undefined"]
        entry = estimator_of(R)  # beside others, an estimate that does not depend on the lag has the lag of these
        is_lagged = n.LAG in R.coords and (entry is None or entry.has_lag)
        lags = ", ".join(map(str, np.atleast_1d(R[n.LAG].values).tolist())) if is_lagged else ""
        if name == drawn_estimate(run):
            found |= {"estimate R": ", ".join(about), "lags of R": lags}
        else:
            found[f"estimate {name}"] = ", ".join([*about, f"lags {lags}"] if lags else about)
    found |= {f"outdated: {name}": value.attrs[n.OUTDATED] for name, value in run.items() if n.OUTDATED in value.attrs}
    return rows({**found, **{name: value for name, value in run.attrs.items() if name not in ORIGIN}})


def _of_activity(activity: xr.DataArray, attrs: Mapping[Any, Any]) -> dict[str, Any]:
    """Return sizes and sampling of a recording."""
    known = {**attrs, **activity_of(activity).attrs}
    found: dict[str, Any] = {
        "neurons": f"{activity.sizes[n.NEURON]:,}",
        "samples a trial": f"{activity.sizes[n.TIME]:,}",
        "trials": activity.sizes.get(n.TRIAL, 1),
    }
    if n.SAMPLING_INTERVAL in known:
        length = f"{known[n.SAMPLING_INTERVAL] * activity.sizes[n.TIME]:g} {known.get(n.SAMPLING_INTERVAL_UNITS, '')}"
        found["length of a trial"] = length.rstrip()
    return found | {name: known[name] for name in (n.SAMPLING_INTERVAL, n.UNITS) if name in known}


def _shape(values: xr.DataArray) -> str:
    """Return sizes by dim."""
    return " x ".join(f"{size:,} {dim}{'s' if size != 1 else ''}" for dim, size in values.sizes.items())


def rows(found: Mapping[Any, Any]) -> list[Row]:
    """Return names and values as rows of a table, without empty ones."""
    texts = {words(name): entry_text(value) for name, value in found.items()}
    return [{"what": name, "is": text} for name, text in texts.items() if text]


def words(name: Any) -> str:
    """Return a name of the data in words.

    Examples
    --------
    >>> words("n_neurons")
    'number of neurons'
    """
    text = str(name).replace("_", " ")
    return f"number of {text[2:]}" if text.startswith("n ") else text


def score_rows(scores: xr.Dataset, names: Sequence[str]) -> list[Row]:
    """Return a row for each entry of some scores, labelled by their dims."""
    table = scores[list(names)].compute()
    dims = list(table.dims)
    places = [dict(zip(dims, place, strict=True)) for place in product(*(range(table.sizes[dim]) for dim in dims))]
    return [
        {words(dim): str(table[dim].values[place[dim]]) for dim in dims}
        | {words(name): _score(name, table[name].isel(place, missing_dims="ignore")) for name in names}
        for place in places
    ]


def in_words(row: Mapping[str, Any]) -> Row:
    """Return a row of numbers as text."""
    return {words(name): number(cell) if isinstance(cell, float) else words(cell) for name, cell in row.items()}


def _score(name: str, value: xr.DataArray) -> str:
    """Return a score as text."""
    number = float(value)
    if value.dtype.kind in "iu":
        return str(int(value))
    return "undefined" if np.isnan(number) else f"{number:.3g}" if name == n.MANTEL_P else f"{number:.3f}"


def origin_parts(run: xr.Dataset, source: str | None, estimate: str, *, again: Sequence[str] = ()) -> Iterator[Any]:
    """Yield where a run comes from, and how to make it and its report again; `again` are lines that make the run."""
    yield page.Table("Where it comes from", "Who made it when, from what, with which versions.", _origin(run, source))
    if n.HISTORY in run.attrs:
        yield page.Listing("History", "Every change, oldest first.", str(run.attrs[n.HISTORY]))
    lines = "\n".join([*_python_lines(run, source, estimate), *(again or _simulated_again(run))])
    yield page.Listing("How to make it again, in Python", 'Needs what pip install ".[plot]" installs.', lines)
    if source is not None:
        yield page.Listing("How to make it again, in the shell", "", _shell_lines(source))


def _origin(run: xr.Dataset, source: str | None) -> list[Row]:
    """Return who made a run, when and from what, and what made the report."""
    activity = run[n.ACTIVITY].attrs if n.ACTIVITY in run else {}
    known = {name: value for name, value in {**activity, **run.attrs}.items() if name in ORIGIN and name != n.HISTORY}
    software = [f"{package} {version(package)}" for package in ("netxr", "numpy", "xarray", "holoviews", "bokeh")]
    made = ", ".join([datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), *software, f"Python {python_version()}"])
    return rows({"opened from": source or "", **known, "report made": f"{made}, {platform()}"})


def _python_lines(run: xr.Dataset, source: str | None, estimate: str) -> list[str]:
    """Return the lines that open a run and make its report; `estimate` is the call that made R for it, or empty."""
    lines = ["import netxr", ""]
    lines += [f"run = netxr.open({source!r})" if source else "# run is the Dataset that this report was made of"]
    if estimate:
        lines += [f"run = run.assign({DEFAULT}={estimate})"]
    R = DEFAULT if estimate else drawn_estimate(run)
    if R or {n.ACTIVITY, n.CONNECTIVITY} & set(run.data_vars):
        lines += ["figures = netxr.plot.dashboard(run)"]
    if n.CONNECTIVITY in run and R:
        lines += [f"scores = netxr.compare(run.{n.CONNECTIVITY}, run.{R}, diagonal=False)"]
    return [*lines, 'netxr.report_run(run, "report.html")']


def _simulated_again(run: xr.Dataset) -> list[str]:
    """Return the lines that simulate a run again, if its attributes say how and it was not averaged or resumed."""
    attrs = run.attrs
    there = {n.ACTIVITY, n.CONNECTIVITY} <= set(run.data_vars) and {n.MODEL, *SIMULATED_WITH} <= set(attrs)
    if (
        not there
        or n.GROUP_SIZE in run.coords
        or attrs[n.N_STEPS] != run.sizes[n.TIME]
        or isinstance(attrs[n.INITIAL], str)
    ):
        return []
    settings = {name: attrs[name] for name in SIMULATED_WITH} | {"trials": run.sizes.get(n.TRIAL, 1)}
    network, made = (
        run[n.CONNECTIVITY],
        {name: run[n.CONNECTIVITY].attrs.get(name) for name in (n.SPARSITY, n.SEED, n.RNG)},
    )
    drawn = f"netxr.random_connectivity({network.sizes[n.TARGET]}, {_arguments(made)})"
    matrix = f"run.{n.CONNECTIVITY}.compute()" if None in made.values() else drawn
    return [
        "",
        "# the same activity, simulated again",
        f"A = {matrix}",
        f"again = netxr.simulate(A, {_arguments(settings)})",
    ]


def _arguments(settings: Mapping[str, Any]) -> str:
    """Return settings as the arguments of a call."""
    plain = {name: value.tolist() if hasattr(value, "tolist") else value for name, value in settings.items()}
    return ", ".join(f"{name}={value!r}" for name, value in plain.items())


def _shell_lines(source: str) -> str:
    """Return the commands that describe a run and report on it."""
    return f"netxr info {quote(source)}\nnetxr report {quote(source)} --out report.html"
