"""Which places are cut off from help, how many people are there, and whose loss would cut off most."""

from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from api.use._remember import remember_few
from api.use.access.groups import Groups
from api.use.access.places_on_roads import on_roads, stands_of
from api.use.access.roads_now import RoadsNow
from api.use.access.said import compared, roads_said
from api.use.nearby import wanted
from geo_risk.access.isolation import Network, OwnRoad, cut_off, facility_losses, link_losses
from layers._layer import Layer
from layers._store import Snapshot

_DIGITS: Final = 6


def isolated_places(
    snapshot: Snapshot, roads: RoadsNow, groups: Groups, facilities: Layer, *, losses: int, free_only: bool = True
) -> dict[str, Any]:
    """Each group that does not reach a facility, or reaches it later than on open roads; and the worst losses there could be.

    ``losses`` is how many links and facilities are told whose loss would be worst; 0 asks for none.
    """
    frame, people, places = groups.frame, groups.people, snapshot.frames[facilities.id]
    usable = np.flatnonzero(wanted(places, free_only))
    now, before = (
        Network(travel=travel, places=here, facilities=there.take(usable))
        for travel, here, there in zip((roads.now, roads.free), on_roads(roads, frame), on_roads(roads, places), strict=True)
    )
    found = cut_off(now, before, people)
    names = stands_of(places)
    own_road = _own_road(frame)
    return {
        **roads_said(roads),
        "groups": groups.id,
        "facilities": facilities.id,
        "usable_facilities": len(usable),
        "sums": {
            state: {name: _plain(value) for name, value in row.items()}
            for state, row in found.sums.to_dict(orient="index").items()
        },
        "places": _places(found.places, frame, usable, names),
        "own_road": own_road,
        "worst_links": _worst_links(roads, now, people, losses, own_road) if losses else [],
        "worst_facilities": _worst_facilities(roads, now, people, usable, names, losses) if losses else [],
    }


def _places(found: pd.DataFrame, frame: pd.DataFrame, usable: Any, facilities: Any) -> list[dict[str, Any]]:
    """The places that are not reached, or later than on open roads, the worst first."""
    stands = stands_of(frame)
    changed = np.flatnonzero((found["state"] != "reached") | (found["added"] > 0.5))
    people = found["people"].fillna(-1.0)
    order = changed[np.lexsort((changed, -people.iloc[changed], -found["added"].fillna(np.inf).iloc[changed]))]
    return [
        {
            "id": stands.ids[at],
            "name": stands.names[at],
            "lon": _degrees(stands.lon[at]),
            "lat": _degrees(stands.lat[at]),
            "state": str(found["state"].iloc[at]),
            "people": _plain(found["people"].iloc[at]),
            **compared(float(found["cost_now"].iloc[at]), float(found["cost_before"].iloc[at])),
            "facility": _facility(found["facility_now"].iloc[at], usable, facilities),
            "facility_before": _facility(found["facility_before"].iloc[at], usable, facilities),
        }
        for at in order.tolist()
    ]


def _facility(position: Any, usable: Any, facilities: Any) -> dict[str, str] | None:
    return None if position < 0 else {"id": facilities.ids[usable[position]], "name": facilities.names[usable[position]]}


def _own_road(frame: gpd.GeoDataFrame) -> OwnRoad:
    """Whether a place is lost with the road it lies on: a house along a road is, a town is on no one road."""
    return "left out" if (shapely.get_dimensions(np.asarray(frame.geometry.to_numpy(), dtype=object)) == 2).any() else "counted"


def _worst_links(roads: RoadsNow, now: Network, people: Any, most: int, own_road: OwnRoad) -> list[dict[str, Any]]:
    graph = roads.graph
    key = (*_identity(now, people), own_road)
    found = remember_few(roads.now, "link losses", key, lambda _: link_losses(now, people, own_road=own_road), most=4)
    return [
        {
            "link": graph.link_id(link),
            "road": graph.feature_ids[int(graph.feature[link])],
            "name": graph.name(link),
            "bridge": bool(graph.bridge[link]),
            **_loss(row),
            "geometry": {
                "type": "LineString",
                "coordinates": np.round(graph.points[graph.point_at[link] : graph.point_at[link + 1]], _DIGITS).tolist(),
            },
        }
        for link, row in _worst(found, most)
    ]


def _identity(network: Network, people: Any) -> tuple[bytes, ...]:
    """What tells two askings on the same roads apart: which places with whom, and which facilities."""
    parts = (network.places.link, network.places.along, network.facilities.link, network.facilities.along, people)
    return tuple(np.asarray(part).tobytes() for part in parts)


def _worst_facilities(
    roads: RoadsNow, now: Network, people: Any, usable: Any, facilities: Any, most: int
) -> list[dict[str, Any]]:
    found = remember_few(roads.now, "facility losses", _identity(now, people), lambda _: facility_losses(now, people), most=4)
    return [
        {"id": facilities.ids[usable[at]], "name": facilities.names[usable[at]], **_loss(row)}
        for at, row in _worst(found, most)
    ]


def _loss(row: Any) -> dict[str, Any]:
    return {
        "people_cut_off": _plain(row["people_cut_off"]),
        "places_cut_off": _plain(row["places_cut_off"]),
        "person_minutes_added": round(float(row["added"]) / 60.0, 1),
    }


def _worst(found: pd.DataFrame, most: int) -> list[tuple[int, dict[str, Any]]]:
    """The first losses that matter, by their number."""
    rows = found.head(most)
    pairs = zip(rows.index.tolist(), rows.to_dict(orient="records"), strict=True)
    return [(int(at), {str(name): value for name, value in row.items()}) for at, row in pairs if _matters(row)]


def _matters(row: dict[Any, Any]) -> bool:
    return bool(row["people_cut_off"] > 0 or row["places_cut_off"] > 0 or row["added"] > 0)


def _plain(value: Any) -> int | float | None:
    return None if pd.isna(value) else int(value) if float(value).is_integer() else float(value)


def _degrees(value: Any) -> float | None:
    return None if np.isnan(value) else round(float(value), _DIGITS)
