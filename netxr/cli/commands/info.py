"""``netxr info``: what a store holds, without loading it."""

from typing import Any

import click
import numpy as np
import xarray as xr

import netxr
from netxr import names as n
from netxr.cli import options
from netxr.cli.output import echo_json, listing, table
from netxr.estimators.table import estimates_in
from netxr.recordings.contents import Nodes, groups, nodes_at
from netxr.schema.provenance import ORIGIN
from netxr.schema.variables import is_sweep
from netxr.simulation.sweep_plan import call_of, parameters


@click.command()
@click.argument("store")
@options.as_json
def command(store: str, as_json: bool) -> None:
    """Say what a store holds, without loading it.

    Prints the variables with their dims, type and chunks; whether the true connectivity is known; which estimates and
    moments there are; the settings the data were made with; and their origin: when, by whom, from which file, and what
    was done to them since. A connectivity is target (to) x source (from). Of a sweep, the parameters with their values,
    how many cells are done, and the call that makes it. If the store holds other stores, they are listed.

    \b
    Examples:
      netxr info run.zarr
      netxr info netxr-tutorial/tutorial.zarr
      netxr info netxr-tutorial/tutorial.zarr/small --json
    """  # noqa: D301 - click wants the character
    dataset = netxr.open(store)
    about = {
        "store": store,
        "variables": [_variable(name, dataset.variables[name]) for name in _in_order(dataset)],
        "true connectivity": n.CONNECTIVITY in dataset,
        "estimates": estimates_in(dataset),
        "outdated": {
            str(name): value.attrs[n.OUTDATED] for name, value in dataset.items() if n.OUTDATED in value.attrs
        },
        "moments": n.COMOMENT in dataset,
        "sweep": _sweep(dataset) if is_sweep(dataset) else None,
        "lags": dataset[n.LAG].values.ravel().tolist() if n.LAG in dataset.coords else [],
        "attributes": _attributes(dataset),
        "groups": _groups(nodes_at(store)),
    }
    if as_json:
        echo_json(about)
    else:
        _echo(about)


def _attributes(dataset: xr.Dataset) -> dict[str, Any]:
    """Return what is known of a dataset, with what was done to its activity."""
    done = dataset[n.ACTIVITY].attrs.get(n.PREPROCESSING) if n.ACTIVITY in dataset else None
    return {**dataset.attrs, **({n.PREPROCESSING: done} if done else {})}


def _sweep(dataset: xr.Dataset) -> dict[str, Any]:
    """Describe a sweep: its parameters with their values, how many cells are done, and the call that makes it."""
    finished = dataset[n.FINISHED].values if n.FINISHED in dataset else np.ones(1, bool)
    named = {n.ESTIMATOR: dataset[n.ESTIMATOR].values.tolist()} if n.ESTIMATOR in dataset.dims else {}
    return {
        "parameters": parameters(dataset) | named,
        "cells": finished.size,
        "finished": int(finished.sum()),
        "call": call_of(dataset),
    }


def _in_order(dataset: xr.Dataset) -> list[str]:
    """Return the names of the variables, coordinates last, those of most dims first."""
    names = map(str, dataset.variables)
    return sorted(names, key=lambda name: (name in dataset.coords, -dataset[name].ndim, name))


def _variable(name: str, value: xr.Variable) -> dict[str, Any]:
    """Describe one variable from its metadata."""
    return {
        "variable": name,
        "dims": {str(dim): size for dim, size in value.sizes.items()},
        "dtype": "text" if value.dtype == object else str(value.dtype),
        "chunks": list(value.encoding.get("chunks") or ()),
        "bytes": int(value.nbytes),
    }


def _groups(nodes: Nodes) -> list[dict[str, Any]]:
    """Describe the stores in a store, those that cannot be read too."""
    found = {path: members for path, _, members in groups(nodes)}
    found |= {name: {"": node} for name, node in found.pop("", {}).items() if node.wrong}
    return [_group(path, found[path]) for path in sorted(found)]


def _group(path: str, members: Nodes) -> dict[str, Any]:
    """Describe a store in a store in one line."""
    sizes: dict[str, int] = {}
    for node in members.values():
        sizes |= node.sizes or {}
    broken = [f"{name} (broken: {node.wrong})".strip() for name, node in members.items() if node.wrong]
    variables = [name for name, node in members.items() if node.sizes is not None and name not in node.sizes]
    return {"group": path, "sizes": _sizes(sizes), "variables": ", ".join(variables + broken)}


def _sizes(dims: dict[Any, int]) -> str:
    """Return dims with their sizes as text."""
    return ", ".join(f"{dim} {size}" for dim, size in dims.items())


def _echo(about: dict[str, Any]) -> None:
    """Print the description."""
    attributes = dict(about["attributes"])
    if n.NEURONS in attributes:
        attributes[n.NEURONS] = f"{len(attributes[n.NEURONS]):,}"
    if n.UNFINISHED in attributes:
        click.echo(f"unfinished: {attributes.pop(n.UNFINISHED)}\n")
    if about["sweep"]:
        click.echo(_swept(about["sweep"]) + "\n")
    variables = [row | {"dims": _sizes(row["dims"]), "chunks": _shape(row["chunks"])} for row in about["variables"]]
    if variables:
        click.echo(table(variables) + "\n\n" + _known(about))
    origin = {name: attributes.pop(name) for name in ORIGIN if name in attributes}
    for part in filter(None, (attributes, origin)):
        click.echo("\n" + _listing(part))
    if about["groups"]:
        click.echo("\n" + table(about["groups"]))


def _swept(sweep: dict[str, Any]) -> str:
    """Return how far a sweep is, what it is over, and the call that makes it."""
    done = f"sweep: {sweep['finished']} of {sweep['cells']} cells are done"
    values = {name: ", ".join(map(_setting, labels)) for name, labels in sweep["parameters"].items()}
    return f"{done}\n\n{listing(values)}\n\n{sweep['call']}"


def _known(about: dict[str, Any]) -> str:
    """Return in one line what is known about the connectivity."""
    parts = {
        "true connectivity": "known" if about["true connectivity"] else "not known",
        "estimates": ", ".join(about["estimates"]) or "none",
        **{f"{name} is outdated": text for name, text in about["outdated"].items()},
        "moments": "there" if about["moments"] else "none",
        "lags": ", ".join(map(str, about["lags"])),
    }
    return "; ".join(f"{name}: {text}" for name, text in parts.items() if text)


def _listing(attributes: dict[str, Any]) -> str:
    """Return attributes, a line each; longer ones continue below."""
    indent = "\n" + " " * (max(map(len, attributes)) + 2)
    return listing({name: _setting(value).replace("\n", indent) for name, value in attributes.items()})


def _setting(value: Any) -> str:
    """Return an attribute as text, however small a number it is."""
    if isinstance(value, list) and value and all(isinstance(entry, str) for entry in value):
        return "\n".join(value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _shape(chunks: list[int]) -> str:
    """Return the shape of a chunk as text."""
    return " x ".join(map(str, chunks)) or "-"
