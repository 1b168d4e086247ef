"""What the commands print: tables, JSON, progress; and whether there is room for what they write."""

import json
import math
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Final

import click
import xarray as xr

import netxr
from netxr import names as n
from netxr.errors import InvalidInput
from netxr.moments.budget import Plan, RowPlan
from netxr.recordings.export import csv
from netxr.schema.outputs import write_new
from netxr.schema.words import number
from netxr.store.dataset import is_store

Row = Mapping[str, Any]

TABLES: Final = {".csv": ",", ".tsv": "\t"}
"""Endings of tables of text, and what stands between their cells."""


def table(rows: Sequence[Row]) -> str:
    """Return rows of named cells as text under their names: text to the left, numbers to the right.

    Examples
    --------
    >>> print(table([{"score": "pearson", "value": 0.95967}, {"score": "kappa", "value": float("nan")}]))
    score        value
    pearson      0.960
    kappa    undefined
    """
    names = list(rows[0])
    columns = [[name, *(_cell(name, row[name]) for row in rows)] for name in names]
    to_left = [isinstance(rows[0][name], str) for name in names]
    widths = [max(map(len, column)) for column in columns]
    lines = (
        "  ".join(
            cell.ljust(width) if left else cell.rjust(width)
            for cell, width, left in zip(line, widths, to_left, strict=True)
        )
        for line in zip(*columns, strict=True)
    )
    return "\n".join(line.rstrip() for line in lines)


def listing(row: Row) -> str:
    """Return one row of named cells as text, a line each."""
    width = max(map(len, row), default=0)
    return "\n".join(f"{name.ljust(width)}  {_cell(name, value)}" for name, value in row.items())


def echo_json(document: Any) -> None:
    """Print a document; NaN and infinity become null."""
    click.echo(json.dumps(_plain(document), indent=1, allow_nan=False))


@contextmanager
def progress(label: str, *, quiet: bool) -> Iterator[n.Progress | None]:
    """Yield a function of (done, total) that moves a bar on the terminal; None if there is no terminal, or `quiet`."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    bar = click.progressbar(length=1, label=label, file=sys.stderr)

    def advance(done: int, total: int) -> None:
        """Move the bar."""
        if done < bar.pos:  # the next of several passes
            bar.pos, bar.finished = 0, False
        bar.length = total
        bar.update(done - bar.pos)

    try:  # the bar's own "with" leaves its line open where Ctrl-C comes while it is drawn for the first time
        bar.render_progress()
        yield advance
    finally:
        bar.render_finish()


@contextmanager
def followed(label: str, *, quiet: bool) -> Iterator[None]:
    """Move a bar on the terminal with what netxr computes within."""
    with progress(label, quiet=quiet) as report, netxr.progress(report) if report else nullcontext():
        yield


@contextmanager
def warnings_as_lines() -> Iterator[None]:
    """Print what is warned of meanwhile as lines of the shell, once it is done."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", UserWarning)
        yield
    for text in dict.fromkeys(str(each.message) for each in told):
        click.echo(f"Warning: {text.replace('Fix:', 'Fix, in Python:')}", err=True)


def warn_of_unfinished(store: Path) -> None:
    """Say of a store whose simulation has not ended that there are more samples to come."""
    if is_store(store) and n.UNFINISHED in (attributes := netxr.open(store).attrs):
        click.echo(f"Warning: {store} is unfinished: {attributes[n.UNFINISHED]}.", err=True)


def save_result(result: xr.Dataset, out: Path) -> None:
    """Save a result as a store, or its matrices or pairs as a table of text."""
    if not is_table(out):
        netxr.save(result, out)
        return
    dims = {n.EDGE} if n.EDGE in result.dims else {n.TARGET, n.SOURCE}
    matrices = result[[name for name, one in result.data_vars.items() if dims <= set(one.dims)]]
    text = csv(matrices, separator=TABLES[out.suffix.lower()])
    write_new(out, text.encode(), argument="--out")


def is_table(out: Path | None) -> bool:
    """Return whether a result is saved as a table of text."""
    return out is not None and out.suffix.lower() in TABLES


def _cell(name: str, value: Any) -> str:
    """Return the cell of a table under `name` as text; a p-value keeps its digits however small it is."""
    if not isinstance(value, float):
        return str(value)
    if name in (n.P_VALUE, n.Q_VALUE):
        return f"{value:.3g}"
    return f"{value:g}" if name == n.MANTEL_P and not math.isnan(value) else number(value)


def _plain(value: Any) -> Any:
    """Return a value as JSON holds it."""
    if isinstance(value, Mapping):
        return {str(name): _plain(entry) for name, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    if hasattr(value, "tolist"):  # a number or an array of NumPy
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def plan_of_estimate(
    activity: xr.DataArray, lags: Sequence[int], wanted: Mapping[str, Any], *, may_store: bool
) -> Plan | RowPlan:
    """Return the plan for R: in memory or, if that is too small and R is only saved, block by block on disk."""
    try:
        return netxr.plan(activity, lags=lags, **wanted)
    except InvalidInput as error:
        if error.argument != "memory" or not may_store:
            raise
    return netxr.plan(activity, lags=lags, stored=True, **wanted)


@contextmanager
def running(activity: xr.DataArray, plan: Plan | RowPlan, *, quiet: bool) -> Iterator[None]:
    """Say what a pass over a stored recording will take, and show its progress."""
    quiet = quiet or activity.chunks is None
    if not quiet:
        click.echo(f"Plan: {plan}", err=True)
    with followed("Estimating", quiet=quiet):
        yield
