"""Water-level gauges 水位站, with the levels that warnings go by; all in the same datum of height as the readings."""

from layers._layer import Column, Geometry, Layer, Style
from layers._rules import given, not_above


def level(name: str, en: str, zh: str) -> Column:
    return Column(name, float, minimum=-500, maximum=6000, unit="m", title={"en": en, "zh": zh})


LAYER = Layer(
    id="water_gauges",
    title={"en": "Water-level gauges", "zh": "水位站"},
    geometry=Geometry.POINT,
    group="hazard",
    key=("code",),
    columns=(
        Column("name", str, required=True, title={"en": "Name", "zh": "名称"}),
        Column("code", str, required=True, title={"en": "Station code", "zh": "站码"}),
        Column("river", str, title={"en": "River", "zh": "河流"}),
        Column("datum", str, title={"en": "Datum of heights", "zh": "高程基准"}),
        level("warning_level_m", "Warning level", "警戒水位"),
        level("guarantee_level_m", "Guarantee level", "保证水位"),
        level("record_level_m", "Highest on record", "历史最高水位"),
        level("level_5y_m", "5-year flood level", "5年一遇水位"),
        level("level_20y_m", "20-year flood level", "20年一遇水位"),
        level("level_50y_m", "50-year flood level", "50年一遇水位"),
    ),
    checks=(
        not_above(
            "warning_level_m", "guarantee_level_m", "The warning level is at most the guarantee level", "警戒水位不高于保证水位"
        ),
        given("warning_level_m", "The warning level is given", "警戒水位已填"),
    ),
    style=Style(
        icon="wave",
        colour="#0868ac",
        popup=("code", "river", "warning_level_m", "guarantee_level_m", "record_level_m", "datum"),
        card=("river", "warning_level_m", "guarantee_level_m"),
        shown_at_start=False,
    ),
)
