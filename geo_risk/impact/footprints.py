"""Events that are rasters (a flood depth for each return period, a shake map), and what they do to assets.

One pass for each raster: the intensity at every asset's cell, its curve, times its value, summed by event and by asset.
Rasters are read by block, each touched block once, so neither their size nor events x assets is ever in memory.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geo_risk.chunks import over_spans, spans
from geo_risk.errors import ParameterError, shown
from geo_risk.hazard.grid import OUTSIDE, Cells, Numbers, Raster
from geo_risk.hazard.raster import cells_of, take
from geo_risk.impact._curve_kernel import scale
from geo_risk.impact._impact_kernel import sum_values
from geo_risk.impact.curves import CurveSet
from geo_risk.impact.events import SUMS, EventImpact, Progress, Table, curve_of_each, curve_tables, require_name
from geo_risk.impact.frequency import require_frequencies

NO_VALUE: Final = ("unknown", "zero")
_SPAN: Final = 1 << 16


def raster_impact(
    rasters: Sequence[Raster],
    frequency: ArrayLike,
    lon: ArrayLike,
    lat: ArrayLike,
    value: ArrayLike,
    occupancy: ArrayLike,
    mdd: CurveSet,
    paa: CurveSet | None = None,
    *,
    ids: Sequence[str] | None = None,
    unit: str = "",
    nodata: str = "unknown",
    outside: str = "unknown",
    unknown: str = "spreads",
    progress: Progress | None = None,
) -> EventImpact:
    """The losses of assets under events that are rasters: value x MDD x PAA at the cell each asset lies in.

    Parameters
    ----------
    rasters : sequence of Raster
        One an event, on any grids.
    frequency : array_like of float, shape (events,)
        1/year, 0 or more: of the event itself, not of being exceeded. For losses by return period give zeros and see
        `geo_risk.impact.frequency.annual_expectation` on ``at_event``.
    lon, lat : array_like of float, shape (assets,)
        Degrees in EPSG:4326; nan is an asset whose place nobody knows.
    value : array_like of float, shape (assets,)
        0 or more; nan is unknown.
    occupancy : array_like of str, or Series or Categorical, shape (assets,)
        Names the curve of each asset; one that is missing, or that ``mdd`` has no curve for, makes the asset unknown.
    mdd, paa : CurveSet
        By the same names; ``paa`` left out is 1.
    ids : sequence of str, optional
    unit : str
        Of the intensities; given, the curves must have it.
    nodata, outside : {"unknown", "zero"}
        What holds in a cell without a value, and beyond the raster's edge: an unknown intensity, or intensity 0 (CLIMADA).
    unknown : {"spreads", "left_out"}
        Totals that miss something are nan, or the sum of what is known.
    progress : callable, optional
        Told the share done, 0 to 1, after each raster; it may raise to stop.

    Returns
    -------
    EventImpact
        ``unexposed_assets`` is 0: with ``outside="zero"`` the curve is read at 0.

    Raises
    ------
    ParameterError
        Lengths differ, a value or frequency is negative, units or names of curves differ, or an unknown name.

    Examples
    --------
    >>> import pyproj
    >>> from geo_risk.hazard.grid import ArrayRaster, Grid
    >>> from geo_risk.impact.curves import Curve
    >>> grid = Grid(crs=pyproj.CRS(4326), x=120.0, y=30.0, dx=1.0, dy=-1.0, columns=2, rows=1)
    >>> often, rare = (ArrayRaster(grid=grid, values=np.array([depths])) for depths in ([0.0, 0.5], [1.0, np.nan]))
    >>> curves = CurveSet(curves={"house": Curve(id="h", intensity=(0, 2), fraction=(0, 1))})
    >>> found = raster_impact([often, rare], [0.5, 0.25], [120.5, 121.5], [29.5, 29.5], [100.0, 8.0], ["house"] * 2, curves)
    >>> found.at_event.tolist(), found.eai_exp.tolist(), found.unknown_at_event.tolist()
    ([2.0, nan], [12.5, nan], [0.0, 8.0])
    """
    for what, name, known in (("nodata", nodata, NO_VALUE), ("outside", outside, NO_VALUE), ("unknown", unknown, SUMS)):
        require_name(what, name, known, "raster_impact")
    often = _of_rasters(rasters, frequency, ids)
    tables = curve_tables(mdd, paa, unit)
    assets = _assets(lon, lat, value, occupancy, mdd)
    expected = np.where(assets.unknown, np.nan, 0.0)
    totals, missing = np.zeros(len(rasters)), np.zeros(len(rasters))
    grid, cells = None, np.empty(0, dtype=np.int64)
    for number, raster in enumerate(rasters):
        if raster.grid != grid:
            grid, cells = raster.grid, cells_of(raster.grid, assets.lon, assets.lat)
        intensity = _intensity(raster, cells, nodata, outside)
        totals[number], missing[number] = _summed(intensity, often[number], assets, tables, expected)
        if progress is not None:
            progress((number + 1) / len(rasters))
    lost = np.where((missing > 0) | assets.unknown.any(), np.nan, totals) if unknown == "spreads" else totals
    return EventImpact(
        ids=tuple(str(number + 1) for number in range(len(rasters))) if ids is None else tuple(ids), frequency=often,
        at_event=lost, eai_exp=expected, aai_agg=float((lost * often).sum()), tot_value=float(assets.value.sum()),
        unknown_at_event=missing, unknown_assets=int(assets.unknown.sum()), unknown_value=assets.unknown_value,
        unexposed_assets=0, without_curve=assets.without_curve,
        rules=(("nodata", nodata), ("outside", outside), ("unknown", unknown)),
    )


class _Assets(NamedTuple):
    """All assets; those unknown have value 0, so that they add nothing."""

    lon: Numbers
    lat: Numbers
    value: Numbers
    curve: Cells
    unknown: NDArray[np.bool_]
    unknown_value: float
    without_curve: tuple[str, ...]


def _assets(lon: ArrayLike, lat: ArrayLike, value: ArrayLike, occupancy: ArrayLike, mdd: CurveSet) -> _Assets:
    east, north, worth = (np.asarray(given, dtype=np.float64) for given in (lon, lat, value))
    curve, lacking = curve_of_each(mdd, occupancy)
    if east.ndim != 1 or not east.shape == north.shape == worth.shape == curve.shape:
        raise ParameterError(
            "assets lack something", where="raster_impact", expected="a place, a value and an occupancy each",
            got=f"{east.shape}, {north.shape}, {worth.shape}, {curve.shape}", then="give one of each for every asset",
        )
    wrong = (worth < 0) | np.isinf(worth)
    if wrong.any():
        raise ParameterError(
            "a value is negative or infinite", where="raster_impact", expected="0 or more, nan for unknown",
            got=shown(float(worth[wrong][0])), then="mend the exposure",
        )
    unknown = (curve < 0) | np.isnan(worth) | ~(np.isfinite(east) & np.isfinite(north))
    return _Assets(
        east, north, np.where(unknown, 0.0, worth), curve, unknown, float(np.nansum(worth[unknown])), lacking,
    )


def _intensity(raster: Raster, cells: Cells, nodata: str, outside: str) -> Numbers:
    intensity = take(raster, cells)
    if "zero" in {nodata, outside}:
        unknown = np.isnan(intensity)
        beyond = cells == OUTSIDE
        intensity[unknown & ((beyond & (outside == "zero")) | (~beyond & (nodata == "zero")))] = 0.0
    return intensity


def _summed(
    intensity: Numbers, often: float, assets: _Assets, tables: tuple[Table, Table], expected: Numbers
) -> tuple[float, float]:
    """The loss of one event and the value whose loss is unknown; adds to each asset's annual loss."""

    def span(part: slice) -> tuple[float, float]:
        loss = assets.value[part].copy()
        for table in tables:
            if len(table[-1]):
                scale(loss, *table, assets.curve[part], intensity[part])
        return sum_values(loss, often, assets.value[part], expected[part])

    parts = over_spans(span, spans(len(intensity), _SPAN))
    return sum(total for total, _ in parts), sum(missing for _, missing in parts)


def _of_rasters(rasters: Sequence[Raster], frequency: ArrayLike, ids: Sequence[str] | None) -> Numbers:
    often = require_frequencies(frequency, "raster_impact")
    if len(often) != len(rasters) or (ids is not None and len(ids) != len(rasters)):
        raise ParameterError(
            "rasters, frequencies and ids differ in number", where="raster_impact", expected=f"{len(rasters)} of each",
            got=f"{len(often)} frequencies", then="give one of each for every event",
        )
    return often
