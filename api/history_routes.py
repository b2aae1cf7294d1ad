"""What was, what changed since, and taking it back (docs/history.md)."""

import datetime as dt
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse

from api.caller import Caller
from api.gate import Gate, address_of
from api.policy import CLOSERS, OVERLAYS, READERS
from api.request import CallerNow, Language, ServedNow, SettingsNow, StoreNow, known_parameters
from api.status_codes import PROBLEM, problem, status_of
from api.strict_json import json_object
from api.use import history, parameters, shift, shift_answer, shift_counts
from api.use.changed_columns import Naming, naming
from api.use.jobs import Jobs, Tell
from api.use.writing import reason_of
from geo_risk.errors import Forbidden, ParameterError, shown
from layers._layer import SENSITIVITIES
from layers._store import Snapshot
from layers._store.accounts import compared
from layers._store.undo import ChangedSince, Target, Undone
from maps.languages import title_key

_strict = [Depends(known_parameters)]
_HIGHEST = 10**15
_MEMBERS = frozenset({"batch", "revision", "only", "dry", "reason"})

router = APIRouter(tags=["history"])


async def _body(request: Request, settings: SettingsNow) -> dict[str, Any]:
    return await json_object(request, settings.body_max_bytes, settings.body_max_depth)


Body = Annotated[dict[str, Any], Depends(_body)]


@router.get("/collections/{layer_id}/items/{fid}/history", dependencies=[*READERS, *_strict])
def history_of(
    request: Request, served: ServedNow, store: StoreNow, settings: SettingsNow, layer_id: str, fid: str,
    limit: str = "50", before: str | None = None,
) -> dict[str, Any]:  # fmt: skip
    """A feature's revisions, the newest first: when, by whom, why, from what to what; `next` is the ``before`` of the next page."""
    return history.history(
        store, served.snapshot, layer_id, fid, _naming(request, served.snapshot),
        before=None if before is None else parameters.whole(before, "before", 1, _HIGHEST),
        limit=parameters.whole(limit, "limit", 1, settings.page_default), most_skew_s=settings.clock_skew_s,
    )  # fmt: skip


@router.get("/moments", dependencies=[*OVERLAYS, *_strict])
def moments(served: ServedNow, store: StoreNow, hours: str = "24") -> dict[str, Any]:
    """When things changed in the last hours, by the minute, and how much: for a slider over the past."""
    asked = parameters.whole(hours, "hours", 1, history.HOURS_MOST)
    return history.moments(store, served.snapshot, asked, dt.datetime.now(tz=dt.UTC))


@router.get("/changes", dependencies=[*OVERLAYS, *_strict])
def changes(
    request: Request, served: ServedNow, store: StoreNow, settings: SettingsNow, since: str, until: str | None = None,
    by: Literal["known", "true"] = "known", layers: str | None = None, town: str | None = None, person: str | None = None,
    limit: str | None = None, offset: str = "0", f: Literal["json", "csv", "text"] = "json", lang: Language = "zh-CN",
) -> Response:  # fmt: skip
    """What changed since a revision, a moment or a time of day such as ``08:00``: by layer, town and person, feature by feature.

    ``by=true`` compares what was true at both moments, by all that is known now; else what was recorded between them.
    ``f=csv`` is for a spreadsheet, ``f=text`` for paper; both hold every row.
    """
    snapshot, named = served.snapshot, _naming(request, served.snapshot)
    asked = shift.span(store, snapshot, since, until, by=by, now=dt.datetime.now(tz=dt.UTC))
    names = tuple(name.strip() for name in layers.split(",")) if layers else ()
    page = parameters.whole(limit or str(settings.page_default), "limit", 1, settings.page_max)
    start = parameters.whole(offset, "offset", 0, _HIGHEST)
    if f == "json" and shift_counts.is_large(store, snapshot, asked, names):
        known = None if person is None else _person(snapshot, person)
        return JSONResponse(shift_counts.answer(store, snapshot, asked, names, town, known, named, start, page))
    found = shift.rows(store, snapshot, asked, names)
    found = found if town is None else shift.of_town(found, snapshot, town)
    found = found if person is None else shift.of_person(found, _person(snapshot, person))
    key = title_key(lang)
    if f == "csv":
        headers = {"Content-Disposition": 'attachment; filename="changes.csv"'}
        return Response(shift_answer.csv_bytes(snapshot, found, named, key), media_type="text/csv; charset=utf-8", headers=headers)
    if f == "text":
        lines = shift_answer.lines(snapshot, asked, found, named, key)
        return Response("\n".join(lines), media_type="text/plain; charset=utf-8")
    return JSONResponse(shift_answer.answer(snapshot, asked, found, named, start, page))


@router.post("/undo", dependencies=[*CLOSERS, *_strict])
def undo(request: Request, served: ServedNow, store: StoreNow, caller: CallerNow, body: Body) -> JSONResponse:
    """Take back a batch or one revision, or with ``"dry": true`` say what that would do.

    Features that were changed since are listed with status 409; ``"only": "clean"`` takes back the others. More than can be taken
    back at once is a job: status 202 and its place, where its progress and at last the answer is.
    """
    wanted, dry, snapshot = _target(body), _flag(body, "dry"), served.snapshot
    given: dict[str, Any] = {
        "judge": history.judge_of(caller, snapshot), "reason": reason_of(body.get("reason")), "only_clean": _is_clean_only(body),
        "dry": dry, "address": address_of(request),
    }  # fmt: skip
    if history.is_large(store, wanted):
        taking = partial(history.take_back_in_parts, store, snapshot, caller.actor, wanted, **given)
        return _as_job(request, caller, snapshot, taking, dry=dry)
    try:
        done = history.take_back(store, snapshot, caller.actor, wanted, **given)
    except ChangedSince as error:
        left = history.left_answer(error.left, snapshot)
        return JSONResponse(problem(error) | {"left": left}, status_code=status_of(error), media_type=PROBLEM)
    return JSONResponse(_undo_answer(caller, snapshot, done, dry=dry))


def _undo_answer(caller: Caller, snapshot: Snapshot, done: Undone, *, dry: bool) -> dict[str, Any]:
    told = history.undo_answer(snapshot, done, dry=dry)
    # a key that may close and not read learns how much it was, and not what
    return told if caller.may("read") else told | {"rows": [], "left": []}


def _as_job(
    request: Request, caller: Caller, snapshot: Snapshot, taking: Callable[..., Undone], *, dry: bool
) -> JSONResponse:
    gate: Gate = request.app.state.gate

    def work(tell: Tell) -> dict[str, Any]:
        def go_on(share: float) -> None:
            gate.require_unchanged(caller)
            tell(share)

        try:
            return _undo_answer(caller, snapshot, taking(report=go_on), dry=dry)
        except Forbidden:
            gate.note_refusal(request)
            raise

    jobs: Jobs = request.app.state.jobs
    job = jobs.submit_here("undo", work, caller.id)
    place = f"/jobs/{job.id}"
    return JSONResponse({"jobID": job.id, "status": job.status}, status_code=202, headers={"Location": place})


def _naming(request: Request, snapshot: Snapshot) -> Naming:
    gate: Gate = request.app.state.gate

    def role_of(name: str) -> str | None:
        account = gate.roll.named.get(compared(name))
        return None if account is None else account.role

    return naming(snapshot.readable, role_of)


def _person(snapshot: Snapshot, person: str) -> str:
    """The name asked about; who may not know names may not try them either."""
    if SENSITIVITIES[1] not in snapshot.readable:
        raise Forbidden(
            "names are not for everybody", where="person", expected="a caller who may read what is internal", got="another",
            then="leave person out, or sign in",
        )
    return person


def _target(body: dict[str, Any]) -> Target:
    strange = sorted(set(body) - _MEMBERS)
    given = [name for name in ("batch", "revision") if name in body]
    if strange or len(given) != 1 or type(body[given[0]]) is not int or not 1 <= body[given[0]] <= _HIGHEST:
        raise ParameterError(
            "an undo names one batch or one revision by its number", where="body", expected=", ".join(sorted(_MEMBERS)),
            got=", ".join(map(shown, strange or given)) or "neither", then='for example {"batch": 12, "dry": true}',
        )
    number: int = body[given[0]]
    return Target(batch_id=number) if given == ["batch"] else Target(revision=number)


def _is_clean_only(body: dict[str, Any]) -> bool:
    if body.get("only") not in (None, "clean"):
        raise ParameterError("an undo takes back all, or what is clean", where="only", expected="clean", got=shown(body["only"]))
    return body.get("only") == "clean"


def _flag(body: dict[str, Any], name: str) -> bool:
    if type(body.get(name, False)) is not bool:
        raise ParameterError(f"{name} is true or false", where=name, expected="true or false", got=shown(body[name]))
    return bool(body.get(name, False))
