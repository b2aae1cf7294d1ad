"""Fire checkpoints and the forest roads they watch: which can be entered only past one that is staffed at that moment."""

import datetime as dt
from typing import Any, Final, Literal

import geopandas as gpd
import numpy as np

from api.use._remember import remember
from api.use.access.places_on_roads import stands_of
from api.use.access.roads_now import RoadsNow
from api.use.access.said import roads_said
from geo_risk.access.checkpoints import OUTSIDE, Outside, Watch, watch
from geo_risk.access.travel import close, on_road
from geo_risk.errors import ParameterError, shown
from layers._store import Snapshot

CHECKPOINTS: Final = "fire_checkpoints"
FOREST: Final = "forest"
Season = Literal["now", "any"]


def watched(
    snapshot: Snapshot, roads: RoadsNow, on: dt.date, *, season: Season = "now", outside: str = "every_part"
) -> dict[str, Any]:
    """Kilometres of forest road by who watches them, now and on open roads.

    With season *now* a checkpoint watches from its first to its last day; a permanent one without days always does; of
    any other without days nobody knows, and it watches nothing. With *any* all watch.
    """
    if outside not in OUTSIDE:
        raise ParameterError("no such rule", where="outside", expected=", ".join(OUTSIDE), got=shown(outside), then="name one")
    frame = snapshot.frames[CHECKPOINTS]
    states = _states(frame, on) if season == "now" else ["staffed"] * len(frame)
    staffed = frame.loc[np.array([state == "staffed" for state in states], dtype=bool)]
    now, free = (_watch(roads, staffed, outside, open_=each) for each in (False, True))
    stands = stands_of(frame)
    return {
        **roads_said(roads),
        "season": season, "on": on.isoformat(), "outside": outside,
        "km": _km(now), "km_open": _km(free),
        "checkpoints": [
            {
                "id": fid, "name": name, "state": "on no forest road" if fid in now.off_road else state,
                **_by(now, fid),
            }
            for fid, name, state in zip(stands.ids, stands.names, states, strict=True)
        ],
        "pieces": [
            {"road": roads.graph.feature_ids[int(roads.graph.feature[row["link"]])], "km": round(float(row["length_m"]) / 1000, 3),
             "state": row["state"], "checkpoints": list(row["checkpoints"])}
            for row in now.pieces.to_dict(orient="records")
        ],
    }  # fmt: skip


def _watch(roads: RoadsNow, staffed: gpd.GeoDataFrame, outside: Any, *, open_: bool) -> Watch:
    """A checkpoint stands on the forest road beside it, not on the main road a little nearer."""
    travel, graph = roads.free if open_ else roads.now, roads.graph
    forest = graph.road_class == (graph.classes.index(FOREST) if FOREST in graph.classes else -1)
    stands = stands_of(staffed)
    rule: Outside = outside
    if not forest.any():
        return watch(graph, np.full(len(stands), -1), np.zeros(len(stands)), list(stands.ids), forest=forest, outside=rule)
    forest_only = remember(travel, "forest only", lambda owner: close(owner, ~forest))
    there = on_road(forest_only, roads.index, stands.lon, stands.lat)
    return watch(graph, there.link, there.along, list(stands.ids), forest=forest, usable=travel.passable, outside=rule)


def _states(frame: gpd.GeoDataFrame, on: dt.date) -> list[str]:
    day = f"{on:%m-%d}"
    return [
        _state(first, last, kind, day)
        for first, last, kind in zip(frame["season_start"], frame["season_end"], frame["kind"], strict=True)
    ]


def _state(first: Any, last: Any, kind: Any, day: str) -> str:
    """A season that ends before it begins wraps New Year; its first and last day are in."""
    if not (isinstance(first, str) and isinstance(last, str)):
        return "staffed" if kind == "permanent" else "season unknown"
    inside = first <= day <= last if first <= last else day >= first or day <= last
    return "staffed" if inside else "out of season"


def _km(found: Watch) -> dict[str, float]:
    return {str(state): round(float(value), 3) for state, value in found.km.items()}


def _by(found: Watch, fid: str) -> dict[str, float]:
    rows = found.by_checkpoint.to_dict(orient="index")
    return {str(name): round(float(value), 3) for name, value in rows.get(fid, {}).items()}
