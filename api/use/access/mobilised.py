"""A promise of help within a time: proven or refuted for every place, with the worst one and what would make it true."""

import math
from typing import Any, Final

import geopandas as gpd

from api.use.access.places_on_roads import stands_of
from api.use.access.roads_now import RoadsNow
from api.use.access.said import minutes, roads_said
from api.use.access.suppliers import Suppliers, suppliers_of
from geo_risk.access.mobilisation import Verdict, arriving, compare, promise, prove
from layers._layer import Layer
from layers._store import Snapshot

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
    suppliers, frame = suppliers_of(snapshot, targets), snapshot.frames[places.id]
    now, free = (_proven(suppliers, roads, frame, targets, within_min, open_=each) for each in (False, True))
    stands = dict(zip(stands_of(frame).ids, stands_of(frame).names, strict=True))
    names = suppliers.names
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
    suppliers: Suppliers, roads: RoadsNow, places: gpd.GeoDataFrame, targets: dict[str, int], within_min: float, *, open_: bool
) -> Verdict:
    stated = promise(
        suppliers.arrivals_s(roads, places, open_=open_), suppliers.amounts, targets, within_s=within_min * 60.0,
        teams=list(suppliers.names), places=stands_of(places).ids,
    )  # fmt: skip
    return prove(stated, budget_s=_OPEN_BUDGET_S if open_ else _BUDGET_S)


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
    """Every place, those where the statement fails first: where most is short, then the latest."""
    rows = [
        {
            "id": place,
            "name": names[place],
            "state": row["state"],
            "state_open": row["state_open"],
            **_met(row["at_s"], row["at_open_s"]),
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
    return sorted(
        rows,
        key=lambda row: (
            order.index(row["state"]), -sum(row["shortfall"].values()), -(row["minutes"] or math.inf), row["id"],
        ),
    )  # fmt: skip


def _met(now_s: float, open_s: float) -> dict[str, Any]:
    """When the statement holds at a place, now and on open roads, and both in words."""
    now, was = minutes(now_s), minutes(open_s)
    if now is None:
        en, zh = ("never", "始终达不到") if was is None else (f"never, was {was:g} min", f"始终达不到，原 {was:g} 分钟")
    else:
        same = now == was
        en, zh = f"{now:g} min" + ("" if same else f", was {was:g}"), f"{now:g} 分钟" + ("" if same else f"，原 {was:g} 分钟")
    return {"minutes": now, "minutes_open": was, "said": {"en": en, "zh": zh}}


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
