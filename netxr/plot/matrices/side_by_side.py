"""The true connectivity A beside its estimate R: as heatmaps, and as graphs and heatmaps."""

from typing import Any, Final

import holoviews as hv
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.estimators.overlap import left_out, shared_entries
from netxr.kernels.scores import is_constant, standardised
from netxr.plot.loading import loaded_matrix
from netxr.plot.matrices.aggregation import sheet_of
from netxr.plot.matrices.graphs import network
from netxr.plot.matrices.heatmaps import heatmap, limits_of
from netxr.plot.matrices.quantities import Quantity
from netxr.plot.style import FRAME, diagonal_text, holds_diagonal, laid_out, score_text
from netxr.plot.ticks import LONG_LABEL, shorten
from netxr.schema.arguments import check_flag, said
from netxr.schema.variables import check_connectivity, labels_of
from netxr.significance.false_discovery import same_neuron

TITLE_A: Final = "True connectivity matrix A"
TITLE_R: Final = "Estimated connectivity matrix R"
TITLE_BOTH: Final = "True (A) and Estimated (R) connectivity matrices"
TITLE_DIFFERENCE: Final = "Difference matrix R - A"
DIFFERENCE: Final = "Difference, second - first"
FROM_MEAN: Final = "Standard deviations from the mean"
FROM_NO_EDGE: Final = "Standard deviations from no edge"


def compare(
    A: Any,
    R: Any,
    *,
    score: Any = None,
    standardised: bool = False,
    groups: xr.DataArray | None = None,
    titles: tuple[str, str] = (TITLE_A, TITLE_R),
) -> hv.Layout:
    """Draw the true and the estimated connectivity side by side, each on its own symmetric colour range.

    Standardised, each is in its standard deviations, of the pairs that are drawn, from what it is on average where A
    has no edge (a weight of 0), so that "no edge" is 0 in both; from its mean where A has edges throughout. Both share
    one colour range with their difference R - A, and are drawn for the neurons that both have, in the order of A.

    Above 300 neurons a cell is a mean over a block of weights, as in `matrix`, so that both fit side by side.

    Parameters
    ----------
    A : DataArray
        True connectivity, loaded, (target, source); (target,) is one source.
    R : DataArray
        Estimated connectivity, likewise.
    score : float or scalar DataArray, optional
        Correlation of the two, or another score with a `long_name`, for the title; NaN is called undefined.
        The diagonal is grey, unless the score says that it is included.
    standardised : bool
        Whether to draw both in standard deviations, with their difference.
    groups : DataArray, optional
        (neuron,): the group of each neuron, aligned by label, as in `matrix`.
    titles : (str, str)
        What the two are called, if they are not a truth and its estimate.

    Returns
    -------
    holoviews.Layout
        Two heatmaps, three if standardised.

    Raises
    ------
    InvalidInput
        If one of the two is no connectivity matrix, is lazy, or has several trials; if `groups` does not fit; if both
        are to be standardised and share no neuron.

    Examples
    --------
    >>> from netxr import as_connectivity
    >>> A = as_connectivity([[0, 1], [0, 0]], rows="target")
    >>> len(compare(A, 0.3 * A, score=1.0)), len(compare(A, 0.3 * A, standardised=True))
    (2, 3)
    """
    check_flag("standardised", standardised)
    _check_titles(titles)
    A, R = loaded_matrix(A, argument="A"), loaded_matrix(R, argument="R")
    title = "" if score is None else _score_title(score)
    if standardised:
        A, R, overlaps = shared_entries(A, R, arguments=("A", "R"))
        title = "\n".join(filter(None, (title, left_out(overlaps))))
    narrow = all(one.sizes[n.SOURCE] == 1 and one.sizes[n.TARGET] > 2 for one in (A, R))
    draw = _standardised_panels if standardised else _panels
    difference = TITLE_DIFFERENCE if titles == (TITLE_A, TITLE_R) else DIFFERENCE
    panels = draw(A, R, groups, [*titles, difference], diagonal=holds_diagonal(score))
    gap = 0.4 if narrow else 1.5  # a column has room enough beside it
    room = room_for(*(labels_of(R, str(dim)) for dim in R.dims) if groups is None else [groups.values])
    lines = 1 + any(isinstance(panel, hv.DynamicMap) for panel in panels)  # what a cell is the mean of
    return page(hv.Layout(panels), title=title, columns=len(panels), panel=3.2, gap=(gap + room, 0), lines=lines)


def _check_titles(titles: Any) -> None:
    """Raise InvalidInput if these are no two texts."""
    if not isinstance(titles, tuple | list) or len(titles) != 2 or not all(isinstance(one, str) for one in titles):
        raise InvalidInput("titles", got=said(titles), expected="two texts, what A and R are called")


def _panels(A: xr.DataArray, R: xr.DataArray, groups: Any, titles: list[str], *, diagonal: bool) -> list[Any]:
    """Draw each matrix on its own range."""
    sheets = (sheet_of(one, groups=groups, room=FRAME)._replace(diagonal=diagonal) for one in (A, R))
    return [heatmap(sheet, title=title) for sheet, title in zip(sheets, titles[:2], strict=True)]


def _standardised_panels(
    A: xr.DataArray, R: xr.DataArray, groups: Any, titles: list[str], *, diagonal: bool
) -> list[Any]:
    """Draw both matrices in standard deviations, and their difference, on one range."""
    A, R, called = in_deviations(A, R, diagonal=diagonal)
    shown: dict[str, Any] = {"quantity": Quantity(called), "diagonal": diagonal}
    sheets = [sheet_of(one, groups=groups, room=FRAME)._replace(**shown) for one in (A, R, R - A)]
    limits = limits_of(*sheets)
    return [heatmap(sheet, limits=limits, title=title) for sheet, title in zip(sheets, titles, strict=True)]


def overview(A: Any, R: Any, *, score: Any = None) -> hv.Layout:
    """Draw the true and the estimated connectivity, each as a directed graph and as a heatmap.

    Parameters
    ----------
    A : DataArray
        True connectivity, loaded square matrix, (target, source).
    R : DataArray
        Estimated connectivity, likewise.
    score : float or scalar DataArray, optional
        Correlation of the two, or another score with a `long_name`, for the title; NaN is called undefined.
        The diagonal is grey, unless the score says that it is included.

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
    >>> from netxr import as_connectivity
    >>> A = as_connectivity([[0, 1], [0, 0]], rows="target")
    >>> len(overview(A, 0.3 * A))
    4
    """
    A, R = (check_connectivity(loaded_matrix(one, argument=name), argument=name) for name, one in (("A", A), ("R", R)))
    sides = ((A, TITLE_A), (R, TITLE_R))
    sheets = [sheet_of(one)._replace(diagonal=holds_diagonal(score)) for one, _ in sides]
    panels = hv.Layout(
        [
            panel
            for (one, called), sheet in zip(sides, sheets, strict=True)
            for panel in (network(one, title=called), heatmap(sheet, title=called))
        ]
    )
    room = room_for(*(labels_of(R, str(dim)) for dim in R.dims))
    title = TITLE_BOTH if score is None else f"{TITLE_BOTH}\n{_score_title(score)}"
    return page(panels, title=title, columns=2, panel=3, gap=(0.8 + room, 0.9 + room), lines=3)


def _score_title(score: Any) -> str:
    """Say how well A and R agree, and whether the diagonal is included if that is known."""
    about = long_name(score)
    what = "Correlation of A and R" if about is None else about[:1].upper() + about[1:]
    return f"{what}: {score_text(score)} {diagonal_text(score)}".rstrip()


def long_name(score: Any) -> str | None:
    """Return the long name of a score; None for a plain number, and for the correlation, which titles name anyway."""
    return None if getattr(score, "name", None) == n.PEARSON else getattr(score, "attrs", {}).get(n.LONG_NAME)


def page(
    layout: hv.Layout, *, title: str, columns: int, panel: float, gap: tuple[float, float], lines: int = 1
) -> hv.Layout:
    """Set the title over all panels, their size, and the gaps between them in inches on paper.

    The first row has titles of so many `lines`.
    """
    rows = -(-len(layout) // columns)
    margin, head = 1.0, 0.33 + 0.17 * lines  # HoloViews puts the title above it, however many its lines
    width = 2 * margin + columns * panel + (columns - 1) * gap[0]
    height = margin + rows * panel + (rows - 1) * gap[1] + head
    return laid_out(
        layout,
        title=title,
        columns=columns,
        fontsize={"title": 12},
        fig_inches=(width, height),
        fig_bounds=(margin / width, margin / height, 1 - margin / width, 1 - head / height),
        hspace=gap[0] / panel,
        vspace=gap[1] / panel,
    )


def room_for(*labels: NDArray[Any]) -> float:
    """Return how many more inches long tick labels need than short ones."""
    longest = max((len(shorten(label)) for some in labels for label in some), default=0)
    return 0.12 * max(0, longest - LONG_LABEL)


def in_deviations(A: xr.DataArray, R: xr.DataArray, *, diagonal: bool) -> tuple[xr.DataArray, xr.DataArray, str]:
    """Return two matrices of the same neurons in standard deviations, and from what: no edge in A, or their means.

    From its mean, each would have pairs without an edge below zero, in the colour of negative weights.
    """
    drawn = pairs_drawn(A, diagonal=diagonal)
    none = (A == 0) & drawn
    A, R = (standardise(one, drawn) for one in (A, R))
    if not none.any():
        return A, R, FROM_MEAN
    A, R = (one - one.where(none).mean() for one in (A, R))
    return A, R, FROM_NO_EDGE


def pairs_drawn(matrix: xr.DataArray, *, diagonal: bool) -> xr.DataArray:
    """Return which entries of a matrix are drawn: all, or those between different neurons."""
    return xr.ones_like(matrix, dtype=bool) if diagonal else ~same_neuron(matrix).assign_coords(matrix.coords)


def standardise(matrix: xr.DataArray, drawn: xr.DataArray) -> xr.DataArray:
    """Return a matrix with mean 0 and standard deviation 1 over its finite entries that are drawn, NaN elsewhere.

    It is NaN throughout where these are all the same.
    """
    finite = np.isfinite(matrix.values) & drawn.transpose(*matrix.dims).values
    known = matrix.values[finite].astype(np.float64)
    values = np.full(matrix.shape, np.nan, np.result_type(matrix.dtype, np.float32))
    if not is_constant(known):
        values[finite] = standardised(known) * np.sqrt(known.size)
    return matrix.copy(data=values)
