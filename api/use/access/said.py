"""How every access answer says which closures it honoured, and how a time differs from the open network's."""

import math
from typing import Any

from api.use.access.roads_now import RoadsNow
from geo_risk.access.closures import Closure, Effect


def roads_said(roads: RoadsNow | None) -> dict[str, Any]:
    """What the answer stands on: by road or by straight line, for which vehicle, with which closures honoured or not."""
    if roads is None:
        return {"by": "line", "note": {"en": "no road data: straight lines", "zh": "没有道路数据：按直线距离"}}
    titles = {closure.id: closure for closure in roads.closures}
    return {
        "by": "road",
        "vehicle": {"id": roads.vehicle.id, "title": roads.vehicle.title},
        "closures": [effect_said(titles.get(effect.closure), effect) for effect in roads.shut.effects],
        "links_shut": int(roads.now.shut.sum()),
        "unreadable": [{"id": each.id, "title": each.title, "problem": each.problem} for each in roads.unreadable],
    }


def effect_said(closure: Closure | None, effect: Effect) -> dict[str, Any]:
    """One closure of the list, and what it does for this vehicle at this moment."""
    return {
        "id": effect.closure,
        "title": closure.title if closure else effect.cause,
        "cause": effect.cause,
        "state": effect.state,
        "since": closure.since.isoformat() if closure and closure.since else None,
        "until": closure.until.isoformat() if closure and closure.until else None,
        "links": len(effect.links),
        "links_of_unknown_depth": len(effect.unknown),
        "roads_not_found": list(effect.unmet),
    }


def minutes(seconds: float) -> float | None:
    """Minutes with one decimal, rounded up so that no promise is shorter than the figure; None where there is no way.

    >>> minutes(60.0), minutes(61.0), minutes(float("inf"))
    (1.0, 1.1, None)
    """
    return math.ceil(round(seconds / 6.0, 6)) / 10 if math.isfinite(seconds) else None


def compared(now_s: float, open_s: float) -> dict[str, Any]:
    """A time now, the time on the open network, and both in words: ``12 min, was 7``."""
    now, was = minutes(now_s), minutes(open_s)
    return {"minutes": now, "minutes_open": was, "said": _words(now, was)}


def _words(now: float | None, was: float | None) -> dict[str, str]:
    if now is None and was is None:
        return {"en": "no way by road, nor when all roads are open", "zh": "无路可达，道路全部畅通时也不可达"}
    if now is None:
        return {"en": f"cut off, was {was:g} min", "zh": f"道路中断，原 {was:g} 分钟"}
    if now == was:
        return {"en": f"{now:g} min", "zh": f"{now:g} 分钟"}
    return {"en": f"{now:g} min, was {was:g}", "zh": f"{now:g} 分钟，原 {was:g} 分钟"}
