"""The questions of a duty officer and a field team: what is there, what is at risk and why, what is near."""

import datetime as dt
from dataclasses import asdict
from typing import Any, Literal

from fastapi import APIRouter, Depends, Response

from api.policy import EVERYBODY, READABLE
from api.request import Asked, FilesNow, ServedNow, SettingsNow, known_parameters
from api.use import assessments, cells, marks, parameters
from api.use.access.nearby_by_road import nearby_by_road
from api.use.access.said import roads_said
from api.use.catalogue import layers_answer
from api.use.nearby import nearby
from api.use.situation import situation
from api.use.why import why_place
from layers._layer import Geometry

router = APIRouter(tags=["questions"], dependencies=[*EVERYBODY, Depends(known_parameters)])

FIELD_LAYERS = ("shelters", "helipads", "fire_checkpoints", "supply_depots", "rescue_teams", "aeds")


@router.get("/layers")
def layers(served: ServedNow) -> dict[str, Any]:
    """Every layer: declaration, count, age; and the scheme of levels."""
    return layers_answer(served.snapshot, READABLE, dt.datetime.now(tz=dt.UTC)) | {"problem": served.standing() or None}


@router.get("/risk")
def risk(served: ServedNow) -> dict[str, Any]:
    """The level of each town with the reasons behind it."""
    return assessments.answer(assessments.current(served.snapshot))


@router.get("/risk/cells")
def risk_cells(served: ServedNow, cell_m: str | None = None) -> Response:
    """The level of each square cell over the towns as GeoJSON, worst first; without a size, the finest the map draws."""
    return Response(cells.cells_text(served.snapshot, _cell_size(cell_m)), media_type="application/geo+json")


@router.get("/risk/cells/{cell_id}/why")
def why_cell(served: ServedNow, cell_id: str, cell_m: str | None = None) -> dict[str, Any]:
    """Why a cell has its level: readings, the features behind each, the spread over the rules; and the help near it."""
    return cells.cell_why(served.snapshot, _cell_size(cell_m), cell_id, READABLE)


@router.get("/risk/{layer_id}/{fid}/why")
def why_area(served: ServedNow, layer_id: str, fid: str) -> dict[str, Any]:
    """Why a town has its level: readings, the features behind each, the spread over the rules."""
    return why_place(served.snapshot, layer_id, fid, READABLE)


def _cell_size(text: str | None) -> int | None:
    return None if text is None else parameters.whole(text, "cell_m", 1, 100_000)


@router.get("/nearby")
def near(
    served: ServedNow,
    settings: SettingsNow,
    files: FilesNow,
    asked: Asked,
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
    place = parameters.longitude(lon), parameters.latitude(lat)
    chosen = parameters.layers_named(layers or ",".join(FIELD_LAYERS), (Geometry.POINT,))
    most = parameters.whole(k, "k", 1, settings.nearest_max)
    limit = parameters.number(limit_min, "limit_min", 1, settings.access_max_min)
    radius = parameters.number(radius_m or str(settings.radius_default_m), "radius_m", 1, settings.radius_max_m)
    roads = asked.roads(served.snapshot, files) if by == "time" else None
    head: dict[str, Any] = {"from": {"lon": place[0], "lat": place[1]}, "revision": served.snapshot.revision}
    if roads is not None:
        found = nearby_by_road(
            served.snapshot, roads, *place, chosen, limit_min=limit, k=most, free_only=free, sensitivities=READABLE
        )  # fmt: skip
        return {
            **head, **roads_said(roads), "limit_min": limit, "items": [item.as_item() for item in found],
            "missing": [layer.id for layer in chosen if served.snapshot.frames[layer.id].empty],
        }  # fmt: skip
    answer = nearby(served.snapshot, *place, chosen, radius_m=radius, k=most, free_only=free, sensitivities=READABLE)
    return {
        **head, **(roads_said(None) if by == "time" else {"by": "line"}), "radius_m": answer.radius_m,
        "items": [asdict(item) for item in answer.items], "missing": list(answer.missing),
    }  # fmt: skip


@router.get("/situation/{layer_id}/{fid}")
def situation_at(served: ServedNow, layer_id: str, fid: str) -> dict[str, Any]:
    """One feature's situation: risk and reasons, nearest shelter, team and helipad, who to call, age of the data."""
    return situation(served.snapshot, assessments.current(served.snapshot), layer_id, fid, READABLE)


@router.get("/marks/{layer_id}")
def marks_of(
    served: ServedNow, settings: SettingsNow, layer_id: str, bbox: str = "-180,-90,180,90", zoom: str = "10"
) -> dict[str, Any]:
    """What a map draws of a layer inside a box: columns of points, counts by cell, or simplified shapes."""
    return marks.marks(served.snapshot, layer_id, parameters.box(bbox), parameters.number(zoom, "zoom", 0, 24), settings.marks_max)
