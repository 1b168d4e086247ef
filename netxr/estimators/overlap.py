"""Which neurons and trials a truth and an estimate have both, and the pairs of neurons that enter a comparison."""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import xarray as xr

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.schema.variables import labels_of

LABELS_WRITTEN: Final = 20
"""A count of neurons or trials names this many of them."""


@dataclass(frozen=True)
class Overlap:
    """Which labels of a dim are shared, in the truth's order, where they stand on either side, and which are not."""

    shared: list[Any]
    in_truth: list[int]
    in_estimate: list[int]
    only_truth: list[Any]
    only_estimate: list[Any]


def overlap_of(
    truth: xr.DataArray, estimate: xr.DataArray, dim: str, *, arguments: tuple[str, str] = ("truth", "estimate")
) -> Overlap:
    """Find the labels of `dim` that both sides have."""
    ours, theirs = labels_of(truth, dim).tolist(), labels_of(estimate, dim).tolist()
    bare = [name for name, data in zip(arguments, (truth, estimate), strict=True) if dim not in data.coords]
    if bare and ours != theirs:
        raise InvalidInput(
            bare[-1],
            got=f"{dim} without labels",
            expected=f"labels, unless both sides are 0, 1, 2, ... ({len(ours)} and {len(theirs)} entries)",
            fix=f"Label it with .assign_coords({dim}=...), so that no entry is taken for another.",
        )
    place = {label: k for k, label in enumerate(theirs)}
    known = set(ours)
    shared = [label for label in ours if label in place]
    if not shared:
        raise InvalidInput(
            arguments[1],
            got=f"labels along {dim} such as {_example(theirs)}",
            expected=f"labels that {arguments[0]} has too, such as {_example(ours)}",
            fix=f"Give both the same labels, of the same type, with .assign_coords({dim}=...).",
        )
    return Overlap(
        shared=shared,
        in_truth=[k for k, label in enumerate(ours) if label in place],
        in_estimate=[place[label] for label in shared],
        only_truth=[label for label in ours if label not in place],
        only_estimate=[label for label in theirs if label not in known],
    )


def _example(labels: list[Any]) -> str:
    """Show the first label and its type."""
    return f"{labels[0]!r} ({type(labels[0]).__name__})"


def taken(data: xr.DataArray, positions: dict[str, list[int]]) -> xr.DataArray:
    """Take entries by position, in that order; data that is so already is not copied."""
    return data.isel({dim: at for dim, at in positions.items() if at != list(range(data.sizes[dim]))})


def shared_entries(
    truth: xr.DataArray, estimate: xr.DataArray, *, arguments: tuple[str, str]
) -> tuple[xr.DataArray, xr.DataArray, dict[str, Overlap]]:
    """Return two connectivities on the neurons that both have, labelled as the truth, and their overlaps by dim.

    Raises InvalidInput if the two share no label, or one has no labels and another size; `arguments` is what the caller
    calls the two.

    Examples
    --------
    >>> import netxr
    >>> A = netxr.as_connectivity([[0, 1], [2, 0]], rows="target", neurons=["a", "b"])
    >>> _, R, _ = shared_entries(A, A[::-1], arguments=("A", "R"))
    >>> R.values.tolist()
    [[0, 1], [2, 0]]
    """
    overlaps = {dim: overlap_of(truth, estimate, dim, arguments=arguments) for dim in (n.TARGET, n.SOURCE)}
    truth = taken(truth, {dim: overlap.in_truth for dim, overlap in overlaps.items()})
    estimate = taken(estimate, {dim: overlap.in_estimate for dim, overlap in overlaps.items()}).transpose(*truth.dims)
    return truth, truth.copy(data=estimate.data).assign_attrs(estimate.attrs).rename(estimate.name), overlaps


def left_out(overlaps: dict[str, Overlap]) -> str:
    """Say how many neurons are in one of two matrices only; nothing where there are none."""
    targets, sources = (len(overlaps[dim].only_truth + overlaps[dim].only_estimate) for dim in (n.TARGET, n.SOURCE))
    counts = {"neuron": targets} if targets == sources else {"target": targets, "source": sources}
    words = " and ".join(f"{count} {name}{'s' * (count > 1)}" for name, count in counts.items() if count)
    return f"{words} left out, in one of the two only" if words else ""


class Pairs(NamedTuple):
    """Weights in truth and estimate of the same pairs of neurons, (pair,), and what is left out.

    Attributes
    ----------
    truth, estimate : array of float64
        The weights.
    n_undefined : int
        How many more pairs are NaN or infinite on either side.
    left_out : str
        A sentence on the neurons that only one of the two has, if there are any.
    """

    truth: npt.NDArray[np.float64]
    estimate: npt.NDArray[np.float64]
    n_undefined: int
    left_out: str


def shared_pairs(
    truth: xr.DataArray, estimate: xr.DataArray, *, diagonal: bool | None, arguments: tuple[str, str]
) -> Pairs:
    """Return the weights that `netxr.compare` scores, row by row of the truth, without those that are NaN or infinite.

    Raises InvalidInput if the two share no label, or `diagonal` (whether self-connections count) is no flag.

    Examples
    --------
    >>> import netxr
    >>> A = netxr.as_connectivity([[0, 1], [2, 0]], rows="target", neurons=["a", "b"])
    >>> pairs = shared_pairs(A, A[::-1], diagonal=False, arguments=("A", "R"))
    >>> pairs.truth.tolist(), pairs.estimate.tolist(), pairs.n_undefined
    ([1.0, 2.0], [1.0, 2.0], 0)
    """
    check_diagonal(diagonal)
    *both, overlaps = shared_entries(truth, estimate, arguments=arguments)
    A, R = (matrix.transpose(n.TARGET, n.SOURCE).values for matrix in both)
    targets, sources = (np.array(overlaps[dim].in_truth) for dim in (n.TARGET, n.SOURCE))
    pairs, defined = entering(A, R, targets, sources, diagonal=bool(diagonal))
    n_defined = int(defined.sum())
    n_undefined = int(pairs.sum()) - n_defined
    return Pairs(A[defined].astype(np.float64), R[defined].astype(np.float64), n_undefined, left_out(overlaps))


def check_diagonal(diagonal: object) -> None:
    """Raise if it is not said whether the diagonal enters."""
    if not isinstance(diagonal, bool | np.bool_):
        fix = "Neurons that change slowly correlate with their own past, whatever the network: False leaves that out."
        got = "none" if diagonal is None else repr(diagonal)
        raise InvalidInput("diagonal", got=got, expected="True or False: whether self-connections enter", fix=fix)


def entering(
    truth: npt.NDArray[Any],
    estimate: npt.NDArray[Any],
    targets: npt.NDArray[np.intp],
    sources: npt.NDArray[np.intp],
    *,
    diagonal: bool,
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Return which pairs of neurons are asked for, and which of them are defined on both sides."""
    pairs = (targets[:, None] != sources) | diagonal
    return pairs, pairs & np.isfinite(truth) & np.isfinite(estimate)


def report_of(overlaps: dict[str, Overlap]) -> dict[Hashable, Any]:
    """Say which neurons and trials both sides have, and which only one of them."""
    to, from_ = overlaps[n.TARGET], overlaps[n.SOURCE]
    # An estimate of a few sources has the other neurons as targets only: either axis makes a neuron shared.
    shared = dict.fromkeys(to.shared + from_.shared)
    only_truth = [label for label in to.only_truth if label not in shared]
    report: dict[Hashable, Any] = {
        n.N_NEURONS_SHARED: _count(shared, "neurons in both"),
        n.N_NEURONS_ONLY_TRUTH: _count(only_truth, "neurons in the truth only"),
        n.N_NEURONS_ONLY_ESTIMATE: _count(
            dict.fromkeys(to.only_estimate + from_.only_estimate), "neurons in the estimate only"
        ),
    }
    if n.TRIAL in overlaps:
        report |= {
            n.N_TRIALS_SHARED: _count(overlaps[n.TRIAL].shared, "trials in both"),
            n.N_TRIALS_ONLY_TRUTH: _count(overlaps[n.TRIAL].only_truth, "trials in the truth only"),
            n.N_TRIALS_ONLY_ESTIMATE: _count(overlaps[n.TRIAL].only_estimate, "trials in the estimate only"),
        }
    return report


def _count(labels: Iterable[Any], long_name: str) -> xr.DataArray:
    """Return how many labels there are, the first of them written out in an attribute."""
    written = [str(label) for label in labels]
    attrs = {n.LONG_NAME: long_name} | ({n.LABELS: written[:LABELS_WRITTEN]} if written else {})
    return xr.DataArray(np.int64(len(written)), attrs=attrs)
