"""Rain gauges 雨量站: where rain is measured, and how the gauge counts; its readings are observations, not features."""

from layers._layer import Column, Geometry, Layer, Style, choices

LAYER = Layer(
    id="rain_gauges",
    title={"en": "Rain gauges", "zh": "雨量站"},
    geometry=Geometry.POINT,
    group="hazard",
    key=("code",),
    columns=(
        Column("name", str, required=True, title={"en": "Name", "zh": "名称"}),
        Column("code", str, required=True, title={"en": "Station code", "zh": "站码"}),
        Column(
            "counts",
            str,
            title={"en": "How it counts", "zh": "计量方式"},
            choices=choices(("interval", "Rain of each interval", "时段雨量"), ("total", "Total since a reset", "累计雨量")),
        ),
        Column("interval_min", int, minimum=1, maximum=1440, unit="min", title={"en": "Reports every", "zh": "报汛间隔"}),
        Column("address", str, title={"en": "Address", "zh": "地址"}),
    ),
    style=Style(
        icon="dot",
        colour="#3182bd",
        popup=("code", "counts", "interval_min", "address"),
        card=("code", "interval_min"),
        shown_at_start=False,
    ),
)
