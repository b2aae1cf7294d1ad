"""What a pad must be for a helicopter, from table *air*."""

from geo_risk.access.air import AirRules
from layers._tables import table


def air_rules() -> AirRules:
    """The rules of pads and flights; the deployment's where it has some."""
    values = {row["id"]: float(row["value"]) for row in table("air")["row"]}
    return AirRules(
        fato_d=values["fato_d"], fato_d_small=values["fato_d_small"], small_mass_t=values["small_mass_t"],
        slope_percent=values["slope_percent"], handling_s=values["handling_minutes"] * 60, reserve_s=values["reserve_minutes"] * 60,
    )
