"""Who goes to which shelter by which road: groups at risk, free beds, times on the roads as they are now."""

import datetime as dt
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any, Final, Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api.use._remember import remember_few
from api.use.access.asked import RoadQuestion
from api.use.access.beds import LAYER, LIFTABLE, hazard_named, inside_hazard, shelters_for
from api.use.access.groups import CELLS, groups_named
from api.use.access.groups import Groups as PeopleGroups
from api.use.access.places_on_roads import on_roads, stands_of
from api.use.access.plan_said import plan_said
from api.use.access.plans import PlanJob
from api.use.access.roads_now import CLOSURES, AccessFiles, RoadsNow
from api.use.access.said import roads_said
from geo_risk.access.evacuation import Groups, Plan, Shelters, Stay, evacuate
from geo_risk.access.road_graph import Floats
from geo_risk.access.travel import matrix
from geo_risk.errors import ParameterError, shown
from layers._store import Snapshot

Progress = Callable[[str, float], None]
_COLUMNS: Final = ("group", "need", "shelter", "people")
_PEOPLE_MAX: Final = 10_000_000


class Assignment(BaseModel):
    """People of a group who go to a shelter: pinned by a person, or as a former plan had it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    group: str
    need: Literal["none", "wheels", "care"] = "none"
    shelter: str
    people: int = Field(ge=1, le=_PEOPLE_MAX)


class EvacuationQuestion(BaseModel):
    """What is to be evacuated, from which hazard, how and how far at most."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    groups: str = "flood_points"
    ids: tuple[str, ...] | None = Field(default=None, max_length=200_000)
    only_in_hazard: bool = False
    hazard: str = "flood"
    vehicle: str = "car"
    limit_min: float = Field(default=60.0, gt=0, le=10_000)
    fewest: bool = False
    stay: Stay = "groups"
    pinned: tuple[Assignment, ...] = Field(default=(), max_length=100_000)
    previous: tuple[Assignment, ...] = Field(default=(), max_length=100_000)
    previous_plan: str | None = None
    at: Annotated[str | None, Field(max_length=40)] = None
    without: tuple[str, ...] = ()

    def roads(self, snapshot: Snapshot, files: AccessFiles) -> RoadsNow:
        """The roads that it asks about."""
        asked = RoadQuestion(vehicle=self.vehicle, at=self.at, without=",".join(self.without) or None)
        return asked.require_roads(snapshot, files)


def question_of(given: dict[str, Any]) -> EvacuationQuestion:
    """The question as sent or typed; `ParameterError` names the fields that are wrong."""
    try:
        return EvacuationQuestion.model_validate(given)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['type']}" for fault in error.errors()[:5])
        raise ParameterError(
            "this is no question of evacuation", where="body", expected=", ".join(EvacuationQuestion.model_fields), got=wrong,
            then="see /openapi.json",
        ) from None


def with_previous(asked: EvacuationQuestion, job_of: Callable[[str], PlanJob]) -> EvacuationQuestion:
    """The question with the transfers of the former plan that it names by its job."""
    if asked.previous_plan is None:
        return asked
    before = job_of(asked.previous_plan).plan
    if before is None:
        raise ParameterError("the former plan is not made", where="previous_plan", expected="a finished plan", then="wait for it")
    rows = [{name: row[name] for name in _COLUMNS} for row in before["transfers"]]
    return asked.model_copy(update={"previous": tuple(map(Assignment.model_validate, rows))})


def evacuation_plan(
    snapshot: Snapshot, files: AccessFiles, asked: EvacuationQuestion, progress: Progress
) -> dict[str, Any]:
    """The plan as plain values: sentences, transfers, load by shelter, who has no place and why, and its certificate."""
    progress("roads", 0.0)
    roads = asked.roads(snapshot, files)
    hazard = hazard_named(asked.hazard)
    groups = _groups(snapshot, files, asked)
    frame = groups.frame
    shelters = snapshot.frames[LAYER]
    progress("times", 0.2)
    starts, ends = on_roads(roads, frame), on_roads(roads, shelters)
    seconds = matrix(roads.now, starts[0], ends[0], progress=lambda share: progress("times", 0.2 + 0.3 * share))
    progress("plan", 0.5)
    leaving = Groups(ids=list(stands_of(frame).ids), people=groups.people, wheels=groups.wheels, care=groups.care)
    beds, limit_s, pinned = shelters_for(snapshot, hazard), asked.limit_min * 60.0, _assigned(asked.pinned)
    plan = evacuate(
        leaving, beds, seconds, limit_s, pinned=pinned, previous=_assigned(asked.previous), stay=asked.stay, fewest=asked.fewest
    )
    progress("open roads", 0.8)
    free = _on_open_roads(snapshot, roads, asked, lambda: matrix(roads.free, starts[1], ends[1]), leaving, beds, pinned)
    plan = replace(plan, openings=tuple(each for each in plan.openings if each.reason in LIFTABLE and each.saves))
    progress("words", 0.95)
    return {
        "id": f"plan-{uuid.uuid4().hex[:12]}",
        "revision": snapshot.revision,
        "made_at": dt.datetime.now(tz=dt.UTC).isoformat(timespec="seconds"),
        **roads_said(roads),
        "question": {**asked.model_dump(exclude={"pinned", "previous", "ids"}), "pinned": len(asked.pinned)},
        "hazard": hazard.title,
        "open": {"placed": free.placed, "left": free.left, "person_minutes": round(free.person_seconds / 60.0, 1)},
        "compared": _compared(plan.placed, free.placed),
        **plan_said(snapshot, plan, frame, hazard),
    }


def _on_open_roads(
    snapshot: Snapshot, roads: RoadsNow, asked: EvacuationQuestion, seconds: Callable[[], Floats], leaving: Groups, beds: Shelters,
    pinned: pd.DataFrame | None,
) -> Plan:  # fmt: skip
    """The plan as if no road were shut; it is kept with the open roads, since closures come and go without changing it."""
    frames = {name: frame for name, frame in snapshot.frames.items() if name != CLOSURES}
    who = (tuple(leaving.ids), *(np.asarray(counts).tobytes() for counts in (leaving.people, leaving.wheels, leaving.care)))
    key = (who, asked.hazard, asked.limit_min, asked.pinned, tuple(map(id, frames.values())))
    # the frames are kept beside the plan, so that their ids stay their own
    return remember_few(
        roads.free, "plan", key, lambda _: (frames, evacuate(leaving, beds, seconds(), asked.limit_min * 60.0, pinned=pinned)),
        most=6,
    )[1]  # fmt: skip


def _compared(placed: int, placed_open: int) -> dict[str, str]:
    """What the closures cost, in words."""
    if placed == placed_open:
        return {"en": "as many as on open roads", "zh": "与道路全部畅通时相同"}
    return {
        "en": f"{placed} have a place, {placed_open} would on open roads",
        "zh": f"可安置 {placed} 人，道路全部畅通时 {placed_open} 人",
    }


def _groups(snapshot: Snapshot, files: AccessFiles, asked: EvacuationQuestion) -> PeopleGroups:
    """The groups asked for; cells are only those inside the hazard, since all people of a city are no plan."""
    found = groups_named(snapshot, files, asked.groups)
    if asked.ids is not None:
        missing = [fid for fid in asked.ids if fid not in found.frame.index]
        if missing:
            raise ParameterError("no such group", where="ids", expected=f"ids of {found.id}", got=shown(missing[0]))
        found = found.only(found.frame.index.isin(asked.ids))
    if asked.only_in_hazard or found.id == CELLS:
        found = found.only(inside_hazard(snapshot, found.frame, hazard_named(asked.hazard)))
    return found


def _assigned(given: tuple[Assignment, ...]) -> pd.DataFrame | None:
    return pd.DataFrame([each.model_dump() for each in given], columns=list(_COLUMNS)) if given else None
