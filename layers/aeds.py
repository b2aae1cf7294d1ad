"""Automated external defibrillators open to the public."""

from layers._layer import Column, Geometry, Layer, Style

LAYER = Layer(
    id="aeds",
    title={"en": "AEDs", "zh": "自动体外除颤器"},
    geometry=Geometry.POINT,
    group="response",
    key=("name", "floor"),
    columns=(
        Column("name", str, required=True, title={"en": "Name", "zh": "名称"}),
        Column("floor", str, title={"en": "Floor", "zh": "楼层"}),
        Column("opening_hours", str, title={"en": "Opening hours", "zh": "开放时间"}),
        Column("address", str, title={"en": "Address", "zh": "地址"}),
        Column("phone", str, sensitivity="personal", title={"en": "Phone", "zh": "电话"}),
    ),
    style=Style(
        icon="heart",
        colour="#d6006c",
        popup=("floor", "opening_hours", "address"),
        card=("floor", "opening_hours"),
        shown_at_start=False,
    ),
    stale_after_days=180,
)
