"""Forest-fire checkpoints 森林防火检查站: who stands there, in which season, with what."""

from layers._layer import Column, Geometry, Layer, Style, choices

_DAY_OF_YEAR = r"(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"

LAYER = Layer(
    id="fire_checkpoints",
    title={"en": "Forest-fire checkpoints", "zh": "森林防火检查站"},
    geometry=Geometry.POINT,
    group="response",
    key=("name",),
    columns=(
        Column("name", str, required=True, title={"en": "Name", "zh": "名称"}),
        Column(
            "kind",
            str,
            title={"en": "Kind", "zh": "类型"},
            choices=choices(
                ("permanent", "Permanent", "固定"),
                ("seasonal", "Seasonal", "季节性"),
                ("temporary", "Temporary", "临时"),
            ),
        ),
        Column("staff_on_duty", int, minimum=0, maximum=1000, unit="people", title={"en": "Staff on duty", "zh": "在岗人数"}),
        Column("season_start", str, pattern=_DAY_OF_YEAR, title={"en": "Season starts (MM-DD)", "zh": "防火期开始（月-日）"}),
        Column("season_end", str, pattern=_DAY_OF_YEAR, title={"en": "Season ends (MM-DD)", "zh": "防火期结束（月-日）"}),
        Column("equipment", str, title={"en": "Equipment", "zh": "装备"}),
        Column("road_watched", str, title={"en": "Road watched", "zh": "管控道路"}),
        Column("address", str, title={"en": "Address", "zh": "地址"}),
        Column("keeper", str, sensitivity="internal", title={"en": "Keeper", "zh": "负责人"}),
        Column("phone", str, sensitivity="personal", title={"en": "Phone", "zh": "电话"}),
    ),
    style=Style(
        icon="flame",
        colour="#b45309",
        popup=("kind", "staff_on_duty", "season_start", "season_end", "equipment", "road_watched", "address"),
        card=("kind", "staff_on_duty", "equipment"),
    ),
    stale_after_days=180,
)
