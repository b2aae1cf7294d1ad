"""The questions of a duty officer and a field team: what is there, what is at risk and why, what is near."""

from typing import Any, Literal

from fastapi import APIRouter, Depends, Response

from api.policy import OVERLAYS, READERS
from api.request import ServedThen, SettingsNow, known_parameters
from api.road_request import AskedThen, FilesThen
from api.use import assessments, cells, marks, parameters
from api.use.access.near import NearQuestion, near_answer
from api.use.access.nearby_by_road import help_by_road
from api.use.catalogue import layers_answer
from api.use.situation import situation
from api.use.why import why_place
from layers._layer import Geometry
from layers._store import Snapshot

router = APIRouter(tags=["questions"])
_strict = [Depends(known_parameters)]

FIELD_LAYERS = ("shelters", "helipads", "fire_checkpoints", "supply_depots", "rescue_teams", "aeds")


def field_layers(snapshot: Snapshot) -> str:
    """The layers that a field team asks about, as far as they are there for whoever asks."""
    return ",".join(each for each in FIELD_LAYERS if each in snapshot.layers)


@router.get("/layers", dependencies=[*READERS, *_strict])
def layers(served: ServedThen) -> dict[str, Any]:
    """Every layer: declaration, count, age; and the scheme of levels."""
    return layers_answer(served.snapshot, served.now) | {"problem": served.standing() or None}


@router.get("/risk", dependencies=[*READERS, *_strict])
def risk(served: ServedThen) -> dict[str, Any]:
    """The level of each town with the reasons behind it."""
    return assessments.answer(assessments.current(served.snapshot))


@router.get("/risk/cells", dependencies=[*OVERLAYS, *_strict])
def risk_cells(served: ServedThen, cell_m: str | None = None) -> Response:
    """The level of each square cell over the towns as GeoJSON, worst first; without a size, the finest the map draws."""
    return Response(cells.cells_text(served.snapshot, _cell_size(cell_m)), media_type="application/geo+json")


@router.get("/risk/cells/{cell_id}/why", dependencies=[*OVERLAYS, *_strict])
def why_cell(served: ServedThen, cell_id: str, cell_m: str | None = None) -> dict[str, Any]:
    """Why a cell has its level: readings, the features behind each, the spread over the rules; and the help near it."""
    return cells.cell_why(served.snapshot, _cell_size(cell_m), cell_id)


@router.get("/risk/{layer_id}/{fid}/why", dependencies=[*READERS, *_strict])
def why_area(served: ServedThen, layer_id: str, fid: str) -> dict[str, Any]:
    """Why a town has its level: readings, the features behind each, the spread over the rules."""
    return why_place(served.snapshot, layer_id, fid)


def _cell_size(text: str | None) -> int | None:
    return None if text is None else parameters.whole(text, "cell_m", 1, 100_000)


@router.get("/nearby", dependencies=[*OVERLAYS, *_strict])
def near(
    served: ServedThen,
    settings: SettingsNow,
    files: FilesThen,
    asked: AskedThen,
    lon: str,
    lat: str,
    radius_m: str | None = None,
    layers: str | None = None,
    k: str = "10",
    by: Literal["line", "time"] = "line",
    limit_min: str = "120",
    free: bool = False,
) -> dict[str, Any]:
    """Features of point layers near a place: by geodesic distance, or with ``by=time`` by the roads as they are now.

    ``radius_m`` bounds straight lines, ``limit_min`` times; ``free`` leaves out what is closed, out or full. Without roads
    a question by time is answered by straight lines, and says so.
    """
    question = NearQuestion(
        lon=parameters.longitude(lon),
        lat=parameters.latitude(lat),
        layers=parameters.layers_named(served.snapshot, layers or field_layers(served.snapshot), (Geometry.POINT,)),
        k=parameters.whole(k, "k", 1, settings.nearest_max),
        radius_m=parameters.number(radius_m or str(settings.radius_default_m), "radius_m", 1, settings.radius_max_m),
        limit_min=parameters.number(limit_min, "limit_min", 1, settings.access_max_min),
        free_only=free,
        by_time=by == "time",
    )
    roads = asked.roads(served.snapshot, files) if question.by_time else None
    return near_answer(served.snapshot, roads, question)


@router.get("/situation/{layer_id}/{fid}", dependencies=[*OVERLAYS, *_strict])
def situation_at(served: ServedThen, files: FilesThen, asked: AskedThen, layer_id: str, fid: str) -> dict[str, Any]:
    """One feature's situation: risk and reasons; who helps, by line and on the roads as they are; who to call; age of the data."""
    found = situation(served.snapshot, assessments.current(served.snapshot), layer_id, fid)
    roads = asked.roads(served.snapshot, files)
    return found | {"by_road": help_by_road(served.snapshot, roads, found["place"]["lon"], found["place"]["lat"])}


@router.get("/marks/{layer_id}", dependencies=[*READERS, *_strict])
def marks_of(
    served: ServedThen, settings: SettingsNow, layer_id: str, bbox: str = "-180,-90,180,90", zoom: str = "10"
) -> dict[str, Any]:
    """What a map draws of a layer inside a box: columns of points, counts by cell, or simplified shapes."""
    return marks.marks(served.snapshot, layer_id, parameters.box(bbox), parameters.number(zoom, "zoom", 0, 24), settings.marks_max)
