"""The views of two matrices: a figure, a table, and the Python that makes them."""

from pathlib import Path
from typing import Any, Final, NamedTuple

import xarray as xr

import netxr.plot
from netxr import names as n
from netxr.app.compare.compute import FURTHER, Pair, Pick, picked, variable_of
from netxr.plot.style import with_options

BESIDE, STANDARDISED, AGREEMENT = "beside", "standardised", "agreement"
VIEWS: Final = {
    "Side by side": BESIDE,
    "Standardised, with difference": STANDARDISED,
    "One against the other": AGREEMENT,
}

SIDES: Final = ("first", "second")


class Compared(NamedTuple):
    """What is shown of two matrices.

    Parameters
    ----------
    paths, runs, picks : pair of Path, Dataset, Pick
        Where their stores are, the stores opened lazily, and which matrices they are.
    pair : Pair
        Both in memory.
    view : str
        Of `VIEWS`.
    diagonal : bool
        Whether self-connections are included in the scores.
    """

    paths: tuple[Path, Path]
    runs: tuple[xr.Dataset, xr.Dataset]
    picks: tuple[Pick, Pick]
    pair: Pair
    view: str
    diagonal: bool

    @property
    def text(self) -> str:
        """What is shown, in words."""
        view = next(said for said, view in VIEWS.items() if view == self.view)
        scores = f"{'with' if self.diagonal else 'without'} the diagonal"
        return f"{' and '.join(self.pair.names)}, {view.lower()}, {scores}"


def figure_of(shown: Compared) -> Any:
    """Return the figure of a view."""
    pair = shown.pair
    if shown.view != AGREEMENT:
        return netxr.plot.compare(pair.A, pair.R, standardised=shown.view == STANDARDISED, titles=pair.names)
    figure = netxr.plot.agreement(pair.A, pair.R, diagonal=shown.diagonal)
    if pair.with_truth:
        return figure
    first, second = pair.names
    return with_options(next(iter(figure)), both={"xlabel": first, "ylabel": second, "title": ""})


def table_of(shown: Compared) -> xr.Dataset:
    """Return both matrices."""
    both = dict(zip(SIDES, (shown.pair.A, shown.pair.R), strict=True))
    return xr.Dataset({side: matrix.drop_vars(FURTHER, errors="ignore") for side, matrix in both.items()})


def compare_lines(shown: Compared) -> str:
    """Return the lines of Python that make a view."""
    lines = ["import netxr", ""]
    for letter, path, run, pick in zip("AR", shown.paths, shown.runs, shown.picks, strict=True):
        lines.append(f"{letter} = netxr.open({str(path)!r}).{variable_of(run, pick)}{_entry(run, pick)}.compute()")
    lines.append(f"scores = netxr.compare(A, R, diagonal={shown.diagonal}, permutations=0)")
    if any(shown.pair.scores[name] for name in (n.N_NEURONS_ONLY_TRUTH, n.N_NEURONS_ONLY_ESTIMATE)):
        lines += [
            "shared = A.target.values[A.target.isin(R.target)]",
            "A, R = (each.sel(target=shared, source=shared) for each in (A, R))",
        ]
    return "\n".join([*lines, _drawing_line(shown.pair, shown.view, diagonal=shown.diagonal)])


def _drawing_line(pair: Pair, view: str, *, diagonal: bool) -> str:
    """Return the Python that draws a view."""
    if view != AGREEMENT:
        return f"netxr.plot.compare(A, R, standardised={view == STANDARDISED}, titles={pair.names})"
    figure = f"netxr.plot.agreement(A, R, diagonal={diagonal})"
    if pair.with_truth:
        return figure
    return f'next(iter({figure})).opts(xlabel={pair.names[0]!r}, ylabel={pair.names[1]!r}, title="")'


def _entry(run: xr.Dataset, pick: Pick) -> str:
    """Return the Python that takes one trial and one lag."""
    matrix = run[variable_of(run, pick)]
    trial = f".isel(trial={pick.trial})" if n.TRIAL in matrix.dims else ""
    return trial + (f".sel(lag={picked(run, pick)[n.LAG].item()})" if n.LAG in matrix.dims else "")
