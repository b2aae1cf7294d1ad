"""Event sets and their losses: against dense arrays and numpy.interp, event by event and asset by asset."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from geo_risk.chunks import with_threads
from geo_risk.errors import ParameterError
from geo_risk.impact.curves import Curve, CurveSet
from geo_risk.impact.events import (
    BEYOND_REACH,
    NOWHERE,
    EventSet,
    event_set,
    impact,
    intensity_of_period,
    losses_of_event,
    observed,
    select,
)

X = (0.0, 20.0, 40.0, 60.0)


def curves(**heights):
    return CurveSet(curves={
        name: Curve(id=name, intensity=X, fraction=tuple(points), unit="m/s", may_fall=True) for name, points in heights.items()
    })


MDD = curves(wood=(0, 0.1, 0.5, 1), stone=(0, 0, 0.2, 0.6), damp=(0.3, 0.3, 0.4, 0.5))
PAA = curves(damp=(0.5, 0.5, 1, 1), stone=(0, 0.5, 1, 1), wood=(0, 1, 1, 1))


@st.composite
def worlds(draw, unknown=False):
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    events, sites, assets = draw(st.integers(1, 700)), draw(st.integers(1, 6)), draw(st.integers(0, 30))
    intensity = np.where(random.random((events, sites)) < 0.3, random.uniform(0, 80, (events, sites)), 0.0)
    if unknown:
        intensity[random.random((events, sites)) < 0.01] = np.nan
    fraction = np.where(random.random((events, sites)) < 0.5, random.random((events, sites)), 0.0)
    return {
        "intensity": intensity, "frequency": random.random(events), "fraction": draw(st.sampled_from([None, fraction])),
        "site": random.integers(0, sites, assets), "value": random.uniform(0, 1000, assets),
        "kind": random.choice(["wood", "stone", "damp"], assets), "random": random,
    }


def made(world):
    fraction = None if world["fraction"] is None else sparse.csr_matrix(world["fraction"])
    sites = world["intensity"].shape[1]
    lon = np.arange(sites) / 10
    return event_set(lon, lon, sparse.csr_matrix(world["intensity"]), world["frequency"], fraction=fraction, unit="m/s")


def dense(world, paa=True):
    """value x MDD x PAA x fraction for every event and asset, without any cleverness."""
    losses = np.zeros((len(world["frequency"]), len(world["site"])))
    for asset, (site, value, kind) in enumerate(zip(world["site"], world["value"], world["kind"], strict=True)):
        x = world["intensity"][:, site]
        share = np.interp(x, X, PAA.curves[kind].fraction) if paa else 1.0
        part = 1.0 if world["fraction"] is None or not world["fraction"].any() else world["fraction"][:, site]
        losses[:, asset] = value * np.interp(x, X, MDD.curves[kind].fraction) * share * part
    return losses


@settings(max_examples=20, deadline=None)
@given(world=worlds())
@pytest.mark.parametrize("by_asset", [False, True])
def test_as_dense(by_asset, world):
    losses = dense(world)
    found = impact(made(world), world["site"], world["value"], world["kind"], MDD, PAA, by_asset=by_asset)
    np.testing.assert_allclose(found.at_event, losses.sum(axis=1), atol=1e-9)
    np.testing.assert_allclose(found.eai_exp, world["frequency"] @ losses, atol=1e-9)
    assert found.aai_agg == pytest.approx((world["frequency"] @ losses).sum())
    assert found.aai_agg == pytest.approx(found.eai_exp.sum())


@settings(max_examples=15, deadline=None)
@given(world=worlds(unknown=True))
@pytest.mark.parametrize("by_asset", [False, True])
def test_an_unknown_intensity_spreads_to_its_event_and_its_assets_alone(by_asset, world):
    world["fraction"] = None
    losses = dense(world, paa=False)
    asked = (made(world), world["site"], world["value"], world["kind"], MDD)
    found = impact(*asked, by_asset=by_asset)
    np.testing.assert_allclose(found.at_event, losses.sum(axis=1), atol=1e-9)
    np.testing.assert_allclose(found.eai_exp, world["frequency"] @ losses, atol=1e-9)
    np.testing.assert_allclose(found.unknown_at_event, np.isnan(losses) @ world["value"])
    least = impact(*asked, by_asset=by_asset, unknown="left_out")
    np.testing.assert_allclose(least.at_event, np.nansum(losses, axis=1), atol=1e-9)


@settings(max_examples=15, deadline=None)
@given(world=worlds())
@pytest.mark.parametrize("cover", [False, True])
@pytest.mark.parametrize("insured", ["climada", "floored"])
def test_deductible_and_cover_as_dense(insured, cover, world):
    world["fraction"], world["kind"] = None, world["random"].choice(["wood", "stone"], len(world["kind"]))
    borne, most = world["random"].uniform(0, 100, (2, len(world["value"])))
    share = np.zeros((len(world["frequency"]), len(world["site"])))
    for asset, (site, kind) in enumerate(zip(world["site"], world["kind"], strict=True)):
        share[:, asset] = np.interp(world["intensity"][:, site], X, PAA.curves[kind].fraction)
    losses = dense(world) - share * borne
    if cover or insured == "floored":
        losses = losses.clip(0, most if cover else None)
    found = impact(
        made(world), world["site"], world["value"], world["kind"], MDD, PAA, deductible=borne, cover=most if cover else None,
        insured=insured,
    )
    np.testing.assert_allclose(found.at_event, losses.sum(axis=1), atol=1e-9)
    np.testing.assert_allclose(found.eai_exp, world["frequency"] @ losses, atol=1e-9)


STORMS = event_set(
    [120.0, 121.0], [30.0, 30.0], sparse.csr_matrix([[20.0, 0.0], [0.0, 40.0]]), [0.5, 0.25], unit="m/s", original=[True, False],
    year=[2001, 2001],
)


def test_a_curve_above_zero_at_zero_counts_where_no_event_comes_unless_named():
    everywhere = impact(STORMS, [0], [100.0], ["damp"], MDD)
    assert everywhere.at_event.tolist() == [30, 30]
    assert impact(STORMS, [0], [100.0], ["damp"], MDD, zeros="no_impact").at_event.tolist() == [30, 0]


def test_the_same_on_any_number_of_threads_to_the_last_bit():
    random = np.random.default_rng(3)
    storms = event_set(range(9), range(9), sparse.random(3000, 9, 0.4, "csr", rng=random) * 80, random.random(3000), unit="m/s")
    asked = (storms, random.integers(0, 9, 500), random.random(500), random.choice(["wood", "stone"], 500), MDD)
    found = impact(*asked)
    with with_threads(1):
        alone = impact(*asked)
    np.testing.assert_array_equal(found.eai_exp, alone.eai_exp)
    np.testing.assert_array_equal(found.at_event, alone.at_event)


def test_an_asset_without_site_value_or_curve_is_unknown_and_counted():
    kinds = ["wood", "wood", "wood", "wood", "clay", None]
    found = impact(STORMS, [0, BEYOND_REACH, NOWHERE, 0, 0, 0], [10.0, 1, 2, np.nan, 4, 8], kinds, MDD)
    np.testing.assert_array_equal(np.isnan(found.eai_exp), [False, True, True, True, True, True])
    assert (found.unknown_assets, found.unknown_value, found.without_curve) == (5, 15.0, ("clay",))
    assert np.isnan(found.at_event).all()
    assert found.tot_value == 10


def test_beyond_reach_may_be_named_unexposed_but_no_place_is_unknown():
    found = impact(STORMS, [0, BEYOND_REACH], [10.0, 5.0], ["wood"] * 2, MDD, outside="unexposed")
    assert found.eai_exp.tolist() == [0.5, 0]
    assert (found.unexposed_assets, found.unknown_assets, found.tot_value) == (1, 0, 10)
    assert impact(STORMS, [NOWHERE], [5.0], ["wood"], MDD, outside="unexposed").unknown_assets == 1


def test_no_assets_lose_nothing():
    assert impact(STORMS, [], [], [], MDD).at_event.tolist() == [0, 0]


def test_an_event_asset_by_asset_is_its_total():
    asked = ([0, 1, 0], [10.0, 20.0, 30.0], ["wood", "wood", "stone"], MDD)
    for event in range(2):
        assert losses_of_event(STORMS, event, *asked).sum() == impact(STORMS, *asked).at_event[event]


def test_progress_ends_at_one_and_may_stop():
    told = []
    impact(STORMS, [0], [1.0], ["wood"], MDD, progress=told.append)
    assert told == [1.0]
    with pytest.raises(KeyboardInterrupt):
        impact(STORMS, [0], [1.0], ["wood"], MDD, progress=lambda _: (_ for _ in ()).throw(KeyboardInterrupt))


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"site": [2]}, "a site that is not there.*-2 to 1"),
        ({"value": [-1.0]}, "a value is negative or infinite.*got: -1.0"),
        ({"value": [1.0, 2.0]}, "assets lack something"),
        ({"zeros": "none"}, "no such rule for zeros.*curve, no_impact"),
        ({"outside": "dry"}, "no such rule for outside"),
        ({"cover": [np.nan]}, "a cover is missing or negative"),
        ({"deductible": [-5.0]}, "a deductible is missing or negative"),
        ({"paa": curves(wood=X[:1] * 4)}, "MDD and PAA curves have other names.*damp, stone"),
        ({"mdd": CurveSet(curves={"wood": Curve(id="w", intensity=(0, 1), fraction=(0, 1))})}, "differ in unit.*got: m;"),
        (
            {"mdd": CurveSet(curves={"wood": Curve(id="w", intensity=(1, 2), fraction=(0, 1), unit="m/s", below="unknown")})},
            "says nothing at intensity 0.*zeros='no_impact'",
        ),
    ],
)
def test_what_makes_no_impact(change, text):
    asked = {"site": [0], "value": [1.0], "occupancy": ["wood"], "mdd": MDD, **change}
    with pytest.raises(ParameterError, match=text):
        impact(STORMS, asked.pop("site"), asked.pop("value"), asked.pop("occupancy"), asked.pop("mdd"), **asked)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"frequency": np.array([-0.1, 1])}, "a frequency must be a number"),
        ({"lon": np.array([120.0, 200.0])}, "a site is not on the earth.*got: 200.0"),
        ({"lat": np.array([30.0])}, "sites lack a coordinate"),
        ({"indices": np.array([0, 2])}, "a site that is not there"),
        ({"indptr": np.array([0, 2, 1])}, "contradicts itself"),
        ({"indptr": np.array([0, 2, 2]), "indices": np.array([1, 1])}, "appears twice"),
        ({"ids": ("1", "1")}, "appears twice"),
        ({"intensity": np.array([np.inf, 1])}, "an intensity is infinite"),
        ({"fraction": np.array([1.5, 1])}, "a fraction is not 0 to 1"),
        ({"year": np.array([2001])}, "contradicts itself"),
    ],
)
def test_what_is_no_event_set(change, text):
    with pytest.raises(ParameterError, match=text):
        EventSet(**{**vars(STORMS), **change})


def test_fraction_and_intensity_of_other_shapes():
    with pytest.raises(ParameterError, match="fraction and intensity differ in shape"):
        event_set([0.0], [0.0], sparse.csr_matrix([[1.0]]), [0.1], fraction=sparse.csr_matrix([[1.0], [1.0]]))


def test_observed_events_stand_for_all():
    some = observed(STORMS)
    assert (some.ids, some.frequency.tolist(), some.year.tolist()) == (("1",), [1.0], [2001])
    with pytest.raises(ParameterError, match="no event is marked as observed"):
        observed(select(STORMS, [1]))


def test_intensity_of_a_period_at_each_site():
    found = intensity_of_period(STORMS, [2, 4, 5], rule="step")
    np.testing.assert_array_equal(found, [[20, 0], [np.nan, 40], [np.nan, np.nan]])
