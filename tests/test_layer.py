import pytest

from geo_risk.errors import DeclarationError
from layers._layer import Column, Geometry, Layer, Style

NAME = Column("name", str, title={"en": "Name", "zh": "名称"})


def declare(**changes: object) -> Layer:
    given = {
        "id": "wells",
        "title": {"en": "Wells", "zh": "井"},
        "geometry": Geometry.POINT,
        "group": "base",
        "columns": (NAME,),
        "style": Style(icon="box", colour="#000000"),
    }
    return Layer(**{**given, **changes})


def test_a_unit_stands_in_the_title() -> None:
    assert Column("depth_m", float, unit="m", title={"en": "Depth", "zh": "深度"}).titled("zh-CN") == "深度 (m)"


@pytest.mark.parametrize(
    "changes",
    [
        {"key": ("code",)},
        {"columns": (NAME, NAME)},
        {"style": Style(icon="box", colour="#000000", popup=("depth",))},
        {"columns": (NAME, Column("source", str, title={"en": "Source", "zh": "来源"}))},
    ],
)
def test_a_declaration_that_contradicts_itself_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(DeclarationError, match=r"layers/wells\.py"):
        declare(**changes)


def test_a_title_needs_both_languages() -> None:
    with pytest.raises(DeclarationError, match="expected: en and zh"):
        Column("name", str, title={"en": "Name"})
