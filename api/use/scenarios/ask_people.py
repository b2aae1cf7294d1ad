"""People by depth of water, for each hazard raster and each set of areas: whole numbers that sum to the raster."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Annotated, Any, Final, Literal, Self

import geopandas as gpd
import numpy as np
import pandas as pd
from pydantic import Field as Range
from pydantic import model_validator

from api.use.scenarios._inputs import Inputs
from api.use.scenarios._needs import Needs, displaced_by_area, needs_rule, needs_table
from api.use.scenarios._question import Progress, Question
from api.use.scenarios._result import Field, Result, Row, Table, table_of
from api.use.scenarios._scenario import Areas, FileName, Finite, Hazard, Positive, Section, layers_of, require_ids_once
from geo_risk.errors import CrsError, ParameterError, shown
from geo_risk.hazard.contacts import CellRule, Contacts, area_contacts
from geo_risk.hazard.grid import Grid, Numbers
from geo_risk.hazard.raster import open_raster, same_grid, to_grid
from geo_risk.impact.people import At, band, class_names, overlap, people_by_class_and_area
from geo_risk.model import Rule
from layers._tables import table

CELL_RULES: Final[tuple[CellRule, ...]] = ("covered", "centre")
SIDES: Final[tuple[At, ...]] = ("above", "from")
OUTSIDE, TOTAL = "(outside)", "(total)"
_METRES: Final = {"m": 1.0, "cm": 0.01, "mm": 0.001, "class": 1.0}
_LARGEST: Final = 200_000_000
_ROUNDING: Final = 1e-6  # of an area


class People(Section):
    """A raster of people: the people in a cell are its value times ``people_per_cell``."""

    file: FileName
    band: Annotated[int, Range(ge=1, le=10_000)] = 1
    crs: Annotated[str, Range(pattern=r"^EPSG:\d{4,6}$")] | None = None
    nodata: Finite | None = None
    people_per_cell: Positive = 1.0


class Classes(Section):
    """Depths in metres that cut the classes (the table *depth_classes* without), and others that may be called dry."""

    bounds: Annotated[list[Finite], Range(min_length=1, max_length=50)] | None = None
    at: Literal["above", "from"] = "above"
    dry_at_most: Annotated[list[Finite], Range(max_length=10)] = [0.0, 0.1]  # noqa: RUF012 - pydantic copies it


class Rules(Section):
    """How a cell on a border counts."""

    cells: Literal["covered", "centre"] = "covered"


class Parameters(Section):
    """Depth rasters, people, areas, classes."""

    hazard: Annotated[list[Hazard], Range(min_length=1, max_length=50)]
    exposure: People
    areas: Annotated[list[Areas], Range(min_length=1, max_length=20)]
    classes: Classes = Classes()
    rules: Rules = Rules()
    needs: Needs | None = None

    @model_validator(mode="after")
    def _ids_once(self) -> Self:
        require_ids_once(self.hazard, self.areas)
        return self


def run(parameters: Parameters, inputs: Inputs, progress: Progress) -> Result:
    """Count people by class and area for every hazard and set of areas."""
    progress("read", 0.0)
    grid, people = _people(parameters.exposure, inputs)
    depths = {each.id: _depth(each, grid, inputs) for each in parameters.hazard}
    areas = {each.id: inputs.areas(each) for each in parameters.areas}
    progress("read", 1.0)
    bounds = _bounds(parameters.classes)
    contacts = {name: _contacts(grid, frame) for name, frame in _told(areas, progress)}
    rows, foot, leaving = [], [], {}
    for (hazard, depth), (name, frame) in product(depths.items(), areas.items()):
        figures = _figures(depth, people, contacts[name], frame, bounds, parameters)
        told, below = _count(figures, depth, people, contacts[name], frame, bounds, parameters)
        rows += [(hazard, name, *row) for row in told]
        foot += [(hazard, name, *row) for row in below]
        if parameters.needs is not None:
            leaving[hazard, name] = displaced_by_area(figures, bounds, parameters.needs)
    needed = () if parameters.needs is None else (needs_table(leaving, parameters.needs),)
    return Result(
        tables=(_table(bounds, rows, foot), *needed),
        rules=(
            Rule(id="cells_on_a_border", chosen=parameters.rules.cells, options=CELL_RULES),
            Rule(id="depth_on_a_bound", chosen=f"{parameters.classes.at} the bound", options=SIDES),
            Rule(id="overlapping_areas", chosen="share a cell in proportion"),
            Rule(id="whole_people", chosen="largest remainder, classes first, then areas"),
            Rule(id="band", chosen="cells on a border, depth on a bound and what is called dry, in all their alternatives"),
            *([] if parameters.needs is None else [needs_rule(parameters.needs)]),
        ),
        parameters={"bounds_m": list(bounds), "at": parameters.classes.at, "dry_at_most_m": list(_dry(parameters.classes, bounds))},
        unknown=tuple(_unknown(depths, people, contacts, parameters)),
        layers=layers_of(*parameters.areas),
        shapes={name: frame.geometry for name, frame in areas.items()},
    )


def _people(section: People, inputs: Inputs) -> tuple[Grid, Numbers]:
    path = inputs.raster_path(section.file)
    with open_raster(path, band=section.band, crs=section.crs, nodata=section.nodata) as raster:
        return raster.grid, _whole(raster, section.file).ravel() * section.people_per_cell


def _depth(section: Hazard, grid: Grid, inputs: Inputs) -> Numbers:
    path = inputs.raster_path(section.file)
    with open_raster(path, band=section.band, variable=section.variable, crs=section.crs, nodata=section.nodata) as raster:
        if not same_grid(raster.grid, grid):
            raise CrsError(
                "the hazard and the people do not lie on the same cells", where=f"hazard.{section.id}", expected="one grid",
                got="two", then="warp one raster to the other's cells first",
            )
        return _whole(raster, section.file).ravel() * _METRES[section.unit]


def _whole(raster: Any, name: str) -> Numbers:
    rows, columns = raster.grid.rows, raster.grid.columns
    if rows * columns > _LARGEST:
        raise ParameterError(
            "the raster has too many cells for this question", where=shown(name), expected=f"at most {_LARGEST:,}",
            got=f"{rows * columns:,}", then="cut it to the areas",
        )
    values: Numbers = raster.read(0, 0, rows, columns)
    return values


def _bounds(classes: Classes) -> tuple[float, ...]:
    if classes.bounds is not None:
        return tuple(classes.bounds)
    return tuple(sorted(float(row["value"]) for row in table("depth_classes")["row"]))


def _dry(classes: Classes, bounds: Sequence[float]) -> tuple[float, ...]:
    """The first bound and its alternatives below the second."""
    below = bounds[1] if len(bounds) > 1 else np.inf
    return tuple(sorted({bounds[0], *(each for each in classes.dry_at_most if each < below)}))


def _wet(classes: Classes, bounds: Sequence[float]) -> list[tuple[At, float]]:
    """What may be called in the water: the scenario's own choice, and others. *From 0* would call dry cells wet."""
    own = (classes.at, bounds[0])
    return [choice for choice in product(SIDES, _dry(classes, bounds)) if choice == own or choice[0] == "above" or choice[1] > 0]


def _told(areas: Mapping[str, gpd.GeoDataFrame], progress: Progress) -> Iterator[tuple[str, gpd.GeoDataFrame]]:
    for number, (name, frame) in enumerate(areas.items()):
        progress("areas", number / len(areas))
        yield name, frame
    progress("people", 0.0)


def _contacts(grid: Grid, areas: gpd.GeoDataFrame) -> dict[str, Contacts]:
    shapes = to_grid(areas.geometry.to_numpy(), grid)
    return {rule: area_contacts(grid, shapes, cells=rule) for rule in CELL_RULES}


def _figures(
    depth: Numbers, people: Numbers, contacts: Mapping[str, Contacts], areas: gpd.GeoDataFrame, bounds: tuple[float, ...],
    parameters: Parameters,
) -> pd.DataFrame:
    """People by area and class, by the scenario's own rules."""
    own = contacts[parameters.rules.cells]
    return people_by_class_and_area(own, depth, people, bounds, at=parameters.classes.at, index=areas.index)


def _count(
    figures: pd.DataFrame, depth: Numbers, people: Numbers, contacts: Mapping[str, Contacts], areas: gpd.GeoDataFrame,
    bounds: tuple[float, ...], parameters: Parameters,
) -> tuple[list[Row], list[Row]]:
    """Rows of the areas, and what stands below the line: outside, and the total."""
    classes = parameters.classes

    def counted(rule: str, at: At, dry: float) -> pd.DataFrame:
        return people_by_class_and_area(contacts[rule], depth, people, (dry, *bounds[1:]), at=at, index=areas.index)

    choices = {
        f"cells={rule} at={at} dry={dry:g}": _in_water(counted(rule, at, dry))
        for rule, (at, dry) in product(CELL_RULES, _wet(classes, bounds))
    }
    spread = band(choices)
    off = {str(area) for area in areas.index[_off_raster(contacts["covered"]) >= 1]}
    told = [
        (str(area), name, *(None if area in off else value for value in (*figures.iloc[place], _in_water(figures).iloc[place])),
         *(None if area in off else value for value in spread.iloc[place]))
        for place, (area, name) in enumerate([*areas["name"].items(), (OUTSIDE, "outside every area")])
    ]
    whole = figures.sum()
    water = band({name: pd.Series([series.sum()]) for name, series in choices.items()}).iloc[0]
    return told[:-1], [told[-1], (TOTAL, "total", *whole, _in_water(figures).sum(), *water)]


def _off_raster(found: Contacts) -> Numbers:
    """The share of each area that lies off the raster, where nobody was counted; 1 for one without a place on it."""
    inside = np.bincount(found.of, weights=found.amount, minlength=found.objects)
    off = 1.0 - np.divide(inside, found.whole, out=np.zeros(found.objects), where=found.whole > 0)
    return np.where(off > _ROUNDING, off, 0.0)


def _in_water(figures: pd.DataFrame) -> "pd.Series[float]":
    """People over the first bound: every class but the first, *unknown* and the total."""
    return figures.iloc[:, 1:-2].sum(axis=1)


def _table(bounds: tuple[float, ...], rows: list[Row], foot: list[Row]) -> Table:
    people = {"kind": "whole", "unit": "people"}
    return table_of(
        "people",
        {"en": "People by depth of water in metres", "zh": "各水深受影响人口"},
        (
            Field(name="hazard", kind="text"), Field(name="areas", kind="text"), Field(name="area", kind="text"),
            Field(name="name", kind="text"),
            *(Field(name=each, **people) for each in (*class_names(bounds), "total")),  # type: ignore[arg-type]
            *(Field(name=each, **people) for each in ("in_water", "in_water_low", "in_water_high")),  # type: ignore[arg-type]
            Field(name="low_by", kind="text", detail=True), Field(name="high_by", kind="text", detail=True),
        ),
        rows, keys=3, foot=foot,
    )


def _unknown(
    depths: Mapping[str, Numbers], people: Numbers, contacts: Mapping[str, Mapping[str, Contacts]], parameters: Parameters
) -> Iterator[str]:
    uncounted = int(np.isnan(people).sum())
    if uncounted:
        yield f"{uncounted:,} cells hold no count of people and are in no figure"
    for name, depth in depths.items():
        blind = float(np.nansum(people[np.isnan(depth)]))
        if blind:
            yield f"{blind:,.0f} people live where hazard {name} has no value: they are in class unknown"
    for name, found in contacts.items():
        twice = overlap(found[parameters.rules.cells], len(people))
        if twice:
            yield f"areas {name} overlap by {twice:.3g} cells, which they share"
        off = _off_raster(found["covered"])
        if (off > 0).any():
            wholly, in_part = np.count_nonzero(off >= 1), np.count_nonzero((off > 0) & (off < 1))
            most = f"up to {100 * off[off < 1].max(initial=0.0):.2g} %"
            yield f"{wholly} of {len(off)} areas {name} lie off the raster, {in_part} in part ({most}): nobody was counted there"


QUESTION: Final = Question(
    id="people",
    title={"en": "People by depth of water and area", "zh": "分区分水深受影响人口"},
    parameters=Parameters,
    run=run,
    steps=("read", "areas", "people"),
    fixed=lambda parameters: {"depth classes": parameters["bounds_m"], "side of a bound": parameters["at"]},
)
