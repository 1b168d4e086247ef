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
from netxr.plot.words import axis_label
from netxr.schema.words import entry_text, text_of
from netxr.simulation.axes import AXES

CURVES, MAP, ENOUGH = "curves", "map", "enough"
VIEWS: Final = {"Curves": CURVES, "Map over two axes": MAP, "Where it is good enough": ENOUGH}

GOOD: Final = 0.9
"""A score that is good enough."""

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
    """What is drawn of a sweep.

    Parameters
    ----------
    view : str
        Of `VIEWS`.
    score : str
        Of `SCORES`.
    x, y : str
        Axes of the sweep; y is for the map.
    facet : str
        An axis to draw a curve for each entry of, or `ALL_IN_ONE`.
    values : mapping
        {axis: the entry that is drawn, None for the first} of the other axes.
    """

    view: str
    score: str
    x: str
    y: str
    facet: str
    values: Mapping[str, float | str | None]

    @property
    def drawn(self) -> list[str]:
        """The axes that are drawn along."""
        if self.view == ENOUGH:
            return [n.N_STEPS, self.x] if self.x != n.N_STEPS else [n.N_STEPS, self.y]
        if self.view == MAP:
            return [self.x, self.y]
        return [self.x] if self.facet == ALL_IN_ONE else [self.x, self.facet]

    @property
    def text(self) -> str:
        """What is drawn, in words."""
        fixed = [f"{axis} {entry_text(value)}" for axis, value in self.values.items() if value is not None]
        return ", ".join([f"{self.score} over {' and '.join(self.drawn)}", *fixed])


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
    """Say how many cells of a sweep are finished."""
    finished = sweep[n.FINISHED]
    done, n_cells = int(finished.sum()), finished.size
    return f"All {n_cells} cells are finished." if done == n_cells else f"Unfinished: {done} of {n_cells} cells so far."


def is_finished(sweep: xr.Dataset) -> bool:
    """Return whether all cells of a sweep are finished, and so the means over trials are there."""
    return bool(sweep[n.FINISHED].all())


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
    return scores.isel({axis: _place(sweep, axis, choice.values.get(axis)) for axis in _others(sweep, choice)})


def _others(sweep: xr.Dataset, choice: SweepChoice) -> list[str]:
    """Return the axes of which one entry is drawn."""
    return [axis for axis in axes_of(sweep) if axis not in choice.drawn]


def _place(sweep: xr.Dataset, axis: str, value: float | str | None) -> int:
    """Return where an entry of an axis stands."""
    held = sweep[axis].values.tolist()
    if value is not None and value not in held:
        raise InvalidInput(axis, got=entry_text(value), expected=f"one of {', '.join(map(entry_text, held))}")
    return 0 if value is None else held.index(value)


def figures_of(scores: xr.Dataset, choice: SweepChoice) -> list[Any]:
    """Return the figures of a view: one, or a curve for each entry of the axis of facets that is defined somewhere."""
    if choice.view == MAP:
        return [netxr.plot.map(scores, x=choice.x, y=choice.y, score=choice.score)]
    if choice.view == ENOUGH:
        return [netxr.plot.good_enough(scores, score=choice.score, at=GOOD, x=choice.drawn[1])]
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


def needed_text(scores: xr.Dataset, choice: SweepChoice) -> str:
    """Say how many samples the score takes at each entry of the axis beside the length."""
    axis = choice.drawn[1]
    needed = netxr.score_limit(scores, score=choice.score, at=GOOD)[n.SAMPLES_NEEDED]
    said = [
        f"{entry_text(value)}: {f'{count:,.0f}' if np.isfinite(count) else 'never'}"
        for value, count in zip(scores[axis].values.tolist(), needed.values.tolist(), strict=True)
    ]
    return f"Samples needed for {GOOD}, by {axis_label(scores, axis).lower()}: {'; '.join(said)}."


def on_paper(figures: list[Any]) -> Any:
    """Return the figures of a view as one."""
    if len(figures) == 1:
        return figures[0]
    columns, rows = min(WIDEST, len(figures)), -(-len(figures) // WIDEST)
    size = {"fig_inches": (5.5 * columns, 4.2 * rows), "sublabel_format": "", "hspace": 0.35, "vspace": 0.45}
    return hv.Layout(figures).cols(columns).opts(**size, backend="matplotlib")


def sweep_lines(path: Path, sweep: xr.Dataset, choice: SweepChoice) -> str:
    """Return the lines of Python that make a view."""
    name, kept = choice.score, {axis: _place(sweep, axis, choice.values.get(axis)) for axis in _others(sweep, choice)}
    values = ", ".join(f"{axis}={sweep[axis].values.tolist()[place]!r}" for axis, place in kept.items())
    lines = ["import netxr", "", f"scores = netxr.open({str(path)!r}).load()"]
    if not is_finished(sweep):
        mean, std, defined = (name + end for end in (n.SCORE_MEAN, n.SCORE_STD, n.SCORE_DEFINED))
        lines += [
            f'scores["{mean}"] = scores.{name}.mean("trial", keep_attrs=True)',
            f'scores["{std}"] = ((scores.{name} - scores.{mean}) ** 2).mean("trial", keep_attrs=True) ** 0.5',
            f'scores["{defined}"] = scores.{name}.count("trial", keep_attrs=True)',
        ]
    lines.append(f"scores = scores.sel({values})")
    if choice.view == ENOUGH:
        options = f'score="{name}", at={GOOD}, x="{choice.drawn[1]}"'
        return "\n".join([*lines, f"netxr.plot.good_enough(scores, {options})"])
    if choice.view == MAP:
        return "\n".join([*lines, f'netxr.plot.map(scores, x="{choice.x}", y="{choice.y}", score="{name}")'])
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
