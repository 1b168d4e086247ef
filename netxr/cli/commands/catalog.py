"""``netxr catalog``: what a folder of stores holds."""

from pathlib import Path
from shlex import quote

import click

import netxr
from netxr.cli import options
from netxr.cli.output import echo_json, table
from netxr.recordings.catalog import in_brief, stores_deeper
from netxr.schema.words import counted


@click.command()
@click.argument("folder")
@options.as_json
def command(folder: str, as_json: bool) -> None:
    """List the runs, recordings and sweeps in a folder.

    Prints a row for each store in FOLDER, and for each group of a store, from metadata alone: what it is, its size in
    memory, and whether it holds the true connectivity (A), estimates of it (R) and moments. FOLDER may also be one
    store. A store that cannot be read is listed with the reason, and folders in FOLDER that hold stores are named.
    --json says more: seeds, models, names of estimates.

    \b
    Examples:
      netxr catalog .
      netxr catalog netxr-tutorial/tutorial.zarr --json
    """  # noqa: D301 - click wants the character
    listed = netxr.catalog(folder)
    found = listed.astype(object)
    rows = found.where(found.notna(), None).to_dict("records")
    if as_json:
        echo_json({"folder": folder, "stores": rows})
        return
    click.echo(table(in_brief(listed).to_dict("records")) if rows else f"There is no store in {folder}.")
    remarks = [
        f"{row['name']}: {text}"
        for row in rows
        for text in (row["problem"], row["unfinished"] and f"unfinished: {row['unfinished']}")
        if text
    ]
    remarks += [
        f"{name}/: {counted(count, 'store')}, not listed: netxr catalog {quote(str(Path(folder) / name))}"
        for name, count in stores_deeper(folder).items()
    ]
    if remarks:
        click.echo("\n" + "\n".join(remarks))
