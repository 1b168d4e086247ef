"""How alike are the true connectivity and an estimate of it: scores over the neurons that both have."""

import warnings
from collections.abc import Callable, Hashable, Sequence
from functools import partial
from typing import Any, Final
from uuid import uuid4

import numpy as np
import numpy.typing as npt
import xarray as xr

from netxr import names as n
from netxr.blocks.progress import Part, report
from netxr.errors import InvalidInput
from netxr.estimators.overlap import check_diagonal, entering, overlap_of, report_of, taken
from netxr.estimators.symmetry import ABOUT as ABOUT_SYMMETRY
from netxr.estimators.symmetry import symmetry_of
from netxr.estimators.table import estimators_of
from netxr.kernels import scores
from netxr.schema.arguments import is_whole, said
from netxr.schema.provenance import provenance
from netxr.schema.variables import CONNECTIVITY_SPEC, check_connectivity, check_variable

REPORTED: Final = 50
"""Permutations between two reports of progress."""

MOST_PERMUTATIONS: Final = 10**7
"""More would take days, and change no decision."""

CONSTANT: Final = "truth or estimate is the same for all pairs"
ONE_CLASS: Final = "all pairs or no pair have an edge"
GAPS: Final = "targets and sources are not the same neurons, or single pairs are undefined"
ABOUT_SCORES: Final = {
    n.PEARSON: ("Pearson correlation", CONSTANT, "Pearson 1895, doi:10.1098/rspl.1895.0041"),
    n.SPEARMAN: ("Spearman rank correlation", CONSTANT, "Spearman 1904, doi:10.2307/1412159"),
    n.KAPPA: ("Cohen's kappa, median split", ONE_CLASS, "Cohen 1960, doi:10.1177/001316446002000104"),
    n.ROC_AUC: ("ROC AUC", ONE_CLASS, "Hanley & McNeil 1982, doi:10.1148/radiology.143.1.7063747"),
    n.AVERAGE_PRECISION: ("average precision", ONE_CLASS, "Davis & Goadrich 2006, doi:10.1145/1143844.1143874"),
    n.MANTEL: ("Mantel correlation", f"{CONSTANT}; {GAPS}", "Mantel 1967, Cancer Res. 27:209-220"),
    n.MANTEL_P: (
        "p-value of the Mantel correlation",
        f"{CONSTANT}; {GAPS}; permutations = 0",
        "Hubert & Schultz 1976, doi:10.1111/j.2044-8317.1976.tb00714.x",
    ),
    n.RV: (
        "RV coefficient",
        f"every column of truth or of estimate is constant; {GAPS}",
        "Robert & Escoufier 1976, doi:10.2307/2347233",
    ),
}
SCORE_ATTRS: Final = {
    name: {n.LONG_NAME: long_name, n.UNDEFINED_WHERE: undefined, n.REFERENCE: reference}
    for name, (long_name, undefined, reference) in ABOUT_SCORES.items()
}
NO_SIGN: Final = "no pair, or all, have an edge of this sign"
NO_MINUS: Final = f"{NO_SIGN}; the estimator tells no sign"
ABOUT_FURTHER: Final = {
    n.PEARSON_TRANSPOSED: ("Pearson correlation with the transposed truth", f"{CONSTANT}; targets are not the sources"),
    n.SLOPE: ("slope of the estimate over the weight", "all weights are the same"),
    n.RMSE: ("root mean squared difference", "no pair is defined"),
    n.MEAN_WITHOUT_EDGE: ("mean estimate without an edge", "all pairs have an edge"),
    n.ROC_AUC_EXCITATORY: ("ROC AUC of excitatory edges", NO_SIGN),
    n.ROC_AUC_INHIBITORY: ("ROC AUC of inhibitory edges", NO_MINUS),
    n.THRESHOLD: ("estimate that as many pairs reach as there are edges", ONE_CLASS),
    n.MCC: ("Matthews' correlation above the threshold", ONE_CLASS),
    n.F1: ("F1 above the threshold", ONE_CLASS),
}
FURTHER_ATTRS: Final = {
    name: {n.LONG_NAME: long_name, n.UNDEFINED_WHERE: undefined}
    for name, (long_name, undefined) in ABOUT_FURTHER.items()
}
COUNT_ATTRS: Final = {
    n.N_PAIRS: {n.LONG_NAME: "pairs of neurons compared"},
    n.N_UNDEFINED: {n.LONG_NAME: "pairs of neurons left out as undefined"},
}
ABOUT: Final = SCORE_ATTRS | FURTHER_ATTRS | {n.SYMMETRY: ABOUT_SYMMETRY} | COUNT_ATTRS
"""Attributes of all that `compare` finds of two matrices."""


def compare(
    truth: xr.DataArray, estimate: xr.DataArray, *, diagonal: bool | None = None, permutations: int = 999, seed: int = 0
) -> xr.Dataset:
    """Score how alike the true connectivity and an estimate of it are.

    Both are aligned by the labels of their neurons (and trials, where both have them), and compared on those that they
    share; an axis without labels is 0, 1, 2, ... Pairs that are NaN or infinite on either side are left out of the
    elementwise scores. For the whole-matrix scores, neurons without a single defined entry in their row or in their
    column are removed; if a gap remains, or targets and sources are not the same neurons, these scores are undefined.
    An undefined score is NaN; its attribute `undefined_where` says when that happens.

    Elementwise: `pearson`, `spearman` (average ranks), `kappa` (an edge is there; the estimate is above its median),
    `roc_auc` and `average_precision` (of the estimate, for the presence of an edge). An edge is a weight other than 0.
    Where the truth has weights of both signs, these three go by the magnitude of the estimate.

    Bias and noise: `slope` of the estimate over the weight, `rmse`, and `mean_without_edge` tell how far the estimate
    is from the weights, in whatever units it has; `pearson_transposed` is the score of the truth with targets and
    sources swapped, so that direction shows. Edges: `mcc` (Matthews 1975, doi:10.1016/0005-2795(75)90109-9) and `f1` of
    the pairs that reach `threshold`, which as many reach as there are edges; by magnitude as above. Signs:
    `roc_auc_excitatory` is the chance that an excitatory edge is estimated above any other pair, `roc_auc_inhibitory`
    that an inhibitory one is below.

    Whole-matrix: `mantel` is the correlation of the entries and `mantel_p` the chance of one at least as high when the
    neurons of one side are permuted at random, (1 + times reached) / (1 + permutations). Rows and columns move
    together, so both matrices may be asymmetric [1]_ and diagonal entries stay diagonal. `rv` is
    ``|A'R|^2 / (|A'A| |R'R|)`` of the column-centred matrices, with |.| the Frobenius norm. Without the diagonal,
    `mantel` takes the other entries only, and `rv` sets both diagonals to 0.

    `symmetry` is how alike the estimate and its own transpose are, whatever the truth: see `netxr.symmetry`.

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
        Random permutations of the neurons for `mantel_p`; 0 leaves it undefined and saves nearly all of the time.
    seed : int
        Seed of the permutations, which are the same for every matrix of the estimate.

    Returns
    -------
    Dataset
        One float64 variable a score over the dims that are left, `symmetry`, and the counts `n_pairs`, `n_undefined`,
        `n_neurons_shared`, `n_neurons_only_truth`, `n_neurons_only_estimate` (and the same of trials, where aligned).
        Lazy if truth or estimate is. `netxr.progress` reports the permutations that are done.

    Raises
    ------
    InvalidInput
        If truth or estimate is no connectivity, they share no label, or a setting cannot be used.

    Warns
    -----
    UserWarning
        If samples were appended to a run after the estimate in it was made.

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
    if isinstance(estimate, xr.DataArray) and n.SOURCE not in estimate.dims and n.SOURCE in estimate.coords:
        estimate = estimate.expand_dims(n.SOURCE, -1)  # of a single source, whose label is a scalar
    check_variable(estimate, CONNECTIVITY_SPEC, argument="estimate", extra_dims=getattr(estimate, "dims", ()))
    if n.OUTDATED in estimate.attrs:
        text = f"The estimate is outdated: {estimate.attrs[n.OUTDATED]}. Fix: make it anew, of all samples."
        warnings.warn(text, UserWarning, stacklevel=2)
    aligned = [n.TARGET, n.SOURCE] + [n.TRIAL] * (n.TRIAL in truth.dims and n.TRIAL in estimate.dims)
    overlaps = {dim: overlap_of(truth, estimate, dim) for dim in aligned}
    A = _unlabelled(taken(truth, {dim: overlap.in_truth for dim, overlap in overlaps.items()}))
    R = _unlabelled(taken(estimate, {dim: overlap.in_estimate for dim, overlap in overlaps.items()}))
    settings = {n.DIAGONAL: bool(diagonal), n.PERMUTATIONS: int(permutations), n.SEED: int(seed)}
    n_matrices = R.size // max(1, R.sizes[n.TARGET] * R.sizes[n.SOURCE])
    score = partial(
        score_pair,
        names=list(ABOUT),
        targets=np.array(overlaps[n.TARGET].in_truth),
        sources=np.array(overlaps[n.SOURCE].in_truth),
        diagonal=bool(diagonal),
        permutations=int(permutations),
        seed=int(seed),
        part=Part(uuid4().hex, "", int(permutations) * n_matrices),
    )
    scored = xr.Dataset(_over_matrices(score, A, R) | report_of(overlaps), attrs=provenance(**settings))
    scored[n.ROC_AUC_INHIBITORY] = _of_signed(scored[n.ROC_AUC_INHIBITORY], estimate)
    for name in SCORE_ATTRS:  # a score that is taken out of the dataset still says what it is about
        scored[name].attrs[n.DIAGONAL] = bool(diagonal)
    return scored


def _of_signed(score: xr.DataArray, estimate: xr.DataArray) -> xr.DataArray:
    """Return a score that goes by signs, undefined where an estimator tells none."""
    unsigned = [entry.name for entry in estimators_of(estimate) if not entry.signed]
    if not unsigned:
        return score
    tells = ~score[n.ESTIMATOR].isin(unsigned) if n.ESTIMATOR in score.dims else False
    return score.where(tells)


def _unlabelled(data: xr.DataArray) -> xr.DataArray:
    """Return data whose neurons are known by position alone."""
    return data.drop_vars([name for name, labels in data.coords.items() if {n.TARGET, n.SOURCE} & set(labels.dims)])


def _check_settings(diagonal: object, permutations: Any, seed: Any) -> None:
    """Raise if a setting is of the wrong kind."""
    check_diagonal(diagonal)
    for name, value in ((n.PERMUTATIONS, permutations), (n.SEED, seed)):
        if not is_whole(value) or value < 0:
            raise InvalidInput(name, got=said(value), expected="a whole number, 0 or above")
    if permutations > MOST_PERMUTATIONS:
        raise InvalidInput(n.PERMUTATIONS, got=said(permutations), expected=f"at most {MOST_PERMUTATIONS:,}")


def _over_matrices(
    score: partial[tuple[float, ...]], truth: xr.DataArray, estimate: xr.DataArray
) -> dict[Hashable, Any]:
    """Score every matrix of the estimate, one variable a score, over the estimate's further dims first."""
    results = xr.apply_ufunc(
        score,
        truth,
        estimate,
        input_core_dims=[[n.TARGET, n.SOURCE]] * 2,
        output_core_dims=[[]] * len(ABOUT),
        vectorize=True,
        dask="parallelized",
        output_dtypes=[np.float64] * (len(ABOUT) - len(COUNT_ATTRS)) + [np.int64] * len(COUNT_ATTRS),
        dask_gufunc_kwargs={"allow_rechunk": True},
        keep_attrs="override",
    )
    order = [dim for dim in estimate.dims if dim not in (n.TARGET, n.SOURCE)]
    variables: dict[Hashable, Any] = {}
    for name, result in zip(ABOUT, results, strict=True):
        variables[name] = result.transpose(*order, ...)
        variables[name].attrs = dict(ABOUT[name])
    return variables


def score_pair(
    truth: npt.NDArray[Any],
    estimate: npt.NDArray[Any],
    *,
    names: Sequence[str],
    targets: npt.NDArray[np.intp],
    sources: npt.NDArray[np.intp],
    diagonal: bool,
    permutations: int,
    seed: int,
    part: Part,
) -> tuple[float, ...]:
    """Return scores of one matrix against another, those that are named, in their order.

    `targets` and `sources` number the neurons of rows and columns: the same number is the same neuron. `part` says to
    which run the permutations belong whose progress is reported.
    """
    A, R = truth.astype(np.float64), estimate.astype(np.float64)
    pairs, defined = entering(A, R, targets, sources, diagonal=diagonal)
    a, r = A[defined], R[defined]
    same_neurons = np.array_equal(targets, sources)
    whole = scores.whole_neurons(defined, pairs) if same_neurons else targets[:0]
    kept = np.ix_(whole, whole)
    # Gaps are gone from what is kept, so only a diagonal that does not enter is set to 0 here.
    A_whole, R_whole = both = [np.where(defined[kept], matrix[kept], 0.0) for matrix in (A, R)]
    notify = partial(_report, part._replace(name=uuid4().hex), permutations)
    settings: dict[str, Any] = {"diagonal": diagonal, "permutations": permutations, "seed": seed, "notify": notify}
    size = scores.strength(a, r)
    swapped = same_neurons and np.isfinite(A.T[defined]).all()
    each: dict[str, Callable[[], float]] = {
        n.PEARSON: lambda: scores.pearson(a, r),
        n.SPEARMAN: lambda: scores.spearman(a, r),
        n.KAPPA: lambda: scores.kappa(a, size),
        n.ROC_AUC: lambda: scores.roc_auc(a, size),
        n.AVERAGE_PRECISION: lambda: scores.average_precision(a, size),
        n.RV: lambda: scores.rv(A_whole, R_whole),
        n.PEARSON_TRANSPOSED: lambda: scores.pearson(A.T[defined], r) if swapped else np.nan,
        n.SLOPE: lambda: scores.slope(a, r),
        n.RMSE: lambda: scores.rmse(a, r),
        n.MEAN_WITHOUT_EDGE: lambda: scores.mean_without_edge(a, r),
        n.ROC_AUC_EXCITATORY: lambda: scores.edge_roc_auc(a > 0, r),
        n.ROC_AUC_INHIBITORY: lambda: scores.edge_roc_auc(a < 0, -r),
        n.SYMMETRY: lambda: symmetry_of(R) if same_neurons else np.nan,
        n.N_PAIRS: lambda: a.size,
        n.N_UNDEFINED: lambda: int(pairs.sum()) - a.size,
    }
    together: dict[tuple[str, ...], Callable[[], tuple[float, ...]]] = {
        (n.MANTEL, n.MANTEL_P): lambda: scores.mantel(*both, **settings),
        (n.THRESHOLD, n.MCC, n.F1): lambda: scores.edges_called(a, size),
    }
    found = {name: score() for name, score in each.items() if name in names}
    for some, score in together.items():
        found |= zip(some, score(), strict=True) if set(some) & set(names) else ()
    return tuple(found[name] for name in names)


def _report(part: Part, permutations: int, done: int) -> None:
    """Report the permutations that are done, now and then."""
    if done % REPORTED == 0 or done == permutations:
        report(part, done)
