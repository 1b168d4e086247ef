"""The ROC and the precision-recall curve, with their areas: how well a threshold on the estimate finds the edges."""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from netxr.kernels.scores import area_under_roc, found_above, mean_precision

MOST_POINTS: Final = 1000
"""Most points of a curve: a panel has fewer pixels."""

Floats = NDArray[np.float64]


class Detection(NamedTuple):
    """What is found as the threshold falls. Equal estimates pass it together."""

    false_positives: Floats
    true_positives: Floats
    """Share of the pairs without an edge, and of the edges, above the threshold: from 0 to 1, joined by lines."""
    recall: Floats
    precision: Floats
    """Share of the edges that are found, ascending, and of edges among what is above the threshold: each precision
    holds from the recall before it up to its own.
    """
    roc_auc: float
    average_precision: float
    """Areas under the two, of all points, however few of them are kept."""


def detection(edge: NDArray[np.bool_], estimate: Floats) -> Detection:
    """Return both curves and their areas (Fawcett 2006, doi:10.1016/j.patrec.2005.10.010).

    A curve has about 1,000 points at most. Of some pairs (pair,) there is an edge, of others not; estimates are finite.

    Examples
    --------
    >>> found = detection(np.array([True, False, True]), np.array([0.9, 0.5, 0.1]))
    >>> found.true_positives.tolist(), found.false_positives.tolist(), found.roc_auc
    ([0.0, 0.5, 0.5, 1.0], [0.0, 0.0, 1.0, 1.0], 0.5)
    """
    found, above = found_above(edge, estimate)
    tpr, fpr = found / found[-1], (above - found) / (above[-1] - found[-1])
    rising = np.diff(found, prepend=0) > 0
    recall, precision = tpr[rising], (found / above)[rising]
    tpr, fpr = np.append(0.0, tpr), np.append(0.0, fpr)
    roc, steps = _spread(tpr + fpr), _spread(recall)
    return Detection(
        false_positives=fpr[roc],
        true_positives=tpr[roc],
        recall=recall[steps],
        precision=precision[steps],
        roc_auc=area_under_roc(found, above),
        average_precision=mean_precision(found, above),
    )


def _spread(ascending: Floats) -> NDArray[Any]:
    """Return which points to keep: evenly spread ones and both ends, or all where they are few."""
    if len(ascending) <= MOST_POINTS:
        return np.arange(len(ascending))
    wanted = np.linspace(ascending[0], ascending[-1], MOST_POINTS)
    return np.union1d(np.searchsorted(ascending, wanted), len(ascending) - 1)
