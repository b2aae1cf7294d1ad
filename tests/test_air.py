"""Helicopters and pads: who may land where, when they come, whom they move."""

import itertools
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_risk.access.air import AirRules, Helicopter, Pad, Shuttle, fits, flight_arrivals, sorties
from geo_risk.crs import GEOD
from geo_risk.errors import ParameterError
from layers._tables.air_rules import air_rules

NAN, INF = np.nan, np.inf
RULES = AirRules(fato_d=1.0, fato_d_small=0.83, small_mass_t=3.175, slope_percent=2.0, handling_s=300.0, reserve_s=1200.0)
CRAFT = Helicopter(
    id="h", lon=0, lat=0, d_value_m=16, mass_t=6.4, cruise_kmh=240, range_km=800, seats=12, ready_s=600, night=True
)  # fmt: skip
PAD = Pad(
    id="p", lon=1, lat=0, length_m=30, width_m=16, d_value_m=16, max_mass_t=6.4, slope_percent=2, night_lights=True, open=True
)  # fmt: skip


@pytest.mark.parametrize(
    ("pad", "fit", "against"),
    [
        ({}, True, []),
        ({"width_m": 15.9}, False, ["size"]),
        ({"length_m": 15.9, "width_m": NAN}, False, ["size"]),  # one side says enough to say no
        ({"width_m": NAN, "d_value_m": NAN}, None, ["size"]),
        ({"width_m": NAN}, True, []),  # the D-value says it
        ({"d_value_m": NAN}, True, []),  # both sides say it
        ({"d_value_m": 15}, False, ["size"]),
        ({"length_m": NAN, "width_m": NAN, "d_value_m": NAN}, None, ["size"]),
        ({"max_mass_t": 6.3}, False, ["mass"]),
        ({"max_mass_t": NAN}, None, ["mass"]),
        ({"slope_percent": 2.1}, False, ["slope"]),
        ({"slope_percent": NAN, "max_mass_t": 1}, False, ["mass", "slope"]),  # no, and something else is unknown
        ({"open": None}, None, ["open"]),
        ({"open": False}, False, ["open"]),
        ({"night_lights": False}, True, []),
    ],
)
def test_a_pad_against_a_helicopter(pad, fit, against):
    found = fits(CRAFT, replace(PAD, **pad), RULES)
    assert (found.fits, [reason.id for reason in found.against]) == (fit, against)


@pytest.mark.parametrize(
    ("craft", "pad", "fit"),
    [({}, {}, True), ({}, {"night_lights": None}, None), ({}, {"night_lights": False}, False), ({"night": False}, {}, False)],
)
def test_at_night_lights_and_a_crew_that_may(craft, pad, fit):
    assert fits(replace(CRAFT, **craft), replace(PAD, **pad), RULES, at_night=True).fits is fit


@pytest.mark.parametrize(("mass_t", "fit"), [(3.175, True), (3.2, False), (NAN, False)])
def test_a_smaller_helicopter_needs_083_of_its_d_where_that_rule_is_named(mass_t, fit):
    small = replace(CRAFT, d_value_m=20, mass_t=mass_t)
    pad = replace(PAD, width_m=16.6, d_value_m=NAN)
    assert fits(small, pad, RULES, fato="by_mass").fits is fit
    assert fits(small, pad, RULES).fits is False


def test_a_helicopter_of_unknown_size_or_mass_is_unknown_not_fit():
    assert fits(replace(CRAFT, d_value_m=NAN), PAD, RULES).fits is None
    assert fits(replace(CRAFT, mass_t=NAN), PAD, RULES).fits is None


def test_ready_flight_handling_and_road():
    distance = GEOD.inv(0, 0, 1, 0)[2]
    found = flight_arrivals([CRAFT], [PAD], [[120]], RULES)
    assert found.arrival_s[0, 0] == pytest.approx(600 + distance / (240 / 3.6) + 300 + 120, abs=1e-9)
    assert (found.pad.tolist(), found.first.tolist(), found.unknown.any()) == ([[0]], [0], False)


@pytest.mark.parametrize(("range_km", "rule", "reached"), [(303, "out_and_return", True), (302, "out_and_return", False),
                                                           (192, "refuel_there", True), (191, "refuel_there", False)])  # fmt: skip
def test_range_less_the_reserve_is_twice_the_way_or_once(range_km, rule, reached):
    """111.3 km at 240 km/h; 20 minutes of reserve are 80 km: 302.6 km out and back, 191.3 one way."""
    found = flight_arrivals([replace(CRAFT, range_km=range_km)], [PAD], [[0]], RULES, range_rule=rule)
    assert np.isfinite(found.pad_s[0, 0]) == reached


def test_the_soonest_pad_is_not_the_nearest_where_the_road_is_long():
    near, far = PAD, replace(PAD, id="far", lon=1.5)
    found = flight_arrivals([CRAFT], [near, far], [[5000, INF], [100, INF]], RULES)
    assert (found.pad.tolist(), found.arrival_s[0, 1], found.first_s[1]) == ([[1, -1]], INF, INF)


def test_the_unknown_is_said_and_never_counted():
    """A pad of unknown slope next door may be sooner; the known one counts. With it alone nobody knows."""
    unsure = replace(PAD, id="u", lon=0.1, slope_percent=NAN)
    both, alone = (flight_arrivals([CRAFT], pads, [[0]] * len(pads), RULES) for pads in ([unsure, PAD], [unsure]))
    assert (both.pad[0, 0], both.unknown[0, 0]) == (1, True)
    assert np.isnan(alone.first_s[0])
    assert (alone.first[0], alone.pad[0, 0]) == (-1, -1)


@pytest.mark.parametrize("missing", ["cruise_kmh", "range_km", "ready_s"])
def test_what_is_unknown_of_a_helicopter_makes_its_flights_unknown(missing):
    found = flight_arrivals([replace(CRAFT, **{missing: NAN})], [PAD, replace(PAD, open=False)], [[0], [0]], RULES)
    assert np.isnan(found.pad_s[0, 0])
    assert found.pad_s[0, 1] == INF


def test_no_helicopter_no_pad_no_place():
    assert flight_arrivals([], [PAD], [[0, 0]], RULES).first_s.tolist() == [INF, INF]
    assert flight_arrivals([], [PAD], [[0, 0]], RULES).first.tolist() == [-1, -1]
    assert flight_arrivals([CRAFT], [], np.empty((0, 2)), RULES).first_s.tolist() == [INF, INF]
    assert flight_arrivals([CRAFT], [PAD], np.empty((1, 0)), RULES).arrival_s.shape == (1, 0)


def test_a_flight_over_the_antimeridian_is_short():
    found = flight_arrivals([replace(CRAFT, lon=179.9)], [replace(PAD, lon=-179.9)], [[0]], RULES)
    assert found.pad_s[0, 0] < 600 + 300 + 400


@pytest.mark.parametrize(
    ("craft", "pad", "says"),
    [
        ({"lon": NAN}, {}, "where: flight_arrivals, h, lon; .* got: nan"),
        ({"cruise_kmh": 0}, {}, "h, cruise_kmh; .* got: 0"),
        ({"range_km": INF}, {}, "h, range_km; .* got: inf"),
        ({}, {"lat": 91}, "p, lat; .* got: 91"),
        ({}, {"slope_percent": -1}, "p, slope_percent"),
    ],
)
def test_numbers_that_are_none_are_refused(craft, pad, says):
    with pytest.raises(ParameterError, match=says):
        flight_arrivals([replace(CRAFT, **craft)], [replace(PAD, **pad)], [[0]], RULES)


def test_other_wrong_askings():
    with pytest.raises(ParameterError, match=r"ways by road are not seconds .*expected: 1 rows .* got: shape \(2, 1\)"):
        flight_arrivals([CRAFT], [PAD], [[0], [0]], RULES)
    with pytest.raises(ParameterError, match="no such rule; where: fits; expected: full, by_mass"):
        fits(CRAFT, PAD, RULES, fato="half")
    with pytest.raises(ParameterError, match="no such rule; where: flight_arrivals; expected: out_and_return, refuel_there"):
        flight_arrivals([CRAFT], [PAD], [[0]], RULES, range_rule="glide")


def test_two_helicopters_take_turns_on_one_pad():
    """Each is wanted at 1000; the second waits for the first to unload."""
    pair = [Shuttle(id=name, first_s=1000, flight_s=600, seats=4) for name in ("b", "a")]
    found = sorties(pair, 100, RULES, until_s=3100)
    assert found["helicopter"].tolist() == ["a", "b", "a", "b"]
    assert (found["at_s"].tolist(), found["total"].tolist()) == ([1000, 1300, 2800, 3100], [4, 8, 12, 16])
    free = sorties(pair, 100, RULES, until_s=3100, one_at_a_time=False)
    assert free["at_s"].tolist() == [1000, 1000, 2800, 2800]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 2000), st.integers(0, 5)), min_size=0, max_size=3), st.integers(0, 40),
    st.integers(0, 20_000),
)
def test_without_turns_the_trips_are_an_arithmetic_series(shuttles, people, until_s):
    crew = [Shuttle(id=f"s{i}", first_s=first, flight_s=flight, seats=seats) for i, (first, flight, seats) in enumerate(shuttles)]
    found = sorties(crew, people, RULES, until_s=until_s, one_at_a_time=False)
    could = sum(
        each.seats for each in crew
        for trip in itertools.takewhile(lambda n, s=each: s.first_s + n * 2 * (s.flight_s + 300) <= until_s, itertools.count())
        if each.seats or trip < 0
    )
    assert found["people"].sum() == min(people, could)
    assert found["total"].tolist() == found["people"].cumsum().tolist()
    assert found["at_s"].is_monotonic_increasing


@pytest.mark.parametrize(
    ("shuttle", "people", "until_s"),
    [({"seats": -1}, 1, 1), ({"seats": 1.5}, 1, 1), ({"first_s": NAN}, 1, 1), ({}, 1.5, 1), ({}, -1, 1), ({}, 1, INF)],
)
def test_sorties_of_no_sense_are_refused(shuttle, people, until_s):
    with pytest.raises(ParameterError, match="people, seats or times are none; where: sorties"):
        sorties([replace(Shuttle(id="a", first_s=0, flight_s=1, seats=1), **shuttle)], people, RULES, until_s=until_s)


def test_an_endless_shuttle_is_refused():
    with pytest.raises(ParameterError, match="too many trips to follow; where: sorties; expected: at most 100000"):
        sorties([Shuttle(id="a", first_s=0, flight_s=0, seats=1)], 10**7, RULES, until_s=1e12)


def test_the_rules_of_the_table():
    assert air_rules() == RULES


def test_yaizu_s_pads_are_unknown_but_the_one_of_35_metres_for_a_d_of_36(shared_data):
    """Twelve pads of published sides; nobody says what they bear or how steep they are."""
    sizes = gpd.read_file(shared_data / "yaizu" / "yaizu.gpkg", layer="helipad")["広さ（メートル）"]
    sides = [[float(side) for side in size.split("×")] for size in sizes]
    giant = replace(CRAFT, d_value_m=36)
    found = [fits(giant, Pad(id="", lon=138, lat=34, length_m=long, width_m=wide), RULES) for long, wide in sides]
    assert [fit.fits for fit in found] == [None] * 11 + [False]
    assert {reason.id for reason in found[0].against} == {"mass", "slope", "open"}
