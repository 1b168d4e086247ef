"""How an estimate agrees with the true connectivity, pair of neurons by pair of neurons."""

from typing import Any, Final

import holoviews as hv
import numpy as np
from numpy.typing import NDArray

from netxr.estimators.overlap import Pairs, shared_pairs
from netxr.kernels.scores import strength
from netxr.plot.loading import loaded_matrix
from netxr.plot.palettes import LIGHT
from netxr.plot.scores.thresholds import Detection, detection
from netxr.plot.scores.violins import violins
from netxr.plot.style import (
    FRAME,
    INK,
    LINE_COLOUR,
    PAPER_FONTS,
    POINTS,
    SEQUENTIAL,
    diagonal_words,
    laid_out,
    screen_look,
    with_options,
)
from netxr.schema.arguments import check_text
from netxr.schema.variables import check_connectivity

MOST_POINTS: Final = 5_000
"""Most pairs that are drawn one by one; of more, the number in each cell is drawn."""

N_CELLS: Final = 60
"""Cells along each side of a panel."""

TRUE: Final = "True connectivity A"
ESTIMATED: Final = "Estimated connectivity R"
NO_PAIR: Final = "no pair of neurons\nis defined on both sides"
PANELS: Final = ("Estimate against truth", "Estimate with and without an edge", "ROC curve", "Precision and recall")


def agreement(A: Any, R: Any, *, diagonal: bool | None = None, title: str = "") -> hv.Layout:
    """Draw how an estimate agrees with the true connectivity, entry by entry.

    Both are aligned by the labels of their neurons. Neurons that only one of the two has are left out, and so are pairs
    that are NaN or infinite in either, as in `netxr.compare`; the title counts them. An edge is a weight other than 0.
    Where the truth has weights of both signs, both curves go by the magnitude of R, as `netxr.compare` does.

    Parameters
    ----------
    A : DataArray
        True connectivity, square matrix in memory, (target, source).
    R : DataArray
        Estimated connectivity in memory, likewise; (target,) is one source.
    diagonal : bool
        Whether self-connections (target and source are the same neuron) are included. In autocorrelated activity they
        are high whatever the network, and dominate the scores, so there is no default.
    title : str
        Title over all panels.

    Returns
    -------
    holoviews.Layout
        Four panels: R against A, beyond 5,000 pairs as counts in cells; the distribution of R with and without an
        edge; the ROC curve with its area; precision over recall, as steps, with the average precision. Both curves
        show what chance would reach. A panel that is undefined says so.

    Raises
    ------
    InvalidInput
        If one of the two is no connectivity matrix, is lazy, or has several trials; if they share no label.

    Examples
    --------
    >>> from netxr import as_connectivity
    >>> A = as_connectivity([[0, 1], [0, 0]], rows="target")
    >>> len(agreement(A, 0.3 * A, diagonal=False))
    4
    """
    check_text("title", title)
    A = check_connectivity(loaded_matrix(A, argument="A"), argument="A")
    pairs = shared_pairs(A, loaded_matrix(R, argument="R"), diagonal=diagonal, arguments=("A", "R"))
    if len(pairs.truth):
        edge = pairs.truth != 0
        by_edge = {"no edge": pairs.estimate[~edge], "edge": pairs.estimate[edge]}
        panels = [entries(pairs), violins(by_edge, ylabel=ESTIMATED, title=PANELS[1]), *_curves(edge, pairs)]
    else:
        panels = [_empty(NO_PAIR, panel) for panel in PANELS]
    lines = (title, _about(pairs, bool(diagonal)), pairs.left_out)
    return laid_out(
        hv.Layout(panels),
        title="\n".join(filter(None, lines)),
        fig_inches=(9, 9.5),
        fig_bounds=(0.1, 0.06, 0.97, 0.9),
        hspace=0.5,
        vspace=0.35,
    )


def _about(pairs: Pairs, diagonal: bool) -> str:
    """Say how many pairs are drawn, and how many are not."""
    left_out = f", {pairs.n_undefined:,} left out as undefined" if pairs.n_undefined else ""
    number = "1 pair" if len(pairs.truth) == 1 else f"{len(pairs.truth):,} pairs"
    return f"{number} of neurons {diagonal_words(diagonal)}{left_out}"


def entries(pairs: Pairs, *, edges: Pairs | None = None) -> Any:
    """Draw R against A, pair by pair or as counts, or say that there is no pair; marks of `edges` stand out."""
    if not len(pairs.truth):
        return _empty(NO_PAIR, PANELS[0])
    if len(pairs.truth) > MOST_POINTS:
        return _counts(pairs)
    return _points(pairs) if edges is None else _points(pairs) * _points(edges, colour=LINE_COLOUR)


def _points(pairs: Pairs, *, colour: str = LIGHT.notes) -> hv.Points:
    """Draw a mark for each pair."""
    points = hv.Points(
        (pairs.truth, pairs.estimate), [hv.Dimension("A", label=TRUE), hv.Dimension("R", label=ESTIMATED)]
    )
    return _panel(
        with_options(
            points,
            both={"color": colour, "alpha": 0.4},
            bokeh={"size": 5},
            matplotlib={"s": (5 * POINTS) ** 2, "linewidth": 0},
        ),
        title=PANELS[0],
    )


def _counts(pairs: Pairs) -> hv.Image:
    """Draw how many pairs there are in each cell."""
    (x, left, right), (y, bottom, top) = _cells(pairs.truth), _cells(pairs.estimate)
    counts = np.bincount(y * N_CELLS + x, minlength=N_CELLS**2).reshape(N_CELLS, N_CELLS).astype(np.float64)
    limits = (1.0, max(2.0, counts.max()))
    image = hv.Image(
        np.where(counts, counts, np.nan)[::-1],
        bounds=(left, bottom, right, top),
        kdims=[hv.Dimension("A", label=TRUE), hv.Dimension("R", label=ESTIMATED)],
        vdims=[hv.Dimension("pairs", label="Pairs of neurons in a cell", range=limits)],
    )
    return _panel(
        with_options(
            image,
            both={"cmap": SEQUENTIAL, "logz": True, "clim": limits, "colorbar": True},
            bokeh={"tools": ["hover"], "hover_tooltips": [("A", "$x"), ("R", "$y"), ("pairs", "@image{0,0}")]},
        ),
        title=f"{PANELS[0]}\ncounts in {N_CELLS} x {N_CELLS} cells",
    )


def _cells(values: NDArray[np.float64]) -> tuple[NDArray[np.intp], float, float]:
    """Return the cell of each value, and the outer edges of all cells; the extreme values are middles of cells."""
    low, high = float(values.min()), float(values.max())
    width = (high - low) / (N_CELLS - 1) or 1.0
    cells = np.rint((values - low) / width).astype(np.intp)
    return cells, low - width / 2, low + (N_CELLS - 0.5) * width


def _curves(edge: NDArray[np.bool_], pairs: Pairs) -> list[Any]:
    """Draw both curves, or say why there is none."""
    if edge.all() or not edge.any():
        note = f"undefined:\n{'every' if edge.all() else 'no'} pair has an edge"
        return [_empty(note, panel) for panel in PANELS[2:]]
    ranked = strength(pairs.truth, pairs.estimate)
    found, by = detection(edge, ranked), "" if ranked is pairs.estimate else "by |R|; "
    return [_roc(found, by), _precision(found, by, float(edge.mean()))]


def _roc(found: Detection, by: str) -> hv.Overlay:
    """Draw true over false positives, and the diagonal that chance would follow."""
    x, y = (
        hv.Dimension("false_positives", label="False positive rate"),
        hv.Dimension("true_positives", label="True positive rate"),
    )
    curve = hv.Curve((found.false_positives, found.true_positives), x, y)
    chance = hv.Curve(([0.0, 1.0], [0.0, 1.0]), x, y)
    return _over_chance(curve, chance, f"{PANELS[2]}: AUC {found.roc_auc:.3f}\n({by}dashed: chance)")


def _precision(found: Detection, by: str, share: float) -> hv.Overlay:
    """Draw precision over recall as steps, and the share of edges, which chance would reach."""
    x, y = hv.Dimension("recall", label="Recall"), hv.Dimension("precision", label="Precision")
    curve = hv.Curve((np.append(0.0, found.recall), np.append(found.precision[0], found.precision)), x, y)
    curve = with_options(curve, both={"interpolation": "steps-pre"})
    chance = hv.Curve(([0.0, 1.0], [share, share]), x, y)
    area = f"Average precision {found.average_precision:.3f}"  # bokeh would cut off a longer line, with its number
    return _over_chance(curve, chance, f"{area}\n({by}dashed: chance, {share:.3f})")


def _over_chance(curve: hv.Curve, chance: hv.Curve, title: str) -> hv.Overlay:
    """Lay a curve over what chance would reach."""
    dashed = with_options(
        chance,
        both={"color": INK},
        bokeh={"line_dash": "dashed", "line_width": 1},
        matplotlib={"linestyle": "--", "linewidth": 1},
    )
    solid = with_options(curve, both={"color": LINE_COLOUR}, bokeh={"line_width": 2}, matplotlib={"linewidth": 1.5})
    margin = (-0.02, 1.02)
    return with_options(_panel(dashed * solid, title=title), both={"xlim": margin, "ylim": margin})


def _empty(note: str, title: str) -> hv.Labels:
    """Draw a panel that says why there is nothing in it."""
    words = with_options(
        hv.Labels(([0.5], [0.5], [note]), ["x", "y"], ["note"]),
        both={"xaxis": None, "yaxis": None, "xlim": (0, 1), "ylim": (0, 1)},
        bokeh={"text_color": INK, "text_font_size": "11pt"},
        matplotlib={"color": INK, "size": 11},
    )
    return _panel(words, title=title)


def _panel(element: Any, *, title: str) -> Any:
    """Set size and title of one of the four panels."""
    return with_options(
        element,
        both={"title": title, "axiswise": True},
        bokeh={"frame_width": FRAME, "frame_height": FRAME, "hooks": [screen_look]},
        matplotlib={"aspect": 1, "fontsize": PAPER_FONTS, "show_frame": False},
    )
