"""Warning levels from gauges, per station and town, with first times and reasons; and hour by hour for the map."""

import datetime as dt

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse

from api.policy import OVERLAYS
from api.request import ServedNow, SettingsNow, known_parameters
from api.use.rain_history import HOURS, rain_hours, rain_now
from api.use.rain_watch import observations_path

router = APIRouter(tags=["questions"], dependencies=[*OVERLAYS, Depends(known_parameters)])


@router.get("/rain")
def rain(
    served: ServedNow,
    settings: SettingsNow,
    variable: str = "rain",
    at: str | None = None,
    as_known_at: str | None = None,
    layer: str = "towns",
) -> JSONResponse:
    """The level of each station and area by rain or water level, at a moment and as known at a moment, and why."""
    told = rain_now(
        served.snapshot, observations_path(settings), dt.datetime.now(tz=dt.UTC), variable=variable, at=at,
        as_known_at=as_known_at, area_layer=layer,
    )  # fmt: skip
    return JSONResponse(told)


@router.get("/rain/hours")
def hours(
    served: ServedNow, settings: SettingsNow, variable: str = "rain", layer: str = "towns", hours: int = HOURS
) -> JSONResponse:
    """The level of each area over the last hours of the readings: every change with its reason, and first times."""
    now = dt.datetime.now(tz=dt.UTC)
    path = observations_path(settings)
    return JSONResponse(rain_hours(served.snapshot, path, now, variable=variable, area_layer=layer, hours=hours))
