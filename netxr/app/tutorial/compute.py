"""What the tab for the tutorial shows: a network, its activity, estimate and scores, from a few settings."""

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Any, Final, NamedTuple

import numpy as np
import xarray as xr

import netxr
import netxr.plot
from netxr import names as n
from netxr.errors import InvalidInput
from netxr.schema.words import text_of

RNG: Final = "legacy"
"""Random streams of the tutorial: 6 neurons, 5000 steps and seed 42 give its correlation of 0.95967."""

REMEMBERED: Final = 64
"""Most runs that are remembered, for all pages together."""

REMEMBERED_NEURONS: Final = 200
"""Largest network whose run is remembered."""

MOST_IN_GRAPH: Final = 60
"""Most neurons of a readable graph."""

SHORT_WORK: Final = 2e8
"""Multiplications that take well under a second."""


class Setup(NamedTuple):
    """The settings of a run."""

    n: int
    sparsity: float
    steps: int
    seed: int
    """Size and sparsity of the network, samples, and the seed of both."""
    lag: int
    """Samples by which the target is read after the source."""
    groups: int
    """How many groups the neurons are averaged into, 0 for none."""
    diagonal: bool
    """Whether self-connections are included in the scores."""

    @property
    def n_bytes(self) -> int:
        """Most memory it takes: samples, noise and blocks of them; matrices and their singular vectors."""
        return 8 * (3 * self.n * self.steps + 8 * self.n**2)

    @property
    def text(self) -> str:
        """The settings in words."""
        parts = [f"{self.n:,} neurons", f"sparsity {self.sparsity:g}", f"{self.steps:,} steps", f"lag {self.lag}"]
        parts += [f"{self.groups:,} groups"] * bool(self.groups)
        return ", ".join([*parts, f"seed {self.seed}", f"{'with' if self.diagonal else 'without'} the diagonal"])

    @property
    def is_short(self) -> bool:
        """Whether it takes well under a second."""
        return self.n**2 * (self.steps + 20 * self.n) < SHORT_WORK

    @property
    def shows_graphs(self) -> bool:
        """Whether the graphs of the matrices can be read."""
        return (self.groups or self.n) <= MOST_IN_GRAPH


def check_setup(setup: Setup, *, memory: int) -> None:
    """Raise if a run cannot be computed, before anything is computed."""
    if setup.groups > setup.n:
        raise InvalidInput("groups", got=f"{setup.groups}", expected=f"at most one for each of {setup.n} neurons")
    if setup.steps < setup.lag + 2:
        raise InvalidInput("lag", got=f"{setup.lag} of {setup.steps} steps", expected=f"at most {setup.steps - 2}")
    if setup.n_bytes > memory:
        raise InvalidInput(
            "n, steps",
            got=f"{setup.n:,} neurons x {setup.steps:,} steps, which take {text_of(setup.n_bytes)}",
            expected=f"at most {text_of(memory)}",
            fix="Ask for fewer, or start netxr app with another --memory.",
        )


def tutorial_run(setup: Setup, *, step: Callable[[int, int], object] | None = None) -> xr.Dataset:
    """Simulate a network, estimate its connectivity, of groups where there are groups, and score the estimate.

    `step` is called with (steps done, steps in all) of the simulation.

    Examples
    --------
    >>> scores = tutorial_run(Setup(6, 0.9, 5000, 42, lag=1, groups=0, diagonal=True))
    >>> round(scores.pearson.item(), 5)
    0.95967
    """
    network = netxr.random_connectivity(setup.n, sparsity=setup.sparsity, seed=setup.seed, rng=RNG)
    run = netxr.simulate(network, n_steps=setup.steps, seed=setup.seed, rng=RNG, progress=step)
    if setup.groups:
        run = netxr.coarsen(run, groups=np.arange(setup.n) * setup.groups // setup.n)
    estimate = netxr.lagged_correlation(run[n.ACTIVITY], lag=setup.lag).isel({n.TRIAL: 0})
    truth = run[n.CONNECTIVITY]
    if step is not None:
        step(setup.steps, setup.steps)
    scores = netxr.compare(truth, estimate, diagonal=setup.diagonal, permutations=0)
    return xr.Dataset({n.CONNECTIVITY: truth, n.LAGGED_CORRELATION: estimate, **scores.data_vars}, attrs=run.attrs)


_remembered: OrderedDict[Setup, xr.Dataset] = OrderedDict()
_lock = Lock()


def remembered(setup: Setup) -> xr.Dataset | None:
    """Return a run that was computed recently, for any page."""
    with _lock:
        if setup in _remembered:
            _remembered.move_to_end(setup)
        return _remembered.get(setup)


def remember(setup: Setup, run: xr.Dataset) -> None:
    """Remember a run if it is not too large, and forget the one unused for longest."""
    if setup.n > REMEMBERED_NEURONS:
        return
    with _lock:
        _remembered[setup] = run
        while len(_remembered) > REMEMBERED:
            _remembered.popitem(last=False)


def visited(setup: Setup) -> xr.Dataset:
    """Return the correlation of A and R over the sizes that were seen with these settings otherwise, (n_neurons,)."""
    with _lock:
        scores = {
            seen.n: run[n.PEARSON].item() for seen, run in _remembered.items() if seen._replace(n=setup.n) == setup
        }
    sizes = sorted(size for size, score in scores.items() if np.isfinite(score))
    about = {n.LONG_NAME: "correlation of A and R", n.DIAGONAL: setup.diagonal}
    return xr.Dataset({n.PEARSON: (n.N_NEURONS, [scores[size] for size in sizes], about)}, {n.N_NEURONS: sizes})


def python_lines(setup: Setup) -> str:
    """Return the lines of Python that make what the tab shows.

    Examples
    --------
    >>> print(python_lines(Setup(6, 0.9, 5000, 42, lag=1, groups=0, diagonal=True)))
    import netxr
    <BLANKLINE>
    A = netxr.random_connectivity(6, sparsity=0.9, seed=42, rng="legacy")
    run = netxr.simulate(A, n_steps=5000, seed=42, rng="legacy")
    R = netxr.lagged_correlation(run.activity, lag=1).isel(trial=0)
    scores = netxr.compare(run.connectivity, R, diagonal=True, permutations=0)
    netxr.plot.overview(run.connectivity, R, score=scores.pearson)
    """
    lines = [
        "import netxr",
        "",
        f'A = netxr.random_connectivity({setup.n}, sparsity={setup.sparsity}, seed={setup.seed}, rng="{RNG}")',
        f'run = netxr.simulate(A, n_steps={setup.steps}, seed={setup.seed}, rng="{RNG}")',
    ]
    if setup.groups:
        lines.append(f"run = netxr.coarsen(run, groups=[k * {setup.groups} // {setup.n} for k in range({setup.n})])")
    return "\n".join(
        [
            *lines,
            f"R = netxr.lagged_correlation(run.activity, lag={setup.lag}).isel(trial=0)",
            f"scores = netxr.compare(run.connectivity, R, diagonal={setup.diagonal}, permutations=0)",
            f"netxr.plot.{'overview' if setup.shows_graphs else 'compare'}(run.connectivity, R, score=scores.pearson)",
        ]
    )


def figure(setup: Setup, run: xr.Dataset) -> Any:
    """Return the figure of a run for paper."""
    draw = netxr.plot.overview if setup.shows_graphs else netxr.plot.compare
    return draw(run[n.CONNECTIVITY], run[n.LAGGED_CORRELATION], score=run[n.PEARSON])
