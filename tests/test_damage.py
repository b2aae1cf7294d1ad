"""Damage of each object, and the derivation its row is."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_risk.errors import ParameterError
from geo_risk.hazard.contacts import Contacts
from geo_risk.impact.curves import Curve, CurveSet
from geo_risk.impact.damage import RULES, ExposureColumns, damage, damage_of_readings, grid_damage

CURVES = CurveSet(curves={
    "house": Curve(id="house", intensity=(0, 2), fraction=(0, 1)),
    "cellar": Curve(id="cellar", intensity=(-1, 0, 1), fraction=(0, 0.2, 0.6)),
})


def contacts(*objects):
    """Contacts from (amounts of the cells, whole) of each object; cells are numbered through."""
    amounts = [amount for amount, _ in objects]
    count = sum(map(len, amounts))
    return Contacts(
        objects=len(objects), of=np.repeat(np.arange(len(objects)), [len(amount) for amount in amounts]),
        cell=np.arange(count), amount=np.array([one for amount in amounts for one in amount], dtype=float),
        whole=np.array([whole for _, whole in objects], dtype=float),
    )


def exposure(rows=1, **columns):
    return pd.DataFrame({"occupancy": ["house"] * rows, "max_damage": [1000.0] * rows} | columns)


def one(amount, values, rule="mean_depth", whole=None, measure=1.0, **columns):
    """The derivation of a single object."""
    found = contacts((amount, sum(amount) if whole is None else whole))
    return damage(exposure(**columns), found, values, CURVES, rule, measure=measure).iloc[0]


@pytest.mark.parametrize(
    ("rule", "amount", "depths", "money"),
    [
        ("mean_depth", [1.0], [1.0], 500), ("mean_depth", [0.5, 0.5], [1.0, 0.0], 250), ("mean_depth", [3.0, 1.0], [1.0, 2.0], 625),
        ("mean_depth", [1.0], [0.0], 0), ("mean_depth", [1.0], [9.0], 1000),
        ("fiat", [1.0, 1.0], [1.0, 0.0], 250), ("fiat", [1.0, 1.0], [0.5, 0.0001], 125), ("fiat", [1.0], [0.011], 5),
        ("per_cell", [0.5, 0.25], [1.0, 3.0], 500), ("per_cell", [1.0], [0.0], 0),
        ("at_point", [1.0], [1.5], 750),
    ],
)
def test_each_rule_by_hand(rule, amount, depths, money):
    assert one(amount, depths, rule)["damage"] == pytest.approx(money)


def test_fiat_rounds_the_number_itself_not_a_hundred_times_it():
    depths = [2.0] * 13 + [3.0] * 27  # their mean, 2.675, lies just below the half as a binary number; 267.5 does not
    curves = CurveSet(curves={"house": Curve(id="house", intensity=(0, 10), fraction=(0, 1))})
    found = damage(exposure(), contacts(([1.0] * 40, 40)), depths, curves, "fiat").iloc[0]
    assert (found["depth_in_m"], found["damage"]) == (2.67, 267.0)


@given(st.lists(st.integers(-4_000, 4_000), min_size=1, max_size=30), st.sampled_from([8, 40, 200]))
def test_depths_are_rounded_as_python_rounds(parts, whole):
    depths = np.array(parts) / whole
    line = CurveSet(curves={"line": Curve(id="line", intensity=(-1e6, 1e6), fraction=(0, 1))})
    rounded = np.array([round(float(depth), 2) for depth in depths])
    expected = np.where(depths > 0, line.at(np.zeros(len(depths), dtype=np.int64), rounded), 0.0)
    assert grid_damage(depths, np.ones(len(depths)), line, depth_decimals=2).tolist() == expected.tolist()


def test_square_metres_of_a_cell_multiply_per_cell():
    assert one([0.5, 0.5], [1.0, 2.0], "per_cell", measure=25.0)["damage"] == 1000 * 12.5 * (0.5 + 1)
    assert one([0.5, 0.5], [1.0, 2.0], "per_cell", measure=np.array([25.0, 10.0]))["damage"] == 1000 * (12.5 * 0.5 + 5)


@pytest.mark.parametrize(
    ("floor", "kind", "depth_in", "fraction"),
    [(0.5, "house", 0.5, 0.25), (1.5, "house", -0.5, 0.0), (1.5, "cellar", -0.5, 0.1), (-0.5, "house", 1.5, 0.75)],
)
def test_the_curve_is_read_above_the_floor(floor, kind, depth_in, fraction):
    found = one([1.0], [1.0], floor_height_m=[floor], occupancy=[kind])
    assert (found["depth_in_m"], found["fraction"], found["damage"]) == pytest.approx((depth_in, fraction, 1000 * fraction))


def test_dry_is_dry_even_where_the_curve_starts_above_zero():
    assert one([1.0], [0.0], occupancy=["cellar"])["damage"] == 0
    assert one([1.0], [0.001], occupancy=["cellar"])["damage"] > 200


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(
    ("columns", "values", "whole", "reason"),
    [
        ({"occupancy": ["pier"]}, [1.0], 1, "no curve for the occupancy"),
        ({"occupancy": [None]}, [1.0], 1, "no curve for the occupancy"),
        ({"max_damage": [None]}, [1.0], 1, "no maximum damage"), ({"max_damage": ["much"]}, [1.0], 1, "no maximum damage"),
        ({"max_damage": [np.inf]}, [1.0], 1, "no maximum damage"), ({"max_damage": [-1.0]}, [1.0], 1, "maximum damage below 0"),
        ({"floor_height_m": [None]}, [1.0], 1, "no floor height"),
        ({}, [np.nan], 1, "depth unknown"), ({}, [np.inf], 1, "depth unknown"),
    ],
)
def test_unknown_is_never_zero_and_says_why(rule, columns, values, whole, reason):
    found = one([1.0], values, rule, whole=whole, **columns)
    assert np.isnan(found["damage"])
    assert found["unknown"] == reason


@pytest.mark.parametrize("rule", ["mean_depth", "per_cell"])
def test_a_part_without_depth_leaves_the_known_part_as_a_lower_bound(rule):
    found = one([0.5, 0.25], [1.0, np.nan], rule, whole=1.0)
    assert (found["unknown_share"], found["damage_known"]) == (0.5, 250)
    assert np.isnan(found["damage"])
    assert found["unknown"] == "depth unknown for a part"


def test_no_shape_and_outside_are_told_apart():
    found = damage(exposure(2), contacts(([], 0.0), ([], 4.0)), [], CURVES)
    assert found["unknown"].tolist() == ["no shape", "depth unknown"]
    assert found["damage"].isna().all()


def test_one_bad_object_does_not_hide_the_others():
    found = damage(exposure(3, max_damage=[1000.0, -5.0, 1000.0]), contacts(*[([1.0], 1.0)] * 3), [1.0, 1.0, 2.0], CURVES)
    assert found["damage"].fillna(-1).tolist() == [500, -1, 1000]


@pytest.mark.parametrize("rule", RULES)
@settings(max_examples=25)
@given(st.data())
def test_the_row_is_the_derivation(rule, data):
    depths = data.draw(st.lists(st.sampled_from([0.0, 0.3, 0.77, 1.0, 5.0]), min_size=1, max_size=5))
    amount = data.draw(st.lists(st.sampled_from([0.25, 0.5, 1.0]), min_size=len(depths), max_size=len(depths)))
    row = one(amount, depths, rule, floor_height_m=[data.draw(st.sampled_from([0.0, 0.5]))], occupancy=["cellar"])
    assert row["damage"] == pytest.approx(row["fraction"] * row["max_damage"] * row["quantity"], abs=0.006)
    if row["upper_m"] > row["lower_m"]:
        between = (row["depth_in_m"] - row["lower_m"]) / (row["upper_m"] - row["lower_m"])
        assert row["fraction"] == pytest.approx(row["lower_fraction"] + between * (row["upper_fraction"] - row["lower_fraction"]))


@settings(max_examples=50)
@given(st.lists(st.tuples(st.floats(0.01, 1), st.sampled_from([0.0, 0.4, 1.3, np.nan])), min_size=1, max_size=8))
def test_per_cell_equals_a_loop(cells):
    amount, depths = [cell[0] for cell in cells], [cell[1] for cell in cells]
    plain = sum(part * 1000 * min(depth / 2, 1) for part, depth in cells if depth > 0)
    assert one(amount, depths, "per_cell")["damage_known"] == pytest.approx(plain)


def test_many_objects_are_the_same_as_one_by_one():
    count = 70_000
    found = contacts(*[([0.5, 0.5], 1.0)] * count)
    depths = np.tile([0.0, 0.5, 1.0, 1.5], count // 2)
    assert damage(exposure(count), found, depths, CURVES)["damage"].to_numpy() == pytest.approx(np.tile([125.0, 625.0], count // 2))


def test_other_column_names_and_index():
    frame = pd.DataFrame({"kind": ["house"], "money": [10.0], "sill": [1.0]}, index=["b7"])
    names = ExposureColumns(occupancy="kind", max_damage="money", floor_height_m="sill")
    assert damage(frame, contacts(([1.0], 1.0)), [2.0], CURVES, columns=names)["damage"].to_dict() == {"b7": 5.0}


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"rule": "guess"}, "no such damage rule; .* expected: mean_depth, fiat, per_cell, at_point; got: guess"),
        ({"values": [1.0, 2.0]}, "lengths differ; where: the values; expected: 1 rows; got: 2"),
        ({"exposure": exposure(2)}, "lengths differ; where: the contacts' objects"),
        ({"exposure": pd.DataFrame({"occupancy": ["house"]})}, "a column is missing; where: the exposure; .* got: no max_damage"),
        ({"measure": np.ones(3)}, "lengths differ; where: the measures"),
    ],
)
def test_what_cannot_be_asked_is_refused(change, what):
    asked = {"exposure": exposure(), "contacts": contacts(([1.0], 1.0)), "values": [1.0], "curves": CURVES} | change
    with pytest.raises(ParameterError, match=what):
        damage(**asked)


def test_readings_of_zones_go_the_same_way():
    readings = pd.DataFrame({"value": [1.0, 1.0, 0.0, None], "share": [1.0, 0.5, 0.0, 0.0], "unknown_share": [0.0, 0.0, 0.0, 1.0]})
    found = damage_of_readings(exposure(4), readings, CURVES)
    assert found["damage"].fillna(-1).tolist() == [500, 250, 0, -1]
    assert found["unknown"].iloc[3] == "depth unknown"


def test_readings_serve_no_rule_that_needs_cells():
    with pytest.raises(ParameterError, match=r"the rule needs cells; .* got: per_cell"):
        damage_of_readings(exposure(), pd.DataFrame({"value": [1.0]}), CURVES, "per_cell")


@pytest.mark.parametrize(
    ("depth", "value", "kind", "money"),
    [(1.0, 10, "house", 5), (0.0, 10, "cellar", 0), (np.nan, 10, "house", np.nan), (1.0, np.nan, "house", np.nan),
     (1.0, -1, "house", np.nan), (0.0, 10, "pier", np.nan)],
)
def test_a_cell_of_a_value_raster(depth, value, kind, money):
    np.testing.assert_array_equal(grid_damage([[depth]], [[value]], CURVES, [[kind]]), [[money]])


def test_a_grid_wants_one_curve_or_an_occupancy():
    with pytest.raises(ParameterError, match=r"which curve is meant is not said; .* got: 2 curves"):
        grid_damage([1.0], [1.0], CURVES)
    with pytest.raises(ParameterError, match="depth and value differ in shape"):
        grid_damage([1.0, 2.0], [1.0], CURVES, "house")
    assert grid_damage([1.0], [4.0], CURVES, "house").tolist() == [2.0]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda rows: rows.assign(share=30.0), "a share is not 0 to 1; .*column share; .*got: 30.0; next: divide per cent"),
        (lambda rows: rows.assign(unknown_share=-0.1), "a share is not 0 to 1; .*column unknown_share"),
        (lambda rows: rows[::-1], "the readings are of other objects, or in another order"),
    ],
)
def test_readings_that_would_give_another_object_s_damage_are_refused(change, says):
    readings = pd.DataFrame({"value": [1.0, 0.0, 2.0, 3.0]})
    with pytest.raises(ParameterError, match=says):
        damage_of_readings(exposure(4), change(readings), CURVES)


def test_a_wet_object_of_unknown_share_has_no_known_depth() -> None:
    found = damage_of_readings(exposure(1), pd.DataFrame({"value": [1.0], "share": [np.nan]}), CURVES)
    assert found["unknown"].tolist() == ["depth unknown"]
