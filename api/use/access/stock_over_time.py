"""Stock of the depots over time: what can stand at each place by when, and at one place from where."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from api.use.access.places_on_roads import stands_of
from api.use.access.roads_now import RoadsNow
from api.use.access.said import minutes, roads_said
from api.use.access.suppliers import DEPOTS, suppliers_of
from geo_risk.access.depots import stock_by, stock_curve, unknown_depots
from geo_risk.errors import ParameterError, shown
from layers._layer import Layer
from layers._store import Snapshot
from layers._tables import table


def stock_over_time(
    snapshot: Snapshot, roads: RoadsNow, places: Layer, stock: str, at_min: Sequence[float], *, detail: str | None = None
) -> dict[str, Any]:
    """Stock at each place by each time, every depot counted for every place (any one), loading time of table *access* included.

    What is unknown counts for nothing; ``unknown_depots`` says how many might add to a place. ``detail`` names a place whose
    depots are told one by one as they arrive.
    """
    known: list[str] = table("access")["depot"]["stock"]
    if stock not in known:
        raise ParameterError("no depot holds this", where="stock", expected=", ".join(known), got=shown(stock), then="name one")
    frame = snapshot.frames[places.id]
    depots = suppliers_of(snapshot, (stock,))
    held = depots.amounts[stock]
    now, free = (depots.arrivals_s(roads, frame, open_=each) for each in (False, True))
    by_now, by_open = (stock_by(each, held, [60 * at for at in at_min]).to_numpy().tolist() for each in (now, free))
    stands, unsure = stands_of(frame), unknown_depots(now, held).tolist()
    return {
        **roads_said(roads),
        "stock": stock, "at_min": list(at_min), "rule": "any one place", "held": int(np.nansum(held)),
        "depots_of_unknown_stock": int(np.isnan(held).sum()),
        "places": [
            {"id": fid, "name": name, "stock": _whole(row), "stock_open": _whole(was), "unknown_depots": doubt}
            for fid, name, row, was, doubt in zip(stands.ids, stands.names, by_now, by_open, unsure, strict=True)
        ],
        "arriving": None if detail is None else _arriving(snapshot, now[:, stands.ids.index(detail)], held),
    }  # fmt: skip


def _arriving(snapshot: Snapshot, seconds: NDArray[np.float64], held: NDArray[np.float64]) -> list[dict[str, Any]]:
    stands = stands_of(snapshot.frames[DEPOTS])
    names = dict(zip(stands.ids, stands.names, strict=True))
    return [
        {"id": fid, "name": names[str(fid)], "minutes": minutes(row["at_s"]), **{key: int(row[key]) for key in ("stock", "total")}}
        for fid, row in stock_curve(seconds, held, stands.ids).to_dict(orient="index").items()
    ]


def _whole(values: Sequence[float]) -> list[int]:
    return [math.floor(value) for value in values]
