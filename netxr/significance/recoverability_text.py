"""What a recording can carry, in a sentence."""

from typing import Final

import numpy as np
import xarray as xr

from netxr import names as n
from netxr.kernels.edge_mixture import FEWEST
from netxr.kernels.stand_in import MOST_RADIUS
from netxr.significance.as_observed import DRAWS, Observation

AS_TOLD: Final = (
    "As far as the recording itself tells, if no neuron is missing, no indicator is slow, samples are as fast as the "
    "couplings and the measurement adds no noise"
)

GAINS: Final = (
    "Gains of neurons count: couplings are those of the units of the recording. Where these mean nothing, as of "
    "fluorescence, take z-scores first."
)

SATURATED: Final = (
    "Samples of {:,} of the {:,} neurons are near two values, or near one and seldom far, as of units that saturate or "
    "are mostly silent: couplings are then those around where each neuron mostly is, and scores with the network's own "
    "may be some .1 higher or lower."
)

FEW: Final = f"With fewer than {FEWEST} pairs, those with an edge are not told from others."


def sentence_of(
    found: xr.Dataset, *, n_neurons: int, n_samples: int, at: float, radius: float, saturated: int = 0
) -> str:
    """Return scores, errors and what more samples would do in words, beginning with what they do not know of.

    Of several trials, they are means over those that tell. `saturated` is of how many neurons samples are as if units
    saturated.
    """
    n_trials = found.sizes.get(n.TRIAL, 1)
    each = f" in each of {n_trials} trials" if n_trials > 1 else ""
    every = [found.sel({n.ESTIMATOR: name}) for name in found[n.ESTIMATOR].values.tolist()]
    told = [one for one in every if one[n.SCORE].notnull().any()]
    untold = [one for one in every if not one[n.SCORE].notnull().any()]
    says = []
    if told:
        says.append(f"{told[0][n.ESTIMATOR].item()} would find a network like this one {_of_one(told[0], at=at)}")
        says += [f"{one[n.ESTIMATOR].item()} {_of_one(one, at=at)}" for one in told[1:]]
    if untold:
        by = " and ".join(
            f"{one[n.ESTIMATOR].item()} ({digits(one[n.RELIABILITY_OF_ESTIMATE].mean())})" for one in untold
        )
        says.append(f"the recording is too short to tell by the reliability of {by}")
    text = f"{AS_TOLD}: of {n_neurons:,} neurons with {n_samples:,} samples{each}, {', '.join(says)}.".replace("_", " ")
    if n_neurons**2 < FEWEST:
        text += f" {FEW}"
    if saturated:
        text += f" {SATURATED.format(saturated, n_neurons)}"
    if radius:
        text += (
            f" The fit would grow without end (spectral radius {radius:.3f}) and was shrunk to {digits(MOST_RADIUS)}: "
            "take netxr.high_pass or netxr.difference first."
        )
    return text


def as_observed(found: xr.Dataset, seen: Observation, *, n_steps: int) -> str:
    """Return in words what hidden neurons or an indicator would do."""
    hidden = [f"{100 * seen.hidden:g} % of its neurons hidden"] if seen.hidden else []
    slow = [f"an indicator of {seen.calcium:g} samples"] if seen.calcium else []
    scores = found[[n.SCORE_AS_OBSERVED, n.SCORE_AS_OBSERVED_STANDARD_ERROR]]
    if n.TRIAL in scores.dims:
        scores = scores.mean(n.TRIAL)
    each = [scores.sel({n.ESTIMATOR: name}) for name in scores[n.ESTIMATOR].values.tolist()]
    by = [
        f"{one[n.ESTIMATOR].item()} with {digits(one[n.SCORE_AS_OBSERVED])} "
        f"+- {small(one[n.SCORE_AS_OBSERVED_STANDARD_ERROR])}"
        for one in each
        if one[n.SCORE_AS_OBSERVED].notnull()
    ]
    if not by:
        return "What the recording does not tell, no simulation tells either."
    condition = " and ".join([*hidden, *slow])
    return (
        f"With {condition}, {', '.join(by)}: so say {DRAWS} simulated recordings of {n_steps:,} samples of the network "
        "that was fitted."
    ).replace("_", " ")


def _of_one(found: xr.Dataset, *, at: float) -> str:
    """Return the score of an estimator with its error, and what more samples would do."""
    one = found.where(found[n.SCORE].notnull()).mean()
    needed = one[n.SAMPLES_NEEDED].item()
    limit = f"{digits(one[n.LIMIT])} in a recording without end"
    further = f"{at:g} takes about {float(f'{needed:.1e}'):,.0f} samples" if np.isfinite(needed) else limit
    return f"with {digits(one[n.SCORE])} +- {small(one[n.SCORE_STANDARD_ERROR])} ({further.removeprefix('0')})"


def small(error: xr.DataArray | float) -> str:
    """Return an error with two digits after the point, which says that it is small rather than none.

    Examples
    --------
    >>> small(0.021), small(0.0049)
    ('.02', '<.01')
    """
    return digits(error) if not float(error) < 0.005 else "<.01"


def digits(value: xr.DataArray | float) -> str:
    """Return a score with two digits after the point, and no zero before it.

    Examples
    --------
    >>> digits(0.314), digits(-0.05), digits(1.0)
    ('.31', '-.05', '1.00')
    """
    text = f"{float(value):.2f}"
    return text.replace("0.", ".", 1) if abs(float(text)) < 1 else text
