"""Writing features over HTTP: OGC API - Features, Part 4 (create, replace, update, delete) with optimistic locking.

The path of a write is kept short, since field teams and operators wait for it: the body is read and held to its rules here,
the rest happens in the store's one transaction, whose reply is sent as it was stored.
"""

import asyncio
import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, unquote

from fastapi import APIRouter, Request, Response

from api.caller import Caller
from api.entity_tags import revisions_in, tag_of, tags_in
from api.kept_replies import reply_key, sent, stored
from api.lean_route import LeanRoute
from api.policy import READERS, REPORTERS, out_of_place
from api.settings import Settings
from api.status_codes import PROBLEM, problem, status_of
from api.strict_json import strict_object
from api.use import writing
from api.use.new_ids import new_id
from api.use.rights import Rights, may_write, require_layer, rights_of
from api.use.writing import Clock, Condition, Judge, Sent
from api.writes_document import ADDITION, CHANGE, CHANGES, REMOVAL, REPLACEMENT
from geo_risk.errors import (
    Busy,
    ConditionRequired,
    Forbidden,
    GeoRiskError,
    ParameterError,
    Stale,
    TooLarge,
    shown,
)
from layers._catalog import catalog
from layers._check.one import RowRejected
from layers._layer import Layer
from layers._store import seen
from layers._store.records import Act, Change, Feature, Outcome, Reply, ReplyKey, Written, is_clean
from layers._store.writes import require_feature

GEOJSON: Final = "application/geo+json"
JSON: Final = "application/json"
_KINDS: Final = frozenset({JSON, GEOJSON, "application/merge-patch+json"})
_CRS84: Final = "<http://www.opengis.net/def/crs/OGC/1.3/CRS84>"
_NONE: Final[Mapping[str, Sequence[str]]] = {}
_WHOLE: Final[Mapping[str, Sequence[str]]] = {"whole": ("true", "false")}
_IN_THREAD_BYTES: Final = 16_000
"""A body longer than this is read in a thread: the event loop has other requests to serve."""

router = APIRouter(tags=["writes"], route_class=LeanRoute)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One request to write into a layer: who asks, with what body, and when it came."""

    caller: Caller
    layer: Layer
    settings: Settings
    rights: Rights
    body: bytes
    received: dt.datetime
    reason: str | None
    minimal: bool
    key: ReplyKey | None
    query: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Planned:
    """What the store is to do for a request, and how its outcome is told."""

    changes: tuple[Change, ...]
    judge: Judge
    act: Act
    reason: str | None
    compose: Callable[[Written], Reply]
    whole: bool = True


Plan = Callable[[Asked], Planned]


@router.post("/collections/{layer_id}/items", status_code=201, dependencies=REPORTERS, openapi_extra=ADDITION)
async def add(request: Request, layer_id: str) -> Response:
    """Make a feature, or each feature of a collection; with ``whole=true`` all of them or none."""
    return await _written(request, layer_id, lambda asked: _addition(asked, whole=_is_whole(asked)), _WHOLE)


@router.patch("/collections/{layer_id}/items", dependencies=REPORTERS, openapi_extra=CHANGES)
async def update_many(request: Request, layer_id: str) -> Response:
    """Change each feature of a collection, from the ``revision`` that its row names; with ``whole=true`` all of them or none."""
    return await _written(request, layer_id, lambda asked: _changes(asked, request, whole=_is_whole(asked)), _WHOLE)


@router.put("/collections/{layer_id}/items/{fid}", dependencies=REPORTERS, openapi_extra=REPLACEMENT)
async def replace(request: Request, layer_id: str, fid: str) -> Response:
    """Put a feature in the place of the one that ``If-Match`` names, or with ``If-None-Match: *`` make it."""
    return await _written(request, layer_id, lambda asked: _single(asked, "put", fid, _condition(request, may_make=True)))


@router.patch("/collections/{layer_id}/items/{fid}", dependencies=REPORTERS, openapi_extra=CHANGE)
async def update(request: Request, layer_id: str, fid: str) -> Response:
    """Change the properties named, and the geometry if one is sent, of the feature that ``If-Match`` names."""
    return await _written(request, layer_id, lambda asked: _single(asked, "patch", fid, _condition(request)))


@router.delete("/collections/{layer_id}/items/{fid}", status_code=204, dependencies=REPORTERS, openapi_extra=REMOVAL)
async def remove(request: Request, layer_id: str, fid: str) -> Response:
    """Remove the feature that ``If-Match`` names; its history stays."""
    return await _written(request, layer_id, lambda asked: _single(asked, "delete", fid, _condition(request)))


@router.options("/collections/{layer_id}/items", dependencies=READERS)
async def items_options(request: Request, layer_id: str) -> Response:
    """What the caller may do with a layer's features."""
    return _allowed(request, layer_id, "POST, PATCH")


@router.options("/collections/{layer_id}/items/{fid}", dependencies=READERS)
async def item_options(request: Request, layer_id: str, fid: str) -> Response:
    """What the caller may do with a feature."""
    return _allowed(request, layer_id, "PUT, PATCH, DELETE")


def _allowed(request: Request, layer_id: str, writes: str) -> Response:
    caller: Caller = request.state.caller
    layer = _layer(request, layer_id)
    return Response(status_code=204, headers={"Allow": f"GET, {writes}, OPTIONS" if may_write(caller, layer) else "GET, OPTIONS"})


async def _written(request: Request, layer_id: str, plan: Plan, parameters: Mapping[str, Sequence[str]] = _NONE) -> Response:
    """The whole way of a write; a refusal says what the caller may know of the current state and of each fault."""
    caller: Caller = request.state.caller
    layer = None
    try:
        query = _query(request, parameters)
        layer = _layer(request, layer_id)
        require_layer(caller, layer)
        asked = await _asked(request, caller, layer, query)
        long = len(asked.body) > _IN_THREAD_BYTES
        planned = await asyncio.to_thread(plan, asked) if long else plan(asked)
        batch = writing.batch_of(caller.actor, caller.role, planned.act, planned.reason)
        written = await stored(
            request, batch, planned.changes, judge=planned.judge, compose=planned.compose, key=asked.key, whole=planned.whole
        )
        if any(isinstance(outcome.error, Forbidden) for outcome in written.outcomes):
            request.app.state.gate.note_refusal(request)
    except GeoRiskError as error:
        if isinstance(error, Forbidden):
            request.app.state.gate.note_refusal(request)
        return _refused(error, layer, caller)
    return sent(written)


def _layer(request: Request, layer_id: str) -> Layer:
    """The layer, if it is there for the caller; `NotFound` names those that are."""
    sight = request.state.caller.sight
    found = catalog().get(layer_id)
    if found is None or not sight.sees(found):
        return seen(request.app.state.follower.served().snapshot, sight).layer(layer_id)
    return found


async def _asked(request: Request, caller: Caller, layer: Layer, query: Mapping[str, str]) -> Asked:
    settings: Settings = request.app.state.settings
    _require_crs(request)
    snapshot = request.app.state.follower.served().snapshot
    body = await _body(request, settings)
    return Asked(
        caller=caller, layer=layer, settings=settings, rights=rights_of(caller, snapshot), body=body,
        received=dt.datetime.now(dt.UTC), reason=_reason(request), minimal=_is_minimal(request, caller),
        key=reply_key(request, body), query=query,
    )


def _query(request: Request, known: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """The parameters of the query; one that is not known, given twice, or of another value is refused."""
    given = request.query_params.multi_items() if request.scope["query_string"] else []
    for name, value in given:
        if name not in known or value not in known[name] or len(given) > len({each for each, _ in given}):
            raise ParameterError(
                f"no parameter {shown(name)!r} here, or not so", where="query",
                expected=", ".join(f"{each}={' or '.join(values)}" for each, values in known.items()) or "no parameters",
                got=shown(name), then="check the spelling",
            )
    return dict(given)


async def _body(request: Request, settings: Settings) -> bytes:
    """The body's bytes, read no further than they may be many."""
    body, most = bytearray(), settings.body_max_bytes
    async with out_of_place(request):
        async for part in request.stream():
            body += part
            if len(body) > most:
                raise TooLarge("the body is too long", where="body", expected=f"at most {most} bytes", got="more")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if body and kind not in _KINDS:  # also what keeps another site's page from sending a form here
        raise ParameterError(
            "the body is not said to be JSON", where="Content-Type", expected=" or ".join(sorted(_KINDS)), got=shown(kind),
            then="say what the body is",
        )
    return bytes(body)


def _require_crs(request: Request) -> None:
    said = request.headers.get("content-crs")
    if said is not None and said != _CRS84:
        raise ParameterError(
            "features are written in longitude and latitude only", where="Content-Crs", expected=_CRS84, got=shown(said),
            then="transform them first",
        )


def _is_minimal(request: Request, caller: Caller) -> bool:
    """Whether the answer tells no more than that it was done: if so asked, or to a key that may write and not read."""
    return "return=minimal" in request.headers.get("prefer", "") or not caller.may("read")


def _reason(request: Request) -> str | None:
    """The reason in the header, percent-encoded UTF-8 where it is not ASCII."""
    said = request.headers.get("geo-risk-reason")
    return None if said is None else writing.reason_of(unquote(said))


def _condition(request: Request, *, may_make: bool = False) -> Condition:
    """From which state the change may be made, as `If-Match` says (RFC 9110, 13.1); `ConditionRequired` where nothing does."""
    if may_make and request.headers.get("if-none-match", "").strip() == "*" and "if-match" not in request.headers:
        return Condition(absent=True)
    said = ", ".join(request.headers.getlist("if-match"))
    if not said:
        raise ConditionRequired(
            "a change says which state it was made from", where="If-Match", expected='the ETag of the feature, such as "12"',
            got="nothing", then="read the feature, and send its ETag in If-Match",
        )
    tags = tags_in(said, "If-Match")
    return Condition(exists=True) if tags.any else Condition(revisions=revisions_in(tags))


def _object(asked: Asked) -> dict[str, Any]:
    return strict_object(asked.body, asked.settings.body_max_depth)


def _clock(asked: Asked, sent: Sent) -> Clock:
    return writing.clock_of(sent, asked.received, asked.settings.clock_skew_s)


def _judge(asked: Asked, condition: Condition = writing.UNCONDITIONAL) -> Judge:
    return Judge(rights=asked.rights, sight=asked.caller.sight, condition=condition)


def _single(asked: Asked, act: Act, fid: str, condition: Condition) -> Planned:
    """The plan of a change of the feature that the path names."""
    if not is_clean(fid):  # no database need be asked for what none can hold
        require_feature(asked.layer, None, fid)
    if act == "delete":
        sent = writing.sent_removal(_object(asked) if asked.body else {})
    else:
        sent = writing.sent_feature(asked.layer, _object(asked), asked.caller.sight, partial=act == "patch")
    if sent.fid not in (None, fid):
        raise ParameterError("the feature has another id than the path", where="id", expected=shown(fid), got=shown(sent.fid))
    if condition.absent:
        writing.require_new_id(fid)
    return _planned(asked, act, fid, sent, condition)


def _addition(asked: Asked, *, whole: bool) -> Planned:
    """The plan of a new feature, or of a collection of them."""
    given = _object(asked)
    if given.get("type") == "FeatureCollection":
        return _batch(asked, given, "create", whole=whole)
    sent = writing.sent_feature(asked.layer, given, asked.caller.sight, partial=False)
    fid = _new_id(asked) if sent.fid is None else writing.require_new_id(sent.fid)
    return _planned(asked, "create", fid, sent, writing.UNCONDITIONAL)


def _changes(asked: Asked, request: Request, *, whole: bool) -> Planned:
    """The plan of changes of many features, each from a state of its own."""
    given = _object(asked)
    if given.get("type") != "FeatureCollection":
        raise ParameterError("these are no changes", where="type", expected="FeatureCollection", got=shown(given.get("type")))
    if "if-match" in request.headers:
        raise ParameterError("each row has a state of its own", where="If-Match", expected="none, but revisions in rows", got="one")
    return _batch(asked, given, "patch", whole=whole)


def _is_whole(asked: Asked) -> bool:
    return asked.query.get("whole") == "true"


def _new_id(asked: Asked) -> str:
    return new_id(writing.source_of(asked.caller.role))


def _planned(asked: Asked, act: Act, fid: str, sent: Sent, condition: Condition) -> Planned:
    clock, judge = _clock(asked, sent), _judge(asked, condition)
    change = writing.change_of(asked.layer, act, fid, sent, clock, condition)
    return Planned(
        changes=(change,), judge=judge, act=act, reason=sent.reason or asked.reason,
        compose=lambda written: _single_reply(asked, written, clock, judge),
    )


def _single_reply(asked: Asked, written: Written, clock: Clock, judge: Judge) -> Reply:
    (outcome,) = written.outcomes
    headers = [("geo-risk-revision", str(written.revision))]
    if outcome.feature is not None:
        headers.append(("etag", tag_of(outcome.feature.revision)))
    if outcome.op == "create":
        headers.append(("location", _location(outcome.change)))
    if outcome.op == "delete":
        return Reply(204, tuple(headers), b"")
    if asked.minimal:
        headers.append(("preference-applied", "return=minimal"))
        return Reply(201 if outcome.op == "create" else 204, tuple(headers), b"")
    warnings = judge.warnings.get(outcome.change.fid, ())
    body = writing.outcome_answer(asked.layer, outcome, asked.caller.sight, clock, warnings)
    headers += [("content-type", GEOJSON), ("content-crs", _CRS84)]
    return Reply(201 if outcome.op == "create" else 200, tuple(headers), _json(body))


def _batch(asked: Asked, given: Mapping[str, Any], act: Act, *, whole: bool) -> Planned:
    """The plan of many features; those that cannot be read are told in their rows, or with ``whole`` stop all."""
    rows = writing.sent_rows(
        asked.layer, given, asked.caller.sight, asked.settings.batch_features_max, partial=act == "patch"
    )
    if whole and (fault := next((row for row in rows if isinstance(row, GeoRiskError)), None)):
        raise fault
    judge = _judge(asked)
    clocks = [None if isinstance(row, GeoRiskError) else _clock(asked, row) for row in rows]
    changes = tuple(
        writing.change_of(asked.layer, act, row.fid or _new_id(asked), row, clock, row.condition)
        for row, clock in zip(rows, clocks, strict=True)
        if not isinstance(row, GeoRiskError) and clock is not None
    )
    return Planned(
        changes=changes, judge=judge, act=act, reason=writing.reason_of(given.get("reason")) or asked.reason, whole=whole,
        compose=lambda written: _batch_reply(asked, written, rows, clocks, judge),
    )


def _batch_reply(
    asked: Asked, written: Written, rows: Sequence[Sent | GeoRiskError], clocks: Sequence[Clock | None], judge: Judge
) -> Reply:
    outcomes = iter(written.outcomes)
    told = [
        _refused_row(asked, index, None, row) if isinstance(row, GeoRiskError) else _row(asked, index, next(outcomes), clock, judge)
        for index, (row, clock) in enumerate(zip(rows, clocks, strict=True))
    ]
    headers = (("geo-risk-revision", str(written.revision)), ("content-type", JSON))
    return Reply(200, headers, _json({"revision": written.revision, "rows": told}))


def _row(asked: Asked, index: int, outcome: Outcome, clock: Clock | None, judge: Judge) -> dict[str, Any]:
    if outcome.error is not None:
        return _refused_row(asked, index, outcome.change.fid, outcome.error)
    warnings = judge.warnings.get(outcome.change.fid, ())
    return {
        "index": index, "id": outcome.change.fid, "status": 201 if outcome.op == "create" else 200,
        **({} if outcome.feature is None else {"etag": tag_of(outcome.feature.revision)}),
        **({"late": True} if writing.is_late(outcome) else {}), **writing.clock_answer(clock),
        **({"warnings": [writing.fault_answer(fault) for fault in warnings]} if warnings else {}),
    }


def _refused_row(asked: Asked, index: int, fid: str | None, error: GeoRiskError) -> dict[str, Any]:
    told, _ = problem_of(error, asked.layer, asked.caller)
    return {"index": index, **({} if fid is None else {"id": fid}), "status": status_of(error), "problem": told}


def _refused(error: GeoRiskError, layer: Layer | None, caller: Caller) -> Response:
    told, headers = problem_of(error, layer, caller)
    later = {"Retry-After": str(error.retry_after_s)} if isinstance(error, Busy) else {}
    return Response(_json(told), status_code=status_of(error), headers=headers | later, media_type=PROBLEM)


def problem_of(error: GeoRiskError, layer: Layer | None, caller: Caller) -> tuple[dict[str, Any], dict[str, str]]:
    """The problem document of a refused change and its headers: each fault, and the current state as the caller may see it."""
    told = problem(error)
    if isinstance(error, RowRejected):
        told["faults"] = [writing.fault_answer(fault) for fault in error.faults]
    if not isinstance(error, Stale) or layer is None or not caller.may("read"):
        return told, {}
    if not isinstance(error.current, Feature):
        return told | {"current": None}, {}
    return told | {"current": writing.feature_answer(layer, error.current, caller.sight)}, {"ETag": tag_of(error.current.revision)}


def _location(change: Change) -> str:
    return f"/collections/{change.layer}/items/{quote(change.fid, safe='')}"


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
