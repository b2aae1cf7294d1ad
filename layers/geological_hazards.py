"""Geological hazard points 地质灾害隐患点, scaled by the people and property they threaten."""

from geo_risk.model import Factor
from layers._layer import Column, Geometry, Layer, Style, choices
from layers._rules import threat_scale

LAYER = Layer(
    id="geological_hazards",
    title={"en": "Geological hazards", "zh": "地质灾害隐患点"},
    geometry=Geometry.POINT,
    group="hazard",
    key=("name",),
    columns=(
        Column("name", str, required=True, title={"en": "Name", "zh": "名称"}),
        Column(
            "type",
            str,
            title={"en": "Type", "zh": "灾害类型"},
            choices=choices(
                ("landslide", "Landslide", "滑坡"),
                ("rockfall", "Rockfall", "崩塌"),
                ("debris_flow", "Debris flow", "泥石流"),
                ("ground_collapse", "Ground collapse", "地面塌陷"),
                ("ground_fissure", "Ground fissure", "地裂缝"),
                ("subsidence", "Land subsidence", "地面沉降"),
                ("unstable_slope", "Unstable slope", "不稳定斜坡"),
            ),
        ),
        Column(
            "scale",
            str,
            title={"en": "Scale by threat", "zh": "险情等级"},
            choices=choices(
                ("very_large", "Very large", "特大型", "I"),
                ("large", "Large", "大型", "II"),
                ("medium", "Medium", "中型", "III"),
                ("small", "Small", "小型", "IV"),
            ),
        ),
        Column(
            "people_threatened",
            int,
            minimum=0,
            maximum=1_000_000,
            unit="people",
            title={"en": "People threatened", "zh": "受威胁人数"},
        ),
        Column(
            "property_yuan10k",
            float,
            minimum=0,
            unit="10,000 yuan",
            title={"en": "Property threatened", "zh": "受威胁财产（万元）"},
        ),
        Column("address", str, title={"en": "Address", "zh": "地址"}),
        Column("monitoring", str, title={"en": "Monitoring", "zh": "监测方式"}),
        Column("monitor", str, sensitivity="internal", title={"en": "Monitor", "zh": "监测人"}),
        Column("monitor_phone", str, sensitivity="personal", title={"en": "Monitor's phone", "zh": "监测人电话"}),
    ),
    derivations=(threat_scale("people_threatened", "property_yuan10k", "scale"),),
    factors=(
        Factor(
            id="geological_hazards_people",
            role="hazard",
            measure="sum_inside",
            column="people_threatened",
            unit="people",
            title={"en": "People threatened by geological hazards", "zh": "地质灾害隐患点受威胁人数"},
        ),
    ),
    style=Style(
        icon="slope",
        colour="#7f3b08",
        level_by="scale",
        popup=("type", "scale", "people_threatened", "property_yuan10k", "monitoring", "address"),
        card=("type", "scale", "people_threatened"),
    ),
    stale_after_days=180,
)
