"""Rivers 河流."""

from layers._layer import Column, Geometry, Layer, Style

LAYER = Layer(
    id="rivers",
    title={"en": "Rivers", "zh": "河流"},
    geometry=Geometry.LINE,
    group="base",
    columns=(
        Column("name", str, title={"en": "Name", "zh": "名称"}),
        Column("stream_order", int, minimum=1, maximum=12, title={"en": "Stream order (Strahler)", "zh": "河流级别（斯特拉勒）"}),
        Column("catchment_km2", float, minimum=0, unit="km2", title={"en": "Catchment", "zh": "集水面积"}),
    ),
    style=Style(icon="line", colour="#6baed6", popup=("stream_order", "catchment_km2"), card=("stream_order",)),
    stale_after_days=3650,
)
