"""Tests of lagged correlations: how often two neurons that have nothing to do with each other correlate as much."""

import warnings
from collections.abc import Sequence
from functools import partial
from typing import Any, Final, Literal, get_args

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.estimators.apply import UNSAID, check_unsaid
from netxr.estimators.correlation import lagged_correlation
from netxr.estimators.fit import call_of
from netxr.kernels.lagged_sums import Floats
from netxr.kernels.significance import (
    FEWEST,
    correlation_interval,
    correlation_p_value,
    effective_samples,
    is_cut_off,
    of_each_neuron,
)
from netxr.moments.autocorrelation import autocorrelation as autocorrelation_of
from netxr.moments.autocorrelation import with_autocorrelation
from netxr.moments.lagged import lagged_moments
from netxr.moments.prepare import lags_of
from netxr.schema.arguments import check_choice, is_usual
from netxr.schema.clock import activity_of, cuts_of
from netxr.schema.variables import check_moments, holds_moments, labels_of
from netxr.significance.rare import said_of_rare
from netxr.significance.shifts import FAR_LAGS, PAIRS, by_shifts, far_lags, of_pairs

Null = Literal["autocorrelation", "shift", "samples"]

MOST_LAGS: Final = 400
"""Lags of the autocorrelation of activity, or a quarter of its samples where these are fewer."""

SPREAD: Final = 40
"""Of activity, far lags are a fortieth of its samples apart."""

PART_ENTRIES: Final = 2**14
"""Pairs that are worked on at a time, so that what is in between stays in a cache."""

ROUNDING: Final = 1e-3
"""By which an autocorrelation may be above 1."""

REFERENCES: Final = {
    "autocorrelation": "Bartlett 1946, J. R. Stat. Soc. Suppl. 8:27-41",
    "shift": "Harris 2020, doi:10.1101/2020.11.29.402719",
    "samples": "Fisher 1915, doi:10.2307/2331838",
}
LONG_NAMES: Final = {
    n.P_VALUE: "p-value of the correlation",
    n.EFFECTIVE_SAMPLES: "independent samples that say as much",
    n.SLOW: "autocorrelation is not yet zero at the last lag, and p-values are too low",
    n.LOWER: "lower end of the interval of 95 %",
    n.UPPER: "upper end of the interval of 95 %",
}


def correlation_test(
    data: xr.DataArray | xr.Dataset,
    *,
    lag: int | str = 1,
    null: Null = "autocorrelation",
    autocorrelation: xr.DataArray | None = None,
    dim: str | Sequence[str] = n.TIME,
    missing: n.Missing = "raise",
) -> xr.Dataset:
    """Test whether two neurons correlate more than they would if they had nothing to do with each other.

    Samples that resemble those before them say less than as many independent ones: the textbook test of two neurons
    whose autocorrelation is .9 finds a correlation in every second pair where there is none.

    - "autocorrelation": a correlation of N samples counts as one of N / (1 + 2 sum (1 - k/N) r_i(k) r_j(k)) independent
      ones [1]_; each autocorrelation r ends where, over as many lags as came before and 10 at least, nine in ten of its
      values are within 1.96 / sqrt(N) of zero.
    - "shift": the correlation is compared with those of the same pair at 16 far lags or more, as if one neuron were
      shifted in time, without another read. Its p-value comes from a t distribution, so that it can be as low as false
      discovery rates over all pairs need it, which 199 shifts that are counted cannot: none is below .005.
    - "samples": the textbook test of independent samples.

    With missing="pairwise", each pair has the samples that both of its neurons have. Where these lack here
    and there, those left are farther apart, and p-values by autocorrelation are too high rather than too low.

    All three take activity for stationary. Where both neurons drift, or follow the same stimulus, none of them holds,
    and shifts fail as the others do: they find correlations that mean nothing, and taking off a trend does not mend
    that [2]_. With several trials, ``netxr.lagged_moments(..., shuffle_trials=1)`` says how neurons correlate across
    trials, which have no more in common than that.

    Parameters
    ----------
    data : DataArray or Dataset
        Activity (neuron, time[, trial]); a Dataset that holds it; or lagged moments, which have to hold far lags for
        "shift".
    lag : int or str
        Samples, or time such as "20ms", by which the target is read after the source.
    null : {"autocorrelation", "shift", "samples"}
        What the correlation is compared with.
    autocorrelation : DataArray, optional
        (lag, [trial, ]neuron) at lags 1, 2, ..., as `netxr.autocorrelation` makes it; needed with moments that do not
        hold these lags. Of activity, up to 400 lags or a quarter of its samples are taken.
    dim : str or sequence of str
        "time" tests each trial; ("time", "trial") all of them together, whose pairs of samples are pooled. For activity
        only.
    missing : {"raise", "drop", "pairwise"}
        What to do with NaN and infinity: an error, or drop the frames that hold one, or leave out these samples alone,
        pair of neurons by pair. For activity only.

    Returns
    -------
    Dataset
        `lagged_correlation`, `p_value` (two-sided), `lower` and `upper` (the interval of 95 %, by Fisher's z), and but
        for "shift" `effective_samples`; ([trial, ]target, source), float64, lazy if `data` is. NaN where a neuron
        does not vary, or fewer than 4 effective samples are left. By autocorrelation also `slow`, ([trial, ]target):
        neurons whose autocorrelation is not yet zero where it ends, so that their p-values are too low.

    Raises
    ------
    InvalidInput
        If moments hold no far lags or no autocorrelation is to be had; if far lags are closer than activity remembers
        (once it is computed); or as `lagged_correlation` does.
    NonFiniteActivity
        If a sample is NaN or infinite and `missing` is "raise".

    Warns
    -----
    UserWarning
        Once it is computed: if the autocorrelation ends before it reaches zero, or counts are of very rare events.

    References
    ----------
    .. [1] Bartlett 1946, On the theoretical specification and sampling properties of autocorrelated time-series,
       Supplement to the Journal of the Royal Statistical Society 8:27-41.
    .. [2] Harris 2020, Nonsense correlations in neuroscience, doi:10.1101/2020.11.29.402719.

    Examples
    --------
    >>> import netxr
    >>> run = netxr.sample("rate_network")
    >>> found = correlation_test(run)
    >>> is_edge = run.connectivity > 0
    >>> found.p_value.where(is_edge).median().item() < 0.01 < found.p_value.where(~is_edge).median().item()
    True
    """
    check_choice("null", null, get_args(Null))
    (wanted,), _ = lags_of(lag, None, data)
    if autocorrelation is not None and null != "autocorrelation":
        expected = f"none, for null={null!r}"
        raise InvalidInput("autocorrelation", got="it", expected=expected, fix="Leave it out, or the null.")
    options: dict[str, Any] = {"dim": dim, "missing": missing}
    moments, flat = _moments_for(data, wanted, null, autocorrelation, **options)
    r = lagged_correlation(moments, lag=wanted).drop_vars(n.LAG)
    if flat is not None and n.TRIAL in flat.dims and n.TRIAL not in r.dims:
        raise InvalidInput(
            "autocorrelation",
            got=f"one of each of {flat.sizes[n.TRIAL]} trials",
            expected="one of all trials, which the moments pool",
            fix='Make it with netxr.autocorrelation(activity, lags=..., dim=("time", "trial")).',
        )
    if null == "shift":
        found = by_shifts(moments, r, wanted)
    else:
        found = _by_samples(moments, r, wanted, _no_autocorrelation(moments) if flat is None else flat)
    found[n.P_VALUE] = said_of_rare(found[n.P_VALUE], data, moments, lag=wanted)
    if null == "samples":
        del found[n.SLOW]
    given = {} if autocorrelation is None else {n.AUTOCORRELATION: autocorrelation.sizes}
    chosen = {name: value for name, value in options.items() if not is_usual(value, UNSAID[name])}
    made_by = call_of("correlation_test", lag=wanted, null=null, **given, **chosen)
    about = moments.attrs | {n.REFERENCE: REFERENCES[null], n.MADE_BY: made_by}
    if null == "shift":
        about[n.TEST_LAGS] = ", ".join(map(str, far_lags(moments, wanted)))
    elif flat is not None:
        about[n.TEST_LAGS] = f"1 to {flat[n.LAG].values[-1]}"
    said = {name: about | {n.LONG_NAME: LONG_NAMES[name]} for name in found}
    labelled = {name: one.drop_attrs().assign_attrs(said[name]) for name, one in found.items()}
    return xr.Dataset({n.LAGGED_CORRELATION: r} | labelled, attrs=moments.attrs).assign_coords({n.LAG: wanted})


def _moments_for(
    data: Any, lag: int, null: str, autocorrelation: xr.DataArray | None, **options: Any
) -> tuple[xr.Dataset, xr.DataArray | None]:
    """Return moments that are given, or those of activity at the lags that are needed, and the autocorrelation.

    Of activity, both come from one read. There is none where the null needs none.
    """
    needs = null == "autocorrelation"
    if holds_moments(data):
        check_unsaid(options)
        moments = check_moments(data, argument="data")
        return moments, _given(autocorrelation, moments) if needs else None
    activity = activity_of(data)
    if needs and autocorrelation is None:
        lags = lags_of_test(activity, lag, null)
        return with_autocorrelation(activity, lags=lags, own_lags=lags_for(activity), **options)
    flat = None if autocorrelation is None else checked_autocorrelation(autocorrelation)
    return lagged_moments(activity, lags=lags_of_test(activity, lag, null), **options), flat


def lags_of_test(activity: xr.DataArray, lag: int, null: str) -> list[int]:
    """Return the lags of the moments that a test of activity needs, or raise where there are too few samples."""
    n_steps = activity.sizes[n.TIME]
    step = max(1, n_steps // SPREAD)
    far = [abs(lag) + step * k for k in range(1, FAR_LAGS + 1)] if null == "shift" else []
    least = max(abs(lag), *far, 0) + FEWEST
    if n_steps < least:
        got = f"trials of {n_steps} samples"
        raise InvalidInput("data", got=got, expected=f"{least} or more, for null={null!r} at lag {lag}")
    return [abs(lag), *far]


# --- by effective samples --------------------------------------------------------------


def _by_samples(moments: xr.Dataset, r: xr.DataArray, lag: int, autocorrelation: xr.DataArray) -> dict[str, Any]:
    """Return p-values, effective samples and intervals from the autocorrelation of each neuron."""
    k = "autocorrelation_lag"
    flat = autocorrelation.rename({n.LAG: k})
    sides = [_on(flat, r, dim) for dim in PAIRS]
    count = moments[n.COUNT].sel({n.LAG: abs(lag)}, drop=True)
    found = xr.apply_ufunc(
        partial(_test, lags=flat[k].values),
        r,
        count,
        *(side.chunk({k: -1}) if side.chunks else side for side in sides),
        input_core_dims=[PAIRS, of_pairs(count), (k, n.TARGET), (k, n.SOURCE)],
        output_core_dims=[*[PAIRS] * 4, (n.TARGET,)],
        vectorize=True,
        dask="parallelized",
        dask_gufunc_kwargs={"allow_rechunk": True},
        output_dtypes=[*[np.float64] * 4, np.bool_],
    )
    names = (n.P_VALUE, n.EFFECTIVE_SAMPLES, n.LOWER, n.UPPER, n.SLOW)
    dims = (*[r.dims] * 4, [dim for dim in r.dims if dim != n.SOURCE])
    return {name: one.transpose(*own) for name, one, own in zip(names, found, dims, strict=True)}


def _test(
    r: Floats, n_samples: Any, target: Floats, source: Floats, *, lags: NDArray[np.int64]
) -> tuple[NDArray[Any], ...]:
    """Return the p-values, effective samples, both ends of the intervals and which targets are slow, of one trial."""
    n_effective = effective_samples(target, source, n_samples)
    slow, _ = (
        warn_where_cut_off(side, lags, count)
        for side, count in zip((target, source), of_each_neuron(n_samples), strict=True)
    )
    p, lower, upper = (np.empty_like(r) for _ in range(3))
    height = max(1, PART_ENTRIES // r.shape[1])
    for first in range(0, len(r), height):
        rows = slice(first, first + height)
        p[rows] = correlation_p_value(r[rows], n_effective[rows])
        deviation = 1 / np.sqrt(np.where(np.isnan(p[rows]), np.nan, n_effective[rows] - 3))
        lower[rows], upper[rows] = correlation_interval(r[rows], deviation)
    return p, n_effective, lower, upper, slow


def warn_where_cut_off(
    autocorrelation: Floats, lags: NDArray[np.int64], n_samples: int | NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Return which neurons have an autocorrelation that ends at a lag at which it is not yet zero; warn of them."""
    slow = is_cut_off(autocorrelation, n_samples)
    warn_of_slow(slow, int(lags[-1]))
    return slow


def warn_of_slow(slow: NDArray[np.bool_], last: int) -> None:
    """Warn of neurons whose autocorrelation ends at the last lag, where it is not yet zero."""
    if slow.any():
        text = (
            f"The autocorrelation of {slow.sum()} of {slow.size} neurons is not yet zero at lag {last}, where it ends: "
            "their p-values are too low. Fix: give longer lags, autocorrelation=netxr.autocorrelation("
            f"activity, lags=range(1, {2 * last}))."
        )
        warnings.warn(text, UserWarning, stacklevel=3)


def lags_for(activity: xr.DataArray) -> range:
    """Return the lags at which the autocorrelation of activity is taken: a quarter of its longest stretch, or fewer."""
    longest = int(np.diff([0, *cuts_of(activity), activity.sizes[n.TIME]]).max())
    return range(1, max(2, min(MOST_LAGS, longest // 4)))


def _given(given: xr.DataArray | None, moments: xr.Dataset) -> xr.DataArray:
    """Return the autocorrelation that is given, or the one that moments hold at lags 1, 2, ... ."""
    if given is not None:
        return checked_autocorrelation(given)
    held = labels_of(moments, n.LAG).tolist()
    lags = [lag for lag in range(1, len(held) + 1) if set(range(1, lag + 1)) <= set(held)]
    if len(lags) < 2:
        fix = "Give autocorrelation=netxr.autocorrelation(activity, lags=range(1, 200)), or the activity itself."
        got = f"moments at lags {held}"
        raise InvalidInput("autocorrelation", got=f"none, and {got}", expected="lags 1, 2, 3, ... of it", fix=fix)
    return autocorrelation_of(moments, lags=lags)


def checked_autocorrelation(given: Any) -> xr.DataArray:
    """Return an autocorrelation at lags 1, 2, ... ."""
    expected = f"a DataArray ({n.LAG}, [{n.TRIAL}, ]{n.NEURON}) at lags 1, 2, 3, ..."
    if not isinstance(given, xr.DataArray) or not {n.LAG, n.NEURON} <= set(given.dims):
        raise InvalidInput(
            "autocorrelation", got=f"{type(given).__name__} {getattr(given, 'dims', '')}", expected=expected
        )
    positive = given.isel({n.LAG: given[n.LAG].values > 0})
    lags = positive[n.LAG].values
    if not lags.size or not np.array_equal(lags, np.arange(1, lags.size + 1)):
        raise InvalidInput("autocorrelation", got=f"lags {given[n.LAG].values.tolist()!r:.60}", expected=expected)
    if positive.chunks is None and (largest := float(abs(positive).max())) > 1 + ROUNDING:
        raise InvalidInput("autocorrelation", got=f"values up to {largest:g}", expected="values between -1 and 1")
    return positive


def _no_autocorrelation(moments: xr.Dataset) -> xr.DataArray:
    """Return the autocorrelation of independent samples."""
    neurons = np.union1d(labels_of(moments, n.TARGET), labels_of(moments, n.SOURCE))
    return xr.DataArray(np.zeros((1, neurons.size)), {n.LAG: [1], n.NEURON: neurons}, (n.LAG, n.NEURON))


def _on(autocorrelation: xr.DataArray, r: xr.DataArray, dim: str) -> xr.DataArray:
    """Return the autocorrelation of the targets or of the sources."""
    return aligned(autocorrelation, labels_of(r, dim)).rename({n.NEURON: dim})


def aligned(autocorrelation: xr.DataArray, labels: NDArray[Any]) -> xr.DataArray:
    """Return the autocorrelation of some neurons, without their labels, or raise InvalidInput where it lacks one."""
    places = {label: place for place, label in enumerate(labels_of(autocorrelation, n.NEURON).tolist())}
    missing = [label for label in labels.tolist() if label not in places]
    if missing:
        got = f"none of {len(missing)} neurons, such as {missing[0]!r}"
        raise InvalidInput("autocorrelation", got=got, expected="one of each neuron of the moments")
    bare = autocorrelation.drop_vars([name for name, coord in autocorrelation.coords.items() if n.NEURON in coord.dims])
    return bare.isel({n.NEURON: [places[label] for label in labels.tolist()]})
