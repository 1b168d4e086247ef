"""The connections that are left at a false discovery rate, as a table."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, get_args

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.special import stdtrit

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.estimators.fit import call_of
from netxr.estimators.table import method_names
from netxr.kernels.significance import LINE, correlation_interval
from netxr.moments.prepare import lags_of
from netxr.schema.arguments import check_choice, check_flag, is_usual
from netxr.schema.clock import activity_of
from netxr.schema.graphs import all_neurons
from netxr.schema.variables import CONNECTIVITY_SPEC, check_variable, labels_of
from netxr.significance.correlation_test import Null, checked_autocorrelation, warn_of_slow
from netxr.significance.false_discovery import METHODS, Method, check_rate, false_discovery
from netxr.significance.rare import warn_of_rare
from netxr.significance.streamed import (
    Family,
    Walk,
    autocorrelation_to_zero,
    discovered,
    family_of,
    rows_of_activity,
    rows_of_matrix,
)

ABOUT: Final = {
    n.EFFECT: "estimate",
    n.LOWER: "lower end of the interval of 95 %",
    n.UPPER: "upper end of the interval of 95 %",
    n.P_VALUE: "p-value",
    n.Q_VALUE: "false discovery rate",
}

BY_DEFAULT: Final = {
    "lag": 1,
    "null": "autocorrelation",
    "autocorrelation": None,
    "dim": n.TIME,
    "missing": "raise",
    "memory": None,
}
"""Options of activity."""


def edges(
    data: xr.Dataset | xr.DataArray,
    *,
    q: float = 0.05,
    method: Method = "bh",
    diagonal: bool = False,
    lag: int | str = 1,
    null: str = "autocorrelation",
    autocorrelation: xr.DataArray | None = None,
    dim: str | Sequence[str] = n.TIME,
    missing: Literal["raise", "drop"] = "raise",
    memory: int | str | None = None,
) -> xr.Dataset:
    """List the connections that are found at a false discovery rate, the strongest first.

    Of activity, or of correlations on disk, no matrix is ever held, and all pairs are tested as by
    `netxr.correlation_test`: there may be more of them than memory holds. What is held is the list.

    Parameters
    ----------
    data : Dataset or DataArray
        `p_value` ([lag, ][trial, ]target, source) and the estimate that it is about, as `netxr.correlation_test`,
        `netxr.regression` and `netxr.granger` return them; computed at once where it is lazy. Or activity (neuron,
        time[, trial]), or a Dataset that holds it. Or lagged correlations of one lag that were written by
        ``netxr.lagged_correlation(..., store=)``.
    q : float
        Share of the listed pairs that may be expected not to correlate (of a regression: to have no effect), above 0
        and below 1. A pair that correlates need not be connected.
    method, diagonal
        As in `netxr.false_discovery`.
    lag : int or str
        Samples, or time such as "20ms", by which the target is read after the source; of activity.
    null : {"autocorrelation", "shift", "samples"}
        As in `netxr.correlation_test`; of activity, or but for "shift" of correlations.
    autocorrelation : DataArray, optional
        (lag, [trial, ]neuron) at lags 1, 2, ..., as `netxr.autocorrelation` makes it; correlations need it, but for
        null="samples". Of activity it is made first.
    dim : str or sequence of str
        "time" tests each trial; ("time", "trial") all of them together, whose pairs of samples are pooled; of activity.
    missing : {"raise", "drop"}
        What to do with NaN and infinity: an error, or drop the frames that hold one; of activity.
    memory : int or str, optional
        What the pass over activity may take beside the list, in bytes or as text such as "2GiB"; by default half of
        what is free.

    Returns
    -------
    Dataset
        Over `edge`: `effect` (the estimate), `lower` and `upper` where they are known, `p_value`, `q_value`, with
        `target`, `source` and, where there are any, `lag` and `trial` of each edge as coordinates.
        ``.to_dataframe()`` makes a table of it. An estimate without direction, such as a correlation at lag 0, has each
        pair both ways. Attributes: `q`; how many pairs were tested and left out; `neurons`,
        the labels of all, also of those without an edge; and `n_slow`, how many neurons change so slowly that their
        p-values are too low, where that is known.

    Raises
    ------
    InvalidInput
        If there are no p-values or no estimate beside them, or samples were appended since they were made, `q` is no
        share, or options do not go with the data; of activity or correlations, if more than ten million edges are
        found, or the budget is too small.

    Warns
    -----
    UserWarning
        If neurons change so slowly that their p-values are too low, of a test that was saved, too; or counts are of
        very rare events.

    Examples
    --------
    >>> import netxr
    >>> run = netxr.sample("rate_network")
    >>> found = edges(netxr.correlation_test(run), q=0.05)
    >>> bool((run.connectivity.sel(target=found.target, source=found.source) > 0).mean() > 0.9)
    True
    """
    check_rate(q)
    check_choice("method", method, tuple(METHODS))
    check_flag("diagonal", diagonal)
    options: dict[str, Any] = {"lag": lag, "null": null, "autocorrelation": autocorrelation}
    options |= {"dim": dim, "missing": missing, "memory": memory}
    if isinstance(data, xr.Dataset) and n.ACTIVITY not in data and n.P_VALUE not in data:
        data = data.get(n.LAGGED_CORRELATION, data)
    if isinstance(data, xr.DataArray) and n.TARGET in data.dims:
        return _of_matrix(data, q=q, method=method, diagonal=diagonal, **options)
    if isinstance(data, xr.DataArray) or (
        isinstance(data, xr.Dataset) and n.P_VALUE not in data and n.ACTIVITY in data
    ):
        return _of_activity(data, q=q, method=method, diagonal=diagonal, **options)
    _check_unsaid(options, "p-values, which had their own")
    return _of_tests(data, q=q, method=method, diagonal=diagonal)


# --- from p-values ---------------------------------------------------------------------


def _of_tests(result: Any, *, q: float, method: Method, diagonal: bool) -> xr.Dataset:
    """Return the edges among pairs that have a p-value."""
    effect = _effect_of(result)
    _check_up_to_date(result, effect)
    tested = _with_interval(result, effect).compute()
    counts = _said_of_slow(tested)
    rates = false_discovery(tested[n.P_VALUE], method=method, diagonal=diagonal)
    dims = rates.dims
    places = np.nonzero(rates.values <= q)
    order = np.argsort(-np.abs(tested[effect].transpose(*dims).values[places]), kind="stable")
    at: dict[Any, Any] = {dim: xr.DataArray(place[order], dims=n.EDGE) for dim, place in zip(dims, places, strict=True)}
    listed = tested.drop_vars(n.SLOW, errors="ignore").assign({n.Q_VALUE: rates}).rename({effect: n.EFFECT}).isel(at)
    counts |= {n.N_PAIRS: int(rates.notnull().sum()), n.N_UNDEFINED: rates.attrs[n.N_UNDEFINED]}
    own = result[effect].attrs
    about: dict[str, Any] = all_neurons(labels_of(rates, n.TARGET), labels_of(rates, n.SOURCE))
    about |= {n.MADE_BY: result[n.P_VALUE].attrs[n.MADE_BY]} if n.MADE_BY in result[n.P_VALUE].attrs else {}
    labelled = listed.assign_coords({dim: at[dim] for dim in dims if dim not in listed.coords})
    return _table(labelled, dict(result.attrs) | about | counts, q=q, method=method, effect=own.get(n.LONG_NAME))


def _said_of_slow(tested: xr.Dataset) -> dict[str, int]:
    """Return how many neurons have p-values that are too low, and warn of them; nothing where it is not known."""
    if n.SLOW not in tested:
        return {}
    slow = tested[n.SLOW].any([dim for dim in tested[n.SLOW].dims if dim != n.TARGET]).values
    warn_of_slow(slow, int(tested[n.P_VALUE].attrs[n.TEST_LAGS].rpartition(" ")[2]))
    return {n.N_SLOW: int(slow.sum())}


def _effect_of(result: Any) -> str:
    """Return the name of the estimate that p-values are about, by what is said of how both were made."""
    held: Any = result.data_vars if isinstance(result, xr.Dataset) else {}
    if n.P_VALUE in held:
        about = result[n.P_VALUE].attrs
        made_by = str(about.get(n.MADE_BY, ""))
        function = made_by.removeprefix("netxr.").partition("(")[0]
        first = n.LAGGED_CORRELATION if function == "correlation_test" else about.get(n.RESULT_OF, function)
        names = [name for name in (n.STANDARDISED, n.COEFFICIENT, *method_names()) if name in held]
        alike = [name for name in names if held[name].attrs.get(n.MADE_BY, "") == made_by]
        chosen = [name for name in (first, *alike, *names) if name in held]
        if chosen:
            return str(chosen[0])
    got = f"{list(map(str, held))}" if isinstance(result, xr.Dataset) else type(result).__name__
    fix = "Use netxr.correlation_test(activity), netxr.regression(activity) or netxr.granger(activity)."
    expected = f"a Dataset with {n.P_VALUE!r} and the estimate that it is about, or activity"
    raise InvalidInput("data", got=got, expected=expected, fix=fix)


def _check_up_to_date(result: xr.Dataset, effect: str) -> None:
    """Raise if samples were appended after the estimate or its p-values were made."""
    for name in (effect, n.P_VALUE):
        if n.OUTDATED in (about := result[name].attrs):
            of_test = result[n.P_VALUE].attrs
            function = str(of_test.get(n.MADE_BY) or of_test.get(n.RESULT_OF, "correlation_test")).partition("(")[0]
            got, expected = f"{name} {about[n.OUTDATED]}", "a test of all samples"
            fix = (
                f"Make it anew: netxr.add(netxr.{function.removeprefix('netxr.')}(run.activity), store, replace=True)."
            )
            raise InvalidInput("data", got=got, expected=expected, fix=fix)


def _with_interval(result: xr.Dataset, effect: str) -> xr.Dataset:
    """Return an estimate with its p-value, and with its interval where there is one, or a t to tell it from."""
    made_by = result[n.P_VALUE].attrs.get(n.MADE_BY)
    beside = {name for name, one in result.data_vars.items() if one.attrs.get(n.MADE_BY) == made_by}
    kept = result[[effect, *(name for name in (n.LOWER, n.UPPER, n.SLOW) if name in beside), n.P_VALUE]]
    if n.LOWER in kept or not {n.T, n.DF} <= beside:
        return kept
    quantile = xr.apply_ufunc(stdtrit, result[n.DF], 0.975, dask="parallelized", output_dtypes=[np.float64])
    reach = abs(quantile * result[effect] / result[n.T])
    return kept.assign({n.LOWER: result[effect] - reach, n.UPPER: result[effect] + reach})


# --- some rows at a time ---------------------------------------------------------------


def _of_activity(
    data: Any, *, lag: int, null: str, autocorrelation: Any, dim: Any, missing: Any, memory: Any, **rule: Any
) -> xr.Dataset:
    """Return the edges among all pairs of neurons, whose correlations are made some rows at a time."""
    activity = activity_of(data)
    _check_null(null, autocorrelation)
    check_choice("missing", missing, get_args(n.Missing))
    if missing == "pairwise":
        fix = (
            'Use "drop", or fill single samples first; or, where 20 matrices fit into memory, '
            'netxr.edges(netxr.correlation_test(activity, missing="pairwise")).'
        )
        raise InvalidInput("missing", got="'pairwise'", expected="'raise' or 'drop'", fix=fix)
    (lag,), _ = lags_of(lag, None, data)
    flat = None if autocorrelation is None else checked_autocorrelation(autocorrelation)
    options: dict[str, Any] = {"dim": dim, "missing": missing, "memory": memory}
    walk, labels, n_samples = rows_of_activity(activity, lag=lag, null=null, **options)
    warn_of_rare(activity, lag=lag, **options)
    if null == "autocorrelation" and flat is None:
        flat = autocorrelation_to_zero(activity, n_samples=n_samples[0], **options)
    return _listed(walk, labels, flat, n_samples=n_samples, null=null, **rule)


def _of_matrix(
    R: xr.DataArray, *, null: str, autocorrelation: Any, q: float, method: Method, diagonal: bool, **options: Any
) -> xr.Dataset:
    """Return the edges among pairs whose correlations are on disk."""
    check_variable(R, CONNECTIVITY_SPEC, argument="data", extra_dims=[n.LAG])
    _check_unsaid(options, "correlations, which had their own")
    _check_null(null, autocorrelation)
    if null == "shift":
        fix = "Give the activity itself."
        raise InvalidInput("null", got="'shift'", expected="another one: far lags are not there", fix=fix)
    if n.LAG in R.dims:
        got, fix = f"correlations at lags {labels_of(R, n.LAG).tolist()!r:.60}", "Take one, with .sel(lag=1)."
        raise InvalidInput("data", got=got, expected="those at one lag", fix=fix)
    made_by = str(R.attrs.get(n.MADE_BY, "")).removeprefix("netxr.").partition("(")[0]
    others = {str(R.attrs.get(n.ESTIMATOR, "")), made_by} - {"", n.LAGGED_CORRELATION}
    if others:
        fix = "Give the activity itself, or p-values, as of netxr.regression(activity) or netxr.granger(activity)."
        raise InvalidInput("data", got=f"values of {others.pop()}", expected="lagged correlations", fix=fix)
    if n.FRAMES not in R.attrs or n.LAG not in R.coords:
        fix = "Give the activity itself, with memory=, or netxr.correlation_test(activity)."
        expected = "correlations that netxr.lagged_correlation(..., store=) wrote, of all samples and trial by trial"
        raise InvalidInput("data", got="a matrix that does not say of how many samples", expected=expected, fix=fix)
    if null == "autocorrelation" and autocorrelation is None:
        fix = "Give autocorrelation=netxr.autocorrelation(activity, lags=range(1, 200))."
        expected = "it, since correlations do not tell how slowly neurons change"
        raise InvalidInput("autocorrelation", got="none", expected=expected, fix=fix)
    walk, labels = rows_of_matrix(R)
    flat = None if null == "samples" else checked_autocorrelation(autocorrelation).compute()
    n_samples = np.full((1, labels.sizes.get(n.TRIAL, 1)), int(R.attrs[n.FRAMES]) - abs(int(R[n.LAG])))
    return _listed(walk, labels, flat, n_samples=n_samples, null=null, q=q, method=method, diagonal=diagonal)


def _listed(
    walk: Walk,
    labels: xr.Dataset,
    autocorrelation: xr.DataArray | None,
    *,
    n_samples: NDArray[np.int64],
    null: str,
    q: float,
    method: Method,
    diagonal: bool,
) -> xr.Dataset:
    """Return the edges of all matrices as a table; of each, so many pairs of samples at the lag, and at far ones."""
    targets, sources = (labels_of(labels, dim) for dim in (n.TARGET, n.SOURCE))
    _check_trials(autocorrelation, labels)
    families: list[Family] = []
    slow = np.zeros(targets.size, bool)
    for k, counts_of in enumerate(n_samples.T):
        own = None if autocorrelation is None else autocorrelation.isel({n.TRIAL: k}, missing_dims="ignore")
        shares = counts_of[1:] / counts_of[0] if null == "shift" else None
        options: dict[str, Any] = {"n_samples": int(counts_of[0]), "q": q, "diagonal": diagonal, "shares": shares}
        families.append(family_of(targets, sources, own, **options))
        slow |= families[-1].slow
    found = discovered(families, walk, dependent=method == "by")
    columns = [np.concatenate(one) for one in zip(*((*low[4:], rates) for low, rates in found), strict=True)]
    trial = np.repeat(np.arange(len(found)), [low.target.size for low, _ in found])
    order = np.argsort(-np.abs(columns[2]), kind="stable")
    trial, target, source, r, p, deviation, rates = (one[order] for one in (trial, *columns))
    quantile = float(stdtrit(len(n_samples) - 1, 0.975)) if null == "shift" else LINE
    lower, upper = correlation_interval(r, deviation, quantile=quantile)
    values = {n.EFFECT: r, n.LOWER: lower, n.UPPER: upper, n.P_VALUE: p, n.Q_VALUE: rates}
    at = {n.TRIAL: trial, n.TARGET: target, n.SOURCE: source}
    chosen = labels.isel({dim: xr.DataArray(place, dims=n.EDGE) for dim, place in at.items() if dim in labels.dims})
    listed = chosen.assign({name: (n.EDGE, one) for name, one in values.items()})
    counts = {n.N_PAIRS: sum(low.n_tested for low, _ in found), n.N_UNDEFINED: sum(low.n_undefined for low, _ in found)}
    counts |= {} if autocorrelation is None else {n.N_SLOW: int(slow.sum())}
    about = {n.MADE_BY: call_of("correlation_test", lag=int(labels[n.LAG]), null=null)} | all_neurons(targets, sources)
    return _table(listed, dict(labels.attrs) | about | counts, q=q, method=method, effect="lagged correlation")


def _check_trials(autocorrelation: xr.DataArray | None, labels: xr.Dataset) -> None:
    """Raise if an autocorrelation trial by trial is of other trials than the correlations."""
    if autocorrelation is None or n.TRIAL not in autocorrelation.dims:
        return
    given = labels_of(autocorrelation, n.TRIAL).tolist()
    wanted = labels_of(labels, n.TRIAL).tolist() if n.TRIAL in labels.dims else None
    if given != wanted:
        expected = f"those of the correlations, {wanted!r:.60}" if wanted else "one of all trials"
        raise InvalidInput("autocorrelation", got=f"trials {given!r:.60}", expected=expected)


def _check_null(null: str, autocorrelation: Any) -> None:
    """Raise unless it is a null, and has no autocorrelation that it does not ask for."""
    check_choice("null", null, get_args(Null))
    if null != "autocorrelation" and autocorrelation is not None:
        fix = "Leave it out, or the null."
        raise InvalidInput("autocorrelation", got="it", expected=f"none, for null={null!r}", fix=fix)


def _check_unsaid(options: Mapping[str, Any], what: str) -> None:
    """Raise if options are given that do not go with the data."""
    given = [name for name, value in options.items() if not is_usual(value, BY_DEFAULT[name])]
    if given:
        raise InvalidInput(", ".join(given), got="it", expected=f"none for {what}", fix="Leave it out.")


# --- the table -------------------------------------------------------------------------


def _table(listed: xr.Dataset, attrs: dict[Any, Any], *, q: float, method: Method, effect: str | None) -> xr.Dataset:
    """Return edges with their labels, and what is said of them."""
    if n.LAG in listed.coords and not listed[n.LAG].dims:
        listed = listed.assign_coords({n.LAG: (n.EDGE, np.full(listed.sizes[n.EDGE], listed[n.LAG].item()))})
    for name, text in ABOUT.items():
        if name in listed:
            listed[name].attrs = {n.LONG_NAME: effect or text if name == n.EFFECT else text}
    kept = listed.drop_vars([name for name, coord in listed.coords.items() if coord.dims != (n.EDGE,)])
    return kept.assign_attrs(attrs | {n.Q: float(q), n.REFERENCE: METHODS[method]})
