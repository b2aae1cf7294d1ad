"""Help by air: may this helicopter land on that pad, when is it there, and how many people it has moved by when.

A flight ends on a pad; from there it is a way by road. What nobody knows of a pad or a helicopter is unknown, not fit.
"""

import heapq
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from geo_risk.crs import GEOD
from geo_risk.errors import ParameterError, shown

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Fato = Literal["full", "by_mass"]
RangeRule = Literal["out_and_return", "refuel_there"]
FATO: Final[tuple[Fato, ...]] = ("full", "by_mass")
RANGE_RULES: Final[tuple[RangeRule, ...]] = ("out_and_return", "refuel_there")
MAX_TRIPS: Final = 100_000
_SECONDS_AN_HOUR: Final = 3600.0


@dataclass(frozen=True, kw_only=True)
class AirRules:
    """Thresholds of table *air*; ``handling_s`` is one landing with people off, or people on with take-off."""

    fato_d: float
    fato_d_small: float
    small_mass_t: float
    slope_percent: float
    handling_s: float
    reserve_s: float


@dataclass(frozen=True, kw_only=True)
class Helicopter:
    """A helicopter at its base, degrees on WGS84; nan or None where unknown. ``ready_s`` includes the first loading."""

    id: str
    lon: float
    lat: float
    d_value_m: float = np.nan
    mass_t: float = np.nan
    cruise_kmh: float = np.nan
    range_km: float = np.nan
    seats: int | None = None
    ready_s: float = np.nan
    night: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Pad:
    """A place to land; nan or None where unknown. ``d_value_m`` is that of the largest helicopter it was made for."""

    id: str
    lon: float
    lat: float
    length_m: float = np.nan
    width_m: float = np.nan
    d_value_m: float = np.nan
    max_mass_t: float = np.nan
    slope_percent: float = np.nan
    night_lights: bool | None = None
    open: bool | None = None


@dataclass(frozen=True)
class Reason:
    """One question about a helicopter on a pad: the answer (None unknown), what is wanted and what is there."""

    id: str
    holds: bool | None
    wanted: float | bool | None = None
    there: float | bool | None = None


@dataclass(frozen=True)
class Fit:
    """May it land? None: nobody knows. Reasons are all the questions that were asked."""

    fits: bool | None
    reasons: tuple[Reason, ...]

    @property
    def against(self) -> tuple[Reason, ...]:
        """The reasons why not, or why nobody knows."""
        return tuple(reason for reason in self.reasons if reason.holds is not True and self.fits is not True)


@dataclass(frozen=True, kw_only=True, eq=False)
class Flights:
    """When each helicopter can be where, in seconds; inf never, nan unknown.

    ``pad_s`` (helicopters, pads) on the ground of each pad; ``arrival_s`` (helicopters, places) by its soonest known pad and
    the road from there, with that ``pad`` (-1 none); ``unknown`` (helicopters, places): a pad of which something is unknown
    might be sooner.
    """

    pad_s: Floats
    arrival_s: Floats
    pad: Ints
    unknown: NDArray[np.bool_]

    @property
    def first_s(self) -> Floats:
        """When the first helicopter's people are at each place by what is known: inf never, nan where only the unknown might."""
        soonest = np.where(np.isnan(self.arrival_s), np.inf, self.arrival_s).min(axis=0, initial=np.inf)
        return np.where(np.isinf(soonest) & self.unknown.any(axis=0), np.nan, soonest)

    @property
    def first(self) -> Ints:
        """Which helicopter that is, -1 none; of equal ones the first given."""
        if not len(self.arrival_s):
            return np.full(self.arrival_s.shape[1], -1, dtype=np.int64)
        known = np.where(np.isnan(self.arrival_s), np.inf, self.arrival_s)
        return np.where(np.isinf(known).all(axis=0), -1, known.argmin(axis=0)).astype(np.int64)


@dataclass(frozen=True, kw_only=True)
class Shuttle:
    """A helicopter that goes to and fro: on the pad first after ``first_s``, ``flight_s`` each way, ``seats`` at a time."""

    id: str
    first_s: float
    flight_s: float
    seats: int


def fits(helicopter: Helicopter, pad: Pad, rules: AirRules, *, at_night: bool = False, fato: Fato = "full") -> Fit:
    """May the helicopter land on the pad: size, mass, slope, open, and at night its lights and the crew's rating.

    Size holds where D <= the pad's D-value and factor x D <= its shorter side, as far as either is known: one known and
    kept is enough, one known and broken is too much. factor = 1.0 (``full``), or 0.83 for helicopters up to the mass that
    counts as smaller (``by_mass``). Source: MH 5013-2008 after ICAO Annex 14 volume II; the numbers come with ``rules``.

    Parameters
    ----------
    helicopter, pad, rules
        Metres, tonnes, percent; nan or None unknown.
    at_night : bool
        Ask for night lights and a helicopter that flies at night too.
    fato : str
        ``full`` or ``by_mass``.

    Returns
    -------
    Fit
        False where one question is answered no; else None where one is unknown; else True.

    Examples
    --------
    >>> rules = AirRules(fato_d=1.0, fato_d_small=0.83, small_mass_t=3.175, slope_percent=2, handling_s=300, reserve_s=1200)
    >>> light = Helicopter(id="a", lon=120, lat=30, d_value_m=12, mass_t=3)
    >>> pad = Pad(id="x", lon=120, lat=30, length_m=30, width_m=11, max_mass_t=5, slope_percent=1, open=True)
    >>> fits(light, pad, rules).fits, fits(light, pad, rules, fato="by_mass").fits
    (False, True)
    >>> unsure = fits(light, Pad(id="y", lon=120, lat=30, length_m=30, width_m=30, slope_percent=1, open=True), rules)
    >>> unsure.fits, [reason.id for reason in unsure.against]
    (None, ['mass'])
    """
    _require_choice(fato, FATO, "fits")
    reasons = (
        _size(helicopter, pad, rules, fato),
        _at_most("mass", helicopter.mass_t, pad.max_mass_t),
        _at_most("slope", pad.slope_percent, rules.slope_percent, given=rules.slope_percent),
        Reason("open", pad.open, True, pad.open),
        *((Reason("night_lights", pad.night_lights, True, pad.night_lights),) if at_night else ()),
        *((Reason("night_flight", helicopter.night, True, helicopter.night),) if at_night else ()),
    )
    return Fit(_all_of(reason.holds for reason in reasons), reasons)


def flight_arrivals(
    helicopters: Sequence[Helicopter], pads: Sequence[Pad], road_s: ArrayLike, rules: AirRules, *, at_night: bool = False,
    fato: Fato = "full", range_rule: RangeRule = "out_and_return",
) -> Flights:
    """When each helicopter's people are at each place: ready, geodesic flight, handling on the pad, and the road from there.

    pad_s = ready_s + distance / cruise + handling_s, where the helicopter fits the pad and

    - ``out_and_return``: 2 x distance <= range - reserve x cruise, back to its base without fuel from elsewhere;
    - ``refuel_there``: distance <= range - reserve x cruise.

    Parameters
    ----------
    road_s : array_like, shape (pads, places)
        Seconds from each pad to each place; inf no way, nan unknown.

    Returns
    -------
    Flights

    Raises
    ------
    ParameterError
        ``road_s`` has another shape or a time below 0, or a helicopter or pad is nowhere, or has a number that is none.

    Examples
    --------
    >>> rules = AirRules(fato_d=1.0, fato_d_small=0.83, small_mass_t=3.175, slope_percent=2, handling_s=300, reserve_s=1200)
    >>> craft = Helicopter(id="a", lon=0, lat=0, d_value_m=12, mass_t=3, cruise_kmh=200, range_km=600, ready_s=600)
    >>> pad = Pad(id="x", lon=1, lat=0, d_value_m=15, max_mass_t=5, slope_percent=1, open=True)
    >>> flight_arrivals([craft], [pad], [[60, float("inf")]], rules).arrival_s.round().tolist()
    [[2964.0, inf]]
    """
    _require_choice(range_rule, RANGE_RULES, "flight_arrivals")
    road = np.array(road_s, dtype=float)
    if road.ndim != 2 or len(road) != len(pads) or (road < 0).any():
        raise ParameterError(
            "the ways by road are not seconds from each pad", where="flight_arrivals", expected=f"{len(pads)} rows of 0 or more",
            got=f"shape {road.shape}", then="give a row a pad, a column a place",
        )
    _require_sound([*helicopters, *pads])
    rows = [_pad_seconds(each, pads, rules, at_night, fato, range_rule) for each in helicopters]
    pad_s = np.array(rows, dtype=float).reshape(len(helicopters), len(pads))
    found = [_onward(row, road) for row in pad_s]
    shape = (len(helicopters), road.shape[1])
    return Flights(
        pad_s=pad_s, arrival_s=np.array([at for at, _, _ in found], dtype=float).reshape(shape),
        pad=np.array([pad for _, pad, _ in found], dtype=np.int64).reshape(shape),
        unknown=np.array([doubt for _, _, doubt in found], dtype=bool).reshape(shape),
    )


def sorties(
    shuttles: Sequence[Shuttle], people: int, rules: AirRules, *, until_s: float, one_at_a_time: bool = True
) -> pd.DataFrame:
    """Trip by trip, whom helicopters set down at a pad until all are moved or the time is up.

    A trip is one landing with ``seats`` people off (`handling_s`), the way back, people on (`handling_s`) and the way again;
    it refuels while it loads. Who is first at the pad lands first, of equal ones the lesser id; with ``one_at_a_time`` the
    next waits until the pad is free. The last takes whom there are left.

    Parameters
    ----------
    shuttles : sequence of Shuttle
        ``first_s``: when the first people stand on the pad, as in `Flights.pad_s`.
    people : int
        How many want to be moved, 0 or more.
    until_s : float
        Seconds; a trip whose people are off just then counts.

    Returns
    -------
    DataFrame, a row a trip in the order of time
        helicopter, trip (from 1), at_s, people, total (moved so far).

    Raises
    ------
    ParameterError
        People or seats that are no whole numbers, times that are none, or more than `MAX_TRIPS` trips.

    Examples
    --------
    >>> rules = AirRules(fato_d=1.0, fato_d_small=0.83, small_mass_t=3.175, slope_percent=2, handling_s=300, reserve_s=1200)
    >>> found = sorties([Shuttle(id="a", first_s=1000, flight_s=600, seats=10)], 25, rules, until_s=7200)
    >>> found["at_s"].tolist(), found["total"].tolist()
    ([1000.0, 2800.0, 4600.0], [10, 20, 25])
    """
    _require_trips(shuttles, people, until_s)
    coming = [(each.first_s, each.id, 1, each) for each in shuttles if each.seats and each.first_s <= until_s]
    heapq.heapify(coming)
    rows: list[tuple[str, int, float, int, int]] = []
    moved, free_at = 0, -np.inf
    while coming and moved < people:
        if len(rows) == MAX_TRIPS:
            raise ParameterError(
                "too many trips to follow", where="sorties", expected=f"at most {MAX_TRIPS}", got=f"{shown(people)} people",
                then="give fewer people or a shorter time",
            )
        wanted, name, trip, shuttle = heapq.heappop(coming)
        at = max(wanted, free_at + rules.handling_s) if one_at_a_time else wanted
        if at > until_s:
            continue
        taken, free_at = min(shuttle.seats, people - moved), at
        moved += taken
        rows.append((name, trip, at, taken, moved))
        heapq.heappush(coming, (at + 2 * (shuttle.flight_s + rules.handling_s), name, trip + 1, shuttle))
    return pd.DataFrame(rows, columns=["helicopter", "trip", "at_s", "people", "total"]).astype({"at_s": float})


def _size(helicopter: Helicopter, pad: Pad, rules: AirRules, fato: Fato) -> Reason:
    """By the pad's D-value and by its shorter side, as far as either is known; a side that is too short is known to be so."""
    wanted = helicopter.d_value_m * _factor(helicopter, rules, fato)
    sides = [side for side in (pad.length_m, pad.width_m) if not np.isnan(side)]
    side = min(sides, default=np.nan)
    by_side = _kept(wanted, side)
    answers = {by_side if by_side is False or len(sides) == 2 else None, _kept(helicopter.d_value_m, pad.d_value_m)} - {None}
    return Reason("size", _all_of(answers) if answers else None, wanted, pad.d_value_m if np.isnan(side) else side)


def _factor(helicopter: Helicopter, rules: AirRules, fato: Fato) -> float:
    """An unknown mass counts as large: the larger area is asked for."""
    return rules.fato_d_small if fato == "by_mass" and helicopter.mass_t <= rules.small_mass_t else rules.fato_d


def _at_most(question: str, value: float, bound: float, *, given: float | None = None) -> Reason:
    """``value <= bound``; the reason shows as wanted what a pad must bear, or the rule's bound that it must keep."""
    wanted, there = (value, bound) if given is None else (given, value)
    return Reason(question, _kept(value, bound), wanted, there)


def _kept(value: float, bound: float) -> bool | None:
    return None if np.isnan(value) or np.isnan(bound) else bool(value <= bound)


def _all_of(answers: Iterable[bool | None]) -> bool | None:
    given = set(answers)
    return False if False in given else None if None in given else True


def _pad_seconds(
    helicopter: Helicopter, pads: Sequence[Pad], rules: AirRules, at_night: bool, fato: Fato, range_rule: RangeRule
) -> Floats:
    """Seconds until it stands on each pad: inf where it may not land or cannot reach, nan where nobody knows."""
    lon, lat = np.array([pad.lon for pad in pads]), np.array([pad.lat for pad in pads])
    _, _, metres = GEOD.inv(np.full(len(pads), helicopter.lon), np.full(len(pads), helicopter.lat), lon, lat)
    distance = np.asarray(metres, dtype=float)
    speed = helicopter.cruise_kmh * 1000.0 / _SECONDS_AN_HOUR
    room_m = helicopter.range_km * 1000.0 - rules.reserve_s * speed
    legs = 2 if range_rule == "out_and_return" else 1
    seconds = helicopter.ready_s + distance / speed + rules.handling_s
    seconds = np.where(np.isnan(room_m), np.nan, seconds)
    seconds = np.where(legs * distance > room_m, np.inf, seconds)
    near = np.flatnonzero(~np.isinf(seconds))
    landing = [fits(helicopter, pads[at], rules, at_night=at_night, fato=fato).fits for at in near.tolist()]
    may = {True: 0.0, None: np.nan, False: np.inf}
    barred = np.array([may[fit] for fit in landing])
    seconds[near] = np.where(np.isinf(barred), np.inf, seconds[near] + barred)
    return seconds


def _onward(pad_s: Floats, road: Floats) -> tuple[Floats, Ints, NDArray[np.bool_]]:
    """The soonest known arrival at each place, by which pad, and whether an unknown one might be sooner."""
    if not len(pad_s):
        places = road.shape[1]
        return np.full(places, np.inf), np.full(places, -1, dtype=np.int64), np.zeros(places, dtype=bool)
    never = np.isinf(pad_s)[:, None] | np.isinf(road)
    total = np.where(never, np.inf, pad_s[:, None] + road)
    known = np.where(np.isnan(total), np.inf, total)
    soonest = known.min(axis=0)
    doubt = np.asarray(np.isnan(total).any(axis=0), dtype=bool)
    at = np.where(np.isinf(soonest) & doubt, np.nan, soonest)
    return at, np.where(np.isinf(soonest), -1, known.argmin(axis=0)).astype(np.int64), doubt


_SOUND: Final[tuple[tuple[str, Callable[[float], bool]], ...]] = (
    ("lon", lambda value: abs(value) <= 180), ("lat", lambda value: abs(value) <= 90), ("d_value_m", lambda value: value > 0),
    ("mass_t", lambda value: value > 0), ("cruise_kmh", lambda value: value > 0), ("range_km", lambda value: value >= 0),
    ("ready_s", lambda value: value >= 0), ("length_m", lambda value: value > 0), ("width_m", lambda value: value > 0),
    ("max_mass_t", lambda value: value > 0), ("slope_percent", lambda value: value >= 0),
)  # fmt: skip


def _require_sound(given: Sequence[Helicopter | Pad]) -> None:
    for each, (name, sound) in product(given, _SOUND):
        value = getattr(each, name, np.nan)
        placed = name in ("lon", "lat")
        if np.isinf(value) or (np.isnan(value) and placed) or not (np.isnan(value) or sound(value)):
            raise ParameterError(
                "a helicopter or pad has a number that is none", where=f"flight_arrivals, {shown(each.id)}, {name}",
                expected="a finite number in its range, nan for unknown (never the place)", got=shown(value), then="mend the row",
            )


def _require_trips(shuttles: Sequence[Shuttle], people: int, until_s: float) -> None:
    wrong = [
        each for each in shuttles
        if not isinstance(each.seats, int | np.integer) or each.seats < 0 or not each.flight_s >= 0 or not each.first_s >= 0
    ]  # fmt: skip
    if wrong or not isinstance(people, int | np.integer) or people < 0 or not 0 <= until_s < np.inf:
        got = shown(wrong[0].id) if wrong else f"{shown(people)} people, {shown(until_s)} s"
        raise ParameterError(
            "people, seats or times are none", where="sorties", expected="whole numbers and seconds of 0 or more", got=got,
            then="leave out a helicopter of which seats or times are unknown, and say so",
        )


def _require_choice(chosen: str, options: Sequence[str], where: str) -> None:
    if chosen not in options:
        raise ParameterError("no such rule", where=where, expected=", ".join(options), got=shown(chosen), then="name one")
