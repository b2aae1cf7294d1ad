"""Readings of gauges: a long table of station, variable, time, value to a checked frame, and a report of every row that is not."""

from layers._observations.readings import Observations, held_to_rules, read_observations, zone_of
from layers._observations.rules import falling, station_columns, warning_rules

__all__ = ["Observations", "falling", "held_to_rules", "read_observations", "station_columns", "warning_rules", "zone_of"]
