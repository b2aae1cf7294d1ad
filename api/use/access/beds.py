"""Shelters as beds: how many places are free, who can use them, and why one is out of the question."""

from dataclasses import dataclass
from typing import Any, Final

import geopandas as gpd
import numpy as np
import shapely

from api.use.access.places_on_roads import stands_of
from api.use.columns import numbers
from api.use.nearby import AVAILABLE
from geo_risk.access.evacuation import Shelters
from geo_risk.errors import ParameterError, shown
from layers._store import Snapshot
from layers._tables import table

LAYER: Final = "shelters"
CLOSED: Final = "closed"
UNFIT: Final = "unfit for this hazard"
FITNESS_UNKNOWN: Final = "fitness for this hazard unknown"
INSIDE: Final = "inside the hazard"
NOT_FOR_STAYING: Final = "not for staying"
LIFTABLE: Final = (CLOSED, NOT_FOR_STAYING)
"""Reasons that a commander may lift. Nobody is advised to open a shelter inside the hazard, or one that does not bear it."""


@dataclass(frozen=True, kw_only=True)
class Hazard:
    """A hazard as table *access* describes it: the shelters' column that says fit, the zones to keep out of, whose duty it is."""

    id: str
    title: dict[str, str]
    fit: str | None = None
    zones: str | None = None
    kinds: tuple[str, ...] = ()
    duty: str | None = None


def hazard_named(hazard_id: str) -> Hazard:
    """The hazard of that id."""
    rows: dict[str, dict[str, Any]] = table("access")["hazard"]
    if hazard_id not in rows:
        raise ParameterError("no such hazard", where="hazard", expected=", ".join(rows), got=shown(hazard_id), then="name one")
    row = rows[hazard_id]
    return Hazard(**{**row, "id": hazard_id, "kinds": tuple(row.get("kinds", ()))})


def shelters_for(snapshot: Snapshot, hazard: Hazard) -> Shelters:
    """Every shelter with its free places; the excluded ones say why, so that a plan can tell what opening one would save.

    Free places are capacity less occupancy, and of a closed shelter its whole capacity; unknown where either is.
    """
    frame = snapshot.frames[LAYER]
    closed = [AVAILABLE.get(status) is False for status in frame["status"]]
    capacity, occupancy = (numbers(frame, name) for name in ("capacity", "occupancy"))
    return Shelters(
        ids=list(stands_of(frame).ids),
        free=np.maximum(capacity - np.where(closed, 0.0, occupancy), 0.0),
        wheels_fit=_known(frame, "wheelchair"),
        care_fit=_known(frame, "care"),
        excluded=_excluded(snapshot, frame, hazard, closed),
    )


def _excluded(snapshot: Snapshot, frame: gpd.GeoDataFrame, hazard: Hazard, closed: list[bool]) -> list[str]:
    inside = inside_hazard(snapshot, frame, hazard)
    fit = _known(frame, hazard.fit) if hazard.fit else [True] * len(frame)
    rows = zip(frame["kind"], fit, inside.tolist(), closed, strict=True)
    return [
        INSIDE if within else NOT_FOR_STAYING if kind not in ("shelter", None) and kind == kind else
        UNFIT if suits is False else FITNESS_UNKNOWN if suits is None else CLOSED if shut else ""
        for kind, suits, within, shut in rows
    ]  # fmt: skip


def inside_hazard(snapshot: Snapshot, frame: gpd.GeoDataFrame, hazard: Hazard) -> np.ndarray:
    """Which features touch a zone of the hazard; none where the hazard has no zones."""
    inside = np.zeros(len(frame), dtype=bool)
    if hazard.zones is None:
        return inside
    zones = zones_of(snapshot, hazard)
    shapes = np.asarray(frame.geometry.to_numpy(), dtype=object)
    known = np.flatnonzero(~shapely.is_missing(shapes))
    hit, _ = zones.sindex.query(shapes[known], predicate="intersects") if len(zones) else (np.empty(0, dtype=int), None)
    inside[known[np.unique(hit)]] = True
    return inside


def zones_of(snapshot: Snapshot, hazard: Hazard) -> gpd.GeoDataFrame:
    """The zones of a hazard, of the kinds that its row names."""
    zones = snapshot.frames[str(hazard.zones)]
    return zones[zones["kind"].isin(hazard.kinds)] if hazard.kinds else zones


def _known(frame: gpd.GeoDataFrame, name: str) -> list[bool | None]:
    if name not in frame:
        return [None] * len(frame)
    return [bool(value) if value is True or value is False else None for value in frame[name].astype(object)]
