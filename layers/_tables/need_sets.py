"""Minimum needs by set, from table *needs*."""

from geo_risk.errors import NotFound, shown
from geo_risk.impact.needs import Need
from layers._tables import table


def need_set(set_id: str) -> tuple[Need, ...]:
    """The minimum needs of one set: *sphere*, *who* or *bnpb*."""
    rows = table("needs")["row"]
    chosen = [row for row in rows if row["set"] == set_id]
    if not chosen:
        sets = ", ".join(sorted({row["set"] for row in rows}))
        raise NotFound("no such set of needs", where="table needs", expected=sets, got=shown(set_id), then="name one")
    return tuple(Need(**{name: value for name, value in row.items() if name != "set"}) for row in chosen)
