"""Cells, unions and repairs: squares whose area the reader knows."""

import geopandas as gpd
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import GeometryCollection, LineString, MultiPolygon, Point, Polygon, box, make_valid, union_all

from geo_risk.areas import coordinates_of, repair, repaired, small_parts, square_cells, union_area_m2
from geo_risk.crs import GEOD, local_metric_crs
from geo_risk.errors import CrsError, ParameterError

BOW_TIE = Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
SPIKE = Polygon([(0, 0), (2, 0), (1, 0), (1, 1), (0, 1)])


def series(*shapes, crs=4326):
    return gpd.GeoSeries(list(shapes), crs=crs)


def frame(*shapes):
    return gpd.GeoDataFrame(geometry=series(*shapes))


def ground_m2(shape):
    return abs(GEOD.geometry_area_perimeter(shape)[0])


SQUARE = box(120, 30, 120.01, 30.01)
NEXT = box(120.01, 30, 120.02, 30.01)


@pytest.mark.parametrize(
    ("shapes", "squares"),
    [([], 0), ([None, Polygon()], 0), ([SQUARE], 1), ([SQUARE, SQUARE], 1), ([SQUARE, NEXT], 2), ([SQUARE, None, NEXT], 2)],
)
def test_overlaps_count_once(shapes, squares):
    assert union_area_m2(series(*shapes)) == pytest.approx(squares * ground_m2(SQUARE), rel=1e-5)


def test_degrees_are_no_square_metres():
    with pytest.raises(CrsError, match="lengths in this CRS are not metres"):
        union_area_m2(series(SQUARE), "EPSG:4326")
    with pytest.raises(CrsError, match="the frame is not longitude, latitude"):
        union_area_m2(series(SQUARE, crs=3857))


@pytest.mark.parametrize("size_m", [250.0, 400.0, 5000.0])
def test_cells_are_squares_that_cover_the_area_and_touch_it(size_m):
    area = frame(box(120, 30, 120.02, 30.01))
    metric, cells = local_metric_crs(area), square_cells(area, size_m)
    ground, squares = area.to_crs(metric).geometry.iloc[0], cells.to_crs(metric)
    assert squares.area.to_numpy() == pytest.approx(np.full(len(cells), size_m**2), rel=1e-6)
    assert ground.difference(union_all(squares.geometry.to_numpy())).area < 1e-3
    assert (squares.distance(ground) < 1e-6).all()


def test_cells_far_from_an_area_in_two_parts_are_left_out():
    cells = square_cells(frame(box(120, 30, 120.001, 30.001), box(120.1, 30, 120.101, 30.001)), 500)
    assert set(cells.index) < {f"c{column}r0" for column in range(21)}
    assert "c10r0" not in cells.index


def test_cells_do_not_hang_on_the_order_of_rows():
    one, other = square_cells(frame(SQUARE, NEXT), 300), square_cells(frame(NEXT, SQUARE), 300)
    assert one.index.tolist() == other.index.tolist()
    assert one.geometry.geom_equals(other.geometry).all()


@pytest.mark.parametrize("size_m", [0, -1, np.nan, np.inf])
def test_a_cell_has_a_size(size_m):
    with pytest.raises(ParameterError, match="the size of a cell must be above 0"):
        square_cells(frame(SQUARE), size_m)


def test_too_many_cells_are_refused_with_a_size_that_fits():
    with pytest.raises(ParameterError, match=r"too many cells.*at most 200000.*next: cells of about 4 m fit"):
        square_cells(frame(SQUARE, NEXT), 1)


def test_repair_leaves_the_valid_and_the_missing_alone():
    given_shapes = series(SQUARE, None, Polygon())
    mended, changed = repair(given_shapes)
    assert changed.empty
    assert mended.iloc[0] is SQUARE
    assert mended.iloc[1] is None


@pytest.mark.parametrize(("shape", "area"), [(BOW_TIE, 0.5), (SPIKE, 1.0), (MultiPolygon([box(0, 0, 2, 1), box(1, 0, 3, 1)]), 3.0)])
def test_repair_keeps_the_area_that_rings_enclose(shape, area):
    mended, changed = repair(series(SQUARE, shape))
    assert mended.iloc[1].is_valid
    assert mended.iloc[1].area == pytest.approx(area)
    assert changed.index.tolist() == [1]
    assert changed["after_m2"].iloc[0] == pytest.approx(area * ground_m2(box(0, 0, 1, 1)), rel=0.01)


def test_repair_changes_nothing_it_was_given():
    shapes = series(BOW_TIE)
    repair(shapes)
    assert shapes.iloc[0] is BOW_TIE


def test_a_polygon_without_area_comes_out_empty():
    mended, changed = repair(series(Polygon([(0, 0), (1, 1), (0, 0), (0, 0)])))
    assert mended.iloc[0].is_empty
    assert changed["after_m2"].tolist() == [0.0]


def test_a_collection_keeps_its_highest_dimension():
    mixed = np.array([GeometryCollection([BOW_TIE, LineString([(0, 0), (5, 5)]), Point(9, 9)])], dtype=object)
    assert repaired(mixed)[0].area == pytest.approx(0.5)
    assert repaired(mixed)[0].geom_type == "MultiPolygon"


@settings(max_examples=20, deadline=None)
@given(corners=st.integers(3, 3000), turns=st.integers(1, 3))
def test_small_parts_make_up_the_whole(corners, turns):
    angle = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    radius = 1 + 0.5 * np.sin(7 * turns * angle)
    star = repaired(np.array([Polygon(np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]))], dtype=object))
    parts, of = small_parts(star)
    assert set(of) == {0}
    assert max(len(part.exterior.coords) for part in parts) <= 251
    assert union_all(parts).symmetric_difference(star[0]).area < 1e-9


def test_small_parts_know_the_shape_they_are_of():
    discs = np.array([Point(x, 0).buffer(1, quad_segs=500) for x in (0, 10, 20)], dtype=object)
    parts, of = small_parts(discs)
    assert len(parts) > 3
    assert [round(part.centroid.x, -1) / 10 for part in parts] == of.tolist()


def test_spikes_that_all_meet_in_one_spot_are_not_halved_for_ever():
    angle = np.linspace(0, 2 * np.pi, 600, endpoint=False)
    radius = np.where(np.arange(600) % 2, 1.0, 1e-13)
    star = Polygon(np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]))
    parts, _ = small_parts(np.array([star], dtype=object))
    assert sum(part.area for part in parts) == pytest.approx(repaired(np.array([star], dtype=object))[0].area, abs=1e-9)


def test_no_shapes_have_no_parts():
    parts, of = small_parts(np.array([], dtype=object))
    assert (len(parts), len(of)) == (0, 0)


def test_what_comes_out_invalid_once_more_is_repaired_again():
    corners = [(1 / 3, 2), (-1, 3), (1, 0), (1.5, 1), (3.5, 3), (2.5, -0.5), (-0.5, -2), (2, -3)]
    drawn = Polygon(corners)
    assert not make_valid(drawn, method="structure", keep_collapsed=False).is_valid  # GEOS 3.14: a hole beside its shell
    mended = repaired(np.array([drawn], dtype=object))[0]
    assert mended.is_valid
    assert mended.area == pytest.approx(5.178571428571429 + 2)  # the hole of 1 counts for, not against


def test_an_empty_point_has_no_coordinates_and_hides_no_other():
    x, y = coordinates_of(np.array([Point(), None, Point(1, 2)], dtype=object))
    np.testing.assert_array_equal(np.column_stack([x, y]), [[np.nan, np.nan], [np.nan, np.nan], [1, 2]])
