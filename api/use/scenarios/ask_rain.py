"""Warning levels by rain or water level: when each area first reached each level, level over time, and what is missing."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Annotated, Any, Final, Literal, Self

import geopandas as gpd
import numpy as np
import pandas as pd
from pydantic import Field as Range
from pydantic import model_validator

from api.use.rain_cube import watch_cube
from api.use.rain_watch import GAUGES, Ruled, Watched, iso, moment_of, ruled_by_tables, stations_in, watch_gauges
from api.use.scenarios._inputs import Inputs
from api.use.scenarios._question import Progress, Question
from api.use.scenarios._result import Field, Result, Table, table_of
from api.use.scenarios._scenario import Areas, FileName, Finite, Name, Positive, Section, Text
from geo_risk.errors import FileError, ParameterError
from geo_risk.levels import UNKNOWN
from geo_risk.model import Rule
from geo_risk.risk.warnings import LEVELS, NONE, Falling, WarningRule, first_times, in_force
from layers._observations import Observations, read_observations

OUTSIDE: Final = "(outside)"
_SEVERITY: Final = {NONE: 0, **{level: len(LEVELS) - place for place, level in enumerate(LEVELS)}}
_WHOSE: Final = {True: "the scenario's", False: "the tables'"}
_FAR: Final = pd.Timestamp("9999-01-01T00:00Z").to_pydatetime()
NotNegative = Annotated[float, Range(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Range(ge=0, le=1)]


class Readings(Section):
    """Readings of gauges: a CSV or XLSX of station, variable, time, value; what its columns do not say."""

    file: FileName
    measures: Literal["rain", "rain_total", "water_level"] | None = None
    minutes: Positive | None = None
    zone: Text | None = None


class RainCube(Section):
    """Rain over time in cells, and how an area's rain is told from the cells it meets."""

    file: FileName
    variable: Name | None = None
    by: Literal["area_mean", "max_cell"] = "area_mean"
    step_h: Positive | None = None
    mm_per_unit: Positive | None = None
    crs: Annotated[str, Range(pattern=r"^EPSG:\d{4,6}$")] | None = None
    nodata: Finite | None = None


class Threshold(Section):
    """A level is reached where the rain of ``window_h`` hours, or the water level, is at least that."""

    id: Name
    level: Literal["I", "II", "III", "IV"]
    at_least: Finite
    window_h: Annotated[float, Range(gt=0, le=8784)] | None = None


class Fall(Section):
    """How a level falls and what a gap does; what is not said comes from the table *warning_rules*."""

    falls_after_h: NotNegative | None = None
    falls_below: NotNegative | None = None
    silence_h: Positive | None = None
    missing_limit: Share | None = None


class Parameters(Section):
    """Readings or a cube, areas, thresholds, the moment."""

    variable: Literal["rain", "water_level"] = "rain"
    observations: Readings | None = None
    cube: RainCube | None = None
    areas: Areas
    threshold: Annotated[list[Threshold], Range(max_length=50)] = []  # noqa: RUF012 - pydantic copies it
    falling: Fall = Fall()
    at: Text | None = None
    as_known_at: Text | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.observations is None) == (self.cube is None):
            raise ValueError("either observations or a cube")
        if self.cube and (self.as_known_at or self.variable != "rain"):
            raise ValueError("a cube holds rain alone and does not say when it was known")
        if len({each.id for each in self.threshold}) < len(self.threshold):
            raise ValueError("each id once among thresholds")
        if any((each.window_h is None) == (self.variable == "rain") for each in self.threshold):
            raise ValueError("thresholds of rain have hours, those of water levels none")
        return self


def run(parameters: Parameters, inputs: Inputs, progress: Progress) -> Result:
    """Watch the readings as the map does."""
    progress("read", 0.0)
    areas = inputs.areas(parameters.areas)
    watched, stations = (_over_cells if parameters.cube else _over_gauges)(parameters, inputs, areas, progress)
    progress("watch", 1.0)
    start = watched.areas["time"].min()
    return Result(
        tables=(_areas(watched), _firsts(watched, start), _over_time(watched), *stations),
        rules=(*watched.provenance.rules, Rule(id="thresholds", chosen=_WHOSE[bool(parameters.threshold)])),
        parameters=_numbers(watched, start),
        unknown=tuple(_unknown(watched)),
        layers=_layers(parameters),
        shapes={"areas": areas.geometry},
    )


def _over_cells(
    parameters: Parameters, inputs: Inputs, areas: gpd.GeoDataFrame, progress: Progress
) -> tuple[Watched, tuple[Table, ...]]:
    section = parameters.cube
    assert section is not None  # noqa: S101 - run has asked
    progress("watch", 0.0)
    watched = watch_cube(
        inputs.raster_path(section.file), areas, _ruled(parameters), by=section.by, variable=section.variable,
        step_h=section.step_h, mm_per_unit=section.mm_per_unit, crs=section.crs, nodata=section.nodata,
        at=moment_of(parameters.at, "at"),
    )
    return watched, ()


def _over_gauges(
    parameters: Parameters, inputs: Inputs, areas: gpd.GeoDataFrame, progress: Progress
) -> tuple[Watched, tuple[Table, ...]]:
    observations = _observations(parameters, inputs)
    progress("watch", 0.0)
    gauges = inputs.snapshot().frames[GAUGES[parameters.variable]]
    at, known = moment_of(parameters.at, "at"), moment_of(parameters.as_known_at, "as_known_at")
    watched = watch_gauges(gauges, areas, observations, _ruled(parameters), at=at, as_known_at=known)
    return watched, (_stations(watched, _places(gauges, areas, watched)),)


def _ruled(parameters: Parameters) -> Ruled:
    """The tables' rules with what the scenario says instead."""
    by_tables = ruled_by_tables(parameters.variable)
    own = tuple(WarningRule(**each.model_dump(), source="scenario") for each in parameters.threshold)
    said = parameters.falling.model_dump(exclude_none=True)
    return Ruled(
        variable=parameters.variable, thresholds=own or by_tables.thresholds,
        falls=Falling(**{**asdict(by_tables.falls), **said}),
    )


def _observations(parameters: Parameters, inputs: Inputs) -> Observations:
    """The readings; with a moment said, none is refused for lying after the clock, so that any day gives the same run."""
    section = parameters.observations
    if section is None:
        raise ParameterError("no readings are named", where="observations", expected="a file", got="none")
    found = read_observations(
        inputs.path(section.file), variable=section.measures, minutes=section.minutes, zone=section.zone,
        now=_FAR if parameters.at else None,
    )
    if not len(found.frame):
        raise FileError(
            "no reading can be taken", where="observations.file", expected="one or more rows of readings",
            got=f"{found.rows_read} rows, none of them", then="geo-risk rain --observations lists why",
        )
    return found


def _layers(parameters: Parameters) -> tuple[str, ...]:
    gauges = GAUGES[parameters.variable] if parameters.cube is None else None
    return tuple(sorted(each for each in (gauges, parameters.areas.layer) if each))


def _areas(watched: Watched) -> Table:
    rows = in_force(watched.areas, watched.at, "area").to_dict("records")
    return table_of(
        "areas",
        {"en": "Warning level of each area", "zh": "各区域预警等级"},
        (Field(name="area", kind="text"), Field(name="name", kind="text"), *_LEVEL_FIELDS),
        ((row["area"], watched.names.get(row["area"], row["area"]), *_level(row, watched)) for row in rows),
    )


def _firsts(watched: Watched, start: pd.Timestamp) -> Table:
    rows = first_times(watched.areas, "area").to_dict("records")
    return table_of(
        "first_times",
        {"en": "When each area first reached each level", "zh": "各区域首次达到各等级的时间"},
        (
            Field(name="area", kind="text"), Field(name="reached", kind="text"), Field(name="first_time", kind="text"),
            Field(name="hours_after_start", unit="h"),
        ),
        ((row["area"], row["level"], iso(row["first_time"]), (row["first_time"] - start).total_seconds() / 3600) for row in rows),
        keys=2,
    )


def _over_time(watched: Watched) -> Table:
    rows = watched.areas[~(watched.areas["time"] > watched.at)].to_dict("records")
    return table_of(
        "over_time",
        {"en": "Every change of an area's level", "zh": "各区域等级变化过程"},
        (Field(name="area", kind="text"), Field(name="time", kind="text"), *_LEVEL_FIELDS),
        ((row["area"], iso(row["time"]) or "", *_level(row, watched)) for row in rows),
        keys=2,
    )


def _stations(watched: Watched, places: Mapping[str, list[str]]) -> Table:
    """Every gauge by area: its level, how many readings, the share of the time that none covers, when the last came."""
    heard = in_force(watched.stations, watched.at).set_index("station").to_dict("index")
    counted = _counted(watched)
    return table_of(
        "stations",
        {"en": "Gauges, and what is missing of each", "zh": "各测站及缺测情况"},
        (
            Field(name="area", kind="text"), Field(name="station", kind="text"), Field(name="name", kind="text"), *_LEVEL_FIELDS,
            Field(name="readings", kind="whole"), Field(name="missing_share"), Field(name="silent_h", unit="h"),
        ),
        (
            (
                area, code, watched.names.get(code, code), *_level({"station": code, **heard.get(code, _SILENT)}, watched),
                *counted.get(code, (0, 1.0, None)),
            )
            for area, codes in places.items() for code in codes
        ),
        keys=2,
    )  # fmt: skip


_LEVEL_FIELDS: Final = (
    Field(name="level", kind="text"), Field(name="severity", kind="whole", detail=True), Field(name="at_least", kind="flag"),
    Field(name="held", kind="flag"), Field(name="last", kind="text", detail=True), Field(name="since", kind="text"),
    Field(name="rule", kind="text"), Field(name="by_station", kind="text", detail=True),
    Field(name="window_h", unit="h", detail=True), Field(name="value"), Field(name="threshold"),
    Field(name="reached_at", kind="text"),
)  # fmt: skip
_SILENT: Final[Mapping[str, Any]] = {
    "level": UNKNOWN, "at_least": False, "held": False, "last": "", "since": None, "rule": "", "window_h": np.nan,
    "value": np.nan, "threshold": np.nan, "reached_at": None,
}  # fmt: skip


def _level(row: Mapping[Any, Any], watched: Watched) -> tuple[Any, ...]:
    by = row["station"] if row["rule"] and watched.cube is None else ""
    return (
        row["level"], _SEVERITY.get(row["level"]), row["at_least"], row["held"], row["last"], iso(row["since"]), row["rule"], by,
        row["window_h"], row["value"], row["threshold"], iso(row["reached_at"]),
    )  # fmt: skip


def _places(gauges: gpd.GeoDataFrame, areas: gpd.GeoDataFrame, watched: Watched) -> dict[str, list[str]]:
    """Gauges by area, those in none and those without a place last; a gauge that sent nothing is there too."""
    placed, inside = stations_in(gauges, areas)
    within = {code for codes in inside.values() for code in codes}
    alone = sorted((placed | set(watched.placeless)) - within)
    return {**{area: sorted(set(codes)) for area, codes in inside.items()}, OUTSIDE: alone}


def _counted(watched: Watched) -> dict[str, tuple[int, float | None, float]]:
    """Of each station: readings, share of the time from the first reading of all to the moment without one, hours silent."""
    if watched.observations is None:
        return {}
    frame = watched.observations.frame
    wanted = {"rain": ("rain", "rain_total")}.get(watched.variable, (watched.variable,))
    seen = frame[frame["variable"].isin(wanted) & (frame["time"] <= watched.at) & frame["value"].notna()]
    span_h = (watched.at - seen["time"].min()).total_seconds() / 3600 if len(seen) else 0.0
    return {str(code): _of_station(rows, watched.at, span_h) for code, rows in seen.groupby("station")}


def _of_station(rows: pd.DataFrame, at: pd.Timestamp, span_h: float) -> tuple[int, float | None, float]:
    covered_h = rows["minutes"].astype(float).sum(skipna=False) / 60
    missing = None if np.isnan(covered_h) else max(0.0, 1 - covered_h / span_h) if span_h else 0.0
    return len(rows), missing, (at - rows["time"].max()).total_seconds() / 3600


def _numbers(watched: Watched, start: pd.Timestamp) -> dict[str, Any]:
    """The thresholds and how levels fall, as they were: tables may change later."""
    cube = watched.cube
    return {
        "variable": watched.variable,
        "thresholds": {rule.id: asdict(rule) for rule in watched.ruled.thresholds},
        "falling": {name: value if np.isfinite(value) else None for name, value in asdict(watched.ruled.falls).items()},
        "at": iso(watched.at),
        "as_known_at": iso(watched.as_known_at),
        "start": iso(start),
        **({} if cube is None else {"cube": {"step_h": cube.step_h, "mm_per_unit": cube.mm_per_unit, "steps": cube.steps}}),
    }


def _unknown(watched: Watched) -> Iterator[str]:
    now = in_force(watched.areas, watched.at, "area")
    blind, bound = int((now["level"] == UNKNOWN).sum()), int(now["at_least"].sum())
    if blind:
        yield f"{blind} of {len(now)} areas are unknown"
    if bound:
        yield f"{bound} of {len(now)} areas have at least their level: something worse could not be judged"
    if watched.placeless:
        yield f"{len(watched.placeless)} stations have no place and count in no area"
    if watched.moved_by_late:
        yield f"first times of {len(watched.moved_by_late)} stations were moved by readings that came late"
    if watched.cube is not None and watched.cube.partly_outside:
        yield f"{len(watched.cube.partly_outside)} areas lie outside the cube in part or whole"
    if watched.observations is not None:
        for rule, count in sorted(watched.observations.counts.items()):
            yield f"{count} readings: {rule}"


def _detail(parameters: Mapping[str, Any], row: Mapping[str, Any]) -> Mapping[str, Any]:
    """A level with the threshold that was reached, its source and who checked it."""
    rule = parameters["thresholds"].get(row.get("rule"), {})
    return {**{name: rule[name] for name in ("source", "checked") if name in rule}, **row}


QUESTION: Final = Question(
    id="rain",
    title={"en": "Warning levels by rain or water level", "zh": "雨情水情预警等级"},
    parameters=Parameters,
    run=run,
    steps=("read", "watch"),
    fixed=lambda parameters: {"variable": parameters["variable"]},
    detail=_detail,
)
