"""The views of a sweep: a score over one axis, in facets of another, or over two, and the Python that draws them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import holoviews as hv
import numpy as np
import xarray as xr

import netxr.plot
from netxr import names as n
from netxr.errors import InvalidInput
from netxr.estimators.compare import ABOUT_SCORES
from netxr.estimators.score_limit import CORRELATIONS
from netxr.plot.words import axis_label
from netxr.schema.words import counted, entry_text, text_of
from netxr.simulation.axes import AXES

MAP, CURVES = "map", "curves"
VIEWS: Final = {"Map": MAP, "Curves": CURVES}

ALL_IN_ONE: Final = "none"
"""Stands for no axis of facets."""

MOST_FACETS: Final = 20

WIDEST: Final = 3
"""Facets in a row on paper."""

DIMS: Final = {dim: axis_label(xr.Dataset(), dim) for dim in (*AXES, n.ESTIMATOR)}
"""{name: text} of the axes that a sweep may have."""

SCORES: Final = {about[0][:1].upper() + about[0][1:]: name for name, about in ABOUT_SCORES.items()}
"""{text: name} of the scores."""


class SweepChoice(NamedTuple):
    """What is drawn of a sweep."""

    view: str
    """Of `VIEWS`."""
    score: str
    """Of `SCORES`."""
    x: str
    y: str
    """Axes of the sweep, "" for the first one that varies; y is for the map, and "" for the length if that varies."""
    facet: str
    """An axis to draw a map or a curve for each entry of, or `ALL_IN_ONE`."""
    values: Mapping[str, float | str | None]
    """{axis: the entry that is drawn or chosen, None for the first} of the axes."""
    at: float = 0.9
    """A score that is good enough."""

    @property
    def drawn(self) -> list[str]:
        """The axes that are drawn along."""
        axes = [self.x, self.y] if self.view == MAP else [self.x]
        return axes if self.facet == ALL_IN_ONE else [*axes, self.facet]

    def on(self, sweep: xr.Dataset) -> "SweepChoice":
        """Return the choice with what it leaves open as it is for a sweep: axes that vary, the length along y."""
        varying = [dim for dim in DIMS if sweep.sizes.get(dim, 1) > 1 and dim != n.ESTIMATOR]
        axes = [*dict.fromkeys([*sorted(varying, key=n.N_STEPS.__eq__), *DIMS])]
        free = [dim for dim in axes if dim in sweep.dims and dim not in (self.x, self.y, self.facet)]
        known = self if self.x else self._replace(x=free.pop(0))
        if self.view == CURVES or self.y:
            return known
        return known._replace(y=n.N_STEPS if n.N_STEPS in free and n.N_STEPS in varying else free[0])

    @property
    def text(self) -> str:
        """What is drawn, in words."""
        called = {name: text[:1].lower() + text[1:] for name, text in DIMS.items()}
        fixed = [f"{called[axis]} {entry_text(value)}" for axis, value in self.values.items() if value is not None]
        score = next((text for text, name in SCORES.items() if name == self.score), self.score)
        return ", ".join([f"{score} over {' and '.join(called[axis] for axis in self.drawn)}", *fixed])


def check_read(sweep: xr.Dataset, *, memory: int) -> None:
    """Raise if a store is no sweep, or takes more than `memory`."""
    always = [name for name, axis in AXES.items() if axis.default is not None]
    lacking = [name for name in (n.FINISHED, *always, n.TRIAL) if name not in sweep.variables]
    if lacking:
        raise InvalidInput("sweep", got=f"a store without {', '.join(lacking)}", expected="one that netxr.sweep made")
    if sweep.nbytes > memory:
        raise InvalidInput("sweep", got=text_of(sweep.nbytes), expected=f"at most {text_of(memory)}")


def axes_of(sweep: xr.Dataset) -> list[str]:
    """Return the axes that a sweep has."""
    return [dim for dim in DIMS if dim in sweep.dims]


def cells_text(sweep: xr.Dataset) -> str:
    """Say of how many settings of the network the scores are there: of each over all lengths, lags and estimators."""
    finished = sweep[n.FINISHED]
    done, n_cells = int(finished.sum()), finished.size
    if done == n_cells:
        return f"All {counted(n_cells, 'setting')} of the network are finished."
    return f"Unfinished: {done} of {n_cells} settings of the network so far."


def is_finished(sweep: xr.Dataset) -> bool:
    """Return whether all cells of a sweep are finished, and so the means over trials are there."""
    return bool(sweep[n.FINISHED].all())


def variables_of(score: str) -> list[str]:
    """Return the variables of a sweep that its views take, where it has them.

    Examples
    --------
    >>> variables_of("pearson")
    ['finished', 'pearson', 'pearson_mean', 'pearson_std', 'pearson_defined']
    """
    return [n.FINISHED, score, *(score + end for end in (n.SCORE_MEAN, n.SCORE_STD, n.SCORE_DEFINED))]


def scores_of(sweep: xr.Dataset, choice: SweepChoice) -> xr.Dataset:
    """Return what is drawn of a sweep: a score with its mean, standard deviation and number of trials."""
    if choice.score not in sweep:
        there = ", ".join(name for name in SCORES.values() if name in sweep)
        raise InvalidInput("score", got=repr(choice.score), expected=f"a score of this sweep: {there}")
    if len(set(choice.drawn)) < len(choice.drawn):
        raise InvalidInput("x, y, facet", got=f"{choice.x} twice", expected="different axes")
    missing = [dim for dim in choice.drawn if dim not in sweep.dims]
    if missing:
        there = ", ".join(axes_of(sweep))
        raise InvalidInput("x, y, facet", got=missing[0], expected=f"axes of this sweep: {there}")
    score = choice.score
    ends = {end: score + end for end in (n.SCORE_MEAN, n.SCORE_STD, n.SCORE_DEFINED)}
    scores = sweep[[score, *ends.values()]]
    if not is_finished(sweep):
        each = sweep[score]
        scores[ends[n.SCORE_MEAN]] = each.mean(n.TRIAL, keep_attrs=True)
        # Not xarray's std: it warns if no trial is there.
        scores[ends[n.SCORE_STD]] = ((each - scores[ends[n.SCORE_MEAN]]) ** 2).mean(n.TRIAL, keep_attrs=True) ** 0.5
        scores[ends[n.SCORE_DEFINED]] = each.count(n.TRIAL, keep_attrs=True)
    return scores.isel({axis: place_of(sweep, axis, choice.values.get(axis)) for axis in _others(sweep, choice)})


def _others(sweep: xr.Dataset, choice: SweepChoice) -> list[str]:
    """Return the axes of which one entry is drawn."""
    kept = {*choice.drawn, *([n.ESTIMATOR] if choice.view == MAP else [])}
    kept |= {n.N_STEPS} if choice.view == MAP and is_drawn_by_length(sweep, choice) else set()
    return [axis for axis in axes_of(sweep) if axis not in kept]


def place_of(sweep: xr.Dataset, axis: str, value: float | str | None) -> int:
    """Return where an entry of an axis stands."""
    held = sweep[axis].values.tolist()
    if value is not None and value not in held:
        raise InvalidInput(axis, got=entry_text(value), expected=f"one of {', '.join(map(entry_text, held))}")
    return 0 if value is None else held.index(value)


def figures_of(scores: xr.Dataset, choice: SweepChoice) -> list[Any]:
    """Return the figures of curves: one, or one for each entry of the axis of facets that is defined somewhere."""
    if choice.facet == ALL_IN_ONE:
        return [netxr.plot.score_curve(scores, x=choice.x, score=choice.score)]
    return [
        netxr.plot.score_curve(
            scores.sel({choice.facet: value}),
            x=choice.x,
            score=choice.score,
            title=f"{axis_label(scores, choice.facet)}: {entry_text(value)}",
        )
        for value in defined_facets(scores, choice)
    ]


def defined_facets(scores: xr.Dataset, choice: SweepChoice) -> list[float | str]:
    """Return the entries of the axis of facets at which the score is defined somewhere."""
    means = scores[choice.score + n.SCORE_MEAN]
    somewhere = means.notnull().any([dim for dim in means.dims if dim != choice.facet])
    found: list[float | str] = scores[choice.facet].values[somewhere.values].tolist()
    if not 0 < len(found) <= MOST_FACETS:
        expected = f"1 to {MOST_FACETS} of them with a defined score"
        raise InvalidInput("facet", got=f"{len(found)} entries of {choice.facet}", expected=expected)
    return found


def range_of(scores: xr.Dataset, choice: SweepChoice) -> tuple[float, float]:
    """Return one range for the curves of all facets."""
    mean, std = (scores[choice.score + end].values for end in (n.SCORE_MEAN, n.SCORE_STD))
    low, high = float(np.nanmin(mean - std)), float(np.nanmax(mean + std))
    margin = 0.08 * (high - low) or 0.1
    return low - margin, high + margin


def on_paper(figures: list[Any]) -> Any:
    """Return the figures of a view as one."""
    if len(figures) == 1:
        return figures[0]
    columns, rows = min(WIDEST, len(figures)), -(-len(figures) // WIDEST)
    size = {"fig_inches": (5.5 * columns, 4.2 * rows), "sublabel_format": "", "hspace": 0.35, "vspace": 0.45}
    return hv.Layout(figures).cols(columns).opts(**size, backend="matplotlib")


def sweep_lines(path: Path, sweep: xr.Dataset, choice: SweepChoice) -> str:
    """Return the lines of Python that make a view."""
    name, kept = choice.score, {axis: place_of(sweep, axis, choice.values.get(axis)) for axis in _others(sweep, choice)}
    values = ", ".join(f"{axis}={sweep[axis].values.tolist()[place]!r}" for axis, place in kept.items())
    lines = ["import netxr", "", f"scores = netxr.open({str(path)!r}).load()"]
    if not is_finished(sweep) and choice.view == CURVES:
        mean, std, defined = (name + end for end in (n.SCORE_MEAN, n.SCORE_STD, n.SCORE_DEFINED))
        lines += [
            f'scores["{mean}"] = scores.{name}.mean("trial", keep_attrs=True)',
            f'scores["{std}"] = ((scores.{name} - scores.{mean}) ** 2).mean("trial", keep_attrs=True) ** 0.5',
            f'scores["{defined}"] = scores.{name}.count("trial", keep_attrs=True)',
        ]
    lines.append(f"scores = scores.sel({values})")
    if choice.view == MAP:
        return "\n".join([*lines, *_map_lines(sweep, choice)])
    if choice.facet == ALL_IN_ONE:
        return "\n".join([*lines, f'netxr.plot.score_curve(scores, x="{choice.x}", score="{name}")'])
    facet = choice.facet
    return "\n".join(
        [
            "import holoviews as hv",
            *lines,
            "curves = [",
            f'    netxr.plot.score_curve(scores.sel({facet}=value), x="{choice.x}", score="{name}", '
            f'title=f"{axis_label(sweep, facet)}: {{value{"" if facet == n.ESTIMATOR else ":g"}}}")',
            f"    for value in {defined_facets(scores_of(sweep, choice), choice)}",
            "]",
            f"hv.Layout(curves).cols({WIDEST})",
        ]
    )


def is_drawn_by_length(sweep: xr.Dataset, choice: SweepChoice) -> bool:
    """Return whether a map tells what is lost to noise: several lengths are drawn, of a score that falls with noise."""
    return n.N_STEPS in (choice.x, choice.y) and sweep.sizes.get(n.N_STEPS, 1) > 1 and choice.score in CORRELATIONS


def _map_lines(sweep: xr.Dataset, choice: SweepChoice) -> list[str]:
    """Return the lines of Python that draw a map of scores."""
    options, facet = f'x="{choice.x}", y="{choice.y}"', choice.facet
    if is_drawn_by_length(sweep, choice):
        col = "" if facet == ALL_IN_ONE else f', col="{facet}"'
        return [f'netxr.plot.good_enough(scores, score="{choice.score}", at={choice.at:g}, {options}{col})']
    further = "".join(f".isel({facet}=0)" for facet in [facet] * (facet != ALL_IN_ONE))
    best = '.max("estimator")' * (n.ESTIMATOR in sweep.dims)
    return [
        f'best = scores.{choice.score}{further}.mean("trial"){best}.to_dataset(name="score")',
        f'netxr.plot.map(best, {options}, score="score")',
    ]
