"""Vulnerability curves."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo_risk.errors import ParameterError
from geo_risk.impact.curves import Curve, CurveSet, curve_points_at, fraction_at, fractions

HOUSE = Curve(id="house", intensity=(0, 0.5, 1), fraction=(0.2, 0.4, 0.6))
SHOP = Curve(id="shop", intensity=(0, 2), fraction=(0, 1), below="zero", above="unknown")


@pytest.mark.parametrize(
    ("curve", "depth", "fraction"),
    [
        (HOUSE, 0.0, 0.2), (HOUSE, 0.25, 0.3), (HOUSE, 0.5, 0.4), (HOUSE, 1.0, 0.6), (HOUSE, 9.0, 0.6), (HOUSE, -1.0, 0.2),
        (SHOP, -0.1, 0.0), (SHOP, 2.0, 1.0), (SHOP, 2.1, np.nan), (HOUSE, np.nan, np.nan), (HOUSE, np.inf, 0.6),
    ],
)
def test_between_the_points_and_beyond_them(curve, depth, fraction):
    np.testing.assert_allclose(fraction_at(curve, [depth]), [fraction])


def test_a_curve_that_says_nothing_below_is_unknown_there():
    assert np.isnan(fraction_at(Curve(id="c", intensity=(1, 2), fraction=(0.1, 0.2), below="unknown"), [0.5]))[0]


def test_shapes_are_kept():
    assert fraction_at(HOUSE, [[0.0, 0.5], [1.0, np.nan]]).shape == (2, 2)
    assert fraction_at(HOUSE, []).tolist() == []


@given(st.data())
def test_numpy_gives_the_same(data):
    knots = sorted(data.draw(st.sets(st.floats(-5, 5).map(lambda x: round(x, 3)), min_size=1, max_size=9)))
    heights = sorted(data.draw(st.lists(st.floats(0, 1), min_size=len(knots), max_size=len(knots))))
    depths = np.array(data.draw(st.lists(st.floats(-9, 9), max_size=30)) + knots)
    curve = Curve(id="any", intensity=tuple(knots), fraction=tuple(heights))
    np.testing.assert_array_equal(fraction_at(curve, depths), np.interp(depths, knots, heights))


def test_many_curves_at_once_are_each_by_itself():
    kinds, depths = ["house", "shop", "pier", None, "house"], [0.25, 1.0, 1.0, 1.0, np.nan]
    found = fractions(CurveSet(curves={"shop": SHOP, "house": HOUSE}), kinds, depths)
    np.testing.assert_allclose(found.fraction, [0.3, 0.5, np.nan, np.nan, np.nan])
    assert found.without_curve == ("pier",)


def test_long_arrays_go_in_spans():
    depths = np.linspace(-1, 2, 300_001)
    np.testing.assert_array_equal(fraction_at(HOUSE, depths), np.interp(depths, HOUSE.intensity, HOUSE.fraction))


@pytest.mark.parametrize(
    ("depth", "lower", "upper"),
    [
        (0.7, (0.5, 0.4), (1, 0.6)), (0.5, (0.5, 0.4), (1, 0.6)), (1.0, (1, 0.6), (1, 0.6)), (9, (1, 0.6), (1, 0.6)),
        (-1, (0, 0.2), (0, 0.2)),
    ],
)
def test_the_points_behind_a_fraction(depth, lower, upper):
    assert curve_points_at(HOUSE, depth) == (lower, upper)


def test_the_points_beyond_an_end_tell_its_rule():
    assert curve_points_at(SHOP, -1) == ((0, 0), (0, 0))
    assert curve_points_at(SHOP, np.nan) is None


@pytest.mark.parametrize(
    ("intensity", "fraction", "what"),
    [
        ((0, 1), (0, 60), "not 0 to 1; where: curve c, point 2; .* percent=True"),
        ((0, 1), (-0.1, 1), "not 0 to 1; where: curve c, point 1"),
        ((0, 1, 2), (0, np.nan, 1), "a curve has a gap; where: curve c, point 2"),
        ((0, np.nan), (0, 1), "intensity is not a number; where: curve c, point 2"),
        ((0, np.inf), (0, 1), "intensity is not a number; where: curve c, point 2"),
        ((0, 1), (0,), "gaps or no points; .* got: 2,1"),
        ((), (), "gaps or no points"),
        ((0, 0), (0, 1), "do not rise; where: curve c, point 2; expected: more than 0.0"),
        ((1, 0), (0, 1), "do not rise"),
        ((0, 1), (0.5, 0.4), "falls as the intensity rises; where: curve c, point 2; expected: 0.5 or more; .* may_fall=True"),
    ],
)
def test_an_unsound_curve_is_refused_with_the_place(intensity, fraction, what):
    with pytest.raises(ParameterError, match=what):
        Curve(id="c", intensity=intensity, fraction=fraction)


def test_a_curve_may_fall_by_name():
    assert fraction_at(Curve(id="c", intensity=(0, 1), fraction=(0.5, 0.4), may_fall=True), [1]).tolist() == [0.4]


def test_an_unknown_end_rule_is_refused():
    with pytest.raises(ParameterError, match=r"no such rule for below a curve; .* expected: first, zero, unknown; got: last"):
        Curve(id="c", intensity=(0,), fraction=(0,), below="last")


def test_one_set_has_one_unit():
    with pytest.raises(ParameterError, match=r"one unit; .* got: m and m.s"):
        CurveSet(curves={"a": HOUSE, "b": Curve(id="wind", intensity=(0,), fraction=(0,), unit="m-s")})
    with pytest.raises(ParameterError, match="at least one curve; one unit; got: none"):
        CurveSet(curves={})


def test_an_id_from_a_file_is_not_repeated():
    with pytest.raises(ParameterError, match="curve text of 8 characters"):
        Curve(id="<script>", intensity=(0,), fraction=(2,))
