"""The report of the tutorial: numbers, figures, and what to see in them."""

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from platform import platform, python_version
from typing import Any, Final

import xarray as xr

import netxr
from netxr import names as n
from netxr.report import page
from netxr.schema.words import number
from netxr.simulation.tutorial import Check

TITLE: Final = "When does correlation reveal connectivity?"

INTRODUCTION: Final = (
    "A network of neurons is simulated, so that its true connectivity A is known. Its activity alone gives an "
    "estimate R: how well the activity of one neuron goes with that of another neuron one step before. Below, A and "
    "R stand side by side while the network grows, gets denser, or is seen through groups of neurons. Numbers and "
    "random streams are those of Neuromatch Academy, W3D5 (Network Causality), Tutorial 2. In every matrix, a column "
    "is where a connection comes from, and a row where it goes to."
)

CAPTIONS: Final = {
    "1_one_source": (
        "One neuron's outgoing connections",
        "Left: the true weights from neuron 1 to each neuron. Right: the correlations. The one real connection stands "
        "out. The others are small but not zero: with 5,000 samples, chance alone gives about 0.014 either way.",
    ),
    "2_overview": (
        "A whole network of six",
        "Arrows are positive weights, the darker the stronger, at most three to a neuron. The true edges stand "
        "out in R, in the true direction, among faint ones that are noise. A and R have colour scales of their own, "
        "because R reaches only a fraction of A.",
    ),
    "3_hundred_neurons": (
        "A hundred neurons",
        "In a larger network each single weight is smaller, and the noise of R is not: the score falls to about a "
        "third.",
    ),
    "4_size_demo": (
        "From 6 to 42 neurons",
        "A above, R below; all A share one colour range, all R another. As the network grows, its pattern sinks into "
        "the noise.",
    ),
    "4_size_curve": (
        "Score from 6 to 42 neurons",
        "The score of one network of each size: being single draws, they wobble on the way down.",
    ),
    "5_size_sweep": (
        "Score over network size, five trials each",
        "Mean and band of one standard deviation. At 5 neurons two of the five networks drew no edge at all: there is "
        "nothing to find, and their score is undefined. The open mark is the mean of the other three, and says so; a "
        "plain mean over five would lose the point without a word.",
    ),
    "6_sparsity_demo": (
        "From dense to sparse",
        "25 neurons. Where nearly all pairs are connected, weights are small and alike, and R says little; where few "
        "edges share the input of a neuron, each leaves a clear mark.",
    ),
    "6_sparsity_curve": (
        "Score over sparsity",
        "One network at each of 99 sparsities. Correlation serves sparse networks best, until hardly an edge is left.",
    ),
    "7_coarse_pair": (
        "Groups instead of neurons",
        "256 neurons averaged into 16 groups, in A as in the activity. Smoother signals do not help: averages over "
        "many weights differ little from one another, and R does not show which are larger.",
    ),
    "8_coarse_sweep": (
        "Score over coarseness",
        "128 neurons in ever larger groups, three trials. Averaging does not bring the score back; with few groups "
        "left, it depends on the network that was drawn, as the width of the band shows.",
    ),
    "9_activity": (
        "The activity itself",
        "The first 200 steps of the six neurons: mostly noise. Nothing here tells the eye who drives whom.",
    ),
    "tutorial_1_perturbation": (
        "Tutorial 1: setting neurons at random",
        "The six neurons again, each set to 0 or 1 at random in every other step. R is what setting a neuron changes "
        "of each other one step later. Nothing else makes that difference, so that R is A but for its scale.",
    ),
    "tutorial_3_lasso": (
        "Tutorial 3: fifty neurons, all sources held fixed",
        "Each neuron is regressed on all neurons one step before, through the inverse of its sigmoid, with a penalty "
        "that makes small coefficients zero. With 10,000 samples most of A comes out.",
    ),
    "tutorial_3_observed": (
        "Tutorial 3: neurons that were not recorded",
        "Only the first neurons of fifty are recorded, three networks. The fewer they are, the less is left of what "
        "the lasso gains. An open mark: in a network there is no edge among so few, and no score.",
    ),
    "tutorial_4_instruments": (
        "Tutorial 4: a random stimulus for each neuron",
        "A coin drives each neuron, and acts on the others by way of that neuron alone. What the coins explain of the "
        "neurons is free of all else, hidden neurons included; what comes after it is what they do.",
    ),
    "tutorial_4_strength": (
        "Tutorial 4: weaker stimuli",
        "Twenty neurons, three networks. The weaker the coins drive the neurons, the less they tell of them. A "
        "first-stage F below 10 is the usual warning.",
    ),
    "tutorial_4_observed": (
        "Tutorial 4: stimuli where neurons were not recorded",
        "The first neurons of forty. What instruments find does not suffer from the neurons that are missing. In this "
        "weakly coupled network correlation, which has less noise, still scores higher.",
    ),
}
"""Heading of each figure, and what to look at in it."""

TRAP: Final = (
    "The tutorial scores all pairs, those of a neuron with itself included. Where activity remembers its own past, "
    "as most recordings do, such self-correlations are high whatever the network, and drive the score. In this "
    "simulation they are low, and leaving them out changes little; on a recording, look at both. The last column asks "
    "whether R knows directions: against A with from and to swapped, the score should be about zero."
)


def write_tutorial_report(
    path: Path, sections: Mapping[str, xr.Dataset], checks: Sequence[Check], figures: Mapping[str, Any]
) -> None:
    """Write the report of a run of the tutorial."""
    off = sum(not check.agrees for check in checks)
    verdict = f"{off} of {len(checks)} numbers are off" if off else f"All {len(checks)} numbers agree"
    scored = [_trap_row(name, sections[name]) for name in ("small", "large", "coarse")]
    parts: list[page.Table | page.Figure] = [
        page.Table(
            "Numbers and references",
            f"{verdict}, within {netxr.tutorial.TOLERANCE:g}.",
            list(map(check_row, checks)),
            not off,
        ),
        *(page.Figure(*CAPTIONS.get(name, (name, "")), figure) for name, figure in figures.items()),
        page.Table("Diagonal and direction", TRAP, scored),
        page.Table("Where these numbers come from", "Versions, sizes, seeds and parameters.", _provenance(sections)),
    ]
    page.write_report(path, title=TITLE, text=INTRODUCTION, parts=parts)


def check_row(check: Check) -> dict[str, str]:
    """Return a number beside its reference, as cells of a table."""
    return {
        "section": check.section,
        "quantity": check.quantity,
        "value": number(check.value, decimals=10),
        "reference": number(check.reference, decimals=10),
        "difference": f"{check.difference:.0e}",
        "agreement": "ok" if check.agrees else "OFF",
    }


def _trap_row(name: str, section: xr.Dataset) -> dict[str, str]:
    """Return the score of a section with and without the diagonal, and against the transposed truth."""
    A, R = section[n.CONNECTIVITY], section[n.LAGGED_CORRELATION]
    swapped = A.rename({n.TARGET: n.SOURCE, n.SOURCE: n.TARGET})
    scores = {
        "all pairs": netxr.compare(A, R, diagonal=True, permutations=0),
        "without the diagonal": netxr.compare(A, R, diagonal=False, permutations=0),
        "without the diagonal, A transposed": netxr.compare(swapped, R, diagonal=False, permutations=0),
    }
    about = {"section": name, "neurons or groups": str(A.sizes[n.TARGET])}
    return about | {label: number(float(score[n.PEARSON].squeeze())) for label, score in scores.items()}


def _provenance(sections: Mapping[str, xr.Dataset]) -> list[dict[str, str]]:
    """Return versions, and sizes and settings of each section."""
    software = {package: version(package) for package in ("netxr", "numpy", "xarray", "holoviews", "bokeh")}
    software |= {"python": python_version(), "machine": platform()}
    about = {}
    for name, section in sections.items():
        sizes = [f"{dim} {size}" for dim, size in section.sizes.items()]
        settings = [f"{key} = {value}" for key, value in section.attrs.items() if not key.endswith("_version")]
        about[f"section {name}"] = "; ".join(filter(None, (", ".join(sizes), ", ".join(settings))))
    return [{"what": name, "is": value} for name, value in (software | about).items()]
