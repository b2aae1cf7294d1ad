"""Every layer keeps the contract of a layer; nothing here names one."""

import pytest

from geo_risk.risk.measures import MEASURES
from layers._catalog import catalog
from layers._frame import DTYPES, empty
from layers._layer import SYSTEM_COLUMNS, Geometry, Layer
from layers._tables import scales
from maps.page import glyphs

LAYERS = list(catalog().values())
every_layer = pytest.mark.parametrize("layer", LAYERS, ids=[layer.id for layer in LAYERS])


@every_layer
def test_titles_stand_in_both_languages(layer: Layer) -> None:
    titles = [layer.title, *(column.title for column in layer.columns), *(check.title for check in layer.checks)]
    assert all(title["en"].strip() and title["zh"].strip() for title in titles)


@every_layer
def test_no_two_columns_share_a_title(layer: Layer) -> None:
    for language in ("en", "zh-CN"):
        titles = [column.titled(language) for column in layer.columns]
        assert len(set(titles)) == len(titles)


@every_layer
def test_the_empty_frame_has_the_declared_types(layer: Layer) -> None:
    frame = empty(layer)
    assert [str(frame[column.name].dtype) for column in layer.columns] == [DTYPES[column.type] for column in layer.columns]
    assert set(SYSTEM_COLUMNS) <= set(frame)


@every_layer
def test_phones_are_personal_and_people_are_not_public(layer: Layer) -> None:
    assert all(column.sensitivity == "personal" for column in layer.columns if "phone" in column.name)
    assert all(
        column.sensitivity != "public" for column in layer.columns if column.name in {"duty_holder", "monitor", "keeper", "leader"}
    )


@every_layer
def test_what_a_popup_or_card_shows_is_public(layer: Layer) -> None:
    public = {column.name for column in layer.readable(("public",))}
    assert {*layer.style.popup, *layer.style.card, layer.style.level_by, layer.style.look_by} - {None} <= public


@every_layer
def test_each_factor_names_a_measure_and_has_a_scale(layer: Layer) -> None:
    assert all(factor.measure in MEASURES and factor.id in scales() for factor in layer.factors)


@every_layer
def test_the_symbol_can_be_drawn(layer: Layer) -> None:
    assert layer.geometry is not Geometry.POINT or layer.style.icon in glyphs()


@every_layer
def test_the_file_says_what_it_is(layer: Layer) -> None:
    module = __import__(f"layers.{layer.id}", fromlist=["LAYER"])
    assert module.__doc__
    assert module.LAYER is layer


def test_every_scale_belongs_to_a_factor() -> None:
    assert set(scales()) == {factor.id for layer in LAYERS for factor in layer.factors}
