"""What every door needs of a request: the snapshot it answers from, the settings, and no unknown parameters."""

import re
from dataclasses import replace
from typing import Annotated, Any, Final, get_args, get_origin

from fastapi import Depends, Request
from pydantic import BeforeValidator
from starlette.concurrency import run_in_threadpool

from api.caller import Caller
from api.policy import admit, out_of_place
from api.served import Follower, Served
from api.settings import Settings
from api.use.past import moment_asked, past_of
from geo_risk.errors import ParameterError, shown
from layers._store import Sight, Snapshot, Store, seen
from layers._store.moments import Moment
from maps.languages import Tag, known_language

_WAIT_S: Final = 2.0
_REVISION: Final = re.compile("[0-9]{1,18}")


def _caller(request: Request) -> Caller:
    found: Caller = request.state.caller
    return found


async def _served(request: Request) -> Served:
    """What the follower serves, as far as the caller may see it; made once for all who see the same.

    A caller who names the revision that a write gave him waits a little for it.
    """
    follower: Follower = request.app.state.follower
    stated = request.headers.get("geo-risk-at-least")
    served = await _at_least(request, _revision(stated)) if stated else follower.served()
    request.state.served = seen_now = replace(served, snapshot=_sights.of(served.snapshot, _caller(request).sight))
    return seen_now


async def _at_least(request: Request, revision: int) -> Served:
    """What is served once it has that revision, or after a while; whoever waits for it keeps nobody from a place."""
    follower: Follower = request.app.state.follower
    if follower.served().snapshot.revision >= revision:
        return follower.served()
    async with out_of_place(request):
        return await follower.at_least(revision, _WAIT_S)


def _revision(text: str) -> int:
    if not _REVISION.fullmatch(text):
        raise ParameterError("this is no revision", where="Geo-Risk-At-Least", expected="a whole number", got=shown(text))
    return int(text)


ServedNow = Annotated[Served, Depends(_served)]


async def _served_then(
    request: Request, served: ServedNow, datetime: str | None = None, as_known_at: str | None = None
) -> Served:
    """What is served, or the map as it was at a moment: as it was true, or as it was known then."""
    return await _at(request, served, moment_asked(datetime, as_known_at, served.now))


async def served_then(request: Request) -> Served:
    """As a route that depends on `ServedThen` is given it: for one that reads its parameters itself."""
    asked = request.query_params
    return await _served_then(request, await _served(request), asked.get("datetime"), asked.get("as_known_at"))


async def _served_during(
    request: Request, served: ServedNow, datetime: str | None = None, as_known_at: str | None = None
) -> Served:
    """As `_served_then`; of an interval, all that was there at some moment of it, each feature as it was last."""
    return await _at(request, served, moment_asked(datetime, as_known_at, served.now, interval=True))


async def _at(request: Request, served: Served, moment: Moment | None) -> Served:
    if moment is None:
        return served
    past, asked = past_of(_store(request)), (served.snapshot, moment, _caller(request).sight)
    snapshot = await run_in_threadpool(past.kept, *asked)
    if snapshot is None:
        await admit(request, "overlays")
        snapshot = await run_in_threadpool(past.snapshot, *asked)
    request.state.served = then = replace(served, snapshot=snapshot, moment=moment)
    return then


class _Sights:
    """The newest snapshot as each sight has it: kept while it is the newest, since it holds on to the whole one."""

    def __init__(self) -> None:
        self._newest: tuple[Snapshot, dict[Sight, Snapshot]] | None = None

    def of(self, snapshot: Snapshot, sight: Sight) -> Snapshot:
        newest = self._newest
        if newest is None or newest[0] is not snapshot:
            self._newest = newest = (snapshot, {})
        found = newest[1].get(sight)
        if found is None:
            found = newest[1][sight] = seen(snapshot, sight)
        return found


_sights = _Sights()


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


def _store(request: Request) -> Store:
    found: Store = request.app.state.store
    return found


def _language(given: object) -> object:
    """A language as we name it, from any tag of it, such as zh or en-GB; what names none of ours as it was given, to be refused."""
    return (known_language(given) or given) if isinstance(given, str) else given


Language = Annotated[Tag, BeforeValidator(_language)]


def asks_for_page(request: Request) -> bool:
    """Whether a browser asks, for something to look at; programs ask for JSON, or say nothing."""
    return "text/html" in request.headers.get("accept", "")


async def known_parameters(request: Request) -> None:
    """As `require_known`, for a route to depend on."""
    require_known(request)


def require_known(request: Request) -> None:
    """Refuse a query parameter that the route does not declare, or one given twice: never ignored in silence."""
    dependant = request.scope["route"].dependant
    fields = _query_fields(dependant)
    declared = {field.alias for field in fields}
    several = {field.alias for field in fields if _takes_several(field.field_info.annotation)}
    for name in request.query_params:
        if name not in declared:
            raise ParameterError(
                f"no parameter {shown(name)!r} here",
                where=request.scope["route"].path,
                expected=", ".join(sorted(declared)) or "no parameters",
                got=shown(name),
                then="check the spelling",
            )
        if len(request.query_params.getlist(name)) > 1 and name not in several:
            raise ParameterError(
                f"parameter {name} is given twice", where=request.scope["route"].path, expected="one value", got="several"
            )


def _query_fields(dependant: Any) -> list[Any]:
    """The query parameters of a route, those of what it depends on included."""
    return [*dependant.query_params, *(field for each in dependant.dependencies for field in _query_fields(each))]


def _takes_several(annotation: Any) -> bool:
    """Whether a parameter is declared as a list, as the checkboxes of a form are sent."""
    return any(get_origin(part) is list for part in (annotation, *get_args(annotation)))


async def _caller_now(request: Request) -> Caller:
    return _caller(request)


async def _store_now(request: Request) -> Store:
    return _store(request)


async def _settings_now(request: Request) -> Settings:
    return _settings(request)


# what only looks something up is asynchronous: otherwise each would wait for a thread of its own
CallerNow = Annotated[Caller, Depends(_caller_now)]
ServedThen = Annotated[Served, Depends(_served_then)]
"""For what can be asked of any moment; a door that takes `ServedNow` refuses ``datetime`` by name."""
ServedDuring = Annotated[Served, Depends(_served_during)]
StoreNow = Annotated[Store, Depends(_store_now)]
SettingsNow = Annotated[Settings, Depends(_settings_now)]
