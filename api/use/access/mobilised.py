"""A promise of help within a time: proven or refuted for every place, with the worst one and what would make it true."""

import math
from typing import Any, Final

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from api.use.access.places_on_roads import on_roads, stands_of
from api.use.access.roads_now import RoadsNow
from api.use.access.said import compared, minutes, roads_said
from api.use.nearby import AVAILABLE
from geo_risk.access.mobilisation import Promise, Verdict, arrivals, arriving, compare, promise, prove, units
from geo_risk.access.travel import Travel, matrix
from geo_risk.errors import ParameterError, shown
from layers._catalog import layer
from layers._layer import Layer
from layers._store import Snapshot
from layers._tables import table

Floats = NDArray[np.float64]
TEAMS: Final = "rescue_teams"
DEPOTS: Final = "supply_depots"
_ARRIVING: Final = 30
_BUDGET_S, _OPEN_BUDGET_S = 0.2, 0.02
"""Seconds for proving that no smaller addition would do; the answer says whether it was proven."""


def mobilised(
    snapshot: Snapshot, roads: RoadsNow, places: Layer, targets: dict[str, int], *, within_min: float, detail: str | None = None
) -> dict[str, Any]:
    """The verdict now and on open roads. ``targets`` are people, kinds of teams (how many) and stock of depots (how much).

    Teams that are out or off duty do not come; one of unknown readiness or size counts for nothing and is listed. Depots
    send what they hold after the loading time of table *access*. ``detail`` names a place for which every arrival is told.
    """
    known = _amounts(snapshot)
    strange = sorted(set(targets) - set(known))
    if strange:
        raise ParameterError(
            "nobody brings this", where="needs", expected=", ".join(known), got=shown(strange[0]), then="name one of these",
        )
    amounts = {name: known[name] for name in known if name in targets or name == "people"}
    now, free = (_proven(snapshot, roads, places, amounts, targets, within_min, open_=each) for each in (False, True))
    stands = dict(zip(stands_of(snapshot.frames[places.id]).ids, stands_of(snapshot.frames[places.id]).names, strict=True))
    names = _supplier_names(snapshot)
    return {
        **roads_said(roads),
        "statement": {"within_min": within_min, "needs": targets, "places": places.id, "rule": "any one place"},
        "state": now.state,
        "state_open": free.state,
        "worst": _worst(now, stands),
        "worst_open": _worst(free, stands),
        "would_be_true": _changes(now, names, stands),
        "places": _places(now, free, stands),
        "unknown": [{"id": fid, "name": names[fid]} for fid in now.unknown.index.tolist()],
        "suppliers": len(names),
        "arriving": _arriving(now, detail, names) if detail else None,
        "rules": [{"id": rule.id, "chosen": rule.chosen} for rule in now.rules],
    }


def _proven(
    snapshot: Snapshot, roads: RoadsNow, places: Layer, amounts: dict[str, Floats], targets: dict[str, int], within_min: float,
    *, open_: bool,
) -> Verdict:  # fmt: skip
    stated = _promise(snapshot, roads, places, amounts, targets, within_min, open_=open_)
    return prove(stated, budget_s=_OPEN_BUDGET_S if open_ else _BUDGET_S)


def _promise(
    snapshot: Snapshot, roads: RoadsNow, places: Layer, amounts: dict[str, Floats], targets: dict[str, int], within_min: float,
    *, open_: bool,
) -> Promise:  # fmt: skip
    travel, frame = roads.free if open_ else roads.now, snapshot.frames[places.id]
    ways = [_ways(roads, travel, each, frame, open_=open_) for each in _suppliers(snapshot)]
    ready = np.concatenate([_ready_s(snapshot.frames[TEAMS]), _loading_s(snapshot.frames[DEPOTS])])
    return promise(
        arrivals(ready, np.vstack(ways)), amounts, targets, within_s=within_min * 60.0, teams=list(_supplier_names(snapshot)),
        places=stands_of(frame).ids,
    )  # fmt: skip


def _ways(roads: RoadsNow, travel: Travel, suppliers: gpd.GeoDataFrame, places: gpd.GeoDataFrame, *, open_: bool) -> Floats:
    return matrix(travel, on_roads(roads, suppliers)[open_], on_roads(roads, places)[open_])


def _suppliers(snapshot: Snapshot) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    return snapshot.frames[TEAMS], snapshot.frames[DEPOTS]


def _supplier_names(snapshot: Snapshot) -> dict[str, str]:
    found: dict[str, str] = {}
    for frame in _suppliers(snapshot):
        found |= dict(zip(stands_of(frame).ids, stands_of(frame).names, strict=True))
    return found


def _amounts(snapshot: Snapshot) -> dict[str, Floats]:
    """What every team and depot brings: people, one team of its kind, or stock; a depot brings no people, a team no stock."""
    teams, depots = _suppliers(snapshot)
    no_people, no_stock = np.zeros(len(depots)), np.zeros(len(teams))
    kinds = [choice.id for choice in layer(TEAMS).column("kind").choices]
    own = [kind if isinstance(kind, str) else None for kind in teams["kind"]]
    people = {"people": np.concatenate([_numbers(teams, "people"), no_people])}
    by_kind = {kind: np.concatenate([units(own, kind), no_people]) for kind in kinds}
    stock = {name: np.concatenate([no_stock, _numbers(depots, name)]) for name in table("access")["depot"]["stock"]}
    return people | by_kind | stock


def _ready_s(teams: gpd.GeoDataFrame) -> Floats:
    """Seconds until a team leaves: nan where nobody knows, inf where it is known to be out or off duty."""
    seconds = 60.0 * _numbers(teams, "ready_minutes")
    away = np.array([AVAILABLE.get(status) is False for status in teams["status"]], dtype=bool)
    return np.where(away, np.inf, seconds)


def _loading_s(depots: gpd.GeoDataFrame) -> Floats:
    return np.full(len(depots), 60.0 * float(table("access")["depot"]["loading_min"]))


def _numbers(frame: gpd.GeoDataFrame, name: str) -> Floats:
    return np.asarray(frame[name].astype("Float64").to_numpy(dtype=float, na_value=np.nan), dtype=float)


def _worst(found: Verdict, names: dict[str, str]) -> dict[str, Any]:
    worst = found.worst
    return {
        "id": worst.place, "name": names[worst.place], "need": worst.need, "arrived": worst.arrived, "target": worst.target,
        "shortfall": worst.shortfall,
    }  # fmt: skip


def _changes(found: Verdict, suppliers: dict[str, str], places: dict[str, str]) -> dict[str, Any]:
    """The smallest change of each kind that would make the statement true."""
    return {
        "within_min": minutes(found.changes.within_s),
        "needs": dict(found.changes.targets),
        "more": [
            {
                "need": more.need,
                "total": more.total,
                "at": [{"id": base, "name": suppliers[base], "more": number} for base, number in more.added],
                "one_base": more.one_base,
                "exact": more.exact,
                "at_least": more.at_least,
                "beyond": [{"id": place, "name": places[place]} for place in more.beyond],
            }
            for more in found.changes.more
        ],
    }


def _places(now: Verdict, free: Verdict, names: dict[str, str]) -> list[dict[str, Any]]:
    """Every place, those where the statement fails first, the latest first."""
    rows = [
        {
            "id": place,
            "name": names[place],
            "state": row["state"],
            "state_open": row["state_open"],
            **compared(row["at_s"], row["at_open_s"]),
            "by_closures": bool(row["by_closures"]),
            "arrived": {str(need): int(value) for need, value in arrived.items()},
            "shortfall": {str(need): int(value) for need, value in short.items()},
            "teams": int(teams),
        }
        for place, row, arrived, short, teams in zip(
            now.promise.places, compare(now, free).to_dict(orient="records"), now.arrived.to_dict(orient="records"),
            now.shortfall.to_dict(orient="records"), now.places["teams"], strict=True,
        )
    ]
    order = ("refuted", "unknown", "proven")
    return sorted(rows, key=lambda row: (order.index(row["state"]), -(row["minutes"] or math.inf), row["id"]))


def _arriving(found: Verdict, place: str, names: dict[str, str]) -> list[dict[str, Any]]:
    rows = arriving(found.promise, place).head(_ARRIVING)
    return [
        {
            "id": team,
            "name": names[str(team)],
            "minutes": None if math.isnan(row["at_s"]) else minutes(row["at_s"]),
            "in_time": bool(row["in_time"]),
            **{name: None if math.isnan(row[name]) else int(row[name]) for name in found.promise.amounts},
        }
        for team, row in rows.to_dict(orient="index").items()
    ]
