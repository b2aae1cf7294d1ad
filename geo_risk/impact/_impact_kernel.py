"""From intensity to loss in one compiled pass: gather, two curves, value, sum. Nothing of events x assets is kept.

A ``Table`` is what `geo_risk.impact.curves.CurveSet.table` gives: knots, heights, heights below and above, starts.
"""

from typing import TypeAlias

import numba
import numpy as np

from geo_risk.hazard.grid import Cells, Numbers
from geo_risk.impact._curve_kernel import value_at

Table: TypeAlias = tuple[Numbers, Numbers, Numbers, Numbers, Cells]


@numba.njit(nogil=True, cache=True)
def ratio_at(mdd: Table, paa: Table, curve: int, intensity: float) -> float:
    """MDD x PAA of one curve at one intensity; nan for an unknown one."""
    share = value_at(paa[0], paa[1], paa[2], paa[3], paa[4], curve, intensity)
    return float(share * value_at(mdd[0], mdd[1], mdd[2], mdd[3], mdd[4], curve, intensity))


@numba.njit(nogil=True, cache=True)
def sum_groups(
    first: int, last: int, indptr: Cells, indices: Cells, intensity: Numbers, fraction: Numbers, often: Numbers,
    starts: Cells, curve: Cells, value: Numbers, mdd: Table, paa: Table, at_zero: Numbers,
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
                ratio = ratio_at(mdd, paa, curve[group], intensity[stored])
                if len(fraction):
                    ratio = fraction[stored] * ratio
                above = ratio - at_zero[curve[group]]
                rate[group] += above * often[event]
                if np.isnan(above):
                    missing += value[group]
                    total -= at_zero[curve[group]] * value[group]
                else:
                    total += above * value[group]
        at_event[event] += total
        unknown[event] += missing


@numba.njit(nogil=True, cache=True)
def sum_assets(
    first: int, last: int, indptr: Cells, indices: Cells, intensity: Numbers, fraction: Numbers, often: Numbers,
    starts: Cells, curve: Cells, value: Numbers, mdd: Table, paa: Table, at_zero: Numbers,
    deductible: Numbers, cover: Numbers, least: Numbers, at_event: Numbers, unknown: Numbers, yearly: Numbers,
) -> None:
    """The same asset by asset, for losses that are not proportional to value: less the deductible, at most the cover.

    ``at_zero`` is each asset's loss at intensity 0; ``yearly`` takes each asset's loss a year.
    """
    for event in range(first, last):
        total, missing = 0.0, 0.0
        for stored in range(indptr[event], indptr[event + 1]):
            site = indices[stored]
            for asset in range(starts[site], starts[site + 1]):
                x, kind = intensity[stored], curve[asset]
                ratio = ratio_at(mdd, paa, kind, x)
                if len(fraction):
                    ratio = fraction[stored] * ratio
                borne = deductible[asset] * value_at(paa[0], paa[1], paa[2], paa[3], paa[4], kind, x)
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
def sum_values(
    intensity: Numbers, often: float, curve: Cells, value: Numbers, mdd: Table, paa: Table, yearly: Numbers
) -> tuple[float, float]:
    """The loss of one event over assets that each have their intensity, and the value whose loss is unknown.

    Adds to ``yearly`` each asset's loss a year.
    """
    total, missing = 0.0, 0.0
    for asset in range(len(value)):
        loss = ratio_at(mdd, paa, curve[asset], intensity[asset]) * value[asset]
        yearly[asset] += loss * often
        if np.isnan(loss):
            missing += value[asset]
        else:
            total += loss
    return total, missing
