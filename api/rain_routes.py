"""Warning levels from gauges, per station and town, with first times and reasons."""

import datetime as dt
from typing import Any

from fastapi import APIRouter, Depends

from api.policy import EVERYBODY
from api.request import ServedNow, SettingsNow, known_parameters
from api.use.rain_watch import answer, observations_of, observations_path, watch

router = APIRouter(tags=["questions"], dependencies=[*EVERYBODY, Depends(known_parameters)])


@router.get("/rain")
def rain(
    served: ServedNow,
    settings: SettingsNow,
    variable: str = "rain",
    at: str | None = None,
    as_known_at: str | None = None,
    layer: str = "towns",
) -> dict[str, Any]:
    """The level of each station and area by rain or water level, at a moment and as known at a moment, and why."""
    found = watch(
        served.snapshot,
        observations_of(observations_path(settings)),
        variable=variable,
        at=at,
        as_known_at=as_known_at,
        area_layer=layer,
    )
    return answer(found, dt.datetime.now(tz=dt.UTC))
