"""Whether a score lacks samples or stays wrong: where it ends with ever more samples, and what reaches a mark when."""

from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.kernels.score_limit import limit_of
from netxr.schema.arguments import is_number, said

CORRELATIONS: Final = (n.PEARSON, n.SPEARMAN, n.MANTEL)
"""Scores that fall with noise as a correlation does."""

GOOD_ENOUGH, MORE_SAMPLES, NEVER = "good enough", "more samples", "never"
VERDICTS: Final = (NEVER, MORE_SAMPLES, GOOD_ENOUGH)
"""What a score below a mark lacks: it is wrong at any length, or noise that more samples would mend, or nothing."""


def score_limit(sweep: xr.Dataset, *, score: str = n.PEARSON, at: float = 0.9) -> xr.Dataset:
    """Tell noise from bias: extrapolate a score over its lengths to infinitely many samples.

    What more samples of the same network would mend is noise; what remains is bias. The mean over trials is fitted by
    ``score = limit / sqrt(1 + half_samples / n_steps)``, which is how a correlation is attenuated by noise whose
    variance falls with the number of samples (Spearman 1904, doi:10.2307/1412159).

    Parameters
    ----------
    sweep : Dataset
        Scores over `n_steps`, two lengths or more, as `netxr.sweep` returns them; computed if it is lazy.
    score : {"pearson", "spearman", "mantel"}
        Which score: one that is a correlation.
    at : float
        The score that is to be reached, above 0 and below 1.

    Returns
    -------
    Dataset
        Over the dims of the score without `n_steps` and `trial`, float64: `limit`, the score at infinite length, 0 to
        1; `limit_standard_error`, by the jackknife over trials, NaN for one; `half_samples`, at which its square
        is half of that at infinite length; `samples_needed` to reach `at`, infinite where the limit does not. NaN where
        fewer than two lengths have a score above 0.

    Raises
    ------
    InvalidInput
        If there are no such scores, fewer than two lengths, or an argument is out of range.

    Examples
    --------
    >>> steps = xr.DataArray([1000, 3000, 8000], dims="n_steps")
    >>> scores = xr.Dataset({"pearson": 0.95 / (1 + 4000 / steps) ** 0.5}, {"n_steps": steps.values})
    >>> found = score_limit(scores, at=0.9)
    >>> round(found.limit.item(), 3), round(found.half_samples.item()), round(found.samples_needed.item())
    (0.95, 4000, 35027)
    """
    each, at = _check_scores(sweep, score), _check_mark(at)
    lengths = each[n.N_STEPS].values
    limit, half = _limits(each, lengths)
    found = xr.Dataset({n.LIMIT: limit, n.LIMIT_STANDARD_ERROR: _standard_error(each, lengths), n.HALF_SAMPLES: half})
    found[n.SAMPLES_NEEDED] = _samples_to(at, limit, half)
    name = each.attrs.get(n.LONG_NAME, score)
    about = {
        n.LIMIT: f"{name} at infinite length",
        n.LIMIT_STANDARD_ERROR: "its standard error, over trials",
        n.HALF_SAMPLES: "samples at which its square is half of that at infinite length",
        n.SAMPLES_NEEDED: f"samples to reach {at:g}",
    }
    return found.assign({key: found[key].assign_attrs({n.LONG_NAME: text}) for key, text in about.items()})


def _samples_to(at: float, limit: xr.DataArray, half: xr.DataArray) -> xr.DataArray:
    """Return the samples at which a score reaches a mark: infinite where its limit does not, NaN where it has none."""
    needed = (half * at**2 / (limit**2 - at**2).where(limit > at)).fillna(np.inf)
    return needed.where(limit.notnull())


def verdicts(sweep: xr.Dataset, *, score: str = n.PEARSON, at: float = 0.9) -> xr.Dataset:
    """Return for each length what the best of all estimators reaches, and what it would with more samples.

    Over the dims of the score without `trial` and `estimator`: the best `score`, the `estimator` that has it, and the
    `verdict`, a place in `VERDICTS`, -1 where it is unknown; without `n_steps` also the best `limit`, its standard
    error, and the fewest `samples_needed`. Raises InvalidInput as `score_limit` does.
    """
    limits, each = score_limit(sweep, score=score, at=at), _check_scores(sweep, score)
    mean = _mean(each)
    if n.ESTIMATOR not in mean.dims:
        name = str(mean[n.ESTIMATOR].values) if n.ESTIMATOR in mean.coords else sweep.attrs.get(n.ESTIMATOR, "")
        mean = mean.drop_vars(n.ESTIMATOR, errors="ignore").expand_dims({n.ESTIMATOR: [name]})
        limits = limits.drop_vars(n.ESTIMATOR, errors="ignore").expand_dims({n.ESTIMATOR: [name]})
    best = mean.fillna(-np.inf).argmax(n.ESTIMATOR)
    highest = limits[n.LIMIT].fillna(-np.inf).argmax(n.ESTIMATOR)
    ends = limits.isel({n.ESTIMATOR: highest}).drop_vars(n.ESTIMATOR)
    reached = mean.max(n.ESTIMATOR, keep_attrs=True)
    ends[n.SAMPLES_NEEDED] = limits[n.SAMPLES_NEEDED].min(n.ESTIMATOR, keep_attrs=True)
    # In the order of the places: what may reach the mark is one, what does is two.
    verdict = (ends[n.LIMIT].drop_attrs() > at).astype(int).where(ends[n.LIMIT].notnull(), -1).where(reached < at, 2)
    names = mean[n.ESTIMATOR].isel({n.ESTIMATOR: best}).drop_vars(n.ESTIMATOR)
    return ends.assign({n.SCORE: reached, n.ESTIMATOR: names, n.VERDICT: verdict.where(reached.notnull(), -1)})


def _check_scores(sweep: Any, score: str) -> xr.DataArray:
    """Return a score in memory, over two lengths or more."""
    if not isinstance(score, str) or score not in CORRELATIONS:
        fix = "Others do not fall with noise as a correlation does."
        raise InvalidInput("score", got=said(score), expected=f"one of {', '.join(CORRELATIONS)}", fix=fix)
    if not isinstance(sweep, xr.Dataset) or score not in sweep:
        raise InvalidInput("sweep", got=said(sweep)[:80], expected=f"a Dataset of scores, {score} among them")
    each = sweep[score].compute()
    n_lengths = each.sizes.get(n.N_STEPS, 1)
    if n_lengths < 2:
        fix = "Sweep over n_steps=[...] as well."
        raise InvalidInput("sweep", got=f"{n_lengths} length", expected=f"two along {n.N_STEPS}, or more", fix=fix)
    return each


def _check_mark(at: Any) -> float:
    """Return a score that is to be reached."""
    if not is_number(at) or not 0 < at < 1:
        raise InvalidInput("at", got=said(at), expected="a score above 0 and below 1")
    return float(at)


def _mean(each: xr.DataArray) -> xr.DataArray:
    """Return the mean over the trials in which a score is defined."""
    return each.mean(n.TRIAL, keep_attrs=True) if n.TRIAL in each.dims else each


def _limits(each: xr.DataArray, lengths: NDArray[Any]) -> tuple[xr.DataArray, xr.DataArray]:
    """Return the limit of the mean over trials, and at how many samples its square is half of that."""
    limit, half = xr.apply_ufunc(
        limit_of,
        _mean(each),
        kwargs={"lengths": lengths},
        input_core_dims=[[n.N_STEPS]],
        output_core_dims=[[], []],
        keep_attrs=False,
    )
    return limit, half


def _standard_error(each: xr.DataArray, lengths: NDArray[Any]) -> xr.DataArray:
    """Return the standard error of the limit, from leaving out one trial after the other."""
    n_trials = each.sizes.get(n.TRIAL, 1)
    if n_trials < 2:
        return xr.full_like(_limits(each, lengths)[0], np.nan)
    without = [_limits(each.drop_isel({n.TRIAL: k}), lengths)[0] for k in range(n_trials)]
    spread = xr.concat(without, n.TRIAL, coords="minimal", compat="override").std(n.TRIAL, skipna=False)
    error: xr.DataArray = spread * (n_trials - 1) ** 0.5
    return error
