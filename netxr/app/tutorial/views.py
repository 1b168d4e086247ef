"""What the tab for the tutorial draws beside the matrices: do edges separate from the rest, and the score over size."""

from typing import Any, Final

import holoviews as hv
import numpy as np
import xarray as xr

import netxr.plot
from netxr import names as n
from netxr.app.tutorial.compute import Setup, visited
from netxr.plot.palettes import LIGHT
from netxr.plot.style import with_options
from netxr.simulation.tutorial import DEMO_SIZES

BINS: Final = 30
KINDS: Final = {"no edge in A": LIGHT.notes, "edge in A": LIGHT.accent}


def separation(run: xr.Dataset) -> hv.Overlay:
    """Draw the distribution of R over pairs of different neurons, with an edge in A and without."""
    A, R = (run[name].transpose(n.TARGET, n.SOURCE).values for name in (n.CONNECTIVITY, n.LAGGED_CORRELATION))
    others = ~np.eye(len(R), dtype=bool) & np.isfinite(R)
    ends = np.histogram_bin_edges(R[others], BINS)
    across = hv.Dimension("R", label="R of a pair, without the diagonal")
    drawn, most, aside = [], 0.0, 0.05 * np.ptp(ends)
    for (kind, colour), counts in zip(KINDS.items(), ((A == 0) & others, (A != 0) & others), strict=True):
        n_pairs = int(counts.sum())
        share = np.histogram(R[counts], ends)[0] / max(1, n_pairs)
        most = max(most, share.max())
        bars = hv.Histogram(
            (ends, share),
            kdims=[across],
            vdims=[hv.Dimension("share", label="Share of pairs")],
            label=f"{kind}, {n_pairs:,} pairs",
        )
        drawn.append(with_options(bars, both={"alpha": 0.45}, bokeh={"fill_color": colour, "line_color": colour}))
    return with_options(
        hv.Overlay(drawn),
        both={"xlim": (ends[0] - aside, ends[-1] + aside), "ylim": (0.0, 1.1 * most or 1.0)},
        bokeh={"legend_position": "top", "legend_opts": {"orientation": "vertical", "spacing": 4}},
    )


def score_over_size(setup: Setup) -> Any:
    """Draw the score at each size that was visited with these settings, and shade the sizes that were not."""
    seen = visited(setup)
    sizes = seen[n.N_NEURONS].values.tolist()
    first, last = min([DEMO_SIZES[0], *sizes]), max(sizes, default=0)
    start, end = first - 0.5, max(DEMO_SIZES[-1], last)
    unseen = hv.VSpan(min(last + 0.5, end) if sizes else start, end)
    unseen = with_options(unseen, bokeh={"color": LIGHT.hidden, "alpha": 0.5})
    if not sizes:
        return with_options(unseen, both={"xlabel": "Number of neurons", "ylabel": "Correlation of A and R"})
    low = min(0.0, float(seen[n.PEARSON].min())) - 0.05
    curve = netxr.plot.score_curve(seen, x=n.N_NEURONS)
    return with_options(curve * unseen, both={"title": "", "xlim": (start, end + 0.5), "ylim": (low, 1.05)})
