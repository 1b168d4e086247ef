"""The report of a sweep: its scores over each parameter that varies."""

from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

import xarray as xr

import netxr
from netxr import names as n
from netxr.estimators.score_limit import CORRELATIONS
from netxr.plot.matrices.grids import MOST_FACETS
from netxr.report import page
from netxr.report.facts import DIAGONAL_MATTERS, MOST_ROWS, SCORES, facts, origin_parts, score_rows, words
from netxr.simulation.sweep_plan import call_of, check_finished


def sweep_parts(run: xr.Dataset, source: str | None) -> Iterator[Any]:
    """Yield the sections of the report of a sweep."""
    check_finished(run, argument="run")
    scores = [name for name in SCORES if name + n.SCORE_MEAN in run]
    table = run[
        [name + end for name in scores for end in (n.SCORE_MEAN, n.SCORE_STD, n.SCORE_DEFINED)] + scores
    ].compute()
    yield page.Table("Facts", "", facts(run))
    varies = [str(dim) for dim in table[scores[0] + n.SCORE_MEAN].dims if table.sizes[dim] > 1]
    if n.N_STEPS in varies and len(varies) > 1 and scores[0] in CORRELATIONS:
        yield from _good_enough(table, scores[0], varies)
    if len(varies) > 1:
        yield from _map(table, scores[0], varies)
    for dim in varies:
        if table[dim].dtype.kind in "if":
            yield from _curve(table, scores[0], dim, varies)
    rows = score_rows(table, [name + end for name in scores for end in (n.SCORE_MEAN, n.SCORE_DEFINED)])
    yield page.Table("Scores", DIAGONAL_MATTERS, rows, len(rows) > MOST_ROWS)
    remark = "# the same sweep, computed again; with store=, it can be interrupted and resumed"
    yield from origin_parts(run, source, "", again=["", remark, f"again = {call_of(run)}"])


def _good_enough(table: xr.Dataset, score: str, varies: list[str]) -> Iterator[Any]:
    """Yield where a score is good enough, over the first parameters that vary besides the length."""
    drawn = [n.N_STEPS, *[dim for dim in varies if dim not in (n.N_STEPS, n.ESTIMATOR)][:3]]
    one, at = _at_the_first(table, score, varies, keep=(*drawn, n.ESTIMATOR))
    facets = prod(table.sizes[dim] for dim in drawn[2:])
    if one is not None and len(drawn) > 1 and facets <= MOST_FACETS:
        text = "The best estimator of each cell; what is not good enough lacks samples, or never will be."
        figure = netxr.plot.good_enough(one, score=score)
        yield page.Figure("Where it is good enough", f"{text} {at}".strip(), figure)


def _map(table: xr.Dataset, score: str, varies: list[str]) -> Iterator[Any]:
    """Yield a score over the first two parameters that vary, if it is defined anywhere."""
    x, y = varies[:2]
    one, at = _at_the_first(table, score, varies, keep=(x, y))
    if one is not None:
        text = f"The mean over trials. {at}".strip()
        yield page.Figure(f"Score over {words(x)} and {words(y)}", text, netxr.plot.map(one, x=x, y=y, score=score))


def _curve(table: xr.Dataset, score: str, dim: str, varies: list[str]) -> Iterator[Any]:
    """Yield a score over one parameter, if it is defined anywhere."""
    one, at = _at_the_first(table, score, varies, keep=(dim,))
    if one is not None:
        text = "Mean and band of one standard deviation over trials. An open mark is a mean over fewer than all trials."
        curve = netxr.plot.score_curve(one, x=dim, score=score)
        yield page.Figure(f"Score over {words(dim)}", f"{text} {at}".strip(), curve)


def _at_the_first(
    table: xr.Dataset, score: str, varies: list[str], *, keep: Sequence[str]
) -> tuple[xr.Dataset | None, str]:
    """Return the scores at the first value of each other parameter, and these values; None if undefined there."""
    mean = table[score + n.SCORE_MEAN]
    one = table.isel({dim: 0 for dim in mean.dims if dim not in keep})
    places = [f"{words(dim)} {table[dim].values[0]}" for dim in varies if dim not in keep]
    is_defined = bool(one[score + n.SCORE_MEAN].notnull().any())
    return one if is_defined else None, f"At {', '.join(places)}." if places else ""
