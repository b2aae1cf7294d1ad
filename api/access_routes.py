"""Who can get there, on the roads that exist right now: the closures, and every question that honours them."""

import datetime as dt
from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from api.policy import EVERYBODY
from api.request import Asked, FilesNow, ServedNow, StoreNow, known_parameters
from api.runs_routes import Body
from api.served import Follower
from api.use.access import closing
from api.use.access.asked import moment, place
from api.use.access.closure_list import closure_list
from api.use.access.matrix_between import matrix_between
from api.use.access.route_between import route_between
from layers._catalog import layer

router = APIRouter(tags=["access"], dependencies=[*EVERYBODY, Depends(known_parameters)])
_ACTOR = "service"


@router.get("/closures")
def closures(served: ServedNow, files: FilesNow, asked: Asked) -> dict[str, Any]:
    """The list of closures: what each shuts now for a vehicle, with the lines of the roads shut; ended ones are marked."""
    return closure_list(served.snapshot, asked.roads(served.snapshot, files))


@router.post("/closures", status_code=201)
def close(request: Request, served: ServedNow, files: FilesNow, store: StoreNow, body: Body, response: Response) -> dict[str, Any]:
    """Shut roads: by their ids, inside an area, around a point, or where a raster says that water stands."""
    given = closing.closure_of(body)
    closing.require_known(served.snapshot, files, given)
    closure_id = closing.add_closure(store, given, dt.datetime.now(tz=dt.UTC), _ACTOR)
    response.headers["Location"] = f"/collections/road_closures/items/{closure_id}"
    return {"id": closure_id, "revision": _follow(request)}


@router.post("/closures/{closure_id}/end")
def reopen(request: Request, served: ServedNow, store: StoreNow, closure_id: str, at: str | None = None) -> dict[str, Any]:
    """End a closure, now or at a moment; its row stays and says so."""
    closing.end_closure(store, served.snapshot, closure_id, moment(at), _ACTOR)
    return {"id": closure_id, "revision": _follow(request)}


@router.get("/routes")
def routes(served: ServedNow, files: FilesNow, asked: Asked, origin: str, destination: str) -> dict[str, Any]:
    """The way from one place to another (``lon,lat`` each): legs and line, now and were all roads open, and what is in the way."""
    roads = asked.require_roads(served.snapshot, files)
    return route_between(roads, place(origin, "origin"), place(destination, "destination"))


@router.get("/matrix")
def matrix(
    served: ServedNow, files: FilesNow, asked: Asked, origins: str = "towns", destinations: str = "shelters"
) -> dict[str, Any]:
    """Minutes from each feature of one layer to each of another, now and were all roads open."""
    roads = asked.require_roads(served.snapshot, files)
    return matrix_between(served.snapshot, roads, layer(origins), layer(destinations))


def _follow(request: Request) -> int:
    """Serve what was just written before answering, so that whoever wrote it reads it."""
    follower: Follower = request.app.state.follower
    follower.refresh()
    return follower.served().snapshot.revision
