"""Counties 县区: the areas above towns."""

from layers._layer import Column, Geometry, Layer, Style

LAYER = Layer(
    id="counties",
    title={"en": "Counties", "zh": "县区"},
    geometry=Geometry.AREA,
    group="area",
    key=("name",),
    columns=(
        Column("name", str, required=True, title={"en": "Name", "zh": "名称"}),
        Column("code", str, pattern=r"[0-9]{12}", title={"en": "Code (12 digits)", "zh": "行政区划代码（12 位）"}),
        Column("code_year", int, minimum=1980, maximum=2200, title={"en": "Year of the code table", "zh": "代码年份"}),
        Column("population", int, minimum=0, maximum=100_000_000, unit="people", title={"en": "Population", "zh": "人口"}),
    ),
    style=Style(icon="area", colour="#252525", popup=("code", "population"), card=("population",)),
    stale_after_days=730,
)
