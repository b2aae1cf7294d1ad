"""A plan of evacuation as plain values: sentences, transfers, loads, who has no place and why, and its certificate."""

import math
from collections.abc import Hashable
from dataclasses import replace
from typing import Any, Final

import geopandas as gpd

from api.use.access.beds import LAYER, Hazard
from api.use.access.duty import duty_of
from api.use.access.places_on_roads import stands_of
from api.use.access.said import minutes
from geo_risk.access.evacuation import Plan
from geo_risk.access.evacuation_words import sentences
from layers._store import Snapshot

_ADVISED: Final = 5
"""Shelters to open that the sentences name; the answer lists all."""


def plan_said(
    snapshot: Snapshot, plan: Plan, groups: gpd.GeoDataFrame, hazard: Hazard
) -> dict[str, Any]:
    """What the plan says, by the names of groups and shelters; duty holders in the columns that the caller may read."""
    shelters = snapshot.frames[LAYER]
    group_at, shelter_at = _named(groups), _named(shelters)
    called: dict[Hashable, str] = {**_titles(groups), **_titles(shelters)}
    told = replace(plan, openings=plan.openings[:_ADVISED])
    duty = dict(zip(group_at, duty_of(snapshot, groups, hazard.duty), strict=True))
    return {
        "sentences": [{"en": each.en, "zh": each.zh} for each in sentences(told, called)],
        "people": plan.people,
        "placed": plan.placed,
        "left": plan.left,
        "person_minutes": round(plan.person_seconds / 60.0, 1),
        "transfers": [
            {
                **row,
                "seconds": None if math.isnan(row["seconds"]) else row["seconds"],
                "minutes": None if math.isnan(row["seconds"]) else minutes(row["seconds"]),
                "group_name": group_at[row["group"]]["name"],
                "shelter_name": shelter_at[row["shelter"]]["name"],
                "from": group_at[row["group"]]["place"],
                "to": shelter_at[row["shelter"]]["place"],
            }
            for row in plan.transfers.to_dict(orient="records")
        ],
        "duty": {fid: duty[fid] for fid in dict.fromkeys(plan.transfers["group"])},
        "shelters": [
            {"id": fid, "name": shelter_at[str(fid)]["name"], **{name: _plain(value) for name, value in row.items()}}
            for fid, row in plan.load[plan.load["incoming"] > 0].to_dict(orient="index").items()
        ],
        "unplaced": [{**row, "group_name": group_at[row["group"]]["name"]} for row in plan.unplaced.to_dict(orient="records")],
        "unknown_groups": [{"id": fid, "name": group_at[str(fid)]["name"]} for fid in plan.unknown_groups],
        "needs_unknown": len(plan.needs_unknown),
        "split": list(plan.split),
        "shortages": [vars(each) for each in plan.shortages],
        "openings": [vars(each) | {"name": shelter_at[str(each.shelter)]["name"]} for each in plan.openings],
        "limits": [{"limit_min": each.limit_s / 60, "saves": each.saves, "left": each.left} for each in plan.limits],
        "certificate": vars(plan.certificate),
        "change": None if plan.change is None else vars(plan.change) | {
            "names": [group_at[str(fid)]["name"] for fid in plan.change.groups if fid in group_at]},
        "opened": None if plan.opened is None else vars(plan.opened),
    }  # fmt: skip


def _titles(frame: gpd.GeoDataFrame) -> dict[Hashable, str]:
    stands = stands_of(frame)
    return dict(zip(stands.ids, stands.names, strict=True))


def _named(frame: gpd.GeoDataFrame) -> dict[str, dict[str, Any]]:
    stands = stands_of(frame)
    return {
        fid: {"name": name, "place": None if math.isnan(lon) else [round(lon, 6), round(lat, 6)]}
        for fid, name, lon, lat in zip(stands.ids, stands.names, stands.lon.tolist(), stands.lat.tolist(), strict=True)
    }


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else int(value) if isinstance(value, float) else value
