"""Regression of each neuron on the past of all neurons: what each source adds when the others are held fixed."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Final, Literal

import numpy as np
import xarray as xr

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.estimators.fit import (
    MATRICES,
    MATRIX,
    Fitted,
    by_lag,
    call_of,
    check_design,
    check_room,
    fit,
    moments_for,
    warn_of_rounding,
    without_inputs,
)
from netxr.estimators.given import Given, given_in
from netxr.kernels.given import held_fixed, with_given
from netxr.kernels.least_squares import least_squares
from netxr.kernels.normal_equations import NormalEquations, about_zero, pooled
from netxr.kernels.p_values import p_value_of_t
from netxr.kernels.penalised import elastic_net, ridge, squared_errors
from netxr.kernels.penalised import strengths as strengths_of
from netxr.schema.arguments import check_choice, check_entries, check_flag, is_number, is_whole
from netxr.schema.clock import in_samples

Penalty = Literal["ridge", "lasso", "elastic net"]
PENALTIES: Final = ("ridge", "lasso", "elastic net")

ABOUT: Final = {
    n.LONG_NAME: "regression on the past",
    n.REFERENCE: "Luetkepohl 2005, doi:10.1007/978-3-540-27752-1",
}
"""Attributes of coefficients."""

BLOCKS: Final = 5
"""Of activity that is cross-validated."""

LONG_NAMES: Final = {
    n.COEFFICIENT: "coefficient of the source",
    n.STANDARDISED: "coefficient in standard deviations",
    n.STANDARD_ERROR: "standard error of the coefficient",
    n.T: "t of the coefficient",
    n.P_VALUE: "p-value of the coefficient",
    n.RESIDUAL_VARIANCE: "variance that is left",
    n.CONDITION_NUMBER: "condition number of the correlations of the sources, 1-norm",
    n.DF: "degrees of freedom",
}


def regression(
    data: xr.DataArray | xr.Dataset,
    *,
    lags: int | str | Sequence[int | str] = 1,
    penalty: Penalty | None = None,
    alpha: float | Sequence[float] | Literal["cv"] | None = None,
    l1_ratio: float | None = None,
    intercept: bool = True,
    positive: bool = False,
    given: Given = None,
) -> xr.Dataset:
    """Regress each neuron on the past of all neurons.

    Unlike a correlation, the coefficient of a source tells what it adds when all other neurons are held fixed, as far
    as they were recorded. The targets are the samples that have all lags before them, one set for all lags.

    Moments of float32 activity are made by float32 products. A warning says how far off results may be where sources
    nearly depend on one another and there is no penalty: then make the moments with precision="float64".

    Parameters
    ----------
    data : DataArray or Dataset
        Activity (neuron, time[, trial]); a Dataset that holds it; or lagged moments of all neurons, made with
        missing="raise", which need no further read.
    lags : int, str, or sequence of these
        Lags of the sources in samples, or in time such as "20ms": all from 1 to a number, or those that are listed.
    penalty : {"ridge", "lasso", "elastic net"}, optional
        Penalty on large coefficients, with the objectives of scikit-learn: ridge |y - Xb|^2 + alpha |b|^2, the others
        |y - Xb|^2 / (2 N) + alpha (l1_ratio |b|_1 + (1 - l1_ratio) |b|^2 / 2), with l1_ratio = 1 for lasso.
    alpha : float, sequence of float or "cv", optional
        Strength of the penalty, in squared units of the activity; several give a dim `alpha`. "cv": the one of 21, from
        the largest of use to 1/100 of it, with which the other blocks of the recording predict each block best, the
        same for all targets; blocks are those of the moments, or five of the activity.
    l1_ratio : float, optional
        Share of the penalty "elastic net" that makes coefficients zero, above 0 and up to 1; by default 0.5.
    intercept : bool
        Whether each target has a mean of its own.
    positive : bool
        Whether coefficients below zero are kept out; for "lasso" and "elastic net".
    given : DataArray, label or sequence of labels, optional
        Inputs that are held fixed, such as a stimulus, behaviour, motion or the global signal: samples (input,
        time[, trial]) beside activity, or labels of inputs that moments hold. They are further columns of the
        regression, at the time of the target and at each lag, and without a penalty (Frisch & Waugh 1933,
        doi:10.2307/1907330). All their samples are finite: no frame can be left out.

    Returns
    -------
    Dataset
        `coefficient` ([alpha, ][lag, ][trial, ]target, source) in units of the target for one of the source,
        and `standardised`, in standard deviations; with alpha="cv" also `alpha` ([trial]). Without a penalty also
        `standard_error` (of `coefficient`), `t`, `p_value`, `residual_variance` ([trial, ]target), `condition_number`
        and `df` ([trial]). Of moments in blocks, all over `block`, but with "cv". Float64, lazy if `data` is. A neuron
        that does not vary has NaN in its row and column, and so has one of which the inputs leave nothing. Where
        moments have a link, it is the linked targets that are regressed, and units are theirs.

    Raises
    ------
    InvalidInput
        If there are no more samples than parameters, or neurons depend on one another, and there is no penalty; if
        inputs do, over the lags that count; if moments do not hold what is needed, or an argument does not fit.

    Warns
    -----
    UserWarning
        Once it is computed: if a penalty leaves no coefficient, if "cv" has come upon the largest or smallest of its
        strengths, or if float32 products leave few digits of the results.

    Notes
    -----
    A coefficient's error goes with 1 / (standard deviation of the source x sqrt(samples)): those from neurons that
    hardly vary, such as rates that stay near 0 or 1, are noise that may outweigh all others. Leave such neurons out.
    In sigmoid networks of 50 neurons with a coupling of 16 and 100,000 samples, read through a logit, the score is
    below .9 with all, and .996 without those some 10 whose standard deviation is below .01.

    Examples
    --------
    >>> import netxr
    >>> run = netxr.sample("rate_network")
    >>> regression(run, lags=2).coefficient.sizes
    Frozen({'lag': 2, 'target': 25, 'source': 25})
    >>> regression(run, penalty="lasso", alpha=[0.01, 0.001]).standardised.sizes
    Frozen({'alpha': 2, 'target': 25, 'source': 25})
    """
    lags = in_samples(lags, data, argument="lags")
    design = check_design(lags)
    check_flag("intercept", intercept)
    check_flag("positive", positive)
    strengths = _checked_penalty(penalty, alpha, l1_ratio, positive=positive)
    check_room(data, design)
    moments = _moments(data, design, given=given, blocks=BLOCKS if strengths is None and penalty else None)
    n_lags = None if is_whole(lags) and lags == 1 else len(design)
    dims = MATRIX if n_lags is None else MATRICES
    if penalty is None:
        options: dict[str, Any] = {"n_lags": n_lags, "intercept": intercept}
        found = fit(moments, least_squares_on(moments, design, **options))
    else:
        l1_ratio = {"ridge": None, "lasso": 1.0}.get(penalty, l1_ratio or 0.5)
        path = partial(_path, l1_ratio=l1_ratio, positive=positive)
        options = {"path": path, "n_lags": n_lags, "intercept": intercept}
        if strengths is None:
            _check_blocks(moments)
            results = {n.COEFFICIENT: dims, n.STANDARDISED: dims, n.ALPHA: ()}
            found = fit(moments, Fitted(partial(_cross_validated, **options), design, results, over_blocks=True))
        else:
            results = dict.fromkeys((n.COEFFICIENT, n.STANDARDISED), (n.ALPHA, *dims))
            function = partial(_at_strengths, alphas=strengths, **options)
            found = fit(moments, Fitted(function, design, results, {n.ALPHA: len(strengths)}))
            found = found.assign_coords({n.ALPHA: strengths})
            found = found if np.ndim(alpha) else found.isel({n.ALPHA: 0})  # type: ignore[arg-type]
    of_penalty = {"penalty": penalty, "alpha": alpha, "positive": positive} if penalty else {}
    of_penalty |= {"l1_ratio": l1_ratio} if penalty == "elastic net" else {}
    made_by = call_of(n.REGRESSION, lags=lags, intercept=intercept, **of_penalty, **given_in(moments))
    for name, text in LONG_NAMES.items():
        if name in found:
            found[name].attrs |= moments.attrs | ABOUT | {n.MADE_BY: made_by, n.LONG_NAME: text}
    return found


def regression_at(moments: xr.Dataset, lag: int) -> xr.DataArray:
    """Return the standardised coefficients of a regression on the samples at one lag, ([trial, ]target, source)."""
    return _at(moments, lag)[n.STANDARDISED]


def regression_t_at(moments: xr.Dataset, lag: int) -> xr.DataArray:
    """Return the same in units of their standard errors."""
    return _at(moments, lag)[n.T]


def _at(moments: xr.Dataset, lag: int) -> xr.Dataset:
    """Return a regression on the samples at one lag."""
    design = [check_past(lag)]
    return fit(moments_for(moments, design), least_squares_on(moments, design))


def check_past(lag: int) -> int:
    """Return a lag if it lies in the past."""
    if lag < 1:
        raise InvalidInput("lag", got=str(lag), expected="1 or above: a regression is on the past")
    return lag


def least_squares_on(
    moments: xr.Dataset, design: Sequence[int], *, n_lags: int | None = None, intercept: bool = True
) -> Fitted:
    """Return the fit of a regression without a penalty, with a dim of `n_lags` lags if that is not None."""
    dims = MATRIX if n_lags is None else MATRICES
    matrices = (n.COEFFICIENT, n.STANDARDISED, n.STANDARD_ERROR, n.T, n.P_VALUE)
    rest = {n.RESIDUAL_VARIANCE: (n.TARGET,), n.CONDITION_NUMBER: (), n.DF: ()}
    precision = moments.attrs.get(n.PRECISION)
    function = partial(_least_squares, n_lags=n_lags, intercept=intercept, precision=precision)
    return Fitted(function, design, dict.fromkeys(matrices, dims) | rest)


def _least_squares(
    equations: NormalEquations, *, n_lags: int | None, intercept: bool, precision: str | None
) -> Sequence[Any]:
    """Return the results of a regression without a penalty, in the order of `least_squares_on`."""
    target_scale, design_scale = _scales(equations)
    equations = without_inputs(equations if intercept else about_zero(equations), precision)
    fitted = least_squares(equations, n_parameters=len(design_scale) + intercept)
    warn_of_rounding(fitted.condition_number, precision)
    t, error, standardised = fitted.t, fitted.standard_error, fitted.standardised
    error *= fitted.target_scale[:, None]
    error /= fitted.design_scale
    standardised *= (fitted.target_scale / target_scale)[:, None]
    standardised *= design_scale / fitted.design_scale
    left = fitted.residual * np.square(fitted.target_scale) / fitted.df
    condition_number, df = fitted.condition_number, fitted.df
    del fitted, equations  # their inverse may take as much memory as p-values
    coefficient = standardised / design_scale
    coefficient *= target_scale[:, None]
    matrices = (coefficient, standardised, error, t, p_value_of_t(t, df))
    return *(by_lag(each, n_lags) for each in matrices), left, condition_number, df


def _path(
    equations: NormalEquations, alphas: Sequence[float], *, l1_ratio: float | None, positive: bool
) -> Iterator[Any]:
    """Yield coefficients for each strength of a penalty, ridge where there is no ratio."""
    if l1_ratio is None:
        return ridge(equations, alphas)
    return elastic_net(equations, alphas, l1_ratio=l1_ratio, positive=positive)


def _cross_validated(
    blocks: Sequence[NormalEquations], *, path: partial[Iterator[Any]], n_lags: int | None, intercept: bool
) -> Sequence[Any]:
    """Return coefficients, standardised ones, and the strength with which other blocks predict each block best."""
    used = [block if intercept else about_zero(block) for block in blocks]
    alphas = strengths_of(held_fixed(pooled(used)), l1_ratio=path.keywords["l1_ratio"])
    if not alphas[0]:  # no source goes with any target, and all strengths do the same
        found = _penalised(pooled(blocks), alphas=[1.0], path=path, n_lags=n_lags, intercept=intercept)
        return *(each[0] for each in found), np.nan
    errors = np.zeros(len(alphas))
    for left_out, block in enumerate(used):
        others = pooled([each for number, each in enumerate(used) if number != left_out])
        fits = (with_given(others, coefficients) for coefficients in path(held_fixed(others), alphas))
        errors += [squared_errors(block, others, coefficients) for coefficients in fits]
    # The path begins at the largest strength, from which each fit is soon found.
    best = int(errors.argmin())
    chosen = _penalised(pooled(blocks), alphas=alphas[: best + 1], path=path, n_lags=n_lags, intercept=intercept)
    is_defined = np.isfinite(chosen[0][-1]).any()
    if is_defined and best in (0, len(alphas) - 1):
        _say_which_end(alphas[best], is_largest=best == 0, is_empty=not np.nan_to_num(chosen[0][-1]).any())
    return *(each[-1] for each in chosen), alphas[best] if is_defined else np.nan


def _say_which_end(alpha: float, *, is_largest: bool, is_empty: bool) -> None:
    """Warn that cross-validation has come upon one end of the strengths that it tries."""
    if is_empty:
        text = "the largest, which leaves no coefficient: no source helps to predict a block of samples from the others"
    elif is_largest:
        text = "the largest that was tried. A larger one may predict better: compare some with alpha=[...]"
    else:
        text = "the smallest that was tried. A smaller one, or no penalty, may predict better: compare with alpha=[...]"
    warnings.warn(f"alpha={alpha:.3g} was chosen by cross-validation, {text}.", UserWarning, stacklevel=2)


def _at_strengths(
    equations: NormalEquations, *, alphas: Sequence[float], path: partial[Iterator[Any]], **options: Any
) -> Sequence[Any]:
    """Return what `_penalised` does, and warn if none of the strengths leaves a coefficient."""
    found, ratio = _penalised(equations, alphas=alphas, path=path, **options), path.keywords["l1_ratio"]
    if ratio is not None and np.isfinite(found[0]).any() and not np.nan_to_num(found[0]).any():
        used = equations if options["intercept"] else about_zero(equations)
        largest = strengths_of(held_fixed(used), l1_ratio=ratio)[0]
        text = f"alpha={min(alphas):.3g} leaves no coefficient of any target, as every one from {largest:.3g} on does."
        warnings.warn(f'{text} Fix: take a smaller one, or alpha="cv".', UserWarning, stacklevel=2)
    return found


def _penalised(
    equations: NormalEquations,
    *,
    alphas: Any,
    path: Callable[..., Iterator[Any]],
    n_lags: int | None,
    intercept: bool,
) -> Sequence[Any]:
    """Return coefficients and standardised ones for each strength of a penalty."""
    target_scale, design_scale = _scales(equations)
    used = held_fixed(equations if intercept else about_zero(equations))
    coefficient = np.stack(list(path(used, alphas)))
    for target, design in ((target_scale, design_scale), _scales(used)):
        coefficient[:, np.isnan(target)] = np.nan
        coefficient[..., np.isnan(design)] = np.nan
    matrices = coefficient, coefficient * (design_scale / target_scale[:, None])
    return [by_lag(each, n_lags) for each in matrices]


def _scales(equations: NormalEquations) -> tuple[Any, Any]:
    """Return the roots of the summed squared deviations of targets and design, NaN where they do not vary."""
    n_columns = len(equations.gram) - equations.n_given
    sides = equations.square, np.diagonal(equations.gram)[:n_columns]
    target, design = (np.sqrt(np.where(side > 0, side, np.nan)) for side in sides)
    return target, design


def _moments(data: Any, design: Sequence[int], *, given: Any, blocks: int | None) -> xr.Dataset:
    """Return moments for a regression, those of activity in blocks if it is cross-validated."""
    try:
        return moments_for(data, design, given=given, blocks=blocks)
    except InvalidInput as error:
        if error.argument != "blocks":
            raise
        fix = "Record longer, name fewer lags, or give netxr.lagged_moments(..., blocks=2) in place of the activity."
        raise error.about("data", fix=fix) from None


def _check_blocks(moments: xr.Dataset) -> None:
    """Raise unless there are blocks to predict from others."""
    if moments.sizes.get(n.BLOCK, 1) < 2:
        fix = "Make them with netxr.lagged_moments(..., blocks=5)."
        got = "moments in a single block" if n.BLOCK in moments.dims else "moments without blocks"
        raise InvalidInput("data", got=got, expected='two blocks or more, for alpha="cv"', fix=fix)


def _checked_penalty(penalty: Any, alpha: Any, l1_ratio: Any, *, positive: bool) -> list[float] | None:
    """Return the strengths of a penalty, None where they are to be found; raise if arguments about it do not fit."""
    if penalty is None:
        said = {"alpha": alpha is not None, "l1_ratio": l1_ratio is not None, "positive": positive}
        for name in (name for name, is_said in said.items() if is_said):
            fix = 'Name one, such as penalty="elastic net".'
            raise InvalidInput(name, got="it for a regression without a penalty", expected="a penalty", fix=fix)
        return None
    check_choice("penalty", penalty, PENALTIES)
    if penalty == "ridge" and positive:
        fix = 'Use penalty="elastic net" with a small l1_ratio.'
        raise InvalidInput("positive", got="True for ridge", expected="lasso or elastic net", fix=fix)
    if l1_ratio is not None and penalty != "elastic net":
        fix = 'Leave it out, or use penalty="elastic net".'
        raise InvalidInput("l1_ratio", got=f"{l1_ratio!r} for {penalty}", expected="an elastic net", fix=fix)
    if l1_ratio is not None and (not is_number(l1_ratio) or not 0 < l1_ratio <= 1):
        raise InvalidInput("l1_ratio", got=repr(l1_ratio), expected="a number above 0, up to 1")
    if isinstance(alpha, str) and alpha == "cv":
        return None
    expected = f"how strong the penalty {penalty!r} is: a number above 0, several, or 'cv'"
    strengths = [alpha] if is_number(alpha) else check_entries("alpha", alpha, expected=expected)
    if not strengths or not all(is_number(one) and 0 < one < np.inf for one in strengths):
        raise InvalidInput("alpha", got=repr(alpha), expected=expected)
    return [float(one) for one in strengths]
