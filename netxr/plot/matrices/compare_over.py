"""The true connectivity A above its estimate R, for each value of a parameter."""

from collections.abc import Mapping
from typing import Any

import holoviews as hv
import xarray as xr

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.plot.matrices.aggregation import Sheet, sheet_of
from netxr.plot.matrices.grids import FACET_FONT, FACET_FRAME, MOST_FACETS, facet, row_length
from netxr.plot.matrices.heatmaps import FROM, TO, limits_of
from netxr.plot.matrices.side_by_side import TITLE_BOTH, long_name, page, room_for
from netxr.plot.spans import Range
from netxr.plot.style import diagonal_text, holds_diagonal, score_text
from netxr.plot.ticks import plain_labels
from netxr.plot.words import in_words, says
from netxr.schema.arguments import check_text
from netxr.schema.variables import labels_of


def compare_over(
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
        True connectivities in memory, (`over`, target, source); without `over` if it is the same for all values; a
        mapping {value: matrix} if the sizes differ.
    R : DataArray or mapping
        Estimated connectivities, likewise.
    over : str
        The parameter in which the facets differ: the common dim, or what the keys of a mapping are.
    scores : DataArray or mapping, optional
        Correlation of A and R for each value, (`over`,) or {value: score}. The diagonal is grey, unless they
        say that it is included.

    Returns
    -------
    holoviews.Layout
        Heatmaps in rows of at most five, A above R.

    Raises
    ------
    InvalidInput
        If neither A nor R has `over`, the values of one are missing in another, or there are more than 20 of them;
        if a matrix is not valid.

    Examples
    --------
    >>> from netxr import as_connectivity
    >>> A = as_connectivity([[0, 1], [0, 0]], rows="target")
    >>> len(compare_over({0.5: A, 0.9: A}, {0.5: A, 0.9: 2 * A}, over="sparsity"))
    4
    """
    check_text("over", over)
    values = _facet_values(A, R, over=over)
    all_A, all_R = (
        {
            value: sheet_of(one, room=FACET_FRAME, argument=argument)
            for value, one in _for_each(values, matrices, over, argument=argument).items()
        }
        for argument, matrices in (("A", A), ("R", R))
    )
    titles_A, titles_R = ({value: f"{name}, {says(over, value)}" for value in values} for name in "AR")
    diagonal = ""
    if scores is not None:
        scored = _for_each(values, scores, over, argument="scores")
        diagonal = diagonal_text(*scored.values())
        for value, score in scored.items():
            titles_R[value] += f"\n{long_name(score) or 'correlation'} {score_text(score, argument='scores')}"
            for side in (all_A, all_R):
                side[value] = side[value]._replace(diagonal=holds_diagonal(score))
    limits_A, limits_R = limits_of(*all_A.values()), limits_of(*all_R.values())
    width = row_length(len(values))
    panels: list[Any] = []
    for first in range(0, len(values), width):
        row = values[first : first + width]
        gap = [hv.Empty() for _ in range(width - len(row))]
        panels += _facet_row(row, all_A, titles_A, limits_A, bar=first == 0, xlabel="") + gap
        panels += _facet_row(row, all_R, titles_R, limits_R, bar=first == 0, xlabel=FROM) + gap
    title = f"{TITLE_BOTH} over {in_words(over).lower()} {diagonal}".rstrip()
    sheets = [*all_A.values(), *all_R.values()]
    room = FACET_FONT * room_for(*(axis.labels for sheet in sheets for axis in (sheet.targets, sheet.sources)))
    return page(hv.Layout(panels), title=title, columns=width, panel=1.5, gap=(0.4 + room, 0.7 + room), lines=2)


def _facet_row(
    row: list[Any], sheets: dict[Any, Sheet], titles: dict[Any, str], limits: Range, *, bar: bool, xlabel: str
) -> list[hv.Image]:
    """Draw facets for the values in `row`, the last one with the colour bar if there is to be one."""
    labels = [TO, *[""] * (len(row) - 1)]
    bars = [*[False] * (len(row) - 1), bar]
    return [
        facet(sheets[value], limits=limits, title=titles[value], bar=with_bar, xlabel=xlabel, ylabel=ylabel)
        for value, with_bar, ylabel in zip(row, bars, labels, strict=True)
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
            fix=f"Take some of them, e.g. with .isel({over}=slice(None, None, {-(-len(values) // MOST_FACETS)}))."
            if values
            else "",
        )
    return values


def _values_along(matrices: Any, over: str) -> list[Any] | None:
    """Return the keys of a mapping or the labels along `over`, None where there is no such dim."""
    if isinstance(matrices, Mapping):
        return list(matrices)
    if isinstance(matrices, xr.DataArray) and over in matrices.dims and over not in (n.TARGET, n.SOURCE):
        return plain_labels(labels_of(matrices, over))
    return None


def _for_each(values: list[Any], matrices: Any, over: str, *, argument: str) -> dict[Any, Any]:
    """Return what belongs to each of the values: its entry, or the same for all if `over` is no dim."""
    own = _values_along(matrices, over)
    if own is None:
        return dict.fromkeys(values, matrices)
    if set(own) != set(values):
        raise InvalidInput(argument, got=f"{over} {own}", expected=f"the same values throughout, {values}")
    if isinstance(matrices, Mapping):
        return {value: matrices[value] for value in values}
    return {value: matrices.isel({over: own.index(value)}) for value in values}
