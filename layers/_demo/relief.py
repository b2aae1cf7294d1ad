"""What helps: shelters, helipads, fire checkpoints, teams, depots, AEDs; whom to help: care facilities; whom to call."""

from typing import Final

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from layers._catalog import layer
from layers._demo.grid import Ints, draws
from layers._demo.names import Names
from layers._demo.sites import Country, Sites, addresses, dealt, drawn_sites, ids, joined, placed, short_names, with_gaps
from layers._frame import typed
from layers._rules import places_from_area

SHELTERS: Final = 322
HELIPADS: Final = 10
HELICOPTERS: Final = 5
TEAMS: Final = 62
DEPOTS: Final = 31
AEDS: Final = 256
CARE_FACILITIES: Final = 402
_CARE_IN_EACH: Final = 3
_UNMEASURED: Final = 40
"""The town of a shelter whose size and capacity nobody knows."""
_STAY_SHARES: Final = {"emergency": 12, "temporary": 30, "short": 40, "medium": 14, "long": 4}
_HOUSES: Final = ("中心小学", "初级中学", "文化礼堂", "体育馆", "党群服务中心", "高级中学", "老年活动中心", "实验学校")
_OPEN_AIR: Final = ("人民广场", "体育公园", "中心公园", "学校操场", "滨江绿地", "停车场")


def _near_people(country: Country, least: int = 20) -> Ints:
    dry = (country.peak_m < 0.5) & ~country.drainage.is_stream & (country.ground.slope < 0.16)
    return np.where(dry & (country.areas.people >= least), country.areas.people, 0)


def _by_seats(rng: np.random.Generator, country: Country, seats: Ints) -> Sites:
    """A point by each of these towns' seats: the nearest cell that has room, dry and not steep."""
    x, y = country.grid.centres_m
    fit = np.flatnonzero(_near_people(country, 0) + (country.areas.people == 0) * (country.ground.slope < 0.16) > 0)
    fit = fit[~country.drainage.is_stream[fit] & (country.peak_m[fit] == 0)]
    east, north = x[fit], y[fit]
    found = []
    for seat in seats.tolist():
        gap = (east - x[seat]) ** 2 + (north - y[seat]) ** 2
        close = np.flatnonzero(gap <= np.partition(gap, 11)[11])
        near = fit[close[np.argsort(gap[close], kind="stable")[:12]]]
        found.append(placed(rng, country, near[country.areas.town_of[near] == country.areas.town_of[seat]], 1))
    return joined(*found)


def make_shelters(seed: int, country: Country) -> gpd.GeoDataFrame:
    """One by every seat and the rest where people live; some open tonight and filling, some closed."""
    rng = draws(seed, 8)
    names = Names(rng)
    by_seats = _by_seats(rng, country, country.areas.seats)
    sites = joined(by_seats, drawn_sites(rng, country, _near_people(country), SHELTERS - len(by_seats)))
    count = len(sites)
    indoor = np.concatenate([np.ones(len(by_seats), dtype=bool), rng.integers(0, 5, count - len(by_seats)) < 3])
    stay = [kind if inside else "emergency" for kind, inside in zip(dealt(rng, count, _STAY_SHARES), indoor, strict=True)]
    area = np.where(indoor, rng.integers(9, 130, count) * 20.0, rng.integers(40, 600, count) * 20.0)
    status = dealt(rng, count, {"open": 80, "closed": 17, None: 3})
    unmeasured = int(np.flatnonzero(sites.towns == _UNMEASURED)[0])
    area[unmeasured], status[unmeasured] = np.nan, "open"
    fit = _fit(draws(seed, 17), indoor, len(by_seats))
    short = short_names(country)
    endings = [
        (_HOUSES if inside else _OPEN_AIR)[int(pick)] for inside, pick in zip(indoor, rng.integers(0, 6, count), strict=True)
    ]
    columns: dict[str, object] = {
        "name": [names.unique(short[town] + ending) for town, ending in zip(sites.towns, endings, strict=True)],
        "kind": ["shelter" if inside else "emergency_site" for inside in indoor],
        "stay_class": stay,
        "area_m2": area,
        "status": status,
        "for_flood": rng.integers(0, 10, count) > 0,
        "for_waterlogging": rng.integers(0, 10, count) > 1,
        "for_landslide": rng.integers(0, 10, count) > 2,
        "for_storm_surge": np.zeros(count, dtype=bool),
        "for_typhoon": indoor,
        "for_earthquake": rng.integers(0, 10, count) > 1,
        "for_tsunami": np.zeros(count, dtype=bool),
        "for_fire": ~indoor,
        "for_volcano": [None] * count,
        "wheelchair": fit[0],
        "care": fit[1],
        "indoor": indoor,
        "address": with_gaps(rng, addresses(names, country, sites), 25),
        "keeper": [names.person() for _ in range(count)],
        "phone": with_gaps(rng, [names.phone() for _ in range(count)], 20),
    }
    plain = typed(layer("shelters"), columns, sites.points, ids("shelters", count))
    return _with_places(rng, plain, country.struck[sites.towns])


def _fit(rng: np.random.Generator, indoor: NDArray[np.bool_], by_seats: int) -> tuple[list[bool | None], list[bool | None]]:
    """Which shelters take wheelchairs and which have care: some of those indoors, all at seats for wheels; a few nobody asked."""
    wheels = indoor & ((np.arange(len(indoor)) < by_seats) | (rng.integers(0, 10, len(indoor)) < 4))
    care = indoor & (rng.integers(0, 10, len(indoor)) < 3)
    return with_gaps(rng, wheels.tolist(), 30), with_gaps(rng, care.tolist(), 30)


def _with_places(rng: np.random.Generator, shelters: gpd.GeoDataFrame, struck: NDArray[np.bool_]) -> gpd.GeoDataFrame:
    """Capacity by the layer's own rule from the area; occupancy only where open, more where the storm has come."""
    fits = places_from_area("area_m2", "stay_class", "capacity").rule(shelters)
    capacity = fits.floordiv(10).mul(10).astype("Int64")
    share = np.where(struck, 60 + rng.integers(0, 41, len(shelters)), rng.integers(0, 25, len(shelters)))
    occupancy = capacity.mul(share).floordiv(100).where(shelters["status"].eq("open"), 0)
    reported = rng.integers(0, 30, len(shelters)) > 0
    return shelters.assign(capacity=capacity, occupancy=occupancy.where(reported))


def make_helipads(seed: int, country: Country) -> gpd.GeoDataFrame:
    """One by each county's seat, the rest in towns of the hills."""
    rng = draws(seed, 9)
    names = Names(rng)
    counties = [int(np.flatnonzero(country.areas.county_of == county)[0]) for county in range(len(country.areas.counties))]
    hills = [town for town, kind in enumerate(country.areas.kind) if kind == "mountain" and town not in counties]
    towns = counties + hills[:: max(1, len(hills) // (HELIPADS - len(counties)))][: HELIPADS - len(counties)]
    sites = _by_seats(rng, country, country.areas.seats[towns])
    count = len(sites)
    d_value = rng.integers(24, 46, count) / 2.0
    short = short_names(country)
    ending = ["人民医院停机坪"] * len(counties) + ["直升机起降点"] * (count - len(counties))
    columns = {
        "name": [short[town] + words for town, words in zip(towns, ending, strict=True)],
        "kind": ["医院"] * len(counties) + ["野外"] * (count - len(counties)),
        "pad_length_m": np.floor(d_value * 1.5) + rng.integers(0, 12, count),
        "pad_width_m": np.floor(d_value * 1.5),
        "d_value_m": d_value,
        "max_mass_t": np.round(d_value * d_value / 40.0, 1),
        "surface": ["concrete"] * len(counties) + dealt(rng, count - len(counties), {"concrete": 1, "grass": 2, "soil": 1}),
        "slope_percent": rng.integers(0, 21, count) / 10.0,
        "night_lights": [True] * len(counties) + [False] * (count - len(counties)),
        "windsock": rng.integers(0, 4, count) > 0,
        "obstacles": with_gaps(rng, dealt(rng, count, {"无": 6, "东侧高压线": 2, "北侧山体": 2}), 8),
        "status": ["open"] * (count - 1) + ["closed"],
        "address": addresses(names, country, sites),
        "phone": [names.phone() for _ in range(count)],
    }
    return typed(layer("helipads"), columns, sites.points, ids("helipads", count))


_AIRCRAFT: Final = (
    ("中型救援直升机", 16.0, 6.4, 250.0, 800.0, 12, True, True), ("中型运输直升机", 17.5, 7.5, 240.0, 900.0, 14, True, True),
    ("轻型救援直升机", 13.0, 3.1, 220.0, 600.0, 5, False, True), ("轻型巡护直升机", 10.7, 2.2, 200.0, 640.0, 4, False, False),
)  # fmt: skip
"""Invented types: name, D-value, mass, cruising speed, range, seats, flies at night, winch."""


def make_helicopters(seed: int, country: Country) -> gpd.GeoDataFrame:
    """Two at the city's own pad and one at three other counties'; one is in maintenance."""
    rng = draws(seed, 18)
    names = Names(rng)
    pads = make_helipads(seed, country)
    at = [0, 0, 1, 2, 3]
    kinds = [_AIRCRAFT[number % len(_AIRCRAFT)] for number in range(HELICOPTERS)]
    d_value, mass, speed, reach, seats, night, winch = zip(*(kind[1:] for kind in kinds), strict=True)
    columns: dict[str, object] = {
        "name": [f"演-{1001 + number}" for number in range(HELICOPTERS)],
        "kind": [kind[0] for kind in kinds],
        "base": pads["name"].iloc[at].tolist(),
        "d_value_m": d_value,
        "mass_t": mass,
        "cruise_kmh": speed,
        "range_km": reach,
        "seats": seats,
        "ready_minutes": rng.integers(2, 7, HELICOPTERS) * 5,
        "night_flight": night,
        "winch": winch,
        "status": ["ready"] * (HELICOPTERS - 1) + ["maintenance"],
        "operator": ["演示航空救援队"] * HELICOPTERS,
        "phone": [names.phone() for _ in range(HELICOPTERS)],
    }
    return typed(layer("helicopters"), columns, pads.geometry.to_numpy()[at], ids("helicopters", HELICOPTERS))


def make_checkpoints(seed: int, country: Country) -> gpd.GeoDataFrame:
    """Where a forest road leaves the road below."""
    rng = draws(seed, 10)
    names = Names(rng)
    sites = joined(*(placed(rng, country, np.array(path[1:3]), 1, in_water=True) for path in country.roads.forest))
    count = len(sites)
    short = short_names(country)
    kinds = dealt(rng, count, {"permanent": 9, "seasonal": 10, "temporary": 2})
    columns = {
        "name": [names.unique(short[town] + names.place("mountain") + "森林防火检查站") for town in sites.towns],
        "kind": kinds,
        "staff_on_duty": [
            int(staff) + 2 * (kind == "permanent") for staff, kind in zip(rng.integers(1, 5, count), kinds, strict=True)
        ],
        "season_start": ["10-01"] * count,
        "season_end": ["04-30"] * count,
        "equipment": dealt(
            rng, count, {"灭火水枪 4、风力灭火机 2": 8, "风力灭火机 4、对讲机 3、巡护摩托 1": 8, "无人机 1、对讲机 4": 3, None: 2}
        ),
        "road_watched": [f"{short[town]}林区道路" for town in sites.towns],
        "address": addresses(names, country, sites),
        "keeper": [names.person() for _ in range(count)],
        "phone": [names.phone() for _ in range(count)],
    }
    return typed(layer("fire_checkpoints"), columns, sites.points, ids("fire_checkpoints", count))


_TEAM_WORDS: Final = {
    "fire_rescue": ("消防救援站", "水罐车 2、抢险救援车 1、冲锋舟 1", 28), "water": ("水上救援队", "冲锋舟 4、潜水装备 6 套", 18),
    "mountain": ("山地救援队", "绳索装备 8 套、卫星电话 2", 14), "forest_fire": ("森林消防队", "风力灭火机 20、水泵 4", 32),
    "medical": ("医疗救护队", "负压救护车 1、急救箱 12", 12), "engineering": ("工程抢险队", "挖掘机 4、装载机 3、抽水车 1", 26),
    "militia": ("民兵应急分队", "铁锹 60、编织袋 2000", 40), "volunteer": ("蓝天志愿救援队", "皮划艇 2、无人机 1", 20),
}  # fmt: skip


def make_teams(seed: int, country: Country) -> gpd.GeoDataFrame:
    """By the seats of counties and larger towns."""
    rng = draws(seed, 11)
    names = Names(rng)
    population = country.areas.towns["population"].to_numpy(dtype=np.int64)
    by_size = np.argsort(-population, kind="stable")
    sites = _by_seats(rng, country, country.areas.seats[np.concatenate([by_size[:40], by_size[40::2]])[:TEAMS]])
    count = len(sites)
    kinds = dealt(
        rng,
        count,
        {
            "fire_rescue": 16,
            "militia": 14,
            "engineering": 9,
            "volunteer": 8,
            "water": 5,
            "medical": 5,
            "forest_fire": 3,
            "mountain": 2,
        },
    )
    short = short_names(country)
    words = [_TEAM_WORDS[str(kind)] for kind in kinds]
    out = rng.integers(0, 100, count) < np.where(country.struck[sites.towns], 65, 8)
    columns = {
        "name": [names.unique(short[town] + ending) for town, (ending, _, _) in zip(sites.towns, words, strict=True)],
        "kind": kinds,
        "people": [size + int(more) for (_, _, size), more in zip(words, rng.integers(-6, 20, count), strict=True)],
        "ready_minutes": rng.integers(1, 13, count) * 5,
        "status": [
            "out" if out else state for out, state in zip(out, dealt(rng, count, {"ready": 85, "off_duty": 15}), strict=True)
        ],
        "equipment": with_gaps(rng, [equipment for _, equipment, _ in words], 12),
        "address": addresses(names, country, sites),
        "leader": [names.person() for _ in range(count)],
        "phone": [names.phone() for _ in range(count)],
    }
    return typed(layer("rescue_teams"), columns, sites.points, ids("rescue_teams", count))


def make_depots(seed: int, country: Country) -> gpd.GeoDataFrame:
    """One by each county's seat, well filled, and smaller ones in every third town or so."""
    rng = draws(seed, 12)
    names = Names(rng)
    counties = [int(np.flatnonzero(country.areas.county_of == county)[0]) for county in range(len(country.areas.counties))]
    others = [town for town in range(len(country.areas.seats)) if town not in counties][::3]
    sites = _by_seats(rng, country, country.areas.seats[(counties + others)[:DEPOTS]])
    count = len(sites)
    size = np.where(np.arange(count) < len(counties), 6, 1)
    short = short_names(country)
    stock = {"tents": 20, "blankets": 90, "folding_beds": 40, "boats": 1, "life_jackets": 50, "pumps": 2, "sandbags": 900}
    columns: dict[str, object] = {
        "name": [short[town] + ("市级应急物资储备库" if town == 0 else "应急物资储备点") for town in sites.towns],
        "kind": ["县级" if own > 1 else "乡镇级" for own in size],
        "address": addresses(names, country, sites),
        "keeper": [names.person() for _ in range(count)],
        "phone": [names.phone() for _ in range(count)],
    }
    columns |= {thing: with_gaps(rng, (unit * size * rng.integers(1, 6, count)).tolist(), 20) for thing, unit in stock.items()}
    return typed(layer("supply_depots"), columns, sites.points, ids("supply_depots", count))


def make_aeds(seed: int, country: Country) -> gpd.GeoDataFrame:
    """Where many people are."""
    rng = draws(seed, 13)
    names = Names(rng)
    sites = drawn_sites(rng, country, _near_people(country, 150), AEDS)
    count = len(sites)
    short = short_names(country)
    places = ("汽车站", "人民医院门诊楼", "农贸市场", "政务服务中心", "图书馆", "购物中心", "体育馆", "中学")
    columns = {
        "name": [
            names.unique(short[town] + places[int(pick)]) for town, pick in zip(sites.towns, rng.integers(0, 8, count), strict=True)
        ],
        "floor": dealt(rng, count, {"1 层大厅": 70, "1 层服务台": 20, "2 层": 7, None: 3}),
        "opening_hours": dealt(rng, count, {"08:00–17:30": 50, "24 小时": 25, "06:00–22:00": 20, None: 5}),
        "address": with_gaps(rng, addresses(names, country, sites), 30),
        "phone": [names.phone() for _ in range(count)],
    }
    return typed(layer("aeds"), columns, sites.points, ids("aeds", count))


def make_care_facilities(seed: int, country: Country) -> gpd.GeoDataFrame:
    """A school, a home and a clinic in each town; the rest, kindergartens first, where people live."""
    rng = draws(seed, 14)
    names = Names(rng)
    near = _near_people(country, 5)
    towns = range(1, len(country.areas.seats) + 1)
    each = joined(*(drawn_sites(rng, country, near * (country.areas.town_of == town), _CARE_IN_EACH) for town in towns))
    sites = joined(each, drawn_sites(rng, country, _near_people(country), CARE_FACILITIES - len(each)))
    count = len(sites)
    more = dealt(rng, count - len(each), {"幼儿园": 60, "敬老院": 16, "小学": 16, "福利院": 8})
    kinds = ["小学", "敬老院", "卫生院"] * len(towns) + more
    short = short_names(country)
    class_of = np.searchsorted([0.1, 0.5, 1.0], country.peak_m[sites.cells], side="right")
    columns = {
        "name": [names.unique(f"{short[town]}{names.place('plain')}{kind}") for town, kind in zip(sites.towns, kinds, strict=True)],
        "kind": kinds,
        "category": ["儿童" if kind in {"幼儿园", "小学"} else "老人与病人" for kind in kinds],
        "people": with_gaps(rng, (rng.integers(2, 60, count) * 10).tolist(), 25),
        "evacuation_plan_due": class_of > 0,
        "flood_class": [(None, "0.5 m以下", "0.5–1.0 m", "1.0–2.0 m")[int(at)] for at in class_of],
        "address": addresses(names, country, sites),
        "phone": with_gaps(rng, [names.phone() for _ in range(count)], 20),
    }
    return typed(layer("care_facilities"), columns, sites.points, ids("care_facilities", count))


_POSTS: Final = (("防汛总责任人", "flood"), ("地质灾害防治责任人", "geological"), ("森林防火责任人", "forest_fire"))


def make_duty_holders(seed: int, country: Country) -> gpd.GeoDataFrame:
    """For each county one who answers for all, for each town one for each hazard."""
    rng = draws(seed, 15)
    names = Names(rng)
    counties = [
        (code, name, "应急管理局值班负责人", "all")
        for code, name in country.areas.counties[["code", "name"]].itertuples(index=False)
    ]
    towns = [
        (code, name, post, duty)
        for code, name in country.areas.towns[["code", "name"]].itertuples(index=False)
        for post, duty in _POSTS
    ]
    rows = counties + towns
    columns = {
        "post": [post for _, _, post, _ in rows],
        "organisation": [f"{name}{'应急管理局' if duty == 'all' else '人民政府'}" for _, name, _, duty in rows],
        "area_code": [code for code, _, _, _ in rows],
        "area_name": [name for _, name, _, _ in rows],
        "duty": [duty for _, _, _, duty in rows],
        "name": [names.person() for _ in rows],
        "phone": [names.phone() for _ in rows],
    }
    return typed(layer("duty_holders"), columns, [None] * len(rows), ids("duty_holders", len(rows)))
