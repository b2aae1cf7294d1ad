"""Make the pictures of access.md: ``python docs/access_pictures.py STORE ROAD LON LAT LON LAT`` (what if this road is shut)."""

import sys
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from api.policy import READABLE
from api.use.access.asked import RoadQuestion
from api.use.access.evacuation_plan import evacuation_plan, question_of
from api.use.access.groups import groups_named
from api.use.access.isolated_places import isolated_places
from api.use.access.mobilised import mobilised
from api.use.access.reach_from import reach_from
from api.use.access.roads_now import RoadsNow, access_files
from api.use.access.route_between import route_between
from api.use.access.selected import drawn_circle, selectable, selected
from layers._catalog import layer
from layers._store import Snapshot, open_store

FOLDER = Path(__file__).parent
WIDTH = 900


class Picture:
    """A map of a box in degrees, drawn layer upon layer."""

    def __init__(self, west: float, south: float, east: float, north: float) -> None:
        self.box = shapely.box(west, south, east, north)
        self.scale = WIDTH / (east - west)
        self.stretch = 1 / np.cos(np.radians((south + north) / 2))
        self.height = round((north - south) * self.scale * self.stretch)
        self.parts: list[str] = []

    def at(self, points: Any) -> Any:
        """Pixels of places in degrees."""
        lon, lat = np.asarray(points, dtype=float).reshape(-1, 2).T
        west, _, _, north = self.box.bounds
        return np.column_stack([(lon - west) * self.scale, (north - lat) * self.scale * self.stretch]).round()

    def draw(self, shapes: Iterable[Any], style: str) -> None:
        """Lines and areas in one look."""
        path = []
        for shape in shapely.get_parts(shapely.intersection(np.array([each for each in shapes if each], dtype=object), self.box)):
            rings = shape.boundary if shape.geom_type.endswith("Polygon") else shape
            for line in () if shape.is_empty else shapely.get_parts(rings):
                pixels = self.at(shapely.get_coordinates(shapely.simplify(line, 1 / self.scale)))
                closed = "Z" if shape.geom_type.endswith("Polygon") else ""
                path.append("M" + "L".join(f"{x:g} {y:g}" for x, y in pixels) + closed)
        if path:
            self.parts.append(f'<path d="{"".join(path)}" style="{style}"/>')

    def dots(self, places: Sequence[Any], radius: float, style: str) -> None:
        """Points in one look."""
        inside = [each for each in places if self.box.contains(shapely.Point(each))]
        self.parts += [f'<circle cx="{x:g}" cy="{y:g}" r="{radius}" style="{style}"/>' for x, y in self.at(inside)]

    def say(self, place: tuple[float, float], text: str, style: str = "") -> None:
        """Words beside a place."""
        ((x, y),) = self.at([place])
        self.parts.append(f'<text x="{x + 8:g}" y="{y - 6:g}" style="{style}">{escape(text)}</text>')

    def write(self, name: str, legend: Sequence[tuple[str, str]]) -> None:
        """Write the picture with what its colours mean."""
        rows = [
            f'<rect x="12" y="{12 + 24 * row}" width="22" height="14" style="{style}"/>'
            f'<text x="42" y="{24 + 24 * row}">{escape(words)}</text>'
            for row, (style, words) in enumerate(legend)
        ]
        back = f'<rect width="380" height="{14 + 24 * len(legend)}" style="fill:#fff;fill-opacity:.85"/>'
        text = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {self.height}" font-family="sans-serif" font-size="15">'
            f'<style>text{{paint-order:stroke;stroke:#fff;stroke-width:3px}}path{{fill:none}}</style>'
            f'<rect width="{WIDTH}" height="{self.height}" fill="#f7f7f2"/>{"".join(self.parts)}{back}{"".join(rows)}</svg>\n'
        )
        (FOLDER / f"access-{name}.svg").write_text(text, encoding="utf-8")
        sys.stdout.write(f"access-{name}.svg {len(text):,} bytes\n")


def ground(snapshot: Snapshot, picture: Picture) -> None:
    """Rivers and roads."""
    roads = snapshot.frames["roads"]
    picture.draw(snapshot.frames["rivers"].geometry, "stroke:#a6cee3;stroke-width:2")
    picture.draw(roads.geometry, "stroke:#bbb;stroke-width:1.2")


def shut_roads(roads: RoadsNow, picture: Picture) -> None:
    """The links that are shut."""
    graph = roads.graph
    links = np.flatnonzero(roads.now.shut)
    lines = [shapely.LineString(graph.points[graph.point_at[link] : graph.point_at[link + 1]]) for link in links.tolist()]
    picture.draw(lines, "stroke:#d7301f;stroke-width:7")
    picture.dots([line.interpolate(0.5, normalized=True).coords[0] for line in lines], 7, "fill:none;stroke:#d7301f;stroke-width:3")


def around(lon: float, lat: float, degrees: float) -> Picture:
    """A picture about a place."""
    return Picture(lon - degrees, lat - 0.62 * degrees, lon + degrees, lat + 0.62 * degrees)


def whole(snapshot: Snapshot) -> Picture:
    """A picture of all towns."""
    return Picture(*snapshot.frames["towns"].total_bounds)


def points(frame: gpd.GeoDataFrame) -> list[tuple[float, float]]:
    """The places of a point layer."""
    known = frame.geometry[frame.geometry.notna()]
    return list(zip(known.x, known.y, strict=True))


def picture_route(snapshot: Snapshot, roads: RoadsNow, origin: Any, destination: Any) -> None:
    """The way now and the way were all roads open."""
    way = route_between(roads, origin, destination)
    lines = [np.array(way[name]["geometry"]["coordinates"]) for name in ("open", "now") if way[name]]
    west, south = np.vstack(lines).min(axis=0)
    east, north = np.vstack(lines).max(axis=0)
    picture = around((west + east) / 2, (south + north) / 2, max((east - west) / 2, (north - south) / 1.2) + 0.01)
    ground(snapshot, picture)
    looks = ("stroke:#333;stroke-width:2;stroke-dasharray:6 5", "stroke:#1f78b4;stroke-width:4")
    for line, look in zip(lines, looks, strict=True):
        picture.draw([shapely.LineString(line)], look)
    shut_roads(roads, picture)
    for place, words in ((origin, "A"), (destination, "B")):
        picture.dots([place], 7, "fill:#111")
        picture.say(place, words)
    picture.write("route", [
        ("fill:#1f78b4", f"now: {way['minutes']} min"), ("fill:#333", f"were all roads open: {way['minutes_open']} min"),
        ("fill:#d7301f", "shut"),
    ])  # fmt: skip


def picture_reach(snapshot: Snapshot, roads: RoadsNow, origin: Any) -> None:
    """Bands now, the widest with all roads open as an outline."""
    asked: Any = {"people": groups_named(snapshot, FILES, "towns"), "facilities": (layer("shelters"),), "towards": False}
    now = reach_from(snapshot, roads, *origin, [5, 10, 15], **asked)
    free = reach_from(snapshot, RoadQuestion(at="2000-01-01T00:00+00:00").require_roads(snapshot, FILES), *origin, [15], **asked)
    picture = around(*origin, 0.16)
    shades = ("#08519c", "#3182bd", "#9ecae1")
    for feature, shade in reversed(list(zip(now["features"], shades, strict=True))):
        picture.draw([shapely.geometry.shape(feature["geometry"])], f"fill:{shade};fill-rule:evenodd;fill-opacity:.6")
    ground(snapshot, picture)
    picture.draw([shapely.geometry.shape(free["features"][0]["geometry"])], "stroke:#333;stroke-dasharray:4 4")
    shut_roads(roads, picture)
    picture.dots([origin], 7, "fill:#111")
    bands = [
        (f"fill:{shade}", f"within {each['properties']['minutes']:g} min")
        for shade, each in zip(shades, now["features"], strict=True)
    ]
    outline = ("fill:none;stroke:#333;stroke-dasharray:4 4", "15 min were all roads open")
    picture.write("reach", [*bands, outline, ("fill:#d7301f", "shut")])


def picture_evacuate(snapshot: Snapshot, origin: Any) -> None:
    """Who goes where: a line a transfer, full shelters in another colour."""
    plan = evacuation_plan(snapshot, FILES, question_of({"limit_min": 60}), READABLE, lambda *_: None)
    picture = around(*origin, 0.16)
    ground(snapshot, picture)
    lines = [shapely.LineString([row["from"], row["to"]]) for row in plan["transfers"]]
    picture.draw(lines, "stroke:#e66101;stroke-width:1.4;stroke-opacity:.8")
    picture.dots([row["from"] for row in plan["transfers"]], 3, "fill:#e66101")
    groups = snapshot.frames["flood_points"]
    left = [groups.geometry[row["group"]] for row in plan["unplaced"]]
    picture.dots([(each.x, each.y) for each in left if each], 4, "fill:#a50f15")
    shelters = snapshot.frames["shelters"]
    full = {each["id"]: each["free_after"] == 0 for each in plan["shelters"]}
    for state, shade in ((True, "#a50f15"), (False, "#1a9641")):
        ids = [fid for fid, is_full in full.items() if is_full == state]
        picture.dots(points(shelters.loc[ids]), 6, f"fill:{shade};stroke:#fff")
    picture.write("evacuate", [
        ("fill:#e66101", "a group and its shelter"), ("fill:#1a9641", "shelter with places left"),
        ("fill:#a50f15", "full shelter, or a group with people left"),
    ])  # fmt: skip


def picture_towns(
    snapshot: Snapshot, roads: RoadsNow, name: str, states: dict[str, str], looks: dict[str, str], words: str
) -> None:
    """Towns by a state."""
    picture = whole(snapshot)
    towns = snapshot.frames["towns"]
    for state, shade in looks.items():
        ids = [fid for fid in towns.index if states.get(fid, next(iter(looks))) == state]
        picture.draw(towns.geometry[ids], f"fill:{shade};fill-opacity:.55;stroke:#fff")
    ground(snapshot, picture)
    shut_roads(roads, picture)
    picture.write(name, [*((f"fill:{shade}", f"{words} {state}") for state, shade in looks.items()), ("fill:#d7301f", "shut")])


def picture_select(snapshot: Snapshot, origin: Any) -> None:
    """What lies inside a circle."""
    picture = around(*origin, 0.08)
    drawn = drawn_circle(*origin, 5000)
    ground(snapshot, picture)
    picture.draw([drawn.shape], "fill:#fdae61;fill-opacity:.35;stroke:#e66101;stroke-width:2")
    for layer_id, shade in (("shelters", "#1a9641"), ("flood_points", "#2b83ba"), ("care_facilities", "#7b3294")):
        (found,) = selected(snapshot, drawn, selectable(layer_id), READABLE)["layers"]
        picture.dots(points(snapshot.frames[layer_id]), 3.5, "fill:#fff;stroke:#777")
        picture.dots([(each["lon"], each["lat"]) for each in found["items"]], 5, f"fill:{shade}")
    picture.write("select", [
        ("fill:#1a9641", "shelters inside"), ("fill:#2b83ba", "flood-control points inside"),
        ("fill:#7b3294", "care facilities inside"), ("fill:#fff;stroke:#777", "outside"),
    ])  # fmt: skip


def main(bridge: str, places: list[float]) -> None:
    """All pictures with one bridge shut, for one question only: the store is not changed."""
    with open_store(STORE, create=False) as opened:
        snapshot = opened.snapshot()
    roads = RoadQuestion(without=bridge).require_roads(snapshot, FILES)
    origin, destination = (places[0], places[1]), (places[2], places[3])
    picture_route(snapshot, roads, origin, destination)
    picture_reach(snapshot, roads, origin)
    picture_evacuate(snapshot, origin)
    picture_select(snapshot, origin)
    verdict = mobilised(snapshot, roads, layer("towns"), {"people": 60}, within_min=60)
    picture_towns(
        snapshot, roads, "mobilise", {each["id"]: each["state"] for each in verdict["places"]},
        {"proven": "#1a9641", "refuted": "#a50f15", "unknown": "#999999"}, "60 people within 60 min:",
    )  # fmt: skip
    cut = isolated_places(snapshot, roads, groups_named(snapshot, FILES, "towns"), layer("shelters"), losses=0)
    states = {each["id"]: each["state"] if each["state"] != "reached" else "reached, later than before" for each in cut["places"]}
    picture_towns(
        snapshot, roads, "isolate", states,
        {"reached": "#d9f0d3", "reached, later than before": "#fdae61", "cut off": "#a50f15", "never reached": "#999999"}, "",
    )  # fmt: skip


if __name__ == "__main__":
    STORE = Path(sys.argv[1])
    FILES = access_files(STORE)
    main(sys.argv[2], [float(each) for each in sys.argv[3:7]])
