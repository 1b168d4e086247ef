"""Neurons that the program which found them marks as none."""

from typing import Any, Final, NamedTuple

import xarray as xr

from netxr import names as n

JUDGED: Final = {
    **{n.ISCELL: True, n.ACCEPTED: True, "Accepted": True, "keep": True, "valid_roi": True},
    "state": "accepted",
}
"""What coordinates say of neurons that the program which found them took for cells, as several programs write it."""


class Marked(NamedTuple):
    """Neurons that a file itself marks as none: by which coordinate, how many in words, and what others have there."""

    name: str
    text: str
    good: Any
    """None where all are marked."""


def marked_as_none(run: xr.Dataset) -> list[Marked]:
    """Return which neurons the file itself marks as no cells, or as not accepted, by each coordinate that says it."""
    marked = []
    for name, right in JUDGED.items():
        entries = run[name].values.tolist() if name in run.coords else []
        bad = [entry for entry in entries if entry != right]
        if not bad or not {*entries} <= ({0, 1} if right is True else {"accepted", "undecided", "rejected"}):
            continue
        good = next((entry for entry in entries if entry == right), None)
        what = " or ".join(dict.fromkeys(map(str, bad)))
        marked.append(Marked(name, f"{len(bad):,} of {len(entries):,} neurons have {name} = {what}", good))
    return marked
