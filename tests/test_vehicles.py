"""Table *vehicles*: each row holds together, and says where it comes from."""

from pathlib import Path

import pytest

from geo_risk.access.road_graph import MODES
from geo_risk.errors import DeclarationError, NotFound
from layers._catalog import layer
from layers._tables.vehicle_table import class_modes, vehicle, vehicles

CLASSES = {choice.id for column in layer("roads").columns if column.name == "road_class" for choice in column.choices}


def test_there_are_five_and_each_says_its_source_and_who_checked_it() -> None:
    assert list(vehicles()) == ["car", "truck", "bicycle", "foot", "boat"]
    assert all(each.source and each.checked and set(each.title) == {"en", "zh"} for each in vehicles().values())


def test_depths_are_the_conventions_and_a_boat_needs_water() -> None:
    assert {name: each.max_depth_m for name, each in vehicles().items() if name in {"car", "truck"}} == {"car": 0.3, "truck": 0.7}
    assert vehicle("boat").min_depth_m > vehicle("car").max_depth_m
    assert vehicle("boat").max_depth_m == float("inf")


def test_classes_and_modes_are_those_that_roads_have() -> None:
    assert set().union(*(each.speed_kmh for each in vehicles().values()), class_modes()) <= CLASSES
    assert {mode for modes in class_modes().values() for mode in modes} <= set(MODES)
    assert "foot" not in class_modes()["motorway"]
    assert set(vehicle("foot").speed_kmh) == CLASSES - {"motorway"}


def test_an_unknown_vehicle_is_named_with_those_there_are() -> None:
    with pytest.raises(NotFound, match=r"no such vehicle; .*expected: car, truck, bicycle, foot, boat; got: sledge"):
        vehicle("sledge")


@pytest.mark.parametrize(
    ("wrong", "right", "says"),
    [
        ("max_depth_m = 0.3", "max_depth_m = -0.3", "least <= most"),
        ("walk_kmh = 4.0", "walk_kmh = 0", "above 0"),
        ("heeds_limit = true", "heeds = true", "heeds, heeds_limit"),
    ],
)
def test_a_deployment_s_row_that_does_not_hold_together_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: str, right: str, says: str
) -> None:
    ours = Path(__file__).parents[1] / "layers" / "_tables" / "vehicles.toml"
    (tmp_path / "vehicles.toml").write_text(ours.read_text(encoding="utf-8").replace(wrong, right, 1), encoding="utf-8")
    monkeypatch.setenv("GEO_RISK_TABLES", str(tmp_path))
    with pytest.raises(DeclarationError, match=says):
        vehicles()
