"""Event sets and assets from files: CLIMADA's MATLAB, HDF5 and Excel, and our own NPZ, CSV and Parquet.

The form is told by the ending of the name and a mark inside; a form is a row of `FORMS`. Everything is bounded before it
is read, nothing in a file is run, and links out of a file are refused.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from geo_risk.errors import FileError, shown
from geo_risk.impact.events import EventSet
from layers._events.bounds import EventLimits, require_file
from layers._events.climada import Entity, read_entity, read_hdf5
from layers._events.own import read_csv, read_npz, read_parquet, write_npz

__all__ = ["FORMS", "Entity", "EventLimits", "read_entity", "read_events", "write_npz"]

FORMS: Final[Mapping[str, Callable[[Path, EventLimits], EventSet]]] = MappingProxyType({
    ".mat": read_hdf5,
    ".h5": read_hdf5,
    ".hdf5": read_hdf5,
    ".npz": read_npz,
    ".csv": read_csv,
    ".parquet": read_parquet,
})


def read_events(path: Path, limits: EventLimits | None = None) -> EventSet:
    """The event set of a file, by the ending of its name.

    Raises
    ------
    FileError
        Another ending, no file, over a limit, or not what its ending says.
    ParameterError
        What is in it contradicts itself (see `geo_risk.impact.events.EventSet`).
    """
    within = limits or EventLimits()
    form = FORMS.get(path.suffix.lower())
    if form is None:
        raise FileError(
            "no such form of event set", where=shown(path.name), expected=", ".join(FORMS), got=shown(path.suffix),
            then="convert it, for example to CSV: see docs/events.md",
        )
    require_file(path, within)
    return form(path, within)
