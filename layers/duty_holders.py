"""Duty holders 防汛防灾责任人: who must be called for which area. No geometry; names and phones are not public."""

from layers._layer import Column, Geometry, Layer, Style, choices

LAYER = Layer(
    id="duty_holders",
    title={"en": "Duty holders", "zh": "责任人"},
    geometry=Geometry.NONE,
    group="people",
    key=("area_code", "area_name", "post"),
    columns=(
        Column("post", str, required=True, title={"en": "Post", "zh": "岗位"}),
        Column("organisation", str, title={"en": "Organisation", "zh": "单位"}),
        Column("area_code", str, pattern=r"[0-9]{12}", title={"en": "Area code (12 digits)", "zh": "责任区代码（12 位）"}),
        Column("area_name", str, title={"en": "Area", "zh": "责任区"}),
        Column(
            "duty",
            str,
            title={"en": "Duty", "zh": "职责"},
            choices=choices(
                ("flood", "Flood", "防汛"),
                ("geological", "Geological hazards", "地质灾害"),
                ("forest_fire", "Forest fire", "森林防火"),
                ("all", "All hazards", "综合"),
            ),
        ),
        Column("name", str, sensitivity="internal", title={"en": "Name", "zh": "姓名"}),
        Column("phone", str, sensitivity="personal", title={"en": "Phone", "zh": "电话"}),
    ),
    style=Style(
        icon="person",
        colour="#333333",
        popup=("post", "organisation", "area_name", "duty"),
        card=("organisation", "area_name", "duty"),
    ),
    stale_after_days=30,
)
