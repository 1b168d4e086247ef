"""The figures of tutorials 1, 3 and 4 of the same day, from their computed sections."""

from collections.abc import Mapping
from typing import Any, Final

import xarray as xr

from netxr import names as n
from netxr.plot.matrices.side_by_side import compare
from netxr.plot.scores.curves import score_curve

SCORE: Final = "Correlation of A and R"


def other_figures(sections: Mapping[str, xr.Dataset]) -> dict[str, Any]:
    """Draw every figure of these tutorials by file name without suffix, if `sections` holds them."""
    if "perturbation" not in sections:
        return {}
    lasso = sections["lasso"]
    return {
        "tutorial_1_perturbation": _pair(sections["perturbation"], n.PERTURBATION_EFFECT),
        "tutorial_3_lasso": _pair(lasso.isel({n.ESTIMATOR: 0}, drop=True), n.COEFFICIENT),
        "tutorial_3_observed": _over_share(sections["lasso_observed"]),
        "tutorial_4_instruments": _pair(sections["instruments"], n.COEFFICIENT),
        "tutorial_4_strength": score_curve(
            sections["weak_instruments"],
            x=n.INSTRUMENT,
            xlabel="Strength of the instruments",
            ylabel=SCORE,
            title="Similarity of A and R over the strength of instruments",
        ),
        "tutorial_4_observed": _over_share(sections["instruments_observed"]),
    }


def _pair(run: xr.Dataset, estimate: str) -> Any:
    """Draw truth and estimate of a run side by side."""
    return compare(run[n.CONNECTIVITY], run[estimate], score=run[n.PEARSON])


def _over_share(scores: xr.Dataset) -> Any:
    """Draw the score of each estimator over the share of neurons that were recorded."""
    curves = [
        score_curve(
            scores.sel({n.ESTIMATOR: name}, drop=True),
            x=n.OBSERVED,
            xlabel="Share of the neurons that are recorded",
            ylabel=SCORE,
            title=name.replace("_", " ").capitalize(),
        )
        for name in scores[n.ESTIMATOR].values.tolist()
    ]
    return curves[0] + curves[1]
