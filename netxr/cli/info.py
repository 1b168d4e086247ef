"""``netxr info``: what a store holds, without loading it."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import netxr
from netxr.cli import options
from netxr.cli.output import echo_json, listing, table
from netxr.names import CONNECTIVITY, ESTIMATOR

if TYPE_CHECKING:
    import xarray as xr


@click.command()
@click.argument("store", type=options.PATH)
@options.as_json
def command(store: Path, as_json: bool) -> None:
    """Say what a store holds, without loading it.

    Prints the variables with their dims, type and chunks, whether the true connectivity is known, which estimates
    are there, and how the data came about. Dims: a connectivity is target (to) x source (from). Of a store that
    holds others, it lists those.

    \b
    Examples:
      netxr info run.zarr
      netxr info netxr-tutorial/tutorial.zarr
      netxr info netxr-tutorial/tutorial.zarr/small --json
    """  # noqa: D301 - click wants the character
    dataset = netxr.open(store)
    about = {
        "store": str(store),
        "variables": [_variable(name, dataset.variables[name]) for name in _in_order(dataset)],
        "true connectivity": CONNECTIVITY in dataset,
        "estimates": [str(name) for name, value in dataset.data_vars.items() if ESTIMATOR in value.attrs],
        "attributes": dict(dataset.attrs),
        "groups": [_group(store, name) for name in _group_names(store)],
    }
    if as_json:
        echo_json(about)
    else:
        _echo(about)


def _in_order(dataset: "xr.Dataset") -> list[str]:
    """Return the names of the variables, coordinates last, those of most dims first."""
    names = map(str, dataset.variables)
    return sorted(names, key=lambda name: (name in dataset.coords, -dataset[name].ndim, name))


def _variable(name: str, value: "xr.Variable") -> dict[str, Any]:
    """Describe one variable from its metadata."""
    return {
        "variable": name,
        "dims": {str(dim): size for dim, size in value.sizes.items()},
        "dtype": "text" if value.dtype == object else str(value.dtype),
        "chunks": list(value.encoding.get("chunks") or ()),
        "bytes": int(value.nbytes),
    }


def _group_names(store: Path) -> list[str]:
    """Return the names of the stores that lie in a store."""
    described = sorted(store.glob("*/zarr.json"))
    return [path.parent.name for path in described if json.loads(path.read_text("utf-8")).get("node_type") == "group"]


def _group(store: Path, name: str) -> dict[str, Any]:
    """Describe a store in a store by a line."""
    dataset = netxr.open(store / name)
    variables = ", ".join(str(variable) for variable in dataset.data_vars)
    return {"group": name, "sizes": _sizes(dict(dataset.sizes)), "variables": variables}


def _sizes(dims: dict[Any, int]) -> str:
    """Return dims with their sizes as text."""
    return ", ".join(f"{dim} {size}" for dim, size in dims.items())


def _echo(about: dict[str, Any]) -> None:
    """Print the description."""
    variables = [row | {"dims": _sizes(row["dims"]), "chunks": _shape(row["chunks"])} for row in about["variables"]]
    if variables:
        click.echo(table(variables))
        estimates = ", ".join(about["estimates"]) or "none"
        click.echo(
            f"\ntrue connectivity: {'known' if about['true connectivity'] else 'not known'}; estimates: {estimates}"
        )
    if about["attributes"]:
        click.echo("\n" + listing({name: _setting(value) for name, value in about["attributes"].items()}))
    if about["groups"]:
        click.echo("\n" + table(about["groups"]))


def _setting(value: Any) -> str:
    """Return an attribute as text, however small a number it is."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _shape(chunks: list[int]) -> str:
    """Return the shape of a chunk as text."""
    return " x ".join(map(str, chunks)) or "-"
