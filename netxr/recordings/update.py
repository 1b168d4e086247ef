"""Moments and estimates of a run that was appended to, updated from its new samples alone."""

import ast
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple

import numpy as np
import xarray as xr

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.estimators.apply import compared, lags_needed
from netxr.estimators.estimate import estimate
from netxr.estimators.estimator import Estimator
from netxr.estimators.table import estimates_in, estimators_of
from netxr.moments.lagged import lagged_moments
from netxr.moments.merge import EDGES, merge_moments
from netxr.schema.variables import MOMENT_SPECS, labels_of
from netxr.significance.correlation_test import correlation_test
from netxr.significance.recoverability import recoverability
from netxr.significance.reliability import reliability

MOMENTS: Final = tuple(spec.name for spec in MOMENT_SPECS)

IN_MEMORY: Final = 2**28
"""Bytes of moments that are merged in memory; lazily, each step would be a task of every chunk and lag."""

ENDS: Final = (*EDGES, n.EDGE_INPUT)
"""Moments of the frames at the ends of trials."""


OF_ITS_VALUES: Final = (n.OUTDATED, n.SYMMETRY)
"""Attributes of an estimate that hold no more when it is made again."""

MADE_ANEW: Final = (n.SYMMETRY, n.PRECISION, n.NETXR_VERSION, n.NUMPY_VERSION, n.SCHEMA_VERSION)
"""Those that say how it was made this time."""

CALLS: Final[dict[str, Callable[..., xr.Dataset]]] = {
    "correlation_test": correlation_test,
    "reliability": reliability,
    "recoverability": recoverability,
}
"""Functions whose results are made again by the call that they say."""

HOW: Final = (n.MADE_BY, n.TEST_LAGS, n.MISSING, n.POOLED)
"""Attributes in which the results of two calls agree that do the same."""


class Updates(NamedTuple):
    """What becomes of moments and estimates."""

    further: xr.Dataset
    """Those of further trials, to be appended to the others."""
    replaced: xr.Dataset
    """Those that replace others."""
    outdated: list[str]
    """Names of estimates and scores that cannot be updated without reading the whole activity."""
    sentence: str | None = None
    """What `score` says once those of further trials are appended."""


class Recipe(NamedTuple):
    """How an estimate is made: by one estimator or several, and what the function of one returns beside it."""

    entries: list[Estimator]
    beside: list[str]


class Call(NamedTuple):
    """How results are made that say their call: the function, its options, and the names of those in the run."""

    function: Callable[..., xr.Dataset]
    options: dict[str, Any]
    names: list[str]


def made_from_activity(stored: xr.Dataset) -> frozenset[str]:
    """Return the names of moments and results that are computed from the new samples, and need not come with them."""
    recipes = _recipes(stored)
    beside = [name for recipe in recipes.values() for name in recipe.beside]
    return frozenset({*MOMENTS, *recipes, *beside, *(name for call in _calls(stored) for name in call.names)})


def _recipes(stored: xr.Dataset) -> dict[str, Recipe]:
    """Return how each estimate in a run is made, if its estimators are in the table."""
    found = {}
    for name in estimates_in(stored):
        entries = estimators_of(stored[name])
        beside = [
            str(other)
            for other, one in stored.data_vars.items()
            if one.attrs.get(n.RESULT_OF) == name and (n.TRIAL in one.dims) == (n.TRIAL in stored[name].dims)
        ]
        if entries and n.MADE_BY not in stored[name].attrs:
            found[name] = Recipe(entries, beside)
    return found


def _calls(stored: xr.Dataset) -> list[Call]:
    """Return the calls by which tests and reliabilities in a run were made, of all samples and trial by trial."""
    found: dict[str, Call] = {}
    for name, one in stored.data_vars.items():
        text = str(one.attrs.get(n.MADE_BY, ""))
        function = CALLS.get(text.removeprefix("netxr.").partition("(")[0])
        is_plain = one.attrs.get(n.MISSING, "raise") == "raise" and n.TRIAL not in one.attrs.get(n.POOLED, ())
        if function is None or not is_plain:
            continue
        with suppress(SyntaxError, ValueError):  # options that are no plain values, such as an autocorrelation
            keywords = ast.parse(text, mode="eval").body.keywords  # type: ignore[attr-defined]
            options = {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in keywords}
            found.setdefault(text, Call(function, options, [])).names.append(str(name))
    return list(found.values())


def updates(stored: xr.Dataset, new: xr.Dataset, *, dim: str) -> Updates:
    """Return the moments and estimates of a run to which `new` is appended along `dim`, labels in the same order."""
    further, replaced, sentence = xr.Dataset(), xr.Dataset(), None
    old = _moments_in(stored) if all(name in stored for name in MOMENTS[:6]) else None
    moments = None
    if old is not None:
        if n.TRIAL in old[n.COMOMENT].dims and dim == n.TRIAL:
            further = _accumulated_alike(_samples(new, stored, old), old)
        else:
            after = _samples(new, stored, old)
            if dim == n.TRIAL:
                moments = merge_moments([old, _accumulated_alike(after, old)])
            else:
                moments = _longer(old, _samples(stored, stored, old), after)
            replaced = moments
    outdated = _other_results(stored, dim)
    for name, recipe in _recipes(stored).items():
        estimate = stored[name]
        is_own = old is None or not _gives(old, estimate, recipe.entries) or _is_made_by(recipe, old, estimate)
        if n.TRIAL in estimate.dims and dim == n.TRIAL:
            if not is_own:
                raise _made_otherwise(name)
            further = further.merge(_estimated(new[n.ACTIVITY], estimate, recipe), combine_attrs="drop")
        elif is_own and moments is not None and _gives(moments, estimate, recipe.entries):
            made = _estimated(moments, estimate, recipe)
            again = {key: one.assign_attrs(_attrs(one, stored[key])) for key, one in made.data_vars.items()}
            replaced = replaced.merge(made.assign(again), combine_attrs="override")
        else:
            outdated += [name, *recipe.beside]
    fresh = further if n.COMOMENT in further else None
    for call in _calls(stored):
        given = _follow_from(old, stored, call)
        if dim == n.TRIAL and all(n.TRIAL in stored[name].dims for name in call.names):
            made = call.function(fresh if given and fresh is not None else new[n.ACTIVITY], **call.options)
            further = further.merge(_results(made, stored, call), combine_attrs="drop")
            if n.SENTENCE in made.attrs and n.SCORE in call.names:
                before = stored[n.SCORE].attrs.get(n.SENTENCE, "")
                sentence = f"{before} Of {made.sizes[n.TRIAL]} further trials: {made.attrs[n.SENTENCE]}".strip()
        elif given and moments is not None:
            made = call.function(moments, **call.options)
            replaced = replaced.merge(_results(made, stored, call), combine_attrs="override")
        else:
            outdated += call.names
    if n.LAGGED_CORRELATION in replaced and n.P_VALUE in outdated and _is_of_correlation(stored[n.P_VALUE]):
        replaced = replaced.drop_vars(n.LAGGED_CORRELATION)
        outdated.append(n.LAGGED_CORRELATION)
    return Updates(further, replaced, outdated, sentence)


def _is_of_correlation(p_value: xr.DataArray) -> bool:
    """Return whether p-values are those of the correlation beside them, which stays as it was tested."""
    return str(p_value.attrs.get(n.MADE_BY, "")).startswith("netxr.correlation_test(")


def _follow_from(moments: xr.Dataset | None, stored: xr.Dataset, call: Call) -> bool:
    """Return whether the results of a call are what it makes of the moments beside them, rather than of activity."""
    if moments is None or call.function is recoverability:  # which takes blocks
        return False
    with suppress(InvalidInput):  # what moments do not give
        made = call.function(moments.chunk(), **call.options)  # lazily: nothing is computed
        return all(
            name in made
            and set(made[name].dims) == set(stored[name].dims)
            and all(made[name].attrs.get(about) == stored[name].attrs.get(about) for about in HOW)
            for name in call.names
        )
    return False


def _results(made: xr.Dataset, stored: xr.Dataset, call: Call) -> xr.Dataset:
    """Return the results of a call that a run holds, as it holds them."""
    found = {
        name: made[name]
        .transpose(*stored[name].dims)
        .astype(stored[name].dtype)
        .assign_attrs(_attrs(made[name], stored[name]))
        for name in call.names
    }
    return xr.Dataset(found).drop_vars(n.LAG, errors="ignore")


def _other_results(stored: xr.Dataset, dim: str) -> list[str]:
    """Return the names of scores, and of estimates that cannot be computed again here."""
    marks = {n.ESTIMATOR, n.DIAGONAL, n.RESULT_OF, n.MADE_BY}
    results = {name: one for name, one in stored.data_vars.items() if marks & set(one.attrs)}
    again = made_from_activity(stored)
    return [str(name) for name, one in results.items() if name not in again and dim not in one.dims]


def _attrs(made: xr.DataArray, old: xr.DataArray) -> dict[str, Any]:
    """Return the attributes of an estimate that is made again: those that it had, and by which versions it is made."""
    again = {name: value for name, value in made.attrs.items() if name in MADE_ANEW}
    return {name: value for name, value in old.attrs.items() if name not in OF_ITS_VALUES} | again


# --- moments ------------------------------------------------------------------


def check_moments(results: xr.Dataset, *, argument: str) -> None:
    """Raise InvalidInput if results hold moments of a part of the run: what is appended could not go into them."""
    moments = results[[name for name in MOMENTS if name in results]]
    if n.BLOCK in moments.dims:
        fix = "Save moments in blocks as a store of their own."
        raise InvalidInput(argument, got="moments in blocks", expected="moments of the whole", fix=fix)
    if n.COUNT in moments and n.WHERE in moments[n.COUNT].attrs:
        fix = "Save moments of marked frames as a store of their own, and merge them with netxr.merge_moments."
        raise InvalidInput(argument, got="moments of marked frames", expected="those of all frames", fix=fix)


def _moments_in(stored: xr.Dataset) -> xr.Dataset:
    """Return the moments that a run holds, with how they were accumulated."""
    check_moments(stored, argument="store")
    moments = stored[[name for name in MOMENTS if name in stored]]
    pooled = (
        [n.TIME, n.TRIAL]
        if n.TRIAL in stored[n.ACTIVITY].dims and n.TRIAL not in moments[n.COMOMENT].dims
        else [n.TIME]
    )
    by_pair = n.SOURCE in moments[n.SUMSQ_TARGET].dims
    missing = moments.attrs.get(n.MISSING, "pairwise" if by_pair else "raise" if n.EDGE_ACTIVITY in moments else "drop")
    link = {n.LINK: "logit"} if n.COMOMENT_LINKED in moments else {}
    return _in_memory(moments.assign_attrs({n.POOLED: pooled, n.MISSING: missing} | link))


def _in_memory(moments: xr.Dataset) -> xr.Dataset:
    """Return moments computed, if they are small."""
    return moments.compute() if moments.nbytes <= IN_MEMORY else moments


def _samples(run: xr.Dataset, stored: xr.Dataset, old: xr.Dataset) -> xr.Dataset:
    """Return the activity of a run, and the inputs beside it where moments hold some: those of the store, or more.

    Raises InvalidInput if the store has moments of inputs, and not the inputs, or those of the run are others.
    """
    if n.INPUT not in old.dims:
        return run[[n.ACTIVITY]]
    if n.INPUTS not in stored or stored[n.INPUTS].sizes.get(n.TIME) != stored[n.ACTIVITY].sizes[n.TIME]:
        fix = f"Save the inputs as the variable {n.INPUTS!r} beside the activity, ({n.INPUT}, {n.TIME}[, {n.TRIAL}])."
        expected = "the inputs as well, so that what is new can be added"
        raise InvalidInput("store", got="one with moments of inputs, without them", expected=expected, fix=fix)
    inputs = (run if n.INPUTS in run else stored)[n.INPUTS]  # those without trials are the same in all
    here, there = (labels_of(each, n.INPUT).tolist() for each in (inputs, old))
    if here != there:
        raise InvalidInput("data", got=f"inputs {here!r:.60}", expected=f"{there!r:.60}, as the store has")
    return run[[n.ACTIVITY]].assign({n.INPUTS: inputs})


def _accumulated_alike(samples: xr.Dataset, old: xr.Dataset, *, lags: list[int] | None = None) -> xr.Dataset:
    """Return the moments of other samples, accumulated as `old` was."""
    sources = labels_of(old, n.SOURCE)
    every = np.array_equal(sources, labels_of(old, n.TARGET))
    moments = lagged_moments(
        samples,
        lags=labels_of(old, n.LAG).tolist() if lags is None else lags,
        dim=old.attrs[n.POOLED],
        sources=None if every else sources.tolist(),
        missing=old.attrs[n.MISSING],
        link="logit" if n.COMOMENT_LINKED in old else None,
        inputs=samples.get(n.INPUTS),
    )
    return _in_memory(moments.assign_attrs({name: old.attrs[name] for name in (n.POOLED, n.MISSING)}))


def _longer(old: xr.Dataset, before: xr.Dataset, after: xr.Dataset) -> xr.Dataset:
    """Return the moments of longer trials, with pairs across the end of the old samples."""
    max_lag = int(labels_of(old, n.LAG).max())
    if n.EDGE_ACTIVITY in old and n.TRIAL not in old.attrs[n.POOLED] and after.sizes[n.TIME] > max_lag + 1:
        parts = (old, _accumulated_alike(after, old))
        if n.TRIAL not in old[n.COMOMENT].dims:
            return merge_moments(parts, continuous=True)
        trials = [[part.isel({n.TRIAL: [k]}) for part in parts] for k in range(old.sizes[n.TRIAL])]
        return _side_by_side([merge_moments(trial, continuous=True) for trial in trials], n.TRIAL)
    return _longer_lag_by_lag(old, before, after)


def _longer_lag_by_lag(old: xr.Dataset, before: xr.Dataset, after: xr.Dataset) -> xr.Dataset:
    """Return the same where trials are pooled, samples are left out, or what is new is shorter than a lag.

    The pairs of lag l that are new are all pairs of lag l in the last l samples with the new ones behind them.
    """
    lags, n_before = labels_of(old, n.LAG).tolist(), before.sizes[n.TIME]
    if after.sizes[n.TIME] < 2:
        fix = "Collect some before you append them."
        raise InvalidInput("data", got="1 sample", expected="2 or more for a store with moments", fix=fix)
    fresh = []
    for lag in lags:
        samples = _joined([before.isel({n.TIME: slice(n_before - lag, None)}), after])
        fresh.append(_accumulated_alike(samples, old, lags=[lag]).drop_vars(ENDS, errors="ignore"))
    parts = [old.drop_vars(ENDS, errors="ignore"), _side_by_side(fresh, n.LAG)]
    longer = merge_moments(parts)
    if n.FRAMES in (said := old[n.COUNT].attrs):
        n_new = after.sizes[n.TIME] * (after.sizes.get(n.TRIAL, 1) if n.TRIAL in old.attrs[n.POOLED] else 1)
        longer[n.COUNT].attrs[n.FRAMES] = said[n.FRAMES] + n_new
    if n.EDGE_ACTIVITY not in old:
        return longer
    # The frames at both ends, which coarse-graining needs, are those of a recording that has nothing between them.
    kept = max(lags) + 1  # of fewer, the recording would be too short for its lags
    both = _joined([before.isel({n.TIME: slice(max(kept, n_before - kept), None)}), after])
    ends = [before.isel({n.TIME: slice(0, kept)}), both.isel({n.TIME: slice(-kept, None)})]
    made = _accumulated_alike(_joined(ends), old)
    return longer.assign({name: made[name] for name in ENDS if name in made})


def _joined(parts: list[xr.Dataset]) -> xr.Dataset:
    """Return segments of a recording joined in time, without times."""
    timeless = [part.drop_vars(n.TIME, errors="ignore") for part in parts]
    return xr.concat(timeless, n.TIME, data_vars="minimal", coords="minimal", compat="override", join="override")


def _side_by_side(parts: list[xr.Dataset], dim: str) -> xr.Dataset:
    """Return moments of several trials or lags as one set; what has no such dim is the same in all."""
    return xr.concat(
        parts, dim, data_vars="minimal", coords="minimal", compat="override", join="exact", combine_attrs="override"
    )


# --- estimates ----------------------------------------------------------------


def _lags_of(estimate: xr.DataArray, entries: Sequence[Estimator]) -> int | list[int] | None:
    """Return the lag or lags of an estimate, if it says so; any will do where it has none."""
    if not any(entry.has_lag for entry in entries):
        return 0
    held = estimate[n.LAG].values.tolist() if n.LAG in estimate.coords else estimate.attrs.get(n.LAG)
    return held if isinstance(held, (int, list)) else None


def _gives(moments: xr.Dataset, estimate: xr.DataArray, entries: Sequence[Estimator]) -> bool:
    """Return whether an estimate follows from moments."""
    lags = _lags_of(estimate, entries)
    return (
        lags is not None
        and set(lags_needed(entries, np.ravel(lags).tolist())) <= set(labels_of(moments, n.LAG).tolist())
        and (n.TRIAL in estimate.dims) == (n.TRIAL in moments[n.COMOMENT].dims)
        and all(dim in estimate.dims and moments.sizes[dim] == estimate.sizes[dim] for dim in (n.TARGET, n.SOURCE))
    )


def _made_otherwise(name: str) -> InvalidInput:
    """Return the error about an estimate of which further trials cannot be made."""
    got = "in the store, what its estimator does not make of the moments beside it"
    fix = "Put it into a store of its own, or a plain one there with netxr.add(..., replace=True)."
    return InvalidInput(name, got=got, expected="an estimate that can be made again for further trials", fix=fix)


def _is_made_by(recipe: Recipe, moments: xr.Dataset, estimate: xr.DataArray) -> bool:
    """Return whether an estimate is what its estimators make of the moments beside it, and not, say, its square."""
    again = _estimated(moments, estimate, recipe)[estimate.name].transpose(*estimate.dims)
    return bool(np.allclose(again, estimate, rtol=1e-4, atol=1e-5, equal_nan=True))


def _estimated(data: xr.DataArray | xr.Dataset, old: xr.DataArray, recipe: Recipe) -> xr.Dataset:
    """Return an estimate like another, and what goes with it, from other samples or moments."""
    lags = _lags_of(old, recipe.entries)
    if lags is None:
        raise InvalidInput(
            str(old.name),
            got="an estimate in the store that does not say its lag",
            expected="a coordinate lag",
            fix="Estimate again with netxr.estimate, and put it there with netxr.add(..., replace=True).",
        )
    at: dict[str, Any] = {"lags": lags} if isinstance(lags, list) else {"lag": lags}
    options: dict[str, Any] = {} if isinstance(data, xr.Dataset) else {"missing": old.attrs.get(n.MISSING, "raise")}
    names = [entry.name for entry in recipe.entries]
    found = estimate(data, method=names if n.ESTIMATOR in old.dims else names[0], **at, **options)
    made = {old.name: compared(found, names[0]).astype(old.dtype)}
    if isinstance(found, xr.Dataset):
        made |= {name: found[name] for name in recipe.beside}
    return xr.Dataset(made).drop_vars(n.LAG if n.LAG not in old.coords else [], errors="ignore")
