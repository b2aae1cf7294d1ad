"""Helicopters 救援直升机: where they stand, what they carry, how far and how fast; what a pad must bear for them to land."""

from layers._layer import Column, Geometry, Layer, Style, choices

LAYER = Layer(
    id="helicopters",
    title={"en": "Helicopters", "zh": "救援直升机"},
    geometry=Geometry.POINT,
    group="response",
    key=("name",),
    columns=(
        Column("name", str, required=True, title={"en": "Name or registration", "zh": "名称或注册号"}),
        Column("kind", str, title={"en": "Type", "zh": "机型"}),
        Column("base", str, title={"en": "Base", "zh": "驻地"}),
        Column("d_value_m", float, minimum=1, maximum=60, unit="m", title={"en": "D-value, rotors turning", "zh": "D 值"}),
        Column("mass_t", float, minimum=0.1, maximum=60, unit="t", title={"en": "Mass at take-off", "zh": "起飞质量"}),
        Column("cruise_kmh", float, minimum=50, maximum=500, unit="km/h", title={"en": "Cruising speed", "zh": "巡航速度"}),
        Column("range_km", float, minimum=10, maximum=5000, unit="km", title={"en": "Range", "zh": "航程"}),
        Column("seats", int, minimum=0, maximum=200, unit="people", title={"en": "Seats for passengers", "zh": "载客座位"}),
        Column("ready_minutes", int, minimum=0, maximum=10_000, unit="min", title={"en": "Ready within", "zh": "准备时间"}),
        Column("night_flight", bool, title={"en": "Flies at night", "zh": "可夜航"}),
        Column("winch", bool, title={"en": "Winch", "zh": "绞车"}),
        Column(
            "status",
            str,
            title={"en": "Status", "zh": "状态"},
            choices=choices(("ready", "Ready", "待命"), ("out", "Out", "出动"), ("maintenance", "In maintenance", "维护")),
        ),
        Column("operator", str, title={"en": "Operator", "zh": "运营单位"}),
        Column("phone", str, sensitivity="personal", title={"en": "Phone", "zh": "电话"}),
    ),
    style=Style(
        icon="rotor",
        colour="#3f007d",
        popup=(
            "kind",
            "base",
            "status",
            "seats",
            "cruise_kmh",
            "range_km",
            "d_value_m",
            "mass_t",
            "ready_minutes",
            "night_flight",
            "winch",
            "operator",
        ),
        card=("kind", "status", "seats", "ready_minutes", "night_flight"),
    ),
    stale_after_days=90,
)
