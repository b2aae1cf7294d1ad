"""Buildings by the million under several hazards: what each one meets, and the sums by area, class and hazard.

`tally` is one piece of the exposure, `joined` the whole. Both are pure; where the pieces are worked on is `cluster`'s.
A result is the same to the last bit however the exposure was cut and wherever it was made.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, reduce
from typing import ClassVar, Final

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo_risk.crs import WGS84
from geo_risk.errors import ParameterError, shown
from geo_risk.hazard._inside import ZoneIndex
from geo_risk.hazard.raster import open_raster, sample_points
from geo_risk.hazard.zones import index_zones, points_in_zones
from geo_risk.impact.curves import CurveSet
from geo_risk.impact.people import UNKNOWN, At, class_names, classes_of
from geo_risk.scale.partitions import Partition, read_points
from geo_risk.scale.sums import ExactSums, Numbers, counts, exact_sums, fingerprint

OUTSIDE: Final = "outside"
AT_POINT: Final = "at the building's centroid, in the CRS of its file"
ON_A_BORDER: Final = "counts for the area whose id sorts first"


@dataclass(frozen=True, kw_only=True)
class DepthField:
    """A hazard given by a raster of one intensity, read at each building's point; nodata and outside are unknown.

    ``bounds`` part the intensity into classes as in `geo_risk.impact.people`; ``at`` says on which side of a bound its own
    value lies.
    """

    id: str
    path: str
    bounds: tuple[float, ...]
    band: int = 1
    variable: str | None = None
    crs: str | None = None
    nodata: float | None = None
    at: At = "above"

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes in words, the least first."""
        return class_names(self.bounds)[:-1]

    def read(self, lon: Numbers, lat: Numbers) -> Numbers:
        """The intensity at each point, nan where unknown."""
        with open_raster(self.path, band=self.band, variable=self.variable, crs=self.crs, nodata=self.nodata) as raster:
            return sample_points(raster, lon, lat)


@dataclass(frozen=True, kw_only=True)
class ZoneField:
    """A hazard given by areas in EPSG:4326 as WKB: a building is in at least one (1) or in none (0). The layer is complete."""

    id: str
    zones: tuple[bytes, ...]

    bounds: ClassVar[tuple[float, ...]] = (0.5,)
    at: ClassVar[At] = "above"
    classes: ClassVar[tuple[str, ...]] = ("outside the zones", "in a zone")

    def read(self, lon: Numbers, lat: Numbers) -> Numbers:
        """1.0 in a zone or on its border, else 0.0."""
        points, _ = points_in_zones(self._index, lon, lat)
        inside = np.zeros(len(lon))
        inside[points] = 1.0
        return inside

    @cached_property
    def _index(self) -> ZoneIndex:
        return index_zones(gpd.GeoSeries.from_wkb(list(self.zones), crs=WGS84))


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What is asked of each building: hazards, areas to sum by, columns to sum, curves.

    Parameters
    ----------
    hazards : tuple
        Each with an id of its own.
    areas : mapping of WKB by id
        EPSG:4326; a building on a shared border counts for the one whose id sorts first.
    id_column : str
        Tells one building from another.
    amounts : tuple of str
        Columns of numbers, 0 or more, summed over the buildings of each class; rows without a value are counted beside.
    occupancy_column, value_column, curves
        Give damage = fraction(intensity) x value by the curve of the occupancy, for the hazards named in ``damage_by``.
    """

    hazards: tuple[DepthField | ZoneField, ...]
    areas: Mapping[str, bytes] = field(default_factory=dict)
    id_column: str = "id"
    amounts: tuple[str, ...] = ()
    occupancy_column: str | None = None
    value_column: str | None = None
    curves: CurveSet | None = None
    damage_by: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        ids = [hazard.id for hazard in self.hazards]
        strange = sorted(set(self.damage_by) - set(ids))
        if not ids or len(set(ids)) != len(ids) or strange:
            raise ParameterError(
                "a survey needs hazards with ids of their own", where="Survey", expected="one or more; damage_by names some",
                got=", ".join(map(shown, strange or ids)) or "none",
            )
        if self.damage_by and (self.curves is None or self.value_column is None or self.occupancy_column is None):
            raise ParameterError(
                "damage needs curves, values and occupancies", where="Survey",
                expected="curves, value_column and occupancy_column", got="not all of them",
            )

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the exposure that are read."""
        wanted = (self.id_column, *self.amounts, *filter(None, (self.value_column, self.occupancy_column)))
        return tuple(dict.fromkeys(wanted))

    @property
    def area_ids(self) -> tuple[str, ...]:
        """The areas in the order of the sums, then *outside*."""
        return (*sorted(self.areas), OUTSIDE)

    @cached_property
    def _areas(self) -> ZoneIndex:
        return index_zones(gpd.GeoSeries.from_wkb([self.areas[area] for area in sorted(self.areas)], crs=WGS84))

    def area_of(self, lon: Numbers, lat: Numbers) -> NDArray[np.int64]:
        """The position in `area_ids` of the area each point lies in."""
        found = np.full(len(lon), len(self.areas), dtype=np.int64)
        if self.areas:
            points, areas = points_in_zones(self._areas, lon, lat)
            np.minimum.at(found, points, areas)
        return found


@dataclass(frozen=True)
class Tally:
    """Sums over buildings: ``number`` and each of ``amounts`` by hazard as (areas, classes and unknown); add with ``+``.

    ``missing`` counts, in the same shape, the rows that had no value of an amount. ``rows`` and ``fingerprint`` are those
    of the readings, building by building.
    """

    rows: int
    fingerprint: int
    number: Mapping[str, NDArray[np.int64]]
    amounts: Mapping[tuple[str, str], ExactSums]
    missing: Mapping[tuple[str, str], NDArray[np.int64]]

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.rows + other.rows,
            (self.fingerprint + other.fingerprint) % 2**64,
            {name: count + other.number[name] for name, count in self.number.items()},
            {name: sums + other.amounts[name] for name, sums in self.amounts.items()},
            {name: count + other.missing[name] for name, count in self.missing.items()},
        )


def readings(exposure: pd.DataFrame, survey: Survey) -> pd.DataFrame:
    """What each building meets: its area, and by hazard ``<id>`` (intensity), ``<id>_fraction`` and ``<id>_damage``.

    Parameters
    ----------
    exposure : DataFrame
        As `read_points` or `points_of` gives it: the survey's columns, ``lon`` and ``lat`` in degrees (EPSG:4326). A
        building without a place is unknown under every hazard.

    Returns
    -------
    DataFrame
        On the same index, with the id column first. The figure and its explanation in one row.

    Raises
    ------
    ParameterError
        A column to sum holds something else than numbers, or a negative one.
    """
    lon, lat = exposure["lon"].to_numpy(dtype=float), exposure["lat"].to_numpy(dtype=float)
    areas = pd.Categorical.from_codes(survey.area_of(lon, lat), categories=pd.Index(survey.area_ids))
    told = {survey.id_column: exposure[survey.id_column], "area": areas}
    for hazard in survey.hazards:
        intensity = np.where(np.isnan(lon), np.nan, hazard.read(lon, lat))
        told[hazard.id] = intensity
        if hazard.id in survey.damage_by:
            told |= _damage(exposure, survey, hazard.id, intensity)
    return pd.DataFrame(told | {name: _amount(exposure, name) for name in survey.amounts}, index=exposure.index)


def tally(piece: Partition, survey: Survey) -> Tally:
    """The sums of one piece of the exposure."""
    return tally_of(readings(read_points(piece, survey.columns), survey), survey)


def tally_of(found: pd.DataFrame, survey: Survey) -> Tally:
    """The sums over readings."""
    area = found["area"].cat.codes.to_numpy(dtype=np.int64)
    number, amounts, missing = {}, {}, {}
    for hazard in survey.hazards:
        shape = (len(survey.area_ids), len(hazard.classes) + 1)
        group = area * shape[1] + classes_of(found[hazard.id], hazard.bounds, hazard.at)
        groups = shape[0] * shape[1]
        number[hazard.id] = counts(group, groups).reshape(shape)
        summed = [*survey.amounts, *([f"{hazard.id}_damage"] if hazard.id in survey.damage_by else [])]
        for name in summed:
            values = found[name].to_numpy(dtype=float)
            amounts[hazard.id, name] = exact_sums(group, values, groups)
            missing[hazard.id, name] = counts(group[np.isnan(values)], groups).reshape(shape)
    return Tally(len(found), fingerprint(found), number, amounts, missing)


def joined(tallies: Iterable[Tally]) -> Tally:
    """The whole of its pieces, in any order."""
    return reduce(lambda one, other: one + other, tallies)


def tally_frame(whole: Tally, survey: Survey) -> pd.DataFrame:
    """The sums as a table: hazard, area, class, buildings, each amount and how many buildings had none of it."""
    rows = []
    for hazard in survey.hazards:
        shape = whole.number[hazard.id].shape
        sums = {name: sums.values().reshape(shape) for (of, name), sums in whole.amounts.items() if of == hazard.id}
        for at, area in enumerate(survey.area_ids):
            for of, words in enumerate((*hazard.classes, UNKNOWN)):
                row = {"hazard": hazard.id, "area": area, "class": words, "buildings": int(whole.number[hazard.id][at, of])}
                for name, values in sums.items():
                    short = name.removeprefix(f"{hazard.id}_")
                    row |= {short: float(values[at, of]), f"{short}_missing": int(whole.missing[hazard.id, name][at, of])}
                rows.append(row)
    return pd.DataFrame(rows)


def _damage(exposure: pd.DataFrame, survey: Survey, hazard: str, intensity: Numbers) -> dict[str, Numbers]:
    assert survey.curves is not None  # noqa: S101 - Survey has checked it
    fraction = survey.curves.at(survey.curves.codes(exposure[survey.occupancy_column]), intensity)
    value = _amount(exposure, str(survey.value_column))
    return {f"{hazard}_fraction": fraction, f"{hazard}_damage": fraction * value}


def _amount(exposure: pd.DataFrame, name: str) -> Numbers:
    if not pd.api.types.is_numeric_dtype(exposure[name]):
        raise ParameterError(
            "a column to sum holds no numbers", where=f"column {shown(name)}", expected="numbers", got=str(exposure[name].dtype)
        )
    return np.asarray(exposure[name].to_numpy(dtype=float, na_value=np.nan), dtype=float)


