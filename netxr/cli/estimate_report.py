"""What ``netxr estimate`` prints and saves."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click
import numpy as np
import xarray as xr

from netxr import names as n
from netxr.cli.output import table
from netxr.cli.scores import Scored
from netxr.estimators.estimator import Estimator
from netxr.estimators.strongest import strongest_entries
from netxr.estimators.symmetry import direction_text, highest, symmetry
from netxr.estimators.undirected import is_undirected
from netxr.schema.clock import cuts_of
from netxr.schema.words import listed

STRONGEST: Final = 10
"""How many pairs of neurons are printed, unless all are asked for."""

CURE: Final = "Take what is slow off first, with --high-pass CUTOFF or --difference, or deconvolve the signals."
"""What to do about an estimate that tells no direction."""

COUNTS: Final = {"undefined": "{:,} entries undefined", "pairs": "pairs listed: {:,}"}
"""What a summary may count, and in which words."""

UNDEFINED_NEURONS: Final = "undefined_neurons"
"""What a summary calls the neurons none of whose entries is defined."""

UNSEEN: Final = """\
R does not fit into memory: it was written block by block, and is not described here.
See netxr info {0}, or read a part with netxr.open("{0}").{1}.isel(lag=0, target=slice(100))."""
"""What to do with an estimate that is too large for memory."""


ABOUT_ONE: Final = (n.LONG_NAME, n.REFERENCE, n.ESTIMATOR, n.SYMMETRY)
"""Attributes of an estimate, which are none of a run."""


def result(
    found: xr.DataArray | xr.Dataset, entries: Sequence[Estimator], A: xr.DataArray | None, scored: Scored | None
) -> xr.Dataset:
    """Return what is saved: each estimate under its name, scores, and the truth if it has the same neurons."""
    about_run = {name: value for name, value in found.attrs.items() if name not in ABOUT_ONE}
    saved = (_each(found, entries) if isinstance(found, xr.DataArray) else found).assign_attrs(about_run)
    if scored is not None:
        # On the scores, because the run has a seed of its own.
        settings = {name: scored.scores.attrs[name] for name in (n.DIAGONAL, n.PERMUTATIONS, n.SEED)}
        saved = saved.assign({name: one.assign_attrs(settings) for name, one in scored.scores.data_vars.items()})
    if A is not None and all(A.indexes[axis].equals(found.indexes[axis]) for axis in (n.TARGET, n.SOURCE)):
        saved = saved.assign({n.CONNECTIVITY: A})
    return saved


def _each(found: xr.DataArray, entries: Sequence[Estimator]) -> xr.Dataset:
    """Return the estimates of several estimators as variables of their own; one without a lag, of the first."""
    if n.ESTIMATOR not in found.dims:
        return found.to_dataset()
    each = {}
    for entry in entries:
        R = found.sel({n.ESTIMATOR: entry.name}, drop=True)
        R = R if entry.has_lag else R.isel({n.LAG: 0}, drop=True, missing_dims="ignore")
        about: dict[str, Any] = {n.ESTIMATOR: entry.name, n.LONG_NAME: entry.long_name, n.REFERENCE: entry.reference}
        about[n.SYMMETRY] = highest(symmetry(R))
        each[entry.name] = R.assign_attrs(about)
    return xr.Dataset(each)


def summary(
    entries: Sequence[Estimator], activity: xr.DataArray, lags: Sequence[int], out: Path | None
) -> dict[str, Any]:
    """Return what was estimated from what, and where it is saved."""
    names = [entry.name for entry in entries]
    about = {
        "method": names if len(names) > 1 else names[0],
        "neurons": activity.sizes[n.NEURON],
        "samples": activity.sizes[n.TIME],
        "trials": activity.sizes.get(n.TRIAL, 1),
        **segments(activity),
        "lags": list(lags) if any(entry.has_lag for entry in entries) else [],
    }
    return about if out is None else about | {"out": str(out)}


def segments(activity: xr.DataArray) -> dict[str, int]:
    """Return how many stretches a trial has between gaps in its times, where it has gaps."""
    cuts = cuts_of(activity, gaps="segments")
    return {"segments": len(cuts) + 1} if cuts else {}


def about_matrices(R: xr.DataArray, entries: Sequence[Estimator]) -> dict[str, Any]:
    """Return what to say about matrices: how much is undefined, direction, which pairs of neurons correlate most."""
    each = [_alone(R, entry) for entry in entries] if n.ESTIMATOR in R.dims else [R]
    directed = [one for one, entry in zip(each, entries, strict=True) if entry.directed]
    found = symmetry(xr.concat(directed, n.ESTIMATOR) if len(directed) > 1 else (directed or each)[0])
    said = direction_text(found, cure=CURE) if directed else ""
    lost = R.isnull().all([dim for dim in R.dims if dim != n.TARGET]).values
    lost &= not lost.all()  # of a source that does not vary no neuron has an entry
    about = {"undefined": int(R.isnull().sum()), UNDEFINED_NEURONS: R[n.TARGET].values[lost].tolist()}
    about |= {n.SYMMETRY: highest(found), "direction": said}
    return about | {"strongest": [row for one in each for row in _strongest(one)]}


def _alone(R: xr.DataArray, entry: Estimator) -> xr.DataArray:
    """Return the estimate of one estimator of several; one that does not depend on the lag once, at its own."""
    one = R.sel({n.ESTIMATOR: [entry.name]}).assign_attrs({n.ESTIMATOR: entry.name})
    is_repeated = n.LAG in R.dims and not entry.has_lag
    return one.isel({n.LAG: [0]}).assign_coords({n.LAG: [entry.lag_of(0)]}) if is_repeated else one


def at_own_lags(rows: Sequence[dict[str, Any]], entries: Sequence[Estimator]) -> list[dict[str, Any]]:
    """Return rows of scores in which an estimate that does not depend on the lag is there once, at its own."""
    own: dict[Any, Any] = {entry.name: {n.LAG: entry.lag_of(0)} for entry in entries if not entry.has_lag}
    several = [row for row in rows if row.get(n.ESTIMATOR) not in own or row[n.LAG] == rows[0][n.LAG]]
    return [row | own.get(row.get(n.ESTIMATOR), {}) for row in several]


def about_pairs(pairs: xr.Dataset, *, most: int | None) -> dict[str, Any]:
    """Return what to say about a list of pairs: how many there are, and all or the `most` strongest of them."""
    (R,) = map(str, pairs.data_vars)
    order = np.argsort(-np.abs(pairs[R].values), kind="stable")[:most]
    chosen = pairs.isel({n.EDGE: order})
    names = {"from": n.SOURCE, "to": n.TARGET, n.LAG: n.LAG, n.TRIAL: n.TRIAL, "R": R}
    columns = {name: chosen[own].values.tolist() for name, own in names.items() if own in chosen.variables}
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return {"pairs": pairs.sizes[n.EDGE], "strongest": rows}


def _strongest(R: xr.DataArray) -> list[dict[str, Any]]:
    """Return a row for each of the strongest pairs of different neurons, with their labels.

    A pair of an estimate that has no direction is there once.
    """
    rows, values = [], R.values.copy()
    for place in np.ndindex(values.shape[:-2]):
        if is_undirected(R[place]):
            values[place][np.triu_indices(len(values[place]), 1)] = np.nan
    for entry in strongest_entries(values, R[n.TARGET].values, R[n.SOURCE].values, most=STRONGEST):
        place = tuple(entry.tolist())
        one = R[place]
        at = {str(dim): one[dim].item() if dim in one.coords else k for dim, k in zip(R.dims, place, strict=True)}
        rows.append({"from": at.pop(n.SOURCE), "to": at.pop(n.TARGET)} | at | {"R": one.item()})
    return rows


def echo_axes(activity: xr.DataArray, dims: Sequence[str] | None) -> None:
    """Remark that there are more neurons than samples, and what to try where the axes are swapped."""
    n_neurons, n_steps = activity.sizes[n.NEURON], activity.sizes[n.TIME]
    if n_neurons > n_steps:
        swapped = {n.NEURON: n.TIME, n.TIME: n.NEURON}
        fix = ",".join(swapped.get(dim, dim) for dim in dims) if dims else f"{n.NEURON},{n.TIME}, or the reverse"
        text = f"remark: more neurons ({n_neurons:,}) than samples ({n_steps:,}). If the axes are swapped: --dims {fix}"
        click.echo(text, err=True)


def _without_any(neurons: Sequence[Any]) -> str:
    """Say which neurons have no entry that is defined."""
    return f", as none is of a neuron that does not vary: {listed(neurons)}" if neurons else ""


def echo_summary(entries: Sequence[Estimator], about: Mapping[str, Any], *, quiet: bool) -> None:
    """Print what was estimated and the strongest pairs, or how to look at an estimate that is too large for memory."""
    if not quiet:
        name = f"{' and '.join(entry.long_name for entry in entries)} R"
        name = f"{name[:1].upper()}{name[1:]}"
        at = f" at lag {', '.join(map(str, about['lags']))}" if about["lags"] else ""
        own = [entry for entry in entries if not entry.has_lag] if at else []
        at += "".join(f", {entry.long_name} at {entry.lag_of(0)}" for entry in own)
        shape = f"{about['neurons']} neurons, {about['samples']} samples, trials: {about['trials']}"
        counts = "".join(f"; {text.format(about[name])}" for name, text in COUNTS.items() if name in about)
        click.echo(f"{name}{at}: {shape}{counts}{_without_any(about.get(UNDEFINED_NEURONS, []))}")
        if about.get("direction"):
            click.echo(about["direction"])
    if about.get("strongest") and "test" not in about:
        if not quiet:
            click.echo("Strongest pairs of different neurons:")
        click.echo(table(about["strongest"]))
    if not quiet:
        click.echo(f"Saved to {about['out']}\n" if "out" in about else "")
    if not quiet and "strongest" not in about:
        click.echo(UNSEEN.format(about["out"], entries[0].name))
