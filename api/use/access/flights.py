"""Help by air: which helicopter may land on which pad, and when its people are at each place, by the roads from the pad."""

import math
from typing import Any

import geopandas as gpd
import numpy as np

from api.use.access.places_on_roads import Stands, on_roads, stands_of
from api.use.access.roads_now import RoadsNow
from api.use.access.said import compared, minutes, roads_said
from api.use.nearby import AVAILABLE
from geo_risk.access.air import Fit, Flights, Helicopter, Pad, fits, flight_arrivals
from geo_risk.access.travel import matrix
from layers._layer import Layer
from layers._store import Snapshot
from layers._tables.air_rules import air_rules

HELICOPTERS, PADS = "helicopters", "helipads"
_AWAY = ("out", "maintenance")


def flights(snapshot: Snapshot, roads: RoadsNow, places: Layer, *, at_night: bool) -> dict[str, Any]:
    """Each place with the first helicopter whose people are there, now and on open roads; each pair that may not land, and why.

    A helicopter that is out or in maintenance does not come. What nobody knows of a pad or a helicopter is no landing, and
    is told: ``unknown`` of a place says that such a landing might be sooner.
    """
    crafts, pads = _helicopters(snapshot.frames[HELICOPTERS]), _pads(snapshot.frames[PADS])
    rules, frame = air_rules(), snapshot.frames[places.id]
    now, free = (_flown(roads, crafts, pads, snapshot, frame, open_=each, at_night=at_night) for each in (False, True))
    names = {HELICOPTERS: _names(snapshot, HELICOPTERS), PADS: _names(snapshot, PADS)}
    return {
        **roads_said(roads),
        "night": at_night,
        "helicopters": [{"id": craft.id, "name": names[HELICOPTERS][craft.id]} for craft in crafts],
        "not_coming": _not_coming(snapshot),
        "landings": [
            {
                "helicopter": craft.id, "helicopter_name": names[HELICOPTERS][craft.id], "pad": pad.id,
                "pad_name": names[PADS][pad.id], "minutes": minutes(float(at)),
                **_landing(fits(craft, pad, rules, at_night=at_night)),
            }
            for craft, row in zip(crafts, np.where(np.isnan(now.pad_s), math.inf, now.pad_s), strict=True)
            for pad, at in zip(pads, row, strict=True)
        ],
        "places": _places(now, free, crafts, pads, stands_of(frame), names),
        "rules": [{"id": "range", "chosen": "out_and_return"}, {"id": "fato", "chosen": "full"}],
    }  # fmt: skip


def _flown(
    roads: RoadsNow, crafts: list[Helicopter], pads: list[Pad], snapshot: Snapshot, frame: gpd.GeoDataFrame, *, open_: bool,
    at_night: bool,
) -> Flights:  # fmt: skip
    placed = on_roads(roads, _placed(snapshot.frames[PADS]))[open_]
    onward = matrix(roads.free if open_ else roads.now, placed, on_roads(roads, frame)[open_])
    return flight_arrivals(crafts, pads, onward, air_rules(), at_night=at_night)


def _placed(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The frame itself where every row has a place, so that what is kept with it serves again."""
    known = frame.geometry.notna()
    return frame if bool(known.all()) else frame[known]


def _helicopters(frame: gpd.GeoDataFrame) -> list[Helicopter]:
    """Those that have a place and are not known to be away."""
    here = _placed(frame)
    rows = zip(here.index, here.geometry, here["status"], here.to_dict(orient="records"), strict=True)
    return [
        Helicopter(
            id=str(fid), lon=point.x, lat=point.y, d_value_m=_number(row["d_value_m"]), mass_t=_number(row["mass_t"]),
            cruise_kmh=_number(row["cruise_kmh"]), range_km=_number(row["range_km"]),
            seats=None if math.isnan(_number(row["seats"])) else int(row["seats"]), ready_s=60.0 * _number(row["ready_minutes"]),
            night=_flag(row["night_flight"]),
        )
        for fid, point, status, row in rows if status not in _AWAY
    ]  # fmt: skip


def _pads(frame: gpd.GeoDataFrame) -> list[Pad]:
    here = _placed(frame)
    return [
        Pad(
            id=str(fid), lon=point.x, lat=point.y, length_m=_number(row["pad_length_m"]), width_m=_number(row["pad_width_m"]),
            d_value_m=_number(row["d_value_m"]), max_mass_t=_number(row["max_mass_t"]),
            slope_percent=_number(row["slope_percent"]), night_lights=_flag(row["night_lights"]),
            open=AVAILABLE.get(row["status"]) if isinstance(row["status"], str) else None,
        )
        for fid, point, row in zip(here.index, here.geometry, here.to_dict(orient="records"), strict=True)
    ]  # fmt: skip


def _not_coming(snapshot: Snapshot) -> list[dict[str, str]]:
    """Helicopters that are away, or of which nobody knows where they stand."""
    frame = snapshot.frames[HELICOPTERS]
    away = [status in _AWAY or point is None for status, point in zip(frame["status"], frame.geometry, strict=True)]
    names = _names(snapshot, HELICOPTERS)
    return [{"id": str(fid), "name": names[str(fid)]} for fid, gone in zip(frame.index, away, strict=True) if gone]


def _landing(found: Fit) -> dict[str, Any]:
    against = [{"id": each.id, "holds": each.holds} for each in found.against]
    return {"fits": found.fits, "against": against}


def _places(
    now: Flights, free: Flights, crafts: list[Helicopter], pads: list[Pad], stands: Stands, names: dict[str, dict[str, str]]
) -> list[dict[str, Any]]:
    """Every place, the latest first."""
    rows = [
        {"id": stands.ids[at], "name": stands.names[at], **_first(now, at, crafts, pads, names), **_compared(now, free, at)}
        for at in range(len(stands))
    ]
    return sorted(rows, key=lambda row: (-(row["minutes"] or math.inf), row["id"]))


def _first(
    now: Flights, at: int, crafts: list[Helicopter], pads: list[Pad], names: dict[str, dict[str, str]]
) -> dict[str, Any]:
    craft = int(now.first[at])
    pad = -1 if craft < 0 else int(now.pad[craft, at])
    return {
        "helicopter": None if craft < 0 else names[HELICOPTERS][crafts[craft].id],
        "pad": None if pad < 0 else names[PADS][pads[pad].id],
        "unknown": bool(now.unknown[:, at].any()),
    }


def _compared(now: Flights, free: Flights, at: int) -> dict[str, Any]:
    """Times by what is known; where only the unknown might come, nobody is promised."""
    known = [float(each.first_s[at]) for each in (now, free)]
    return compared(*(math.inf if math.isnan(seconds) else seconds for seconds in known))


def _names(snapshot: Snapshot, layer_id: str) -> dict[str, str]:
    stands = stands_of(snapshot.frames[layer_id])
    return dict(zip(stands.ids, stands.names, strict=True))


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float | np.number) else math.nan


def _flag(value: Any) -> bool | None:
    return bool(value) if value is True or value is False else None
