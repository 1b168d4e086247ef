"""How alike are the true connectivity and an estimate of it: scores over the neurons that both have."""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import xarray as xr

from netxr import names
from netxr.errors import InvalidInput
from netxr.kernels import scores
from netxr.names import LONG_NAME, SOURCE, TARGET, TRIAL
from netxr.provenance import provenance
from netxr.schema import CONNECTIVITY_SPEC, check_connectivity, check_variable, labels_of

CONSTANT: Final = "truth or estimate is the same for all pairs"
ONE_CLASS: Final = "all pairs or no pair have an edge"
GAPS: Final = "targets and sources are not the same neurons, or single pairs are undefined"
ABOUT_SCORES: Final = {
    names.PEARSON: ("Pearson correlation", CONSTANT, "Pearson 1895, doi:10.1098/rspl.1895.0041"),
    names.SPEARMAN: ("Spearman rank correlation", CONSTANT, "Spearman 1904, doi:10.2307/1412159"),
    names.KAPPA: ("Cohen's kappa, median split", ONE_CLASS, "Cohen 1960, doi:10.1177/001316446002000104"),
    names.ROC_AUC: ("ROC AUC", ONE_CLASS, "Hanley & McNeil 1982, doi:10.1148/radiology.143.1.7063747"),
    names.AVERAGE_PRECISION: ("average precision", ONE_CLASS, "Davis & Goadrich 2006, doi:10.1145/1143844.1143874"),
    names.MANTEL: ("Mantel correlation", f"{CONSTANT}; {GAPS}", "Mantel 1967, Cancer Res. 27:209-220"),
    names.MANTEL_P: (
        "p-value of the Mantel correlation",
        f"{CONSTANT}; {GAPS}; permutations = 0",
        "Hubert & Schultz 1976, doi:10.1111/j.2044-8317.1976.tb00714.x",
    ),
    names.RV: (
        "RV coefficient",
        f"every column of truth or of estimate is constant; {GAPS}",
        "Robert & Escoufier 1976, doi:10.2307/2347233",
    ),
}
SCORE_ATTRS: Final = {
    name: {LONG_NAME: long_name, names.UNDEFINED_WHERE: undefined, names.REFERENCE: reference}
    for name, (long_name, undefined, reference) in ABOUT_SCORES.items()
}
COUNT_ATTRS: Final = {
    names.N_PAIRS: {LONG_NAME: "pairs of neurons compared"},
    names.N_UNDEFINED: {LONG_NAME: "pairs of neurons left out as undefined"},
}
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


def compare(
    truth: xr.DataArray, estimate: xr.DataArray, *, diagonal: bool, permutations: int = 999, seed: int = 0
) -> xr.Dataset:
    """Score how alike the true connectivity and an estimate of it are.

    Both are aligned by the labels of their neurons (and trials, where both have them), and compared on those that they
    share; an axis without labels is 0, 1, 2, ... Pairs that are NaN or infinite on either side are left out of the
    elementwise scores. For the whole-matrix scores, neurons without a single defined entry in their row or in their
    column are removed; if a gap remains, or targets and sources are not the same neurons, these scores are undefined.
    An undefined score is NaN; its attribute `undefined_where` says when that happens.

    Elementwise: `pearson`, `spearman` (average ranks), `kappa` (an edge is there; the estimate is above its median),
    `roc_auc` and `average_precision` (of the estimate, for the presence of an edge). An edge is a weight other than 0.
    The estimate is compared as it is, with its sign: for networks with inhibition, pass ``abs(estimate)`` where
    `roc_auc`, `average_precision` and `kappa` should go by magnitude.

    Whole-matrix: `mantel` is the correlation of the entries and `mantel_p` the chance of one at least as high when the
    neurons of one side are relabelled at random, (1 + times reached) / (1 + permutations). Rows and columns move
    together, so both matrices may be asymmetric [1]_ and diagonal entries stay diagonal. `rv` is
    ``|A'R|^2 / (|A'A| |R'R|)`` of the column-centred matrices, with |.| the Frobenius norm. Without the diagonal,
    `mantel` takes the other entries only, and `rv` sets both diagonals to 0.

    Parameters
    ----------
    truth : DataArray
        True connectivity (target, source[, trial]), in any order of dims; NumPy or dask.
    estimate : DataArray
        Estimated connectivity (target, source), with any further dims (lag, trial, ...); NumPy or dask.
    diagonal : bool
        Whether self-connections (target and source the same neuron) enter. In autocorrelated activity they are high
        whatever the network and drive the scores: there is no default.
    permutations : int
        Relabellings behind `mantel_p`; 0 leaves it undefined and saves nearly all of the time.
    seed : int
        Seed of the relabellings, which are the same for every matrix of the estimate.

    Returns
    -------
    Dataset
        One float64 variable a score over the dims that are left, and the counts `n_pairs`, `n_undefined`,
        `n_neurons_shared`, `n_neurons_only_truth`, `n_neurons_only_estimate` (and the same of trials, where aligned).
        Lazy if truth or estimate is.

    Raises
    ------
    InvalidInput
        If truth or estimate is no connectivity, they share no label, or a setting cannot be used.

    References
    ----------
    .. [1] Krackhardt 1988, Predicting with networks, doi:10.1016/0378-8733(88)90004-4. The sources of all scores are in
       the attributes of their variables.

    Examples
    --------
    >>> import netxr
    >>> A = netxr.as_connectivity([[0, 1, 0], [0, 0, 1], [0, 0, 0]], rows="target")
    >>> R = netxr.as_connectivity([[1, 0.4, 0], [0.1, 1, 0.3], [0, 0.2, 1]], rows="target")
    >>> s = netxr.compare(A, R, diagonal=False)
    >>> s.n_pairs.item(), s.roc_auc.item(), round(s.pearson.item(), 3)
    (6, 1.0, 0.87)
    """
    _check_settings(diagonal, permutations, seed)
    check_connectivity(truth, argument="truth")
    if isinstance(estimate, xr.DataArray) and SOURCE not in estimate.dims and SOURCE in estimate.coords:
        estimate = estimate.expand_dims(SOURCE, -1)  # of a single source, whose label is a scalar
    check_variable(estimate, CONNECTIVITY_SPEC, argument="estimate", extra_dims=getattr(estimate, "dims", ()))
    aligned = [TARGET, SOURCE] + [TRIAL] * (TRIAL in truth.dims and TRIAL in estimate.dims)
    overlaps = {dim: _overlap(truth, estimate, dim) for dim in aligned}
    A = _take(truth, {dim: overlap.in_truth for dim, overlap in overlaps.items()})
    R = _take(estimate, {dim: overlap.in_estimate for dim, overlap in overlaps.items()})
    settings = {names.DIAGONAL: bool(diagonal), names.PERMUTATIONS: int(permutations), names.SEED: int(seed)}
    score = partial(
        _score_pair,
        targets=np.array(overlaps[TARGET].in_truth),
        sources=np.array(overlaps[SOURCE].in_truth),
        diagonal=bool(diagonal),
        permutations=int(permutations),
        seed=int(seed),
    )
    scored = xr.Dataset(_over_matrices(score, A, R) | _report(overlaps), attrs=provenance(**settings))
    for name in SCORE_ATTRS:  # a score that is taken out of the dataset still says what it is about
        scored[name].attrs[names.DIAGONAL] = bool(diagonal)
    return scored


class Pairs(NamedTuple):
    """Weights in truth and estimate of the same pairs of neurons, (pair,), and how many more are undefined."""

    truth: npt.NDArray[np.float64]
    estimate: npt.NDArray[np.float64]
    n_undefined: int


def shared_pairs(truth: xr.DataArray, estimate: xr.DataArray, *, diagonal: bool, arguments: tuple[str, str]) -> Pairs:
    """Return the weights that `compare` scores elementwise, of one matrix in memory each.

    Parameters
    ----------
    truth, estimate : DataArray
        Valid connectivities, (target, source).
    diagonal : bool
        Whether self-connections enter.
    arguments : tuple of str
        What the caller calls the two, for messages.

    Returns
    -------
    Pairs
        Row by row in the order of the truth; without the pairs that are NaN or infinite on either side.

    Raises
    ------
    InvalidInput
        If the two share no label, or `diagonal` is no flag.

    Examples
    --------
    >>> import netxr
    >>> A = netxr.as_connectivity([[0, 1], [2, 0]], rows="target", neurons=["a", "b"])
    >>> pairs = shared_pairs(A, A[::-1], diagonal=False, arguments=("A", "R"))
    >>> pairs.truth.tolist(), pairs.estimate.tolist(), pairs.n_undefined
    ([1.0, 2.0], [1.0, 2.0], 0)
    """
    _check_diagonal(diagonal)
    overlaps = {dim: _overlap(truth, estimate, dim, arguments=arguments) for dim in (TARGET, SOURCE)}
    taken = (
        _take(truth, {dim: overlap.in_truth for dim, overlap in overlaps.items()}),
        _take(estimate, {dim: overlap.in_estimate for dim, overlap in overlaps.items()}),
    )
    A, R = (matrix.transpose(TARGET, SOURCE).values for matrix in taken)
    targets, sources = (np.array(overlaps[dim].in_truth) for dim in (TARGET, SOURCE))
    pairs, defined = _entering(A, R, targets, sources, diagonal=diagonal)
    n_defined = int(defined.sum())
    return Pairs(A[defined].astype(np.float64), R[defined].astype(np.float64), int(pairs.sum()) - n_defined)


def _check_diagonal(diagonal: object) -> None:
    """Raise if it is not said whether the diagonal enters."""
    if not isinstance(diagonal, bool | np.bool_):
        raise InvalidInput("diagonal", got=repr(diagonal), expected="True or False: whether self-connections enter")


def _check_settings(diagonal: object, permutations: object, seed: object) -> None:
    """Raise if a setting is of the wrong kind."""
    _check_diagonal(diagonal)
    for name, value in ((names.PERMUTATIONS, permutations), (names.SEED, seed)):
        if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 0:
            raise InvalidInput(name, got=repr(value), expected="a whole number, 0 or above")


def _overlap(
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


def _take(data: xr.DataArray, positions: dict[str, list[int]]) -> xr.DataArray:
    """Take entries by position, in that order, and drop the labels of the neuron axes."""
    moved = {dim: at for dim, at in positions.items() if at != list(range(data.sizes[dim]))}
    return data.isel(moved).drop_vars([TARGET, SOURCE], errors="ignore")


def _over_matrices(
    score: partial[tuple[float, ...]], truth: xr.DataArray, estimate: xr.DataArray
) -> dict[Hashable, Any]:
    """Score every matrix of the estimate, one variable a score, over the estimate's further dims first."""
    attrs = SCORE_ATTRS | COUNT_ATTRS
    results = xr.apply_ufunc(
        score,
        truth,
        estimate,
        input_core_dims=[[TARGET, SOURCE]] * 2,
        output_core_dims=[[]] * len(attrs),
        vectorize=True,
        dask="parallelized",
        output_dtypes=[np.float64] * len(SCORE_ATTRS) + [np.int64] * len(COUNT_ATTRS),
        dask_gufunc_kwargs={"allow_rechunk": True},
        keep_attrs="override",
    )
    order = [dim for dim in estimate.dims if dim not in (TARGET, SOURCE)]
    variables: dict[Hashable, Any] = {}
    for name, result in zip(attrs, results, strict=True):
        variables[name] = result.transpose(*order, ...)
        variables[name].attrs = dict(attrs[name])
    return variables


def _score_pair(
    truth: npt.NDArray[Any],
    estimate: npt.NDArray[Any],
    *,
    targets: npt.NDArray[np.intp],
    sources: npt.NDArray[np.intp],
    diagonal: bool,
    permutations: int,
    seed: int,
) -> tuple[float, ...]:
    """Score one matrix against another, in the order of SCORE_ATTRS and COUNT_ATTRS.

    `targets` and `sources` number the neurons of rows and columns: the same number is the same neuron.
    """
    A, R = truth.astype(np.float64), estimate.astype(np.float64)
    pairs, defined = _entering(A, R, targets, sources, diagonal=diagonal)
    a, r = A[defined], R[defined]
    whole = scores.whole_neurons(defined, pairs) if np.array_equal(targets, sources) else targets[:0]
    kept = np.ix_(whole, whole)
    # Gaps are gone from what is kept, so only a diagonal that does not enter is set to 0 here.
    A_whole, R_whole = (np.where(defined[kept], matrix[kept], 0.0) for matrix in (A, R))
    mantel, mantel_p = scores.mantel(A_whole, R_whole, diagonal=diagonal, permutations=permutations, seed=seed)
    by_name = {
        names.PEARSON: scores.pearson(a, r),
        names.SPEARMAN: scores.spearman(a, r),
        names.KAPPA: scores.kappa(a, r),
        names.ROC_AUC: scores.roc_auc(a, r),
        names.AVERAGE_PRECISION: scores.average_precision(a, r),
        names.MANTEL: mantel,
        names.MANTEL_P: mantel_p,
        names.RV: scores.rv(A_whole, R_whole),
        names.N_PAIRS: a.size,
        names.N_UNDEFINED: int(pairs.sum()) - a.size,
    }
    return tuple(by_name[name] for name in SCORE_ATTRS | COUNT_ATTRS)


def _entering(
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


def _report(overlaps: dict[str, Overlap]) -> dict[Hashable, Any]:
    """Say which neurons and trials both sides have, and which only one of them."""
    to, from_ = overlaps[TARGET], overlaps[SOURCE]
    # An estimate of a few sources has the other neurons as targets only: either axis makes a neuron shared.
    shared = dict.fromkeys(to.shared + from_.shared)
    only_truth = [label for label in to.only_truth if label not in shared]
    report: dict[Hashable, Any] = {
        names.N_NEURONS_SHARED: _count(shared, "neurons in both"),
        names.N_NEURONS_ONLY_TRUTH: _count(only_truth, "neurons in the truth only"),
        names.N_NEURONS_ONLY_ESTIMATE: _count(
            dict.fromkeys(to.only_estimate + from_.only_estimate), "neurons in the estimate only"
        ),
    }
    if TRIAL in overlaps:
        report |= {
            names.N_TRIALS_SHARED: _count(overlaps[TRIAL].shared, "trials in both"),
            names.N_TRIALS_ONLY_TRUTH: _count(overlaps[TRIAL].only_truth, "trials in the truth only"),
            names.N_TRIALS_ONLY_ESTIMATE: _count(overlaps[TRIAL].only_estimate, "trials in the estimate only"),
        }
    return report


def _count(labels: Iterable[Any], long_name: str) -> xr.DataArray:
    """Return how many labels there are, the first of them written out in an attribute."""
    written = [str(label) for label in labels]
    attrs = {LONG_NAME: long_name} | ({names.LABELS: written[:LABELS_WRITTEN]} if written else {})
    return xr.DataArray(np.int64(len(written)), attrs=attrs)
