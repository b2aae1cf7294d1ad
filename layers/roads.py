"""Roads 道路, emergency transport roads among them."""

from layers._layer import Column, Geometry, Layer, Style, choices

LAYER = Layer(
    id="roads",
    title={"en": "Roads", "zh": "道路"},
    geometry=Geometry.LINE,
    group="base",
    columns=(
        Column("name", str, title={"en": "Name", "zh": "名称"}),
        Column(
            "road_class",
            str,
            title={"en": "Class", "zh": "等级"},
            choices=choices(
                ("motorway", "Motorway", "高速公路"),
                ("national", "National road", "国道"),
                ("provincial", "Provincial road", "省道"),
                ("county", "County road", "县道"),
                ("town", "Town road", "乡道"),
                ("forest", "Forest road", "林区道路"),
                ("other", "Other", "其他"),
            ),
        ),
        Column("emergency_rank", int, minimum=1, maximum=9, title={"en": "Emergency road rank", "zh": "应急通道等级"}),
        Column("kind", str, title={"en": "Kind as published", "zh": "类型（原文）"}),
        Column("made_of", str, title={"en": "Made of roads", "zh": "构成道路"}),
        Column("bridge", bool, title={"en": "Bridge", "zh": "桥梁"}),
        Column("one_way", bool, title={"en": "One way", "zh": "单行"}),
        Column("max_speed_kmh", float, minimum=1, maximum=130, unit="km/h", title={"en": "Speed limit", "zh": "限速"}),
    ),
    style=Style(
        icon="line",
        colour="#737373",
        popup=("road_class", "emergency_rank", "kind", "made_of", "bridge"),
        card=("road_class", "emergency_rank"),
    ),
    stale_after_days=730,
)
