"""``netxr tutorial``: every number with its reference, every figure, a store and a report."""

import shutil
import warnings
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from itertools import groupby
from multiprocessing import get_context
from pathlib import Path
from signal import SIG_IGN, SIGINT, signal
from typing import Any, Final
from uuid import uuid4

import click
import xarray as xr

import netxr
from netxr import names as n
from netxr.cli import options
from netxr.cli.output import echo_json, progress, table
from netxr.report.tutorial import check_row, write_tutorial_report
from netxr.schema.arguments import check_vacant
from netxr.schema.outputs import space_needed
from netxr.simulation.tutorial import Check
from netxr.store.locks import STAGING_PREFIX

STORE: Final = "tutorial.zarr"
FIGURES: Final = "figures"
REPORT: Final = "report.html"
SIZE_SWEEP: Final = "size_sweep"


@click.command()
@click.option(
    "--out",
    type=options.PATH,
    default="netxr-tutorial",
    show_default=True,
    metavar="DIR",
    help="Folder to make; it may exist if it is empty.",
)
@click.option(
    "--all", "others", is_flag=True, help="Also tutorials 1, 3 and 4 of the same day: perturbation, lasso, instruments."
)
@options.quiet
@options.as_json
@click.pass_context
def command(ctx: click.Context, out: Path, others: bool, quiet: bool, as_json: bool) -> None:
    """Reproduce the tutorial on correlations, number by number.

    Neuromatch Academy, W3D5 (Network Causality), Tutorial 2: correlations as an estimate of connectivity. Simulates
    its networks in its own random streams and prints every number beside its reference: ok if they differ by
    1e-10 at most. A is the true connectivity, R the correlation at lag 1 (one time step), X the activity; a score
    that is undefined says so. The exit code is 1 if a number is off.

    \b
    Writes into DIR, once everything is complete:
      report.html     numbers and interactive figures; opens without a network
      figures/*.png   the figures of the tutorial
      tutorial.zarr   the data, a group a section

    \b
    Examples:
      netxr tutorial
      netxr tutorial --out tutorial --quiet         one line, and what is off
      netxr tutorial --all                          and the tutorials before and after it
      netxr info netxr-tutorial/tutorial.zarr       the sections
      netxr plot netxr-tutorial/tutorial.zarr/small small.png --kind overview
    """  # noqa: D301 - click wants the character
    silent = quiet or as_json
    with _whole_folder(out) as folder, _drawing_process() as drawing:
        drawing.submit(_get_ready)
        with progress("Computing", quiet=silent) as report, warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Instruments are weak")  # how the weakest fail is what is shown
            sections = netxr.tutorial.run_tutorial(report, others=others)
        drawn = drawing.submit(_draw, sections, folder / FIGURES)
        checks = netxr.tutorial.check_tutorial(sections)
        _save(sections, folder / STORE)
        write_tutorial_report(folder / REPORT, sections, checks, netxr.plot.tutorial_figures(sections))
        drawn.result()
    if as_json:
        echo_json(_document(out, checks, sections))
    else:
        _echo(out, checks, sections, quiet=quiet)
    if not all(check.agrees for check in checks):
        ctx.exit(1)


@contextmanager
def _whole_folder(path: Path) -> Iterator[Path]:
    """Yield a hidden folder that becomes `path` after success, and is removed after an error."""
    path = path.absolute()
    _check_new_or_empty(path)
    staging = path.with_name(f"{STAGING_PREFIX}{uuid4().hex}")
    with space_needed(path, argument="--out"):
        staging.mkdir()
        try:
            yield staging
            _check_new_or_empty(path)
            if path.is_dir():
                path.rmdir()
            staging.rename(path)
        except BaseException:
            shutil.rmtree(staging, ignore_errors=True)
            raise


def _check_new_or_empty(path: Path) -> None:
    """Raise if there is anything at `path` other than an empty folder."""
    if path.is_symlink() or not path.is_dir() or any(path.iterdir()):
        check_vacant("--out", path)


def _save(sections: Mapping[str, xr.Dataset], store: Path) -> None:
    """Save each section as a group of one store."""
    netxr.save(xr.Dataset(), store)
    for name, section in sections.items():
        netxr.save(section, store / name)


def _drawing_process() -> Executor:
    """Return a process that draws while this one computes, as drawing takes as long; only this one reacts to Ctrl-C."""
    return ProcessPoolExecutor(1, get_context("spawn"), initializer=signal, initargs=(SIGINT, SIG_IGN))


def _get_ready() -> None:
    """Load what drawing needs while there is nothing to draw yet."""
    _ = netxr.plot


def _draw(sections: Mapping[str, xr.Dataset], folder: Path) -> None:
    """Save each figure as a picture."""
    folder.mkdir()
    for name, figure in netxr.plot.tutorial_figures(sections).items():
        netxr.plot.save(figure, folder / f"{name}.png")


def _document(out: Path, checks: Sequence[Check], sections: Mapping[str, xr.Dataset]) -> dict[str, Any]:
    """Return everything that is printed, for JSON."""
    return {
        "out": str(out),
        "agrees": all(check.agrees for check in checks),
        "checks": [check._asdict() | {"agrees": check.agrees} for check in checks],
        "trials_defined": _defined(sections[SIZE_SWEEP]),
    }


def _echo(out: Path, checks: Sequence[Check], sections: Mapping[str, xr.Dataset], *, quiet: bool) -> None:
    """Print the numbers by section, only those that are off if `quiet`, and a verdict."""
    off = [check for check in checks if not check.agrees]
    for section, group in groupby(off if quiet else checks, key=lambda check: check.section):
        click.echo(f"{section}\n{table(list(map(_row, group)))}\n")
    if not quiet:
        click.echo("Trials in which the score of the size sweep is defined (a network without any edge has none):")
        click.echo(f"{table(_defined(sections[SIZE_SWEEP]))}\n")
    verdict = f"{len(off)} of {len(checks)} numbers are OFF." if off else f"All {len(checks)} numbers agree."
    click.echo(f"{verdict} Report: {out / REPORT}")


def _row(check: Check) -> dict[str, str]:
    """Return a number and its reference, without the section, which the heading names."""
    return {name: cell for name, cell in check_row(check).items() if name != "section"}


def _defined(size_sweep: xr.Dataset) -> list[dict[str, int]]:
    """Return in how many of how many trials the score is defined at each network size."""
    defined = size_sweep[n.PEARSON + n.SCORE_DEFINED].squeeze()
    trials = size_sweep.sizes[n.TRIAL]
    return [{n.N_NEURONS: int(one[n.N_NEURONS]), "defined": int(one), "trials": trials} for one in defined]
