"""Rows of the layer *road_closures* as closures of the engine; a row that cannot be read is told of, never left out in silence."""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import geopandas as gpd
import pandas as pd

from geo_risk.access.closures import Around, Bridges, Closure, Flooded, Inside, Named
from geo_risk.errors import GeoRiskError

Depths = Callable[[str], tuple[Any, Any]]
"""From a raster's name to each link's deepest known depth and the share of it that has none."""
_KEPT: Final = "kept"


@dataclass(frozen=True, kw_only=True)
class Unreadable:
    """A closure that could not be honoured, and why: roads that it shuts count as open, so every answer must say it."""

    id: str
    title: str
    problem: str


@dataclass(frozen=True, kw_only=True)
class Listed:
    """The closures of the list, and those that could not be read."""

    closures: tuple[Closure, ...]
    unreadable: tuple[Unreadable, ...]


def listed(rows: gpd.GeoDataFrame, depths: Depths) -> Listed:
    """Every row as one closure, or several where it says what it shuts in several ways."""
    closures: list[Closure] = []
    unreadable: list[Unreadable] = []
    for row in rows.reset_index().itertuples(index=False):
        try:
            closures.extend(_closures(row, depths))
        except GeoRiskError as error:
            unreadable.append(Unreadable(id=str(row.id), title=str(row.title), problem=str(error)))
    return Listed(closures=tuple(closures), unreadable=tuple(unreadable))


def _closures(row: Any, depths: Depths) -> Iterator[Closure]:
    ways = list(_ways(row, depths))
    for number, what in enumerate(ways):
        yield Closure(
            id=str(row.id) if number == 0 else f"{row.id}+{number}",
            cause=str(row.cause),
            title=str(row.title),
            since=_moment(row.since),
            until=_moment(row.until),
            vehicles=tuple(_parts(row.vehicles)),
            what=what,
        )


def _ways(row: Any, depths: Depths) -> Iterator[Flooded | Around | Inside | Named]:
    bridges: Bridges = "kept" if row.bridges == _KEPT else "lost"
    if row.geometry is not None and not row.geometry.is_empty:
        yield Inside(area=row.geometry, bridges=bridges)
    if roads := _parts(row.roads):
        yield Named(links=tuple(roads))
    if not pd.isna(row.radius_m):
        yield Around(lon=float(row.centre_lon), lat=float(row.centre_lat), radius_m=float(row.radius_m), bridges=bridges)
    if isinstance(row.depth_raster, str):
        depth_m, unknown_share = depths(row.depth_raster)
        yield Flooded(depth_m=depth_m, unknown_share=unknown_share, bridges=bridges)


def _parts(text: Any) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()] if isinstance(text, str) else []


def _moment(text: Any) -> dt.datetime | None:
    return dt.datetime.fromisoformat(text) if isinstance(text, str) else None
