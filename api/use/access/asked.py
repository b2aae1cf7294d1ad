"""Parameters that access questions share: for which vehicle, at which moment, and what if other roads were shut too."""

import datetime as dt
from dataclasses import dataclass

from api.use import parameters
from api.use.access.roads_now import AccessFiles, RoadsNow, roads_now
from geo_risk.access.travel import By
from geo_risk.errors import NotFound, ParameterError, shown
from layers._store import Snapshot


@dataclass(frozen=True, kw_only=True)
class RoadQuestion:
    """What a caller says of the roads: texts as they came, all of which have a default."""

    vehicle: str = "car"
    at: str | None = None
    without: str | None = None

    def roads(self, snapshot: Snapshot, files: AccessFiles, *, by: By = "time") -> RoadsNow | None:
        """The roads asked about, or None where the store holds none."""
        names = tuple(name.strip() for name in (self.without or "").split(",") if name.strip())
        return roads_now(snapshot, files, vehicle=self.vehicle, at=moment(self.at), without=names, by=by)

    def require_roads(self, snapshot: Snapshot, files: AccessFiles, *, by: By = "time") -> RoadsNow:
        """The roads asked about; `NotFound` where the store holds none, since a straight line cannot answer the question."""
        roads = self.roads(snapshot, files, by=by)
        if roads is None:
            raise NotFound(
                "the store holds no roads, and this question cannot be answered without", where="layer roads",
                expected="roads", got="none", then="import roads: geo-risk import roads FILE",
            )
        return roads


def moment(text: str | None) -> dt.datetime:
    """A moment with its offset; now without one."""
    if text is None:
        return dt.datetime.now(tz=dt.UTC)
    found: dt.datetime | None
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise ParameterError(
            "this is no moment with its offset", where="at", expected="such as 2026-07-01T08:00+08:00", got=shown(text),
            then="send + as %2B in an address",
        )
    return found


def place(text: str, name: str) -> tuple[float, float]:
    """A place from ``lon,lat``."""
    parts = text.split(",")
    if len(parts) != 2:
        raise ParameterError(
            f"{name} is no place", where=name, expected="lon,lat in degrees", got=f"{len(parts)} parts",
            then=f"for example {name}=119.70,28.56",
        )
    return parameters.number(parts[0], name, -180, 180), parameters.number(parts[1], name, -90, 90)


def needs_of(text: str) -> dict[str, int]:
    """Needs from ``people:2000,water:2``: names with whole numbers, none twice."""
    found: dict[str, int] = {}
    for part in text.split(","):
        name, colon, count = part.partition(":")
        if not colon or name.strip() in found:
            raise ParameterError(
                "needs cannot be read", where="needs", expected="name:number, by comma, each name once", got=shown(part),
                then="for example needs=people:2000,boats:10",
            )
        found[name.strip()] = parameters.whole(count, "needs", 1, 1_000_000)
    return found
