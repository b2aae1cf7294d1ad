"""What goes on the roads, and who may use which class of road, from table *vehicles*."""

from dataclasses import fields
from math import isfinite
from typing import Any

from geo_risk.access.road_graph import mode_bit
from geo_risk.access.vehicles import Vehicle
from geo_risk.errors import DeclarationError, NotFound, shown
from layers._tables import table


def vehicles() -> dict[str, Vehicle]:
    """Every vehicle by its id, in the order of the table."""
    return {row["id"]: _vehicle(row) for row in table("vehicles")["row"]}


def vehicle(vehicle_id: str) -> Vehicle:
    """The vehicle of that id."""
    found = vehicles()
    if vehicle_id not in found:
        raise NotFound("no such vehicle", where="table vehicles", expected=", ".join(found), got=shown(vehicle_id), then="name one")
    return found[vehicle_id]


def class_modes() -> dict[str, tuple[str, ...]]:
    """Who may use a class of road where the road itself does not say; a class that is not named is for all."""
    return {kind: tuple(modes) for kind, modes in table("vehicles").get("class_modes", {}).items()}


def _vehicle(row: dict[str, Any]) -> Vehicle:
    names = {field.name for field in fields(Vehicle)}
    if set(row) != names:
        raise _wrong(row, f"keys {', '.join(sorted(set(row) ^ names))}")
    mode_bit(row["mode"])
    speeds = [*row["speed_kmh"].values(), row["walk_kmh"]]
    if not all(isfinite(speed) and speed > 0 for speed in speeds) or not row["walk_max_m"] >= 0:
        raise _wrong(row, "a speed or a walk that is not above 0")
    if not 0 <= row["min_depth_m"] <= row["max_depth_m"]:
        raise _wrong(row, "depths that are not 0 <= least <= most")
    return Vehicle(**row)


def _wrong(row: dict[str, Any], got: str) -> DeclarationError:
    return DeclarationError(
        "a vehicle's row does not hold together", where=f"table vehicles, {shown(row.get('id'))}",
        expected="each key of a vehicle once, speeds above 0, least depth at most the greatest", got=got, then="mend the row",
    )
