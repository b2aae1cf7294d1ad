"""Groups of people: the features of a layer that says how many stand there, or the cells of a raster of population.

Cells hold parts of people; the groups made of them hold whole ones by the rule *carried*: what is cut from one cell is
carried to the next, row by row, so that the sum stays what it was to less than one person.
"""

from dataclasses import dataclass
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
from numpy.typing import NDArray

from api.use._remember import remember_few
from api.use.access.roads_now import ROADS, AccessFiles
from api.use.columns import numbers
from geo_risk.crs import WGS84
from geo_risk.errors import FileError, ParameterError, shown
from geo_risk.hazard.raster import open_raster
from layers._layer import Title
from layers._store import Snapshot
from layers._tables import table

Floats = NDArray[np.float64]
CELLS: Final = "cells"
TOWNS: Final = "towns"
POPULATION: Final = "population.tif"
_MOST_CELLS: Final = 4_000_000
_TITLE: Final[Title] = {"en": "Cells of population", "zh": "人口格网"}


@dataclass(frozen=True, kw_only=True, eq=False)
class Groups:
    """Where people stand, and how many: ``frame`` has their ids, names and places; nan is unknown."""

    id: str
    title: Title
    frame: gpd.GeoDataFrame
    people: Floats
    wheels: Floats
    care: Floats

    def only(self, rows: NDArray[np.bool_]) -> "Groups":
        """Some of the groups."""
        return Groups(
            id=self.id, title=self.title, frame=self.frame[rows], people=self.people[rows], wheels=self.wheels[rows],
            care=self.care[rows],
        )  # fmt: skip


def groups_named(snapshot: Snapshot, files: AccessFiles, name: str) -> Groups:
    """The groups of that name: a layer of table *access*, or ``cells``."""
    if name == CELLS:
        path = files.rasters / POPULATION
        if not path.is_file():
            raise FileError(
                "there is no raster of population", where="groups", expected=f"{POPULATION} in the folder of rasters", got="none",
                then="put it there, or name a layer",
            )
        towns, key = snapshot.frames[TOWNS], path.stat().st_mtime_ns
        # kept with the roads, since places on roads are
        return remember_few(snapshot.frames[ROADS], CELLS, (key, id(towns)), lambda _: _cells(files, towns), most=1)
    known: dict[str, dict[str, str]] = table("access")["people"]
    if name not in known:
        raise ParameterError(
            "nobody says how many people stand at features of this layer", where="groups",
            expected=", ".join((*known, CELLS)), got=shown(name), then="name one of these, or add its row to table access",
        )
    frame, columns = snapshot.frames[name], known[name]
    people, wheels, care = (numbers(frame, columns.get(what)) for what in ("people", "wheels", "care"))
    return Groups(id=name, title=snapshot.layer(name).title, frame=frame, people=people, wheels=wheels, care=care)


def _cells(files: AccessFiles, towns: gpd.GeoDataFrame) -> Groups:
    """A group at the middle of each cell that holds a whole person; unknown cells hold nobody that could be named."""
    with open_raster(files.rasters / POPULATION) as raster:
        grid = raster.grid
        if grid.rows * grid.columns > _MOST_CELLS:
            raise FileError(
                "the raster of population is too fine", where=POPULATION, expected=f"at most {_MOST_CELLS} cells",
                got=shown(grid.rows * grid.columns), then="sum it into larger cells",
            )
        values = np.nan_to_num(raster.read(0, 0, grid.rows, grid.columns), nan=0.0)
    people = carried(values.ravel())
    at = np.flatnonzero(people)
    row, column = np.divmod(at, grid.columns)
    x, y = grid.x + (column + 0.5) * grid.dx, grid.y + (row + 0.5) * grid.dy
    lon, lat = pyproj.Transformer.from_crs(grid.crs, WGS84, always_xy=True).transform(x, y)
    ids = [f"cell-{one}-{other}" for one, other in zip(row.tolist(), column.tolist(), strict=True)]
    points = gpd.points_from_xy(lon, lat)
    names = _by_town(towns, points, ids)
    frame = gpd.GeoDataFrame({"name": names}, geometry=points, crs=WGS84, index=pd.Index(ids, dtype="object", name="id"))
    nobody_knows = np.full(len(at), np.nan)
    return Groups(id=CELLS, title=_TITLE, frame=frame, people=people[at].astype(float), wheels=nobody_knows, care=nobody_knows)


def _by_town(towns: gpd.GeoDataFrame, points: Any, ids: list[str]) -> list[str]:
    """What a person calls a cell: its town, and which cell."""
    found = dict.fromkeys(range(len(ids)), "")
    if len(towns):
        at, town = towns.sindex.query(points, predicate="intersects")
        found |= dict(zip(at.tolist(), towns["name"].astype(str).to_numpy()[town].tolist(), strict=True))
    return [f"{found[number]} {each.removeprefix('cell-')}".strip() for number, each in enumerate(ids)]


def carried(values: Floats) -> NDArray[np.int64]:
    """Whole numbers with the sum of the values, to less than one: what is cut from one is carried to the next.

    >>> carried(np.array([0.4, 0.4, 0.4, 2.0])).tolist()
    [0, 0, 1, 2]
    """
    whole = np.floor(np.cumsum(np.maximum(values, 0.0)) + 1e-9).astype(np.int64)
    return np.diff(whole, prepend=0)
