"""The pages: the command map, the field page, signing in, the API reference; and what the door of accounts shows to browsers."""

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from api.features_routes import landing
from api.policy import EVERYBODY, PAGES, STATIC
from api.questions_routes import field_layers
from api.request import Language, ServedNow, SettingsNow, asks_for_page, known_parameters
from api.road_request import Asked, FilesNow
from api.served import Served
from api.settings import Settings
from api.use import parameters
from api.use.access.near import NearQuestion, near_answer
from api.use.access.roads_now import RoadsNow
from api.use.catalogue import is_synthetic
from geo_risk.errors import GeoRiskError, NotFound
from layers._layer import Geometry
from layers._store import Snapshot
from maps.accounts import accounts_page
from maps.command import command_page
from maps.field import FieldAnswer, access_notes, card, field_page
from maps.page import PageSettings
from maps.reference import reference_page
from maps.refused import refused_page
from maps.shell import shell
from maps.sign_in_page import sign_in_page
from maps.words import pick_language, words

LANGUAGE_COOKIE = "geo_risk_language"
_NEAREST_FIRST = 20
_LIMIT_MIN = 120.0

router = APIRouter(tags=["pages"], include_in_schema=False)
_strict = [Depends(known_parameters)]
NextPage = Annotated[Literal["map", "field", "accounts"], Query(alias="next")]


@router.get("/", dependencies=[*PAGES, *_strict])
def root(request: Request, served: ServedNow, settings: SettingsNow, lang: Language | None = None) -> Response:
    """The command map to browsers, the OGC landing page to programs that ask for JSON."""
    if not asks_for_page(request):
        return JSONResponse(landing(request), headers={"Vary": "Accept"})
    language = language_of(request, lang)
    return _page(command_page(language, _page_settings(served, settings)), language, lang)


@router.get("/field", dependencies=[*PAGES, *_strict])
def field(
    request: Request,
    served: ServedNow,
    settings: SettingsNow,
    files: FilesNow,
    roads: Asked,
    lon: str | None = None,
    lat: str | None = None,
    radius_m: str | None = None,
    lang: Language | None = None,
    layers: Annotated[list[str] | None, Query()] = None,
    by: Literal["time", "line"] = "time",
    free: bool = False,
) -> Response:
    """What is near, as a list: plain HTML for a given place, by road where the store has roads."""
    language = language_of(request, lang)
    answer = None
    if lon is not None or lat is not None:
        typed = FieldAnswer(lon=lon or "", lat=lat or "", asked_radius=radius_m or "", layers=tuple(layers or ()), by=by, free=free)
        answer = field_answer(served, settings, language, typed, lambda: roads.roads(served.snapshot, files))
    page = _page(field_page(language, answer, _page_settings(served, settings)), language, lang)
    page.status_code = 400 if answer and answer.problem else 200
    return page


def field_answer(
    served: Served, settings: Settings, language: str, typed: FieldAnswer, roads: Callable[[], RoadsNow | None]
) -> FieldAnswer:
    """The list for a place as typed, or what is wrong with it."""
    try:
        asked = _near_question(served.snapshot, settings, typed)
        found = near_answer(served.snapshot, roads() if asked.by_time else None, asked)
    except GeoRiskError as error:
        wrong = "layers" if isinstance(error, NotFound) else error.where
        shortened = replace(typed, lon=typed.lon[:40], lat=typed.lat[:40], asked_radius=typed.asked_radius[:7])
        return replace(shortened, problem=str(error), wrong=wrong)
    straight = None if found["items"] else near_answer(served.snapshot, None, asked)
    no_way = found["by"] == "road" and straight is not None and bool(straight["items"])
    listed = straight if no_way and straight is not None else found
    return replace(
        typed,
        asked_radius="",
        radius_m=round(asked.radius_m),
        by_road=listed["by"] == "road",
        limit_min=asked.limit_min,
        notes=access_notes(found, typed.by, language, no_way=no_way),
        cards=tuple(card(item, language) for item in listed["items"]),
        missing=tuple(listed["missing"]),
        revision=listed["revision"],
        updated_at=served.snapshot.recorded_at,
    )


def _near_question(snapshot: Snapshot, settings: Settings, typed: FieldAnswer) -> NearQuestion:
    return NearQuestion(
        lon=parameters.longitude(typed.lon),
        lat=parameters.latitude(typed.lat),
        layers=parameters.layers_named(snapshot, ",".join(typed.layers) or field_layers(snapshot), (Geometry.POINT,)),
        k=_NEAREST_FIRST,
        radius_m=parameters.number(typed.asked_radius or str(settings.radius_default_m), "radius_m", 1, settings.radius_max_m),
        limit_min=_LIMIT_MIN,
        free_only=typed.free,
        by_time=typed.by == "time",
    )


@router.get("/sign-in", dependencies=[*EVERYBODY, *_strict])
def signing_in(
    request: Request, served: ServedNow, settings: SettingsNow, lang: Language | None = None, next_page: NextPage = "map"
) -> Response:
    """The page for signing in; ``next`` is the page to go on to, and names one of ours, never an address."""
    language = language_of(request, lang)
    return _page(sign_in_page(language, _page_settings(served, settings)), language, lang)


def accounts_view(request: Request, served: Served, settings: Settings, asked: str | None) -> Response:
    """The page of accounts; its door has let in an admin. It holds nobody: accounts and keys arrive by fetch."""
    language = language_of(request, asked)
    return _page(accounts_page(language, _page_settings(served, settings)), language, asked)


def refused_view(request: Request) -> Response:
    """What a browser sees of a page that is not for whoever asks; of the page itself it holds nothing."""
    language = language_of(request, None)
    page = _page(refused_page(language, PageSettings(bureau=request.app.state.settings.bureau)), language, None)
    page.status_code = 403
    return page


@router.get("/docs", dependencies=[*PAGES, *_strict])
def reference(request: Request, served: ServedNow, settings: SettingsNow, lang: Language | None = None) -> Response:
    """The API reference."""
    language = language_of(request, lang)
    return _page(reference_page(language, _page_settings(served, settings)), language, lang)


@router.get("/words", dependencies=[*EVERYBODY, *_strict])
def words_of(request: Request, lang: Language | None = None) -> dict[str, str]:
    """The words of the pages in a language."""
    return dict(words(language_of(request, lang)))


@router.get("/shell/{view}.js", dependencies=[*STATIC, *_strict])
def shell_script(view: str) -> Response:
    """The script that folium made of our constants, as a file, so that no page needs inline script."""
    return Response(shell(view).script, media_type="text/javascript; charset=utf-8", headers={"Cache-Control": "no-cache"})


def language_of(request: Request, asked: str | None) -> str:
    """The language asked for, else that of the cookie, else the browser's, else Chinese."""
    return pick_language(asked, request.cookies.get(LANGUAGE_COOKIE), request.headers.get("accept-language"))


def _page(html: str, language: str, asked: str | None) -> HTMLResponse:
    page = HTMLResponse(
        html, headers={"Content-Language": language, "Vary": "Accept, Accept-Language, Cookie", "Cache-Control": "no-cache"}
    )
    if asked is not None:
        page.set_cookie(LANGUAGE_COOKIE, asked, max_age=31_536_000, samesite="strict", httponly=True)
    return page


def _page_settings(served: Served, settings: Settings) -> PageSettings:
    return PageSettings(
        bureau=settings.bureau,
        refresh_s=settings.refresh_s,
        radius_m=round(settings.radius_default_m),
        radius_max_m=round(settings.radius_max_m),
        synthetic=is_synthetic(served.snapshot),
        layers=served.snapshot.layers,
        lost_s=served.age_s() if served.problem else None,
    )
