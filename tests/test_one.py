"""One feature as JSON against the same row as a table: an independent way through pandas says the same of both."""

import datetime as dt
import json
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_risk.errors import ParameterError
from layers._catalog import catalog, layer
from layers._check import CheckOptions, check
from layers._check.one import Misshapen, RowRejected, one, shape_of, typed_values
from layers._check.values import text_of
from layers._frame import DTYPES
from layers._layer import Column, Geometry, Layer
from layers._read import RawTable

SQUARE = shapely.box(0, 0, 0.01, 0.01)
BOW_TIE = shapely.Polygon([(0, 0), (0.01, 0.01), (0.01, 0), (0, 0.01)])
NUMBERS = st.one_of(st.integers(-3, 12), st.integers(-(2**60), 2**60))
ODD_TEXTS = ["", " a ", "-", "无", "避难所", "a\r\nb", "a\x07", "339900001000", "n/a", "x" * 2001]
TEXTS = st.one_of(st.sampled_from(ODD_TEXTS), st.text(max_size=8))
DEPTHS = st.sampled_from(["0.5~1.0m未満", "3.0m以上", "deep", ""])
PLACES = {
    Geometry.POINT: st.sampled_from([*map(shapely.Point, [(1, 2), (50, 120), (181, 0)]), shapely.MultiPoint([(1, 1)]), None]),
    Geometry.LINE: st.sampled_from([*map(shapely.LineString, ([(0, 0), (1, 1)], [(0, 0), (0, 0)])), SQUARE, None]),
    Geometry.AREA: st.sampled_from([SQUARE, BOW_TIE, shapely.MultiPolygon([SQUARE]), shapely.Polygon(), shapely.Point(1, 2), None]),
    Geometry.NONE: st.none(),
}

FEW: dict[type, st.SearchStrategy[Any]] = {
    str: st.just("a"),
    int: st.integers(2019, 2021),
    float: st.integers(0, 2).map(float),
    dt.date: st.dates(dt.date(2019, 6, 1), dt.date(2021, 6, 1)).map(dt.date.isoformat),
}


def values_of(column: Column) -> st.SearchStrategy[Any]:
    """Values of the column's own JSON type, fit and unfit."""
    if column.choices:
        known = [text for choice in column.choices for text in (choice.id, choice.en, choice.zh)]
        return st.sampled_from([None, *known, known[0].upper(), "ajar", "无"])
    kinds: dict[type, st.SearchStrategy[Any]] = {
        str: DEPTHS if column.name == "depth_class" else TEXTS,
        int: NUMBERS,
        float: st.one_of(st.floats(0, 10), st.floats(allow_nan=False, allow_infinity=False), NUMBERS),
        bool: st.booleans(),
        dt.date: st.dates(dt.date(1800, 1, 1)).map(dt.date.isoformat),
    }
    return st.none() | kinds[column.type]


@st.composite
def rows(draw: st.DrawFn) -> tuple[Layer, dict[str, Any], Any]:
    found = draw(st.sampled_from(list(catalog().values())))
    used = {name for rule in found.checks for name in rule.columns}
    used |= {name for rule in found.derivations for name in (rule.column, *rule.inputs)}
    values = {c.name: draw(values_of(c)) for c in found.columns if c.required or c.name in used or draw(st.booleans())}
    values |= {column.name: "a" for column in found.columns if column.required and not column.choices and draw(st.booleans())}
    return found, values, draw(PLACES[found.geometry])


def as_a_table(values: dict[str, Any], geometry: Any) -> RawTable:
    columns = {name: pd.Series([text_of(value)], index=[2], dtype=object) for name, value in values.items()}
    frame = gpd.GeoDataFrame(columns, geometry=gpd.GeoSeries([geometry], index=[2], crs=4326), crs=4326)
    return RawTable(
        frame=frame, crs="EPSG:4326", encoding="utf-8", format="geojson", size_bytes=1, sha256="0" * 64, source_name="file",
    )


def plain(column: Column, value: Any) -> Any:
    """A frame's value as the store's rows hold it."""
    if pd.isna(value):
        return None
    return value.date().isoformat() if column.type is dt.date else column.type(value)


@settings(max_examples=150, deadline=None)
@given(rows())
def test_a_feature_and_the_same_row_of_a_table_fare_alike(row: tuple[Layer, dict[str, Any], Any]) -> None:
    found, values, geometry = row
    ours, table = one(found, values, geometry), check(found, as_a_table(values, geometry), CheckOptions())
    assert {fault.rule for fault in ours.errors} == {fault.rule for fault in table.report.faults if fault.severity == "error"}
    if table.report.accepted:
        (accepted,) = table.frame.to_dict("records")
        assert ours.values == {column.name: plain(column, accepted[column.name]) for column in found.columns}  # noqa: PD011
        assert ours.derived == (None if pd.isna(accepted["derived"]) else accepted["derived"])
        assert ours.geometry == accepted["geometry"]
        assert [f.rule for f in ours.faults] == [f.rule for f in table.report.faults if f.rule not in ("duplicate", "key_shared")]


@pytest.mark.parametrize("found", [each for each in catalog().values() if each.checks], ids=lambda found: found.id)
@settings(max_examples=30, deadline=None)
@given(st.data())
def test_a_rule_says_the_same_of_a_row_and_of_a_frame(found: Layer, data: st.DataObject) -> None:
    for rule in found.checks:
        row = {name: data.draw(st.none() | FEW[found.column(name).type]) for name in rule.columns}
        typed = {name: typed_values(found, {name: value})[0][name] for name, value in row.items()}
        frame = pd.DataFrame({name: pd.Series([value], dtype=DTYPES[found.column(name).type]) for name, value in typed.items()})
        said = rule.holds(frame).tolist()[0]
        assert rule.of_row is not None
        assert rule.of_row(typed) == (None if pd.isna(said) else bool(said))


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        ("capacity", "12", "integer"),
        ("capacity", True, "integer"),
        ("capacity", 1.5, "integer"),
        ("capacity", 2**53 + 1, "too_large"),
        ("capacity", -1, "minimum"),
        ("area_m2", "9", "number"),
        ("area_m2", False, "number"),
        ("area_m2", 10**400, "not_finite"),
        ("wheelchair", 1, "boolean"),
        ("wheelchair", "yes", "boolean"),
        ("name", 7, "text"),
        ("name", ["a"], "text"),
        ("status", "ajar", "choice"),
        ("address", "a\x1b[31m", "control_character"),
    ],
)
def test_json_types_are_strict(column: str, value: Any, rule: str) -> None:
    (fault,) = typed_values(layer("shelters"), {column: value})[1]
    assert (fault.columns, fault.rule) == ((column,), rule)


@pytest.mark.parametrize(
    "day", ["2024-1-2", "20240102", "2024-02-30", "2024-01-02T00:00:00", "2024年1月2日", 20240102, "0000-01-01"]
)
def test_a_date_is_written_in_one_way(day: Any) -> None:
    assert [fault.rule for fault in typed_values(layer("flood_points"), {"found_on": day})[1]] == ["date"]


def test_whole_numbers_with_a_point_are_whole() -> None:
    assert typed_values(layer("shelters"), {"capacity": 12.0})[0] == {"capacity": 12}


def test_all_faults_are_told_at_once_and_none_repeats_what_came() -> None:
    result = one(layer("shelters"), {"capacity": "<script>", "status": "ajar"}, shapely.Point(50, 120))
    told = str(RowRejected("shelters", result.errors))
    assert [fault.rule for fault in result.errors] == ["integer", "choice", "geometry_swapped", "required"]
    assert "<script>" not in told
    assert "status: not one of: open, closed" in told


def test_a_property_that_is_no_column_is_refused_by_name() -> None:
    with pytest.raises(ParameterError, match=r"no column of the layer; where: layer aeds; expected: address, .*; got: capcity"):
        one(layer("aeds"), {"name": "a", "capcity": 1}, shapely.Point(1, 2))


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        ({"type": "Point", "coordinates": [1, 2, 3]}, "geometry_flat"),
        ({"type": "Point", "coordinates": [1]}, "geojson"),
        ({"type": "Point", "coordinates": ["1", 2]}, "geojson"),
        ({"type": "Point", "coordinates": [True, 2]}, "geojson"),
        ({"type": "Point", "coordinates": [10**400, 2]}, "geometry_not_finite"),
        ({"type": "Point"}, "geojson"),
        ({"type": "Point", "coordinates": [1, 2], "crs": {}}, "geojson"),
        ({"type": "GeometryCollection", "geometries": []}, "geojson"),
        ({"type": "LineString", "coordinates": [[1, 2]]}, "geojson"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1]]]}, "geometry_ring"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1]]]}, "geometry_ring"),
        ({"type": "MultiPoint", "coordinates": [[0, 0]] * 100_001}, "vertices"),
        ({"type": "MultiLineString", "coordinates": [[[0, 0], [1, 1]]] * 5_001}, "vertices"),
        ("POINT (1 2)", "geojson"),
        ([1, 2], "geojson"),
    ],
)
def test_geometries_that_are_none(given: Any, rule: str) -> None:
    with pytest.raises(Misshapen, match=f"^{rule}$"):
        shape_of(given)


@pytest.mark.parametrize(
    "shape",
    [
        shapely.Point(1.5, -2),
        shapely.LineString([(0, 0), (1, 1)]),
        SQUARE,
        SQUARE.buffer(1).difference(SQUARE),
        shapely.MultiPolygon([SQUARE]),
        shapely.MultiPoint([(1, 2), (3, 4)]),
        shapely.MultiLineString([[(0, 0), (1, 1)], [(2, 2), (3, 3)]]),
    ],
)
def test_a_geometry_written_as_geojson_comes_back(shape: Any) -> None:
    assert shape_of(json.loads(shapely.to_geojson(shape))) == shape
