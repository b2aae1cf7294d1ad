"""Readings as files bring them, held to what a reading can be; what is not is listed by row and left out, never changed."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd

from geo_risk.errors import FileError, ParameterError, shown
from layers._check.report import Fault
from layers._read import ReadOptions, read
from layers._tables import table
from layers._worker.plain import plain
from layers._worker.table import folded

COLUMNS: Final = ("station", "variable", "time", "value", "minutes", "received_at", "at_least")
VARIABLES: Final = ("rain", "rain_total", "water_level")
"""Rain of an interval; rain counted up since a reset; the level of the water."""
_NAMES: Final = {
    "station": ("station", "code", "stcd", "站码", "站号", "测站编码", "测站", "站点"),
    "variable": ("variable", "要素", "类型", "变量"),
    "time": ("time", "tm", "时间", "观测时间", "时刻"),
    "value": ("value", "数值", "值", "雨量", "水位", "drp", "z"),
    "minutes": ("minutes", "interval_min", "时段", "时段长", "分钟"),
    "received_at": ("received_at", "received", "接收时间", "入库时间"),
    "unit": ("unit", "单位"),
}
_WORDS: Final = {
    "rain": "rain", "雨量": "rain", "降雨量": "rain", "时段雨量": "rain", "rain_total": "rain_total", "累计雨量": "rain_total",
    "water_level": "water_level", "水位": "water_level",
}  # fmt: skip
_TIME: Final = (
    r"^(?P<y>\d{4})[-/.年](?P<mo>\d{1,2})[-/.月](?P<d>\d{1,2})日?"
    r"(?:[T ]*(?P<h>\d{1,2})[:时](?P<mi>\d{1,2})?[:分]?(?P<s>\d{1,2})?(?:\.\d+)?秒?)? ?(?P<zone>Z|[+-]\d{2}:?\d{2})?$"
)
_MESSAGES: Final = {
    "station": ("the reading names no station", "未注明测站"),
    "variable": ("not one of rain, rain_total, water_level", "要素不是雨量、累计雨量或水位"),
    "time": ("not a date and time", "不是日期时间"),
    "future": ("the time lies in the future", "时间在将来"),
    "number": ("not a number", "不是数字"),
    "no_value": ("what recorders write for no value", "记录仪的缺测代码"),
    "negative": ("rain cannot be negative", "雨量不能为负"),
    "record": ("more rain than was ever recorded in that time", "超过该时段雨量的历史纪录"),
    "range": ("outside the range of the variable", "超出要素的取值范围"),
    "unit": ("not the unit of the variable", "单位与要素不符"),
    "minutes": ("the interval of the rain is not stated in minutes above 0", "未注明雨量时段（大于0的分钟数）"),
    "differs": ("two readings of one time differ; none is taken", "同一时刻有不同读数，均不采用"),
    "overlaps": ("the interval begins before the last one ended", "时段与前一读数重叠"),
    "twice": ("the same reading again; taken once", "重复读数，只计一次"),
    "late": ("received late", "迟到的读数"),
}
_SHOWS: Final = dict.fromkeys(("number", "no_value", "negative", "record", "range", "differs"), "value") | dict.fromkeys(
    ("future", "overlaps", "twice", "late"), "time"
)
"""The column whose cell a fault shows, where it is not the rule's own."""
_WARNINGS: Final = frozenset({"twice", "late"})
_MOST_FAULTS: Final = 10_000


@dataclass(frozen=True, kw_only=True, eq=False)
class Observations:
    """Accepted readings (`COLUMNS`, times in one zone), faults by row, how many rows each rule met, where they come from."""

    frame: pd.DataFrame
    faults: tuple[Fault, ...]
    counts: Mapping[str, int]
    rows_read: int
    source: str
    sha256: str


def read_observations(
    path: Path,
    *,
    variable: str | None = None,
    minutes: float | None = None,
    zone: str | None = None,
    now: dt.datetime | None = None,
    options: ReadOptions | None = None,
) -> Observations:
    """The readings of a CSV or XLSX file.

    Parameters
    ----------
    variable : str, optional
        What the file measures, where no column says so.
    minutes : float, optional
        The interval of rain, where no column says so.
    zone : str, optional
        The zone of times that state none: a name such as ``Asia/Shanghai``, or an offset such as ``+08:00``.
    now : datetime, optional
        The clock that the future begins at, for readings without a time of receipt.

    Raises
    ------
    FileError
        It cannot be read, lacks a column, or holds times without a zone and none was said.
    """
    raw = read(path, options or ReadOptions())
    texts = raw.frame.drop(columns="geometry")
    return held_to_rules(
        texts, variable=variable, minutes=minutes, zone=zone, now=now, source=raw.source_name, sha256=raw.sha256
    )


def held_to_rules(
    raw: pd.DataFrame,
    *,
    variable: str | None = None,
    minutes: float | None = None,
    zone: str | None = None,
    now: dt.datetime | None = None,
    source: str = "",
    sha256: str = "",
) -> Observations:
    """A table of texts, indexed by row number, as readings; see `read_observations`."""
    texts = _columns(pd.DataFrame(raw))
    if variable is not None:
        if variable not in VARIABLES:
            raise ParameterError("no such variable", where="variable", expected=", ".join(VARIABLES), got=shown(variable))
        texts["variable"] = texts.get("variable", pd.Series(variable, index=texts.index, dtype=object)).fillna(variable)
    if "variable" not in texts:
        raise FileError("nothing says what is measured", expected="a column variable", got="none", then="say --measures")
    rows = _parsed(texts, zone_of(zone), minutes)
    wrong = _wrong(rows, texts, pd.Timestamp(now or dt.datetime.now(tz=dt.UTC)))
    sound = rows[wrong == ""]
    wrong.loc[sound.index] = _among_each_other(sound)
    late = rows["received_at"] - rows["time"] > pd.Timedelta(minutes=table("warning_rules")["reading"]["late_after_min"])
    wrong[(wrong == "") & late] = "late"
    kept = rows[wrong.isin(["", "late"])].sort_values(["variable", "station", "time"], kind="stable", ignore_index=True)
    return Observations(
        frame=kept[[*COLUMNS]],
        faults=_faults(wrong, texts),
        counts=MappingProxyType({str(rule): int(count) for rule, count in wrong[wrong != ""].value_counts().items()}),
        rows_read=len(rows),
        source=source,
        sha256=sha256,
    )


def _columns(raw: pd.DataFrame) -> pd.DataFrame:
    by_name = {folded(str(name)).partition("(")[0].partition("（")[0].strip(): name for name in reversed(list(raw.columns))}
    found = {target: next((by_name[name] for name in names if name in by_name), None) for target, names in _NAMES.items()}
    missing = [name for name in ("station", "time", "value") if found[name] is None]
    if missing:
        raise FileError(
            "the readings lack a column", expected="station, time, value (站码, 时间, 数值)", got="no " + ", ".join(missing),
            then="name the columns so in the first row",
        )
    return pd.DataFrame(
        {
            target: pd.Series([_text(cell) for cell in raw[name]], index=raw.index, dtype=object)
            for target, name in found.items() if name
        },
        index=raw.index,
    )


def _text(cell: Any) -> str | None:
    if cell is None or (isinstance(cell, float) and np.isnan(cell)):
        return None
    text = str(int(cell)) if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15 else str(cell).strip()
    return text or None


def _parsed(texts: pd.DataFrame, zone: dt.tzinfo | None, minutes: float | None) -> pd.DataFrame:
    blank = pd.Series(None, index=texts.index, dtype=object)
    variables = texts["variable"].map(lambda text: None if pd.isna(text) else _WORDS.get(folded(text)))
    interval = texts.get("minutes", blank).map(lambda text: minutes if pd.isna(text) else text)
    return pd.DataFrame(
        {
            "station": texts["station"],
            "variable": variables,
            "time": _times(texts["time"], zone),
            "value": pd.to_numeric(texts["value"], errors="coerce").astype(float),
            "minutes": pd.to_numeric(interval, errors="coerce").astype(float),
            "received_at": _times(texts.get("received_at", blank), zone),
            "at_least": False,
        },
        index=texts.index,
    )


def _times(texts: pd.Series, zone: dt.tzinfo | None) -> pd.Series:
    """Times in the zone said, else in the offset that all texts state, else in UTC; NaT where a text is none."""
    distinct = pd.Series(texts.dropna().unique(), dtype=object)
    parts = distinct.astype("str").str.extract(_TIME)
    naive = parts["y"].notna() & parts["zone"].isna()
    if naive.any() and zone is None:
        raise FileError(
            "times without a time zone", where="column time", expected="an offset such as +08:00, or the zone said",
            got=f"{int(naive.sum())} times without", then="say --zone Asia/Shanghai, or +08:00",
        )
    clock = parts["y"] + "-" + parts["mo"].str.zfill(2) + "-" + parts["d"].str.zfill(2)
    hour, minute, second = (parts[name].fillna("0").str.zfill(2) for name in ("h", "mi", "s"))
    clock = clock + "T" + hour + ":" + minute + ":" + second
    local = pd.to_datetime(clock, format="%Y-%m-%dT%H:%M:%S", errors="coerce")
    offset = parts["zone"].replace("Z", "+00:00")
    stated = pd.to_datetime((clock + offset)[~naive], utc=True, format="ISO8601", errors="coerce")
    known = pd.Series(pd.NaT, index=distinct.index, dtype="datetime64[us, UTC]")
    known[~naive] = stated
    if zone is not None:
        known[naive] = local[naive].dt.tz_localize(zone, ambiguous="NaT", nonexistent="NaT").dt.tz_convert("UTC")
    by_text = dict(zip(distinct, known, strict=True))
    return pd.to_datetime(texts.map(by_text), utc=True).dt.as_unit("us").dt.tz_convert(zone or _shared(offset))


def _shared(offsets: pd.Series) -> dt.tzinfo:
    stated = sorted(set(offsets.dropna()))
    return (zone_of(stated[0]) or dt.UTC) if len(stated) == 1 else dt.UTC


def zone_of(name: str | None) -> dt.tzinfo | None:
    """A zone by its name, such as ``Asia/Shanghai``, or by its offset, such as ``+08:00``."""
    if name is None:
        return None
    try:
        return dt.datetime.fromisoformat(f"2000-01-01T00:00{name}").tzinfo if name[:1] in "+-" else ZoneInfo(name)
    except (ValueError, ZoneInfoNotFoundError, OSError):
        raise ParameterError(
            "no such time zone", where="zone", expected="a name such as Asia/Shanghai, or an offset such as +08:00", got=shown(name)
        ) from None


def _wrong(rows: pd.DataFrame, texts: pd.DataFrame, now: pd.Timestamp) -> pd.Series:
    """The first rule that each row breaks by itself, or nothing."""
    limits = table("warning_rules")["reading"]
    known_at = rows["received_at"].fillna(now) + pd.Timedelta(minutes=limits["future_min"])
    value, is_rain, of_interval = rows["value"], rows["variable"].isin(["rain", "rain_total"]), rows["variable"] == "rain"
    finite = pd.Series(np.isfinite(value), index=rows.index)
    rules = {
        "station": rows["station"].isna(),
        "variable": rows["variable"].isna(),
        "time": rows["time"].isna(),
        "future": rows["time"] > known_at,
        "unit": ~_fits_unit(rows["variable"], texts.get("unit")),
        "number": texts["value"].notna() & ~finite,
        "minutes": of_interval & ~((rows["minutes"] > 0) & np.isfinite(rows["minutes"])),
        "no_value": value.isin(limits["no_value"]),
        "negative": is_rain & (value < 0),
        "record": of_interval & (value > _record_mm(rows["minutes"])),
        "range": _outside(rows["variable"], value),
    }
    broken = np.select([flags.to_numpy(dtype=bool) for flags in rules.values()], list(rules), default="")
    return pd.Series(broken, index=rows.index, dtype=object)


def _fits_unit(variables: pd.Series, units: pd.Series | None) -> pd.Series:
    if units is None:
        return pd.Series(True, index=variables.index)
    allowed = {(variable, unit) for variable, some in table("warning_rules")["reading"]["unit"].items() for unit in some}
    pairs = zip(variables, units, strict=True)
    return pd.Series([pd.isna(unit) or (variable, unit.casefold()) in allowed for variable, unit in pairs], index=variables.index)


def _record_mm(minutes: pd.Series) -> pd.Series:
    """The most rain on record for the next longer duration; no bound beyond the longest."""
    records = sorted((float(row["minutes"]), float(row["value"])) for row in table("warning_rules")["record"])
    place = np.searchsorted([long for long, _ in records], minutes.to_numpy(dtype=float), side="left")
    return pd.Series(np.array([*(mm for _, mm in records), np.inf])[place], index=minutes.index)


def _outside(variables: pd.Series, values: pd.Series) -> pd.Series:
    outside = pd.Series(False, index=values.index)
    for variable, (low, high) in table("warning_rules")["reading"]["range"].items():
        outside |= (variables == variable) & ((values < low) | (values > high))
    return outside


def _among_each_other(rows: pd.DataFrame) -> pd.Series:
    """What is wrong between rows: readings of one time that differ, the same one again, intervals that overlap."""
    wrong = pd.Series("", index=rows.index, dtype=object)
    by = ["station", "variable", "time"]
    several = rows.groupby(by, sort=False)[["value", "minutes"]].transform("nunique", dropna=False).max(axis=1) > 1
    wrong[several] = "differs"
    wrong[~several & rows.duplicated(by)] = "twice"
    intervals = rows[(wrong == "") & (rows["variable"] == "rain")].sort_values(["station", "time"], kind="stable")
    starts = intervals["time"] - pd.to_timedelta(intervals["minutes"], unit="min")
    overlaps = starts < intervals.groupby("station")["time"].shift()
    wrong.loc[overlaps[overlaps].index] = "overlaps"
    return wrong


def _faults(wrong: pd.Series, texts: pd.DataFrame) -> tuple[Fault, ...]:
    found = wrong[wrong != ""].iloc[:_MOST_FAULTS]
    cells = {str(name): dict(texts[name]) for name in texts}
    return tuple(_fault(int(str(row)), str(rule), cells) for row, rule in found.items())


def _fault(row: int, rule: str, cells: Mapping[str, Mapping[Any, Any]]) -> Fault:
    column = _SHOWS.get(rule, rule)
    cell = cells.get(column, {}).get(row)
    english, chinese = _MESSAGES[rule]
    return Fault(
        row=row,
        column=column,
        value=plain(cell or ""),
        rule=rule,
        severity="warning" if rule in _WARNINGS else "error",
        message_en=english,
        message_zh=chinese,
    )
