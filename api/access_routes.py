"""Who can get there, on the roads that exist right now: the closures, and every question that honours them."""

import datetime as dt
import json
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request, Response
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from api.kept_replies import reply_key, sent, stored
from api.policy import ASKERS, CLOSERS, OVERLAYS, READERS
from api.request import CallerNow, ServedNow, ServedThen, SettingsNow, known_parameters
from api.road_request import Asked, AskedThen, FilesNow, FilesThen
from api.runs_routes import Body
from api.status_codes import problem
from api.use import parameters
from api.use.access import closing
from api.use.access.asked import needs_of, place
from api.use.access.closed_here import closed_here
from api.use.access.closure_list import closure_list
from api.use.access.evacuation_plan import evacuation_plan, question_of, with_previous
from api.use.access.groups import groups_named
from api.use.access.isolated_places import isolated_places
from api.use.access.matrix_between import matrix_between
from api.use.access.mobilised import mobilised
from api.use.access.plans import PlanJob, Plans
from api.use.access.reach_from import reach_from
from api.use.access.route_between import route_between
from api.use.access.selected import Drawn, drawn_circle, selectable, selected, zone
from api.use.rights import judge_of, require_own
from api.writes_document import KEY
from geo_risk.access.travel import By
from layers._layer import Geometry
from layers._store import Batch, Change
from layers._store.records import Reply, Written
from layers._store.writes import Judge

router = APIRouter(tags=["access"])
_strict = [Depends(known_parameters)]


def _plans(request: Request) -> Plans:
    found: Plans = request.app.state.plans
    return found


PlansNow = Annotated[Plans, Depends(_plans)]


@router.get("/closures", dependencies=[*READERS, *_strict])
def closures(served: ServedThen, files: FilesThen, asked: AskedThen) -> dict[str, Any]:
    """The list of closures: what each shuts now for a vehicle, with the lines of the roads shut; ended ones are marked."""
    return closure_list(served.snapshot, asked.roads(served.snapshot, files))


@router.get("/closures/here", dependencies=[*READERS, *_strict])
def close_here(served: ServedNow, files: FilesNow, asked: Asked, lon: str, lat: str, road: str | None = None) -> dict[str, Any]:
    """The circle that closes the road next to a place, for `POST /closures`, and the stretches of road that it shuts."""
    at = parameters.longitude(lon), parameters.latitude(lat)
    return closed_here(asked.require_roads(served.snapshot, files), *at, road)


@router.post("/closures", dependencies=[*CLOSERS, *_strict], status_code=201, openapi_extra={"parameters": [KEY]})
async def close(request: Request, served: ServedNow, caller: CallerNow, files: FilesNow, body: Body) -> Response:
    """Shut roads: by their ids, inside an area, around a point, or where a raster says that water stands."""
    given = closing.closure_of(body)
    await run_in_threadpool(closing.require_known, served.snapshot, files, given)
    change = closing.new_closure(given, dt.datetime.now(tz=dt.UTC), caller.actor)
    return await _kept(request, body, closing.closed_by(caller.actor), change, judge_of(caller, served.snapshot))


@router.post("/closures/{closure_id}/end", dependencies=[*CLOSERS, *_strict], openapi_extra={"parameters": [KEY]})
async def reopen(request: Request, served: ServedNow, caller: CallerNow, closure_id: str, body: Body) -> Response:
    """End a closure now, or at the body's ``at``; its row stays and says so."""
    at = closing.end_of(body)
    judge = closing.not_before_it_began(at, judge_of(caller, served.snapshot))
    return await _kept(request, body, closing.reopened_by(caller.actor), closing.ending(closure_id, at), judge)


async def _kept(request: Request, body: dict[str, Any], batch: Batch, change: Change, judge: Judge) -> Response:
    """Write a closure, and serve it before answering, so that whoever wrote it reads it."""
    key = reply_key(request, json.dumps(body, sort_keys=True).encode())
    written = await stored(request, batch, (change,), judge=judge, compose=_closure_reply, key=key)
    await run_in_threadpool(request.app.state.follower.refresh)
    return sent(written)


def _closure_reply(written: Written) -> Reply:
    (outcome,) = written.outcomes
    fid, made = outcome.change.fid, outcome.change.op == "create"
    headers = (("content-type", "application/json"), ("geo-risk-revision", str(written.revision)))
    location = (("location", f"/collections/road_closures/items/{quote(fid, safe='')}"),) if made else ()
    return Reply(201 if made else 200, headers + location, json.dumps({"id": fid, "revision": written.revision}).encode())


@router.get("/routes", dependencies=[*OVERLAYS, *_strict])
def routes(
    served: ServedNow, files: FilesNow, asked: Asked, origin: str, destination: str, by: By = "time"
) -> dict[str, Any]:
    """The fastest (or with ``by=length`` the shortest) way from one place to another, ``lon,lat`` each: now, and on open roads.

    Legs by road, the line, and what is in the way.
    """
    roads = asked.require_roads(served.snapshot, files, by=by)
    return route_between(roads, place(origin, "origin"), place(destination, "destination"))


@router.get("/matrix", dependencies=[*OVERLAYS, *_strict])
def matrix(
    served: ServedNow, files: FilesNow, asked: Asked, origins: str = "towns", destinations: str = "shelters"
) -> dict[str, Any]:
    """Minutes from each feature of one layer to each of another, now and were all roads open."""
    roads = asked.require_roads(served.snapshot, files)
    return matrix_between(served.snapshot, roads, served.snapshot.layer(origins), served.snapshot.layer(destinations))


@router.get("/reach", dependencies=[*OVERLAYS, *_strict])
def reach(
    served: ServedNow,
    files: FilesNow,
    settings: SettingsNow,
    asked: Asked,
    lon: str,
    lat: str,
    minutes: str = "5,10,15",
    people: str = "towns",
    layers: str = "shelters,rescue_teams",
    towards: bool = False,
    beside_m: str = "300",
) -> Response:
    """How far one gets in bands of minutes, or with ``towards`` from where one gets here: ground, people, facilities; GeoJSON."""
    bands = sorted({parameters.number(each, "minutes", 0.1, settings.access_max_min) for each in minutes.split(",")})
    found = reach_from(
        served.snapshot, asked.require_roads(served.snapshot, files), parameters.longitude(lon), parameters.latitude(lat), bands,
        people=groups_named(served.snapshot, files, people),
        facilities=parameters.layers_named(served.snapshot, layers, (Geometry.POINT,)), towards=towards,
        beside_m=parameters.number(beside_m, "beside_m", 1, 5000),
    )  # fmt: skip
    return Response(json.dumps(found, ensure_ascii=False, allow_nan=False), media_type="application/geo+json")


@router.get("/isolation", dependencies=[*OVERLAYS, *_strict])
def isolation(
    served: ServedNow, files: FilesNow, asked: Asked, groups: str = "towns", facilities: str = "shelters", losses: str = "0"
) -> dict[str, Any]:
    """Which places are cut off from every open facility of a layer, and with ``losses`` the links whose loss would be worst."""
    return isolated_places(
        served.snapshot, asked.require_roads(served.snapshot, files),
        groups_named(served.snapshot, files, groups), served.snapshot.layer(facilities),
        losses=parameters.whole(losses, "losses", 0, 200),
    )  # fmt: skip


@router.get("/mobilisation", dependencies=[*OVERLAYS, *_strict])
def mobilisation(
    served: ServedNow,
    files: FilesNow,
    asked: Asked,
    needs: str = "people:2000",
    within_min: str = "180",
    places: str = "towns",
    detail: str | None = None,
) -> dict[str, Any]:
    """Is it true that every place has so many people, teams of a kind and things within so many minutes; if not, what is short."""
    return mobilised(
        served.snapshot, asked.require_roads(served.snapshot, files), served.snapshot.layer(places), needs_of(needs),
        within_min=parameters.number(within_min, "within_min", 1, 10_000), detail=detail,
    )  # fmt: skip


@router.get("/select", dependencies=[*OVERLAYS, *_strict])
def select_circle(served: ServedThen, lon: str, lat: str, radius_m: str, layers: str | None = None) -> dict[str, Any]:
    """Everything inside a circle along the ground, summed and listed by layer."""
    radius = parameters.number(radius_m, "radius_m", 1, 500_000)
    drawn = drawn_circle(parameters.longitude(lon), parameters.latitude(lat), radius)
    return selected(served.snapshot, drawn, selectable(served.snapshot, layers))


@router.get("/select/{layer_id}/{fid}", dependencies=[*OVERLAYS, *_strict])
def select_zone(served: ServedThen, layer_id: str, fid: str, layers: str | None = None) -> dict[str, Any]:
    """Everything inside an area of the map: a warning area, a flood zone, a town."""
    return selected(served.snapshot, zone(served.snapshot, layer_id, fid), selectable(served.snapshot, layers))


@router.post("/select", dependencies=[*ASKERS, *_strict])
def select_area(served: ServedThen, body: Body, layers: str | None = None) -> dict[str, Any]:
    """Everything inside a drawn polygon: the body is ``{"area": a GeoJSON Polygon or MultiPolygon}``."""
    drawn = Drawn(shape=closing.polygon_of(body.get("area", {}), "area"))
    return selected(served.snapshot, drawn, selectable(served.snapshot, layers))


@router.post("/evacuations", dependencies=[*ASKERS, *_strict], status_code=201)
async def evacuate(
    request: Request, served: ServedNow, caller: CallerNow, files: FilesNow, plans: PlansNow, body: Body, wait_s: str = "0"
) -> JSONResponse:
    """Make a plan: the body says which groups, hazard, vehicle and limit. Answers with the job; ``wait_s`` waits for it so long."""
    asked = with_previous(question_of(body), lambda job_id: plans.job(job_id, caller.sight))
    snapshot, seconds = served.snapshot, parameters.number(wait_s, "wait_s", 0, 20)
    job = plans.submit(lambda tell: evacuation_plan(snapshot, files, asked, tell), caller.id, caller.sight)
    # whoever only waits keeps nobody from a place
    request.app.state.admission.step_out(request.scope)
    job = await plans.awaited(job.id, seconds)
    return await run_in_threadpool(_made, job)


@router.get("/evacuations", dependencies=[*READERS, *_strict])
def evacuations(plans: PlansNow, caller: CallerNow) -> dict[str, Any]:
    """The plans of this service that the caller may read, the newest first."""
    return {"jobs": [_job(job, whole=False) for job in plans.jobs(caller.sight)]}


@router.get("/evacuations/{job_id}", dependencies=[*READERS, *_strict])
def evacuation(plans: PlansNow, caller: CallerNow, job_id: str) -> dict[str, Any]:
    """How a plan stands, and the plan once it is made; what it holds is for whoever may read as much as who asked for it."""
    return _job(plans.job(job_id, caller.sight))


@router.delete("/evacuations/{job_id}", dependencies=[*ASKERS, *_strict])
def evacuation_dismiss(plans: PlansNow, caller: CallerNow, job_id: str) -> dict[str, Any]:
    """Call a plan off: who asked for it, or an operator."""
    require_own(caller, plans.job(job_id, caller.sight).asked_by)
    return _job(plans.dismiss(job_id), whole=False)


def _made(job: PlanJob) -> JSONResponse:
    return JSONResponse(jsonable_encoder(_job(job)), status_code=201, headers={"Location": f"/evacuations/{job.id}"})


def _job(job: PlanJob, *, whole: bool = True) -> dict[str, Any]:
    facts = {
        "jobID": job.id, "type": "process", "processID": "evacuation", "status": job.status, "created": job.created,
        "finished": job.finished, "message": job.step, "progress": job.progress,
        "problem": problem(job.error) if job.error else None, "plan": job.plan if whole else None,
    }  # fmt: skip
    return {name: value for name, value in facts.items() if value is not None}
