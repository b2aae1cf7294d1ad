"""Who has an AED, or another thing, within so many minutes there and back."""

import math
from typing import Any

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from api.use.access.groups import Groups
from api.use.access.places_on_roads import on_roads, stands_of
from api.use.access.roads_now import RoadsNow
from api.use.access.said import compared, roads_said
from geo_risk.access.coverage import Coverage, Ways, coverage
from geo_risk.access.travel import matrix
from geo_risk.errors import ParameterError, shown
from layers._layer import Layer
from layers._store import Snapshot

MAX_CELLS = 4_000_000
_STATES = {1: "covered", 0: "not covered", -1: "unknown"}


def covered(
    snapshot: Snapshot, roads: RoadsNow, groups: Groups, things: Layer, *, within_min: float, ways: Ways
) -> dict[str, Any]:
    """People with one of the things within the minutes, now and on open roads; a thing without a place is unknown, not far."""
    frame, there = groups.frame, snapshot.frames[things.id]
    if len(frame) * len(there) > MAX_CELLS:
        raise ParameterError(
            "too many pairs for one answer", where="groups, things", expected=f"at most {MAX_CELLS}",
            got=shown(len(frame) * len(there)), then="name smaller layers",
        )
    people, stands, names = groups.people, stands_of(frame), stands_of(there)
    now, free = (_found(roads, frame, there, people, within_min, ways, open_=each) for each in (False, True))
    return {
        **roads_said(roads),
        "groups": groups.id, "things": things.id, "within_min": within_min, "ways": ways,
        "people": _people(now),
        "people_open": _people(free),
        "places": [
            {
                "id": stands.ids[at], "name": stands.names[at], "state": _STATES[int(now.state[at])],
                "people": None if math.isnan(people[at]) else int(people[at]),
                "nearest": None if now.nearest[at] < 0 else names.names[now.nearest[at]],
                **compared(*(_known(float(each.seconds[at])) for each in (now, free))),
            }
            for at in np.lexsort((np.arange(len(stands)), -np.nan_to_num(people), now.state)).tolist()
        ],
    }  # fmt: skip


def _found(
    roads: RoadsNow, frame: gpd.GeoDataFrame, there: gpd.GeoDataFrame, people: NDArray[np.float64], within_min: float,
    ways: Ways, *, open_: bool,
) -> Coverage:  # fmt: skip
    travel = roads.free if open_ else roads.now
    starts, ends = on_roads(roads, frame)[open_], on_roads(roads, there)[open_]
    out, back = matrix(travel, starts, ends), matrix(travel, ends, starts)
    nowhere = np.isnan(stands_of(frame).lon)[:, None] | np.isnan(stands_of(there).lon)
    return coverage(
        np.where(nowhere, np.nan, out), people, within_s=within_min * 60, seconds_back=np.where(nowhere.T, np.nan, back), ways=ways
    )


def _people(found: Coverage) -> dict[str, Any]:
    return {
        "covered": found.covered, "not_covered": found.uncovered, "unknown": found.undecided, "places_uncounted": found.uncounted,
        "share": _share(found.share), "share_most": _share(found.share_most),
    }  # fmt: skip


def _share(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 4)


def _known(seconds: float) -> float:
    return math.inf if math.isnan(seconds) else seconds
