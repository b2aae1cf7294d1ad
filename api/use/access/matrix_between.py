"""Times between all features of one layer and all of another."""

from typing import Any, Final

from api.use.access.places_on_roads import on_roads, stands_of
from api.use.access.roads_now import RoadsNow
from api.use.access.said import minutes, roads_said
from geo_risk.access.travel import matrix
from geo_risk.errors import ParameterError, shown
from layers._layer import Layer
from layers._store import Snapshot

MAX_CELLS: Final = 200_000
"""Cells of a matrix in one answer; larger ones are for the command line and for code."""


def matrix_between(
    snapshot: Snapshot, roads: RoadsNow, origins: Layer, destinations: Layer, *, max_cells: int = MAX_CELLS
) -> dict[str, Any]:
    """Minutes from each origin to each destination, now and were all roads open; None where there is no way."""
    starts, ends = snapshot.frames[origins.id], snapshot.frames[destinations.id]
    if len(starts) * len(ends) > max_cells:
        raise ParameterError(
            "the matrix is too large for one answer", where="from, to", expected=f"at most {max_cells} pairs",
            got=shown(len(starts) * len(ends)), then="name smaller layers, or ask for the nearest by time",
        )
    from_now, from_free = on_roads(roads, starts)
    to_now, to_free = on_roads(roads, ends)
    return {
        **roads_said(roads),
        "from": {"layer": origins.id, "ids": list(stands_of(starts).ids), "off_road": int((from_now.link < 0).sum())},
        "to": {"layer": destinations.id, "ids": list(stands_of(ends).ids), "off_road": int((to_now.link < 0).sum())},
        "minutes": _rows(matrix(roads.now, from_now, to_now)),
        "minutes_open": _rows(matrix(roads.free, from_free, to_free)),
    }


def _rows(seconds: Any) -> list[list[float | None]]:
    return [[minutes(value) for value in row] for row in seconds.tolist()]
