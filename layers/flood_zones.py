"""Flood extents 洪涝淹没范围: forecast, design or past, with a depth class or a year."""

import datetime as dt

from geo_risk.model import Factor
from layers._layer import Column, Geometry, Layer, Look, Style, choices
from layers._rules import depth_bound, not_above, years_agree

LAYER = Layer(
    id="flood_zones",
    title={"en": "Flood zones", "zh": "洪涝淹没范围"},
    geometry=Geometry.AREA,
    group="hazard",
    columns=(
        Column(
            "kind",
            str,
            required=True,
            title={"en": "Kind", "zh": "类型"},
            choices=choices(
                ("forecast", "Forecast", "预报"),
                ("design", "Design", "设计"),
                ("past", "Past", "历史"),
            ),
        ),
        Column("place", str, title={"en": "Place", "zh": "地点"}),
        Column("event", str, title={"en": "Event", "zh": "事件"}),
        Column("date", dt.date, title={"en": "Date", "zh": "日期"}),
        Column("year", int, minimum=1000, maximum=2200, title={"en": "Year", "zh": "年份"}),
        Column("hour", int, minimum=0, maximum=240, unit="h", title={"en": "Hour of the forecast", "zh": "预报时效"}),
        Column("return_period_years", float, minimum=1, maximum=100_000, unit="a", title={"en": "Return period", "zh": "重现期"}),
        Column("depth_class", str, title={"en": "Depth class as published", "zh": "水深分级（原文）"}),
        Column("depth_min_m", float, minimum=0, maximum=100, unit="m", title={"en": "Depth from", "zh": "水深下限"}),
        Column("depth_max_m", float, minimum=0, maximum=100, unit="m", title={"en": "Depth to", "zh": "水深上限"}),
    ),
    checks=(
        not_above("depth_min_m", "depth_max_m", "Depth from is at most depth to", "水深下限不大于上限"),
        years_agree("date", "year"),
    ),
    derivations=(depth_bound("depth_class", "lower", "depth_min_m"), depth_bound("depth_class", "upper", "depth_max_m")),
    factors=(
        Factor(
            id="flooded_before",
            role="hazard",
            measure="share_in_zones",
            where={"kind": ("past",)},
            unit="share",
            title={"en": "Share of the area flooded before", "zh": "历史淹没面积占比"},
        ),
        Factor(
            id="design_depth",
            role="hazard",
            measure="mean_depth_m_in_zones",
            column="depth_min_m",
            where={"kind": ("design",)},
            unit="m",
            title={"en": "Mean design flood depth over the area (lower bounds)", "zh": "设计淹没平均水深（取下限）"},
        ),
        Factor(
            id="flood_forecast",
            role="hazard",
            measure="share_in_zones",
            where={"kind": ("forecast",)},
            unit="share",
            title={"en": "Share of the area in the forecast flood", "zh": "预报淹没面积占比"},
        ),
    ),
    style=Style(
        icon="area",
        colour="#007f8c",  # teal: blue is level IV, green is shelters
        look_by="kind",
        looks=(
            Look("past", fill_opacity=0.1, outline_opacity=0.75, dash="3 3"),
            Look("design", fill_opacity=0.2, outline_opacity=0.65, outline_px=0.8),
            Look("forecast", fill_opacity=0.42, outline_opacity=0.0),
        ),
        popup=("kind", "place", "event", "date", "year", "depth_class", "depth_min_m", "depth_max_m"),
        card=("kind", "place", "year", "depth_class"),
    ),
    stale_after_days=3650,
)
