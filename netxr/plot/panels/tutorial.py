"""The figures of the tutorial on correlations, from its computed sections."""

from collections.abc import Mapping
from typing import Any, Final

import xarray as xr

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.plot.activity.traces import traces
from netxr.plot.matrices.compare_over import compare_over
from netxr.plot.matrices.side_by_side import compare, overview
from netxr.plot.panels.other_tutorials import other_figures
from netxr.plot.scores.curves import score_curve

ONE_SOURCE: Final = 1
"""The neuron whose outgoing connections the first exercise estimates."""

SHOWN_SIZES: Final = (6, 15, 24, 33, 42)
SHOWN_SPARSITIES: Final = (0.1, 0.3, 0.5, 0.7, 0.9)
"""Settings of the two sliders that are drawn as facets; a curve shows the score at every setting."""


def tutorial_figures(sections: Mapping[str, xr.Dataset]) -> dict[str, Any]:
    """Draw every figure of the tutorial: interactive ones as facets with a curve over their slider, and the activity.

    Parameters
    ----------
    sections : mapping of str to Dataset
        What `netxr.tutorial.run_tutorial` returned, loaded.

    Returns
    -------
    dict of HoloViews objects
        By file name without suffix, in the order of the tutorial.

    Raises
    ------
    InvalidInput
        If they are no sections of the tutorial.
    """
    if not isinstance(sections, Mapping) or "small" not in sections:
        got = type(sections).__name__
        raise InvalidInput("sections", got=got, expected="what netxr.tutorial.run_tutorial returned")
    small, large, coarse = (_pair(sections[name]) for name in ("small", "large", "coarse"))
    sizes = {int(name.removeprefix("size_")): _pair(run) for name, run in sections.items() if _is_size(name)}
    size_sweep, coarse_sweep = (sections[name].squeeze(drop=True) for name in ("size_sweep", "coarse_sweep"))
    over_size = {"x": n.N_NEURONS, "xlabel": "Number of neurons", "ylabel": "Correlation of A and R"}
    demo = sections["sparsity_demo"]
    shown = demo.sel({n.SPARSITY: list(SHOWN_SPARSITIES)})
    return {
        "1_one_source": compare(*(matrix.sel({n.SOURCE: [ONE_SOURCE]}) for matrix in small[:2])),
        "2_overview": overview(*small[:2], score=small[2]),
        "3_hundred_neurons": compare(*large[:2], score=large[2]),
        "4_size_demo": compare_over(
            {size: sizes[size][0] for size in SHOWN_SIZES},
            {size: sizes[size][1] for size in SHOWN_SIZES},
            over=n.N_NEURONS,
            scores={size: sizes[size][2] for size in SHOWN_SIZES},
        ),
        "4_size_curve": score_curve(
            xr.concat([score for _, _, score in sizes.values()], xr.Variable(n.N_NEURONS, list(sizes))).to_dataset(),
            **over_size,
            title="Similarity of A and R over network size, one network each",
        ),
        "5_size_sweep": score_curve(size_sweep, **over_size, title="Similarity of A and R over network size"),
        "6_sparsity_demo": compare_over(
            shown[n.CONNECTIVITY], shown[n.LAGGED_CORRELATION], over=n.SPARSITY, scores=shown[n.PEARSON]
        ),
        "6_sparsity_curve": score_curve(
            demo[[n.PEARSON]],
            x=n.SPARSITY,
            xlabel="Sparsity: probability that an entry of A is 0",
            ylabel="Correlation of A and R",
            title="Similarity of A and R over sparsity, 25 neurons",
        ),
        "7_coarse_pair": compare(*coarse[:2], score=coarse[2]),
        "8_coarse_sweep": score_curve(
            coarse_sweep,
            x=n.NEURONS_PER_GROUP,
            xlabel=f"Neurons per group ({sections['coarse_sweep'][n.N_NEURONS].item()} neurons in all)",
            ylabel="Correlation of coarse A and R",
            title="Similarity of A and R over coarseness of sampling",
        ),
        "9_activity": traces(sections["small"][n.ACTIVITY], n_steps=200),
        **other_figures(sections),
    }


def _is_size(name: str) -> bool:
    """Return whether a section is one setting of the slider over network size."""
    return name.startswith("size_") and name.removeprefix("size_").isdigit()


def _pair(run: xr.Dataset) -> tuple[xr.DataArray, xr.DataArray, xr.DataArray]:
    """Return the true and the estimated connectivity of a run's only trial, and their correlation."""
    one = run[[n.LAGGED_CORRELATION, n.PEARSON]].isel({n.TRIAL: 0}, drop=True)
    return run[n.CONNECTIVITY], one[n.LAGGED_CORRELATION], one[n.PEARSON]
