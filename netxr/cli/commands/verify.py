"""``netxr verify``: whether a store is whole and undamaged."""

import click

import netxr
from netxr.cli import FAILED, options
from netxr.cli.output import echo_json, progress
from netxr.schema.words import counted


@click.command()
@click.argument("store")
@options.quiet
@options.as_json
@click.pass_context
def command(ctx: click.Context, store: str, quiet: bool, as_json: bool) -> None:
    """Check that a store is whole and undamaged.

    Reads every chunk of STORE and compares it with its checksum; nothing is written. Prints a line for each problem, or
    "sound" if there is none. Harmless findings are printed as remarks: leftovers of an interrupted write, a simulation
    that has not ended, an older version of the layout. The exit code is 1 if something is wrong.

    \b
    Examples:
      netxr verify run.zarr
      netxr verify run.zarr --json
    """  # noqa: D301 - click wants the character
    with progress("Verifying", quiet=quiet or as_json) as report:
        problems = netxr.verify(store, progress=report)
    wrong = [problem for problem in problems if not problem.harmless]
    remarks = [problem for problem in problems if problem.harmless]
    if as_json:
        echo_json({"store": store, "sound": not wrong, "problems": [problem._asdict() for problem in problems]})
    else:
        for problem in wrong:
            click.echo(problem)
        for problem in [] if quiet else remarks:
            click.echo(f"remark: {problem}")
        click.echo(f"{store}: {counted(len(wrong), 'problem') if wrong else 'sound'}")
    if wrong:
        ctx.exit(FAILED)
