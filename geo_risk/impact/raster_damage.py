"""Damage of places on a raster, from shapes to figures, in spans of objects so that memory stays bounded."""

from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo_risk.areas import Shapes
from geo_risk.chunks import spans
from geo_risk.crs import require_lonlat
from geo_risk.errors import CrsError
from geo_risk.hazard.contacts import Contacts, area_contacts, contacts, point_contacts
from geo_risk.hazard.grid import Grid, Numbers, Raster
from geo_risk.hazard.raster import cell_areas_m2, take, to_grid
from geo_risk.impact.curves import CurveSet
from geo_risk.impact.damage import DamageRule, ExposureColumns, damage, damage_rule

_AT_ONCE: Final = 200_000
_NONE, _LINE, _AREA = -1, 1, 2


def damage_on_raster(
    raster: Raster, objects: gpd.GeoDataFrame, curves: CurveSet, rule: str = "mean_depth", *,
    columns: ExposureColumns | None = None, at_once: int = _AT_ONCE,
) -> pd.DataFrame:
    """The damage of each object on a depth raster, with its derivation: see `geo_risk.impact.damage.damage`.

    Parameters
    ----------
    raster : Raster
        Depth in metres.
    objects : GeoDataFrame of points, lines or areas
        EPSG:4326, or the CRS of the raster; with the columns of ``columns``.
    curves : CurveSet
    rule : str
        Of `geo_risk.impact.damage.RULES`. Under *per_cell* the maximum damage is money a m2 for areas (true m2, also on
        a grid of degrees), a metre for lines, an object for points.
    at_once : int
        Objects in memory at a time; the figures do not depend on it.

    Raises
    ------
    CrsError
        Objects in a third CRS; lines by the metre on a grid of degrees.
    ParameterError
        As `damage`.
    """
    chosen = damage_rule(rule)
    shapes = _on_grid(objects, raster.grid)
    rows = pd.DataFrame(objects.drop(columns=objects.geometry.name))
    parts = [
        _span(raster, shapes[part], rows.iloc[part], curves, chosen, columns) for part in spans(len(rows), at_once) or [slice(0, 0)]
    ]
    return parts[0] if len(parts) == 1 else pd.concat(parts)


def _span(
    raster: Raster, shapes: Shapes, rows: pd.DataFrame, curves: CurveSet, rule: DamageRule, columns: ExposureColumns | None,
) -> pd.DataFrame:
    found = _contacts(raster.grid, shapes, rule)
    measure = _measure(raster.grid, found, shapes) if rule.per_cell else 1.0
    return damage(rows, found, take(raster, found.cell), curves, rule.id, measure=measure, columns=columns)


def _contacts(grid: Grid, shapes: Shapes, rule: DamageRule) -> Contacts:
    if rule.cells == "point":
        return point_contacts(grid, shapely.point_on_surface(shapes))
    areas_alone = np.isin(shapely.get_dimensions(shapes), (_NONE, _AREA)).all()  # no second and third walk in search of others
    return area_contacts(grid, shapes, rule.cells) if areas_alone else contacts(grid, shapes, rule.cells)


def _measure(grid: Grid, found: Contacts, shapes: Shapes) -> Numbers:
    """Square metres of each contact's cell for areas; 1 for lines, whose amounts are metres, and points."""
    kind = shapely.get_dimensions(shapes)[found.of]
    if grid.crs.is_geographic and (kind == _LINE).any():
        raise CrsError(
            "lines by the metre need a grid in metres", where="damage_on_raster", expected="a projected CRS", got="degrees",
            then="warp the raster to the local metric CRS",
        )
    return np.where(kind == _AREA, cell_areas_m2(grid)[found.cell // grid.columns], 1.0)


def _on_grid(objects: gpd.GeoDataFrame, grid: Grid) -> Shapes:
    shapes = objects.geometry.to_numpy()
    if objects.crs is not None and not grid.crs.is_geographic and grid.crs.equals(objects.crs, ignore_axis_order=True):
        return np.asarray(shapes, dtype=object)
    require_lonlat(objects, "damage_on_raster")
    return to_grid(shapes, grid)
