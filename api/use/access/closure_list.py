"""The list of closures with what each does now, and the lines of the roads it shuts."""

from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray

from api.use.access.roads_now import CLOSURES, RoadsNow
from api.use.access.said import roads_said
from api.use.records import geojson
from geo_risk.access.closures import Around, Closure, Inside
from layers._catalog import layer
from layers._store import Snapshot

_DRAWN: Final = 5_000
"""Links of a closure whose lines are sent; the rest are counted."""
_DIGITS: Final = 6


def closure_list(snapshot: Snapshot, roads: RoadsNow | None) -> dict[str, Any]:
    """Every closure of the list; without roads in the store they are listed and shut nothing."""
    said = roads_said(roads)
    if roads is None:
        return {**said, "revision": snapshot.revision, "closures": [], "rows": len(snapshot.frames[CLOSURES])}
    by_id = {closure.id: closure for closure in roads.closures}
    effects = {effect.closure: effect for effect in roads.shut.effects}
    titles = {choice.id: {"en": choice.en, "zh": choice.zh} for choice in layer(CLOSURES).column("cause").choices}
    return {
        **said,
        "revision": snapshot.revision,
        "closures": [
            {
                **each,
                "cause_title": titles.get(each["cause"]),
                "drawn": _drawn(by_id.get(each["id"])),
                "roads": _roads(roads, effects[each["id"]].links),
                "lines": _lines(roads, effects[each["id"]].links[:_DRAWN]),
            }
            for each in said["closures"]
        ],
    }


def _drawn(closure: Closure | None) -> dict[str, Any] | None:
    """The area or circle that an operator drew."""
    if closure is None:
        return None
    if isinstance(closure.what, Inside):
        return {"area": geojson(closure.what.area)}
    if isinstance(closure.what, Around):
        return {"circle": {"lon": closure.what.lon, "lat": closure.what.lat, "radius_m": closure.what.radius_m}}
    return None


def _roads(roads: RoadsNow, links: NDArray[np.int64]) -> list[dict[str, str]]:
    """The roads that the links belong to, each once, in the order of the layer."""
    graph = roads.graph
    return [{"id": graph.feature_ids[at], "name": graph.names[at]} for at in np.unique(graph.feature[links]).tolist()[:200]]


def _lines(roads: RoadsNow, links: NDArray[np.int64]) -> dict[str, Any] | None:
    graph = roads.graph
    parts = [graph.points[graph.point_at[link] : graph.point_at[link + 1]] for link in links.tolist()]
    return geojson(shapely.MultiLineString([np.round(part, _DIGITS) for part in parts])) if parts else None
