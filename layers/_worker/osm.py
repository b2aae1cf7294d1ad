"""Roads of an OpenStreetMap extract in PBF: its ways as lines of its own nodes, cut where a node is missing or bars the way.

Ways that meet share a node and so a point of equal coordinates: that, and nothing else, joins them (``joined_by``). A
barrier that stops someone closes to them one stretch of its way, the shorter of the two beside it, as a row of its own.
Restrictions of turning are not read.
"""

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, NamedTuple

import numpy as np
import osmium
import shapely
from numpy.typing import NDArray

from geo_risk.errors import FileError
from layers._worker.content import Cell, Content, Job, Note, Progress
from layers._worker.osm_tags import MODES, Modes, Road, Rules, name_of, road_of, stopped_at, tags_read
from layers._worker.plain import plain, plain_list

_KEYS: Final = ("highway", "route", "barrier")
_EVERY: Final = 10_000
_FEATURES: Final = 10
_SHOWN_KINDS: Final = 12
_ID_CHARACTERS: Final = 20
_LINES: Final = osmium.geom.WKBFactory()
_WKB_HEAD: Final = 9  # byte order, type and number of points

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]


class Way(NamedTuple):
    """A way that is a road: its id, name, and nodes ``first`` up to ``last`` (not included) in the arrays of all ways."""

    id: int
    name: str
    road: Road
    first: int
    last: int


class Ways(NamedTuple):
    """All roads, the nodes they run along (nan where the file lacks one), whom barriers stop by node, and what is no road."""

    ways: list[Way]
    nodes: Ints
    lon: Floats
    lat: Floats
    stops: dict[int, Modes]
    left_out: Counter[str]


class Stretch(NamedTuple):
    """One row: the way, its id, who may use it, and its lines as (first, last) positions of nodes, the last included."""

    way: Way
    id: str
    modes: Modes
    lines: tuple[tuple[int, int], ...]


def read_osm(job: Job, progress: Progress) -> Content:
    """The roads of a PBF file, numbered from 1 in its order.

    Raises
    ------
    FileError
        The file is cut off, broken or not sorted, holds no roads or too many, or its ways lack all their nodes.
    """
    progress("open", 0.0)
    try:
        found = _ways(job, progress)
    except (RuntimeError, UnicodeDecodeError) as error:
        raise FileError(
            "the OpenStreetMap file cannot be read",
            expected="a whole .osm.pbf file",
            got=type(error).__name__,
            then="download or cut the extract again",
        ) from None
    _require_roads(found)
    stretches = [stretch for way in _closed(found) for stretch in way]
    _require_rows(stretches, job)
    progress("roads", 1.0)
    return Content(
        columns=_columns(stretches),
        rows=list(range(1, len(stretches) + 1)),
        wkb=_wkb(stretches, found),
        crs="EPSG:4326",
        encoding="utf-8",
        format="osm",
        notes=tuple(_notes(found, stretches)),
    )


def _ways(job: Job, progress: Progress) -> Ways:
    rules = job.rules
    ways: list[Way] = []
    nodes, places = array("q"), array("d")
    stops: dict[int, Modes] = {}
    left_out: Counter[str] = Counter()
    road_by_tags = _roads(rules)
    for entity in _entities(job.path):
        tags = {tag.k: tag.v for tag in entity.tags}
        if entity.is_node():
            if stopped := stopped_at(tags, rules):
                stops[entity.id] = stopped
            continue
        road = road_by_tags(tags)
        if road is None:
            left_out[plain(tags.get("highway") or "", _ID_CHARACTERS)] += "highway" in tags
            continue
        first = len(nodes)
        _add_nodes(entity, nodes, places, turned=road.turned)
        ways.append(Way(entity.id, name_of(tags, rules), road, first, len(nodes)))
        _require_count(len(ways), job)
        if len(ways) % _EVERY == 0:
            progress("roads", min(len(ways) / job.limits.rows, 1.0))
    lon, lat = np.array(places, dtype=np.float64).reshape(-1, 2).T
    return Ways(ways, np.array(nodes, dtype=np.int64), lon, lat, stops, +left_out)


def _roads(rules: Rules) -> Callable[[dict[str, str]], Road | None]:
    """`road_of`, asked once for ways of the same tags: a town of 25,000 ways has some 3,000 kinds of them."""
    read = tags_read(rules)
    known: dict[frozenset[tuple[str, str]], Road | None] = {}

    def road(tags: dict[str, str]) -> Road | None:
        kind = frozenset((tag, value) for tag, value in tags.items() if tag in read)
        if kind not in known:
            known[kind] = road_of(tags, rules)
        return known[kind]

    return road


def _entities(path: str) -> Iterable[Any]:
    """Nodes with a barrier and ways that may be roads, each way's nodes with their places.

    A file that carries the places in its ways needs no index of nodes; any other one does, at 16 bytes a node.
    """
    source = osmium.FileProcessor(osmium.io.File(path, "pbf"), osmium.osm.NODE | osmium.osm.WAY)
    placed = any(source.header.get(f"pbf_optional_feature_{number}") == "LocationsOnWays" for number in range(_FEATURES))
    return (source if placed else source.with_locations("flex_mem")).with_filter(osmium.filter.KeyFilter(*_KEYS))


def _add_nodes(way: Any, nodes: "array[int]", places: "array[float]", *, turned: bool) -> None:
    """A way's nodes and places in the direction of travel; a node that is missing or off the globe has none."""
    refs = [node.ref for node in way.nodes]
    try:
        line = np.frombuffer(bytes.fromhex(_LINES.create_linestring(way, osmium.geom.use_nodes.ALL))[_WKB_HEAD:], dtype="<f8")
    except (osmium.InvalidLocationError, RuntimeError):
        line = np.array([_place(node.location) for node in way.nodes], dtype=np.float64).ravel()
    if turned:
        refs, line = refs[::-1], line.reshape(-1, 2)[::-1].ravel()
    nodes.extend(refs)
    places.frombytes(line.tobytes())


def _place(location: Any) -> tuple[float, float]:
    return (location.lon_without_check(), location.lat_without_check()) if location.valid() else (np.nan, np.nan)


def _closed(found: Ways) -> Iterator[list[Stretch]]:
    """The rows of each way: what is open of it, and a row for each stretch that a barrier closes to some."""
    barred = np.isin(found.nodes, np.fromiter(found.stops, dtype=np.int64, count=len(found.stops)))
    at_barrier = _holds(found, barred)
    whole = ~_holds(found, barred | np.isnan(found.lon))
    through = _through([way for way, meets in zip(found.ways, at_barrier, strict=True) if meets], found, barred)
    for way, plain_way in zip(found.ways, whole, strict=True):
        if plain_way and way.last - way.first > 1:
            yield [Stretch(way, f"way/{way.id}", way.road.modes, ((way.first, way.last - 1),))]
        else:
            yield _stretches(way, found, _bars(way, found, barred, through))


def _holds(found: Ways, mask: Mask) -> Mask:
    """Which ways have a node that the mask marks."""
    counts = np.concatenate([[0], np.cumsum(mask)])
    first, last = (np.array(ends, dtype=np.int64) for ends in zip(*((way.first, way.last) for way in found.ways), strict=True))
    return np.asarray(counts[last] > counts[first], dtype=bool)


def _through(ways: list[Way], found: Ways, barred: Mask) -> set[tuple[int, str]]:
    """Barriers (node, mode) that some way runs on through: a way that only ends there is left open."""
    return {
        (int(found.nodes[at]), mode)
        for way in ways
        for at in way.first + np.flatnonzero(barred[way.first : way.last])
        if not _at_end(int(at), way, found)
        for mode in way.road.modes
    }


def _at_end(at: int, way: Way, found: Ways) -> bool:
    ring = found.nodes[way.first] == found.nodes[way.last - 1]
    return not ring and at in (way.first, way.last - 1)


def _bars(way: Way, found: Ways, barred: Mask, through: set[tuple[int, str]]) -> dict[int, tuple[int, Modes]]:
    """Steps (from one node to the next) of a way that are closed to some: the barrier's node, and to whom."""
    bars: dict[int, tuple[int, Modes]] = {}
    for at in (way.first + np.flatnonzero(barred[way.first : way.last])).tolist():
        node = int(found.nodes[at])
        ends = _at_end(at, way, found)
        stopped = {mode for mode in found.stops[node] & way.road.modes if not (ends and (node, mode) in through)}
        step = _shorter_step(at, way, found)
        if stopped and step is not None:
            earlier, others = bars.get(step, (node, frozenset()))
            bars[step] = earlier, others | stopped
    return bars


def _shorter_step(at: int, way: Way, found: Ways) -> int | None:
    """Of the steps beside a node the shorter one, of equal ones the first; None where no node beside it has a place."""
    beside = [(_squared(found, step), step) for step in (at - 1, at) if way.first <= step < way.last - 1]
    known = [one for one in beside if one[0] == one[0]]
    return min(known)[1] if known else None


def _squared(found: Ways, step: int) -> float:
    """The square of a step's length in degrees of latitude: enough to tell which of two is shorter."""
    east = (found.lon[step + 1] - found.lon[step]) * np.cos(np.radians(found.lat[step]))
    return float(east**2 + (found.lat[step + 1] - found.lat[step]) ** 2)


def _stretches(way: Way, found: Ways, bars: dict[int, tuple[int, Modes]]) -> list[Stretch]:
    known = ~np.isnan(found.lon[way.first : way.last])
    open_steps = known[:-1] & known[1:]
    open_steps[[step - way.first for step in bars]] = False
    lines = tuple((way.first + first, way.first + last) for first, last in _runs(open_steps))
    whole = [Stretch(way, f"way/{way.id}", way.road.modes, lines)] if lines else []
    return whole + [
        Stretch(way, f"way/{way.id}@node/{node}", way.road.modes - stopped, ((step, step + 1),))
        for step, (node, stopped) in bars.items()
    ]


def _runs(steps: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Runs of steps that are open, as their first and last node.

    >>> _runs(np.array([True, True, False, True])), _runs(np.array([False]))
    ([(0, 2), (3, 4)], [])
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[False], steps, [False]]).astype(np.int8)))
    return [(int(first), int(last)) for first, last in edges.reshape(-1, 2)]


def _columns(stretches: list[Stretch]) -> dict[str, list[Cell]]:
    names = list(stretches[0].way.road.cells)
    return {
        "source_id": [stretch.id for stretch in stretches],
        "name": [stretch.way.name for stretch in stretches],
        **{name: [stretch.way.road.cells[name] for stretch in stretches] for name in names},
        **{mode: [mode in stretch.modes for stretch in stretches] for mode in MODES},
        "joined_by": ["shared_points"] * len(stretches),
    }


def _wkb(stretches: list[Stretch], found: Ways) -> list[bytes | None]:
    """A line for each row, a multi-line where it was cut."""
    lines = [line for stretch in stretches for line in stretch.lines]
    at = np.concatenate([np.arange(first, last + 1) for first, last in lines])
    of_line = np.repeat(np.arange(len(lines)), [last - first + 1 for first, last in lines])
    made: NDArray[Any] = np.asarray(
        shapely.linestrings(np.column_stack([found.lon[at], found.lat[at]]), indices=of_line), dtype=object
    )
    counts = np.array([len(stretch.lines) for stretch in stretches])
    starts = np.cumsum(counts) - counts
    shapes = made[starts]
    several = np.flatnonzero(counts > 1)
    shapes[several] = [shapely.multilinestrings(made[starts[row] : starts[row] + counts[row]]) for row in several]
    return list(shapely.to_wkb(shapes))


def _notes(found: Ways, stretches: list[Stretch]) -> Iterator[Note]:
    rows = {stretch.way.id for stretch in stretches}
    cut = {way.id for way in found.ways if np.isnan(found.lon[way.first : way.last]).any()}
    placeless = sum(way.id not in rows for way in found.ways)
    barriers = sum("@" in stretch.id for stretch in stretches)
    if found.left_out:
        kinds = [f"{kind} {count}" for kind, count in found.left_out.most_common()]
        yield Note("osm_left_out", (("count", str(found.left_out.total())), ("kinds", plain_list(kinds, _SHOWN_KINDS))))
    if cut & rows:
        yield Note("osm_cut", (("count", str(len(cut & rows))),))
    if placeless:
        yield Note("osm_placeless", (("count", str(placeless)),))
    if barriers:
        yield Note("osm_barriers", (("count", str(barriers)),))
    yield Note("osm_turns")


def _require_count(count: int, job: Job) -> None:
    if count > job.limits.rows:
        raise FileError("too many roads", expected=f"at most {job.limits.rows}", got="more", then="cut a smaller extract")


def _require_roads(found: Ways) -> None:
    if not found.ways:
        raise FileError(
            "the file holds no roads",
            expected="ways tagged highway or route=ferry",
            got="none",
            then="cut the extract again, with its ways",
        )


def _require_rows(stretches: list[Stretch], job: Job) -> None:
    if not stretches:
        raise FileError(
            "the file's ways lack their nodes",
            expected="nodes before ways, as extracts are sorted",
            got="no way with two nodes that have a place",
            then="cut the extract again with whole ways, sorted by type",
        )
    _require_count(len(stretches), job)
