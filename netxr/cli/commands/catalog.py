"""``netxr catalog``: what a folder of stores holds."""

from typing import Any

import click

import netxr
from netxr.cli import options
from netxr.cli.output import Row, echo_json, table
from netxr.schema.words import text_of


@click.command()
@click.argument("folder")
@options.as_json
def command(folder: str, as_json: bool) -> None:
    """List the runs, recordings and sweeps in a folder.

    Prints a row for each store in FOLDER, and for each group of a store, from metadata alone: what it is, its size in
    memory, its seed, whether the true connectivity is known, and which moments and estimates it has. FOLDER may also be
    one store. A store that cannot be read is listed with the reason.

    \b
    Examples:
      netxr catalog .
      netxr catalog netxr-tutorial/tutorial.zarr --json
    """  # noqa: D301 - click wants the character
    found = netxr.catalog(folder).astype(object)
    rows = found.where(found.notna(), None).to_dict("records")
    if as_json:
        echo_json({"folder": folder, "stores": rows})
        return
    click.echo(table([_cells(row) for row in rows]) if rows else f"There is no store in {folder}.")
    remarks = [
        f"{row['name']}: {text}"
        for row in rows
        for text in (row["problem"], row["unfinished"] and f"unfinished: {row['unfinished']}")
        if text
    ]
    if remarks:
        click.echo("\n" + "\n".join(remarks))


def _cells(row: dict[str, Any]) -> Row:
    """Return a row as it is printed, with a dash for what is missing."""
    return {
        **{name: row[name] for name in ("name", "kind")},
        "size": text_of(row["bytes"]),
        **{name: "-" if row[name] is None else str(row[name]) for name in ("neurons", "samples", "trials", "seed")},
        **{name: "yes" if row[name] else "no" for name in ("truth", "moments")},
        **{name: row[name] or "-" for name in ("estimates", "created")},
    }
