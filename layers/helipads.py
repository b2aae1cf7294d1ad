"""Helipads 直升机起降点: what can land there. Fields after MH 5013 and ICAO Annex 14 volume II."""

from geo_risk.model import Factor
from layers._layer import Column, Geometry, Layer, Style, choices

LAYER = Layer(
    id="helipads",
    title={"en": "Helipads", "zh": "直升机起降点"},
    geometry=Geometry.POINT,
    group="response",
    key=("name",),
    columns=(
        Column("name", str, required=True, title={"en": "Name", "zh": "名称"}),
        Column("kind", str, title={"en": "Kind", "zh": "类型"}),
        Column("pad_length_m", float, minimum=1, maximum=5000, unit="m", title={"en": "Pad length", "zh": "场地长度"}),
        Column("pad_width_m", float, minimum=1, maximum=5000, unit="m", title={"en": "Pad width", "zh": "场地宽度"}),
        Column("d_value_m", float, minimum=1, maximum=60, unit="m", title={"en": "D-value", "zh": "D 值"}),
        Column("max_mass_t", float, minimum=0.1, maximum=60, unit="t", title={"en": "Maximum mass", "zh": "最大质量"}),
        Column(
            "surface",
            str,
            title={"en": "Surface", "zh": "道面"},
            choices=choices(
                ("concrete", "Concrete", "混凝土"),
                ("asphalt", "Asphalt", "沥青"),
                ("grass", "Grass", "草地"),
                ("soil", "Soil", "土质"),
                ("other", "Other", "其他"),
            ),
        ),
        Column("slope_percent", float, minimum=0, maximum=30, unit="%", title={"en": "Slope", "zh": "坡度"}),
        Column("night_lights", bool, title={"en": "Night lights", "zh": "夜航灯光"}),
        Column("windsock", bool, title={"en": "Windsock", "zh": "风向袋"}),
        Column("obstacles", str, title={"en": "Obstacles", "zh": "障碍物"}),
        Column(
            "status",
            str,
            title={"en": "Status", "zh": "状态"},
            choices=choices(("open", "Open", "可用"), ("closed", "Closed", "停用")),
        ),
        Column("address", str, title={"en": "Address", "zh": "地址"}),
        Column("phone", str, sensitivity="personal", title={"en": "Phone", "zh": "电话"}),
    ),
    factors=(
        Factor(
            id="helipad_distance",
            role="coping",
            measure="distance_m_to_nearest",
            unit="m",
            where={"status": ("open", None)},
            title={"en": "Distance to the nearest helipad not closed", "zh": "距最近可用起降点"},
        ),
    ),
    style=Style(
        icon="h",
        colour="#54278f",
        popup=(
            "kind",
            "status",
            "pad_length_m",
            "pad_width_m",
            "d_value_m",
            "max_mass_t",
            "surface",
            "night_lights",
            "windsock",
            "obstacles",
            "address",
        ),
        card=("status", "pad_length_m", "pad_width_m", "max_mass_t", "night_lights"),
    ),
    stale_after_days=365,
)
