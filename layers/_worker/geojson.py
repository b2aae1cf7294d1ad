"""GeoJSON by Python's own parser: duplicate keys, NaN and Infinity are refused, and no other format is mistaken for it."""

import json
import math
import re
from array import array
from pathlib import Path
from typing import Any, Final, NoReturn

from geo_risk.errors import CrsError, FileError
from layers._worker.content import Cell, Content, Job, Note, Problem, Progress
from layers._worker.encoding import decided, text_of
from layers._worker.plain import plain

_EPSG: Final = re.compile(r"(?:urn:ogc:def:crs:)?EPSG:[0-9.]*:?(\d{4,6})", re.IGNORECASE)
_CRS84: Final = re.compile(r"(?:urn:ogc:def:crs:)?OGC:[0-9.]*:?CRS84", re.IGNORECASE)


def read_geojson(job: Job, progress: Progress) -> Content:
    """A FeatureCollection or a single Feature."""
    data = Path(job.path).read_bytes()
    codec, guessed = decided(data, job.encoding)
    progress("open", 0.0)
    tree = _parsed(text_of(data, codec))
    features = _features(tree)
    if len(features) > job.limits.rows:
        raise FileError("too many features", expected=f"at most {job.limits.rows}", got=str(len(features)), then="split the file")
    rows = list(range(1, len(features) + 1))
    geometries = [feature.get("geometry") for feature in features]
    xy = _points(geometries)
    wkb, problems = (None, []) if xy is not None else _shapes(geometries, rows)
    notes = (Note("encoding_guessed", (("encoding", codec),)),) if guessed else ()
    return Content(
        columns=_columns([feature.get("properties") or {} for feature in features]),
        rows=rows,
        xy=xy,
        wkb=wkb,
        crs=_crs(tree),
        encoding=codec,
        format="geojson",
        problems=tuple(problems),
        notes=notes,
    )


def _parsed(text: str) -> dict[str, Any]:
    try:
        tree = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_unlike)
    except json.JSONDecodeError as error:
        raise FileError(
            "the file is not valid JSON",
            where=f"line {error.lineno}, column {error.colno}",
            expected="GeoJSON",
            got=error.msg[:60],
            then="export it again",
        ) from None
    except (RecursionError, ValueError):
        raise FileError(
            "the JSON is nested too deep or holds a number too long", expected="GeoJSON", got="neither", then="export it again"
        ) from None
    if not isinstance(tree, dict):
        raise FileError(
            "the JSON is no GeoJSON", expected="a FeatureCollection", got=f"a {type(tree).__name__}", then="export it as GeoJSON"
        )
    return tree


def _refuse_constant(word: str) -> NoReturn:
    raise FileError(
        "the JSON holds a number that is none",
        expected="finite numbers or null",
        got=word,
        then="write null where a value is missing",
    )


def _unlike(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise FileError(
            "a JSON object names a key twice",
            expected="each key once",
            got=f"{len(pairs)} keys, {len(made)} different",
            then="export it again",
        )
    return made


def _features(tree: dict[str, Any]) -> list[dict[str, Any]]:
    found = tree.get("features") if tree.get("type") == "FeatureCollection" else [tree] if tree.get("type") == "Feature" else None
    well_made = isinstance(found, list) and all(
        isinstance(one, dict) and isinstance(one.get("properties") or {}, dict) and isinstance(one.get("geometry") or {}, dict)
        for one in found
    )
    if not well_made or found is None:
        raise FileError(
            "the JSON is no GeoJSON",
            expected="a FeatureCollection of features with properties and geometry",
            got="another shape",
            then="export it as GeoJSON",
        )
    return found


def _columns(properties: list[dict[str, Any]]) -> dict[str, list[Cell]]:
    names = dict.fromkeys(name for one in properties for name in one)
    return {name: [_cell(one.get(name)) for one in properties] for name in names}


def _cell(value: Any) -> Cell:
    return value if value is None or isinstance(value, str | int | float | bool) else json.dumps(value, ensure_ascii=False)


def _points(geometries: list[Any]) -> tuple["array[float]", "array[float]"] | None:
    """Coordinates when every geometry is a plain point or null; else None."""
    x, y = array("d"), array("d")
    for geometry in geometries:
        place = (math.nan, math.nan) if geometry is None else _point(geometry)
        if place is None:
            return None
        x.append(place[0])
        y.append(place[1])
    return x, y


def _point(geometry: dict[str, Any]) -> tuple[float, float] | None:
    place = geometry.get("coordinates") if geometry.get("type") == "Point" else None
    if (
        not isinstance(place, list)
        or len(place) not in (2, 3)
        or not all(isinstance(part, int | float) and abs(part) < 1e300 for part in place)
    ):
        return None
    return float(place[0]), float(place[1])


def _shapes(geometries: list[Any], rows: list[int]) -> tuple[list[bytes | None], list[Problem]]:
    import shapely  # noqa: PLC0415 (files of points are read without it)

    texts = [None if geometry is None else json.dumps(geometry) for geometry in geometries]
    found = shapely.force_2d(shapely.from_geojson(texts, on_invalid="ignore"))
    problems = [
        Problem(row, "geometry", plain(text), "geojson")
        for row, text, shape in zip(rows, texts, found, strict=True)
        if text and shape is None
    ]
    return list(shapely.to_wkb(found)), problems


def _crs(tree: dict[str, Any]) -> str:
    """WGS 84 as RFC 7946 has it, or the CRS that older files name."""
    said = tree.get("crs")
    if said is None:
        return "EPSG:4326"
    name = said.get("properties", {}).get("name") if isinstance(said, dict) and isinstance(said.get("properties"), dict) else None
    epsg = _EPSG.fullmatch(name) if isinstance(name, str) else None
    if epsg:
        return f"EPSG:{epsg[1]}"
    if isinstance(name, str) and _CRS84.fullmatch(name):
        return "EPSG:4326"
    raise CrsError(
        "the GeoJSON names a CRS we cannot read",
        expected="an EPSG code or CRS84",
        got=plain(name, 40),
        then="say it with --crs EPSG:...",
    )
