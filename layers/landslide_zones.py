"""Landslide warning zones 地质灾害风险区: areas designated for slope failure, debris flow or landslide."""

import datetime as dt

from geo_risk.model import Factor
from layers._layer import Column, Geometry, Layer, Style, choices

LAYER = Layer(
    id="landslide_zones",
    title={"en": "Landslide zones", "zh": "地质灾害风险区"},
    geometry=Geometry.AREA,
    group="hazard",
    columns=(
        Column("name", str, title={"en": "Name", "zh": "名称"}),
        Column("code", str, title={"en": "Zone code", "zh": "区域编号"}),
        Column(
            "zone_class",
            str,
            required=True,
            title={"en": "Class", "zh": "等级"},
            choices=choices(
                ("special", "Special warning (red)", "特别警戒区", "I"),
                ("warning", "Warning (yellow)", "警戒区", "III"),
            ),
        ),
        Column(
            "type",
            str,
            title={"en": "Type", "zh": "灾害类型"},
            choices=choices(
                ("steep_slope", "Steep slope failure", "陡坡崩塌"),
                ("debris_flow", "Debris flow", "泥石流"),
                ("landslide", "Landslide", "滑坡"),
            ),
        ),
        Column("designated_on", dt.date, title={"en": "Designated on", "zh": "公布日期"}),
        Column("address", str, title={"en": "Address", "zh": "地址"}),
    ),
    factors=(
        Factor(
            id="landslide_zones_share",
            role="hazard",
            measure="share_in_zones",
            unit="share",
            title={"en": "Share of the area in landslide zones", "zh": "地质灾害风险区面积占比"},
        ),
    ),
    style=Style(
        icon="area",
        colour="#8c510a",
        level_by="zone_class",
        popup=("zone_class", "type", "code", "designated_on", "address"),
        card=("zone_class", "type", "address"),
    ),
    stale_after_days=1825,
)
