"""What figures call parameters, dims and scores: words of the reader, not names in a dataset."""

from collections.abc import Hashable
from typing import Any, Final

import numpy as np
import xarray as xr

from netxr import names as n
from netxr.plot.ticks import label_text

WORDS: Final = {
    n.N_NEURONS: "Number of neurons",
    n.N_STEPS: "Number of samples",
    n.N_GROUPS: "Number of groups",
    n.NEURONS_PER_GROUP: "Neurons per group",
    n.INHIBITORY: "Share of inhibitory neurons",
    n.OBSERVED: "Share recorded",
    n.COMMON_DRIVE: "Weight of a hidden common drive",
    n.CALCIUM: "Decay of the indicator, in samples",
    n.EVERY: "Steps between samples",
    n.COUPLING: "Largest singular value of A",
    n.BLOCK: "Window",
}
"""Of names that do not speak for themselves."""


def in_words(name: Hashable) -> str:
    """Return a name as words, the first with a capital.

    Examples
    --------
    >>> in_words("n_neurons"), in_words("spectral_radius")
    ('Number of neurons', 'Spectral radius')
    """
    text = str(name)
    words = text.replace("_", " ")
    return WORDS.get(text, words[:1].upper() + words[1:])


def axis_label(data: xr.DataArray | xr.Dataset, name: Hashable) -> str:
    """Return what an axis calls the variable or dim `name`: its long name, or its name in words."""
    attrs = data[name].attrs if name in data.coords or name in getattr(data, "data_vars", ()) else {}
    text = str(attrs.get(n.LONG_NAME, in_words(name)))
    return text if text[1:2] == " " else text[:1].upper() + text[1:]  # t is a symbol


def says(name: str, label: Any) -> str:
    """Return what one of several figures shows, in few words.

    Examples
    --------
    >>> says("sparsity", 0.5), says("n_steps", 2000), says("estimator", "lagged_correlation")
    ('sparsity = 0.5', '2,000 samples', 'lagged correlation')
    """
    text = f"{label:g}" if isinstance(label, float) else label_text(label)
    words = in_words(name)
    if name == n.ESTIMATOR:
        return text.replace("_", " ")
    counted = words.removeprefix("Number of ")
    if counted != words:
        return f"{label:,} {counted}" if isinstance(label, int | np.integer) else f"{text} {counted}"
    return f"{words[:1].lower()}{words[1:]} = {text}"
