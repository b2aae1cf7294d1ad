"""What a year costs and what is exceeded how often: sums by hand, numpy, and the integral by brute force."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_risk.errors import ParameterError
from geo_risk.impact.frequency import (
    BEYOND,
    READINGS,
    SEGMENT,
    annual_expectation,
    exceedance,
    expectation_of_events,
    expectation_spread,
    loss_at,
    yearly,
)

PERIODS = st.lists(st.sampled_from([1, 2, 5, 10, 25, 50, 100, 500, 1000]), min_size=1, max_size=6, unique=True)
LOSS = st.floats(0, 1e6)


def by_steps(periods, losses, log):
    """The area under the loss by 200,000 thin strips."""
    often = 1 / np.array(sorted(periods))[::-1]
    lost = np.array([loss for _, loss in sorted(zip(periods, losses, strict=True))])[::-1]
    edges = np.linspace(often[0], often[-1], 200_001)
    middle = (edges[1:] + edges[:-1]) / 2
    loss = np.interp(np.log(middle), np.log(often), lost) if log else np.interp(middle, often, lost)
    return (loss * np.diff(edges)).sum()


@settings(max_examples=40, deadline=None)
@given(points=PERIODS.flatmap(lambda years: st.tuples(st.just(years), st.lists(LOSS, min_size=len(years), max_size=len(years)))))
@pytest.mark.parametrize("rule", SEGMENT)
def test_as_thin_strips(rule, points):
    years, losses = points
    found = annual_expectation(years, losses, rule=rule, tail="none")
    assert found == pytest.approx(by_steps(years, losses, rule == "log_linear"), rel=1e-4, abs=1e-3)


@pytest.mark.parametrize("rule", SEGMENT)
def test_equal_losses_are_a_rectangle_and_order_does_not_matter(rule):
    assert annual_expectation([2, 10], [100, 100], rule=rule, tail="none") == pytest.approx(40)
    assert annual_expectation([10, 2], [100, 100], rule=rule) == pytest.approx(50)
    shuffled = annual_expectation([50, 2, 10], [9, 1, 4], rule=rule)
    assert shuffled == annual_expectation([2, 10, 50], [1, 4, 9], rule=rule)


@pytest.mark.parametrize(
    ("head", "years", "extra"), [("none", None, 0), ("falls_to_zero", 1, 100 * 0.5 / 2), ("held", 1, 100 * 0.5)]
)
def test_heads(head, years, extra):
    assert annual_expectation([2, 10], [100, 100], head=head, head_years=years) == pytest.approx(50 + extra)


def test_a_column_an_object_and_unknown_stays_with_its_object():
    found = annual_expectation([2, 10], [[100, np.nan, 0], [100, 5, 0]])
    assert found[[0, 2]] == pytest.approx([50, 0])
    assert np.isnan(found[1])


@pytest.mark.parametrize(
    ("years", "losses", "choices", "text"),
    [
        ([10, 10], [1, 2], {}, "return periods must differ.*2 of which 1 differ"),
        ([], [], {}, "return periods must differ"),
        ([0, 10], [1, 2], {}, "a return period must be above 0.*got: 0.0"),
        ([-5, 10], [1, 2], {}, "a return period must be above 0.*got: -5.0"),
        ([np.nan, 10], [1, 2], {}, "a return period must be above 0"),
        ([5, 10], [1], {}, "losses do not fit.*2 losses"),
        ([5, 10], [1, np.inf], {}, "a loss is infinite"),
        ([5, 10], [1, 2], {"rule": "simpson"}, "no such rule.*trapezoid, log_linear.*got: simpson"),
        ([5, 10], [1, 2], {"tail": "half"}, "no such tail"),
        ([5, 10], [1, 2], {"head": "held"}, "head_years is missing.*below the first return period of 5 years.*got: nothing"),
        ([5, 10], [1, 2], {"head": "held", "head_years": 5}, "head_years is missing or out of range"),
    ],
)
def test_what_makes_no_expectation(years, losses, choices, text):
    with pytest.raises(ParameterError, match=text):
        annual_expectation(years, losses, **choices)


def test_the_spread_holds_every_rule_and_tail():
    spread = expectation_spread([2, 10], [[100, 1], [100, 1]])
    assert spread.shape == (4, 2)
    assert spread.loc[("log_linear", "none")].tolist() == pytest.approx([40, 0.4])


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(LOSS, st.floats(0, 1)), min_size=1, max_size=20))
def test_expectation_of_events_is_the_area_under_its_curve(events):
    losses, often = (np.array(column) for column in zip(*events, strict=True))
    curve = exceedance(losses, often)
    under = (curve.loss * np.diff(curve.frequency, prepend=0)).sum()
    assert expectation_of_events(losses, often) == pytest.approx(under, abs=1e-6)
    assert (np.diff(curve.loss) <= 0).all()


@pytest.mark.parametrize("often", [[-0.1, 0.2], [np.nan, 0.2], [np.inf, 0.2]])
def test_a_frequency_must_be_a_number_not_negative(often):
    for ask in (expectation_of_events, exceedance):
        with pytest.raises(ParameterError, match="a frequency must be a number, 0 or more"):
            ask([1, 2], often)


def test_the_order_of_events_does_not_matter_even_among_equal_losses():
    one = exceedance([5, 5, 5, 9], [0.1, 0.3, 0.2, 0.01])
    other = exceedance([5, 9, 5, 5], [0.3, 0.01, 0.2, 0.1])
    assert one.frequency.tolist() == other.frequency.tolist()


CURVE = exceedance([0.0, 100.0, 300.0], [0.08, 0.01, 0.01])  # 10, 50 and 100 years


@pytest.mark.parametrize("rule", [rule for rule in READINGS if rule != "log_fit"])
def test_rules_agree_on_the_points(rule):
    assert loss_at(CURVE, [50, 100], rule=rule).tolist() == pytest.approx([100, 300])


@pytest.mark.parametrize(
    ("rule", "loss"),
    [
        ("linear_in_period", 200.0), ("log_frequency", 100 + 200 * np.log(1.5) / np.log(2)),
        ("log_log", 100 * 3 ** (np.log(1.5) / np.log(2))), ("step", 100.0), ("log_fit", 100 + 200 * np.log(1.5) / np.log(2)),
    ],
)
def test_between_two_points(rule, loss):
    assert loss_at(CURVE, [75], rule=rule).tolist() == pytest.approx([loss])


@pytest.mark.parametrize(
    ("beyond", "ends"),
    [("rarer_unknown", [0, np.nan]), ("held", [0, 300]), ("zero_and_held", [0, 300]), ("unknown", [np.nan, np.nan])],
)
def test_beyond_the_curve(beyond, ends):
    assert set(BEYOND) == {"rarer_unknown", "held", "zero_and_held", "unknown"}
    np.testing.assert_array_equal(loss_at(CURVE, [9, 101], beyond=beyond), ends)


def test_what_never_happens_has_no_period():
    never = exceedance([5.0, 7.0], [0.0, 0.0])
    assert never.return_period.tolist() == [np.inf, np.inf]
    np.testing.assert_array_equal(loss_at(never, [100]), [np.nan])  # beyond a record of no length
    assert loss_at(never, [100], beyond="held").tolist() == [0]


@pytest.mark.parametrize(("beyond", "late"), [("rarer_unknown", np.nan), ("held", 0), ("zero_and_held", 0), ("unknown", np.nan)])
@pytest.mark.parametrize("rule", READINGS)
def test_a_record_without_loss_ends_too(rule, beyond, late):
    np.testing.assert_array_equal(loss_at(exceedance([0.0, 0.0], [0.1, 0.1]), [5, 9, 11], rule=rule, beyond=beyond)[1:], [0, late])


def test_an_unknown_event_makes_the_reading_unknown_unless_left_out():
    curve = exceedance([100.0, np.nan], [0.01, 0.5])
    assert np.isnan(loss_at(curve, [100])).all()
    assert loss_at(curve, [100], unknown="left_out").tolist() == [100]
    assert np.isnan(loss_at(exceedance([], []), [100])).all()


def test_an_exceedance_curve_is_of_one_loss_an_event():
    with pytest.raises(ParameterError, match=r"of one loss an event.*got: 2 dimensions"):
        exceedance([[1.0], [2.0]], [0.1, 0.1])


def test_losses_by_year():
    assert yearly([1, 2, 4], [2001, 2000, 2001]).to_dict() == {2000: 2, 2001: 5}
