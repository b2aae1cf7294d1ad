"""OGC API - Features, Part 1 (OGC 17-069r4): what QGIS and GDAL read. Written for the clients, by what they were seen to need."""

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from api.entity_tags import is_known, tag_of
from api.kept_answers import answered, encoded
from api.lean_route import LeanRoute
from api.policy import READERS
from api.request import ServedDuring, ServedNow, ServedThen, SettingsNow, known_parameters, served_then
from api.settings import Settings
from api.use import items, parameters, single_item
from api.use.records import features
from api.writes_document import layer_paths
from layers._layer import Column, Layer
from layers._store import Snapshot

GEOJSON: Final = "application/geo+json"
OPENAPI_3_0: Final = "application/vnd.oai.openapi+json;version=3.0"
CRS84: Final = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
_CONFORMANCE: Final = tuple(
    f"http://www.opengis.net/spec/ogcapi-features-{part}/1.0/conf/{name}"
    for part, name in (
        (1, "core"), (1, "geojson"), (1, "oas30"), (4, "create-replace-delete"), (4, "update"), (4, "optimistic-locking-etags"),
    )
)  # fmt: skip
_CARRIED: Final = ("bbox", "datetime", "as_known_at")
_MOMENT: Final = {"in": "query", "style": "form", "explode": False, "schema": {"type": "string"}}
_OFFSET_MAX: Final = 100_000_000

router = APIRouter(tags=["features"], dependencies=READERS)
_strict = [Depends(known_parameters)]


def landing(request: Request) -> dict[str, Any]:
    """The landing page for programs: where the description, the conformance and the data are."""
    rows = (
        ("self", "", "application/json"),
        ("service-desc", "api", OPENAPI_3_0),
        ("service-doc", "docs", "text/html"),
        ("conformance", "conformance", "application/json"),
        ("data", "collections", "application/json"),
        ("http://www.opengis.net/def/rel/ogc/1.0/processes", "processes", "application/json"),
        ("http://www.opengis.net/def/rel/ogc/1.0/job-list", "jobs", "application/json"),
    )
    return {
        "title": "geo-risk",
        "description": "The one map of an emergency bureau",
        "links": [link(request, *row) for row in rows],
    }


def link(request: Request, rel: str, path: str, kind: str, query: Mapping[str, str] | None = None) -> dict[str, str]:
    """A link of this service; ids in paths are quoted by the caller."""
    return {"rel": rel, "type": kind, "href": f"{request.base_url}{path}" + (f"?{urlencode(query)}" if query else "")}


@router.get("/conformance", dependencies=_strict)
def conformance() -> dict[str, Any]:
    """The classes of the standard that this service keeps."""
    return {"conformsTo": list(_CONFORMANCE)}


@router.get("/collections", dependencies=_strict)
def collections(request: Request, served: ServedThen) -> dict[str, Any]:
    """Every layer as a collection."""
    return {
        "links": [link(request, "self", "collections", "application/json")],
        "collections": [collection_of(request, served.snapshot, each) for each in served.snapshot.layers.values()],
    }


@router.get("/collections/{layer_id}", dependencies=_strict)
def collection(request: Request, served: ServedThen, layer_id: str) -> dict[str, Any]:
    """One layer as a collection."""
    return collection_of(request, served.snapshot, served.snapshot.layer(layer_id))


def collection_of(request: Request, snapshot: Snapshot, found: Layer) -> dict[str, Any]:
    """A collection's document: both titles, extent, links."""
    frame = snapshot.frames[found.id]
    bounds = frame.total_bounds.tolist() if frame.geometry.notna().any() else None
    return {
        "id": found.id,
        "title": f"{found.title['zh']} {found.title['en']}",
        "attribution": found.attribution,
        "itemType": "feature",
        "crs": [CRS84],
        **({"extent": {"spatial": {"bbox": [bounds], "crs": CRS84}}} if bounds else {}),
        "links": [
            link(request, "self", f"collections/{found.id}", "application/json"),
            link(request, "items", f"collections/{found.id}/items", GEOJSON),
        ],
    }


@router.get("/collections/{layer_id}/items", dependencies=_strict)
async def items_of(
    request: Request,
    served: ServedDuring,
    settings: SettingsNow,
    layer_id: str,
    bbox: str | None = None,
    limit: str | None = None,
    offset: str = "0",
) -> Response:
    """A page of features, in the order of ids; `next` leads to the next one."""
    # who may read more has another page of the same revision
    headers = _headers(f'W/"{served.snapshot.revision}.{len(served.snapshot.readable)}"')
    found = served.snapshot.layer(layer_id)
    wanted = parameters.whole(limit or str(settings.page_default), "limit", 1, settings.page_max)
    start = parameters.whole(offset, "offset", 0, _OFFSET_MAX)
    box = parameters.box(bbox) if bbox is not None else None
    if is_known(request.headers, headers["ETag"]):
        return Response(status_code=304, headers=headers)

    def made() -> dict[str, Any]:
        return _page_body(request, served.snapshot, found, items.page(served.snapshot, found.id, box, wanted, start), wanted)

    return Response(await answered(request, served.snapshot, made), media_type=GEOJSON, headers=headers)


def _page_body(request: Request, snapshot: Snapshot, found: Layer, page: items.Page, wanted: int) -> dict[str, Any]:
    path = f"collections/{found.id}/items"
    query = {"limit": str(wanted)} | {name: request.query_params[name] for name in _CARRIED if name in request.query_params}
    links = [link(request, "self", path, GEOJSON, query | {"offset": str(page.offset)})]
    if page.has_next:
        links.append(link(request, "next", path, GEOJSON, query | {"offset": str(page.offset + wanted)}))
    return {
        "type": "FeatureCollection",
        "features": list(features(found, page.rows, snapshot.readable)),
        "numberMatched": page.matched,
        "numberReturned": len(page.rows),
        "timeStamp": dt.datetime.now(tz=dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "revision": page.revision,
        "links": links,
    }


async def item(
    request: Request, layer_id: str, fid: str, datetime: str | None = None, as_known_at: str | None = None
) -> Response:
    """One feature; its tag is what a change of it must name in ``If-Match``."""
    served = await served_then(request)
    asked = served.snapshot, layer_id, fid
    at_hand = single_item.is_at_hand(served.snapshot, layer_id)
    found = single_item.item(*asked) if at_hand else await run_in_threadpool(single_item.item, *asked)
    headers = _headers(tag_of(found.revision))
    if is_known(request.headers, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    told = single_item.told(found) if found.is_short else await run_in_threadpool(single_item.told, found)
    path = f"collections/{found.layer.id}"
    links = [
        link(request, "self", f"{path}/items/{quote(fid, safe='')}", GEOJSON),
        link(request, "collection", path, "application/json"),
    ]
    return Response(encoded(told | {"links": links}), media_type=GEOJSON, headers=headers)


# asked hundreds of times a second, so it stands at a route that puts little in between
router.add_api_route(
    "/collections/{layer_id}/items/{fid}", item, methods=["GET"], dependencies=_strict, route_class_override=LeanRoute
)


def _headers(tag: str) -> dict[str, str]:
    return {"Content-Crs": f"<{CRS84}>", "ETag": tag, "Vary": "Authorization, Cookie"}


@router.get("/api", dependencies=_strict)
def description(request: Request, served: ServedNow, settings: SettingsNow) -> JSONResponse:
    """The OpenAPI 3.0 document of the collections, made from the catalogue; developers find all of it at /openapi.json."""
    return JSONResponse(openapi_3_0(str(request.base_url).rstrip("/"), settings, served.snapshot), media_type=OPENAPI_3_0)


def openapi_3_0(server: str, settings: Settings, snapshot: Snapshot) -> dict[str, Any]:
    """The document with a real path for each collection; QGIS reads its page size from ``components.parameters.limit``."""
    parameters_of_items = [
        {"$ref": "#/components/parameters/limit"},
        {"$ref": "#/components/parameters/bbox"},
        {"$ref": "#/components/parameters/offset"},
        {"$ref": "#/components/parameters/datetime"},
        {"$ref": "#/components/parameters/as_known_at"},
    ]
    answers = {"200": {"description": "features", "content": {GEOJSON: {"schema": {"type": "object"}}}}}
    paths = {
        f"/collections/{each.id}/items": {
            "get": {
                "operationId": f"items_{each.id}",
                "summary": each.title["en"],
                "parameters": parameters_of_items,
                "responses": answers,
            }
        }
        for each in snapshot.layers.values()
    }
    for each in snapshot.layers.values():
        for path, operations in layer_paths(each, {"$ref": f"#/components/schemas/{each.id}"}).items():
            paths[path] = paths.get(path, {}) | operations
    whole = {"type": "integer"}
    return {
        "openapi": "3.0.3",
        "info": {"title": "geo-risk", "version": "1.0.0"},
        "servers": [{"url": server}],
        "paths": paths,
        "components": {
            "parameters": {
                "limit": {
                    "name": "limit",
                    "in": "query",
                    "schema": whole | {"minimum": 1, "maximum": settings.page_max, "default": settings.page_default},
                },
                "offset": {"name": "offset", "in": "query", "schema": whole | {"minimum": 0, "default": 0}},
                "datetime": _MOMENT | {"name": "datetime", "description": "a moment, or begin/end: the features as they were then"},
                "as_known_at": _MOMENT | {"name": "as_known_at", "description": "a moment: the features as they were known then"},
                "bbox": {
                    "name": "bbox",
                    "in": "query",
                    "style": "form",
                    "explode": False,
                    "schema": {"type": "array", "minItems": 4, "maxItems": 4, "items": {"type": "number"}},
                },
            },
            "schemas": {each.id: schema_of(each, snapshot.readable) for each in snapshot.layers.values()},
        },
    }


def schema_of(found: Layer, readable: tuple[str, ...]) -> dict[str, Any]:
    """The JSON schema of a layer's readable properties."""
    return {
        "type": "object",
        "title": found.title["en"],
        "properties": {column.name: _property(column) for column in found.readable(readable)},
    }


_JSON_TYPES: Final = {
    "str": {"type": "string"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
}


def _property(column: Column) -> dict[str, Any]:
    bounds = {"minimum": column.minimum, "maximum": column.maximum, "enum": [choice.id for choice in column.choices] or None}
    return (
        _JSON_TYPES[column.type.__name__]
        | {"title": column.titled("en")}
        | {name: value for name, value in bounds.items() if value is not None}
    )
