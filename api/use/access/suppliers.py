"""Who brings what: teams their people, depots their stock, and how long each needs before it leaves."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from api.use.access.places_on_roads import on_roads, stands_of
from api.use.access.roads_now import RoadsNow
from api.use.columns import numbers
from api.use.nearby import AVAILABLE
from geo_risk.access.mobilisation import arrivals, units
from geo_risk.access.travel import matrix
from geo_risk.errors import ParameterError, shown
from layers._catalog import layer
from layers._store import Snapshot
from layers._tables import table

Floats = NDArray[np.float64]
TEAMS: Final = "rescue_teams"
DEPOTS: Final = "supply_depots"
PEOPLE: Final = "people"


@dataclass(frozen=True, kw_only=True, eq=False)
class Suppliers:
    """Teams, depots or both: ``ready_s`` until each leaves, and what each brings of every amount, nan unknown."""

    frames: tuple[gpd.GeoDataFrame, ...]
    ready_s: Floats
    amounts: dict[str, Floats]

    @property
    def names(self) -> dict[str, str]:
        """The name of each by its id, in order."""
        stands = [stands_of(frame) for frame in self.frames]
        return {fid: name for each in stands for fid, name in zip(each.ids, each.names, strict=True)}

    def arrivals_s(self, roads: RoadsNow, places: gpd.GeoDataFrame, *, open_: bool) -> Floats:
        """When each stands at each place, on the roads as they are or were all open; shape (suppliers, places).

        nan where nobody knows where the supplier or the place is: that is unknown, not never.
        """
        travel, ends = (roads.free if open_ else roads.now), on_roads(roads, places)[open_]
        way = np.vstack([matrix(travel, on_roads(roads, frame)[open_], ends) for frame in self.frames])
        unplaced = np.isnan(np.concatenate([stands_of(frame).lon for frame in self.frames]))
        way[unplaced[:, None] | np.isnan(stands_of(places).lon)] = np.nan
        return arrivals(self.ready_s, way)


def suppliers_of(snapshot: Snapshot, needs: Iterable[str]) -> Suppliers:
    """Those who bring something of the needs: people and kinds of teams come from teams, stock comes from depots.

    Teams that are out or off duty never come; depots leave after the loading time of table *access*.
    """
    wanted, kinds, stock = set(needs), _kinds(), _stock()
    strange = sorted(wanted - {PEOPLE, *kinds, *stock})
    if strange:
        raise ParameterError(
            "nobody brings this", where="needs", expected=", ".join((PEOPLE, *kinds, *stock)), got=shown(strange[0]),
            then="name one of these",
        )
    by_teams, by_depots = [name for name in (PEOPLE, *kinds) if name in wanted], [name for name in stock if name in wanted]
    asked = [(TEAMS, by_teams), (DEPOTS, by_depots)]
    chosen = [layer_id for layer_id, names in asked if names]
    frames = tuple(snapshot.frames[layer_id] for layer_id in chosen)
    pairs = list(zip(chosen, frames, strict=True))

    def brought(name: str, owner: str) -> Floats:
        return np.concatenate([_amount(frame, name) if each == owner else np.zeros(len(frame)) for each, frame in pairs])

    return Suppliers(
        frames=frames,
        ready_s=np.concatenate([_READY[each](frame) for each, frame in pairs]),
        amounts={name: brought(name, owner) for owner, names in asked for name in names},
    )


def _kinds() -> tuple[str, ...]:
    return tuple(choice.id for choice in layer(TEAMS).column("kind").choices)


def _stock() -> tuple[str, ...]:
    return tuple(table("access")["depot"]["stock"])


def _amount(frame: gpd.GeoDataFrame, name: str) -> Floats:
    """A column, or one team of a kind."""
    if name in frame:
        return numbers(frame, name)
    return units([kind if isinstance(kind, str) else None for kind in frame["kind"]], name)


def _ready_s(teams: gpd.GeoDataFrame) -> Floats:
    """Seconds until a team leaves: nan where nobody knows, inf where it is known to be out or off duty."""
    away = np.array([AVAILABLE.get(status) is False for status in teams["status"]], dtype=bool)
    return np.where(away, np.inf, 60.0 * numbers(teams, "ready_minutes"))


def _loading_s(depots: gpd.GeoDataFrame) -> Floats:
    return np.full(len(depots), 60.0 * float(table("access")["depot"]["loading_min"]))


_READY: Final = {TEAMS: _ready_s, DEPOTS: _loading_s}
"""How long each kind of supplier needs before it leaves."""
