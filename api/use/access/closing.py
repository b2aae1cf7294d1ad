"""Shutting and reopening roads: a closure is a row of the layer *road_closures*, so it has a history like any other."""

import datetime as dt
import uuid
from dataclasses import replace
from typing import Annotated, Any, Literal, Self

import shapely
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from shapely.errors import ShapelyError
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from api.use.access.asked import moment
from api.use.access.roads_now import ROADS, AccessFiles, depth_raster, graph_of, require_roads
from geo_risk.errors import ParameterError, shown
from layers._catalog import layer
from layers._layer import Layer
from layers._store import Batch, Change, Feature, Snapshot, Store, Value
from layers._store.writes import Judge, permit
from layers._tables.vehicle_table import vehicle

LAYER_ID = "road_closures"
SOURCE = "operator"
_LEAST = dt.timedelta(milliseconds=1)
_CAUSES = tuple(choice.id for choice in layer(LAYER_ID).column("cause").choices)
_EXPECTED = "title, cause, and one of roads, area, circle, depth_raster; see /openapi.json"
Words = Annotated[str, Field(min_length=1, max_length=200)]
RoadId = Annotated[str, Field(min_length=1, max_length=120, pattern=r"^[^,]+$")]


class Circle(BaseModel):
    """A centre in degrees and a radius along the ground."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    lon: float = Field(ge=-180, le=180, allow_inf_nan=False)
    lat: float = Field(ge=-90, le=90, allow_inf_nan=False)
    radius_m: float = Field(ge=1, le=200_000, allow_inf_nan=False)


class NewClosure(BaseModel):
    """What an operator says of a closure: why, what it shuts (one way of saying it), for whom, from when until when."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    title: Words
    cause: Literal[_CAUSES]  # type: ignore[valid-type]
    roads: tuple[RoadId, ...] = Field(default=(), max_length=500)
    area: dict[str, Any] | None = None
    circle: Circle | None = None
    depth_raster: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_.-]{1,80}$")
    bridges: Literal["kept", "lost"] = "lost"
    vehicles: tuple[Annotated[str, Field(pattern=r"^[a-z_]{1,20}$")], ...] = ()
    since: dt.datetime | None = None
    until: dt.datetime | None = None

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        said = [bool(self.roads), self.area is not None, self.circle is not None, self.depth_raster is not None]
        if sum(said) != 1:
            raise ValueError("one of roads, area, circle, depth_raster")
        if any(moment is not None and moment.tzinfo is None for moment in (self.since, self.until)):
            raise ValueError("times with their offset, such as 2026-07-01T08:00+08:00")
        if self.since and self.until and self.until <= self.since:
            raise ValueError("until after since")
        return self


def closure_of(given: dict[str, Any]) -> NewClosure:
    """A closure as sent over HTTP or typed; `ParameterError` names the fields that are wrong, never their content."""
    try:
        return NewClosure.model_validate(given)
    except ValidationError as error:
        faults = [(".".join(map(str, fault["loc"])), fault["type"], fault["msg"]) for fault in error.errors()]
        told = "; ".join(message if kind == "value_error" else f"{where or 'body'}: {kind}" for where, kind, message in faults[:5])
        raise ParameterError(
            "this is no closure", where=", ".join(where for where, _, _ in faults[:5] if where) or "body", expected=_EXPECTED,
            got=told, then="mend these and send it again",
        ) from None


def end_of(given: dict[str, Any]) -> dt.datetime:
    """When a closure is to end: the body's ``at``, or now."""
    strange = sorted(set(given) - {"at"})
    at = given.get("at")
    if strange or not (at is None or isinstance(at, str)):
        raise ParameterError("this says no end", where="body", expected="at, a moment with its offset", got=shown(at))
    return moment(at)


def require_known(snapshot: Snapshot, files: AccessFiles, given: NewClosure) -> None:
    """Stop where a closure names a road, a vehicle or a raster that is not there: it would shut nothing."""
    for each in given.vehicles:
        vehicle(each)
    roads = snapshot.frames[ROADS]
    if given.roads:
        require_roads(graph_of(roads, files), given.roads, "roads")
    if given.depth_raster is not None:
        depth_raster(files, given.depth_raster)


def new_closure(given: NewClosure, now: dt.datetime, actor: str) -> Change:
    """The row that keeps a closure, under a new id. Without ``since`` it holds from now."""
    circle = given.circle
    values: dict[str, Any] = {
        "title": given.title,
        "cause": given.cause,
        "roads": ",".join(given.roads) or None,
        "centre_lon": circle and circle.lon,
        "centre_lat": circle and circle.lat,
        "radius_m": circle and circle.radius_m,
        "depth_raster": given.depth_raster,
        "bridges": given.bridges,
        "vehicles": ",".join(given.vehicles) or None,
        "since": _moment(given.since or now),
        "until": given.until and _moment(given.until),
        "said_by": actor,
    }
    closure_id = f"closure-{uuid.uuid4().hex[:12]}"
    return Change(layer=LAYER_ID, fid=closure_id, op="create", values=values, geometry=_area(given.area))


def ending(closure_id: str, at: dt.datetime) -> Change:
    """The change that lets a closure end at a moment; its row stays, and says when. Judged by `not_before_it_began`."""
    return Change(layer=LAYER_ID, fid=closure_id, op="patch", values={"until": _moment(at)})


def closed_by(actor: str) -> Batch:
    """The log's batch of a closure."""
    return Batch(actor=actor, reason="road closed", source=SOURCE)


def reopened_by(actor: str) -> Batch:
    """The log's batch of a closure's end."""
    return Batch(actor=actor, reason="road reopened", source=SOURCE)


def add_closure(store: Store, given: NewClosure, now: dt.datetime, actor: str) -> str:
    """Keep a closure; returns its id after COMMIT."""
    change = new_closure(given, now, actor)
    store.write(closed_by(actor), (change,))
    return change.fid


def end_closure(store: Store, closure_id: str, at: dt.datetime, actor: str) -> None:
    """Let a closure end at a moment; `NotFound` where there is none of that id."""
    store.write(reopened_by(actor), (ending(closure_id, at),), judge=not_before_it_began(at))


def not_before_it_began(at: dt.datetime, judge: Judge = permit) -> Judge:
    """A judge by whom a closure that has not begun by ``at`` ends as it begins; ``judge`` may refuse the change then."""

    def ended(of: Layer, before: Feature | None, after: Feature | None) -> Feature | None:
        if after is not None:
            after = replace(after, values={**after.values, "until": _moment(_end(after.values.get("since"), at))})
        return judge(of, before, after)

    return ended


def _end(since: Value, at: dt.datetime) -> dt.datetime:
    return max(at, dt.datetime.fromisoformat(since) + _LEAST) if isinstance(since, str) else at


def _moment(at: dt.datetime) -> str:
    return at.isoformat(timespec="milliseconds")


def _area(given: dict[str, Any] | None) -> BaseGeometry | None:
    return None if given is None else polygon_of(given, "area")


def polygon_of(given: dict[str, Any], where: str) -> BaseGeometry:
    """A polygon as drawn on a map; `ParameterError` where it is none, or crosses its own border."""
    area = _polygon(given)
    if area is None or area.is_empty or not area.is_valid:
        raise ParameterError(
            "the area is no valid polygon", where=where, expected="a GeoJSON Polygon or MultiPolygon, longitude and latitude",
            got="nothing that can be drawn" if area is None else "a border that crosses itself", then="draw it anew",
        )
    return area


def _polygon(given: dict[str, Any]) -> BaseGeometry | None:
    try:
        area = shape(given)
        lon, lat = shapely.get_coordinates(area).T
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, ShapelyError):
        return None
    on_earth = bool(((abs(lon) <= 180) & (abs(lat) <= 90)).all())
    return area if on_earth and area.geom_type in ("Polygon", "MultiPolygon") else None
