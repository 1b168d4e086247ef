"""How sure an estimate is: what ``netxr estimate --test`` and ``--reliability`` compute, print and save."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import click
import xarray as xr

import netxr
from netxr import names as n
from netxr.cli.estimate_report import STRONGEST
from netxr.cli.output import is_table, plan_of_estimate, running, table, warnings_as_lines
from netxr.errors import InvalidInput
from netxr.estimators.apply import lags_needed
from netxr.estimators.estimator import Estimator
from netxr.moments.budget import RowPlan, available
from netxr.report.sure import edge_rows, reliability_rows
from netxr.schema.arguments import check_memory, check_vacant
from netxr.schema.words import text_of
from netxr.significance.reliability import BLOCKS
from netxr.significance.tested import check_tested, is_plain, lags_tested, tested

Q: Final = 0.05
"""The false discovery rate where none is named."""

HOW: Final = {
    "autocorrelation": "allowing for autocorrelation",
    "shift": "against the same pairs at far lags",
    "samples": "as if all samples were independent",
}
"""How lagged correlations are tested, in words."""

COLUMNS: Final = (n.LOWER, n.UPPER, n.P_VALUE, n.Q_VALUE)

MATRICES: Final = 14
"""As many as the correlations take, a test of all pairs takes at its peak."""

MOST: Final = "the most that R can correlate with any truth"


class Asked(NamedTuple):
    """What is asked for: a test, against what, at which rate, where its edges go; and reliability."""

    test: bool
    null: str
    q: float
    edges: Path | None
    reliability: bool


def asked(test: bool, null: str | None, q: float | None, edges: Path | None, reliability: bool) -> Asked:
    """Return what options ask for; raise if they do not go together, or the edges cannot be saved."""
    if not test and (null is not None or q is not None or edges is not None):
        raise click.UsageError("--null, --q and --edges go with --test.")
    if edges is not None:
        check_vacant("--edges", edges)
        if not is_table(edges) and edges.suffix != ".zarr":
            raise InvalidInput("--edges", got=f"{str(edges)!r}", expected="a name that ends in .csv, .tsv or .zarr")
    return Asked(test, null or "autocorrelation", q or Q, edges, reliability)


def check_asked(
    wanted: Asked,
    entries: Sequence[Estimator],
    lags: Sequence[int | str],
    out: Path | None,
    *,
    options: Mapping[str, Any],
    lists: bool,
) -> None:
    """Raise if a test or reliability cannot be had of these estimators, lags and samples, or of a list of pairs."""
    if not wanted.test and not wanted.reliability:
        return
    if lists:
        raise click.UsageError("--test and --reliability are of all pairs: leave out --strongest and --above.")
    if len(entries) > 1 or len(lags) > 1:
        raise click.UsageError("--test and --reliability are of one estimate: name one --method and one --lag.")
    if wanted.test and options["missing"] == "pairwise" and entries[0].name != n.LAGGED_CORRELATION:
        raise click.UsageError(f"--test of {entries[0].name} takes the same samples for all pairs: use --missing drop.")
    if wanted.reliability and (options["missing"] == "pairwise" or not is_plain({**options, "missing": "raise"})):
        text = "--reliability is of the same samples of all neurons: leave out --pool-trials and --source"
        raise click.UsageError(f"{text}, and use --missing drop where some are missing.")
    if wanted.edges is not None and wanted.edges == out:
        raise click.UsageError("--edges and --out name the same file.")
    if wanted.test:
        check_tested(entries[0].name)


def tested_and_edges(
    entry: Estimator,
    activity: xr.DataArray,
    lag: int,
    options: Mapping[str, Any],
    wanted: Asked,
    *,
    saved: bool,
    quiet: bool,
) -> tuple[xr.Dataset | None, xr.Dataset]:
    """Return an estimate with its p-values, and its edges: None for the estimate where it does not fit into memory.

    It has to fit where it is `saved`, or scored.
    """
    every = options["sources"] is None and options["missing"] != "pairwise"
    may_walk = entry.name == n.LAGGED_CORRELATION and every and not saved
    lags = lags_tested(activity, method=entry.name, lag=lag, null=wanted.null)
    plan = plan_of_estimate(activity, lags, options, may_store=may_walk)
    if not isinstance(plan, RowPlan) and not _fits(activity, options["memory"]):
        if not may_walk:
            raise _too_large(activity, options["memory"])
        plan = netxr.plan(activity, lags=lags, stored=True, **options)
    with warnings_as_lines(), running(activity, plan, quiet=quiet):
        if isinstance(plan, RowPlan):
            own = {name: value for name, value in options.items() if name != "sources"}
            return None, netxr.edges(activity, q=wanted.q, lag=lag, null=wanted.null, **own)
        found = tested(activity, method=entry.name, lag=lag, null=wanted.null, **options).compute()
        return found, netxr.edges(found, q=wanted.q)


def reliable(
    entry: Estimator, activity: xr.DataArray, lag: int, *, missing: str, memory: str | None, quiet: bool
) -> xr.Dataset:
    """Return how reliable an estimate is, from another read."""
    lags = lags_needed([entry], [lag])
    options: dict[str, Any] = {"lags": lags, "missing": missing, "memory": memory}
    with running(activity, netxr.plan(activity, **options), quiet=quiet):
        moments = netxr.lagged_moments(activity, blocks=BLOCKS, **options)
        return netxr.reliability(moments, method=entry.name, lag=lag).compute()


def _budget(memory: str | None) -> int:
    """Return the bytes that a test may take."""
    return available() if memory is None else check_memory(memory)


def _fits(activity: xr.DataArray, memory: str | None) -> bool:
    """Return whether a test of all pairs at once fits into memory."""
    return _needed(activity) <= _budget(memory)


def _needed(activity: xr.DataArray) -> int:
    """Return the bytes that a test of all pairs at once takes."""
    return MATRICES * 8 * activity.sizes.get(n.TRIAL, 1) * int(activity.sizes[n.NEURON]) ** 2


def _too_large(activity: xr.DataArray, memory: str | None) -> InvalidInput:
    """Return the error about a test that does not fit into memory."""
    fix = "Leave out --out, the scores, --source and --missing pairwise: then edges are listed, and R is never held."
    expected = f"{text_of(_needed(activity))} for p-values of all pairs"
    return InvalidInput("memory", got=text_of(_budget(memory)), expected=expected, fix=fix)


# --- what is said ------------------------------------------------------------------------


def about_test(edges: xr.Dataset, entry: Estimator, wanted: Asked) -> dict[str, Any]:
    """Return what to say about a test: how many pairs, how many edges, and the strongest of these."""
    rows = edge_rows(edges, most=STRONGEST)
    counts = {"tested": edges.attrs[n.N_PAIRS], "undefined": edges.attrs[n.N_UNDEFINED], "edges": edges.sizes[n.EDGE]}
    null = {"null": wanted.null} if entry.name == n.LAGGED_CORRELATION else {}
    saved = {} if wanted.edges is None else {"saved": str(wanted.edges)}
    is_directed = entry.directed and not (n.LAG in edges.coords and (edges[n.LAG] == 0).all())
    return {"test": {**null, "q": wanted.q, **counts, "directed": is_directed, **saved}, "strongest": rows}


def about_reliability(found: xr.Dataset) -> dict[str, Any]:
    """Return what to say about reliability: a row for each trial."""
    return {n.RELIABILITY: reliability_rows(found[n.RELIABILITY])}


def echo_sure(about: Mapping[str, Any], *, quiet: bool) -> None:
    """Print what a test found, and how reliable the estimate is."""
    if n.RELIABILITY in about:
        if not quiet:
            click.echo(f"Reliability, of the correlation of two halves of the samples; its root is {MOST}:")
        click.echo(table(about[n.RELIABILITY]))
    if "test" not in about:
        return
    test = about["test"]
    if not quiet:
        how = f", {HOW[test['null']]}" if "null" in test else ""
        undefined = f" ({test['undefined']:,} more are undefined)" if test["undefined"] else ""
        found = f"{test['edges']:,} edge{'' if test['edges'] == 1 else 's'} at a false discovery rate of {test['q']:g}"
        click.echo(f"Tested {test['tested']:,} pairs{how}{undefined}: {found}")
        if test["edges"] and not test["directed"]:
            click.echo("They have no direction: each pair stands there both ways.")
        if test["edges"]:
            click.echo("Strongest edges:" if test["edges"] > STRONGEST else "Edges, the strongest first:")
    if about["strongest"]:
        click.echo(table(about["strongest"]))
    if "saved" in test and not quiet:
        click.echo(f"Edges saved to {test['saved']}")
