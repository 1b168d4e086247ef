"""The true connectivity A beside its estimate R: as heatmaps, as graphs and heatmaps, and over a parameter."""

from collections.abc import Mapping
from typing import Any, Final

import holoviews as hv
import xarray as xr

from netxr.errors import InvalidInput
from netxr.names import LONG_NAME, PEARSON, SOURCE, TARGET
from netxr.plot.graphs import network
from netxr.plot.heatmaps import FROM, TO, matrix
from netxr.plot.style import (
    LONG_LABEL,
    check_matrix,
    diagonal_text,
    score_text,
    shorten,
    symmetric_limit,
    ticks,
    with_options,
)
from netxr.schema import labels_of

TITLE_A: Final = "True connectivity matrix A"
TITLE_R: Final = "Estimated connectivity matrix R"
TITLE_BOTH: Final = "True (A) and Estimated (R) connectivity matrices"

MOST_FACETS: Final = 20
WIDEST: Final = 5
"""Facets in a row."""

FACET_TICKS: Final = 5

FACET_FRAME: Final = 140
"""Height and width of a facet in bokeh pixels."""


def compare(A: Any, R: Any, *, score: Any = None) -> hv.Layout:
    """Draw the true and the estimated connectivity side by side, each on its own symmetric colour range.

    Parameters
    ----------
    A : DataArray
        True connectivity, loaded, (target, source); (target,) is one source.
    R : DataArray
        Estimated connectivity, likewise.
    score : float or scalar DataArray, optional
        Correlation of the two, or another score that has a `long_name`, for the title; NaN is said to be undefined.

    Returns
    -------
    holoviews.Layout
        Two heatmaps.

    Raises
    ------
    InvalidInput
        If one of the two is no connectivity matrix, is lazy, or has several trials.

    Examples
    --------
    >>> from netxr.arrays import as_connectivity
    >>> A = as_connectivity([[0, 1], [0, 0]], rows="target")
    >>> len(compare(A, 0.3 * A, score=1.0))
    2
    """
    A, R = check_matrix(A, argument="A"), check_matrix(R, argument="R")
    narrow = A.sizes[SOURCE] == R.sizes[SOURCE] == 1
    titles = [title.replace(" matrix", "\nmatrix") if narrow else title for title in (TITLE_A, TITLE_R)]
    pair = matrix(A, title=titles[0]) + matrix(R, title=titles[1])
    title = "" if score is None else _score_title(score)
    gap = 0.4 if narrow else 1.5  # a column has room enough beside it
    return _page(pair, title=title, columns=2, panel=3.2, gap=(gap + _room_for_labels(R), 0))


def overview(A: Any, R: Any, *, score: Any = None) -> hv.Layout:
    """Draw the true and the estimated connectivity, each as a directed graph and as a heatmap.

    Parameters
    ----------
    A : DataArray
        True connectivity, loaded square matrix, (target, source).
    R : DataArray
        Estimated connectivity, likewise.
    score : float or scalar DataArray, optional
        Correlation of the two, or another score that has a `long_name`, for the title; NaN is said to be undefined.

    Returns
    -------
    holoviews.Layout
        Two by two: graph and heatmap of A, graph and heatmap of R.

    Raises
    ------
    InvalidInput
        If one of the two is no square connectivity matrix, is lazy, or has several trials.

    Examples
    --------
    >>> from netxr.arrays import as_connectivity
    >>> A = as_connectivity([[0, 1], [0, 0]], rows="target")
    >>> len(overview(A, 0.3 * A))
    4
    """
    A, R = check_matrix(A, argument="A"), check_matrix(R, argument="R")
    panels = network(A, title=TITLE_A) + matrix(A, title=TITLE_A) + network(R, title=TITLE_R) + matrix(R, title=TITLE_R)
    room = _room_for_labels(R)
    title = TITLE_BOTH if score is None else f"{TITLE_BOTH}\n{_score_title(score)}"
    return _page(panels, title=title, columns=2, panel=3, gap=(0.8 + room, 0.9 + room))


def facets(
    A: xr.DataArray | Mapping[Any, xr.DataArray],
    R: xr.DataArray | Mapping[Any, xr.DataArray],
    *,
    over: str,
    scores: xr.DataArray | Mapping[Any, Any] | None = None,
) -> hv.Layout:
    """Draw A above R for each value of a parameter, with one colour range for all A and another for all R.

    Parameters
    ----------
    A : DataArray or mapping
        True connectivities, loaded, (`over`, target, source); without `over` if it is the same for all values;
        a mapping {value: matrix} where the sizes differ.
    R : DataArray or mapping
        Estimated connectivities, likewise.
    over : str
        What the facets differ in: the common dim, or what the keys of a mapping are values of.
    scores : DataArray or mapping, optional
        Correlation of A and R for each value, (`over`,) or {value: score}.

    Returns
    -------
    holoviews.Layout
        Heatmaps in rows of five at most, A above R.

    Raises
    ------
    InvalidInput
        If neither A nor R has `over`, the values of one are missing in another, or there are more than 20 of them;
        if a matrix is not valid.

    Examples
    --------
    >>> from netxr.arrays import as_connectivity
    >>> A = as_connectivity([[0, 1], [0, 0]], rows="target")
    >>> len(facets({0.5: A, 0.9: A}, {0.5: A, 0.9: 2 * A}, over="sparsity"))
    4
    """
    values = _facet_values(A, R, over=over)
    all_A, all_R = _for_each(values, A, over, argument="A"), _for_each(values, R, over, argument="R")
    all_A = {value: check_matrix(one, argument="A") for value, one in all_A.items()}
    all_R = {value: check_matrix(one, argument="R") for value, one in all_R.items()}
    titles = {value: f"{over} = {value:g}" if isinstance(value, float) else f"{over} = {value}" for value in values}
    endings, diagonal = dict.fromkeys(values, ""), ""
    if scores is not None:
        scored = _for_each(values, scores, over, argument="scores")
        endings = {
            value: f"\n{_long_name(score) or 'correlation'} {score_text(score)}" for value, score in scored.items()
        }
        diagonal = diagonal_text(*scored.values())
    titles_A = {value: f"A, {titles[value]}" for value in values}
    titles_R = {value: f"R, {titles[value]}{endings[value]}" for value in values}
    n_columns = -(-len(values) // -(-len(values) // WIDEST))
    panels: list[Any] = []
    for first in range(0, len(values), n_columns):
        row = values[first : first + n_columns]
        gap = [hv.Empty() for _ in range(n_columns - len(row))]
        panels += _facet_row(row, all_A, titles_A, bar=first == 0, xlabel="") + gap
        panels += _facet_row(row, all_R, titles_R, bar=first == 0, xlabel=FROM) + gap
    title = f"{TITLE_BOTH} over {over} {diagonal}".rstrip()
    return _page(hv.Layout(panels), title=title, columns=n_columns, panel=1.5, gap=(0.4, 0.7))


def _facet_row(
    row: list[Any], matrices: dict[Any, xr.DataArray], titles: dict[Any, str], *, bar: bool, xlabel: str
) -> list[hv.Image]:
    """Draw small heatmaps for the values in `row`, on the range of all matrices, with its colour bar at the end."""
    limits = symmetric_limit(*matrices.values())
    return [
        with_options(
            matrix(matrices[value], limits=limits, title=titles[value]),
            both={
                "colorbar": bar and value is row[-1],
                "xlabel": xlabel,
                "ylabel": TO if value is row[0] else "",
                "xticks": ticks(labels_of(matrices[value], SOURCE), most=FACET_TICKS),
                "yticks": ticks(labels_of(matrices[value], TARGET), most=FACET_TICKS),
            },
            bokeh={"frame_height": FACET_FRAME, "frame_width": FACET_FRAME, "fontscale": 0.8},
            matplotlib={"fontsize": {"title": 8, "labels": 7, "ticks": 6, "clabel": 7, "cticks": 6}},
        )
        for value in row
    ]


def _facet_values(A: Any, R: Any, *, over: str) -> list[Any]:
    """Return the values that the facets of both A and R have, in order."""
    found = [values for values in (_values_along(A, over), _values_along(R, over)) if values is not None]
    if not found:
        raise InvalidInput(
            "over", got=repr(over), expected="a dim of A or of R", fix="Or give A and R as mappings {value: matrix}."
        )
    values = found[0]
    if not 0 < len(values) <= MOST_FACETS:
        raise InvalidInput(
            "over",
            got=f"{len(values)} values of {over}",
            expected=f"1 to {MOST_FACETS}, as many as can be seen on a page",
            fix=f"Take some of them, e.g. with .isel({over}=slice(None, None, {-(-len(values) // MOST_FACETS)})).",
        )
    return values


def _values_along(matrices: Any, over: str) -> list[Any] | None:
    """Return the keys of a mapping or the labels along `over`, None where there is no such dim."""
    if isinstance(matrices, Mapping):
        return list(matrices)
    if isinstance(matrices, xr.DataArray) and over in matrices.dims and over not in (TARGET, SOURCE):
        labels: list[Any] = labels_of(matrices, over).tolist()
        return labels
    return None


def _for_each(values: list[Any], matrices: Any, over: str, *, argument: str) -> dict[Any, Any]:
    """Return what belongs to each of the values: an entry, or the same for all where `over` is no dim."""
    own = _values_along(matrices, over)
    if own is None:
        return dict.fromkeys(values, matrices)
    if set(own) != set(values):
        raise InvalidInput(argument, got=f"{over} {own}", expected=f"the same values throughout, {values}")
    if isinstance(matrices, Mapping):
        return {value: matrices[value] for value in values}
    return {value: matrices.isel({over: own.index(value)}) for value in values}


def _score_title(score: Any) -> str:
    """Say how well A and R agree, and whether with the diagonal where that is known."""
    about = _long_name(score)
    what = "Correlation of A and R" if about is None else about[:1].upper() + about[1:]
    return f"{what}: {score_text(score)} {diagonal_text(score)}".rstrip()


def _long_name(score: Any) -> str | None:
    """Return what a score says it is, None for a plain number and for the correlation that every title means."""
    return None if getattr(score, "name", None) == PEARSON else getattr(score, "attrs", {}).get(LONG_NAME)


def _page(layout: hv.Layout, *, title: str, columns: int, panel: float, gap: tuple[float, float]) -> hv.Layout:
    """Set the title over all panels, and their size and the gaps between them, in inches on paper."""
    rows = -(-len(layout) // columns)
    margin, head = 1.0, 0.4 + 0.3 * (title.count("\n") + 1)
    width = 2 * margin + columns * panel + (columns - 1) * gap[0]
    height = margin + rows * panel + (rows - 1) * gap[1] + head
    return with_options(
        layout.cols(columns),
        both={"title": title, "shared_axes": False},
        matplotlib={
            "sublabel_format": "",
            "fig_inches": (width, height),
            "fig_bounds": (margin / width, margin / height, 1 - margin / width, 1 - head / height),
            "hspace": gap[0] / panel,
            "vspace": gap[1] / panel,
        },
    )


def _room_for_labels(matrix: xr.DataArray) -> float:
    """Return the inches that long tick labels take up beyond those of short ones."""
    longest = max(len(shorten(label)) for dim in matrix.dims for label in labels_of(matrix, str(dim)))
    return 0.12 * max(0, longest - LONG_LABEL)
