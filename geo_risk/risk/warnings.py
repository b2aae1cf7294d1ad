"""Warning levels over time from readings and rules: rising at once, falling late, holding where nothing is known.

For each level L and time t one of three things is so: L is *reached* (a value is at or above a threshold of L or of a
worse level), L is *left* (every such rule is judged, and its value lies under the threshold by the stated margin), or
neither, and then what was so before holds. The level at t is the worst one that was reached at any moment of the hours
``falls_after_h`` before t. So a level rises with the reading that reaches it, falls when it was left for the whole of
that time, and a gap in the readings never lowers it.

A rule is *judged* by a value that is known well enough: its missing share is at most the limit, or it passes already.
Where a worse level's rule is not judged the level is a lower bound, ``at_least``; where no level is reached and some
rule is not judged it is *unknown*; after a stated silence it is unknown too, and says what it was last.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo_risk.errors import DeclarationError, ParameterError, shown
from geo_risk.levels import UNKNOWN

LEVELS: Final = ("I", "II", "III", "IV")
"""The worst first."""
NONE: Final = "none"
"""Every rule judged, none reached."""
AREA_RULES: Final = ("worst_station",)
_RANK: Final = {level: len(LEVELS) - place for place, level in enumerate(LEVELS)}
_ID: Final = (NONE, *reversed(LEVELS))
_MS_PER_HOUR: Final = 3_600_000
_COLUMNS: Final = ("station", "time", "value")
_LEVEL_COLUMNS: Final = (
    "station", "time", "level", "at_least", "held", "last", "since", "rule", "window_h", "value", "threshold", "reached_at",
)  # fmt: skip
Flags: TypeAlias = NDArray[np.bool_]
Ranks: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class WarningRule:
    """A level is reached where a variable is at or above a threshold: ``at_least``, or a station's own value of ``of`` plus it.

    ``window_h`` is the hours that the value sums, None for a value of the moment. Units are those of the readings.
    """

    id: str
    level: Literal["I", "II", "III", "IV"]
    at_least: float
    window_h: float | None = None
    of: str = ""
    source: str = ""
    checked: str = ""

    def __post_init__(self) -> None:
        if self.level not in LEVELS or not np.isfinite(self.at_least):
            raise DeclarationError(
                "a warning rule has no level or no threshold",
                where=f"rule {self.id}",
                expected=", ".join(LEVELS) + " and a number",
                got=f"{shown(self.level)}, {shown(self.at_least)}",
                then="mend its row in the table",
            )


@dataclass(frozen=True, kw_only=True)
class Falling:
    """How a level falls and what a gap does: hours wholly below, by what margin, hours of silence, share that may be missing."""

    falls_after_h: float
    falls_below: float = 0.0
    silence_h: float = np.inf
    missing_limit: float = 0.0

    def __post_init__(self) -> None:
        bounds = {"falls_after_h": self.falls_after_h, "falls_below": self.falls_below, "missing_limit": self.missing_limit}
        wrong = [name for name, value in bounds.items() if not 0 <= value < np.inf]
        if wrong or not self.silence_h > 0 or self.missing_limit > 1:
            raise ParameterError(
                "a rule of falling is out of range", where=", ".join(wrong) or "silence_h, missing_limit",
                expected="0 or more; a silence above 0; a share of 0 to 1", got="another",
            )


def level_over_time(
    values: pd.DataFrame,
    rules: Sequence[WarningRule],
    *,
    falls_after_h: float,
    falls_below: float = 0.0,
    silence_h: float = np.inf,
    missing_limit: float = 0.0,
    references: pd.DataFrame | None = None,
    until: pd.Timestamp | None = None,
) -> pd.DataFrame:
    """The level of each station at each time that something is known of it.

    Parameters
    ----------
    values : DataFrame
        ``station``, ``time``, ``value``; ``window_h`` where rules have windows; ``missing_share`` (0 without it) makes
        a value a lower bound. At most one row a station, time and window; row order has no say.
    rules : sequence of WarningRule
    falls_after_h : float
        Hours that a level must have been left before it falls.
    falls_below : float
        How far under the threshold a value must lie to have left it.
    silence_h : float
        Hours without a reading after which the level is unknown.
    missing_limit : float
        The largest missing share with which a value that reaches nothing is taken to be below.
    references : DataFrame, optional
        A row a station with the columns that rules name in ``of``; nan is not known, and the rule is not judged.
    until : Timestamp, optional
        A station that falls silent before it has a row that says so.

    Returns
    -------
    DataFrame
        A row a station and time, sorted by both: ``level`` (I to IV, none, unknown); ``at_least``, True where a worse
        level could not be judged; ``held``, True where no reading of that moment reaches the level; ``last``, the level
        before an unknown one, else empty; ``since``, when this level began; and what reached it last: ``rule``,
        ``window_h``, ``value``, ``threshold``, ``reached_at`` (empty, nan, NaT without one).

    Raises
    ------
    ParameterError
        A column is missing, a time has no zone, a row stands twice, a parameter is out of range.
    DeclarationError
        No rules, two of one id, or one that names a column that ``references`` does not have.

    Examples
    --------
    >>> blue = WarningRule(id="blue", level="IV", at_least=50, window_h=12)
    >>> red = WarningRule(id="red", level="I", at_least=100, window_h=3)
    >>> hours = pd.date_range("2026-06-20T01:00Z", periods=2, freq="h")
    >>> rain = pd.DataFrame({"station": "a", "time": hours.repeat(2), "window_h": [3, 12] * 2, "value": [60, 60, 110, 170]})
    >>> level_over_time(rain, (blue, red), falls_after_h=3)[["level", "rule", "value"]].values.tolist()
    [['IV', 'blue', 60.0], ['I', 'red', 110.0]]
    """
    falling = Falling(falls_after_h=falls_after_h, falls_below=falls_below, silence_h=silence_h, missing_limit=missing_limit)
    _require_rules(rules, references)
    _require_values(values)
    wide = _wide(values, rules)
    if wide.empty:
        return _no_levels(values)
    judged = _judged(wide, rules, references, falling)
    found = pd.concat([_of_station(part, judged, falling) for _, part in wide.groupby("station", sort=True)])
    return _with_silence(found, falling.silence_h, until)


def first_times(levels: pd.DataFrame, by: str = "station") -> pd.DataFrame:
    """When each level was first reached or passed, a row a station (or area) and level; none for a level never reached.

    A station that goes from none to I reaches IV, III, II and I at once.

    Returns
    -------
    DataFrame
        ``by``, ``level``, ``first_time``; sorted by station and time, the least level first.
    """
    rank = levels["level"].map(_RANK).fillna(0).astype(int)
    parts = [
        levels[rank >= _RANK[level]].groupby(by, sort=True)["time"].min().rename("first_time").reset_index().assign(level=level)
        for level in reversed(LEVELS)
    ]
    found = pd.concat(parts).sort_values([by, "first_time"], kind="stable", ignore_index=True)
    return found[[by, "level", "first_time"]]


def in_force(levels: pd.DataFrame, at: pd.Timestamp, by: str = "station") -> pd.DataFrame:
    """The level of each station (or area) at a moment: its last row not after it, or its one row without a time."""
    past = levels[~(levels["time"] > at)]
    return past.sort_values([by, "time"], kind="stable").groupby(by, sort=True).tail(1).reset_index(drop=True)


def area_levels(levels: pd.DataFrame, areas: Mapping[str, Sequence[str]], rule: str = "worst_station") -> pd.DataFrame:
    """The level of each area over time from its stations, by a named rule.

    ``worst_station``: the worst level in force at any station of the area. Where another station's level is unknown it
    is ``at_least``; where none is reached and one is unknown, the area is unknown. An area without a station that has
    readings is unknown and has one row.

    Parameters
    ----------
    levels : DataFrame
        Of `level_over_time`.
    areas : mapping of area to its stations

    Returns
    -------
    DataFrame
        ``area``, then the columns of ``levels`` (``station`` is the one that decides), a row a change.
    """
    if rule not in AREA_RULES:
        raise ParameterError("no such rule of areas", where="area_levels", expected=", ".join(AREA_RULES), got=shown(rule))
    by_station = dict(tuple(levels.groupby("station", sort=True)))
    parts = [_worst_station(area, [by_station.get(each) for each in sorted(stations)], levels) for area, stations in areas.items()]
    return pd.concat(parts, ignore_index=True) if parts else levels.iloc[:0].assign(area=pd.Series(dtype=object))


@dataclass(frozen=True, eq=False)
class _Judged:
    """Every rule at every row: reached, left, judged; with the value and threshold, in the order of ``rules``."""

    rules: Sequence[WarningRule]
    reached: Flags
    left: Flags
    judged: Flags
    value: NDArray[np.float64]
    threshold: NDArray[np.float64]


def _wide(values: pd.DataFrame, rules: Sequence[WarningRule]) -> pd.DataFrame:
    """A row a station and time, sorted; a pair of columns a window: its value and the share missing of it."""
    windows = list(dict.fromkeys(rule.window_h for rule in rules))
    given = values["window_h"] if "window_h" in values else pd.Series(np.nan, index=values.index)
    missing = values["missing_share"] if "missing_share" in values else pd.Series(0.0, index=values.index)
    tidy = pd.DataFrame({"station": values["station"], "time": values["time"], "value": values["value"], "missing": missing})
    wide = tidy[["station", "time"]].drop_duplicates().sort_values(["station", "time"], ignore_index=True)
    for place, hours in enumerate(windows):
        part = tidy[given.isna() if hours is None else given == hours]
        named = part.rename(columns={"value": f"value {place}", "missing": f"missing {place}"})
        wide = wide.merge(named, on=["station", "time"], how="left", validate="one_to_one")
    return _heard(wide, [f"value {place}" for place in range(len(windows))])


def _heard(wide: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Without the rows in which nothing is known, but for the first of a station of which nothing ever is."""
    heard = wide[columns].notna().any(axis=1)
    never = ~heard.groupby(wide["station"]).transform("any") & ~wide.duplicated("station")
    return wide[heard | never].reset_index(drop=True)


def _judged(wide: pd.DataFrame, rules: Sequence[WarningRule], references: pd.DataFrame | None, falling: Falling) -> _Judged:
    windows = list(dict.fromkeys(rule.window_h for rule in rules))
    places = [windows.index(rule.window_h) for rule in rules]
    value = np.column_stack([wide[f"value {place}"].to_numpy(dtype=float) for place in places])
    missing = np.column_stack([wide[f"missing {place}"].to_numpy(dtype=float) for place in places])
    threshold = np.column_stack([_threshold(rule, wide["station"], references) for rule in rules])
    reached = value >= threshold
    whole = ~np.isnan(value) & ~np.isnan(threshold) & (missing <= falling.missing_limit)
    left = np.isnan(threshold) | (whole & (value < threshold - falling.falls_below))
    return _Judged(rules, reached, left, reached | whole, value, threshold)


def _threshold(rule: WarningRule, stations: pd.Series, references: pd.DataFrame | None) -> NDArray[np.float64]:
    if not rule.of or references is None:
        return np.full(len(stations), rule.at_least)
    own = pd.to_numeric(references[rule.of]).astype(float)
    return np.asarray(stations.map(own), dtype=float) + np.float64(rule.at_least)


def _of_station(rows: pd.DataFrame, judged: _Judged, falling: Falling) -> pd.DataFrame:
    at = rows.index.to_numpy()
    times = _ms(rows["time"])
    begins = np.maximum(np.searchsorted(times, times - round(falling.falls_after_h * _MS_PER_HOUR), "right") - 1, 0)
    silences = np.flatnonzero(np.diff(times) > falling.silence_h * _MS_PER_HOUR)
    rank, bound = np.zeros(len(at), dtype=np.int64), np.zeros(len(at), dtype=bool)
    rule_ranks = np.array([_RANK[rule.level] for rule in judged.rules])
    for level in reversed(LEVELS):
        of_level = rule_ranks >= _RANK[level]
        on = _standing(judged.reached[at][:, of_level].any(axis=1), judged.left[at][:, of_level].all(axis=1))
        rank[_within(_through(on, begins, silences), begins)] = _RANK[level]
    for level in LEVELS:
        bound |= ~_level_judged(judged, at, rule_ranks == _RANK[level]) & (rank < _RANK[level])
    unknown = (rank == 0) & bound
    return _described(rows, judged, rank, unknown, bound & ~unknown)


def _standing(reached: Flags, left: Flags) -> Flags:
    """Whether a level stands: by the last moment that it was reached or left."""
    moments = np.arange(len(reached))
    last_reached = np.maximum.accumulate(np.where(reached, moments, -1))
    return last_reached > np.maximum.accumulate(np.where(left, moments, -1))


def _through(on: Flags, begins: Ranks, silences: Ranks) -> Flags:
    """A level in force when a silence begins stands until it ends: that time was not wholly below."""
    stands = on.copy()
    for before in silences:
        stands[before] |= stands[begins[before] : before + 1].any()
    return stands


def _within(on: Flags, begins: Ranks) -> Flags:
    """Whether it stood at any moment from ``begins`` on to each."""
    last = np.maximum.accumulate(np.where(on, np.arange(len(on)), -1))
    return np.asarray(last >= begins, dtype=bool)


def _level_judged(judged: _Judged, at: Ranks, of_level: Flags) -> Flags:
    """A level is judged where one of its rules has a threshold at this station, and all that have one are."""
    known = ~np.isnan(judged.threshold[at][:, of_level])
    return np.asarray(~of_level.any() | ((judged.judged[at][:, of_level] | ~known).all(axis=1) & known.any(axis=1)), dtype=bool)


def _described(rows: pd.DataFrame, judged: _Judged, rank: Ranks, unknown: Flags, at_least: Flags) -> pd.DataFrame:
    at = rows.index.to_numpy()
    rule, moment, now = _reasons(judged, at, rank)
    named = rule >= 0
    ids = np.array([each.id for each in judged.rules], dtype=object)
    windows = np.array([np.nan if each.window_h is None else each.window_h for each in judged.rules])
    times = rows["time"].reset_index(drop=True)
    return pd.DataFrame(
        {
            "station": rows["station"].to_numpy(dtype=object),
            "time": times,
            "level": np.where(unknown, UNKNOWN, np.array(_ID, dtype=object)[rank]),
            "at_least": at_least,
            "held": (rank > 0) & ~now,
            "rule": np.where(named, ids[rule], ""),
            "window_h": np.where(named, windows[rule], np.nan),
            "value": np.where(named, judged.value[at[moment], rule], np.nan),
            "threshold": np.where(named, judged.threshold[at[moment], rule], np.nan),
            "reached_at": times.iloc[moment].reset_index(drop=True).where(pd.Series(named)),
        }
    )


def _reasons(judged: _Judged, at: Ranks, rank: Ranks) -> tuple[Ranks, Ranks, Flags]:
    """The rule behind each moment's level (-1 without one), when it was last reached, and whether that is now."""
    rule, moment, now = np.full(len(at), -1), np.zeros(len(at), dtype=np.int64), np.zeros(len(at), dtype=bool)
    moments = np.arange(len(at))
    ranks = np.array([_RANK[each.level] for each in judged.rules])
    for level in LEVELS:
        of_level = np.array(sorted(np.flatnonzero(ranks >= _RANK[level]), key=lambda each: ranks[each]), dtype=np.int64)
        reached = judged.reached[at][:, of_level]
        last = np.maximum.accumulate(np.where(reached.any(axis=1), moments, -1))
        seen = (rank == _RANK[level]) & (last >= 0)
        rule[seen] = of_level[reached[last[seen]].argmax(axis=1)] if seen.any() else -1
        moment[seen], now[seen] = last[seen], last[seen] == moments[seen]
    return rule, moment, now


def _with_silence(found: pd.DataFrame, silence_h: float, until: pd.Timestamp | None) -> pd.DataFrame:
    """With a row where each silence grows too long, what each unknown level was before, and since when each level is."""
    ends = found.groupby("station", sort=True)["time"].shift(-1)
    ends = ends if until is None else ends.fillna(until)
    if np.isfinite(silence_h):
        silence = pd.Timedelta(hours=silence_h)
        silent = found[(ends - found["time"]) > silence]
        gaps = silent.assign(time=silent["time"] + silence, level=UNKNOWN, at_least=False, held=False, rule="")
        gaps = gaps.assign(window_h=np.nan, value=np.nan, threshold=np.nan, reached_at=gaps["reached_at"].where(gaps["rule"] != ""))
        found = pd.concat([found, gaps]) if len(gaps) else found
    found = found.sort_values(["station", "time"], kind="stable", ignore_index=True)
    return _with_history(found, "station")


def _with_history(found: pd.DataFrame, by: str) -> pd.DataFrame:
    """Levels in order with the columns ``last`` and ``since``."""
    known = found["level"].where(found["level"] != UNKNOWN)
    last = known.groupby(found[by]).ffill().fillna("").where(found["level"] == UNKNOWN, "")
    changed = (found["level"] != found["level"].shift()) | (found[by] != found[by].shift())
    since = found["time"].where(changed).groupby(found[by]).ffill()
    return found.assign(last=last, since=since)[[*([by] if by != "station" else []), *_LEVEL_COLUMNS]]


def _worst_station(area: str, stations: list[pd.DataFrame | None], levels: pd.DataFrame) -> pd.DataFrame:
    heard = [each.sort_values("time", kind="stable", ignore_index=True) for each in stations if each is not None]
    if not heard:
        return _never_heard(levels).assign(area=area)[["area", *_LEVEL_COLUMNS]]
    times = np.unique(np.concatenate([_ms(each["time"]) for each in heard]))
    place = np.column_stack([np.searchsorted(_ms(each["time"]), times, "right") - 1 for each in heard])
    rows = pd.concat(heard, ignore_index=True)
    row = np.maximum(place, 0) + np.cumsum([0, *map(len, heard[:-1])])
    unknown = (place < 0) | (rows["level"].to_numpy(dtype=object) == UNKNOWN)[row]
    rank = np.where(unknown, 0, rows["level"].map(_RANK).fillna(0).to_numpy(dtype=np.int64)[row])
    was = np.where(unknown & (place >= 0), rows["last"].map(_RANK).fillna(0).to_numpy(dtype=np.int64)[row], 0)
    decides = np.argmax(rank * 100 + unknown * 10 + was, axis=1)
    chosen = rows.iloc[row[np.arange(len(times)), decides]].reset_index(drop=True)
    missing = unknown.any(axis=1) | (len(heard) < len(stations))
    nothing = (rank.max(axis=1) == 0) & missing
    told = chosen.assign(area=area, time=pd.to_datetime(times, unit="ms", utc=True).tz_convert(rows["time"].dt.tz))
    told = told.assign(level=told["level"].where(~nothing, UNKNOWN), at_least=(told["at_least"] | missing) & ~nothing)
    changed = (told[["level", "at_least", "station", "rule"]] != told[["level", "at_least", "station", "rule"]].shift()).any(axis=1)
    kept = _with_history(told[changed].reset_index(drop=True), "area")
    worst_was = np.array(_ID, dtype=object)[was.max(axis=1)][changed.to_numpy()]
    return kept.assign(last=np.where((worst_was != NONE) & unknown.any(axis=1)[changed.to_numpy()], worst_was, kept["last"]))


def _never_heard(levels: pd.DataFrame) -> pd.DataFrame:
    moment = levels["time"].dtype
    first = pd.Series([levels["time"].min()], dtype=moment)
    blank = {"station": "", "level": UNKNOWN, "at_least": False, "held": False, "last": "", "rule": ""}
    numbers = dict.fromkeys(("window_h", "value", "threshold"), np.nan)
    times = {"time": first, "since": first, "reached_at": pd.Series([pd.NaT], dtype=moment)}
    return pd.DataFrame({**blank, **numbers, **times})


def _no_levels(values: pd.DataFrame) -> pd.DataFrame:
    times = values["time"].iloc[:0].reset_index(drop=True)
    empty = {name: pd.Series(dtype=object) for name in ("station", "level", "last", "rule")}
    flags = {name: pd.Series(dtype=bool) for name in ("at_least", "held")}
    numbers = {name: pd.Series(dtype=float) for name in ("window_h", "value", "threshold")}
    return pd.DataFrame({**empty, **flags, **numbers, "time": times, "since": times, "reached_at": times})[[*_LEVEL_COLUMNS]]


def _ms(times: pd.Series) -> Ranks:
    return pd.DatetimeIndex(times).as_unit("ms").asi8.astype(np.int64)


def _require_rules(rules: Sequence[WarningRule], references: pd.DataFrame | None) -> None:
    ids = [rule.id for rule in rules]
    columns = [] if references is None else list(references.columns)
    strange = sorted({rule.of for rule in rules if rule.of} - set(columns))
    if not rules or len(set(ids)) != len(ids) or strange:
        raise DeclarationError(
            "the warning rules do not stand",
            where="level_over_time, rules",
            expected="one rule or more, each id once, each named column among the references",
            got=", ".join(map(shown, strange)) or f"{len(ids)} rules, {len(set(ids))} ids",
            then="mend the table of rules, or give the stations' own levels",
        )
    if references is not None and not references.index.is_unique:
        raise ParameterError("a station's own levels stand twice", where="references", expected="a row a station", got="duplicates")


def _require_values(values: pd.DataFrame) -> None:
    missing = [name for name in _COLUMNS if name not in values]
    if missing:
        raise ParameterError("values lack a column", where="values", expected=", ".join(_COLUMNS), got="no " + ", ".join(missing))
    if not isinstance(values["time"].dtype, pd.DatetimeTZDtype):
        raise ParameterError(
            "times have no time zone", where="values, time", expected="times with a zone", got=shown(str(values["time"].dtype))
        )
    named = [name for name in ("station", "time", "window_h") if name in values]
    if values.duplicated(named).any():
        raise ParameterError(
            "a value stands twice", where="values", expected="one row a " + ", ".join(named),
            got=f"{int(values.duplicated(named).sum())} duplicates", then="merge them first",
        )
