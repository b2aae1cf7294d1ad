"""What help there is and how far it goes: flights, AEDs in walking minutes, watched forest roads, stock over time."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends

from api.policy import OVERLAYS
from api.request import ServedNow, known_parameters
from api.road_request import Asked, FilesNow
from api.use import parameters
from api.use.access.aed_coverage import covered
from api.use.access.asked import RoadQuestion, moment
from api.use.access.feature_named import feature_named
from api.use.access.flights import flights
from api.use.access.groups import groups_named
from api.use.access.stock_over_time import stock_over_time
from api.use.access.watched_roads import watched

router = APIRouter(tags=["access"], dependencies=[*OVERLAYS, Depends(known_parameters)])


def _on_foot(vehicle: str = "foot", at: str | None = None, without: str | None = None) -> RoadQuestion:
    return RoadQuestion(vehicle=vehicle, at=at, without=without)


def _by_truck(vehicle: str = "truck", at: str | None = None, without: str | None = None) -> RoadQuestion:
    return RoadQuestion(vehicle=vehicle, at=at, without=without)


AskedByTruck = Annotated[RoadQuestion, Depends(_by_truck)]
AskedOnFoot = Annotated[RoadQuestion, Depends(_on_foot)]


@router.get("/flights")
def fly(served: ServedNow, files: FilesNow, asked: Asked, places: str = "towns", night: bool = False) -> dict[str, Any]:
    """When the first helicopter's people are at each place by pad and road, and which may not land where, and why."""
    return flights(served.snapshot, asked.require_roads(served.snapshot, files), served.snapshot.layer(places), at_night=night)


@router.get("/coverage")
def cover(
    served: ServedNow,
    files: FilesNow,
    asked: AskedOnFoot,
    groups: str = "care_facilities",
    things: str = "aeds",
    within_min: str = "8",
    ways: Literal["there_and_back", "one_way"] = "there_and_back",
) -> dict[str, Any]:
    """How many people have an AED, or a thing of another layer, within so many minutes, on foot unless said otherwise."""
    return covered(
        served.snapshot, asked.require_roads(served.snapshot, files), groups_named(served.snapshot, files, groups),
        served.snapshot.layer(things),
        within_min=parameters.number(within_min, "within_min", 0.1, 10_000), ways=ways,
    )  # fmt: skip


@router.get("/watch")
def watch(
    served: ServedNow,
    files: FilesNow,
    asked: Asked,
    season: Literal["now", "any"] = "now",
    outside: Literal["every_part", "longest_part"] = "every_part",
) -> dict[str, Any]:
    """Which forest roads can be entered only past a checkpoint that is staffed then, in kilometres."""
    roads = asked.require_roads(served.snapshot, files)
    return watched(served.snapshot, roads, moment(asked.at).date(), season=season, outside=outside)


@router.get("/stock")
def stock(
    served: ServedNow,
    files: FilesNow,
    asked: AskedByTruck,
    what: str = "tents",
    at_min: str = "60,120,180",
    places: str = "towns",
    detail: str | None = None,
) -> dict[str, Any]:
    """How much of a stock can stand at each place by when; ``detail`` tells the depots of one place as they arrive."""
    times = sorted({parameters.number(each, "at_min", 0, 10_000) for each in at_min.split(",")})
    named = None if detail is None else feature_named(served.snapshot, served.snapshot.layer(places).id, detail, "detail")
    roads = asked.require_roads(served.snapshot, files)
    return stock_over_time(served.snapshot, roads, served.snapshot.layer(places), what, times, detail=named)
