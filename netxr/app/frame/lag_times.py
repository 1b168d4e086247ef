"""Lags as the page shows them: in one unit of time where a recording has a clock, in samples where it has none."""

import re
from decimal import Decimal
from typing import Final

import xarray as xr

from netxr import names as n
from netxr.errors import InvalidInput
from netxr.schema.clock import clock_of, second_in
from netxr.schema.words import counted

TIME: Final = r"((?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)\s*(us|µs|ms|s|min)?"
SPAN: Final = re.compile(rf"{TIME}(?:\s*-\s*{TIME})?")
"""One lag that is typed, or a first and a last one."""

LONGEST: Final = 999_999
"""Most samples of a lag."""

SLOW: Final = 0.1
"""Seconds of a sample from which on lags are in seconds, else in milliseconds."""


def interval_of(run: xr.Dataset) -> float:
    """Return the seconds of a sample, whatever the unit of the clock; 0 where a recording does not say."""
    try:
        interval, unit, _ = clock_of(run[n.ACTIVITY])
    except InvalidInput:  # times are not even
        return 0.0
    return interval * (second_in(unit) or 0.0)


def unit_of(interval: float) -> tuple[str, float]:
    """Return the unit in which the page shows all lags of a recording, and how many of it a second is.

    Examples
    --------
    >>> unit_of(1 / 30), unit_of(0.8)
    (('ms', 1000.0), ('s', 1.0))
    """
    return ("ms", 1000.0) if interval < SLOW else ("s", 1.0)


def shown_lags(text: str, interval: float) -> str:
    """Return lags in samples as the page shows them, where a sample takes so many seconds.

    Examples
    --------
    >>> shown_lags("0-10, 20", 1 / 30), shown_lags("1234", 1 / 30), shown_lags("3", 0.8), shown_lags("0-10", 0.0)
    ('0-333, 667', '41133', '2.4', '0-10')
    """
    if not interval or re.search(r"[^\d\s,-]", text):
        return text
    return re.sub(r"\d+", lambda found: _told_apart(int(found[0]), interval), text)


def _told_apart(lag: int, interval: float) -> str:
    """Return a lag in the unit of its recording, in as many digits as tell it from its neighbours."""
    time, sample = (one * interval * unit_of(interval)[1] for one in (lag, 1))
    texts = (f"{time:.{digits}g}" for digits in range(max(3, len(str(int(time)))), 18))
    return next(text for text in texts if round(float(text) / sample) == lag)


def typed_lags(text: str, interval: float) -> str:
    """Return lags that were typed, in samples; they are times where a sample takes so many seconds.

    Raises InvalidInput for what is no time, or that of no sample; a time may be rounded, as it is where it is shown.

    Examples
    --------
    >>> typed_lags("0-333, 667", 1 / 30), typed_lags("0-0.1s, 1 s", 0.02), typed_lags("0-10", 0.0)
    ('0-10, 20', '0-5, 50', '0-10')
    """
    if not interval:
        return text
    parts = [part.strip() for part in text.split(",") if part.strip()] or [""]
    return ", ".join(_typed_span(part, interval) for part in parts)


def _typed_span(text: str, interval: float) -> str:
    """Return one lag that was typed, or the first and the last one, in samples."""
    found = SPAN.fullmatch(text)
    if not found:
        (own, _), one, several = unit_of(interval), shown_lags("1", interval), shown_lags("0-10", interval)
        expected = f'times in {own}, such as "{one}" or "{several}", or with a unit, "{interval:.3g}s"'
        raise InvalidInput("lags", got=repr(text), expected=expected)
    first, unit, last, unit_of_last = found.groups()
    ends = [(first, unit or unit_of_last), (last, unit_of_last)]
    return "-".join(str(_sample_at(number, unit or unit_of(interval)[0], interval)) for number, unit in ends if number)


def _sample_at(number: str, unit: str, interval: float) -> int:
    """Return the sample at a time, whose number has at least three digits, or as many as were typed."""
    second = second_in(unit) or 1.0
    exact = float(number) * second / interval
    if exact >= LONGEST + 0.5:
        expected = f"at most {shown_lags(str(LONGEST), interval)} {unit_of(interval)[0]}"
        raise InvalidInput("lags", got=f"{number} {unit}", expected=expected)
    nearest = round(exact)
    digits = min(max(len(Decimal(number).as_tuple().digits), 3), 12)
    if f"{float(number):.{digits}g}" != f"{nearest * interval / second:.{digits}g}":
        own, scale = unit_of(interval)
        got = f"{number} {unit}, which is {exact:.6g} samples of {scale * interval:.6g} {own}"
        fix = f"The nearest is {_told_apart(nearest, interval)} {own}, of {counted(nearest, 'sample')}."
        raise InvalidInput("lags", got=got, expected="a whole number of samples", fix=fix)
    return nearest


def lag_text(lag: int, interval: float) -> str:
    """Return a lag in words.

    Examples
    --------
    >>> lag_text(1, 1 / 30), lag_text(45, 1 / 30), lag_text(2, 0.8), lag_text(2, 0.0)
    ('33.3 ms', '1500 ms', '1.6 s', 'lag 2')
    """
    return f"{_told_apart(lag, interval)} {unit_of(interval)[0]}" if interval else f"lag {lag}"


def in_time(R: xr.DataArray, interval: float) -> tuple[xr.DataArray, str]:
    """Return an estimate whose lags are times, where a sample takes so many seconds, and what to call its lags."""
    if not interval:
        return R, "Lag (samples)"
    unit, scale = unit_of(interval)
    timed = R.assign_coords({n.LAG: R[n.LAG].values * interval * scale})
    timed.attrs.pop(n.SAMPLING_INTERVAL, None)  # no second axis
    return timed, f"Lag ({unit})"
