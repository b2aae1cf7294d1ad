"""Square cells over the towns with their levels, for the map: any of them answers why."""

import datetime as dt
import json
import math
from dataclasses import dataclass
from typing import Any, Final

import geopandas as gpd
import numpy as np
import shapely

from api.use._remember import remember
from api.use.assessments import CELL_SIZES_M, Assessed, answer, assess_cells
from api.use.situation import codes_at, help_at
from api.use.why import why
from geo_risk.errors import ParameterError, shown
from geo_risk.model import PlaceRisk
from geo_risk.risk.explain import reasons
from layers._store import Snapshot

MOST_CELLS: Final = 10_000
_USUAL_CELLS: Final = 4_000
_REASONS: Final = 3
_DEGREE_M: Final = 111_320.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Cells:
    """Cells of one size with their assessment."""

    size_m: int
    frame: gpd.GeoDataFrame
    assessed: Assessed


def cells_now(snapshot: Snapshot, size_m: int | None = None) -> Cells:
    """The cells of a size, assessed today; computed once for the snapshot. Without a size, one that a screen has room for.

    Raises
    ------
    ParameterError
        A size that is not kept, or more cells than a map draws; or there are no towns.
    """
    fitting = [size for size in CELL_SIZES_M if _about(snapshot, size) <= MOST_CELLS] or [CELL_SIZES_M[-1]]
    chosen = size_m or next((size for size in fitting if _about(snapshot, size) <= _USUAL_CELLS), fitting[-1])
    if chosen not in fitting:
        raise ParameterError(
            "no cells of this size", where="cell_m", expected=" or ".join(map(str, fitting)) + " m here", got=shown(chosen),
            then="take one of these; the command line assesses cells of any size",
        )
    today = snapshot.day or dt.datetime.now(tz=dt.UTC).astimezone().date()

    def made(now: Snapshot) -> Cells:
        assessed, frame = assess_cells(now, chosen, on=today)
        return Cells(size_m=chosen, frame=frame, assessed=assessed)

    return remember(snapshot.whole, f"cells {chosen} assessed {today}", made)


def cells_text(snapshot: Snapshot, size_m: int | None = None) -> str:
    """The cells as GeoJSON text, made once for the snapshot: worst first, each with its level, score and reasons."""
    found = cells_now(snapshot, size_m)
    return remember(found, "text", lambda cells: json.dumps(cells_answer(cells), ensure_ascii=False, allow_nan=False))


def cells_answer(cells: Cells) -> dict[str, Any]:
    """A GeoJSON collection of the cells; beside it what the assessment says of itself: rules, factors, what is absent."""
    corners = shapely.get_coordinates(cells.frame.geometry.to_numpy()).round(6).reshape(len(cells.frame), -1, 2).tolist()
    at = {str(cell): rings for cell, rings in zip(cells.frame.index, corners, strict=True)}
    told = answer(cells.assessed)
    del told["areas"]
    return {
        "type": "FeatureCollection",
        "cell_m": cells.size_m,
        "sizes_m": list(CELL_SIZES_M),
        **told,
        "features": [
            {
                "type": "Feature",
                "id": place.place,
                "geometry": {"type": "Polygon", "coordinates": [at[place.place]]},
                "properties": {"level": place.level, "score": place.score, "reasons": _reasons(place)},
            }
            for place in cells.assessed.assessment.places
        ],
    }


def cell_why(snapshot: Snapshot, size_m: int | None, cell_id: str) -> dict[str, Any]:
    """Why a cell has its level, with the help that is nearest to its middle and who answers for the town there.

    Raises
    ------
    NotFound
        There is no such cell of this size.
    """
    cells = cells_now(snapshot, size_m)
    told = why(snapshot, cells.assessed, cells.frame, "cells", cell_id)
    middle = cells.frame.geometry[cell_id].centroid
    place = {
        "id": cell_id, "layer": "cells", "name": cell_id, "lon": middle.x, "lat": middle.y,
        "properties": {"cell_m": cells.size_m},
        "in": sorted(_towns_at(snapshot, middle)),
    }
    return {
        **told, "place": place, "cell_m": cells.size_m,
        **help_at(snapshot, middle, codes_at(snapshot, middle)),
    }


def _reasons(place: PlaceRisk) -> list[dict[str, Any]]:
    return [{"factor": each.factor, "raw": each.raw, "score": each.score} for each in reasons(place, _REASONS)]


def _towns_at(snapshot: Snapshot, point: shapely.Point) -> set[str]:
    towns = snapshot.frames["towns"]
    return {str(name) for name in towns["name"].iloc[towns.sindex.query(point, predicate="intersects")].dropna()}


def _about(snapshot: Snapshot, size_m: int) -> float:
    """About how many cells cover the bounds of the towns."""
    west, south, east, north = snapshot.frames["towns"].total_bounds
    if not np.isfinite([west, south, east, north]).all():
        return 0.0
    width_m = (east - west) * _DEGREE_M * math.cos(math.radians((south + north) / 2))
    return float(max(1.0, width_m / size_m) * max(1.0, (north - south) * _DEGREE_M / size_m))
