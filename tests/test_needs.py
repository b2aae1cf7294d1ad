"""Minimum needs."""

import numpy as np
import pandas as pd
import pytest

from geo_risk.errors import DeclarationError, NotFound, ParameterError
from geo_risk.impact.needs import Need, needs, needs_by_area
from layers._tables.need_sets import need_set


def need(value=1.0, persons=20, every="once"):
    return Need(
        id="toilets", title={}, value=value, unit="toilet", persons=persons, every=every, standard="", region="", source="",
        checked="",
    )


@pytest.mark.parametrize(("people", "toilets"), [(0, 0), (1, 1), (20, 1), (20.5, 2), (21, 2), (979_000, 48_950)])
def test_whole_units_rounded_up(people, toilets):
    assert needs(people, [need()])["amount"].tolist() == [toilets]


@pytest.mark.parametrize(("value", "people", "amount"), [(0.05, 20, 1), (0.1, 3, 1), (2.8, 979_000, 2_741_200), (0.07, 100, 7)])
def test_binary_fractions_add_no_unit(value, people, amount):
    assert needs(people, [need(value, 1)])["amount"].tolist() == [amount]


def test_unknown_people_have_unknown_needs():
    assert np.isnan(needs(np.nan, [need()])["amount"]).all()
    assert needs_by_area(pd.Series([30, None], index=["a", "b"]), [need()])["toilets"].to_dict() == pytest.approx(
        {"a": 2, "b": np.nan}, nan_ok=True
    )


@pytest.mark.parametrize("people", [-1, np.inf])
def test_unsound_people_are_refused(people):
    with pytest.raises(ParameterError, match="people are negative or without end; where: need toilets"):
        needs(people, [need()])


@pytest.mark.parametrize(("value", "persons", "every"), [(0, 1, "day"), (1, 0, "day"), (np.nan, 1, "day"), (1, 1, "year")])
def test_an_unsound_need_is_refused(value, persons, every):
    with pytest.raises(DeclarationError, match="no sound value; where: need toilets"):
        need(value, persons, every)


@pytest.mark.parametrize("name", ["sphere", "who", "bnpb"])
def test_every_set_names_its_standard(name):
    found = need_set(name)
    assert len({one.id for one in found}) == len(found)
    assert all(one.source and one.standard and one.checked and set(one.title) == {"en", "zh"} for one in found)


def test_a_set_that_is_not_there():
    with pytest.raises(NotFound, match=r"no such set of needs; .* expected: bnpb, sphere, who; got: ifrc"):
        need_set("ifrc")
