"""What is near a place, as `/nearby` and the command line tell it: by straight line, or by the roads as they are now."""

from dataclasses import asdict, dataclass
from typing import Any

from api.use.access.nearby_by_road import nearby_by_road
from api.use.access.roads_now import RoadsNow
from api.use.access.said import roads_said
from api.use.nearby import nearby
from layers._layer import Layer
from layers._store import Snapshot


@dataclass(frozen=True, kw_only=True)
class NearQuestion:
    """A place, the point layers asked about, how many at most; ``radius_m`` bounds straight lines, ``limit_min`` times."""

    lon: float
    lat: float
    layers: tuple[Layer, ...]
    k: int
    radius_m: float
    limit_min: float
    free_only: bool
    by_time: bool


def near_answer(snapshot: Snapshot, roads: RoadsNow | None, asked: NearQuestion) -> dict[str, Any]:
    """The features first reached by road; without roads the nearest by straight line, and the answer says that it is so."""
    head: dict[str, Any] = {"from": {"lon": asked.lon, "lat": asked.lat}, "revision": snapshot.revision}
    if asked.by_time and roads is not None:
        return head | roads_said(roads) | _by_road(snapshot, roads, asked)
    return head | (roads_said(None) if asked.by_time else {"by": "line"}) | _by_line(snapshot, asked)


def _by_road(snapshot: Snapshot, roads: RoadsNow, asked: NearQuestion) -> dict[str, Any]:
    found = nearby_by_road(
        snapshot, roads, asked.lon, asked.lat, asked.layers, limit_min=asked.limit_min, k=asked.k, free_only=asked.free_only,
    )  # fmt: skip
    return {
        "limit_min": asked.limit_min,
        "items": [item.as_item() for item in found],
        "missing": [layer.id for layer in asked.layers if snapshot.frames[layer.id].empty],
    }


def _by_line(snapshot: Snapshot, asked: NearQuestion) -> dict[str, Any]:
    found = nearby(
        snapshot, asked.lon, asked.lat, asked.layers, radius_m=asked.radius_m, k=asked.k, free_only=asked.free_only,
    )  # fmt: skip
    return {"radius_m": found.radius_m, "items": [asdict(item) for item in found.items], "missing": list(found.missing)}
