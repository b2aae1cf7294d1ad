"""Facilities whose people need help to leave 重点照护场所: hospitals, homes, kindergartens, schools."""

from geo_risk.model import Factor
from layers._layer import Column, Geometry, Layer, Style

LAYER = Layer(
    id="care_facilities",
    title={"en": "Care facilities", "zh": "重点照护场所"},
    geometry=Geometry.POINT,
    group="people",
    key=("name", "address"),
    columns=(
        Column("name", str, required=True, title={"en": "Name", "zh": "名称"}),
        Column("kind", str, title={"en": "Kind", "zh": "类型"}),
        Column("category", str, title={"en": "Category", "zh": "分类"}),
        Column("people", int, minimum=0, maximum=100_000, unit="people", title={"en": "People cared for", "zh": "照护人数"}),
        Column("evacuation_plan_due", bool, title={"en": "Evacuation plan due", "zh": "应编制避险预案"}),
        Column("flood_class", str, title={"en": "Flood class as published", "zh": "洪水分级（原文）"}),
        Column("landslide_class", str, title={"en": "Landslide class as published", "zh": "地质灾害分级（原文）"}),
        Column("tsunami_class", str, title={"en": "Tsunami class as published", "zh": "海啸分级（原文）"}),
        Column("storm_surge_class", str, title={"en": "Storm-surge class as published", "zh": "风暴潮分级（原文）"}),
        Column("address", str, title={"en": "Address", "zh": "地址"}),
        Column("phone", str, sensitivity="personal", title={"en": "Phone", "zh": "电话"}),
    ),
    factors=(
        Factor(
            id="care_facilities_count",
            role="vulnerability",
            measure="count_inside",
            unit="facilities",
            title={"en": "Care facilities", "zh": "重点照护场所数量"},
        ),
    ),
    style=Style(
        icon="person",
        colour="#e07a5f",
        popup=("kind", "category", "people", "flood_class", "landslide_class", "tsunami_class", "address"),
        card=("kind", "people", "flood_class"),
        shown_at_start=False,
    ),
    stale_after_days=365,
)
