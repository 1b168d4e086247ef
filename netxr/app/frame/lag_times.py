"""Lags as the page shows them: in seconds where a recording has a clock, in samples where it has none."""

import re
from typing import Final

import xarray as xr

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.schema.clock import clock_of, second_in

SPAN: Final = re.compile(r"([0-9.]+(?:e[+-]?[0-9]+)?)")
"""A number in a text of lags."""


def interval_of(run: xr.Dataset) -> float:
    """Return the seconds of a sample, whatever the unit of the clock; 0 where a recording does not say."""
    try:
        interval, unit, _ = clock_of(run[n.ACTIVITY])
    except InvalidInput:  # times are not even
        return 0.0
    return interval * (second_in(unit) or 0.0)


def shown_lags(text: str, interval: float) -> str:
    """Return lags in samples as the page shows them, where a sample takes so many seconds.

    Examples
    --------
    >>> shown_lags("0-10, 20", 1 / 30), shown_lags("1234", 1 / 30), shown_lags("0-10", 0.0)
    ('0-0.333, 0.667', '41.13', '0-10')
    """
    if not interval or re.search(r"[^\d\s,-]", text):
        return text
    return re.sub(r"\d+", lambda found: _told_apart(int(found[0]), interval), text)


def _told_apart(lag: int, interval: float) -> str:
    """Return a lag in seconds, in as many digits as tell it from its neighbours."""
    texts = (f"{lag * interval:.{digits}g}" for digits in range(3, 18))
    return next(text for text in texts if round(float(text) / interval) == lag)


def typed_lags(text: str, interval: float) -> str:
    """Return lags that were typed, in samples: those in seconds as the nearest ones. What is no number stays.

    Examples
    --------
    >>> typed_lags("0-0.333, 0.667", 1 / 30), typed_lags("0-10", 0.0), typed_lags("many", 0.1)
    ('0-10, 20', '0-10', 'many')
    """
    parts = SPAN.split(text)
    if not interval or re.search(r"[^\s,-]", "".join(parts[::2])):
        return text
    try:
        return "".join(str(round(float(one) / interval)) if k % 2 else one for k, one in enumerate(parts))
    except ValueError:  # such as 1.2.3
        return text


def lag_text(lag: int, interval: float) -> str:
    """Return a lag in words.

    Examples
    --------
    >>> lag_text(1, 1 / 30), lag_text(45, 1 / 30), lag_text(2, 0.0)
    ('33.3 ms', '1.5 s', 'lag 2')
    """
    seconds = lag * interval
    if not interval:
        return f"lag {lag}"
    return f"{1000 * seconds:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


def in_time(R: xr.DataArray, interval: float) -> tuple[xr.DataArray, str]:
    """Return an estimate whose lags are times, where a sample takes so many seconds, and what to call its lags."""
    if not interval:
        return R, "Lag (samples)"
    longest = float(R[n.LAG].max()) * interval
    scale, unit = (1.0, "s") if longest >= 1 else (1000.0, "ms")
    timed = R.assign_coords({n.LAG: R[n.LAG].values * interval * scale})
    timed.attrs.pop(n.SAMPLING_INTERVAL, None)  # no second axis
    return timed, f"Lag ({unit})"
