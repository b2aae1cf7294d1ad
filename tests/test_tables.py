from collections.abc import Callable
from pathlib import Path

import pytest

from geo_risk.errors import DeclarationError
from layers._tables import role_weights, scales, scheme, table

NUMBERED = ["area_per_person", "threat", "factors", "levels", "needs", "depth_classes", "air"]


@pytest.mark.parametrize("name", NUMBERED)
def test_every_number_says_where_it_comes_from(name: str) -> None:
    def cited(part: object) -> bool:
        return isinstance(part, dict) and {"source", "checked"} <= set(part)

    content = table(name)
    groups = [part for key, part in content.items() if key in {"scheme", "factor"}]
    rows = [row for group in groups for row in group.values()] or content["row"]
    assert cited(content) or all(cited(row) for row in rows)


def test_four_levels_and_unknown_differ_in_numeral_shape_and_colour() -> None:
    found = scheme("risk_index")
    looks = [(level.numeral, level.shape, level.colour) for level in (*found.levels, found.unknown)]
    assert all(len(set(part)) == 5 for part in zip(*looks, strict=True))


def test_every_scheme_grades_and_every_factor_names_one_that_is_there() -> None:
    graded = {each: scheme(each) for each in table("levels")["scheme"]}
    assert all(len({level.numeral for level in found.levels}) == len(found.levels) for found in graded.values())
    assert {scale.scheme for scale in scales().values()} - {""} <= set(graded)
    assert [level.numeral for level in graded["forest_fire"].levels] == ["5", "4", "3", "2", "1"]


@pytest.mark.parametrize(
    ("call", "says"),
    [(lambda: scheme("six"), "no such scheme of levels"), (lambda: role_weights("x"), "no such set of role weights")],
)
def test_what_no_table_has_is_named(call: Callable[[], object], says: str) -> None:
    with pytest.raises(DeclarationError, match=says):
        call()


def test_a_deployment_overrides_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "factors.toml").write_text(
        '[factor.population]\ncurve="linear"\nlow=0\nhigh=5\nweight=2\nsource="us"\nchecked="us"\n'
    )
    monkeypatch.setenv("GEO_RISK_TABLES", str(tmp_path))
    assert scales()["population"].high == 5


def test_a_missing_table_is_named() -> None:
    with pytest.raises(DeclarationError, match=r"no table 'tides'; where: layers/_tables; expected: tides\.toml"):
        table("tides")
