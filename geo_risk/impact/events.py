"""Sets of events (storms, floods, quakes) at sites, and what they do to assets: by event, by asset, a year.

loss(event, asset) = value x MDD(intensity) x PAA(intensity) x fraction: MDD is the mean degree of damage of what is hit,
PAA the share of assets that is hit, both curves of intensity, linear between points; fraction is the share of the site
that the event covers. The terms, and the rules marked so, are CLIMADA's (Aznar-Siguan & Bresch 2019, Geosci. Model Dev.
12, 3085-3097).

Why events x assets are never made. Without insurance a loss is proportional to the value, so with r(e, g) the product of
the curves for a group g of assets that share a site and a curve, and V(g) the sum of their values,

    at_event(e) = sum over g of V(g) r(e, g)        expected(a) = value(a) x sum over e of frequency(e) r(e, g of a)

exactly: the work is stored intensities x curves at their site, whatever the number of assets. With a deductible or a
cover a loss is not proportional to value, and the same is done asset by asset (``by_asset=True`` asks for it).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, NoReturn, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from geo_risk.chunks import over_spans, spans, threads
from geo_risk.errors import ParameterError, shown
from geo_risk.hazard.grid import Cells, Numbers
from geo_risk.impact._curve_kernel import values_at
from geo_risk.impact._impact_kernel import sum_assets, sum_groups
from geo_risk.impact.curves import CurveSet
from geo_risk.impact.frequency import exceedance, loss_at, require_frequencies

Table: TypeAlias = tuple[Numbers, Numbers, Numbers, Numbers, Cells]
Progress: TypeAlias = Callable[[float], None]
BEYOND_REACH: Final = -1
NOWHERE: Final = -2
ZEROS: Final = ("curve", "no_impact")
OUTSIDE: Final = ("unknown", "unexposed")
INSURED: Final = ("climada", "floored")
SUMS: Final = ("spreads", "left_out")
_ALWAYS: Final[Table] = (np.empty(0), np.empty(0), np.empty(0), np.empty(0), np.empty(0, dtype=np.int64))
_EVENTS_A_SPAN: Final = 512
_SPANS: Final = 32


@dataclass(frozen=True, kw_only=True, eq=False)
class EventSet:
    """Events at sites, stored sparsely: what is not stored is a known intensity of 0; a stored nan is unknown.

    Parameters
    ----------
    lon, lat : ndarray of float, shape (sites,)
        Degrees on WGS84.
    indptr, indices : ndarray of int64
        Compressed rows: event e holds ``indices[indptr[e]:indptr[e + 1]]``, each site once.
    intensity : ndarray of float, shape (stored,)
        In ``unit``.
    fraction : ndarray of float, shape (stored,), or None
        Share of the site that is hit, 0 to 1; None is 1 everywhere. `event_set` lines it up with ``intensity``.
    frequency : ndarray of float, shape (events,)
        1/year, 0 or more.
    ids : tuple of str
        One an event, all different.
    unit : str
    original : ndarray of bool, shape (events,), optional
        Events that were observed; the others are made from them.
    year : ndarray of int, shape (events,), optional

    Raises
    ------
    ParameterError
        Lengths or indexes contradict each other, a place is not on the earth, a frequency is negative or unknown, a
        fraction is not 0 to 1, or an id appears twice.
    """

    lon: Numbers
    lat: Numbers
    indptr: Cells
    indices: Cells
    intensity: Numbers
    frequency: Numbers
    ids: tuple[str, ...]
    unit: str
    fraction: Numbers | None = None
    original: NDArray[np.bool_] | None = None
    year: Cells | None = None

    def __post_init__(self) -> None:
        _require_places(self)
        _require_rows(self)
        require_frequencies(self.frequency, "EventSet")
        if self.fraction is not None and not ((self.fraction >= 0) & (self.fraction <= 1) | np.isnan(self.fraction)).all():
            _refuse("a fraction is not 0 to 1", "shares from 0 to 1", "another number", "divide per cent by 100")

    @property
    def events(self) -> int:
        """How many."""
        return len(self.frequency)

    @property
    def sites(self) -> int:
        """How many."""
        return len(self.lon)


def event_set(
    lon: ArrayLike,
    lat: ArrayLike,
    intensity: sparse.spmatrix,
    frequency: ArrayLike,
    *,
    fraction: sparse.spmatrix | None = None,
    ids: Sequence[str] | None = None,
    unit: str = "",
    original: ArrayLike | None = None,
    year: ArrayLike | None = None,
) -> EventSet:
    """An event set from sparse matrices of shape (events, sites).

    ``fraction`` may be stored in other places than ``intensity``: where it is not stored it is 0; where it alone is
    stored the intensity is 0. A fraction with nothing stored at all means 1 everywhere (CLIMADA).

    Examples
    --------
    >>> wind = sparse.csr_matrix([[30.0, 0.0], [40.0, 50.0]])
    >>> storms = event_set([120.0, 121.0], [30.0, 30.0], wind, [0.1, 0.01], unit="m/s")
    >>> storms.events, storms.sites, storms.ids, storms.intensity.tolist()
    (2, 2, ('1', '2'), [30.0, 40.0, 50.0])
    """
    rows = sparse.csr_matrix(intensity, dtype=np.float64)
    share = None if fraction is None or fraction.nnz == 0 else sparse.csr_matrix(fraction, dtype=np.float64)
    if share is not None and share.shape != rows.shape:
        _refuse("fraction and intensity differ in shape", f"{rows.shape}", f"{share.shape}", "give one fraction a site and event")
    indptr, indices, stored, shares = _lined_up(rows, share)
    return EventSet(
        lon=_floats(lon), lat=_floats(lat), indptr=indptr, indices=indices, intensity=stored, fraction=shares,
        frequency=_floats(frequency), unit=unit,
        ids=tuple(str(number) for number in range(1, rows.shape[0] + 1)) if ids is None else tuple(ids),
        original=None if original is None else np.asarray(original, dtype=bool),
        year=None if year is None else np.asarray(year, dtype=np.int64),
    )


def select(events: EventSet, positions: ArrayLike) -> EventSet:
    """Only the events at these positions, in their order.

    >>> storms = event_set([120.0], [30.0], sparse.csr_matrix([[30.0], [0.0], [50.0]]), [0.1, 0.2, 0.3])
    >>> some = select(storms, [2, 1])
    >>> some.ids, some.intensity.tolist(), some.indptr.tolist()
    (('3', '2'), [50.0], [0, 1, 1])
    """
    at = np.asarray(positions, dtype=np.int64)
    counts = np.diff(events.indptr)[at]
    indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    stored = np.repeat(events.indptr[at] - indptr[:-1], counts) + np.arange(indptr[-1])
    return EventSet(
        lon=events.lon, lat=events.lat, indptr=indptr, indices=events.indices[stored], intensity=events.intensity[stored],
        fraction=None if events.fraction is None else events.fraction[stored], frequency=events.frequency[at],
        ids=tuple(events.ids[position] for position in at), unit=events.unit,
        original=None if events.original is None else events.original[at], year=None if events.year is None else events.year[at],
    )


def observed(events: EventSet) -> EventSet:
    """Only the observed events, each standing for as many more: frequency x events / observed events (CLIMADA).

    Raises
    ------
    ParameterError
        The set does not say which events were observed, or none was.
    """
    if events.original is None or not events.original.any():
        _refuse("no event is marked as observed", "original, with at least one", "none", "use the whole set")
    kept = np.flatnonzero(events.original)
    few = select(events, kept)
    return EventSet(**{**vars(few), "frequency": few.frequency * (events.events / len(kept))})


class EventImpact(NamedTuple):
    """What a set of events does to assets. Frequencies are 1/year.

    ``at_event``: the loss of each event over all assets. ``eai_exp``: the expected annual loss of each asset, nan where
    it is unknown. ``aai_agg``: the average annual loss, the sum of loss x frequency. ``tot_value``: the value of the
    assets that have a site. ``unknown_at_event``: by event, the value at sites where its intensity is unknown.
    ``unknown_assets`` and ``unknown_value``: assets without a site, value or curve, and their known value;
    ``unexposed_assets``: those beyond reach that count as not exposed. ``without_curve`` names the occupancies that no
    curve is for. ``rules``: the named choices made.
    """

    ids: tuple[str, ...]
    frequency: Numbers
    at_event: Numbers
    eai_exp: Numbers
    aai_agg: float
    tot_value: float
    unknown_at_event: Numbers
    unknown_assets: int
    unknown_value: float
    unexposed_assets: int
    without_curve: tuple[str, ...]
    rules: tuple[tuple[str, str], ...]


def impact(
    events: EventSet,
    site_of_asset: ArrayLike,
    value: ArrayLike,
    occupancy: ArrayLike,
    mdd: CurveSet,
    paa: CurveSet | None = None,
    *,
    deductible: ArrayLike | None = None,
    cover: ArrayLike | None = None,
    zeros: str = "curve",
    outside: str = "unknown",
    insured: str = "climada",
    unknown: str = "spreads",
    by_asset: bool = False,
    progress: Progress | None = None,
) -> EventImpact:
    """The losses of assets under every event: value x MDD x PAA x fraction (see the module).

    Parameters
    ----------
    events : EventSet
    site_of_asset : array_like of int, shape (assets,)
        From `assets_to_sites`: a site, ``BEYOND_REACH`` or ``NOWHERE``.
    value : array_like of float, shape (assets,)
        0 or more; nan is unknown.
    occupancy : array_like of str, or Series or Categorical, shape (assets,)
        Names the curve of each asset; one that is missing, or that ``mdd`` has no curve for, makes the asset unknown.
    mdd, paa : CurveSet
        By the same names; ``paa`` left out is 1. Their intensities are in the unit of the events.
    deductible, cover : array_like of float, shape (assets,), optional
        What the owner bears, and the most that is paid: min(max(loss - deductible x PAA, 0), cover).
    zeros : {"curve", "no_impact"}
        What an event does where it has intensity 0. ``curve``: what the curve says at 0, also where nothing is stored
        (CLIMADA). ``no_impact``: nothing where nothing is stored.
    outside : {"unknown", "unexposed"}
        An asset beyond reach of every site: unknown, or no loss (CLIMADA).
    insured : {"climada", "floored"}
        With a deductible and no cover: losses below it stay, negative (CLIMADA), or are 0.
    unknown : {"spreads", "left_out"}
        Totals that miss something are nan, or the sum of what is known.
    by_asset : bool
        Sum asset by asset even where groups would do: the same figures but for rounding.
    progress : callable, optional
        Told the share done, 0 to 1, after each piece; it may raise to stop.

    Returns
    -------
    EventImpact

    Raises
    ------
    ParameterError
        Lengths differ, a value is negative, a site does not exist, ``paa`` has other names than ``mdd``, a unit
        differs, a curve says nothing at 0 and ``zeros="curve"`` asks it, or an unknown name.

    Examples
    --------
    >>> from geo_risk.impact.curves import Curve
    >>> wind = sparse.csr_matrix([[30.0, 0.0], [40.0, 50.0]])
    >>> storms = event_set([120.0, 121.0], [30.0, 30.0], wind, [0.5, 0.25], unit="m/s")
    >>> curves = CurveSet(curves={"house": Curve(id="h", intensity=(20, 40), fraction=(0, 0.5), unit="m/s")})
    >>> found = impact(storms, [0, 1, 1], [100.0, 10.0, 1.0], ["house", "house", "house"], curves)
    >>> found.at_event.tolist(), found.eai_exp.tolist(), found.aai_agg
    ([25.0, 55.5], [25.0, 1.25, 0.125], 26.375)
    >>> found = impact(storms, [0, BEYOND_REACH], [100.0, 10.0], ["house", "house"], curves)
    >>> found.at_event.tolist(), found.eai_exp.tolist(), found.unknown_value
    ([nan, nan], [25.0, nan], 10.0)
    """
    rules = {"zeros": (zeros, ZEROS), "outside": (outside, OUTSIDE), "insured": (insured, INSURED), "unknown": (unknown, SUMS)}
    for what, (name, known) in rules.items():
        require_name(what, name, known, "impact")
    tables = curve_tables(mdd, paa, events.unit)
    assets = _assets(events, site_of_asset, value, occupancy, mdd, outside)
    at_zero = _ratios_at_zero(mdd, tables, zeros if events.fraction is None else "no_impact")
    terms = _terms(assets, deductible, cover, insured, at_zero)
    run = _over_assets if by_asset or terms.insured else _over_groups
    at_event, missing, eai = run(events, assets, terms, tables, at_zero, progress)
    expected = np.where(assets.unknown, np.nan, 0.0)
    expected[assets.kept] = eai
    bare = unknown == "spreads" and bool(assets.unknown.any())
    totals = np.where(bare | ((missing > 0) & (unknown == "spreads")), np.nan, at_event)
    return EventImpact(
        ids=events.ids, frequency=events.frequency, at_event=totals, eai_exp=expected,
        aai_agg=float((totals * events.frequency).sum()), tot_value=float(assets.value.sum()), unknown_at_event=missing,
        unknown_assets=int(assets.unknown.sum()), unknown_value=assets.unknown_value,
        unexposed_assets=assets.unexposed, without_curve=assets.without_curve,
        rules=tuple((what, name) for what, (name, _) in rules.items()),
    )


def losses_of_event(events: EventSet, position: int, *arguments: object, **choices: object) -> Numbers:
    """The loss of every asset in one event, by the same path as `impact`: what an event's total is made of.

    Parameters
    ----------
    events : EventSet
    position : int
        Of the event, from 0.
    *arguments, **choices
        As for `impact`, from ``site_of_asset`` on.

    Examples
    --------
    >>> from geo_risk.impact.curves import Curve
    >>> storms = event_set([120.0], [30.0], sparse.csr_matrix([[30.0], [0.0]]), [0.1, 0.2], unit="m/s")
    >>> curves = CurveSet(curves={"house": Curve(id="h", intensity=(20, 40), fraction=(0, 0.5), unit="m/s")})
    >>> losses_of_event(storms, 0, [0, 0], [100.0, 8.0], ["house", "house"], curves).tolist()
    [25.0, 2.0]
    """
    one = select(events, [position])
    certain = EventSet(**{**vars(one), "frequency": np.ones(1)})
    return impact(certain, *arguments, **choices).eai_exp  # type: ignore[arg-type]


def intensity_of_period(
    events: EventSet, return_periods: ArrayLike, *, above: float = 0.0, rule: str = "log_frequency",
    beyond: str = "rarer_unknown", progress: Progress | None = None,
) -> Numbers:
    """The intensity that each site reaches once in each return period.

    Parameters
    ----------
    events : EventSet
    return_periods : array_like of float, shape (periods,)
    above : float
        Only intensities above it make the curve of a site.
    rule, beyond : str
        As for `geo_risk.impact.frequency.loss_at`; ``log_fit`` with ``above=10`` is CLIMADA's to version 5 for wind.
    progress : callable, optional

    Returns
    -------
    ndarray of float, shape (periods, sites)
        nan at a site where an intensity is unknown; 0 where nothing is above.

    Examples
    --------
    >>> storms = event_set([120.0, 121.0], [30.0, 30.0], sparse.csr_matrix([[30.0, 0.0], [50.0, np.nan]]), [0.1, 0.01])
    >>> intensity_of_period(storms, [100, 9.2]).round(1).tolist()
    [[50.0, nan], [30.1, nan]]
    """
    by_site = sparse.csr_matrix(
        (events.intensity, events.indices, events.indptr), shape=(events.events, events.sites)
    ).tocsc()
    years = np.atleast_1d(_floats(return_periods))
    found = np.zeros((len(years), events.sites))
    for site in range(events.sites):
        here = slice(by_site.indptr[site], by_site.indptr[site + 1])
        kept = ~(by_site.data[here] <= above)
        curve = exceedance(by_site.data[here][kept], events.frequency[by_site.indices[here]][kept])
        if kept.any():
            found[:, site] = loss_at(curve, years, rule=rule, beyond=beyond)
        if progress is not None:
            progress((site + 1) / events.sites)
    return found


def curve_tables(mdd: CurveSet, paa: CurveSet | None, unit: str) -> tuple[Table, Table]:
    """The flat tables of both sets in the order of the first, or an error where names or units differ."""
    units = {curve.unit for curve in mdd.curves.values()} | {curve.unit for curve in (paa.curves if paa else {}).values()}
    if units != {unit} and unit:
        _refuse("curves and events differ in unit", shown(unit), " and ".join(sorted(shown(u) for u in units)), "convert one")
    if paa is None:
        return mdd.table, _ALWAYS
    if set(paa.curves) != set(mdd.curves):
        odd = sorted(set(paa.curves) ^ set(mdd.curves))
        _refuse("MDD and PAA curves have other names", "the same names in both", ", ".join(map(shown, odd[:3])), "give both")
    return mdd.table, CurveSet(curves={name: paa.curves[name] for name in mdd.curves}).table


def curve_of_each(curves: CurveSet, occupancy: ArrayLike) -> tuple[Cells, tuple[str, ...]]:
    """The position of each asset's curve, -1 where it has none; and the names, sorted, that no curve is for."""
    given = occupancy if isinstance(occupancy, pd.Series | pd.Categorical) else np.asarray(occupancy, dtype=object)
    kinds, names = pd.factorize(given)
    found = curves.codes(np.asarray(names, dtype=object))
    lacking = sorted(str(name) for name, code in zip(names, found, strict=True) if code < 0)
    return np.append(found, -1)[kinds], tuple(lacking)  # factorize marks a missing name by -1: the last place


def require_name(what: str, name: str, known: Sequence[str], where: str) -> None:
    """Stop unless the rule is one of those known."""
    if name not in known:
        raise ParameterError(f"no such rule for {what}", where=where, expected=", ".join(known), got=shown(name), then="name one")


class _Assets(NamedTuple):
    """The assets that can be counted; ``kept`` are their places among all."""

    kept: Cells
    site: Cells
    curve: Cells
    value: Numbers
    unknown: NDArray[np.bool_]
    unknown_value: float
    unexposed: int
    without_curve: tuple[str, ...]


class _Terms(NamedTuple):
    deductible: Numbers
    cover: Numbers
    least: Numbers
    at_zero: Numbers
    insured: bool


def _assets(
    events: EventSet, site_of_asset: ArrayLike, value: ArrayLike, occupancy: ArrayLike, mdd: CurveSet, outside: str
) -> _Assets:
    site, worth = np.asarray(site_of_asset, dtype=np.int64), _floats(value)
    curve, lacking = curve_of_each(mdd, occupancy)
    _require_assets(events, site, worth, curve)
    exposed = (site >= 0) if outside == "unexposed" else np.ones(len(site), dtype=bool)
    exposed |= site == NOWHERE
    unknown = exposed & ((site < 0) | (curve < 0) | np.isnan(worth))
    kept = np.flatnonzero(exposed & ~unknown)
    return _Assets(
        kept, site[kept], curve[kept], worth[kept], unknown, float(np.nansum(worth[unknown])), int((~exposed).sum()), lacking,
    )


def _terms(
    assets: _Assets, deductible: ArrayLike | None, cover: ArrayLike | None, insured: str, at_zero: Numbers
) -> _Terms:
    """Deductible, cover and the least loss of each asset kept, and its loss at intensity 0 (no deductible there: CLIMADA)."""
    count = len(assets.kept)
    borne = np.zeros(count) if deductible is None else _of_assets("deductible", deductible, assets)
    most = np.full(count, np.inf) if cover is None else _of_assets("cover", cover, assets)
    kept_negative = cover is None and insured == "climada"
    least = np.full(count, -np.inf if kept_negative else 0.0)
    bare = np.minimum(np.maximum(at_zero[assets.curve] * assets.value, least), most)
    return _Terms(borne, most, least, bare, deductible is not None or cover is not None)


def _of_assets(what: str, given: ArrayLike, assets: _Assets) -> Numbers:
    numbers = _floats(given)
    if numbers.shape != assets.unknown.shape or not (numbers[assets.kept] >= 0).all():
        _refuse(f"a {what} is missing or negative", f"{len(assets.unknown)} numbers, 0 or more", f"{numbers.shape}", "fill them in")
    return numbers[assets.kept]


def _over_groups(
    events: EventSet, assets: _Assets, _: _Terms, tables: tuple[Table, Table], at_zero: Numbers, progress: Progress | None
) -> tuple[Numbers, Numbers, Numbers]:
    curves = len(at_zero)
    group_of, keys = pd.factorize(assets.site * curves + assets.curve, sort=True)
    worth: Numbers = np.bincount(group_of, weights=assets.value, minlength=len(keys)).astype(np.float64)
    site, curve = keys // curves, keys % curves
    starts = np.searchsorted(site, np.arange(events.sites + 1)).astype(np.int64)
    fraction = np.empty(0) if events.fraction is None else events.fraction
    rate = at_zero[curve] * events.frequency.sum()
    at_event, missing = np.full(events.events, (at_zero[curve] * worth).sum()), np.zeros(events.events)

    def span(part: slice) -> Numbers:
        rates = np.zeros(len(keys))
        sum_groups(
            part.start, part.stop, events.indptr, events.indices, events.intensity, fraction, events.frequency, starts,
            curve, worth, *tables[0], *tables[1], at_zero, at_event, missing, rates,
        )
        return rates

    _summed(span, events.events, rate, progress)
    return at_event, missing, rate[group_of] * assets.value


def _over_assets(
    events: EventSet, assets: _Assets, terms: _Terms, tables: tuple[Table, Table], _: Numbers, progress: Progress | None
) -> tuple[Numbers, Numbers, Numbers]:
    by_site = np.lexsort((assets.curve, assets.site))
    starts = np.searchsorted(assets.site[by_site], np.arange(events.sites + 1)).astype(np.int64)
    curve, value = assets.curve[by_site], assets.value[by_site]
    at_zero, borne, most, least = (part[by_site] for part in (terms.at_zero, terms.deductible, terms.cover, terms.least))
    fraction = np.empty(0) if events.fraction is None else events.fraction
    expected = at_zero * events.frequency.sum()
    at_event, missing = np.full(events.events, at_zero.sum()), np.zeros(events.events)

    def span(part: slice) -> Numbers:
        losses = np.zeros(len(assets.kept))
        sum_assets(
            part.start, part.stop, events.indptr, events.indices, events.intensity, fraction, events.frequency, starts,
            curve, value, *tables[0], *tables[1], at_zero, borne, most, least, at_event, missing, losses,
        )
        return losses

    _summed(span, events.events, expected, progress)
    of_asset = np.empty(len(expected))
    of_asset[by_site] = expected
    return at_event, missing, of_asset


def _summed(span: Callable[[slice], Numbers], events: int, total: Numbers, progress: Progress | None) -> None:
    """Add what each span of events gives, in their order whatever the threads, keeping one part a thread in memory."""
    parts = spans(events, max(_EVENTS_A_SPAN, -(-events // _SPANS)))
    for together in spans(len(parts), threads()):
        for part in over_spans(span, parts[together]):
            total += part
        if progress is not None:
            progress(together.stop / len(parts))


def _ratios_at_zero(mdd: CurveSet, tables: tuple[Table, Table], zeros: str) -> Numbers:
    """MDD x PAA at intensity 0, by curve."""
    count = len(mdd.curves)
    if zeros == "no_impact":
        return np.zeros(count)
    codes, nothing = np.arange(count, dtype=np.int64), np.zeros(count)
    found, share = np.empty(count), np.ones(count)
    values_at(*tables[0], codes, nothing, found)
    if len(tables[1][4]):
        values_at(*tables[1], codes, nothing, share)
    found *= share
    if np.isnan(found).any():
        _refuse(
            "a curve says nothing at intensity 0", "curves that reach to 0, or below='first' or 'zero'",
            shown(list(mdd.curves)[int(np.argmax(np.isnan(found)))]), "or name zeros='no_impact'",
        )
    return found


def _lined_up(rows: sparse.csr_matrix, share: sparse.csr_matrix | None) -> tuple[Cells, Cells, Numbers, Numbers | None]:
    """Both matrices on the union of the places that either stores."""
    keys, values = _keyed(rows)
    if share is None:
        union, stored, shares = keys, values, None
    else:
        share_keys, share_values = _keyed(share)
        union = np.union1d(keys, share_keys)
        stored, shares = np.zeros(len(union)), np.zeros(len(union))
        stored[np.searchsorted(union, keys)] = values
        shares[np.searchsorted(union, share_keys)] = share_values
    events, sites = rows.shape
    indptr = np.searchsorted(union, np.arange(events + 1, dtype=np.int64) * sites).astype(np.int64)
    return indptr, union % max(sites, 1), stored, shares


def _keyed(matrix: sparse.csr_matrix) -> tuple[Cells, Numbers]:
    """What is stored, as event x sites + site, rising, and its values."""
    rows = matrix.copy()
    rows.sum_duplicates()
    event = np.repeat(np.arange(rows.shape[0], dtype=np.int64), np.diff(rows.indptr))
    return event * rows.shape[1] + rows.indices, rows.data


def _require_places(events: EventSet) -> None:
    if events.lon.ndim != 1 or events.lon.shape != events.lat.shape:
        _refuse("sites lack a coordinate", "a longitude and a latitude each", f"{events.lon.shape}", "give both")
    wrong = ~((np.abs(events.lon) <= 180.0) & (np.abs(events.lat) <= 90.0))
    if wrong.any():
        at = int(np.argmax(wrong))
        _refuse(
            "a site is not on the earth", "longitude -180 to 180, latitude -90 to 90",
            f"{shown(float(events.lon[at]))}, {shown(float(events.lat[at]))}", "check the order and the unit",
        )


def _require_rows(events: EventSet) -> None:
    """Compressed rows that a compiled pass may follow without looking."""
    count, stored = events.events, len(events.intensity)
    steps = np.diff(events.indptr)
    told = [column for column in (events.original, events.year) if column is not None]
    lengths = {len(events.indptr) - 1, len(events.ids), *map(len, told)}
    sound = (
        lengths == {count}
        and len(events.indices) == stored
        and events.indptr[0] == 0
        and events.indptr[-1] == stored
        and (steps >= 0).all()
        and (events.fraction is None or len(events.fraction) == stored)
    )
    if not sound:
        _refuse("an event set contradicts itself", f"{count} events, {stored} stored values", "other lengths", "rebuild it")
    if stored and not (events.indices.min() >= 0 and events.indices.max() < events.sites):
        _refuse("an event names a site that is not there", f"0 to {events.sites - 1}", "another", "rebuild it")
    keys = np.repeat(np.arange(count, dtype=np.int64), steps) * max(events.sites, 1) + events.indices
    rising = (np.diff(keys) > 0).all() or (np.diff(np.sort(keys)) > 0).all()
    if not rising or len(set(events.ids)) < count:
        _refuse("an event or a site of it appears twice", "each once", "a repetition", "merge them, saying how")
    if np.isinf(events.intensity).any():
        _refuse("an intensity is infinite", "numbers, or nan for unknown", "inf", "mend the hazard")


def _require_assets(events: EventSet, site: Cells, value: Numbers, curve: Cells) -> None:
    if site.ndim != 1 or not site.shape == value.shape == curve.shape:
        _refuse(
            "assets lack something", "a site, a value and an occupancy each", f"{site.shape}, {value.shape}, {curve.shape}",
            "give one of each for every asset",
        )
    if len(site) and not (site.min() >= NOWHERE and site.max() < events.sites):
        _refuse("an asset names a site that is not there", f"-2 to {events.sites - 1}", "another", "use assets_to_sites")
    wrong = (value < 0) | np.isinf(value)
    if wrong.any():
        _refuse("a value is negative or infinite", "0 or more, nan for unknown", shown(float(value[wrong][0])), "mend the exposure")


def _refuse(what: str, expected: str, got: str, then: str) -> NoReturn:
    raise ParameterError(what, where="event set", expected=expected, got=got, then=then)


def _floats(given: ArrayLike) -> Numbers:
    return np.array(given, dtype=np.float64)
