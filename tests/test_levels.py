"""A value on a bound takes the level of that bound; what is not known is unknown."""

import numpy as np
import pandas as pd
import pytest

from geo_risk.errors import DeclarationError
from geo_risk.levels import Level, Scheme, level_of
from geo_risk.model import Band


def level(level_id, at_least=None):
    return Level(id=level_id, numeral=level_id, title={}, colour="", text_colour="", shape="", advice={}, at_least=at_least)


def scheme(*bounds):
    return Scheme(
        id="s", title={}, unit="score", levels=tuple(level(name, bound) for name, bound in bounds), unknown=level("unknown"),
        source="", checked="",
    )


FOUR = scheme(("I", 6.5), ("II", 5.0), ("III", 3.5), ("IV", 0.0))


@pytest.mark.parametrize(
    ("value", "expected"),
    [(10, "I"), (6.5, "I"), (6.4999, "II"), (5, "II"), (3.5, "III"), (0, "IV"), (-1, "IV"), (np.nan, "unknown"), (np.inf, "I")],
)
def test_level_of(value, expected):
    assert level_of(pd.Series([value], index=["a"]), FOUR).to_dict() == {"a": expected}


def test_no_values_no_levels():
    assert level_of(pd.Series([], dtype=float), FOUR).empty


@pytest.mark.parametrize("bounds", [[], [("I", 1.0), ("II", 1.0)], [("I", 1.0), ("II", 2.0)], [("I", None)]])
def test_bounds_must_fall(bounds):
    with pytest.raises(DeclarationError, match="bounds must fall from the worst"):
        scheme(*bounds)


def test_a_level_by_id_and_the_unknown_one():
    assert (FOUR.level("II").at_least, FOUR.level("V").id) == (5.0, "unknown")


def test_bands_meet_and_leave_no_gap():
    assert scheme(("I", 5.0), ("IV", 0.0)).bands() == (
        Band(level="I", numeral="I", at_least=5.0, below=None),
        Band(level="IV", numeral="IV", at_least=None, below=5.0),
        Band(level="unknown", numeral="unknown", at_least=None, below=None),
    )
