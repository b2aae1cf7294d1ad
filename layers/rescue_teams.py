"""Rescue teams 应急救援队伍: what they are for, how many, how soon they can leave."""

from geo_risk.model import Factor
from layers._layer import Column, Geometry, Layer, Style, choices

LAYER = Layer(
    id="rescue_teams",
    title={"en": "Rescue teams", "zh": "应急救援队伍"},
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
                ("fire_rescue", "Fire and rescue", "综合性消防救援"),
                ("water", "Water rescue", "水上救援"),
                ("mountain", "Mountain rescue", "山地救援"),
                ("forest_fire", "Forest fire", "森林防灭火"),
                ("medical", "Medical", "医疗救护"),
                ("engineering", "Engineering", "工程抢险"),
                ("militia", "Militia", "民兵"),
                ("volunteer", "Volunteers", "社会救援力量"),
            ),
        ),
        Column("people", int, minimum=0, maximum=100_000, unit="people", title={"en": "People", "zh": "人数"}),
        Column("ready_minutes", int, minimum=0, maximum=10_000, unit="min", title={"en": "Ready within", "zh": "集结时间"}),
        Column(
            "status",
            str,
            title={"en": "Status", "zh": "状态"},
            choices=choices(("ready", "Ready", "待命"), ("out", "Out", "出动"), ("off_duty", "Off duty", "休整")),
        ),
        Column("equipment", str, title={"en": "Equipment", "zh": "装备"}),
        Column("address", str, title={"en": "Address", "zh": "地址"}),
        Column("leader", str, sensitivity="internal", title={"en": "Leader", "zh": "队长"}),
        Column("phone", str, sensitivity="personal", title={"en": "Phone", "zh": "电话"}),
    ),
    factors=(
        Factor(
            id="team_distance",
            role="coping",
            measure="distance_m_to_nearest",
            unit="m",
            where={"status": ("ready", None)},
            title={"en": "Distance to the nearest team that is not out", "zh": "距最近待命救援队伍"},
        ),
    ),
    style=Style(
        icon="cross",
        colour="#c1121f",
        popup=("kind", "people", "ready_minutes", "status", "equipment", "address"),
        card=("kind", "people", "ready_minutes", "status"),
    ),
    stale_after_days=180,
)
