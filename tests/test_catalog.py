import pytest

from geo_risk.errors import NotFound
from layers._catalog import catalog, layer


def test_the_five_layers_of_a_bureau_are_there() -> None:
    assert {"flood_points", "geological_hazards", "fire_checkpoints", "shelters", "helipads"} <= set(catalog())


def test_an_unknown_layer_lists_those_there_are() -> None:
    with pytest.raises(NotFound, match=r"no layer 'shelter'; expected: one of .*shelters"):
        layer("shelter")


def test_hostile_names_are_not_repeated() -> None:
    with pytest.raises(NotFound, match="text of 8 characters"):
        layer("<script>")
