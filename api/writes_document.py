"""How writing is described: the parts of the OpenAPI documents that say what a write takes and what it answers."""

from typing import Any, Final

from layers._layer import Geometry, Layer

GEOJSON: Final = "application/geo+json"
MERGE_PATCH: Final = "application/merge-patch+json"
_PLACES: Final = {
    Geometry.POINT: ("Point",),
    Geometry.LINE: ("LineString", "MultiLineString"),
    Geometry.AREA: ("Polygon", "MultiPolygon"),
    Geometry.NONE: (),
}
_MOMENTS: Final = {
    name: {"type": "string", "format": "date-time", "description": f"when the device {did} it, by its own clock"}
    for name, did in (("observed_at", "saw"), ("sent_at", "sent"))
}
_REASON: Final = {"reason": {"type": "string", "maxLength": 500}}
_ANSWERS: Final = {
    200: "the feature as it stands now; of a batch what became of each row",
    201: "made; Location says where",
    204: "done",
    400: "cannot be read, or names what is not known",
    401: "nobody is signed in",
    403: "not this caller, or not here",
    404: "no such layer or feature",
    409: "is there already",
    412: "changed since: `current` is the feature as it stands",
    413: "too long",
    422: "breaks the layer's rules (`faults`), or a key that came with another request",
    428: "If-Match is missing",
    503: "the store is busy or gone: send it again with the same key",
    507: "the disk is full",
}
_COMMON: Final = (400, 401, 403, 404, 413, 422, 503, 507)


def _header(name: str, description: str, *, required: bool = False) -> dict[str, Any]:
    schema = {"type": "string", "maxLength": 255}
    return {"name": name, "in": "header", "required": required, "description": description, "schema": schema}


IF_MATCH: Final = _header("If-Match", "the ETag of the state that the change is made from", required=True)
IF_NONE_MATCH: Final = _header("If-None-Match", "`*` makes a feature under an id that is not taken; then without If-Match")
KEY: Final = _header("Idempotency-Key", "the same request with the same key is done once and answered the same for 7 days")
REASON: Final = _header("Geo-Risk-Reason", "why, as the log keeps it; percent-encoded where it is not ASCII")
PREFER: Final = _header("Prefer", "`return=minimal` for no body")
WHOLE: Final = {
    "name": "whole", "in": "query", "description": "of a collection all or none", "schema": {"type": "boolean", "default": False},
}  # fmt: skip
_FID: Final = {"name": "fid", "in": "path", "required": True, "schema": {"type": "string", "maxLength": 100}}

_ANY: Final[dict[str, Any]] = {"type": "object"}


def feature_schema(properties: dict[str, Any], geometry: dict[str, Any], *, partial: bool = False) -> dict[str, Any]:
    """The schema of a feature that is written; a partial one names what changes."""
    members = {"type": {"type": "string", "enum": ["Feature"]}, "properties": properties, "geometry": geometry}
    needed = ["properties"] if partial else ["type", "properties", "geometry"]
    return {"type": "object", "required": needed, "properties": members | _MOMENTS | _REASON}


def geometry_schema(layer: Layer) -> dict[str, Any]:
    """The schema of a layer's geometries."""
    kinds = _PLACES[layer.geometry]
    if not kinds:
        return {"nullable": True, "type": "object", "enum": [None]}
    members = {"type": {"type": "string", "enum": list(kinds)}, "coordinates": {"type": "array", "items": {}}}
    return {"nullable": layer.place_optional, "type": "object", "required": ["type", "coordinates"], "properties": members}


def _body(schema: dict[str, Any], *kinds: str, required: bool = True) -> dict[str, Any]:
    return {"required": required, "content": {kind: {"schema": schema} for kind in kinds}}


def _answers(*statuses: int) -> dict[str, Any]:
    return {str(status): {"description": _ANSWERS[status]} for status in sorted({*statuses, *_COMMON})}


def addition(schema: dict[str, Any]) -> dict[str, Any]:
    """How a feature is made."""
    return {"parameters": [WHOLE, KEY, REASON, PREFER], "requestBody": _body(schema, GEOJSON), "responses": _answers(200, 201, 409)}


def replacement(schema: dict[str, Any]) -> dict[str, Any]:
    """How a feature is replaced."""
    parameters = [IF_MATCH | {"required": False}, IF_NONE_MATCH, KEY, REASON, PREFER]
    return {"parameters": parameters, "requestBody": _body(schema, GEOJSON), "responses": _answers(200, 201, 204, 412, 428)}


def change(schema: dict[str, Any]) -> dict[str, Any]:
    """How a feature is changed."""
    body = _body(schema, MERGE_PATCH, "application/json")
    return {"parameters": [IF_MATCH, KEY, REASON, PREFER], "requestBody": body, "responses": _answers(200, 204, 412, 428)}


def changes(schema: dict[str, Any]) -> dict[str, Any]:
    """How many features are changed at once, each from a state of its own."""
    states = {"description": "the state that the change is made from; `*` for any", "anyOf": [{"type": "integer"}, {"enum": ["*"]}]}
    row = schema | {
        "required": [*schema["required"], "id", "revision"],
        "properties": schema["properties"] | {"id": {"type": "string"}, "revision": states},
    }
    features = {"type": "array", "minItems": 1, "items": row}
    collection = {"type": {"type": "string", "enum": ["FeatureCollection"]}, "features": features, "sent_at": _MOMENTS["sent_at"]}
    whole = {"type": "object", "required": ["type", "features"], "properties": collection | _REASON}
    body = _body(whole, GEOJSON, "application/json")
    return {"parameters": [WHOLE, KEY, REASON], "requestBody": body, "responses": _answers(200, 412)}


def removal() -> dict[str, Any]:
    """How a feature is removed."""
    return {"parameters": [IF_MATCH, KEY, REASON], "responses": _answers(200, 204, 412, 428)}


def layer_paths(layer: Layer, properties: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The paths of a layer by which it is written, for the document of the collections."""
    whole = feature_schema(properties, geometry_schema(layer))
    partial = feature_schema(properties, geometry_schema(layer), partial=True)
    path = f"/collections/{layer.id}/items"
    operations = {"put": replacement(whole), "patch": change(partial), "delete": removal()}
    return {
        path: {
            "post": {"operationId": f"add_{layer.id}"} | addition(whole),
            "patch": {"operationId": f"patch_many_{layer.id}"} | changes(partial),
        },
        f"{path}/{{fid}}": {"parameters": [_FID]} | {
            method: {"operationId": f"{method}_{layer.id}"} | operation for method, operation in operations.items()
        },
    }  # fmt: skip


_FEATURE: Final = feature_schema(_ANY, _ANY | {"nullable": True})
ADDITION: Final = addition(_FEATURE)
REPLACEMENT: Final = replacement(_FEATURE)
_PARTIAL: Final = feature_schema(_ANY, _ANY | {"nullable": True}, partial=True)
CHANGE: Final = change(_PARTIAL)
CHANGES: Final = changes(_PARTIAL)
REMOVAL: Final = removal()
"""The operations for any layer."""
