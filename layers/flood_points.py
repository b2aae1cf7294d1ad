"""Key flood-control points 防汛重点部位: where water threatens people, who answers for each, and what is not yet mended."""

import datetime as dt

from geo_risk.model import Factor
from layers._layer import Column, Geometry, Layer, Style, choices
from layers._rules import not_above

LAYER = Layer(
    id="flood_points",
    title={"en": "Flood-control points", "zh": "防汛重点部位"},
    geometry=Geometry.POINT,
    group="hazard",
    key=("name",),
    columns=(
        Column("name", str, required=True, title={"en": "Name", "zh": "名称"}),
        Column(
            "kind",
            str,
            title={"en": "Kind", "zh": "类型"},
            choices=choices(
                ("reservoir", "Reservoir", "水库"),
                ("dike", "Dike", "堤防"),
                ("sluice", "Sluice or pump", "闸泵"),
                ("flash_flood_valley", "Flash-flood valley", "山洪沟"),
                ("low_lying", "Low-lying area", "低洼易涝点"),
                ("underpass", "Underpass", "下穿通道"),
                ("unsafe_house", "Unsafe houses", "危旧房"),
                ("construction", "Construction site", "在建工程"),
                ("other", "Other", "其他"),
            ),
        ),
        Column("address", str, title={"en": "Address", "zh": "地址"}),
        Column(
            "people_threatened",
            int,
            minimum=0,
            maximum=1_000_000,
            unit="people",
            title={"en": "People threatened", "zh": "受威胁人数"},
        ),
        Column(
            "need_wheels",
            int,
            minimum=0,
            maximum=1_000_000,
            unit="people",
            title={"en": "Need wheels to move", "zh": "需车辆转移人数"},
        ),
        Column("need_care", int, minimum=0, maximum=1_000_000, unit="people", title={"en": "Need care", "zh": "需照护人数"}),
        Column("warning_level_m", float, minimum=-500, maximum=6000, unit="m", title={"en": "Warning level", "zh": "警戒水位"}),
        Column("guarantee_level_m", float, minimum=-500, maximum=6000, unit="m", title={"en": "Guarantee level", "zh": "保证水位"}),
        Column(
            "hidden_danger",
            str,
            title={"en": "Hidden danger", "zh": "隐患状态"},
            choices=choices(
                ("open", "Open", "未整改", "II"),
                ("rectified", "Rectified", "已整改", "IV"),
                ("none", "None found", "无隐患", "IV"),
            ),
        ),
        Column("found_on", dt.date, title={"en": "Danger found on", "zh": "隐患发现日期"}),
        Column("rectified_on", dt.date, title={"en": "Danger rectified on", "zh": "整改完成日期"}),
        Column("duty_post", str, title={"en": "Duty post", "zh": "责任单位"}),
        Column("duty_holder", str, sensitivity="internal", title={"en": "Duty holder", "zh": "责任人"}),
        Column("duty_phone", str, sensitivity="personal", title={"en": "Duty phone", "zh": "责任人电话"}),
    ),
    checks=(
        not_above(
            "warning_level_m", "guarantee_level_m", "The warning level is at most the guarantee level", "警戒水位不高于保证水位"
        ),
        not_above("need_wheels", "people_threatened", "Of those threatened some need wheels", "需车辆转移人数不超过受威胁人数"),
        not_above("need_care", "people_threatened", "Of those threatened some need care", "需照护人数不超过受威胁人数"),
        not_above("found_on", "rectified_on", "Found before rectified", "发现日期不晚于整改日期"),
    ),
    factors=(
        Factor(
            id="flood_points_people",
            role="hazard",
            measure="sum_inside",
            column="people_threatened",
            unit="people",
            title={"en": "People threatened at flood-control points", "zh": "防汛重点部位受威胁人数"},
        ),
    ),
    style=Style(
        icon="wave",
        colour="#08519c",
        level_by="hidden_danger",
        popup=(
            "kind",
            "people_threatened",
            "warning_level_m",
            "guarantee_level_m",
            "hidden_danger",
            "rectified_on",
            "duty_post",
            "address",
        ),
        card=("kind", "people_threatened", "hidden_danger"),
    ),
    stale_after_days=90,
)
