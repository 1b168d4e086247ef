"""What an estimate takes, by its plan: seconds and memory, said before it runs."""

from typing import Final, NamedTuple

import xarray as xr

import netxr
from netxr import names as n
from netxr.app.recording.choice import POOLED, Choice, chosen_activity, lags_of
from netxr.blocks.schedulers import cores
from netxr.errors import NetxrError
from netxr.estimators.apply import lags_needed
from netxr.estimators.table import estimator
from netxr.moments.factorisation import Factorisation
from netxr.schema.words import text_of

LIVE: Final = 1.0
"""Seconds up to which an estimate follows its settings; one that takes longer waits to be asked for."""

MINUTE: Final = 60


class Cost(NamedTuple):
    """What an estimate takes: seconds, and bytes at most."""

    seconds: float
    n_bytes: int

    @property
    def text(self) -> str:
        """The same in words.

        Examples
        --------
        >>> Cost(0.2, 94_371_840).text, Cost(2.4, 2**30).text, Cost(300.0, 2**31).text
        ('under 1 s, 90 MiB', 'about 2 s, 1 GiB', 'about 5 min, 2 GiB')
        """
        time = f"{self.seconds:.0f} s" if self.seconds < 2 * MINUTE else f"{self.seconds / MINUTE:.0f} min"
        return f"{'under 1 s' if self.seconds < 1 else f'about {time}'}, {text_of(self.n_bytes)}"


def cost_of(run: xr.Dataset, choice: Choice, *, memory: int) -> Cost | None:
    """Return what an estimate takes, without reading a sample; None of one that cannot be made.

    Cleaning comes on top of it.
    """
    try:
        activity, lags = chosen_activity(run, choice.as_recorded), lags_of(choice.lags)
        dim = (n.TIME, n.TRIAL) if choice.trial == POOLED and n.TRIAL in activity.dims else n.TIME
        needed = lags_needed([estimator(choice.method)], lags)
        plan = netxr.plan(activity, lags=needed, dim=dim, missing=choice.handling, memory=memory)
    except NetxrError:
        return None
    past = [lag for lag in needed if lag]
    solves = 0 in needed and 0 not in lags and past  # moments at lag 0 are taken to solve for coefficients
    more = Factorisation(activity.sizes[n.NEURON], len(past), cores()) if solves else None
    return Cost(plan.seconds + (more.seconds if more else 0), plan.peak_bytes + (more.peak_bytes if more else 0))
