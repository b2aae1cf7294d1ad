"""What is damaged, its worth, and the damage of it on one raster by one rule or by all."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Final, Literal, Self

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pydantic import Field as Range
from pydantic import model_validator

from api.use.scenarios._curves import points
from api.use.scenarios._inputs import Inputs
from api.use.scenarios._objects import Objects, objects_of, renamed
from api.use.scenarios._scenario import FileName, Hazard, Section, Text
from api.use.scenarios._value_cells import ValueRaster, cells_of, depths_of_cells
from geo_risk.areas import repaired
from geo_risk.errors import FileError, ParameterError, shown
from geo_risk.hazard.grid import Grid, Numbers, Raster
from geo_risk.hazard.overlay import sizes
from geo_risk.hazard.raster import open_raster, to_grid
from geo_risk.impact.curves import CurveSet
from geo_risk.impact.damage import RULES, ExposureColumns, damage_of_readings
from geo_risk.impact.raster_damage import damage_on_raster
from geo_risk.model import Rule
from layers._curves import amounts

DamageRule = Literal["mean_depth", "fiat", "per_cell", "at_point"]
COLUMNS: Final = ExposureColumns()
_METRES: Final = {"m": 1.0, "cm": 0.01, "mm": 0.001}
_LINE, _AREA = 1, 2


class WorthTable(Section):
    """A CSV file with the maximum damage of each occupancy."""

    file: FileName
    occupancy_column: Text = "occupancy"
    max_damage_column: Text = "max_damage"


class Exposure(Objects):
    """Objects with an occupancy and a maximum damage: a column, or a table by occupancy.

    ``occupancies`` gives cells of the occupancy column the name their curve has. ``max_damage_per`` says what the
    maximum is for: an object, or a square metre of an area and a metre of a line (a point is an object).
    """

    occupancy_column: Text
    occupancies: Annotated[dict[Text, Text], Range(default_factory=dict)]
    max_damage_column: Text | None = None
    max_damage_table: WorthTable | None = None
    max_damage_per: Literal["object", "m2_or_m"] = "object"
    floor_height_column: Text | None = None

    @model_validator(mode="after")
    def _one_worth(self) -> Self:
        if (self.max_damage_column is None) == (self.max_damage_table is None):
            raise ValueError("either max_damage_column or max_damage_table")
        return self


@dataclass(frozen=True, kw_only=True)
class _InMetres:
    """A raster of another unit of depth, read as metres."""

    raster: Raster
    factor: float

    @property
    def grid(self) -> Grid:
        return self.raster.grid

    @property
    def block(self) -> tuple[int, int]:
        return self.raster.block

    def read(self, row: int, column: int, rows: int, columns: int) -> Numbers:
        return self.raster.read(row, column, rows, columns) * self.factor


@contextmanager
def depth_of(hazard: Hazard, inputs: Inputs) -> Iterator[Raster]:
    """The depths of a hazard in metres."""
    if hazard.unit not in _METRES:
        raise ParameterError(
            "classes have no depth", where=f"hazard.{hazard.id}.unit", expected=", ".join(_METRES), got=shown(hazard.unit),
        )
    path = inputs.raster_path(hazard.file)
    with open_raster(path, band=hazard.band, variable=hazard.variable, crs=hazard.crs, nodata=hazard.nodata) as raster:
        yield raster if hazard.unit == "m" else _InMetres(raster=raster, factor=_METRES[hazard.unit])


@dataclass(frozen=True, kw_only=True, eq=False)
class Exposed:
    """What is exposed: columns ``occupancy``, ``max_damage``, perhaps ``floor_height_m``; ``grid`` where it is a raster's cells."""

    objects: gpd.GeoDataFrame
    per: Literal["object", "m2_or_m"] = "object"
    grid: Grid | None = None


def exposed(section: Exposure | ValueRaster, inputs: Inputs) -> Exposed:
    """The objects of a file or layer, or the cells of a raster of values."""
    if isinstance(section, ValueRaster):
        grid, cells = cells_of(section, inputs)
        return Exposed(objects=cells, grid=grid)
    named = (section.occupancy_column, section.max_damage_column, section.floor_height_column)
    rows = objects_of(section, inputs, named)
    occupancy = renamed(rows[section.occupancy_column], section.occupancies)
    worth = rows[section.max_damage_column] if section.max_damage_column else _by_table(section, occupancy, inputs)
    found = {"occupancy": occupancy, "max_damage": worth}
    if section.floor_height_column:
        found["floor_height_m"] = rows[section.floor_height_column]
    objects = gpd.GeoDataFrame(found, geometry=rows.geometry.to_numpy(), index=rows.index, crs=rows.crs)
    return Exposed(objects=objects, per=section.max_damage_per)


def require_depth_curves(curves: CurveSet) -> None:
    """Stop unless the curves read metres of depth."""
    units = sorted({curve.unit for curve in curves.curves.values()} - {"m"})
    if units:
        raise ParameterError("the curves are not by depth in metres", where="curves", expected="m", got=shown(units[0]))


def damages(depth: Raster, what: Exposed, curves: CurveSet, rule: str) -> pd.DataFrame:
    """The derivation of each object's damage, its maximum turned into what the rule multiplies."""
    if what.grid is not None:
        depths = pd.DataFrame({"value": depths_of_cells(depth, what.grid)}, index=what.objects.index)
        return damage_of_readings(pd.DataFrame(what.objects.drop(columns="geometry")), depths, curves, rule, columns=COLUMNS)
    objects = what.objects.assign(max_damage=_worth(depth.grid, what, rule))
    return damage_on_raster(depth, objects, curves, rule, columns=COLUMNS)


def rules_for(grid: Grid, what: Exposed) -> tuple[str, ...]:
    """The rules that can be asked: a cell has no cells, and lines by the metre need a grid in metres."""
    lines = bool((shapely.get_dimensions(what.objects.geometry.to_numpy()) == _LINE).any())
    whole_cells = what.grid is None and not (lines and grid.crs.is_geographic)
    return tuple(name for name, rule in RULES.items() if whole_cells or not rule.per_cell)


def one_exposure(exposure: Exposure | None, value_raster: ValueRaster | None) -> Exposure | ValueRaster:
    """The one of both sections that is there; a fault of the scenario otherwise."""
    given = [each for each in (exposure, value_raster) if each is not None]
    if len(given) != 1:
        raise ValueError("either exposure or value_raster")
    return given[0]


def damage_rules(rule: str, what: Exposed) -> tuple[Rule, ...]:
    """What is said of the rule of damage and of the worth it multiplies."""
    meant = RULES[rule].max_damage_per
    given = "object" if what.per == "object" else "m2 or m"
    if what.grid is not None:
        return (Rule(id="damage", chosen=rule, options=tuple(RULES)), Rule(id="maximum_damage", chosen="given per cell"))
    turned = "as given" if meant == given else f"given per {given}, by the object's size on the grid per {meant}"
    return (Rule(id="damage", chosen=rule, options=tuple(RULES)), Rule(id="maximum_damage", chosen=turned))


def unknown_lines(found: pd.DataFrame, of: str) -> Iterator[str]:
    """A line a reason why damages are not known."""
    for reason, count in found["unknown"].value_counts(sort=False).items():
        if count:
            yield f"{count:,} objects have no damage by {of}: {reason}"


def _by_table(section: Exposure, occupancy: "pd.Series[str]", inputs: Inputs) -> "pd.Series[float]":
    table = section.max_damage_table
    worth = amounts(inputs.path(table.file), table.occupancy_column, table.max_damage_column) if table else {}
    negative = sorted(name for name, value in worth.items() if value < 0)
    if negative and table:
        raise FileError(
            "a maximum damage is negative", where=f"{shown(table.file)}, {shown(negative[0])}", expected="0 or more",
            got=shown(worth[negative[0]]), then="mend the table",
        )
    return occupancy.map(worth).astype(float)


def _worth(grid: Grid, what: Exposed, rule: str) -> Numbers:
    given: Numbers = pd.to_numeric(what.objects["max_damage"], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    wants_object = RULES[rule].max_damage_per == "object"
    if wants_object == (what.per == "object"):
        return given
    size = _size_on(grid, what.objects)
    return given * size if wants_object else given / np.where(size > 0, size, np.nan)


def _size_on(grid: Grid, objects: gpd.GeoDataFrame) -> Numbers:
    """Square metres, metres or 1, as the rule per cell measures them: on the grid, or on the ellipsoid if that is in degrees."""
    shapes = repaired(np.asarray(objects.geometry.to_numpy(), dtype=object))
    if grid.crs.is_geographic:
        return sizes(shapes)
    placed = to_grid(shapes, grid)
    kind = shapely.get_dimensions(placed)
    return np.where(kind == _AREA, shapely.area(placed), np.where(kind == _LINE, shapely.length(placed), 1.0))


def curves_told(curves: CurveSet) -> dict[str, object]:
    """What a run keeps of the curves: their points, what holds beyond them, and whose they are."""
    told = sorted(curves.curves.items())
    return {
        "curves": {name: points(curve) for name, curve in told},
        "curve_ends": {name: f"below {curve.below}, above {curve.above}" for name, curve in told},
        "curve_sources": sorted({curve.source for _, curve in told}),
    }
