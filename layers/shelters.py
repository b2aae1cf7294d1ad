"""Emergency shelters 应急避难场所: how many places, how many are taken, open or closed, fit for which hazards."""

from geo_risk.model import Factor
from layers._layer import Column, Geometry, Layer, Style, choices
from layers._rules import given, not_above, places_from_area

LAYER = Layer(
    id="shelters",
    title={"en": "Shelters", "zh": "应急避难场所"},
    geometry=Geometry.POINT,
    group="response",
    key=("name",),
    columns=(
        Column("name", str, required=True, title={"en": "Name", "zh": "名称"}),
        Column(
            "kind",
            str,
            title={"en": "Kind", "zh": "类别"},
            choices=choices(
                ("shelter", "Shelter for staying", "避难所"),
                ("emergency_site", "Emergency site", "紧急避险场所"),
                ("tsunami_building", "Tsunami evacuation building", "海啸避难楼"),
            ),
        ),
        Column(
            "stay_class",
            str,
            title={"en": "Class of stay", "zh": "避难时长类别"},
            choices=choices(
                ("emergency", "Emergency, hours", "紧急"),
                ("temporary", "Temporary, a day", "临时"),
                ("short", "Short term, to 15 days", "短期"),
                ("medium", "Medium term, to 30 days", "中期"),
                ("long", "Long term, to 100 days", "长期"),
            ),
        ),
        Column("area_m2", float, minimum=0, maximum=10_000_000, unit="m2", title={"en": "Effective area", "zh": "有效避难面积"}),
        Column("capacity", int, minimum=0, maximum=1_000_000, unit="people", title={"en": "Capacity", "zh": "容纳人数"}),
        Column("occupancy", int, minimum=0, maximum=1_000_000, unit="people", title={"en": "Occupancy", "zh": "已安置人数"}),
        Column(
            "status",
            str,
            title={"en": "Status", "zh": "状态"},
            choices=choices(("open", "Open", "开放"), ("closed", "Closed", "关闭")),
        ),
        Column("for_flood", bool, title={"en": "For flood", "zh": "适用洪水"}),
        Column("for_waterlogging", bool, title={"en": "For waterlogging", "zh": "适用内涝"}),
        Column("for_landslide", bool, title={"en": "For landslide", "zh": "适用地质灾害"}),
        Column("for_storm_surge", bool, title={"en": "For storm surge", "zh": "适用风暴潮"}),
        Column("for_typhoon", bool, title={"en": "For typhoon", "zh": "适用台风"}),
        Column("for_earthquake", bool, title={"en": "For earthquake", "zh": "适用地震"}),
        Column("for_tsunami", bool, title={"en": "For tsunami", "zh": "适用海啸"}),
        Column("for_fire", bool, title={"en": "For large fire", "zh": "适用火灾"}),
        Column("for_volcano", bool, title={"en": "For volcano", "zh": "适用火山"}),
        Column("indoor", bool, title={"en": "Indoor", "zh": "室内"}),
        Column("address", str, title={"en": "Address", "zh": "地址"}),
        Column("keeper", str, sensitivity="internal", title={"en": "Keeper", "zh": "负责人"}),
        Column("phone", str, sensitivity="personal", title={"en": "Phone", "zh": "电话"}),
    ),
    checks=(
        not_above("occupancy", "capacity", "Occupancy is at most capacity", "已安置人数不超过容纳人数"),
        given("capacity", "Capacity is known", "容纳人数已知"),
    ),
    derivations=(places_from_area("area_m2", "stay_class", "capacity"),),
    factors=(
        Factor(
            id="shelter_places",
            role="coping",
            measure="free_places_inside",
            column="capacity",
            unit="people",
            where={"kind": ("shelter", None), "status": ("open", None)},
            title={"en": "Free places in shelters not closed", "zh": "未关闭避难所剩余容量"},
        ),
        Factor(
            id="shelter_distance",
            role="coping",
            measure="distance_m_to_nearest",
            unit="m",
            where={"status": ("open", None)},
            title={"en": "Distance to the nearest shelter not closed", "zh": "距最近未关闭避难场所"},
        ),
    ),
    style=Style(
        icon="house",
        colour="#1b7837",
        popup=(
            "kind",
            "status",
            "capacity",
            "occupancy",
            "area_m2",
            "stay_class",
            "for_flood",
            "for_landslide",
            "for_earthquake",
            "for_tsunami",
            "address",
        ),
        card=("kind", "status", "capacity", "occupancy", "address"),
    ),
    stale_after_days=365,
)
