"""Where a thing of some kind would stand: cells drawn by weight, a point in each that is not in the water, its address."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final, TypeVar

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from scipy import ndimage

from layers._demo.areas import Areas
from layers._demo.grid import CRS, Floats, Grid, Ints, lonlat
from layers._demo.names import Names
from layers._demo.roads import Roads
from layers._demo.terrain import Ground
from layers._demo.water import Drainage

_OFF_WATER_M: Final = 45.0
_Value = TypeVar("_Value", bound=str | None)


@dataclass(frozen=True)
class Country:
    """All that places are put on: ground, drainage, areas, roads, rivers as drawn, and tonight's deepest water."""

    ground: Ground
    drainage: Drainage
    areas: Areas
    roads: Roads
    rivers: gpd.GeoDataFrame
    peak_m: Floats

    @property
    def grid(self) -> Grid:
        """The grid of the ground."""
        return self.ground.grid

    @cached_property
    def water(self) -> shapely.STRtree:
        """The rivers' lines in metres, to ask what lies near."""
        return shapely.STRtree(self.rivers.geometry.to_crs(CRS).to_numpy())

    @cached_property
    def around(self) -> Ints:
        """People in the nine cells around and under each."""
        people = self.areas.people.reshape(self.grid.shape)
        return np.asarray(ndimage.convolve(people, np.ones((3, 3), dtype=np.int64), mode="constant").ravel(), dtype=np.int64)

    @cached_property
    def struck(self) -> NDArray[np.bool_]:
        """Towns of which tonight's water covers more than a twentieth."""
        town_of = self.areas.town_of
        wet = np.bincount(town_of, weights=self.peak_m > 0)
        return np.asarray(wet * 20 > np.bincount(town_of), dtype=bool)[1:]


@dataclass(frozen=True)
class Sites:
    """Points, each with the cell and the town (0 to 87) that it lies in."""

    cells: Ints
    towns: Ints
    points: NDArray[np.object_]

    def __len__(self) -> int:
        return len(self.cells)


def drawn_sites(rng: np.random.Generator, country: Country, weight: Ints, count: int, *, in_water: bool = False) -> Sites:
    """``count`` points in different cells, a cell with twice the weight twice as likely; off the rivers unless ``in_water``."""
    cumulated = np.cumsum(np.where(country.areas.town_of > 0, weight, 0))
    tries = np.searchsorted(cumulated, rng.integers(0, cumulated[-1], count * 6), side="right")
    _, first = np.unique(tries, return_index=True)
    return placed(rng, country, tries[np.sort(first)], count, in_water=in_water)


def placed(rng: np.random.Generator, country: Country, cells: Ints, count: int, *, in_water: bool = False) -> Sites:
    """A point at random in each of the first ``count`` cells that have room for it."""
    x, y = (centre[cells] for centre in country.grid.centres_m)
    x, y = x + rng.integers(-110, 111, len(cells)), y + rng.integers(-110, 111, len(cells))
    kept = np.ones(len(cells), dtype=bool)
    if not in_water:
        wet, _ = country.water.query(shapely.points(x, y), predicate="dwithin", distance=_OFF_WATER_M)
        kept[wet] = False
    chosen = np.flatnonzero(kept)[:count]
    return Sites(
        cells[chosen],
        country.areas.town_of[cells[chosen]] - 1,
        np.asarray(shapely.points(*lonlat(x[chosen], y[chosen])), dtype=object),
    )


def joined(*groups: Sites) -> Sites:
    """Several groups as one."""
    parts = zip(*((group.cells, group.towns, group.points) for group in groups), strict=True)
    return Sites(*(np.concatenate(part) for part in parts))


def addresses(names: Names, country: Country, sites: Sites) -> list[str]:
    """County, town and a village."""
    counties, towns = country.areas.counties["name"].tolist(), country.areas.towns["name"].tolist()
    return [
        counties[country.areas.county_of[town]] + towns[town] + names.village(country.areas.kind[town])
        for town in sites.towns.tolist()
    ]


def short_names(country: Country) -> list[str]:
    """The towns' names without 镇, 乡 or 街道."""
    return [name[:2] for name in country.areas.towns["name"]]


def ids(layer_id: str, count: int) -> list[str]:
    """Stable ids: ``demo-shelters-0001`` and on."""
    return [f"demo-{layer_id}-{number:04d}" for number in range(1, count + 1)]


def dealt(rng: np.random.Generator, count: int, shares: Mapping[_Value, int]) -> list[_Value]:
    """A value each, in random order, in proportion to the shares; when they sum to ``count``, exactly so many of each."""
    whole = sum(shares.values())
    bounds = np.cumsum(list(shares.values()))
    values = list(shares)
    order = rng.permutation(count)
    return [values[int(np.searchsorted(bounds, place * whole // count, side="right"))] for place in order.tolist()]


def long_tailed(rng: np.random.Generator, count: int, least: int, tail: int) -> Ints:
    """Whole numbers of which most are small and a few very large: ``least + tail / (10 + u)``, u of 0 to 999."""
    return least + tail // (10 + rng.integers(0, 1000, count))


def with_gaps(rng: np.random.Generator, values: list, one_in: int) -> list:  # type: ignore[type-arg]
    """The values, one in so many left out, as in any office's list."""
    return [None if gap == 0 else value for value, gap in zip(values, rng.integers(0, one_in, len(values)), strict=True)]
