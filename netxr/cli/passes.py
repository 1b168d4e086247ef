"""Passes over recordings: what they will take, said beforehand, and how far they are."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import click

import netxr
from netxr.cli.output import progress
from netxr.errors import InvalidInput
from netxr.moments.plans import Plan, RowPlan

if TYPE_CHECKING:
    import xarray as xr


def plan_of_estimate(
    activity: "xr.DataArray", lags: Sequence[int], wanted: Mapping[str, Any], *, may_store: bool
) -> Plan | RowPlan:
    """Return how R is made: in memory, or if that is too small and R is only to be saved, on disk block by block."""
    try:
        return netxr.plan(activity, lags=lags, **wanted)
    except InvalidInput as error:
        if error.argument != "memory" or not may_store:
            raise
    return netxr.plan(activity, lags=lags, stored=True, **wanted)


@contextmanager
def running(activity: "xr.DataArray", plan: Plan | RowPlan, *, quiet: bool) -> Iterator[None]:
    """Say what a pass over a stored recording will take, and how far it is."""
    quiet = quiet or activity.chunks is None
    if not quiet:
        click.echo(f"Plan: {plan}", err=True)
    with progress("Estimating", quiet=quiet) as report, netxr.progress(report) if report else nullcontext():
        yield
