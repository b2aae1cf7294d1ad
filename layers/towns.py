"""Towns 乡镇街道 or neighbourhoods: the areas that are coloured by risk."""

from geo_risk.model import Factor
from layers._layer import Column, Geometry, Layer, Style
from layers._rules import not_above

LAYER = Layer(
    id="towns",
    title={"en": "Towns", "zh": "乡镇街道"},
    geometry=Geometry.AREA,
    group="area",
    key=("name", "county_code"),
    places_by="name",
    columns=(
        Column("name", str, required=True, title={"en": "Name", "zh": "名称"}),
        Column("code", str, pattern=r"[0-9]{12}", title={"en": "Code (12 digits)", "zh": "行政区划代码（12 位）"}),
        Column("county_code", str, pattern=r"[0-9]{12}", title={"en": "County code (12 digits)", "zh": "所属县代码（12 位）"}),
        Column("code_year", int, minimum=1980, maximum=2200, title={"en": "Year of the code table", "zh": "代码年份"}),
        Column("population", int, minimum=0, maximum=10_000_000, unit="people", title={"en": "Population", "zh": "人口"}),
        Column(
            "need_wheels",
            int,
            minimum=0,
            maximum=10_000_000,
            unit="people",
            title={"en": "Need wheels to move", "zh": "需车辆转移人数"},
        ),
        Column("need_care", int, minimum=0, maximum=10_000_000, unit="people", title={"en": "Need care", "zh": "需照护人数"}),
    ),
    checks=(
        not_above("need_wheels", "population", "Of the people some need wheels", "需车辆转移人数不超过人口"),
        not_above("need_care", "population", "Of the people some need care", "需照护人数不超过人口"),
    ),
    factors=(
        Factor(
            id="population",
            role="exposure",
            measure="own_value",
            column="population",
            unit="people",
            title={"en": "Population", "zh": "人口"},
        ),
    ),
    style=Style(icon="area", colour="#525252", popup=("code", "population"), card=("population",)),
    stale_after_days=730,
)
