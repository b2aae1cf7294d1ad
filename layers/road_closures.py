"""Closures 道路管制与中断: what shuts roads now, why, from when until when. The one list that every access question reads.

A row says what it shuts by one of: the geometry (an area drawn on the map), ``roads`` (ids of roads, or of parts such as
``way/12#3``), a centre with a radius, or a raster of flood depth.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from layers._layer import Column, Geometry, Layer, RowCheck, Style, choices

_MOMENT = (
    r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    r"T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})"
)


def _whole_circle(rows: pd.DataFrame) -> pd.Series:
    known = rows[["centre_lon", "centre_lat", "radius_m"]].notna()
    return (known.all(axis=1) | ~known.any(axis=1)).astype("boolean")


def _whole_circle_of(row: Mapping[str, Any]) -> bool:
    known = [row[name] is not None for name in ("centre_lon", "centre_lat", "radius_m")]
    return all(known) or not any(known)


LAYER = Layer(
    id="road_closures",
    title={"en": "Road closures", "zh": "道路管制与中断"},
    geometry=Geometry.AREA,
    group="response",
    place_optional=True,
    key=("title", "since"),
    columns=(
        Column("title", str, required=True, title={"en": "What", "zh": "事由"}),
        Column(
            "cause",
            str,
            required=True,
            title={"en": "Cause", "zh": "原因"},
            choices=choices(
                ("flood", "Under water", "积水淹没"),
                ("landslide", "Landslide", "滑坡塌方"),
                ("bridge", "Bridge out", "桥梁中断"),
                ("damage", "Road damaged", "路面损毁"),
                ("fire", "Fire", "火灾"),
                ("blast", "Blast or leak", "爆炸或泄漏"),
                ("control", "Traffic control", "交通管制"),
                ("other", "Other", "其他"),
            ),
        ),
        Column("roads", str, title={"en": "Roads (ids, by comma)", "zh": "道路编号（逗号分隔）"}),
        Column("centre_lon", float, minimum=-180, maximum=180, title={"en": "Centre, longitude", "zh": "中心经度"}),
        Column("centre_lat", float, minimum=-90, maximum=90, title={"en": "Centre, latitude", "zh": "中心纬度"}),
        Column("radius_m", float, minimum=1, maximum=200_000, unit="m", title={"en": "Radius", "zh": "半径"}),
        Column("depth_raster", str, pattern=r"[A-Za-z0-9_.-]{1,80}", title={"en": "Raster of flood depth", "zh": "淹没水深栅格"}),
        Column(
            "bridges",
            str,
            title={"en": "Bridges in it", "zh": "范围内桥梁"},
            choices=choices(("kept", "Kept open", "保持通行"), ("lost", "Shut too", "一并中断")),
        ),
        Column("vehicles", str, title={"en": "Only for (all if empty)", "zh": "仅限车辆（空为全部）"}),
        Column("since", str, pattern=_MOMENT, title={"en": "Since", "zh": "开始时间"}),
        Column("until", str, pattern=_MOMENT, title={"en": "Until", "zh": "结束时间"}),
        Column("said_by", str, sensitivity="internal", title={"en": "Said by", "zh": "填报人"}),
    ),
    checks=(
        RowCheck(
            "whole_circle",
            ("centre_lon", "centre_lat", "radius_m"),
            _whole_circle,
            {"en": "A circle has a centre and a radius", "zh": "圆形范围须有中心和半径"},
            "error",
            _whole_circle_of,
            "num_nonnulls({centre_lon}, {centre_lat}, {radius_m}) IN (0, 3)",
        ),
    ),
    style=Style(
        icon="barrier",
        colour="#d7301f",
        popup=("cause", "roads", "radius_m", "depth_raster", "bridges", "vehicles", "since", "until"),
        card=("cause", "since", "until"),
    ),
    stale_after_days=1,
)
