"""Rain summed over windows: at gauges, in the cells of a cube, over areas. What is missing makes a sum a lower bound.

A reading is the rain of an interval that ends at its time. A window of w hours at time t is (t - w, t], and a reading
counts where its whole interval lies inside: rain known only for a longer stretch may all have fallen outside, unless
there was none. What no such reading covers is the sum's *missing share*. Sums are taken in whole thousandths of a
millimetre, so they are exact, the same for every order of rows, and a threshold is met by what adds up to it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo_risk.errors import ParameterError, shown

Numbers: TypeAlias = NDArray[np.float64]
Cells: TypeAlias = NDArray[np.int64]

WINDOWS_H: Final = (1.0, 3.0, 6.0, 12.0, 24.0)
AREA_RULES: Final = ("area_mean", "max_cell")
_COLUMNS: Final = ("station", "time", "value", "minutes")
_PER_MM: Final = 1000.0
_MS_PER_MINUTE: Final = 60_000
_MS_PER_HOUR: Final = 3_600_000
_STATION_SPAN: Final = 1 << 46
"""Above any time in milliseconds (to the year 4199): a station's number times this, plus a time, sorts by both."""
_MOST_STATIONS: Final = 100_000
_ROUNDING: Final = 1e-6  # of an area: what lies outside the grid below this is rounding
_MOST_MM: Final = 1e6
"""Of one reading: more is a fill value nobody declared, and thousandths of it would leave whole numbers."""


class CellContacts(Protocol):
    """Which cells each area meets, and how much of each: what `geo_risk.hazard.contacts` gives."""

    @property
    def objects(self) -> int:
        """How many areas."""

    @property
    def of(self) -> Cells:
        """The area of each contact."""

    @property
    def cell(self) -> Cells:
        """The cell of each contact."""

    @property
    def amount(self) -> Numbers:
        """The share of the cell that the area covers."""

    @property
    def whole(self) -> Numbers:
        """Each area's size in cells, the part outside the grid included."""


@dataclass(frozen=True, eq=False, kw_only=True)
class CubeSums:
    """Sums over one window, time by time and cell by cell: a lower bound where ``missing_share`` is above 0, nan where it is 1."""

    window_h: float
    mm_at_least: Numbers
    missing_share: Numbers


@dataclass(frozen=True, eq=False)
class _Readings:
    """Known readings sorted by station and time: keys of both, starts, running sums of millimetres and of minutes."""

    names: pd.Index
    station: Cells
    starts: Cells
    ends: Cells
    thousandths: Cells
    covered_ms: Cells
    dry: NDArray[np.bool_]
    zone: object


def accumulate(
    observations: pd.DataFrame, windows_h: Sequence[float] = WINDOWS_H, *, at: pd.DatetimeIndex | None = None
) -> pd.DataFrame:
    """Rain in the hours before each time, gauge by gauge.

    sum(station, t, w) = total of ``value`` over readings with t - w <= time - minutes and time <= t

    A dry reading (0 mm) that reaches over the window's edge covers the part of it that lies inside.

    Parameters
    ----------
    observations : DataFrame
        ``station``; ``time`` with a time zone, the end of the interval; ``value`` in mm, nan where the gauge gave
        none; ``minutes``, the interval's length. Optional ``at_least``, True where the interval's rain is only a lower
        bound (a counter that was reset): it is summed, and its interval is missing all the same.
    windows_h : sequence of float
        Hours.
    at : DatetimeIndex, optional
        Times with a zone, each asked of every station. Without it, each station's own known readings: between them
        nothing new is known.

    Returns
    -------
    DataFrame
        ``station``, ``time``, ``window_h``, ``mm_at_least`` (nan where nothing is known), ``missing_share`` (0 to 1);
        sorted by these. A sum is known whole where ``missing_share`` is 0.

    Raises
    ------
    ParameterError
        A column is missing, a time has no zone, a value is negative or over 1,000,000 mm, an interval is not
        positive or over a year, or two readings of one station overlap.

    Examples
    --------
    >>> hours = pd.date_range("2026-06-20T01:00Z", periods=3, freq="h")
    >>> readings = pd.DataFrame({"station": "a", "time": hours, "value": [20.0, np.nan, 30.0], "minutes": 60})
    >>> accumulate(readings, (3,))[["window_h", "mm_at_least", "missing_share"]].round(2).values.tolist()
    [[3.0, 20.0, 0.67], [3.0, 50.0, 0.33]]
    """
    readings = _known(observations)
    station, times = _asked(readings, at)
    parts = [_summed(readings, station, times, _window_h(hours)) for hours in windows_h]
    frame = pd.concat(parts) if parts else _summed(readings, station[:0], times[:0], 1.0)
    return frame.sort_values(["station", "time", "window_h"], kind="stable", ignore_index=True)


def from_counter(observations: pd.DataFrame) -> pd.DataFrame:
    """Readings of gauges that count up (``value`` is the total so far) as the rain of each interval between two readings.

    rain = total - total before, where it did not fall. A total that fell was reset in between: at least the new total
    fell since, marked ``at_least``. The first reading of a station has none before it and gives no interval.

    Parameters
    ----------
    observations : DataFrame
        ``station``, ``time`` with a time zone, ``value`` in mm. Unknown totals are passed over.

    Returns
    -------
    DataFrame
        ``station``, ``time``, ``value``, ``minutes``, ``at_least``: what `accumulate` takes.

    Examples
    --------
    >>> hours = pd.date_range("2026-06-20T01:00Z", periods=3, freq="h")
    >>> totals = pd.DataFrame({"station": "a", "time": hours, "value": [5.0, 12.5, 3.0]})
    >>> from_counter(totals)[["value", "at_least"]].values.tolist()
    [[7.5, False], [3.0, True]]
    """
    _require_columns(observations, ("station", "time", "value"))
    _require_zone(observations)
    totals = observations.dropna(subset=["value"]).sort_values(["station", "time"], kind="stable")
    _require_amounts(totals["value"].to_numpy(dtype=float))
    gap = totals.groupby("station")["time"].diff()
    rise = totals.groupby("station")["value"].diff()
    found = totals.assign(
        value=np.round(rise.where(rise >= 0, totals["value"]), 6), minutes=gap.dt.total_seconds() / 60.0, at_least=rise < 0,
    )
    return found[gap.notna()].reset_index(drop=True)


def known_at(observations: pd.DataFrame, moment: pd.Timestamp) -> pd.DataFrame:
    """What was known at a moment: readings received until then; one without ``received_at`` is taken as received at its time."""
    received = observations["received_at"].fillna(observations["time"]) if "received_at" in observations else observations["time"]
    return observations[received <= moment]


def accumulate_cube(mm: Numbers, ends: pd.DatetimeIndex, step_h: float, windows_h: Sequence[float]) -> Iterator[CubeSums]:
    """Rain in the hours before each step of a cube, cell by cell; one window at a time, so that memory stays bounded.

    Parameters
    ----------
    mm : array of float, (times, ...)
        Rain of each step in mm; nan is unknown.
    ends : DatetimeIndex
        When each step ends, rising. Steps may be left out: they are missing.
    step_h : float
        Hours that each step covers.
    windows_h : sequence of float
        Hours.

    Yields
    ------
    CubeSums
        Arrays of the shape of ``mm``.

    Raises
    ------
    ParameterError
        Lengths differ, times do not rise by at least a step, or rain is negative or over 1,000,000 mm.

    Examples
    --------
    >>> hours = pd.date_range("2026-06-20T01:00Z", periods=3, freq="h")
    >>> (two,) = accumulate_cube(np.array([[1.0], [2.0], [np.nan]]), hours, 1.0, (2,))
    >>> two.mm_at_least.ravel().tolist(), two.missing_share.ravel().tolist()
    ([1.0, 3.0, 2.0], [0.5, 0.0, 0.5])
    """
    end_ms, step_ms = _ms(ends), round(step_h * _MS_PER_HOUR)
    _require_steps(mm, end_ms, step_ms)
    known = np.isfinite(mm)
    total = _running(np.where(known, np.rint(np.where(known, mm, 0.0) * _PER_MM), 0.0).astype(np.int64))
    count = _running(known.astype(np.int32))
    for hours in windows_h:
        window_ms = round(_window_h(hours) * _MS_PER_HOUR)
        first = np.searchsorted(end_ms - step_ms, end_ms - window_ms, side="left")
        last = np.maximum(np.arange(1, len(end_ms) + 1), first)
        steps = count[last] - count[first]
        yield CubeSums(
            window_h=float(hours),
            mm_at_least=np.where(steps > 0, (total[last] - total[first]) / _PER_MM, np.nan),
            missing_share=np.asarray(1.0 - steps * step_ms / window_ms, dtype=float),
        )


def over_areas(mm_at_least: Numbers, missing_share: Numbers, contacts: CellContacts, rule: str) -> pd.DataFrame:
    """The rain of each area from the cells it meets, by a named rule.

    ``area_mean`` is sum(share of cell x mm) / area, in which an unknown cell and what lies outside the grid give
    nothing and count as missing: a lower bound. ``max_cell`` is the wettest cell that is known, its missing share that
    of the worst-known cell; 1 where the area reaches beyond the grid, since it may rain more there.

    Parameters
    ----------
    mm_at_least, missing_share : array of float, (cells,)
        Of one time and window, cells in the order of the grid.
    contacts : CellContacts
        The areas on that grid.
    rule : str
        ``area_mean`` or ``max_cell``.

    Returns
    -------
    DataFrame
        ``mm_at_least`` and ``missing_share``, a row an area; nan and 1 for an area that meets no known cell.
    """
    if rule not in AREA_RULES:
        raise ParameterError("no such rule of areas", where="over_areas", expected=", ".join(AREA_RULES), got=shown(rule))
    mm, missing = mm_at_least[contacts.cell], missing_share[contacts.cell]
    known = ~np.isnan(mm)
    found = (_mean_over if rule == "area_mean" else _most_over)(contacts, np.where(known, mm, 0.0), np.where(known, missing, 1.0))
    met = np.bincount(contacts.of[known], minlength=contacts.objects) > 0
    return pd.DataFrame({"mm_at_least": np.where(met, found[0], np.nan), "missing_share": np.where(met, found[1], 1.0)})


def _mean_over(contacts: CellContacts, mm: Numbers, missing: Numbers) -> tuple[Numbers, Numbers]:
    whole = np.maximum(contacts.whole, np.finfo(float).tiny)
    rain = np.bincount(contacts.of, weights=contacts.amount * mm, minlength=contacts.objects)
    covered = np.bincount(contacts.of, weights=contacts.amount * (1.0 - missing), minlength=contacts.objects)
    return rain / whole, np.clip(1.0 - covered / whole, 0.0, 1.0)


def _most_over(contacts: CellContacts, mm: Numbers, missing: Numbers) -> tuple[Numbers, Numbers]:
    most, least_known = np.zeros(contacts.objects), np.zeros(contacts.objects)
    np.maximum.at(most, contacts.of, mm)
    np.maximum.at(least_known, contacts.of, missing)
    met = np.bincount(contacts.of, weights=contacts.amount, minlength=contacts.objects)
    return most, np.where(met < contacts.whole * (1.0 - _ROUNDING), 1.0, least_known)


def _known(observations: pd.DataFrame) -> _Readings:
    _require_columns(observations, _COLUMNS)
    _require_zone(observations)
    readings = observations.dropna(subset=["value"])
    _require_amounts(readings["value"].to_numpy(dtype=float))
    codes, names = pd.factorize(readings["station"], sort=True)
    ends = _ms(pd.DatetimeIndex(readings["time"]))
    _require_intervals(readings["minutes"].to_numpy(dtype=float), len(names))
    length = np.rint(readings["minutes"].to_numpy(dtype=float) * _MS_PER_MINUTE).astype(np.int64)
    order = np.lexsort((ends, codes))
    keys = codes[order].astype(np.int64) * _STATION_SPAN + ends[order]
    bound = readings["at_least"].fillna(False).to_numpy(dtype=bool)[order] if "at_least" in readings else np.zeros(len(order), bool)
    starts = keys - length[order]
    mm = readings["value"].to_numpy(dtype=float)[order]
    _require_apart(starts, keys, names, codes[order])
    return _Readings(
        names=pd.Index(names),
        station=codes[order],
        starts=starts,
        ends=keys,
        thousandths=_running(np.rint(mm * _PER_MM).astype(np.int64)),
        covered_ms=_running(np.where(bound, 0, length[order])),
        dry=(mm == 0) & ~bound,
        zone=observations["time"].dt.tz,
    )


def _asked(readings: _Readings, at: pd.DatetimeIndex | None) -> tuple[Cells, Cells]:
    """Station number and time in milliseconds of every sum that is asked for."""
    if at is None:
        return readings.station, readings.ends - readings.station * _STATION_SPAN
    if at.tz is None:
        raise ParameterError("the times asked for have no time zone", where="at", expected="times with a zone", got="none")
    count = len(readings.names)
    return np.repeat(np.arange(count), len(at)), np.tile(_ms(at), count)


def _summed(readings: _Readings, station: Cells, times: Cells, window_h: float) -> pd.DataFrame:
    window_ms = round(window_h * _MS_PER_HOUR)
    asked = station * _STATION_SPAN + times
    first = np.searchsorted(readings.starts, asked - window_ms, side="left")
    last = np.maximum(np.searchsorted(readings.ends, asked, side="right"), first)
    covered = readings.covered_ms[last] - readings.covered_ms[first]
    covered += _dry_parts(readings, first - 1, asked - window_ms, asked)
    covered += np.where(last != first - 1, _dry_parts(readings, last, asked - window_ms, asked), 0)
    mm = (readings.thousandths[last] - readings.thousandths[first]) / _PER_MM
    return pd.DataFrame(
        {
            "station": readings.names.take(station),
            "time": pd.to_datetime(times, unit="ms", utc=True).tz_convert(readings.zone),  # type: ignore[arg-type]
            "window_h": window_h,
            "mm_at_least": np.where((last > first) | (covered > 0), mm, np.nan),
            "missing_share": 1.0 - covered / window_ms,
        }
    )


def _dry_parts(readings: _Readings, place: Cells, begins: Cells, ends: Cells) -> Cells:
    """Milliseconds of a window that a dry reading reaching over its edge covers; 0 where that reading is none or had rain."""
    there = (place >= 0) & (place < len(readings.ends))
    at = np.where(there, place, 0)
    if not len(readings.ends):
        return np.zeros(len(place), dtype=np.int64)
    part = np.minimum(readings.ends[at], ends) - np.maximum(readings.starts[at], begins)
    return np.where(there & readings.dry[at], np.maximum(part, 0), 0).astype(np.int64)


def _running(values: NDArray[np.integer]) -> Cells:
    """Sums of the first 0, 1, 2 ... along the first axis."""
    total = np.zeros((len(values) + 1, *values.shape[1:]), dtype=np.int64)
    np.cumsum(values, axis=0, out=total[1:])
    return total


def _ms(times: pd.DatetimeIndex) -> Cells:
    return times.as_unit("ms").asi8.astype(np.int64)


def _window_h(hours: float) -> float:
    if not 0 < hours <= 24 * 366:
        raise ParameterError("a window is out of range", where="windows_h", expected="0 to 8784 hours", got=shown(hours))
    return float(hours)


def _require_columns(observations: pd.DataFrame, columns: Sequence[str]) -> None:
    missing = [name for name in columns if name not in observations]
    if missing:
        raise ParameterError(
            "readings lack a column", where="observations", expected=", ".join(columns), got="no " + ", ".join(missing)
        )


def _require_zone(observations: pd.DataFrame) -> None:
    if not isinstance(observations["time"].dtype, pd.DatetimeTZDtype):
        raise ParameterError(
            "times have no time zone",
            where="observations, time",
            expected="times with a zone",
            got=shown(str(observations["time"].dtype)),
            then="say the zone the gauges keep, such as tz_localize('Asia/Shanghai')",
        )
    if observations["time"].isna().any() or observations["station"].isna().any():
        raise ParameterError("a reading has no station or no time", where="observations", expected="both in each", got="a gap")


def _require_amounts(values: Numbers) -> None:
    sound = (values >= 0) & (values <= _MOST_MM)
    if not sound.all():
        raise ParameterError(
            "rain is negative or without end",
            where="observations, value",
            expected=f"millimetres, 0 to {_MOST_MM:.0f}",
            got=shown(float(values[~sound][0])),
            then="leave the reading out, or give nan where it is not known",
        )


def _require_intervals(minutes: Numbers, stations: int) -> None:
    least, most = 1 / _MS_PER_MINUTE, 366 * 24 * 60
    sound = (minutes >= least) & (minutes <= most)
    if not sound.all():
        raise ParameterError(
            "an interval is out of range", where="observations, minutes", expected=f"a millisecond to {most} minutes",
            got=shown(float(minutes[~sound][0])), then="say how long each reading lasts",
        )
    if stations > _MOST_STATIONS:
        raise ParameterError("too many stations", where="observations", expected=f"at most {_MOST_STATIONS}", got=str(stations))


def _require_apart(starts: Cells, ends: Cells, names: pd.Index, codes: Cells) -> None:
    overlapping = np.flatnonzero((starts[1:] < ends[:-1]) & (codes[1:] == codes[:-1]))
    if len(overlapping):
        raise ParameterError(
            "two readings of one station overlap", where=f"station {shown(str(names[codes[overlapping[0]]]))}",
            expected="intervals that end before the next begins", got=f"{len(overlapping)} that do not",
            then="merge the duplicates; a gauge that counts up goes through from_counter first",
        )


def _require_steps(mm: Numbers, ends: Cells, step_ms: int) -> None:
    if len(mm) != len(ends) or step_ms <= 0 or (np.diff(ends) < step_ms).any():
        raise ParameterError(
            "a cube's times do not rise by a step",
            where="ends",
            expected=f"{len(mm)} times, each at least {step_ms} ms after the last, and a step above 0",
            got=f"{len(ends)} times",
        )
    wrong = (mm < 0) | (mm > _MOST_MM)
    if wrong.any():
        raise ParameterError(
            "rain is negative or without end", where="mm", expected=f"0 to {_MOST_MM:.0f}, nan where unknown",
            got=shown(float(mm[wrong][0])), then="declare the fill value with nodata=",
        )
