"""A connectivity matrix as a heatmap: sources to the right, targets downwards."""

from collections.abc import Callable
from typing import Any, Final

import holoviews as hv
import numpy as np
from bokeh.models import CustomJSHover
from matplotlib.colors import ListedColormap

from netxr.errors import InvalidInput
from netxr.names import SOURCE, TARGET
from netxr.plot.style import (
    DIVERGING,
    FRAME,
    LONG_LABEL,
    UNDEFINED_COLOUR,
    check_matrix,
    symmetric_limit,
    ticks,
    with_options,
)
from netxr.schema import labels_of

FROM: Final = "Connectivity from"
TO: Final = "Connectivity to"
STRENGTH: Final = "Connectivity Strength"

NARROWEST: Final = 0.18
"""Width of a panel as a fraction of its height, where a matrix has few columns."""


def matrix(weights: Any, *, limits: tuple[float, float] | None = None, title: str = "") -> hv.Image:
    """Draw one connectivity matrix as a heatmap.

    Column = from, row = to, the first row at the top. Red is positive, blue negative, almost white zero
    and grey undefined (NaN).

    Parameters
    ----------
    weights : DataArray
        Loaded, (target, source) in any order of dims; (target,) alone is one source and becomes one column.
    limits : tuple of float, optional
        Weights at the two ends of the colour bar; symmetric about 0 and just wide enough if not given.
    title : str
        Title over the heatmap.

    Returns
    -------
    holoviews.Image
        Cells at whole-number positions, ticked with the neurons' labels, which are shown on hovering too.

    Raises
    ------
    InvalidInput
        If `weights` is no connectivity matrix, is lazy, or has several trials; if `limits` are no ascending pair.

    Examples
    --------
    >>> from netxr.arrays import as_connectivity
    >>> A = as_connectivity([[0, 1], [0, 0]], rows="target", neurons=["a", "b"])
    >>> matrix(A, title="True connectivity").vdims[0].range
    (-1.0, 1.0)
    """
    values = check_matrix(weights)
    low, high = symmetric_limit(values) if limits is None else _check_limits(limits)
    sources, targets = labels_of(values, SOURCE), labels_of(values, TARGET)
    undefined = bool(np.isnan(values).all())
    image = hv.Image(
        # HoloViews warns of a range without a number; minus infinity is off the colour bar just as well.
        np.full(values.shape, -np.inf)
        if undefined
        else values.values[::-1],  # an Image has its last row at the bottom of an upright y axis, at y = 0
        bounds=(-0.5, -0.5, len(sources) - 0.5, len(targets) - 0.5),
        kdims=[hv.Dimension(SOURCE, label=FROM), hv.Dimension(TARGET, label=TO)],
        vdims=[hv.Dimension("weight", label=STRENGTH, range=(low, high))],
    )
    aspect = float(np.clip(len(sources) / len(targets), NARROWEST, 1 / NARROWEST))
    x_ticks = ticks(sources)
    return with_options(
        image,
        both={
            "clim": (low, high),
            "clipping_colors": {"NaN": UNDEFINED_COLOUR} | ({"min": UNDEFINED_COLOUR} if undefined else {}),
            "colorbar": True,
            "clabel": STRENGTH,
            "invert_yaxis": True,
            "axiswise": True,  # a larger matrix beside this one would stretch its axes
            "xticks": x_ticks,
            "yticks": ticks(targets),
            "xrotation": 90 if max(len(label) for _, label in x_ticks) > LONG_LABEL else 0,
            "title": title,
        },
        bokeh={
            "cmap": DIVERGING,
            "frame_height": FRAME,
            "frame_width": round(FRAME * aspect),
            "colorbar_opts": {"title_standoff": 12},
            "tools": ["hover"],
            "hover_tooltips": [
                ("from", "$x{label}"),
                ("to", "$y{label}"),
                (STRENGTH.lower(), "undefined" if undefined else "@image"),
            ],
            "hooks": [_labels_in_hover(sources, targets)],
        },
        matplotlib={"cmap": ListedColormap(DIVERGING), "aspect": aspect, "cbar_width": 0.05 / min(1.0, 2 * aspect)},
    )


def _labels_in_hover(sources: np.ndarray[Any, Any], targets: np.ndarray[Any, Any]) -> Callable[[Any, Any], None]:
    """Return a bokeh hook that turns the position under the pointer into a neuron's label.

    n labels for an axis travel to the browser so, and not one for each of n x n cells.
    """

    def label_positions(plot: Any, _element: Any) -> None:
        for axis, labels in (("$x", sources), ("$y", targets)):
            plot.handles["hover"].formatters[axis] = CustomJSHover(
                args={"labels": [str(label) for label in labels]},
                code="return labels[Math.round(value)] ?? ''",
            )

    return label_positions


def _check_limits(limits: tuple[float, float]) -> tuple[float, float]:
    """Return `limits` as two ascending finite numbers, or raise."""
    pair = np.asarray(limits, dtype=np.float64)
    if pair.shape != (2,) or not np.isfinite(pair).all() or pair[0] >= pair[1]:
        raise InvalidInput(
            "limits", got=repr(limits), expected="two finite numbers, the lower one first", fix="Use symmetric_limit."
        )
    return float(pair[0]), float(pair[1])
