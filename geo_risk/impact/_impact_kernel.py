"""From intensity to loss in one compiled pass: gather, two curves, value, sum. Nothing of events x assets is kept.

Each curve table is the five arrays that `geo_risk.impact.curves.CurveSet.table` gives, first of MDD, then of PAA: knots,
heights, heights below and above, starts.
"""

import numba
import numpy as np

from geo_risk.hazard.grid import Cells, Numbers
from geo_risk.impact._curve_kernel import value_at


@numba.njit(nogil=True, cache=True)
def share_at(
    knots: Numbers, heights: Numbers, below: Numbers, above: Numbers, starts: Cells, curve: int, intensity: float
) -> float:
    """PAA of one curve at one intensity; a table without curves is 1."""
    return value_at(knots, heights, below, above, starts, curve, intensity) if len(starts) else 1.0


@numba.njit(nogil=True, cache=True)
def sum_groups(
    first: int, last: int, indptr: Cells, indices: Cells, intensity: Numbers, fraction: Numbers, often: Numbers,
    starts: Cells, curve: Cells, value: Numbers,
    mk: Numbers, mh: Numbers, mb: Numbers, ma: Numbers, ms: Cells,
    pk: Numbers, ph: Numbers, pb: Numbers, pa: Numbers, ps: Cells, at_zero: Numbers,
    at_event: Numbers, unknown: Numbers, rate: Numbers,
) -> None:
    """Add to events ``first..last`` their losses, and to each group of assets its loss a unit of value a year.

    Groups are sorted by site: those of site s are ``starts[s]..starts[s + 1]``. ``fraction`` is empty for 1 everywhere.
    What is added is the loss above that at intensity 0, which is counted elsewhere for all pairs at once.
    """
    for event in range(first, last):
        total, missing = 0.0, 0.0
        for stored in range(indptr[event], indptr[event + 1]):
            site = indices[stored]
            for group in range(starts[site], starts[site + 1]):
                kind, x = curve[group], intensity[stored]
                ratio = share_at(pk, ph, pb, pa, ps, kind, x) * value_at(mk, mh, mb, ma, ms, kind, x)
                if len(fraction):
                    ratio = fraction[stored] * ratio
                above = ratio - at_zero[kind]
                rate[group] += above * often[event]
                if np.isnan(above):
                    missing += value[group]
                    total -= at_zero[kind] * value[group]
                else:
                    total += above * value[group]
        at_event[event] += total
        unknown[event] += missing


@numba.njit(nogil=True, cache=True)
def sum_assets(
    first: int, last: int, indptr: Cells, indices: Cells, intensity: Numbers, fraction: Numbers, often: Numbers,
    starts: Cells, curve: Cells, value: Numbers,
    mk: Numbers, mh: Numbers, mb: Numbers, ma: Numbers, ms: Cells,
    pk: Numbers, ph: Numbers, pb: Numbers, pa: Numbers, ps: Cells, at_zero: Numbers,
    deductible: Numbers, cover: Numbers, least: Numbers, at_event: Numbers, unknown: Numbers, yearly: Numbers,
) -> None:
    """The same asset by asset, for losses that are not proportional to value: less the deductible, at most the cover.

    Assets are sorted by site and then by curve, so that curves are looked up once for all neighbours of a kind. ``at_zero``
    is each asset's loss at intensity 0; ``yearly`` takes each asset's loss a year.
    """
    for event in range(first, last):
        total, missing = 0.0, 0.0
        for stored in range(indptr[event], indptr[event + 1]):
            site, kind, share, ratio = indices[stored], -1, 0.0, 0.0
            for asset in range(starts[site], starts[site + 1]):
                if curve[asset] != kind:
                    kind, x = curve[asset], intensity[stored]
                    share = share_at(pk, ph, pb, pa, ps, kind, x)
                    ratio = share * value_at(mk, mh, mb, ma, ms, kind, x)
                    if len(fraction):
                        ratio = fraction[stored] * ratio
                borne = deductible[asset] * share
                above = min(max(ratio * value[asset] - borne, least[asset]), cover[asset]) - at_zero[asset]
                if np.isnan(ratio) or np.isnan(borne):
                    yearly[asset] = np.nan
                    missing += value[asset]
                    total -= at_zero[asset]
                else:
                    yearly[asset] += above * often[event]
                    total += above
        at_event[event] += total
        unknown[event] += missing


@numba.njit(nogil=True, cache=True)
def sum_values(loss: Numbers, often: float, value: Numbers, yearly: Numbers) -> tuple[float, float]:
    """The loss of one event over assets, and the value whose loss is unknown; adds to each asset's loss a year."""
    total, missing = 0.0, 0.0
    for asset in range(len(loss)):
        yearly[asset] += loss[asset] * often
        if np.isnan(loss[asset]):
            missing += value[asset]
        else:
            total += loss[asset]
    return total, missing
