from fractions import Fraction
from itertools import pairwise

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely
from exactextract import exact_extract
from exactextract.raster import NumPyRasterSource
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.features import rasterize
from rasterio.transform import Affine

from geo_risk.areas import repaired
from geo_risk.chunks import with_threads
from geo_risk.errors import ParameterError
from geo_risk.hazard import contacts as module
from geo_risk.hazard._simple_kernel import simple
from geo_risk.hazard.contacts import (
    area_contacts,
    area_contacts_in_spans,
    area_runs,
    contacts,
    line_contacts,
    point_contacts,
    unreadable,
    zonal,
)
from geo_risk.hazard.grid import Grid

UTM = pyproj.CRS(32650)
UNIT = Grid(crs=UTM, x=0.0, y=0.0, dx=1.0, dy=1.0, columns=8, rows=6)
NORTH_UP = Grid(crs=UTM, x=400_000.0, y=3_400_030.0, dx=10.0, dy=-5.0, columns=8, rows=6)
with np.errstate(invalid="ignore"):
    NO_PLACE = shapely.Polygon([(0, 0), (1, np.nan), (1, 1)])
RULES = ("covered", "centre", "touched")


def boxes(grid):
    """Each cell as a polygon, in the order of their numbers."""
    row, column = np.divmod(np.arange(grid.rows * grid.columns), grid.columns)
    x, y = grid.x + column * grid.dx, grid.y + row * grid.dy
    return shapely.box(x, np.minimum(y, y + grid.dy), x + grid.dx, np.maximum(y, y + grid.dy))


def laid_out(found, grid):
    """The amounts of one object as a row of all cells."""
    row = np.zeros(grid.rows * grid.columns)
    row[found.cell] = found.amount
    return row


def on(grid, corners):
    """Corners in cells as coordinates of a grid."""
    return np.asarray(corners, float) * [grid.dx, grid.dy] + [grid.x, grid.y]


def same(one, other):
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in ("of", "cell", "amount", "whole"))


def in_parts(parts):
    """Corners in cells with so many places to a cell, around the grids: what people draw, and no denormal numbers."""
    along, down = st.integers(-3 * parts, 11 * parts), st.integers(-3 * parts, 9 * parts)
    return st.tuples(along, down).map(lambda at: (at[0] / parts, at[1] / parts))


corner = in_parts(1_000_000) | in_parts(2)


@st.composite
def areas(draw, grid):
    """Polygons of any shape, many with corners on the lines of the grid, repaired as ours are."""
    drawn = [shapely.Polygon(on(grid, draw(st.lists(corner, min_size=3, max_size=9)))) for _ in range(draw(st.integers(1, 3)))]
    return repaired(np.array(drawn, dtype=object))


def cut(ring, axis, line, side):
    """The part of a ring on one side of a line of the grid, in fractions, without rounding."""
    kept = []
    for one, other in pairwise([*ring, *ring[:1]]):
        before, after = side * (one[axis] - line), side * (other[axis] - line)
        if before >= 0:
            kept.append(one)
        if before * after < 0:
            kept.append(tuple(p + before / (before - after) * (q - p) for p, q in zip(one, other, strict=True)))
    return kept


def band(ring, axis, grid, number):
    first, step = (Fraction(value) for value in ((grid.x, grid.dx), (grid.y, grid.dy))[axis])
    low, high = sorted((first + number * step, first + (number + 1) * step))
    return cut(cut(ring, axis, low, 1), axis, high, -1)


def signed(ring):
    return sum((a[0] * b[1] - b[0] * a[1] for a, b in pairwise([*ring, *ring[:1]])), Fraction(0)) / 2


def exact_shares(grid, area):
    """The share of each cell by rational arithmetic: each ring cut to the cell, shells less holes."""
    share, cell = np.zeros((grid.rows, grid.columns)), abs(Fraction(grid.dx) * Fraction(grid.dy))
    for part in shapely.get_parts(area):
        for hole, drawn in enumerate((part.exterior, *part.interiors)):
            ring = [(Fraction(x), Fraction(y)) for x, y in drawn.coords[:-1]]
            turn = (1 if signed(ring) > 0 else -1) * (-1 if hole else 1)
            for row in range(grid.rows):
                inside = band(ring, 1, grid, row)
                for column in range(grid.columns if inside else 0):
                    share[row, column] += turn * float(signed(band(inside, 0, grid, column)) / cell)
    return share.ravel()


@pytest.mark.parametrize("few_cells", [256, 0], ids=["by window", "by walk"])
@pytest.mark.parametrize("grid", [UNIT, NORTH_UP], ids=["unit", "north up"])
@given(data=st.data())
@settings(max_examples=15, deadline=None)
def test_shares_are_those_of_rational_arithmetic_cell_by_cell(grid, few_cells, data):
    for area in data.draw(areas(grid)):
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(module, "FEW_CELLS", few_cells)
            found = area_contacts(grid, [area])
        assert laid_out(found, grid) == pytest.approx(exact_shares(grid, area), abs=2e-9), area.wkt
        assert found.whole[0] == pytest.approx(area.area / grid.dx / abs(grid.dy), rel=1e-9, abs=1e-9)


# GEOS 3.14 gives 1.0 of cell 0 to the first, nothing of it to the second and 0.5 of cell 1 to the third: its overlays go
# astray where edges all but coincide. That is why the oracle above is rational arithmetic and not shapely.
@pytest.mark.parametrize(
    "corners",
    [
        [(2, 0), (1, -1), (1.916879477443141e-200, 1.916879477443141e-200)],
        [(0.5, 4), (-0.5, 1), (-5e-324, 1.5), (-5e-324, 0.5)],
        [(1, 4), (-2, 0.5), (1, 5e-324), (1.5, -0.5)],
    ],
)
@pytest.mark.parametrize("few_cells", [256, 0])
def test_slivers_along_the_lines_of_the_grid_have_the_shares_of_rational_arithmetic(corners, few_cells, monkeypatch):
    monkeypatch.setattr(module, "FEW_CELLS", few_cells)
    area = shapely.Polygon(corners)
    assert laid_out(area_contacts(UNIT, [area]), UNIT) == pytest.approx(exact_shares(UNIT, area), abs=1e-12)


def test_buffers_have_the_shares_of_shapely():
    for shape in scattered(100):
        expected = shapely.area(shapely.intersection(shape, boxes(UNIT)))
        assert laid_out(area_contacts(UNIT, [shape]), UNIT) == pytest.approx(expected, abs=2e-9)


@pytest.mark.parametrize(
    ("corners", "proved"),
    [
        ([(0, 0), (2, 0), (2, 1), (0, 1)], True),
        ([(0, 0), (2, 0), (2, 1), (1, 1), (1, 2), (0, 2)], True),
        ([(0, 0), (1, 0), (2, 0), (2, 1)], True),
        ([(0, 0), (2, 2), (2, 0), (0, 2)], False),
        ([(0, 0), (2, 0), (1, 0), (1, 1)], False),
        ([(0, 0), (4, 0), (4, 4), (2, 0), (0, 4)], False),
        ([(0, 3), (2, -3), (-3, 1), (3, 1), (-2, -3)], False),
        ([(0, 0), (1, 0), (1, 0), (1, 1)], False),
    ],
    ids=["box", "ell", "a corner on an edge", "bow tie", "spike", "touches itself", "pentagram", "drawn twice"],
)
def test_rings_proved_simple_and_rings_left_to_geos(corners, proved):
    ring = shapely.get_coordinates(shapely.Polygon(corners))
    both_ways = simple(np.concatenate([ring, ring[::-1]]), np.arange(3) * len(ring))
    assert both_ways.tolist() == [proved, proved]


def test_rings_proved_simple_are_valid_to_geos_and_most_valid_ones_are_proved():
    corners = np.random.default_rng(7).integers(0, 6, (5000, 6, 2)) / 2
    rings = shapely.polygons(np.concatenate([corners, corners[:, :1]], axis=1))
    proved, valid = simple(shapely.get_coordinates(rings), np.arange(5001) * 7), shapely.is_valid(rings)
    assert valid[proved].all()
    assert proved.sum() > 0.6 * valid.sum() > 100


def test_areas_of_few_and_of_many_cells_and_invalid_ones_keep_their_places():
    grid = Grid(crs=UTM, x=0.0, y=0.0, dx=0.1, dy=0.1, columns=80, rows=60)
    bow_tie = shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    disc = shapely.Point(1, 1).buffer(0.3)
    shapes = [shapely.box(0, 0, 8, 6), shapely.box(1, 1, 1.1, 1.1), bow_tie, shapely.box(2, 2, 6, 5), disc]
    found = area_contacts(grid, shapes)
    assert (np.diff(found.of) >= 0).all()
    assert np.bincount(found.of, found.amount) == pytest.approx([4800, 1, 50, 1200, disc.area * 100])


def test_corners_too_far_off_to_measure_meet_nothing_and_hide_no_other():
    found = area_contacts(UNIT, [shapely.Polygon([(0, 0), (1e308, 0), (-1e308, 1e308)]), shapely.box(0, 0, 1, 1)])
    assert (found.of.tolist(), found.whole.tolist()) == ([1], [0.0, 1.0])


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_touched_and_centre_are_those_of_shapely_where_rounding_does_not_decide(data):
    for area in data.draw(areas(UNIT)):
        if area.is_empty:
            continue
        near = shapely.distance(area, boxes(UNIT))
        touched = laid_out(area_contacts(UNIT, [area], "touched"), UNIT)
        share = shapely.area(shapely.intersection(area, boxes(UNIT)))
        assert (touched[share > 1e-8] == 1).all()
        assert (touched[near > 1e-8] == 0).all()
        centres, taken = shapely.centroid(boxes(UNIT)), laid_out(area_contacts(UNIT, [area], "centre"), UNIT)
        clear = shapely.distance(shapely.boundary(area), centres) > 1e-8
        assert (taken[clear] == shapely.intersects(area, centres)[clear]).all()


@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_lengths_are_those_of_shapely(data):
    corners = data.draw(st.lists(st.tuples(st.floats(-3, 11), st.floats(-3, 9)), min_size=2, max_size=6))
    line = shapely.LineString(on(NORTH_UP, corners))
    found = line_contacts(NORTH_UP, [line])
    segments = [shapely.LineString(line.coords[at : at + 2]) for at in range(len(line.coords) - 1)]
    expected = sum(shapely.length(shapely.intersection(segment, boxes(NORTH_UP))) for segment in segments)
    on_a_line = np.abs(on_grid_lines(line)) < 1e-6
    if not on_a_line.any():
        assert laid_out(found, NORTH_UP) == pytest.approx(expected, abs=1e-6)
    assert found.whole[0] == pytest.approx(line.length, abs=1e-6)


def on_grid_lines(line):
    """How far, in cells, the corners of a line lie from the nearest line of the grid."""
    cells = (np.array(line.coords) - [NORTH_UP.x, NORTH_UP.y]) / [NORTH_UP.dx, NORTH_UP.dy]
    return cells - np.round(cells)


def test_an_area_on_the_lines_of_the_grid_covers_its_cells_and_touches_those_around():
    found = area_contacts(UNIT, [shapely.box(1, 1, 3, 2)])
    assert (found.cell.tolist(), found.amount.tolist()) == ([9, 10], [1.0, 1.0])
    assert area_contacts(UNIT, [shapely.box(1, 1, 3, 2)], "centre").cell.tolist() == [9, 10]
    assert area_contacts(UNIT, [shapely.box(1, 1, 3, 2)], "touched").cell.tolist() == [0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19]


def test_the_lines_of_a_fine_grid_far_from_its_origin_make_no_specks():
    grid = Grid(crs=UTM, x=400_000.3, y=3_400_000.7, dx=0.1, dy=-0.1, columns=50, rows=50)
    area = shapely.box(grid.x + 1.0, grid.y - 2.0, grid.x + 1.3, grid.y - 1.8)
    assert area_contacts(grid, [area]).cell.tolist() == [910, 911, 912, 960, 961, 962]


def test_a_hole_and_a_second_part():
    ring = shapely.Polygon([(0, 0), (3, 0), (3, 3), (0, 3)], [[(1, 1), (2, 1), (2, 2), (1, 2)]])
    found = area_contacts(UNIT, [shapely.MultiPolygon([ring, shapely.box(5, 0, 5.5, 0.5)])])
    assert found.cell.tolist() == [0, 1, 2, 5, 8, 10, 16, 17, 18]
    assert (found.amount[3], found.whole.tolist()) == (0.25, [8.25])


def test_a_centre_on_a_common_border_belongs_to_one_of_the_neighbours():
    left, right = shapely.box(0, 0, 2.5, 6), shapely.box(2.5, 0, 8, 6)
    found = area_contacts(UNIT, [left, right], "centre")
    assert sorted(found.cell.tolist()) == list(range(48))


def test_neighbours_with_a_wild_border_fill_each_cell_and_never_more():
    y = np.linspace(0, 6, 200)
    border = np.column_stack([4 + 2 * np.sin(9 * y), y])
    west = shapely.Polygon([(0, 0), *border, (0, 6)])
    east = shapely.Polygon([(8, 0), *border, (8, 6)])
    found = area_contacts(UNIT, [west, east])
    assert np.bincount(found.cell, weights=found.amount) == pytest.approx(np.ones(48), abs=1e-12)


@pytest.mark.parametrize("rule", RULES)
def test_inside_and_outside_sum_to_the_whole(rule):
    found = area_contacts(UNIT, [shapely.box(-5, -5, 4, 3), shapely.box(20, 20, 21, 22)], rule)
    inside = np.bincount(found.of, weights=found.amount, minlength=2)
    assert (found.whole - inside).tolist() == pytest.approx([72 - 12, 2])


def test_touched_is_gdals_all_touched_off_the_lines_of_the_grid():
    made = np.random.default_rng(3)
    shapes = [shapely.Polygon(made.uniform([1.2, 0.2], 5.8, (3, 2))) for _ in range(200)]
    transform = Affine(UNIT.dx, 0, UNIT.x, 0, UNIT.dy, UNIT.y)
    differing = 0
    for shape in shapes:
        burnt = rasterize([shape], (UNIT.rows, UNIT.columns), transform=transform, all_touched=True).ravel()
        wrong = np.flatnonzero(laid_out(area_contacts(UNIT, [shape], "touched"), UNIT) != burnt)
        shares = shapely.area(shapely.intersection(shape, boxes(UNIT)[wrong]))
        differing += len(wrong)
        assert (shares < 0.02).all()  # GDAL leaves out what an edge only grazes
    assert differing <= 5


def test_exactextract_gives_the_same_shares():
    made = np.random.default_rng(5)
    corners = shapely.points(made.uniform([0.5, 0.5], [7.5, 5.5], (40, 2)))
    shapes = shapely.buffer(corners, made.uniform(0.05, 0.5, 40), quad_segs=3)
    source = NumPyRasterSource(np.zeros((6, 8)), xmin=0, xmax=8, ymin=0, ymax=6, srs_wkt=UTM.to_wkt())
    told = exact_extract(source, gpd.GeoDataFrame(geometry=shapes, crs=UTM), ["cell_id", "coverage"], output="pandas")
    found = area_contacts(Grid(crs=UTM, x=0.0, y=6.0, dx=1.0, dy=-1.0, columns=8, rows=6), shapes)
    rows = zip(told["cell_id"], told["coverage"], strict=True)
    expected = np.concatenate([np.asarray(share)[np.argsort(cell)] for cell, share in rows])
    assert found.amount == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("rule", RULES)
def test_objects_without_area_meet_nothing_and_hide_no_other(rule):
    flat = shapely.Polygon([(0, 0), (1, 1), (2, 2)])
    bow_tie = shapely.Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])
    shapes = [None, shapely.Polygon(), NO_PLACE, flat, shapely.Point(1, 1), bow_tie, shapely.box(0, 0, 1, 1)]
    found = area_contacts(UNIT, shapes, rule)
    assert set(found.of.tolist()) == {5, 6}
    assert found.whole[:5].tolist() == [0.0] * 5


def test_no_objects_at_all():
    assert len(area_contacts(UNIT, [])) == len(line_contacts(UNIT, [])) == len(contacts(UNIT, [])) == 0
    assert zonal(area_contacts(UNIT, []), np.zeros(48)).empty


def test_what_cannot_be_read_as_it_is_told_by_position():
    told = unreadable([shapely.Point(1, 1), shapely.Polygon(), NO_PLACE])
    assert told.to_numpy().tolist() == [[1, "an empty geometry"], [2, "a corner that is no number"]]


def test_a_line_with_a_corner_that_is_no_number_meets_nothing():
    with np.errstate(invalid="ignore"):
        broken = shapely.LineString([(0, 0), (np.inf, 1), (1, np.nan)])
    found = contacts(UNIT, [broken, shapely.LineString([(0, 0.5), (1, 0.5)])])
    assert (found.of.tolist(), found.whole.tolist()) == ([1], [0.0, 1.0])


def test_points_on_edges_belong_to_the_cell_after_and_multiple_ones_add_up():
    several = shapely.MultiPoint([(1.2, 0.5), (1.7, 0.5), (0.5, 0.5), (99, 0)])
    found = point_contacts(UNIT, [shapely.Point(1, 1), shapely.Point(8, 1), several])
    assert (found.of.tolist(), found.cell.tolist(), found.amount.tolist()) == ([0, 2, 2], [9, 0, 1], [1.0, 1.0, 2.0])
    assert found.whole.tolist() == [1.0, 1.0, 4.0]


@pytest.mark.parametrize(
    ("corners", "cells"),
    [([(0.5, 1), (2.5, 1)], [8, 9, 10]), ([(2, 0.5), (2, 2.5)], [2, 10, 18]), ([(3, 3), (1, 1)], [9, 18]), ([(1, 1), (1, 1)], [])],
)
def test_a_line_along_an_edge_of_the_grid_lies_in_the_cells_after_it(corners, cells):
    assert line_contacts(UNIT, [shapely.LineString(corners)]).cell.tolist() == cells


def test_kinds_together_keep_their_order():
    shapes = [shapely.box(0, 0, 1, 1), shapely.Point(0.5, 0.5), shapely.LineString([(0, 0.5), (1, 0.5)]), shapely.box(2, 0, 3, 1)]
    found = contacts(UNIT, shapes)
    assert (found.of.tolist(), found.cell.tolist(), found.whole.tolist()) == ([0, 1, 2, 3], [0, 0, 0, 2], [1.0] * 4)


def scattered(count):
    made = np.random.default_rng(11)
    return shapely.buffer(shapely.points(made.uniform([-1, -1], [9, 7], (count, 2))), made.uniform(0.1, 2.0, count), quad_segs=4)


@pytest.mark.parametrize("rule", RULES)
def test_spans_and_threads_change_nothing(rule, monkeypatch):
    shapes = scattered(3000)
    with with_threads(1):
        alone = area_contacts(UNIT, shapes, rule)
    monkeypatch.setattr(module, "_AT_LEAST", 10)
    assert same(area_contacts(UNIT, shapes, rule), alone)
    spans = list(area_contacts_in_spans(UNIT, shapes, rule, cells_at_once=5000))
    assert len(spans) > 5
    assert np.concatenate([part.amount for _, part in spans]).tolist() == alone.amount.tolist()
    assert np.concatenate([part.of + span.start for span, part in spans]).tolist() == alone.of.tolist()


def test_runs_say_the_same_as_contacts_in_less():
    area = shapely.Point(4000, 3000).buffer(2900, quad_segs=64)
    grid = Grid(crs=UTM, x=0.0, y=0.0, dx=1.0, dy=1.0, columns=8000, rows=6000)
    runs = area_runs(grid, [area])
    assert len(runs) > 1000 * len(runs.of) / 2
    assert (runs.amount * runs.length).sum() == pytest.approx(area.area, rel=1e-12)


def test_too_many_contacts_are_refused(monkeypatch):
    monkeypatch.setattr(module, "MAX_CONTACTS", 10)
    with pytest.raises(ParameterError, match=r"too many cells to list one by one.*at most 10; got: 48; next: sum over the runs"):
        area_contacts(UNIT, [shapely.box(0, 0, 8, 6)])


def test_another_rule_is_refused():
    with pytest.raises(ParameterError, match=r"no such rule of cells.*covered, centre, touched; got: any"):
        area_contacts(UNIT, [], "any")


def test_a_star_of_many_rays_is_as_large_as_its_parts():
    angle = np.linspace(0, 2 * np.pi, 4_000, endpoint=False)
    radius = np.where(np.arange(4_000) % 2, 2.8, 0.5)
    star = shapely.Polygon(np.column_stack([4 + radius * np.cos(angle), 3 + radius * np.sin(angle)]))
    found = area_contacts(UNIT, [star, shapely.box(0, 0, 1, 1)])
    assert found.amount[found.of == 0].sum() == pytest.approx(star.area, rel=1e-9)


def test_a_comb_with_too_many_crossings_is_unknown_and_hides_no_other():
    grid = Grid(crs=UTM, x=0.0, y=0.0, dx=1e-4, dy=1e-4, columns=80_000, rows=60_000)
    teeth = np.arange(4000)
    comb = shapely.Polygon([(0, 0), *zip(np.where(teeth % 2, 7.9, 0.1), teeth / 1000 + 0.01, strict=True), (0, 6)])
    found = contacts(grid, [comb, shapely.box(0, 0, 1e-4, 1e-4)])
    assert (found.of.tolist(), np.isnan(found.whole).tolist()) == ([1], [True, False])


def test_sums_of_values():
    values = np.arange(48.0)
    values[10] = np.nan
    found = area_contacts(UNIT, [shapely.box(0, 0, 2, 1.5), shapely.box(1, 1, 3, 2), shapely.box(-1, 0, 1, 1)])
    assert zonal(found, values)["sum"].tolist()[0] == 0 + 1 + 0.5 * 8 + 0.5 * 9
    assert zonal(found, values)["unknown_share"].tolist() == [0.0, 0.5, 0.5]
    assert zonal(found, values, known_only=True)["mean"].tolist() == [9.5 / 3, 9.0, 0.0]


def test_sums_by_runs_and_by_cells_are_the_same_to_the_last_bit_in_any_order():
    made, shapes = np.random.default_rng(1), scattered(500)
    values, order = made.normal(size=(6, 8)), made.permutation(500)
    by_cell = zonal(area_contacts(UNIT, shapes), values, known_only=True)
    assert by_cell.equals(zonal(area_runs(UNIT, shapes), values, known_only=True))
    assert by_cell.iloc[order].reset_index(drop=True).equals(zonal(area_contacts(UNIT, shapes[order]), values, known_only=True))


def test_values_of_single_precision_are_summed_in_double():
    found = area_contacts(UNIT, [shapely.box(0, 0, 8, 6)])
    assert zonal(found, np.full((6, 8), 0.1, np.float32))["sum"].tolist() == [pytest.approx(48 * float(np.float32(0.1)), rel=1e-14)]
